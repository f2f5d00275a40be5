"""What the explorers compute in JavaScript is what Python computes: pure functions on a blank page."""

from pathlib import Path

import numpy as np
import pytest

from cvcourse import arithmetic, boxes, explorers
from cvcourse.explorers import (
    box_loss,
    convolution,
    freezing,
    mask,
    mask_loss,
    nms,
    normalization,
    optimizer_race,
    pooling,
)
from cvcourse.models.efficientnet import costs
from cvcourse.models.perceptron import perceptron_step
from cvcourse.training.cost import training_cost

RNG = np.random.default_rng(0)
IMAGE = RNG.random((7, 9)).round(2)
CORNERS = RNG.integers(0, 40, (12, 4)) / 2
BOXES = np.concatenate([CORNERS[:, :2], CORNERS[:, :2] + CORNERS[:, 2:]], axis=1)


@pytest.fixture(scope="module")
def js(chromium):
    """Call js("name", arguments …): what the function of `compute.js` returns."""
    page = chromium.new_page()
    text = (Path(explorers.__file__).parent / "compute.js").read_text(encoding="utf-8")
    page.set_content("<!doctype html><title>t</title>")
    page.add_script_tag(content=text)

    def call(name, *arguments):
        plain = [one.tolist() if hasattr(one, "tolist") else one for one in arguments]
        return page.evaluate(f"(given) => ({name})(...given)", plain)

    yield call
    page.close()


@pytest.mark.parametrize("strides", [0, 1, 2, 3])
@pytest.mark.parametrize("padding", [0, 2, "same"])
@pytest.mark.parametrize("size", [1, 3, 4])
def test_sizes_and_maps_of_a_convolution(js, size, padding, strides):
    kernel = RNG.normal(size=(size, size))
    vertical, horizontal = (js("axis", axis, size, strides, padding) for axis in IMAGE.shape)
    if not strides:
        assert vertical["output"] == 0
        return
    expected = convolution.convolve(IMAGE, [kernel], strides, padding)[..., 0]
    assert [vertical["output"], horizontal["output"]] == list(expected.shape)
    assert horizontal["dropped"] == arithmetic.dropped_pixels(9, size, strides, padding)
    maps = js("convolve", IMAGE, kernel, strides, vertical, horizontal)
    np.testing.assert_allclose(maps, expected, atol=1e-12)


@pytest.mark.parametrize("size", range(1, 6))
def test_kernels_cut_and_written(js, size):
    kernel = RNG.normal(size=(4, 4))
    assert js("resized", kernel, size) == convolution._resized(kernel, size)
    for value in (-1, 0, 0.25, 1 / 9, -1 / 49, 12, -2.5, size / 7):
        assert js("weightText", value) == convolution.weight(value)
    assert js("weightOf", "−1/4") == -0.25 and js("weightOf", "a") is None


@pytest.mark.parametrize("way", ["max", "average", "stride"])
@pytest.mark.parametrize(("size", "strides"), [(2, 2), (3, 1), (1, 4)])
def test_pooling_and_what_a_shift_moves(js, way, size, strides):
    after = pooling.shifted(IMAGE, 2)
    np.testing.assert_array_equal(js("shifted", IMAGE, 2), after)
    expected = pooling.pooled(IMAGE, way, size, strides)
    np.testing.assert_allclose(js("pooled", IMAGE, way, size, strides), expected)
    assert js("moved", IMAGE, after) == pytest.approx(pooling.moved(IMAGE, after))
    assert js("moved", after, after) == 0


def test_boxes_overlap_as_in_python(js):
    for one, other in zip(BOXES, BOXES[::-1], strict=True):
        got = js("overlaps", one, other)
        assert got["iou"] == pytest.approx(float(boxes.iou(one, other)))
        assert got["giou"] == pytest.approx(float(boxes.generalized_iou(one, other)))
        smooth = box_loss.measures(one, other)["smooth_l1"]
        assert js("smoothL1", one, other) == pytest.approx(smooth)
    away = js("(box, truth) => slope(smoothL1, box, truth)", [0, 0, 4, 4], [2, 0, 4.25, 4])
    np.testing.assert_allclose(away, [-0.25, 0, -0.0625, 0], atol=1e-9)


