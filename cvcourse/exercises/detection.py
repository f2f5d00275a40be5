"""The exercises of lesson 10: boxes, how well two agree, which to keep, and how good a detector is."""

import numpy as np

from cvcourse.exercises.checking import Exercise, indices
from cvcourse.exercises.hidden import drawn_boxes


def _corners(box, half=2.0):
    x, y, w, h = box
    return np.array([x - w / half, y - h / half, x + w / half, y + h / half])


check_corners = Exercise(
    solution=_corners,
    cases=[(np.array([32.0, 20.0, 10.0, 30.0]),), (np.array([5.0, 9.0, 7.0, 5.0]),)],
    mistakes={
        "go a whole width and height to each side: only half of it lies left of the centre": {"half": 1.0},
        "take the centre for the top left corner": lambda box: np.concatenate([box[:2], box[:2] + box[2:]]),
        "swap width and height: x goes with the width": lambda box: _corners(box[[0, 1, 3, 2]]),
        "return the top left corner and the size: the last two shall be the other corner": lambda box: (
            np.concatenate([box[:2] - box[2:] / 2, box[2:]])
        ),
    },
    verified="two boxes, one tall and one wide",
)


def _area(box):
    return (box[2] - box[0]) * (box[3] - box[1])


def _shared(wide, high):
    return max(wide, 0) * max(high, 0)


def _iou(one, other, shared=_shared, over=lambda one, other, shared: _area(one) + _area(other) - shared):
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return shared(wide, high) / over(one, other, shared(wide, high))


check_iou = Exercise(
    solution=_iou,
    cases=[
        ((0, 0, 4, 2), (2, 0, 6, 2)),
        ((0, 0, 10, 10), (2, 3, 6, 9)),
        ((0, 0, 4, 4), (2, 1, 6, 6)),
        ((0, 0, 4, 4), (6, 7, 9, 9)),
        ((5, 5, 8, 9), (5, 5, 8, 9)),
        ((0, 0, 4, 4), (6, 1, 9, 3)),
        ((0, 0, 4, 4), (1, 6, 3, 9)),
        ((3, 0, 9, 6), (1, 2, 5, 8)),
    ],
    mistakes={
        "let boxes that lie apart share a negative width and height: their product is positive": {
            "shared": lambda wide, high: wide * high
        },
        "look only for boxes apart in x and in y: side by side, one negative side is enough": {
            "shared": lambda wide, high: 0 if wide < 0 and high < 0 else wide * high
        },
        "count the overlap twice in the union": {"over": lambda one, other, _: _area(one) + _area(other)},
        "divide by the smaller of the two boxes: the union is all that either of them covers": {
            "over": lambda one, other, _: min(_area(one), _area(other))
        },
        "divide by the box around both: the union is only what they cover": {
            "over": lambda a, b, _: _area((*np.minimum(a[:2], b[:2]), *np.maximum(a[2:], b[2:])))
        },
        "add 1 to each width and height: boxes here are half-open": lambda one, other: _iou(
            np.add(one, (0, 0, 1, 1)), np.add(other, (0, 0, 1, 1))
        ),
    },
    vary=lambda rng, _: tuple(map(tuple, drawn_boxes(rng, 2).tolist())),
    verified="boxes that overlap, that lie inside each other, apart or side by side, and that are the same",
)


def _best_pairs(fits):
    """(anchor, box) of the largest IoU, then of the largest among the others, until one kind is used up."""
    fits, pairs = fits.copy(), []
    for _ in range(min(fits.shape)):
        anchor, box = np.unravel_index(fits.argmax(), fits.shape)
        pairs.append((anchor, box))
        fits[anchor] = fits[:, box] = -1
    return pairs


def _one_by_one(fits):
    return [(fits[:, box].argmax(), box) for box in range(fits.shape[1])]


def _match(
    fits, takes_part=lambda fit: fit >= 0.5, pairs=_best_pairs, lost=lambda *_: True, first=False,
    own=lambda fits: fits.argmax(axis=1),
):  # fmt: skip
    """The true box of each anchor, -1 for background; `lost`: which boxes take the anchor of their pair."""
    found, background = own(fits), ~takes_part(fits.max(axis=1))
    found[background] = -1
    for anchor, box in [pair for pair in pairs(fits) if lost(pair[1], found)]:
        found[anchor] = box
    return np.where(background, -1, found) if first else found


_FITS = [
    np.array([[0.7, 0.0], [0.6, 0.1], [0.1, 0.3], [0.0, 0.2]]),
    np.array([[0.8, 0.1, 0.0], [0.51, 0.6, 0.0], [0.0, 0.9, 0.2], [0.3, 0.0, 0.4], [0.1, 0.2, 0.1]]),
    # The best anchor of box 1 would rather take box 0; another anchor fits box 1, too.
    np.array([[0.9, 0.8], [0.1, 0.6], [0.95, 0.0], [0.5, 0.0], [0.47, 0.3]]),
    np.array([[0.4, 0.45], [0.1, 0.2]]),  # one anchor is the best of both boxes
    np.array([[0.3, 0.8, 0.7]]),  # more boxes than anchors
    np.array([[0.6, 0.0], [0.3, 0.0]]),  # what is struck out must be below an IoU of 0
]

