"""A network as a block diagram: boxes, branches, shortcuts, and round signs where branches meet."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from cvcourse.visualization.canvas import TEXT_COLORS, Page, Picture
from cvcourse.visualization.charts import check_rows
from cvcourse.visualization.checks import drawn
from cvcourse.visualization.layout import RADIUS, arrange
from cvcourse.visualization.network import _kind, _shade, _size

SIGNS = {  # type of layer: what stands in its circle, and the word beside it
    "Add": ("+", "sum"), "Subtract": ("−", "difference"), "Multiply": ("×", "product"),
    "Average": ("ø", "mean"), "Concatenate": ("‖", "concatenation"),
}  # fmt: skip
WORDS = {r"\bconv transpose": "transposed convolution", r"\bconv\b": "convolution", "relu": "ReLU",
         "normalization": "norm", "input layer": "input"}  # fmt: skip
THIN = ("Flatten", "Reshape", "ZeroPadding", "Dropout")  # left out where boxes are merged
MOST = 120  # boxes
TRACK, CORNER = 8, 8  # pixels
INK = "#555555"


@drawn
def plot_diagram(
    rows: Sequence[dict], title: str | None = None, merge: bool = True, names: bool = False
) -> Picture:
    """Return a picture of how the layers of a network hang together.

    Args:
        rows: list of dicts as `summary.summarize(model).rows`, with name, type, formula, output_shape, params
            and inputs; of a part of them, `rows[5:20]`, that part is drawn, and what feeds it by its name.
            A sum written as `x + y` has no row: both lead to the next layer. `keras.layers.Add` has one.
        title: str, or None.
        merge: bool; True draws a convolution (or dense layer) with the normalisation and activation behind it
            as one box, equal boxes in a row as one, and leaves out flatten, reshape, padding and dropout.
        names: bool, with the name of the first layer of each box.

    Returns:
        Picture; its alternative text tells for each box what it is and what feeds it.

    Raises:
        ValueError: no rows, a row without one of these keys, a layer of which nobody knows what feeds it (in
            a model written as a class), or too many boxes.

    Example:
        >>> keys = "name", "type", "formula", "output_shape", "params", "inputs"
        >>> image = dict(zip(keys, ("image", "InputLayer", "", (8, 8, 4), 0, [])))
        >>> conv = dict(zip(keys, ("conv", "Conv2D", "3·3·4·4 + 4", (8, 8, 4), 148, ["image"])))
        >>> total = dict(zip(keys, ("total", "Add", "", (8, 8, 4), 0, ["conv", "image"])))
        >>> print(plot_diagram([image, conv, total]).alt.replace("; ", ";\\n"))
        A network as a diagram: image (input, 8 × 8 × 4);
        conv (3 × 3 convolution, 8 × 8 × 4) from image;
        total (sum, 8 × 8 × 4) from conv and image.
    """
    check_rows(rows, ("name", "type", "formula", "output_shape", "params", "inputs"))
    nodes = _nodes(rows, merge)
    if len(nodes) > MOST:
        advice = f"at most {MOST} boxes; draw a part: rows[:60]"
        raise ValueError(f"rows must make {advice}. Received: {len(nodes)}")
    page = Page()
    for name, node in nodes.items():
        node["lines"] = _lines(name, node, names)
    lanes = arrange(page, nodes)
    words = []
    for name, node in nodes.items():
        _draw_node(page, name, node)
        for source in node["inputs"]:
            _draw_line(page, f"{source} → {name}", _route(nodes[source], node, lanes.get((source, name))))
        told = ", ".join(_lines(name, node, False)[node["shape"] is None :])
        words.append(f"{name} ({told})" + " from " * bool(node["inputs"]) + " and ".join(node["inputs"]))
    page.figure.alt = f"A network as a diagram: {'; '.join(words)}."
    return page.trim(title)


def _nodes(rows, merge):
    """{name: box}, each box after those that feed it."""
    nodes, drawn_by, known = {}, {}, {row["name"] for row in rows}
    users = Counter(source for row in rows for source in row["inputs"])
    for row in rows:
        name, kind = row["name"], _kind(row)
        if not row["inputs"] and kind[0] != "input":
            hint = "each layer; a model written as a class does not tell: write it with keras.Input"
            raise ValueError(f"rows must say what feeds {hint}. Received: {name!r} without inputs")
        for source in row["inputs"]:
            if source not in known and source not in nodes:  # rows of a part: what comes from outside
                nodes[source] = _node("before this part", source, None, [], _kind({"type": "Input"}))
                drawn_by[source] = source
        # A layer that is called again later on is drawn once, with the inputs of its first call.
        sources = list(dict.fromkeys(drawn_by[source] for source in row["inputs"] if source in drawn_by))
        words = SIGNS.get(row["type"], ["", _type_in_words(row)])[1]
        drawn_by[name] = sources[0] if merge and len(sources) == 1 else name
        before = nodes.get(drawn_by[name])  # the box that may take this layer in
        if before and row["type"].startswith(THIN) and kind[0] == "other":
            continue
        if before and users[before["end"]] == 1 and before["end"] in row["inputs"] and _follows(row, before):
            before["extra"].append(words)
            before["end"] = name
        else:
            drawn_by[name] = name
            sign = SIGNS.get(row["type"], [""])[0]
            nodes[name] = _node(words, name, row["output_shape"], sources, kind, sign)
    return _repeats(nodes) if merge else nodes


def _follows(row, node):
    """Whether a layer is the normalisation or activation of a box."""
    minor = _kind(row)[0] in ("normalization", "other") and row["type"] not in SIGNS
    return minor and row["output_shape"] == node["shape"] and node["kind"][0] in ("convolution", "dense")


def _node(words, name, shape, sources, kind, sign=""):
    return {"words": words, "end": name, "shape": shape, "inputs": sources, "kind": kind, "sign": sign,
            "extra": [], "times": 1}  # fmt: skip


def _repeats(nodes):
    """Make one box of equal convolutions that follow each other."""
    users = Counter(source for node in nodes.values() for source in node["inputs"])
    kept, drawn_by = {}, {}
    for name, node in nodes.items():
        alone = len(node["inputs"]) == 1 and users[node["inputs"][0]] == 1
        node["inputs"] = [drawn_by[source] for source in node["inputs"]]
        first = kept[node["inputs"][0]] if alone and node["kind"][0] == "convolution" else {}
        alike = all(first.get(key) == node[key] for key in ("words", "extra", "shape"))
        drawn_by[name] = node["inputs"][0] if alike else name
        if alike:
            first["times"] += 1
        else:
            kept[name] = node
    return kept


def _type_in_words(row):
    """The kind of a layer, with its kernel: "3 × 3 depthwise convolution"."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", re.sub(r"\dD", "", row["type"])).lower()
    for pattern, word in WORDS.items():
        words = re.sub(pattern, word, words)
    kernel = re.match(r"(\d+)·(\d+)·\d+·\d+", row["formula"]) if "Conv" in row["type"] else None
    return f"{kernel[1]} × {kernel[2]} {words}" if kernel else words


