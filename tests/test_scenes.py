"""The made scenes: what the annotations say is what the pixels show."""

import subprocess
import sys
import zlib

import numpy as np
import pytest

from cvcourse.datasets import animals
from cvcourse.datasets.drawing import ellipse, polygon, render
from cvcourse.datasets.examples import Example, tight_boxes
from cvcourse.datasets.scenes import scenes

HARD = {"objects": (1, 3), "orientation": 1, "lighting": 1, "obstruction": 1, "scale": 1, "clutter": 1}


@pytest.fixture(scope="module")
def hard():
    return scenes(60, size=48, seed=3, **HARD)


def test_arrays_have_the_promised_types_and_shapes(hard):
    n, most = 60, 3
    expected = {
        "images": ((n, 48, 48, 3), "uint8"),
        "labels": ((n,), "int64"),
        "boxes": ((n, most, 4), "float32"),
        "box_labels": ((n, most), "int64"),
        "masks": ((n, 48, 48), "uint8"),
        "instances": ((n, 48, 48), "uint8"),
    }
    assert {
        name: (getattr(hard, name).shape, str(getattr(hard, name).dtype)) for name in expected
    } == expected


def test_each_record_agrees_with_itself(hard):
    for example in hard:
        assert isinstance(example, Example) and len(example.boxes) == len(example.instance_masks) >= 1
        np.testing.assert_array_equal(example.boxes, tight_boxes(example.instance_masks))
        assert example.instance_masks.any(axis=(1, 2)).all() and example.instance_masks.sum(axis=0).max() == 1
        meaning = np.zeros(example.mask.shape, "uint8")
        for label, each in zip(example.box_labels, example.instance_masks, strict=True):
            meaning[each] = label + 1
        np.testing.assert_array_equal(example.mask, meaning)
        pixels = example.instance_masks.sum(axis=(1, 2))
        assert example.label == example.box_labels[pixels.argmax()]


def test_no_animal_disappears_behind_the_posts():
    off, on = (scenes(150, size=32, seed=3, **{**HARD, "obstruction": value}) for value in (0, 1))
    np.testing.assert_array_equal(off.box_labels, on.box_labels)
    for before, after in zip(off, on, strict=True):
        kept = after.instance_masks.sum(axis=(1, 2)) / before.instance_masks.sum(axis=(1, 2))
        assert kept.min() >= 0.25


def test_tight_boxes_against_a_plain_loop():
    masks = np.random.default_rng(0).random((40, 9, 12)) < 0.04
    for mask, box in zip(masks, tight_boxes(masks), strict=True):
        rows, columns = np.nonzero(mask)
        plain = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if len(rows) else (0, 0, 0, 0)
        assert tuple(box) == plain


def test_masks_lie_on_the_animals():
    """Without background, light and posts, what is not the background's one colour is an animal."""
    plain = scenes(20, seed=1, clutter=0, lighting=0, objects=(1, 3))
    for image, mask in zip(plain.images.astype(int), plain.masks, strict=True):
        drawn = (np.abs(image - image[0, 0]) > 3).any(axis=-1)
        assert not drawn[mask == 0].mean() > 0.08  # half-covered pixels of the rim
        assert drawn[mask > 0].mean() > 0.9


def test_a_seed_decides_every_pixel_and_n_does_not():
    many, few = scenes(30, seed=7, **HARD), scenes(4, seed=7, **HARD)
    np.testing.assert_array_equal(many.images[:4], few.images)
    np.testing.assert_array_equal(many.boxes[:4], few.boxes)
    assert (many.images[:4] != scenes(4, seed=8, **HARD).images).mean() > 0.9


def test_the_same_in_another_process():
    line = (
        "from cvcourse.datasets.scenes import scenes; import zlib;"
        "print(zlib.crc32(scenes(5, seed=2, objects=2).images.tobytes()))"
    )
    there = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True).stdout
    assert int(there) == zlib.crc32(scenes(5, seed=2, objects=2).images.tobytes())


@pytest.mark.parametrize("knob", ["lighting", "clutter"])
def test_light_and_clutter_leave_the_annotations_alone(knob):
    off, on = (scenes(8, seed=5, **{knob: value}) for value in (0, 1))
    assert (off.images != on.images).mean() > 0.3
    for name in ("labels", "boxes", "masks", "instances"):
        np.testing.assert_array_equal(getattr(off, name), getattr(on, name))


