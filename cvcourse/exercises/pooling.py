"""The checks of lesson 04: max pooling, its sizes, what it saves, global average, blur pooling, gradients."""

import numpy as np

from cvcourse import arithmetic
from cvcourse.exercises.checking import Exercise

_rng = np.random.default_rng(4)


def _numbers(*shape) -> np.ndarray:
    """Small whole numbers, so that a student can follow a message with pencil and paper."""
    return _rng.integers(-9, 10, shape).astype("float32")


def _all_different(*shape) -> np.ndarray:
    """Whole numbers from 1 up, each once: every window has one largest number only."""
    return (1 + _rng.permutation(np.prod(shape)).reshape(shape)).astype("float32")


def _pool(image, pool_size, strides, reduce=np.max, step=None):
    """Pool (H, W, D). `step`, if given, is the distance of the windows although S sets the output's size."""
    height, width = (arithmetic.pool_output_size(size, pool_size, strides) for size in image.shape[:2])
    step = strides if step is None else step
    output = np.empty((height, width, image.shape[-1]), "float32")
    for row in range(height):
        for column in range(width):
            y, x = row * step, column * step
            output[row, column] = reduce(image[y : y + pool_size, x : x + pool_size], axis=(0, 1))
    return output


def _round_up(image, pool_size, strides):
    pads = [(0, -(size - pool_size) % strides) for size in image.shape[:2]]
    padded = np.pad(image, [*pads, (0, 0)], constant_values=-np.inf)
    return _pool(padded, pool_size, strides)


check_max_pool = Exercise(
    solution=lambda image, pool_size, strides: _pool(image, pool_size, strides),
    cases=[
        (_numbers(6, 6, 1), 2, 2),
        (_numbers(7, 10, 2), 3, 2),
        (_numbers(5, 9, 3) - 8, 2, 3),
    ],
    mistakes={
        "take the average instead of the largest": (
            lambda image, pool_size, strides: _pool(image, pool_size, strides, np.mean)
        ),
        "move the window by one pixel and forget the strides": (
            lambda image, pool_size, strides: _pool(image, pool_size, 1)
        ),
        "move the window by its own size F instead of by S": (
            lambda image, pool_size, strides: _pool(image, pool_size, pool_size)
        ),
        "forget to multiply row and column by S where a window starts": (
            lambda image, pool_size, strides: _pool(image, pool_size, strides, step=1)
        ),
        "take the largest over the channels too: each channel is pooled on its own": (
            lambda image, pool_size, strides: _pool(
                np.broadcast_to(image.max(axis=-1, keepdims=True), image.shape), pool_size, strides
            )
        ),
        "start with zeros and look for something larger: the largest number may be negative": (
            lambda image, pool_size, strides: np.maximum(_pool(image, pool_size, strides), 0)
        ),
        "round up: a window that does not fit is left out": _round_up,
        "swap height and width in the result": lambda *layer: _pool(*layer).transpose(1, 0, 2),
    },
    verified="three poolings, with 1, 2 and 3 channels, one of them with a gap between the windows",
)

check_output_size = Exercise(
    solution=lambda size, pool_size, strides: arithmetic.pool_output_size(size, pool_size, strides),
    cases=[(6, 2, 2), (7, 2, 2), (55, 3, 2), (224, 2, 2), (7, 3, 1), (8, 2, 3)],
    mistakes={
        "round up: a window that does not fit is left out, not counted": (
            lambda size, pool_size, strides: -((pool_size - size) // strides) + 1
        ),
        "keep the fraction: use // (floor), for there is no half window": (
            lambda size, pool_size, strides: (size - pool_size) / strides + 1
        ),
        "forget the + 1: the first window counts too": (
            lambda size, pool_size, strides: (size - pool_size) // strides
        ),
        "divide the size by S and forget F: that is right only where F = S": (
            lambda size, pool_size, strides: size // strides
        ),
        "divide the size by F: the step is S": lambda size, pool_size, strides: size // pool_size,
        "add the 1 before dividing: brackets": (
            lambda size, pool_size, strides: (size - pool_size + 1) // strides
        ),
    },
    verified="six sizes, some with windows that overlap, some with a gap or a pixel left over",
)


def _dense_params(width, height, depth, pool_size, strides, units):
    wide, high = (arithmetic.pool_output_size(size, pool_size, strides) for size in (width, height))
    return wide * high * depth * units + units


check_dense_params_after_pooling = Exercise(
    solution=_dense_params,
    cases=[(28, 28, 32, 2, 2, 10), (55, 55, 96, 3, 2, 100), (9, 7, 4, 2, 2, 5)],
    mistakes={
        "forget the pooling": (
            lambda width, height, depth, pool_size, strides, units: width * height * depth * units + units
        ),
        "forget the biases": lambda *layer: _dense_params(*layer) - layer[-1],
        "forget the depth: Flatten takes the numbers of all maps": (
            lambda width, height, depth, *rest: _dense_params(width, height, 1, *rest)
        ),
        "pool one axis only: both width and height shrink": (
            lambda width, height, depth, pool_size, strides, units: (
                arithmetic.pool_output_size(width, pool_size, strides) * height * depth * units + units
            )
        ),
        "pool the depth too: the number of maps stays": (
            lambda width, height, depth, pool_size, strides, units: _dense_params(
                width, height, (depth - pool_size) // strides + 1, pool_size, strides, units
            )
        ),
        "give the pooling layer a parameter for each number of its window: it has none": (
            lambda *layer: _dense_params(*layer) + layer[3] ** 2
        ),
    },
    verified="three networks, one of them with windows that overlap, one with an image that is not square",
)

check_global_average = Exercise(
    solution=lambda maps: maps.mean(axis=(1, 2)),
    cases=[(_numbers(2, 3, 4, 3),), (_numbers(1, 5, 5, 2),), (_numbers(4, 2, 3, 4),)],
    mistakes={
        "average over the channels too: one number for each image, not one for each map": (
            lambda maps: maps.mean(axis=(1, 2, 3))
        ),
        "average over the batch too: each image has its own numbers": lambda maps: maps.mean(axis=(0, 1, 2)),
        "average over axes 0 and 1: axis 0 counts the images": lambda maps: maps.mean(axis=(0, 1)),
        "keep the two axes that are averaged away": lambda maps: maps.mean(axis=(1, 2), keepdims=True),
        "add up and forget to divide": lambda maps: maps.sum(axis=(1, 2)),
        "take the largest: that is global max pooling": lambda maps: maps.max(axis=(1, 2)),
    },
    verified="three batches, with 1, 2 and 4 images",
)


def _blur(image, weights):
    size = len(weights)
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))
    return (windows * weights).sum(axis=(2, 3))


