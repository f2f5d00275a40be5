"""Files of pictures and masks: reading them, and saying what is wrong with one.

A check returns None, or the problem as a str.
"""

from pathlib import Path

import numpy as np

from cvcourse.datasets.records import Records

PICTURES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
NOT_COUNTED = 255  # in masks: crowds, borders and other pixels that no score counts


def records(found, classes, bad, stray=()):
    """Records of what is good among (name, problem or None, reader); the rest is refused or skipped."""
    if bad not in ("refuse", "skip"):
        raise ValueError(f'bad must be "refuse" or "skip". Received: bad={bad!r}')
    problems = [(name, problem) for name, problem, _ in found if problem] + list(stray)
    readers = [reader for _, problem, reader in found if not problem]
    if problems and (bad == "refuse" or not readers):
        shown = "".join(f"\n  {name}: {problem}" for name, problem in problems[:10])
        more = f"\n  and {len(problems) - 10:,} more" if len(problems) > 10 else ""
        raise ValueError(f"{len(problems):,} of {len(found) + len(stray):,} items are bad:{shown}{more}\n"
                         'Mend them, or leave them out with bad="skip".')
    return Records(readers, classes, problems)


def picture(path):
    """Pixels as uint8 (H, W, 3), as they lie in the file (EXIF's rotation is not applied)."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off at 255
                grey = (np.asarray(image, "int64") >> 8).astype("uint8")
                return np.stack([grey] * 3, axis=-1)
            return np.array(image.convert("RGB"))
    except OSError as error:
        raise ValueError(f"{path} is no whole picture ({error})") from None


def pixels(path):
    """A mask's values, int64 (H, W); a palette's numbers, not its colours."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            values = np.array(image).astype("int64")
    except OSError as error:
        raise ValueError(f"{path} is no whole picture ({error})") from None
    if values.ndim == 3 and (values == values[..., :1])[..., :3].all():
        values = values[..., 0]  # grey, saved as colour
    if values.ndim != 2:
        raise ValueError(f"{path} must be a mask of one channel. Received: shape {values.shape}")
    return values


def listed(folder, endings):
    """The files of a folder with these endings, sorted."""
    if not folder.is_dir():
        raise ValueError(f"the folder {folder} does not exist")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in endings)
    if not paths:
        raise ValueError(f"the folder {folder} holds no files that end in {', '.join(sorted(endings))}")
    return paths


def bad_name(name):
    """A file name from a foreign file must not lead out of the folder."""
    outside = Path(name).is_absolute() or ".." in Path(name).parts
    return f"its file name leads out of the folder: {name}" if outside else None


def picture_size(path):
    """(width, height) from the head of a picture; a str says what is wrong with it."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            size, end = image.size, _ENDS.get(image.format)
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - 1024))
            whole = end is None or end in file.read()
    except FileNotFoundError:
        return "the picture is missing"
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return f"no picture can be read from it ({error})"
    return size if whole else "the picture is cut off"


_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}


def bad_image(path, expected=None):
    """A missing or broken picture, or one that is not of the expected (width, height)."""
    size = picture_size(path)
    if isinstance(size, str):
        return size
    if expected and None not in expected and size != tuple(expected):
        return f"the picture is {size[0]}×{size[1]}, its annotation says {expected[0]}×{expected[1]}"
    return None


def bad_mask(mask, image):
    """A missing or broken mask, or one that is not of its picture's size."""
    size = picture_size(mask)
    if isinstance(size, str):
        return f"its mask {mask.name}: {size}"
    if size != (own := picture_size(image)):
        return f"its mask is {size[0]}×{size[1]}, the picture {own[0]}×{own[1]}"
    return None


def bad_box(box, size):
    """A pixel too far is a matter of rounding; more is a mistake."""
    x1, y1, x2, y2 = box
    if not (x1 < x2 and y1 < y2):
        return f"a box of no area: {box}"
    if x1 < -1 or y1 < -1 or x2 > size[0] + 1 or y2 > size[1] + 1:
        return f"a box outside of the {size[0]}×{size[1]} picture: {box}"
    return None
