"""Boxes as (x1, y1, x2, y2) in pixels: their area, and how well two of them agree.

Boxes are continuous and half-open: the width is x2 − x1. All functions broadcast as numpy does: the last
axis holds the four numbers, and `iou(boxes[:, None], others)` compares each box with each other one.
"""

import numpy as np


def area(boxes):
    """Return the area of each box in square pixels.

    Args:
        boxes: float (…, 4) as (x1, y1, x2, y2), with x1 ≤ x2 and y1 ≤ y2.

    Returns:
        float array (…).

    Raises:
        ValueError: if the shape is another one, or a box has its corners the wrong way round.

    Example:
        >>> area([[0, 0, 4, 3], [1, 1, 1, 5]])
        array([12.,  0.])
    """
    return _area(_boxes(boxes, "boxes"))


def iou(boxes, others):
    """Return the intersection over union of boxes: 1 where two are the same, 0 where they do not overlap.

    Args:
        boxes: float (…, 4) as (x1, y1, x2, y2).
        others: float (…, 4); broadcast against `boxes`.

    Returns:
        float array (…) in [0, 1]; 0 for two boxes without area.

    Raises:
        ValueError: as `area`, or if the two shapes do not broadcast.

    Example:
        >>> iou([0, 0, 4, 2], [[2, 0, 6, 2], [9, 9, 10, 10]]).round(3)
        array([0.333, 0.   ])

    Source: Jaccard, "Étude comparative de la distribution florale" (1901); Everingham et al., "The PASCAL
    Visual Object Classes (VOC) Challenge" (IJCV 2010), equation 3.
    """
    overlap, union, _ = _pairs(boxes, others)
    return _ratio(overlap, union)


def generalized_iou(boxes, others):
    """Return the generalised IoU of boxes: the IoU minus the empty part of the smallest box around both.

    It equals the IoU where one box lies inside the other, and goes on falling, down to −1, when two boxes
    that do not overlap move apart.

    Args:
        boxes: float (…, 4) as (x1, y1, x2, y2).
        others: float (…, 4); broadcast against `boxes`.

    Returns:
        float array (…) in [−1, 1].

    Raises:
        ValueError: as `iou`.

    Example:
        >>> generalized_iou([0, 0, 2, 2], [[0, 0, 2, 2], [2, 0, 4, 2], [6, 0, 8, 2]])
        array([ 1. ,  0. , -0.5])

    Source: Rezatofighi et al., "Generalized Intersection over Union" (CVPR 2019), algorithm 1.
    """
    overlap, union, hull = _pairs(boxes, others)
    return _ratio(overlap, union) - _ratio(hull - union, hull)


def _pairs(boxes, others):
    """Areas of what two boxes share, of what they cover together, and of the smallest box around both."""
    boxes, others = _boxes(boxes, "boxes"), _boxes(others, "others")
    try:
        np.broadcast_shapes(boxes.shape, others.shape)
    except ValueError as error:
        raise ValueError(
            "boxes and others must broadcast; for all pairs take iou(boxes[:, None], others). "
            f"Received: shapes {boxes.shape} and {others.shape}"
        ) from error
    corners = np.maximum(boxes[..., :2], others[..., :2]), np.minimum(boxes[..., 2:], others[..., 2:])
    overlap = np.clip(corners[1] - corners[0], 0, None).prod(axis=-1)
    hull = np.concatenate(
        [np.minimum(boxes[..., :2], others[..., :2]), np.maximum(boxes[..., 2:], others[..., 2:])], axis=-1
    )
    return overlap, _area(boxes) + _area(others) - overlap, _area(hull)


def _ratio(part, whole):
    """part / whole, and 0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def _area(boxes):
    return (boxes[..., 2:] - boxes[..., :2]).prod(axis=-1)


def _boxes(boxes, name):
    """`boxes` as a float array (…, 4), or an error that says what `name` must be."""
    try:
        array = np.asarray(boxes)
        array = array.astype(np.result_type(array, np.float32) if array.dtype.kind in "biuf" else "float64")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers, (…, 4). Received: {name}={boxes!r}") from error
    if array.ndim < 1 or array.shape[-1] != 4:
        form = "the shape (…, 4), as (x1, y1, x2, y2)"
        raise ValueError(f"{name} must have {form}. Received: shape {array.shape}")
    wrong = ~(array[..., 2:] >= array[..., :2]).all(axis=-1)  # NaN is wrong, too
    if wrong.any():
        raise ValueError(
            f"{name} must be (x1, y1, x2, y2) with x1 ≤ x2 and y1 ≤ y2; a box (x, y, width, height) becomes "
            f"(x, y, x + width, y + height). Received: {array[wrong][0].tolist()}"
        )
    return array
