"""Readers for the formats in which annotated pictures are handed out.

`coco`, `voc`, `masks` and `folders` all give `Examples`, whose items are the same `Example`s as those of
`scenes`. Each looks at every file first: at annotations and masks as a whole, at a picture's head and end.
What is bad is named and counted: `bad="refuse"` stops with an error that lists it, `bad="skip"` leaves it out
and lists it in `.skipped`. `datasets.pixels` says how each type of pixel is read. Hidden files and folders
(`.ipynb_checkpoints`) are passed over.
"""

import os
import reprlib
from functools import partial
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np

from cvcourse.datasets import pixels
from cvcourse.datasets.coco import coco
from cvcourse.datasets.examples import Example, tight_boxes
from cvcourse.datasets.files import (
    NOT_COUNTED,
    PICTURES,
    bad_box,
    bad_image,
    bad_mask,
    bad_name,
    by_stem,
    clipped,
    examples,
    first,
    listed,
    path_of,
    picture_size,
    too_many,
)

__all__ = ["NOT_COUNTED", "VOC_CLASSES", "coco", "folders", "masks", "voc"]

VOC_CLASSES = ("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
               "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
               "tvmonitor")  # fmt: skip
_VOC_VALUES = tuple(range(1, 21))


def voc(folder, classes=None, bad="refuse", limit=None, difficult=False):
    """Pictures annotated as in PASCAL VOC: an XML file for each in `Annotations/`, beside `JPEGImages/`.

    Where the classes are VOC's twenty and `SegmentationClass/` and `SegmentationObject/` hold a mask of the
    same name, the example has it. Boxes and masks refer to the pixels as they lie in the file, so EXIF's
    rotation is not applied.

    Args:
        folder: the folder that holds `Annotations` and `JPEGImages`.
        classes: names in the order of the labels; by default VOC's twenty if they suffice, else all names
            found, sorted.
        bad: "refuse" or "skip"; see the module.
        limit: int, at most so many pictures, the first ones.
        difficult: whether to keep the objects marked as difficult, which VOC's score leaves out.

    Returns:
        `Examples`.

    Raises:
        ValueError: if there are no XML files, or if one is bad and `bad="refuse"`.

    Source: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf; VOC counts pixels from 1 and
    includes both ends, so x1 = xmin − 1 and x2 = xmax.
    """
    folder = path_of(folder, "folder")
    paths = listed(folder / "Annotations", {".xml"}, "folder")[: first(limit)]
    read = {path: _voc_objects(path) for path in paths}
    whole = [content for content in read.values() if not isinstance(content, str)]
    named = {name for content in whole for name, *_ in content["objects"]}
    if classes is None:
        classes = VOC_CLASSES if named <= set(VOC_CLASSES) else sorted(named)
    classes = _names(classes)
    found = []
    for path, content in read.items():
        if isinstance(content, str):  # what is wrong with it
            found.append((path.name, content, None))
            continue
        image, objects = folder / "JPEGImages" / content["filename"], content["objects"]
        own = [folder / kind / f"{image.stem}.png" for kind in ("SegmentationClass", "SegmentationObject")]
        own = own if classes == VOC_CLASSES and all(mask.is_file() for mask in own) else None
        problem = bad_name(content["filename"]) or bad_image(image, content["size"])
        problem = problem or _bad_objects(objects, classes, image, own)
        found.append((path.name, problem, partial(_voc_record, image, objects, classes, difficult, own)))
    return examples(found, classes, bad)


def _names(classes):
    """The argument `classes` as a tuple of str."""
    try:
        names = (classes,) if isinstance(classes, str) else tuple(classes)
    except Exception:  # whatever a foreign object's own conversion raises
        names = ()
    if not all(isinstance(name, str) for name in names) or len(set(names)) < max(1, len(names)):
        raise ValueError(f"classes must be different names. Received: classes={reprlib.repr(classes)}")
    return names


