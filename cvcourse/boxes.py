"""Boxes as (x1, y1, x2, y2) in pixels: how well two agree, which of many to keep, how good all are.

Detectors start from fixed boxes, the anchors: `anchors` lays them out, `match` says which true box each is
responsible for, `encode` and `decode` turn true boxes into what a network learns, and back.

Boxes are continuous and half-open: the width is x2 − x1. `area` and the two IoU broadcast as
numpy does: the last axis holds the four numbers, and `iou(boxes[:, None], others)` compares each box with
each other one.
"""

import reprlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cvcourse import arguments


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
    return _area(_boxes(boxes, "boxes"))


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
    boxes, scores = _rows(boxes, "boxes"), _column(scores, "scores", "(K,)")
    labels = np.zeros(len(boxes)) if labels is None else _column(labels, "labels", "(K,)")
    _same_length(boxes=boxes, scores=scores, labels=labels)
    threshold = arguments.number(threshold, "threshold", 0, 1)
    order, stays = _best_first(scores), np.ones(len(boxes), bool)
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


def anchors(grid: int, stride: float, sizes: ArrayLike, ratios: ArrayLike = (1.0,)) -> np.ndarray:
    """Return the anchors of a grid: boxes of each size and ratio around the middle of each cell, in pixels.

    Args:
        grid: int, cells in a row and in a column, up to 10,000.
        stride: float, height and width of a cell in pixels.
        sizes: sequence of float, √area of the boxes in pixels.
        ratios: sequence of float, width / height.

    Returns:
        float32 array (grid · grid · A, 4), A = sizes · ratios; row by row, in a cell size by size.
        Anchors may reach over the border.

    Raises:
        ValueError: if a number is not positive.

    Example:
        >>> anchors(2, 8, sizes=[4])[:2]
        array([[ 2.,  2.,  6.,  6.],
               [10.,  2., 14.,  6.]], dtype=float32)

    Source: Ren et al., "Faster R-CNN" (2015), section 3.1.1; Liu et al., "SSD" (ECCV
    2016), section 2.2, which calls them default boxes.
    """
    grid, stride = arguments.number(grid, "grid", 1, 10_000, whole=True), arguments.number(stride, "stride")
    sizes = arguments.array(sizes, "sizes", (0, 1), "(S,)").astype("float64").ravel()
    ratios = arguments.array(ratios, "ratios", (0, 1), "(R,)").astype("float64").ravel()
    if min(stride, *sizes, *ratios) <= 0:
        raise ValueError(
            "stride, sizes and ratios must be greater than 0. "
            f"Received: stride={stride}, sizes={sizes.tolist()}, ratios={ratios.tolist()}"
        )
    roots = np.sqrt(ratios)
    half = np.stack([np.outer(sizes, roots), np.outer(sizes, 1 / roots)], axis=-1).reshape(-1, 2) / 2
    if max(half.max(), grid * stride) > 1e15:
        raise ValueError(f"stride, sizes and ratios must give boxes within 10¹⁵. Received: {half.max()}")
    middle = (np.arange(grid) + 0.5) * stride
    centre = np.stack(np.meshgrid(middle, middle), axis=-1)[:, :, None]  # (grid, grid, 1, 2)
    return np.concatenate([centre - half, centre + half], axis=-1).reshape(-1, 4).astype("float32")


