"""The network explorer in JupyterLab: mouse, keyboard, and the same words as Python."""

import re

from lab import says, size

CELL = """import keras
from cvcourse.explorers import Network
explorer = Network(keras.Sequential([
    keras.Input((28, 28, 1)),
    keras.layers.Conv2D(8, 3, name="conv"),
    keras.layers.MaxPooling2D(name="pool"),
    keras.layers.Flatten(name="flat"),
    keras.layers.Dense(10, name="dense"),
]))
explorer"""


def test_keyboard_chooses_layers_and_moves_every_slider(open_notebook):
    explorer = open_notebook(CELL).explorer()
    before = size(explorer)
    assert before[0] <= 1000 and before[1] <= 560
    blocks = explorer.get_by_role("listbox")
    for key, name in (("ArrowRight", "pool"), ("End", "dense"), ("ArrowLeft", "flat"), ("Home", "input")):
        blocks.press(key)
        says(explorer, re.compile(f"Chosen: {name}"))
    blocks.press("ArrowRight")
    says(explorer, "Chosen: conv")
    input_size, filters, kernel, strides = explorer.get_by_role("slider").all()
    filters.press("ArrowRight")
    says(explorer, "output 26×26×12")
    kernel.press("ArrowRight")
    says(explorer, "output 25×25×12")
    strides.press("ArrowRight")
    says(explorer, "output 13×13×12")
    input_size.press("ArrowRight")
    says(explorer, "input 32×32×1")
    explorer.get_by_text("was 13,610").wait_for()
    explorer.get_by_role("button", name="Undo all").press("Enter")
    says(explorer, "input 28×28×1: 13,610 parameters")
    assert size(explorer) == before


def test_mouse_chooses_a_block_and_drags_a_slider(open_notebook):
    notebook = open_notebook(CELL)
    explorer = notebook.explorer()
    explorer.get_by_role("option", name=re.compile("^dense")).click()
    says(explorer, "Chosen: dense")
    slider = explorer.get_by_role("slider").nth(1)
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    notebook.page.mouse.move(box["x"] + box["width"] / 4, middle)
    notebook.page.mouse.down()
    notebook.page.mouse.move(box["x"] + box["width"] - 1, middle, steps=5)
    notebook.page.mouse.up()
    says(explorer, "output 8192")


def test_an_impossible_size_is_explained_and_nothing_jumps(open_notebook):
    explorer = open_notebook(CELL).explorer()
    before = size(explorer)
    kernel = explorer.get_by_role("slider").nth(2)
    kernel.press("End")
    says(explorer, "output 18×18×8")
    explorer.get_by_role("slider").nth(0).press("Home")
    problem = explorer.get_by_role("alert")
    problem.filter(has_text="its window of 11×11 does not fit").wait_for()
    says(explorer, "the last network stays")
    assert size(explorer) == before
    explorer.get_by_role("button", name="Undo all").click()
    problem.wait_for(state="hidden")


def test_all_of_vgg16_stands_side_by_side(open_notebook):
    cell = "from cvcourse.explorers import Network\nfrom cvcourse.models import vgg\nNetwork(vgg.vgg16)"
    explorer = open_notebook(cell).explorer()
    whole = "node => node.scrollWidth <= node.clientWidth"
    assert explorer.get_by_role("listbox").evaluate(whole)
    explorer.get_by_role("option", name=re.compile("^fc1")).click()
    says(explorer, "Chosen: fc1")
    assert explorer.get_by_text("parameters 25088·4096 + 4096 = 102,764,544").evaluate(whole)
