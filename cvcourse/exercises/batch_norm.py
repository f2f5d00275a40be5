"""The checks of lesson 03: batch norm, how to undo it, moving statistics, group norm, folding."""

import numpy as np

from cvcourse.exercises.checking import Exercise

_rng = np.random.default_rng(3)


def _maps(*shape) -> np.ndarray:
    """Small whole numbers whose channels and images differ in mean and in spread."""
    spread = 1 + np.arange(shape[-1])
    shift = 3 * np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    return (_rng.integers(-4, 5, shape) * spread + spread + shift).astype("float32")


def _vector(size) -> np.ndarray:
    return _rng.integers(1, 5, size).astype("float32")


def _normalize(maps, axes, epsilon, spread=lambda variance, epsilon: np.sqrt(variance + epsilon), ddof=0):
    mean = maps.mean(axis=axes, keepdims=True)
    return (maps - mean) / spread(maps.var(axis=axes, ddof=ddof, keepdims=True), epsilon)


def _batch_norm(maps, gamma, beta, epsilon, axes=(0, 1, 2), form=lambda x, g, b: g * x + b, **wrong):
    return form(_normalize(maps, axes, epsilon, **wrong), gamma, beta)


check_batch_norm = Exercise(
    solution=_batch_norm,
    cases=[
        (_maps(2, 3, 4, 2), _vector(2), _vector(2), 1e-3),
        (_maps(3, 2, 2, 4), _vector(4), -_vector(4), 0.5),
        (_maps(1, 4, 3, 3), _vector(3), _vector(3), 1e-3),
    ],
    mistakes={
        "average over each image alone: the batch belongs to it, that is axis 0": {"axes": (1, 2)},
        "average over the channels too: each channel has its own mean": {"axes": (0, 1, 2, 3)},
        "average over the images only: all pixels of a map share one mean": {"axes": 0},
        "average over all numbers of each image: that is layer norm": {"axes": (1, 2, 3)},
        "divide by the variance: its square root is the spread": {"spread": lambda v, e: v + e},
        "add ε outside the root": {"spread": lambda v, e: np.sqrt(v) + e},
        "forget ε": {"spread": lambda v, e: np.sqrt(v)},
        "divide by n − 1 in the variance (ddof=1): batch norm divides by n": {"ddof": 1},
        "forget γ and β": {"form": lambda x, g, b: x},
        "swap γ and β": {"form": lambda x, g, b: b * x + g},
        "add β before you multiply with γ": {"form": lambda x, g, b: g * (x + b)},
    },
    verified="three batches, one of a single image, with their own γ, β and ε",
)


def _undo(maps, epsilon, gamma=lambda spread: spread, beta=lambda mean: mean):
    return gamma(np.sqrt(maps.var(axis=(0, 1, 2)) + epsilon)), beta(maps.mean(axis=(0, 1, 2)))


check_undo = Exercise(
    solution=_undo,
    cases=[(_maps(2, 3, 3, 2), 1e-3), (_maps(4, 2, 5, 3), 0.5)],
    mistakes={
        "swap γ and β": lambda *case: _undo(*case)[::-1],
        "take the variance for γ: what was divided by is its square root": {"gamma": np.square},
        "forget ε: it stands under the root, too": lambda maps, epsilon: _undo(maps, 0),
        "give β the wrong sign: the mean was taken away, so it must come back": {"beta": np.negative},
        "normalise once more: γ = 1 / √(σ² + ε)": {"gamma": np.reciprocal},
    },
    verified="γ and β bring back the maps as they were, for two batches",
)


def _moving(means, momentum, start=0.0, shares=lambda momentum: (momentum, 1 - momentum)):
    moving = start
    old, new = shares(momentum)
    for mean in means:
        moving = old * moving + new * mean
    return moving


check_moving_mean = Exercise(
    solution=_moving,
    cases=[([4.0, 2.0, 6.0], 0.9), ([1.0, -1.0, 5.0, 5.0], 0.5), ([3.0], 0.99)],
    mistakes={
        "swap the two shares: momentum is the share of the old value": {"shares": lambda m: (1 - m, m)},
        "forget the share of the new mean, 1 − momentum": {"shares": lambda m: (m, 1)},
        "take the plain average of all batches": lambda means, m: float(np.mean(means)),
        "start at the first mean: Keras starts at 0": lambda means, m: _moving(means[1:], m, means[0]),
        "start at 1: so does the variance, the mean starts at 0": {"start": 1.0},
        "keep only the last batch": lambda means, m: (1 - m) * means[-1],
        "return inside the loop, after the first batch": lambda means, m: _moving(means[:1], m),
    },
    verified="three sequences of batches, with three momenta",
)


def _group_norm(maps, groups, epsilon, axes=(1, 2, 4)):
    n, height, width, channels = maps.shape
    split = maps.reshape(n, height, width, groups, channels // groups)
    return _normalize(split, axes, epsilon).reshape(maps.shape)


def _interleaved(maps, groups, epsilon):
    order = np.argsort(np.arange(maps.shape[-1]) % groups, kind="stable")
    result = np.empty_like(maps)
    result[..., order] = _group_norm(maps[..., order], groups, epsilon)
    return result


check_group_norm = Exercise(
    solution=_group_norm,
    cases=[(_maps(2, 3, 3, 4), 2, 1e-3), (_maps(3, 2, 4, 6), 3, 0.5), (_maps(2, 2, 3, 8), 2, 1e-3)],
    mistakes={
        "let the images share: each image has its own mean": {"axes": (0, 1, 2, 4)},
        "ignore the groups: that is layer norm": lambda maps, groups, e: _normalize(maps, (1, 2, 3), e),
        "normalise each channel alone: that is instance norm": lambda maps, _, e: _normalize(maps, (1, 2), e),
        "put every G-th channel into a group: neighbours belong together": _interleaved,
        "take G for the size of a group: it is their number": lambda maps, groups, epsilon: _group_norm(
            maps, maps.shape[-1] // groups, epsilon
        ),
        "average over the pixels' own groups only: H and W belong to it": {"axes": 4},
    },
    verified="three batches, with 2 and 3 groups",
)


def _fold(
    kernel, bias, gamma, beta, mean, variance, epsilon,
    root=np.sqrt, form=lambda k, b, m, beta, scale: (k * scale, (b - m) * scale + beta),
):  # fmt: skip
    return form(kernel, bias, mean, beta, gamma / root(variance + epsilon))


def _fold_case(depth, filters, epsilon):
    vectors = [_vector(filters) for _ in range(5)]
    return (_rng.integers(-3, 4, (3, 3, depth, filters)).astype("float32"), *vectors, epsilon)


check_fold = Exercise(
    solution=_fold,
    cases=[_fold_case(1, 2, 1e-3), _fold_case(2, 3, 0.5), _fold_case(3, 3, 1e-3)],
    mistakes={
        "forget the convolution's own bias": lambda kernel, bias, *norm: _fold(kernel, 0 * bias, *norm),
        "scale the kernel and leave the bias unscaled": {"form": lambda k, b, m, β, s: (k * s, b - m + β)},
        "scale β, too: it is added last": {"form": lambda k, b, m, β, s: (k * s, (b - m + β) * s)},
        "divide by the variance: its square root is the spread": {"root": np.asarray},
        "forget γ": lambda kernel, bias, gamma, *rest: _fold(kernel, bias, 1, *rest),
        "forget the kernel: it must be scaled, one factor for each filter": {
            "form": lambda k, b, m, β, s: (k, (b - m) * s + β)
        },
    },
    verified="three convolutions: one with one channel, two with several",
)
