"""Files of pictures and masks: reading them, and saying what is wrong with one.

A check returns None, or the problem as a str.
"""

import reprlib
from os import PathLike
from pathlib import Path

import numpy as np

from cvcourse.arguments import number
from cvcourse.datasets import pixels
from cvcourse.datasets.examples import Examples

PICTURES = {".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
NOT_COUNTED = 255  # in masks: crowds, borders and other pixels that no score counts
LARGEST = 2e9  # bytes of the instance masks of one picture


def examples(found, classes, bad, stray=()):
    """Examples of what is good among (name, problem or None, reader); the rest is refused or skipped."""
    if bad not in ("refuse", "skip"):
        raise ValueError(f'bad must be "refuse" or "skip". Received: bad={bad!r}')
    problems = [(name, problem) for name, problem, _ in found if problem] + list(stray)
    readers = [reader for _, problem, reader in found if not problem]
    if problems and (bad == "refuse" or not readers):
        shown = "".join(f"\n  {name}: {problem}" for name, problem in problems[:10])
        more = f"\n  and {len(problems) - 10:,} more" if len(problems) > 10 else ""
        raise ValueError(
            f"{len(problems):,} of {len(found) + len(stray):,} items are bad:{shown}{more}\n"
            'Mend them, or leave them out with bad="skip".'
        )
    return Examples(readers, classes, problems)


def path_of(value, name):
    """The argument `name` as a `Path`."""
    if not isinstance(value, str | PathLike):
        raise TypeError(
            f"{name} must be a path, as text or as a pathlib.Path. Received: {name}={reprlib.repr(value)}"
        )
    return Path(value)


def first(limit):
    """The argument `limit` as the end of a slice."""
    return None if limit is None else number(limit, "limit", 1, whole=True)


def listed(folder, endings, name):
    """The files of the folder `name` with these endings, sorted; hidden ones are nobody's pictures."""
    if not folder.is_dir():
        raise ValueError(f"{name} must be a folder that exists. Received: {folder}")
    paths = sorted(
        path for path in folder.iterdir() if path.suffix.lower() in endings and not path.name.startswith(".")
    )
    if not paths:
        raise ValueError(
            f"{name} must hold files that end in {', '.join(sorted(endings))}. Received: {folder}"
        )
    return paths


def by_stem(paths, suffix=""):
    """{name without ending and suffix: the files of that name}, which should be one."""
    found = {}
    for path in paths:
        found.setdefault(path.stem.removesuffix(suffix), []).append(path)
    return found


def bad_name(name):
    """A file name from a foreign file must not lead out of the folder."""
    outside = Path(name).is_absolute() or ".." in Path(name).parts
    return f"its file name leads out of the folder: {name}" if outside else None


def picture_size(path):
    """(width, height) of a picture that can be read; a str says what is wrong with it.

    Of a JPEG, its end is looked for; a PNG's checksums are compared; a picture of another kind is decoded.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            size = image.size
            if image.format in ("JPEG", "MPO"):
                return size if _jpeg_ends(path) else "the picture is cut off"
            if image.format == "PNG":
                image.verify()
            if image.format != "PNG" or _texts(path):
                pixels.read(path, pixels.rgb)
            return size
    except FileNotFoundError:
        return "the picture is missing"
    except Exception as error:  # Pillow's decoders raise a dozen kinds
        cut = "truncated" in str(error).lower()
        return "the picture is cut off" if cut else f"no picture can be read from it ({pixels.said(error)})"


def _jpeg_ends(path):
    """Whether the mark of a JPEG's end comes after its first scan; a thumbnail before it has one, too."""
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 1024))
        if b"\xff\xd9" in file.read():
            return True
    data, at = path.read_bytes(), 2
    while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] != b"\xda":  # segments, with their lengths
        at += 1 if data[at + 1 : at + 2] == b"\xff" else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return b"\xff\xd9" in data[at:]


def _texts(path):
    """Whether a PNG holds compressed text: Pillow unpacks it with the pixels, and refuses huge ones."""
    data = path.read_bytes()
    return b"zTXt" in data or b"iTXt" in data


def bad_image(path, expected=None):
    """A missing or broken picture, or one that is not of the expected (width, height)."""
    size = picture_size(path)
    if isinstance(size, str):
        return size
    if expected and None not in expected and size != tuple(expected):
        return f"the picture is {size[0]}×{size[1]}, its annotation says {expected[0]:g}×{expected[1]:g}"
    return None


def bad_mask(mask, image, how):
    """A missing or broken mask, one not of its picture's size, or one that `how` cannot read."""
    try:
        size, own = pixels.read(mask, lambda mask: mask.size), pixels.read(image, lambda image: image.size)
        if size == own:
            how(mask)
            return None
    except ValueError as error:
        return f"its mask: {error}"
    return f"its mask is {size[0]}×{size[1]}, the picture {own[0]}×{own[1]}"


def bad_box(box, size):
    """A pixel too far is a matter of rounding; more is a mistake."""
    x1, y1, x2, y2 = box
    if not (x1 < x2 and y1 < y2):
        return f"a box of no area: {box}"
    if x1 < -1 or y1 < -1 or x2 > size[0] + 1 or y2 > size[1] + 1:
        return f"a box outside of the {size[0]}×{size[1]} picture: {box}"
    return None


def clipped(boxes, image):
    """Boxes, float32 (N, 4), without what lies a pixel too far."""
    height, width = image.shape[:2]
    return np.clip(np.reshape(boxes, (-1, 4)), 0, (width, height, width, height)).astype("float32")


def too_many(count, width, height):
    """So many objects that their masks would fill the memory."""
    if count * width * height > LARGEST:
        return (
            f"the masks of its {count:,} objects would take {count * width * height / 1e9:.1f} GB, "
            f"more than {LARGEST / 1e9:g}"
        )
    return None
