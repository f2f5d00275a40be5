"""A network as a picture: boxes to scale, or a circle for each channel and an arrow for each filter.

Both views read the rows of `summary.summarize(model).rows` from top to bottom, as a chain: what runs
side by side in a network with branches stands in a row here.
"""

from collections.abc import Sequence
from functools import partial
from itertools import groupby, pairwise

import matplotlib.colors
import numpy as np
from matplotlib.patches import Circle, Polygon

from cvcourse.visualization.canvas import COLORS, TEXT_COLORS, Page, Picture
from cvcourse.visualization.charts import check_rows
from cvcourse.visualization.checks import drawn

KINDS = {  # what the type of a layer contains: kind, role of its colour, how pale
    "Input": ("input", "input", 0.0),
    "Conv": ("convolution", "output", 0.0),
    "Pool": ("pooling", "output", 0.6),
    "Dense": ("dense", "kernel", 0.0),
    "Normalization": ("normalization", "statistics", 0.0),
}
TALLEST, WIDEST = 220, 850  # pixels on the page
MOST_COLUMNS = 40  # of circles: a page that takes a minute to scroll
RADIUS, STEP, MOST = 11, 30, 6  # of the circles; where there are more, one of them is dots
SLANT = np.array([0.30, 0.20])  # where one step into the depth of a box goes on the page


@drawn
def plot_network(rows: Sequence[dict], view: str = "blocks", title: str | None = None) -> Picture:
    """Return a picture of a network.

    Args:
        rows: list of dicts as `summary.summarize(model).rows`, with name, type, formula, output_shape and
            params; a part of them, `rows[:6]`, draws a part of the network. Layers that no call reaches
            have no output and are left out.
        view: "blocks": the output of each layer as a box, height and depth in pixels and thickness in
            channels to scale; "circles": a circle for each channel, an arrow for each filter that leads
            from one channel to another, so that parameters can be counted.
        title: str, or None.

    Returns:
        Picture.

    Raises:
        ValueError: no rows, a row without one of these keys or of open size, or a view that does not exist.

    Example:
        >>> keys = "name", "type", "formula", "output_shape", "params"
        >>> image = dict(zip(keys, ("image", "InputLayer", "", (8, 8, 3), 0)))
        >>> conv = dict(zip(keys, ("conv", "Conv2D", "3·3·3·4 + 4", (6, 6, 4), 112)))
        >>> plot_network([image, conv]).alt
        'A network as boxes to scale: input 8 × 8 × 3, convolution 6 × 6 × 4.'
    """
    check_rows(rows, ("name", "type", "formula", "output_shape", "params"))
    rows = [row for row in rows if row["output_shape"]]
    check_rows(rows, ())
    views = {"blocks": _draw_blocks, "circles": _draw_circles}
    if not isinstance(view, str) or view not in views:
        raise ValueError(f'view must be "blocks" or "circles". Received: view={view!r}')
    page = Page()
    page.figure.alt = views[view](page, rows)
    return page.trim(title)


def _draw_blocks(page, rows):
    """Boxes from left to right on one line through their centres; returns the picture in words."""
    boxes = [(_kind(row), row["output_shape"]) for row in _milestones(rows)]
    kinds = [kind for kind, _ in boxes]
    shapes = np.array([_volume(shape) for _, shape in boxes], dtype=float)
    scale = min(24, TALLEST / shapes[:, :2].max())
    deep = SLANT[0] * scale * shapes[:, 1]
    alike = np.all(shapes[1:, :2] == shapes[:-1, :2], axis=1) & (shapes[1:, 0] > 1)
    alike &= np.array([kind[0] != "input" for kind in kinds[:-1]], dtype=bool)
    gaps = [0, *np.where(alike, min(5, 300 / len(boxes)), 20 + (deep[1:] + deep[:-1]) / 2)]
    room = max(100, WIDEST - sum(gaps) - (deep[0] + deep[-1]) / 2)
    thick = np.maximum(shapes[:, 2] * min(scale, room / shapes[:, 2].sum()), 2.5)
    lefts = np.cumsum(gaps) + np.cumsum(thick) - thick
    feet, heads = zip(*map(partial(_draw_box, page), kinds, lefts, shapes * scale, thick), strict=True)
    starts = [0, *(1 + np.flatnonzero(~alike)), len(boxes)]
    # From right to left: a label that must give way moves out, and its line stays left of the others.
    for start, end in reversed(list(pairwise(starts))):
        _point(page, feet[start], _size(boxes[end - 1][1]), "#222222", -1)
    for kind in sorted(set(kinds), key=kinds.index, reverse=True):
        _point(page, heads[kinds.index(kind)], kind[0], TEXT_COLORS[kind[1]], 1)
    left, bottom = np.min(page.taken, axis=0)[:2]
    caption = "Height and depth in pixels, thickness in channels, each to scale."
    page.write(left + 6, bottom - 8, caption, TEXT_COLORS["reference"], 9, va="top")
    runs = [(len(list(run)), *box) for box, run in groupby(boxes)]
    words = [f"{f'{n} × ' if n > 1 else ''}{kind[0]} {_size(shape)}" for n, kind, shape in runs]
    return f"A network as boxes to scale: {', '.join(words)}."


