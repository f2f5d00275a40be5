"""The checks of lesson 02: convolution by hand, sizes, parameters, two layers in one, softmax, a layer."""

import numpy as np

from cvcourse import arithmetic
from cvcourse.exercises.checking import Exercise

_rng = np.random.default_rng(2)


def _numbers(*shape) -> np.ndarray:
    """Small whole numbers, so that a student can follow a message with pencil and paper."""
    return _rng.integers(-3, 4, shape).astype("float32")


def _output_pixel(image, kernel, bias, row, column):
    size = kernel.shape[0]
    patch = image[row : row + size, column : column + size]
    return np.sum(patch * kernel) + bias


def _centred_pixel(image, kernel, bias, row, column):
    half = kernel.shape[0] // 2
    padded = np.pad(image, half)
    return _output_pixel(padded, kernel, bias, row, column)


check_output_pixel = Exercise(
    solution=_output_pixel,
    cases=[
        (_numbers(6, 6), _numbers(3, 3), 1.0, 0, 0),
        (_numbers(6, 6), _numbers(3, 3), -2.0, 1, 3),
        (_numbers(7, 7), _numbers(5, 5), 0.5, 2, 0),
    ],
    mistakes={
        "forget the bias": (
            lambda image, kernel, bias, row, column: _output_pixel(image, kernel, 0, row, column)
        ),
        "flip the kernel: mathematicians do, Keras and the slides do not": (
            lambda image, kernel, *rest: _output_pixel(image, kernel[::-1, ::-1], *rest)
        ),
        "swap row and column: an image is indexed [row, column], that is [y, x]": (
            lambda image, kernel, bias, row, column: _output_pixel(image, kernel, bias, column, row)
        ),
        "put the middle of the window on (row, column) instead of its top left corner": _centred_pixel,
        "multiply as matrices (@) instead of pixel by pixel (*)": (
            lambda image, kernel, bias, row, column: np.sum(
                image[row : row + len(kernel), column : column + len(kernel)] @ kernel
            ) + bias
        ),
        "add the bias to every product instead of once to the sum": (
            lambda image, kernel, bias, *place: _output_pixel(image, kernel, bias * kernel.size, *place)
        ),
        "forget to sum up: one window gives one number": (
            lambda image, kernel, bias, row, column: (
                image[row : row + len(kernel), column : column + len(kernel)] * kernel + bias
            )
        ),
        "take 3 × 3 pixels whatever the kernel: F is len(kernel)": (
            lambda image, kernel, *rest: _output_pixel(image, kernel[:3, :3], *rest)
        ),
    },
    verified="the pixel of three convolutions, with kernels of 3×3 and 5×5",
)

