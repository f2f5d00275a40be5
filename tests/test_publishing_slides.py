"""Slides by rule: what is shown, what waits, what stays in the notes, and one file that asks for nothing."""

import re

import nbformat
import nbformat.v4 as v4
import pytest

from cvcourse.cli import main
from cvcourse.explorers import Perceptron
from cvcourse.publishing import still
from cvcourse.publishing.parts import as_notes
from cvcourse.publishing.slides import cut, page

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def text(source, **metadata):
    return v4.new_markdown_cell(source, metadata=metadata)


def code(source="x", printed=None, picture=False, tags=(), **metadata):
    outputs = [v4.new_output("stream", name="stdout", text=printed)] if printed else []
    if picture:
        outputs.append(v4.new_output("display_data", {"image/png": PNG, "text/plain": "a <picture>"}))
    return v4.new_code_cell(source, outputs=outputs, metadata={"tags": list(tags), **metadata})


def slides(*cells):
    """(title, kinds of what is shown) of each slide behind the title."""
    found = cut(v4.new_notebook(cells=[text("# Lesson"), *cells]))
    return [(slide.title, [part.kind for part in slide.shown()]) for slide in found[1:]]


def only(*cells):
    (slide,) = cut(v4.new_notebook(cells=[text("# Lesson\n\n## One"), *cells]))[1:]
    return slide


def test_a_heading_starts_a_slide_and_a_section_stands_above_its_parts():
    long = "Words. " * 90
    cells = [text(f"# T\n\nq\n\n## A\n\n{long}\n\n{long}\n\n### B\n\nb"), text("## C\n\nc")]
    found = cut(v4.new_notebook(cells=cells))
    assert [(slide.title, slide.above) for slide in found] == [("T", ""), ("A", ""), ("B", "A"), ("C", "")]


def test_a_picture_shares_its_slide_with_the_words_before_and_after():
    long = "First sentence of a long text. " * 12
    before = "## A\n\n" + f"{long}\n\n" * 4 + "Before."
    cells = [text(before), code(picture=True), text(f"After.\n\nNext.\n\n{long}")]
    *_, picture, after = slides(*cells)
    assert picture == ("A", ["text", "code", "picture", "text"]) and after == ("A", ["text", "text"])


def test_long_paragraphs_go_on_in_the_notes_and_formulas_do_not_break():
    whole = "See **this. And that** here. " + "A sentence. " * 40
    (part,) = only(text(whole)).parts
    assert "A sentence." in part.html and len(part.html) < 330 and part.more.count("A sentence.") == 40
    (part,) = only(text("A very long formula is $x. Y = 2$ here. " + "More. " * 60)).parts
    assert part.html.count("<math") == 1


def test_few_lines_are_no_slide():
    long = "A sentence of a text. " * 12
    ends = [text(f"## A\n\n{long}"), code(picture=True), text("Seen.\n\nAnd more.")]
    (_, kinds), other = slides(*ends, text("## B\n\nb"))
    assert kinds == ["text", "code", "picture", "text", "text"] and other == ("B", ["text"])
    full = only(text(long), code(printed="1\n" * 17), text("End. " * 50))
    assert [part.kind for part in full.parts] == ["text", "code", "output", "notes"]
    assert slides(text("## A\n\na\n\n### B\n\nb")) == [("B", ["text", "text"])]
    assert slides(text("## A\n\na\n\n### Exercise 1: f\n\nb"))[0] == ("A", ["text"])
    assert slides(text("## Recap\n\na"), text("## Next\n\nb"), text("## References\n\n" + "c\n\n" * 40)) == [
        ("Recap", ["text", "text"])
    ]


def test_what_is_optional_is_left_out_unless_it_is_wanted():
    optional = [text("### B (optional, 5 minutes)\n\nb"), code(printed="1")]
    cells = [text("## A\n\n- a"), *optional, text("## C\n\nc")]
    assert [title for title, _ in slides(*cells)] == ["A", "C"]
    cells[0].source += "\n- b" * 9
    cells[1].metadata.slideshow = {"slide_type": "slide"}
    assert [title for title, _ in slides(*cells)] == ["A", "B (optional, 5 minutes)", "C"]


def test_a_long_output_goes_on_in_the_notes():
    printed = only(text("a"), code(printed="".join(f"line {n}\n" for n in range(40)))).parts[-1]
    assert "line 19\n… and 20 lines more" in printed.html and "line 39" in printed.more


def test_what_leads_to_a_formula_stays_with_it():
    found = slides(text("## A\n\nB."), code(picture=True), text("What we see is\n\n$$x$$"))
    assert found == [("A", ["text", "code", "picture"]), ("A", ["text", "text"])]


