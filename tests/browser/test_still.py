"""Explorers on a page from disk, without Python and network: mouse, keyboard, and words that are true."""

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
ASKING = {"Freezing": f"{BUTTON} >> nth=1", "Network": SLIDER}


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


@pytest.mark.parametrize("name", ASKING)
def test_what_asks_python_says_so_and_stays_true(opened, name):
    page = opened(getattr(explorers, name)(*([vgg.vgg16] if name == "Network" else [])))
    before = page.locator(".cv-describe").inner_text()
    control = page.locator(ASKING[name]).first
    control.press("Enter" if name == "Freezing" else "ArrowRight")
    page.locator(".cv-alive-note", has_text="asks Python").wait_for()
    assert page.locator(".cv-describe").inner_text() == before
