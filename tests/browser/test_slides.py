"""Slides from disk, with the network off: every key, notes, fragments, explorers, paper, both sizes."""

import re

import axe
import deck
import nbformat
import nbformat.v4 as v4
import pytest

from cvcourse.cli import main
from cvcourse.explorers import Pooling
from cvcourse.publishing import slides, still
from cvcourse.publishing.executed import CACHE

SIZES = [(1280, 720), (1920, 1080)]


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """A lesson of 8 slides: title, question, explorer, picture, code, its output, much text, exercise."""
    live = Pooling()
    state = {still.STATE: {"state": {live.model_id: still.saved(live)}}}
    view = v4.new_output("display_data", {still.VIEW: {"model_id": live.model_id}, "text/html": "<p>w</p>"})
    picture = (
        '<div class="figure"><img alt="two colours" src="data:image/svg+xml,'
        '%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 width=%22300%22 height=%22200%22/%3E"></div>'
    )
    drawn = v4.new_output("display_data", {"text/html": picture})

    def printed(words):
        return v4.new_output("stream", name="stdout", text=words)

    markdown, code = v4.new_markdown_cell, v4.new_code_cell
    book = v4.new_notebook(metadata={"widgets": state}, cells=[
        markdown("# The lesson\n\nA question."),
        markdown("## 1. Ask\n\n" + "A long thought. " * 40 + "\n\n*Predict, then run*: how many?"),
        code("print(4)", outputs=[printed("4\n")]),
        markdown("Four. $$\\frac{1}{2}$$"),
        markdown("## 2. Play\n\nMove it."),
        code("Pooling()", outputs=[view]),
        markdown("## 3. See\n\nThe picture shows it."),
        code("plot()", outputs=[drawn]),
        markdown("You see it."),
        markdown("## 4. Count"),
        code("for x in y: print(x)", outputs=[printed("number and number\n" * 10)]),
        markdown("| a | b |\n|---|---|\n" + "| number | number |\n" * 60),
        markdown("## 5. Read\n\n" + ("Many " + "words " * 35 + "end.\n\n") * 4),
        markdown("### Exercise 1: count\n\nWrite it."),
        code("def f(): raise NotImplementedError", metadata={"tags": ["exercise"]}),
    ])  # fmt: skip
    file = tmp_path_factory.mktemp("slides") / "lesson.html"
    file.write_text(slides.page(book, "Lesson 99"), encoding="utf-8")
    return file


@pytest.fixture
def opened(from_disk, lesson):
    """Open the lesson at a size and a slide."""
    return lambda size=SIZES[0], at="": from_disk(f"{lesson.as_uri()}#{at}", *size)


def now(page):
    """Number of the slide, and how many of its parts still wait."""
    return int(page.locator(".slide.now").get_attribute("id")), page.locator(".slide.now .waits").count()


def test_keys_turn_pages_and_answers_wait(opened):
    page = opened()
    press = page.keyboard.press
    assert now(page) == (1, 0) and page.locator(".number").inner_text() == "1 / 8"
    press("PageDown")
    assert now(page) == (2, 2) and not page.get_by_text("Four.").is_visible()
    press("ArrowRight")
    assert now(page) == (2, 1) and page.locator(".now .output").is_visible()
    press("Space")
    assert now(page) == (2, 0) and page.get_by_text("Four.").is_visible()
    press("ArrowLeft")
    assert now(page) == (1, 0)
    press("ArrowRight")
    assert now(page) == (2, 2)
    moves = {"End": 8, "PageDown": 8, "Home": 1, "4 Enter": 4, "PageUp": 3, "s": 4, "ArrowLeft": 3}
    for keys, number in moves.items():
        for key in keys.split():
            press(key)
        assert now(page)[0] == number
    page.reload()
    assert now(page)[0] == 3


def test_an_explorer_keeps_its_arrows_and_pagedown_turns_the_page(opened):
    page = opened(at=3)
    explorer = page.locator(".cv-explorer[data-drawn]")
    explorer.wait_for()
    slider = explorer.get_by_role("slider").first
    slider.press("ArrowRight")
    assert now(page)[0] == 3 and slider.input_value() == "3" and "Window 3 × 3" in explorer.inner_text()
    board = explorer.locator(".cv-board").first
    board.click()  # its middle
    board.press("ArrowUp")
    assert now(page)[0] == 3
    page.keyboard.press("PageDown")
    assert now(page)[0] == 4
    page.keyboard.press("PageUp")
    slider.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    assert now(page)[0] == 4


