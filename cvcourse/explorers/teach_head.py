"""What `Teach` learns with: a softmax layer, its copies for two tests, an honest one and a flattering one."""

import time
import zipfile
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops
from PIL import Image

from cvcourse import backend, datasets, stored
from cvcourse.pretrained.network import centre_crop

SIDE = 224  # pixels of a picture as it comes; the network's own size may differ
THUMB, THUMBS = 32, 8  # pixels of a small picture, and how many of a class are shown
NAME = 24  # characters of a class's name
CAMERA = "the camera's picture"
BATCH = 16  # images that pass through the network at once
CLASSES = (2, 6)  # fewest and most
MOST = 200  # pictures of a class
LIMITS = [*CLASSES, MOST, NAME, SIDE, THUMB, THUMBS]  # what the page knows
FOLDS = 4  # each picture is held out from one head of so many
HEADS = 1 + 2 * FOLDS  # all pictures; held out by burst; held out at random
LARGEST_ARRAY = 20_000_000  # bytes of an array that is read from a file
SAVED = ("network", "classes", "kernel", "bias", "vectors", "labels", "bursts")
# In which fold the first, second … picture of a class is held out, if the split is at random.
AT_RANDOM = np.concatenate([np.random.default_rng(k).permutation(FOLDS) for k in range(MOST // FOLDS)])


def class_names(names):
    """Return the names of the classes as a list, or say what is wrong with them."""
    few, most = CLASSES
    bad = [
        name
        for name in names
        if not isinstance(name, str) or not 0 < len(name.strip()) <= NAME or not name.isprintable()
    ]
    found = [name.strip() for name in names if name not in bad]
    if bad or not few <= len(found) <= most or len({name.casefold() for name in found}) < len(found):
        raise ValueError(
            f"classes must be {few} to {most} different names of 1 to {NAME} characters. "
            f"Received: {list(names)!r:.200}"
        )
    return found


def heads(size):
    """Return a softmax layer and its copies side by side: vectors (N, size) to logits (N, heads, classes)."""
    decay = keras.regularizers.L2(1e-3)
    model = keras.Sequential(
        [
            keras.Input((size,)),
            layers.Dense(HEADS * CLASSES[1], kernel_initializer="zeros", kernel_regularizer=decay),
            layers.Reshape((HEADS, CLASSES[1])),
        ]
    )
    model.compile(keras.optimizers.Adam(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def folds(labels, bursts):
    """Return for each picture in which fold it is held out: split by burst, and split at random."""
    by_burst, at_random = np.zeros_like(labels), np.zeros_like(labels)
    for k in np.unique(labels):
        own = labels == k
        by_burst[own] = np.unique(bursts[own], return_inverse=True)[1] % FOLDS
        at_random[own] = AT_RANDOM[: own.sum()]
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
            if max(member.file_size for member in archive.infolist()) > LARGEST_ARRAY:
                raise ValueError("one of its arrays is too large")
        found = stored.read_npz(path)
        saved = {name: found[name] for name in SAVED}
    except FileNotFoundError:
        raise
    except Exception as error:
        raise _no_teach(path, error) from error
    names, count = saved["classes"], len(np.atleast_1d(saved["labels"]))
    size = saved["vectors"].shape[-1] if saved["vectors"].ndim == 2 else -1
    expected = {"network": ((), "U"), "classes": ((names.size,), "U"), "kernel": ((size, width), "f"),
                "bias": ((width,), "f"), "vectors": ((count, size), "f"), "labels": ((count,), "i"),
                "bursts": ((count,), "i")}  # fmt: skip
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


class Learner:
    """Pictures as vectors of a trained network, by class and burst, and the heads that learn on them.

    Args:
        network: `Pretrained` whose model ends in a Dense layer.
    """

    def __init__(self, network):
        last = getattr(network, "model", None) and network.model.layers[-1]
        if not isinstance(last, layers.Dense) or len(network.body.output.shape) != 2:
            raise ValueError(
                "network must be a trained classifier that ends in a Dense layer, for example "
                f"pretrained.best(). Received: {network!r:.80}"
            )
        self.network, self._size = network, network.model.input_shape[1]
        pools = [each for each in network.model.layers if isinstance(each, layers.GlobalAveragePooling2D)]
        outputs = {"vector": network.body.output} | ({"maps": pools[-1].input} if pools else {})
        both = keras.Model(network.model.input, outputs)
        self._run = backend.compiled(lambda images: both(images, training=False))
        self.heads = heads(network.body.output.shape[-1])
        # Vectors of about length one, so that one learning rate suits every network.
        self.scale = float(np.linalg.norm(self.look_at([datasets.photos.cat(SIDE)])[0][0])) or 1.0
        self.clear()

    def prepare(self, images):
        """Return images as the network takes them; see `Teach.prepare`."""
        return self.network.preprocess(centre_crop(images, self._size or 32))

    def look_at(self, images):
        """Return vectors (N, D) and maps (N, h, w, K) or None; one at a time or in batches of equal size."""
        found = []
        for start in range(0, len(images), BATCH):
            batch = self.prepare(images[start : start + BATCH])
            count = len(batch)
            if count > 1:  # equal batches: one compilation
                batch = np.concatenate([batch, np.zeros((BATCH - count, *batch.shape[1:]), batch.dtype)])
            parts = self._run(ops.convert_to_tensor(batch))
            found.append({name: ops.convert_to_numpy(part)[:count] for name, part in parts.items()})
        joined = {name: np.concatenate([each[name] for each in found]) for name in found[0]}
        return joined["vector"], joined.get("maps")

    def keep(self, label, name, images, bursts, vectors=None):
        """Keep vectors and small pictures of images, uint8 (SIDE, SIDE, 3), each with its burst's number."""
        count = int((self.labels == label).sum()) + len(images)
        if count > MOST:
            raise ValueError(f"{name} must have at most {MOST} pictures. Received: {count}")
        if not images:
            return
        small = [np.asarray(Image.fromarray(image).resize((THUMB, THUMB))) for image in images]
        self.vectors = np.concatenate([self.vectors, self.look_at(images)[0] if vectors is None else vectors])
        self.labels = np.append(self.labels, [label] * len(images))
        self.bursts = np.append(self.bursts, bursts)
        self.small = np.concatenate([self.small, small])

    def next_burst(self):
        return 1 + self.bursts.max(initial=0)

    def counts(self, classes):
        """Return [pictures, bursts] of each class."""
        return [
            [int(own.sum()), len(np.unique(self.bursts[own]))]
            for own in (self.labels == k for k in range(classes))
        ]

    def clear(self):
        """Forget all pictures and what was learned from them."""
        self.fill(
            {
                "vectors": np.zeros((0, self.heads.input_shape[-1]), "float32"),
                "labels": np.zeros(0, "int64"),
                "bursts": np.zeros(0, "int64"),
            }
        )
        self.forget()

    def fill(self, saved):
        """Take vectors, labels and bursts in place of all pictures."""
        name = str(saved.get("network", self.network.name))
        if name != self.network.name or saved["vectors"].shape[1] != self.heads.input_shape[-1]:
            raise ValueError(
                f"network must be {name!r}, with which the file was taught. Received: {self.network.name!r}"
            )
        self.vectors, self.labels, self.bursts = (saved[one] for one in ("vectors", "labels", "bursts"))
        self.small = np.full((len(self.labels), THUMB, THUMB, 3), 128, "uint8")

    def save(self, path, classes):
        """Write names, vectors and weights to a file, not the pictures."""
        kernel, bias = self.heads.get_weights()
        with Path(path).open("wb") as file:
            np.savez_compressed(
                file,
                network=np.array(self.network.name),
                classes=np.array(classes),
                kernel=kernel,
                bias=bias,
                vectors=self.vectors,
                labels=self.labels,
                bursts=self.bursts,
            )

    def forget(self):
        self.heads.set_weights([np.zeros_like(each) for each in self.heads.get_weights()])

    def _remove(self, gone):
        for name in ("vectors", "labels", "bursts", "small"):
            setattr(self, name, getattr(self, name)[~gone])

    def drop(self, label):
        """Remove a class's pictures, and forget what was learned; the classes behind it move up."""
        self._remove(self.labels == label)
        self.labels -= self.labels > label
        self.forget()

    def take_back(self, label):
        """Remove the last burst of a class."""
        own = self.labels == label
        self._remove(own & (self.bursts == self.bursts[own].max(initial=-1)))

    def lay_out(self):
        """Make ready what `train` learns from."""
        self._data = padded(self.vectors / self.scale, self.labels, self.bursts)

    def train(self, steps, seconds):
        """Train so many steps, at most so many seconds; return the steps that are left."""
        end = time.monotonic() + seconds
        while steps:
            self.heads.train_on_batch(*self._data)
            steps -= 1
            if time.monotonic() > end:
                break
        return steps

    def accuracy(self, classes):
        """Ask each head about the pictures that it has not seen; see `held_out`."""
        kernel, bias = self.heads.get_weights()
        scores = (self.vectors / self.scale @ kernel + bias).reshape(-1, HEADS, CLASSES[1])
        return held_out(scores[..., :classes], self.labels, self.bursts)

    def head(self, classes):
        """Return kernel (D, classes) and bias of the layer that has seen all pictures."""
        kernel, bias = (each[..., :classes] for each in self.heads.get_weights())
        return kernel / self.scale, bias

    def model(self, classes):
        """Return the network's body with a new Dense layer of its own, "taught", as it is now."""
        body, layer = self.network.body, layers.Dense(classes, activation="softmax", name="taught")
        model = keras.Model(self.network.model.input, layer(body.output), name="taught")
        layer.set_weights(self.head(classes))
        return model

    def answer(self, seen, classes, look):
        """Return the scores of a picture, from what `look_at` found, and with `look` which places say so."""
        kernel, bias = self.head(classes)
        if not seen or not np.any(kernel):
            return {"scores": [], "places": []}
        (vector,), maps = seen
        scores = np.exp((logits := vector @ kernel + bias) - logits.max())
        places = []
        if look and maps is not None:
            heat = np.maximum(maps[0] @ kernel[:, scores.argmax()], 0)
            places = (heat / max(heat.max(), 1e-12)).round(3).tolist()
        return {"scores": (scores / scores.sum()).tolist(), "places": places}

    def sheet(self):
        """Return the last small pictures of each class, side by side, a class in each row."""
        sheet = np.zeros((CLASSES[1], THUMBS, THUMB, THUMB, 3), "uint8")
        for k in range(CLASSES[1]):
            last = self.small[self.labels == k][: -THUMBS - 1 : -1]
            sheet[k, : len(last)] = last
        return sheet.swapaxes(1, 2).reshape(CLASSES[1] * THUMB, THUMBS * THUMB, 3)
