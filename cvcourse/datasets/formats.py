"""Readers for the formats in which annotated pictures are handed out.

`coco`, `voc`, `masks` and `folders` all give `Records`, whose items are the same `Record`s as those of
`scenes`. Each looks at every file first (at its head, not its pixels). What is bad is named and counted:
`bad="refuse"` stops with an error that lists it, `bad="skip"` leaves it out and lists it in `.skipped`.
"""

from functools import partial
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np

from cvcourse.datasets.coco import coco
from cvcourse.datasets.files import (
    NOT_COUNTED,
    PICTURES,
    bad_box,
    bad_image,
    bad_mask,
    bad_name,
    listed,
    picture,
    picture_size,
    pixels,
    records,
)
from cvcourse.datasets.records import Record, tight_boxes

__all__ = ["NOT_COUNTED", "VOC_CLASSES", "coco", "folders", "masks", "voc"]

VOC_CLASSES = ("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
               "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
               "tvmonitor")


def voc(folder, classes=None, bad="refuse", limit=None, difficult=False):
    """Pictures annotated as in PASCAL VOC: an XML file for each in `Annotations/`, beside `JPEGImages/`.

    Where the classes are VOC's twenty and `SegmentationClass/` and `SegmentationObject/` hold a mask of the
    same name, the record has it.

    Args:
        folder: the folder that holds `Annotations` and `JPEGImages`.
        classes: names in the order of the labels; by default VOC's twenty if they suffice, else all names
            found, sorted.
        bad: "refuse" or "skip"; see the module.
        limit: int, at most so many pictures, the first ones.
        difficult: whether to keep the objects marked as difficult, which VOC's score leaves out.

    Returns:
        `Records`.

    Raises:
        ValueError: if there are no XML files, or if one is bad and `bad="refuse"`.

    Source: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf; VOC counts pixels from 1 and
    includes both ends, so x1 = xmin − 1 and x2 = xmax.
    """
    folder = Path(folder)
    paths = listed(folder / "Annotations", {".xml"})[:limit]
    read = {path: _voc_objects(path) for path in paths}
    whole = [content for content in read.values() if not isinstance(content, str)]
    named = {name for content in whole for name, *_ in content["objects"]}
    if classes is None:
        classes = VOC_CLASSES if named <= set(VOC_CLASSES) else sorted(named)
    found = []
    for path, content in read.items():
        if isinstance(content, str):  # what is wrong with it
            found.append((path.name, content, None))
            continue
        image = folder / "JPEGImages" / content["filename"]
        problem = bad_name(content["filename"]) or bad_image(image, content["size"])
        problem = problem or _bad_objects(content["objects"], classes, image)
        reader = partial(_voc_record, image, content["objects"], tuple(classes), difficult)
        found.append((path.name, problem, reader))
    return records(found, classes, bad)


def masks(images, masks, kind, classes=("object",), values=None, suffix="", bad="refuse", limit=None):
    """Pictures with a mask each, of the same name: one folder of pictures, one of masks.

    Args:
        images: folder with the pictures.
        masks: folder with the masks; or for kind "binary", {class: folder}, where later classes lie on top.
        kind: "binary" (0 = background, all else = the class), "classes" (0 = background, then the classes,
            255 = not counted) or "instances" (0 = background, each object has a number of its own).
        classes: names of the classes; one for "instances", and for "binary" unless `masks` names them.
        values: for kind "classes": the pixel values of the classes, if not 1, 2, … (BraTS: 1, 2, 4).
        suffix: what a mask's name has more than its picture's, such as ISIC's "_segmentation".
        bad: "refuse" or "skip"; see the module.
        limit: int, at most so many pictures, the first ones.

    Returns:
        `Records`. Boxes and instance masks are known for kind "instances" only.

    Raises:
        ValueError: if an argument does not fit, or if a picture is bad and `bad="refuse"`.
    """
    classes, values, mask_folders = _check_masks(masks, kind, classes, values)
    paths = {path.stem: path for path in listed(Path(images), PICTURES)}
    of_mask = [{path.stem.removesuffix(suffix): path for path in listed(each, PICTURES)}
               for each in mask_folders]
    stray = [(each[stem].name, "no picture belongs to it") for each in of_mask for stem in each
             if stem not in paths]
    found = []
    for stem, path in list(paths.items())[:limit]:
        own = [each.get(stem) for each in of_mask]
        problem = bad_image(path) or ("no mask belongs to it" if None in own else None)
        problem = problem or next(filter(None, (bad_mask(mask, path) for mask in own)), None)
        found.append((path.name, problem, partial(_mask_record, path, own, kind, values)))
    return records(found, classes, bad, stray)


def _check_masks(masks, kind, classes, values):
    """The classes, the pixel value of each and the folders of masks, all as sequences."""
    if kind not in ("binary", "classes", "instances"):
        raise ValueError(f'kind must be "binary", "classes" or "instances". Received: kind={kind!r}')
    if isinstance(masks, dict):
        if kind != "binary":
            raise ValueError(f'masks may be a dict for kind="binary" only. Received: kind={kind!r}')
        classes, mask_folders = tuple(masks), [Path(folder) for folder in masks.values()]
    else:
        classes = (classes,) if isinstance(classes, str) else tuple(classes)
        mask_folders = [Path(masks)]
    if kind != "classes" and len(classes) != len(mask_folders):
        raise ValueError(f"classes must be one name for kind={kind!r}. Received: classes={classes!r}")
    values = tuple(values or range(1, len(classes) + 1))
    if len(values) != len(classes):
        raise ValueError(f"values must be one for each of {classes}. Received: values={values!r}")
    return classes, values, mask_folders


