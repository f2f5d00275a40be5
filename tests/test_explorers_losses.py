"""The box and mask explorers without a browser: their numbers, words, pictures and errors."""

import keras
import numpy as np
import pytest

from cvcourse import boxes
from cvcourse.explorers import BoxLoss, MaskLoss
from cvcourse.explorers.mask_loss import measures


def test_box_measures_are_those_of_boxes_and_keras():
    huber = keras.losses.Huber(delta=1, reduction=None)
    explorer = BoxLoss()
    for box in ([0, 0, 64, 64], [0, 0, 1, 1], [16.3, 20, 46, 48], [40, 2, 63.5, 60]):
        explorer.box = box
        got = explorer.measures()
        assert got["iou"] == boxes.iou(box, explorer.true_box)
        assert got["generalized_iou"] == boxes.generalized_iou(box, explorer.true_box)
        expected = huber(np.array([explorer.true_box]), np.array([box]))
        assert got["smooth_l1"] == pytest.approx(float(expected[0]), rel=1e-5)
        assert explorer.description == explorer.describe() in explorer.figure().alt
        assert f"IoU {got['iou']:.2f}" in explorer.description


def test_box_words_tell_the_three_cases_apart():
    explorer = BoxLoss(box=[0, 0, 5, 5])
    assert "No overlap" in explorer.describe() and "is empty" in explorer.describe()
    explorer.box = explorer.true_box
    assert "is the true box" in explorer.describe() and "empty" not in explorer.describe()
    assert "Smooth L1 0.00" in explorer.describe()


def test_mask_measures_are_those_of_keras():
    explorer = MaskLoss(scene="near", sure=0.8)
    mask = np.random.default_rng(0).random((64, 64)) < 0.3
    explorer.mask = mask.astype(int).tolist()
    got, truth = explorer.measures(), np.array(explorer.truth, "float32")
    probability = np.where(mask, 0.8, 0.2).astype("float32")
    entropy = keras.losses.BinaryCrossentropy()(truth[..., None], probability[..., None])
    assert got["cross_entropy"] == pytest.approx(float(entropy), rel=1e-5)
    assert got["dice_loss"] == pytest.approx(float(keras.losses.Dice()(truth, probability)), abs=1e-5)
    iou = keras.metrics.BinaryIoU(target_class_ids=[1])(truth, mask)
    assert got["iou"] == pytest.approx(float(iou), rel=1e-5)
    assert got["accuracy"] == np.mean(mask == truth)
    assert explorer.description in explorer.figure().alt


@pytest.mark.parametrize(("scene", "low", "high"), [("near", 0.2, 0.3), ("far", 0.009, 0.011)])
@pytest.mark.parametrize("sure", [0.5, 0.99])
def test_nothing_everything_and_the_truth(scene, low, high, sure):
    explorer = MaskLoss(scene=scene, sure=sure)
    assert low < np.mean(explorer.truth) < high
    nothing = explorer.measures()
    assert nothing["iou"] == 0 and nothing["accuracy"] == 1 - np.mean(explorer.truth)
    explorer.mask = np.ones((64, 64), int).tolist()
    assert explorer.measures()["iou"] == pytest.approx(np.mean(explorer.truth))
    explorer.mask = explorer.truth
    assert explorer.measures()["cross_entropy"] == pytest.approx(-np.log(sure))
    assert "missed 0, false alarms 0" in explorer.describe()


def test_at_one_per_cent_only_the_dice_loss_objects_to_nothing():
    got = MaskLoss(scene="far", sure=0.99).measures()
    assert got["cross_entropy"] < 0.1 and got["accuracy"] > 0.98
    assert got["dice_loss"] > 0.9


def test_an_empty_scene_divides_nothing_by_nothing():
    assert measures([[0]], [[0]], 0.9)["iou"] == 1
    assert measures([[0]], [[0]], 0.9)["dice_loss"] == 1


def test_your_own_scene():
    image, truth = np.zeros((4, 6, 3), "uint8"), np.eye(4, 6)
    assert MaskLoss(image, truth).scene == "yours"
    assert "4 of 24 pixels" in MaskLoss(image, truth).describe()
    assert BoxLoss(image, [0, 0, 2, 2]).box == [1.5, 1, 4.5, 3]
