"""The perceptron explorer in JupyterLab: mouse, keyboard, and the same weights as Python's."""

import re

import pytest
from lab import press, says, size

CELL = "from cvcourse.explorers import Perceptron\nexplorer = Perceptron()\nexplorer"
AGAIN = (
    "other = Perceptron(points=explorer.points)\nfor _ in explorer.history: other.step()\n"
    "print(*explorer.weights, *other.weights)"
)


def numbers(explorer):
    return [float(t.replace("−", "-")) for t in explorer.locator(".cv-formula b").all_inner_texts()]


def test_points_follow_mouse_and_keys_and_the_rule_is_pythons(open_notebook):
    notebook = open_notebook(CELL, AGAIN, width=1500, height=1000)
    explorer = notebook.explorer()
    board, step = explorer.locator(".cv-board"), explorer.get_by_role("button", name="Step")
    start = size(explorer)
    assert start[0] <= 1000 and start[1] <= 560
    explorer.get_by_role("button", name="XOR").click()
    for _ in range(6):
        step.click()
    says(explorer, "6 points shown")
    says(explorer, "never rest")
    notebook.page.locator(".jp-CodeCell").nth(1).locator(".jp-InputArea-editor").click()
    notebook.page.keyboard.press("Control+Enter")
    notebook.page.wait_for_timeout(1500)
    said = notebook.page.locator('[data-mime-type="application/vnd.jupyter.stdout"]').last.inner_text()
    values = [float(word) for word in said.split()]
    assert values[:3] == values[3:] == pytest.approx(numbers(explorer), abs=0.006)
    board.focus()
    board.press("4")
    press(board, "ArrowLeft", 14)
    press(board, "ArrowDown", 14)
    says(explorer, "the rule will find one")
    press(board, " ")
    says(explorer, re.compile("Wrong now|are right"))
    explorer.get_by_role("button", name="AND").click()
    explorer.get_by_role("button", name="Play").click()
    says(explorer, "the rule rests")
    box = board.bounding_box()
    point = box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25  # (1, 1): the fourth point
    notebook.page.mouse.click(*point)
    says(explorer, "Wrong now: point 4")
    notebook.page.mouse.click(*point)
    says(explorer, "the rule rests")
    notebook.page.mouse.move(*point)
    notebook.page.mouse.down()
    notebook.page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.9, steps=5)
    notebook.page.mouse.up()
    says(explorer, "Wrong now: point 4")
    assert size(explorer) == start
