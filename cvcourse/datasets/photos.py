"""The photographs that scikit-image carries in its package: no download, no licence to ask for.

The cat `chelsea` is the course's cat. Photographs taken in grey come with three equal channels, so
that every picture of the course has the shape (height, width, 3).
"""

from functools import cache
from operator import index
from pathlib import Path

import numpy as np

NAMES = (
    "chelsea", "astronaut", "coffee", "motorcycle", "rocket",          # things, in colour
    "immunohistochemistry", "retina", "hubble_deep_field",             # medicine and astronomy, in colour
    "camera", "coins", "moon", "page", "text", "brick", "grass", "gravel",  # grey
)  # fmt: skip


def photo(name="chelsea", size=None):
    """Photograph `name` as an array of shape (H, W, 3), float32 in [0, 1].

    Args:
        name: one of `NAMES`.
        size: None for the photograph as it was taken, an int for a square of that many pixels, or
            (height, width). The photograph is cropped about its centre to the new proportions and
            then resized; it is never stretched.

    Returns:
        An array of shape (height, width, 3), float32, 0 = black and 1 = white; yours to change.

    Raises:
        ValueError: if there is no such photograph, or if `size` is not positive.
        TypeError: if `size` is neither None, an int nor a pair of ints.

    Example:
        >>> photo("coffee").shape
        (400, 600, 3)
        >>> photo("coffee", size=64).shape
        (64, 64, 3)
        >>> photo("coffee", size=(32, 48)).shape
        (32, 48, 3)

    Source: scikit-image's `skimage.data`, whose documentation credits each photographer.
    """
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}. Received: name={name!r}")
    image = _photo(name)
    if size is None:
        return image.copy()
    return _resize(image, *_height_and_width(size))


def cat(size=None):
    """The course's cat: `photo("chelsea", size)`.

    Args:
        size: None, an int or (height, width), as for `photo`.

    Returns:
        An array of shape (height, width, 3), float32 in [0, 1].

    Raises:
        ValueError, TypeError: if `size` is not usable; see `photo`.

    Example:
        >>> cat().shape
        (300, 451, 3)
    """
    return photo("chelsea", size)


@cache
def _photo(name):
    import skimage
    from PIL import Image

    # Its own reader would load scikit-image's colours and TIFF: half a second, a fifth of a first picture's.
    file = {"immunohistochemistry": "ihc", "motorcycle": "motorcycle_left"}.get(name, name)
    path = next((Path(skimage.__file__).parent / "data").glob(f"{file}.*"))
    image = np.asarray(Image.open(path))
    if image.ndim == 2:
        image = np.stack([image] * 3, axis=-1)
    return image.astype("float32") / 255


def _height_and_width(size):
    try:
        height, width = size if np.iterable(size) else (size, size)
        height, width = index(height), index(width)
    except (TypeError, ValueError):
        raise TypeError(
            f"size must be None, an int or (height, width) in pixels. Received: size={size!r}"
        ) from None
    if min(height, width) < 1:
        raise ValueError(f"size must be at least 1 pixel. Received: size={size!r}")
    return height, width


def _resize(image, height, width):
    from skimage.transform import resize

    scale = min(image.shape[0] / height, image.shape[1] / width)
    kept = (max(1, round(height * scale)), max(1, round(width * scale)))  # the crop, in its own pixels
    top, left = ((have - keep) // 2 for have, keep in zip(image.shape, kept, strict=False))
    crop = image[top : top + kept[0], left : left + kept[1]]
    return np.clip(resize(crop, (height, width), anti_aliasing=True), 0, 1).astype("float32")
