"""Boxes: the numbers by hand, against counted pixels, and at the edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvcourse import boxes

SIDE = 12


@st.composite
def whole_boxes(draw):
    x1, y1 = draw(st.integers(0, SIDE - 1)), draw(st.integers(0, SIDE - 1))
    return x1, y1, draw(st.integers(x1, SIDE)), draw(st.integers(y1, SIDE))


def pixels(box):
    covered = np.zeros((SIDE, SIDE), bool)
    covered[box[1] : box[3], box[0] : box[2]] = True
    return covered


@given(whole_boxes(), whole_boxes())
def test_areas_and_iou_are_those_of_counted_pixels(one, other):
    a, b = pixels(one), pixels(other)
    assert boxes.area(one) == a.sum()
    union = (a | b).sum()
    assert boxes.iou(one, other) == pytest.approx((a & b).sum() / union if union else 0)


@given(whole_boxes(), whole_boxes())
def test_generalized_iou_keeps_its_promises(one, other):
    plain, general = boxes.iou(one, other), boxes.generalized_iou(one, other)
    assert -1 <= general <= plain <= 1
    assert general == pytest.approx(boxes.generalized_iou(other, one))
    if boxes.area(one):
        assert boxes.generalized_iou(one, one) == 1
    moved = np.add(other, [5 * SIDE, 0, 5 * SIDE, 0])  # far away: no overlap left to see
    assert boxes.iou(one, moved) == 0
    further = np.add(moved, [SIDE, 0, SIDE, 0])
    if boxes.area(one) and boxes.area(other):
        assert boxes.generalized_iou(one, further) < boxes.generalized_iou(one, moved) < 0


def test_one_inside_the_other_has_its_iou():
    assert boxes.generalized_iou([0, 0, 4, 4], [1, 1, 3, 3]) == boxes.iou([0, 0, 4, 4], [1, 1, 3, 3]) == 0.25


def test_boxes_broadcast_and_keep_their_type():
    some, others = np.zeros((3, 4), "float32"), np.ones((5, 4), "float32")
    some[:, 2:] = 2
    for function in (boxes.iou, boxes.generalized_iou):
        table = function(some[:, None], others)
        assert table.shape == (3, 5)
        assert table.dtype == np.float32
        assert function(some, others[0]).shape == (3,)
        assert function(some[0], others[0]).shape == ()
        assert function(np.zeros((0, 1, 4)), others).shape == (0, 5)
        assert not np.isnan(function(others, others)).any()  # boxes without area
    assert boxes.area(np.zeros((2, 3, 4), "int64")).shape == (2, 3)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (boxes.area, ([1, 2, 3],), r"boxes must have the shape \(…, 4\).*Received: shape \(3,\)"),
        (boxes.area, ([5, 0, 2, 1],), r"boxes must be.*x1 ≤ x2.*Received: \[5.0, 0.0, 2.0, 1.0\]"),
        (boxes.area, ("four",), "boxes must hold numbers"),
        (boxes.iou, ([0, 0, 1, 1], [[0, 0, 1]]), "others must have the shape"),
        (boxes.iou, ([0, 0, 1, 1], [0, 3, 1, 1]), "others must be"),
        (boxes.generalized_iou, (np.zeros((2, 4)), np.zeros((3, 4))), r"broadcast.*\(2, 4\) and \(3, 4\)"),
    ],
)
def test_bad_arguments_are_explained(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(*arguments)