def match(anchors: ArrayLike, boxes: ArrayLike, positive: float = 0.5, negative: float = 0.4) -> np.ndarray:
    """Return for each anchor which true box it must find.

    An anchor takes the box that it overlaps most, if their IoU is at least `positive`; below `negative` it is
    background. So that no box is lost, each also gets the anchor that fits it best, however badly.

    Args:
        anchors: float (A, 4).
        boxes: float (T, 4), true boxes; T may be 0.
        positive, negative: float in [0, 1], positive ≥ negative.

    Returns:
        int64 array (A,): an index into `boxes`; −1 for background; −2 for neither, to be left out.

    Raises:
        ValueError: as `iou`, or for thresholds in the wrong order.

    Example:
        >>> match([[0, 0, 10, 10], [0, 0, 10, 22], [50, 50, 60, 60]], [[0, 0, 10, 10]])
        array([ 0, -2, -1])

    Source: Ren et al., "Faster R-CNN" (2015), section 3.1.2, whose thresholds are 0.7 and 0.3.
    """
    positive = arguments.number(positive, "positive", 0, 1)
    negative = arguments.number(negative, "negative", 0, 1)
    if negative > positive:
        raise ValueError(
            "positive and negative must be 0 ≤ negative ≤ positive ≤ 1. "
            f"Received: positive={positive}, negative={negative}"
        )
    anchors, boxes = _rows(anchors, "anchors"), _rows(boxes, "boxes")
    if not len(boxes):
        return np.full(len(anchors), -1, "int64")
    fits = iou(anchors[:, None], boxes)  # (A, T)
    found, best = fits.argmax(axis=1), fits.max(axis=1)
    found[best < positive] = -2
    found[best < negative] = -1
    for _ in range(min(fits.shape)):  # the best pair first, so that no two boxes want one anchor
        anchor, box = np.unravel_index(fits.argmax(), fits.shape)
        found[anchor] = box
        fits[anchor], fits[:, box] = -1, -1
    return found


def encode(boxes: ArrayLike, anchors: ArrayLike) -> np.ndarray:
    """Return boxes as offsets from anchors, the numbers that a network learns.

    (Δx / w, Δy / h, log of the width's ratio, log of the height's ratio), where Δ is the way from centre to
    centre and w, h are the anchor's size: the same numbers for a small and for a large object.

    Args:
        boxes: float (…, 4) with width and height greater than 0.
        anchors: float (…, 4), likewise; broadcast against `boxes`.

    Returns:
        float array (…, 4).

    Raises:
        ValueError: as `area`, or for a box or an anchor without area.

    Example:
        >>> encode([2, 0, 6, 8], [0, 0, 4, 4]).round(3)
        array([0.5  , 0.5  , 0.   , 0.693])

    Source: Girshick et al., "R-CNN" (CVPR 2014), appendix C, equations 6–9.
    """
    (centre, size), (at, unit) = _centred(boxes, "boxes"), _centred(anchors, "anchors")
    _broadcast(boxes=centre, anchors=at)
    return np.concatenate([(centre - at) / unit, np.log(size / unit)], axis=-1)


