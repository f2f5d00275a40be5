"""What outputs say of exercises: read, counted, shown; hostile names stay text."""

import csv
import random
from collections import Counter

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cvcourse import cli
from cvcourse.classroom import report, results
from cvcourse.classroom.grading import MODEL
from cvcourse.exercises import pooling
from cvcourse.exercises.checking import WrongAnswer, exercises_of

TASKS = {"check_max_pool": "Exercise 1: max pooling", "check_output_size": "Exercise 2: its size"}


def answered(check, answer, capsys):
    """The outputs that Jupyter keeps of a check of this answer."""
    capsys.readouterr()
    try:
        getattr(pooling, check)(answer)
    except WrongAnswer as error:
        shown = {"ename": "WrongAnswer", "evalue": str(error), "traceback": str(error).splitlines()}
        return [new_output("error", **shown)]
    return [new_output("stream", name="stdout", text=capsys.readouterr().out)]


def handed_in(path, answers, capsys, tasks=TASKS):
    """Write a notebook with the answers; None leaves the check unrun."""
    cells = [new_markdown_cell("# Pooling\n\n## 1. A window")]
    for check, answer in answers.items():
        cells += [new_markdown_cell(f"### {tasks[check]}"), new_code_cell(f"exercises.{check}(mine)")]
        cells[-1].outputs = answered(check, answer, capsys) if answer else []
        cells.append(new_code_cell(f"exercises.{check}(solution)", metadata={"tags": ["solution"]}))
        cells[-1].outputs = answered(check, getattr(pooling, check).solution, capsys)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)


def not_done(*_):
    raise NotImplementedError


@pytest.fixture
def graded(tmp_path, capsys):
    pool, size = pooling.check_max_pool, pooling.check_output_size
    mean, rounded = (check.variant(next(iter(check.mistakes))) for check in (pool, size))
    answers = {
        "ada": (pool.solution, rounded),
        "<b>eve": (mean, rounded),
        "=cmd()": (lambda *_: np.zeros(1), not_done),
        "sam": (mean, None),
    }
    for student, pair in answers.items():
        path = tmp_path / "graded" / student / "04_pooling.ipynb"
        handed_in(path, dict(zip(TASKS, pair, strict=True)), capsys)
    right = dict(zip(TASKS, (pool.solution, size.solution), strict=True))
    handed_in(tmp_path / "graded" / MODEL / "04_pooling.ipynb", right, capsys)  # no student
    return tmp_path / "graded"


def test_each_state_is_read(graded):
    states = {student.parent.name: [one.state for one in results.results(student)]
              for student in results.notebooks_in([graded]) if student.parent.name != MODEL}  # fmt: skip
    assert states == {
        "ada": ["right", "wrong"], "<b>eve": ["wrong", "wrong"], "=cmd()": ["wrong", "not done"],
        "sam": ["wrong", "not run"],
    }  # fmt: skip
    one, other = results.results(graded / "<b>eve" / "04_pooling.ipynb")
    assert one.mistake == "take the average instead of the largest" and one.section == "1. A window"
    assert other.exercise == "Exercise 2: its size" and "expected" in other.message
    unnamed = results.results(graded / "=cmd()" / "04_pooling.ipynb")[0]
    assert not unnamed.mistake and unnamed.received == "[0.]  shape (1,)"


def test_each_question_of_a_quiz_counts(tmp_path):
    cells = [new_code_cell(f'quiz.check_quiz("04", answers, {n})') for n in (1, 2)]
    cells[0].outputs = [new_output("stream", name="stdout", text="✓ Right: 1 of 1.")]
    words = "Question 2: ✗ Not right yet. The formula rounds down. See section 2."
    cells[1].outputs = [new_output("error", ename="WrongAnswer", evalue=words, traceback=[])]
    nbformat.write(new_notebook(cells=[new_markdown_cell("## Quiz"), *cells]), tmp_path / "04_pooling.ipynb")
    one, other = results.results(tmp_path / "04_pooling.ipynb")
    assert (one.exercise, one.state) == ("Quiz: question 1", "right")
    assert (other.check, other.state, other.message) == ("check_quiz 2", "wrong", words)
    assert other.mistake == "The formula rounds down. See section 2."


def test_one_error_is_one_group_wherever_its_line_stands():
    words = "✗ Not right yet.\n  received  NameError: name 'x'\n{}  expected  1"
    lines = [words.format(f"            in line {n} of your cell: a\n") for n in (2, 9)]
    gave = {results._read([new_output("error", ename="WrongAnswer", evalue=line)])[3] for line in lines}
    assert gave == {"NameError: name 'x'"}


