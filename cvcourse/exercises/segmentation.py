"""The checks of lesson 11: one-hot masks, Dice, mean IoU, what a skip concatenates, bilinear sampling."""

import numpy as np

from cvcourse.exercises.checking import Exercise

# --- Exercise 1: one-hot masks --------------------------------------------------------------------------


def _mask(seed, classes, *shape):
    return np.random.default_rng(seed).integers(0, classes, shape)


check_one_hot = Exercise(
    solution=lambda mask, classes: np.eye(classes)[mask],
    cases=[(_mask(0, 3, 2, 3), 3), (_mask(1, 2, 3, 4), 4), (np.array([[0, 0], [0, 1]]), 3)],
    mistakes={
        "put the classes first: the last axis holds them": (
            lambda mask, classes: np.moveaxis(np.eye(classes)[mask], -1, 0)
        ),
        "leave the background out: it is a class, number 0": (
            lambda mask, classes: np.eye(classes)[mask][..., 1:]
        ),
        "take as many classes as this mask happens to show": (
            lambda mask, classes: np.eye(mask.max() + 1)[mask]
        ),
        "shift the classes by one: class 0 is the first": (
            lambda mask, classes: np.roll(np.eye(classes)[mask], 1, axis=-1)
        ),
    },
    verified="three masks, two of which do not show every class",
)

# --- Exercise 2: Dice -----------------------------------------------------------------------------------


def _dice(p, t, smooth=1.0, factor=2, extra=1.0, one=np.sum, square=False):
    both = one(p * t)
    sizes = one(p**2) + one(t**2) if square else one(p) + one(t)
    return (factor * both + extra * smooth) / (sizes + smooth)


def _probabilities(seed, *shape):
    rng = np.random.default_rng(seed)
    return rng.random(shape).round(1), rng.integers(0, 2, shape).astype(float)


check_dice = Exercise(
    solution=lambda found, true, smooth: _dice(found, true, smooth),
    cases=[
        (*_probabilities(0, 3, 3), 1.0),
        (*_probabilities(1, 2, 4), 0.1),
        (np.zeros((2, 2)), np.zeros((2, 2)), 1.0),
    ],
    mistakes={
        "forget the factor 2: what both share is counted in both sizes": (
            lambda found, true, smooth: _dice(found, true, smooth, factor=1)
        ),
        "compute IoU: Dice divides by the sum of both sizes, not by the union": (
            lambda found, true, smooth: (np.sum(found * true) + smooth)
            / (np.sum(found) + np.sum(true) - np.sum(found * true) + smooth)
        ),
        "smooth below only: two empty masks would then get 0": (
            lambda found, true, smooth: _dice(found, true, smooth, extra=0)
        ),
        "leave smooth out: two empty masks are then 0 / 0": (
            lambda found, true, smooth: _dice(found, true, 0.0)
        ),
        "round the probabilities first: rounding has no slope, so nothing could be learned": (
            lambda found, true, smooth: _dice((found >= 0.5).astype(float), true, smooth)
        ),
        "return the loss, 1 − Dice": lambda found, true, smooth: 1 - _dice(found, true, smooth),
    },
    verified="two pictures of probabilities, and two empty masks: they agree, so Dice is 1",
)

# --- Exercise 3: mean IoU -------------------------------------------------------------------------------


def _mean_iou(found, true, classes, absent="skip", first=0):
    each = []
    for k in range(first, classes):
        both, either = np.sum((found == k) & (true == k)), np.sum((found == k) | (true == k))
        if either:
            each.append(both / either)
        elif absent != "skip":
            each.append(absent)
    return np.mean(each)


