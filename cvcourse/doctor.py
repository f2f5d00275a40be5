"""What this machine has for the course, and how long each lesson takes on it: `cvcourse doctor`.

Nothing here needs a network, and each check stands alone: what it stumbles over becomes its answer.
"""

import importlib.metadata
import json
import os
import re
import shutil
import sys
import tempfile
import textwrap
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from cvcourse import BACKENDS, NO_BACKEND, front_end, speed, stored

OK, NOTE, PROBLEM = "ok", "note", "problem"
GIGABYTE = 10**9
PACKAGE = Path(__file__).parent
AGAIN = "Run python3 start.py again, or: pip install -r requirements.txt"


class Row(NamedTuple):
    """One check: its name, its state ("ok", "note" or "problem"), what was found, what to do."""

    name: str
    state: str
    found: str
    advice: str = ""

    def __repr__(self):
        lines = textwrap.wrap(f"{self.state:8} {self.name:10} {self.found}", 90, subsequent_indent=" " * 20)
        advice = textwrap.wrap(self.advice, 70, break_long_words=False)
        return "\n".join(lines + [" " * 20 + line for line in advice])


class Report(NamedTuple):
    """All checks of a machine; its repr is the table.

    Attributes:
        rows: list of `Row`.
        lessons: list of dicts with "lesson", "minutes" and, for a long one, "lower": what to make smaller,
            and to which share. Empty where the speed was not measured.
    """

    rows: list
    lessons: list

    @property
    def ok(self):
        return all(row.state != PROBLEM for row in self.rows)

    def line(self):
        """Return one sentence if there is no problem, else the problems and what to do; a str."""
        if self.ok:
            return "This machine can run the course: Python, packages, memory, disk and files are in order."
        return "\n".join(repr(row) for row in self.rows if row.state == PROBLEM)

    def json(self):
        rows = [row._asdict() for row in self.rows]
        return json.dumps({"ok": self.ok, "rows": rows, "lessons": self.lessons}, indent=1)

    def __repr__(self):
        lessons = [
            f"{'':20}lesson {one['lesson']} {one['minutes']:6.1f} minutes"
            + (f"; quicker with {one['lower']}" if "lower" in one else "")
            for one in self.lessons
        ]
        counts = {state: sum(row.state == state for row in self.rows) for state in (PROBLEM, NOTE)}
        end = f"This machine {'can' if self.ok else 'cannot yet'} run the course; problems: {counts[PROBLEM]}"
        return "\n".join([*map(repr, self.rows), *lessons, f"{end}, notes: {counts[NOTE]}."])


def examine(quick=False):
    """Return what this machine has for the course, as a `Report`.

    Args:
        quick: bool; leave out the data sets, the front end and the measurement of speed, and take about a
            second. The whole examination starts a kernel and trains a small network.

    Returns:
        `Report`; its `ok` says whether the course can run.

    Example:
        >>> [row.name for row in examine(quick=True).rows]
        ['Python', 'packages', 'memory', 'disk', 'writing', 'backend', 'files', 'networks', 'camera']
    """
    lessons = []
    checks = {"Python": _python, "packages": _packages, "memory": _memory, "disk": _disk, "writing": _writing,
              "backend": _backend, "files": _files, "networks": _networks, "camera": _camera}  # fmt: skip
    if not quick:
        checks |= {"data": _data, "front end": _front_end, "speed": lambda: _speed(lessons)}
    return Report([_guarded(name, check) for name, check in checks.items()], lessons)


def _guarded(name, check):
    try:
        return Row(name, *check())
    except Exception as error:  # whatever a broken machine raises: its words are the finding
        return Row(name, PROBLEM, f"{type(error).__name__}: {error}", AGAIN)


