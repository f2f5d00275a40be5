"""Where the well-known data sets come from, and how their files are read.

Addresses, checksums and places in the cache are those of `keras.datasets`, so that what Keras has
downloaded is found here, and the other way round. (Keras has no checksums for Fashion-MNIST: those are
from its authors' page.)
"""

import gzip
import os
import pickle
import tarfile
import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cvcourse.datasets.download import checksum_is, download
from cvcourse.stored import read_npz

_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_TORONTO = "https://www.cs.toronto.edu/~kriz/"
_DIGITS = tuple("0123456789")
_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
            "Ankle boot")  # fmt: skip
_CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_CIFAR100 = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster
man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck
pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger
tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm"""


class Source(NamedTuple):
    """A data set on the internet: its files as (path in the cache, address, checksum), a reader, classes."""

    files: tuple
    read: callable  # of the paths of the files, gives x_train, y_train, x_test, y_test
    classes: tuple
    older: tuple = ()  # names under which earlier versions of Keras keep the first file


def keras_cache():
    """Keras's cache of data sets on this machine, as a `Path`; it need not exist."""
    home = os.environ.get("KERAS_HOME")
    if not home:
        base = Path.home() if os.access(Path.home(), os.W_OK) else Path(tempfile.gettempdir())
        home = base / ".keras"
    return Path(home).expanduser() / "datasets"


def cached(source, cache):
    """The paths of a source's files if all of them are in the cache and whole, else None."""
    for first in (source.files[0][0], *source.older):
        paths = [cache / name for name in (first, *(name for name, _, _ in source.files[1:]))]
        if all(
            path.is_file() and checksum_is(path, file[2])
            for path, file in zip(paths, source.files, strict=True)
        ):
            return paths
    return None


def fetch_files(source, cache):
    """Download a source's files into the cache; returns their paths."""
    return [download(url, cache / name, checksum) for name, url, checksum in source.files]


def read_cifar(path, names, key):
    """CIFAR's pickled batches, the test's last; the images come as rows of red, then green, then blue."""
    with tarfile.open(path, "r:gz") as archive:
        batches = [_batch(archive, name, key) for name in names]
    images = np.concatenate([x for x, _ in batches]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    labels = np.concatenate([y for _, y in batches])
    first_test = len(images) - len(batches[-1][0])
    images = np.ascontiguousarray(images)
    return images[:first_test], labels[:first_test], images[first_test:], labels[first_test:]


def read_idx(path):
    """A file of images or labels in MNIST's own format, as an array."""
    with gzip.open(path) as file:
        data = file.read()
    axes = data[3]
    shape = np.frombuffer(data, ">i4", axes, offset=4)
    return np.frombuffer(data, "uint8", offset=4 + 4 * axes).reshape(shape).copy()


def _batch(archive, name, key):
    batch = _ArraysOnly(archive.extractfile(name), encoding="bytes").load()
    batch = {k.decode() if isinstance(k, bytes) else k: value for k, value in batch.items()}
    return batch["data"], np.array(batch[key])


class _ArraysOnly(pickle.Unpickler):
    """A pickle may run any code when it is read; this one may only make numpy arrays."""

    _ALLOWED = ("numpy.ndarray", "numpy.dtype", "numpy._core.multiarray._reconstruct", "_codecs.encode")

    def find_class(self, module, name):
        module = module.replace("numpy.core", "numpy._core")
        if f"{module}.{name}" not in self._ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no data set needs")
        return super().find_class(module, name)


def _mnist(path):
    arrays = read_npz(path)
    return [arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")]


def _fashion(name, md5):
    return f"fashion-mnist/{name}-ubyte.gz", f"{_KERAS}{name}-ubyte.gz", md5


SOURCES = {
    "mnist": Source(
        (("mnist.npz", f"{_KERAS}mnist.npz",
          "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"),),
        _mnist, _DIGITS),
    "fashion_mnist": Source(
        (_fashion("train-images-idx3", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
         _fashion("train-labels-idx1", "25c81989df183df01b3e8a0aad5dffbe"),
         _fashion("t10k-images-idx3", "bef4ecab320f06d8554ea6380940ec79"),
         _fashion("t10k-labels-idx1", "bb300cfdad3c16e7a12a480ee83cd310")),
        lambda *paths: [*map(read_idx, paths)], _CLOTHES),
    "cifar10": Source(
        (("cifar-10-batches-py-target_archive", f"{_TORONTO}cifar-10-python.tar.gz",
          "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"),),
        partial(read_cifar, key="labels", names=[
            *(f"cifar-10-batches-py/data_batch_{k}" for k in range(1, 6)), "cifar-10-batches-py/test_batch"]),
        _CIFAR10, older=("cifar-10-batches-py.tar.gz", "cifar-10-python.tar.gz")),
    "cifar100": Source(
        (("cifar-100-python-target_archive", f"{_TORONTO}cifar-100-python.tar.gz",
          "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"),),
        partial(read_cifar, key="fine_labels", names=["cifar-100-python/train", "cifar-100-python/test"]),
        tuple(_CIFAR100.split()), older=("cifar-100-python.tar.gz",)),
}  # fmt: skip
