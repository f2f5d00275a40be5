"""The scaling explorer without a browser: its counts are Keras's, its words, its picture, its errors."""

import pytest

from cvcourse.explorers import Scaling
from cvcourse.explorers.scaling import MARKS, single_curves
from cvcourse.models.efficientnet import SCALES, costs, efficientnet
from cvcourse.summary import summarize


@pytest.mark.parametrize(
    ("depth", "width", "resolution"),
    [(1.0, 1.0, 224), (1.4, 1.2, 300), (0.5, 0.5, 96), (3.5, 0.7, 100), (0.9, 2.5, 636)],
)
def test_arithmetic_counts_what_keras_builds(depth, width, resolution):
    summary = summarize(lambda: efficientnet(width, depth, resolution))
    params, macs, stages = costs(depth, width, resolution)
    assert (params, macs) == (summary.total_params, summary.macs)
    assert sum(stage[-1] for stage in stages) == macs
    blocks = {row["name"][:7] for row in summary.rows if row["name"].endswith("project_conv")}
    assert sum(stage[1] for stage in stages[1:-1]) == len(blocks)


@pytest.mark.parametrize("name", SCALES)
def test_a_mark_of_the_paper_is_recognised(name):
    width, depth, resolution = SCALES[name]
    words = Scaling(depth, width, resolution).describe()
    assert f"This is {name}:" in words
    assert f"{MARKS[name][0]:,} parameters" in words


def test_state_words_and_network_follow_each_other():
    explorer = Scaling()
    explorer.resolution = 448
    assert explorer.params == MARKS["B0"][0]
    assert 3.9 < explorer.macs / MARKS["B0"][1] < 4.1
    assert "448 × 448" in explorer.description
    assert "This is" not in explorer.description


def test_resolution_alone_leaves_the_parameters():
    assert len({params for params, _ in single_curves()["resolution"]}) == 1
    assert single_curves()["depth"][0][0] < MARKS["B0"][0] < single_curves()["depth"][-1][0]
