"""Explorers on a page from disk, without Python and network: mouse, keyboard, and words that are true."""

import re

import keras
import numpy as np
import pytest

from cvcourse import explorers
from cvcourse.models import vgg
from cvcourse.publishing import still


@pytest.fixture
def opened(from_disk, tmp_path):
    """Open a page with one explorer."""

    def open_page(live):
        file = tmp_path / "page.html"
        entry = still.saved(live)
        body = still.fragment(entry) + still.scripts([entry])
        file.write_text(f"<!doctype html><meta charset=utf-8><title>t</title>{body}", encoding="utf-8")
        page = from_disk(file.as_uri())
        page.locator(".cv-explorer[data-drawn]").wait_for(timeout=20_000)
        page.wait_for_timeout(100)  # the second drawing, at the final size
        return page

    return open_page


def test_freezing_counts_what_a_layer_costs(opened):
    live = explorers.Freezing()
    page = opened(live)
    for preset in live.presets[::-1]:
        live.frozen = preset[1]
        page.get_by_role("button", name=preset[0]).press("Enter")
        page.locator(".cv-describe", has_text=live.describe()).wait_for()
    page.get_by_role("button", name="▶ Replay").press("Enter")
    page.locator(".cv-describe", has_text="A run is under way.").wait_for()
    page.locator(".cv-describe", has_text="right at the end: all trainable 64 %.").wait_for()
    page.get_by_role("button", name="▶ Replay").wait_for()
    page.get_by_role("option", name="Layer 2,").click()
    before = page.locator(".cv-describe").inner_text()
    page.get_by_role("button", name="▶ Replay").press("Enter")  # of this nothing is recorded
    page.locator(".cv-alive-note", has_text="asks Python").wait_for()
    assert page.locator(".cv-describe").inner_text() == before


def test_network_says_on_a_page_what_python_says(opened):
    live = explorers.Network(vgg.vgg16)
    page = opened(live)
    words = page.locator(".cv-describe")
    size, filters, kernel, strides = page.get_by_role("slider").all()
    for slider in size, filters, kernel, strides:
        slider.press({size: "ArrowLeft", filters: "End"}.get(slider, "ArrowRight"))
    live.input_size, live.changes = 192, {"block1_conv1": {"filters": 1024, "kernel_size": 4, "strides": 2}}
    assert words.inner_text() == live.describe()
    page.get_by_role("option", name="fc1").click()
    page.get_by_role("listbox").press("End")
    live.selected = "predictions"
    assert words.inner_text() == live.describe()
    page.get_by_role("listbox").press("Home")
    size.press("Home")
    live.input_size = 8
    assert words.inner_text() == live.describe() and "does not fit" in page.get_by_role("alert").inner_text()
    page.get_by_role("button", name="Undo all").click()
    assert page.get_by_text("as given").count() == 3 and page.locator(".cv-alive-note").inner_text() == ""


def test_network_with_a_layer_that_only_python_knows_says_so(opened):
    page = opened(
        explorers.Network(
            keras.Sequential(
                [
                    keras.Input((8, 8, 3)),
                    keras.layers.Conv2D(4, 3, name="conv"),
                    keras.layers.Lambda(lambda x: 2 * x, output_shape=(6, 6, 4)),
                    keras.layers.Conv2D(2, 3, name="after"),
                ]
            )
        )
    )
    before = page.locator(".cv-describe").inner_text()
    page.get_by_role("slider").nth(1).press("ArrowRight")
    page.locator(".cv-alive-note", has_text="asks Python").wait_for()
    assert page.locator(".cv-describe").inner_text() == before
    page.get_by_role("listbox").press("End")
    page.get_by_role("slider").nth(1).press("ArrowRight")  # nothing before the layer changes
    page.locator(".cv-describe", has_text="output 4×4×3").wait_for()


def test_problems_recalls_what_was_recorded_along_each_slider(opened):
    live = explorers.Problems({"light": lambda images: np.eye(3)[(images.mean((1, 2, 3)) > 100).astype(int)]})
    page = opened(live)
    words, note = page.locator(".cv-describe"), page.locator(".cv-alive-note")
    moves = ("Light", "Home", {"light": 5}), ("Size", "ArrowLeft", {"light": 100, "size": 95})
    for name, key, state in moves:
        page.get_by_role("slider", name=name).press(key)
        for knob, value in state.items():
            setattr(live, knob, value)
        page.locator(".cv-describe", has_text=live.describe()).wait_for()
    picture = page.locator(".cv-panel canvas")
    before = picture.evaluate("canvas => canvas.toDataURL()")
    page.get_by_role("combobox", name="Picture").select_option("duck")
    page.locator(".cv-describe", has_text="A duck. light:").wait_for()
    assert picture.evaluate("canvas => canvas.toDataURL()") != before and note.inner_text() == ""
    before = words.inner_text()
    page.get_by_role("slider", name="Turn").press("ArrowRight")
    page.locator(".cv-alive-note", has_text="asks Python").wait_for()
    assert words.inner_text() == before


