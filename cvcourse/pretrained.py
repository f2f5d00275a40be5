"""Networks that are trained already: those that ship with the course, and ImageNet's."""

import hashlib
import inspect
import json
import os
import socket
import sys
import threading
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import keras
import numpy as np

from cvcourse.models import instances, rcnn, ssd
from cvcourse.models.cnn import cnn
from cvcourse.models.gan import gan
from cvcourse.models.mask_rcnn import mask_rcnn
from cvcourse.models.super_resolution import super_resolution
from cvcourse.models.unet import unet
from cvcourse.models.vae import vae
from cvcourse.models.vgg import course_network
from cvcourse.models.yolo import decode, yolo

WEIGHTS = resources.files("cvcourse") / "weights"
CONNECT_SECONDS, READ_SECONDS = 5, 20

# What `best` looks for in Keras's cache, the strongest first: name and start of the file's name.
PREFERRED = {
    "EfficientNetV2B0": "efficientnetv2-b0.h5",
    "EfficientNetB0": "efficientnetb0.h5",
    "ResNet50": "resnet50_weights_tf_dim_ordering_tf_kernels.h5",
    "MobileNetV2": "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
    "VGG16": "vgg16_weights_tf_dim_ordering_tf_kernels.h5",
}


class Shipped(NamedTuple):
    """What the card of a network that ships does not say.

    Attributes:
        build: function of the number of classes; the untrained network.
        smallest: int, least height and width of an image in pixels.
        told: str, what the card's figures mean, as a format string.
        read: function, one output of the network to its answer; None for probabilities of classes.
    """

    build: object
    smallest: int
    told: str
    read: object = None


SHIPPED = {
    "course": Shipped(
        lambda classes: course_network((None, None, 3), classes),
        32,
        "{test_accuracy:.1%} of its test images right",
    ),
    "scenes_classifier": Shipped(
        lambda classes: cnn((None, None, 3), classes), 16, "{test_accuracy:.1%} of 500 test scenes right"
    ),
    "yolo": Shipped(
        lambda classes: yolo((64, 64, 3), classes), 64, "mAP@0.5 {map50:.3f} on 500 test scenes", decode
    ),
    "ssd": Shipped(
        lambda classes: ssd.ssd((64, 64, 3), classes),
        64,
        "mAP@0.5 {map50:.3f} on 500 test scenes",
        ssd.decode,
    ),
    "rcnn": Shipped(
        rcnn.crop_network,
        32,
        "mAP@0.5 {map50:.3f} on 500 test scenes, as a sliding window {sliding_window_map50:.3f}",
        lambda output: output,
    ),
    "unet": Shipped(
        lambda classes: unet((None, None, 3), classes),
        16,
        "mean IoU {mean_iou:.3f} on 500 test scenes",
        lambda output: output.argmax(axis=-1).astype("uint8"),
    ),
    "mask_rcnn": Shipped(
        lambda classes: mask_rcnn(64, classes),
        64,
        "mask AP@0.5 {mask_ap50:.3f} on 500 test scenes",
        instances.decode,
    ),
    "unet_nuclei": Shipped(
        lambda classes: unet((None, None, 3), classes, (8, 16, 32, 48)),
        8,
        "Dice {dice:.3f} on 12 test images",
        lambda output: output.argmax(axis=-1).astype("uint8"),
    ),
    "vae": Shipped(lambda _: vae(), 32, "reconstructs with {psnr:.1f} dB", lambda output: output),
    "vae_plane": Shipped(
        lambda _: vae(latent=2, widths=(16, 32, 64)),
        32,
        "reconstructs with {psnr:.1f} dB from two numbers",
        lambda output: output,
    ),
    "gan": Shipped(lambda _: gan(), 32, "Fréchet distance {frechet:.1f} to real pictures"),
    "super_resolution": Shipped(
        lambda _: super_resolution(),
        2,
        "{psnr_network:.2f} dB on photographs that it has not seen, bicubic {psnr_bicubic:.2f} dB",
        lambda output: output.clip(0, 1),
    ),
}


