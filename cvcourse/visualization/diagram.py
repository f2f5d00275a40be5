"""A network as a block diagram: boxes, branches, shortcuts, and round signs where branches meet.

Three rules place everything. Boxes that every path passes stand on one straight line, and what lies between
two of them stands side by side. A shortcut is a line on the left of the boxes that it passes. Where maps
shrink and grow again, the second half climbs beside the first, maps of one size at one height: a "U".
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import prod

import numpy as np
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from cvcourse.visualization.canvas import TEXT_COLORS, Page, Picture
from cvcourse.visualization.charts import check_rows
from cvcourse.visualization.checks import drawn
from cvcourse.visualization.network import _kind, _shade, _size

SIGNS = {  # type of layer: what stands in its circle, and the word beside it
    "Add": ("+", "sum"), "Subtract": ("−", "difference"), "Multiply": ("×", "product"),
    "Average": ("ø", "mean"), "Concatenate": ("‖", "concatenation"),
}  # fmt: skip
WORDS = {r"\bconv transpose": "transposed convolution", r"\bconv\b": "convolution", "relu": "ReLU",
         "normalization": "norm", "input layer": "input"}  # fmt: skip
THIN = ("Flatten", "Reshape", "ZeroPadding", "Dropout")  # left out where boxes are merged
MOST = 120  # boxes
RADIUS, GAP, ARMS, LANE, TRACK, CORNER = 14, 26, 70, 22, 8, 8  # pixels
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
    lanes = _arrange(page, nodes, names)
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


def _arrange(page, nodes, names):
    """Give each box its place, its size and its direction; return {shortcut: x of its line}."""
    climbing = _climbing(nodes)
    for name, node in nodes.items():
        node["lines"], node["flow"] = _lines(name, node, names), 1 if name in climbing else -1
    boxes = [node for node in nodes.values() if not node["sign"]]
    widest = max(page.measure(line, 10) for node in boxes for line in node["lines"]) / 2 + 12
    for node in nodes.values():
        label = page.measure("  ".join(node["lines"]), 9) if node["sign"] else 0
        node["half"], node["reach"] = (RADIUS, RADIUS + 8 + label) if node["sign"] else (widest, widest)
        node["high"] = RADIUS if node["sign"] else 7 + 8.5 * len(node["lines"])
    levels, y = _levels(nodes), 0
    for level in sorted(set(levels.values())):
        row = [node for name, node in nodes.items() if levels[name] == level]
        high = max(node["high"] for node in row) + 3
        for node in row:
            node |= {"y": y - high, "row": high}
        y -= 2 * high + GAP
    lanes, edge = {}, 0
    for arm in ([name for name in nodes if name not in climbing], list(climbing)):
        places, shortcuts, left, right = _columns(nodes, arm) if arm else ({}, {}, 0, 0)
        for name, x in places.items():
            nodes[name]["x"] = edge + left + x
        lanes |= {pair: edge + left + x for pair, x in shortcuts.items()}
        edge += left + right + ARMS
    return lanes


def _pixels(node):
    return prod(node["shape"][:-1]) if node["shape"] else 0  # 0: nobody knows


def _climbing(nodes):
    """The boxes from the first growth of the maps on, if they had shrunk before; a dict keeps their order."""
    largest, climbing = 0, {}
    for name, node in nodes.items():
        before = max((_pixels(nodes[source]) for source in node["inputs"]), default=0)
        if any(source in climbing for source in node["inputs"]) or 0 < before < min(largest, _pixels(node)):
            climbing[name] = True
        largest = max(largest, _pixels(node))
    return climbing


def _levels(nodes, level_skips=True):
    """{name: number of its row from above}: as close to what it feeds as can be."""
    rules, level = [], dict.fromkeys(nodes, 0)  # (above, below, rows between)
    for name, node in nodes.items():
        for source in node["inputs"]:
            across = nodes[source]["flow"] != node["flow"]
            if across and level_skips and _pixels(nodes[source]) == _pixels(node):
                rules += [(source, name, 0), (name, source, 0)]
            else:
                rules.append((name, source, 1) if across or node["flow"] > 0 else (source, name, 1))
    for _ in nodes:
        for above, below, gap in rules:
            level[below] = max(level[below], level[above] + gap)
    if any(level[below] < level[above] + gap for above, below, gap in rules):
        return _levels(nodes, level_skips=False)  # not every shortcut can be level
    for _ in nodes:
        room = {}
        for above, below, gap in rules:
            room[above] = min(room.get(above, len(nodes)), level[below] - gap)
        level |= room
    return level


def _columns(nodes, names):
    """{box: x}, {shortcut: x of its line}, and how far all this reaches to the left and to the right."""
    inside = {name: [source for source in nodes[name]["inputs"] if source in names] for name in names}
    trunk, exact = _trunk(inside)
    places, lanes = dict.fromkeys(trunk, 0), {}
    left, right = (max(nodes[name][key] for name in trunk) for key in ("half", "reach"))
    beside = max(nodes[name]["half"] for name in trunk) if exact else right
    parts = _parts(inside, [name for name in names if name not in places])
    for above, below in pairwise([None, *(trunk if exact else ()), None]):
        start = names.index(above) if above else -1
        stop = names.index(below) if below else len(names)
        region = [part for part in parts if start < names.index(part[0]) < stop]
        if region:
            order = [*(nodes[below]["inputs"] if below else ()), *names]
            region.sort(key=lambda part, order=order: min(map(order.index, part)))
            direct = above in inside.get(below, ())
            small = max(_pixels(nodes[name]) for name in region[0]) < _pixels(nodes[below or names[-1]])
            aside = not exact or (direct and len(region) == 1 and small)
            low, high = _side_by_side(nodes, region, beside if aside else None, places, lanes)
            if direct and not aside:
                low = lanes[above, below] = low - LANE
            left, right = max(left, -low), max(right, high)
    for before, name in pairwise(trunk):
        for source in set(inside[name]) & set(trunk) - {before}:
            left += LANE
            lanes.setdefault((source, name), -left)
    return places, lanes, left, right


def _side_by_side(nodes, parts, edge, places, lanes):
    """Add parts to `places` and `lanes`, right of `edge` or around the middle; return where they end."""
    lengths = {len(part) for part in parts}
    longest_first = len(parts) == len(lengths) == 2
    blocks = [_columns(nodes, part) for part in (sorted(parts, key=len)[::-1] if longest_first else parts)]
    low = -blocks[0][2] if edge is None else edge + LANE
    high = low + sum(left + right + LANE for *_, left, right in blocks) - LANE
    x = shift = -(low + high) / 2 if edge is None and not longest_first and len(parts) > 1 else 0
    x += low
    for inner, shortcuts, left, right in blocks:
        places |= {name: x + left + offset for name, offset in inner.items()}
        lanes |= {pair: x + left + offset for pair, offset in shortcuts.items()}
        x += left + right + LANE
    return low + shift, high + shift


def _trunk(inside):
    """The boxes that every path passes, and True; where there are none a longest path, and False."""
    ways_in, ways_out, longest = {}, {}, {}
    for name, sources in inside.items():
        ways_in[name] = sum(ways_in[source] for source in sources) or 1
        longest[name] = [*max((longest[source] for source in sources), key=len, default=[]), name]
    for name in reversed(inside):
        ways_out[name] = sum(ways_out[user] for user in ways_out if name in inside[user]) or 1
    total = sum(ways_in[name] for name in set(inside).difference(*inside.values()))
    trunk = [name for name in inside if ways_in[name] * ways_out[name] == total]
    return (trunk, True) if trunk else (max(longest.values(), key=len), False)


def _parts(inside, names):
    """The names in groups that hang together, each in its old order."""
    parts = []
    for name in names:
        touching = [part for part in parts if part.intersection(inside[name])]
        parts = [part for part in parts if part not in touching] + [{name}.union(*touching)]
    return [sorted(part, key=names.index) for part in parts]


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