_BINOMIAL = np.outer([1, 2, 1], [1, 2, 1]) / 16


def _blur_pool(image, strides):
    return _blur(image, _BINOMIAL)[::strides, ::strides]


check_blur_pool = Exercise(
    solution=_blur_pool,
    cases=[(16 * _numbers(7, 7), 2), (16 * _numbers(9, 12), 2), (16 * _numbers(8, 11), 3)],
    mistakes={
        "step first and blur then: the false pattern is already there": (
            lambda image, strides: _blur(image[::strides, ::strides], _BINOMIAL)
        ),
        "forget the steps": lambda image, strides: _blur(image, _BINOMIAL),
        "forget the blur: steps alone": lambda image, strides: image[:-2:strides, :-2:strides],
        "forget to divide by 16, the sum of the weights": (
            lambda image, strides: 16 * _blur_pool(image, strides)
        ),
        "give all nine pixels the same weight": (
            lambda image, strides: _blur(image, np.full((3, 3), 1 / 9))[::strides, ::strides]
        ),
        "blur along one axis only": (
            lambda image, strides: _blur(image, np.outer([0, 1, 0], [1, 2, 1]) / 4)[::strides, ::strides]
        ),
        "take the largest of the nine": (
            lambda image, strides: _pool(image[..., np.newaxis], 3, strides)[..., 0]
        ),
    },
    verified="three images, with steps of 2 and 3 pixels",
)


def _spread(image, gradient, pool_size, weights):
    """Each number of the gradient, times `weights(patch)`, into its window; the windows lie side by side."""
    result = np.zeros_like(image)
    for row, column in np.ndindex(*gradient.shape):
        window = np.s_[row * pool_size : (row + 1) * pool_size, column * pool_size : (column + 1) * pool_size]
        result[window] = gradient[row, column] * weights(image[window])
    return result


def _corner(patch):
    return np.arange(patch.size).reshape(patch.shape) == 0


check_max_pool_gradient = Exercise(
    solution=lambda image, gradient, pool_size: _spread(
        image, gradient, pool_size, lambda patch: patch == patch.max()
    ),
    cases=[
        (_all_different(4, 4), _numbers(2, 2) + 20, 2),
        (_all_different(6, 9), _numbers(2, 3), 3),
        (_all_different(5, 7), _numbers(2, 3) + 20, 2),
    ],
    mistakes={
        "share the gradient out over the window: average pooling does that": (
            lambda *layer: _spread(*layer, lambda patch: np.full(patch.shape, 1 / patch.size))
        ),
        "give the whole gradient to every pixel of the window": (
            lambda *layer: _spread(*layer, np.ones_like)
        ),
        "give it to the corner of the window instead of to its largest pixel": (
            lambda *layer: _spread(*layer, _corner)
        ),
        "give it to the smallest pixel": (
            lambda *layer: _spread(*layer, lambda patch: patch == patch.min())
        ),
        "mark the largest pixels with 1 and forget the gradient": (
            lambda image, gradient, pool_size: _spread(
                image, np.ones_like(gradient), pool_size, lambda patch: patch == patch.max()
            )
        ),
        "multiply the gradient with the pixel's value": (
            lambda *layer: _spread(*layer, lambda patch: patch * (patch == patch.max()))
        ),
    },
    verified="three gradients, one of an image with a row and a column that no window reaches",
)
