"""The course with the oldest and the newest packages that pyproject.toml allows, on each Python.

    python tests/matrix.py                                      all six; a line of the table for each
    python tests/matrix.py --python 3.12 --versions newest      one of them; with --whole every test

Needs the network. uv makes the environments in build/matrix (1.5 GB each), and comes by pip if it is missing.
"""

import argparse
import datetime
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
import gate  # noqa: E402

import start  # noqa: E402

PYTHON = start.PYTHON.relative_to(start.VENV)
RESOLUTIONS = {"lowest": "lowest-direct", "newest": "highest"}
LESSONS = ("02", "04", "10")  # layers and pictures, trainings and recordings, detectors
SHOWN = ("keras", "tensorflow", "numpy", "jupyterlab")
# Which versions are installed is what this is about: what compares them with the pins stays out.
LEFT_OUT = "--ignore=tests/test_dependencies.py"


def parser():
    pythons = [f"3.{minor}" for minor in range(start.OLDEST[1], start.NEWEST[1] + 1)]
    words = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    words.add_argument("--python", nargs="*", default=pythons)
    words.add_argument("--versions", nargs="*", default=list(RESOLUTIONS), choices=RESOLUTIONS)
    words.add_argument("--whole", action="store_true", help="all tests and lessons, not a part of them")
    words.add_argument("--folder", type=Path, default=ROOT / "build" / "matrix")
    return words


def main(arguments=None):
    options = parser().parse_args(arguments)
    rows, status = [], 0
    for version in options.python:
        for which in options.versions:
            python = environment(options.folder, version, which)
            installed = packages(python)
            results = checks(python, options.whole)
            rows.append(row(version, which, installed, results))
            if not all(passed for passed, _ in results.values()):
                status = 1
                print(rows[-1], "One of these broke something:", *changed(installed), sep="\n", flush=True)
    print(*rows, sep="\n")
    return status


def environment(folder, version, which):
    """The Python of an environment with these versions; it is made if it is not there."""
    python = folder / f"{version}-{which}" / PYTHON
    if not python.exists():
        uv("venv", "--quiet", "--python", version, python.parents[1])
    # Nothing is built here: where the oldest has no wheel for a Python, the first that has one counts.
    wheels = ("--only-binary", ":all:", "--no-binary", "cvcourse")
    uv("pip", "install", "-qU", "--python", python, "--resolution", RESOLUTIONS[which], *wheels,
       "tensorflow", "--editable", ".[tensorflow,networks,site,test]")  # fmt: skip
    return python


def uv(*words):
    program = shutil.which("uv")
    if not program:
        program = ROOT / "build" / "uv" / PYTHON.with_name("uv")
        subprocess.run([sys.executable, "-m", "venv", ROOT / "build" / "uv"], check=True)
        subprocess.run([program.with_name("pip"), "install", "--quiet", "uv"], check=True)
    return subprocess.run([program, *words], cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout


def versions_of(text):
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))


def packages(python):
    """{name: version} of all that is installed there."""
    return versions_of(uv("pip", "freeze", "--quiet", "--python", python))


def changed(installed):
    """A line for each package in another version than the locked one."""
    locked = versions_of((ROOT / "locks" / "test.txt").read_text(encoding="utf-8"))
    return [f"  {name} {new}, locked: {locked[name]}" for name, new in installed.items()
            if locked.get(name, new) != new]  # fmt: skip


def checks(python, whole):
    """{"tests" or a lesson's number: (whether it passed, how many tests did)}."""
    some = [] if whole else ["-m", "not browser and not slow"]
    results = {"tests": check(python, "-q", LEFT_OUT, *some)}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if whole or path.name[:2] in LESSONS:
            results[path.name[:2]] = check(python, *gate.NBVAL, path)
    return results


def check(python, *words):
    own = start.clean_environment(KERAS_BACKEND="tensorflow", **start.TENSORFLOW)
    own["PATH"] = os.pathsep.join([str(python.parent), own["PATH"]])
    command = [python, "-m", "pytest", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, cwd=ROOT, env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    told = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        print(told, flush=True)
    count = re.search(r"(\d+) passed", told)
    return done.returncode == 0, int(count[1]) if count else 0


def row(version, which, installed, results):
    """A line of the table in CONTRIBUTING.md."""
    words = [f"{name}{'' if passed else ' FAILED'}" for name, (passed, _) in results.items()]
    counts = f"{results['tests'][1]}{words[0].removeprefix('tests')}"
    cells = [version, which, *(installed[name] for name in SHOWN), counts, ", ".join(words[1:])]
    return f"| {' | '.join([*cells, datetime.date.today().isoformat()])} |"


if __name__ == "__main__":
    sys.exit(main())
