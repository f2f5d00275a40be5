"""Readers of COCO, VOC, mask folders and class folders, on files made here and on real ones."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cvcourse.datasets import formats
from cvcourse.datasets.coco import _coco_mask, _run_lengths
from cvcourse.datasets.records import Record, Records, tight_boxes

REAL = Path(os.environ.get("CVCOURSE_TEST_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))


def real(name):
    if not (REAL / name).is_dir():
        pytest.skip(f"needs {name}/ in the folder named by CVCOURSE_TEST_DATA, or in ../shared/data")
    return REAL / name


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels)).save(path)
    return path


def noise(height=20, width=30, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype="uint8")


# --- COCO -------------------------------------------------------------------------------------------

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
    }

    def read(**options):
        (tmp_path / "instances.json").write_text(json.dumps(content))
        return formats.coco(tmp_path / "instances.json", tmp_path / "images", **options)

    return content, read


def test_coco_boxes_labels_and_masks(coco):
    records = coco[1]()
    assert isinstance(records, Records) and records.classes == ("cat", "dog") and len(records) == 2
    first, second = records
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


@pytest.mark.parametrize(("change", "words"), [
    (lambda c: c["images"][0].update(file_name="3.png"), "3.png: the picture is missing"),
    (lambda c: c["images"][0].update(width=31), "1.png: the picture is 30×20, its annotation says 31×20"),
    (lambda c: c["images"][0].update(file_name="../images/1.png"), "leads out of the folder"),
    (lambda c: c["annotations"][0].update(bbox=[25, 3, 10, 6]), "annotation 1: a box outside of the 30×20"),
    (lambda c: c["annotations"][0].update(bbox=[2, 3, 0, 6]), "annotation 1: a box of no area"),
    (lambda c: c["annotations"][0].update(bbox=[2, 3, 4]), "annotation 1: not as COCO has it"),
    (lambda c: c["annotations"][0].update(category_id=77), "category 77 is not in the list"),
    (lambda c: c["annotations"][0].update(segmentation=[[1, 2, 3, 4]]), "three points"),
    (lambda c: c["annotations"][1]["segmentation"].update(size=[30, 20]), "mask is of another size"),
    (lambda c: c["annotations"][1]["segmentation"].update(counts=[64, 2]), "do not fill the picture"),
    (lambda c: c["annotations"][2].update(image_id=99), "annotation 3: its image is not in the list"),
    (lambda c: c["annotations"][2].update(image_id=[1]), "annotation 3: its image is not in the list"),
    (lambda c: c["annotations"][0].update(category_id="9"),
     "category '9' is not in the list of categories, [4"),
    (lambda c: c["annotations"][0].update(iscrowd="0"), "iscrowd must be 0 or 1. Received: '0'"),
    (lambda c: c["images"][0].update(file_name="1.png\0"), "no picture can be read"),
    (lambda c: c["annotations"][0].update(bbox=["2", "3", "4", "5"]), "'2' is no finite number"),
    *((lambda c, p=p: c["annotations"][0].update(segmentation=p), w) for p, w in [
        ([["2", "3", "12", "3", "12", "9"]], "'2' is no finite number"),
        ([[2, 3, 12, 3, float("nan"), 9]], "nan is no finite number"),
        ([[2, 3, 12, 3, float("inf"), 9]], "inf is no finite number"),
        ([[2, 3, 12, None, 12, 9]], "None is no finite number"),
        ([[2, 3, 1e9, 3, 12, 9]], "a polygon outside of the 30×20"), (5, "annotation 1: not as COCO has it"),
        ({"size": [20, 30], "counts": [600.0]}, "do not fill"), ({"size": [20, 30]}, "not as COCO has it"),
        ({"size": [20, 30], "counts": "o" * 200_000}, "run lengths are not as COCO writes them"),
        ({"size": [20, 30], "counts": "é"}, "run lengths are not as COCO writes them"),
    ]),
])
def test_bad_coco_is_named_counted_and_refused_or_skipped(coco, change, words):
    content, read = coco
    change(content)
    with pytest.raises(ValueError, match=r"1 of . items are bad") as caught:
        read()
    assert words in str(caught.value) and 'bad="skip"' in str(caught.value)
    records = read(bad="skip")
    assert len(records.skipped) == 1 and "1 skipped" in repr(records)
    assert len(records) == (2 if "annotation 3" in words else 1)
    for record in records:
        assert isinstance(record, Record)


@pytest.mark.parametrize(("text", "words"), [
    ('{"images": [', r"not whole JSON.*line 1"), ("[]", "must hold a list of images"),
    ('{"images": [], "categories": []}', "must hold a list of annotations"),
    ('{"images": [{"id": 1}], "categories": [], "annotations": []}',
     r"each of the images must have id, file_name"),
    (b"\xff\xfe\x00", "not whole JSON"), (None, "does not exist"), ("[" * 100_000, "not whole JSON"),
    (b"\xef\xbb\xbf[]", "must hold a list of images"),
])
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
    records = read(bad="skip")
    assert [name for name, _ in records.skipped] == ["2.png", "1.png"] and len(records) == 1
    assert records.skipped[0][1] == "2 images have its id 2"
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
    records = formats.coco(folder / "instances.json", folder / "images")
    content = json.loads((folder / "instances.json").read_text())
    assert len(records) == len(content["images"]) and len(records.classes) == 80 and records.skipped == []
    assert records.classes[15] == "cat"
    compared = 0
    for image, record in zip(content["images"], records, strict=True):
        own = [a for a in content["annotations"] if a["image_id"] == image["id"]]
        assert record.image.shape[:2] == record.mask.shape == (image["height"], image["width"])
        for annotation, each, box in zip(own, record.instance_masks, record.boxes, strict=True):
            if annotation["area"] > 500:  # COCO's exact area of the polygons is the oracle
                assert abs(each.sum() / annotation["area"] - 1) < 0.02
                assert np.abs(tight_boxes(each[None])[0] - box).max() <= 2.5  # thin tips lie between pixels
                compared += 1
    assert compared > 30
    assert len(formats.coco(folder / "instances.json", folder / "images", limit=3)) == 3


# --- VOC --------------------------------------------------------------------------------------------

OBJECT = ("<object><name>{}</name><difficult>{}</difficult><bndbox><xmin>{}</xmin><ymin>{}</ymin>"
          "<xmax>{}</xmax><ymax>{}</ymax></bndbox></object>")


def write_voc(folder, stem, *objects, before="", filename=None):
    (folder / "Annotations").mkdir(exist_ok=True)
    text = (f"{before}<annotation><filename>{filename or stem + '.png'}</filename><size><width>30</width>"
            f"<height>20</height></size>{''.join(OBJECT.format(*o) for o in objects)}</annotation>")
    (folder / "Annotations" / f"{stem}.xml").write_text(text)
    save(folder / "JPEGImages" / f"{stem}.png", noise())


def test_voc_counts_from_one_and_leaves_out_the_difficult(tmp_path):
    write_voc(tmp_path, "a", ("dog", 0, 1, 1, 30, 20), ("cat", 1, 5, 6, 7, 9))
    records = formats.voc(tmp_path)
    assert records.classes == formats.VOC_CLASSES and records[0].boxes.tolist() == [[0, 0, 30, 20]]
    assert records.classes[records[0].box_labels[0]] == "dog"
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
    record = formats.voc(tmp_path)[0]
    np.testing.assert_array_equal(record.mask, by_class)
    np.testing.assert_array_equal(tight_boxes(record.instance_masks), record.boxes)
    assert record.mask[12, 12] == record.box_labels[0] + 1


def test_own_data_as_a_user_reads_it(tmp_path):
    """A look at a few first, then all of them: without what is broken, with what is hard to see."""
    for stem in ("a", "b", "c"):
        write_voc(tmp_path, stem, ("mug", 0, 1, 1, 10, 10), ("mug", int(stem == "a"), 12, 1, 20, 9))
    write_voc(tmp_path, "d", ("mug", 0, 5, 5, 2, 9))
    look = formats.voc(tmp_path, classes=["mug"], limit=2)
    assert [len(record.boxes) for record in look] == [1, 2] and look.classes == ("mug",)
    with pytest.raises(ValueError, match=r'(?s)1 of 4 items are bad:.*d\.xml.*bad="skip"'):
        formats.voc(tmp_path, classes=["mug"])
    whole = formats.voc(tmp_path, classes=["mug"], bad="skip", difficult=True)
    assert [len(record.boxes) for record in whole] == [2, 2, 2]
    assert [name for name, _ in whole.skipped] == ["d.xml"]
    size = {"width": 30, "height": 20}
    images = [{"id": k, "file_name": f"{stem}.png", **size} for k, stem in enumerate("abx")]
    one = {"id": 1, "image_id": 1, "category_id": 5, "bbox": [2, 2, 6, 6]}
    content = {"images": images, "annotations": [one], "categories": [{"id": 5, "name": "mug"}]}
    (tmp_path / "mine.json").write_text(json.dumps(content))
    same = formats.coco(tmp_path / "mine.json", tmp_path / "JPEGImages", bad="skip", limit=3)
    assert [len(record.boxes) for record in same] == [0, 1] and same.skipped[0][0] == "x.png"
    assert len(formats.coco(tmp_path / "mine.json", tmp_path / "JPEGImages", limit=1)) == 1


def put_masks(folder, by_class, by_object):
    save(folder / "SegmentationClass" / "bad.png", by_class)
    save(folder / "SegmentationObject" / "bad.png", by_object)


def test_voc_boxes_are_clipped_like_those_of_coco(tmp_path):
    write_voc(tmp_path, "a", ("cat", 0, 0, 0, 31, 21))  # counted from 0, or rounded: a pixel too far
    assert formats.voc(tmp_path)[0].boxes.tolist() == [[0, 0, 30, 20]]


BOMB = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]>'


@pytest.mark.parametrize(("damage", "words"), [
    (lambda path: path.write_text(path.read_text()[:60]), "not the XML of VOC"),
    (lambda path: path.write_text(BOMB + path.read_text()), "declares a document type"),
    (lambda path: path.write_bytes((BOMB + path.read_text()).encode("utf-16")), "declares a document type"),
    (lambda path: path.write_text(path.read_text().replace("<xmax>5<", "<xmax>five<")), "not the XML of VOC"),
    (lambda path: path.write_text(path.read_text().replace("<xmax>5<", "<xmax>50<")),
     "a box outside of the 30×20"),
    (lambda path: path.write_text(path.read_text().replace("<width>30<", "<width>33<")),
     "annotation says 33×20"),
    (lambda path: path.write_text(path.read_text().replace("bad.png", "gone.png")), "the picture is missing"),
    (lambda path: path.write_text(path.read_text().replace("bad.png", "/etc/passwd")),
     "leads out of the folder"),
    (lambda path: path.write_text(path.read_text().replace("xmin", "left")), "not the XML of VOC"),
    (lambda path: path.write_text(path.read_text().replace("<width>30<", "<width>wide<")),
     "not the XML of VOC"),
    (lambda path: path.write_text('<?xml version="1.0" encoding="klingon"?>' + path.read_text()),
     "not the XML of VOC"),
    (lambda path: path.write_text("<a>" * 100_000), "not the XML of VOC"),
    (lambda path: put_masks(path.parents[1], np.zeros((20, 31), "uint8"), np.zeros((20, 31), "uint8")),
     "its mask is 31×20, the picture 30×20"),
    (lambda path: put_masks(path.parents[1], np.full((20, 30), 77, "uint8"), np.zeros((20, 30), "uint8")),
     "Received also: [77]"),
])
def test_bad_voc_is_named_and_refused_or_skipped(tmp_path, damage, words):
    write_voc(tmp_path, "bad", ("cat", 0, 1, 1, 5, 5))
    write_voc(tmp_path, "good", ("cat", 0, 1, 1, 5, 5))
    damage(tmp_path / "Annotations" / "bad.xml")
    with pytest.raises(ValueError, match=r"(?s)1 of 2 items are bad:.*bad\.xml: ") as caught:
        formats.voc(tmp_path)
    assert words in str(caught.value)
    records = formats.voc(tmp_path, bad="skip")
    assert len(records) == 1 and records.skipped[0][0] == "bad.xml" and words in records.skipped[0][1]


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
    record, = formats.masks(*write_masks(tmp_path, [mask], "_segmentation"), "binary", "lesion",
                            suffix="_segmentation")
    np.testing.assert_array_equal(record.mask, mask // top)
    assert record.boxes is None and record.instance_masks is None and repr(record).endswith("30×20; mask")


def test_one_folder_of_binary_masks_for_each_class(tmp_path):
    first, second = np.zeros((2, 20, 30), "uint8")
    first[:10], second[5:15] = 255, 255
    images, masks = write_masks(tmp_path, [first])
    save(tmp_path / "weeds" / "0.png", second)
    records = formats.masks(images, {"water": masks, "weeds": tmp_path / "weeds"}, "binary")
    assert records.classes == ("water", "weeds")
    assert records[0].mask[[0, 7, 12, 19], 0].tolist() == [1, 2, 2, 0]


def test_class_masks_with_their_own_values(tmp_path):
    mask = np.zeros((20, 30), "uint8")
    mask[0], mask[1], mask[2], mask[3] = 1, 2, 4, 255
    paths = write_masks(tmp_path, [mask])
    record = formats.masks(*paths, "classes", ("necrosis", "oedema", "tumour"), values=(1, 2, 4))[0]
    assert record.mask[:5, 0].tolist() == [1, 2, 3, 255, 0]
    with pytest.raises(ValueError, match=r"0\.png must hold .*Received also: \[4\]"):
        formats.masks(*paths, "classes", ("a", "b", "c"))[0]


def test_instance_masks_of_sixteen_bits(tmp_path):
    mask = np.zeros((20, 30), "uint16")
    mask[2:5, 3:9], mask[10:, 20:] = 7, 4000
    record = formats.masks(*write_masks(tmp_path, [mask]), "instances", "cell")[0]
    assert record.boxes.tolist() == [[3, 2, 9, 5], [20, 10, 30, 20]] and record.box_labels.tolist() == [0, 0]
    np.testing.assert_array_equal(record.mask, mask > 0)


def test_bad_masks_are_named_and_refused_or_skipped(tmp_path):
    images, masks = write_masks(tmp_path, [np.zeros((20, 30), "uint8")] * 5)
    save(masks / "1.png", np.zeros((20, 31), "uint8"))  # another size
    (masks / "2.png").unlink()
    (images / "3.png").write_bytes((images / "3.png").read_bytes()[:-9])
    save(masks / "9.png", np.zeros((20, 30), "uint8"))
    (images / "notes.txt").write_text("not a picture, and not meant as one")
    with pytest.raises(ValueError, match="4 of 6 items are bad") as caught:
        formats.masks(images, masks, "binary")
    for words in ("1.png: its mask is 31×20, the picture 30×20", "2.png: no mask belongs to it",
                  "3.png: the picture is cut off", "9.png: no picture belongs to it"):
        assert words in str(caught.value)
    records = formats.masks(images, masks, "binary", bad="skip")
    assert [record.name for record in records] == ["0.png", "4.png"] and len(records.skipped) == 4


@pytest.mark.parametrize(("arguments", "words"), [
    ({"kind": "boxes"}, "kind must be"), ({"kind": "binary", "classes": ("a", "b")},
                                          "classes must be one name"),
    ({"kind": "classes", "classes": ("a", "b"), "values": (1,)}, "values must be one for each"),
    ({"kind": "instances", "masks": {"a": "x"}}, 'for kind="binary" only'),
])
def test_bad_arguments_of_masks(tmp_path, arguments, words):
    with pytest.raises(ValueError, match=words) as caught:
        formats.masks(tmp_path, **{"masks": tmp_path, **arguments})
    assert "Received" in str(caught.value)


def test_a_colour_mask_says_what_it_should_be(tmp_path):
    with pytest.raises(ValueError, match="mask of one channel"):
        formats.masks(*write_masks(tmp_path, [noise()]), "classes")


def test_real_nuclei():
    folder = real("nuclei")
    records = formats.masks(folder / "images", folder / "labels", "instances", "nucleus")
    assert len(records) == 60 and records.classes == ("nucleus",)
    for record in records[:10]:
        numbers = np.asarray(Image.open(folder / "labels" / record.name))
        assert len(record.boxes) == len(np.unique(numbers[numbers > 0]))
        np.testing.assert_array_equal(record.instance_masks.any(axis=0), numbers > 0)


# --- class folders ------------------------------------------------------------------------------------

def test_class_folders_agree_with_keras(tmp_path):
    keras = pytest.importorskip("keras")
    for k, name in enumerate(["wrist/patient1/a", "elbow/b", "wrist/c", "elbow/d"]):
        save(tmp_path / f"{name}.png", noise(8, 8, seed=k))
    records = formats.folders(tmp_path)
    batch = keras.utils.image_dataset_from_directory(
        str(tmp_path), shuffle=False, image_size=(8, 8), interpolation="nearest", verbose=False)
    images, labels = next(iter(batch))
    assert [record.label for record in records] == np.asarray(labels).tolist()
    np.testing.assert_array_equal(np.stack([record.image for record in records]), np.asarray(images))
    assert records.classes == tuple(batch.class_names) and len(formats.folders(tmp_path, limit=2)) == 2
    (tmp_path / "elbow" / "b.png").write_text("text")
    with pytest.raises(ValueError, match=r"elbow/b\.png: no picture can be read"):
        formats.folders(tmp_path)
    assert len(formats.folders(tmp_path, bad="skip")) == 3
    with pytest.raises(ValueError, match="folder must exist"):
        formats.folders(tmp_path / "nowhere")


def test_records_are_read_when_asked_for(tmp_path):
    images, masks = write_masks(tmp_path, [np.zeros((20, 30), "uint8")] * 3)
    records = formats.masks(images, masks, "binary")
    assert repr(records) == "Records: 3 pictures, 1 classes" and len(records[1:]) == 2
    (images / "0.png").unlink()
    with pytest.raises(ValueError, match=r"0\.png cannot be read"):
        records[0]
    assert records[-1].name == "2.png"
