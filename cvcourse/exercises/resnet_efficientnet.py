"""The checks of lesson 08: residual blocks, their costs, separable convolutions, scaling, and a choice."""

import numpy as np

from cvcourse.exercises.checking import Exercise

# --- Exercise 1: a residual block in numpy --------------------------------------------------------------


def _relu(x):
    return np.maximum(x, 0)


def _numbers(seed, *shapes):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape).round(1) for shape in shapes)


check_residual = Exercise(
    solution=lambda x, first, second: _relu(x + second @ _relu(first @ x)),
    cases=[
        (np.array([1.0, -2.0]), np.array([[1.0, 0.0], [0.0, -1.0]]), np.array([[0.5, 1.0], [-1.0, 0.5]])),
        _numbers(1, 3, (4, 3), (3, 4)),
        (np.array([1.0, -3.0]), np.zeros((2, 2)), np.zeros((2, 2))),
    ],
    mistakes={
        "forget the shortcut: x itself is never added": (
            lambda x, first, second: _relu(second @ _relu(first @ x))
        ),
        "add before nothing follows: the last ReLU comes after the sum": (
            lambda x, first, second: x + second @ _relu(first @ x)
        ),
        "apply the last ReLU before the sum: then a block could only ever raise its input": (
            lambda x, first, second: x + _relu(second @ _relu(first @ x))
        ),
        "forget the ReLU between the two layers: they collapse into one": (
            lambda x, first, second: _relu(x + second @ (first @ x))
        ),
        "multiply by the shortcut: a block adds it": (
            lambda x, first, second: _relu(x * (second @ _relu(first @ x)))
        ),
    },
    verified="two blocks, and one whose weights are all zero: it returns relu(x)",
)

# --- Exercise 2: the parameters of a bottleneck ---------------------------------------------------------


def _bottleneck(channels, filters, wide=4, middle=3, bias=1, norm=4, projection=True):
    def conv(size, depth, many):
        return size * size * depth * many + bias * many + norm * many

    params = conv(1, channels, filters) + conv(middle, filters, filters) + conv(1, filters, wide * filters)
    if projection and channels != wide * filters:
        params += conv(1, channels, wide * filters)
    return params


check_bottleneck_params = Exercise(
    solution=lambda channels, filters: _bottleneck(channels, filters),
    cases=[(256, 64), (64, 64), (1024, 512), (2048, 512)],
    mistakes={
        "forget the projection: where the shape changes, the shortcut has weights too": (
            lambda channels, filters: _bottleneck(channels, filters, projection=False)
        ),
        "forget batch norm: it has four numbers for each filter": (
            lambda channels, filters: _bottleneck(channels, filters, norm=0)
        ),
        "count only the trainable numbers of batch norm: its mean and variance are stored, too": (
            lambda channels, filters: _bottleneck(channels, filters, norm=2)
        ),
        "forget the biases, which Keras's ResNet-50 keeps": (
            lambda channels, filters: _bottleneck(channels, filters, bias=0)
        ),
        "keep the output as narrow as the middle: the last convolution widens by 4": (
            lambda channels, filters: _bottleneck(channels, filters, wide=1)
        ),
        "make all three convolutions 1×1: the middle one is 3×3": (
            lambda channels, filters: _bottleneck(channels, filters, middle=1)
        ),
    },
    verified="four blocks of ResNet-50, two with a projection and two without",
)

# --- Exercise 3: what a separable convolution costs -----------------------------------------------------

check_separable_ratio = Exercise(
    solution=lambda size, filters: 1 / filters + 1 / size**2,
    cases=[(3, 64), (3, 512), (5, 128), (7, 8)],
    mistakes={
        "leave out the 1×1 convolution that mixes the channels": lambda size, filters: 1 / filters,
        "leave out the depthwise part": lambda size, filters: 1 / size**2,
        "forget the square: a kernel has F · F numbers": lambda size, filters: 1 / filters + 1 / size,
        "turn the ratio over: it is separable divided by standard": (
            lambda size, filters: 1 / (1 / filters + 1 / size**2)
        ),
        "multiply the two parts: their costs add up": lambda size, filters: 1 / (filters * size**2),
    },
    verified="four sizes, with the formula that counting confirms",
)

# --- Exercise 4: squeeze-and-excitation -----------------------------------------------------------------


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _excite(maps, reduce, expand, squeeze=(0, 1), gate=_sigmoid, inner=_relu):
    return maps * gate(inner(maps.mean(axis=squeeze) @ reduce) @ expand)


