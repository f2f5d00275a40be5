"""The checks of lesson 08: residual blocks, their costs, separable convolutions, scaling, and a choice."""

import numpy as np

from cvcourse.exercises.checking import Exercise


def _relu(x):
    return np.maximum(x, 0)


def _numbers(seed, *shapes):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape).round(1) for shape in shapes)


def _itself(x):
    return x


def _block(x, first, second, inner=_relu, join=np.add, last=_relu):
    return last(join(x, second @ inner(first @ x)))


check_residual = Exercise(
    solution=_block,
    cases=[
        (np.array([1.0, -2.0]), np.array([[1.0, 0.0], [0.0, -1.0]]), np.array([[0.5, 1.0], [-1.0, 0.5]])),
        _numbers(1, 3, (4, 3), (3, 4)),
        (np.array([1.0, -3.0]), np.zeros((2, 2)), np.zeros((2, 2))),
    ],
    mistakes={
        "forget the shortcut: x itself is never added": {"join": lambda x, f: f},
        "add before nothing follows: the last ReLU comes after the sum": {"last": _itself},
        "apply the last ReLU before the sum: then a block could only ever raise its input": {
            "join": lambda x, f: x + _relu(f),
            "last": _itself,
        },
        "forget the ReLU between the two layers: they collapse into one": {"inner": _itself},
        "multiply by the shortcut: a block adds it": {"join": np.multiply},
    },
    verified="two blocks, and one whose weights are all zero: it returns relu(x)",
)


def _bottleneck(channels, filters, wide=4, middle=3, bias=1, norm=4, project=np.not_equal):
    def conv(size, depth, many):
        return size * size * depth * many + bias * many + norm * many

    params = conv(1, channels, filters) + conv(middle, filters, filters) + conv(1, filters, wide * filters)
    return params + (conv(1, channels, wide * filters) if project(channels, wide * filters) else 0)


check_bottleneck_params = Exercise(
    solution=_bottleneck,
    cases=[(256, 64), (64, 64), (1024, 512), (2048, 512), (512, 64)],
    mistakes={
        "forget the projection: where the shape changes, the shortcut has weights too": {
            "project": lambda *_: False
        },
        "project only where the depth grows: a block that makes it smaller needs a projection, too": {
            "project": np.less
        },
        "forget batch norm: it has four numbers for each filter": {"norm": 0},
        "count only the trainable numbers of batch norm: its mean and variance are stored, too": {"norm": 2},
        "forget the biases, which Keras's ResNet-50 keeps": {"bias": 0},
        "keep the output as narrow as the middle: the last convolution widens by 4": {"wide": 1},
        "make all three convolutions 1×1: the middle one is 3×3": {"middle": 1},
    },
    verified="four blocks of ResNet-50, two with a projection and two without, and one that gets thinner",
)

check_separable_ratio = Exercise(
    solution=lambda size, filters: 1 / filters + 1 / size**2,
    cases=[(3, 64), (3, 512), (5, 128), (7, 8)],
    mistakes={
        "leave out the 1×1 convolution that mixes the channels": lambda size, filters: 1 / filters,
        "leave out the depthwise part": lambda size, filters: 1 / size**2,
        "forget the square: a kernel has F · F numbers": lambda size, filters: 1 / filters + 1 / size,
        "turn the ratio over: it is separable divided by standard": lambda size, filters: (
            1 / (1 / filters + 1 / size**2)
        ),
        "multiply the two parts: their costs add up": lambda size, filters: 1 / (filters * size**2),
    },
    verified="four sizes, with the formula that counting confirms",
)


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _excite(maps, reduce, expand, squeeze=np.mean, gate=_sigmoid, inner=_relu, join=np.multiply):
    return join(maps, gate(inner(squeeze(maps, axis=(0, 1)) @ reduce) @ expand))


check_squeeze_excite = Exercise(
    solution=_excite,
    cases=[_numbers(2, (2, 3, 4), (4, 2), (2, 4)), _numbers(3, (3, 2, 6), (6, 3), (3, 6))],
    mistakes={
        "use ReLU as the gate: sigmoid gives each channel a number between 0 and 1": {"gate": _relu},
        "use no gate at all: sigmoid gives each channel a number between 0 and 1": {"gate": _itself},
        "forget the ReLU between the two layers": {"inner": _itself},
        "return the gates alone: they shall multiply the maps": {"join": lambda maps, gates: gates},
        "add the gates: they shall multiply the maps": {"join": np.add},
        "sum over the pixels: squeeze takes their mean": {"squeeze": np.sum},
    },
    verified="maps of two sizes and depths",
)


def _scaled(filters, width, nearest=lambda eighths: int(eighths + 0.5), guard=0.9):
    rounded = max(8, 8 * nearest(filters * width / 8))
    return rounded + 8 * (rounded < guard * filters * width)


check_scaled_filters = Exercise(
    solution=_scaled,
    cases=[(32, 1.1), (24, 1.4), (16, 1.2), (112, 1.8), (8, 0.5), (32, 0.6), (24, 1.3), (40, 1.3)],
    mistakes={
        "keep the product as it is: it shall be a multiple of 8": lambda filters, width: filters * width,
        "round down to a multiple of 8: take the nearest": {"nearest": int, "guard": 0},
        "round up to a multiple of 8: take the nearest": lambda filters, width: -(-filters * width // 8) * 8,
        "allow less than 90 % of what was asked for": {"guard": 0},
        "use round(), which takes a half to the even neighbour: here halves go up": {"nearest": round},
        "round to a whole number: it shall be a multiple of 8": lambda filters, w: int(filters * w + 0.5),
    },
    verified="eight layers, one of which would have lost more than a tenth, one half-way between",
)


def _best(league, most_params, most_macs, fits=lambda params, macs: params and macs, key=lambda row: row[0]):
    """Name of the best network within the limits; rows are (top-1, size, parameters, multiply-adds)."""
    fitting = {n: row for n, row in league.items() if fits(row[2] <= most_params, row[3] <= most_macs)}
    return max(fitting, key=lambda name: key(fitting[name]), default=None)


_NETWORKS = {
    "tall": (80.0, 300, 9e6, 2e9),
    "small": (71.0, 224, 3e6, 3e8),
    "slow": (79.0, 224, 4e6, 4e9),
    "fat": (84.0, 384, 90e6, 1e9),
    "lean": (75.0, 224, 5e6, 6e8),
}

check_choose = Exercise(
    solution=_best,
    cases=[
        (_NETWORKS, 6e6, 1e9), (_NETWORKS, 10e6, 2e9), (_NETWORKS, 1e9, 1e9), (_NETWORKS, 6e6, 1e10),
        (_NETWORKS, 1e6, 1e10), (_NETWORKS, 4e6, 7e8), (_NETWORKS, 5e6, 1e9), (_NETWORKS, 1e8, 5e9),
    ],
    mistakes={
        "take the most accurate of all, whatever it costs": {"fits": lambda params, macs: True},
        "forget the limit on multiply-adds": {"fits": lambda params, macs: params},
        "forget the limit on parameters": {"fits": lambda params, macs: macs},
        "write or for and: a network must keep to both limits": {"fits": lambda params, macs: params or macs},
        "take the network with the fewest parameters: within the limits, accuracy decides":
            {"key": lambda row: -row[2]},
        "exclude a network that meets a limit exactly: at most means ≤":
            lambda league, most_params, most_macs: _best(league, most_params - 1, most_macs - 1),
    },
    verified="eight pairs of limits, one that nothing fits and some that are met exactly",
)  # fmt: skip
