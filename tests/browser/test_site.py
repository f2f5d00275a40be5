"""The website from disk: alive, without a request to anywhere, accessible in both themes."""

import time

import axe
import pytest
from lab import press

PAGES = (
    "index", "01_first", "explorers", "glossary", "networks", "data", "search", "own_project", "api_boxes"
)  # fmt: skip
LIMIT = 3_000_000  # bytes of a lesson's page, with its pictures


@pytest.fixture
def visit(from_disk, website):
    """Open a page of the website."""
    return lambda name, width=1280, **look: from_disk(f"{website.as_uri()}/{name}", width, **look)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_kind_of_page_keeps_wcag_2_2_aa(visit, theme):
    found = {}
    for name in PAGES:
        page = visit(f"{name}.html", color_scheme=theme)
        page.wait_for_load_state("load")
        if name in ("01_first", "explorers"):
            page.wait_for_selector(".cv-explorer[data-drawn]")
            assert page.locator("html").get_attribute("data-jp-theme-light") == str(theme == "light").lower()
        found[name] = axe.violations(page)
    assert {name: told for name, told in found.items() if told} == {}


def test_a_lesson_is_small_drawn_soon_and_moves_by_keyboard(visit, website):
    started = time.perf_counter()
    page = visit("01_first.html")
    explorer = page.locator(".cv-explorer[data-drawn]")
    explorer.wait_for()
    seconds = time.perf_counter() - started
    names = "all => all.map(one => one.getAttribute('src'))"
    pictures = page.locator("img[src^=pictures]").evaluate_all(names)
    assert sum((website / name).stat().st_size for name in ["01_first.html", *pictures]) < LIMIT
    assert explorer.bounding_box()["width"] == pytest.approx(1000, abs=2)
    before = explorer.get_by_role("slider").first.get_attribute("aria-valuetext")
    press(explorer.get_by_role("slider").first, "ArrowRight")
    assert explorer.get_by_role("slider").first.get_attribute("aria-valuetext") != before
    assert seconds < 1.5 or page.evaluate("performance.getEntriesByType('navigation')[0].duration") < 1500


def test_the_search_works_from_disk(visit):
    page = visit("search.html?q=lose")
    page.get_by_role("link", name="Pooling, in small").last.click()
    assert "01_first.html" in page.url


def test_the_search_finds_a_function(visit):
    page = visit("search.html?q=non_max_suppression")
    page.get_by_role("link", name="cvcourse.boxes.non_max_suppression").first.click()
    assert "api_boxes.html#cvcourse.boxes.non_max_suppression" in page.url


def test_a_telephone_shows_all_of_it(visit):
    page = visit("01_first.html", width=420)
    page.wait_for_selector(".cv-explorer[data-drawn]")
    assert page.evaluate("document.documentElement.scrollWidth") <= 420


def test_folded_parts_open_by_keyboard_and_nothing_moves_against_the_readers_wish(visit):
    page = visit("01_first.html", reduced_motion="reduce")
    hint = page.locator("details", has_text="Hint 1").first
    press(hint.locator("summary"), "Enter")
    assert hint.evaluate("node => node.open")
    moving = "all => all.filter(one => parseFloat(getComputedStyle(one).transitionDuration)).length"
    assert page.locator("*").evaluate_all(moving) == 0
