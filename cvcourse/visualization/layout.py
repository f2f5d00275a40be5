"""Where the boxes of a diagram stand: rows, columns, and the ways of shortcuts.

Three rules place everything. Boxes that every path passes stand on one straight line, and what lies between
two of them stands side by side. A shortcut is a line on the left of the boxes that it passes. Where maps
shrink and grow again, the second half climbs beside the first, maps of one size at one height: a "U".
"""

from itertools import pairwise
from math import prod
from typing import Any

RADIUS, GAP, ARMS, LANE = 14, 26, 70, 22  # pixels


def arrange(page: Any, nodes: dict[str, dict]) -> dict[tuple[str, str], float]:
    """Give each box its place, its size and its direction; return {shortcut: x of its line}."""
    climbing = _climbing(nodes)
    for name, node in nodes.items():
        node["flow"] = 1 if name in climbing else -1
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
    lanes: dict[tuple[str, str], float] = {}
    edge = 0.0
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