def _draw_box(page, kind, x, shape, thick):
    """A box whose left face has its centre at x on the centre line; returns where its labels may point to."""
    slant = SLANT * max(shape[1], 4)
    height = max(shape[0], 4)
    corner = np.array([x, -height / 2]) - slant / 2
    right, up = np.array([thick, 0]), np.array([0, height])
    faces = {
        0.0: [corner, corner + right, corner + right + up, corner + up],
        -0.25: [corner + right, corner + right + slant, corner + right + slant + up, corner + right + up],
        0.35: [corner + up, corner + up + right, corner + up + right + slant, corner + up + slant],
    }
    for shade, face in faces.items():
        page.axes.add_patch(Polygon(face, facecolor=_shade(kind, shade), edgecolor="white", linewidth=0.5))
    page.taken.append((*corner, *(corner + right + up)))
    for i in range(6):  # the slanted side, in steps
        low, high = corner + right + slant * i / 6, corner + right + up + slant * (i + 1) / 6
        page.taken.append((*low, *high))
    return corner, corner + up + slant


def _point(page, end, text, color, step):
    """Write a label above (step 1) or below (step -1) its box, with a line where it had to move away."""
    x, y = end
    side = "bottom" if step > 0 else "top"
    _, bottom, _, top = page.write(x, y + 5 * step, text, color, step=step, va=side)
    near = bottom if step > 0 else top
    if abs(near - y) > 12:
        page.axes.plot([x + 2, x + 2], [y + 2 * step, near], color=COLORS["reference"], linewidth=0.7)
        page.taken.append((x, min(y, near), x + 4, max(y, near)))


def _draw_circles(page, rows):
    """Columns of circles with a fan of arrows between neighbours; returns the picture in words."""
    x = y = 0
    words, before, rows = [], None, _milestones(rows, boxes=False)
    if len(rows) > MOST_COLUMNS:
        advice = f"as circles, at most {MOST_COLUMNS} layers; draw a part: rows[:20]"
        raise ValueError(f"rows must hold, {advice}. Received: {len(rows)}")
    for row in rows:
        text = _column_text(row)
        if before:
            count = _fan_text(row, before)
            pitch = max(110, 34 + page.measure(count), 16 + page.measure(text))
            if x + pitch > WIDEST:  # a new line begins with the column that ended the last one
                x, y = 0, y - 320
                _draw_column(page, before, x, y)
            _draw_fan(page, row, before, x, x + pitch, y)
            role = "kernel" if row["params"] else "reference"
            page.write(x + pitch / 2, y + 98, count, TEXT_COLORS[role], 9, ha="center", va="bottom")
            x += pitch
            text += f" ({count})"
        _draw_column(page, row, x, y)
        words.append(text.replace("\n", " "))
        before = row
    return f"A network as circles (channels) and arrows (filters): {'; '.join(words)}."


def _draw_column(page, row, x, y):
    """The circles of one layer, and below them what they are."""
    count, kind = row["output_shape"][-1], _kind(row)
    if kind[0] not in ("input", "pooling"):
        kind = KINDS["Conv"]  # what comes out of any other layer has the colour of outputs
    heights = _heights(count)
    for height in heights.values():
        circle = Circle((x, y + height), RADIUS, facecolor=_shade(kind, 0), edgecolor="white", linewidth=0.8)
        page.axes.add_patch(circle)
    if count > MOST:
        dots = y - 1.5 * STEP + np.array([-7, 0, 7])
        page.axes.plot([x] * 3, dots, ".", color=COLORS["reference"], markersize=5)
    page.taken.append((x - RADIUS, y - 2.5 * STEP - RADIUS, x + RADIUS, y + 2.5 * STEP + RADIUS))
    page.write(x, y - 98, _column_text(row), size=9, ha="center", va="top")