class Pretrained(NamedTuple):
    """A trained network with all that is needed to use it rightly.

    Attributes:
        name: str.
        model: Keras model from images (N, H, W, 3); a classifier's answers with (N, classes).
        preprocess: function; images as the course has them to what the model was trained on.
        classes: tuple of str, or None where the names of ImageNet's classes are not at hand.
        source: str, where the weights came from.
        read: function, one output of the model to its answer; None for a classifier.
    """

    name: str
    model: keras.Model
    preprocess: object
    classes: tuple
    source: str
    read: object = None

    def __repr__(self):
        count = len(self.classes) if self.classes is not None else self.model.output_shape[-1]
        classes = f"{count} classes, " if count else ""
        return f"{self.name}: {self.model.count_params():,} parameters, {classes}{self.source}"

    def predict(self, images, top=5):
        """Return the answer for each image, as a list.

        A classifier answers with the `top` most probable classes, as (class, probability); "yolo" and "ssd"
        with `Detections` (boxes, labels, scores), "mask_rcnn" with `Instances` (masks, too); "unet" with a
        mask, uint8 (H, W), of indices into `classes`; "super_resolution" and "vae" with an image, float32.
        """
        outputs = self.model(self.preprocess(images), training=False)
        outputs = keras.tree.map_structure(np.asarray, outputs)
        if self.read is None:
            return self._best(outputs, top)
        if isinstance(outputs, dict):  # of arrays, to a dict for each image
            outputs = [dict(zip(outputs, rows, strict=True)) for rows in zip(*outputs.values(), strict=True)]
        return [self.read(output) for output in outputs]

    def _best(self, probabilities, top):
        best = np.argsort(-probabilities, axis=1)[:, :top]
        return [
            [(self._name(k), float(row[k])) for k in ks] for row, ks in zip(probabilities, best, strict=True)
        ]

    def _name(self, k):
        return self.classes[k] if self.classes else f"class {k}"


def load(name="course", weights=None):
    """Return a trained network.

    Args:
        name: of a network that ships with the course (a key of `SHIPPED`: "course", "yolo", "unet" …), or any
            name of `keras.applications`, for example "vgg16".
        weights: path of a `.weights.h5` or `.h5` file made for that architecture (`.npz`, for a network
            that ships). Without it, ImageNet weights come from Keras's cache or are downloaded into it.

    Returns:
        `Pretrained`.

    Raises:
        ValueError: unknown name; weights of another architecture; a damaged file.
        OSError: the weights are not on this machine and cannot be had; the message says what to do.
    """
    shipped = {_key(known): known for known in SHIPPED}
    if _key(name) in shipped:
        return _load_shipped(shipped[_key(name)], weights)
    functions = _applications()
    if _key(name) not in functions:
        raise ValueError(
            f"name must be one of the course's ({', '.join(SHIPPED)}) or one of keras.applications, "
            f"{', '.join(sorted(f.__name__ for f in functions.values()))}. Received: name={name!r}"
        )
    function = functions[_key(name)]
    if weights is None:
        model, source = _from_keras(function), "ImageNet weights of keras.applications"
    else:
        model, source = function(weights=None), f"weights from {Path(weights).name}"
        _load_file(model, Path(weights))
    preprocess = _imagenet_preprocess(
        sys.modules[function.__module__].preprocess_input, model.input_shape[1:3]
    )
    return Pretrained(function.__name__, model, preprocess, _imagenet_classes(), source)


def best():
    """Return the strongest network at hand without a download, and print which one it is."""
    cache = _cache()
    cached = [name for name, file in PREFERRED.items() if (cache / file).is_file()]
    found = load(cached[0] if cached else "course")
    print(found)
    return found


def card(name="course"):
    """Return the model card of weights that ship with the course: data, recipe, figures, as a dict."""
    return json.loads((WEIGHTS / f"{name}.json").read_text(encoding="utf8"))


def save_weights(model, path):
    """Write a model's weights to an `.npz` file, kernels as float16, and return its sha256.

    Float16 halves the file; vectors (biases, batch norm) stay float32, since a moving variance
    may be too small for float16.
    """
    arrays = {}
    for key, variable in _variables(model).items():
        array = np.asarray(variable)
        arrays[key] = array.astype("float16") if array.ndim > 1 else array.astype("float32")
    np.savez_compressed(path, **arrays)
    return _sha256(path)


def load_weights(model, path, sha256=None):
    """Load weights written by `save_weights` into a model of the same architecture.

    Raises:
        ValueError: a checksum that differs, or other names or shapes than the model's.
    """
    if sha256 is not None and _sha256(path) != sha256:
        raise ValueError(
            f"the weight file {Path(path).name} is damaged: its sha256 must be {sha256}. "
            f"Received: {_sha256(path)}. Install the course again to get a whole file."
        )
    with np.load(path, allow_pickle=False) as arrays:
        variables = _variables(model)
        wrong = sorted(set(variables) ^ set(arrays.files)) or [
            key for key, variable in variables.items() if arrays[key].shape != tuple(variable.shape)
        ]
        if wrong:
            raise ValueError(
                f"{Path(path).name} must hold the weights of {model.name!r}. "
                f"Received other names or shapes for: {', '.join(wrong[:5])}"
            )
        for key, variable in variables.items():
            variable.assign(arrays[key].astype("float32"))


