"""What the functions for boxes are given, checked: corners, rows of boxes, columns of numbers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cvcourse import arguments


def same_length(**arrays: Any) -> None:
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{len(array)} {name}" for name, array in arrays.items())
        raise ValueError(f"{', '.join(arrays)} must be of one length. Received: {lengths}")


def column(values: ArrayLike, name: str, shape: str) -> np.ndarray:
    values = arguments.array(values, name, (1,), shape, empty=True, finite=False)
    if np.isnan(values).any():
        raise ValueError(f"{name} must not be NaN. Received: {np.isnan(values).sum()} NaN")
    return values


def broadcast(**arrays: np.ndarray) -> None:
    (one, boxes), (other, others) = arrays.items()
    try:
        np.broadcast_shapes(boxes.shape, others.shape)
    except ValueError as error:
        raise ValueError(
            f"{one} and {other} must broadcast; for all pairs take {one}[:, None] and {other}. "
            f"Received: shapes {boxes.shape} and {others.shape}"
        ) from error


def rows(boxes: ArrayLike, name: str) -> np.ndarray:
    """Boxes as (K, 4); an empty list is (0, 4)."""
    boxes = np.zeros((0, 4)) if isinstance(boxes, list | tuple) and not len(boxes) else corners(boxes, name)
    if boxes.ndim != 2:
        raise ValueError(f"{name} must have the shape (K, 4), one box a row. Received: shape {boxes.shape}")
    return boxes


def corners(boxes: ArrayLike, name: str) -> np.ndarray:
    """`boxes` as a float array (…, 4), or an error that says what `name` must be."""
    array = fours(boxes, name, "the shape (…, 4), as (x1, y1, x2, y2)")
    wrong = ~(array[..., 2:] >= array[..., :2]).all(axis=-1)  # NaN is wrong, too
    if wrong.any():
        raise ValueError(
            f"{name} must be (x1, y1, x2, y2) with x1 ≤ x2 and y1 ≤ y2; a box (x, y, width, height) becomes "
            f"(x, y, x + width, y + height). Received: {array[wrong][0].tolist()}"
        )
    return array


def fours(values: ArrayLike, name: str, form: str) -> np.ndarray:
    array = arguments.array(values, name, range(65), "(…, 4)", empty=True)
    if array.ndim < 1 or array.shape[-1] != 4:
        raise ValueError(f"{name} must have {form}. Received: shape {array.shape}")
    array = array.astype(np.result_type(array, np.float32))
    if array.size and np.abs(array).max() > 1e15:
        raise ValueError(f"{name} must lie within 10¹⁵. Received: {array.min()} to {array.max()}")
    return array
