"""The checks of lesson 04: max pooling, its sizes, what it saves, global average, blur pooling, gradients."""

import numpy as np

from cvcourse import arithmetic
from cvcourse.exercises.checking import Exercise, small_numbers

_rng = np.random.default_rng(4)
_numbers = small_numbers(_rng, -9, 10)


def _all_different(*shape) -> np.ndarray:
    """Whole numbers from 1 up, each once: every window has one largest number only."""
    return (1 + _rng.permutation(np.prod(shape)).reshape(shape)).astype("float32")


def _pool(image, pool_size, strides, reduce=np.max, step=None, dtype="float32"):
    """Pool (H, W, D). `step`, if given, is the distance of the windows although S sets the output's size."""
    height, width = (arithmetic.pool_output_size(size, pool_size, strides) for size in image.shape[:2])
    output = np.empty((height, width, image.shape[-1]), dtype)
    for row, column in np.ndindex(height, width):
        y, x = row * (step or strides), column * (step or strides)
        output[row, column] = reduce(image[y : y + pool_size, x : x + pool_size], axis=(0, 1))
    return output


def _round_up(image, pool_size, strides):
    pads = [(0, -(size - pool_size) % strides) for size in image.shape[:2]]
    return _pool(np.pad(image, [*pads, (0, 0)], constant_values=-np.inf), pool_size, strides)


check_max_pool = Exercise(
    solution=_pool,
    cases=[(_numbers(6, 6, 1) / 2, 2, 2), (_numbers(7, 10, 2), 3, 2), (_numbers(5, 9, 3) - 8, 2, 3)],
    mistakes={
        "take the average instead of the largest": {"reduce": np.mean},
        "move the window by one pixel and forget the strides": lambda image, f, s: _pool(image, f, 1),
        "move the window by its own size F instead of by S": lambda image, f, s: _pool(image, f, f),
        "forget to multiply row and column by S where a window starts": {"step": 1},
        "take the largest over the channels too: each channel is pooled on its own": {
            "reduce": lambda patch, axis: patch.max()
        },
        "start with zeros and look for something larger: the largest number may be negative": {
            "reduce": lambda patch, axis: np.maximum(patch.max(axis=axis), 0)
        },
        "round up: a window that does not fit is left out": _round_up,
        "write into an array of whole numbers, which cuts off what stands behind the point": {"dtype": int},
        "swap height and width in the result": lambda *layer: _pool(*layer).transpose(1, 0, 2),
    },
    verified="three poolings, with 1, 2 and 3 channels, one of them with a gap between the windows",
)