def decode(offsets: ArrayLike, anchors: ArrayLike) -> np.ndarray:
    """Return the boxes that offsets from anchors mean: `encode` backwards.

    Args:
        offsets: float (…, 4), as `encode` gives them.
        anchors: float (…, 4); broadcast against `offsets`.

    Returns:
        float array (…, 4) as (x1, y1, x2, y2); may reach over the border.

    Raises:
        ValueError: as `encode`, or if offsets are NaN, infinite or far too large.

    Example:
        >>> decode([0.5, 0.5, 0, np.log(2)], [0, 0, 4, 4])
        array([2., 0., 6., 8.])
    """
    offsets, (at, unit) = _fours(offsets, "offsets", "the shape (…, 4)"), _centred(anchors, "anchors")
    if (offsets[..., 2:] > 80).any():
        raise ValueError(f"offsets must have logarithms of sizes up to 80. Received: {offsets.max()}")
    _broadcast(offsets=offsets[..., :2], anchors=at)
    centre, half = at + offsets[..., :2] * unit, np.exp(offsets[..., 2:]) * unit / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def average_precision(
    found: Iterable[Sequence], truth: Iterable[Sequence], threshold: float = 0.5,
    overlap: Callable[[Any, Any], ArrayLike] | None = None,
) -> dict[int, float]:
    """Return the average precision of each class: the area under its precision–recall curve, as COCO has it.

    All boxes of a class are taken best score first. A box is right if its IoU with a true box of its
    picture and class, not taken by a better one, is at least `threshold`; it takes the one that it fits
    best. Precision is the share of right ones among the boxes so far, recall the share of true boxes
    found so far. The area is the mean, over recall 0, 0.01, … 1, of the best precision at that recall or
    beyond. The mean over the classes is mAP@`threshold`.

    Args:
        found: list with, for each picture, (boxes (K, 4), labels (K,), scores (K,)).
        truth: list with, for each picture, (boxes (T, 4), labels (T,)).
        threshold: float in (0, 1].
        overlap: function of what was found (K, …) and what is true (T, …) in one picture, gives their IoU,
            (K, T). By default both are boxes; with `mask_iou` they are masks, bool (K, H, W).

    Returns:
        dict: class (int) to average precision in [0, 1], for each class that occurs in `truth`.

    Raises:
        ValueError: if `found` and `truth` are not as long, or a picture's arrays are not; NaN scores.
        TypeError: other types.

    Example:
        >>> truth = [([[0, 0, 10, 10]], [2]), ([[5, 5, 9, 9]], [2])]
        >>> found = [([[0, 0, 9, 10]], [2], [0.9]), ([[0, 0, 4, 4]], [2], [0.8])]
        >>> round(average_precision(found, truth)[2], 3)
        0.505

    Source: Lin et al., "Microsoft COCO" (2014) and its tool pycocotools, for boxes of any size and up to
    100 boxes a picture; equal to it in `tests/test_boxes.py`.
    """
    found, truth = _pictures(found, "found", 3), _pictures(truth, "truth", 2)
    _same_length(found=found, truth=truth)
    threshold = arguments.number(threshold, "threshold", 1e-9, 1)
    if not (overlap is None or callable(overlap)):
        raise TypeError(f"overlap must be None or a function such as mask_iou. Received: overlap={overlap!r}")
    wanted = np.concatenate([_column(labels, "truth's labels", "(T,)").astype(int) for _, labels in truth])
    judge = partial(_judge, threshold=threshold, overlap=overlap or _each_iou)
    answers = [judge(*picture, *known) for picture, known in zip(found, truth, strict=True)]
    labels, scores, right = (np.concatenate(column) for column in zip(*answers, strict=True))
    return {
        int(k): _area_under_curve(scores[labels == k], right[labels == k], np.sum(wanted == k))
        for k in np.unique(wanted)
    }


def _each_iou(boxes, others):
    return iou(_rows(boxes, "found's boxes")[:, None], _rows(others, "truth's boxes"))


def _pictures(pictures, name, parts):
    """A list of tuples, one for each picture."""
    form = ("(boxes, labels)", "(boxes, labels, scores)")[parts - 2]
    wrong = f"{name} must hold {form} for each picture, and at least one picture. Received: "
    try:
        rows = [tuple(picture) for picture in pictures]
    except TypeError:
        raise TypeError(f"{wrong}{name}={reprlib.repr(pictures)}") from None
    if not rows or {len(row) for row in rows} != {parts}:
        raise ValueError(f"{wrong}{reprlib.repr([len(row) for row in rows])} parts")
    return rows


def _judge(boxes, labels, scores, true_boxes, true_labels, threshold, overlap):
    """For one picture: the found labels and scores, best first, and whether each box is right."""
    labels, true_labels = (
        _column(part, f"{name}'s labels", "(K,)").astype(int)
        for part, name in ((labels, "found"), (true_labels, "truth"))
    )
    scores = _column(scores, "found's scores", "(K,)")
    try:
        _same_length(**{"found's boxes": boxes, "labels": labels, "scores": scores})
        _same_length(**{"truth's boxes": true_boxes, "labels": true_labels})
    except TypeError:
        raise TypeError("found and truth must hold boxes (K, 4) for each picture. "
                        f"Received: {reprlib.repr(boxes)} and {reprlib.repr(true_boxes)}") from None
    order = _best_first(scores)
    fits = np.array(overlap(boxes, true_boxes), float).reshape(len(boxes), len(true_boxes))
    fits[labels[:, None] != true_labels] = 0
    right = np.zeros(len(boxes), bool)
    for place, i in enumerate(order):
        if fits.shape[1] and fits[i].max() >= threshold:
            right[place] = True
            fits[:, fits[i].argmax()] = 0  # taken
    return labels[order], scores[order], right


def _area_under_curve(scores, right, wanted):
    right = right[_best_first(scores)]
    hits = np.cumsum(right)
    recall, precision = hits / wanted, hits / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]  # at this recall or beyond
    at = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    return float(np.append(best, 0)[at].mean())