def _lines(name, node, names):
    """What stands in a box."""
    times = {1: "", 2: ", twice"}.get(node["times"], f", {node['times']} times")
    lines = [name] if names or node["shape"] is None else []
    lines += [node["words"] + times, ", ".join(node["extra"]), _size(node["shape"] or ())]
    return [line for line in lines if line]


def _draw_node(page, name, node):
    x, y, half, high = (node[key] for key in ("x", "y", "half", "high"))
    look = {"gid": name, "linewidth": 1.5, "zorder": 2}
    page.taken.append((x - half, y - high, x + half, y + high))
    if node["sign"]:
        page.axes.add_patch(Circle((x, y), RADIUS, facecolor="white", edgecolor=INK, **look))
        size = 11 if node["sign"] == "‖" else 15
        page.axes.text(x, y, node["sign"], fontsize=size, ha="center", va="center_baseline")
        page.write(x + RADIUS + 4, y - 7, "  ".join(node["lines"]), TEXT_COLORS["reference"], 9, va="top")
        return
    look |= {"facecolor": _shade(node["kind"], 0.82), "edgecolor": _shade(node["kind"], -0.05)}
    rounded = "round,pad=0,rounding_size=6"
    page.axes.add_patch(FancyBboxPatch((x - half, y - high), 2 * half, 2 * high, boxstyle=rounded, **look))
    for i, line in enumerate(node["lines"]):
        color, size = ("#222222", 10) if i == 0 else (INK, 9)
        page.write(x, y + 8.5 * (len(node["lines"]) - 1 - 2 * i), line, color, size, ha="center", va="center")


def _route(source, target, lane):
    """The corners of the line between two boxes."""
    x, y, flow, to_x, to_y = source["x"], source["y"], source["flow"], target["x"], target["y"]
    start, end = y + flow * source["high"], to_y - target["flow"] * target["high"]
    turn = y + flow * (source["row"] + TRACK)
    side = to_x + (target["half"] if x > to_x else -target["half"])
    if flow != target["flow"]:
        start = x + source["half"], y
        return [start, (side, y)] if y == to_y else [start, (to_x, y), (to_x, end)]
    if lane is not None:
        return [(x, start), (x, turn), (lane, turn), (lane, to_y), (to_x - target["half"], to_y)]
    if x == to_x:
        return [(x, start), (x, end)]
    if target["sign"]:
        return [(x, start), (x, to_y), (side, to_y)]
    if len(target["inputs"]) > 1:
        turn = to_y - flow * (target["row"] + TRACK)
    return [(x, start), (x, turn), (to_x, turn), (to_x, end)]


def _draw_line(page, name, corners):
    """An arrow along the corners, which are rounded."""
    corners = np.array(corners)
    points, codes = [corners[0]], [Path.MOVETO]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        back, on = (step * min(0.5, CORNER / abs(step).max()) for step in (before - corner, after - corner))
        points += [corner + back, corner, corner + on]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    path = Path([*points, corners[-1]], [*codes, Path.LINETO])
    look = {"arrowstyle": "-|>,head_length=6,head_width=3", "mutation_scale": 1, "shrinkA": 0, "shrinkB": 0}
    page.axes.add_patch(FancyArrowPatch(path=path, color=INK, linewidth=1.5, zorder=1, gid=name, **look))
    page.taken.append((*(corners.min(axis=0) - 2), *(corners.max(axis=0) + 2)))
