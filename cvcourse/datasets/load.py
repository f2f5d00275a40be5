"""Data sets by name, as uint8 arrays.

Two are bundled. The others are looked for in the folder named by `CVCOURSE_DATA` (a class's shared drive
or a USB stick), then in Keras's cache, then on the internet; an error says which of these were tried.
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cvcourse.datasets.sources import SOURCES, cached, fetch_files, keras_cache
from cvcourse.stored import read_npz, whole

FOLDER = "CVCOURSE_DATA"


class Dataset(NamedTuple):
    """Images with labels, split into training and test, and the names of the classes.

    Images are uint8 of shape (N, H, W) or (N, H, W, C); labels are int64 of shape (N,), and
    `classes[label]` is a label's name.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: tuple

    def __repr__(self):
        size = "×".join(str(side) for side in self.x_train.shape[1:])
        return (
            f"Dataset: {len(self.x_train):,} training and {len(self.x_test):,} test images "
            f"of {size}, {len(self.classes)} classes"
        )


def load(name):
    """Data set `name`, as a `Dataset`.

    Args:
        name: "digits" (scikit-learn's 1,797 handwritten digits, 8×8) or "faces" (scikit-image's
            subset of Labeled Faces in the Wild: 100 faces and 100 other patches, 25×25), both bundled;
            "mnist", "fashion_mnist", "cifar10" or "cifar100"; or the name of any NAME.npz in the
            folder `CVCOURSE_DATA`.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: if no data set has this name, or if its file is damaged or not a data set.
        ConnectionError: if it is nowhere on this machine and cannot be downloaded; says what to do.

    Example:
        >>> load("digits")
        Dataset: 1,437 training and 360 test images of 8×8, 10 classes
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be the name of a data set. Received: name={name!r}")
    if name in _BUNDLED:
        return _split(*_BUNDLED[name]())
    folder = os.environ.get(FOLDER)
    if folder and (path := Path(folder).expanduser() / f"{Path(name).name}.npz").is_file():
        return _read(path)
    if name not in SOURCES:
        names = ", ".join([*_BUNDLED, *SOURCES])
        raise ValueError(
            f"name must be one of {names}, or that of a NAME.npz in the "
            f"folder named by {FOLDER}. Received: name={name!r}"
        )
    return _from_source(name, folder)


def fetch(name, folder):
    """Put data set `name` into a folder for a class, as NAME.npz; returns the file's path.

    Args:
        name: as for `load`; the bundled sets need no fetching.
        folder: where to put it, for example a shared drive. Students then set `CVCOURSE_DATA` to it.

    Raises:
        ValueError, ConnectionError: as `load`.
        PermissionError: if the folder cannot be written.
    """
    if name in _BUNDLED:
        raise ValueError(
            f"{name!r} travels with the course; there is nothing to fetch. "
            f"To be fetched: {', '.join(SOURCES)}"
        )
    data = load(name)
    path = Path(folder).expanduser() / f"{Path(name).name}.npz"
    with whole(path) as file:
        np.savez(file, **data._asdict())
    path.chmod(0o644)  # the whole class reads it
    return path


def _from_source(name, folder):
    """From Keras's cache, or from the internet into it."""
    source, cache = SOURCES[name], keras_cache()
    paths = cached(source, cache)
    if paths is None:
        try:
            paths = fetch_files(source, cache)
        except OSError as error:
            raise ConnectionError(_what_was_tried(name, folder, cache, error)) from None
    try:
        arrays = source.read(*paths)
    except Exception as error:
        raise ValueError(f"{paths[0]} cannot be read ({error}). Delete it and load {name!r} again.") from None
    return _checked(paths[0], *arrays, source.classes)


def _what_was_tried(name, folder, cache, error):
    shared = f"{folder} holds no {name}.npz" if folder else "not set"
    return (
        f"The data set {name!r} could not be had. Tried, in this order:\n"
        f"  1. the folder named by {FOLDER}: {shared};\n"
        f"  2. Keras's cache, {cache}: not there, or not whole;\n"
        f"  3. a download: {error}.\n"
        f"What to do: on a machine with internet, run `cvcourse data fetch {name} --to FOLDER`, bring FOLDER "
        f"here and set {FOLDER} to it; or set KERAS_HOME to a folder that can be written. "
        "Without a network, load('digits') and load('faces') always work."
    )


def _read(path):
    """A data set from an .npz file that anybody may have made, so everything about it is checked."""
    try:
        arrays = read_npz(path)
    except ValueError as error:
        raise ValueError(
            f"{error}. Copy it again, or make it anew with "
            f"`cvcourse data fetch {path.stem} --to {path.parent}`."
        ) from None
    missing = [key for key in Dataset._fields[:4] if key not in arrays]
    if missing:
        raise ValueError(
            f"{path} must hold the arrays x_train, y_train, x_test and y_test. "
            f"Received: {', '.join(arrays) or 'none'}; {', '.join(missing)} missing."
        )
    classes = SOURCES[path.stem].classes if path.stem in SOURCES else None
    if "classes" in arrays:
        classes = tuple(str(name) for name in arrays["classes"])
    return _checked(path, *(arrays[key] for key in Dataset._fields[:4]), classes)


def _checked(path, x_train, y_train, x_test, y_test, classes):
    """A `Dataset` of arrays that fit together."""
    labels = []
    for x, y, part in ((x_train, y_train, "train"), (x_test, y_test, "test")):
        if x.dtype != "uint8" or x.ndim not in (3, 4):
            raise ValueError(
                f"{path}: x_{part} must be uint8 images of shape (N, H, W) or (N, H, W, C). "
                f"Received: {x.dtype} of shape {x.shape}"
            )
        if y.size != len(x) or y.dtype.kind not in "iu":
            raise ValueError(
                f"{path}: y_{part} must be one int for each of the {len(x):,} images. "
                f"Received: {y.dtype} of shape {y.shape}"
            )
        labels.append(y.reshape(-1).astype("int64"))
    most = max(int(y.max(initial=0)) for y in labels)
    classes = classes or tuple(str(k) for k in range(most + 1))
    if most >= len(classes) or min(int(y.min(initial=0)) for y in labels) < 0:
        raise ValueError(
            f"{path}: labels must be 0 … {len(classes) - 1}, for {len(classes)} classes. "
            f"Received: labels up to {most}"
        )
    return Dataset(x_train, labels[0], x_test, labels[1], classes)


def _digits():
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.round(digits.images * (255 / 16)).astype("uint8")  # stored as 0 … 16
    return images, digits.target, tuple(str(digit) for digit in range(10))


def _faces():
    from skimage.data import lfw_subset

    images = np.round(lfw_subset() * 255).astype("uint8")
    labels = np.repeat([1, 0], 100)  # the first 100 are faces
    return images, labels, ("other", "face")


def _split(images, labels, classes):
    """The same split on every machine, with the same share of each class in the test part."""
    from sklearn.model_selection import train_test_split

    x_train, x_test, y_train, y_test = train_test_split(
        images, labels.astype("int64"), test_size=0.2, random_state=0, stratify=labels
    )
    return Dataset(x_train, y_train, x_test, y_test, classes)


_BUNDLED = {"digits": _digits, "faces": _faces}
