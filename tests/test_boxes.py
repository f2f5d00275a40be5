"""Boxes: the numbers by hand, against counted pixels and COCO's own tool, and at the edges."""

import contextlib
import io
import tracemalloc

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
        (boxes.area, ([0, 0, np.nan, 1],), "boxes must be finite.*Received: 1 NaN"),
        (boxes.iou, ([0, 0, 1, 1], [[0, 0, 1]]), "others must have the shape"),
        (boxes.iou, ([0, 0, 1, 1], [0, 3, 1, 1]), "others must be"),
        (boxes.generalized_iou, (np.zeros((2, 4)), np.zeros((3, 4))), r"broadcast.*\(2, 4\) and \(3, 4\)"),
        (boxes.mask_iou, (np.zeros((1, 2, 3)), np.zeros((1, 3, 2))), r"one height and width.*\(1, 3, 2\)"),
        (boxes.anchors, (4, 0, [8]), "must be greater than 0.*Received: stride=0"),
        (boxes.anchors, (4, 8, []), "sizes must be a non-empty array"),
        (boxes.anchors, (0, 8, [8]), "grid must be a whole number from 1 to 10000. Received: grid=0"),
        (boxes.match, ([[0, 0, 1, 1]], [[0, 0, 1, 1]], 0.3, 0.5), "Received: positive=0.3, negative=0.5"),
        (boxes.encode, ([0, 0, 0, 1], [0, 0, 1, 1]), "boxes must have a width.*Received: .0.0, 0.0"),
        (boxes.decode, ([0, 0, 0], [0, 0, 1, 1]), r"offsets must have.*Received: shape \(3,\)"),
        (boxes.decode, ([0, 0, np.nan, 0], [0, 0, 1, 1]), "offsets must be finite"),
        (boxes.decode, ([0, 0, 800, 0], [0, 0, 1, 1]), "offsets must have logarithms"),
        (boxes.non_max_suppression, ([[0, 0, 1, 1]], [[0.5]]), r"scores must be.*\(K,\).*shape=\(1, 1\)"),
        (boxes.non_max_suppression, ([[0, 0, 1, 1]], [np.nan]), "scores must not be NaN. Received: 1 NaN"),
        (boxes.average_precision, ([([[0, 0, 1, 1]], [0], [np.nan])], [([], [])]), "scores must not be NaN"),
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


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "uint64", "bool", "float16"])
def test_scores_of_every_type_order_rightly(dtype):
    apart = np.arange(40).reshape(2, 20).T[..., None] * [10, 0] + [0, 0]
    apart = np.concatenate([apart[:, 0], apart[:, 0] + 5], axis=1)
    scores = np.arange(20).astype(dtype)
    kept = boxes.non_max_suppression(apart, scores)
    assert list(kept) == sorted(range(20), key=lambda i: -int(scores[i]))
    truth = [([[0, 0, 9, 9]], [0])]
    found = [([[0, 0, 9, 9], [50, 50, 59, 59]], [0, 0], np.array([1, 0], dtype))]
    assert boxes.average_precision(found, truth) == {0: 1}
    assert boxes.area(np.array([[0, 0, 9, 9]], dtype)).dtype.kind == "f"


def test_suppression_of_many_boxes_needs_little_memory():
    corners = np.random.default_rng(0).random((25_200, 2)) * 600
    many = np.concatenate([corners, corners + 200], axis=1)
    tracemalloc.start()
    kept = boxes.non_max_suppression(many, np.linspace(0, 1, len(many)))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 20e6 and 20 < len(kept) < 500  # all pairs at once: 66 GB


