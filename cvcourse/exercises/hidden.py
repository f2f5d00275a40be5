"""Cases that nobody has seen: drawn from those that an exercise shows, by a seed, with its solution as judge.

Arrays are shuffled: they keep shape, type and range. Where a case has numbers only, each comes to lie between
two that the exercise shows. What the solution refuses, and what hangs on a tie or on the last digit, is drawn
again: a right answer never fails for another order of operations.
"""

import hashlib

import numpy as np

from cvcourse.exercises.results import same

TRIES = 12  # for one case; from the half on, arrays are mixed, too


def drawn_cases(cases, seed, solve, vary=None):
    """Return new cases, at most one for each that is shown; none where none can be drawn safely.

    Args:
        cases: list of tuples of arguments.
        seed: str.
        solve: function of a case; the right result, or None where the solution refuses it.
        vary: function of a generator and a case that gives another case, where shuffling would not do.

    Example:
        >>> both = [(6, 2), (30, 4)]
        >>> new = drawn_cases(both, "Ada", lambda case: case[0] * case[1])
        >>> len(new), all(6 <= size <= 30 and 2 <= times <= 4 for size, times in new)
        (2, True)
    """
    rng = np.random.default_rng(list(hashlib.sha256(seed.encode()).digest()))
    columns = [[value for value in column if _number(value)] for column in zip(*cases, strict=True)]
    found = []
    for case in cases:
        shown = solve(case)
        for tried in range(TRIES):
            mixed = tried >= TRIES // 2
            new = vary(rng, case) if vary else _another(rng, case, columns, mixed)
            result = None if any(same(new, old, 1e-9) for old in cases) else solve(new)
            if result is None or _undefined(result) or same(result, shown, 1e-3):
                continue  # a result that was shown can be copied
            exact = np.asarray(result).dtype.kind in "iub" if not isinstance(result, dict | tuple) else False
            near = [solve(tuple(_nudged(rng, value) for value in new)) for _ in range(3)]
            if all(same(result, other, 1e-6 if exact else 1e-3) for other in near if other is not None):
                found.append(new)
                break
    return found


def drawn_boxes(rng, count):
    """Boxes (count, 4) as (x1, y1, x2, y2), whole numbers from 0 to 12; many of them overlap."""
    corners = rng.integers(0, 7, (count, 2))
    return np.hstack([corners, corners + rng.integers(1, 7, (count, 2))])


def _another(rng, case, columns, mixed):
    if any(_numbers(value) for value in case):
        return tuple(_shuffled(rng, value, mixed) for value in case)
    return tuple(
        _between(rng, value, column) if _number(value) else value
        for value, column in zip(case, columns, strict=True)
    )


def _number(value):
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _numbers(value):
    """Whether the order of its numbers can be changed: an array, a list of numbers."""
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, list) and all(map(_number, value))


def _between(rng, value, column):
    one, other = rng.choice(column, 2)
    number = one + (other - one) * rng.random()
    return round(number) if isinstance(value, int) else float(number)


def _shuffled(rng, value, mixed):
    if _numbers(value):
        array = np.asarray(value)
        new = rng.permuted(array, axis=None)
        if mixed and array.dtype.kind == "f":
            new = (0.3 * new + 0.7 * rng.permuted(array, axis=None)).astype(array.dtype)
        return new if isinstance(value, np.ndarray) else new.tolist()
    if hasattr(value, "_fields"):  # a description, of which `prepare` makes the argument
        return type(value)(*(_shuffled(rng, part, mixed) for part in value))
    if isinstance(value, tuple) and all(isinstance(part, float) for part in value):
        return tuple(_shuffled(rng, list(value), mixed))
    return value


def _nudged(rng, value):
    """The value moved by about the last digit of a float32."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        steps = rng.uniform(-3e-7, 3e-7, value.shape) * np.maximum(1, np.abs(value))
        return (value + steps).astype(value.dtype)
    return value


def _undefined(result):
    if isinstance(result, dict | tuple | list):
        return any(map(_undefined, result.values() if isinstance(result, dict) else result))
    return np.asarray(result).dtype.kind == "f" and bool(np.isnan(result).any())
