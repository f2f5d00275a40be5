"""Losses for boxes that Keras lacks; each has one number for each box, as `model.compile` takes it.

What Keras has is used from there: smooth L1 is `keras.losses.Huber(delta=1)`; masks take
`keras.losses.BinaryCrossentropy`, `Dice`, `Tversky`.
"""

from typing import Any

import keras
from keras import ops

from cvcourse import arguments


def iou_loss(y_true: Any, y_pred: Any) -> Any:
    """Return the IoU loss of each box, 1 − IoU: 0 for the same box, 1 for boxes that do not overlap.

    Its gradient is zero where two boxes do not overlap: from there, no training step leads back.

    Args:
        y_true: float tensor (…, 4), true boxes as (x1, y1, x2, y2) in pixels.
        y_pred: float tensor (…, 4), predicted boxes; one with its corners the wrong way round has no area.

    Returns:
        float tensor (…) in [0, 1].

    Raises:
        ValueError: if the last axis has not four numbers, or the two shapes do not broadcast.

    Example:
        >>> float(iou_loss([[0.0, 0, 4, 2]], [[1.0, 0, 4, 2]])[0])
        0.25

    Source: Yu et al., "UnitBox: An Advanced Object Detection Network" (ACM Multimedia 2016), whose loss is
    −ln IoU; 1 − IoU as in Rezatofighi et al. (CVPR 2019), algorithm 2.
    """
    overlap, union, _ = _pairs(y_true, y_pred)
    return 1 - ops.divide_no_nan(overlap, union)


def generalized_iou_loss(y_true: Any, y_pred: Any) -> Any:
    """Return the generalised IoU loss of each box, 1 − GIoU: from 0, the same box, up to 2, far away.

    Its gradient pulls two boxes together that do not overlap yet.

    Args:
        y_true: float tensor (…, 4), true boxes as (x1, y1, x2, y2) in pixels.
        y_pred: float tensor (…, 4), predicted boxes; one with its corners the wrong way round has no area.

    Returns:
        float tensor (…) in [0, 2].

    Raises:
        ValueError: if the last axis has not four numbers, or the two shapes do not broadcast.

    Example:
        >>> float(generalized_iou_loss([[0.0, 0, 2, 2]], [[6.0, 0, 8, 2]])[0])
        1.5

    Source: Rezatofighi et al., "Generalized Intersection over Union" (CVPR 2019), algorithm 2.
    """
    overlap, union, hull = _pairs(y_true, y_pred)
    return 1 - ops.divide_no_nan(overlap, union) + ops.divide_no_nan(hull - union, hull)


def _pairs(y_true, y_pred):
    """Areas of what two boxes share, of what they cover together, and of the smallest box around both."""
    one, other = _corners(y_true, "y_true"), _corners(y_pred, "y_pred")
    shapes = one[0].shape[:-1], other[0].shape[:-1]
    pairs = zip(*(tuple(shape)[::-1] for shape in shapes), strict=False)
    if any(a != b and None not in (a, b) and 1 not in (a, b) for a, b in pairs):
        raise ValueError(
            "y_true and y_pred must have one shape, or shapes that broadcast. "
            f"Received: shapes {(*shapes[0], 4)} and {(*shapes[1], 4)}"
        )
    shared = _area(ops.maximum(one[0], other[0]), ops.minimum(one[1], other[1]))
    hull = _area(ops.minimum(one[0], other[0]), ops.maximum(one[1], other[1]))
    return shared, _area(*one) + _area(*other) - shared, hull


def _corners(boxes, name):
    if not (ops.is_tensor(boxes) or isinstance(boxes, keras.KerasTensor | keras.Variable)):
        boxes = arguments.array(boxes, name, range(9), "(…, 4)", empty=True, finite=False)
    boxes = ops.cast(boxes, "float32")
    if not len(boxes.shape) or boxes.shape[-1] != 4:
        form = "the shape (…, 4), as (x1, y1, x2, y2)"
        raise ValueError(f"{name} must have {form}. Received: shape {boxes.shape}")
    return boxes[..., :2], boxes[..., 2:]


def _area(low, high):
    return ops.prod(ops.maximum(high - low, 0), axis=-1)
