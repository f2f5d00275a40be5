"""The reader of COCO, on a set made here and on a real one."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from cvcourse.datasets import formats
from cvcourse.datasets.coco import _coco_mask, _run_lengths
from cvcourse.datasets.examples import Example, Examples, tight_boxes

sys.path.insert(0, str(Path(__file__).parent))
from image_files import noise, real, save


@pytest.fixture
def coco(tmp_path):
    """A small COCO set, as (the dict, a function that writes it and reads it back)."""
    for k in (1, 2):
        save(tmp_path / "images" / f"{k}.png", noise(seed=k))
    square = [2, 3, 12, 3, 12, 9, 2, 9]
    content = {
        "images": [{"id": k, "file_name": f"{k}.png", "width": 30, "height": 20} for k in (1, 2)],
        "categories": [{"id": 9, "name": "dog"}, {"id": 4, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 9, "bbox": [2, 3, 10, 6], "segmentation": [square],
             "iscrowd": 0},
            {"id": 2, "image_id": 1, "category_id": 4, "bbox": [3, 4, 2, 2], "iscrowd": 0,
             "segmentation": {"size": [20, 30], "counts": [64, 2, 18, 2, 514]}},
            {"id": 3, "image_id": 1, "category_id": 9, "bbox": [20, 0, 5, 20], "iscrowd": 1,
             "segmentation": {"size": [20, 30], "counts": [400, 100, 100]}},
        ],
    }  # fmt: skip

    def read(**options):
        (tmp_path / "instances.json").write_text(json.dumps(content))
        return formats.coco(tmp_path / "instances.json", tmp_path / "images", **options)

    return content, read


def test_coco_boxes_labels_and_masks(coco):
    examples = coco[1]()
    assert isinstance(examples, Examples) and examples.classes == ("cat", "dog") and len(examples) == 2
    first, second = examples
    np.testing.assert_array_equal(first.image, noise(seed=1))
    assert first.boxes.tolist() == [[2, 3, 12, 9], [3, 4, 5, 6]] and first.box_labels.tolist() == [1, 0]
    np.testing.assert_array_equal(tight_boxes(first.instance_masks), first.boxes)
    assert first.mask[3, 2] == 2 and first.mask[4, 3] == 1  # the smaller one lies on top
    assert (first.mask[:, 20:25] == formats.NOT_COUNTED).all() and first.mask[0, 0] == 0
    assert second.boxes.shape == (0, 4) and second.instance_masks.shape == (0, 20, 30)
    assert not second.mask.any()


def compressed(counts):
    """The str of run lengths, written from the description in COCO's maskApi.c."""
    text = ""
    for k, value in enumerate(counts):
        value -= counts[k - 2] if k > 2 else 0
        while True:
            bits, value = value & 31, value >> 5
            more = value != (-1 if bits & 16 else 0)
            text += chr(48 + bits + 32 * more)
            if not more:
                break
    return text


def test_compressed_run_lengths():
    rng = np.random.default_rng(0)
    for _ in range(50):
        counts = rng.integers(0, 3000, rng.integers(1, 40)).tolist()
        assert _run_lengths(compressed(counts)) == counts


