"""Pictures of arrays: photographs, filters, feature maps, and small matrices with their numbers."""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import matplotlib.colors
import numpy as np
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from cvcourse import arguments
from cvcourse.visualization.canvas import COLORS, TEXT_COLORS, Picture, picture
from cvcourse.visualization.checks import drawn, numbers

MOST_TILES = 64  # more are too small to see, and slow
GAP = 0.9  # between two matrices, in cells: room for a sign


@drawn
def plot_images(
    images: Any, titles: Sequence[str] | None = None, columns: int | None = None, title: str | None = None
) -> Picture:
    """Return a picture of photographs as they are, in rows.

    Args:
        images: (N, H, W) or (N, H, W, C) array, or a list of such images of any size; C is 1 or 3;
            float in [0, 1] or uint8.
        titles: N str, one above each image; or None.
        columns: images in a row; default: up to 6.
        title: str above all, or None.

    Returns:
        Picture.

    Raises:
        ValueError: no image, a wrong rank, or values out of range.

    Example:
        >>> plot_images(np.zeros((2, 8, 8)), titles=["cat", "dog"]).alt
        '2 images: cat, dog.'
    """
    images = [_photograph(image, f"images[{i}]") for i, image in enumerate(images)]
    if not images:
        raise ValueError("images must hold at least one image. Received: none")
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"titles must be {len(images)} texts, one for each image. Received: {len(titles)}")
    names = f": {', '.join(map(str, titles))}" if titles is not None else ""
    alt = f"{len(images)} image{'s' * (len(images) > 1)}{names}."
    norm = matplotlib.colors.Normalize(0, 1)
    return _tiles(images, titles, columns or 6, alt, title, "gray", norm, widest=3.2)


@drawn
def plot_filters(
    kernels: ArrayLike,
    title: str | None = None,
    columns: int | None = None,
    filters: Sequence[int] | None = None,
    channel: int = 0,
) -> Picture:
    """Return a picture of the kernels of one convolution, all on one scale, with zero in the middle.

    Kernels that look at three channels are drawn as colours (grey is zero); of any others, one
    channel is drawn in red (negative) and blue (positive).

    Args:
        kernels: (F, F, D, K) array of floats, as `interpretation.filters` gives.
        title: str, or None.
        columns: kernels in a row; default: 8, or 16 where there are more than 32.
        filters: which of the K to draw, sequence of int; default: the first 64.
        channel: which of the D channels to draw where D is not 3.

    Returns:
        Picture.

    Raises:
        ValueError: not four axes, empty, not finite, or an index out of range.

    Example:
        >>> plot_filters(np.ones((3, 3, 1, 2))).alt
        '2 of 2 filters of 3 × 3 × 1, channel 0: weights from 1 to 1.'
    """
    kernels = _array(kernels, "kernels", (4,), "(F, F, D, K)")
    height, width, depth, count = kernels.shape
    filters = _indices(filters, "filters", count)
    channel = arguments.number(channel, "channel", 0, depth - 1, whole=True)
    shown = kernels[..., filters]
    top = np.abs(shown).max() or 1.0
    colours = depth == 3
    tiles = np.moveaxis(0.5 + shown / (2 * top) if colours else shown[:, :, channel], -1, 0)
    part = "as colours" if colours else f"channel {channel}"
    alt = (
        f"{len(filters)} of {count} filters of {height} × {width} × {depth}, {part}: "
        f"weights from {_number(shown.min())} to {_number(shown.max())}."
    )
    norm = matplotlib.colors.Normalize(-top, top)
    return _tiles(tiles, filters, columns, alt, title, "RdBu", norm, None if colours else "weight")


@drawn
def plot_feature_maps(
    maps: ArrayLike,
    title: str | None = None,
    columns: int | None = None,
    channels: Sequence[int] | None = None,
) -> Picture:
    """Return a picture of the feature maps of one layer, all on one scale.

    Args:
        maps: (H, W, K) array of floats, as `interpretation.feature_maps` gives for each layer.
        title: str, or None.
        columns: maps in a row; default: 8, or 16 where there are more than 32.
        channels: which of the K to draw, sequence of int; default: the first 64.

    Returns:
        Picture; viridis from zero, or red and blue around zero where a map has negative values.

    Raises:
        ValueError: not three axes, empty, not finite, or an index out of range.

    Example:
        >>> plot_feature_maps(np.zeros((4, 4, 3)), channels=[0, 2]).alt
        '2 of 3 feature maps of 4 × 4: values from 0 to 0; 2 are zero everywhere.'
    """
    maps = _array(maps, "maps", (3,), "(H, W, K)")
    height, width, count = maps.shape
    channels = _indices(channels, "channels", count)
    shown = maps[..., channels]
    silent = int((~shown.any(axis=(0, 1))).sum())
    alt = (
        f"{len(channels)} of {count} feature maps of {height} × {width}: "
        f"values from {_number(shown.min())} to {_number(shown.max())}"
        + (f"; {silent} {'is' if silent == 1 else 'are'} zero everywhere." if silent else ".")
    )
    cmap, norm = _scale(shown)
    return _tiles(np.moveaxis(shown, -1, 0), channels, columns, alt, title, cmap, norm, "activation")


