"""The checks of the whole course without running them: which there are, in which order, and what is told."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import gate


def test_every_check_runs_even_after_a_failure_and_the_status_tells(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(gate, "ROOT", tmp_path)
    (tmp_path / "notebooks").mkdir()
    (gate.ROOT / "notebooks" / "02_first.ipynb").touch()
    ran = []

    def run_step(name, command, environment, alone):
        ran.append(name)
        return {"name": name, "passed": name != "ruff", "seconds": 1.0, "memory": 2e9}

    monkeypatch.setattr(gate, "run_step", run_step)
    monkeypatch.setattr(gate, "find_chromium", lambda: None)
    assert gate.run_tests() == 1
    assert sorted(ran) == ["02_first", "format", "mypy", "pytest", "pytest in a browser", "ruff"]
    out = capsys.readouterr().out
    assert re.search(r"ruff +FAILED", out) and re.search(r"02_first +passed +1\.0 s +2\.00 GB", out)
    assert out.index("ruff  ") < out.index("pytest in") < out.index("02_first")  # in the order of the steps
    assert "5 passed, 1 failed" in out and "Browser tests: skipped" in out


def test_the_quick_part_leaves_out_what_is_slow(monkeypatch):
    ran = {}
    monkeypatch.setattr(gate, "run_step", lambda name, command, *_, **__: ran.update({name: command}) or {
        "name": name, "passed": True, "seconds": 1.0, "memory": None})  # fmt: skip
    assert gate.run_tests("quick") == 0
    assert list(ran) == ["ruff", "format", "mypy", "pytest, quick part"]
    assert "not browser and not slow" in ran["pytest, quick part"]


def test_the_slowest_of_all_steps_are_told(tmp_path):
    code = "import time\n\n\ndef test_quick(): ...\n\n\ndef test_{0}():\n    time.sleep({1})\n"
    for name, seconds in (("one", 0.3), ("other", 0.6)):
        (tmp_path / f"test_{name}.py").write_text(code.format(name, seconds))
        command = ["pytest", "-q", f"--junitxml={tmp_path / name}.xml", f"test_{name}.py"]
        subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, check=True)
    lines = gate.slowest(tmp_path, 2).splitlines()[2:]
    assert [re.sub(r"[\d.]+ s", "s", line).split() for line in lines] == [
        ["s", "other:", "test_other"], ["s", "one:", "test_one"]]  # fmt: skip


def test_two_checks_run_side_by_side_and_what_they_print_stays_apart(capfd):
    code = "import time; print('{0} begins', flush=True); time.sleep(1); print('{0} ends')"
    commands = [(name, [sys.executable, "-c", code.format(name)]) for name in ("one", "other")]
    results = gate.run_steps(commands, dict(os.environ), 2)
    assert [result["name"] for result in results] == ["one", "other"]
    out = capfd.readouterr().out
    assert out.count("started") == 2
    for name in ("one", "other"):
        assert f"{name} begins\n{name} ends" in out.replace("\r", "")


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize(("code", "passed"), [("bytearray(2 * 10**8)", True), ("raise SystemExit(3)", False)])
def test_a_step_reports_its_status_and_memory(code, passed, alone):
    # In a small process of its own: a program started by a large one counts as large as its parent.
    step = f"gate.run_step('a step', [sys.executable, '-c', {code!r}], dict(os.environ), {alone})"
    program = f"import json, os, sys, gate\nprint(json.dumps({step}))"
    output = subprocess.check_output([sys.executable, "-c", program], cwd=Path(__file__).parent, text=True)
    result = json.loads(output.splitlines()[-1])
    assert result["passed"] is passed
    if passed and result["memory"] is not None:
        assert 2e8 < result["memory"] < 4e8