def test_a_class_is_counted(graded):
    pool, size = report.counted(report.collected(graded))
    assert [pool[state] for state in results.STATES] == [1, 3, 0, 0]
    assert pool["mistakes"] == {"take the average instead of the largest": ["<b>eve", "sam"]}
    assert pool["unnamed"] == {"[0.]  shape (1,)": ["=cmd()"]}
    assert [size[state] for state in results.STATES] == [0, 2, 1, 1]


def test_the_page_needs_nothing_from_outside_and_keeps_text_as_text(graded, tmp_path, capsys):
    to = tmp_path / "out" / "report.html"
    assert cli.main(["class", "report", str(graded), "--to", str(to), "--names"]) == 0
    page = to.read_text(encoding="utf-8")
    assert "&lt;b&gt;eve" in page and "<b>eve" not in page and "<script" not in page and "http" not in page
    assert "Nobody got right" in page and "You take the average instead of the largest." in page
    with to.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8 and {row["student"] for row in rows} == {"ada", "<b>eve", "'=cmd()", "sam"}
    cli.main(["class", "report", str(graded), "--to", str(to)])  # by default without names
    assert not any(name in to.read_text(encoding="utf-8") for name in ("ada", "eve", "sam"))
    assert "ada" not in to.with_suffix(".csv").read_text(encoding="utf-8")


def test_progress_names_the_mistake_and_its_section(graded, tmp_path, capsys):
    capsys.readouterr()
    assert cli.main(["progress", str(graded / "sam")]) == 0
    words = capsys.readouterr().out
    assert "You take the average instead of the largest. See: 1. A window" in words
    assert "right: 0, wrong: 1, not done: 0, not run: 1" in words
    (tmp_path / "broken.ipynb").write_text("{")
    for path in (tmp_path / "broken.ipynb", tmp_path / "nowhere", tmp_path / "out"):
        (tmp_path / "out").mkdir(exist_ok=True)
        assert cli.main(["progress", str(path)]) == 1
        assert "Received" in capsys.readouterr().err


def class_of_thirty(folder, capsys):
    """Write what thirty students hand in of lesson 04; return what each exercise's answers were, counted."""
    draw, checks = random.Random(30), exercises_of(pooling)
    tasks = {name: f"Exercise {n}: {name[6:].replace('_', ' ')}" for n, name in enumerate(checks, 1)}
    expected = {name: Counter() for name in checks}
    for student in range(30):
        answers = {}
        for name, check in checks.items():
            known = list(check.mistakes)[:4] if name != "check_blur_pool" else ["forget the steps"]
            kinds = [*known, *known[:1] * 2, "not done", "seven", "seven", "a typo"]
            kinds += [] if name == "check_blur_pool" else ["right"] * 6  # one that nobody can do
            kind = draw.choice(kinds)
            others = {"right": check.solution, "not done": not_done, "seven": lambda *_: 7.0, "a typo": typo}
            answers[name] = others.get(kind) or check.variant(kind)
            expected[name][kind] += 1
        handed_in(folder / f"student {student:02}" / "04_pooling.ipynb", answers, capsys, tasks)
    return expected


def typo(*given):
    return given[0].maen()


def test_thirty_students_with_known_mistakes_are_each_found_again(tmp_path, capsys):
    expected = class_of_thirty(tmp_path / "class", capsys)
    rows = {row["check"]: row for row in report.counted(report.collected(tmp_path / "class"))}
    assert rows.keys() == expected.keys()
    for name, counts in expected.items():
        row = rows[name]
        assert row["right"] == counts.pop("right", 0) and row["not done"] == counts.pop("not done", 0)
        unnamed = sorted([counts.pop("seven", 0), counts.pop("a typo", 0)])
        assert sorted(map(len, row["unnamed"].values())) == [count for count in unnamed if count]
        assert {words: len(who) for words, who in row["mistakes"].items()} == counts
        assert list(row["mistakes"].values()) == sorted(row["mistakes"].values(), key=len, reverse=True)
    page = report.report(tmp_path / "class", tmp_path / "report.html")[0].read_text("utf-8")
    nobody = page.partition("Nobody got right")[2].partition("</ul>")[0]
    assert nobody.count("<li>") == 1 and "blur pool" in nobody and "student 0" not in page
