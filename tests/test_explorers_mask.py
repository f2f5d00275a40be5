"""The explorer of masks and thresholds without a browser: its numbers, words, pictures and errors."""

import numpy as np
import pytest

from cvcourse.explorers import Mask
from cvcourse.explorers.mask import measures

NAMES = ("background", "cat", "dog")
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (2, 8, 12, 3)).astype("uint8")
SCORES = RNG.random((2, 8, 12, 3)) ** 3
PROBABILITIES = SCORES / SCORES.sum(axis=-1, keepdims=True)
MASKS = RNG.integers(0, 2, (2, 8, 12))  # no dog anywhere but in one corner
MASKS[1, 0, 0] = 2


def model(images):
    assert images.dtype == "float32" and images.max() <= 1
    return PROBABILITIES


def explorer(**changes):
    made = Mask(model, IMAGES, MASKS, NAMES)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize("threshold", [0.05, 0.2, 0.5, 0.95])
@pytest.mark.parametrize("chosen", [1, 2])
@pytest.mark.parametrize("picture", [0, 1])
def test_measures_are_those_of_plain_numpy(picture, chosen, threshold):
    shown = explorer(picture=picture, chosen=chosen, threshold=threshold)
    found = np.round(255 * PROBABILITIES[picture, ..., chosen]) / 255 >= threshold
    true = MASKS[picture] == chosen
    got, overlap = shown.measures(), np.sum(found & true)
    union = np.sum(found | true)
    assert got["pixels"] == found.sum()
    assert got["iou"] == (overlap / union if union else 1)
    assert got["dice"] == pytest.approx(2 * got["iou"] / (1 + got["iou"]))
    assert shown.description == shown.describe() in shown.figure().alt
    assert f"At threshold {threshold:.2f}, {found.sum()} pixel" in shown.description
    assert f"IoU {got['iou']:.2f}, Dice {got['dice']:.2f}." in shown.description


def test_words_tell_what_is_found_and_what_is_not_there():
    shown = explorer(chosen=1)
    assert f"of {np.sum(MASKS[0] == 1)} true ones are found" in shown.description
    shown.chosen = 2
    assert "called dog; the picture shows no dog: IoU 0.00" in shown.description
    shown.picture = 1
    assert "of 1 true ones" in shown.description


def test_a_higher_threshold_never_adds_pixels():
    shown, before = explorer(), np.inf
    for percent in range(5, 100, 5):
        shown.threshold = percent / 100
        assert shown.measures()["pixels"] <= before
        before = shown.measures()["pixels"]


def test_empty_and_full_masks_have_measures_and_pictures():
    assert measures([[0, 0]], [[0, 0]]) == {"iou": 1, "dice": 1, "pixels": 0}
    assert measures([[1, 1]], [[0, 0]]) == {"iou": 0, "dice": 0, "pixels": 2}
    sure = Mask(lambda x: np.stack([0 * x[..., 0], 0 * x[..., 0] + 1], axis=-1), IMAGES, 0 * MASKS)
    assert sure.classes == ["background", "class 1"]
    assert "96 pixels are called class 1; the picture shows no class 1" in sure.figure().alt


def test_the_default_is_the_unet_on_three_scenes():
    shown = Mask()
    assert np.shape(shown.probabilities) == (3, 64, 64, 4)
    assert shown.classes[shown.chosen] == "dog"  # the animal of the first scene
    assert shown.measures()["iou"] > 0.5
    assert "<p>At threshold 0.50" in shown._repr_mimebundle_()[0]["text/html"]