def test_anchors_cover_the_picture_with_every_size_and_ratio():
    found = boxes.anchors(4, 16, sizes=[10, 20], ratios=[0.5, 1, 2])
    assert found.shape == (4 * 4 * 6, 4) and found.dtype == np.float32
    width, height = (found[:, 2:] - found[:, :2]).T
    np.testing.assert_allclose(boxes.area(found), np.tile(np.repeat([100, 400], 3), 16), rtol=1e-5)
    np.testing.assert_allclose(width / height, np.tile([0.5, 1, 2], 32), rtol=1e-5)
    centre = (found[:, :2] + found[:, 2:]) / 2
    row_by_row = [[8 + 16 * column, 8 + 16 * row] for row in range(4) for column in range(4)]
    np.testing.assert_allclose(centre[::6], row_by_row, rtol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_each_box_gets_an_anchor_and_each_anchor_its_best_box(seed):
    rng = np.random.default_rng(seed)
    known, _ = heap(rng, 4)
    places = boxes.anchors(6, 3, sizes=[4, 7])
    found = boxes.match(places, known, 0.5, 0.4)
    assert set(range(4)) <= set(found)
    fits = boxes.iou(places[:, None], known)
    forced = [n for n in np.flatnonzero(found >= 0) if fits[n].max() < 0.5 or fits[n].argmax() != found[n]]
    assert len(forced) <= 4
    assert (fits[found == -1] < 0.4).all()
    between = fits[found == -2].max(axis=1)
    assert ((between >= 0.4) & (between < 0.5)).all()


def test_two_boxes_that_want_one_anchor_get_two():
    same = [[0, 0, 10, 10], [0, 0, 10, 10]]
    assert sorted(boxes.match([[0, 0, 10, 10], [5, 5, 15, 15]], same)) == [0, 1]
    assert list(boxes.match([[0, 0, 10, 10]], np.zeros((0, 4)))) == [-1]


@pytest.mark.parametrize("seed", range(3))
def test_decode_undoes_encode_at_every_size(seed):
    rng = np.random.default_rng(seed)
    (known, _), (places, _) = heap(rng, 7), heap(rng, 5)
    offsets = boxes.encode(known[:, None], places)
    assert offsets.shape == (7, 5, 4)
    again = np.broadcast_to(known[:, None], (7, 5, 4))
    np.testing.assert_allclose(boxes.decode(offsets, places), again, atol=1e-12)
    np.testing.assert_allclose(boxes.encode(9 * known[:, None], 9 * places), offsets, atol=1e-12)


@given(whole_boxes(), whole_boxes())
def test_mask_iou_of_filled_boxes_is_their_iou(one, other):
    found = boxes.mask_iou([pixels(one)], [pixels(other), pixels(one)])
    np.testing.assert_allclose(found, boxes.iou(np.array([one])[:, None], np.array([other, one])))


def coco_says(found, truth, threshold, kind="bbox"):
    from pycocotools import mask as masks
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def shape(box_or_mask):
        if kind == "segm":
            code = masks.encode(np.asfortranarray(box_or_mask.astype("uint8")))
            return {"segmentation": code, "area": int(box_or_mask.sum())}
        x1, y1, x2, y2 = box_or_mask
        return {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)}

    def examples(pictures):
        rows = []
        for n, picture in enumerate(pictures):
            for box_or_mask, label, *score in zip(*picture, strict=True):
                size = shape(box_or_mask) | {"iscrowd": 0}
                known = {"image_id": n, "category_id": int(label), "id": len(rows) + 1}
                rows.append(known | size | ({"score": float(score[0])} if score else {}))
        return rows

    coco = COCO()
    coco.dataset = {
        "images": [{"id": n, "height": SIDE, "width": SIDE} for n in range(len(truth))],
        "categories": [{"id": k} for k in range(3)],
        "annotations": examples(truth),
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(examples(found)), kind)
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


@pytest.mark.parametrize("seed", range(3))
def test_average_precision_of_masks_is_cocos(seed):
    rng = np.random.default_rng(seed)

    def drawn(k):
        corners, labels = heap(rng, k)
        filled = [pixels(box) for box in corners.clip(0, SIDE).astype(int)]
        return np.array(filled, bool).reshape(k, SIDE, SIDE), labels

    truth = [drawn(rng.integers(0, 4)) for _ in range(20)]
    found = []
    for known, labels in truth:  # true masks with holes, and false ones
        more, kinds = drawn(rng.integers(0, 3))
        holed = known & (rng.random(known.shape) > rng.random((len(known), 1, 1)))
        both, names = np.concatenate([holed, more]), np.concatenate([labels, kinds])
        found.append((both, names, rng.random(len(both))))
    ours = boxes.average_precision(found, truth, 0.5, boxes.mask_iou)
    np.testing.assert_allclose([ours[k] for k in range(3)], coco_says(found, truth, 0.5, "segm"), atol=1e-9)
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