def folders(folder, bad="refuse", limit=None):
    """Pictures sorted into a folder for each class, as Keras's `image_dataset_from_directory` lists them.

    So labels and order are those of the batches that Keras makes of the same folder.

    Args:
        folder: the folder that holds one folder for each class; pictures may lie deeper.
        bad: "refuse" or "skip"; see the module.
        limit: int, at most so many pictures, evenly taken from all.

    Returns:
        `Records` with a `label` each.

    Raises:
        ValueError: if there are no pictures, or if one is bad and `bad="refuse"`.
    """
    from keras.utils import image_dataset_from_directory

    if not Path(folder).is_dir():
        raise ValueError(f"folder must exist. Received: {folder}")
    listed = image_dataset_from_directory(str(folder), shuffle=False, batch_size=None, verbose=False)
    paths, classes = [Path(path) for path in listed.file_paths], listed.class_names
    if limit is not None:
        steps = np.linspace(0, len(paths) - 1, min(limit, len(paths))).astype(int)
        paths = [paths[i] for i in steps]
    found = []
    for path in paths:
        inside = path.relative_to(folder)
        reader = partial(_folder_record, path, classes.index(inside.parts[0]))
        found.append((inside.as_posix(), bad_image(path), reader))
    return records(found, classes, bad)


def _voc_record(path, objects, classes, difficult):
    image = picture(path)
    kept = [k for k, (_, _, hard) in enumerate(objects) if difficult or not hard]
    labels = np.array([classes.index(objects[k][0]) for k in kept], "int64")
    boxes = np.array([objects[k][1] for k in kept], "float32").reshape(-1, 4)
    mask = each = None
    by_class, by_object = (path.parents[1] / folder / f"{path.stem}.png"
                           for folder in ("SegmentationClass", "SegmentationObject"))
    if tuple(classes) == VOC_CLASSES and by_class.is_file() and by_object.is_file():
        mask = pixels(by_class).astype("uint8")
        numbers = np.array(kept, "int64").reshape(-1, 1, 1) + 1
        each = pixels(by_object) == numbers
    return Record(image, None, boxes, labels, mask, each, path.name)


def _mask_record(path, own, kind, values):
    image = picture(path)
    if kind == "instances":
        numbers = pixels(own[0])
        each = numbers == np.unique(numbers[numbers > 0]).reshape(-1, 1, 1)
        labels = np.zeros(len(each), "int64")
        mask = (numbers > 0).astype("uint8")
        return Record(image, None, tight_boxes(each), labels, mask, each, path.name)
    mask = np.zeros(image.shape[:2], "uint8")
    if kind == "binary":
        for k, one in enumerate(own):
            found = pixels(one)
            mask[found > (0 if found.max() <= 1 else 127)] = k + 1  # 127: JPEG blurs the edges
        return Record(image, mask=mask, name=path.name)
    found = pixels(own[0])
    strange = sorted(set(np.unique(found).tolist()) - {0, NOT_COUNTED, *values})
    if strange:
        raise ValueError(f"{own[0]} must hold 0, {NOT_COUNTED} and {values}. Received also: {strange[:9]}")
    for k, value in enumerate(values):
        mask[found == value] = k + 1
    mask[found == NOT_COUNTED] = NOT_COUNTED
    return Record(image, mask=mask, name=path.name)


def _folder_record(path, label):
    return Record(picture(path), label, name=path.name)


def _bad_objects(objects, classes, image):
    size = picture_size(image)
    for name, box, _ in objects:
        if name not in classes:
            return f"the class {name!r} is not one of {', '.join(classes)}"
        if problem := bad_box(box, size):
            return problem
    return None


def _voc_objects(path):
    """What a VOC file says: its picture, size and objects (name, box, difficult); a str if it is broken."""
    try:
        root = _safe_xml(path.read_bytes())
        filename = root.findtext("filename") or f"{path.stem}.jpg"
        size = [root.findtext(f"size/{side}") for side in ("width", "height")]
        objects = []
        for entry in root.iter("object"):
            corners = [float(entry.findtext(f"bndbox/{name}")) for name in ("xmin", "ymin", "xmax", "ymax")]
            box = (corners[0] - 1, corners[1] - 1, corners[2], corners[3])
            objects.append((entry.findtext("name").strip(), box, entry.findtext("difficult") == "1"))
    except (ElementTree.ParseError, expat.ExpatError, TypeError, AttributeError, ValueError) as error:
        return f"not the XML of VOC ({error})"
    return {"filename": filename, "size": [int(side) if side else None for side in size], "objects": objects}


def _safe_xml(data):
    """The tree of an XML file; a document type is refused, since entities can fill the memory."""

    def refuse(*_):
        raise ValueError("it declares a document type, which annotations do not need")

    watch = expat.ParserCreate()
    watch.StartDoctypeDeclHandler = refuse
    watch.Parse(data, True)
    return ElementTree.fromstring(data)
