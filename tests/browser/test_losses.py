"""The box and mask explorers in JupyterLab: mouse, keyboard, and the same numbers as Python's."""

import pytest

BOX = "from cvcourse.explorers import BoxLoss\nexplorer = BoxLoss()\nexplorer"
MASK = "from cvcourse.explorers import MaskLoss\nexplorer = MaskLoss(scene='far')\nexplorer"
MEASURES = "print(*explorer.measures().values(), flush=True)"


def values(explorer):
    return [float(value) for value in explorer.locator(".cv-meter .cv-value").evaluate_all(
        "nodes => nodes.map(node => node.dataset.value)")]


def python_says(notebook, cell=1):
    """Run the last cell again and return the numbers that it prints."""
    notebook.page.locator(".jp-CodeCell").nth(cell).locator(".jp-InputArea-editor").click()
    notebook.page.keyboard.press("Control+Enter")
    notebook.page.wait_for_timeout(1500)
    output = notebook.page.locator('[data-mime-type="application/vnd.jupyter.stdout"]').last
    return [float(value) for value in output.inner_text().split()]


def drag(notebook, board, *points):
    box = board.bounding_box()
    mouse, places = notebook.page.mouse, [(box["x"] + x * box["width"], box["y"] + y * box["height"])
                                          for x, y in points]
    mouse.move(*places[0])
    mouse.down()
    for place in places[1:]:
        mouse.move(*place, steps=4)
    mouse.up()


def test_a_box_follows_mouse_and_keys_and_counts_as_python_does(open_notebook):
    notebook = open_notebook(BOX, MEASURES, width=1500, height=1000)
    explorer = notebook.explorer()
    board, words = explorer.locator(".cv-board"), explorer.locator(".cv-describe")
    height = explorer.bounding_box()["height"]
    before = values(explorer)
    board.focus()
    board.press("ArrowRight")
    board.press("Shift+ArrowUp")
    assert values(explorer)[0] < before[0]
    drag(notebook, board, (0.3, 0.7), (0.5, 0.5))
    moved = values(explorer)
    assert moved[0] < before[0]
    iou, general, smooth = python_says(notebook)
    assert moved == pytest.approx([1 - iou, 1 - general, smooth], abs=1e-9)
    explorer.get_by_role("button", name="far away").click()
    words.filter(has_text="No overlap").wait_for()
    assert values(explorer)[0] == 1
    explorer.get_by_role("combobox").select_option("giou")
    explorer.get_by_role("button", name="Descend").click()
    words.filter(has_text="two boxes overlap").wait_for(timeout=20_000)
    assert values(explorer)[0] < 1
    explorer.get_by_role("button", name="true box").click()
    words.filter(has_text="is the true box").wait_for()
    assert values(explorer) == [0, 0, 0]
    assert explorer.bounding_box()["height"] == height <= 560
    assert explorer.bounding_box()["width"] <= 1000


def test_a_mask_is_painted_and_counts_as_python_does(open_notebook):
    notebook = open_notebook(MASK, MEASURES, width=1500, height=1000)
    explorer = notebook.explorer()
    board, words = explorer.locator(".cv-board"), explorer.locator(".cv-describe")
    height = explorer.bounding_box()["height"]
    drag(notebook, board, (0.6, 0.6), (0.65, 0.8))
    painted = values(explorer)
    entropy, dice, iou, accuracy = python_says(notebook)
    assert painted == pytest.approx([entropy, dice, 1 - iou, accuracy], abs=1e-9)
    assert iou > 0
    explorer.get_by_role("button", name="the truth").click()
    words.filter(has_text="missed 0, false alarms 0").wait_for()
    explorer.get_by_role("button", name="nothing").click()
    words.filter(has_text="Found 0, missed 41").wait_for()
    drag(notebook, board, (0.2, 0.2))
    words.filter(has_text="false alarms 25").wait_for()  # a brush of 5 × 5
    board.press("Shift+ArrowRight")
    words.filter(has_text="false alarms 30").wait_for()
    board.press(" ")  # on a painted pixel: clears
    words.filter(has_text="false alarms 5").wait_for()
    explorer.get_by_role("combobox").select_option("near")
    words.filter(has_text="(25.9%)").wait_for()
    assert explorer.bounding_box()["height"] == height <= 560
    assert explorer.bounding_box()["width"] <= 1000
