"""Mask R-CNN in small: each part against plain numpy, one training step, and its shipped weights."""

import keras
import numpy as np
import pytest

from cvcourse import backend, boxes, pretrained, training
from cvcourse.datasets import scenes
from cvcourse.models import instances, mask_rcnn, mask_rcnn_loss, proposals
from cvcourse.models.roi_align import roi_align
from experiments import tasks


@pytest.fixture(scope="module")
def some():
    return scenes(4, 64, seed=501, objects=(1, 3))


@pytest.fixture(scope="module")
def targets(some):
    return mask_rcnn_loss.targets(some)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return mask_rcnn.mask_rcnn()


def random_boxes(rng, *shape, size=64):
    corner, side = rng.uniform(0, size / 2, (*shape, 2)), rng.uniform(2, size / 2, (*shape, 2))
    return np.concatenate([corner, corner + side], axis=-1).astype("float32")


def bilinear(grid, y, x):
    """The value between four cells, each counted by the area of the rectangle opposite to it."""
    height, width = grid.shape[:2]
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = min(int(y), height - 2), min(int(x), width - 2)
    v, u = y - top, x - left
    upper = grid[top, left] * (1 - u) + grid[top, left + 1] * u
    lower = grid[top + 1, left] * (1 - u) + grid[top + 1, left + 1] * u
    return upper * (1 - v) + lower * v


def roi_align_loop(grid, box, size, stride, samples):
    """RoIAlign as the paper's figure 3 tells it: bin by bin, point by point."""
    x1, y1, x2, y2 = np.asarray(box, float) / stride
    out = np.zeros((size, size, grid.shape[-1]))
    for i in range(size):
        for j in range(size):
            for a in range(samples):
                for b in range(samples):
                    y = y1 + (y2 - y1) * (i + (a + 0.5) / samples) / size
                    x = x1 + (x2 - x1) * (j + (b + 0.5) / samples) / size
                    out[i, j] += bilinear(grid, y - 0.5, x - 0.5) / samples**2
    return out


@pytest.mark.parametrize(("size", "stride", "samples"), [(2, 1, 1), (7, 4, 2), (3, 8, 3)])
def test_roi_align_is_the_loop(size, stride, samples):
    rng = np.random.default_rng(size)
    maps = rng.standard_normal((2, 9, 11, 3)).astype("float32")
    regions = random_boxes(rng, 2, 4, size=8 * stride)
    regions[0, 0] = [-5, -3, 12 * stride, 10 * stride]  # reaches over the border
    got = np.asarray(roi_align(maps, regions, size, stride, samples))
    assert got.shape == (2, 4, size, size, 3)
    for n in range(2):
        for r in range(4):
            expected = roi_align_loop(maps[n], regions[n, r], size, stride, samples)
            np.testing.assert_allclose(got[n, r], expected, atol=1e-4)


def test_roi_align_is_exact_on_a_ramp_and_rounding_is_not():
    stride, size = 4, 5
    middle = (np.arange(16) + 0.5) * stride
    maps = np.stack(np.meshgrid(middle, middle), axis=-1)[None]  # each cell holds its own x and y
    box = np.array([9.3, 14.9, 41.7, 55.2])
    at = (np.arange(size) + 0.5) / size
    x, y = box[0] + at * (box[2] - box[0]), box[1] + at * (box[3] - box[1])
    expected = np.stack(np.meshgrid(x, y), axis=-1)
    np.testing.assert_allclose(roi_align(maps, box[None, None], size, stride)[0, 0], expected, atol=1e-4)
    rounded = np.round(box / stride) * stride
    assert np.abs(np.asarray(roi_align(maps, rounded[None, None], size, stride))[0, 0] - expected).max() > 1


