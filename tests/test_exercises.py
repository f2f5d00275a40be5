"""Every exercise of every lesson: stub, solution and each named mistake. New modules join by existing."""

import importlib
import itertools
import pkgutil

import numpy as np
import pytest

from cvcourse import exercises
from cvcourse.exercises.checking import Exercise, WrongAnswer, exercises_of

MODULES = sorted(m.name for m in pkgutil.iter_modules(exercises.__path__) if m.name != "checking")
CHECKS = [
    pytest.param(check, id=f"{module}.{name}")
    for module in MODULES
    for name, check in exercises_of(importlib.import_module(f"cvcourse.exercises.{module}")).items()
]
MISTAKES = [
    pytest.param(check.values[0], mistake, id=f"{check.id}-{mistake[:40]}")
    for check in CHECKS
    for mistake in check.values[0].mistakes
]


def stub(*args):
    raise NotImplementedError


@pytest.mark.parametrize("module", MODULES)
def test_a_lesson_has_four_to_six_exercises_and_each_is_called_check(module):
    names = exercises_of(importlib.import_module(f"cvcourse.exercises.{module}"))
    assert 4 <= len(names) <= 6
    assert all(name.startswith("check_") for name in names)


@pytest.mark.parametrize("check", CHECKS)
def test_stub_is_not_done_yet_and_does_not_stop_run_all(check, capsys):
    assert check(stub) is None
    assert "Not done yet" in capsys.readouterr().out


@pytest.mark.parametrize("check", CHECKS)
def test_solution_is_right_and_the_check_says_what_it_verified(check, capsys):
    check(check.solution)
    assert check.verified in capsys.readouterr().out


@pytest.mark.parametrize("check", CHECKS)
def test_at_least_three_mistakes_are_known_and_no_two_look_alike(check):
    assert len(check.mistakes) >= 3
    outcomes = {
        name: [check.outcome(wrong, case) for case in check.cases] for name, wrong in check.mistakes.items()
    }
    for one, other in itertools.combinations(outcomes, 2):
        alike = all(check.agree(a, b) for a, b in zip(outcomes[one], outcomes[other], strict=True))
        assert not alike, f"{one!r} and {other!r} give the same results on all cases"


@pytest.mark.parametrize("check, mistake", MISTAKES)
def test_each_known_mistake_is_rejected_and_named(check, mistake):
    with pytest.raises(WrongAnswer) as raised:
        check(check.mistakes[mistake])
    assert f"This is exactly what you get if you {mistake}." in str(raised.value)


@pytest.fixture
def check_total():
    return Exercise(
        solution=lambda image, offset: image.sum() + offset,
        cases=[(np.ones((2, 2)), 1), (np.full((2, 2), 2.0), 3)],
        mistakes={"forget the offset": lambda image, offset: image.sum()},
        verified="two sums",
    )


def test_wrong_answer_says_what_was_put_in_received_and_expected(check_total):
    with pytest.raises(WrongAnswer) as raised:
        check_total(lambda image, offset: -1.5)
    text = str(raised.value)
    assert "2 of 2 cases" in text and "exactly what you get" not in text
    assert "shape (2, 2)" in text and "offset = 1" in text
    assert "received  -1.5" in text and "expected  5" in text


def test_an_exception_is_named_with_its_line(check_total):
    def answer(image, offset):
        return image.sum() + {}[offset]

    with pytest.raises(WrongAnswer, match=r"KeyError: 1\n.*in line \d+ of your cell: return image.sum"):
        check_total(answer)


@pytest.mark.parametrize(
    "answer, hint",
    [
        (lambda image, offset: None, "return …"),
        (5.0, "without brackets"),
        (lambda image: image.sum(), "TypeError"),
        (lambda image, offset: "five", "'five'"),
    ],
)
def test_common_slips_are_explained(check_total, answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        check_total(answer)


def test_the_first_number_that_differs_is_named():
    check = Exercise(lambda n: np.zeros((n, n, n)), [(2,), (5,)], {}, "zeros")
    with pytest.raises(WrongAnswer) as raised:
        check(lambda n: np.arange(n**3).reshape(n, n, n) > 6)
    assert "first difference at [1, 1, 1]: 1 instead of 0" in str(raised.value)
    assert "8 numbers from 0 to 0, shape (2, 2, 2)" in str(raised.value)


def test_lines_of_an_array_stand_below_each_other(check_total):
    with pytest.raises(WrongAnswer, match=r"image = \[\[1. 1.\]\n {21}\[1. 1.\]\]"):
        check_total(lambda image, offset: 0)


def test_an_answer_may_change_its_input(check_total):
    def answer(image, offset):
        image += offset
        return image.sum() - image.size * offset + offset

    check_total(answer)
    check_total(answer)


def test_a_wrong_answer_is_shown_without_a_traceback():
    error = WrongAnswer("first\nsecond")
    assert error._render_traceback_() == ["first", "second"]


def test_in_a_notebook_a_wrong_answer_is_an_error_of_few_lines():
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell.instance()
    code = "from cvcourse.exercises.checking import WrongAnswer\nraise WrongAnswer('✗ only this')"
    with capture_output() as captured:
        result = shell.run_cell(code)
    assert isinstance(result.error_in_exec, AssertionError)
    assert captured.stdout.split("\n", 1)[0] == "✗ only this" and "Traceback" not in captured.stdout
