"""What can be wrong with a machine is put in its way, and the doctor says so."""

import contextlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import keras
import nbformat
import pytest

import cvcourse
from cvcourse import cli, doctor, front_end, speed, stored

ROOT = Path(__file__).parents[1]
QUICK = ["Python", "packages", "memory", "disk", "writing", "backend", "files", "networks", "camera"]


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """One on which all is well, whatever this one is: with a home of its own and a slow check left out."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.delenv("CVCOURSE_DATA", raising=False)
    found = doctor.find_spec
    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name in ("jax", "torch") else found(name))
    with_memory(monkeypatch, 8e9)
    return monkeypatch


def with_memory(monkeypatch, free):
    memory = namedtuple("Memory", "total available")(16e9, free)
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)


def row(name):
    checks = {"data": doctor._data, "front end": doctor._front_end}
    if name in checks:
        return doctor._guarded(name, checks[name])
    return next(one for one in doctor.examine(quick=True).rows if one.name == name)


def test_all_is_well(machine):
    report = doctor.examine(quick=True)
    assert [one.name for one in report.rows] == QUICK and report.lessons == []
    assert {one.state for one in report.rows if one.name not in ("networks", "camera", "packages")} == {"ok"}
    assert report.ok and report.line().startswith("This machine can run the course: ")
    assert "can run the course; problems: 0" in repr(report)


def test_another_python(machine):
    machine.setattr(sys, "version_info", (3, 14, 0))
    bad = row("Python")
    assert bad.state == "problem" and "3.14.0; the course takes" in bad.found and "Install" in bad.advice


@pytest.mark.parametrize(
    ("version", "state", "words"),
    [
        ("2.0.2", "problem", "numpy 2.0.2 must be "),
        ("3.0.0", "problem", "numpy 3.0.0 must be "),
        (None, "problem", "numpy is missing"),
        ("2.1.0", "note", "numpy 2.1.0 ("),
        ("2.10.0rc1", "note", "numpy 2.10.0rc1 ("),
    ],
)
def test_another_package(machine, version, state, words):
    right = importlib.metadata.version

    def changed(name):
        if name == "numpy" and version is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return version if name == "numpy" else right(name)

    machine.setattr(importlib.metadata, "version", changed)
    found = row("packages")
    assert found.state == state and words in found.found and "start.py" in found.advice


def test_tensorflow_may_be_missing_where_another_backend_is_chosen(machine):
    right = importlib.metadata.version

    def changed(name):
        if name == "tensorflow":
            raise importlib.metadata.PackageNotFoundError(name)
        return right(name)

    machine.setattr(importlib.metadata, "version", changed)
    assert row("packages").state == "problem"
    machine.setenv("KERAS_BACKEND", "jax")
    assert "tensorflow" not in row("packages").found


@pytest.mark.parametrize(("free", "state"), [(8e9, "ok"), (1.5e9, "note"), (0.3e9, "problem")])
@pytest.mark.reliability("too little memory", "`cvcourse doctor` says how much a lesson takes")
def test_little_memory(machine, free, state):
    with_memory(machine, free)
    found = row("memory")
    assert found.state == state and f"{free / 1e9:.1f} of " in found.found
    assert state == "ok" or "too little for 01, 0" in found.found


@pytest.mark.parametrize(("free", "state"), [(5e9, "ok"), (0.5e9, "note"), (0.1e9, "problem")])
def test_little_disk(machine, free, state):
    machine.setattr(shutil, "disk_usage", lambda place: namedtuple("Usage", "free")(free))
    assert row("disk").state == state


def test_a_folder_that_cannot_be_written(machine, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    closed = Path("/proc") if Path("/proc").is_dir() and os.geteuid() == 0 else tmp_path / "locked"
    machine.setattr(Path, "home", lambda: closed)
    bad = row("writing")
    assert bad.state == "problem" and f"home cannot be written: {closed} (" in bad.found


@pytest.mark.parametrize("name", ["jax", "numpy", "tensorflw"])
def test_a_backend_that_is_not_installed(machine, name):
    machine.setenv("KERAS_BACKEND", name)
    bad = row("backend")
    assert bad.state == "problem" and f"to use {name}" in bad.found and "tensorflow" in bad.advice


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"backend": "torch"}', "to use torch"),
        ('{"image_data_format": "channels_first"}', "image_data_format is channels_first"),
        ('{"floatx": "float16"}', "floatx is float16"),
        ('{"backend"', "keras.json is not whole JSON"),
    ],
)
def test_settings_of_keras_that_do_not_suit(machine, tmp_path, text, words):
    machine.delenv("KERAS_BACKEND")
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "keras.json").write_text(text)
    bad = row("backend")
    assert bad.state == "problem" and words in bad.found


def test_no_backend_at_all(machine):
    machine.setattr(doctor, "find_spec", lambda name: None)
    assert 'pip install "cvcourse[tensorflow]", or "cvcourse[light]"' in row("backend").advice
    code = (
        "import cvcourse\n"
        "def without(name): raise ModuleNotFoundError('no backend', name='tensorflow')\n"
        "cvcourse.import_module = without\n"
        "from cvcourse import training\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.returncode and cvcourse.NO_BACKEND in answer.stderr


@pytest.fixture
def copy(machine, tmp_path):
    """A copy of what ships, for the doctor to look at."""
    for name in ("weights", "runs"):
        shutil.copytree(doctor.PACKAGE / name, tmp_path / "copy" / name)
    machine.setattr(doctor, "PACKAGE", tmp_path / "copy")
    return tmp_path / "copy"


@pytest.mark.parametrize("name", ["weights/unet.npz", "weights/yolo.json", "runs/gan.json"])
def test_one_byte_of_a_file_that_ships_is_another(copy, name):
    assert row("files").state == "ok"
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    bad = row("files")
    assert bad.state == "problem" and name in bad.found and bad.advice
    (copy / name).unlink()
    if name.startswith("weights/unet"):
        assert row("files").state == "problem"


def test_networks_that_come_by_pip(machine, tmp_path):
    machine.setattr(doctor, "find_spec", lambda name: None)
    missing = row("networks")
    assert missing.state == "note" and "none" in missing.found and "efficientnet-lite0" in missing.advice
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "efficientnet-lite0-57934424.pth").write_bytes(b"half of it")
    spec = namedtuple("Spec", "submodule_search_locations")([str(tmp_path)])
    machine.setattr(doctor, "find_spec", lambda name: spec if name.startswith("efficientnet") else None)
    bad = row("networks")
    assert bad.state == "problem" and "57934424.pth is damaged" in bad.found


def test_data_sets_of_a_class(machine, tmp_path):
    assert row("data").state == "ok" and "not set" in row("data").found
    machine.setenv("CVCOURSE_DATA", str(tmp_path / "drive"))
    assert row("data").state == "problem"
    (tmp_path / "drive").mkdir()
    shutil.copy(doctor.PACKAGE / "weights" / "unet.npz", tmp_path / "drive" / "leaves.npz")
    assert row("data").found.startswith("digits, faces, leaves; ")
    (tmp_path / "drive" / "leaves.npz").write_bytes(b"half of it")
    assert row("data").state == "problem" and "leaves.npz" in row("data").found


PAGE = (
    '<script id="jupyter-config-data" type="application/json">{"fullLabextensionsUrl": "/ext", "federated_'
    'extensions": [{"name": "anywidget", "load": "a.js"}, {"name": "@jupyter-widgets/jupyterlab-manager", '
    '"load": "m.js"}], "disabledExtensions": []}</script>'
)


@pytest.mark.parametrize(
    ("old", "new", "prefix", "asked", "words"),
    [
        ("", "", sys.prefix, "~0.11.*", None),
        ("", "", "/elsewhere", "~0.11.*", "another Python, in /elsewhere"),
        ("", "", sys.prefix, "~0.9.*", "ask for anywidget ~0.9.*, JupyterLab has 0.11.0"),
        ('"anywidget"', '"other"', sys.prefix, "~0.11.*", "anywidget is not among its extensions"),
        ("[]", '["anywidget:plugin"]', sys.prefix, "~0.11.*", "jupyter labextension enable anywidget"),
        ("a.js", "away.js", sys.prefix, "~0.11.*", "anywidget is not served (no such file)"),
    ],
)
def test_what_a_browser_would_miss(machine, old, new, prefix, asked, words):
    def ask(path):
        if path.endswith("away.js"):
            raise OSError("no such file")
        return (PAGE.replace(old, new) if path == "/lab" else '{"version": "0.11.0"}').encode()

    machine.setattr(front_end, "_server", lambda: contextlib.nullcontext(ask))
    machine.setattr(front_end, "_widget_of_a_kernel", lambda: (prefix, asked))
    found = row("front end")
    assert found.state == ("problem" if words else "ok") and (words or "manager 0.11.0, any") in found.found


@pytest.mark.slow
def test_a_server_and_a_kernel_show_a_widget(machine):
    found = row("front end")
    assert found.state == "ok" and f"anywidget {importlib.metadata.version('anywidget')}" in found.found


def test_a_server_that_does_not_start(machine):
    machine.setattr(sys, "executable", shutil.which("false"))
    machine.setattr(front_end, "_widget_of_a_kernel", lambda: (sys.prefix, "~0.11.*"))
    found = row("front end")
    assert found.state == "problem" and "JupyterLab does not start: no word" in found.found


def test_slow_machines_are_told_what_to_lower(machine):
    known = stored.read(speed.KNOWN)
    machine.setattr(speed, "_work_apart", lambda: known["work"])
    ratio, lessons = speed.predict()
    seconds = [one["seconds"] for one in known["lessons"].values()]
    assert ratio == 1 and [one["minutes"] for one in lessons] == [round(one / 60, 1) for one in seconds]
    assert doctor._speed([])[0] == "ok"
    machine.setattr(speed, "_work_apart", lambda: known["work"] * 3)
    slow = []
    assert doctor._speed(slow)[0] == "note"
    assert "PICTURES, EPOCHS at 65%" in slow[0]["lower"] and "lower" not in slow[9]
    assert "quicker with PICTURES" in repr(doctor.Report([], slow))


def test_what_can_be_lowered_stands_in_the_lessons():
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        (source,) = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])]
        names = speed.SIZES[path.stem[:2]].split(", ")
        assert all(re.search(rf"\b{name}\b[^=\n]*=", source) for name in names), path.stem


def test_the_times_are_those_of_the_readme(machine, tmp_path):
    known = stored.read(speed.KNOWN)["lessons"]
    machine.setattr(speed, "KNOWN", tmp_path / "speed.json")
    machine.setattr(speed, "_work_apart", lambda: 1.0)
    fresh = stored.read(speed.record(ROOT / "README.md"))["lessons"]
    assert fresh.keys() == known.keys() == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    for name, one in fresh.items():
        assert 2 / 3 < one["seconds"] / known[name]["seconds"] < 1.5, "cvcourse doctor --record README.md"


def test_the_measurement_is_work_that_is_done(machine):
    read, trained = [], []
    machine.setattr(speed, "STEPS", 1)
    machine.setattr(speed.stored, "read_npz", lambda path: read.append(path.name))
    machine.setattr(keras.Model, "train_on_batch", lambda self, x, y: trained.append((x.shape, y.shape)))
    assert speed.work() > 0  # how long it takes is what a busy machine says
    assert set(read) == {path.name for path in (ROOT / "cvcourse" / "weights").glob("*.npz")}
    assert trained == 2 * [((64, 32, 32, 3), (64, 10))]


def test_a_library_that_kills_the_process_is_named(machine):
    machine.setattr(sys, "executable", shutil.which("false"))
    bad = doctor._guarded("speed", lambda: doctor._speed([]))
    assert bad.state == "problem" and "status 1" in bad.found


def test_what_a_check_stumbles_over_becomes_its_answer(machine, capsys):
    def broken():
        raise ZeroDivisionError("half a machine")

    machine.setattr(doctor, "_memory", broken)
    assert row("memory") == ("memory", "problem", "ZeroDivisionError: half a machine", doctor.AGAIN)
    assert cli.main(["doctor", "--quick"]) == 1
    assert "cannot yet run the course; problems: 1" in capsys.readouterr().out
    line = doctor.examine(quick=True).line()
    assert "half a machine" in line and "can run the course" not in line


def test_for_programs(machine, capsys):
    assert cli.main(["doctor", "--quick", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] and [one["name"] for one in told["rows"]] == QUICK and told["lessons"] == []
    assert all(set(one) == {"name", "state", "found", "advice"} for one in told["rows"])
    with_memory(machine, 1e8)
    assert cli.main(["doctor", "--quick", "--json"]) == 1
    assert not json.loads(capsys.readouterr().out)["ok"]


def test_nothing_heavy_is_imported_and_nothing_is_asked_of_a_network():
    code = (
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('a network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from cvcourse import doctor\n"
        "doctor.examine(quick=True)\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"keras", "tensorflow", "jax", "torch", "matplotlib", "skimage", "sklearn", "IPython"}
    assert not heavy & set(answer.stdout.split())
