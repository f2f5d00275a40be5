"""Boxes: the numbers by hand, against counted pixels and COCO's own tool, and at the edges."""

import contextlib
import io

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


def heap(rng, k):
    corners = rng.integers(0, 9, (k, 2)) * 1.0
    return np.concatenate([corners, corners + rng.integers(4, 9, (k, 2))], axis=1), rng.integers(0, 3, k)


@pytest.mark.parametrize("seed", range(5))
def test_suppression_keeps_its_promises(seed):
    rng = np.random.default_rng(seed)
    (found, labels), scores = heap(rng, 30), rng.random(30).round(1)
    kept = boxes.non_max_suppression(found, scores, labels, 0.4)
    assert (np.diff(scores[kept]) <= 0).all()
    rivals = (boxes.iou(found[:, None], found) > 0.4) & (labels[:, None] == labels)
    assert rivals[np.ix_(kept, kept)].sum() == len(kept)  # each with itself only
    for i in set(range(30)) - set(kept):  # whoever went had a better one against it
        assert scores[kept][rivals[i, kept]].max() >= scores[i]
    one_class = boxes.non_max_suppression(found, scores, threshold=0.4)
    assert list(one_class) == list(boxes.non_max_suppression(found, scores, np.zeros(30), 0.4))


def test_suppression_of_nothing_is_nothing():
    assert len(boxes.non_max_suppression(np.zeros((0, 4)), [], [])) == 0


def coco_says(found, truth, threshold):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def records(pictures):
        rows = []
        for n, picture in enumerate(pictures):
            for (x1, y1, x2, y2), label, *score in zip(*picture, strict=True):
                size = {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1), "iscrowd": 0}
                known = {"image_id": n, "category_id": int(label), "id": len(rows) + 1}
                rows.append(known | size | ({"score": float(score[0])} if score else {}))
        return rows

    coco = COCO()
    coco.dataset = {
        "images": [{"id": n} for n in range(len(truth))],
        "categories": [{"id": k} for k in range(3)],
        "annotations": records(truth),
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(records(found)), "bbox")
        judge.params.iouThrs = np.array([threshold])
        judge.evaluate()
        judge.accumulate()
    return judge.eval["precision"][0, :, :, 0, -1].mean(axis=0)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.75])
def test_average_precision_is_cocos(seed, threshold):
    rng = np.random.default_rng(seed)
    truth = [heap(rng, rng.integers(0, 5)) for _ in range(20)]
    found = []
    for known, labels in truth:  # true boxes pushed about, some of them twice, and false ones
        more, kinds = heap(rng, rng.integers(0, 4))
        near = np.concatenate([known + rng.normal(0, 0.5, known.shape), known, more])
        near = np.concatenate([near[:, :2], np.maximum(near[:, 2:], near[:, :2])], axis=1)
        found.append((near, np.concatenate([labels, labels, kinds]), rng.random(len(near))))
    ours = boxes.average_precision(found, truth, threshold)
    theirs = coco_says(found, truth, threshold)
    assert sorted(ours) == [0, 1, 2]
    np.testing.assert_allclose([ours[k] for k in range(3)], theirs, atol=1e-9)
    assert 0 < min(ours.values()) < max(ours.values()) < 1


def test_average_precision_by_hand():
    truth = [([[0, 0, 2, 2], [4, 4, 6, 6]], [0, 1])]
    assert boxes.average_precision([([], [], [])], truth) == {0: 0, 1: 0}
    assert boxes.average_precision([(*truth[0], [0.5, 0.4])], truth) == {0: 1, 1: 1}
    swapped = [(truth[0][0], [1, 0], [0.5, 0.4])]
    assert boxes.average_precision(swapped, truth) == {0: 0, 1: 0}
    with pytest.raises(ValueError, match=r"found, truth must be of one length. Received: 2 found, 1 truth"):
        boxes.average_precision(swapped * 2, truth)
    with pytest.raises(ValueError, match="Received: 1 boxes, 2 scores, 1 labels"):
        boxes.non_max_suppression([[0, 0, 1, 1]], [0.2, 0.1], [0])
