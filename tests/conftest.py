"""What all tests share: the file start.py as a module, and the browser."""

import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def load_start():
    """start.py, which is no part of the package, as a module of its own."""
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def start():
    return load_start()


@pytest.fixture(scope="session")
def chromium():
    """Path of a Chromium; without one the test is skipped, or fails where CVCOURSE_BROWSER_TESTS=required."""
    path = load_start().find_chromium()
    if path is None and os.environ.get("CVCOURSE_BROWSER_TESTS") == "required":
        pytest.fail("No Chromium was found, and CVCOURSE_BROWSER_TESTS=required. Install Chromium.")
    if path is None:
        pytest.skip("no Chromium was found")
    return path
