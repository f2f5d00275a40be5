"""Reads the weight files of PyTorch before version 1.6 without PyTorch, and without trusting them.

Such a file holds three small pickles (a magic number, a version, facts about the machine), a pickled dict
of tensors that refer to storages by a key, a pickled list of these keys, and for each key the count of its
numbers and the numbers themselves, little-endian.
"""

import hashlib
import io
import pickle
from collections import OrderedDict
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Tensor(NamedTuple):
    """A tensor that still waits for its numbers; `offset`, `shape` and `strides` count numbers, not bytes."""

    key: str
    offset: int
    shape: tuple
    strides: tuple


class _Unpickler(pickle.Unpickler):
    """Makes dicts and tensors; a pickle that asks for anything else is refused before it gets it."""

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}  # key -> (dtype, count)

    def find_class(self, module, name):
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda key, offset, shape, strides, *_: _Tensor(key, offset, shape, strides)
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no weight file needs")

    def persistent_load(self, found):
        kind, dtype, key, _, count, *_ = found
        if kind != "storage" or dtype not in STORAGES.values():
            raise pickle.UnpicklingError(f"it refers to {found!r}")
        self.storages[key] = dtype, count
        return key


def check_sha256(path: str | PathLike, sha256: str, advice: str) -> bytes:
    """Return the bytes of a file whose sha256 is known; raise ValueError with the advice if it is not so."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"the weight file {path} cannot be read: {error.strerror}. {advice}") from None
    received = hashlib.sha256(data).hexdigest()
    if received != sha256:
        raise ValueError(
            f"the weight file {Path(path).name} is damaged: its sha256 must be {sha256}. "
            f"Received: {received}. {advice}"
        )
    return data


def read(path: str | PathLike, sha256: str) -> dict[str, np.ndarray]:
    """Return the tensors of a weight file as arrays, in the order in which they were stored.

    Args:
        path: of a file in PyTorch's old format, such as `.pth` from before 2020.
        sha256: str, the checksum of the file; it is compared before a byte is interpreted.

    Returns:
        dict from name to array, float32 or int64; copies, in the shape that PyTorch shows.

    Raises:
        ValueError: another checksum, or a file that is not of this format, is cut off or asks for code.

    Source: PyTorch's `torch.serialization._legacy_load`, for the format.
    """
    file = io.BytesIO(check_sha256(path, sha256, "Install the package again to get a whole file."))
    try:
        magic, _, _ = (_Unpickler(file).load() for _ in range(3))
        if magic != MAGIC:
            raise pickle.UnpicklingError("it does not begin with PyTorch's magic number")
        reader = _Unpickler(file)
        tensors = reader.load()
        keys = _Unpickler(file).load()
        storages = {key: _numbers(file, *reader.storages[key]) for key in keys}
        return {name: _array(tensor, storages[tensor.key]) for name, tensor in tensors.items()}
    except Exception as error:  # whatever a broken pickle raises
        raise ValueError(
            f"{Path(path).name} must be a weight file in PyTorch's old format. "
            f"Received: {error or 'a file that is cut off'}"
        ) from error


def _numbers(file, dtype, count):
    stored = int.from_bytes(file.read(8), "little")
    numbers = file.read(stored * dtype.itemsize) if stored == count else b""
    if len(numbers) != count * dtype.itemsize:
        raise ValueError(f"a storage that must hold {count} numbers and holds {stored}, or is cut off")
    return np.frombuffer(numbers, dtype)


def _array(tensor, numbers):
    """Return the tensor as an array. Its strides count: many tensors are permuted views of their storage."""
    last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    if min(tensor.offset, *tensor.shape, *tensor.strides, 0) < 0 or last >= len(numbers):
        raise ValueError(f"a tensor of shape {tensor.shape} that lies outside of its storage")
    strides = [s * numbers.itemsize for s in tensor.strides]
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides).copy()
