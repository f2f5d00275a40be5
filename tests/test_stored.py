"""Files that are cut, empty, changed or of another kind are named; our own JSON has a checksum."""

import io
import json
import zipfile

import numpy as np
import pytest

from cvcourse import stored
from cvcourse.datasets.load import load


def test_what_is_written_is_read(tmp_path):
    path = stored.write(tmp_path / "a.json", {"name": "é", "runs": (1, 2.5)})
    assert stored.read(path, ("name", "runs")) == {"name": "é", "runs": [1, 2.5]}
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]
    stored.write(path, stored.read(path) | {"name": "b"})
    assert stored.read(path)["name"] == "b"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text[:30], "not whole JSON"),
        (lambda text: "", "not whole JSON"),
        (lambda text: "<<<<<<< HEAD\n" + text, "not whole JSON"),
        (lambda text: "[1]", "it lacks a dict"),
        (lambda text: "[" * 100_000, "not whole JSON"),
        (lambda text: '{"name": 1}', "it lacks runs"),
        (lambda text: text.replace("0.75", "0.85"), "its checksum is another"),
    ],
)
@pytest.mark.reliability(
    "a stored file that is cut, empty, merged badly or changed by hand",
    "its name and what is wrong with it",
)
def test_a_damaged_file_is_named(tmp_path, damage, words):
    path = stored.write(tmp_path / "a.json", {"name": "x", "runs": [0.75, 1]})
    path.write_text(damage(path.read_text()))
    with pytest.raises(ValueError, match=rf"a\.json .*{words}.*Install the course again"):
        stored.read(path, ("name", "runs"))


def forged(shape, dtype="|u1"):
    """An .npz whose array says that it has this shape; it has four bytes."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": dtype, "fortran_order": False, "shape": shape})
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x_train.npy", head.getvalue() + b"abcd")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no .npz file"),
        (b"text", "no .npz file"),
        (forged((4,))[:60], "no .npz file"),
        (None, "does not exist"),
        (forged((800_000_000_000,)), "x_train.npy says that it has 800,000,000,000 bytes, it has 4"),
        (forged((1,), "|O"), "says that it has 8 bytes"),
    ],
)
@pytest.mark.reliability(
    "an array file whose header promises more memory than there is",
    "it is refused before memory is taken",
)
def test_a_damaged_npz_is_named_before_memory_is_taken(tmp_path, monkeypatch, data, words):
    path = tmp_path / "mine.npz"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"mine\.npz .*{words}"):
        stored.read_npz(path)
    if data is not None:
        monkeypatch.setenv("CVCOURSE_DATA", str(tmp_path))
        with pytest.raises(ValueError, match=r"mine\.npz .*Copy it again"):
            load("mine")
    path.write_bytes(forged((4,)))
    assert json.dumps(stored.read_npz(path)["x_train"].tolist()) == "[97, 98, 99, 100]"