check_match = Exercise(
    solution=_match,
    cases=[(table,) for table in _FITS],
    mistakes={
        "forget the last rule: a box that no anchor fits well would be lost": {"lost": lambda *_: False},
        "rescue only the boxes that no anchor took: each true box takes its best anchor": {
            "lost": lambda box, found: box not in found
        },
        "go through the boxes one by one: two of them may want one anchor, so the best pair goes first": {
            "pairs": _one_by_one
        },
        "apply the last rule first: what a box takes must not be background again": {"first": True},
        "leave an IoU of exactly 0.5 out: at least means >=": {"takes_part": lambda fit: fit > 0.5},
        "take only the best anchor of each box: every anchor with IoU 0.5 or more takes part": {
            "takes_part": lambda fit: fit > 1
        },
        "leave no anchor as background: below 0.5 it is −1": lambda fits: fits.argmax(axis=1),
        "take the first box that fits well enough: an anchor takes the one that it overlaps most": {
            "own": lambda fits: (fits >= 0.5).argmax(axis=1)
        },
    },
    verified="six tables: boxes that no anchor fits well, two that want one anchor, an IoU of exactly 0.5",
    observe=indices,
)


def _offsets(box, anchor, unit=lambda box, anchor: anchor[2:], size=lambda size, of: np.log(size / of)):
    return np.concatenate([(box[:2] - anchor[:2]) / unit(box, anchor), size(box[2:], anchor[2:])])


check_offsets = Exercise(
    solution=_offsets,
    cases=[
        (np.array([34.0, 30.0, 20.0, 40.0]), np.array([32.0, 32.0, 20.0, 16.0])),
        (np.array([12.0, 9.0, 8.0, 6.0]), np.array([8.0, 8.0, 16.0, 24.0])),
    ],
    mistakes={
        "forget to divide the way by the size of the anchor": {"unit": lambda box, anchor: 1},
        "divide the way by the size of the box: at the time of decoding only the anchor is known": {
            "unit": lambda box, anchor: box[2:]
        },
        "forget the logarithm of the two ratios": {"size": np.divide},
        "take the difference of the sizes: the network learns the logarithm of their ratio": {
            "size": np.subtract
        },
        "swap box and anchor: the way leads from the anchor to the box": lambda box, a: _offsets(a, box),
    },
    verified="two boxes, one larger and one smaller than its anchor",
)


def _suppress(
    boxes, scores, threshold,
    order=lambda scores: np.argsort(-scores), stays=np.less_equal, by_all=False,
):  # fmt: skip
    kept, seen = [], []
    for i in order(scores):
        if all(stays(_iou(boxes[i], boxes[j]), threshold) for j in (seen if by_all else kept)):
            kept.append(int(i))
        seen.append(int(i))
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
    (np.array([[0, 0, 10, 10], [0, 0, 10, 5]]), np.array([0.5, 0.6]), 0.5),  # IoU 0.5
]

check_nms = Exercise(
    solution=_suppress,
    cases=_HEAPS,
    mistakes={
        "go through the boxes in the order in which they come: the best score goes first": {
            "order": lambda scores: range(len(scores))
        },
        "start with the lowest score": {"order": np.argsort},
        "let a box that was put out put out others: only those that stayed do that": {"by_all": True},
        "turn the comparison round: a box goes if its IoU is larger than the threshold": {
            "stays": np.greater
        },
        "put out a box whose IoU equals the threshold: only a larger one does that": {"stays": np.less},
        "keep the best box only: another heap has its own best box": lambda boxes, s, _: [int(np.argmax(s))],
    },
    vary=lambda rng, case: (case[0], rng.permutation(case[1]), case[2]),
    verified="a chain of boxes, two heaps, a weak box that stands alone, and an IoU equal to the threshold",
    observe=indices,
)


def _precision_recall(right, wanted, hits=np.cumsum, found=lambda right: np.arange(1, len(right) + 1)):
    return hits(right) / found(right), hits(right) / wanted


check_precision_recall = Exercise(
    solution=_precision_recall,
    cases=[(np.array([True, False, True, True, False]), 4), (np.array([False, True, True]), 2)],
    mistakes={
        "swap the two: precision is the share among the boxes, recall the share of the objects":
            lambda *case: _precision_recall(*case)[::-1],
        "divide the recall by the boxes that were right: it asks how many of all objects were found":
            lambda right, wanted: _precision_recall(right, np.sum(right)),
        "divide the precision by all boxes: count only those that came so far": {"found": len},
        "forget to add up: each place counts all boxes so far": {"hits": np.asarray},
        "give one number each, for all boxes: a curve needs one after every box":
            {"hits": np.sum, "found": len},
    },
    verified="two lists of boxes, one of which misses an object",
)  # fmt: skip
