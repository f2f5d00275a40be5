"""What goes wrong on other people's machines: rows of docs/reliability.md that no other file tests."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import psutil
import pytest

from cvcourse import explorers, pretrained, recording, training
from cvcourse.models.cnn import small_cnn

ROOT = Path(__file__).parents[1]
RUNS = sorted(path.stem for path in (ROOT / "cvcourse" / "runs").glob("*.json"))
FAULTS = {
    "cut": lambda data: data[: len(data) // 2],
    "one bit is another": lambda data: data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1])
    + data[len(data) // 2 + 1 :],
}  # fmt: skip


def command(words, folder, **environment):
    program = "import sys; from cvcourse.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        cwd=folder, env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True, timeout=120,
    )  # fmt: skip


@pytest.mark.reliability(
    "each recording cut in half, or with one bit changed", "the file is named; the lesson says which one"
)
@pytest.mark.parametrize("fault", FAULTS)
def test_no_damaged_recording_is_believed(tmp_path, fault):
    for name in RUNS:
        data = (ROOT / "cvcourse" / "runs" / f"{name}.json").read_bytes()
        (tmp_path / f"{name}.json").write_bytes(FAULTS[fault](data))
        with pytest.raises(ValueError, match=name):
            recording.replay(name, tmp_path)


@pytest.mark.reliability(
    "each weight file that ships cut in half, or with one bit changed",
    "the network is refused, and the file named",
)
@pytest.mark.parametrize("fault", FAULTS)
def test_no_damaged_weights_are_believed(tmp_path, fault):
    for name in pretrained.SHIPPED:
        data = (ROOT / "cvcourse" / "weights" / f"{name}.npz").read_bytes()
        path = tmp_path / f"{name}.npz"
        path.write_bytes(FAULTS[fault](data))
        with pytest.raises(ValueError, match=name):
            pretrained.load_weights(None, path, pretrained.card(name)["sha256"])


@pytest.mark.reliability(
    "a folder whose name has spaces, accents and quotes; locales C, Turkish, French",
    "everything works as elsewhere",
)
@pytest.mark.parametrize("locale", ["C", "tr_TR.UTF-8", "fr_FR.UTF-8"])
def test_names_and_locales(tmp_path, locale):
    folder = tmp_path / "Käthe's cours d'été №1"
    folder.mkdir()
    shutil.copy(ROOT / "notebooks" / "04_pooling.ipynb", folder)
    done = command(["student", "ausgabe ı", folder / "04_pooling.ipynb"], folder, LC_ALL=locale)
    assert done.returncode == 0, done.stderr
    assert (folder / "ausgabe ı" / "04_pooling.ipynb").stat().st_size > 10_000


@pytest.mark.reliability(
    "a file that is no notebook handed to a command", "one line says what is wrong; the file is as it was"
)
@pytest.mark.parametrize("verb", ["clean", "student", "progress", "slides"])
@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n", b'{"cells": 3}', b"\xff\xfe" * 50])
def test_no_command_breaks_or_changes_what_is_no_notebook(tmp_path, capsys, verb, content):
    from cvcourse import cli

    path = tmp_path / "file.ipynb"
    path.write_bytes(content)
    words = {"student": [tmp_path / "out", path], "slides": [path, tmp_path / "out.html", "--executed"]}
    status = cli.main([verb, *map(str, words.get(verb, [path]))])
    assert status == 1 and path.read_bytes() == content
    assert "file.ipynb" in capsys.readouterr().err


@pytest.mark.reliability("an explorer moved 2,000 times", "memory and open figures stay as they were")
@pytest.mark.parametrize("name", ["Pooling", "Scaling", "MaskLoss", "Capacity"])
def test_two_thousand_moves_leave_nothing_behind(name):
    explorer = getattr(explorers, name)()
    control, slider = next((n, c) for n, c in explorer.controls.items() if c["kind"] == "slider")

    def moves(count):
        for k in range(count):
            explorer.set_trait(control, slider["low"] if k % 2 else slider["high"])

    moves(200)
    memory = psutil.Process().memory_info  # of now: a peak may lie far behind, and hide what grows
    before = memory().rss
    moves(2000)
    grown = (memory().rss - before) / 1e6
    assert grown < 20 and not plt.get_fignums(), f"{grown:.0f} MB more"


@pytest.mark.reliability("the same training twice with one seed", "the same numbers, to the last digit")
def test_a_seed_is_a_seed():
    rng = np.random.default_rng(0)
    x, y = rng.random((64, 32, 32, 3), np.float32), rng.integers(0, 3, 64)

    def weights():
        keras.utils.set_random_seed(3)
        model = small_cnn(4, 3)
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(True), jit_compile=False)
        training.fit(model, x, y, epochs=2, batch_size=16, seed=5, verbose=0)
        return model.get_weights()

    for one, other in zip(weights(), weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_page_tells_what_is_tested():
    """`python -m pytest -m reliability --reliability docs/reliability.md` writes it, of what has passed."""
    told = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    marks = set()
    for path in ROOT.glob("tests/**/test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for mark in getattr(node, "decorator_list", ()):
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.reliability":
                    marks.add(tuple(ast.literal_eval(argument) for argument in mark.args))
    lines = [line.split("|")[1:3] for line in told.splitlines() if line.startswith("|")]
    rows = {tuple(cell.strip() for cell in line) for line in lines}
    assert marks == {row for row in rows if row[0] not in ("what was done", "---")}
