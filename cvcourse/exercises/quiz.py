"""The quiz of a lesson as an exercise: answers in, "Right" or the mistake by its name."""

import os

from cvcourse import sealed
from cvcourse.exercises.checking import WrongAnswer


def check_quiz(lesson, answers, question=None):
    """Check the answers to a lesson's quiz, as the explorer `Quiz` writes them under its questions.

    Args:
        lesson: str or int, "04".
        answers: list with an answer for each question: "b"; "ac" where several are true; "cab" where an order
            is asked; a number; None for no answer yet.
        question: int from 1, to check one of them only (so that each can earn points of its own), or None.

    Raises:
        WrongAnswer: an answer is wrong, or missing in a graded run; the message names the mistakes.
        ValueError: there is no such lesson or question.

    Example:
        >>> check_quiz("04", [None] * len(sealed.load("04")))
        Not done yet: questions 1, 2, 3, 4, 5, 6, 7.
    """
    questions = sealed.load(lesson)
    if not isinstance(answers, list | tuple) or len(answers) != len(questions):
        raise WrongAnswer(f"✗ answers must be a list of {len(questions)} answers. Received: {answers!r}")
    if question not in (None, *range(1, len(questions) + 1)):
        raise ValueError(f"question must be from 1 to {len(questions)}. Received: question={question!r}")
    numbers = range(1, len(questions) + 1) if question is None else [question]
    missing, wrong = [], []
    for number in numbers:
        asked, answer = questions[number - 1], answers[number - 1]
        try:
            empty = not sealed.written(asked["kind"], answer, asked["per"])
            right, words = sealed.verdict(asked, answer)
        except ValueError as error:
            right, words, empty = False, f"✗ {error}", False
        if empty:
            missing.append(str(number))
        elif not right:
            wrong.append(f"Question {number}: {words}")
    todo = f"Not done yet: question{'s'[: len(missing) > 1]} {', '.join(missing)}."
    if wrong or (missing and os.environ.get("NBGRADER_EXECUTION")):  # what does not raise earns points
        raise WrongAnswer("\n".join([*wrong, *([todo] if missing else [])]))
    print(todo if missing else f"✓ Right: {len(numbers)} of {len(numbers)}.")


def solution(lesson):
    """The right answers of a lesson's quiz, for the course's own submission."""
    return [sealed.solved(question) for question in sealed.load(lesson)]
