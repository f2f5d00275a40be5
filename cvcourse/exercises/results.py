"""Results of answers: when two of them are the same, and how one is shown to the student."""

import linecache
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Raised:
    """What a function gave instead of a result: an exception."""

    error: BaseException


def same(one, other, tolerance: float = 1e-5) -> bool:
    """Whether two results are equal: numbers and arrays in shape and value, tuples and lists item by item.

    >>> same(3, 3.0), same([1, 2], (1, 2)), same(np.zeros(3), np.zeros((3, 1))), same("a", 1)
    (True, True, False, False)
    """
    if isinstance(one, dict) or isinstance(other, dict):
        return (
            isinstance(one, dict)
            and isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same(one[key], other[key], tolerance) for key in one)
        )
    if isinstance(one, (tuple, list)) and isinstance(other, (tuple, list)):
        return len(one) == len(other) and all(same(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if one is None or other is None or isinstance(one, str) or isinstance(other, str):
        return type(one) is type(other) and one == other
    try:
        a, b = np.asarray(one), np.asarray(other)
        return a.shape == b.shape and bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))
    except Exception:  # not numbers
        return False


def shown(value) -> str:
    """A value as a student reads it: small arrays with their numbers, of others the range and the shape.

    >>> print(shown(np.array([[1.0, 0.25]])))
    [[1.   0.25]]  shape (1, 2)
    >>> print(shown(np.zeros((8, 8, 3))))
    192 numbers from 0 to 0, shape (8, 8, 3)
    """
    if isinstance(value, (tuple, list)) and any(
        isinstance(item, (tuple, list)) or np.ndim(item) for item in value
    ):
        return "\n".join(labelled(f"[{n}]", shown(item)) for n, item in enumerate(value))
    try:
        if hasattr(value, "shape") and np.ndim(value):
            array = np.asarray(value)
            if array.size and (array.ndim > 2 or array.size > 64):
                low, high = array.min(), array.max()
                return f"{array.size:,} numbers from {low:.6g} to {high:.6g}, shape {array.shape}"
            return f"{np.array2string(array, precision=4, suppress_small=True)}  shape {array.shape}"
        if isinstance(value, (np.generic, float)):
            return f"{float(value):.6g}"
    except Exception:  # not numbers
        pass
    return repr(value)


def first_difference(received, expected, tolerance: float, place: str = "") -> list[str]:
    """A line that names the first number that differs, also inside tuples, lists and dicts; else no line.

    >>> print(*first_difference((1, np.zeros(3)), (1, np.eye(3)[2]), 1e-5))
      first difference in [1] at [2]: 0 instead of 1
    """
    inside = f" in {place}" if place else ""
    if isinstance(received, (tuple, list, dict)) and isinstance(expected, (tuple, list, dict)):
        keys, others = (v.keys() if isinstance(v, dict) else range(len(v)) for v in (expected, received))
        for key in keys if keys == others else ():
            if not same(received[key], expected[key], tolerance):
                return first_difference(received[key], expected[key], tolerance, f"{place}[{key!r}]")
    elif hasattr(received, "shape") and hasattr(expected, "shape") and received.shape == expected.shape != ():
        try:
            one, other = np.asarray(received, float), np.asarray(expected, float)
            at = np.argwhere(~np.isclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True))[0]
            a, b = one[tuple(at)], other[tuple(at)]
            return [f"  first difference{inside} at {at.tolist()}: {a:.6g} instead of {b:.6g}"]
        except Exception:  # not numbers
            return []
    elif place and not {type(received), type(expected)} & {list, tuple, dict}:
        a, b = (f"shape {np.shape(v)}" if np.ndim(v) else shown(v) for v in (received, expected))
        return [f"  first difference{inside}: {a} instead of {b}"]
    return []


def changed_argument(name: str, before, after) -> str:
    """The sentence for an answer that is right but destroys what it was given."""
    lines = [
        "✗ Not right yet: the result is right, but your function changes what it was given.",
        labelled("  put in   ", labelled(f"{name} =", shown(before))),
        labelled("  after it ", labelled(f"{name} =", shown(after))),
        *first_difference(after, before, 1e-5),
        f"Who calls it may still need {name}: `x += 1` changes it in place, `x = x + 1` makes something new.",
    ]
    return "\n".join(lines)


def shown_outcome(outcome, answer: Callable) -> str:
    """A student's outcome in words; for an exception its type, its message and the student's line."""
    if not isinstance(outcome, Raised):
        return shown(outcome)
    return f"{type(outcome.error).__name__}: {outcome.error}{own_line(outcome, answer)}"


def own_line(outcome: Raised, answer: Callable) -> str:
    """A line that quotes the student's own line in which the exception was raised, if it is known."""
    own_file = getattr(getattr(answer, "__code__", None), "co_filename", None)
    own = [f for f in traceback.extract_tb(outcome.error.__traceback__) if f.filename == own_file]
    if not own:
        return ""
    return f"\nin line {own[-1].lineno} of your cell: {linecache.getline(own_file, own[-1].lineno).strip()}"


def labelled(label: str, text: str) -> str:
    """Text behind a label; its further lines are indented as far as the first."""
    return f"{label} {text}".replace("\n", "\n" + " " * (len(label) + 1))
