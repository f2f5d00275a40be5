"""The quiz of a lesson: one question at a time, and to each answer what is right or wrong with it."""

import html
import textwrap

from cvcourse import sealed
from cvcourse.explorers.base import Explorer, javascript
from cvcourse.explorers.controls import Data, Kept, within
from cvcourse.visualization import picture, style

LETTERS = "abcdefgh"
ANSWERS = (str, int, float, type(None))


class Quiz(Explorer):
    """Questions on a lesson: one of several, several of several, a number, an order.

    What is said to an answer is sealed (see `cvcourse.sealed`): it opens when that answer is checked.

    Args:
        lesson: str or int, the lesson's number, "04".
        part: "" for the quiz at its end, "first" for the questions on the lesson before.

    Attributes:
        at: int from 0, the question that is shown.
        answers: list, an answer for each question: "b"; "ac" where several are true; "cab" where an order is
            asked; a number; None for no answer yet.
        checked: list of bool, which answers have been checked. All three follow the page.

    Raises:
        ValueError: there is no such quiz, or no such question.

    Example:
        >>> quiz = Quiz("04")
        >>> quiz.describe()
        'Question 1 of 7: not answered yet.'
    """

    _esm = javascript("quiz.js")

    part = Data("")
    questions = Data([])
    at = Kept(lambda explorer, value: within("at", value, 0, max(0, len(explorer.questions) - 1)), 0)
    answers = Kept(lambda explorer, value: _each("answers", value, explorer.questions, ANSWERS), [])
    checked = Kept(lambda explorer, value: _each("checked", value, explorer.questions, (bool,)), [])

    def __init__(self, lesson, part=""):
        questions = sealed.load(lesson, part)
        count = len(questions)
        super().__init__(part=part, questions=questions, answers=[None] * count, checked=[False] * count)

    def _lifeless(self):
        asked = [text(question) for question in self.questions]
        items = "".join(f"<li><pre>{html.escape(one)}</pre></li>" for one in asked)  # all of them, for paper
        plain = "\n\n".join(f"{number}. {one}" for number, one in enumerate(asked, 1))
        return {"text/plain": plain, "text/html": f"<ol>{items}</ol>"}


def _each(name, values, questions, kinds):
    """Return `values` if there is one of these kinds for each question, or say what is wrong."""
    fits = isinstance(values, list | tuple) and all(isinstance(one, kinds) for one in values)
    if not fits or len(values) != len(questions):
        raise ValueError(f"{name} must have {len(questions)} items. Received: {name}={values!r:.200}")
    return list(values)


def text(question):
    """A question and its options in plain text."""
    ask = f"{question['ask']} ({sealed.KINDS[question['kind']]})"
    options = [f"{letter}) {option}" for letter, option in zip(LETTERS, question["options"], strict=False)]
    lines = [line for one in (ask, *options) for line in textwrap.wrap(one, 96, subsequent_indent="   ")]
    return "\n".join(lines).replace("`", "")


def describe(questions, at, answers, checked):
    """Return the state of a `Quiz` in words. Pure; arguments as its attributes."""
    head = f"Question {at + 1} of {len(questions)}"
    if not checked[at]:
        return f"{head}: {'not answered yet' if answers[at] in (None, '') else 'not checked yet'}."
    return f"{head}. {sealed.verdict(questions[at], answers[at])[1]}"


@style()
def figure(questions, at, description):
    """Return the present question of a `Quiz` as a `Picture`. Pure; arguments as its attributes."""
    lines = text(questions[at])
    drawing, axes = picture(9.4, 0.6 + 0.26 * len(lines.splitlines()), f"Quiz. {lines} {description}")
    axes.set_axis_off()
    axes.text(0, 1, f"{at + 1}. {lines}".replace("$", r"\$"), va="top", linespacing=1.5)
    return drawing
