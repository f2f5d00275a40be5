"""What goes wrong on other people's machines: rows of docs/reliability.md that no other file tests."""

import ast
import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import psutil
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from cvcourse import cli, explorers, pretrained, recording, training
from cvcourse.models.cnn import small_cnn

ROOT = Path(__file__).parents[1]
RUNS = sorted(path.stem for path in (ROOT / "cvcourse" / "runs").glob("*.json"))
FAULTS = {
    "cut": lambda data: data[: len(data) // 2],
    "one bit is another": lambda data: data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1])
    + data[len(data) // 2 + 1 :],
}  # fmt: skip


def command(words, folder, first="", **environment):
    program = f"{first}import sys; from cvcourse.cli import main; sys.exit(main(sys.argv[1:]))"
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


OWN_FOLDERS = ("IPYTHONDIR", "KERAS_HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")


def kernels(*books, **environment):
    """Run lists of cells at the same time, each in a kernel of its own; returns what each printed."""
    own = {name: value for name, value in os.environ.items() if name not in OWN_FOLDERS} | environment
    notebooks = [new_notebook(cells=[new_code_cell(cell) for cell in cells]) for cells in books]

    async def run():
        clients = [NotebookClient(notebook, kernel_name="python3", timeout=120) for notebook in notebooks]
        await asyncio.gather(*(client.async_execute(env=own) for client in clients))

    asyncio.run(run())
    outputs = [[out for cell in notebook.cells for out in cell.outputs] for notebook in notebooks]
    return ["".join(out.get("text", "") for out in found if out.get("name") == "stdout") for found in outputs]


def lesson(name, end):
    """The code cells of a lesson, up to the heading where it ends."""
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    (stop,) = [k for k, cell in enumerate(cells) if cell.source.startswith(end)]
    return [cell.source for cell in cells[:stop] if cell.cell_type == "code" and "check_" not in cell.source
            and "exercise" not in cell.metadata.get("tags", ())]  # fmt: skip


@pytest.mark.reliability(
    "the kernel is killed in the middle of a notebook",
    "the file is as it was saved, and runs again; `cvcourse clean` says that the kernel died",
)
def test_a_killed_kernel_takes_no_notebook_with_it(tmp_path, capsys):
    path = tmp_path / "killed.ipynb"
    cells = ["print(1)", "import os\nos.path.exists('again') or os.kill(os.getpid(), 9)", "print(2)"]
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells]), path)
    saved = path.read_bytes()
    assert cli.main(["clean", str(path)]) == 1 and path.read_bytes() == saved
    assert "killed.ipynb was left as it is. Kernel died" in capsys.readouterr().err
    (tmp_path / "again").touch()
    assert cli.main(["clean", str(path)]) == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit for the size of files")
@pytest.mark.reliability(
    "the disk is full while a notebook is written", "the notebook is as it was, and no half file is left"
)
def test_a_full_disk_takes_no_notebook_with_it(tmp_path):
    path = Path(shutil.copy(ROOT / "notebooks" / "04_pooling.ipynb", tmp_path))
    saved = path.read_bytes()
    full = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (9999, 9999)); "
    done = command(["clean", "--strip", path], tmp_path, first=full)
    assert done.returncode == 1 and b"too large" in done.stderr
    assert path.read_bytes() == saved and [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.fixture
def read_only(tmp_path):
    """A folder in which not even this user may write."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    for folder in (closed, Path("/proc/sys")):  # the latter for root, in a container
        if not os.access(folder, os.W_OK):
            return folder
    return pytest.skip("root may write everywhere here")


@pytest.mark.skipif(os.name == "nt", reason="HOME is no folder of Windows, and it has no limit for files")
@pytest.mark.reliability(
    "a kernel whose home is read-only or missing, whose temporary folder is read-only, whose disk is full",
    "the lesson runs; only what would have been kept for the next start is not kept",
)
@pytest.mark.parametrize("home", ["read-only", "missing", "full"])
def test_a_kernel_needs_no_place_to_write(home, read_only):
    cells = lesson("04_pooling", "### What does")
    if home == "full":  # no file grows
        cells.insert(0, "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))")
    if home == "missing":  # and Keras, which takes the time, is tried with the other two
        cells = [
            "from cvcourse import explorers, visualization as viz",
            "explorers.Pooling()",
            "viz.plot_matrix({'image': [[0.0, 1.0], [1.0, 0.5]]})",
            "print('agree: (3, 3)')",
        ]
    folders = {"read-only": {"HOME": str(read_only), "TMPDIR": str(read_only)},
               "missing": {"HOME": str(read_only / "none")}, "full": {}}  # fmt: skip
    (printed,) = kernels([*cells, "print('the end')"], **folders[home])
    assert printed.endswith("agree: (3, 3)\nthe end\n")


@pytest.mark.reliability("two lessons at once, in a home that is new to both", "both run as if alone")
def test_two_lessons_at_once(tmp_path):
    pooling, layers = lesson("04_pooling", "### What does"), lesson("02_cnn_layers", "## 1.")
    printed = kernels(pooling, [*layers, "print('the end')"], HOME=str(tmp_path))
    assert "numpy and Keras agree" in printed[0] and printed[1].endswith("the end\n")


@pytest.mark.reliability(
    "a lesson ten times in one kernel", "no figure stays open; what was shown takes under 20 MB each time"
)
def test_ten_times_in_one_kernel():
    told = (
        "import gc, psutil, matplotlib.pyplot as plt; gc.collect()\n"
        "print('MB', psutil.Process().memory_info().rss // 10**6, 'figures', plt.get_fignums())"
    )
    (printed,) = kernels([*lesson("04_pooling", "## 3."), told] * 10)
    found = [line.split() for line in printed.splitlines() if line.startswith("MB")]
    assert len(found) == 10 and int(found[9][1]) - int(found[1][1]) < 8 * 20, found
    assert {line[3] for line in found} == {"[]"}


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
