"""What GitHub would run is read here: each command exists, each version is one that the course names."""

import os
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from cvcourse import cli

sys.path.insert(0, str(Path(__file__).parent))
import matrix

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FILES = {path.stem: path for path in (ROOT / ".github" / "workflows").glob("*.yml")}
MATRIX = {"python": "3.13", "versions": "newest"}
# The major versions of November 2026; the bot raises them in the workflows, and here is the reminder to read
# what changed.
ACTIONS = {
    "actions/cache": "v6",
    "actions/cache/restore": "v6",
    "actions/checkout": "v7",
    "actions/configure-pages": "v6",
    "actions/deploy-pages": "v5",
    "actions/setup-python": "v7",
    "actions/upload-pages-artifact": "v5",
}


def workflow(name):
    return yaml.safe_load(FILES[name].read_text(encoding="utf-8"))


def steps(name):
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


COMMANDS = [(name, step["run"]) for name in sorted(FILES) for step in steps(name) if "run" in step]


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_each_command_exists(name, command):
    for line in command.strip().splitlines():
        line = re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda found: MATRIX[found[1]], line)
        words = shlex.split(re.sub(r"\$\{\{ github\.repository \}\}", "owner/course", line))
        assert "${{" not in " ".join(words)
        if words[0].startswith("."):
            assert os.access(ROOT / words[0], os.X_OK)
        elif words[0] == "cvcourse":
            cli.parser().parse_args(words[1:])
        elif words[:4] == ["python", "-m", "pip", "install"]:
            extras = Requirement("cvcourse" + words[-1].removeprefix(".")).extras
            assert extras <= PROJECT["optional-dependencies"].keys()
            assert (ROOT / words[words.index("--requirement") + 1]).exists()
        elif words[1] == "tests/matrix.py":
            assert matrix.parser().parse_args(words[2:]).python == ["3.13"]
        else:
            assert words == ["python", "start.py", "test"] and (ROOT / words[1]).exists()


@pytest.mark.parametrize("name", sorted(FILES))
def test_each_action_is_pinned_to_a_version_that_we_know(name):
    used = [step["uses"].split("@") for step in steps(name) if "uses" in step]
    assert used and all(ACTIONS[action] == version for action, version in used)
    assert workflow(name)["permissions"] == {"contents": "read"}


def test_the_tests_run_on_three_systems_and_every_python():
    tests = workflow("tests")["jobs"]["tests"]["strategy"]["matrix"]
    assert [name.split("-")[0] for name in tests["os"]] == ["ubuntu", "macos", "windows"]
    every = matrix.parser().parse_args([])
    assert tests["python"] == every.python
    nightly = workflow("newest")["jobs"]["test"]["strategy"]["matrix"]
    assert nightly == {"python": every.python, "versions": every.versions}


@pytest.mark.parametrize("broken", [None, "04"])
def test_a_row_of_the_matrix(monkeypatch, tmp_path, capsys, broken):
    installed = dict.fromkeys(matrix.SHOWN, "9.9") | {"other": "1.0"}
    monkeypatch.setattr(matrix, "environment", lambda *_: Path("python"))
    monkeypatch.setattr(matrix, "packages", lambda _: installed)
    monkeypatch.setattr(matrix, "check", lambda _, *words: (f"{broken}_" not in str(words[-1]), 7))
    assert matrix.main(["--python", "3.12", "--versions", "newest"]) == bool(broken)
    told = capsys.readouterr().out
    assert "| 3.12 | newest | 9.9 | 9.9 | 9.9 | 9.9 | 7 | 02, 04" in told
    assert ("  numpy 9.9, locked: " in told) == ("04 FAILED" in told) == bool(broken)


def test_what_is_published_is_what_was_built():
    build, deploy = workflow("pages")["jobs"]["build"], workflow("pages")["jobs"]["deploy"]
    (site,) = [shlex.split(step["run"]) for step in build["steps"] if "cvcourse site" in step.get("run", "")]
    (upload,) = [step for step in build["steps"] if "upload-pages" in step.get("uses", "")]
    assert upload["with"]["path"] == site[2]
    assert deploy["needs"] == "build" and deploy["permissions"] == {"pages": "write", "id-token": "write"}


def test_a_bot_raises_the_pins():
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    assert updates["version"] == 2
    assert {one["package-ecosystem"] for one in updates["updates"]} == {"pip", "github-actions"}