def _python():
    from packaging.specifiers import SpecifierSet

    wanted = importlib.metadata.metadata("cvcourse")["Requires-Python"]
    version = ".".join(map(str, sys.version_info[:3]))
    told = f"{version}; the course takes {wanted}"
    return (OK, told) if version in SpecifierSet(wanted) else (PROBLEM, told, "Install Python 3.13.")


def _packages():
    from packaging.requirements import Requirement

    bad, other, count = [], [], 0
    pins = PACKAGE.parent / "requirements.txt"  # in a clone
    pins = re.findall(r"^([\w.-]+)==(\S+)", pins.read_text("utf-8") if pins.is_file() else "", re.MULTILINE)
    for asked in map(Requirement, importlib.metadata.requires("cvcourse")):
        name = asked.name
        if (asked.marker or name in BACKENDS) and name != _chosen()[0]:  # a marker: of an extra
            continue
        try:
            version, count = importlib.metadata.version(name), count + 1
            if not asked.specifier.contains(version, prereleases=True):
                bad.append(f"{name} {version} must be {asked.specifier}")
            elif dict(pins).get(name, version) != version:
                other.append(f"{name} {version} ({dict(pins)[name]} is tested)")
        except importlib.metadata.PackageNotFoundError:
            bad.append(f"{name} is missing")
    if bad:
        return PROBLEM, "; ".join(bad), AGAIN
    told = f"{count} packages are within their ranges"
    return (NOTE, f"{told}, but not as tested: {', '.join(other)}", AGAIN) if other else (OK, told)


def _chosen():
    """(backend, keras.json, its path), as Keras will choose: from KERAS_BACKEND, that file, or TensorFlow."""
    from cvcourse.datasets.sources import keras_cache

    path = keras_cache().parent / "keras.json"
    settings = stored.read_json(path) if path.is_file() else {}
    return os.environ.get("KERAS_BACKEND") or settings.get("backend", "tensorflow"), settings, path


def _backend():
    name, settings, path = _chosen()
    there = [known for known in BACKENDS if find_spec(known)]
    if name not in there:
        return (PROBLEM, f"Keras is to use {name}, which is not installed here or cannot train",
                f"Set KERAS_BACKEND to one that can: {', '.join(there)}." if there
                else NO_BACKEND)  # fmt: skip
    right = {"image_data_format": "channels_last", "floatx": "float32"}
    wrong = [f"{key} is {settings[key]}" for key, value in right.items() if settings.get(key, value) != value]
    if wrong:
        return PROBLEM, f"in {path}, {' and '.join(wrong)}", "Delete that file; Keras writes a good one."
    return OK, f"Keras {importlib.metadata.version('keras')} on {name}"


def _memory():
    import psutil

    memory = psutil.virtual_memory()
    total, free = memory.total, memory.available
    limit = Path("/sys/fs/cgroup/memory.max")  # of a container, which is killed above it
    if limit.is_file() and (text := limit.read_text().strip()).isdigit():
        cached = re.search(r"^file (\d+)", (limit.parent / "memory.stat").read_text(), re.MULTILINE)
        used = int((limit.parent / "memory.current").read_text()) - int(cached[1])
        total, free = min(total, int(text)), min(free, int(text) - used)
    needs = {name[:2]: one["memory_gb"] for name, one in stored.read(speed.KNOWN)["lessons"].items()}
    short = [name for name, gigabytes in needs.items() if gigabytes > free / GIGABYTE]
    told = f"{free / GIGABYTE:.1f} of {total / GIGABYTE:.1f} GB are free"
    told += f"; a lesson takes {min(needs.values())} to {max(needs.values())} GB"
    if not short:
        return OK, told
    state = PROBLEM if len(short) == len(needs) else NOTE
    return state, f"{told}: too little for {', '.join(short)}", "Close other programs and notebooks."


def _places():
    return {"home": Path.home(), "temporary folder": Path(tempfile.gettempdir()), "this folder": Path.cwd()}


