"""The networks that come by pip: read without their packages and without trust; right in what they say."""

import hashlib
import os
import pickle
import struct
import subprocess
import sys
import time
from collections import OrderedDict
from pathlib import Path

import keras
import numpy as np
import pytest

from cvcourse import pretrained
from cvcourse.datasets import photos
from cvcourse.models.efficientnet import efficientnet
from cvcourse.pretrained import imagenet, torch_file
from cvcourse.summary import summarize

needs_networks = pytest.mark.skipif(
    not all(map(imagenet.installed, imagenet.NAMES)) and os.environ.get("CI") != "true",
    reason="the networks that come by pip are not installed",
)


# A writer of the old format: what the reader must take, and what it must refuse.


class Named:
    """Stands for a name of PyTorch in a pickle."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Pickler(pickle._Pickler):  # the one in Python, whose methods can be replaced
    def persistent_id(self, found):
        return found.found if isinstance(found, Storage) else None


class Storage:
    def __init__(self, key, count, kind="FloatStorage"):
        self.found = ("storage", Named("torch", kind), key, "cpu", count, None)


class Rebuilt:
    """A tensor as PyTorch stores it: a function and its arguments."""

    def __init__(self, *arguments, function=("torch._utils", "_rebuild_tensor_v2")):
        self.arguments, self.function = arguments, function


def save_rebuilt(pickler, rebuilt):
    pickler.save(Named(*rebuilt.function))
    pickler.save(rebuilt.arguments)
    pickler.write(pickle.REDUCE)


def save_named(pickler, named):
    pickler.write(f"c{named.module}\n{named.name}\n".encode())


Pickler.dispatch = {**pickle._Pickler.dispatch, Rebuilt: save_rebuilt, Named: save_named}


def write(path, tensors, storages, magic=torch_file.MAGIC):
    """Write a file in the old format; returns its sha256."""
    with path.open("wb") as file:
        for found in (magic, 1001, {"little_endian": True}, tensors, list(storages)):
            Pickler(file, protocol=2).dump(found)
        for numbers in storages.values():
            file.write(struct.pack("<q", len(numbers)) + numbers.tobytes())
    return hashlib.sha256(path.read_bytes()).hexdigest()


NUMBERS = {"7": np.arange(24, dtype="<f4"), "8": np.array([5], "<i8")}
TENSORS = OrderedDict(
    whole=Rebuilt(Storage("7", 24), 0, (2, 3, 4), (12, 4, 1), False, OrderedDict()),
    permuted=Rebuilt(Storage("7", 24), 0, (4, 3, 2), (1, 4, 12), False, OrderedDict()),
    part=Rebuilt(Storage("7", 24), 6, (3,), (2,), False, OrderedDict()),
    steps=Rebuilt(Storage("8", 1, "LongStorage"), 0, (), (), False, OrderedDict()),
)


def test_a_file_is_read_with_its_strides(tmp_path):
    sha256 = write(tmp_path / "w.pth", TENSORS, NUMBERS)
    read = torch_file.read(tmp_path / "w.pth", sha256)
    assert list(read) == list(TENSORS)
    cube = np.arange(24, dtype="float32").reshape(2, 3, 4)
    np.testing.assert_array_equal(read["whole"], cube)
    np.testing.assert_array_equal(read["permuted"], cube.transpose(2, 1, 0))
    np.testing.assert_array_equal(read["part"], [6, 8, 10])
    assert read["steps"] == 5 and read["steps"].shape == ()


def test_a_changed_or_cut_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "w.pth"
    sha256 = write(path, TENSORS, NUMBERS)
    monkeypatch.setattr(torch_file, "_Unpickler", None)  # never reached
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:40] + bytes([whole[40] ^ 1]) + whole[41:], b""):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"w.pth is damaged: its sha256 must be .*Received: .*Install"):
            torch_file.read(path, sha256)


def one(storage, shape, strides):
    return OrderedDict(a=Rebuilt(storage, 0, shape, strides, False))


class Hostile:
    def __reduce__(self):
        return os.system, ("touch harmed",)


@pytest.mark.parametrize(
    ("tensors", "storages", "words"),
    [
        (Hostile(), {}, r"asks for (posix|nt)\.system"),
        ({"a": Rebuilt("touch harmed", function=("os", "system"))}, {}, r"asks for os\.system"),
        ({"a": Rebuilt("1", function=("builtins", "eval"))}, {}, r"asks for builtins\.eval"),
        (one(Storage("7", 24), (5, 5), (5, 1)), {"7": NUMBERS["7"]}, "outside of its storage"),
        (one(Storage("7", 24), (5,), (-1,)), {"7": NUMBERS["7"]}, "outside of its storage"),
        (one(Storage("7", 2**40), (5,), (1,)), NUMBERS, "must hold 1099511627776"),
        (one(Storage("7", 24, "HalfStorage"), (5,), (1,)), NUMBERS, "HalfStorage"),
        (one(Storage("9", 24), (5,), (1,)), NUMBERS, "Received"),
    ],
)
def test_a_hostile_file_is_refused_and_nothing_runs(tmp_path, monkeypatch, tensors, storages, words):
    monkeypatch.chdir(tmp_path)
    sha256 = write(tmp_path / "w.pth", tensors, storages)
    with pytest.raises(ValueError, match=f"w.pth must be a weight file in PyTorch's old format.*{words}"):
        torch_file.read(tmp_path / "w.pth", sha256)
    assert not (tmp_path / "harmed").exists()


def test_a_file_of_another_kind_or_cut_with_its_checksum_is_refused(tmp_path):
    path = tmp_path / "w.pth"
    write(path, TENSORS, NUMBERS)
    for data in (b"", b"not a pickle", path.read_bytes()[:-3], pickle.dumps(3)):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"must be a weight file in PyTorch's old format\. Received: "):
            torch_file.read(path, hashlib.sha256(data).hexdigest())
    sha256 = write(path, TENSORS, NUMBERS, magic=1)
    with pytest.raises(ValueError, match="magic number"):
        torch_file.read(path, sha256)


# The networks themselves


def test_lite0_has_the_published_counts():
    counted = summarize(lambda: efficientnet(lite=True))
    assert counted.trainable_params == 4_652_008 and counted.total_params == 4_652_008 + 42_016
    assert counted.macs == pretrained.card("efficientnet_lite0")["macs"]
    assert 0.9 < counted.macs / pretrained.card("efficientnet_lite0")["published_macs"] < 1


@needs_networks
def test_the_cat_is_named():
    pretrained.load("efficientnet_lite0")
    start = time.perf_counter()
    network = pretrained.load("EfficientNet-Lite0")
    assert time.perf_counter() - start < 6  # about one second on a quiet machine
    cat, coffee = network.predict([photos.cat(), photos.photo("coffee")])
    assert {name for name, _ in cat[:3]} == {"Egyptian cat", "tiger cat", "tabby"}
    assert sum(probability for _, probability in cat[:3]) > 0.8
    assert coffee[0][0] == "espresso" and coffee[0][1] > 0.85
    assert len(set(network.classes)) == 1000
    assert network.body.output_shape == (None, 1280)
    assert "75.1" in repr(network)


@needs_networks
def test_images_of_any_size_are_cropped_about_their_centre():
    network = pretrained.load("efficientnet_lite0")
    image = photos.cat()
    prepared = network.preprocess(image)
    assert prepared.shape == (1, 224, 224, 3) and prepared.dtype == np.float32
    assert -1 <= prepared.min() < -0.8 and 0.6 < prepared.max() <= 1
    middle = image[:, (451 - 300) // 2 :][:, :300]
    assert np.abs(network.preprocess(middle) - prepared).mean() < 0.05  # half a pixel
    small = (255 * photos.cat(224)).round().astype("uint8")
    np.testing.assert_allclose(network.preprocess(small)[0], (small.astype("float32") - 127) / 128)
    with pytest.raises(ValueError, match="divide by 255"):
        network.preprocess(255 * image)


@needs_networks
def test_vgg16_draws_edges_where_a_photograph_has_them():
    network = pretrained.load("vgg16_edges")
    assert network.model.count_params() == pretrained.card("vgg16_edges")["parameters"]
    vgg = summarize(lambda: keras.applications.VGG16(weights=None)).rows
    own = {row["name"]: row["params"] for row in summarize(network.model, (224, 224, 3)).rows}
    assert all(own[row["name"]] == row["params"] for row in vgg if "_conv" in row["name"])
    image = np.zeros((70, 100, 3), "float32")
    image[:, 50:] = 1
    (edges,) = network.predict(image)
    assert edges.shape == (64, 96) and edges.min() >= 0 and edges.max() <= 1
    strip = edges[10:-10].mean(axis=0)
    assert strip[46:50].max() > 0.5 > 5 * strip[20:30].max()
    assert repr(network).startswith("vgg16_edges: 14,716,171 parameters, VGG16 from ImageNet")


@needs_networks
def test_weight_files_are_those_of_the_cards_and_their_packages_stay_unimported():
    for name in imagenet.NAMES:
        card = pretrained.card(name)
        data = imagenet.file_of(name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (card["bytes"], card["sha256"])
        assert {"licence", "source", "limits", "data"} <= card.keys()
        assert card["package"] not in sys.modules


@needs_networks
def test_a_damaged_file_of_edges_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "hed.h5"
    path.write_bytes(imagenet.file_of("vgg16_edges").read_bytes()[:-1])
    monkeypatch.setattr(imagenet, "_find", lambda package, file: path)
    with pytest.raises(ValueError, match=r"hed.h5 is damaged.*Install the package again"):
        pretrained.load("vgg16_edges")


def test_names_of_classes_are_all_different_or_not_at_hand(monkeypatch):
    names = pretrained.class_names()
    assert names is None or len(set(names)) == 1000
    monkeypatch.setattr(imagenet, "_find", lambda package, file: None)
    assert pretrained.class_names() is None


@needs_networks
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_name_the_cat_too(backend):
    if subprocess.run([sys.executable, "-c", f"import {backend}"], capture_output=True).returncode:
        pytest.skip(f"{backend} is not installed")
    code = (
        "from cvcourse import pretrained; from cvcourse.datasets import photos;"
        "print(pretrained.load('efficientnet_lite0').predict(photos.cat())[0][0][0]);"
        "print(pretrained.load('vgg16_edges').predict(photos.cat(64))[0].shape)"
    )
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(Path(__file__).parents[1])}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert answer.stdout.split("\n")[:2] == ["Egyptian cat", "(64, 64)"], answer.stderr[-500:]
