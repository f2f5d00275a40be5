"""Perceptron: points of two classes, a line, and the rule that moves the line after each mistake."""

import numpy as np

from cvcourse.explorers.base import Explorer, javascript, number
from cvcourse.explorers.controls import Kept, one_of, several, within
from cvcourse.models.perceptron import perceptron_step
from cvcourse.visualization import COLORS, picture, style

CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))
PRESETS = {"OR": (-1, 1, 1, 1), "AND": (-1, -1, -1, 1), "XOR": (-1, 1, 1, -1)}
LOW, HIGH = -0.5, 1.5  # the part of the plane that is shown
MOST_POINTS, MOST_SHOWN = 9, 200
LARGEST = 1e9  # of a weight


class Perceptron(Explorer):
    """Points of two classes and the line of a perceptron; each step shows it the next point.

    Drag a point, or click it to change its class. On the keyboard: a digit chooses a point, arrow keys move
    it, the space bar changes its class.

    Args:
        preset: "OR", "AND" or "XOR".
        points: instead of a preset, 2 … 9 points (x, y, class), x and y in [-0.5, 1.5], class 1 or -1.

    Attributes:
        points: list of [x, y, class].
        weights: list [w₁, w₂, b]; the answer is "yes" where w₁x + w₂y + b > 0.
        history: list, 1 for each point shown that was a mistake, else 0.
        chosen: int, the point that keys move.

    Raises:
        ValueError: an unknown preset, or points of another form.

    Example:
        >>> explorer = Perceptron("AND")
        >>> while explorer.wrong():
        ...     explorer.step()
        >>> sum(explorer.history)
        18

    Source: Rosenblatt, "Principles of Neurodynamics", 1962; Minsky and Papert, "Perceptrons", 1969.
    """

    _esm = javascript("compute.js", "perceptron.js")

    points = Kept(lambda explorer, value: _points(value), [])
    weights = Kept(
        lambda explorer, value: several("weights", value, 3, -LARGEST, LARGEST, whole=False), [0.0] * 3
    )
    history = Kept(lambda explorer, value: several("history", value, len(value), 0, 1), [])
    chosen = Kept(lambda explorer, value: within("chosen", value, 0, len(explorer.points) - 1), 0)

    def __init__(self, preset="OR", points=None):
        kinds = PRESETS[one_of("preset", preset, PRESETS)]
        preset = [(*corner, kind) for corner, kind in zip(CORNERS, kinds, strict=True)]
        super().__init__(points=preset if points is None else points)

    def wrong(self):
        """Return the numbers of the points (1, 2, …) that the line has on the wrong side."""
        return wrong(self.points, self.weights)

    def step(self):
        """Show the next point, and correct the weights if the answer is wrong."""
        if len(self.history) < MOST_SHOWN:
            *place, kind = self.points[len(self.history) % len(self.points)]
            weights, mistake = perceptron_step(np.array(self.weights), np.array([*place, 1.0]), kind)
            with self.hold_trait_notifications():
                self.weights, self.history = weights.tolist(), [*self.history, int(mistake)]


def _points(points):
    values = np.asarray(points, dtype="float64")
    if (
        values.ndim != 2 or values.shape[1] != 3 or not 2 <= len(values) <= MOST_POINTS
        or not np.all((values[:, :2] >= LOW) & (values[:, :2] <= HIGH)) or set(values[:, 2]) - {1, -1}
    ):  # fmt: skip
        raise ValueError(
            f"points must be 2 to {MOST_POINTS} rows (x, y, class) with x and y from {LOW} to {HIGH} and "
            f"class 1 or -1. Received: points={points!r}"
        )
    return values.tolist()


def wrong(points, weights):
    """Return the numbers of the points (1, 2, …) on the wrong side of the line, or on it."""
    values = np.asarray(points)
    sums = np.hstack([values[:, :2], np.ones((len(values), 1))]) @ np.asarray(weights)
    return [int(k) + 1 for k in np.flatnonzero(values[:, 2] * sums <= 0)]


def separable(points):
    """Return whether a straight line has all points of one class on one side, all others on the other.

    As a direction turns, the order of the points along it changes only where it is at right angles to the way
    from one point to another; so one direction between each two such angles is enough.

    Example:
        >>> separable([(0, 0, -1), (1, 1, 1)]), separable([(0, 0, 1), (1, 1, 1), (0.5, 0.5, -1)])
        (True, False)
    """
    values = np.asarray(points, dtype="float64")
    yes, no = (values[values[:, 2] == kind, :2] for kind in (1, -1))
    if not len(yes) or not len(no):
        return True
    x, y = (yes[:, None] - no).reshape(-1, 2).T
    angles = np.sort(np.concatenate([np.arctan2(x, -y), np.arctan2(-x, y)]))
    between = (angles + np.append(angles[1:], angles[0] + 2 * np.pi)) / 2
    ways = np.stack([np.cos(between), np.sin(between)])
    return bool(np.any((yes @ ways).min(axis=0) > (no @ ways).max(axis=0) + 1e-9))


def describe(points, weights, history):
    """Return points, line and mistakes in words. Pure; arguments as attributes of `Perceptron`."""
    missed = wrong(points, weights)
    shown = f"{len(history)} points shown, {sum(history)} mistakes."
    if not missed:
        return f"{shown} All {len(points)} points are right: the rule rests."
    which = f"Wrong now: point{'s' * (len(missed) > 1)} {', '.join(map(str, missed))}."
    if separable(points):
        return f"{shown} {which} Some line is right for all, so the rule will find one."
    return f"{shown} {which} No line is right for all: the rule will never rest."


@style()
def figure(points, weights, history, chosen):
    """Return the state of a `Perceptron` as a `Picture`. Pure; arguments as its attributes."""
    drawing, (plane, log) = picture(8, 3.6, f"Perceptron. {describe(points, weights, history)}", columns=2)
    axis = np.linspace(LOW, HIGH, 200)
    sums = weights[0] * axis + weights[1] * axis[:, None] + weights[2]
    sides = [COLORS["kernel"], COLORS["input"]]
    if np.any(sums):  # all zero: no side yet
        plane.contourf(axis, axis, np.sign(sums), [-2, 0, 2], colors=sides, alpha=0.18)
    missed = wrong(points, weights)
    for k, (x, y, kind) in enumerate(points, start=1):
        edge = COLORS["selected"] if k in missed else "white"
        color, marker = (COLORS["input"], "o") if kind > 0 else (COLORS["kernel"], "s")
        plane.plot(x, y, marker, markersize=18, color=color, markeredgecolor=edge, markeredgewidth=3)
        plane.text(x, y, str(k), ha="center", va="center", color="black" if kind < 0 else "white")
    plane.set(xlim=(LOW, HIGH), ylim=(LOW, HIGH), aspect="equal", xlabel="x", ylabel="y")
    plane.set_title("blue yes, orange no, red edge wrong")
    log.plot(np.cumsum([0, *history]), color=COLORS["selected"])
    log.set(xlim=(0, max(20, len(history))), ylim=(0, max(10, sum(history))))
    log.set(xlabel="points shown", ylabel="mistakes so far", title="w = " + ", ".join(map(number, weights)))
    return drawing