def test_a_picture_fills_the_window_and_goes_back(opened):
    page = opened(at=4)
    picture = page.locator(".now .picture img")
    small = picture.bounding_box()["height"]
    page.keyboard.press("z")
    assert picture.bounding_box()["height"] > max(600, small)
    page.keyboard.press("Escape")
    assert picture.bounding_box()["height"] == small
    picture.click()
    page.keyboard.press("PageDown")
    page.keyboard.press("PageUp")
    assert picture.bounding_box()["height"] == small


def test_overview_help_code_dark_and_black(opened):
    page = opened(at=4)
    press = page.keyboard.press
    assert not page.locator(".now .code").is_visible()
    press("c")
    assert page.locator(".now .code").is_visible()
    press("t")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 17, 17)"
    press("b")
    assert not page.locator(".now h2").is_visible()
    press("b")
    press("?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    press("Escape")
    press("o")
    cards = page.get_by_role("dialog", name="Overview").get_by_role("button")
    assert cards.count() == 8
    assert page.evaluate("document.activeElement.getAttribute('aria-current')") == "true"
    press("Tab")
    press("Enter")
    assert now(page)[0] == 5 and not page.get_by_role("dialog").first.is_visible()


def test_the_speaker_has_notes_and_a_clock(opened):
    page = opened()
    with page.expect_popup() as popup:
        page.keyboard.press("n")
    notes = popup.value
    page.keyboard.press("ArrowRight")
    assert notes.locator("#text").inner_text().count("A long thought.") == 40
    assert page.locator(".now").inner_text().count("A long thought.") < 20
    assert "2 more on this slide" in notes.locator("#next").inner_text()
    assert "Four." in notes.locator("#next").inner_text()
    assert "since the start" in notes.locator("#clock").inner_text()
    notes.keyboard.press("PageDown")
    assert now(page) == (2, 1)
    notes.get_by_label("Planned, in minutes").fill("45")
    began = page.evaluate("history.state.began")
    page.reload()  # every explorer as at the start; the time goes on, in a new window
    with page.expect_popup() as popup:
        page.keyboard.press("n")
    assert popup.value.get_by_label("Planned, in minutes").input_value() == "45"
    assert notes.is_closed() and page.evaluate("history.state.began") == began


def test_the_time_of_a_slide_and_what_was_planned(opened):
    page = opened()
    page.clock.install()
    page.reload()
    with page.expect_popup() as popup:
        page.keyboard.press("n")
    notes = popup.value
    notes.get_by_label("Planned, in minutes").fill("16")
    page.keyboard.press("PageDown")
    page.clock.run_for(181_000)
    # A question counts as 2 slides that are read, an explorer as 4, an exercise as 3.
    clock = notes.locator("#clock").inner_text()
    assert re.search(r"03:0\d since the start\nThis slide 03:0\d of 02:17$", clock)
    page.clock.run_for(180_000)
    assert "3 min late" in notes.locator("#clock").inner_text() and now(page)[0] == 2
    notes.get_by_label("Planned, in minutes").fill("160")  # its digits and arrows turn no page
    assert "late" not in notes.locator("#clock").inner_text() and now(page)[0] == 2


def test_a_light_follows_the_mouse_and_explorers_still_hear_it(opened):
    page = opened(at=3)
    light = page.locator(".light")
    page.locator(".cv-explorer[data-drawn]").wait_for()
    assert not light.is_visible()
    page.keyboard.press("l")
    page.mouse.move(300, 200)
    box = light.bounding_box()
    assert box["x"] + box["width"] / 2 == pytest.approx(300, abs=2) and light.is_visible()
    move_the_window(page)
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    assert not light.is_visible()


def move_the_window(page):
    """Drag the window of Pooling to where the arrow keys have been, on an explorer that is enlarged."""
    page.wait_for_timeout(400)  # as large as it fits
    board, number = page.locator(".cv-explorer .cv-board").first, page.locator(".cv-explorer .cv-sum")
    box = board.bounding_box()

    def mouse(there):
        page.mouse.move(box["x"] + there * box["width"], box["y"] + there * box["height"])

    mouse(0.03)
    page.mouse.down()
    page.mouse.up()
    for key in 7 * ["ArrowRight"] + 7 * ["ArrowDown"]:
        board.press(key)
    there = number.get_attribute("data-sum")
    board.press("ArrowLeft")
    beside = number.get_attribute("data-sum")
    mouse(0.03)
    page.mouse.down()
    mouse(15 / 28)  # the middle of pixels 14 and 15
    page.mouse.up()
    assert number.get_attribute("data-sum") == there != beside


def test_the_pen_draws_and_erases_and_leaves_explorers_alone(opened):
    page = opened(at=3)
    page.locator(".cv-explorer[data-drawn]").wait_for()
    before = page.locator(".cv-explorer").inner_text()
    page.keyboard.press("d")
    for there in (300, 500):
        page.mouse.move(there, there)
        page.mouse.down()
        page.mouse.move(there + 100, there - 50, steps=3)
        page.mouse.up()
    lines = page.locator(".now .ink polyline")
    assert lines.count() == 2 and page.locator(".cv-explorer").inner_text() == before
    box = lines.first.bounding_box()
    assert [box["x"], box["y"]] == pytest.approx([300, 250], abs=3)
    page.keyboard.press("PageDown")
    assert page.locator(".now .ink").count() == 0
    page.keyboard.press("PageUp")
    assert lines.count() == 2
    page.keyboard.press("d")
    move_the_window(page)
    assert lines.count() == 2
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    assert lines.count() == 0


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}")
def test_every_slide_fits_and_its_letters_are_large_enough(opened, size):
    page = opened(size)
    found = deck.walk(page)
    assert [number for number, slide in enumerate(found, 1) if slide["over"] and number != 6] == []
    assert all(slide["least"]["text"][0] >= 18 * size[0] / 1280 - 0.01 for slide in found)
    assert found[2]["least"]["explorer"][0] >= 17 * size[0] / 1280 - 0.01
    page.evaluate(deck.SHOW, 6)  # 60 rows: it scrolls, and says so
    assert found[5]["tall"] and "more" in page.locator("footer .rest").inner_text()
    page.keyboard.press("PageDown")
    assert now(page)[0] == 7


