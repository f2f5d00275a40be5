"""COCO's format: a JSON file with boxes, and masks as polygons or run lengths."""

import math
from collections import Counter
from functools import partial

import numpy as np

from cvcourse.datasets import pixels
from cvcourse.datasets.examples import Example
from cvcourse.datasets.files import (
    NOT_COUNTED,
    bad_box,
    bad_image,
    bad_name,
    clipped,
    examples,
    first,
    path_of,
    too_many,
)
from cvcourse.stored import read_json


def coco(instances, images, bad="refuse", limit=None):
    """Pictures annotated in COCO's format: boxes, masks and instance masks.

    Crowds (`iscrowd`) get no box; their pixels are 255 in `mask`. Where an object has a box but no mask, both
    masks of its picture are unknown, None. Boxes and masks refer to the pixels as they lie in the file, so
    EXIF's rotation is not applied.

    Args:
        instances: path of an `instances.json`.
        images: folder with the pictures.
        bad: "refuse" or "skip"; see the module.
        limit: int, at most so many pictures, the first ones.

    Returns:
        `Examples`; labels are 0, 1, … in the order of the category ids.

    Raises:
        ValueError: if the JSON is broken or lacks a part, or if a picture is bad and `bad="refuse"`.

    Source: https://cocodataset.org/#format-data
    """
    content, images = _content(path_of(instances, "instances")), path_of(images, "images")
    classes = {category["id"]: category["name"] for category in content["categories"]}
    index = {key: k for k, key in enumerate(sorted(classes))}
    times = Counter(image["id"] for image in content["images"])
    of_image, stray, masked = {key: [] for key in times}, [], not content["annotations"]
    for annotation in content["annotations"]:
        masked |= bool(annotation.get("segmentation"))  # in a file without a single mask, none is known
        key = annotation.get("image_id")
        if isinstance(key, int) and key in of_image:
            of_image[key].append(annotation)
        else:
            stray.append((_name(annotation), f"its image is not in the list of images: {key!r}"))
    found = []
    for image in content["images"][: first(limit)]:
        path, annotations = images / image["file_name"], of_image[image["id"]]
        problem = bad_name(image["file_name"]) or bad_image(path, (image["width"], image["height"]))
        if times[image["id"]] > 1:
            problem = f"{times[image['id']]} images have its id {image['id']}"
        problem = problem or _bad_annotations(annotations, index, image)
        found.append((path.name, problem, partial(_coco_record, path, annotations, index, masked)))
    return examples(found, [classes[key] for key in sorted(classes)], bad, stray)


def _name(annotation):
    return f"annotation {annotation.get('id')!r}"


def _coco_record(path, annotations, index, masked):
    image = pixels.read(path, pixels.rgb)
    things = [a for a in annotations if not a.get("iscrowd")]
    labels = np.array([index[a["category_id"]] for a in things], "int64")
    boxes = np.array([a["bbox"] for a in things], "float64").reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    boxes = clipped(boxes, image)
    if not masked or not all(a.get("segmentation") for a in annotations):
        return Example(image, None, boxes, labels, name=path.name)
    each = np.zeros((len(things), *image.shape[:2]), bool)
    for k, annotation in enumerate(things):
        each[k] = _coco_mask(annotation, *image.shape[:2])
    crowds = (_coco_mask(a, *image.shape[:2]) for a in annotations if a.get("iscrowd"))
    return Example(image, None, boxes, labels, _semantic(labels, each, crowds, image), each, path.name)


def _coco_mask(annotation, height, width):
    """The pixels of an annotation, from polygons or run lengths."""
    from skimage.draw import polygon2mask

    shape = annotation["segmentation"]
    if isinstance(shape, dict):
        counts = _run_lengths(shape["counts"])
        values = np.arange(len(counts)) % 2 == 1
        return np.repeat(values, counts).reshape(shape["size"], order="F")  # down the columns
    mask = np.zeros((height, width), bool)
    for points in shape:
        corners = np.reshape(points, (-1, 2))[:, ::-1] - 0.5  # (y, x) of the middles of pixels
        mask |= polygon2mask((height, width), corners + _ONE_SIDE)
    return mask


