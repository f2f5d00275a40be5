"""The explorer of masks in JupyterLab: mouse, keyboard, and the same numbers as Python's."""

import re

import lab
import pytest
from test_losses import drag, python_says, values

CELL = "from cvcourse.explorers import Mask\nexplorer = Mask()\nexplorer"
NUMBERS = "print(*explorer.measures().values(), flush=True)"


def test_threshold_class_and_picture_count_as_python_does(open_notebook):
    notebook = open_notebook(CELL, NUMBERS, width=1500, height=1000)
    explorer = notebook.explorer()
    level = explorer.get_by_role("slider", name="Threshold")
    width, height = lab.size(explorer)
    assert width <= 1000 and height <= 560
    lab.says(explorer, "At threshold 0.50")
    before = values(explorer)
    lab.press(level, "ArrowRight", 3)
    lab.says(explorer, "At threshold 0.65")
    assert values(explorer)[2] < before[2]
    assert values(explorer) == pytest.approx(python_says(notebook), abs=1e-12)
    lab.press(level, "End")
    lab.says(explorer, "At threshold 0.95")
    assert values(explorer) == pytest.approx(python_says(notebook), abs=1e-12)
    drag(notebook, level, (0.9, 0.5), (0.3, 0.5), (0.02, 0.5))
    lab.says(explorer, "At threshold 0.05")
    assert values(explorer)[2] > before[2]
    assert values(explorer) == pytest.approx(python_says(notebook), abs=1e-12)
    explorer.get_by_role("combobox", name="Class").select_option("cat")
    lab.says(explorer, "the picture shows no cat")
    assert lab.size(explorer) == (width, height)
    lab.press(explorer.get_by_role("button", name="Picture 3"), "Enter")
    lab.says(explorer, re.compile(r"of \d+ true ones are found"))
    assert values(explorer) == pytest.approx(python_says(notebook), abs=1e-12)
    assert explorer.get_by_role("button", name="Picture 3").get_attribute("aria-pressed") == "true"
    formula = explorer.locator(".cv-formula").inner_text()
    overlap, union = re.search(r"true\| = (\d+) / (\d+) =", formula).groups()
    assert int(overlap) / int(union) == values(explorer)[0]
    assert lab.size(explorer) == (width, height)
