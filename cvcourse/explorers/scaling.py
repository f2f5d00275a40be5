"""Scaling: what EfficientNet costs when it becomes deeper, wider, or sees larger images."""

from cvcourse.explorers.base import Explorer, javascript
from cvcourse.explorers.controls import Data, Slider
from cvcourse.models.efficientnet import SCALES, costs
from cvcourse.visualization import COLORS, TEXT_COLORS, picture, style

# The paper's rule: depth 1.2^φ, width 1.1^φ, resolution 224 · 1.15^φ, so that d · w² · r² is about 2^φ.
RULE = (1.2, 1.1, 1.15)
# Top-1 on ImageNet in %, table 2 of the paper.
TOP1 = dict(zip(SCALES, (77.1, 79.1, 80.1, 81.6, 82.9, 83.6, 84.0, 84.3), strict=True))
MARKS = {name: costs(depth, width, size)[:2] for name, (width, depth, size) in SCALES.items()}


def single_curves():
    """Return {knob: [(parameters, multiply-adds) …]}: B0 with one knob turned from lowest to highest."""
    curves = {}
    for name in ("depth", "width", "resolution"):
        low, high, step = map(getattr(Scaling, name).metadata["control"].get, ("low", "high", "step"))
        values = [low + round((high - low) * i / 20 / step) * step for i in range(21)]
        curves[name] = [costs(**{name: value})[:2] for value in values]
    return curves


class Scaling(Explorer):
    """EfficientNet-B0 made deeper, wider or sharper; parameters and multiply-adds follow at once.

    Args:
        depth, width: float, factors of the blocks and of the filters of B0.
        resolution: int, height and width of the images in pixels.

    Attributes:
        params, macs: ints, the counts of the present network.

    Raises:
        ValueError: a factor outside of the sliders.

    Example:
        >>> explorer = Scaling(depth=1.1, resolution=240)
        >>> print(explorer.describe())
        23 blocks, images of 240 × 240: 7,856,239 parameters, 1.5 times B0; 0.69 billion multiply-adds, ...
    """

    _esm = javascript("compute.js", "scaling.js")

    depth = Slider("Depth", "d", low=0.5, high=3.5, step=0.1, default=1.0)
    width = Slider("Width", "w", low=0.5, high=2.5, step=0.1, default=1.0)
    resolution = Slider("Resolution", "r", low=96, high=640, step=4, default=224)
    fixed = Data()  # marks, curves, networks of the paper, its rule: never change

    def __init__(self, depth=1.0, width=1.0, resolution=224):
        fixed = {"marks": MARKS, "curves": single_curves(), "scales": SCALES, "rule": RULE}
        super().__init__(depth=depth, width=width, resolution=resolution, fixed=fixed)

    @property
    def params(self):
        return costs(**self.now())[0]

    @property
    def macs(self):
        return costs(**self.now())[1]


def describe(depth, width, resolution):
    """Return the state of a `Scaling` in words and numbers. Pure; arguments as its attributes."""
    params, macs, stages = costs(depth, width, resolution)
    blocks = sum(stage[1] for stage in stages[1:-1])
    words = (
        f"{blocks} blocks, images of {resolution} × {resolution}: {params:,} parameters, "
        f"{params / MARKS['B0'][0]:.1f} times B0; {macs / 1e9:.2f} billion multiply-adds, "
        f"{macs / MARKS['B0'][1]:.1f} times B0."
    )
    near = [name for name, scale in SCALES.items() if scale == (round(width, 3), round(depth, 3), resolution)]
    return f"{words} This is {near[0]}: {TOP1[near[0]]} % top-1 in the paper." if near else words


@style()
def figure(depth, width, resolution, description):
    """Return the state of a `Scaling` as a `Picture`. Pure; arguments as its attributes."""
    params, macs, stages = costs(depth, width, resolution)
    drawing, (work, plane) = picture(9.4, 3.8, f"Scaling. {description}", columns=2, width_ratios=(1, 1.3))
    rows = [f"{what}: {blocks} of {filters}, {side}²" for what, blocks, filters, side, _ in stages]
    work.barh(range(len(rows)), [100 * stage[-1] / macs for stage in stages], color=COLORS["kernel"])
    work.set_yticks(range(len(rows)), rows)
    work.invert_yaxis()
    work.set(xlabel="% of the multiply-adds")
    grey, blue = TEXT_COLORS["reference"], TEXT_COLORS["input"]
    for name, curve in single_curves().items():
        plane.loglog(*zip(*curve, strict=True), color=COLORS["reference"], linewidth=1)
        plane.annotate(f"{name} only", curve[-1], (4, 0), textcoords="offset points", color=grey, fontsize=9)
    plane.plot(*zip(*MARKS.values(), strict=True), "o", color=COLORS["input"])
    for name, mark in MARKS.items():
        plane.annotate(name, mark, (-6, 4), textcoords="offset points", color=blue, ha="right")
    plane.plot(params, macs, "D", color=COLORS["selected"], markersize=10)
    plane.set(xlabel="parameters", ylabel="multiply-adds for one image", xlim=(1e6, 2e8), ylim=(4e7, 2e11))
    return drawing
