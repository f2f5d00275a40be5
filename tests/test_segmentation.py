"""U-Net with and without skips and on nuclei: the measures, the data, small runs, and what ships."""

import json

import keras
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import distance_transform_edt
from skimage.measure import label as components

from cvcourse import boxes, pretrained, recording
from cvcourse.models import unet
from experiments import segmentation


def test_near_boundary_counts_steps():
    masks = np.zeros((1, 9, 9), int)
    masks[0, 4, 4] = 1
    away = np.abs(np.arange(9) - 4)
    steps = away[:, None] + away
    for distance in (1, 2, 3):
        np.testing.assert_array_equal(segmentation.near_boundary(masks, distance)[0], steps <= distance)
    assert not segmentation.near_boundary(np.ones((2, 5, 5), int)).any()


@pytest.mark.parametrize("seed", range(3))
def test_mean_iou_is_that_of_counted_pixels(seed):
    rng = np.random.default_rng(seed)
    found, true = rng.integers(0, 3, (2, 4, 6, 6))
    where = rng.random((4, 6, 6)) < 0.5
    for some in (True, where):
        inside = np.broadcast_to(some, found.shape)
        each = []
        for k in range(3):
            ours, theirs = (
                set(map(tuple, np.argwhere((found == k) & inside))),
                set(map(tuple, np.argwhere((true == k) & inside))),
            )
            each.append(len(ours & theirs) / len(ours | theirs))
        assert boxes.mean_iou(found, true, 3, some) == pytest.approx(np.mean(each))


def test_crops_are_pieces_of_the_image_with_their_masks():
    images = np.arange(2 * 16 * 16 * 3).reshape(2, 16, 16, 3)
    masks = images[..., 0] % 7
    x, y = segmentation.crops(images, masks, 5, 8, seed=0)
    assert x.shape == (10, 8, 8, 3) and y.shape == (10, 8, 8)
    np.testing.assert_array_equal(x[..., 0] % 7, y)  # turned and mirrored together
    assert len({crop.tobytes() for crop in x}) == 10


@pytest.fixture
def nuclei(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("images", "labels"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for k in range(6):
        label = np.zeros((32, 32), "uint16")
        row, column = rng.integers(4, 20, 2)
        label[row : row + 8, column : column + 8] = 1
        image = np.repeat((label * 200).astype("uint8")[..., None], 3, axis=-1)
        Image.fromarray(image).save(tmp_path / "data" / "images" / f"{k}.png")
        Image.fromarray(label).save(tmp_path / "data" / "labels" / f"{k}.png")
    return tmp_path / "data"


def test_nuclei_are_split_without_overlap(nuclei):
    parts = segmentation.read_nuclei(nuclei, split=(3, 1, 2))
    assert [len(images) for images, _ in parts] == [3, 1, 2]
    seen = [image.tobytes() for images, _ in parts for image in images]
    assert len(set(seen)) == 6
    for images, labels in parts:
        np.testing.assert_array_equal(images[..., 0] > 0, labels == 1)


def test_the_twins_are_of_equal_size():
    sizes = segmentation.SKIPS
    twins = [unet.unet(widths=sizes["widths"]), unet.unet(widths=sizes["twin"], skips=False)]
    one, other = (twin.count_params() for twin in twins)
    assert other == pytest.approx(one, rel=0.001)


def test_the_weight_is_equation_2_and_touching_objects_get_ground_between_them():
    labels = np.zeros((12, 20), int)
    labels[2:9, 2:9], labels[3:10, 9:16], labels[10, 18] = 1, 2, 3
    parted = unet.part_touching(labels)
    gone = {(y, x) for y in range(3, 9) for x in (8, 9)}
    assert set(zip(*np.nonzero(labels != parted), strict=True)) == gone
    assert components(labels > 0, connectivity=1).max() == 2
    assert components(parted > 0, connectivity=1).max() == 3
    each = np.sort([distance_transform_edt(parted != k) for k in (1, 2, 3)], axis=0)
    expected = 1 + 7 * np.exp(-((each[0] + each[1]) ** 2) / (2 * 3**2)) * (parted == 0)
    np.testing.assert_allclose(unet.border_weights(parted, w0=7, sigma=3), expected, rtol=1e-5)
    assert (unet.border_weights(parted == 1) == 1).all()  # one object: no second one is near


def test_the_weighted_loss_is_cross_entropy_times_the_weight():
    rng = np.random.default_rng(0)
    kind, weight = rng.integers(0, 2, (2, 3, 4)), rng.random((2, 3, 4)) + 1
    p = rng.dirichlet((1, 1), (2, 3, 4))
    found = unet.weighted_cross_entropy(np.stack([kind, weight], axis=-1).astype("float32"), p)
    expected = -np.log(np.take_along_axis(p, kind[..., None], axis=-1)[..., 0]) * weight
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-4)


def test_nuclei_are_counted_one_by_one():
    true = np.zeros((1, 16, 16), int)
    true[0, 1:6, 1:6], true[0, 6:11, 1:6], true[0, 1:6, 9:14] = 1, 2, 3
    found = (true > 0).astype("float32")
    found[0, 14, 14] = 1  # a speck
    model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Lambda(lambda x: x[..., :2])])
    images = np.stack([1 - found, found, found], axis=-1)
    figures = segmentation.nuclei_figures(model, images, true)
    assert figures["counts"] == [[2, 3]] and figures["count_error"] == pytest.approx(1 / 3)
    assert figures["matched"] == pytest.approx(2 * 1 / 5)  # the pair's blob has IoU ½ with each of its nuclei