def test_gradients_flow_through_roi_align():
    maps = keras.ops.convert_to_tensor(np.random.default_rng(0).random((1, 6, 6, 1)), "float32")
    place = keras.ops.convert_to_tensor([[[1.0, 1, 3, 3]]])
    weight = np.arange(4.0).reshape(1, 1, 2, 2, 1).astype("float32")

    def value(maps):
        return keras.ops.sum(weight * roi_align(maps, place, 2)), maps

    slope = np.asarray(backend.gradient(value, maps)[0])[0, ..., 0]
    by_hand = np.zeros((6, 6))  # what the value gains if one cell holds 1
    for i, j in np.ndindex(6, 6):
        one = np.zeros((6, 6, 1))
        one[i, j] = 1
        by_hand[i, j] = (weight[0, 0] * roi_align_loop(one, [1, 1, 3, 3], 2, 1, 2)).sum()
    np.testing.assert_allclose(slope, by_hand, atol=1e-5)
    assert (slope > 0).sum() > 4 and slope[5].sum() == 0


def test_boxes_in_the_network_are_those_of_numpy():
    rng = np.random.default_rng(0)
    some, others = random_boxes(rng, 2, 5), random_boxes(rng, 2, 5)
    offsets = proposals.encode(some, others)
    np.testing.assert_allclose(offsets, boxes.encode(some, others), atol=1e-4)
    np.testing.assert_allclose(proposals.decode(offsets, others), some, atol=1e-3)
    np.testing.assert_allclose(
        proposals.iou(some, others), boxes.iou(some[:, :, None], others[:, None]), atol=1e-5
    )


def test_proposals_are_the_best_of_each_heap():
    fixed = np.array([[0, 0, 20, 20], [1, 0, 21, 20], [30, 30, 50, 50], [0, 40, 20, 60]], "float32")
    objectness = np.array([[1.0, 3, 2, -1]], "float32")
    found, scores = proposals.propose(fixed, objectness, np.zeros((1, 4, 4), "float32"), 3, 64, candidates=4)
    np.testing.assert_allclose(np.asarray(found)[0], fixed[[1, 2, 3]])
    np.testing.assert_allclose(np.asarray(scores)[0], 1 / (1 + np.exp([-3, -2, 1])), rtol=1e-5)


def test_offsets_of_the_truth_propose_the_truth(some, targets):
    fixed = proposals.anchors(64)
    match = targets["matches"]
    true = np.take_along_axis(some.boxes, np.maximum(match, 0)[..., None], axis=1)
    true[match < 0] = np.broadcast_to(fixed, true.shape)[match < 0]
    offsets = boxes.encode(true, fixed).astype("float32")
    found, _ = proposals.propose(fixed, np.where(match >= 0, 9.0, -9.0).astype("float32"), offsets, 12, 64)
    for scene, guess in zip(some, np.asarray(found), strict=True):
        assert boxes.iou(scene.boxes[:, None], guess).max(axis=1) == pytest.approx(1, abs=1e-3)


def test_proposal_loss_is_the_formula(targets):
    rng = np.random.default_rng(0)
    fixed, match = proposals.anchors(64), targets["matches"]
    logits = rng.standard_normal(match.shape).astype("float32")
    offsets = rng.standard_normal((*match.shape, 4)).astype("float32")
    probability = 1 / (1 + np.exp(-logits.astype(float)))
    objects, picture = match >= 0, np.nonzero(match >= 0)[0]
    expected = (-np.log(probability[objects]).mean() - np.log(1 - probability[match == -1]).mean()) / 2
    true = targets["boxes"][picture, match[objects]]
    away = np.abs(boxes.encode(true, np.broadcast_to(fixed, offsets.shape)[objects]) - offsets[objects])
    expected += np.where(away < 1, away**2 / 2, away - 0.5).sum(axis=1).mean()
    got = mask_rcnn_loss.proposal_loss(targets, fixed, logits, offsets)
    assert float(got) == pytest.approx(expected, rel=1e-4)


class Fixed:
    """In place of a network: heads that answer with fixed numbers."""

    def __init__(self, rng, pictures, regions):
        self.logits = rng.standard_normal((pictures, regions, 4)).astype("float32")
        self.change = rng.standard_normal((pictures, regions, 4)).astype("float32")
        self.all_masks = rng.standard_normal((pictures, regions, 28, 28, 3)).astype("float32")
        self.mask_loss = mask_rcnn_loss.cross_entropy

    def heads(self, fine, rois):
        return self.logits, self.change

    def masks(self, fine, rois, labels):
        self.asked = np.asarray(rois), np.asarray(labels)
        return mask_rcnn_loss.chosen(self.all_masks[:, : rois.shape[1]], labels)


