"""Scaling: what EfficientNet costs when it becomes deeper, wider, or sees larger images."""

import math

from traitlets import Dict, Float, Int, validate

from cvcourse import arithmetic
from cvcourse.explorers.base import Explorer, javascript
from cvcourse.explorers.controls import whole
from cvcourse.models.efficientnet import EFFICIENTNET_B0, SCALES, scaled_blocks, scaled_filters
from cvcourse.visualization import COLORS, TEXT_COLORS, picture, style

# Lowest and highest value of each slider, and its step.
RANGES = {"depth": (0.5, 3.5, 0.1), "width": (0.5, 2.5, 0.1), "resolution": (96, 640, 4)}
# The paper's rule: depth 1.2^φ, width 1.1^φ, resolution 224 · 1.15^φ, so that d · w² · r² is about 2^φ.
RULE = (1.2, 1.1, 1.15)
# Top-1 on ImageNet in %, table 2 of the paper.
TOP1 = dict(zip(SCALES, (77.1, 79.1, 80.1, 81.6, 82.9, 83.6, 84.0, 84.3), strict=True))


def costs(depth=1.0, width=1.0, resolution=224, classes=1000):
    """Return (parameters, multiply-adds, stages) of an EfficientNet, by arithmetic from the table of B0.

    A stage is (what, blocks, filters, side of its maps in pixels, multiply-adds). The counts are those of
    `summarize(lambda: efficientnet(width, depth, resolution))`, about a thousand times as quickly.

    Example:
        >>> params, macs, stages = costs()
        >>> params, macs, stages[2]
        (5330571, 385814752, ('MBConv6 3×3', 2, 24, 56, 54945216))
    """
    side, channels = math.ceil(resolution / 2), scaled_filters(32, width)
    params = 7 + _normed(arithmetic.conv_params(3, 3, channels, False), channels)  # 7: statistics of RGB
    macs = arithmetic.conv_macs(side, side, 3, 3, channels)
    stages = [("conv 3×3", 1, channels, side, macs)]
    for expansion, filters, repeats, stride, size in EFFICIENTNET_B0:
        filters, blocks, before = scaled_filters(filters, width), scaled_blocks(repeats, depth), macs
        for block in range(blocks):
            more = _mbconv(side, channels, filters, 1 if block else stride, expansion, size)
            params, macs, side, channels = params + more[0], macs + more[1], more[2], filters
        stages.append((f"MBConv{expansion} {size}×{size}", blocks, filters, side, macs - before))
    top = scaled_filters(1280, width)
    params += _normed(arithmetic.conv_params(1, channels, top, False), top)
    params += arithmetic.dense_params(top, classes)
    work = arithmetic.conv_macs(side, side, 1, channels, top) + arithmetic.dense_macs(top, classes)
    return params, macs + work, [*stages, ("conv 1×1, dense", 1, top, side, work)]


def _normed(params, channels):
    """Parameters of a convolution together with those of its batch norm."""
    return params + sum(arithmetic.batch_norm_params(channels))


def _mbconv(side, channels, filters, stride, expansion, size):
    """(parameters, multiply-adds, side of the output) of one block."""
    inside, squeezed, out = expansion * channels, max(1, channels // 4), math.ceil(side / stride)
    params = macs = 0
    if expansion > 1:
        params += _normed(arithmetic.conv_params(1, channels, inside, False), inside)
        macs += arithmetic.conv_macs(side, side, 1, channels, inside)
    params += _normed(arithmetic.depthwise_conv_params(size, inside, use_bias=False), inside)
    params += arithmetic.conv_params(1, inside, squeezed) + arithmetic.conv_params(1, squeezed, inside)
    params += _normed(arithmetic.conv_params(1, inside, filters, False), filters)
    macs += arithmetic.depthwise_conv_macs(out, out, size, inside) + 2 * squeezed * inside
    return params, macs + arithmetic.conv_macs(out, out, 1, inside, filters), out


MARKS = {name: costs(depth, width, size)[:2] for name, (width, depth, size) in SCALES.items()}


def single_curves():
    """Return {knob: [(parameters, multiply-adds) …]}: B0 with one knob turned from lowest to highest."""
    curves = {}
    for name, (low, high, step) in RANGES.items():
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

    _esm = javascript("scaling.js")
    state = ("depth", "width", "resolution")

    depth = Float(1.0).tag(sync=True)
    width = Float(1.0).tag(sync=True)
    resolution = Int(224).tag(sync=True)
    network = Dict().tag(sync=True)  # what the browser draws
    fixed = Dict().tag(sync=True)  # marks, curves, ranges: never change

    def __init__(self, depth=1.0, width=1.0, resolution=224):
        fixed = {"marks": MARKS, "curves": single_curves(), "ranges": RANGES, "scales": SCALES, "rule": RULE}
        fixed["stages"] = costs()[2]
        super().__init__(depth=depth, width=width, resolution=resolution, fixed=fixed)
        self.observe(self._count, names=list(self.state))
        self._count()

    @validate("depth", "width")
    def _check_factor(self, proposal):
        name, value = proposal["trait"].name, proposal["value"]
        low, high, _ = RANGES[name]
        if not low <= value <= high:
            raise ValueError(f"{name} must be from {low} to {high} here. Received: {name}={value}.")
        return value

    @validate("resolution")
    def _check_resolution(self, proposal):
        return whole("resolution", proposal["value"], *RANGES["resolution"][:2])

    def _count(self, change=None):
        self.params, self.macs, stages = costs(self.depth, self.width, self.resolution)
        self.network = {"params": self.params, "macs": self.macs, "stages": stages}

    def figure(self):
        """Return the present state as a `Picture`: the network to scale, and its place among B0 to B7."""
        return figure(self.depth, self.width, self.resolution)

    def describe(self):
        """Return the present state in words and numbers."""
        return describe(self.depth, self.width, self.resolution)


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
def figure(depth, width, resolution):
    """Return the state of a `Scaling` as a `Picture`. Pure; arguments as its attributes."""
    params, macs, stages = costs(depth, width, resolution)
    words = describe(depth, width, resolution)
    drawing, (work, plane) = picture(9.4, 3.8, f"Scaling. {words}", columns=2, width_ratios=(1, 1.3))
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