def test_without_the_images_it_says_what_to_do(tmp_path, nuclei, monkeypatch):
    monkeypatch.setenv("CVCOURSE_DATA", str(tmp_path / "none"))
    with pytest.raises(ValueError, match=r"folder with the folders `images` and `labels`.*Received: .*none"):
        segmentation.read_nuclei()
    with pytest.raises(ValueError, match=r"at least 60 pictures\. Received: 6"):
        segmentation.read_nuclei(nuclei)
    with pytest.raises(ValueError, match=r"the parts are: skips, nuclei\. Received: tumours"):
        segmentation.main("tumours")


def test_a_small_run_of_each_writes_its_recording_and_weights(tmp_path, nuclei, monkeypatch, untraced):
    monkeypatch.setattr(segmentation.read_nuclei, "__defaults__", (None, (3, 1, 2), 0))
    small = {"epochs": 1, "batch_size": 4, "widths": (2, 2), "seeds": (0,), "folder": tmp_path}
    segmentation.main("skips", scenes=8, tests=4, twin=(2, 3), **small)
    labels = [run["label"] for run in recording.replay("skips", tmp_path).runs]
    assert labels == ["with skips", "without skips"]
    segmentation.main("nuclei", images=nuclei, crops=2, side=16, weights=tmp_path, **small)
    card = json.loads((tmp_path / "unet_nuclei.json").read_text(encoding="utf8"))
    runs = recording.replay("nuclei", tmp_path).runs
    assert [run["label"] for run in runs] == list(segmentation.TARGETS)
    assert 0 <= card["dice"] <= 1 and runs[0]["result"].keys() <= card.keys()


def test_shipped_nuclei_network_finds_drawn_nuclei():
    network = pretrained.load("unet_nuclei")
    row, column = np.mgrid[:64, :64]
    image = np.zeros((64, 64, 3), "float32") + 0.03
    true = np.zeros((64, 64), bool)
    for y, x in ((16, 18), (20, 46), (46, 30)):
        true |= (row - y) ** 2 + (column - x) ** 2 <= 64
    image[true] = 0.4
    (mask,) = network.predict(image)
    assert (mask[true] == 1).mean() > 0.8 and (mask[~true] == 1).mean() < 0.1


def test_recordings_and_card_agree():
    card = pretrained.card("unet_nuclei")
    first = recording.replay("nuclei").runs[0]["result"]
    assert card["dice"] == pytest.approx(first["dice"], abs=0.005)  # the card's weights are float16
    assert card["dice"] >= 0.8 and {run["seed"] for run in recording.replay("nuclei").runs} == {0, 1, 2}
    found = recording.replay("skips").results("mean_iou_near_boundary")
    assert found["with skips"][0] > found["without skips"][0]


def test_border_weights_halve_the_miscounted_nuclei():
    miscounted = recording.replay("nuclei").results("count_error")
    for label in ("masks", "masks with gaps"):
        assert miscounted["gaps and border weights"][0] < 0.6 * miscounted[label][0]
