"""The road from an image to its class: one card for each kind of layer, with what it really gives."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from cvcourse import arguments
from cvcourse.visualization.canvas import COLORS, TEXT_COLORS, Page, Picture
from cvcourse.visualization.checks import drawn
from cvcourse.visualization.images import _array, _photograph, _scale

ROAD = {"input": "input", "convolution": "output", "normalisation": "statistics", "pooling": "output",
        "fully connected": "kernel", "classes": "kernel"}  # the usual steps and their colours  # fmt: skip
BAR, WAY = 44, 28  # pixels: the longest bar, an arrow


@drawn
def plot_roadmap(
    steps: Mapping[str, Any], here: str | None = None, size: float = 96, title: str | None = None
) -> Picture:
    """Return a picture of the kinds of layers on the way from an image to its class, with what each gives.

    Args:
        steps: {name: values} in their order; the names that have a colour are the keys of `ROAD`. Values are
            for "input" an image (H, W) or (H, W, 3) in [0, 1]; else maps (H, W, K), of which the first four
            are drawn, their size to scale; a vector (N,); or {class: probability}.
        here: name of the step that is marked "you are here", with the others pale; or None.
        size: int, height of the pictures in pixels.
        title: str, or None.

    Returns:
        Picture.

    Raises:
        ValueError: no step, `here` is no step, or values that cannot be drawn.

    Example:
        >>> road = {"input": np.ones((8, 8, 3)), "pooling": np.zeros((4, 4, 2)), "classes": {"cat": 0.9}}
        >>> print(plot_roadmap(road, here="pooling").alt.replace(". ", ".\\n"))
        The road through a network: input 8 × 8 × 3, pooling 4 × 4 × 2, classes cat 90 %.
        You are here: pooling.
    """
    if not (here is None or (isinstance(here, str) and here in steps)):
        known = ", ".join(map(str, steps))
        raise ValueError(f"here must be a step, one of: {known}. Received: here={here!r}")
    words: list[str] = []
    page, left = Page(), 0
    maps = [len(values) for name, values in steps.items() if np.ndim(values) == 3 and name != "input"]
    for name, values in steps.items():
        if words:
            look = {"arrowstyle": "-|>", "color": COLORS["reference"], "linewidth": 1.5}
            page.axes.annotate("", (left + WAY, 0), (left + 2, 0), arrowprops=look)
            left += WAY + 2
        text, told, wide = _in_words(page, name, values, size)
        pale = here not in (None, name)
        _draw_card(page, (left, wide, size), name, text, pale, here == name)
        draw = _draw_sheets if text else _draw_classes
        draw(page, name, values, left + wide / 2, size, max(maps, default=1), 0.5 if pale else 1)
        left += wide
        words.append(f"{name} {told}")
    place = f" You are here: {here}." if here else ""
    page.figure.alt = f"The road through a network: {', '.join(words)}.{place}"
    return page.trim(title)


def _in_words(page, name, values, size):
    """The size of an array as text, or ""; the step in words; the width of its card."""
    if isinstance(values, dict) and values:
        for share in values.values():
            arguments.number(share, f"steps[{name!r}]")
        values = {str(label): share for label, share in values.items()}
        told = ", ".join(f"{label} {100 * share:.0f} %" for label, share in values.items())
        return "", told, 20 + max(page.measure(name, 10), max(map(page.measure, values)) + BAR + 6)
    shape = _array(values, f"steps[{name!r}]", (1, 2, 3), "(H, W), (H, W, C) or (N,)").shape
    text = " × ".join(f"{n:,}" for n in shape)
    return text, text, 20 + max(size, page.measure(name, 10), page.measure(text))


def _draw_card(page, place, name, text, pale, here):
    """The frame of a step, its name above and its size below."""
    left, wide, size = place
    x, low, high = left + wide / 2, -size / 2 - 26, size / 2 + 28
    role = "reference" if pale else ROAD.get(name, "reference")
    look = {"edgecolor": COLORS["selected" if here else role], "linewidth": 2.5 if here else 1.2}
    page.axes.add_patch(Rectangle((left, low), wide, high - low, facecolor="none", **look))
    page.taken.append((left, low, left + wide, high))
    page.write(x, size / 2 + 7, name, TEXT_COLORS[role], 10, ha="center", va="bottom")
    page.write(x, -size / 2 - 5, text, TEXT_COLORS["reference"], 9, ha="center", va="top")
    if here:
        page.write(x, high + 3, "you are here", TEXT_COLORS["selected"], 10, ha="center", va="bottom")


def _draw_sheets(page, name, values, x, size, tallest, alpha):
    """An image, a pile of maps with the first in front, or a vector as a column."""
    values = np.asarray(values)
    sheets, high, wide = [values], size, size
    few = values[..., :4] if values.ndim == 3 else values
    cmap, norm = _scale(np.quantile(few, (0.01, 0.99)))  # a few large numbers would make all others pale
    if name == "input":
        sheets, cmap, norm = [_photograph(values, "steps['input']")], "gray", Normalize(0, 1)
        wide = size * values.shape[1] / len(values)
    elif values.ndim == 1:
        sheets, wide = [values[:, None]], 14
    elif values.ndim == 3:
        sheets = np.moveaxis(values, -1, 0)[:4]
        high, wide = (0.64 * size * side / tallest for side in values.shape[:2])
    for i, sheet in reversed(list(enumerate(sheets))):
        shift = 0.18 * high * (i - (len(sheets) - 1) / 2)
        left, bottom = x - wide / 2 + shift, shift - high / 2
        paper = Rectangle((left, bottom), wide, high, facecolor="white", edgecolor="white", zorder=2 - i / 9)
        page.axes.add_patch(paper)
        place = {
            "extent": (left, left + wide, bottom, bottom + high),
            "aspect": "auto",
            "zorder": 2.05 - i / 9,
        }
        page.axes.imshow(sheet, cmap=cmap, norm=norm, alpha=alpha, **place)


def _draw_classes(page, name, values, x, size, tallest, alpha):
    """A bar for each class, as long as its probability."""
    names = max(map(page.measure, values))
    left, pitch = x - (names + BAR + 6) / 2, min(22, size / len(values))
    for i, (label, share) in enumerate(values.items()):
        y = pitch * ((len(values) - 1) / 2 - i)
        color = TEXT_COLORS["reference"] if alpha < 1 else "#222222"
        page.write(left + names, y, label, color, 9, ha="right", va="center")
        long = BAR * share / (max(values.values()) or 1)
        color = COLORS[ROAD.get(name, "reference")]
        page.axes.add_patch(Rectangle((left + names + 6, y - 5), long, 10, facecolor=color, alpha=alpha))
