"""Vector drawings in numpy: outlines, and the fast way to fill them.

A part is `(ink, outline)`: a number for the colour and a closed outline of shape (V, 2), x to the right,
y down. A drawing is a list of parts, later ones over earlier ones. The functions that make parts return
lists, so that a drawing is their sum.
"""

import numpy as np

NOTHING = 0  # the ink of what is outside


def ellipse(ink, x, y, rx, ry):
    """An ellipse around (x, y) with half axes rx and ry, as a list of one part."""
    turn = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    return [(ink, np.stack([x + rx * np.cos(turn), y + ry * np.sin(turn)], axis=1))]


def polygon(ink, *corners):
    """Straight lines from corner to corner, as a list of one part."""
    return [(ink, np.array(corners, float))]


def curve(ink, *corners):
    """A smooth closed curve through the corners, as a list of one part."""
    return [(ink, _smooth(np.array(corners, float), closed=True))]


def balanced(ink, *corners):
    """`curve` through the corners, which start and end on x = 0, and through their mirror images."""
    return curve(ink, *corners, *((-x, y) for x, y in corners[-2:0:-1]))


def stroke(ink, *corners, width, end=None):
    """A smooth line with round ends, as a list of one part; its width runs from `width` to `end`."""
    path = _smooth(np.array(corners, float), closed=False)
    half = np.linspace(width, width if end is None else end, len(path))[:, None] / 2
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    side = along[:, ::-1] * (1, -1)
    around = np.linspace(0.2, 0.8, 4)[:, None] * np.pi
    last = path[-1] + half[-1] * (np.cos(around) * side[-1] + np.sin(around) * along[-1])
    first = path[0] - half[0] * (np.cos(around) * side[0] + np.sin(around) * along[0])
    return [(ink, np.concatenate([path + half * side, last, (path - half * side)[::-1], first]))]


def both(parts):
    """The parts and their mirror images at the other side of x = 0."""
    return parts + [(ink, outline * (-1, 1)) for ink, outline in parts]


def place(parts, x, y, scale, angle=0.0):
    """The parts scaled, turned by `angle` (radians, clockwise as seen) and moved to (x, y)."""
    c, s = np.cos(angle), np.sin(angle)
    turn = scale * np.array([[c, s], [-s, c]])
    return [(ink, outline @ turn + (x, y)) for ink, outline in parts]


def render(parts, resolution, line):
    """The ink at each point of a drawing, uint8 (resolution, resolution); read-only.

    Args:
        parts: the drawing; it is moved and scaled to fill a circle of radius 0.95 around (0, 0).
        resolution: int, points per side; they cover −1 … 1 in x and y.
        line: ink of the thin line around all of it.

    Returns:
        Array of inks, `NOTHING` outside.

    Example:
        >>> inks = render(ellipse(2, 0, 0, 1, 1), 100, line=1)
        >>> inks[50, 50].item(), inks[0, 0].item()
        (2, 0)
        >>> abs((inks == 2).mean().item() - np.pi * 0.95**2 / 4) < 0.01  # the area of the circle
        True
    """
    inks = np.zeros((resolution, resolution), "uint8")
    for ink, outline in _fit(parts):
        _fill(inks, outline, ink)
    inks[_grow(inks != NOTHING, round(0.016 * resolution)) & (inks == NOTHING)] = line
    inks.flags.writeable = False
    return inks


def _smooth(p, closed):
    """Points on a curve through the corners p (Catmull–Rom)."""
    before, after, beyond = (np.roll(p, k, axis=0) for k in (1, -1, -2))
    if not closed:
        before[0], after[-1], beyond[-2:] = p[0], p[-1], p[-1]
    t = np.linspace(0, 1, 6, endpoint=False)[:, None, None]
    points = 0.5 * (
        2 * p
        + (after - before) * t
        + (2 * before - 5 * p + 4 * after - beyond) * t**2
        + (3 * p - before - 3 * after + beyond) * t**3
    )
    points = points.transpose(1, 0, 2)  # (corners, 6, 2)
    return points.reshape(-1, 2) if closed else np.concatenate([points[:-1].reshape(-1, 2), p[-1:]])


def _fit(parts):
    points = np.concatenate([outline for _, outline in parts])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    scale = 0.95 / np.linalg.norm(points - middle, axis=1).max()
    return place(parts, *(-scale * middle), scale)


def _fill(inks, outline, ink):
    """Write `ink` inside an outline (non-zero winding).

    Row by row: each edge that crosses the row adds or takes one from there on. For shapes of this size
    some 20 times as fast as testing each point against each edge.
    """
    side = len(inks)
    x0, y0 = ((outline + 1) * (side / 2) - 0.5).T
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    first, last = max(int(y0.min()), 0), min(int(y0.max()) + 1, side)
    rows = np.arange(first, last)[:, None]
    row, edge = np.nonzero((rows >= np.minimum(y0, y1)) & (rows < np.maximum(y0, y1)))
    x = x0[edge] + (row + first - y0[edge]) * ((x1 - x0)[edge] / (y1 - y0)[edge])
    column = np.clip(np.ceil(x), 0, side).astype(int)
    steps = np.bincount(
        row * (side + 1) + column, weights=np.sign(y1 - y0)[edge], minlength=len(rows) * (side + 1)
    )
    winding = steps.reshape(len(rows), side + 1).cumsum(axis=1)[:, :-1]
    inks[first:last][winding != 0] = ink


def _grow(mask, steps):
    """The mask and what lies within some points of it: by turns as a plus and as a square, so roundly."""
    for step in range(steps):
        taller = mask.copy()
        taller[1:] |= mask[:-1]
        taller[:-1] |= mask[1:]
        source = taller.copy() if step % 2 else mask
        mask = taller
        mask[:, 1:] |= source[:, :-1]
        mask[:, :-1] |= source[:, 1:]
    return mask
