"""Convolution arithmetic: sizes, receptive fields, parameters and multiply-adds, with plain integers.

The slides' letters stand for Keras's argument names: W is `size`, F is `kernel_size` (or `pool_size`),
S is `strides`, P is `padding`, D is `in_channels` and K is `filters`.

Two conventions, said once and kept everywhere in the course:

- *macs* are multiply-adds for one image, bias left out. FLOPs = 2 x MACs: one multiplication, one addition.
- Sizes are those of one axis, in pixels. A `kernel_size` in a count may be `3` (meaning 3 x 3) or `(1, 7)`.
"""

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

# --- Sizes along one axis ---------------------------------------------------------------------------------


def conv_output_size(
    size: int, kernel_size: int, strides: int = 1, padding: int | str = 0, dilation_rate: int = 1
) -> int:
    """Return the output size of a convolution along one axis, in pixels: floor((W - F + 2P) / S) + 1.

    Args:
        size: int >= 1, input size W.
        kernel_size: int >= 1, F. With dilation the kernel spans (F - 1) * dilation_rate + 1 pixels.
        strides: int >= 1, S.
        padding: int >= 0, pixels P added on *each* side; or "valid" (P = 0), or "same" (gives ceil(W / S)).
        dilation_rate: int >= 1, step between two weights of the kernel.

    Returns:
        int >= 1, the output size.

    Raises:
        ValueError: an argument is too small, or the kernel is larger than the padded input.
        TypeError: an argument is not a whole number.

    Example:
        >>> conv_output_size(224, 3, strides=1, padding=1)
        224
        >>> conv_output_size(224, 7, strides=2, padding=3)
        112

    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), relationship 6.
    """
    size, strides = _whole("size", size), _whole("strides", strides)
    span, padding = _span(kernel_size, dilation_rate), _padding(padding)
    if padding == "same":
        return math.ceil(size / strides)
    padded = size + 2 * padding
    if span > padded:
        raise ValueError(
            f"kernel_size must fit into the padded input: {size} + 2·{padding} = {padded} pixels, "
            f"but the kernel spans {span}. Received: size={size}, kernel_size={kernel_size}, "
            f"padding={padding}, dilation_rate={dilation_rate}. "
            f"Take a smaller kernel, or padding={math.ceil((span - size) / 2)} or more."
        )
    return (padded - span) // strides + 1


def same_padding(size: int, kernel_size: int, strides: int = 1, dilation_rate: int = 1) -> tuple[int, int]:
    """Return the pixels that Keras's "same" padding adds (before, after) along one axis.

    The sum is what the last window needs; an odd sum puts the extra pixel after (right, bottom).

    Args:
        size, kernel_size, strides, dilation_rate: ints >= 1, as in `conv_output_size`.

    Returns:
        (before, after), two ints >= 0.

    Raises:
        ValueError, TypeError: as `conv_output_size`.

    Example:
        >>> same_padding(224, 3)
        (1, 1)
        >>> same_padding(224, 3, strides=2)
        (0, 1)
    """
    output = conv_output_size(size, kernel_size, strides, "same", dilation_rate)
    total = max((output - 1) * strides + _span(kernel_size, dilation_rate) - size, 0)
    return total // 2, total - total // 2


def pool_output_size(
    size: int, pool_size: int, strides: int | None = None, padding: int | str = "valid"
) -> int:
    """Return the output size of pooling along one axis, in pixels: floor((W - F) / S) + 1.

    Args:
        size: int >= 1, input size W.
        pool_size: int >= 1, F.
        strides: int >= 1, S; None means `pool_size`, as in Keras.
        padding: "valid" or "same" as in Keras, or int >= 0.

    Returns:
        int >= 1, the output size.

    Raises:
        ValueError, TypeError: as `conv_output_size`.

    Example:
        >>> pool_output_size(224, 2)
        112
        >>> pool_output_size(55, 3, strides=2)
        27
    """
    pool_size = _whole("pool_size", pool_size)
    strides = pool_size if strides is None else _whole("strides", strides)
    size, pixels = _whole("size", size), _padding(padding)
    if pixels != "same" and pool_size > size + 2 * pixels:
        raise ValueError(
            f"pool_size must be at most the input size ({size + 2 * pixels} pixels with its padding). "
            f"Received: size={size}, pool_size={pool_size}, padding={padding!r}. "
            f'Take a smaller window, or padding="same".'
        )
    return conv_output_size(size, pool_size, strides, padding)


