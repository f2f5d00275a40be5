"""The checks of lesson 11: one-hot masks, Dice, mean IoU, what a skip concatenates, bilinear sampling."""

import numpy as np

from cvcourse.exercises.checking import Exercise


def _mask(seed, classes, *shape):
    return np.random.default_rng(seed).integers(0, classes, shape)


check_one_hot = Exercise(
    solution=lambda mask, classes: np.eye(classes)[mask],
    cases=[(_mask(0, 3, 2, 3), 3), (_mask(1, 2, 3, 4), 4), (np.array([[0, 0], [0, 1]]), 3)],
    mistakes={
        "put the classes first: the last axis holds them": lambda mask, classes: np.moveaxis(
            np.eye(classes)[mask], -1, 0
        ),
        "leave the background out: it is a class, number 0": lambda mask, n: np.eye(n)[mask][..., 1:],
        "take as many classes as this mask happens to show": lambda mask, _: np.eye(mask.max() + 1)[mask],
        "shift the classes by one: class 0 is the first": lambda mask, n: np.eye(n)[(mask + 1) % n],
    },
    verified="three masks, two of which do not show every class",
)


def _dice(found, true, smooth, factor=2, extra=1, of=lambda p, t: np.sum(p) + np.sum(t)):
    return (factor * np.sum(found * true) + extra * smooth) / (of(found, true) + smooth)


def _probabilities(seed, *shape):
    rng = np.random.default_rng(seed)
    return rng.random(shape).round(1), rng.integers(0, 2, shape).astype(float)


check_dice = Exercise(
    solution=_dice,
    cases=[
        (*_probabilities(0, 3, 3), 1.0), (*_probabilities(1, 2, 4), 0.1),
        (np.zeros((2, 2)), np.zeros((2, 2)), 1.0),
    ],
    mistakes={
        "forget the factor 2: what both share is counted in both sizes": {"factor": 1},
        "compute IoU: Dice divides by the sum of both sizes, not by the union":
            {"factor": 1, "of": lambda p, t: np.sum(p) + np.sum(t) - np.sum(p * t)},
        "square the probabilities below, as V-Net does: here plain sums are meant":
            {"of": lambda p, t: np.sum(p**2) + np.sum(t**2)},
        "smooth below only: two empty masks would then get 0": {"extra": 0},
        "leave smooth out: two empty masks are then 0 / 0": lambda found, true, _: _dice(found, true, 0.0),
        "round the probabilities first: rounding has no slope, so nothing could be learned":
            lambda found, true, smooth: _dice(found >= 0.5, true, smooth),
        "return the loss, 1 − Dice": lambda found, true, smooth: 1 - _dice(found, true, smooth),
    },
    verified="two pictures of probabilities, and two empty masks: they agree, so Dice is 1",
)  # fmt: skip


def _mean_iou(found, true, classes, absent=None, of=lambda classes, true: range(classes)):
    each = []
    for k in of(classes, true):
        both, either = np.sum((found == k) & (true == k)), np.sum((found == k) | (true == k))
        if either or absent is not None:
            each.append(both / either if either else absent)
    return np.mean(each)


check_mean_iou = Exercise(
    solution=_mean_iou,
    cases=[
        (_mask(2, 3, 4, 4), _mask(3, 3, 4, 4), 3),
        (np.array([[0, 0, 1], [0, 1, 1]]), np.array([[0, 0, 0], [0, 1, 1]]), 4),
        (np.array([[0, 2], [0, 2]]), np.array([[0, 0], [0, 2]]), 3),
        (np.array([[0, 2], [1, 1]]), np.array([[0, 0], [1, 1]]), 3),
    ],
    mistakes={
        "give 0 to a class that neither mask shows: leave it out": {"absent": 0.0},
        "give 1 to a class that neither mask shows: leave it out": {"absent": 1.0},
        "go through the classes of the truth only: one that was found and is not there has IoU 0":
            {"of": lambda classes, true: np.unique(true)},
        "leave the background out: it is a class, too": {"of": lambda classes, true: range(1, classes)},
        "compute the pixel accuracy: the share of pixels that are right": lambda f, t, _: np.mean(f == t),
        "divide by the true pixels only: that is recall, and painting everything would win":
            lambda found, true, _: np.mean([np.mean(found[true == k] == k) for k in np.unique(true)]),
    },
    verified="four pairs of masks, two that lack a class, one with a class that is not there",
)  # fmt: skip


def _after_skip(below, filters, skip, grow=lambda size: 2 * size, channels=lambda below, up, skip: up + skip):
    return grow(below[0]), grow(below[1]), channels(below[2], filters, skip[2])


check_skip_shape = Exercise(
    solution=_after_skip,
    cases=[((4, 4, 96), 64, (8, 8, 64)), ((8, 16, 64), 32, (16, 32, 48)), ((3, 5, 7), 2, (6, 10, 1))],
    mistakes={
        "add the maps, as ResNet does: U-Net puts them side by side": {"channels": lambda _, up, skip: up},
        "keep the size: a transposed convolution with stride 2 doubles it": {"grow": lambda size: size},
        "keep the channels from below: the transposed convolution has as many as it has filters": {
            "channels": lambda below, up, skip: below + skip
        },
        "halve the size: that is the way down": {"grow": lambda size: size // 2},
        "return the skip alone": lambda below, filters, skip: skip,
    },
    verified="three levels of different sizes",
)


def _bilinear(grid, y, x, near=lambda d: (1 - d, d)):
    top, left = int(np.floor(y)), int(np.floor(x))
    return float(np.array(near(y - top)) @ grid[top : top + 2, left : left + 2] @ near(x - left))


_GRID = np.array([[0.0, 4.0, 1.0], [8.0, 2.0, 6.0], [3.0, 7.0, 5.0]])

check_bilinear = Exercise(
    solution=_bilinear,
    cases=[(_GRID, 0.5, 0.5), (_GRID, 0.25, 1.5), (_GRID, 1.75, 0.1), (_GRID, 1.0, 1.0)],
    mistakes={
        "round to the nearest cell: that is what RoIPool does": {"near": lambda d: (d < 0.5, d >= 0.5)},
        "round down": {"near": lambda d: (1, 0)},
        "swap y and x: y counts rows": lambda grid, y, x: _bilinear(grid, x, y),
        "weigh each corner by its distance: the nearest one counts most": {"near": lambda d: (d, 1 - d)},
        "take the mean of the four corners wherever the point lies": {"near": lambda d: (0.5, 0.5)},
    },
    verified="four places, one of them exactly on a cell",
)
