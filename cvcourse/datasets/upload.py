"""Images from files and from arrays: what a student uploads, brought to the shape that a model takes."""

import io

import numpy as np

from cvcourse.datasets import pixels

LARGEST_FILE = 6_000_000  # bytes
LARGEST_IMAGE = 50_000_000  # pixels
HEIC = tuple(b"ftyp" + brand for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1"))


def read_image(name, data, largest=LARGEST_FILE):
    """Return an uploaded file as an RGB image, its pixels by the rules of `cvcourse.datasets.pixels`.

    Args:
        name: str; the file's name, for the error.
        data: bytes; PNG, JPEG or whatever else Pillow reads.
        largest: int, bytes that are accepted.

    Returns:
        PIL.Image.Image, upright.

    Raises:
        ValueError: the file is too large, no image, or broken.
    """
    from PIL import Image, UnidentifiedImageError

    expected = f"{name} must be an image (PNG, JPEG) of at most {largest / 1e6:g} MB. Received:"
    if len(data) > largest:
        raise ValueError(f"{expected} {len(data) / 1e6:.1f} MB. Make it smaller.")
    try:
        image = Image.open(io.BytesIO(data))
        if image.width * image.height <= LARGEST_IMAGE:
            return Image.fromarray(pixels.rgb(image, upright=True))
        found = f"{image.width} × {image.height} pixels. Make it smaller."
    except Image.DecompressionBombError:
        found = "far too many pixels. Make it smaller."
    except UnidentifiedImageError:
        found = f"{_kind(data)}. Choose another file."
    except Exception as error:  # Pillow's decoders raise a dozen kinds
        why = "" if "truncated" in str(error).lower() else f" ({pixels.said(error)})"
        found = f"a broken or incomplete image{why}. Choose another file."
    raise ValueError(f"{expected} {found}")


def _kind(data):
    """Say in words what a file that is no image seems to be."""
    if not data:
        return "an empty file"
    if data[4:12] in HEIC:
        return "a HEIC photograph, as many phones take them; export it as JPEG"
    try:
        return f"a text that begins with {data[:2000].decode('utf-8')[:12]!r}"
    except UnicodeDecodeError:
        return "a file of another kind, or a broken image"


def fit(image, shape):
    """Return a PIL image as a (H, W, C) array in [0, 1], cropped about its centre and resized."""
    from PIL import ImageOps

    height, width, channels = shape
    image = ImageOps.fit(image.convert("L") if channels == 1 else image, (width, height))
    return np.asarray(image, "float32").reshape(height, width, channels) / 255


def as_photo(array):
    """Return (H, W, C) numbers in [0, 1] as a PIL image."""
    from PIL import Image

    array = np.clip(array * 255, 0, 255).round().astype("uint8")
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array[..., :3])
