"""Pooling: a window keeps its largest value or its average; a shift of the input shows what that forgives."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cvcourse.arithmetic import dropped_pixels, pool_output_size
from cvcourse.explorers.base import Explorer, javascript, number
from cvcourse.explorers.controls import Array, Choice, Kept, Slider, is_place
from cvcourse.explorers.window import cat_pixels, frame, grey_pixels, unseen
from cvcourse.visualization import COLORS, TEXT_COLORS, picture, style


class Pooling(Explorer):
    """A pooling window that slides over a photograph, and how much a shift of the input moves the output.

    Args:
        image: array (H, W), (H, W, 1) or (H, W, 3), numbers in [0, 1], at most 64 × 64 pixels; colour becomes
            grey, and pixels are rounded to hundredths. Default: the cat, 28 × 28 pixels, at full contrast.
        pool: "max" or "average".
        pool_size: int, 1–5, F.
        strides: int, 0–5, S; 0 is an error that the explorer explains.
        shift: int, 0–4, pixels by which the input moves to the right; its left column fills the gap.

    Attributes:
        position: [row, column] of the chosen pixel of the output; beyond its border the last pixel is meant.
        pool, pool_size, strides, shift: as above. All of them follow the page, and the page follows them.

    Raises:
        ValueError: an argument is none of these.

    Example:
        >>> explorer = Pooling([[0.1, 0.2], [0.3, 0.8]], pool="average")
        >>> explorer.output()
        array([[0.35]])
        >>> explorer.pool = "max"
        >>> print(explorer.describe())
        Output pixel [0, 0]: the largest of 4 values is 0.80. 2 × 2 values become 1 × 1.

    Source: Boureau, Ponce and LeCun, "A theoretical analysis of feature pooling" (ICML 2010).
    """

    _esm = javascript("compute.js", "sliding.js", "pooling.js")

    image = Array("float64")
    pool = Choice("Pooling", ("max", "average"))
    pool_size = Slider("Size", "F", role="kernel", low=1, high=5, default=2)
    strides = Slider("Stride", "S", high=5, default=2)
    shift = Slider("Shift of the", "input", role="input", high=4)
    position = Kept(is_place, [0, 0])

    def __init__(self, image=None, pool="max", pool_size=2, strides=2, shift=0):
        super().__init__(
            image=cat_pixels() if image is None else grey_pixels(image),
            pool=pool,
            pool_size=pool_size,
            strides=strides,
            shift=shift,
            position=[5, 4] if image is None else [0, 0],
        )  # the cat's eye

    def output(self):
        """Return the pooled image, an array (Hp, Wp), float64.

        Raises:
            ValueError: the settings allow no output (S = 0, or F larger than the image).
        """
        return pooled(shifted(self.image, self.shift), self.pool, self.pool_size, self.strides)


def shifted(image, shift):
    """Return `image` (H, W) moved to the right by `shift` pixels; its left column fills the gap.

    Example:
        >>> shifted([[1, 2, 3]], 1)
        array([[1, 1, 2]])
    """
    return np.pad(image, ((0, 0), (shift, 0)), mode="edge")[:, : np.shape(image)[1]]


def pooled(image, pool, pool_size, strides):
    """Return `image` (H, W) pooled: (Hp, Wp). `pool` "stride" keeps the corner of each window, so only steps.

    Raises:
        ValueError: as `arithmetic.pool_output_size`.

    Example:
        >>> pooled([[1, 2], [3, 6]], "average", pool_size=2, strides=2)
        array([[3.]])
    """
    for axis in np.shape(image):
        pool_output_size(axis, pool_size, strides)
    windows = sliding_window_view(np.asarray(image), (pool_size, pool_size))[::strides, ::strides]
    return {"max": windows.max((2, 3)), "average": windows.mean((2, 3)), "stride": windows[..., 0, 0]}[pool]


def moved(before, after):
    """Return how much a picture changed, as a part of its contrast: mean |change| over mean |value − mean|.

    1 means: it changed as much as its values differ from each other. 0 for a picture without contrast.

    Example:
        >>> moved([0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0])
        0.5
    """
    before, after = np.asarray(before, dtype="float64"), np.asarray(after, dtype="float64")
    contrast = np.abs(before - before.mean()).mean()
    return float(np.abs(after - before).mean() / contrast) if contrast else 0.0


def movements(image, pool_size, strides, shift):
    """Return {name: moved} for a shift of the input: for the input itself, and for each way to reduce it."""
    after = shifted(image, shift)
    parts = {"input": moved(image, after)}
    for way in ("stride", "average", "max"):
        parts[way] = moved(*(pooled(one, way, pool_size, strides) for one in (image, after)))
    return parts


def _window(image, pool, pool_size, strides, position):
    """Return (row, column of the output, patch) at `position`, kept inside the output."""
    shape = pooled(image, pool, pool_size, strides).shape
    row, column = (min(place, axis - 1) for place, axis in zip(position, shape, strict=True))
    top, left = row * strides, column * strides
    return row, column, np.asarray(image)[top : top + pool_size, left : left + pool_size]


def describe(image, pool, pool_size, strides, shift, position):
    """Return the state of a `Pooling` in words and numbers. Pure; arguments as its attributes."""
    height, width = np.shape(image)
    try:
        row, column, patch = _window(shifted(image, shift), pool, pool_size, strides, position)
    except ValueError as error:
        return f"No output. {error}"
    high, wide = (pool_output_size(size, pool_size, strides) for size in (height, width))
    value = patch.max() if pool == "max" else patch.mean()
    words = [
        f"Output pixel [{row}, {column}]: the {'largest' if pool == 'max' else 'average'} of {patch.size} "
        f"value{'s'[: patch.size > 1]} is {number(value)}.",
        f"{height} × {width} values become {high} × {wide}.",
    ]
    if shift:
        parts = movements(image, pool_size, strides, shift)
        words.append(
            f"A shift of {shift} px changes the input by {parts['input']:.0%} of its contrast, "
            f"the output by {parts[pool]:.0%} of its own."
        )
    dropped = [dropped_pixels(size, pool_size, strides) for size in (width, height)]
    return " ".join([*words, *unseen(dropped, pool_size, strides)])


@style()
def figure(image, pool, pool_size, strides, shift, position, description):
    """Return the state of a `Pooling` as a `Picture`. Pure; arguments as its attributes."""
    drawing, (before, between, after) = picture(9.4, 3.4, f"Pooling. {description}", columns=3)
    pixels = shifted(image, shift)
    before.imshow(pixels, cmap="gray", vmin=0, vmax=1)
    before.set_title("Input {} × {}".format(*pixels.shape), color=TEXT_COLORS["input"])
    for axes in (before, after):
        axes.set_axis_off()
    try:
        row, column, patch = _window(pixels, pool, pool_size, strides, position)
    except ValueError:
        between.text(0.5, 0.5, "no output", ha="center", color=TEXT_COLORS["selected"])
        between.set_axis_off()
        return drawing
    output = pooled(pixels, pool, pool_size, strides)
    frame(before, column * strides, row * strides, len(patch))
    parts = movements(image, pool_size, strides, shift)
    colors = [COLORS["input"], *[COLORS["output" if way == pool else "reference"] for way in list(parts)[1:]]]
    bars = between.barh(list(parts), [100 * part for part in parts.values()], color=colors)
    between.bar_label(bars, fmt="%.0f %%", padding=3)
    between.invert_yaxis()
    between.set_xlim(0, 170)
    between.set_title(f"Changed by a shift of {shift} px")
    after.imshow(output, cmap="gray", vmin=0, vmax=1)
    frame(after, column, row, 1)
    after.set_title("Output {} × {}, {}".format(*output.shape, pool), color=TEXT_COLORS["output"])
    return drawing
