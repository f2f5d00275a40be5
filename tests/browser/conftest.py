"""Explorers in a real JupyterLab. Skipped without a Chromium; CVCOURSE_BROWSER=required forbids that."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from lab import Lab, Stage, chromium_path, open_browser, pages_from_disk


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def pytest_addoption(parser):
    parser.addoption("--explorers", metavar="PAGE", help="write which hands move which explorer where")


def pytest_terminal_summary(terminalreporter, config):
    """A table of what has passed: explorer, place, the hands that moved it there."""
    if not (page := config.getoption("--explorers")):
        return
    found = {}
    for report in terminalreporter.getreports("passed"):
        for kind, place, hands in [mark for name, mark in report.user_properties if name == "explorer"]:
            found.setdefault(kind, {}).setdefault(place, set()).update(hands.split(", "))
    heads = ["JupyterLab", "slides", "site"]
    lines = [f"| explorer | {' | '.join(heads)} |", "|---|---|---|---|"]
    for kind in sorted(found):
        cells = [", ".join(sorted(found[kind].get(place, ["–"]), reverse=True)) for place in heads]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    Path(page).write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium."""
    if chromium_path() is None:
        reason = "no Chromium found: install one, or set CVCOURSE_CHROMIUM to its path"
        (pytest.fail if os.environ.get("CVCOURSE_BROWSER") == "required" else pytest.skip)(reason)
    with open_browser() as context:
        yield context


@pytest.fixture(scope="session")
def lab(chromium, tmp_path_factory):
    """A JupyterLab of this environment, with an empty folder."""
    server = Lab(tmp_path_factory.mktemp("lab"))
    yield server
    server.close()


@pytest.fixture
def from_disk(chromium):
    """`pages_from_disk` for one test."""
    with pages_from_disk(chromium) as open_page:
        yield open_page


@pytest.fixture(scope="session")
def only_stage(chromium, lab):
    """The notebook and the kernel that all explorers share."""
    stage = Stage(chromium, lab)
    yield stage
    stage.close()


@pytest.fixture
def stage(only_stage):
    """A notebook that shows explorers; in the end nothing went wrong and nothing was asked from outside."""
    with only_stage.watched():
        yield only_stage