@drawn
def plot_matrix(
    values: ArrayLike | Mapping[str, ArrayLike],
    title: str | None = None,
    window: Sequence[int] | Mapping[str, Any] | None = None,
    between: Sequence[str] | None = None,
    colors: str | Mapping[str, str] | None = None,
    decimals: int | None = None,
) -> Picture:
    """Return a picture of one or several small matrices with the numbers written into their cells.

    Args:
        values: (H, W) array, or {title: (H, W) array} for several side by side, cells equally large.
        title: str above all, or None.
        window: (y, x, height, width) to outline in cells; for several matrices {title: window}.
        between: signs between neighbours, as ("×", "="); one fewer than there are matrices.
        colors: "gray" for pixels of an image (0 to 1, or to 255), "unsigned", "signed" (white is 0), "plain",
            or None: signed if any value is negative, else unsigned. For several matrices {title: …}.
        decimals: digits after the point; default: as few as show the numbers, at most 2.

    Returns:
        Picture.

    Raises:
        ValueError: a matrix has not two axes, is empty or not finite.

    Example:
        >>> plot_matrix({"patch": [[1, 2]], "kernel": [[3, -1]]}, between=["×"]).alt
        'patch: 1 × 2 cells from 1 to 2; kernel: 1 × 2 cells from -1 to 3.'
    """
    given = values if isinstance(values, Mapping) else {"": values}
    named = {
        name: _array(matrix, f"values[{name!r}]" if name else "values", (2,), "(H, W)")
        for name, matrix in given.items()
    }
    if not named:
        raise ValueError("values must hold at least one matrix. Received: an empty dict")
    if between is not None and len(between) != len(named) - 1:
        raise ValueError(f"between must be {len(named) - 1} signs. Received: {between!r}")
    widths, tallest = [m.shape[1] for m in named.values()], max(m.shape[0] for m in named.values())
    across = sum(widths) + GAP * (len(widths) - 1)
    cell, head = min(0.56, 9.2 / across), 0.65 * any(named)
    words = max(0.09 * len(title or ""), (across - widths[-1]) * cell + 0.09 * len(list(named)[-1]))
    size = max(across * cell, words) + 0.2, (tallest + head) * cell + 0.2 + 0.3 * bool(title)
    figure, axes = picture(*size, "; ".join(map(_cells, named, named.values())) + ".")
    left = 0.0
    for i, (name, matrix) in enumerate(named.items()):
        options: list[Any] = [window, colors]
        frame, shades = (one.get(name) if isinstance(one, Mapping) else one for one in options)
        top = (tallest - matrix.shape[0]) / 2
        draw_matrix(axes, matrix, frame, shades, decimals, (left, top), cell)
        axes.text(left, top - 0.15, name, va="bottom")
        if between is not None and i:
            axes.text(left - GAP / 2, tallest / 2, between[i - 1], fontsize=15, ha="center", va="center")
        left += matrix.shape[1] + GAP
    axes.set(xlim=(-0.05, across + 0.05), ylim=(tallest + 0.05, -0.05 - head), aspect="equal", anchor="W")
    axes.axis("off")
    axes.set_title(title or "")
    return figure


@drawn
def draw_matrix(
    axes: Any,
    matrix: ArrayLike,
    window: Sequence[int] | None = None,
    colors: str | None = None,
    decimals: int | None = None,
    origin: Sequence[float] = (0, 0),
    cell: float = 0.56,
) -> Any:
    """Draw a matrix with its numbers into `axes`, one unit a cell, and return its AxesImage.

    Args:
        axes: where to draw.
        matrix, window, colors, decimals: as in `plot_matrix`.
        origin: (x, y) of the upper left corner in the units of `axes`.
        cell: size of a cell on the page, in units of 100 pixels; it limits the size of the numbers.

    Example:
        >>> figure, axes = picture(2, 1, "Two cells")
        >>> draw_matrix(axes, [[0, 1]]).get_array().tolist()
        [[0.0, 1.0]]
    """
    matrix = _array(matrix, "matrix", (2,), "(H, W)")
    frame = window if window is None else numbers(window, "window", 4)
    if not hasattr(axes, "imshow"):
        raise TypeError(f"axes must be matplotlib's. Received: axes={axes!r}")
    height, width = matrix.shape
    (x, y), (cmap, norm) = origin, _scale(matrix, colors)
    image = axes.imshow(matrix, cmap=cmap, norm=norm, extent=(x, x + width, y + height, y))
    if decimals is None:
        decimals = next(d for d in (0, 1, 2) if d == 2 or np.allclose(matrix, np.round(matrix, d)))
    for (row, column), value in np.ndenumerate(matrix):
        light = np.power(image.cmap(norm(value))[:3], 2.2) @ (0.21, 0.72, 0.07)
        ink = "white" if light < 0.18 else "black"  # whichever has more contrast, at least 4.5 : 1
        text = f"{np.round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")
        size = min(11, 72 * cell * 1.35 / max(3, len(text)))
        axes.text(x + column + 0.5, y + row + 0.5, text, color=ink, fontsize=size, ha="center", va="center")
    axes.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=COLORS["reference"], clip_on=False))
    if frame:
        top, left, rows, columns = frame
        outline = Rectangle((x + left, y + top), columns, rows, fill=False, linewidth=3, clip_on=False)
        axes.add_patch(outline).set_edgecolor(COLORS["selected"])
    return image


