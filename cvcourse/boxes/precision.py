"""How good all boxes of a detector are: average precision."""

import reprlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cvcourse import arguments
from cvcourse.boxes.checks import column, rows, same_length
from cvcourse.boxes.overlap import best_first, iou


def average_precision(
    found: Iterable[Sequence],
    truth: Iterable[Sequence],
    threshold: float = 0.5,
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
    same_length(found=found, truth=truth)
    threshold = arguments.number(threshold, "threshold", 1e-9, 1)
    if not (overlap is None or callable(overlap)):
        raise TypeError(f"overlap must be None or a function such as mask_iou. Received: overlap={overlap!r}")
    answers = [
        _judge(picture, known, threshold, overlap or _each_iou)
        for picture, known in zip(found, truth, strict=True)
    ]
    labels, scores, right, wanted = (np.concatenate(column) for column in zip(*answers, strict=True))
    return {
        int(k): _area_under_curve(scores[labels == k], right[labels == k], np.sum(wanted == k))
        for k in np.unique(wanted)
    }


def _each_iou(boxes, others):
    return iou(rows(boxes, "found's boxes")[:, None], rows(others, "truth's boxes"))


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


def _judge(picture, known, threshold, overlap):
    """For one picture: labels and scores, best first, whether each box is right; and the true labels."""
    (boxes, labels, scores), (true_boxes, true_labels) = picture, known
    labels, true_labels = (
        column(part, f"{name}'s labels", "(K,)").astype(int)
        for part, name in ((labels, "found"), (true_labels, "truth"))
    )
    scores = column(scores, "found's scores", "(K,)")
    try:
        same_length(**{"found's boxes": boxes, "labels": labels, "scores": scores})
        same_length(**{"truth's boxes": true_boxes, "labels": true_labels})
    except TypeError:
        raise TypeError(
            "found and truth must hold boxes (K, 4) for each picture. "
            f"Received: {reprlib.repr(boxes)} and {reprlib.repr(true_boxes)}"
        ) from None
    order = best_first(scores)
    fits = np.array(overlap(boxes, true_boxes), float).reshape(len(boxes), len(true_boxes))
    fits[labels[:, None] != true_labels] = 0
    right = np.zeros(len(boxes), bool)
    for place, i in enumerate(order):
        if fits.shape[1] and fits[i].max() >= threshold:
            right[place] = True
            fits[:, fits[i].argmax()] = 0  # taken
    return labels[order], scores[order], right, true_labels


def _area_under_curve(scores, right, wanted):
    right = right[best_first(scores)]
    hits = np.cumsum(right)
    recall, precision = hits / wanted, hits / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]  # at this recall or beyond
    at = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    return float(np.append(best, 0)[at].mean())
