"""Every exercise of every lesson: stub, solution and each named mistake. New modules join by existing."""

import dataclasses
import importlib
import pkgutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from cvcourse import exercises
from cvcourse.exercises import classification, compilation, detection, generation, tasks, vgg16
from cvcourse.exercises.checking import Exercise, WrongAnswer, exercises_of, within

MACHINERY = "checking", "hidden", "quiz", "results"  # no lessons
MODULES = sorted(m.name for m in pkgutil.iter_modules(exercises.__path__) if m.name not in MACHINERY)
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
def test_at_least_three_mistakes_are_known(check):
    assert len(check.mistakes) >= 3


@pytest.mark.parametrize("check, mistake", MISTAKES)
def test_each_known_mistake_is_rejected_and_named(check, mistake):
    """So no two look alike: of two with the same results, the second would get the name of the first."""
    with pytest.raises(WrongAnswer) as raised:
        check(check.variant(mistake))
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


def test_an_answer_that_destroys_its_input_is_told_so(check_total):
    def answer(image, offset):
        image += offset
        return image.sum() - image.size * offset + offset

    for _ in range(2):  # the cases stay as they were
        with pytest.raises(WrongAnswer, match="changes what it was given") as raised:
            check_total(answer)
        assert "first difference at [0, 0]: 2 instead of 1" in str(raised.value)


@pytest.mark.parametrize(
    "received, expected, line",
    [
        ((1, np.zeros((9, 9))), (1, np.eye(9)), "in [1] at [0, 0]: 0 instead of 1"),
        ([(8, 8, 4), (4, 4, 8)], [(8, 8, 4), (4, 5, 8)], "in [1][1]: 4 instead of 5"),
        ({"a": 1, "b": "x"}, {"a": 1, "b": "y"}, "in ['b']: 'x' instead of 'y'"),
        ((np.zeros(2), 1), (np.zeros(3), 1), "in [0]: shape (2,) instead of shape (3,)"),
        ((1, None), (1, np.zeros(3)), "in [1]: None instead of shape (3,)"),
    ],
)
def test_the_first_difference_is_found_inside_tuples_lists_and_dicts(received, expected, line):
    with pytest.raises(WrongAnswer) as raised:
        Exercise(lambda n: expected, [(1,)], {}, "")(lambda n: received)
    assert f"first difference {line}\n" in f"{raised.value}\n"


ODD = [
    np.zeros((0, 3, 3)), np.zeros((1, 0, 2, 2)), np.array([["a", "b"]]), np.array([None, {}]), [[1], [1, 2]],
    [np.zeros(2), "a"], 1j, np.complex64(1j), np.array([1 + 1j, 2]), {}, {1: np.zeros(3)}, set(), object(),
    float("nan"), np.datetime64("2026-01-01"), np.array(["2026-01-01"], "datetime64[D]"), b"a", (), [],
    ([], ()), np.ma.masked, np.zeros((2, 2), [("x", int)]), 10**400, "text", lambda: 1, int,
]  # fmt: skip


@pytest.mark.parametrize("expected", [1.5, np.eye(3), np.ones((2, 2, 2)), (1, np.eye(2)), [1, [2]], {"a": 1}])
@pytest.mark.parametrize("received", ODD, ids=lambda value: repr(value)[:20].replace("\n", ""))
def test_the_check_itself_never_fails(expected, received):
    check = Exercise(lambda n: expected, [(1,)], {"double": lambda n: 2 * n}, "")
    for result in (received, (1, received), [received], {"a": received}):
        with pytest.raises(WrongAnswer, match="Not right yet"):
            check(lambda n, result=result: result)


def endless(image, offset):
    while True:
        pass


def swallowing(image, offset):
    while True:
        try:
            offset += 1
        except:  # noqa: E722
            offset = 0