def test_answers_wait_for_a_key_and_pictures_that_ask_do_not():
    predict = "*Predict, then run*: what is it?"
    slide = only(text(predict), code(picture=True), code(printed="4"), text("Four."))
    assert [(part.kind, part.step) for part in slide.shown()] == [
        ("question", False), ("code", False), ("picture", False), ("code", False), ("output", True),
        ("text", True),
    ]  # fmt: skip
    answer = only(text("Why?\n\n<details><summary>Answers</summary>\n\nSo.\n\n</details>")).parts[-1]
    assert answer.kind == "answer" and answer.step and "<li>" not in answer.html and "So." in answer.html


def test_of_exercises_the_task_is_shown_and_nothing_that_solves_it():
    task = [
        text("## A\n\na\n\n### Exercise 1: f\n\nWrite f."),
        code("def f(): raise NotImplementedError", tags=["exercise"]),
        code("exercises.check_f(f)"),
        text("<details><summary>Hint 1</summary>\n\nHINT\n\n</details>\n\nThe cell below."),
        code("def f_solution(): return 1", printed="right", tags=["solution"]),
    ]
    found = slides(*task, text("Said after it."), text("## B\n\nb"))
    assert found == [("A", ["text"]), ("Exercise 1: f", ["text", "code"]), ("B", ["text"])]
    found = slides(*task, text("It goes on."), code(printed="1"))
    assert found[-1] == ("A", ["text", "code", "output"])
    assert "HINT" not in page(v4.new_notebook(cells=[text("# T"), *task]))


def test_setup_checks_and_errors_are_left_out():
    loud = v4.new_code_cell("x", outputs=[v4.new_output("stream", name="stderr", text="WARNING")])
    setup = [text("## Setup"), code("import x", printed="1"), text("Sizes."), code()]
    found = slides(*setup, text("## A\n\na"), loud)
    assert found == [("A", ["text", "code"])]


def test_code_is_shown_where_it_teaches_and_tags_say_otherwise():
    def hidden(cell):
        return only(text("a"), cell).parts[1].hidden

    assert not hidden(code(printed="1")) and not hidden(code("def f():\n    pass", picture=True))
    assert hidden(code(picture=True)) and hidden(code("x = 1\n" * 30)) and hidden(code("import keras\nx = 1"))
    assert not hidden(code(picture=True, tags=["show-code"]))
    assert hidden(code(printed="1", tags=["hide-code"]))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("slide", [["text"], ["text"]]),
        ("skip", [["text"]]),
        ("notes", [["text"]]),
        ("fragment", [["text", "text"]]),
    ],
)
def test_slideshow_metadata_come_first(kind, expected):
    cells = [text("## A\n\na"), text("b", slideshow={"slide_type": kind})]
    assert [kinds for _, kinds in slides(*cells)] == expected
    last = cut(v4.new_notebook(cells=[text("# T"), *cells]))[-1].parts[-1]
    assert (last.kind == "notes", last.step) == (kind == "notes", kind == "fragment")


def test_explorers_have_slides_of_their_own_and_the_file_asks_for_nothing(tmp_path):
    live = Perceptron()
    links = "# T\n\n[here](03.ipynb), [there](https://a.org)"
    book = v4.new_notebook(cells=[text(links), text("## A\n\nPlay.")])
    output = v4.new_output("display_data", {still.VIEW: {"model_id": live.model_id}, "text/html": "<p>w</p>"})
    book.cells += [v4.new_code_cell("Perceptron()", outputs=[output]), text("What was that? $x^2$")]
    book.metadata.widgets = {still.STATE: {"state": {live.model_id: still.saved(live)}}}
    shown = [[part.kind for part in slide.shown()] for slide in cut(book)]
    assert shown == [["text"], ["text", "code", "explorer"]]
    tasks = [text("Try this:\n\n- one\n- two\n- three"), *book.cells[2:3]]
    before, playing = cut(v4.new_notebook(cells=[text("# T\n\n## A"), *tasks], metadata=book.metadata))[1:]
    assert as_notes(before.parts) == [part for part in playing.parts if part.kind == "notes"]
    nbformat.write(book, tmp_path / "04_lesson.ipynb")
    assert main(["slides", str(tmp_path / "04_lesson.ipynb"), str(tmp_path / "out.html"), "--executed"]) == 0
    made = (tmp_path / "out.html").read_text(encoding="utf-8")
    asks = r"""(src|srcset|poster|data)=["']?(?!data:)\w+:|@import|url\((?!['"]?(data:|#))"""
    assert not re.search(asks, made.split("<body>")[0] + re.sub("(?s)<script.*?</script>", "", made))
    assert re.findall(r'<a[^>]*href="([^"]*)', made) == ["https://a.org"] and "<math" in made
    nbformat.write(v4.new_notebook(cells=[text("# T"), code()]), tmp_path / "bare.ipynb")
    assert main(["slides", str(tmp_path / "bare.ipynb"), str(tmp_path / "bare.html"), "--executed"]) == 1
    assert "Lesson 04" in made and made.count("<script>") == 2 and len(made) < 200_000
