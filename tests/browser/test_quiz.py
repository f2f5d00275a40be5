"""The quiz by keyboard: in JupyterLab, and on a page from disk; what it says there is what Python says."""

from pathlib import Path

import axe
import pytest
from lab import says, size

from cvcourse import explorers, sealed
from cvcourse.explorers import Quiz
from cvcourse.publishing import still

QUIZZES = [(lesson, part) for n in range(1, 13) for lesson in [f"{n:02}"] for part in ("first", "")][1:]


@pytest.fixture
def opened(from_disk, tmp_path):
    """Open a page with one quiz; the theme is that of the site."""

    def open_page(quiz, light=True):
        entry, file = still.saved(quiz), tmp_path / "page.html"
        start = f"<!doctype html><meta charset=utf-8><html lang=en data-jp-theme-light={str(light).lower()}>"
        body = f"{still.fragment(entry)}{still.scripts([entry])}"
        style = "" if light else ' style="background: #111"'
        file.write_text(f"{start}<title>t</title><body{style}>{body}", encoding="utf-8")
        page = from_disk(file.as_uri())
        page.locator(".cv-explorer[data-drawn]").wait_for(timeout=20_000)
        return page

    return open_page


def trials(question):
    """Answers of all kinds: each letter, each pair, some orders, some numbers, none."""
    letters = "abcdefgh"[: len(question["options"])]
    if question["kind"] == "number":
        right = sealed.solved(question)
        return [None, right, right + 1, -right, right + 0.5, right / 2, right - 1, 1e9]
    pairs = [a + b for a in letters for b in letters if a < b]
    orders = [letters[n:] + letters[:n] for n in range(len(letters))]
    return {"one": [None, *letters], "several": [*letters, *pairs, letters, sealed.solved(question)],
            "order": [*orders, letters[::-1], sealed.solved(question)]}.get(question["kind"])  # fmt: skip


def test_each_verdict_is_that_of_python(chromium):
    page = chromium.new_page()
    script = (Path(explorers.__file__).parent / "quiz.js").read_text(encoding="utf-8")
    page.set_content("<!doctype html><title>t</title>")  # not a secure context: no crypto.subtle
    page.add_script_tag(content=script)
    for lesson, part in QUIZZES:
        questions = sealed.load(lesson, part)
        asked = [[question, trials(question)] for question in questions]
        told = page.evaluate(
            "asked => asked.map(([question, all]) => all.map((one) => verdict(question, one)))", asked
        )
        for (question, all_), here in zip(asked, told, strict=True):
            there = [sealed.verdict(question, one) for one in all_]
            assert [(one["right"], one["words"]) for one in here] == there
            assert any(right for right, _ in there) and not all(right for right, _ in there)
    page.close()


@pytest.mark.parametrize("light", [True, False], ids=["light", "dark"])
def test_all_kinds_by_keyboard_on_a_page_from_disk(opened, light):
    live = Quiz("04")
    page = opened(live, light)
    explorer = page.locator(".cv-explorer")
    before = size(explorer)
    assert before[0] <= 1000 and before[1] <= 560
    for at, question in enumerate(live.questions):
        right = sealed.solved(question)
        live.at = at
        says(explorer, live.describe())
        assert page.locator("legend").inner_text() == question["ask"].replace("`", "")
        if question["kind"] == "number":
            page.get_by_role("spinbutton").press_sequentially("26")
            page.keyboard.press("Enter")
            assert explorer.get_attribute("data-verdict") == "wrong"
            page.keyboard.press("ControlOrMeta+A")
            page.keyboard.type(str(round(right)))
        elif question["kind"] == "order":
            for place, letter in enumerate(right):
                text = question["options"]["abcdefgh".index(letter)]
                button = page.get_by_role("button", name=f"Move up: {text}", exact=True)
                while (now := page.locator(".cv-order li > span").all_inner_texts().index(text)) > place:
                    button.press("Enter")
                    assert button.evaluate("node => node === document.activeElement")
                    page.get_by_text(f"{text}: place {now} of {len(right)}.").wait_for(state="attached")
        else:
            for letter in right:
                page.locator(".cv-option input").nth("abcdefgh".index(letter)).press(" ")
        says(explorer, f"Question {at + 1} of 7: not checked yet.")
        page.get_by_role("button", name="Check").press("Enter")
        live.answers = [right if n == at else one for n, one in enumerate(live.answers)]
        live.checked = [n <= at for n in range(7)]
        says(explorer, live.describe())
        assert explorer.get_attribute("data-verdict") == "right" and size(explorer) == before
        assert page.get_by_text(f"Question {at + 1} of 7, {at + 1} right").is_visible()
        assert axe.violations(page, ".cv-alive") == []
        if at < 6:
            page.get_by_role("button", name="Next").press("Enter")
    assert page.get_by_role("button", name="Next").is_disabled()
    page.locator("summary").press("Enter")
    line = page.get_by_role("textbox", name="Your answers").input_value()
    values = {}
    exec(line, values)
    assert values["answers"] == live.answers and axe.violations(page, ".cv-alive") == []


HEIGHTS = """async () => {
  const found = [];
  for (;;) {
    await new Promise(requestAnimationFrame);
    const explorer = document.querySelector('.cv-explorer');
    found.push([explorer.querySelector('legend').innerText, explorer.getBoundingClientRect().height]);
    const next = [...explorer.querySelectorAll('button')].find(button => button.innerText.includes('Next'));
    if (next.disabled) return found;
    next.click();
  }
}"""


def test_every_question_fits(opened):
    for lesson, part in QUIZZES:
        page = opened(Quiz(lesson, part))
        page.locator(".cv-explorer legend").wait_for()
        heights = page.evaluate(HEIGHTS)
        assert len({asked for asked, _ in heights}) == len(heights) == len(sealed.load(lesson, part))
        assert [(lesson, part, asked) for asked, height in heights if height > 560] == []
        page.close()


def hears(stage, value, expected):
    """Python comes to know what the page already shows."""
    for _ in range(50):
        if (found := stage.ask("", value)) == expected:
            return
        stage.page.wait_for_timeout(200)
    assert found == expected


def test_page_and_python_follow_each_other_in_jupyterlab(stage):
    explorer = stage.show("explorer = explorers.Quiz('04')")
    explorer.get_by_role("spinbutton").press_sequentially("26")
    stage.page.keyboard.press("Enter")
    says(explorer, "you forget the + 1: the first window counts too. See section 2.")
    hears(
        stage,
        "[explorer.answers[0], explorer.checked[0], explorer.describe()]",
        [26, True, explorer.locator(".cv-describe").inner_text()],
    )
    explorer.get_by_role("button", name="Next").press("Enter")
    says(explorer, "Question 2 of 7: not answered yet.")
    explorer.get_by_role("checkbox").nth(1).press(" ")
    hears(stage, "[explorer.at, explorer.answers[1]]", [1, "b"])
    stage.ask("explorer.at = 4; explorer.answers = [None] * 4 + ['cab', None, None]")
    says(explorer, "Question 5 of 7: not checked yet.")
    first = stage.ask("", "explorer.questions[4]['options'][2]")
    assert explorer.locator(".cv-order li > span").first.inner_text() == first
    assert axe.violations(stage.page, ".cv-explorer") == []
    try:
        stage.theme("Dark")
        assert axe.violations(stage.page, ".cv-explorer") == []
    finally:
        stage.theme("Light")