@pytest.mark.parametrize("answer", [endless, swallowing])
def test_an_endless_loop_is_ended_and_quoted(check_total, answer):
    threads, start = threading.active_count(), time.monotonic()
    words = r"(?s)after 0.3 seconds.*offset = 1.*in line \d+ of your cell.*loops come to an end"
    with pytest.raises(WrongAnswer, match=words):
        dataclasses.replace(check_total, seconds=0.3)(answer)
    assert time.monotonic() - start < 5
    assert threading.active_count() == threads
    time.sleep(0.3)  # no late exception reaches the caller


def test_a_kernel_lives_on_after_an_endless_loop():
    from jupyter_client.manager import start_new_kernel

    cell = """
import dataclasses
from cvcourse.exercises import batch_norm
def endless(*arguments):
    while True:
        pass
dataclasses.replace(batch_norm.check_undo, seconds=0.5)(endless)
"""
    manager, client = start_new_kernel()
    try:
        reply = client.execute_interactive(cell, timeout=120, output_hook=lambda message: None)["content"]
        assert reply["ename"] == "WrongAnswer" and "of your cell: " in reply["evalue"]
        said = []
        client.execute_interactive("print(6 * 7)", timeout=30, output_hook=said.append)
        assert any(message["content"].get("text") == "42\n" for message in said)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_an_answer_can_be_profiled():
    code = "import cProfile; from cvcourse.exercises.checking import within; "
    code += "assert cProfile.Profile().runcall(within, 10, len, 'abc') == 3"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_time_limit_costs_little():
    start = time.perf_counter()
    for _ in range(100):
        within(10, int)
    assert (time.perf_counter() - start) / 100 < 0.01


def anchors(fits, threshold=0.45):
    found = fits.argmax(axis=1)
    found[fits.max(axis=1) < threshold] = -1
    found[fits.argmax(axis=0)] = np.arange(fits.shape[1])
    return found


@pytest.mark.parametrize(
    "check, answer",
    [
        (tasks.check_nearest, lambda f, q, n: np.argsort(np.sum((f - q) ** 2, axis=1))[:n] * 1.0),
        (generation.check_nearest, lambda i, p: float(np.sum((p - i) ** 2, axis=(1, 2)).argmin())),
        (detection.check_match, anchors),
        (detection.check_match, lambda fits: anchors(fits, 0.5).astype(float)),
        (detection.check_nms, lambda *case: [float(n) for n in detection.check_nms.solution(*case)]),
        (classification.check_perceptron, lambda w, x, t: np.add(w, t * x, out=w) if t * (w @ x) <= 0 else w),
        (compilation.check_early_stopping, lambda x, n: compilation._stopping([x.pop(0), *x], n)),
    ],
)
def test_answers_that_once_passed_are_wrong(check, answer):
    with pytest.raises(WrongAnswer):
        check(answer)


def vgg(table, input_shape, units, classes, first=True, pool_size=2):
    from keras import Sequential, layers

    parts = [layers.Input(input_shape)] if first else []
    for filters, convolutions in table:
        parts += [layers.Conv2D(filters, 3, padding="same", activation="relu") for _ in range(convolutions)]
        parts.append(layers.MaxPooling2D(pool_size, 2, padding="same" if pool_size == 3 else "valid"))
    parts += [layers.Flatten(), layers.Dense(units, "relu"), layers.Dense(units, "relu")]
    parts.append(layers.Dense(classes, "softmax"))
    return Sequential(parts)


def test_a_vgg_may_be_sequential_but_must_know_its_input_and_pool_in_windows_of_2(capsys):
    vgg16.check_build_vgg(vgg)
    with pytest.raises(WrongAnswer, match="does not know its input: start it with"):
        vgg16.check_build_vgg(lambda *case: vgg(*case, first=False))
    with pytest.raises(WrongAnswer, match="MaxPooling2D 3×3"):
        vgg16.check_build_vgg(lambda *case: vgg(*case, pool_size=3))


def test_how_many_mistakes_are_known_by_name():
    assert len(MISTAKES) > 440


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
