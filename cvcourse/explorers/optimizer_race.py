"""Optimizer race: four optimisers start at one point of a surface; who arrives, and who flies off?"""

import numpy as np

from cvcourse.explorers.base import Explorer, javascript
from cvcourse.explorers.controls import Choice, Slider
from cvcourse.visualization import COLORS, picture, style

STEPS = 150
FAR = 1e3  # further out than this an optimiser counts as diverged
RATES = tuple(float(f"{10 ** (k / 4):.2g}") for k in range(-12, 1))  # 0.001 to 1
MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)
OPTIMIZERS = {"SGD": "selected", "momentum": "input", "RMSprop": "kernel", "Adam": "output"}

# Surface: (height, slope, start, (left, right, bottom, top) of the picture, lowest height).
SURFACES = {
    "ravine": (
        lambda x, y: 0.05 * x**2 + 1.5 * y**2, lambda x, y: (0.1 * x, 3 * y),
        (-4.0, 2.0), (-6, 6, -4, 4), 0.0),
    "saddle": (
        lambda x, y: x**2 / 2 - y**2 / 2 + y**4 / 16, lambda x, y: (x, y**3 / 4 - y),
        (-4.0, 0.01), (-6, 6, -4, 4), -1.0),
    "bent valley": (
        lambda x, y: 0.1 * ((1 - x) ** 2 + 5 * (y - x**2) ** 2),
        lambda x, y: (0.1 * (-2 * (1 - x) - 20 * x * (y - x**2)), (y - x**2)),
        (-1.5, 2.0), (-3, 3, -1, 3), 0.0),
}  # fmt: skip


class OptimizerRace(Explorer):
    """Paths of four optimisers on a surface, with one learning rate and one momentum for all.

    The momentum is that of "momentum" and Adam's β₁; the other two have none. All else is as in Keras.

    Args:
        surface: "ravine", "saddle" or "bent valley".
        rate: int, 0–12, place of the learning rate in `RATES` (0.001 to 1).
        momentum: int, 0–5, place of the momentum in `MOMENTA` (0 to 0.99).
        step: int, 0–150, how many steps are shown.

    Raises:
        ValueError: an argument is none of these.

    Example:
        >>> explorer = OptimizerRace(rate=12)
        >>> print(explorer.describe())
        Ravine, learning rate 1, momentum 0.9, after 150 steps. Height above the lowest point: ...

    Source: Kingma and Ba, "Adam" (2015); the bent valley is Rosenbrock's (1960), made less steep.
    """

    _esm = javascript("compute.js", "optimizer_race.js")

    surface = Choice("Surface", tuple(SURFACES))
    rate = Slider("Learning rate", stops=[f"{rate:g}" for rate in RATES], default=8)
    momentum = Slider("Momentum", role="input", stops=[f"{momentum:g}" for momentum in MOMENTA], default=3)
    step = Slider("Steps", role="reference", high=STEPS, default=STEPS)

    def __init__(self, surface="ravine", rate=8, momentum=3, step=STEPS):
        super().__init__(surface=surface, rate=rate, momentum=momentum, step=step)

    def paths(self):
        """Return {optimiser: array (steps + 1, 2)}; after a divergence the path ends early."""
        return paths(self.surface, RATES[self.rate], MOMENTA[self.momentum])


def paths(surface, rate, beta, steps=STEPS):
    """Return {optimiser: array (n, 2)} of the points on the way, the start first; n ≤ steps + 1.

    A path that leaves the circle of radius 1,000 ends there: it has diverged.
    """
    _, slope, start, *_ = SURFACES[surface]
    found = {}
    for name in OPTIMIZERS:
        point, first, second = np.array(start), np.zeros(2), np.zeros(2)
        way = [point]
        for t in range(1, steps + 1):
            gradient = np.array(slope(*point))
            move, first, second = _step(name, gradient, first, second, t, rate, beta)
            point = point + move
            way.append(point)
            if not np.abs(point).max() < FAR:
                break
        found[name] = np.array(way)
    return found


def _step(name, gradient, first, second, t, rate, beta):
    """Return (move, first, second): how far the weights move, and what the optimiser remembers."""
    rho, beta_2, tiny = 0.9, 0.999, 1e-7  # as Keras has them
    if name == "SGD":
        return -rate * gradient, first, second
    if name == "momentum":
        first = beta * first - rate * gradient
        return first, first, second
    if name == "RMSprop":
        second = rho * second + (1 - rho) * gradient**2
        return -rate * gradient / np.sqrt(second + tiny), first, second
    first = beta * first + (1 - beta) * gradient
    second = beta_2 * second + (1 - beta_2) * gradient**2
    factor = rate * np.sqrt(1 - beta_2**t) / (1 - beta**t)
    return -factor * first / (np.sqrt(second) + tiny), first, second


def heights(surface, way):
    """Return the height above the lowest point of the surface at each point of a path, (n,)."""
    height, *_, lowest = SURFACES[surface]
    return height(*np.asarray(way).T) - lowest


def written(height):
    """Return a height with three digits; what is below a millionth only as such.

    Example:
        >>> written(0.00004631), written(1e-9)
        ('0.0000463', 'below 0.000001')
    """
    if height < 1e-6:
        return "below 0.000001"
    return np.format_float_positional(height, precision=3, fractional=False, trim="-")


def describe(surface, rate, momentum, step):
    """Return the state of an `OptimizerRace` in words and numbers. Pure; arguments as its attributes."""
    results = []
    for name, way in paths(surface, RATES[rate], MOMENTA[momentum]).items():
        gone = len(way) <= STEPS or np.abs(way[-1]).max() >= FAR
        if gone and step >= len(way) - 1:
            results.append(f"{name} diverged at step {len(way) - 1}")
        else:
            results.append(f"{name} {written(heights(surface, way)[min(step, len(way) - 1)])}")
    settings = f"learning rate {RATES[rate]:g}, momentum {MOMENTA[momentum]:g}, after {step} steps"
    return f"{surface.capitalize()}, {settings}. Height above the lowest point: {'; '.join(results)}."


@style()
def figure(surface, rate, momentum, step):
    """Return the state of an `OptimizerRace` as a `Picture`. Pure; arguments as its attributes."""
    height, _, start, (left, right, bottom, top), lowest = SURFACES[surface]
    drawing, axes = picture(7.6, 4.6, f"Race. {describe(surface, rate, momentum, step)}")
    x, y = np.meshgrid(np.linspace(left, right, 120), np.linspace(bottom, top, 80))
    axes.contour(x, y, np.log(height(x, y) - lowest + 0.02), 14, colors="#bbbbbb", linewidths=0.8)
    for name, way in paths(surface, RATES[rate], MOMENTA[momentum]).items():
        seen = way[: step + 1]
        axes.plot(*seen.T, color=COLORS[OPTIMIZERS[name]], label=name)
        axes.plot(*seen[-1], "o", color=COLORS[OPTIMIZERS[name]])
    axes.plot(*start, "s", color="#222222")
    axes.set(xlim=(left, right), ylim=(bottom, top), xlabel="first weight", ylabel="second weight")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return drawing
