"""Data sets by name, as uint8 arrays: two that are bundled, so they work offline."""

from typing import NamedTuple

import numpy as np


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
        return (f"Dataset: {len(self.x_train):,} training and {len(self.x_test):,} test images "
                f"of {size}, {len(self.classes)} classes")


def load(name):
    """Data set `name`, as a `Dataset`.

    Args:
        name: "digits" (scikit-learn's 1,797 handwritten digits, 8×8) or "faces" (scikit-image's
            subset of Labeled Faces in the Wild: 100 faces and 100 other patches, 25×25).

    Returns:
        A `Dataset`.

    Raises:
        ValueError: if no data set has this name.

    Example:
        >>> load("digits")
        Dataset: 1,437 training and 360 test images of 8×8, 10 classes
    """
    if name not in _BUNDLED:
        raise ValueError(f"name must be one of {sorted(_BUNDLED)}. Received: name={name!r}")
    images, labels, classes = _BUNDLED[name]()
    return _split(images, labels, classes)


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


def _split(images, labels, classes, test_share=0.2, seed=0):
    """The same split on every machine, with the same share of each class in the test part."""
    from sklearn.model_selection import train_test_split

    x_train, x_test, y_train, y_test = train_test_split(
        images, labels.astype("int64"), test_size=test_share, random_state=seed, stratify=labels)
    return Dataset(x_train, y_train, x_test, y_test, classes)


_BUNDLED = {"digits": _digits, "faces": _faces}