check_output_size = Exercise(
    solution=arithmetic.pool_output_size,
    cases=[(6, 2, 2), (7, 2, 2), (55, 3, 2), (224, 2, 2), (7, 3, 1), (8, 2, 3), (9, 2, 3), (9, 2, 2)],
    mistakes={
        "round up: a window that does not fit is left out, not counted": lambda w, f, s: -((f - w) // s) + 1,
        "round to the nearest number: use // (floor), for half a window is no window": lambda w, f, s: round(
            (w - f) / s + 1
        ),
        "round before adding 1, and to the nearest number: use // (floor)": lambda w, f, s: (
            round((w - f) / s) + 1
        ),
        "keep the fraction: use // (floor), for there is no half window": lambda w, f, s: (w - f) / s + 1,
        "forget the + 1: the first window counts too": lambda w, f, s: (w - f) // s,
        "divide the size by S and forget F: that is right only where F = S": lambda w, f, s: w // s,
        "divide the size by F: the step is S": lambda w, f, s: w // f,
        "add the 1 before dividing: brackets": lambda w, f, s: (w - f + 1) // s,
    },
    verified="eight sizes, some with windows that overlap, some with a gap or a pixel left over",
)


def _dense_params(width, height, depth, pool_size, strides, units, size=arithmetic.pool_output_size):
    return size(width, pool_size, strides) * size(height, pool_size, strides) * depth * units + units


check_dense_params_after_pooling = Exercise(
    solution=_dense_params,
    cases=[(28, 28, 32, 2, 2, 10), (55, 55, 96, 3, 2, 100), (9, 7, 4, 2, 2, 5), (10, 8, 4, 3, 1, 6)],
    mistakes={
        "forget the pooling": {"size": lambda w, f, s: w},
        "divide the size by S and forget F: that is right only where F = S": {"size": lambda w, f, s: w // s},
        "forget the biases": lambda *layer: _dense_params(*layer) - layer[-1],
        "forget the depth: Flatten takes the numbers of all maps": lambda w, h, depth, *rest: _dense_params(
            w, h, 1, *rest
        ),
        "pool one axis only: both width and height shrink": lambda w, h, d, f, s, units: (
            arithmetic.pool_output_size(w, f, s) * h * d * units + units
        ),
        "pool the depth too: the number of maps stays": lambda w, h, d, f, s, units: _dense_params(
            w, h, (d - f) // s + 1, f, s, units
        ),
        "give the pooling layer a parameter for each number of its window: it has none": lambda *layer: (
            _dense_params(*layer) + layer[3] ** 2
        ),
    },
    verified="four networks, two of them with windows that overlap, two with an image that is not square",
)

check_global_average = Exercise(
    solution=lambda maps: maps.mean(axis=(1, 2)),
    cases=[(_numbers(2, 3, 4, 3),), (_numbers(1, 5, 5, 2),), (_numbers(4, 2, 3, 4),)],
    mistakes={
        "average over the channels too: one number for each image, not one for each map": lambda maps: (
            maps.mean(axis=(1, 2, 3))
        ),
        "average over the batch too: each image has its own numbers": lambda maps: maps.mean(axis=(0, 1, 2)),
        "average over axes 0 and 1: axis 0 counts the images": lambda maps: maps.mean(axis=(0, 1)),
        "keep the two axes that are averaged away": lambda maps: maps.mean(axis=(1, 2), keepdims=True),
        "add up and forget to divide": lambda maps: maps.sum(axis=(1, 2)),
        "take the largest: that is global max pooling": lambda maps: maps.max(axis=(1, 2)),
    },
    verified="three batches, with 1, 2 and 4 images",
)


def _blur_pool(image, strides, weights=((1, 2, 1), (2, 4, 2), (1, 2, 1)), total=16, dtype="float32"):
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    return ((windows * np.array(weights)).sum(axis=(2, 3)) / total)[::strides, ::strides].astype(dtype)


check_blur_pool = Exercise(
    solution=_blur_pool,
    cases=[(4 * _numbers(7, 7), 2), (16 * _numbers(9, 12), 2), (16 * _numbers(8, 11), 3)],
    mistakes={
        "step first and blur then: the false pattern is already there": lambda image, strides: _blur_pool(
            image[::strides, ::strides], 1
        ),
        "forget the steps": lambda image, strides: _blur_pool(image, 1),
        "forget the blur: steps alone": lambda image, strides: image[:-2:strides, :-2:strides],
        "forget to divide by 16, the sum of the weights": {"total": 1},
        "give all nine pixels the same weight": {"weights": np.ones((3, 3)), "total": 9},
        "blur along one axis only": {"weights": ((0, 0, 0), (1, 2, 1), (0, 0, 0)), "total": 4},
        "take the largest of the nine": lambda image, strides: _pool(image[..., None], 3, strides)[..., 0],
        "write into an array of whole numbers, which cuts off what stands behind the point": {"dtype": int},
    },
    verified="three images, with steps of 2 and 3 pixels",
)


def _spread(image, gradient, pool_size, weights=lambda patch: patch == patch.max()):
    """Each number of the gradient, times `weights(patch)`, into its window; the windows lie side by side."""
    result = np.zeros_like(image)
    for row, column in np.ndindex(*gradient.shape):
        window = np.s_[row * pool_size : (row + 1) * pool_size, column * pool_size : (column + 1) * pool_size]
        result[window] = gradient[row, column] * weights(image[window])
    return result


check_max_pool_gradient = Exercise(
    solution=_spread,
    cases=[
        (_all_different(4, 4), _numbers(2, 2) + 20.5, 2),
        (_all_different(6, 9), _numbers(2, 3), 3),
        (_all_different(5, 7), _numbers(2, 3) + 20, 2),
    ],
    mistakes={
        "share the gradient out over the window: average pooling does that": {
            "weights": lambda patch: np.full(patch.shape, 1 / patch.size)
        },
        "give the whole gradient to every pixel of the window": {"weights": np.ones_like},
        "give it to the corner of the window instead of to its largest pixel": {
            "weights": lambda patch: patch == patch[0, 0]
        },
        "give it to the smallest pixel": {"weights": lambda patch: patch == patch.min()},
        "mark the largest pixels with 1 and forget the gradient": lambda image, gradient, f: _spread(
            image, np.ones_like(gradient), f
        ),
        "multiply the gradient with the pixel's value": {"weights": lambda p: p * (p == p.max())},
    },
    verified="three gradients, one of an image with a row and a column that no window reaches",
)
