"""Explorers in a real JupyterLab. Skipped without a Chromium; CVCOURSE_BROWSER=required forbids that."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from lab import Lab, Stage, chromium_path, open_browser


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


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
    """Open a page from disk, the network off; in the end nothing went wrong and nothing came from outside."""
    contexts, wrong = [], []

    def open_page(address, width=1280, height=800, **look):
        view = {"width": width, "height": height}
        contexts.append(chromium.browser.new_context(viewport=view, offline=True, **look))
        page = contexts[-1].new_page()
        page.on("console", lambda line: line.type == "error" and wrong.append(line.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        here = ("file:", "data:", "blob:")
        page.on("request", lambda asked: asked.url.startswith(here) or wrong.append(asked.url))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


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
