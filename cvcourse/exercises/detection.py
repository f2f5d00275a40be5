"""The exercises of lesson 10: boxes, how well two agree, which to keep, and how good a detector is."""

import numpy as np

from cvcourse.exercises.checking import Exercise

# --- Exercise 1: from a centre and a size to corners ----------------------------------------------------


def _corners(box, half=2.0, swapped=False):
    x, y, w, h = box
    if swapped:
        w, h = h, w
    return np.array([x - w / half, y - h / half, x + w / half, y + h / half])


check_corners = Exercise(
    solution=lambda box: _corners(box),
    cases=[(np.array([32.0, 20.0, 10.0, 30.0]),), (np.array([5.0, 9.0, 7.0, 4.0]),)],
    mistakes={
        "go a whole width and height to each side: only half of it lies left of the centre": (
            lambda box: _corners(box, half=1.0)
        ),
        "take the centre for the top left corner": (
            lambda box: np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]])
        ),
        "swap width and height: x goes with the width": lambda box: _corners(box, swapped=True),
        "return the top left corner and the size: the last two shall be the other corner": (
            lambda box: np.array([box[0] - box[2] / 2, box[1] - box[3] / 2, box[2], box[3]])
        ),
    },
    verified="two boxes, one tall and one wide",
)

# --- Exercise 2: intersection over union ----------------------------------------------------------------


def _area(box):
    return (box[2] - box[0]) * (box[3] - box[1])


def _overlap(one, other, floor=0.0):
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, floor) * max(high, floor)


def _iou(one, other):
    overlap = _overlap(one, other)
    return overlap / (_area(one) + _area(other) - overlap)


def _shared_over(one, other, floor=0.0, twice=False):
    overlap = _overlap(one, other, floor)
    return overlap / (_area(one) + _area(other) - overlap * (not twice))


def _grown(box):
    return box[0], box[1], box[2] + 1, box[3] + 1


def _hull(one, other):
    return (max(one[2], other[2]) - min(one[0], other[0])) * (max(one[3], other[3]) - min(one[1], other[1]))


check_iou = Exercise(
    solution=lambda one, other: _iou(one, other),
    cases=[
        ((0, 0, 4, 2), (2, 0, 6, 2)),
        ((0, 0, 10, 10), (2, 3, 6, 9)),
        ((0, 0, 4, 4), (2, 1, 6, 6)),
        ((0, 0, 4, 4), (6, 7, 9, 9)),
        ((5, 5, 8, 9), (5, 5, 8, 9)),
    ],
    mistakes={
        "let boxes that lie apart share a negative width and height: their product is positive": (
            lambda one, other: _shared_over(one, other, floor=-np.inf)
        ),
        "count the overlap twice in the union": lambda one, other: _shared_over(one, other, twice=True),
        "divide by the smaller of the two boxes: the union is all that either of them covers": (
            lambda one, other: _overlap(one, other) / min(_area(one), _area(other))
        ),
        "divide by the box around both: the union is only what they cover": (
            lambda one, other: _overlap(one, other) / _hull(one, other)
        ),
        "add 1 to each width and height: boxes here are half-open": (
            lambda one, other: _iou(_grown(one), _grown(other))
        ),
    },
    verified="boxes that overlap, that lie inside each other, that lie apart, and that are the same",
)

# --- Exercise 3: which anchor is responsible ------------------------------------------------------------


def _match(fits, positive=0.5):
    found = fits.argmax(axis=1)
    found[fits.max(axis=1) < positive] = -1
    for box in range(fits.shape[1]):
        found[fits[:, box].argmax()] = box
    return found


def _match_without_rescue(fits):
    return np.where(fits.max(axis=1) >= 0.5, fits.argmax(axis=1), -1)


def _best_anchors_only(fits):
    found = np.full(len(fits), -1)
    found[fits.argmax(axis=0)] = np.arange(fits.shape[1])
    return found


_FITS = [
    np.array([[0.7, 0.0], [0.6, 0.1], [0.1, 0.3], [0.0, 0.2]]),
    np.array([[0.8, 0.1, 0.0], [0.51, 0.6, 0.0], [0.0, 0.9, 0.2], [0.3, 0.0, 0.4], [0.1, 0.2, 0.1]]),
]

check_match = Exercise(
    solution=lambda fits: _match(fits),
    cases=[(table,) for table in _FITS],
    mistakes={
        "forget the last rule: a box that no anchor fits well would be lost": _match_without_rescue,
        "take only the best anchor of each box: every anchor with IoU 0.5 or more takes part": (
            _best_anchors_only
        ),
        "leave no anchor as background: below 0.5 it is −1": lambda fits: fits.argmax(axis=1),
        "take the first box that fits well enough: an anchor takes the one that it overlaps most": (
            lambda fits: np.where(
                np.isin(np.arange(len(fits)), fits.argmax(axis=0)),
                _match(fits),
                np.where((fits >= 0.5).any(axis=1), (fits >= 0.5).argmax(axis=1), -1),
            )
        ),
    },
    verified="two tables, each with a box that no anchor fits well",
)