def test_paper_has_a_page_for_each_slide_and_shows_what_waited(opened, lesson):
    page = opened(at="print")
    page.locator("body[data-ready]").wait_for()
    assert page.locator(".cv-explorer[data-drawn]").count() == 1
    assert page.get_by_text("Four.").is_visible()
    explorer = page.locator(".cv-explorer").bounding_box()
    slide = page.locator(".slide:has(.cv-explorer)").bounding_box()
    assert slide["height"] == 720 and explorer["y"] + explorer["height"] <= slide["y"] + 720  # all of it
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 9  # the 60 rows take two


@pytest.mark.parametrize("key", ["p", "Control+p"])
def test_a_key_prints_when_every_explorer_is_drawn(opened, key):
    page = opened()
    page.evaluate("""() => { window.print = () => {
      document.body.dataset.printed = document.querySelectorAll('.cv-explorer[data-drawn]').length;
    }; }""")
    page.keyboard.press(key)
    page.locator("body[data-printed='1']:not(.paper)").wait_for()
    assert now(page) == (1, 0)


def test_no_slide_keeps_anybody_out(from_disk, lesson):
    assert deck.barriers(from_disk, lesson) == []


COPIES = sorted(CACHE.glob("*.ipynb"))  # what `cvcourse slides` and `cvcourse site` have run


@pytest.mark.skipif(not COPIES, reason="no lesson has been run by `cvcourse slides` or `cvcourse site`")
@pytest.mark.parametrize("copy", COPIES, ids=lambda path: path.stem[:2])
def test_every_slide_of_a_lesson_fits_and_keeps_nobody_out(from_disk, tmp_path, copy):
    """No lesson is run: CI restores the copies of the website."""
    file = tmp_path / "slides.html"
    file.write_text(slides.page(nbformat.read(copy, as_version=4), "Lesson"), encoding="utf-8")
    deck.holds(from_disk, file)


def test_what_jupyterlab_has_saved_becomes_slides_and_a_page(lab, from_disk, tmp_path):
    """Of the lesson that test_lessons.py runs whole: it is not run again."""
    ran, copy = (folder / "02_cnn_layers.ipynb" for folder in (lab.folder, tmp_path))
    file, site = tmp_path / "slides.html", tmp_path / "site"
    if not ran.exists():
        pytest.skip("lesson 02 was not run before: choose its test in test_lessons.py, too")
    book = nbformat.read(ran, as_version=4)
    book.cells = book.cells[book.cells[0].cell_type == "code" :]  # without what made the kernel new
    nbformat.write(book, copy)
    assert main(["slides", str(copy), str(file), "--executed"]) == 0
    deck.holds(from_disk, file)
    assert main(["site", str(site), "--executed", str(copy)]) == 0
    page = from_disk((site / "02_cnn_layers.html").as_uri() + "#exercises")
    page.wait_for_function("() => document.querySelectorAll('.cv-alive:not([data-live])').length === 0")
    assert page.locator(".cv-explorer[data-drawn]").count() == page.locator(".cv-alive").count() >= 7
    page.wait_for_timeout(300)
    assert 0 <= page.locator("#exercises").bounding_box()["y"] < 100  # whatever was drawn above it
    assert axe.violations(page) == []
