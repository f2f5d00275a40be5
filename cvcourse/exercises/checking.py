"""How an exercise is checked: not done yet, right, wrong, or wrong in a way that we know by name.

An `Exercise` is called with the student's function and compares it with the solution on every case.
If the two differ, it looks for a known mistake that gives the student's results on *all* cases, and names it.
"""

import copy
import inspect
import linecache
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np


class WrongAnswer(AssertionError):
    """The student's answer is wrong; the message says how. Jupyter shows the message without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


@dataclass(frozen=True)
class Raised:
    """What a function gave instead of a result: an exception."""

    error: Exception


@dataclass(frozen=True)
class Exercise:
    """An exercise: its solution, the cases to try, the bank of known mistakes. Call it to check an answer.

    Args:
        solution: Function that is right. Its parameter names are used in the messages.
        cases: Argument tuples, at least one. Choose them so that no mistake gives the right results.
        mistakes: Functions that are wrong, by name. A name ends the sentence "This is exactly what you get
            if you …".
        verified: Says what a right answer has shown. Ends the sentence "Right: …".
        observe: What of a result is compared, if not the result itself (of a Keras model its shapes, say).
        prepare: Makes the arguments of one call from a case: a copy, since an answer may change them; or, for
            arguments that are costly to copy, something new built from a short description.
        tolerance: Largest difference of two numbers that count as equal, relative and absolute.

    Raises:
        WrongAnswer: When called with a wrong answer.

    Example:
        >>> check_double = Exercise(
        ...     solution=lambda x: 2 * x, cases=[(1,), (3,)],
        ...     mistakes={"square x": lambda x: x * x}, verified="2x for two numbers",
        ... )
        >>> check_double(lambda x: x + x)
        ✓ Right: 2x for two numbers.
        >>> check_double(lambda x: x * x)
        Traceback (most recent call last):
        ...
        cvcourse.exercises.checking.WrongAnswer: ✗ Not right yet: 2 of 2 cases differ. The first:
          put in    x = 1
          received  1
          expected  2
        This is exactly what you get if you square x.
    """

    solution: Callable
    cases: Sequence[tuple]
    mistakes: Mapping[str, Callable]
    verified: str
    observe: Callable = lambda result: result
    prepare: Callable = copy.deepcopy
    tolerance: float = 1e-5

    def __call__(self, answer: Callable) -> None:
        if not callable(answer):
            raise WrongAnswer(
                "✗ Give the check your function itself, without brackets: check_…(my_function). "
                f"Received: {shown(answer)}"
            )
        received = [self.outcome(answer, case) for case in self.cases]
        if any(isinstance(r, Raised) and isinstance(r.error, NotImplementedError) for r in received):
            name = getattr(answer, "__name__", "your function")
            print(f"Not done yet: {name} still raises NotImplementedError. Write its body first.")
            return
        expected = [self.outcome(self.solution, case) for case in self.cases]
        wrong = [n for n, pair in enumerate(zip(received, expected, strict=True)) if not self.agree(*pair)]
        if wrong:
            raise WrongAnswer(self.message(answer, received, expected, wrong))
        print(f"✓ Right: {self.verified}.")

    def outcome(self, function: Callable, case: tuple):
        """What the function gives for this case, or the exception it raises. It may change its arguments."""
        try:
            with np.errstate(all="ignore"):  # the message will say it better than a warning
                return self.observe(function(*self.prepare(case)))
        except Exception as error:  # whatever a student's code may raise
            return Raised(error)

    def agree(self, one, other) -> bool:
        """Whether two outcomes are the same: equal results, or exceptions of one type."""
        if isinstance(one, Raised) or isinstance(other, Raised):
            return type(one) is type(other) and type(one.error) is type(other.error)
        return same(one, other, self.tolerance)

    def known_mistake(self, received: list) -> str | None:
        """The name of the mistake that gives these outcomes on every case, or None."""
        for name, mistake in self.mistakes.items():
            pairs = zip(received, self.cases, strict=True)
            if all(self.agree(r, self.outcome(mistake, case)) for r, case in pairs):
                return name
        return None

    def message(self, answer: Callable, received: list, expected: list, wrong: list[int]) -> str:
        first = wrong[0]
        names = inspect.signature(self.solution).parameters
        put_in = [labelled(f"{name} =", shown(v)) for name, v in zip(names, self.cases[first], strict=False)]
        lines = [
            f"✗ Not right yet: {len(wrong)} of {len(self.cases)} cases differ. The first:",
            labelled("  put in   ", "\n".join(put_in)),
            labelled("  received ", shown_outcome(received[first], answer)),
            labelled("  expected ", shown(expected[first])),
            *first_difference(received[first], expected[first], self.tolerance),
        ]
        name = self.known_mistake(received)
        if name:
            lines.append(f"This is exactly what you get if you {name}.")
        elif received[first] is None:
            lines.append("Your function gave back None: does it end with `return …`?")
        return "\n".join(lines)


def same(one, other, tolerance: float = 1e-5) -> bool:
    """Whether two results are equal: numbers and arrays in shape and value, tuples and lists item by item.

    >>> same(3, 3.0), same([1, 2], (1, 2)), same(np.zeros(3), np.zeros((3, 1))), same("a", 1)
    (True, True, False, False)
    """
    if isinstance(one, dict) or isinstance(other, dict):
        return isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys() and all(
            same(one[key], other[key], tolerance) for key in one
        )
    if isinstance(one, (tuple, list)) and isinstance(other, (tuple, list)):
        return len(one) == len(other) and all(same(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if one is None or other is None or isinstance(one, str) or isinstance(other, str):
        return type(one) is type(other) and one == other
    try:
        a, b = np.asarray(one), np.asarray(other)
        return a.shape == b.shape and bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))
    except (TypeError, ValueError):  # not numbers
        return False


def shown(value) -> str:
    """A value as a student reads it: small arrays with their numbers, of others the range and the shape.

    >>> print(shown(np.array([[1.0, 0.25]])))
    [[1.   0.25]]  shape (1, 2)
    >>> print(shown(np.zeros((8, 8, 3))))
    192 numbers from 0 to 0, shape (8, 8, 3)
    """
    if isinstance(value, (tuple, list)) and any(np.ndim(item) for item in value):
        return "\n".join(labelled(f"[{n}]", shown(item)) for n, item in enumerate(value))
    if hasattr(value, "shape") and np.ndim(value):
        array = np.asarray(value)
        if array.ndim > 2 or array.size > 64:
            return f"{array.size:,} numbers from {array.min():.6g} to {array.max():.6g}, shape {array.shape}"
        return f"{np.array2string(array, precision=4, suppress_small=True)}  shape {array.shape}"
    if isinstance(value, (np.generic, float)):
        return f"{float(value):.6g}"
    return repr(value)


def first_difference(received, expected, tolerance: float) -> list[str]:
    """A line that names the first number that differs, for two arrays of one shape; else no line."""
    if not (hasattr(received, "shape") and hasattr(expected, "shape") and np.ndim(expected)):
        return []
    one, other = np.asarray(received, float), np.asarray(expected, float)
    if one.shape != other.shape:
        return []
    place = np.argwhere(~np.isclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True))[0]
    a, b = one[tuple(place)], other[tuple(place)]
    return [f"  first difference at {place.tolist()}: {a:.6g} instead of {b:.6g}"]


def shown_outcome(outcome, answer: Callable) -> str:
    """A student's outcome in words; for an exception its type, its message and the student's line."""
    if not isinstance(outcome, Raised):
        return shown(outcome)
    text = f"{type(outcome.error).__name__}: {outcome.error}"
    own_file = getattr(getattr(answer, "__code__", None), "co_filename", None)
    own = [f for f in traceback.extract_tb(outcome.error.__traceback__) if f.filename == own_file]
    if own:
        source = linecache.getline(own[-1].filename, own[-1].lineno).strip()
        text += f"\nin line {own[-1].lineno} of your cell: {source}"
    return text


def labelled(label: str, text: str) -> str:
    """Text behind a label; its further lines are indented as far as the first."""
    return f"{label} {text}".replace("\n", "\n" + " " * (len(label) + 1))


def exercises_of(module) -> dict[str, Exercise]:
    """All exercises of a module by name, for instance {"check_output_size": Exercise(…)}."""
    return {name: value for name, value in vars(module).items() if isinstance(value, Exercise)}