def test_head_losses_are_the_formula(some, targets):
    rng = np.random.default_rng(1)
    # True boxes, moved a little and a lot.
    rois = np.concatenate(
        [some.boxes + rng.uniform(-2, 2, some.boxes.shape), random_boxes(rng, 4, 5)], axis=1
    )
    rois = rois.clip(0, 64).astype("float32")
    rois[..., 2:] = np.maximum(rois[..., 2:], rois[..., :2])
    heads = Fixed(rng, *rois.shape[:2])
    got = mask_rcnn_loss.head_losses(heads, None, rois, targets)
    classes, corrections, pixels = [], [], []
    for n, scene in enumerate(some):
        fits = boxes.iou(rois[n][:, None], scene.boxes)
        for r, (fit, k) in enumerate(zip(fits.max(axis=1), fits.argmax(axis=1), strict=True)):
            kind = scene.box_labels[k] + 1 if fit >= 0.5 else 0
            logits = heads.logits[n, r].astype(float)
            classes.append(np.log(np.exp(logits).sum()) - logits[kind])
            if kind:
                wanted = boxes.encode(scene.boxes[k], rois[n, r]) / mask_rcnn_loss.DEVIATION
                away = np.abs(wanted - heads.change[n, r])
                corrections.append(np.where(away < 1, away**2 / 2, away - 0.5).sum())
        best = np.argsort(-fits.max(axis=1), kind="stable")[:3]
        for place, r in enumerate(best):
            if fits[r].max() < 0.5:
                continue
            k = fits[r].argmax()
            np.testing.assert_allclose(heads.asked[0][n, place], rois[n, r])
            assert heads.asked[1][n, place] == scene.box_labels[k]
            mask = roi_align_loop(scene.instance_masks[k][..., None].astype(float), rois[n, r], 28, 1, 2)
            logits = heads.all_masks[n, place, ..., scene.box_labels[k]].astype(float)
            guess = 1 / (1 + np.exp(-logits))
            truth = mask[..., 0] >= 0.5 - 1e-6
            pixels.append(-np.where(truth, np.log(guess), np.log(1 - guess)).mean())
    assert len(corrections) < len(classes) and len(pixels) >= len(some)
    assert float(got["class"]) == pytest.approx(np.mean(classes), rel=1e-4)
    assert float(got["box"]) == pytest.approx(np.mean(corrections), rel=1e-4)
    assert float(got["mask"]) == pytest.approx(np.mean(pixels), rel=2e-3)


def test_masks_of_other_classes_have_no_part_in_the_loss(some, targets):
    rng = np.random.default_rng(2)
    heads = Fixed(rng, 4, 3)
    true = some.boxes[:, :1].repeat(3, axis=1)
    before = mask_rcnn_loss.head_losses(heads, None, true, targets)["mask"]
    other = (np.arange(3) != some.box_labels[:, :1])[:, None, None, None]  # (N, 1, 1, 1, 3)
    heads.all_masks = np.where(other, 99, heads.all_masks).astype("float32")
    assert float(mask_rcnn_loss.head_losses(heads, None, true, targets)["mask"]) == float(before)
    heads.all_masks = np.where(other, heads.all_masks, 99).astype("float32")
    assert float(mask_rcnn_loss.head_losses(heads, None, true, targets)["mask"]) > 5


def test_dice_is_0_for_the_right_mask_and_1_for_its_opposite():
    mask = np.zeros((1, 1, 28, 28), "float32")
    mask[..., :14] = 1
    sure = (mask - 0.5) * 100
    assert float(mask_rcnn_loss.dice(mask, sure)[0, 0]) == pytest.approx(0, abs=1e-5)
    assert float(mask_rcnn_loss.dice(mask, -sure)[0, 0]) == pytest.approx(1, abs=1e-5)


