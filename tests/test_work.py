"""The budget of a lesson in work: what has doubled fails, and says what."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).parents[1]
CELLS = [
    "from matplotlib.figure import Figure\nimport io, sys, types",
    # In place of Keras, which takes seconds to import.
    "class Layer:\n    def __call__(self): ...\n\nlayers = types.SimpleNamespace(Layer=Layer)\n"
    "sys.modules['keras'] = types.SimpleNamespace(layers=layers)",
    "for _ in range({0}):\n    Layer()()",
    "Figure().savefig(io.BytesIO())",
]


def run(folder, calls, *options):
    """Run a small lesson under nbval; return its status, what it printed, and the budgets afterwards."""
    file = folder / "budgets.json"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [new_code_cell(cell.format(calls)) for cell in CELLS]
    nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / "99_small.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.work"]
    command += ["--nbval-lax", "--nbval-current-env", f"--budgets={file}", *options, "--rootdir", folder]
    done = subprocess.run([*command, folder / "99_small.ipynb"], cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout, json.loads(file.read_text())


def test_a_lesson_whose_work_has_doubled_fails_and_says_so(tmp_path):
    (tmp_path / "budgets.json").write_text("{}")
    status, said, budgets = run(tmp_path, 100, "--write-budgets")
    assert (status, budgets) == (0, {"99_small": {"compiled": 0, "layers": 100, "pictures": 1}}), said
    assert run(tmp_path, 190)[0] == 0
    status, said, after = run(tmp_path, 201)
    assert (status, after) == (1, budgets)
    assert "more than doubled: layers: 201 against 100." in said and "4 passed, 1 error" in said


def test_every_lesson_has_a_budget_and_none_is_empty():
    budgets = json.loads((ROOT / "tests" / "work.json").read_text())
    assert budgets.keys() == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert all(budget["pictures"] and budget["layers"] for budget in budgets.values())