def test_coco_reads_compressed_masks(coco):
    content, read = coco
    plain = read()[0].instance_masks
    shape = content["annotations"][1]["segmentation"]
    shape["counts"] = compressed(shape["counts"])
    np.testing.assert_array_equal(read()[0].instance_masks, plain)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["images"][0].update(file_name="3.png"), "3.png: the picture is missing"),
        (lambda c: c["images"][0].update(width=31), "1.png: the picture is 30×20, its annotation says 31×20"),
        (lambda c: c["images"][0].update(file_name="../images/1.png"), "leads out of the folder"),
        (
            lambda c: c["annotations"][0].update(bbox=[25, 3, 10, 6]),
            "annotation 1: a box outside of the 30×20",
        ),
        (lambda c: c["annotations"][0].update(bbox=[2, 3, 0, 6]), "annotation 1: a box of no area"),
        (lambda c: c["annotations"][0].update(bbox=[2, 3, 4]), "annotation 1: not as COCO has it"),
        (lambda c: c["annotations"][0].update(category_id=77), "category 77 is not in the list"),
        (lambda c: c["annotations"][0].update(segmentation=[[1, 2, 3, 4]]), "three points"),
        (lambda c: c["annotations"][1]["segmentation"].update(size=[30, 20]), "mask is of another size"),
        (lambda c: c["annotations"][1]["segmentation"].update(counts=[64, 2]), "do not fill the picture"),
        (lambda c: c["annotations"][2].update(image_id=99), "annotation 3: its image is not in the list"),
        (lambda c: c["annotations"][2].update(image_id=[1]), "annotation 3: its image is not in the list"),
        (
            lambda c: c["annotations"][0].update(category_id="9"),
            "category '9' is not in the list of categories, [4",
        ),
        (lambda c: c["annotations"][0].update(iscrowd="0"), "iscrowd must be 0 or 1. Received: '0'"),
        (lambda c: c["images"][0].update(file_name="1.png\0"), "no picture can be read"),
        (lambda c: c["annotations"][0].update(bbox=["2", "3", "4", "5"]), "'2' is no finite number"),
        *(
            (lambda c, p=p: c["annotations"][0].update(segmentation=p), w)
            for p, w in [
                ([["2", "3", "12", "3", "12", "9"]], "'2' is no finite number"),
                ([[2, 3, 12, 3, float("nan"), 9]], "nan is no finite number"),
                ([[2, 3, 12, 3, float("inf"), 9]], "inf is no finite number"),
                ([[2, 3, 12, None, 12, 9]], "None is no finite number"),
                ([[2, 3, 1e9, 3, 12, 9]], "a polygon outside of the 30×20"),
                (5, "annotation 1: not as COCO has it"),
                ({"size": [20, 30], "counts": [600.0]}, "do not fill"),
                ({"size": [20, 30]}, "not as COCO has it"),
                ({"size": [20, 30], "counts": "o" * 200_000}, "run lengths are not as COCO writes them"),
                ({"size": [20, 30], "counts": "é"}, "run lengths are not as COCO writes them"),
            ]
        ),
    ],
)
def test_bad_coco_is_named_counted_and_refused_or_skipped(coco, change, words):
    content, read = coco
    change(content)
    with pytest.raises(ValueError, match=r"1 of . items are bad") as caught:
        read()
    assert words in str(caught.value) and 'bad="skip"' in str(caught.value)
    examples = read(bad="skip")
    assert len(examples.skipped) == 1 and "1 skipped" in repr(examples)
    assert len(examples) == (2 if "annotation 3" in words else 1)
    for example in examples:
        assert isinstance(example, Example)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"images": [', r"not whole JSON.*line 1"),
        ("[]", "must hold a list of images"),
        ('{"images": [], "categories": []}', "must hold a list of annotations"),
        (
            '{"images": [{"id": 1}], "categories": [], "annotations": []}',
            r"each of the images must have id, file_name",
        ),
        (b"\xff\xfe\x00", "not whole JSON"),
        (None, "does not exist"),
        ("[" * 100_000, "not whole JSON"),
        (b"\xef\xbb\xbf[]", "must hold a list of images"),
    ],
)
@pytest.mark.reliability(
    "annotations that are broken, nested without end or no JSON",
    "the file is named, before memory is taken",
)
def test_broken_json_is_always_refused(tmp_path, text, words):
    path = tmp_path / "instances.json"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=words):
        formats.coco(path, tmp_path, bad="skip")


