"""Sizes of maps and windows along one axis, and what one unit sees of the image."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from cvcourse.arguments import integer


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
    size, strides = integer(size, "size"), integer(strides, "strides")
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
    pool_size = integer(pool_size, "pool_size")
    strides = pool_size if strides is None else integer(strides, "strides")
    size, pixels = integer(size, "size"), _padding(padding)
    if pixels != "same" and pool_size > size + 2 * pixels:
        raise ValueError(
            f"pool_size must be at most the input size ({size + 2 * pixels} pixels with its padding). "
            f"Received: size={size}, pool_size={pool_size}, padding={padding!r}. "
            f'Take a smaller window, or padding="same".'
        )
    return conv_output_size(size, pool_size, strides, padding)


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
    many = isinstance(stack, Iterable) and getattr(stack, "shape", None) != ()  # else one wrong layer
    for layer in stack if many else [stack]:
        kernel_size, strides, padding, dilation_rate = _stack_entry(layer)
        span = _span(kernel_size, dilation_rate)
        size += (span - 1) * jump
        start += ((span - 1) / 2 - padding) * jump
        jump *= strides
    return ReceptiveField(size, jump, start)


def _span(kernel_size, dilation_rate):
    """Return how many pixels the kernel covers from its first weight to its last."""
    return (integer(kernel_size, "kernel_size") - 1) * integer(dilation_rate, "dilation_rate") + 1


def _padding(padding: int | str) -> int | Literal["same"]:
    """Return padding as pixels on each side ("valid" is 0), or "same"."""
    if not isinstance(padding, str):
        return integer(padding, "padding", 0)
    if padding.lower() not in ("valid", "same"):
        raise ValueError(
            f'padding must be a whole number of pixels, "valid" or "same". Received: padding={padding!r}. '
            'Try padding="same" to keep the size.'
        )
    return 0 if padding.lower() == "valid" else "same"


def _stack_entry(layer: Any) -> tuple[int, int, int, int]:
    """Return (kernel_size, strides, padding_before, dilation_rate) with the two defaults filled in."""
    if not isinstance(layer, (tuple, list)) or not 2 <= len(layer) <= 4:
        raise ValueError(
            "stack must hold one (kernel_size, strides, padding_before, dilation_rate) for each layer, "
            f"the last two optional. Received: {layer!r}. "
            "Write [(3, 1), (2, 2)] for a convolution and a pooling."
        )
    kernel_size, strides, padding, dilation_rate = list(layer) + [0, 1][len(layer) - 2 :]
    return kernel_size, integer(strides, "strides"), integer(padding, "padding_before", 0), dilation_rate
