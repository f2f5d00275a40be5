"""COCO's format: a JSON file with boxes, and masks as polygons or run lengths."""

import json
from functools import partial
from pathlib import Path

import numpy as np

from cvcourse.datasets.files import NOT_COUNTED, bad_box, bad_image, bad_name, picture, records
from cvcourse.datasets.records import Record


def coco(instances, images, bad="refuse", limit=None):
    """Pictures annotated in COCO's format: boxes, masks and instance masks.

    Crowds (`iscrowd`) get no box; their pixels are 255 in `mask`.

    Args:
        instances: path of an `instances.json`.
        images: folder with the pictures.
        bad: "refuse" or "skip"; see the module.
        limit: int, at most so many pictures, the first ones.

    Returns:
        `Records`; labels are 0, 1, … in the order of the category ids.

    Raises:
        ValueError: if the JSON is broken or lacks a part, or if a picture is bad and `bad="refuse"`.

    Source: https://cocodataset.org/#format-data
    """
    content = _json(Path(instances))
    classes = {category["id"]: category["name"] for category in content["categories"]}
    index = {key: k for k, key in enumerate(sorted(classes))}
    of_image = {image["id"]: [] for image in content["images"]}
    stray = []
    for annotation in content["annotations"]:
        if annotation.get("image_id") in of_image:
            of_image[annotation["image_id"]].append(annotation)
        else:
            stray.append((f"annotation {annotation.get('id')}", "its image is not in the list of images"))
    found = []
    for image in content["images"][:limit]:
        path, annotations = Path(images) / image["file_name"], of_image[image["id"]]
        problem = bad_name(image["file_name"]) or bad_image(path, (image["width"], image["height"]))
        problem = problem or next(filter(None, (_bad_annotation(a, index, image) for a in annotations)), None)
        found.append((path.name, problem, partial(_coco_record, path, annotations, index)))
    return records(found, [classes[key] for key in sorted(classes)], bad, stray)


def _coco_record(path, annotations, index):
    image = picture(path)
    height, width = image.shape[:2]
    things = [a for a in annotations if not a.get("iscrowd")]
    each = np.array([_coco_mask(a, height, width) for a in things], bool).reshape(-1, height, width)
    labels = np.array([index[a["category_id"]] for a in things], "int64")
    boxes = np.array([a["bbox"] for a in things], "float32").reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    boxes = np.clip(boxes, 0, (width, height, width, height), dtype="float32")
    crowds = [_coco_mask(a, height, width) for a in annotations if a.get("iscrowd")]
    return Record(image, None, boxes, labels, _semantic(labels, each, crowds, image), each, path.name)


def _coco_mask(annotation, height, width):
    """The pixels of an annotation: polygons, run lengths, or none of these."""
    from skimage.draw import polygon2mask

    shape = annotation.get("segmentation") or []
    if isinstance(shape, dict):
        counts = _run_lengths(shape["counts"])
        values = np.arange(len(counts)) % 2 == 1
        return np.repeat(values, counts).reshape(shape["size"], order="F")  # down the columns
    mask = np.zeros((height, width), bool)
    for points in shape:
        corners = np.reshape(points, (-1, 2))[:, ::-1] - 0.5  # (y, x) of the middles of pixels
        mask |= polygon2mask((height, width), corners)
    return mask


def _run_lengths(counts):
    """Lengths of the runs of 0, 1, 0, …; in a str, five bits a character and the later as differences."""
    if not isinstance(counts, str):
        return counts
    text, counts, value, shift = counts, [], 0, 0
    for character in text.encode():
        bits = character - 48
        value |= (bits & 31) << shift
        shift += 5
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


def _json(path):
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not whole JSON ({error})") from None
    for part, keys in _PARTS.items():
        entries = content.get(part) if isinstance(content, dict) else None
        if not isinstance(entries, list):
            raise ValueError(f"{path} must hold a list of {part}, as COCO's instances.json")
        for entry in entries:
            if not (isinstance(entry, dict)
                    and all(isinstance(entry.get(key), kind) for key, kind in keys.items())):
                raise ValueError(f"{path}: each of the {part} must have {', '.join(keys)} of the right type. "
                                 f"Received: {str(entry)[:80]}")
    if len(content["categories"]) >= NOT_COUNTED:
        raise ValueError(f"{path} has {len(content['categories'])} categories; a uint8 mask holds 254")
    return content


_PARTS = {"images": {"id": int, "file_name": str, "width": int, "height": int},
          "categories": {"id": int, "name": str}, "annotations": {}}


def _bad_annotation(annotation, index, image):
    name = f"annotation {annotation.get('id')}"
    try:
        x, y, width, height = (float(number) for number in annotation["bbox"])
        if annotation["category_id"] not in index:
            return f"{name}: category {annotation['category_id']} is not in the list of categories"
        shape = annotation.get("segmentation") or []
        if isinstance(shape, dict):
            if list(shape["size"]) != [image["height"], image["width"]]:
                return f"{name}: its mask is of another size"
            runs = _run_lengths(shape["counts"])
            if sum(runs) != image["height"] * image["width"] or min(runs) < 0:
                return f"{name}: its run lengths do not fill the picture"
        elif any(len(points) < 6 or len(points) % 2 for points in shape):
            return f"{name}: a polygon needs three points at least"
    except (KeyError, TypeError, ValueError) as error:
        return f"{name}: not as COCO has it ({type(error).__name__}: {error})"
    problem = bad_box((x, y, x + width, y + height), (image["width"], image["height"]))
    return f"{name}: {problem}" if problem else None
