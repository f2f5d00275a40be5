"""What convolution and pooling share: a grey photograph of few pixels, and a window that slides over it."""

import numpy as np

from cvcourse.datasets import photos
from cvcourse.visualization import COLORS

LARGEST = 64  # height and width, in pixels, at which single pixels are still seen


def grey_pixels(image):
    """Return `image` as grey values in hundredths: the numbers that are shown are the numbers that count.

    Args:
        image: array (H, W), (H, W, 1) or (H, W, 3), numbers in [0, 1]; colour becomes brightness.

    Returns:
        Array (H, W), float64 in [0, 1], rounded to two decimals.

    Raises:
        ValueError: the array has another rank or range, or is too large or empty.

    Example:
        >>> grey_pixels([[0.123, 1.0]])
        array([[0.12, 1.  ]])
    """
    pixels = np.asarray(image, dtype="float64")
    if pixels.ndim == 3 and pixels.shape[2] in (1, 3):
        pixels = pixels @ ([1.0] if pixels.shape[2] == 1 else [0.2125, 0.7154, 0.0721])
    if pixels.ndim != 2 or not pixels.size:
        raise ValueError(
            "image must have the shape (H, W), (H, W, 1) or (H, W, 3). "
            f"Received: shape {np.shape(image)}. One image of a batch is images[0]."
        )
    if max(pixels.shape) > LARGEST:
        raise ValueError(
            f"image must have at most {LARGEST} × {LARGEST} pixels, so that each can be seen. "
            f"Received: shape {np.shape(image)}. Take a part of it, image[:32, :32], "
            "or a smaller one, photos.cat(size=32)."
        )
    if not (pixels.min() >= 0 and pixels.max() <= 1 + 1e-6):
        raise ValueError(
            "image must hold numbers from 0 (black) to 1 (white). "
            f"Received: {pixels.min():g} to {pixels.max():g}. Divide an image of 0–255 by 255."
        )
    return np.round(np.minimum(pixels, 1), 2)


def cat_pixels():
    """Return the course's cat in grey at full contrast, (28, 28), as `grey_pixels` gives it."""
    pixels = grey_pixels(photos.cat(size=28))
    return np.round((pixels - pixels.min()) / (pixels.max() - pixels.min()), 2)


def unseen(dropped, size, strides):
    """Return sentences on pixels that no window of `size` sees; `dropped` = (right, bottom) at the border.

    Example:
        >>> unseen((1, 0), size=2, strides=3)[0]
        'The stride drops 1 px on the right.'
    """
    sides = zip(dropped, ("on the right", "at the bottom"), strict=True)
    lost = " and ".join(f"{pixels} px {side}" for pixels, side in sides if pixels)
    between = "S > F: the pixels between the windows are never seen."
    return [f"The stride drops {lost}."] * bool(lost) + [between] * (strides > size)


def frame(axes, x, y, size):
    """Draw the frame of what is selected around `size` × `size` cells of a picture, from cell (x, y)."""
    xs, ys = [x, x + size, x + size, x, x], [y, y, y + size, y + size, y]
    axes.plot(np.subtract(xs, 0.5), np.subtract(ys, 0.5), color=COLORS["selected"])
