"""The checks of lesson 02: convolution by hand, sizes, parameters, two layers in one, softmax, a layer."""

import numpy as np

from cvcourse import arithmetic
from cvcourse.exercises.checking import Exercise, small_numbers

_rng = np.random.default_rng(2)
_numbers = small_numbers(_rng, -3, 4)


def _output_pixel(image, kernel, bias, row, column, form=lambda patch, k, b: np.sum(patch * k) + b):
    size = kernel.shape[0]
    return form(image[row : row + size, column : column + size], kernel, bias)


check_output_pixel = Exercise(
    solution=_output_pixel,
    cases=[
        (_numbers(6, 6), _numbers(3, 3), 1.0, 0, 0), (_numbers(6, 6), _numbers(3, 3), -2.0, 1, 3),
        (_numbers(7, 7), _numbers(5, 5), 0.5, 2, 0),
    ],
    mistakes={
        "forget the bias": {"form": lambda patch, k, b: np.sum(patch * k)},
        "flip the kernel: mathematicians do, Keras and the slides do not":
            {"form": lambda patch, k, b: np.sum(patch * k[::-1, ::-1]) + b},
        "swap row and column: an image is indexed [row, column], that is [y, x]":
            lambda image, kernel, bias, row, column: _output_pixel(image, kernel, bias, column, row),
        "put the middle of the window on (row, column) instead of its top left corner":
            lambda image, kernel, *rest: _output_pixel(np.pad(image, len(kernel) // 2), kernel, *rest),
        "multiply as matrices (@) instead of pixel by pixel (*)": {"form": lambda p, k, b: np.sum(p @ k) + b},
        "add the bias to every product instead of once to the sum":
            {"form": lambda patch, k, b: np.sum(patch * k + b)},
        "forget to sum up: one window gives one number": {"form": lambda p, k, b: p * k + b},
        "take 3 × 3 pixels whatever the kernel: F is len(kernel)":
            lambda image, kernel, *rest: _output_pixel(image, kernel[:3, :3], *rest),
    },
    verified="the pixel of three convolutions, with kernels of 3×3 and 5×5",
)  # fmt: skip

check_output_size = Exercise(
    solution=arithmetic.conv_output_size,
    cases=[
        (6, 3, 1, 0),
        (224, 3, 1, 1),
        (7, 3, 2, 0),
        (224, 7, 2, 3),
        (8, 3, 2, 0),
        (32, 5, 1, 0),
        (10, 3, 3, 0),
    ],
    mistakes={
        "round up: a window that does not fit is left out, not counted": lambda w, f, s, p: (
            -((f - w - 2 * p) // s) + 1
        ),
        "keep the fraction: use // (floor), for there is no half pixel": lambda w, f, s, p: (
            (w - f + 2 * p) / s + 1
        ),
        "forget the + 1: the first window counts too": lambda w, f, s, p: (w - f + 2 * p) // s,
        "pad one side only: P pixels are added on both sides": lambda w, f, s, p: (w - f + p) // s + 1,
        "add the 1 before dividing: brackets": lambda w, f, s, p: (w - f + 2 * p + 1) // s,
        "forget the strides": lambda w, f, s, p: w - f + 2 * p + 1,
        "round to the nearest number: use // (floor), for half a window is no window": lambda w, f, s, p: (
            round((w - f + 2 * p) / s + 1)
        ),
        "round before adding 1, and to the nearest number: use // (floor)": lambda w, f, s, p: (
            round((w - f + 2 * p) / s) + 1
        ),
    },
    verified="seven sizes, three of them where the last window does not fit",
)

check_conv_params = Exercise(
    solution=arithmetic.conv_params,
    cases=[(3, 3, 64), (5, 1, 6), (3, 64, 128)],
    mistakes={
        "leave out the depth D, as a slide of this course does": lambda f, d, k: f * f * k + k,
        "forget the biases": lambda f, d, k: f * f * d * k,
        "count one bias for the whole layer instead of one for each filter": lambda f, d, k: (
            f * f * d * k + 1
        ),
        "count a bias for each channel of each filter": lambda f, d, k: (f * f + 1) * d * k,
        "count the weights of one filter only: the layer has K of them": lambda f, d, k: f * f * d + k,
        "count F weights for each filter and channel instead of F × F": lambda f, d, k: f * d * k + k,
    },
    verified="the first two layers of two networks that you will meet, VGG16 and LeNet-5, and one more",
)

check_collapse = Exercise(
    solution=lambda w1, b1, w2, b2: (w1 @ w2, b1 @ w2 + b2),
    cases=[
        (_numbers(3, 3), _numbers(3), _numbers(3, 3), _numbers(3)),
        (_numbers(4, 3), _numbers(3) + 0.5, _numbers(3, 2) / 2, _numbers(2)),
    ],
    mistakes={
        "lose the first bias: it passes through the second layer too": lambda w1, b1, w2, b2: (w1 @ w2, b2),
        "add the biases without sending b1 through w2": lambda w1, b1, w2, b2: (w1 @ w2, b1 + b2),
        "multiply in the wrong order: x meets w1 first": lambda w1, b1, w2, b2: (w2 @ w1, b1 @ w2 + b2),
        "multiply number by number (*) instead of as matrices (@)": lambda w1, b1, w2, b2: (
            w1 * w2,
            b1 @ w2 + b2,
        ),
        "forget the second bias": lambda w1, b1, w2, b2: (w1 @ w2, b1 @ w2),
        "write w2 @ b1: the bias stands on the left, b1 @ w2, as x does": lambda w1, b1, w2, b2: (
            w1 @ w2,
            w2 @ b1 + b2,
        ),
        "give back the weights alone: the check waits for the pair (w, b)": lambda w1, b1, w2, b2: w1 @ w2,
    },
    verified="one layer does the work of two, for square and for other matrices",
)


def _softmax(scores, axis=-1, less=lambda scores, axis: scores - scores.max(axis=axis, keepdims=True)):
    powers = np.exp(less(scores, axis))
    return powers / powers.sum(axis=axis, keepdims=True)


check_softmax = Exercise(
    solution=_softmax,
    cases=[
        (np.array([[2.0, 1.0, 0.0], [1.0, 1.0, 1.0]], "float32"),),
        (np.array([[-1.0, 3.0]], "float32"),),
        (np.array([[1000.0, 999.0, 0.0], [-5.0, 0.0, 6.0], [-1000.0, -999.0, -998.0]], "float32"),),
    ],
    mistakes={
        "forget to subtract the largest score: exp(1000) is too big for a computer": {"less": lambda s, _: s},
        "clip large scores: subtract the largest, which keeps their differences": {
            "less": lambda scores, axis: np.clip(scores, -80, 80)
        },
        "subtract the largest score of the whole batch: each row needs its own": {
            "less": lambda scores, axis: scores - scores.max()
        },
        "share out over the images (axis 0) instead of over the classes (the last axis)": {"axis": 0},
        "share out over the whole batch: each row must sum to 1": {"axis": None},
        "share out over the images (axis 0), and do not subtract the largest score": {
            "axis": 0,
            "less": lambda s, axis: s,
        },
        "share out over the whole batch, and do not subtract the largest score": {
            "axis": None,
            "less": lambda s, axis: s,
        },
        "use the sigmoid: it looks at each score alone": lambda s: 1 / (1 + np.exp(-s.clip(-60, 60))),
        "divide by the sum without exp: negative scores give negative 'probabilities'": lambda scores: (
            scores / scores.sum(axis=-1, keepdims=True)
        ),
        "apply softmax twice": lambda scores: _softmax(_softmax(scores)),
    },
    verified="three batches, one of them with scores of 1000 and −1000. Each row sums to 1",
)


def _conv_layer(
    image, kernels, bias, strides, step=None, dtype="float32", activation=lambda z: np.maximum(z, 0)
):
    """`step`, if given, is the distance of the windows although S sets the output's size."""
    size, filters = kernels.shape[0], kernels.shape[-1]
    height, width = ((length - size) // strides + 1 for length in image.shape[:2])
    maps = np.empty((height, width, filters), dtype)
    for row, column in np.ndindex(height, width):
        y, x = row * (step or strides), column * (step or strides)
        patch = image[y : y + size, x : x + size]  # (F, F, D)
        maps[row, column] = np.tensordot(patch, kernels, axes=3) + bias
    return activation(maps)


check_conv_layer = Exercise(
    solution=_conv_layer,
    cases=[
        (_numbers(6, 6, 3), _numbers(3, 3, 3, 2), _numbers(2) + 0.5, 1),
        (_numbers(7, 9, 2), _numbers(3, 3, 2, 4), _numbers(4) + 4, 2),
        (_numbers(5, 8, 1), _numbers(2, 2, 1, 3), _numbers(3), 3),
    ],
    mistakes={
        "forget ReLU": {"activation": np.asarray},
        "forget the bias": lambda image, kernels, bias, s: _conv_layer(image, kernels, 0 * bias, s),
        "add the bias after ReLU": lambda image, kernels, b, s: _conv_layer(image, kernels, 0 * b, s) + b,
        "forget the strides": lambda image, kernels, bias, s: _conv_layer(image, kernels, bias, 1),
        "count the windows with the stride, but start them one pixel apart: row · S, column · S": {"step": 1},
        "flip the kernels": lambda image, kernels, *rest: _conv_layer(image, kernels[::-1, ::-1], *rest),
        "use the first channel alone: a filter sums over the whole depth D": lambda image, kernels, *rest: (
            _conv_layer(image[..., :1], kernels[..., :1, :], *rest)
        ),
        "write into an array of whole numbers, which cuts off what stands behind the point": {"dtype": int},
        "swap height and width in the result": lambda *layer: _conv_layer(*layer).transpose(1, 0, 2),
    },
    verified="three layers, with 1, 2 and 3 channels and steps of 1, 2 and 3 pixels",
)
