"""What `Teach` learns with: a softmax layer, its copies for two tests, an honest one and a flattering one."""

import zipfile
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

CLASSES = (2, 6)  # fewest and most
MOST = 200  # pictures of a class
FOLDS = 4  # each picture is held out from one head of so many
HEADS = 1 + 2 * FOLDS  # all pictures; held out by burst; held out at random
LARGEST_ARRAY = 20_000_000  # bytes of an array that is read from a file
SAVED = ("network", "classes", "kernel", "bias", "vectors", "labels", "bursts")
# In which fold the first, second … picture of a class is held out, if the split is at random.
AT_RANDOM = np.concatenate([np.random.default_rng(k).permutation(FOLDS) for k in range(MOST // FOLDS)])


def heads(size):
    """Return a softmax layer and its copies side by side: vectors (N, size) to logits (N, heads, classes)."""
    decay = keras.regularizers.L2(1e-3)
    model = keras.Sequential([
        keras.Input((size,)),
        layers.Dense(HEADS * CLASSES[1], kernel_initializer="zeros", kernel_regularizer=decay),
        layers.Reshape((HEADS, CLASSES[1])),
    ])
    model.compile(keras.optimizers.Adam(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def folds(labels, bursts):
    """Return for each picture in which fold it is held out: split by burst, and split at random."""
    by_burst, at_random = np.zeros_like(labels), np.zeros_like(labels)
    for k in np.unique(labels):
        own = labels == k
        by_burst[own] = np.unique(bursts[own], return_inverse=True)[1] % FOLDS
        at_random[own] = AT_RANDOM[:own.sum()]
    return by_burst, at_random


def padded(vectors, labels, bursts):
    """Return what `train_on_batch` takes: x, labels and weights of each head; rows at the end weigh nothing.

    The number of rows is a power of two, so that only a few shapes are ever compiled. In each head all
    classes weigh the same; a picture that is held out weighs nothing.
    """
    count, rows = len(labels), 1 << max(6, (len(labels) - 1).bit_length())
    weights = np.ones((count, HEADS), "float32")
    for split, held in enumerate(folds(labels, bursts)):
        weights[np.arange(count), 1 + split * FOLDS + held] = 0
    for k in np.unique(labels):
        weights[labels == k] /= np.maximum(weights[labels == k].sum(axis=0), 1e-9)
    weights *= rows * HEADS / max(1, len(np.unique(labels)))  # Keras takes the mean over all of them
    more = ((0, rows - count), (0, 0))
    answers = np.repeat(labels[:, None], HEADS, axis=1)
    return tuple(ops.convert_to_tensor(np.pad(each, more)) for each in (vectors, answers, weights))


def testable(labels, bursts):
    """Return whether two classes or more have pictures, and each of these at least two bursts."""
    taught = np.unique(labels)
    return len(taught) > 1 and all(len(np.unique(bursts[labels == k])) > 1 for k in taught)


def held_out(scores, labels, bursts):
    """Return the accuracy on held-out pictures, split by burst and at random; {} if that cannot be said.

    Args:
        scores: (N, heads, classes) of every picture by every head.
        labels, bursts: ints (N,).
    """
    if not testable(labels, bursts):
        return {}
    found = {}
    for split, (name, held) in enumerate(zip(("burst", "random"), folds(labels, bursts), strict=True)):
        said = scores[np.arange(len(labels)), 1 + split * FOLDS + held].argmax(axis=-1)
        found[name] = float((said == labels).mean())
    return found


def read_saved(path):
    """Return the arrays of a file that `save` wrote; sizes are checked before anything large is read."""
    width = HEADS * CLASSES[1]
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                with archive.open(member) as file:
                    if np.lib.format.read_magic(file) != (1, 0):
                        raise ValueError(f"{member.filename} has an unknown version")
                    shape, _, kind = np.lib.format.read_array_header_1_0(file)
                    if kind.hasobject or np.prod(shape, dtype="float64") * kind.itemsize > LARGEST_ARRAY:
                        raise ValueError(f"{member.filename} is too large or holds no numbers")
        with np.load(path, allow_pickle=False) as arrays:
            saved = {name: arrays[name] for name in SAVED}
    except FileNotFoundError:
        raise
    except Exception as error:
        raise _no_teach(path, error) from error
    names, count = saved["classes"], len(np.atleast_1d(saved["labels"]))
    size = saved["vectors"].shape[-1] if saved["vectors"].ndim == 2 else -1
    expected = {"network": ((), "U"), "classes": ((names.size,), "U"), "kernel": ((size, width), "f"),
                "bias": ((width,), "f"), "vectors": ((count, size), "f"), "labels": ((count,), "i"),
                "bursts": ((count,), "i")}
    for name, (shape, kind) in expected.items():
        if saved[name].shape != shape or saved[name].dtype.kind != kind:
            raise _no_teach(path, f"{name} of shape {saved[name].shape}, {saved[name].dtype}")
        if kind == "f" and not np.isfinite(saved[name]).all():
            raise _no_teach(path, f"{name} with infinite numbers")
    labels = saved["labels"]
    if count and (labels.min() < 0 or labels.max() >= len(names) or np.bincount(labels).max() > MOST):
        raise _no_teach(path, "labels beyond the classes, or too many pictures")
    return saved


def _no_teach(path, found):
    return ValueError(f"path must be a file that Teach.save wrote. Received: {Path(path).name}: {found}")