def _draw_fan(page, row, before, left, right, y):
    """Arrows from the circles at `left`, which are of the row `before`, to those of `row` at `right`."""
    sources, targets = _heights(before["output_shape"][-1]), _heights(row["output_shape"][-1])
    arrows = [(sources[i], targets[j]) for i, j in _links(row, before) if i in sources]
    starts, ends = np.array(arrows, dtype=float).reshape(-1, 2).T
    x, across = np.full(len(starts), left + RADIUS + 2), np.full(len(starts), right - left - 2 * RADIUS - 4)
    look = {"width": 1.1, "headwidth": 6, "headlength": 7, "headaxislength": 6}  # in dots
    units = {"angles": "xy", "scale_units": "xy", "scale": 1, "units": "dots"}
    color = COLORS["kernel" if row["params"] else "reference"]
    page.axes.quiver(x, starts + y, across, ends - starts, color=color, **units, **look)


def _links(row, before):
    """(from, to) of every arrow to the circles that are drawn of `row`."""
    inputs, outputs = before["output_shape"][-1], row["output_shape"][-1]
    if _each_to_each(row):
        return [(i, j) for i in _heights(inputs) for j in _heights(outputs)]
    if row["type"] == "Flatten":  # channels last: neighbours in the vector come from different channels
        return [(j % inputs, j) for j in _heights(outputs)]
    return [(j * inputs // outputs, j) for j in _heights(outputs)]


def _fan_text(row, before):
    """The parameters on a fan of arrows, counted from the picture and by the formula."""
    params, outputs = row["params"], row["output_shape"][-1]
    if not params:
        return f"{row['type']}\nno parameters"
    biases = outputs if "+" in row["formula"] else 0
    arrows = outputs * (before["output_shape"][-1] if _each_to_each(row) else 1)
    weights, rest = divmod(params - biases, arrows)
    lines = [row["formula"]] if row["formula"] else []
    if not rest:
        counted = f"{arrows:,} arrows" + f" × {weights}" * (weights != 1)
        lines = [counted] + [f"+ {biases:,} biases"] * bool(biases) + [f"= {line}" for line in lines]
    return "\n".join([*lines, f"= {params:,}" if lines else f"{params:,} parameters"])


def _column_text(row):
    *size, count = row["output_shape"]
    what = "channels" if size else "neurons" if _kind(row)[0] == "dense" else "values"
    return f"{row['name']}\n{count:,} {what[:-1] if count == 1 else what}\n{_size(size)}".rstrip()


def _heights(count):
    """{channel: height of its circle} for the circles that are drawn: the first ones, dots, the last."""
    slots = {i: i for i in range(count)} if count <= MOST else {0: 0, 1: 1, 2: 2, 3: 3, count - 1: MOST - 1}
    return {i: ((min(count, MOST) - 1) / 2 - slot) * STEP for i, slot in slots.items()}


def _each_to_each(row):
    return _kind(row)[0] in ("convolution", "dense") and not row["type"].startswith("Depthwise")


def _milestones(rows, boxes=True):
    """The rows worth drawing: those with another shape or with parameters, not ReLU, dropout and the like."""
    kept = [rows[0]]
    for before, row in pairwise(rows):
        minor = boxes and row["type"].startswith(("Flatten", "Reshape", "ZeroPadding"))
        changed = row["output_shape"] != before["output_shape"] and not minor
        if _kind(row)[0] not in ("normalization", "other") or changed or (row["params"] and not boxes):
            kept.append(row)
    return kept


def _kind(row):
    """(kind of layer, role of its colour, how pale) by the name of its type."""
    return next((kind for part, kind in KINDS.items() if part in row["type"]), ("other", "reference", 0.4))


def _shade(kind, shade):
    """The colour of a kind of layer, lighter (shade > 0) or darker."""
    color = np.array(matplotlib.colors.to_rgb(COLORS[kind[1]]))
    color = color + (1 - color) * kind[2]
    return color + (1 - color) * shade if shade > 0 else color * (1 + shade)


def _volume(shape):
    """Any output shape as (height, width, channels)."""
    return tuple(([1, 1, *shape] if len(shape) == 1 else [1, *shape])[-3:])


def _size(shape):
    return " × ".join(f"{size:,}" for size in shape)
