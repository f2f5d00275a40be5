"""The explorer of non-maximum suppression without a browser: its rounds, numbers, words, pictures, errors."""

import numpy as np
import pytest

from cvcourse import boxes as bx
from cvcourse.explorers import NMS
from cvcourse.explorers.nms import MOST, right_ones, rounds, standing

GREY = np.full((64, 64, 3), 128, "uint8")
THRESHOLDS = (0.0, 0.3, 0.5, 0.9, 1.0)


def heaps(seed, count=20):
    """Boxes around three places, with scores and two classes."""
    rng = np.random.default_rng(seed)
    centre = rng.choice([15.0, 32.0, 47.0], (count, 2)) + rng.normal(0, 3, (count, 2))
    half = rng.uniform(6, 12, (count, 2))
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    return boxes, rng.random(count), rng.integers(0, 2, count)


def explorer(seed=0, **settings):
    boxes, scores, labels = heaps(seed)
    truth = boxes[:3], labels[:3]
    return NMS(GREY, boxes, scores, labels, truth, classes=("cat", "dog"), **settings)


@pytest.mark.parametrize("score_threshold", THRESHOLDS)
@pytest.mark.parametrize("iou_threshold", THRESHOLDS)
def test_at_the_end_those_stay_that_boxes_lets_stay(score_threshold, iou_threshold):
    for seed in range(3):
        shown = explorer(seed, score_threshold=score_threshold, iou_threshold=iou_threshold, step=20)
        part = np.flatnonzero(np.array(shown.scores) >= score_threshold)
        numbers = (np.array(values)[part] for values in (shown.boxes, shown.scores, shown.labels))
        assert shown.kept() == part[bx.non_max_suppression(*numbers, iou_threshold)].tolist()


def test_every_box_is_kept_out_waiting_or_too_weak_and_each_round_settles_some():
    boxes, scores, labels = heaps(1)
    waited = len(boxes) + 1
    for step in range(len(rounds(boxes, scores, labels, 0.2, 0.4)) + 1):
        kept, out, waiting = standing(boxes, scores, labels, 0.2, 0.4, step)
        assert sorted([*kept, *out, *waiting]) == np.flatnonzero(scores >= 0.2).tolist()
        assert len(kept) == step and len(waiting) < waited
        waited = len(waiting)
    assert waited == 0


def test_right_boxes_are_those_that_average_precision_counts():
    for seed in range(20):
        boxes, scores, _ = heaps(seed, 12)
        truth = heaps(seed + 100, 5)[0]
        order = np.argsort(-scores)
        right = right_ones(boxes[order], [0] * 12, truth, [0] * 5)
        hits = np.cumsum(right)
        best = np.maximum.accumulate((hits / np.arange(1, 13))[::-1])[::-1]
        at = np.linspace(0, 1, 101)
        area = np.mean([max(best[hits / 5 >= recall], default=0) for recall in at])
        found = [(boxes, np.zeros(12, int), scores)]
        assert area == pytest.approx(bx.average_precision(found, [(truth, np.zeros(5, int))])[0])


def test_a_double_costs_precision_until_it_is_put_out():
    heap = [[0, 0, 10, 10], [1, 0, 11, 10], [30, 30, 40, 40]]
    truth = [heap[0], heap[2]], [0, 0]
    shown = NMS(GREY, heap, [0.9, 0.8, 0.7], truth=truth)
    assert shown.measures()["precision"] == pytest.approx(2 / 3) and shown.measures()["recall"] == 1
    shown.step = 1
    assert shown.measures() == {"drawn": 2, "kept": 1, "out": 1, "right": 2, "precision": 1, "recall": 1}
    shown.iou_threshold = 0.9
    assert shown.measures()["out"] == 0 and shown.measures()["precision"] < 1
    shown.score_threshold = 0.75
    assert shown.measures()["recall"] == 0.5


def test_a_box_of_another_class_puts_out_nothing():
    box, classes = [0, 0, 10, 10], ("cat", "dog")
    shown = NMS(GREY, [box, box], [0.9, 0.8], [0, 1], ([box], [1]), classes, step=2)
    assert shown.kept() == [0, 1]
    assert shown.measures()["right"] == 1 and shown.measures()["precision"] == 0.5


@pytest.mark.parametrize("score_threshold", [0, 1])
@pytest.mark.parametrize("iou_threshold", [0, 1])
@pytest.mark.parametrize("step", [0, 20])
def test_every_state_is_said_and_drawn(score_threshold, iou_threshold, step):
    shown = explorer(score_threshold=score_threshold, iou_threshold=iou_threshold, step=step)
    assert shown.description == shown.describe() in shown.figure().alt
    assert ("No box reaches" in shown.describe()) == (score_threshold == 1)
    assert "recall" in shown.describe()
    assert shown.figure().png()[:4] == b"\x89PNG"


def test_the_example_has_doubles_and_ends_well():
    shown = NMS()
    assert 8 <= len(shown.boxes) <= MOST and list(shown.scores) == sorted(shown.scores, reverse=True)
    before = shown.measures()
    shown.step = len(shown.boxes)
    after = shown.measures()
    assert before["precision"] < after["precision"] and before["recall"] == 1 and after["recall"] > 0.6
