"""The checks of lesson 06: losses and metrics; optimisers and when to stop."""

import numpy as np

from cvcourse import boxes
from cvcourse.exercises.checking import Exercise


def _log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _cross_entropy(logits, labels, reduce=np.mean):
    return reduce(-_log_softmax(logits)[np.arange(len(labels)), labels])


def _through_probabilities(logits, labels):
    odds = np.exp(logits)
    return np.mean(-np.log((odds / odds.sum(axis=-1, keepdims=True))[np.arange(len(labels)), labels]))


_scores = np.random.default_rng(6).normal(0, 2, (5, 4)).round(1)

check_cross_entropy = Exercise(
    solution=_cross_entropy,
    cases=[
        (np.array([[2.0, 1.0, 0.0]]), np.array([1])),
        (_scores, np.array([0, 3, 2, 1, 1])),
        (np.array([[1000.0, 0.0, -5.0], [-3.0, 4.0, 900.0]]), np.array([0, 1])),
    ],
    mistakes={
        "take e to the power of the logits as they are: e¹⁰⁰⁰ is too large for a number; subtract the "
        "largest logit first": _through_probabilities,
        "forget the minus": lambda logits, labels: -_cross_entropy(logits, labels),
        "add up the images instead of taking their mean": (
            lambda logits, labels: _cross_entropy(logits, labels, np.sum)
        ),
        "take the softmax twice": lambda logits, labels: _cross_entropy(np.exp(_log_softmax(logits)), labels),
        "take the softmax over the images instead of over the classes": (
            lambda logits, labels: np.mean(-_log_softmax(logits.T).T[np.arange(len(labels)), labels])
        ),
        "take the logit of the true class without the softmax": (
            lambda logits, labels: np.mean(-logits[np.arange(len(labels)), labels])
        ),
        "average over all classes: only the true class counts": (
            lambda logits, labels: np.mean(-_log_softmax(logits))
        ),
    },
    verified="three batches, one of them with logits of a thousand",
)


def _table(one, other, overlap=lambda sides: np.clip(sides, 0, None).prod(axis=-1), edge=0):
    """Overlaps (N, M) and both areas, with another way to find the overlap, or with `edge` pixels more."""
    one, other = one[:, None], other[None]
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2]) + edge
    areas = [(pair[..., 2:] - pair[..., :2] + edge).prod(axis=-1) for pair in (one, other)]
    return overlap(sides), *areas


def _iou(*arguments, **options):
    shared, one, other = _table(*arguments, **options)
    return shared / (one + other - shared)


def _no_subtraction(one, other):
    shared, first, second = _table(one, other)
    return shared / (first + second)


def _by_the_smaller(one, other):
    shared, first, second = _table(one, other)
    return shared / np.minimum(first, second)


_first = np.array([[0, 0, 4, 4], [10, 2, 16, 8]], "float32")
_second = np.array([[2, 2, 6, 6], [0, 0, 4, 4], [11, 3, 13, 5]], "float32")

check_iou_table = Exercise(
    solution=lambda one, other: boxes.iou(one[:, None], other),
    cases=[(_first, _second), (_second, _first), (_second, _second)],
    mistakes={
        "multiply two negative sides: boxes that are apart in x and in y then seem to overlap; clip the "
        "sides at 0": lambda one, other: _iou(one, other, overlap=lambda sides: sides.prod(axis=-1)),
        "forget to subtract the overlap, which both areas contain": _no_subtraction,
        "divide by the smaller area instead of the union": _by_the_smaller,
        "add a pixel to each side: with half-open boxes the width is x2 − x1": (
            lambda one, other: _iou(one, other, edge=1)
        ),
        "swap rows and columns of the table": lambda one, other: _iou(one, other).T,
        "return 1 − IoU, the loss": lambda one, other: 1 - _iou(one, other),
        "compare box n with box n only, instead of each with each": (
            lambda one, other: boxes.iou(one[: len(other)], other[: len(one)])
        ),
    },
    verified="three tables of boxes: equal, inside, overlapping, apart",
)


def _counts(labels, scores, threshold):
    """Hits, false alarms, missed."""
    found, true = scores >= threshold, labels == 1
    return (found & true).sum(), (found & ~true).sum(), (~found & true).sum()


def _scored(labels, scores, threshold, mean=lambda p, r: 2 * p * r / (p + r) if p + r else 0.0):
    hits, false_alarms, missed = _counts(labels, scores, threshold)
    precision = hits / (hits + false_alarms) if hits + false_alarms else 0.0
    recall = hits / (hits + missed) if hits + missed else 0.0
    return precision, recall, mean(precision, recall)


def _swapped(labels, scores, threshold):
    precision, recall, f1 = _scored(labels, scores, threshold)
    return recall, precision, f1


def _of_all(labels, scores, threshold):
    hits, false_alarms, missed = _counts(labels, scores, threshold)
    return hits / len(labels), hits / len(labels), 1 - (false_alarms + missed) / len(labels)


_labels = np.array([1, 0, 1, 0, 0, 0, 1, 0, 0, 0])
_confidences = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0])

check_precision_recall_f1 = Exercise(
    solution=_scored,
    cases=[
        (_labels, _confidences, 0.65),
        (_labels, _confidences, 0.5),
        (_labels, _confidences, 0.25),
        (_labels, _confidences, 0.95),
    ],
    mistakes={
        "swap precision and recall": _swapped,
        "take the plain mean: F1 is the harmonic mean": (
            lambda *case: _scored(*case, mean=lambda p, r: (p + r) / 2)
        ),
        "count a score that equals the threshold as no": (
            lambda labels, scores, threshold: _scored(labels, scores, threshold + 1e-9)
        ),
        "forget the case that nothing is found, 0 / 0: it counts as 0": (
            lambda *case: _scored(*case) if case[2] < 0.9 else (np.nan, 0.0, np.nan)
        ),
        "divide by the number of all images": _of_all,
        "look for the zeros instead of the ones": (
            lambda labels, scores, threshold: _scored(1 - labels, scores, threshold)
        ),
    },
    verified="four thresholds, one of them so high that nothing is found",
)
