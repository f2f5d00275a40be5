"""The networks that ship with the course: weights as `.npz`, each with its model card as `.json`."""

import hashlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from cvcourse import stored
from cvcourse.models import instances, rcnn, ssd
from cvcourse.models.cnn import cnn
from cvcourse.models.gan import steady_gan
from cvcourse.models.mask_rcnn import mask_rcnn
from cvcourse.models.super_resolution import super_resolution
from cvcourse.models.unet import unet
from cvcourse.models.vae import plane_vae, vae
from cvcourse.models.vgg import course_network
from cvcourse.models.yolo import decode, yolo
from cvcourse.pretrained.network import Pretrained, course_images
from cvcourse.pretrained.torch_file import check_sha256

WEIGHTS = Path(__file__).parents[1] / "weights"


class Shipped(NamedTuple):
    """What the card of a network that ships does not say.

    Attributes:
        build: function of the number of classes; the untrained network.
        smallest: int, least height and width of an image in pixels.
        told: str, what the card's figures mean, as a format string.
        read: function, one output of the network to its answer; None for probabilities of classes.
    """

    build: Callable[[int], keras.Model]
    smallest: int
    told: str
    read: Callable[[Any], Any] | None = None


def _as_it_is(output):
    return output


def _mask(probabilities):
    return probabilities.argmax(axis=-1).astype("uint8")


BOXES = "mAP@0.5 {map50:.3f} on 500 test scenes"
SHIPPED = {
    "course": Shipped(lambda classes: course_network((None, None, 3), classes), 32,
                      "{test_accuracy:.1%} of its test images right"),
    "scenes_classifier": Shipped(lambda classes: cnn((None, None, 3), classes), 16,
                                 "{test_accuracy:.1%} of 500 test scenes right"),
    "yolo": Shipped(lambda classes: yolo((64, 64, 3), classes), 64, BOXES, decode),
    "ssd": Shipped(lambda classes: ssd.ssd((64, 64, 3), classes), 64, BOXES, ssd.decode),
    "rcnn": Shipped(rcnn.crop_network, 32,
                    f"{BOXES}, as a sliding window {{sliding_window_map50:.3f}}", _as_it_is),
    "unet": Shipped(lambda classes: unet((None, None, 3), classes), 16,
                    "mean IoU {mean_iou:.3f} on 500 test scenes", _mask),
    "mask_rcnn": Shipped(lambda classes: mask_rcnn(64, classes), 64,
                         "mask AP@0.5 {mask_ap50:.3f} on 500 test scenes", instances.decode),
    "unet_nuclei": Shipped(lambda classes: unet((None, None, 3), classes, (8, 16, 32, 48)), 8,
                           "Dice {dice:.3f} on 12 test images", _mask),
    "vae": Shipped(lambda _: vae(), 32, "reconstructs with {psnr:.1f} dB", _as_it_is),
    "vae_plane": Shipped(lambda _: plane_vae(), 32,
                         "reconstructs with {psnr:.1f} dB from two numbers", _as_it_is),
    "gan": Shipped(lambda _: steady_gan(), 32, "Fréchet distance {frechet:.1f} to real pictures"),
    "super_resolution": Shipped(
        lambda _: super_resolution(), 2,
        "{psnr_network:.2f} dB on photographs that it has not seen, bicubic {psnr_bicubic:.2f} dB",
        lambda output: output.clip(0, 1)),
}  # fmt: skip


def card(name: str = "course") -> dict[str, Any]:
    """Return the model card of weights that ship with the course: data, recipe, figures, as a dict."""
    path = WEIGHTS / f"{name}.json"
    if not path.is_file():
        known = sorted(other.stem for other in WEIGHTS.glob("*.json"))
        raise ValueError(f"name must be one of {', '.join(known)}. Received: name={name!r}")
    parts = ("classes", "data") if name in SHIPPED else ("package", "install", "told")
    return stored.read(path, ("file", "sha256", *parts))


def save_weights(model: keras.Model, path: str | PathLike) -> str:
    """Write a model's weights to an `.npz` file, kernels as float16, and return its sha256.

    Float16 halves the file; vectors (biases, batch norm) stay float32, since a moving variance
    may be too small for float16.
    """
    arrays: dict[str, Any] = {}
    for key, variable in _variables(model).items():
        array = np.asarray(variable)
        arrays[key] = array.astype("float16") if array.ndim > 1 else array.astype("float32")
    np.savez_compressed(path, **arrays)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def load_weights(model: keras.Model, path: str | PathLike, sha256: str | None = None) -> None:
    """Load weights written by `save_weights` into a model of the same architecture.

    Raises:
        ValueError: a file that is missing, damaged or no `.npz`; a checksum that differs, or other names or
            shapes than the model's.
    """
    if sha256 is not None:
        check_sha256(path, sha256, "Install the course again to get a whole file.")
    arrays, variables = stored.read_npz(path), _variables(model)
    wrong = sorted(set(variables) ^ set(arrays)) or [
        key
        for key, variable in variables.items()
        if arrays[key].shape != tuple(variable.shape) or arrays[key].dtype.kind != "f"
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
            f"the layers of {model.name!r} must have different names, or some weights would be "
            f"lost. Received: {len(kept)} weights, {len(named)} names"
        )
    return named


def load_shipped(name: str, weights: str | PathLike | None = None) -> Pretrained:
    """Return a network of `SHIPPED`; see `cvcourse.pretrained.load`."""
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
