"""Optimiser race and capacity in JupyterLab: keyboard, mouse, and the same numbers as Python's."""

import json

import pytest

RACE = """from cvcourse.explorers import OptimizerRace
explorer = OptimizerRace({arguments})
ends = [way[min(explorer.step, len(way) - 1)].tolist() for way in explorer.paths().values()]
print(ends, flush=True)
explorer"""
CAPACITY = "from cvcourse.explorers import Capacity\nCapacity()"


@pytest.mark.parametrize("arguments", ["step=60", "'saddle', rate=6", "'bent valley', momentum=4"])
def test_the_race_takes_the_steps_of_python(open_notebook, arguments):
    notebook = open_notebook(RACE.format(arguments=arguments))
    explorer = notebook.explorer()
    printed = notebook.page.locator('[data-mime-type="application/vnd.jupyter.stdout"]').first.inner_text()
    ends = json.loads(explorer.locator(".cv-formula").get_attribute("data-ends"))
    for one, other in zip(ends, json.loads(printed), strict=True):
        assert one == pytest.approx(other, rel=1e-6, abs=1e-9)


def test_race_by_keyboard_and_it_fits(open_notebook):
    explorer = open_notebook(RACE.format(arguments=""), width=1500, height=900).explorer()
    rate, momentum, steps = (explorer.get_by_role("slider").nth(index) for index in range(3))
    box = explorer.bounding_box()
    rate.press("End")
    explorer.locator(".cv-describe", has_text="learning rate 1,").wait_for()
    momentum.press("End")
    explorer.locator(".cv-describe", has_text="momentum 0.99,").wait_for()
    steps.press("Home")
    explorer.locator(".cv-describe", has_text="after 0 steps").wait_for()
    explorer.locator("select").select_option("bent valley")
    explorer.locator(".cv-describe", has_text="Bent valley").wait_for()
    explorer.get_by_role("button").click()
    explorer.locator(".cv-formula", has_text="diverged").wait_for()
    assert explorer.bounding_box() == box
    assert box["width"] <= 1000
    assert box["height"] <= 560


def test_capacity_by_keyboard_and_it_fits(open_notebook):
    explorer = open_notebook(CAPACITY, width=1500, height=900).explorer()
    network, images = (explorer.get_by_role("slider").nth(index) for index in range(2))
    box = explorer.bounding_box()
    network.press("Home")
    explorer.locator(".cv-describe", has_text="Small network").wait_for()
    images.press("End")
    explorer.locator(".cv-describe", has_text="4,000 training images").wait_for()
    for remedy in ("dropout", "augmentation", "weight decay", "all three"):
        explorer.locator("select").first.select_option(remedy)
        explorer.locator(".cv-describe", has_text=f"remedy: {remedy}").wait_for()
    explorer.locator("select").nth(1).select_option("accuracy")
    assert explorer.locator("polyline").count() == 3
    assert explorer.bounding_box() == box
    assert box["width"] <= 1000
    assert box["height"] <= 560