check_output_size = Exercise(
    solution=lambda size, kernel_size, strides, padding: arithmetic.conv_output_size(
        size, kernel_size, strides, padding
    ),
    cases=[
        (6, 3, 1, 0), (224, 3, 1, 1), (7, 3, 2, 0), (224, 7, 2, 3),
        (8, 3, 2, 0), (32, 5, 1, 0), (10, 3, 3, 0),
    ],
    mistakes={
        "round up: a window that does not fit is left out, not counted": (
            lambda size, kernel_size, strides, padding: -((kernel_size - size - 2 * padding) // strides) + 1
        ),
        "keep the fraction: use // (floor), for there is no half pixel": (
            lambda size, kernel_size, strides, padding: (size - kernel_size + 2 * padding) / strides + 1
        ),
        "forget the + 1: the first window counts too": (
            lambda size, kernel_size, strides, padding: (size - kernel_size + 2 * padding) // strides
        ),
        "pad one side only: P pixels are added on both sides": (
            lambda size, kernel_size, strides, padding: (size - kernel_size + padding) // strides + 1
        ),
        "add the 1 before dividing: brackets": (
            lambda size, kernel_size, strides, padding: (size - kernel_size + 2 * padding + 1) // strides
        ),
        "forget the strides": (
            lambda size, kernel_size, strides, padding: size - kernel_size + 2 * padding + 1
        ),
        "round to the nearest number: use // (floor), for half a window is no window": (
            lambda size, kernel_size, strides, padding: (
                round((size - kernel_size + 2 * padding) / strides + 1)
            )
        ),
        "round before adding 1, and to the nearest number: use // (floor)": (
            lambda size, kernel_size, strides, padding: (
                round((size - kernel_size + 2 * padding) / strides) + 1
            )
        ),
    },
    verified="seven sizes, three of them where the last window does not fit",
)

check_conv_params = Exercise(
    solution=lambda kernel_size, in_channels, filters: kernel_size**2 * in_channels * filters + filters,
    cases=[(3, 3, 64), (5, 1, 6), (3, 64, 128)],
    mistakes={
        "leave out the depth D, as a slide of this course does": (
            lambda kernel_size, in_channels, filters: kernel_size**2 * filters + filters
        ),
        "forget the biases": lambda kernel_size, in_channels, filters: kernel_size**2 * in_channels * filters,
        "count one bias for the whole layer instead of one for each filter": (
            lambda kernel_size, in_channels, filters: kernel_size**2 * in_channels * filters + 1
        ),
        "count a bias for each channel of each filter": (
            lambda kernel_size, in_channels, filters: (kernel_size**2 + 1) * in_channels * filters
        ),
        "count the weights of one filter only: the layer has K of them": (
            lambda kernel_size, in_channels, filters: kernel_size**2 * in_channels + filters
        ),
        "count F weights for each filter and channel instead of F × F": (
            lambda kernel_size, in_channels, filters: kernel_size * in_channels * filters + filters
        ),
    },
    verified="the first two layers of two networks that you will meet, VGG16 and LeNet-5, and one more",
)

check_collapse = Exercise(
    solution=lambda w1, b1, w2, b2: (w1 @ w2, b1 @ w2 + b2),
    cases=[
        (_numbers(3, 3), _numbers(3), _numbers(3, 3), _numbers(3)),
        (_numbers(4, 3), _numbers(3), _numbers(3, 2), _numbers(2)),
    ],
    mistakes={
        "lose the first bias: it passes through the second layer too": lambda w1, b1, w2, b2: (w1 @ w2, b2),
        "add the biases without sending b1 through w2": lambda w1, b1, w2, b2: (w1 @ w2, b1 + b2),
        "multiply in the wrong order: x meets w1 first": lambda w1, b1, w2, b2: (w2 @ w1, b1 @ w2 + b2),
        "multiply number by number (*) instead of as matrices (@)": (
            lambda w1, b1, w2, b2: (w1 * w2, b1 @ w2 + b2)
        ),
        "forget the second bias": lambda w1, b1, w2, b2: (w1 @ w2, b1 @ w2),
        "write w2 @ b1: the bias stands on the left, b1 @ w2, as x does": (
            lambda w1, b1, w2, b2: (w1 @ w2, w2 @ b1 + b2)
        ),
        "give back the weights alone: the check waits for the pair (w, b)": lambda w1, b1, w2, b2: w1 @ w2,
    },
    verified="one layer does the work of two, for square and for other matrices",
)


def _softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _share(scores, axis):
    powers = np.exp(scores)
    return powers / powers.sum(axis=axis, keepdims=True)


check_softmax = Exercise(
    solution=_softmax,
    cases=[
        (np.array([[2.0, 1.0, 0.0], [1.0, 1.0, 1.0]], "float32"),),
        (np.array([[-1.0, 3.0]], "float32"),),
        (np.array([[1000.0, 999.0, 0.0], [-5.0, 0.0, 6.0]], "float32"),),
    ],
    mistakes={
        "forget to subtract the largest score: exp(1000) is too big for a computer": (
            lambda scores: _share(scores, -1)
        ),
        "subtract the largest score of the whole batch: each row needs its own": (
            lambda scores: _share(scores - scores.max(), -1)
        ),
        "share out over the images (axis 0) instead of over the classes (the last axis)": (
            lambda scores: _softmax(scores.T).T
        ),
        "share out over the whole batch: each row must sum to 1": (
            lambda scores: _softmax(scores.reshape(1, -1)).reshape(scores.shape)
        ),
        "share out over the images (axis 0), and do not subtract the largest score": (
            lambda scores: _share(scores, 0)
        ),
        "share out over the whole batch, and do not subtract the largest score": (
            lambda scores: _share(scores, None)
        ),
        "use the sigmoid: it looks at each score alone": (
            lambda scores: 1 / (1 + np.exp(-scores.clip(-60, 60)))
        ),
        "divide by the sum without exp: negative scores give negative 'probabilities'": (
            lambda scores: scores / scores.sum(axis=-1, keepdims=True)
        ),
        "apply softmax twice": lambda scores: _softmax(_softmax(scores)),
    },
    verified="three batches, one of them with a score of 1000. Each row sums to 1",
)


def _conv_layer(image, kernels, bias, strides):
    size, filters = kernels.shape[0], kernels.shape[-1]
    height = (image.shape[0] - size) // strides + 1
    width = (image.shape[1] - size) // strides + 1
    maps = np.empty((height, width, filters), "float32")
    for row in range(height):
        for column in range(width):
            y, x = row * strides, column * strides
            patch = image[y : y + size, x : x + size]  # (F, F, D)
            maps[row, column] = np.tensordot(patch, kernels, axes=3) + bias
    return np.maximum(maps, 0)


def _no_relu(image, kernels, bias, strides):
    # z = relu(z) - relu(-z)
    return _conv_layer(image, kernels, bias, strides) - _conv_layer(image, -kernels, -bias, strides)


def _no_steps(image, kernels, bias, strides):
    height, width, _ = _conv_layer(image, kernels, bias, strides).shape
    return _conv_layer(image, kernels, bias, 1)[:height, :width]


check_conv_layer = Exercise(
    solution=_conv_layer,
    cases=[
        (_numbers(6, 6, 3), _numbers(3, 3, 3, 2), _numbers(2), 1),
        (_numbers(7, 9, 2), _numbers(3, 3, 2, 4), _numbers(4) + 4, 2),
        (_numbers(5, 8, 1), _numbers(2, 2, 1, 3), _numbers(3), 3),
    ],
    mistakes={
        "forget ReLU": _no_relu,
        "forget the bias": (
            lambda image, kernels, bias, strides: _conv_layer(image, kernels, 0 * bias, strides)
        ),
        "add the bias after ReLU": (
            lambda image, kernels, bias, strides: _conv_layer(image, kernels, 0 * bias, strides) + bias
        ),
        "forget the strides": lambda image, kernels, bias, strides: _conv_layer(image, kernels, bias, 1),
        "count the windows with the stride, but start them one pixel apart: row · S, column · S": _no_steps,
        "flip the kernels": (
            lambda image, kernels, bias, strides: _conv_layer(image, kernels[::-1, ::-1], bias, strides)
        ),
        "use the first channel alone: a filter sums over the whole depth D": (
            lambda image, kernels, *rest: _conv_layer(image[..., :1], kernels[..., :1, :], *rest)
        ),
        "swap height and width in the result": (
            lambda *layer: _conv_layer(*layer).transpose(1, 0, 2)
        ),
    },
    verified="three layers, with 1, 2 and 3 channels and steps of 1, 2 and 3 pixels",
)