def agree(said, live):
    """Words of the page and of Python: the same, but for a rounding in the fourth digit."""
    figure = r"−?\d+(?:\.\d+)?(?:e[+−]\d+)?"
    assert re.sub(figure, "#", said) == re.sub(figure, "#", live.describe())
    here, there = (
        [float(one.replace("−", "-")) for one in re.findall(figure, text)] for text in (said, live.describe())
    )
    assert here == pytest.approx(there, rel=2e-3, abs=1e-5)


def test_feature_maps_explains_any_unit_of_a_small_network(opened):
    keras.utils.set_random_seed(0)
    kl = keras.layers
    live = explorers.FeatureMaps(
        keras.Sequential(
            [
                keras.Input((32, 32, 3)),
                kl.ZeroPadding2D(((0, 1), (1, 0))),
                kl.Conv2D(8, 3, strides=2, name="conv1", bias_initializer="random_normal"),
                kl.BatchNormalization(name="normal", moving_mean_initializer="random_normal"),
                kl.Activation("relu6", name="relu6"),
                kl.DepthwiseConv2D(3, depth_multiplier=2, name="depth"),
                kl.MaxPooling2D(3, 2, padding="same", name="max"),
                kl.SeparableConv2D(5, 3, padding="same", activation="silu", name="parted"),
                kl.AveragePooling2D(3, 1, padding="same", name="mean"),
                kl.ReLU(0.5, name="cut"),
                kl.Conv2D(6, 3, dilation_rate=2, padding="same", activation="sigmoid", name="conv2"),
                kl.GlobalAveragePooling2D(),
                kl.Dense(2, activation="softmax"),
            ]
        ),
        labels="ab",
    )
    page = opened(live)
    words, line = page.locator(".cv-describe"), page.locator(".cv-formula")
    layer, image = page.get_by_role("combobox").all()
    chosen, overview = (page.get_by_role("img").nth(place) for place in (1, 2))
    size = page.locator(".cv-explorer").bounding_box()
    for name in ("normal", "relu6", "depth", "max", "parted", "mean", "cut", "conv1", "conv2"):
        layer.select_option(name)
        live.layer = name
        for key, position in (("Home", [0, 0]), ("End", [n - 1 for n in live.maps["shape"][:2]])):
            agree(words.inner_text(), live)
            chosen.press(key)
            live.position = position
            agree(words.inner_text(), live)
            parts = line.inner_text().replace("−", "-").split()
            assert float(parts[parts.index("products") + 2]) == pytest.approx(live.unit["total"], abs=6e-4)
    overview.press("Home")
    box = chosen.bounding_box()
    chosen.click(position={"x": box["width"] * 2.5 / 7, "y": box["height"] * 3.5 / 7})
    live.channel, live.position = 0, [3, 2]
    agree(words.inner_text(), live)
    image.select_option("coffee")
    live.image_name = "coffee"
    overview.click(position={"x": 10, "y": 10})
    agree(words.inner_text(), live)
    page.get_by_text(f"The network says: {live.photo['guess']}").wait_for()
    assert page.locator(".cv-alive-note").inner_text() == ""
    assert page.locator(".cv-explorer").bounding_box() == size
    file = {"name": "a.png", "mimeType": "image/png", "buffer": b"a"}
    page.locator("input[type=file]").set_input_files(file)
    page.locator(".cv-alive-note", has_text="asks Python").wait_for()
    agree(words.inner_text(), live)
    chosen.press("ArrowUp")
    assert page.locator(".cv-alive-note").inner_text() == "", "what is asked next is no question to Python"


def test_feature_maps_of_a_large_network_says_about_and_where_it_ends(opened):
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((224, 224, 3))
    x = keras.layers.Conv2D(16, 3, name="conv", strides=2)(x)
    x = keras.layers.Add(name="add")([x, x])
    x = keras.layers.MaxPooling2D(name="pool")(x)
    live = explorers.FeatureMaps(keras.Model(inputs, x))
    page = opened(live)
    words, layer = page.locator(".cv-describe"), page.get_by_role("combobox", name="Layer")
    assert "about" not in words.inner_text() and layer.locator("option").count() == 2
    layer.select_option("pool")
    live.layer = "pool"
    page.get_by_text("the first 8 of 16 maps").wait_for()
    live.channel, live.position = 7, [54, 54]
    page.get_by_role("img").nth(2).press("End")
    page.get_by_role("img").nth(1).press("End")
    said, true = words.inner_text(), live.describe()
    assert said.split(":")[0] == true.split(":")[0] and said.split(". It")[1] == true.split(". It")[1]
    figure = float(said.split("gives about ")[1].split(". It")[0].replace("−", "-"))
    assert figure == pytest.approx(live.unit["activation"], rel=0.06)
    assert "1 of 16" not in page.get_by_role("combobox", name="Image").inner_text()
