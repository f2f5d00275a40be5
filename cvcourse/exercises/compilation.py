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


def _momentum_step(weights, velocity, gradient, rate, momentum):
    velocity = momentum * velocity - rate * gradient
    return weights + velocity, velocity


_places = np.random.default_rng(7).integers(-9, 10, (6, 3)).astype("float64")

check_momentum_step = Exercise(
    solution=_momentum_step,
    cases=[(*_places[:3], 0.1, 0.9), (*_places[3:], 0.01, 0.5), (*_places[1:4], 0.5, 0.75)],
    mistakes={
        "forget the old velocity: that is plain SGD": (
            lambda w, v, g, rate, momentum: _momentum_step(w, 0, g, rate, momentum)
        ),
        "go uphill: the gradient's part has a minus": (
            lambda w, v, g, rate, momentum: _momentum_step(w, v, -g, rate, momentum)
        ),
        "move with the old velocity: renew it first": (
            lambda w, v, g, rate, momentum: (w + v, _momentum_step(w, v, g, rate, momentum)[1])
        ),
        "move by the gradient alone: it is the velocity that moves the weights": (
            lambda w, v, g, rate, momentum: (w - rate * g, _momentum_step(w, v, g, rate, momentum)[1])
        ),
        "take an average with 1 − momentum: Keras adds the whole gradient": (
            lambda w, v, g, rate, momentum: _momentum_step(w, v, (1 - momentum) * g, rate, momentum)
        ),
        "forget the learning rate": lambda w, v, g, rate, momentum: _momentum_step(w, v, g, 1, momentum),
        "give back the velocity first, and then the weights": (
            lambda *case: _momentum_step(*case)[::-1]
        ),
    },
    verified="three steps, with three momenta",
)


def _adam_step(weights, mean, square, gradient, t, rate, betas=(0.9, 0.999), power=2, root=np.sqrt):
    mean = betas[0] * mean + (1 - betas[0]) * gradient
    square = betas[1] * square + (1 - betas[1]) * gradient**power
    corrected = [average / (1 - beta**t) for average, beta in zip((mean, square), betas, strict=True)]
    return weights - rate * corrected[0] / (root(corrected[1]) + 1e-7), mean, square


def _kept_corrected(weights, mean, square, gradient, t, rate):
    weights, mean, square = _adam_step(weights, mean, square, gradient, t, rate)
    return weights, mean / (1 - 0.9**t), square / (1 - 0.999**t)


_start = np.zeros(3)

check_adam_step = Exercise(
    solution=lambda weights, mean, square, gradient, t, rate: _adam_step(
        weights, mean, square, gradient, t, rate
    ),
    cases=[
        (_places[0], _start, _start, _places[1] / 4 + 0.1, 1, 0.1),
        (_places[2], _places[3] / 9, np.abs(_places[4]) + 1, _places[5], 2, 0.5),
        (_places[1], _places[0] / 9, np.abs(_places[3]) + 2, _places[2], 30, 0.1),
    ],
    mistakes={
        "forget the bias correction": lambda *case: _adam_step(*case[:4], np.inf, case[5]),
        "count the steps from 0: the correction of the first one divides by zero": (
            lambda *case: _adam_step(*case[:4], case[4] - 1, case[5])
        ),
        "forget the root": lambda *case: _adam_step(*case, root=np.asarray),
        "swap β₁ and β₂": lambda *case: _adam_step(*case, betas=(0.999, 0.9)),
        "forget to square the gradient in the second average": (
            lambda *case: _adam_step(*case, power=1, root=lambda v: np.sqrt(np.abs(v)))
        ),
        "go uphill: the move has a minus": (
            lambda weights, mean, square, gradient, t, rate: (
                _adam_step(weights, mean, square, gradient, t, -rate)
            )
        ),
        "keep the corrected averages: the next step needs them as they were": _kept_corrected,
    },
    verified="the first, the second and the thirtieth step",
)


def _stopping(losses, patience, better=lambda loss, best, before: loss < best, late=0):
    best, best_epoch, before = np.inf, 0, np.inf
    for epoch, loss in enumerate(losses, start=1):
        if better(loss, best, before):
            best, best_epoch = loss, epoch
        elif epoch - best_epoch >= patience + late:
            return best_epoch, epoch
        before = loss
    return best_epoch, len(losses)


check_early_stopping = Exercise(
    solution=lambda losses, patience: _stopping(losses, patience),
    cases=[
        ([5.0, 4.0, 3.0, 3.0, 3.5, 2.0, 1.0], 2),
        ([3.0, 5.0, 4.5, 4.0, 3.5, 3.2], 3),
        ([4.0, 3.0, 2.0], 5),
        ([2.0, 1.0, 1.5, 0.5], 1),
    ],
    mistakes={
        "look at all epochs: those after the stop never happen": (
            lambda losses, patience: (int(np.argmin(losses)) + 1, _stopping(losses, patience)[1])
        ),
        "give back the last epoch: the best one has the weights to keep": (
            lambda losses, patience: (_stopping(losses, patience)[1],) * 2
        ),
        "count the epochs from 0": lambda *case: tuple(n - 1 for n in _stopping(*case)),
        "wait one epoch too long": lambda *case: _stopping(*case, late=1),
        "compare with the epoch before instead of with the best so far": (
            lambda *case: _stopping(*case, better=lambda loss, best, before: loss < before)
        ),
        "take an equal loss as better": (
            lambda *case: _stopping(*case, better=lambda loss, best, before: loss <= best)
        ),
        "never stop": lambda losses, patience: (int(np.argmin(losses)) + 1, len(losses)),
    },
    verified="four curves, one that falls to the end and one with two equal losses",
)
