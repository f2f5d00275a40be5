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


def _normalize(maps, axes, epsilon):
    mean = maps.mean(axis=axes, keepdims=True)
    return (maps - mean) / np.sqrt(maps.var(axis=axes, keepdims=True) + epsilon)


check_batch_norm = Exercise(
    solution=lambda maps, gamma, beta, epsilon: gamma * _normalize(maps, (0, 1, 2), epsilon) + beta,
    cases=[
        (_maps(2, 3, 4, 2), _vector(2), _vector(2), 1e-3),
        (_maps(3, 2, 2, 4), _vector(4), -_vector(4), 0.5),
        (_maps(1, 4, 3, 3), _vector(3), _vector(3), 1e-3),
    ],
    mistakes={
        "average over each image alone: the batch belongs to it, that is axis 0": (
            lambda maps, gamma, beta, epsilon: gamma * _normalize(maps, (1, 2), epsilon) + beta
        ),
        "average over the channels too: each channel has its own mean": (
            lambda maps, gamma, beta, epsilon: gamma * _normalize(maps, (0, 1, 2, 3), epsilon) + beta
        ),
        "average over the images only: all pixels of a map share one mean": (
            lambda maps, gamma, beta, epsilon: gamma * _normalize(maps, (0,), epsilon) + beta
        ),
        "divide by the variance: its square root is the spread": (
            lambda maps, gamma, beta, epsilon: (
                gamma * (maps - maps.mean((0, 1, 2))) / (maps.var((0, 1, 2)) + epsilon) + beta
            )
        ),
        "add ε outside the root": (
            lambda maps, gamma, beta, epsilon: (
                gamma * (maps - maps.mean((0, 1, 2))) / (maps.std((0, 1, 2)) + epsilon) + beta
            )
        ),
        "forget γ and β": lambda maps, gamma, beta, epsilon: _normalize(maps, (0, 1, 2), epsilon),
        "add β before you multiply with γ": (
            lambda maps, gamma, beta, epsilon: gamma * (_normalize(maps, (0, 1, 2), epsilon) + beta)
        ),
    },
    verified="three batches, one of a single image, with their own γ, β and ε",
)


def _undo(maps, epsilon):
    return np.sqrt(maps.var(axis=(0, 1, 2)) + epsilon), maps.mean(axis=(0, 1, 2))


check_undo = Exercise(
    solution=_undo,
    cases=[(_maps(2, 3, 3, 2), 1e-3), (_maps(4, 2, 5, 3), 0.5)],
    mistakes={
        "swap γ and β": lambda maps, epsilon: _undo(maps, epsilon)[::-1],
        "take the variance for γ: what was divided by is its square root": (
            lambda maps, epsilon: (_undo(maps, epsilon)[0] ** 2, _undo(maps, epsilon)[1])
        ),
        "forget ε: it stands under the root, too": lambda maps, epsilon: _undo(maps, 0),
        "give β the wrong sign: the mean was taken away, so it must come back": (
            lambda maps, epsilon: (_undo(maps, epsilon)[0], -_undo(maps, epsilon)[1])
        ),
        "normalise once more: γ = 1 / √(σ² + ε)": (
            lambda maps, epsilon: (1 / _undo(maps, epsilon)[0], _undo(maps, epsilon)[1])
        ),
    },
    verified="γ and β bring back the maps as they were, for two batches",
)


def _moving(means, momentum, start=0.0, swap=False):
    moving = start
    for mean in means:
        moving = (1 - momentum) * moving + momentum * mean if swap else (
            momentum * moving + (1 - momentum) * mean
        )
    return moving


check_moving_mean = Exercise(
    solution=lambda means, momentum: _moving(means, momentum),
    cases=[([4.0, 2.0, 6.0], 0.9), ([1.0, -1.0, 5.0, 5.0], 0.5), ([3.0], 0.99)],
    mistakes={
        "swap the two shares: momentum is the share of the old value": (
            lambda means, momentum: _moving(means, momentum, swap=True)
        ),
        "take the plain average of all batches": lambda means, momentum: float(np.mean(means)),
        "start at the first mean: Keras starts at 0": (
            lambda means, momentum: _moving(means[1:], momentum, start=means[0])
        ),
        "start at 1: so does the variance, the mean starts at 0": (
            lambda means, momentum: _moving(means, momentum, start=1.0)
        ),
        "keep only the last batch": lambda means, momentum: (1 - momentum) * means[-1],
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
        "let the images share: each image has its own mean": (
            lambda maps, groups, epsilon: _group_norm(maps, groups, epsilon, (0, 1, 2, 4))
        ),
        "ignore the groups: that is layer norm": (
            lambda maps, groups, epsilon: _normalize(maps, (1, 2, 3), epsilon)
        ),
        "normalise each channel alone: that is instance norm": (
            lambda maps, groups, epsilon: _normalize(maps, (1, 2), epsilon)
        ),
        "put every G-th channel into a group: neighbours belong together": _interleaved,
        "take G for the size of a group: it is their number": (
            lambda maps, groups, epsilon: _group_norm(maps, maps.shape[-1] // groups, epsilon)
        ),
        "average over the pixels' own groups only: H and W belong to it": (
            lambda maps, groups, epsilon: _group_norm(maps, groups, epsilon, (4,))
        ),
    },
    verified="three batches, with 2 and 3 groups",
)


def _fold(kernel, bias, gamma, beta, mean, variance, epsilon):
    scale = gamma / np.sqrt(variance + epsilon)
    return kernel * scale, (bias - mean) * scale + beta


def _fold_case(depth, filters, epsilon):
    vectors = [_vector(filters) for _ in range(5)]
    return (_rng.integers(-3, 4, (3, 3, depth, filters)).astype("float32"), *vectors, epsilon)


check_fold = Exercise(
    solution=_fold,
    cases=[_fold_case(1, 2, 1e-3), _fold_case(2, 3, 0.5), _fold_case(3, 3, 1e-3)],
    mistakes={
        "forget the convolution's own bias": (
            lambda kernel, bias, *norm: _fold(kernel, np.zeros_like(bias), *norm)
        ),
        "scale the kernel and leave the bias unscaled": (
            lambda kernel, bias, gamma, beta, mean, variance, epsilon: (
                kernel * gamma / np.sqrt(variance + epsilon), bias - mean + beta
            )
        ),
        "scale β, too: it is added last": (
            lambda kernel, bias, gamma, beta, mean, variance, epsilon: (
                kernel * gamma / np.sqrt(variance + epsilon),
                (bias - mean + beta) * gamma / np.sqrt(variance + epsilon),
            )
        ),
        "divide by the variance: its square root is the spread": (
            lambda kernel, bias, gamma, beta, mean, variance, epsilon: _fold(
                kernel, bias, gamma, beta, mean, (variance + epsilon) ** 2, 0
            )
        ),
        "forget γ": (
            lambda kernel, bias, gamma, *rest: _fold(kernel, bias, np.ones_like(gamma), *rest)
        ),
        "forget the kernel: it must be scaled, one factor for each filter": (
            lambda kernel, *rest: (kernel, _fold(kernel, *rest)[1])
        ),
    },
    verified="three convolutions: one with one channel, two with several",
)
