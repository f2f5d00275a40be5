"""Files for the tests of the readers: made here, or real ones, where they are at hand."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REAL = Path(os.environ.get("CVCOURSE_TEST_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))


def real(name):
    if not (REAL / name).is_dir():
        pytest.skip(f"needs {name}/ in the folder named by CVCOURSE_TEST_DATA, or in ../shared/data")
    return REAL / name


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels)).save(path)
    return path


def noise(height=20, width=30, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype="uint8")
