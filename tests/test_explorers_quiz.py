"""The quizzes: shipped as written, right and wrong as meant, and nothing of the answers to be read."""

import itertools
import json
import sys
from pathlib import Path

import nbformat
import pytest

from cvcourse import sealed
from cvcourse.classroom.student import student_edition
from cvcourse.exercises import quiz
from cvcourse.exercises.checking import WrongAnswer
from cvcourse.explorers import Quiz
from cvcourse.publishing import still

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
import questions as author  # noqa: E402  (the author's side stands beside the package, not in it)

LESSONS = author.lessons()
ASKED = [(f"{name} {part} {n}", plain, sealed.load(name, part)[n]) for name, parts in LESSONS.items()
         for part, found in parts.items() for n, plain in enumerate(found)]  # fmt: skip
IDS = [name for name, _, _ in ASKED]
each_question = pytest.mark.parametrize(("plain", "question"), [pair for _, *pair in ASKED], ids=IDS)


def right(plain):
    """The key of the right answer."""
    return next(key for key, text in plain["plain"].items() if text[0] == "✓" and not key.startswith("has "))


def test_each_of_twelve_lessons_has_five_questions_of_four_kinds():
    assert sorted(LESSONS) == [f"{n:02}" for n in range(1, 13)]
    for parts in LESSONS.values():
        assert len(parts[""]) >= 5 and {one["kind"] for one in parts[""]} == set(sealed.KINDS)
    assert len(ASKED) == 103
    asked = [plain["ask"] for _, plain, _ in ASKED]
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("name", LESSONS)
def test_the_package_ships_what_the_author_wrote(name):
    shipped = (sealed.FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert shipped == author.text(LESSONS[name]), "run `python -m questions`"


@each_question
def test_what_is_said_fits_the_answer(plain, question):
    kind, see = plain["kind"], f"See {plain['see']}."
    assert "`" not in "".join(plain["plain"].values()) and plain["see"].startswith(("section", "lesson"))
    for key, text in plain["plain"].items():
        if "has " in key or "<" in key:
            continue
        answer = key if kind != "number" else _number(key, plain["per"])
        good, words = sealed.verdict(question, answer)
        assert good == (text[0] == "✓") and text[2:] in words and words.endswith(see)
    if kind == "order":  # every other order is named, and nothing is put in order from the start
        letters = sorted(right(plain))
        for order in itertools.permutations(letters):
            good, words = sealed.verdict(question, "".join(order))
            assert good == ("".join(order) == right(plain)) and len(words) > len(f"✗ Not right yet. {see}")
        assert right(plain) != "".join(letters)
    if kind == "several":
        letters = "abcdefgh"[: len(plain["options"])]
        sizes = range(1, len(letters) + 1)
        sets = ["".join(some) for size in sizes for some in itertools.combinations(letters, size)]
        assert [some for some in sets if sealed.verdict(question, some)[0]] == [right(plain)]
        assert 2 <= len(right(plain)) < len(letters)
        assert "something is missing" in sealed.verdict(question, right(plain)[0])[1]
    if kind == "one":
        marks = [sealed.verdict(question, letter)[0] for letter in "abcdefgh"[: len(plain["options"])]]
        assert marks.count(True) == 1 and len(marks) == len(set(plain["options"])) >= 4
    assert sealed.verdict(question, None) == (False, f"✗ Not right yet. {see}")


def _number(key, per):
    units, _, of = key.partition("/")
    return int(units) / int(of or per)


def test_half_a_window_is_no_window():
    question = sealed.load("04")[0]
    assert sealed.verdict(question, 27)[0] and sealed.verdict(question, "27")[0]
    assert not sealed.verdict(question, 26.9)[0] and not sealed.verdict(question, 27.4)[0]
    with pytest.raises(ValueError, match="must be a number"):
        sealed.verdict(question, "many")
    assert sealed.written("number", float("nan")) == sealed.written("number", "") == ""


@pytest.mark.parametrize("name", ["02", "10"])
def test_trying_all_finds_the_answers_and_they_pass_as_an_exercise(name, capsys, monkeypatch):
    answers = quiz.solution(name)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    quiz.check_quiz(name, answers)
    assert "✓ Right" in capsys.readouterr().out


def test_a_wrong_or_missing_answer_is_named(capsys, monkeypatch):
    plain = LESSONS["04"][""]
    answers = [one["value"] if one["kind"] == "number" else right(one) for one in plain]
    quiz.check_quiz("04", [list(one) if isinstance(one, str) else one for one in answers])
    with pytest.raises(WrongAnswer, match=r"^Question 1: ✗ Not right yet\. This is .* you forget the \+ 1"):
        quiz.check_quiz(4, [26, *answers[1:]])
    quiz.check_quiz("04", [26, *answers[1:]], question=2)
    quiz.check_quiz("04", [None, *answers[1:]])
    assert "Not done yet: question 1." in capsys.readouterr().out
    with pytest.raises(WrongAnswer, match="must be a list of 7"):
        quiz.check_quiz("04", [26])
    with pytest.raises(WrongAnswer, match="must be a number"):
        quiz.check_quiz("04", ["many", *answers[1:]])
    with pytest.raises(ValueError, match="question must be from 1 to 7"):
        quiz.check_quiz("04", answers, question=8)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(WrongAnswer, match="Not done yet"):
        quiz.check_quiz("04", [None, *answers[1:]])


@pytest.mark.parametrize("name", LESSONS)
def test_nothing_said_to_an_answer_can_be_read_in_page_state_or_notebook(name):
    path = next((ROOT / "notebooks").glob(f"{name}_*.ipynb"))
    lesson = nbformat.read(path, as_version=4)
    notebook = "\n".join(cell.source for cell in [*lesson.cells, *student_edition(lesson).cells])
    assert notebook.count("explorers.Quiz(") == 2 * len(LESSONS[name]), "students have it, too"
    assert f'explorers.Quiz("{name}")' in notebook
    for part, found in LESSONS[name].items():
        assert not part or f'explorers.Quiz("{name}", "{part}")' in notebook
        explorer = Quiz(name, part)
        entry = still.saved(explorer)
        page = still.fragment(entry) + still.scripts([entry])
        bundle = json.dumps(explorer._repr_mimebundle_()[0], ensure_ascii=False)
        state = json.dumps(entry["state"]["questions"], ensure_ascii=False)
        for question in found:
            for text in question["plain"].values():
                assert len(text) < 3 or not any(text[2:] in where for where in (notebook, page, bundle))
        for shown in entry["state"]["questions"]:  # nor is anything marked as right
            assert shown.keys() == {"kind", "ask", "options", "unit", "per", "see", "salt", "sealed"}
            assert {len(text) % 4 for text in shown["sealed"].values()} == {0}
            if shown["kind"] == "one":
                assert len(shown["sealed"]) == len(shown["options"])
        assert "✓" not in state and "✗" not in state


def test_state_words_and_picture_of_the_explorer():
    explorer = Quiz(4)
    assert explorer.questions == Quiz("04").questions
    assert explorer.description == "Question 1 of 7: not answered yet."
    explorer.answers = [26, *explorer.answers[1:]]
    assert explorer.description == "Question 1 of 7: not checked yet."
    explorer.checked = [True, *explorer.checked[1:]]
    assert "✗ Not right yet. This is exactly what you get if you forget the + 1" in explorer.description
    figure = explorer.figure()
    assert "55 pixels wide" in figure.alt and explorer.description in figure.alt and figure.png()
    explorer.at = 6
    assert explorer.description == "Question 7 of 7: not answered yet."
    plain = explorer._repr_mimebundle_()[0]["text/plain"]
    assert all(question["ask"].split()[0] in plain for question in explorer.questions)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Quiz("99"), "lesson must be one of 01, 02"),
        (lambda: Quiz("01", "first"), 'part must be "" in lesson 01'),
        (lambda: setattr(Quiz("04"), "at", 7), "at must be a whole number from 0 to 6"),
        (lambda: setattr(Quiz("04"), "answers", ["a"]), "answers must have 7 items"),
    ],
)
def test_errors_say_what_must_be(make, words):
    with pytest.raises(Exception, match=words):
        make()
