"""What a function was given, as an array or a number; or refused in a sentence that names the argument."""

import math
import operator
import reprlib
from collections.abc import Collection
from numbers import Number
from typing import Any

import numpy as np


def array(
    values: Any, name: str, ranks: Collection[int], shape: str, empty: bool = False, finite: bool = True
) -> np.ndarray:
    """Return `values` as a numeric array of their own type.

    Args:
        values: what was given.
        name: str, the argument's name.
        ranks: how many axes it may have, ints.
        shape: str, its shape in words, as "(H, W)".
        empty, finite: whether it may hold nothing; whether it must not hold NaN or infinity.

    Raises:
        TypeError: no numbers. ValueError: another rank, nothing in it, or NaN or infinity.

    Example:
        >>> array([[1, 2]], "matrix", (2,), "(H, W)").shape
        (1, 2)
    """
    try:
        found = np.asarray(values)
    except Exception:  # whatever a foreign object's own conversion raises
        found = np.asarray(None)
    if found.dtype.name == "bfloat16":
        found = found.astype("float32")
    if found.size and found.dtype.kind not in "biuf":
        given = f"{name}={reprlib.repr(values)}, a {type(values).__name__}"
        raise TypeError(f"{name} must be an array of numbers {shape}. Received: {given}")
    if found.ndim not in ranks or not (found.size or empty):
        hint = "; take one of the batch, x[0]" if found.ndim == max(ranks) + 1 else ""
        kind = "an" if empty else "a non-empty"
        raise ValueError(f"{name} must be {kind} array {shape}{hint}. Received: shape={found.shape}")
    if finite and found.dtype.kind == "f" and (bad := found.size - np.isfinite(found).sum()):
        raise ValueError(f"{name} must be finite; did the training diverge? Received: {bad} NaN or infinite")
    return found if found.dtype.kind in "biuf" else found.astype(float)


def number(value: Any, name: str, low: float = -math.inf, high: float = math.inf, whole: bool = False) -> Any:
    """Return `value` as a finite float (as an int if it must be `whole`) from `low` to `high`.

    Raises:
        TypeError: no number. ValueError: outside, NaN or infinite.

    Example:
        >>> number("2", "strides", 1, whole=True)
        Traceback (most recent call last):
        TypeError: strides must be a whole number of at least 1. Received: strides='2'
    """
    span = f" from {low} to {high}" if high < math.inf else f" of at least {low}" if low > -math.inf else ""
    wrong = f"{name} must be a {'whole ' * whole}number{span}. Received: {name}={reprlib.repr(value)}"
    if isinstance(value, bool | str | bytes) or getattr(value, "shape", ()) != ():
        raise TypeError(wrong)
    try:
        found = operator.index(value) if whole else float(value)
    except Exception:  # whatever a foreign object's own conversion raises
        raise TypeError(wrong) from None
    if not low <= found <= high or not (whole or math.isfinite(found)):
        raise ValueError(wrong)
    return found


def integer(value: Any, name: str, low: int = 1, high: float = math.inf) -> int:
    """Return `value` as an int from `low` to `high`, or raise as `number` does, with what to pass instead."""
    try:
        return number(value, name, low, high, whole=True)
    except TypeError as error:
        raise TypeError(f"{error}. Pass an int, such as {name}={max(low, 1)}.") from None
    except ValueError as error:
        raise ValueError(f"{error}. Try {name}={max(low, 0)}.") from None


def flag(value: Any, name: str) -> bool:
    """Return `value` as a bool; TypeError for anything but True, False and numbers."""
    if not isinstance(value, Number | np.bool):
        raise TypeError(f"{name} must be True or False. Received: {name}={reprlib.repr(value)}")
    return bool(value)