# A border through the middles of pixels: as in pycocotools, the pixels of one side belong to the polygon.
_ONE_SIDE = (1e-6, 2e-6)


def _run_lengths(counts):
    """Lengths of the runs of 0, 1, 0, …; in a str, five bits a character and the later as differences."""
    if not isinstance(counts, str):
        return counts
    text, counts, value, shift = counts, [], 0, 0
    for character in text.encode():
        bits = character - 48
        value |= (bits & 31) << shift
        shift += 5
        if not 0 <= bits < 64 or shift > 60:  # a number without end would take all day
            raise ValueError("its run lengths are not as COCO writes them")
        if not bits & 32:  # the last of this number
            value -= (1 << shift) if bits & 16 else 0
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value, shift = 0, 0
    return counts


def _semantic(labels, each, crowds, image):
    """The class of each pixel; where objects overlap, the smaller one lies on top."""
    mask = np.zeros(image.shape[:2], "uint8")
    for crowd in crowds:
        mask[crowd] = NOT_COUNTED
    for k in np.argsort(-each.sum(axis=(1, 2)), kind="stable"):
        mask[each[k]] = labels[k] + 1
    return mask


def _content(path):
    try:
        content = read_json(path)
    except ValueError as error:
        raise ValueError(f"instances must be COCO's JSON. Received: {error}") from None
    for part, keys in _PARTS.items():
        entries = content.get(part) if isinstance(content, dict) else None
        if not isinstance(entries, list):
            raise ValueError(f"{path} must hold a list of {part}, as COCO's instances.json")
        for entry in entries:
            if not (
                isinstance(entry, dict)
                and all(isinstance(entry.get(key), kind) for key, kind in keys.items())
            ):
                raise ValueError(
                    f"{path}: each of the {part} must have {', '.join(keys)} of the right type. "
                    f"Received: {str(entry)[:80]}"
                )
    keys = [category["id"] for category in content["categories"]]
    if len(keys) >= NOT_COUNTED or len(set(keys)) < len(keys):
        raise ValueError(
            f"{path} must have at most 254 categories, since a mask is uint8, each with its own "
            f"id. Received: {len(keys)} categories, {len(set(keys))} ids"
        )
    return content


_PARTS = {
    "images": {"id": int, "file_name": str, "width": int, "height": int},
    "categories": {"id": int, "name": str},
    "annotations": {},
}


def _bad_annotations(annotations, index, image):
    size = image["width"], image["height"]
    for annotation in annotations:
        try:
            problem = _bad_annotation(annotation, index, size)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            problem = f"not as COCO has it ({type(error).__name__}: {error})"
        if problem:
            return f"{_name(annotation)}: {problem}"
    things = sum(bool(a.get("segmentation")) and not a.get("iscrowd") for a in annotations)
    return too_many(things, *size)


def _bad_annotation(annotation, index, size):
    if annotation["category_id"] not in index:
        return f"category {annotation['category_id']!r} is not in the list of categories, {[*index][:9]}"
    if (crowd := annotation.get("iscrowd")) not in (None, 0, 1):
        return f"iscrowd must be 0 or 1. Received: {crowd!r}"
    shape = annotation.get("segmentation") or []
    if isinstance(shape, dict):
        if list(shape["size"]) != [*size[::-1]]:
            return "its mask is of another size"
        runs = _run_lengths(shape["counts"])
        if not all(isinstance(run, int) and run >= 0 for run in runs) or sum(runs) != size[0] * size[1]:
            return "its run lengths do not fill the picture"
        shape = []
    for points in shape:
        if len(points) < 6 or len(points) % 2:
            return "a polygon needs three points at least"
        xs, ys = _finite(points[::2]), _finite(points[1::2])
        if min(xs + ys) < -1 or max(xs) > size[0] + 1 or max(ys) > size[1] + 1:
            return f"a polygon outside of the {size[0]}×{size[1]} picture"
    x, y, width, height = _finite(annotation["bbox"])
    return bad_box((x, y, x + width, y + height), size)


def _finite(numbers):
    """A list of numbers; a TypeError names one that is none, or that is infinite."""
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise TypeError(f"{number!r} is no finite number")
    return list(numbers)
