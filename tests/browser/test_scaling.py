"""The scaling explorer in JupyterLab: mouse and keyboard, and the numbers are Python's."""

from cvcourse.explorers.scaling import MARKS, costs

CELL = "from cvcourse.explorers import Scaling\nexplorer = Scaling()\nexplorer"


def test_keyboard_and_mouse_change_the_network(open_notebook):
    explorer = open_notebook(CELL, width=1500, height=900).explorer()
    words, formula = explorer.locator(".cv-describe"), explorer.locator(".cv-formula")
    depth, width, resolution, phi = explorer.get_by_role("slider").all()
    depth.focus()
    depth.press("ArrowRight")
    words.filter(has_text=f"{costs(depth=1.1)[0]:,} parameters").wait_for()
    width.focus()
    width.press("ArrowLeft")
    words.filter(has_text=f"{costs(1.1, 0.9)[0]:,} parameters").wait_for()
    explorer.get_by_role("button", name="B3").click()
    words.filter(has_text="This is B3").wait_for()
    assert f"{MARKS['B3'][0]:,}" in formula.inner_text()
    explorer.locator("svg g").last.click()  # the mark of B7
    words.filter(has_text="This is B7").wait_for()
    phi.focus()
    phi.press("Home")  # φ = −2: 0.7, 0.8, 168
    words.filter(has_text=f"{costs(0.7, 0.8, 168)[0]:,} parameters").wait_for()
    boxes = []
    for slider in (depth, width, resolution):
        slider.focus()
        slider.press("End")
        boxes.append(explorer.bounding_box())
    words.filter(has_text=f"{costs(3.5, 2.5, 640)[0]:,} parameters").wait_for()
    assert all(box == boxes[0] for box in boxes)
    assert boxes[0]["width"] <= 1000 and boxes[0]["height"] <= 560
