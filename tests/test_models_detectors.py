"""SSD, R-CNN and the sliding window: targets, losses, where they look; what ships is in test_tasks.py."""

import shutil

import numpy as np
import pytest

from cvcourse import boxes as bx
from cvcourse import pretrained, stored
from cvcourse.datasets import scenes
from cvcourse.exercises import detection
from cvcourse.models import rcnn, selective_search, ssd, yolo
from cvcourse.summary import summarize
from experiments import tasks


@pytest.fixture(scope="module")
def some():
    return scenes(40, 64, seed=501, objects=(1, 3))


def test_default_boxes_lie_on_three_maps():
    fixed = ssd.default_boxes(64)
    assert len(fixed) == 8 * 8 * 6 + 4 * 4 * 6 + 2 * 2 * 3
    assert ssd.ssd().output_shape == (None, len(fixed), 8)
    assert len(ssd.default_boxes(128)) == 4 * len(fixed)


def test_ssd_target_is_what_decodes_to_the_boxes(some):
    targets = ssd.encode(some.boxes, some.box_labels)
    np.testing.assert_array_equal(targets[..., :-4].sum(axis=-1), 1)
    for scene, target in zip(some, targets, strict=True):
        found = ssd.decode(target, overlap=0.8)
        for box, label in zip(scene.boxes, scene.box_labels, strict=True):
            fits = bx.iou(box, found.boxes) * (found.labels == label)
            assert fits.max() > 0.999, f"{scene.name}: no default box found {box}"


def test_ssd_loss_is_the_formula():
    rng = np.random.default_rng(0)
    target = ssd.encode(np.array([[[8.0, 16, 40, 40]], [[0.0, 0, 60, 60]]]), np.array([[1], [2]]))
    output = rng.normal(size=target.shape)
    output[..., :-4] = np.exp(output[..., :-4])
    output[..., :-4] /= output[..., :-4].sum(axis=-1, keepdims=True)
    for one, other, value in zip(target, output, np.array(ssd.ssd_loss(target, output.astype("float32"))),
                                 strict=True):  # fmt: skip
        there = one[:, 0] == 0
        wrong = -np.log(other[:, :-4][one[:, :-4] == 1])
        hard = np.sort(wrong[~there])[::-1][: 3 * there.sum()]
        far = np.abs(one[there, -4:] - other[there, -4:])
        offsets = np.where(far < 1, far**2 / 2, far - 0.5).sum()
        expected = (wrong[there].sum() + hard.sum() + ssd.OFFSETS * offsets) / there.sum()
        assert value == pytest.approx(expected, rel=1e-4)


def test_windows_cover_the_picture_and_stay_inside():
    found = rcnn.windows(64)
    assert found.min() >= 0 and found.max() <= 64
    assert len(rcnn.windows(64, step=0.5)) < len(found) < len(rcnn.windows(64, step=0.125))
    covered = np.zeros((64, 64), bool)
    for x1, y1, x2, y2 in found.astype(int):
        covered[y1:y2, x1:x2] = True
    assert covered[4:60, 4:60].all()


def test_proposals_find_most_objects(some):
    found = [selective_search.proposals(scene.image) for scene in some]
    best = np.concatenate(
        [bx.iou(scene.boxes[:, None], each).max(axis=1) for scene, each in zip(some, found, strict=True)]
    )
    assert (best >= 0.5).mean() >= 0.95
    assert np.mean([len(each) for each in found]) < len(rcnn.windows())


def test_proposals_of_plain_pictures():
    two = np.zeros((64, 64, 3), "uint8")
    two[8:40, 16:48] = (200, 40, 40)
    found = selective_search.proposals(two)
    assert bx.iou(found, [16, 8, 48, 40]).max() == 1
    as_float = selective_search.proposals((two / 255).astype("float32"))
    assert bx.iou(as_float, [16, 8, 48, 40]).max() > 0.95
    empty = selective_search.proposals(np.zeros((32, 48, 3), "uint8"))
    assert empty.tolist() == [[0, 0, 48, 32]]


def test_a_piece_is_the_picture_inside_the_box():
    image = np.random.default_rng(0).random((64, 64, 3)).astype("float32")
    (piece,) = rcnn.crop(image, [[8, 16, 40, 48]])  # 32×32 already
    assert piece.shape == (32, 32, 3)
    # Each pixel is the mean of 2×2 samples, a quarter of a pixel off: 1/8, 6/8, 1/8 along each side.
    smooth = np.array([[1, 6, 1]]) * np.array([[1], [6], [1]]) / 64
    windows = np.lib.stride_tricks.sliding_window_view(image[15:49, 7:41], (3, 3), axis=(0, 1))
    np.testing.assert_allclose(piece, np.einsum("hwcij,ij->hwc", windows, smooth), atol=1e-5)


