"""Parameters and multiply-adds of each kind of layer."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from cvcourse.arguments import flag, integer


class BatchNormParams(NamedTuple):
    """Parameters of batch normalisation: scale and shift are trained, mean and variance are measured."""

    trainable: int
    non_trainable: int


def conv_params(
    kernel_size: int | Sequence[int], in_channels: int, filters: int, use_bias: bool = True
) -> int:
    """Return the parameters of a convolution: F·F·D·K + K.

    Args:
        kernel_size: int F (for F x F) or a tuple such as (1, 7).
        in_channels: int >= 1, depth D of the input.
        filters: int >= 1, K.
        use_bias: bool, whether each filter has a bias.

    Returns:
        int, the number of parameters.

    Raises:
        ValueError, TypeError: an argument is not a whole number of at least 1.

    Example:
        >>> conv_params(3, in_channels=3, filters=64)
        1792
    """
    filters = integer(filters, "filters")
    weights = _area(kernel_size) * integer(in_channels, "in_channels")
    return weights * filters + filters * flag(use_bias, "use_bias")


def depthwise_conv_params(
    kernel_size: int | Sequence[int], in_channels: int, depth_multiplier: int = 1, use_bias: bool = True
) -> int:
    """Return the parameters of a depthwise convolution (one channel per filter): F·F·D·M + D·M.

    Args:
        kernel_size, in_channels, use_bias: as in `conv_params`.
        depth_multiplier: int >= 1, M filters for each channel.

    Returns:
        int, the number of parameters.

    Raises:
        ValueError, TypeError: as `conv_params`.

    Example:
        >>> depthwise_conv_params(3, in_channels=32, use_bias=False)
        288
    """
    outputs = integer(in_channels, "in_channels") * integer(depth_multiplier, "depth_multiplier")
    return _area(kernel_size) * outputs + outputs * flag(use_bias, "use_bias")


def dense_params(inputs: int, units: int, use_bias: bool = True) -> int:
    """Return the parameters of a dense (fully connected) layer: inputs·N + N.

    Args:
        inputs: int >= 1, numbers that come in (W·H·D after Flatten).
        units: int >= 1, neurons N.
        use_bias: bool.

    Returns:
        int, the number of parameters.

    Raises:
        ValueError, TypeError: an argument is not a whole number of at least 1.

    Example:
        >>> dense_params(7 * 7 * 512, 4096)
        102764544
    """
    units = integer(units, "units")
    return integer(inputs, "inputs") * units + units * flag(use_bias, "use_bias")


def batch_norm_params(channels: int) -> BatchNormParams:
    """Return the parameters of batch normalisation: 2·D trained (scale, shift), 2·D measured.

    Args:
        channels: int >= 1, D.

    Returns:
        BatchNormParams(trainable, non_trainable).

    Raises:
        ValueError, TypeError: `channels` is not a whole number of at least 1.

    Example:
        >>> batch_norm_params(64)
        BatchNormParams(trainable=128, non_trainable=128)
    """
    channels = integer(channels, "channels")
    return BatchNormParams(2 * channels, 2 * channels)


def conv_macs(
    output_height: int, output_width: int, kernel_size: int | Sequence[int], in_channels: int, filters: int
) -> int:
    """Return the multiply-adds of a convolution for one image: Hc·Wc·F·F·D·K (bias left out).

    Args:
        output_height, output_width: ints >= 1, of the feature map.
        kernel_size, in_channels, filters: as in `conv_params`.

    Returns:
        int, multiply-adds; FLOPs are twice as many.

    Raises:
        ValueError, TypeError: an argument is not a whole number of at least 1.

    Example:
        >>> conv_macs(224, 224, 3, in_channels=3, filters=64)
        86704128
    """
    weights = conv_params(kernel_size, in_channels, filters, use_bias=False)
    return _positions(output_height, output_width) * weights


def depthwise_conv_macs(
    output_height: int,
    output_width: int,
    kernel_size: int | Sequence[int],
    in_channels: int,
    depth_multiplier: int = 1,
) -> int:
    """Return the multiply-adds of a depthwise convolution for one image: Hc·Wc·F·F·D·M (bias left out).

    Args:
        output_height, output_width: ints >= 1, of the feature map.
        kernel_size, in_channels, depth_multiplier: as in `depthwise_conv_params`.

    Returns:
        int, multiply-adds.

    Raises:
        ValueError, TypeError: as `conv_macs`.

    Example:
        >>> depthwise_conv_macs(112, 112, 3, in_channels=32)
        3612672
    """
    weights = depthwise_conv_params(kernel_size, in_channels, depth_multiplier, use_bias=False)
    return _positions(output_height, output_width) * weights


def dense_macs(inputs: int, units: int) -> int:
    """Return the multiply-adds of a dense layer for one image: inputs·N (bias left out).

    Args:
        inputs, units: as in `dense_params`.

    Returns:
        int, multiply-adds.

    Raises:
        ValueError, TypeError: as `dense_params`.

    Example:
        >>> dense_macs(7 * 7 * 512, 4096)
        102760448
    """
    return dense_params(inputs, units, use_bias=False)


def _area(kernel_size: int | Sequence[int]) -> int:
    """Return the number of weights of a kernel on one channel: 3 means 3 x 3, (1, 7) means 1 x 7."""
    sides = tuple(kernel_size) if isinstance(kernel_size, (tuple, list)) else (kernel_size, kernel_size)
    return math.prod(integer(side, "kernel_size") for side in sides)


def _positions(output_height, output_width):
    return integer(output_height, "output_height") * integer(output_width, "output_width")
