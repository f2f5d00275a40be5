"""Networks that are trained already: those that ship with the course, and ImageNet's.

- `load(name)`: a network with its preprocessing and the names of its classes, as a `Pretrained`.
- `best()`: the strongest one that needs no download; `installed(name)`: whether one from pip is here.
- `card(name)`: data, recipe, figures and limits of weights; `save_weights`, `load_weights`: as they ship.
"""

from os import PathLike

from cvcourse.pretrained.applications import load_application, names
from cvcourse.pretrained.imagenet import NAMES, class_names, installed, load_installed
from cvcourse.pretrained.network import Pretrained, centre_crop, course_images, key
from cvcourse.pretrained.shipped import SHIPPED, WEIGHTS, card, load_shipped, load_weights, save_weights

__all__ = [
    "SHIPPED", "WEIGHTS", "Pretrained", "best", "card", "centre_crop", "class_names", "course_images",
    "installed", "load", "load_weights", "save_weights",
]  # fmt: skip


def load(name: str = "course", weights: str | PathLike | None = None) -> Pretrained:
    """Return a trained network.

    Args:
        name: of a network that ships with the course (a key of `SHIPPED`: "course", "yolo", "unet" …), of one
            that came by pip ("efficientnet_lite0", "vgg16_edges"), or any name of `keras.applications`, for
            example "vgg16".
        weights: path of a `.weights.h5` or `.h5` file made for that architecture (`.npz`, for a network
            that ships). Without it, weights of `keras.applications` come from Keras's cache or are downloaded
            into it.

    Returns:
        `Pretrained`.

    Raises:
        ValueError: unknown name; weights of another architecture; a damaged file.
        OSError: the weights are not on this machine and cannot be had; the message says what to do.
    """
    if weights is not None and not isinstance(weights, str | PathLike):
        raise TypeError(f"weights must be the path of a file. Received: weights={weights!r}")
    own = {key(known): known for known in (*SHIPPED, *NAMES)}
    if own.get(key(name)) in SHIPPED:
        return load_shipped(own[key(name)], weights)
    if key(name) in own and weights is None:
        return load_installed(own[key(name)])
    if key(name) not in names():
        raise ValueError(
            f"name must be one of the course's ({', '.join(own.values())}) or one of "
            f"keras.applications, {', '.join(sorted(f.__name__ for f in names().values()))}. "
            f"Received: name={name!r}"
        )
    return load_application(key(name), weights)


def best() -> Pretrained:
    """Return the strongest network that needs no download, and print which one it is.

    That is the one that learned from ImageNet where its package is installed, else the course's own.
    """
    found = load("efficientnet_lite0" if installed() else "course")
    print(found)
    return found
