"""The NMS explorer in JupyterLab: mouse, keyboard, and the same numbers as Python's."""

import pytest

CROWD = """import numpy as np
from cvcourse import boxes as bx
from cvcourse.explorers import NMS
rng = np.random.default_rng(4)
centre = rng.choice([18.0, 44.0], (24, 2)) + rng.normal(0, 3, (24, 2))
half = rng.uniform(7, 13, (24, 2))
boxes, scores = np.concatenate([centre - half, centre + half], 1), rng.uniform(0.03, 0.98, 24)
labels = rng.integers(0, 2, 24)
image = rng.integers(90, 160, (64, 64, 3)).astype("uint8")
truth = boxes[:5] + rng.normal(0, 1, (5, 4)), labels[:5]
explorer = NMS(image, boxes, scores, labels, truth, ("cat", "<b>dog</b>"))
explorer"""
PYTHON = """got = explorer.measures()
strong = np.array(explorer.scores) >= explorer.score_threshold
parts = [np.array(part)[strong] for part in (explorer.boxes, explorer.scores, explorer.labels)]
stay = np.flatnonzero(strong)[bx.non_max_suppression(*parts, explorer.iou_threshold)]
print(got["precision"], got["recall"], *sorted(stay), flush=True)"""


def python_says(notebook, cell=1):
    """Run the last cell again and return the numbers that it prints."""
    notebook.page.locator(".jp-CodeCell").nth(cell).locator(".jp-InputArea-editor").click()
    notebook.page.keyboard.press("Control+Enter")
    notebook.page.wait_for_timeout(1500)
    output = notebook.page.locator('[data-mime-type="application/vnd.jupyter.stdout"]').last
    return [float(value) for value in output.inner_text().split()]


def meters(explorer):
    return [float(value) for value in explorer.locator(".cv-meter .cv-value").evaluate_all(
        "nodes => nodes.map(node => node.dataset.value)")]


def fates(explorer):
    return explorer.locator(".cv-row").evaluate_all("rows => rows.map(row => row.dataset.fate)")


def test_boxes_die_and_come_back_as_in_python(open_notebook):
    notebook = open_notebook(CROWD, PYTHON, width=1500, height=1000)
    explorer = notebook.explorer()
    score, overlap = (explorer.get_by_role("slider").nth(i) for i in (0, 1))
    size = explorer.bounding_box()
    assert size["height"] <= 560 and size["width"] <= 1000
    assert "stays" not in fates(explorer) and fates(explorer).count("waits") > 10
    explorer.get_by_role("button", name="Next").click()
    assert fates(explorer).count("stays") == 1 and "out" in fates(explorer)
    explorer.get_by_role("button", name="All").focus()
    notebook.page.keyboard.press("Enter")
    assert "waits" not in fates(explorer)
    for slider, key, times in ((score, "ArrowRight", 12), (overlap, "ArrowLeft", 15), (overlap, "End", 1),
                               (overlap, "Home", 1), (overlap, "ArrowRight", 45), (score, "Home", 1)):
        slider.focus()
        for _ in range(times):
            notebook.page.keyboard.press(key)
        precision, recall, *stay = python_says(notebook)
        assert meters(explorer) == pytest.approx([precision, recall], abs=1e-9)
        assert [i for i, fate in enumerate(fates(explorer)) if fate == "stays"] == stay
    score.focus()
    notebook.page.keyboard.press("End")
    explorer.locator(".cv-describe").filter(has_text="No box reaches").wait_for()
    assert set(fates(explorer)) == {"low"} and meters(explorer) == [0, 0]
    now = explorer.bounding_box()
    assert (now["height"], now["width"]) == (size["height"], size["width"])


def test_start_again_and_a_row_by_keyboard(open_notebook):
    notebook = open_notebook(CROWD, width=1500, height=1000)
    explorer = notebook.explorer()
    height = explorer.bounding_box()["height"]
    after = explorer.get_by_role("button", name="Next")
    after.focus()
    for _ in range(30):  # more often than there are rounds
        notebook.page.keyboard.press("Enter")
    assert "waits" not in fates(explorer)
    explorer.locator(".cv-describe").filter(has_text=", 0 waiting").wait_for()
    explorer.get_by_role("button", name="Start again").click()
    assert "stays" not in fates(explorer)
    canvas = "canvas => canvas.toDataURL()"
    before = explorer.locator(".cv-board").evaluate(canvas)
    notebook.page.keyboard.press("Tab")  # Next
    notebook.page.keyboard.press("Tab")  # All
    notebook.page.keyboard.press("Tab")  # the first row
    assert explorer.locator(".cv-row").first.evaluate("row => row === document.activeElement")
    assert explorer.locator(".cv-board").evaluate(canvas) != before
    assert explorer.locator(".cv-row b").count() == 0  # names are text, never HTML
    assert explorer.bounding_box()["height"] == height