def test_each_knob_makes_more_of_its_difficulty():
    def area(**knobs):
        return (scenes(200, seed=1, size=32, **knobs).masks > 0).mean()

    assert area(obstruction=1) < 0.75 * area(obstruction=0)
    assert area(scale=1) < 0.75 * area(scale=0)
    upright, turned = (scenes(200, seed=1, size=32, orientation=value) for value in (0, 1))
    np.testing.assert_array_equal(upright.labels, turned.labels)
    assert (upright.masks != turned.masks).mean() > 0.1
    even, uneven = (scenes(200, seed=1, size=32, lighting=k).images.mean(axis=(1, 2, 3)) for k in (0, 1))
    assert uneven.std() > 1.2 * even.std()


def test_classes_objects_and_balance():
    two = scenes(300, size=24, classes=("duck", "cat"), objects=2)
    assert two.classes == ("duck", "cat") and set(two.labels) == {0, 1}
    assert set(np.unique(two.masks)) == {0, 1, 2}
    three = scenes(300, size=24, objects=(1, 3))
    counts = (three.box_labels >= 0).sum(axis=1)
    assert set(counts) == {1, 2, 3}
    assert (np.bincount(three.labels, minlength=3) > 70).all()  # of 300 among three
    assert (three.box_labels[counts == 1, 1:] == -1).all() and (three.boxes[counts == 1, 1:] == 0).all()


def test_bill_is_only_a_ducks():
    """The drawings differ where the animals do."""
    has_bill = {
        animal: [(animals.sprite(animal, k) == animals.BILL).any() for k in range(animals.INDIVIDUALS)]
        for animal in animals.CLASSES
    }
    assert all(has_bill["duck"]) and not any(has_bill["cat"]) and not any(has_bill["dog"])


@pytest.mark.parametrize("animal", animals.CLASSES)
def test_a_drawing_stays_clear_of_its_frame(animal):
    for individual in range(animals.INDIVIDUALS):
        inks = animals.sprite(animal, individual, 160)
        rows, columns = np.nonzero(inks)
        assert np.hypot(rows - 79.5, columns - 79.5).max() < 80  # so it can be turned in its frame


def test_filling_agrees_with_scikit_image():
    from skimage.draw import polygon as oracle

    corners = np.random.default_rng(4).uniform(-1, 1, (5, 2))
    corners = corners[np.argsort(np.arctan2(*(corners - corners.mean(axis=0)).T))]  # no crossing edges
    inks = render(polygon(2, *corners), 200, line=0)
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    fitted = (corners - middle) * 0.95 / np.linalg.norm(corners - middle, axis=1).max()
    x, y = ((fitted + 1) * 100 - 0.5).T
    expected = np.zeros((200, 200), bool)
    expected[oracle(y, x, (200, 200))] = True
    assert (expected != (inks == 2)).mean() < 0.003  # the rim: does a point on an edge belong to it?
    assert (render(ellipse(2, 0, 0, 1, 0.5), 200, line=1) == 1).any()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"n": 0}, ValueError, "n must be"),
        ({"n": 2.5}, TypeError, "n must be a whole number"),
        ({"n": 1, "size": 8}, ValueError, "size must be"),
        ({"n": 1, "objects": 4}, ValueError, "objects must be"),
        ({"n": 1, "objects": (3, 1)}, ValueError, "objects must be"),
        ({"n": 1, "scale": 1.5}, ValueError, "scale must be"),
        ({"n": 1, "clutter": "much"}, TypeError, "clutter must be"),
        ({"n": 1, "lighting": float("nan")}, ValueError, "lighting must be"),
        ({"n": 1, "classes": ("cat", "cow")}, ValueError, "classes must be"),
        ({"n": 1, "classes": "cow"}, ValueError, "classes must be"),
    ],
)
def test_bad_arguments_are_named(arguments, error, words):
    with pytest.raises(error, match=words) as caught:
        scenes(**arguments)
    assert "Received" in str(caught.value)


def test_repr_and_index():
    pictures = scenes(3)
    assert repr(pictures).startswith("Scenes: 3 images of 64×64, showing ")
    known = f"label {pictures.labels[2]}, boxes 1, mask, instance masks"
    assert repr(pictures[-1]) == f"Example scene 2: 64×64; {known}"
    with pytest.raises(IndexError):
        pictures[3]
