"""The feature map explorer in JupyterLab: mouse, keyboard, upload, and the same words as Python."""

import re

from lab import says, size
from PIL import Image

CELL = """import keras
from cvcourse.explorers import FeatureMaps
keras.utils.set_random_seed(0)
explorer = FeatureMaps(keras.Sequential([
    keras.Input((32, 32, 3)),
    keras.layers.Conv2D(8, 3, activation="relu", padding="same", name="conv1"),
    keras.layers.MaxPooling2D(name="pool1"),
    keras.layers.Conv2D(6, 3, name="conv2"),
    keras.layers.GlobalAveragePooling2D(),
    keras.layers.Dense(2, activation="softmax"),
]), labels=["cat", "dog"])
explorer.channel = 3
explorer"""


def pictures(explorer):
    """Return the canvases: image, chosen map, all maps, sums of the input channels."""
    return [explorer.get_by_role("img").nth(index) for index in range(4)]


def test_keyboard_moves_the_unit_and_chooses_maps(open_notebook):
    explorer = open_notebook(CELL).explorer()
    before = size(explorer)
    assert before[0] <= 1000 and before[1] <= 560
    _, chosen, overview, sums = pictures(explorer)
    says(explorer, "row 16, column 16, channel 3")
    chosen.press("ArrowRight")
    says(explorer, "row 16, column 17, channel 3")
    chosen.press("ArrowUp")
    says(explorer, "row 15, column 17, channel 3")
    chosen.press("Home")
    says(explorer, "row 0, column 0, channel 3")
    chosen.press("PageDown")
    says(explorer, "row 0, column 0, channel 4")
    overview.press("ArrowLeft")
    says(explorer, "channel 3")
    overview.press("End")
    says(explorer, "channel 7")
    sums.press("Home")
    explorer.get_by_text("input channel 0 of 3").wait_for()
    sums.press("ArrowRight")
    explorer.get_by_text("input channel 1 of 3").wait_for()
    assert size(explorer) == before


def test_mouse_chooses_unit_and_map_and_lists_choose_layer_and_image(open_notebook):
    explorer = open_notebook(CELL).explorer()
    before = size(explorer)
    _, chosen, overview, _ = pictures(explorer)
    box = chosen.bounding_box()
    chosen.click(position={"x": box["width"] * 2.5 / 32, "y": box["height"] * 30.5 / 32})
    says(explorer, "row 30, column 2, channel 3")
    overview.click(position={"x": 10, "y": 10})
    says(explorer, "channel 0")
    layer, image = explorer.get_by_role("combobox").all()
    layer.select_option("conv2")
    says(explorer, re.compile(r"conv2, row 13, column 1"))
    image.select_option("coffee")
    says(explorer, "coffee. conv2")
    explorer.get_by_text(re.compile(r"The network says: (cat|dog), \d+ %")).wait_for()
    assert size(explorer) == before


def test_an_upload_is_shown_or_refused_in_words(open_notebook, tmp_path):
    explorer = open_notebook(CELL).explorer()
    before = size(explorer)
    upload = explorer.locator("input[type=file]")
    text, image = tmp_path / "notes.txt", tmp_path / "tiny.png"
    text.write_text("These are my notes, not an image.")
    Image.new("RGB", (40, 20), "teal").save(image)
    upload.set_input_files(text)
    explorer.get_by_role("alert").filter(has_text="notes.txt must be an image").wait_for()
    says(explorer, "a text that begins with 'These are my'")
    assert size(explorer) == before
    upload.set_input_files(image)
    says(explorer, "upload: tiny.png. conv1")
    explorer.get_by_role("alert").wait_for(state="hidden")
    assert size(explorer) == before