def _same_length(**arrays):
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{len(array)} {name}" for name, array in arrays.items())
        raise ValueError(f"{', '.join(arrays)} must be of one length. Received: {lengths}")


def _best_first(scores):
    """The order of falling scores, equal ones as they come; without a minus sign, which bytes do not have."""
    return len(scores) - 1 - np.argsort(scores[::-1], kind="stable")[::-1]


def _column(values: ArrayLike, name: str, shape: str) -> np.ndarray:
    values = arguments.array(values, name, (1,), shape, empty=True, finite=False)
    if np.isnan(values).any():
        raise ValueError(f"{name} must not be NaN. Received: {np.isnan(values).sum()} NaN")
    return values


def _pairs(boxes: ArrayLike, others: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """`boxes` and `others`, checked."""
    boxes, others = _boxes(boxes, "boxes"), _boxes(others, "others")
    _broadcast(boxes=boxes, others=others)
    return boxes, others


def _broadcast(**arrays):
    (one, boxes), (other, others) = arrays.items()
    try:
        np.broadcast_shapes(boxes.shape, others.shape)
    except ValueError as error:
        raise ValueError(
            f"{one} and {other} must broadcast; for all pairs take {one}[:, None] and {other}. "
            f"Received: shapes {boxes.shape} and {others.shape}"
        ) from error


def _overlap(boxes, others):
    """Areas of what two boxes share, and of what they cover together."""
    low, high = np.maximum(boxes[..., :2], others[..., :2]), np.minimum(boxes[..., 2:], others[..., 2:])
    overlap = _product(np.clip(high - low, 0, None))
    return overlap, _area(boxes) + _area(others) - overlap


def _ratio(part, whole):
    """part / whole, and 0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def _centred(boxes, name):
    """The centre and the size of each box, (…, 2) each."""
    boxes = _boxes(boxes, name)
    size = boxes[..., 2:] - boxes[..., :2]
    if not (size > 0).all():
        wrong = boxes[~(size > 0).all(axis=-1)][0].tolist()
        raise ValueError(f"{name} must have a width and a height greater than 0. Received: {wrong}")
    return boxes[..., :2] + size / 2, size


def _area(boxes):
    return _product(boxes[..., 2:] - boxes[..., :2])


def _product(sides):
    return sides[..., 0] * sides[..., 1]  # ten times as fast as `prod`


def _rows(boxes: ArrayLike, name: str) -> np.ndarray:
    """Boxes as (K, 4); an empty list is (0, 4)."""
    boxes = np.zeros((0, 4)) if isinstance(boxes, list | tuple) and not len(boxes) else _boxes(boxes, name)
    if boxes.ndim != 2:
        raise ValueError(f"{name} must have the shape (K, 4), one box a row. Received: shape {boxes.shape}")
    return boxes


def _boxes(boxes: ArrayLike, name: str) -> np.ndarray:
    """`boxes` as a float array (…, 4), or an error that says what `name` must be."""
    array = _fours(boxes, name, "the shape (…, 4), as (x1, y1, x2, y2)")
    wrong = ~(array[..., 2:] >= array[..., :2]).all(axis=-1)  # NaN is wrong, too
    if wrong.any():
        raise ValueError(
            f"{name} must be (x1, y1, x2, y2) with x1 ≤ x2 and y1 ≤ y2; a box (x, y, width, height) becomes "
            f"(x, y, x + width, y + height). Received: {array[wrong][0].tolist()}"
        )
    return array


def _fours(values: ArrayLike, name: str, form: str) -> np.ndarray:
    array = arguments.array(values, name, range(65), "(…, 4)", empty=True)
    if array.ndim < 1 or array.shape[-1] != 4:
        raise ValueError(f"{name} must have {form}. Received: shape {array.shape}")
    array = array.astype(np.result_type(array, np.float32))
    if array.size and np.abs(array).max() > 1e15:
        raise ValueError(f"{name} must lie within 10¹⁵. Received: {array.min()} to {array.max()}")
    return array
