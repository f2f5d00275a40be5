"""Diagrams of networks: boxes lie apart, and the lines between them are those of the graph."""

import re
import sys
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from cvcourse import visualization

sys.path.insert(0, str(Path(__file__).parent))
from pictures import DIAGRAMS, RESIDUAL, rows_of


def arrows(figure):
    """{(from, to): corners of the line on the page} of a diagram."""
    lines = [p for p in figure.axes[0].patches if isinstance(p, FancyArrowPatch)]
    return {tuple(p.get_gid().split(" → ")): p._path_original.vertices for p in lines}


def places(figure):
    """{name: (left, bottom, right, top)} of the boxes and circles of a diagram."""
    shapes = [p for p in figure.axes[0].patches if isinstance(p, (FancyBboxPatch, Circle))]
    return {p.get_gid(): p.get_path().get_extents(p.get_patch_transform()).extents for p in shapes}


def apart(a, b):
    """Whether two rectangles (left, bottom, right, top) have no point in common."""
    return a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]


@pytest.mark.parametrize("name", DIAGRAMS)
def test_a_diagram_of_each_layer_has_the_lines_of_the_graph(name):
    rows = rows_of(name)
    figure = visualization.plot_diagram(rows, merge=False)
    assert set(arrows(figure)) == {(source, row["name"]) for row in rows for source in row["inputs"]}
    told = dict(re.findall(r"(\S+) \([^)]*\) from ([^;]*)[;.]", figure.alt))
    found = {(source, name) for name, text in told.items() for source in text.split(" and ")}
    assert found == set(arrows(figure))


@pytest.mark.parametrize("name", DIAGRAMS)
def test_merging_keeps_who_reaches_whom(name):
    """Each branch and meeting is still there: circles with as many lines in, and nothing without a line."""
    rows = rows_of(name)
    lines = arrows(visualization.plot_diagram(rows))
    meeting = {row["name"]: len(row["inputs"]) for row in rows if len(row["inputs"]) > 1}
    assert {name: sum(end == name for _, end in lines) for name in meeting} == meeting
    merged = set(places(visualization.plot_diagram(rows)))
    assert merged == {name for line in lines for name in line}
    assert not any(row["type"] == "BatchNormalization" and row["name"] in merged for row in rows)


@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize("name", DIAGRAMS)
def test_boxes_lie_apart_and_lines_run_between_them(name, merge):
    figure = visualization.plot_diagram(rows_of(name), merge=merge)
    boxes = places(figure)
    for a, b in combinations(boxes, 2):
        assert apart(boxes[a], boxes[b]), (a, b)
    for ends, corners in arrows(figure).items():
        for one, other in pairwise(corners):
            stroke = (*np.minimum(one, other), *np.maximum(one, other))
            for name in set(boxes) - set(ends):
                assert apart(stroke, boxes[name]), (ends, name)


def test_the_main_line_is_straight_and_a_shortcut_runs_beside_it():
    figure = visualization.plot_diagram(rows_of("residual block"))
    middles = {(box[0] + box[2]) / 2 for box in places(figure).values()}
    assert max(middles) - min(middles) < 1e-6
    shortcut = arrows(figure)["image", "b_add"]
    assert shortcut[:, 0].min() < min(box[0] for box in places(figure).values()) - 10


def test_a_unet_is_a_u():
    figure = visualization.plot_diagram(rows_of("U-Net"))
    boxes = places(figure)
    middle = {name: ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for name, box in boxes.items()}
    for level in (1, 2):
        corners = arrows(figure)[f"down{level}_conv1", f"up{level}_skip"]
        assert len(corners) == 2 and np.ptp(corners[:, 1]) < 1e-6  # level, and one stroke
    assert middle["down1_conv1"][1] > middle["down2_conv1"][1] > middle["bottom_conv1"][1]
    assert middle["up1_conv1"][1] > middle["up2_conv1"][1] > middle["bottom_conv1"][1]
    assert middle["down1_conv1"][0] == middle["bottom_conv1"][0] < middle["up1_conv1"][0]


def test_branches_stand_in_the_order_in_which_they_are_concatenated():
    boxes = places(visualization.plot_diagram(rows_of("inception block")))
    left = [boxes[f"3a_{name}"][0] for name in ("1x1", "3x3", "5x5", "pool_proj")]
    assert left == sorted(left) and len(set(left)) == 4


def test_a_diagram_in_words():
    assert visualization.plot_diagram(RESIDUAL).alt == (
        "A network as a diagram: image (input, 8 × 8 × 4); "
        "conv1 (3 × 3 convolution, batch norm, ReLU, 8 × 8 × 4) from image; "
        "conv2 (3 × 3 convolution, batch norm, 8 × 8 × 4) from conv1; "
        "total (sum, 8 × 8 × 4) from image and conv2; relu2 (ReLU, 8 × 8 × 4) from total."
    )
    assert "norm2 (before this part); total (sum" in visualization.plot_diagram(RESIDUAL[6:]).alt
    unet = visualization.plot_diagram(rows_of("U-Net")).alt
    assert "3 × 3 convolution, twice, batch norm, ReLU, 16 × 16 × 32" in unet


def test_any_network_can_be_drawn():
    keras = pytest.importorskip("keras")
    from cvcourse.summary import summarize

    for name in ("NASNetMobile", "InceptionV3", "DenseNet121"):
        rows = summarize(lambda name=name: getattr(keras.applications, name)(weights=None)).rows
        boxes = places(visualization.plot_diagram(rows[:90])).values()
        assert all(apart(a, b) for a, b in combinations(boxes, 2)), name
