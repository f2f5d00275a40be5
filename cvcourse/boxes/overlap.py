"""How well two boxes or masks agree, and which of many boxes to keep."""

import numpy as np
from numpy.typing import ArrayLike

from cvcourse import arguments
from cvcourse.boxes.checks import broadcast, column, corners, rows, same_length


def area(boxes: ArrayLike) -> np.ndarray:
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
    return _area(corners(boxes, "boxes"))


def iou(boxes: ArrayLike, others: ArrayLike) -> np.ndarray:
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
    return _ratio(*_overlap(*_pairs(boxes, others)))


def generalized_iou(boxes: ArrayLike, others: ArrayLike) -> np.ndarray:
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
    boxes, others = _pairs(boxes, others)
    overlap, union = _overlap(boxes, others)
    low, high = np.minimum(boxes[..., :2], others[..., :2]), np.maximum(boxes[..., 2:], others[..., 2:])
    hull = _product(high - low)
    return _ratio(overlap, union) - _ratio(hull - union, hull)


def non_max_suppression(
    boxes: ArrayLike, scores: ArrayLike, labels: ArrayLike | None = None, threshold: float = 0.5
) -> np.ndarray:
    """Return the indices of the boxes that stay when the best box of each heap has put out the others.

    The box with the highest score stays; every box that overlaps it by more than `threshold` goes; and so
    on with the rest.

    Args:
        boxes: float (K, 4) as (x1, y1, x2, y2).
        scores: (K,), numbers of any type.
        labels: int (K,), or None. With labels, only boxes of one class put each other out.
        threshold: float in [0, 1], the largest IoU that two boxes that stay may have.

    Returns:
        int array, best score first.

    Raises:
        ValueError: if the lengths differ, a score is NaN, or as `iou`.
        TypeError: if scores or labels are no numbers.

    Example:
        >>> heap = [[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]]
        >>> non_max_suppression(heap, [0.8, 0.9, 0.7])
        array([1, 2])
        >>> non_max_suppression(heap, [0.8, 0.9, 0.7], labels=[0, 1, 0])
        array([1, 0, 2])

    Source: Felzenszwalb et al., "Object Detection with Discriminatively Trained Part Based Models" (2010),
    section 7.2.
    """
    boxes, scores = rows(boxes, "boxes"), column(scores, "scores", "(K,)")
    labels = np.zeros(len(boxes)) if labels is None else column(labels, "labels", "(K,)")
    same_length(boxes=boxes, scores=scores, labels=labels)
    threshold = arguments.number(threshold, "threshold", 0, 1)
    order, stays = best_first(scores), np.ones(len(boxes), bool)
    for label in np.unique(labels):
        heap = order[labels[order] == label]
        left, right = boxes[heap, 0].copy(), boxes[heap, 2].copy()
        for place, best in enumerate(heap):  # one kept box at a time: no table of all pairs
            if stays[best]:
                beside = (left[place + 1 :] < boxes[best, 2]) & (right[place + 1 :] > boxes[best, 0])
                near = heap[place + 1 :][beside]
                near = near[stays[near]]
                stays[near] &= _ratio(*_overlap(boxes[best], boxes[near])) <= threshold
    return order[stays[order]]


def mask_iou(masks: ArrayLike, others: ArrayLike) -> np.ndarray:
    """Return the intersection over union of each mask with each other one: shared pixels / covered pixels.

    Args:
        masks: bool (K, H, W).
        others: bool (T, H, W).

    Returns:
        float array (K, T) in [0, 1]; 0 for two masks without a pixel.

    Raises:
        ValueError: if a shape is another one, or height and width differ.

    Example:
        >>> left, all_four = [[1, 0], [1, 0]], [[1, 1], [1, 1]]
        >>> mask_iou([left], [left, all_four])
        array([[1. , 0.5]])
    """
    masks, others = (
        arguments.array(m, name, (3,), "(K, H, W)", empty=True).astype(bool)
        for m, name in ((masks, "masks"), (others, "others"))
    )
    if masks.shape[1:] != others.shape[1:]:
        raise ValueError(
            "masks and others must be (K, H, W) and (T, H, W) with one height and width. "
            f"Received: shapes {masks.shape} and {others.shape}"
        )
    pixels = masks.shape[1] * masks.shape[2]
    flat, other = (m.reshape(len(m), pixels).astype("float32") for m in (masks, others))
    overlap = (flat @ other.T).astype("float64")  # float32 counts pixels exactly, up to 16 million
    return _ratio(overlap, flat.sum(axis=1)[:, None] + other.sum(axis=1) - overlap)


def mean_iou(found: ArrayLike, true: ArrayLike, classes: int, where: ArrayLike = True) -> float:
    """Return the intersection over union of each class over all pixels, averaged over the classes.

    Args:
        found, true: int (N, H, W), masks whose pixels are numbers of classes.
        classes: int ≥ 1, how many there are, background included; one that no pixel has counts 0.
        where: bool (N, H, W), which pixels count; or True for all.

    Returns:
        float in [0, 1].

    Raises:
        ValueError: if a shape is another one.

    Example:
        >>> round(mean_iou([[[0, 1]]], [[[1, 1]]], 2), 2)
        0.25
    """
    found, true, where = (
        arguments.array(given, name, (0, 3), "(N, H, W)", empty=True)
        for given, name in ((found, "found"), (true, "true"), (where, "where"))
    )
    if found.ndim == 0 or found.shape != true.shape or where.shape not in ((), found.shape):
        raise ValueError(
            "found, true and where must have one shape (N, H, W); where may be True. "
            f"Received: shapes {found.shape}, {true.shape} and {where.shape}"
        )
    kinds = range(arguments.number(classes, "classes", 1, 10_000, whole=True))
    pairs = [((found == k) & (where != 0), (true == k) & (where != 0)) for k in kinds]
    return float(np.mean([np.sum(a & b) / max(np.sum(a | b), 1) for a, b in pairs]))


def best_first(scores: np.ndarray) -> np.ndarray:
    """The order of falling scores, equal ones as they come; without a minus sign, which bytes do not have."""
    return len(scores) - 1 - np.argsort(scores[::-1], kind="stable")[::-1]


def _pairs(boxes: ArrayLike, others: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """`boxes` and `others`, checked."""
    boxes, others = corners(boxes, "boxes"), corners(others, "others")
    broadcast(boxes=boxes, others=others)
    return boxes, others


def _overlap(boxes, others):
    """Areas of what two boxes share, and of what they cover together."""
    low, high = np.maximum(boxes[..., :2], others[..., :2]), np.minimum(boxes[..., 2:], others[..., 2:])
    overlap = _product(np.clip(high - low, 0, None))
    return overlap, _area(boxes) + _area(others) - overlap


def _ratio(part, whole):
    """part / whole, and 0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def _area(boxes):
    return _product(boxes[..., 2:] - boxes[..., :2])


def _product(sides):
    return sides[..., 0] * sides[..., 1]  # ten times as fast as `prod`
