"""Explorers on a page from disk, without Python and network: mouse, keyboard, and words that are true."""

import keras
import numpy as np
import pytest

from cvcourse import explorers
from cvcourse.models import vgg
from cvcourse.publishing import still

BOARD, SLIDER, BUTTON = ".cv-board", "input[type=range]", ".cv-button"
# What the mouse clicks on; what takes a key, and which.
MOVES = {
    "Convolution": (BOARD, SLIDER, "ArrowRight"),
    "Pooling": (BOARD, SLIDER, "ArrowRight"),
    "Perceptron": (f"{BUTTON}:text('XOR')", f"{BUTTON}:text('Step')", "Enter"),
    "NMS": (f"{BUTTON}:text('Next')", f"{BUTTON}:text('All')", "Enter"),
    "Mask": (SLIDER, SLIDER, "End"),
    "MaskLoss": (BOARD, f"{SLIDER} >> nth=1", "ArrowRight"),
    "BoxLoss": (f"{BUTTON}:text('far away')", BOARD, "ArrowRight"),
    "OptimizerRace": (SLIDER, SLIDER, "ArrowRight"),
    "Capacity": (SLIDER, SLIDER, "End"),
    "Normalization": ("canvas[tabindex]", f"{BUTTON}:text('layer')", "Enter"),
    "Latent": (BOARD, BOARD, "ArrowRight"),
    "Scaling": (f"{BUTTON}:text('B3')", SLIDER, "ArrowRight"),
}


@pytest.fixture
def opened(chromium, tmp_path):
    """Open a page with one explorer from disk, with the network off; in the end nothing went wrong."""
    wrong = []

    def open_page(live):
        file = tmp_path / "page.html"
        entry = still.saved(live)
        body = still.fragment(entry) + still.scripts([entry])
        file.write_text(f"<!doctype html><meta charset=utf-8><title>t</title>{body}", encoding="utf-8")
        page = chromium.new_page()
        page.on("console", lambda line: line.type == "error" and wrong.append(line.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith(("file:", "blob:")) or wrong.append(asked.url))
        page.goto(file.as_uri())
        page.locator(".cv-explorer[data-drawn]").wait_for(timeout=20_000)
        page.wait_for_timeout(100)  # the second drawing, at the final size
        return page

    chromium.set_offline(True)
    yield open_page
    chromium.set_offline(False)
    for page in chromium.pages:
        page.close()
    assert wrong == []


def drawn(page):
    return int(page.locator(".cv-explorer").get_attribute("data-drawn"))


@pytest.mark.parametrize("name", MOVES)
def test_mouse_and_keyboard_move_it_and_no_word_is_stale(opened, name):
    mouse, key, pressed = MOVES[name]
    page = opened(getattr(explorers, name)())
    count, line = drawn(page), page.locator(".cv-formula")
    words = page.locator(".cv-describe")
    assert words.inner_text() and name in page.get_by_role("group").first.get_attribute("aria-label")
    page.locator(mouse).first.click(position={"x": 15, "y": 12})  # near the low end of a slider
    page.wait_for_function("count => document.querySelector('.cv-explorer').dataset.drawn > count", arg=count)
    count, before = drawn(page), line.inner_text()
    page.locator(key).first.press(pressed)
    page.wait_for_function("count => document.querySelector('.cv-explorer').dataset.drawn > count", arg=count)
    assert line.inner_text() != before, "the line of live numbers follows"
    assert not words.is_visible() and line.get_attribute("role") == "status"
    assert page.locator(".cv-alive-note").inner_text() == ""


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
    page = opened(explorers.Network(keras.Sequential([
        keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv"),
        keras.layers.Lambda(lambda x: 2 * x, output_shape=(6, 6, 4)),
        keras.layers.Conv2D(2, 3, name="after")])))
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


def test_teach_says_that_it_needs_the_notebook(opened):
    page = opened(explorers.Teach())
    assert page.get_by_text("This picture needs the notebook").is_visible()
    buttons = page.locator("button:visible")
    assert buttons.count() > 5 and all(button.is_disabled() for button in buttons.all())
    assert "pictures in" in page.locator(".cv-describe").inner_text()
