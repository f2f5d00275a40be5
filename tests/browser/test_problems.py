"""The explorer of the problems in JupyterLab: its sliders, its strips, the same answers as Python's."""

import re

CELL = """
import numpy as np
from cvcourse.explorers import Problems

def by_light(images):
    light = images.mean(axis=(1, 2, 3)) / 255
    return np.stack([1 - light, np.full_like(light, 0.2), light], axis=1)

explorer = Problems({"light": by_light, "dog": lambda images: np.tile([0, 1.0, 0], (len(images), 1)),
                     "duck": lambda images: np.tile([0.1, 0, 0.9], (len(images), 1))})
explorer
"""


def says(explorer, text):
    explorer.locator(".cv-describe").filter(has_text=re.compile(re.escape(text))).wait_for(timeout=15_000)


def test_keyboard_and_mouse_move_everything(open_notebook):
    explorer = open_notebook(CELL).explorer()
    answers = explorer.locator("[data-answer]")
    turn, light = (explorer.get_by_role("slider", name=name) for name in ("Turn", "Light"))
    turn.focus()
    turn.press("ArrowRight")
    says(explorer, "turned by 5°")
    light.focus()
    light.press("Home")
    says(explorer, "light 5 %. light: cat, right; dog: dog, wrong; duck: duck, wrong.")
    assert answers.all_inner_texts() == ["✓ cat", "✗ dog", "✗ duck"]
    explorer.get_by_role("combobox", name="Picture").select_option("duck")
    says(explorer, "A duck, turned by 5°, light 5 %. light: cat, wrong")
    explorer.get_by_role("combobox", name="Background").select_option("grass")
    says(explorer, "on grass")
    strip = explorer.get_by_role("img", name=re.compile("right at 40 of 40 positions of Light"))
    strip.wait_for(timeout=15_000)
    explorer.get_by_role("button", name="Reset").click()
    says(explorer, "A duck. ")
    box = strip.bounding_box()
    strip.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    says(explorer, "A duck, light 105 %")


def test_it_fits_and_nothing_jumps(open_notebook):
    explorer = open_notebook(CELL, width=1280, height=900).explorer()
    places = []
    for slider in [None, *explorer.get_by_role("slider").all()]:
        if slider:
            slider.focus()
            slider.press("End")
        box = explorer.bounding_box()
        assert box["width"] <= 1000 and box["height"] <= 560
        places.append([explorer.locator(part).first.bounding_box() for part in ("canvas", "[data-answer]")])
    assert all(place == places[0] for place in places)