# --- Exercise 4: offsets ----------------------------------------------------------------------------------


def _offsets(box, anchor, unit=None, scale=np.log):
    x, y, w, h = box
    u, v, wide, high = anchor
    across, down = unit or (wide, high)
    return np.array([(x - u) / across, (y - v) / down, scale(w / wide), scale(h / high)])


check_offsets = Exercise(
    solution=lambda box, anchor: _offsets(box, anchor),
    cases=[
        (np.array([34.0, 30.0, 20.0, 40.0]), np.array([32.0, 32.0, 20.0, 16.0])),
        (np.array([12.0, 9.0, 8.0, 6.0]), np.array([8.0, 8.0, 16.0, 24.0])),
    ],
    mistakes={
        "forget to divide the way by the size of the anchor": (
            lambda box, anchor: _offsets(box, anchor, unit=(1, 1))
        ),
        "divide the way by the size of the box: at the time of decoding only the anchor is known": (
            lambda box, anchor: _offsets(box, anchor, unit=(box[2], box[3]))
        ),
        "forget the logarithm of the two ratios": (
            lambda box, anchor: _offsets(box, anchor, scale=lambda ratio: ratio)
        ),
        "take the difference of the sizes: the network learns the logarithm of their ratio": (
            lambda box, anchor: np.concatenate([_offsets(box, anchor)[:2], box[2:] - anchor[2:]])
        ),
        "swap box and anchor: the way leads from the anchor to the box": (
            lambda box, anchor: _offsets(anchor, box)
        ),
    },
    verified="two boxes, one larger and one smaller than its anchor",
)

# --- Exercise 5: non-maximum suppression ------------------------------------------------------------------


def _suppress(boxes, scores, threshold, order=None, against=None):
    kept, seen = [], []
    for i in np.argsort(-np.asarray(scores)) if order is None else order:
        rivals = kept if against is None else seen
        if all(_iou(boxes[i], boxes[j]) <= threshold for j in rivals):
            kept.append(int(i))
        seen.append(int(i))
    return kept


def _suppress_inverted(boxes, scores, threshold):
    kept = []
    for i in np.argsort(-np.asarray(scores)):
        if all(_iou(boxes[i], boxes[j]) > threshold for j in kept):
            kept.append(int(i))
    return kept


_HEAPS = [
    # The middle box overlaps both others, which hardly overlap each other.
    (np.array([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]]), np.array([0.9, 0.8, 0.7]), 0.3),
    (
        np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [20, 2, 30, 12], [0, 20, 9, 29]]),
        np.array([0.6, 0.9, 0.7, 0.5, 0.8]),
        0.5,
    ),
    (np.array([[0, 0, 10, 10], [0, 5, 10, 15], [30, 30, 40, 40]]), np.array([0.5, 0.6, 0.1]), 0.2),
]

check_nms = Exercise(
    solution=lambda boxes, scores, threshold: _suppress(boxes, scores, threshold),
    cases=_HEAPS,
    mistakes={
        "go through the boxes in the order in which they come: the best score goes first": (
            lambda boxes, scores, threshold: _suppress(boxes, scores, threshold, range(len(boxes)))
        ),
        "start with the lowest score": (
            lambda boxes, scores, threshold: _suppress(boxes, scores, threshold, np.argsort(scores))
        ),
        "let a box that was put out put out others: only those that stayed do that": (
            lambda boxes, scores, threshold: _suppress(boxes, scores, threshold, against="all")
        ),
        "turn the comparison round: a box goes if its IoU is larger than the threshold": _suppress_inverted,
        "keep the best box only: another heap has its own best box": (
            lambda boxes, scores, threshold: [int(np.argmax(scores))]
        ),
    },
    verified="a chain of boxes, two heaps, and a weak box that stands alone",
)

# --- Exercise 6: precision and recall -----------------------------------------------------------------------


def _precision_recall(right, wanted):
    hits = np.cumsum(right)
    return hits / np.arange(1, len(right) + 1), hits / wanted


check_precision_recall = Exercise(
    solution=lambda right, wanted: _precision_recall(right, wanted),
    cases=[
        (np.array([True, False, True, True, False]), 4),
        (np.array([False, True, True]), 2),
    ],
    mistakes={
        "swap the two: precision is the share among the boxes, recall the share of the objects": (
            lambda right, wanted: _precision_recall(right, wanted)[::-1]
        ),
        "divide the recall by the boxes that were right: it asks how many of all objects were found": (
            lambda right, wanted: (_precision_recall(right, wanted)[0], np.cumsum(right) / np.sum(right))
        ),
        "divide the precision by all boxes: count only those that came so far": (
            lambda right, wanted: (np.cumsum(right) / len(right), np.cumsum(right) / wanted)
        ),
        "forget to add up: each place counts all boxes so far": (
            lambda right, wanted: (right / np.arange(1, len(right) + 1), right / wanted)
        ),
        "give one number each, for all boxes: a curve needs one after every box": (
            lambda right, wanted: (np.mean(right), np.sum(right) / wanted)
        ),
    },
    verified="two lists of boxes, one of which misses an object",
)