def masks(images, masks, kind, classes=("object",), values=None, suffix="", bad="refuse", limit=None):
    """Pictures with a mask each, of the same name: one folder of pictures, one of masks.

    Args:
        images: folder with the pictures.
        masks: folder with the masks; or for kind "binary", {class: folder}, where later classes lie on top.
        kind: "binary" (0 = background, all else = the class; of soft edges, as JPEG makes them, what is above
            half), "classes" (0 = background, then the classes, 255 = not counted) or "instances" (0 =
            background, each object has a number of its own).
        classes: names of the classes; one for "instances", and for "binary" unless `masks` names them.
        values: for kind "classes": the pixel values of the classes, if not 1, 2, … (BraTS: 1, 2, 4).
        suffix: what a mask's name has more than its picture's, such as ISIC's "_segmentation".
        bad: "refuse" or "skip"; see the module.
        limit: int, at most so many pictures, the first ones.

    Returns:
        `Examples`. Boxes and instance masks are known for kind "instances" only. Pictures are as they lie in
        the file (EXIF's rotation is not applied), as the masks are.

    Raises:
        ValueError: if an argument does not fit, or if a picture is bad and `bad="refuse"`.
    """
    classes, values, mask_folders = _check_masks(masks, kind, classes, values)
    if not isinstance(suffix, str):
        raise TypeError(f"suffix must be text. Received: suffix={reprlib.repr(suffix)}")
    paths = by_stem(listed(path_of(images, "images"), PICTURES, "images"))
    of_mask = [by_stem(listed(each, PICTURES, "masks"), suffix) for each in mask_folders]
    stray = [
        (path.name, "no picture belongs to it")
        for each in of_mask
        for stem in each
        if stem not in paths
        for path in each[stem]
    ]
    found = []
    for stem in list(paths)[: first(limit)]:
        own = [each.get(stem, []) for each in of_mask]
        same = next((group for group in (paths[stem], *own) if len(group) > 1), None)
        path, own = paths[stem][0], [group[0] for group in own if group]
        problem = same and f"two files of one name: {', '.join(each.name for each in same)}"
        problem = problem or bad_image(path) or (len(own) < len(of_mask) and "no mask belongs to it") or None
        how = partial(_mask_of, kind=kind, values=values)
        problem = problem or next(filter(None, (bad_mask(mask, path, how) for mask in own)), None)
        found.append((path.name, problem, partial(_mask_record, path, own, kind, values)))
    return examples(found, classes, bad, stray)


def _check_masks(masks, kind, classes, values):
    """The classes, the pixel value of each and the folders of masks, all as sequences."""
    if not isinstance(kind, str) or kind not in ("binary", "classes", "instances"):
        raise ValueError(
            f'kind must be "binary", "classes" or "instances". Received: kind={reprlib.repr(kind)}'
        )
    if isinstance(masks, dict):
        if kind != "binary":
            raise ValueError(f'masks may be a dict for kind="binary" only. Received: kind={kind!r}')
        classes, mask_folders = tuple(masks), [path_of(folder, "masks") for folder in masks.values()]
    else:
        mask_folders = [path_of(masks, "masks")]
    classes = _names(classes)
    if len(classes) >= NOT_COUNTED:
        raise ValueError(f"classes must be at most 254: a mask is uint8. Received: {len(classes)} classes")
    if kind != "classes" and len(classes) != len(mask_folders):
        raise ValueError(f"classes must be one name for kind={kind!r}. Received: classes={classes!r}")
    try:
        values = tuple(range(1, len(classes) + 1) if values is None else [int(value) for value in values])
    except Exception:  # whatever a foreign object's own conversion raises
        values = (reprlib.repr(values),)
    if len(values) != len(classes) or len({*values} - {0}) < len(values):
        raise ValueError(f"values must be one for each of {classes}, but 0. Received: values={values!r}")
    return classes, values, mask_folders


def folders(folder, bad="refuse", limit=None):
    """Pictures sorted into a folder for each class, as Keras's `image_dataset_from_directory` lists them.

    So labels and order are those of the batches that Keras makes of the same folder. What Keras passes over
    is here, too: TIFF, WebP and EXIF's rotation, by which pictures are turned upright.

    Args:
        folder: the folder that holds one folder for each class; pictures may lie deeper.
        bad: "refuse" or "skip"; see the module.
        limit: int, at most so many pictures, evenly taken from all.

    Returns:
        `Examples` with a `label` each.

    Raises:
        ValueError: if there are no pictures, or if one is bad and `bad="refuse"`.
    """
    folder, limit = path_of(folder, "folder"), first(limit)
    if not folder.is_dir():
        raise ValueError(f"folder must exist. Received: {folder}")
    inside = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    classes = [name for name in inside if (folder / name).is_dir()]
    stray = [
        (name, "it lies in no class's folder")
        for name in inside
        if name not in classes and Path(name).suffix.lower() in PICTURES
    ]
    paths = [path for name in classes for path in _below(folder / name)]
    if not paths:
        raise ValueError(f"folder must hold a folder of pictures for each class. Received: {folder}")
    if limit is not None:
        steps = np.linspace(0, len(paths) - 1, min(limit, len(paths))).astype(int)
        paths = [paths[i] for i in steps]
    found = []
    for path in paths:
        name = path.relative_to(folder)
        reader = partial(_folder_record, path, classes.index(name.parts[0]))
        found.append((name.as_posix(), bad_image(path), reader))
    return examples(found, classes, bad, stray)