@pytest.mark.parametrize(("least", "most"), [(0, 0), (0.3, 0.1), (0.2, 0.9), (2, 0.5)])
def test_suppression_and_its_measures(js, least, most):
    order = {"boxes": BOXES.tolist(), "scores": np.sort(RNG.random(12))[::-1].tolist(), "labels": [0, 1] * 6}
    truth = {"true_boxes": BOXES[3:6].tolist(), "true_labels": [1, 0, 1]}
    rounds = js("roundsOf", {**order, "score_threshold": least, "iou_threshold": most})
    assert [(one["best"], one["rivals"]) for one in rounds] == nms.rounds(
        **order, score_threshold=least, iou_threshold=most
    )
    for step in range(len(rounds) + 1):
        fate = [one["name"] for one in js("fates", {**order, "step": step}, rounds)]
        kept, out, waiting = nms.standing(**order, score_threshold=least, iou_threshold=most, step=step)
        assert [[i for i, one in enumerate(fate) if one == name] for name in ("stays", "out", "waits")] == [
            sorted(kept),
            sorted(out),
            waiting,
        ]
        drawn = sorted(kept + waiting)
        right = nms.right_ones(BOXES[drawn].tolist(), [order["labels"][i] for i in drawn], **truth)
        assert js("rightOnes", drawn, {**order, **truth}) == sum(right)


@pytest.mark.parametrize(("found", "true"), [(0.3, 0.4), (0, 0.4), (0, 0), (1, 1)])
def test_masks_and_their_losses(js, found, true):
    one, other = (RNG.random((6, 8)) < part for part in (found, true))
    got, python = js("maskMeasures", (one & other).sum(), one.sum(), other.sum()), mask.measures(one, other)
    assert [got[name] for name in python] == list(python.values())
    counts = js("countPainted", one.ravel().astype(int), other.ravel().astype(int))
    got, python = js("paintedMeasures", counts, 0.9), mask_loss.measures(one, other, 0.9)
    python["iou_loss"] = 1 - python.pop("iou")
    assert got == pytest.approx(python)
    padded = np.pad(one, 1)
    grown = one | padded[2:, 1:-1] | padded[:-2, 1:-1] | padded[1:-1, 2:] | padded[1:-1, :-2]
    assert js("wider", one.ravel().astype(int), [6, 8]) == grown.ravel().astype(int).tolist()


def test_the_rule_of_the_perceptron(js):
    weights = np.zeros(3)
    for point in [(0, 1, 1), (1, 1, -1), (0, 0, 1), (0.5, -0.25, 1)] * 4:
        expected, mistake = perceptron_step(weights, np.array([*point[:2], 1.0]), point[2])
        assert js("mistaken", point, weights) == mistake
        assert js("corrected", point, weights) == (weights + point[2] * np.array([*point[:2], 1])).tolist()
        weights = expected


@pytest.mark.parametrize("surface", optimizer_race.SURFACES)
@pytest.mark.parametrize(("rate", "beta"), [(0.01, 0.9), (1.0, 0.0), (0.1, 0.99)])
def test_paths_of_optimisers(js, surface, rate, beta):
    for name, way in optimizer_race.paths(surface, rate, beta).items():
        found = js("path", name, surface, rate, beta)
        seen = 40 if rate == 1 else None  # where a path leaps to and fro, a last digit grows
        np.testing.assert_allclose(found[:seen], way[:seen], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("knobs", [(1, 1, 224), (0.5, 0.5, 96), (3.5, 2.5, 640), (0.9, 0.7, 101)])
def test_costs_of_efficientnet(js, knobs):
    got = js("efficientnetCosts", dict(zip(("depth", "width", "resolution"), knobs, strict=True)))
    params, macs, stages = costs(*knobs)
    assert (got["params"], got["macs"]) == (params, macs)
    assert got["stages"] == [list(stage) for stage in stages]


@pytest.mark.parametrize("norm", normalization.NORMS)
@pytest.mark.parametrize("batch", [1, 3])
def test_what_is_normalised_together(js, norm, batch):
    maps, now = RNG.normal(size=(3, 2, 2, 6)).astype("float32"), {"norm": norm, "groups": 3}
    expected = normalization.normalized(maps[:batch], norm, 3)
    flat = np.moveaxis(maps, 3, 1).ravel()
    found = js("(...given) => Array.from(normalized(...given))", flat, 6, 4, now, batch)
    found = np.moveaxis(np.reshape(found, (3, 6, 2, 2)), 1, 3)
    np.testing.assert_allclose(found[:batch], expected, atol=1e-5)
    assert not found[batch:].any()


@pytest.mark.parametrize("frozen", [[], ["a"], ["b"], ["a", "b"], ["a", "b", "c"]])
def test_the_cost_of_a_training_step(js, frozen):
    sizes = zip("abc", (10, 20, 30), (900, 500, 10), (4000, 2000, 100), strict=True)
    layers = [dict(zip(("name", "params", "macs", "kept"), one, strict=True)) for one in sizes]
    assert js("trainingCost", layers, frozen, 5) == training_cost(layers, frozen, 5)
    for numbers in ([], [1], [1, 2, 3, 5], list(range(1, 8)), list(range(1, 9)), [2, 8]):
        assert js("frozenWords", numbers, 8) == freezing.frozen_words(numbers, 8)
