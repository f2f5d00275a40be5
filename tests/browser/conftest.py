"""Explorers in a real JupyterLab. Skipped without a Chromium; CVCOURSE_BROWSER=required forbids that."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from lab import FLAGS, Lab, Notebook, chromium_path, open_browser


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


@pytest.fixture
def open_notebook(chromium, lab, request):
    """Open a notebook made of the given cells, run it, and check in the end that nothing went wrong.

    `flags` are of a Chromium of its own, for example with a camera.
    """
    opened, browsers = [], []

    def open_and_run(*cells, flags=(), **size):
        context = chromium
        if flags:
            launch = chromium.browser.browser_type.launch
            browsers.append(launch(executable_path=chromium_path(), args=[*FLAGS, *flags]))
            context = browsers[-1].new_context()
        name = f"{request.node.name}.ipynb".replace("[", "_").replace("]", "")
        lab.write(name, *cells)
        opened.append(Notebook(context, lab, name, **size))
        opened[-1].run_all()
        return opened[-1]

    yield open_and_run
    for notebook in opened:
        notebook.close()
        assert notebook.errors == []
        assert notebook.outside == set()
    for browser in browsers:
        browser.close()