def conv_transpose_output_size(
    size: int, kernel_size: int, strides: int = 1, padding: str = "valid", output_padding: int | None = None,
    dilation_rate: int = 1,
) -> int:
    """Return the output size of a transposed convolution along one axis, in pixels, exactly as Keras does.

    "same" gives W·S. "valid" gives (W - 1)·S + max(F, S): each input pixel paints F pixels, S apart.

    Args:
        size, kernel_size, strides, dilation_rate: ints >= 1, as in `conv_output_size`.
        padding: "valid" or "same".
        output_padding: None, or int >= 0 and < strides: pixels added at the end, to choose among the sizes
            that a convolution with the same stride would shrink to `size`.

    Returns:
        int >= 1, the output size.

    Raises:
        ValueError, TypeError: as `conv_output_size`; also for a padding in pixels, which Keras has not.

    Example:
        >>> conv_transpose_output_size(7, 2, strides=2)
        14
        >>> conv_transpose_output_size(7, 3, strides=2, padding="same")
        14
    """
    size, strides, span = _whole("size", size), _whole("strides", strides), _span(kernel_size, dilation_rate)
    if not isinstance(padding, str):
        raise ValueError(
            f'padding must be "valid" or "same" for a transposed convolution. Received: padding={padding!r}. '
            'Keras takes no pixels here; padding="same" gives size * strides.'
        )
    whole = _padding(padding) == "same"
    if output_padding is not None and _whole("output_padding", output_padding, 0) >= strides:
        raise ValueError(
            f"output_padding must be smaller than strides. Received: output_padding={output_padding}, "
            f"strides={strides}. Leave it out (None) for Keras's usual size."
        )
    if whole:
        return size * strides if output_padding is None else (size - 1) * strides + span % 2 + output_padding
    extra = max(strides - span, 0) if output_padding is None else output_padding
    return (size - 1) * strides + span + extra


def dropped_pixels(
    size: int, kernel_size: int, strides: int = 1, padding: int | str = 0, dilation_rate: int = 1
) -> int:
    """Return how many border pixels of the padded input no window reaches (they lie at its end).

    The floor in the size formula is these pixels: (W - F + 2P) modulo S. With padding the first of them
    to go are the padded ones. Pixels skipped *between* windows (S > F) are not counted.

    Args:
        size, kernel_size, strides, padding, dilation_rate: as in `conv_output_size`.

    Returns:
        int, 0 <= dropped < strides.

    Raises:
        ValueError, TypeError: as `conv_output_size`.

    Example:
        >>> dropped_pixels(6, 3, strides=2)
        1
        >>> dropped_pixels(7, 3, strides=2)
        0
    """
    output = conv_output_size(size, kernel_size, strides, padding, dilation_rate)
    pixels = _padding(padding)
    added = same_padding(size, kernel_size, strides, dilation_rate) if pixels == "same" else (pixels, pixels)
    return size + sum(added) - ((output - 1) * strides + _span(kernel_size, dilation_rate))


# --- Receptive field ----------------------------------------------------------------------------------------


class ReceptiveField(NamedTuple):
    """What one unit of a stack of layers sees along one axis of the input, in input pixels.

    `size` is the width of the window, `jump` the step from one unit's window to its neighbour's, and `start`
    the centre of the first unit's window. Pixel 0 spans 0 to 1, so its centre is 0.5.
    """

    size: int
    jump: int
    start: float

    def window(self, position: int) -> tuple[int, int]:
        """Return the half-open window (first, end) of the unit at `position`, in input pixels.

        It reaches beyond the image (first < 0) where the unit sees padding.

        Example:
            >>> receptive_field([(3, 1, 1), (3, 1, 1)]).window(0)
            (-2, 3)
        """
        first = round(self.start - self.size / 2) + position * self.jump
        return first, first + self.size


def receptive_field(stack: Iterable[Sequence[int]]) -> ReceptiveField:
    """Return the receptive field of one unit after a stack of layers, along one axis, in input pixels.

    Each layer adds (span - 1) * jump pixels to the size and multiplies the jump by its stride.

    Args:
        stack: sequence of (kernel_size, strides, padding_before, dilation_rate), first layer first; the last
            two may be left out (0 and 1). For "same" padding take `same_padding(...)[0]`.

    Returns:
        ReceptiveField(size, jump, start).

    Raises:
        ValueError, TypeError: an entry is not such a tuple.

    Example:
        >>> receptive_field([(3, 1), (3, 1)])
        ReceptiveField(size=5, jump=1, start=2.5)
        >>> receptive_field([(3, 1, 1), (3, 1, 1), (2, 2)])
        ReceptiveField(size=6, jump=2, start=1.0)

    Source: Araujo, Norris and Sim, "Computing receptive fields of CNNs" (Distill, 2019).
    """
    size, jump, start = 1, 1, 0.5
    whole = isinstance(stack, Iterable) and getattr(stack, "shape", None) != ()  # else one wrong layer
    for layer in stack if whole else [stack]:
        kernel_size, strides, padding, dilation_rate = _stack_entry(layer)
        span = _span(kernel_size, dilation_rate)
        size += (span - 1) * jump
        start += ((span - 1) / 2 - padding) * jump
        jump *= strides
    return ReceptiveField(size, jump, start)


# --- Parameters ---------------------------------------------------------------------------------------------


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
    filters = _whole("filters", filters)
    weights = _area(kernel_size) * _whole("in_channels", in_channels)
    return weights * filters + filters * _flag("use_bias", use_bias)


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
    outputs = _whole("in_channels", in_channels) * _whole("depth_multiplier", depth_multiplier)
    return _area(kernel_size) * outputs + outputs * _flag("use_bias", use_bias)


