"""A budget for each lesson in work, not in seconds: nbval's run of it fails where a count has doubled.

    python -m pytest -p tests.work --nbval-lax notebooks/*.ipynb [--write-budgets]

Counted in the lesson's kernel: calls of compiled functions (a batch of a training is one), calls of layers,
pictures that are drawn. Seconds differ from machine to machine and from day to day; these do not.
"""

import json
import os
import tempfile
from pathlib import Path

import pytest

BUDGETS = Path(__file__).with_name("work.json")

# Runs in the kernel before the first cell. Imports nothing: what a cell has imported is counted from then on.
COUNTING = """
def count(file):
    import functools, json, pathlib, sys
    counts, counted = {"compiled": 0, "layers": 0, "pictures": 0}, set()

    def watch(kind, owner, method):
        whole = getattr(owner, method)

        @functools.wraps(whole)
        def call(*given, **options):
            counts[kind] += 1
            return whole(*given, **options)

        setattr(owner, method, call)

    def look(*_):
        for kind, module, found, method in (
            ("compiled", "tensorflow", lambda it: type(it.function(lambda: 0)), "__call__"),
            ("layers", "keras", lambda it: it.layers.Layer, "__call__"),
            ("pictures", "matplotlib.figure", lambda it: it.Figure, "savefig"),
        ):
            if module in sys.modules and kind not in counted:
                counted.add(kind)
                watch(kind, found(sys.modules[module]), method)
        pathlib.Path(file).write_text(json.dumps(counts))

    get_ipython().events.register("post_run_cell", look)


count(FILE)
del count
"""


def pytest_addoption(parser):
    parser.addoption("--budgets", metavar="FILE", type=Path, default=BUDGETS, help="default: tests/work.json")
    parser.addoption("--write-budgets", action="store_true", help="write what was counted into the file")


def pytest_configure(config):
    folder = config.work = tempfile.TemporaryDirectory()
    startup = Path(folder.name, "profile_default", "startup", "count.py")
    startup.parent.mkdir(parents=True)
    startup.write_text(COUNTING.replace("FILE", repr(str(Path(folder.name, "counts.json")))))
    os.environ["IPYTHONDIR"] = folder.name


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    """After a lesson's last cell: what was counted, against its budget."""
    counts = Path(item.config.work.name, "counts.json")
    if item.path.suffix != ".ipynb" or (nextitem and nextitem.path == item.path) or not counts.exists():
        return
    file, found = item.config.getoption("--budgets"), json.loads(counts.read_text())
    counts.unlink()
    budgets = json.loads(file.read_text())
    if item.config.getoption("--write-budgets"):
        budgets[item.path.stem] = found
        file.write_text(json.dumps(dict(sorted(budgets.items())), indent=1) + "\n")
    budget = budgets.get(item.path.stem, found)  # none yet: it has none to exceed
    doubled = [f"{kind}: {found[kind]:,} against {budget[kind]:,}" for kind in found
               if found[kind] > 2 * max(budget[kind], 10)]  # fmt: skip
    if doubled:
        pytest.fail(f"the work of this lesson has more than doubled: {'; '.join(doubled)}. If that is meant, "
                    "write its budget anew: python -m pytest -p tests.work --write-budgets --nbval-lax "
                    f"notebooks/{item.path.name}", pytrace=False)  # fmt: skip
