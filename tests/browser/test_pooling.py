"""The pooling explorer in JupyterLab: mouse, keyboard, and the same numbers as Python's."""

import re

import pytest
from lab import press, shown

CELL = "from cvcourse.explorers import Pooling\nexplorer = Pooling()\nexplorer"


def test_keyboard_and_mouse_move_everything(open_notebook):
    notebook = open_notebook(CELL)
    explorer = notebook.explorer()
    shown(explorer)
    size, strides, shift = (explorer.get_by_role("slider").nth(index) for index in range(3))
    press(size, "ArrowRight")
    explorer.locator(".cv-describe", has_text="become 13 × 13").wait_for()
    press(strides, "ArrowRight")
    explorer.locator(".cv-describe", has_text="become 9 × 9").wait_for()
    explorer.locator("select").select_option("average")
    explorer.locator(".cv-describe", has_text="the average of 9 values").wait_for()
    explorer.locator(".cv-board").first.click()  # its middle
    explorer.locator(".cv-describe", has_text="Output pixel [4, 4]").wait_for()
    press(explorer.locator(".cv-board").nth(1), "ArrowUp", 2)
    explorer.locator(".cv-describe", has_text="Output pixel [2, 4]").wait_for()
    press(shift, "ArrowRight", 2)
    explorer.locator(".cv-describe", has_text="A shift of 2 px").wait_for()
    shown(explorer)
    words = explorer.locator(".cv-describe").inner_text()
    bars = [bar.inner_text().replace(" ", "") for bar in explorer.locator(".cv-bar .cv-value").all()]
    assert re.findall(r"by (\d+%)", words) == [bars[0], bars[2]]  # the input, the average
    press(strides, "Home")
    explorer.locator(".cv-describe", has_text="strides must be a whole number of at least 1").wait_for()
    assert "= ?" in explorer.locator(".cv-error").inner_text()


@pytest.mark.parametrize("pool", ["max", "average"])
def test_numbers_are_those_of_python(open_notebook, pool):
    sums = "print(*explorer.output()[3:6, 2], flush=True)"
    setup = f"explorer = Pooling(pool={pool!r}, pool_size=3, shift=3)"
    notebook = open_notebook(f"from cvcourse.explorers import Pooling\n{setup}\n{sums}\nexplorer")
    explorer = notebook.explorer()
    printed = notebook.page.locator('[data-mime-type="application/vnd.jupyter.stdout"]').first.inner_text()
    board = explorer.locator(".cv-board").first
    press(board, "Home")
    press(board, "ArrowRight", 2)
    press(board, "ArrowDown", 2)
    for expected in printed.split():
        press(board, "ArrowDown")
        assert shown(explorer)[1] == pytest.approx(float(expected), abs=1e-12)


def test_it_fits_and_nothing_jumps(open_notebook):
    explorer = open_notebook(CELL, width=1500, height=900).explorer()
    places = []
    for slider in [None, *explorer.get_by_role("slider").all()]:
        if slider:
            press(slider, "End")
        shown(explorer)
        parts = (".cv-trio", ".cv-formula", ".cv-play")
        places.append([explorer.locator(part).bounding_box() for part in parts])
        box = explorer.bounding_box()
        assert box["width"] <= 1000
        assert box["height"] <= 560
    assert all(place == places[0] for place in places)
