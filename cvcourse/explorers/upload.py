"""Images from files and from arrays: what a student uploads, brought to the shape that a model takes."""

import io

import numpy as np
from PIL import Image, ImageOps

LARGEST_FILE = 6_000_000  # bytes
LARGEST_IMAGE = 50_000_000  # pixels
HEIC = tuple(b"ftyp" + brand for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1"))


def read_image(name, data, largest=LARGEST_FILE):
    """Return an uploaded file as an RGB image.

    Args:
        name: str; the file's name, for the error.
        data: bytes; PNG, JPEG or whatever else Pillow reads.
        largest: int, bytes that are accepted.

    Returns:
        PIL.Image.Image, upright.

    Raises:
        ValueError: the file is too large, no image, or broken.
    """
    expected = f"{name} must be an image (PNG, JPEG) of at most {largest / 1e6:g} MB. Received:"
    if len(data) > largest:
        raise ValueError(f"{expected} {len(data) / 1e6:.1f} MB. Make it smaller.")
    try:
        image = Image.open(io.BytesIO(data))
        if image.width * image.height > LARGEST_IMAGE:
            raise ValueError(f"{expected} {image.width} × {image.height} pixels. Make it smaller.")
        return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError) as error:  # what Pillow says to no image, and to a broken one
        found = "a broken or incomplete image" if "truncated" in str(error) else _kind(data)
        raise ValueError(f"{expected} {found}. Choose another file.") from error


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
    height, width, channels = shape
    image = ImageOps.fit(image.convert("L") if channels == 1 else image, (width, height))
    return np.asarray(image, "float32").reshape(height, width, channels) / 255


def as_photo(array):
    """Return (H, W, C) numbers in [0, 1] as a PIL image."""
    array = np.clip(array * 255, 0, 255).round().astype("uint8")
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array[..., :3])