def test_a_doubled_image_is_named_and_a_doubled_category_refused(coco):
    content, read = coco
    content["images"].append({"id": 2, "file_name": "1.png", "width": 30, "height": 20})
    examples = read(bad="skip")
    assert [name for name, _ in examples.skipped] == ["2.png", "1.png"] and len(examples) == 1
    assert examples.skipped[0][1] == "2 images have its id 2"
    content["categories"].append({"id": 9, "name": "fox"})
    with pytest.raises(ValueError, match="3 categories, 2 ids"):
        read(bad="skip")


def test_a_box_without_a_mask_claims_no_background(coco):
    content, read = coco
    del content["annotations"][1]["segmentation"]
    assert read()[0].mask is None and read()[0].instance_masks is None and len(read()[0].boxes) == 2
    assert read()[1].mask is not None  # nothing lies in the second picture
    for annotation in content["annotations"]:
        annotation.pop("segmentation", None)
    assert read()[1].mask is None  # in a file of boxes alone, nobody knows that


@pytest.mark.reliability("more objects than memory can hold", "it is refused, with their number")
def test_too_many_objects_are_named_before_memory_is_taken(coco, monkeypatch):
    monkeypatch.setattr("cvcourse.datasets.files.LARGEST", 1000)
    assert "the masks of its 2 objects would take" in coco[1](bad="skip").skipped[0][1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_coco_in_other_encodings(coco, tmp_path, encoding):
    path = tmp_path / "other.json"
    path.write_text(json.dumps(coco[0]), encoding=encoding)
    assert len(formats.coco(path, tmp_path / "images")) == 2


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
def test_polygons_agree_with_pycocotools():
    theirs = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)

    def both(corners):
        points = np.ravel(corners).tolist()
        truth = theirs.decode(theirs.merge(theirs.frPyObjects([points], 20, 30))).astype(bool)
        return _coco_mask({"segmentation": [points]}, 20, 30), truth

    for step in (0.5, 1) * 20:  # corners in the middles of pixels, or between them: no border counts twice
        (x1, y1), (x2, y2) = np.round(np.sort(rng.uniform(0, 1, (2, 2)) * (30, 20), axis=0) / step) * step
        np.testing.assert_array_equal(*both([x1, y1, x2, y1, x2, y2, x1, y2]))
    wrong, pixels = 0, 0
    for step in (0.01, 0.1, 0.5, 1) * 40:
        ours, truth = both(np.round(rng.uniform(0, 1, (rng.integers(3, 9), 2)) * (30, 20) / step) * step)
        wrong, pixels = wrong + (ours ^ truth).sum(), pixels + truth.sum()
    assert wrong / pixels < 0.05  # pycocotools rounds to fifths of a pixel


def test_nothing_left_is_an_error_and_so_is_a_wrong_word(coco, tmp_path):
    shutil.rmtree(tmp_path / "images")
    with pytest.raises(ValueError, match="2 of 2 items are bad"):
        coco[1](bad="skip")
    with pytest.raises(ValueError, match="bad must be"):
        coco[1](bad="ignore")


def test_real_coco():
    folder = real("coco_sample")
    examples = formats.coco(folder / "instances.json", folder / "images")
    content = json.loads((folder / "instances.json").read_text())
    assert len(examples) == len(content["images"]) and len(examples.classes) == 80 and examples.skipped == []
    assert examples.classes[15] == "cat"
    compared = 0
    for image, example in zip(content["images"], examples, strict=True):
        own = [a for a in content["annotations"] if a["image_id"] == image["id"]]
        assert example.image.shape[:2] == example.mask.shape == (image["height"], image["width"])
        for annotation, each, box in zip(own, example.instance_masks, example.boxes, strict=True):
            if annotation["area"] > 500:  # COCO's exact area of the polygons is the oracle
                assert abs(each.sum() / annotation["area"] - 1) < 0.02
                assert np.abs(tight_boxes(each[None])[0] - box).max() <= 2.5  # thin tips lie between pixels
                compared += 1
    assert compared > 30
    assert len(formats.coco(folder / "instances.json", folder / "images", limit=3)) == 3
