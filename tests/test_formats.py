"""Readers of VOC, mask folders and class folders, on files made here and on real ones."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cvcourse.datasets import formats
from cvcourse.datasets.examples import tight_boxes

sys.path.insert(0, str(Path(__file__).parent))
from image_files import noise, real, save

# --- VOC --------------------------------------------------------------------------------------------

OBJECT = (
    "<object><name>{}</name><difficult>{}</difficult><bndbox><xmin>{}</xmin><ymin>{}</ymin>"
    "<xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)


def write_voc(folder, stem, *objects, before="", filename=None):
    (folder / "Annotations").mkdir(exist_ok=True)
    text = (
        f"{before}<annotation><filename>{filename or stem + '.png'}</filename><size><width>30</width>"
        f"<height>20</height></size>{''.join(OBJECT.format(*o) for o in objects)}</annotation>"
    )
    (folder / "Annotations" / f"{stem}.xml").write_text(text)
    save(folder / "JPEGImages" / f"{stem}.png", noise())


def test_voc_counts_from_one_and_leaves_out_the_difficult(tmp_path):
    write_voc(tmp_path, "a", ("dog", 0, 1, 1, 30, 20), ("cat", 1, 5, 6, 7, 9))
    examples = formats.voc(tmp_path)
    assert examples.classes == formats.VOC_CLASSES and examples[0].boxes.tolist() == [[0, 0, 30, 20]]
    assert examples.classes[examples[0].box_labels[0]] == "dog"
    both = formats.voc(tmp_path, difficult=True)[0]
    assert both.boxes.tolist()[1] == [4, 5, 7, 9] and both.mask is None
    write_voc(tmp_path, "b", ("yak", 0, 1, 1, 3, 3))
    assert formats.voc(tmp_path).classes == ("cat", "dog", "yak")
    with pytest.raises(ValueError, match="the class 'yak' is not one of"):
        formats.voc(tmp_path, classes=("cat", "dog"))


def test_voc_masks_follow_the_objects_that_are_kept(tmp_path):
    write_voc(tmp_path, "a", ("cat", 1, 1, 1, 5, 5), ("dog", 0, 11, 11, 15, 15))
    by_class, by_object = np.zeros((2, 20, 30), "uint8")
    by_class[:5, :5], by_class[10:15, 10:15], by_class[5, :5] = 8, 12, 255
    by_object[:5, :5], by_object[10:15, 10:15] = 1, 2
    for name, values in (("SegmentationClass", by_class), ("SegmentationObject", by_object)):
        image = Image.fromarray(values).convert("P")
        image.putdata(values.ravel().tolist())
        image.putpalette(list(range(256)) * 3)
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / "a.png")
    example = formats.voc(tmp_path)[0]
    np.testing.assert_array_equal(example.mask, by_class)
    np.testing.assert_array_equal(tight_boxes(example.instance_masks), example.boxes)
    assert example.mask[12, 12] == example.box_labels[0] + 1


def test_own_data_as_a_user_reads_it(tmp_path):
    """A look at a few first, then all of them: without what is broken, with what is hard to see."""
    for stem in ("a", "b", "c"):
        write_voc(tmp_path, stem, ("mug", 0, 1, 1, 10, 10), ("mug", int(stem == "a"), 12, 1, 20, 9))
    write_voc(tmp_path, "d", ("mug", 0, 5, 5, 2, 9))
    look = formats.voc(tmp_path, classes=["mug"], limit=2)
    assert [len(example.boxes) for example in look] == [1, 2] and look.classes == ("mug",)
    with pytest.raises(ValueError, match=r'(?s)1 of 4 items are bad:.*d\.xml.*bad="skip"'):
        formats.voc(tmp_path, classes=["mug"])
    whole = formats.voc(tmp_path, classes=["mug"], bad="skip", difficult=True)
    assert [len(example.boxes) for example in whole] == [2, 2, 2]
    assert [name for name, _ in whole.skipped] == ["d.xml"]
    size = {"width": 30, "height": 20}
    images = [{"id": k, "file_name": f"{stem}.png", **size} for k, stem in enumerate("abx")]
    one = {"id": 1, "image_id": 1, "category_id": 5, "bbox": [2, 2, 6, 6]}
    content = {"images": images, "annotations": [one], "categories": [{"id": 5, "name": "mug"}]}
    (tmp_path / "mine.json").write_text(json.dumps(content))
    same = formats.coco(tmp_path / "mine.json", tmp_path / "JPEGImages", bad="skip", limit=3)
    assert [len(example.boxes) for example in same] == [0, 1] and same.skipped[0][0] == "x.png"
    assert len(formats.coco(tmp_path / "mine.json", tmp_path / "JPEGImages", limit=1)) == 1


def put_masks(folder, by_class, by_object):
    save(folder / "SegmentationClass" / "bad.png", by_class)
    save(folder / "SegmentationObject" / "bad.png", by_object)


def test_voc_boxes_are_clipped_like_those_of_coco(tmp_path):
    write_voc(tmp_path, "a", ("cat", 0, 0, 0, 31, 21))  # counted from 0, or rounded: a pixel too far
    assert formats.voc(tmp_path)[0].boxes.tolist() == [[0, 0, 30, 20]]


BOMB = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]>'


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_text(path.read_text()[:60]), "not the XML of VOC"),
        (lambda path: path.write_text(BOMB + path.read_text()), "declares a document type"),
        (
            lambda path: path.write_bytes((BOMB + path.read_text()).encode("utf-16")),
            "declares a document type",
        ),
        (
            lambda path: path.write_text(path.read_text().replace("<xmax>5<", "<xmax>five<")),
            "not the XML of VOC",
        ),
        (
            lambda path: path.write_text(path.read_text().replace("<xmax>5<", "<xmax>50<")),
            "a box outside of the 30×20",
        ),
        (
            lambda path: path.write_text(path.read_text().replace("<width>30<", "<width>33<")),
            "annotation says 33×20",
        ),
        (
            lambda path: path.write_text(path.read_text().replace("bad.png", "gone.png")),
            "the picture is missing",
        ),
        (
            lambda path: path.write_text(path.read_text().replace("bad.png", "/etc/passwd")),
            "leads out of the folder",
        ),
        (lambda path: path.write_text(path.read_text().replace("xmin", "left")), "not the XML of VOC"),
        (
            lambda path: path.write_text(path.read_text().replace("<width>30<", "<width>wide<")),
            "not the XML of VOC",
        ),
        (
            lambda path: path.write_text('<?xml version="1.0" encoding="klingon"?>' + path.read_text()),
            "not the XML of VOC",
        ),
        (lambda path: path.write_text("<a>" * 100_000), "not the XML of VOC"),
        (
            lambda path: put_masks(path.parents[1], np.zeros((20, 31), "uint8"), np.zeros((20, 31), "uint8")),
            "its mask is 31×20, the picture 30×20",
        ),
        (
            lambda path: put_masks(
                path.parents[1], np.full((20, 30), 77, "uint8"), np.zeros((20, 30), "uint8")
            ),
            "Received also: [77]",
        ),
    ],
)
def test_bad_voc_is_named_and_refused_or_skipped(tmp_path, damage, words):
    write_voc(tmp_path, "bad", ("cat", 0, 1, 1, 5, 5))
    write_voc(tmp_path, "good", ("cat", 0, 1, 1, 5, 5))
    damage(tmp_path / "Annotations" / "bad.xml")
    with pytest.raises(ValueError, match=r"(?s)1 of 2 items are bad:.*bad\.xml: ") as caught:
        formats.voc(tmp_path)
    assert words in str(caught.value)
    examples = formats.voc(tmp_path, bad="skip")
    assert len(examples) == 1 and examples.skipped[0][0] == "bad.xml" and words in examples.skipped[0][1]


def test_voc_without_annotations(tmp_path):
    with pytest.raises(ValueError, match=r"folder must be a folder that exists. .*Annotations"):
        formats.voc(tmp_path)
    (tmp_path / "Annotations").mkdir()
    with pytest.raises(ValueError, match=r"must hold files that end in \.xml"):
        formats.voc(tmp_path)


# --- masks ------------------------------------------------------------------------------------------


def write_masks(folder, masks, suffix=""):
    for k, mask in enumerate(masks):
        save(folder / "images" / f"{k}.png", noise(*mask.shape[:2], seed=k))
        save(folder / "masks" / f"{k}{suffix}.png", mask)
    return folder / "images", folder / "masks"


@pytest.mark.parametrize("top", [1, 255])
def test_binary_masks(tmp_path, top):
    mask = np.zeros((20, 30), "uint8")
    mask[3:9, 4:12] = top
    (example,) = formats.masks(
        *write_masks(tmp_path, [mask], "_segmentation"), "binary", "lesion", suffix="_segmentation"
    )
    np.testing.assert_array_equal(example.mask, mask // top)
    assert example.boxes is None and example.instance_masks is None and repr(example).endswith("30×20; mask")


def test_one_folder_of_binary_masks_for_each_class(tmp_path):
    first, second = np.zeros((2, 20, 30), "uint8")
    first[:10], second[5:15] = 255, 255
    images, masks = write_masks(tmp_path, [first])
    save(tmp_path / "weeds" / "0.png", second)
    examples = formats.masks(images, {"water": masks, "weeds": tmp_path / "weeds"}, "binary")
    assert examples.classes == ("water", "weeds")
    assert examples[0].mask[[0, 7, 12, 19], 0].tolist() == [1, 2, 2, 0]


def test_class_masks_with_their_own_values(tmp_path):
    mask = np.zeros((20, 30), "uint8")
    mask[0], mask[1], mask[2], mask[3] = 1, 2, 4, 255
    paths = write_masks(tmp_path, [mask])
    example = formats.masks(*paths, "classes", ("necrosis", "oedema", "tumour"), values=(1, 2, 4))[0]
    assert example.mask[:5, 0].tolist() == [1, 2, 3, 255, 0]
    with pytest.raises(ValueError, match=r"0\.png must hold .*Received also: \[4\]"):
        formats.masks(*paths, "classes", ("a", "b", "c"))[0]


def test_instance_masks_of_sixteen_bits(tmp_path):
    mask = np.zeros((20, 30), "uint16")
    mask[2:5, 3:9], mask[10:, 20:] = 7, 4000
    example = formats.masks(*write_masks(tmp_path, [mask]), "instances", "cell")[0]
    assert example.boxes.tolist() == [[3, 2, 9, 5], [20, 10, 30, 20]] and example.box_labels.tolist() == [
        0,
        0,
    ]
    np.testing.assert_array_equal(example.mask, mask > 0)


def test_bad_masks_are_named_and_refused_or_skipped(tmp_path):
    images, masks = write_masks(tmp_path, [np.zeros((20, 30), "uint8")] * 5)
    save(masks / "1.png", np.zeros((20, 31), "uint8"))  # another size
    (masks / "2.png").unlink()
    (images / "3.png").write_bytes((images / "3.png").read_bytes()[:-9])
    save(masks / "9.png", np.zeros((20, 30), "uint8"))
    (images / "notes.txt").write_text("not a picture, and not meant as one")
    with pytest.raises(ValueError, match="4 of 6 items are bad") as caught:
        formats.masks(images, masks, "binary")
    for words in (
        "1.png: its mask is 31×20, the picture 30×20",
        "2.png: no mask belongs to it",
        "3.png: the picture is cut off",
        "9.png: no picture belongs to it",
    ):
        assert words in str(caught.value)
    examples = formats.masks(images, masks, "binary", bad="skip")
    assert [example.name for example in examples] == ["0.png", "4.png"] and len(examples.skipped) == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "boxes"}, "kind must be"),
        ({"kind": "binary", "classes": ("a", "b")}, "classes must be one name"),
        ({"kind": "classes", "classes": ("a", "b"), "values": (1,)}, "values must be one for each"),
        ({"kind": "instances", "masks": {"a": "x"}}, 'for kind="binary" only'),
    ],
)
def test_bad_arguments_of_masks(tmp_path, arguments, words):
    with pytest.raises(ValueError, match=words) as caught:
        formats.masks(tmp_path, **{"masks": tmp_path, **arguments})
    assert "Received" in str(caught.value)


def test_a_colour_mask_says_what_it_should_be(tmp_path):
    with pytest.raises(ValueError, match="mask of one channel"):
        formats.masks(*write_masks(tmp_path, [noise()]), "classes")


def test_real_nuclei():
    folder = real("nuclei")
    examples = formats.masks(folder / "images", folder / "labels", "instances", "nucleus")
    assert len(examples) == 60 and examples.classes == ("nucleus",)
    for example in examples[:10]:
        numbers = np.asarray(Image.open(folder / "labels" / example.name))
        assert len(example.boxes) == len(np.unique(numbers[numbers > 0]))
        np.testing.assert_array_equal(example.instance_masks.any(axis=0), numbers > 0)


# --- class folders ------------------------------------------------------------------------------------


def test_class_folders_agree_with_keras(tmp_path):
    keras = pytest.importorskip("keras")
    for k, name in enumerate(["wrist/patient1/a", "elbow/b", "wrist/c", "elbow/d"]):
        save(tmp_path / f"{name}.png", noise(8, 8, seed=k))
    examples = formats.folders(tmp_path)
    batch = keras.utils.image_dataset_from_directory(
        str(tmp_path), shuffle=False, image_size=(8, 8), interpolation="nearest", verbose=False
    )
    images, labels = next(iter(batch))
    assert [example.label for example in examples] == np.asarray(labels).tolist()
    np.testing.assert_array_equal(np.stack([example.image for example in examples]), np.asarray(images))
    assert examples.classes == tuple(batch.class_names) and len(formats.folders(tmp_path, limit=2)) == 2
    (tmp_path / "elbow" / "b.png").write_text("text")
    with pytest.raises(ValueError, match=r"elbow/b\.png: no picture can be read"):
        formats.folders(tmp_path)
    assert len(formats.folders(tmp_path, bad="skip")) == 3
    with pytest.raises(ValueError, match="folder must exist"):
        formats.folders(tmp_path / "nowhere")


def test_records_are_read_when_asked_for(tmp_path):
    images, masks = write_masks(tmp_path, [np.zeros((20, 30), "uint8")] * 3)
    examples = formats.masks(images, masks, "binary")
    assert repr(examples) == "Examples: 3 pictures, 1 classes" and len(examples[1:]) == 2
    (images / "0.png").unlink()
    with pytest.raises(ValueError, match=r"0\.png cannot be read"):
        examples[0]
    assert examples[-1].name == "2.png"
