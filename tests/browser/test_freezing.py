"""The freezing explorer in JupyterLab: mouse, keyboard, and a run that joins the others."""

import re

from lab import says

CELL = """import keras
import numpy as np
from cvcourse.explorers import Freezing
keras.utils.set_random_seed(0)
images, labels = np.random.default_rng(0).random((20, 8, 8, 1)), np.arange(20) % 2
model = keras.Sequential([
    keras.Input((8, 8, 1)),
    keras.layers.Conv2D(4, 3, name="conv1"),
    keras.layers.Conv2D(8, 3, name="conv2"),
    keras.layers.GlobalAveragePooling2D(),
    keras.layers.Dense(2, name="dense"),
])
explorer = Freezing(model, (images, labels), (images, labels), augment=None, epochs=4,
                    curves={"from scratch": [40, 50]})
explorer"""


def test_click_keys_and_buttons_freeze_and_nothing_jumps(open_notebook):
    explorer = open_notebook(CELL).explorer()
    says(explorer, "All trainable: 354 parameters learn, 0 are frozen.")
    before = explorer.bounding_box()
    assert before["width"] <= 1000
    layers = explorer.get_by_role("listbox")
    explorer.get_by_role("option", name=re.compile("conv1")).click()
    says(explorer, "Layer 1 frozen: 314 parameters learn, 40 are frozen.")
    layers.press("ArrowRight")
    layers.press("Space")
    says(explorer, "Only the classifier: 18 parameters learn")
    explorer.get_by_role("option", name="Layer 2, conv2, frozen").wait_for()
    layers.press("End")
    layers.press("Enter")
    says(explorer, "All frozen: 0 parameters learn")
    explorer.get_by_role("button", name="▶ Train").click()
    says(explorer, "Nothing can learn")
    explorer.get_by_role("button", name="all trainable").press("Enter")
    says(explorer, "All trainable: 354")
    explorer.get_by_role("button", name="freeze the first half").click()
    says(explorer, "Layer 1 frozen")
    assert explorer.bounding_box()["height"] == before["height"]


def test_a_run_joins_the_others_and_another_is_stopped(open_notebook):
    explorer = open_notebook(CELL).explorer()
    explorer.get_by_role("button", name="▶ Train").click()
    says(explorer, re.compile(r"all trainable \d+ %\.$"))
    assert explorer.locator(".cv-chart polyline").count() == 2
    explorer.get_by_role("button", name="the classifier").click()
    explorer.get_by_role("button", name="▶ Train").click()
    explorer.get_by_role("button", name="■ Stop").click()
    explorer.get_by_role("button", name="▶ Train").wait_for()  # stopped, or done already: nothing hangs