def _variables(model):
    """The model's variables that belong to its function, by name; not the state of its dice."""
    kept = [variable for variable in model.variables if not variable.path.endswith("seed_generator_state")]
    # A functional model puts its own name before a variable's path in some cases; leave it out.
    named = {variable.path.removeprefix(f"{model.name}/"): variable for variable in kept}
    if len(named) < len(kept):
        raise ValueError(
            f"the layers of {model.name!r} must have different names, or some weights would be lost. "
            f"Received: {len(kept)} weights, {len(named)} names"
        )
    return named


def _sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _load_shipped(name, weights):
    facts, shipped = card(name), SHIPPED[name]
    model = shipped.build(len(facts["classes"]))
    path = WEIGHTS / facts["file"] if weights is None else weights
    load_weights(model, path, facts["sha256"] if weights is None else None)
    source = f"trained on {facts['data']['name']}, {shipped.told.format(**facts)}"
    return Pretrained(
        name,
        model,
        lambda images: course_images(images, shipped.smallest),
        tuple(facts["classes"]),
        source,
        shipped.read,
    )


def course_images(images, smallest=32):
    """Return images as a float32 batch (N, H, W, 3) in [0, 1].

    Args:
        images: (H, W, 3) or (N, H, W, 3); uint8 in 0…255, or float in [0, 1].
        smallest: int, the least height and width in pixels.

    Raises:
        ValueError: another rank, other channels, another range, or an image that is too small.
    """
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[None]
    if images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(
            "images must be (H, W, 3) or (N, H, W, 3). For a grey image, stack it three times: "
            f"np.repeat(image[..., None], 3, axis=-1). Received: shape={images.shape}"
        )
    if min(images.shape[1:3]) < smallest:
        raise ValueError(
            f"images must be at least {smallest}×{smallest} pixels; enlarge them first, for "
            f"example with keras.ops.image.resize. Received: shape={images.shape}"
        )
    if images.dtype == np.uint8:
        return images.astype("float32") / 255
    images = images.astype("float32")
    low, high = images.min(), images.max()
    if not (low >= -1e-3 and high <= 1 + 1e-3):
        raise ValueError(
            "images must be uint8 in 0…255 or float in [0, 1]; divide by 255 if they are 0…255. "
            f"Received: values from {low:g} to {high:g}"
        )
    return images


def _imagenet_preprocess(function, size):
    def preprocess(images):
        images = course_images(images, 1) * 255
        if images.shape[1:3] != size:
            images = np.asarray(
                keras.ops.image.resize(images, size, interpolation="bilinear", antialias=True)
            )
        return function(np.array(images))

    return preprocess


def _key(name):
    if not isinstance(name, str):
        raise TypeError(f'name must be a text such as "course" or "vgg16". Received: name={name!r}')
    return name.lower().replace("_", "").replace("-", "")


def _applications():
    members = inspect.getmembers(keras.applications, inspect.isfunction)
    return {_key(name): function for name, function in members if name[0].isupper()}


def _cache():
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"


def _imagenet_classes():
    path = _cache() / "imagenet_class_index.json"
    if not path.is_file():
        return None
    index = json.loads(path.read_text(encoding="utf8"))
    return tuple(index[str(k)][1] for k in range(len(index)))


def _from_keras(function):
    # A cached file needs no network, so Keras is asked even where the server is out of reach.
    problem = _probe(urlsplit(keras.src.applications.vgg16.WEIGHTS_PATH).hostname)
    try:
        with _socket_timeout(READ_SECONDS if problem is None else 0.5):
            return function(weights="imagenet")
    except Exception as error:
        name = function.__name__
        raise OSError(
            f"The ImageNet weights of {name} are not in Keras's cache ({_cache()}) and cannot be "
            f"downloaded: {problem or error}. What to do: connect to the internet once and call this again; "
            f'or copy the weight file here and call pretrained.load("{name}", weights="path/to/file.h5"); '
            'or go on with pretrained.load("course"), which needs no network.'
        ) from error


def _probe(host):
    """Return None if the host accepts a connection in time, name look-up included, else the reason."""
    answer = []

    def connect():
        try:
            socket.create_connection((host, 443), timeout=CONNECT_SECONDS).close()
            answer.append(None)
        except OSError as error:
            answer.append(error)

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    return answer[0] if answer else f"the server did not answer within {CONNECT_SECONDS} s"


@contextmanager
def _socket_timeout(seconds):
    # Keras's downloader sets no timeout of its own, but every new socket takes this default.
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _load_file(model, path):
    if not path.is_file():
        raise ValueError(f"weights must be the path of an existing .h5 file. Received: weights={str(path)!r}")
    try:
        model.load_weights(path)
    except Exception as error:
        raise ValueError(
            f"weights must be an .h5 file made for {model.name!r}. Received: {path.name}, which "
            f"could not be read: {str(error).splitlines()[0]}"
        ) from error