def _disk():
    free, name = min((shutil.disk_usage(place).free / GIGABYTE, name) for name, place in _places().items())
    state = OK if free > 1 else NOTE if free > 0.2 else PROBLEM
    return state, f"{free:.1f} GB are free ({name})", "" if state == OK else "Make room there."


def _writing():
    for name, place in _places().items():
        try:
            with tempfile.TemporaryFile(dir=place) as file:
                file.write(bytes(10**5))
        except OSError as error:
            told = f"{name} cannot be written: {place} ({error.strerror})"
            return PROBLEM, told, "Take a folder of your own; HOME and TMPDIR name the first two."
    return OK, "home, temporary folder and this folder can be written"


def _camera():
    found = sorted(path.name for path in Path("/dev").glob("video*"))
    if found:
        return OK, f"{', '.join(found)}; not opened"
    told = "none here" if sys.platform == "linux" else "unknown"
    return NOTE, f"{told}; what counts is your browser, which will ask", "Lesson 07 takes files, too."


def _cards():
    return [(path, stored.read(path)) for path in sorted((PACKAGE / "weights").glob("*.json"))]


def _damaged(path, sha256):
    from cvcourse.datasets.download import checksum_is

    return [] if checksum_is(path, sha256) else [f"{path} is damaged"]


def _files():
    recordings = [stored.read(path) for path in [speed.KNOWN, *(PACKAGE / "runs").glob("*.json")]]
    ours = [(path.parent / card["file"], card["sha256"]) for path, card in _cards() if "package" not in card]
    bad = [words for path, sha256 in ours for words in _damaged(path, sha256)]
    if bad:
        return PROBLEM, "; ".join(bad), "Install the course again; in a clone: git checkout -- cvcourse"
    return OK, f"{len(ours)} networks and {len(recordings)} recordings are whole, by their checksums"


def _networks():
    there, missing, bad = [], [], []
    for path, card in _cards():
        if "package" not in card:
            continue
        spec = find_spec(card["package"])  # runs no line of the package
        if spec and (file := Path(spec.submodule_search_locations[0]) / card["file"]).is_file():
            bad += _damaged(file, card["sha256"])
            there.append(path.stem)
        else:
            missing.append(card["install"])
    if bad:
        return PROBLEM, "; ".join(bad), "Delete it. With a network: python3 start.py"
    told = f"of those that come by pip: {', '.join(there) or 'none'}"
    if not missing:
        return OK, told
    return NOTE, told, f"Lessons do without. With a network: pip install --no-deps {' '.join(missing)}"


def _data():
    from cvcourse.datasets.sources import SOURCES, cached, keras_cache

    folder, cache = os.environ.get("CVCOURSE_DATA"), keras_cache()
    there = ["digits", "faces", *(name for name, source in SOURCES.items() if cached(source, cache))]
    if not folder:
        return OK, f"{', '.join(there)}; CVCOURSE_DATA is not set, and no lesson needs more"
    files = sorted(Path(folder).expanduser().glob("*.npz"))
    bad = [file.name for file in files if not zipfile.is_zipfile(file) or zipfile.ZipFile(file).testzip()]
    if bad or not files:
        told = f"damaged there: {', '.join(bad)}" if bad else "where no data set is"
        return PROBLEM, f"CVCOURSE_DATA is {folder}, {told}", "Fill it: cvcourse data fetch NAME --to FOLDER"
    names = dict.fromkeys([*there, *(file.stem for file in files)])
    return OK, f"{', '.join(names)}; CVCOURSE_DATA is {folder}"


def _front_end():
    problem, told = front_end.look()
    return (PROBLEM, told, AGAIN) if problem else (OK, told)


def _speed(lessons):
    ratio, found = speed.predict()
    lessons += found
    told = f"Run All takes {ratio:.1f} times what the README says, more or less"
    if not any("lower" in one for one in found):
        return OK, told
    return NOTE, told, "Lower sizes in the cell tagged parameters, near a lesson's top:"
