"""Pixels of any type: one rule for each, the same for pictures in folders, masks and uploads.

| type in the file | as a picture, uint8 RGB | as a mask, whole numbers |
|---|---|---|
| bool, 1 bit | black and white | 0 and 1 |
| uint8: grey, colours, CMYK | as they look | grey alone, even if saved as colour |
| palette | its colours | its numbers |
| uint16, grey or colours | the upper eight of its bits | its numbers; no 16-bit colours |
| int8, int16, int32, uint32 | 0 … 255 as they are; no others, since nobody knows what is white | from 0 on |
| float32 | 0 … 1, from black to white; no others | whole numbers from 0 on |

Transparency is left out, and of several pictures in a file all but the first. Where a TIFF says that 0 is
white (as tifffile writes bool), a picture is turned round, a mask keeps its numbers. No rule: refused.
"""

import numpy as np

SOFT_FROM = 4  # more grey levels than these, up to white, are soft edges and not names of things


def read(path, how):
    """What `how` makes of the open picture; a ValueError names the file, whatever Pillow says to it."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return how(image)
    except Exception as error:  # Pillow's decoders raise a dozen kinds
        raise ValueError(f"{path} cannot be read ({said(error)})") from None


def said(error):
    """Pillow's error in the course's words."""
    if type(error).__name__ == "DecompressionBombError":
        return "it has too many pixels: " + str(error).partition(",")[0]
    if type(error).__name__ == "UnidentifiedImageError":
        return "of no kind or type that Pillow reads; of grey TIFF, it reads up to 32 bits"
    if "MAX_TEXT" in str(error):
        return "it carries a text of megabytes"
    return str(error) or type(error).__name__


def rgb(image, upright=False):
    """Pixels of an open PIL image as uint8 (H, W, 3), by the table above.

    Args:
        image: PIL.Image.Image.
        upright: whether to turn the picture as its EXIF says. (Pillow turns a TIFF in any case.)

    Raises:
        ValueError: numbers of which nobody knows what is white.
    """
    from PIL import Image, ImageOps

    numbers = _numbers(image)
    if numbers is None:
        numbers = np.array(image.convert("RGB"))
    elif numbers.dtype == "uint16":
        numbers = numbers >> 8
    else:
        white = 1 if numbers.dtype.kind == "f" else 255
        if not (numbers.min() >= 0 and numbers.max() <= white):  # nor is it NaN
            raise ValueError(
                f"{numbers.dtype} must be 0 … {white}, or nobody knows what is white: save "
                f"uint8. Received: {numbers.min():g} … {numbers.max():g}"
            )
        numbers = np.round(numbers * (255 / white))
    if numbers.ndim == 2:
        numbers = np.stack([numbers] * 3, axis=-1)
    turned = Image.fromarray(numbers.astype("uint8"))
    if not upright:
        return np.array(turned)
    turned.getexif()[274] = image.getexif().get(274, 1)  # EXIF's orientation
    return np.array(ImageOps.exif_transpose(turned))


def _numbers(image):
    """The numbers of a type whose grey levels are not 0 … 255; None for all others."""
    image.load()
    tags = getattr(image, "tag_v2", {})  # TIFF's: 258 counts bits, 339 is 1 for unsigned, 2 for signed
    signed = tags.get(339, (1,))[0] == 2
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        return np.array(image).astype("uint16")
    if image.mode == "I":
        return np.array(image).view("int32" if signed or tags.get(258, (16,))[0] < 32 else "uint32")
    if image.mode == "F":
        return np.array(image)
    return np.array(image).view("int8") if image.mode == "L" and signed else None


def labels(image):
    """The numbers of an open mask, int64 (H, W), by the table above."""
    numbers = _numbers(image)
    if numbers is None:
        if image.mode not in ("1", "L", "P", "LA", "PA", "RGB", "RGBA"):
            raise ValueError(f"it must be a mask of one channel. Received: {image.mode}")
        numbers = np.array(image)
        if getattr(image, "tag_v2", {}).get(262) == 0:  # a TIFF whose 0 is white, which Pillow turned round
            numbers = ~numbers
    if numbers.ndim == 3:
        bands = image.getbands()
        colours, alpha = numbers[..., : len(bands) - (bands[-1] == "A")], numbers[..., -1]
        if (colours != colours[..., :1]).any():
            raise ValueError(f"it must be a mask of one channel. Received: colours, {image.mode}")
        numbers = colours[..., 0]
        if bands[-1] == "A" and numbers.min() == numbers.max() and alpha.min() < alpha.max():
            raise ValueError("its shape lies in its transparency, which is left out; save it in grey")
    whole = np.nan_to_num(numbers, nan=-1, posinf=-1, neginf=-1).astype("int64")
    if whole.min() < 0 or (whole != numbers).any():
        raise ValueError(
            f"a mask must hold whole numbers from 0 on. Received: {numbers.dtype} from "
            f"{numbers.min():g} to {numbers.max():g}"
        )
    return whole


def values(numbers):
    """The different numbers of a mask, sorted."""
    if numbers.max() < 1 << 16:
        return np.flatnonzero(np.bincount(numbers.ravel()))  # much faster than to sort them
    return np.unique(numbers)


def binary(image):
    """Where an open mask is not background, bool (H, W).

    All but 0 is the class. In a JPEG or WebP, or where many grey levels go up to white, edges are soft: there
    it is what is above half of the largest number.
    """
    numbers = labels(image)
    found = values(numbers)
    soft = found[-1] > 1 and image.format in ("JPEG", "MPO", "WEBP")
    soft |= len(found) > SOFT_FROM and found[-1] in (255, 65535) and image.mode not in ("P", "PA")
    if not soft and len(found) > 1 and found[0] != 0:
        raise ValueError(f"the background of a binary mask must be 0. Received: {found[:9].tolist()}")
    return numbers > (found[-1] / 2 if soft else 0)
