"""U-Net with and without skips and on nuclei: the measures, the data, small runs, and what ships."""

import json

import numpy as np
import pytest
from PIL import Image

from cvcourse import pretrained, recording
from cvcourse.experiments import segmentation


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
            ours, theirs = set(map(tuple, np.argwhere((found == k) & inside))), set(
                map(tuple, np.argwhere((true == k) & inside))
            )
            each.append(len(ours & theirs) / len(ours | theirs))
        assert segmentation.mean_iou(found, true, 3, some) == pytest.approx(np.mean(each))


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
    for images, masks in parts:
        np.testing.assert_array_equal(images[..., 0] > 0, masks == 1)


def test_without_the_images_it_says_what_to_do(tmp_path, nuclei, monkeypatch):
    monkeypatch.setenv("CVCOURSE_DATA", str(tmp_path / "none"))
    with pytest.raises(ValueError, match=r"folder with the folders `images` and `labels`.*Received: .*none"):
        segmentation.read_nuclei()
    with pytest.raises(ValueError, match=r"at least 60 pictures\. Received: 6"):
        segmentation.read_nuclei(nuclei)
    with pytest.raises(ValueError, match=r"the parts are: skips, nuclei\. Received: tumours"):
        segmentation.main("tumours")


def test_a_small_run_of_each_writes_its_recording_and_weights(tmp_path, nuclei, monkeypatch):
    monkeypatch.setattr(segmentation, "SPLIT", (3, 1, 2))
    monkeypatch.setattr(segmentation.read_nuclei, "__defaults__", (None, (3, 1, 2), 0))
    small = {"epochs": 1, "batch_size": 4, "widths": (2, 2), "seeds": (0,), "folder": tmp_path}
    segmentation.main("skips", scenes=8, tests=4, **small)
    labels = [run["label"] for run in recording.replay("skips", tmp_path).runs]
    assert labels == ["with skips", "without skips"]
    segmentation.main("nuclei", images=nuclei, crops=2, side=16, weights=tmp_path, **small)
    card = json.loads((tmp_path / "unet_nuclei.json").read_text(encoding="utf8"))
    (run,) = recording.replay("nuclei", tmp_path).runs
    assert 0 <= card["dice"] <= 1 and run["result"].keys() <= card.keys()


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
