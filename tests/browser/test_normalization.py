"""The normalisation explorer in JupyterLab: mouse, keyboard, and the same numbers as Python's."""

import re

import pytest

CELL = "from cvcourse.explorers import Normalization\nexplorer = Normalization()\nexplorer"


def agree(explorer):
    """Wait until the numbers that JavaScript shows stand in Python's words."""
    count, mean, variance = explorer.locator(".cv-formula b.cv-statistics").all_inner_texts()
    after = explorer.locator(".cv-formula b.cv-selected").inner_text().split(" → ")[1]
    share = f"{count} numbers .* share the mean {re.escape(mean)} and the variance {re.escape(variance)}"
    says = re.compile(f"{share}.* the map has the mean {re.escape(after)} ")
    explorer.locator(".cv-describe").filter(has_text=says).wait_for(timeout=10_000)


def test_every_norm_by_keyboard_and_mouse(open_notebook):
    explorer = open_notebook(CELL).explorer()
    agree(explorer)
    grid, batch = explorer.get_by_role("application"), explorer.get_by_role("slider")
    for norm, share in {
        "layer": "512 numbers (image 1, channels 0 to 7)",
        "instance": "64 numbers (image 1, channel 5)",
        "group": "256 numbers (image 1, channels 4 to 7)",
        "batch": "384 numbers (images 0 to 5, channel 5)",
    }.items():
        button = explorer.get_by_role("button", name=norm, exact=True)
        button.press("Enter")
        if norm == "layer":
            grid.press("ArrowDown")
            for _ in range(3):
                grid.press("ArrowRight")
        explorer.locator(".cv-describe", has_text=share).wait_for(timeout=10_000)
        assert button.get_attribute("aria-pressed") == "true"
        agree(explorer)
    explorer.get_by_role("button", name="group", exact=True).click()
    explorer.get_by_role("combobox").select_option("4")
    explorer.locator(".cv-describe", has_text="128 numbers (image 1, channels 4 to 5)").wait_for()
    agree(explorer)
    explorer.get_by_role("button", name="batch", exact=True).click()
    batch.press("Home")  # one image: the chosen one is now image 0
    explorer.locator(".cv-describe", has_text="64 numbers (image 0, channel 5)").wait_for()
    agree(explorer)
    box = grid.bounding_box()
    grid.click(position={"x": box["width"] - 10, "y": 40})
    explorer.locator(".cv-describe", has_text="(image 0, channel 7)").wait_for()
    agree(explorer)


@pytest.mark.parametrize("width", [1280, 1920])
def test_it_fits_and_nothing_jumps(open_notebook, width):
    explorer = open_notebook(CELL, width=width, height=900).explorer()
    places = []
    for norm in ("batch", "layer", "instance", "group"):
        explorer.get_by_role("button", name=norm, exact=True).click()
        explorer.get_by_role("checkbox").click()
        agree(explorer)
        places.append([explorer.locator(part).first.bounding_box() for part in (".cv-canvas", ".cv-formula")])
        box = explorer.bounding_box()
        assert box["width"] <= 1000
        assert box["height"] <= 560
    assert all(place == places[0] for place in places)