check_squeeze_excite = Exercise(
    solution=lambda maps, reduce, expand: _excite(maps, reduce, expand),
    cases=[_numbers(2, (2, 3, 4), (4, 2), (2, 4)), _numbers(3, (3, 2, 6), (6, 3), (3, 6))],
    mistakes={
        "use ReLU as the gate: sigmoid gives each channel a number between 0 and 1": (
            lambda maps, reduce, expand: _excite(maps, reduce, expand, gate=_relu)
        ),
        "use no gate at all: sigmoid gives each channel a number between 0 and 1": (
            lambda maps, reduce, expand: _excite(maps, reduce, expand, gate=lambda z: z)
        ),
        "forget the ReLU between the two layers": (
            lambda maps, reduce, expand: _excite(maps, reduce, expand, inner=lambda z: z)
        ),
        "return the gates alone: they shall multiply the maps": (
            lambda maps, reduce, expand: _sigmoid(_relu(maps.mean(axis=(0, 1)) @ reduce) @ expand)
        ),
        "add the gates: they shall multiply the maps": (
            lambda maps, reduce, expand: maps + _sigmoid(_relu(maps.mean(axis=(0, 1)) @ reduce) @ expand)
        ),
        "sum over the pixels: squeeze takes their mean": (
            lambda maps, reduce, expand: maps * _sigmoid(_relu(maps.sum(axis=(0, 1)) @ reduce) @ expand)
        ),
    },
    verified="maps of two sizes and depths",
)

# --- Exercise 5: filters after scaling ------------------------------------------------------------------


def _scaled(filters, width, divisor=8, guard=True):
    wanted = filters * width
    rounded = max(divisor, int(wanted + divisor / 2) // divisor * divisor)
    return rounded + divisor * (guard and rounded < 0.9 * wanted)


check_scaled_filters = Exercise(
    solution=lambda filters, width: _scaled(filters, width),
    cases=[(32, 1.1), (24, 1.4), (16, 1.2), (112, 1.8), (8, 0.5), (32, 0.6), (24, 1.3)],
    mistakes={
        "keep the product as it is: it shall be a multiple of 8": lambda filters, width: filters * width,
        "round down to a multiple of 8: take the nearest": lambda filters, width: max(
            8, int(filters * width) // 8 * 8
        ),
        "round up to a multiple of 8: take the nearest": lambda filters, width: -(-filters * width // 8) * 8,
        "allow less than 90 % of what was asked for": lambda filters, width: _scaled(
            filters, width, guard=False
        ),
        "round to a whole number: it shall be a multiple of 8": lambda filters, width: int(
            filters * width + 0.5
        ),
    },
    verified="seven layers, one of which would have lost more than a tenth",
)

# --- Exercise 6: choose an architecture -----------------------------------------------------------------


def _best(league, most_params, most_macs, column=0, sign=1):
    """Name of the best network within the limits; rows are (top-1, size, parameters, multiply-adds)."""
    fitting = {n: row for n, row in league.items() if row[2] <= most_params and row[3] <= most_macs}
    return max(fitting, key=lambda name: sign * fitting[name][column], default=None)


_NETWORKS = {
    "tall": (80.0, 300, 9e6, 2e9),
    "small": (71.0, 224, 3e6, 3e8),
    "slow": (79.0, 224, 4e6, 4e9),
    "fat": (84.0, 384, 90e6, 1e9),
    "lean": (75.0, 224, 5e6, 6e8),
}

check_choose = Exercise(
    solution=lambda league, most_params, most_macs: _best(league, most_params, most_macs),
    cases=[
        (_NETWORKS, 6e6, 1e9),
        (_NETWORKS, 10e6, 2e9),
        (_NETWORKS, 1e9, 1e9),
        (_NETWORKS, 6e6, 1e10),
        (_NETWORKS, 1e6, 1e10),
        (_NETWORKS, 4e6, 7e8),
    ],
    mistakes={
        "take the most accurate of all, whatever it costs": lambda league, most_params, most_macs: _best(
            league, 1e12, 1e12
        ),
        "forget the limit on multiply-adds": lambda league, most_params, most_macs: _best(
            league, most_params, 1e12
        ),
        "forget the limit on parameters": lambda league, most_params, most_macs: _best(
            league, 1e12, most_macs
        ),
        "take the network with the fewest parameters: within the limits, accuracy decides": (
            lambda league, most_params, most_macs: _best(league, most_params, most_macs, 2, -1)
        ),
        "exclude a network that meets a limit exactly: at most means ≤": (
            lambda league, most_params, most_macs: _best(league, most_params - 1, most_macs - 1)
        ),
    },
    verified="six pairs of limits, one that nothing fits and one that is met exactly",
)