check_mean_iou = Exercise(
    solution=lambda found, true, classes: _mean_iou(found, true, classes),
    cases=[
        (_mask(2, 3, 4, 4), _mask(3, 3, 4, 4), 3),
        (np.array([[0, 0, 1], [0, 1, 1]]), np.array([[0, 0, 0], [0, 1, 1]]), 4),
        (np.array([[0, 2], [0, 2]]), np.array([[0, 0], [0, 2]]), 3),
    ],
    mistakes={
        "give 0 to a class that neither mask shows: leave it out": (
            lambda found, true, classes: _mean_iou(found, true, classes, absent=0.0)
        ),
        "give 1 to a class that neither mask shows: leave it out": (
            lambda found, true, classes: _mean_iou(found, true, classes, absent=1.0)
        ),
        "leave the background out: it is a class, too": (
            lambda found, true, classes: _mean_iou(found, true, classes, first=1)
        ),
        "compute the pixel accuracy: the share of pixels that are right": (
            lambda found, true, classes: np.mean(found == true)
        ),
        "divide by the true pixels only: that is recall, and painting everything would win": (
            lambda found, true, classes: np.mean(
                [np.mean(found[true == k] == k) for k in range(classes) if np.any(true == k)]
            )
        ),
    },
    verified="three pairs of masks, two of which lack a class",
)

# --- Exercise 4: what the way up gets to see ------------------------------------------------------------

check_skip_shape = Exercise(
    solution=lambda below, filters, skip: (2 * below[0], 2 * below[1], filters + skip[2]),
    cases=[((4, 4, 96), 64, (8, 8, 64)), ((8, 16, 64), 32, (16, 32, 48)), ((3, 5, 7), 2, (6, 10, 1))],
    mistakes={
        "add the maps, as ResNet does: U-Net puts them side by side": (
            lambda below, filters, skip: (2 * below[0], 2 * below[1], filters)
        ),
        "keep the size: a transposed convolution with stride 2 doubles it": (
            lambda below, filters, skip: (*below[:2], filters + skip[2])
        ),
        "keep the channels from below: the transposed convolution has as many as it has filters": (
            lambda below, filters, skip: (2 * below[0], 2 * below[1], below[2] + skip[2])
        ),
        "halve the size: that is the way down": (
            lambda below, filters, skip: (below[0] // 2, below[1] // 2, filters + skip[2])
        ),
        "return the skip alone": lambda below, filters, skip: skip,
    },
    verified="three levels of different sizes",
)

# --- Exercise 5: reading between pixels -----------------------------------------------------------------


def _bilinear(grid, y, x, weigh=lambda dy, dx: ((1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx)):
    top, left = int(np.floor(y)), int(np.floor(x))
    square = grid[top : top + 2, left : left + 2].ravel()
    return float(np.dot(weigh(y - top, x - left), square))


_GRID = np.array([[0.0, 4.0, 1.0], [8.0, 2.0, 6.0], [3.0, 7.0, 5.0]])

check_bilinear = Exercise(
    solution=lambda grid, y, x: _bilinear(grid, y, x),
    cases=[(_GRID, 0.5, 0.5), (_GRID, 0.25, 1.5), (_GRID, 1.75, 0.1), (_GRID, 1.0, 1.0)],
    mistakes={
        "round to the nearest cell: that is what RoIPool does": (
            lambda grid, y, x: float(grid[int(np.floor(y + 0.5)), int(np.floor(x + 0.5))])
        ),
        "round down": lambda grid, y, x: float(grid[int(y), int(x)]),
        "swap y and x: y counts rows": lambda grid, y, x: _bilinear(grid, x, y),
        "weigh each corner by its distance: the nearest one counts most": (
            lambda grid, y, x: _bilinear(
                grid, y, x, lambda dy, dx: (dy * dx, dy * (1 - dx), (1 - dy) * dx, (1 - dy) * (1 - dx))
            )
        ),
        "take the mean of the four corners wherever the point lies": (
            lambda grid, y, x: _bilinear(grid, y, x, lambda dy, dx: (0.25,) * 4)
        ),
    },
    verified="four places, one of them exactly on a cell",
)