def separable_conv_params(
    kernel_size: int | Sequence[int], in_channels: int, filters: int, depth_multiplier: int = 1,
    use_bias: bool = True,
) -> int:
    """Return the parameters of a separable convolution (depthwise, then 1 x 1): F·F·D·M + D·M·K + K.

    Args:
        kernel_size, in_channels, filters, use_bias: as in `conv_params`; the bias comes last, as in Keras.
        depth_multiplier: int >= 1, M.

    Returns:
        int, the number of parameters.

    Raises:
        ValueError, TypeError: as `conv_params`.

    Example:
        >>> separable_conv_params(3, in_channels=64, filters=128), conv_params(3, 64, 128)
        (8896, 73856)

    Source: Chollet, "Xception: deep learning with depthwise separable convolutions" (2017).
    """
    depthwise = depthwise_conv_params(kernel_size, in_channels, depth_multiplier, use_bias=False)
    return depthwise + conv_params(1, in_channels * depth_multiplier, filters, use_bias)


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
    units = _whole("units", units)
    return _whole("inputs", inputs) * units + units * _flag("use_bias", use_bias)


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
    channels = _whole("channels", channels)
    return BatchNormParams(2 * channels, 2 * channels)


# --- Multiply-adds ------------------------------------------------------------------------------------------


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
    output_height: int, output_width: int, kernel_size: int | Sequence[int], in_channels: int,
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


def separable_conv_macs(
    output_height: int, output_width: int, kernel_size: int | Sequence[int], in_channels: int, filters: int,
    depth_multiplier: int = 1,
) -> int:
    """Return the multiply-adds of a separable convolution for one image: Hc·Wc·(F·F·D·M + D·M·K).

    Args:
        output_height, output_width: ints >= 1, of the feature map.
        kernel_size, in_channels, filters, depth_multiplier: as in `separable_conv_params`.

    Returns:
        int, multiply-adds.

    Raises:
        ValueError, TypeError: as `conv_macs`.

    Example:
        >>> separable_conv_macs(56, 56, 3, in_channels=64, filters=128)
        27496448
    """
    weights = separable_conv_params(kernel_size, in_channels, filters, depth_multiplier, use_bias=False)
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


# --- Checks -------------------------------------------------------------------------------------------------


def _whole(name, value, minimum=1):
    """Return `value` as an int (numpy's ints too), or say what is wrong with it."""
    expected = f"{name} must be a whole number of at least {minimum}. Received: {name}={value!r}."
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{expected} Pass an int, such as {name}={max(minimum, 1)}.") from None
    if isinstance(value, bool):
        raise TypeError(f"{expected} Pass an int, such as {name}={max(minimum, 1)}.")
    if number < minimum:
        raise ValueError(f"{expected} Try {name}={minimum}.")
    return number


def _flag(name, value):
    try:
        return bool(value)
    except Exception:  # an array: whatever its own conversion raises
        raise TypeError(f"{name} must be True or False. Received: {name}={value!r}") from None


def _span(kernel_size, dilation_rate):
    """Return how many pixels the kernel covers from its first weight to its last."""
    return (_whole("kernel_size", kernel_size) - 1) * _whole("dilation_rate", dilation_rate) + 1


def _padding(padding: int | str) -> int | Literal["same"]:
    """Return padding as pixels on each side ("valid" is 0), or "same"."""
    if not isinstance(padding, str):
        return _whole("padding", padding, 0)
    if padding.lower() not in ("valid", "same"):
        raise ValueError(
            f'padding must be a whole number of pixels, "valid" or "same". Received: padding={padding!r}. '
            'Try padding="same" to keep the size.'
        )
    return 0 if padding.lower() == "valid" else "same"


def _area(kernel_size: int | Sequence[int]) -> int:
    """Return the number of weights of a kernel on one channel: 3 means 3 x 3, (1, 7) means 1 x 7."""
    sides = tuple(kernel_size) if isinstance(kernel_size, (tuple, list)) else (kernel_size, kernel_size)
    return math.prod(_whole("kernel_size", side) for side in sides)


def _positions(output_height, output_width):
    return _whole("output_height", output_height) * _whole("output_width", output_width)


def _stack_entry(layer: Any) -> tuple[int, int, int, int]:
    """Return (kernel_size, strides, padding_before, dilation_rate) with the two defaults filled in."""
    if not isinstance(layer, (tuple, list)) or not 2 <= len(layer) <= 4:
        raise ValueError(
            "stack must hold one (kernel_size, strides, padding_before, dilation_rate) for each layer, "
            f"the last two optional. Received: {layer!r}. "
            "Write [(3, 1), (2, 2)] for a convolution and a pooling."
        )
    kernel_size, strides, padding, dilation_rate = list(layer) + [0, 1][len(layer) - 2 :]
    return kernel_size, _whole("strides", strides), _whole("padding_before", padding, 0), dilation_rate