def test_shaken_boxes_still_fit(some, targets):
    rois = np.asarray(mask_rcnn_loss.regions(np.zeros((4, 2, 4), "float32"), targets["boxes"], 64, seed=1))
    assert rois.shape == (4, 2 + targets["boxes"].shape[1], 4)
    there = some.box_labels >= 0
    fits = boxes.iou(rois[:, 2:], some.boxes)[there]
    assert 0.5 < fits.min() < 0.99 and not rois[:, 2:][~there].any()


def test_a_true_mask_cropped_and_pasted_is_itself(some, targets):
    match = np.zeros((4, 1), "int64")
    grids = mask_rcnn_loss.mask_target(targets["instances"], match, targets["boxes"][:, :1], 3)
    pasted = np.concatenate(
        [instances.paste(grid, box[:1], 64) for grid, box in zip(np.asarray(grids), some.boxes, strict=True)]
    )
    true = np.stack([scene.instance_masks[0] for scene in some])
    assert np.diag(boxes.mask_iou(pasted >= 0.5, true)).min() > 0.9


def test_the_answer_has_its_shapes_and_decodes(model, some):
    found = model(some.images / np.float32(255))
    shapes = {key: tuple(value.shape[1:]) for key, value in found.items()}
    assert shapes == {
        "map": (16, 16, 32), "objectness": (576,), "offsets": (576, 4), "proposals": (12, 4),
        "proposal_scores": (12,), "boxes": (12, 4), "probabilities": (12, 4), "masks": (12, 28, 28),
    }  # fmt: skip
    for name in ("proposals", "boxes"):
        corners = np.asarray(found[name])
        assert corners.min() >= 0 and corners.max() <= 64 and (corners[..., 2:] >= corners[..., :2]).all()
    found = instances.detect(model, some.images, threshold=0)
    assert len(found) == 4
    for one in found:
        assert one.masks.shape == (len(one.boxes), 64, 64) and one.masks.dtype == bool
        assert (np.diff(one.scores) <= 0).all()
    nothing = instances.detect(model, some.images[:1], threshold=1.1)[0]
    assert nothing.boxes.shape == (0, 4) and nothing.masks.shape == (0, 64, 64)


@pytest.mark.parametrize("mask_loss", [mask_rcnn_loss.cross_entropy, mask_rcnn_loss.dice])
def test_training_reaches_every_part(some, targets, mask_loss):
    keras.utils.set_random_seed(0)
    model = mask_rcnn.mask_rcnn(mask_loss=mask_loss)
    before = [np.asarray(variable).copy() for variable in model.trainable_variables]
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)  # quicker for one step
    history = training.fit(model, some.images, targets, epochs=1, batch_size=4, verbose=0).history
    parts = [history[name][0] for name in ("proposal", "class", "box", "mask")]
    assert np.isfinite(parts).all() and history["loss"][0] == pytest.approx(sum(parts), rel=1e-4)
    still = [
        variable.path
        for old, variable in zip(before, model.trainable_variables, strict=True)
        if np.array_equal(old, np.asarray(variable))
    ]
    assert still == []


def test_fit_refuses_a_dict_of_another_length(some, targets):
    model = mask_rcnn.mask_rcnn()
    model.compile("sgd")
    with pytest.raises(ValueError, match=r"one row per example. Received: len\(x\)=3, len\(y\)=4"):
        training.fit(model, some.images[:3], targets, epochs=1)


def test_shipped_weights_are_as_good_as_their_card_says():
    card, network = pretrained.card("mask_rcnn"), pretrained.load("mask_rcnn")
    assert card["mask_ap50"] >= 0.60 and card["bytes"] <= 1.5e6
    figures = tasks.mask_rcnn_figures(network.model, n=60)
    assert figures["mask_ap50"] == pytest.approx(card["mask_ap50"], abs=0.04)
    assert figures["map50"] == pytest.approx(card["map50"], abs=0.04)


def test_shipped_network_predicts_what_detect_finds(some):
    network = pretrained.load("mask_rcnn")
    for one, other in zip(
        network.predict(some.images), instances.detect(network.model, some.images), strict=True
    ):
        assert np.array_equal(one.labels, other.labels) and np.array_equal(one.masks, other.masks)