def _below(folder):
    """The pictures in a folder and deeper, in Keras's order."""
    inside = [path for path in folder.rglob("*") if path.suffix.lower() in PICTURES and not path.is_dir()]
    shown = [path for path in inside if not any(part[0] == "." for part in path.relative_to(folder).parts)]
    return sorted(shown, key=lambda path: (str(path.parent), path.name))


def _voc_record(path, objects, classes, difficult, own):
    image = pixels.read(path, pixels.rgb)
    kept = [k for k, (_, _, hard) in enumerate(objects) if difficult or not hard]
    names = np.array([classes.index(objects[k][0]) for k in kept], "int64")
    boxes = clipped([objects[k][1] for k in kept], image)
    mask = each = None
    if own:
        mask = _mask_of(own[0], "classes", _VOC_VALUES)
        each = _mask_of(own[1], "instances", ()) == np.array(kept, "int64").reshape(-1, 1, 1) + 1
    return Example(image, None, boxes, names, mask, each, path.name)


def _mask_record(path, own, kind, values):
    image = pixels.read(path, pixels.rgb)
    found = [_mask_of(mask, kind, values) for mask in own]
    if kind == "classes":
        return Example(image, mask=found[0], name=path.name)
    if kind == "binary":
        mask = np.zeros(image.shape[:2], "uint8")
        for k, one in enumerate(found):
            mask[one] = k + 1
        return Example(image, mask=mask, name=path.name)
    numbers = found[0]
    each = numbers == [[[number]] for number in pixels.values(numbers) if number]
    each = each.reshape(-1, *numbers.shape)
    labels, mask = np.zeros(len(each), "int64"), (numbers > 0).astype("uint8")
    return Example(image, None, tight_boxes(each), labels, mask, each, path.name)


def _mask_of(path, kind, values):
    """A mask by its kind: bool, uint8 classes, or the numbers of the instances."""
    if kind == "binary":
        return pixels.read(path, pixels.binary)
    numbers = pixels.read(path, pixels.labels)
    found = pixels.values(numbers)
    if kind == "instances":
        if problem := too_many(np.count_nonzero(found), *numbers.shape):
            raise ValueError(f"{path}: {problem}")
        return numbers
    strange = sorted(set(found.tolist()) - {0, NOT_COUNTED, *values})
    if strange:
        raise ValueError(f"{path} must hold 0, {NOT_COUNTED} and {values}. Received also: {strange[:9]}")
    mask = np.where(numbers == NOT_COUNTED, NOT_COUNTED, 0).astype("uint8")
    for k, value in enumerate(values):
        mask[numbers == value] = k + 1
    return mask


def _folder_record(path, label):
    return Example(pixels.read(path, partial(pixels.rgb, upright=True)), label, name=path.name)


def _bad_objects(objects, classes, image, own):
    size = picture_size(image)
    for name, box, _ in objects:
        if name not in classes:
            return f"the class {name!r} is not one of {', '.join(classes)}"
        if problem := bad_box(box, size):
            return problem
    if not own:
        return None
    by_class = partial(_mask_of, kind="classes", values=_VOC_VALUES)
    by_object = partial(_mask_of, kind="instances", values=())
    return bad_mask(own[0], image, by_class) or bad_mask(own[1], image, by_object)


def _voc_objects(path):
    """What a VOC file says: its picture, size and objects (name, box, difficult); a str if it is broken."""
    try:
        root = _safe_xml(path.read_bytes())
        filename = root.findtext("filename") or f"{path.stem}.jpg"
        size = [root.findtext(f"size/{side}") for side in ("width", "height")]
        size = [float(side) if side else None for side in size]
        objects = []
        for entry in root.iter("object"):
            corners = [float(entry.findtext(f"bndbox/{name}")) for name in ("xmin", "ymin", "xmax", "ymax")]
            box = (corners[0] - 1, corners[1] - 1, corners[2], corners[3])
            hard = (entry.findtext("difficult") or "").strip() == "1"
            objects.append((entry.findtext("name").strip(), box, hard))
    except (
        ElementTree.ParseError,
        expat.ExpatError,
        LookupError,
        TypeError,
        AttributeError,
        ValueError,
        OSError,
    ) as error:
        return f"not the XML of VOC ({error})"
    return {"filename": filename, "size": size, "objects": objects}


def _safe_xml(data):
    """The tree of an XML file; a document type is refused, since entities can fill the memory."""

    def refuse(*_):
        raise ValueError("it declares a document type, which annotations do not need")

    watch = expat.ParserCreate()
    watch.StartDoctypeDeclHandler = refuse
    watch.Parse(data, True)
    return ElementTree.fromstring(data)
