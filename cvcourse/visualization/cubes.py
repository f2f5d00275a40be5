"""A batch of feature maps as a cube: images × channels × pixels, with a block of it lit up."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import ArrayLike

from cvcourse import arguments
from cvcourse.visualization.canvas import COLORS, TEXT_COLORS, Picture, picture
from cvcourse.visualization.checks import drawn
from cvcourse.visualization.images import _array

LIT = LinearSegmentedColormap.from_list("lit", ["#F6DDEB", "#CC79A7", "#6E2450"])  # around "statistics"
UNLIT = LinearSegmentedColormap.from_list("unlit", ["#FFFFFF", "#DDDDDD"])
RIGHT, BACK = (1, -0.18), (0.62, 0.42)  # (x, y) of one channel, of one image; y goes up
HEIGHT = 5.6  # of all pixels of a map, in steps


@drawn
def plot_cubes(
    maps: ArrayLike, blocks: Mapping[str, tuple[Sequence[int], Sequence[int]]], columns: int = 4
) -> Picture:
    """Return a picture of one cube for each block: its axes are N (back), C (right) and H × W (down).

    Args:
        maps: (N, H, W, C) array of activations; their size is the depth of a colour.
        blocks: {title: (images, channels)}, the numbers that are lit up, each a pair (first, end).
        columns: int, cubes in a row.

    Returns:
        Picture.

    Raises:
        ValueError: maps of another rank, or no block.

    Example:
        >>> plot_cubes(np.zeros((2, 3, 3, 4)), {"batch norm": ((0, 2), (1, 2))}).alt
        'Cubes of 2 images × 4 channels × 9 pixels. batch norm: images 0 to 1, channel 1.'
    """
    maps = _array(maps, "maps", (4,), "(N, H, W, C)")
    n, height, width, c = maps.shape
    blocks = {title: _block(block, n, c) for title, block in blocks.items()}
    words = "; ".join(f"{title}: {words_of(*block)}" for title, block in blocks.items())
    columns = min(columns, len(blocks))
    rows = -(-len(blocks) // columns)
    alt = f"Cubes of {n} images × {c} channels × {height * width} pixels. {words}."
    figure, grid = picture(9.4, rows * (0.2 + 7.4 / columns), alt, rows, columns)
    grid = np.atleast_1d(grid)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, (title, block) in zip(grid.flat, blocks.items(), strict=False):
        draw_cube(axes, maps, *block)
        axes.set_title(title, loc="center", color=TEXT_COLORS["statistics"])
    return figure


def _block(block, *sizes):
    pairs = arguments.array(block, "blocks", (2,), "((first, end), (first, end))")
    if (
        pairs.shape != (2, 2)
        or (pairs[:, 0] < 0).any()
        or (pairs[:, 0] >= pairs[:, 1]).any()
        or (pairs[:, 1] > sizes).any()
    ):
        raise ValueError(
            f"blocks must be pairs (first, end) within the images and the channels. Received: {block!r}"
        )
    return [[int(end) for end in pair] for pair in pairs]


def words_of(images: Sequence[int], channels: Sequence[int]) -> str:
    """Return a block in words.

    Example:
        >>> words_of((0, 6), (3, 4))
        'images 0 to 5, channel 3'
    """
    pairs = (("image", images), ("channel", channels))
    return ", ".join(
        f"{name}s {first} to {end - 1}" if end - first > 1 else f"{name} {first}"
        for name, (first, end) in pairs
    )


def draw_cube(axes: Any, maps: np.ndarray, images: Sequence[int], channels: Sequence[int]) -> None:
    """Draw `maps` (N, H, W, C) as an open cube with the block `images`, `channels` in it, into `axes`."""
    n, c = maps.shape[0], maps.shape[-1]
    values = np.moveaxis(maps.reshape(n, -1, c), 1, 2)  # (N, C, pixels)
    low, high = np.quantile(values, [0.01, 0.99])
    shades = np.clip((values - low) / ((high - low) or 1), 0, 1)
    for paint, edge, faces in (
        (UNLIT, "#C8C8C8", _faces(shades, (0, n), (0, c), inside=True)),
        (LIT, LIT(1.0), _faces(shades, images, channels)),
    ):
        for cells, shade, outlines in faces:
            colors = paint(shade)
            axes.add_collection(PolyCollection(cells, facecolors=colors, edgecolors=colors, linewidths=0.3))
            axes.add_collection(PolyCollection(outlines, facecolors="none", edgecolors=edge, linewidths=0.8))
    near = ((0, 0, 0), (0, c, 0), (n, c, 0), (n, c, 1), (0, c, 1), (0, 0, 1), (0, 0, 0))
    for path in (near, near[1::3]):
        axes.plot(*np.transpose([_place(*corner) for corner in path]), color=COLORS["reference"], linewidth=1)
    label = {"fontsize": 11, "color": TEXT_COLORS["reference"], "ha": "center", "va": "center"}
    axes.text(*_place(0, c / 2, 1.15), f"C = {c}", **label)
    axes.text(*_place(n / 2, c + 0.9, 1), f"N = {n}", **{**label, "ha": "left"})
    axes.text(*_place(0, -0.5, 0.5), "H × W", rotation=90, **label)
    axes.set_aspect("equal")
    axes.autoscale_view()


def _place(image, channel, down):
    """Where a point lies in the drawing, (x, y); `down` goes from 0 (first pixel) to 1 (behind the last)."""
    x = image * BACK[0] + channel * RIGHT[0]
    return np.stack([x, image * BACK[1] + channel * RIGHT[1] - down * HEIGHT], axis=-1)


def _faces(shades, images, channels, inside=False):
    """Yield (corners of the cells, their shades, outlines) of the three faces of a block that show.

    From outside they are the near image, the right channel and the first pixel; from `inside` the others.
    """
    pixels = shades.shape[2]
    ends = (images, channels, (0, pixels))
    side = (1, 0, 1) if inside else (0, 1, 0)  # which end of each axis its face lies at
    for axis in range(3):
        cells = [np.arange(*end) for end in ends]
        cells[axis] = np.array([ends[axis][side[axis]] - side[axis]])
        shade = shades[np.ix_(*cells)].ravel()
        cells[axis] = cells[axis] + side[axis]
        one, two = np.delete(np.eye(3), axis, axis=0)
        moves = np.array([0 * one, one, one + two, two])
        columns = [*cells[:2], cells[2][:1]]
        yield _corners(cells, moves, pixels), shade, _corners(columns, moves, pixels, high=pixels)


def _corners(cells, moves, pixels, high=1):
    """The corners of all cells of a face, (cells, 4, 2); a cell is `high` pixels high."""
    first = np.stack(np.meshgrid(*cells, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    image, channel, pixel = np.moveaxis(first + moves * (1, 1, high), -1, 0)
    return _place(image, channel, pixel / pixels)