def _tiles(tiles, labels, columns, alt, title, cmap, norm, scale=None, widest=1.4):
    """Tiles in rows, in one axes (an axes each would take seconds); `scale` labels their colour bar."""
    columns = max(1, min(columns or (8 if len(tiles) <= 32 else 16), len(tiles)))
    rows, bar = -(-len(tiles) // columns), 0.9 if scale else 0
    pitch = min(max(widest, 2.4 / columns), (9.2 - bar) / columns)  # in 100 pixels, as all lengths
    side = pitch - 0.08
    labels = [textwrap.fill(str(label), int(pitch * 13)) for label in labels] if labels is not None else []
    head = 0.22 * max((label.count("\n") + 1 for label in labels), default=0)
    step = head + 0.08 + side * max(tile.shape[0] / max(tile.shape[:2]) for tile in tiles)
    height = rows * step + 0.16 + 0.3 * bool(title)
    figure, axes = picture(max(columns * pitch + bar + 0.16, 3), max(height, 1.8 if scale else 0.5), alt)
    for i, tile in enumerate(tiles):
        x, y = i % columns * pitch, i // columns * step + head
        high, wide = (side * length / max(tile.shape[:2]) for length in tile.shape[:2])
        image = axes.imshow(tile, cmap=cmap, norm=norm, extent=(x, x + wide, y + high, y))
    for i, label in enumerate(labels):
        place = i % columns * pitch, i // columns * step + head - 0.03
        axes.text(*place, label, fontsize=9.5, color=TEXT_COLORS["reference"], va="bottom")
    axes.set(xlim=(0, columns * pitch), ylim=(rows * step, 0), aspect="equal", anchor="W")
    axes.axis("off")
    axes.set_title(title or "")
    if scale:
        figure.colorbar(image, ax=axes, label=scale, aspect=12, shrink=min(1, 2 / height), pad=0.02)
    return figure


def _scale(values, colors=None):
    """Colour map and norm for values: by default red and blue around zero, or viridis if none is negative."""
    if colors is None:
        colors = "signed" if values.min() < 0 else "unsigned" if values.size > 1 else "plain"
    top = np.abs(values).max() or 1.0
    scales = {
        "signed": ("RdBu", -top, top),
        "unsigned": ("viridis", 0, top),
        "gray": ("gray", 0, 255 if top > 1 else 1),
        "plain": (matplotlib.colors.ListedColormap(["white"]), 0, top),
    }
    if not isinstance(colors, str) or colors not in scales:
        raise ValueError(f"colors must be None or one of {', '.join(scales)}. Received: colors={colors!r}")
    cmap, low, high = scales[colors]
    return matplotlib.colormaps.get_cmap(cmap), matplotlib.colors.Normalize(low, high)


def _photograph(image, name):
    """The image as float in [0, 1] with 0 or 3 channels."""
    image = np.asarray(image)
    whole = image.dtype == np.uint8
    image = _array(image, name, (2, 3), "(H, W) or (H, W, C)")
    if image.ndim == 3 and image.shape[-1] not in (1, 3):
        raise ValueError(f"{name} must have 1 or 3 channels, last. Received: shape={image.shape}")
    image = image / 255 if whole else image
    if image.min() < 0 or image.max() > 1:
        raise ValueError(
            f"{name} must be uint8, or float in [0, 1]; divide by 255 first. "
            f"Received: values from {_number(image.min())} to {_number(image.max())}"
        )
    return image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image


def _array(values: ArrayLike, name: str, ranks: Collection[int], shape: str) -> np.ndarray:
    """`values` as a float array, or an error that says what `name` must be."""
    array = arguments.array(values, name, ranks, shape).astype(float)
    if np.abs(array).max() > 1e100:
        raise ValueError(f"{name} must be below 10¹⁰⁰. Received: {array.min():g} to {array.max():g}")
    return array


def _indices(indices, name, count):
    indices = range(min(count, MOST_TILES)) if indices is None else indices
    if not len(indices):
        raise ValueError(f"{name} must hold at least one number. Received: none")
    return [arguments.number(i, name, 0, count - 1, whole=True) for i in indices]


def _cells(name, matrix):
    """A matrix in words, for an alternative text."""
    name = f"{name}: " if name else ""
    size = f"{matrix.shape[0]} × {matrix.shape[1]}"
    return f"{name}{size} cells from {_number(matrix.min())} to {_number(matrix.max())}"


def _number(value):
    return f"{value:.3g}"
