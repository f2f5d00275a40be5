"""What every explorer is: a state with four faces.

A subclass names the traits that are its `state` and adds two pure functions of them: `figure()` draws the
state, `describe()` says it in words and numbers. The same state then serves the live widget, a notebook run
without a browser, an exported page, and a screen reader.
"""

import html
from pathlib import Path

import anywidget
import numpy as np
from traitlets import Unicode

_FOLDER = Path(__file__).parent


def javascript(name):
    """Return the explorer's own file `name` behind the shared `base.js`, as the text of one ES module."""
    return "\n".join((_FOLDER / file).read_text(encoding="utf-8") for file in ("base.js", name))


class Explorer(anywidget.AnyWidget):
    """An interactive picture. Subclasses set `_esm = javascript("name.js")` and `state`.

    Attributes:
        state: names of the traits that `figure` and `describe` depend on.
        description: str; what `describe` says about the present state; stands under the picture.
    """

    _css = _FOLDER / "explorer.css"
    state = ()
    description = Unicode().tag(sync=True)

    def __init__(self, **traits):
        super().__init__(**traits)
        self.observe(self._say, names=list(self.state))
        self._say()

    def _say(self, change=None):
        self.description = self.describe()

    def figure(self):
        """Return the present state as a `Picture`."""
        raise NotImplementedError

    def describe(self):
        """Return the present state in words and numbers."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        words = html.escape(self.description)
        return {
            **data,
            "text/plain": self.description,
            "text/html": f"{self.figure()._repr_html_()}<p>{words}</p>",  # for pages without a kernel
        }, metadata


def number(value, digits=2):
    """Return `value` as it is written on the page: two decimals, a true minus sign, no minus zero.

    Example:
        >>> number(-0.5), number(-0.001), number(12)
        ('−0.50', '0.00', '12.00')
    """
    small = abs(value) < 0.5 * 10**-digits
    return f"{0 if small else value:.{digits}f}".replace("-", "−")


def grey_pixels(image, largest=64):
    """Return `image` as grey values in hundredths: the numbers that are shown are the numbers that count.

    Args:
        image: array (H, W), (H, W, 1) or (H, W, 3), numbers in [0, 1]; colour becomes brightness.
        largest: int; the largest height and width, in pixels, at which single pixels are still seen.

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
    if max(pixels.shape) > largest:
        raise ValueError(
            f"image must have at most {largest} × {largest} pixels, so that each can be seen. "
            f"Received: shape {np.shape(image)}. Take a part of it, image[:32, :32], "
            "or a smaller one, photos.cat(size=32)."
        )
    if not (pixels.min() >= 0 and pixels.max() <= 1 + 1e-6):
        raise ValueError(
            "image must hold numbers from 0 (black) to 1 (white). "
            f"Received: {pixels.min():g} to {pixels.max():g}. Divide an image of 0–255 by 255."
        )
    return np.round(np.minimum(pixels, 1), 2)


def whole(name, value, lowest, highest):
    """Return `value` as an int from `lowest` to `highest`, or say what is wrong with the argument `name`.

    Example:
        >>> whole("strides", 2, 0, 5)
        2
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not lowest <= value <= highest:
        raise ValueError(
            f"{name} must be a whole number from {lowest} to {highest} in this explorer. "
            f"Received: {name}={value!r}."
        )
    return int(value)
