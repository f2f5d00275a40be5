"""Pictures with boxes on them: what a detector looked at, what it found, and what is true."""

from collections.abc import Sequence

import numpy as np
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from cvcourse.boxes.checks import rows
from cvcourse.visualization.canvas import COLORS, Picture, overlap, picture
from cvcourse.visualization.checks import color, drawn
from cvcourse.visualization.images import _photograph

WIDEST = 9.4  # a page, in units of 100 CSS pixels


@drawn
def plot_boxes(
    images: Sequence[ArrayLike],
    boxes: Sequence[ArrayLike],
    words: Sequence[Sequence[str]] | None = None,
    truth: Sequence[ArrayLike] | None = None,
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    role: str = "selected",
    line: float = 2.0,
) -> Picture:
    """Return a picture of images with boxes on them.

    Args:
        images: list of (H, W, 3), uint8 or float in [0, 1], of any size.
        boxes: for each image float (K, 4) as (x1, y1, x2, y2) in pixels.
        words: for each image K str, one at the upper left corner of each box, or on one of its sides where
            nothing is written yet; or None.
        truth: for each image true boxes (T, 4), drawn blue and dotted; or None.
        titles: one str above each image; or None.
        columns: images in a row; default: up to 4.
        role: a role of `COLORS` or a colour, of the boxes.
        line: float, width of their lines.

    Returns:
        Picture.

    Raises:
        ValueError: no image, or lengths that differ.

    Example:
        >>> plot_boxes([np.zeros((8, 8, 3))], [[[1, 1, 5, 6]]], [["cat 0.90"]], titles=["found"]).alt
        '1 image with boxes. found: 1 box, cat 0.90.'
    """
    words = words if words is not None else [[]] * len(images)
    truth = truth if truth is not None else [[]] * len(images)
    titles = [str(title) for title in titles] if titles is not None else [""] * len(images)
    if not len(images) or len({len(images), len(boxes), len(words), len(truth), len(titles)}) > 1:
        raise ValueError(
            "images, boxes, words, truth and titles must be of one length, at least 1. Received: "
            f"{len(images)}, {len(boxes)}, {len(words)}, {len(truth)}, {len(titles)}"
        )
    columns, ink = columns or min(4, len(images)), color(role, "role")
    images = [_photograph(image, f"images[{i}]") for i, image in enumerate(images)]
    boxes, truth = ([rows(one, name) for one in some] for some, name in ((boxes, "boxes"), (truth, "truth")))
    words = [_texts(one) for one in words]
    lines = -(-len(images) // columns)
    side = min(3.4, WIDEST / columns)
    told = [_told(*one) for one in zip(titles, boxes, words, strict=True)]
    alt = f"{len(images)} image{'s' * (len(images) > 1)} with boxes. {' '.join(told)}"
    drawing, axes = picture(columns * side, lines * (side + 0.25), alt, lines, columns, wspace=0.04)
    for one in np.ravel(axes):
        one.set_axis_off()
    for one, image, found, true, title in zip(np.ravel(axes), images, boxes, truth, titles, strict=False):
        height, width = np.shape(image)[:2]
        one.imshow(image, cmap="gray", vmin=0, vmax=1, extent=(0, width, height, 0), interpolation="nearest")
        one.set_title(title, fontsize=10)
        _frames(one, true, {"edgecolor": COLORS["input"], "linewidth": 2.0, "linestyle": ":"})
        _frames(one, found, {"edgecolor": ink, "linewidth": line})
    drawing.draw_without_rendering()  # lays it out: only now letters can be measured in pixels of an image
    for one, found, names in zip(np.ravel(axes), boxes, words, strict=False):
        _write(one, found, names, ink)
    return drawing


def _frames(axes, boxes, look):
    for x1, y1, x2, y2 in boxes:
        under = {"edgecolor": "white", "linewidth": look["linewidth"] + 1.5, "linestyle": "-"}
        # White on both sides is seen on any ground; of many thin boxes it would leave no ground to see.
        for more in (under, {}) if look["linewidth"] >= 2 else ({},):
            axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, **(look | more)))


def _write(axes, boxes, words, ink):
    """Write each word at the first corner of its box, or place on its sides, that is free."""
    width = axes.get_xlim()[1]
    ground, taken = {"facecolor": ink, "edgecolor": "none", "pad": 1.5}, []
    for (x1, y1, x2, y2), word in zip(boxes, words, strict=False):
        label = axes.text(0, 0, word, color="white", fontsize=9, bbox=ground, va="bottom", clip_on=False)
        size = label.get_window_extent().padded(2).transformed(axes.transData.inverted())
        wide, high = size.width, -size.height
        lefts = [max(0, min(x, width - wide)) for x in (x1, x2 - wide)]
        lows = [max(high, y) for y in (y1, *np.linspace(y2, y1, 12))]
        areas = [(x, y - high, x + wide, y) for y in lows for x in lefts]
        free = (area for area in areas if not any(overlap(area, other) for other in taken))
        taken.append(next(free, areas[0]))
        label.set_position((taken[-1][0], taken[-1][3]))


def _texts(words):
    if isinstance(words, str) or not hasattr(words, "__len__") or not all(isinstance(w, str) for w in words):
        raise TypeError(f"words must hold a list of texts for each image. Received: {words!r}")
    return list(words)


def _told(title, boxes, words):
    count = f"{len(boxes)} box{'es' * (len(boxes) != 1)}"
    return f"{title + ': ' if title else ''}{', '.join([count, *words])}."
