"""Curves and bars with their labels on them, and the costs of a network layer by layer."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike

from cvcourse.visualization.canvas import COLORS, TEXT_COLORS, Picture, picture
from cvcourse.visualization.checks import color, drawn, mapping
from cvcourse.visualization.images import _array

CYCLE = ("input", "kernel", "output", "selected", "statistics", "reference")
COSTS = {  # column of `plot_summary`: key of the rows, role of the colour, unit
    "parameters": ("params", "kernel", ""),
    "multiply-adds": ("macs", "reference", ""),
    "activations": ("activation_bytes", "output", "B"),
}


@drawn
def plot_curves(
    curves: Mapping[str, Any],
    xlabel: str,
    ylabel: str,
    x: ArrayLike | None = None,
    title: str | None = None,
    colors: Mapping[str, str] | None = None,
    ylim: Sequence[float] | None = None,
) -> Picture:
    """Return a picture of lines, each with its label at its end.

    Args:
        curves: {label: values}, or {label: (mean, spread)} to shade mean ± spread; (N,) arrays of floats.
        xlabel, ylabel: what is on the axes, with unit.
        x: (N,) array of positions; default: 1, 2, 3 … as epochs are counted.
        title: str, or None.
        colors: {label: role of `COLORS` or any colour}; default: the roles in turn.
        ylim: (low, high), or None to fit the data.

    Returns:
        Picture.

    Raises:
        ValueError: nothing to draw, NaN (draw a diverged training up to there), or lengths that differ.

    Example:
        >>> plot_curves({"max": [0.1, 0.3], "average": [0.2, 0.1]}, "epoch", "accuracy").alt
        'accuracy against epoch. max: from 0.1 to 0.3; average: from 0.2 to 0.1.'
    """
    lines = {str(label): _line(label, values) for label, values in curves.items()}
    story = "; ".join(f"{label}: from {m[0]:.3g} to {m[-1]:.3g}" for label, (m, _) in lines.items())
    figure, axes = picture(7.6, 3.8, f"{ylabel} against {xlabel}. {story}.")
    ends = []
    given = colors if isinstance(colors, dict | None) else mapping(colors, "colors")
    for i, (label, (mean, spread)) in enumerate(lines.items()):
        role = given.get(label) if given else None
        role = CYCLE[i % len(CYCLE)] if role is None else role
        ink, dots = color(role, "colors"), {"marker": "o", "markersize": 4} if len(mean) < 15 else {}
        places = np.arange(1, len(mean) + 1) if x is None else _array(x, "x", (1,), "(N,)")[: len(mean)]
        if len(places) != len(mean):
            raise ValueError(f"x must be as long as {label!r}, {len(mean)}. Received: {len(places)}")
        axes.plot(places, mean, color=ink, **dots)
        if spread.any():
            axes.fill_between(places, mean - spread, mean + spread, color=ink, alpha=0.2, linewidth=0)
        ends.append((mean[-1], places[-1], label, TEXT_COLORS.get(role, role)))
    axes.set(xlabel=xlabel, ylabel=ylabel, ylim=ylim)
    axes.set_title(title or "")
    axes.grid(axis="y")
    axes.xaxis.get_major_locator().set_params(integer=x is None or not np.any(np.mod(x, 1)))  # no half pixels
    _label_ends(axes, ends)
    return figure


@drawn
def plot_bars(
    values: Mapping[str, Any],
    xlabel: str,
    title: str | None = None,
    colors: str | Mapping[str, str] | None = None,
    form: str = "{:,.3g}",
) -> Picture:
    """Return a picture of horizontal bars, one below the other, each with its number.

    Args:
        values: {label: number}, or {label: (mean, spread)}; numbers from zero up or down.
        xlabel: what the numbers are, with unit.
        title: str, or None.
        colors: a role of `COLORS` or a colour for all bars, or {label: one}; default: output green.
        form: how a number is written, as in `str.format`.

    Returns:
        Picture.

    Raises:
        ValueError: nothing to draw, or NaN.

    Example:
        >>> plot_bars({"max": 0.91, "average": (0.9, 0.02)}, "accuracy").alt
        'accuracy. max: 0.91; average: 0.9 ± 0.02.'
    """
    mapping(values, "values", "bar")
    given = [isinstance(value, tuple) for value in values.values()]
    pairs = [value if told else (value, 0) for value, told in zip(values.values(), given, strict=True)]
    means, spreads = _array(pairs, "values", (2,), "of numbers or of (mean, spread)").T
    texts = [" ± ".join(map(form.format, pair[: 1 + told])) for pair, told in zip(pairs, given, strict=True)]
    texts = [text.replace("-", "−") for text in texts]
    alt = "; ".join(f"{label}: {text}" for label, text in zip(values, texts, strict=True))
    figure, axes = picture(7.6, 0.6 + 0.36 * len(values) + 0.3 * bool(title), f"{xlabel}. {alt}.")
    roles = [colors.get(label) if isinstance(colors, dict) else colors for label in values]
    inks = [color("output" if role is None else role, "colors") for role in roles]
    places = range(len(values))
    axes.barh(places, means, 0.7, color=inks)
    spread = np.where(given & (spreads >= 0), spreads, np.nan)  # a spread of 0 is a mark, none is nothing
    axes.errorbar(means, places, xerr=spread, fmt="none", ecolor="#222222", capsize=3, linewidth=1.2)
    for place, mean, spread, text in zip(places, means, spreads, texts, strict=True):
        side, align = (-1, "right") if mean < 0 else (1, "left")
        anchor = {"xytext": (5 * side, 0), "textcoords": "offset points", "ha": align, "va": "center"}
        axes.annotate(text, (mean + side * spread, place), annotation_clip=False, **anchor)
    axes.set_yticks(places, [str(label) for label in values])
    axes.set(xlabel=xlabel, xticks=[], ylim=(len(values) - 0.4, -0.6))
    axes.set_title(title or "")
    if means.min() < 0:  # room for numbers between the labels and the bars
        axes.set_xlim(left=axes.get_xlim()[0] - 0.15 * np.ptp(axes.get_xlim()))
    axes.axvline(0, color=COLORS["reference"], linewidth=0.8)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(axis="y", length=0, labelcolor="#222222")
    return figure


@drawn
def plot_summary(rows: Sequence[dict], title: str | None = None) -> Picture:
    """Return a picture of where the parameters, multiply-adds and memory of a network are, layer by layer.

    Args:
        rows: list of dicts as `summary.summarize(model).rows`, with name, output_shape, params, macs and
            activation_bytes.
        title: str, or None.

    Returns:
        Picture: three columns of bars that share the layers as their axis; the largest bars carry their
        number and their share of the total.

    Raises:
        ValueError: no rows, or a row without one of these keys.

    Example:
        >>> dense = {"name": "dense", "output_shape": (10,), "params": 650, "macs": 640,
        ...          "activation_bytes": 40}
        >>> print(plot_summary([dense]).alt.replace(". ", ".\\n"))
        Layers: 1.
        Of 650 parameters, dense has most: 100 %.
        Of 640 multiply-adds, dense has most: 100 %.
        Of 40 B activations, dense has most: 100 %.
    """
    check_rows(rows, ("name", "output_shape", "params", "macs", "activation_bytes"))
    names = [row["name"] for row in rows]
    shapes = [" × ".join(f"{size:,}" for size in row["output_shape"]) for row in rows]
    text = 0.35 + 0.088 * (max(map(len, names)) + max(map(len, shapes)))  # in 100 pixels
    ratios = [text, *[max(1.9, (9.4 - text) / 3)] * 3]
    height = 1.0 + 0.235 * len(rows) + 0.3 * bool(title)
    figure, columns = picture(sum(ratios), height, "Costs", columns=4, sharey=True, width_ratios=ratios)
    for i, (name, shape) in enumerate(zip(names, shapes, strict=True)):
        columns[0].text(0, i, name, va="center")
        columns[0].text(1, i, shape, va="center", ha="right", color=TEXT_COLORS["reference"])
    columns[0].axis("off")
    columns[0].set_ylim(len(rows) - 0.4, -0.6)
    alts = [_draw_cost(axes, rows, *cost) for axes, cost in zip(columns[1:], COSTS.items(), strict=True)]
    figure.suptitle(title or "", x=0.01, ha="left")
    figure.alt = f"Layers: {len(rows)}. {' '.join(alts)}"
    return figure


def _draw_cost(axes, rows, cost, source):
    """One column of `plot_summary`; returns it in words."""
    key, role, unit = source
    amounts = np.array([row[key] for row in rows], float)
    total, most = amounts.sum(), int(amounts.argmax())
    whole = _short(total, unit, 4) if unit else f"{total:,.0f}"
    shares = [f"{100 * amount / (total or 1):.0f} %" for amount in amounts]
    axes.barh(range(len(rows)), amounts, 0.72, color=COLORS[role])
    for i, amount in enumerate(amounts):
        if amount >= 0.04 * (total or 1):
            text = f"{_short(amount, unit)} · {shares[i]}"
            axes.annotate(text, (amount, i), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_title(f"{whole}\n{cost}", color=TEXT_COLORS[role])
    axes.set(xlim=(0, 1.85 * (amounts.max() or 1)), xticks=[])
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="y", length=0, labelleft=False)
    return f"Of {whole} {cost}, {rows[most]['name']} has most: {shares[most]}."


def _list_of(kind, value):
    return isinstance(value, list | tuple) and all(isinstance(one, kind) for one in value)


ROW: dict[str, Callable[[Any], bool]] = {  # what a key of a row must hold
    **dict.fromkeys(("name", "type", "formula"), lambda value: isinstance(value, str)),
    **dict.fromkeys(("params", "macs", "activation_bytes"), lambda n: isinstance(n, int) and 0 <= n < 1e100),
    "output_shape": partial(_list_of, int),
    "inputs": partial(_list_of, str),
}


def check_rows(rows: Any, keys: Sequence[str]) -> None:
    """Raise ValueError unless `rows` is a list of dicts with these keys, as `summary` makes them."""
    if not _list_of(dict, rows):
        kind = type(rows).__name__
        raise TypeError(f"rows must be a list of dicts, summarize(model).rows. Received: a {kind}")
    if not rows:
        raise ValueError("rows must hold at least one layer; take summarize(model).rows. Received: none")
    for i, row in enumerate(rows):
        missing = [key for key in keys if row.get(key) is None]
        shape = row.get("output_shape")
        if (isinstance(shape, list | tuple) and None in shape) or (missing and set(missing) <= row.keys()):
            raise ValueError(
                "rows must have known sizes and work: take summarize(model, (224, 224, 3)).rows, say. "
                f'Received: rows[{i}] named {row.get("name")!r} with "?"'
            )
        if missing:
            raise ValueError(f"rows must be summarize(model).rows. Received: rows[{i}] without {missing}")
        for key in keys:
            if not ROW[key](row[key]):
                wrong = f"rows[{i}][{key!r}]={row[key]!r}"
                raise TypeError(f"rows must be summarize(model).rows. Received: {wrong}")


def _line(label, values):
    """(mean, spread) of a curve; spread 0 where none is given."""
    if not (isinstance(values, tuple) and len(values) == 2 and np.ndim(values[0])):
        values = values, np.zeros(np.shape(values))
    mean, spread = (_array(part, f"curves[{label!r}]", (1,), "(N,) or (mean, spread)") for part in values)
    if len(mean) != len(spread):
        lengths = f"{len(mean)} and {len(spread)}"
        raise ValueError(f"curves[{label!r}] must have mean and spread of one length. Received: {lengths}")
    return mean, spread


def _label_ends(axes, ends):
    """Write each label beside the end of its line, pushed apart where ends are close."""
    low, high = axes.get_ylim()
    line = 0.07 * (high - low)  # the height of a line of text
    ends = sorted(ends)
    heights = [end for end, *_ in ends]
    for i in range(1, len(ends)):
        heights[i] = max(heights[i], heights[i - 1] + line)
    heights[-1] = min(heights[-1], max(high, ends[-1][0]))
    for i in reversed(range(len(ends) - 1)):
        heights[i] = min(heights[i], heights[i + 1] - line)
    for height, (_, place, label, ink) in zip(heights, ends, strict=True):
        offset = {"xytext": (7, 0), "textcoords": "offset points", "annotation_clip": False}
        text = axes.annotate(label, (place, height), color=ink, va="center", **offset)
        text.set_path_effects([withStroke(linewidth=4, foreground="white")])  # no grid line through a label


def _short(amount, unit="", digits=3):
    """A count with its prefix: 138 M, 4.1 kB."""
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= size:
            return f"{amount / size:.{digits}g} {prefix}{unit}"
    return f"{amount:.0f} {unit}".strip()
