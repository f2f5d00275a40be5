"""Every explorer on slides and on the site, from disk: its moves of `cases`, by mouse and by keyboard.

`python -m pytest tests/browser --explorers PAGE` writes what has passed as a table, with JupyterLab's moves.
"""

import keras
import nbformat
import nbformat.v4 as v4
import numpy as np
import pytest
from cases import CASES
from lab import pages_from_disk
from moves import act, hand, part

from cvcourse import explorers
from cvcourse.publishing import site, slides, still

KINDS = sorted({case.kind for case in CASES.values()})
SAYS = """root => [...root.querySelectorAll(".cv-describe, .cv-formula, .cv-meter, .cv-sum")]
  .filter(node => getComputedStyle(node).visibility !== "hidden").map(node => node.innerText).join()"""
#: Of the notebook only: training; answers that were not recorded. And on slides this key turns the page.
APART = {"button ▶ Train", "img right at 40 of 40 positions of Light", "PageDown"}


def moves(kind):
    """The moves of an explorer's first case, and of the next ones until mouse and keyboard have made some."""
    same, found = [case for case in CASES.values() if case.kind == kind], []
    for case in [case for case in same if case.code == same[0].code]:
        if not {"mouse", "keyboard"} <= {hand(*move[:2]) for move in found}:
            made = [move for move in case.moves if isinstance(move, tuple)]
            found += [move for move in made if not APART & set(move[:2])]
    return same[0].code, found


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """{place: page with all explorers}: slides, and a lesson of the site; no notebook is run."""
    pytest.importorskip("sphinx", reason="needs the extra `site`")
    codes = [moves(kind)[0] for kind in KINDS] + ["explorer = explorers.Teach(network='course')"]
    cells, states = [v4.new_markdown_cell("# All explorers\n\nDo they move?")], {}
    for code in codes:
        exec(code, made := {"keras": keras, "np": np, "explorers": explorers})
        live = made["explorer"]
        states[live.model_id] = still.saved(live)
        view = v4.new_output("display_data", {still.VIEW: {"model_id": live.model_id}})
        cells += [v4.new_markdown_cell(f"## {type(live).__name__}"), v4.new_code_cell(code, outputs=[view])]
    book = v4.new_notebook(cells=cells, metadata={"widgets": {still.STATE: {"state": states}}})
    folder = tmp_path_factory.mktemp("everywhere")
    nbformat.write(book, folder / "01_all.ipynb")
    (folder / "slides.html").write_text(slides.page(book), encoding="utf-8")
    site.site(folder / "site", [folder / "01_all.ipynb"], cache_folder=None)
    return {"slides": folder / "slides.html", "site": folder / "site" / "01_all.html"}


@pytest.fixture(scope="module")
def pages(chromium, places):
    """The two pages, open."""
    with pages_from_disk(chromium) as open_page:
        yield {place: open_page(file.as_uri(), height=720) for place, file in places.items()}


def show(page, kind):
    """The explorer of a kind, in the window."""
    page.bring_to_front()
    page.set_default_timeout(10_000)
    box = page.locator(f".cv-alive[data-name={kind}]")
    page.evaluate("box => { location.hash = box.closest('.slide')?.id ?? ''; }", box.element_handle())
    box.scroll_into_view_if_needed()
    box.locator(".cv-explorer[data-drawn]").wait_for()
    page.wait_for_timeout(400)  # as large as it fits
    return box


@pytest.mark.parametrize("place", ["slides", "site"])
@pytest.mark.parametrize("kind", KINDS)
def test_mouse_and_keyboard_move_it_and_no_word_is_stale(pages, record_property, kind, place):
    box = show(pages[place], kind)
    explorer, words, line = (box.locator(css) for css in (".cv-explorer", ".cv-describe", ".cv-formula"))
    drawn, said, moved = explorer.get_attribute("data-drawn"), {explorer.evaluate(SAYS)}, set()
    for where, what, told in moves(kind)[1]:
        if hand(where, what) or where.startswith("combobox"):
            act(part(explorer, where), what, told)
            before = drawn
            for _ in range(20):  # a busy machine draws late; not every move draws
                explorer.page.wait_for_timeout(25)
                drawn = explorer.get_attribute("data-drawn")
                if drawn != before:
                    break
            moved |= {hand(where, what)} if drawn != before else set()
            said.add(explorer.evaluate(SAYS))
    assert moved >= {"mouse", "keyboard"} and len(said) > 1
    assert words.is_visible() or line.get_attribute("role") == "status"
    said = box.locator(".cv-alive-note").inner_text()
    assert said == "" or kind == "Problems"  # it says where an answer was not recorded
    record_property("explorer", (kind, place, "mouse, keyboard"))


@pytest.mark.parametrize("place", ["slides", "site"])
def test_teach_says_that_it_needs_the_notebook(pages, record_property, place):
    box = show(pages[place], "Teach")
    assert box.get_by_text("This picture needs the notebook").is_visible()
    assert all(button.is_disabled() for button in box.locator("button:visible").all())
    record_property("explorer", ("Teach", place, "says that it needs the notebook"))