def test_pieces_to_learn_from_show_what_the_answers_say(some):
    scene = some[0]
    pieces, answers = rcnn.encode(scene, selective_search.proposals(scene.image))
    assert pieces.shape[1:] == (32, 32, 3) and pieces.dtype == np.uint8
    assert len(pieces) == len(answers) <= 2 * rcnn.EXAMPLES
    np.testing.assert_array_equal(answers[:, :-4].sum(axis=1), 1)
    nothing = answers[:, 0] == 1
    assert nothing.any() and not nothing.all()
    assert not answers[nothing, -4:].any() and np.abs(answers[~nothing, -4:]).max() < 1
    shown = set(answers[~nothing, 1:-4].argmax(axis=1))
    assert shown <= set(scene.box_labels)


def test_detect_corrects_keeps_and_drops():
    image = np.zeros((64, 64, 3), "float32")
    looked = np.array([[0, 0, 32, 32], [2, 0, 34, 32], [30, 30, 62, 62.0]])
    kinds = [[0.1, 0.9, 0, 0], [0.4, 0.6, 0, 0], [0.8, 0.1, 0.1, 0]]
    answers = np.array([[*kinds[0], 0.25, 0, 0, 0], [*kinds[1], 0, 0, 0, 0], [*kinds[2], 0, 0, 0, 0]])
    found = rcnn.detect(lambda pieces: answers, image, looked)
    assert found.boxes.tolist() == [[8, 0, 40, 32]] and found.labels.tolist() == [0]
    assert found.scores.tolist() == [0.9]
    plain = rcnn.detect(lambda pieces: answers, image, looked, threshold=0.05, refine=False)
    assert plain.boxes.tolist() == [[0, 0, 32, 32], [30, 30, 62, 62]]


@pytest.mark.parametrize("name", ["ssd", "rcnn"])
def test_shipped_detectors_are_as_good_as_their_cards_say(name):
    model, card = pretrained.load(name).model, pretrained.card(name)
    figures, n, apart = {"ssd": (tasks.ssd_figures, 100, 0.04), "rcnn": (tasks.rcnn_figures, 30, 0.1)}[name]
    measured = figures(model, n)
    for key in measured.keys() & {"map50", "sliding_window_map50"}:
        assert measured[key] == pytest.approx(card[key], abs=apart), key


def test_cards_hold_the_bars_of_detection():
    assert min(pretrained.card(name)["map50"] for name in ("yolo", "ssd")) >= 0.80
    card = pretrained.card("rcnn")
    assert card["map50"] > card["sliding_window_map50"]
    for name in ("yolo", "ssd", "rcnn"):
        figures = pretrained.card(name)
        assert figures["map50"] > figures["map75"] > figures["map90"] > 0
    assert {f"{way}map75" for way in ("raw_", "sliding_window_", "sliding_window_refined_")} < card.keys()


def test_figures_are_average_precision_at_three_marks():
    test = tasks.fixed_scenes(4)
    rng = np.random.default_rng(0)
    shaken = [
        (one.boxes + rng.normal(0, 1.5, one.boxes.shape), one.box_labels, rng.random(len(one.boxes)))
        for one in test
    ]
    figures = tasks.detector_figures(shaken, test)
    truth = [(one.boxes, one.box_labels) for one in test]
    for key, mark in (("map50", 0.5), ("map75", 0.75), ("map90", 0.9)):
        each = bx.average_precision(shaken, truth, mark)
        assert figures[key] == pytest.approx(np.mean(list(each.values())))
    perfect = [(one.boxes, one.box_labels, np.ones(len(one.boxes))) for one in test]
    assert tasks.detector_figures(perfect, test)["map90"] == 1


def test_what_ships_is_measured_again_into_its_card(tmp_path):
    for kind in ("npz", "json"):
        shutil.copy(pretrained.WEIGHTS / f"ssd.{kind}", tmp_path)
    task = tasks.TASKS["ssd"]._replace(measure=lambda model: {"map50": model.count_params()})
    before, after = pretrained.card("ssd"), tasks.measure_again("ssd", task, tmp_path / "ssd.json")
    assert after == stored.read(tmp_path / "ssd.json") and after["map50"] == before["parameters"]
    assert after["history"] == before["history"] and after["map75"] == before["map75"]


def test_each_network_has_as_many_convolutions_as_its_file_says():
    for module, build, number, words in (
        (ssd, ssd.ssd, 9, "nine"),
        (yolo, yolo.yolo, 8, "8"),
        (rcnn, rcnn.crop_network, 4, "four"),
    ):
        names = [row["name"] for row in summarize(build).rows if row["type"] == "Conv2D"]
        answers = [name for name in names if name.startswith(("box", "class", "kind", "offsets"))]
        assert len(names) - len(answers) == number
        assert f"{words} convolutions" in module.__doc__


def test_the_exercise_matches_as_the_package_does():
    assert detection.check_match.solution(np.array([[0.4, 0.45], [0.1, 0.2]])).tolist() == [1, 0]
    rng = np.random.default_rng(0)
    for _ in range(50):
        corners = rng.uniform(0, 20, (9, 2))
        both = np.concatenate([corners, corners + rng.uniform(4, 20, (9, 2))], axis=1)
        anchors, boxes = both[:6], both[6:]
        ours = detection.check_match.solution(bx.iou(anchors[:, None], boxes))
        np.testing.assert_array_equal(ours, bx.match(anchors, boxes, 0.5, 0.5))
        assert set(ours) >= {0, 1, 2}
