"""What every picture of the course stands on: colours that mean something, one style, one `Picture`."""

import base64
import contextlib
import html
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cvcourse import arguments

#: A colour is a word. From the Okabe–Ito set, which colour-blind eyes can tell apart.
COLORS = {
    "input": "#0072B2",
    "kernel": "#E69F00",
    "output": "#009E73",
    "selected": "#D55E00",
    "statistics": "#CC79A7",
    "reference": "#767676",
}

#: The same words as letters on white: dark enough to be read (contrast of at least 4.5 : 1).
TEXT_COLORS = {
    "input": "#0072B2",
    "kernel": "#8A5F00",
    "output": "#00795A",
    "selected": "#B34F00",
    "statistics": "#A3487B",
    "reference": "#666666",
}

STYLE_FILE = Path(__file__).parent.parent / "cvcourse.mplstyle"


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Draw in the style of the course while this context (or decorated function) runs.

    Example:
        >>> import matplotlib
        >>> with style():
        ...     print(matplotlib.rcParams["image.cmap"], matplotlib.rcParams["axes.titlelocation"])
        viridis left
        >>> matplotlib.rcParams["axes.titlelocation"]
        'center'
    """
    with matplotlib.style.context(["default", str(STYLE_FILE)]):
        yield


class Picture(Figure):
    """A matplotlib figure with an alternative text, which Jupyter shows as an accessible HTML figure.

    It is made without pyplot: no global state, nothing to close, nothing drawn twice.

    Attributes:
        alt: what a reader who cannot see the picture should know; never empty.
    """

    def __init__(self, *args, alt, **kwargs):
        super().__init__(*args, **kwargs)
        FigureCanvasAgg(self)
        self.alt = alt

    @property
    def alt(self) -> str:
        return self._alt

    @alt.setter
    def alt(self, text: str) -> None:
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"alt must say in words what the picture shows. Received: alt={text!r}")
        self._alt = text

    def png(self) -> bytes:
        """Return the picture as PNG bytes, with two dots for each CSS pixel."""
        buffer = io.BytesIO()
        with style():
            self.savefig(buffer, format="png")
        return buffer.getvalue()

    def _repr_html_(self):
        width, height = (round(100 * inches) for inches in self.get_size_inches())
        data = base64.b64encode(self.png()).decode("ascii")
        return (
            '<figure style="margin: 0">'
            f'<img alt="{html.escape(self.alt)}" width="{width}" height="{height}" '
            'style="max-width: 100%; height: auto; background: white; border-radius: 4px" '
            f'src="data:image/png;base64,{data}"></figure>'
        )

    def _ipython_display_(self):
        # Else Jupyter adds its own PNG of any matplotlib figure: drawn twice, and without a word of `alt`.
        from IPython.display import display

        display({"text/html": self._repr_html_(), "text/plain": f"Picture: {self.alt}"}, raw=True)


@style()
def picture(
    width: float, height: float, alt: str, rows: int = 1, columns: int = 1, **grid: Any
) -> tuple[Picture, Any]:
    """Return an empty `Picture` and its axes: the one way in which all pictures of the course are made.

    Args:
        width, height: size in units of 100 CSS pixels: `picture(9, 3, …)` is 900 × 300. A page holds 9.6.
        alt: str; alternative text for readers who cannot see the picture; may be set again later.
        rows, columns: number of axes.
        **grid: `sharex`, `sharey`, and what a matplotlib GridSpec takes (`width_ratios`, `wspace` …).

    Returns:
        (Picture, axes): one Axes if rows = columns = 1, else an array of them, as `plt.subplots` gives.

    Raises:
        ValueError: `alt` is empty, or a size is not positive.

    Example:
        >>> figure, axes = picture(6, 3, "Two empty plots", columns=2)
        >>> len(axes), figure.alt
        (2, 'Two empty plots')
    """
    width, height = arguments.number(width, "width", 0, 1e4), arguments.number(height, "height", 0, 1e4)
    rows, columns = (
        arguments.number(value, name, 1, 1000, whole=True)
        for value, name in ((rows, "rows"), (columns, "columns"))
    )
    if not (width > 0 and height > 0):
        raise ValueError(f"width and height must be positive. Received: width={width}, height={height}")
    figure = Picture(figsize=(width, height), alt=alt)
    share = {name: grid.pop(name) for name in ("sharex", "sharey") if name in grid}
    return figure, figure.subplots(rows, columns, gridspec_kw=grid, **share)


class Page:
    """Axes in pixels that remember what is taken, so that no label is written over anything."""

    def __init__(self):
        self.figure, self.axes = picture(9, 3, "A network")
        self.figure.set_layout_engine("none")  # one unit of these axes is one pixel of the page
        self.axes.set_position([0, 0, 1, 1])
        self.axes.axis("off")
        self.taken = []  # rectangles (left, bottom, right, top)

    def write(
        self,
        x: float,
        y: float,
        text: str,
        color: str = "#222222",
        size: float = 9.5,
        step: float = 0,
        **align: Any,
    ) -> tuple[float, float, float, float]:
        """Write text; with `step` ±1 it moves up or down to the first free place. Returns its rectangle."""
        label = self.axes.text(x, y, text, color=color, fontsize=size, **align)
        extent = label.get_window_extent(self.figure.canvas.get_renderer())
        shown_x, shown_y = self.axes.transData.transform((x, y))  # the page is trimmed only at the end
        left, right = x + extent.x0 - shown_x - 6, x + extent.x1 - shown_x + 6
        bottom, top = y + extent.y0 - shown_y - 2, y + extent.y1 - shown_y + 2
        moved = 0.0
        while step and any(overlap((left, bottom + moved, right, top + moved), box) for box in self.taken):
            moved += step
        label.set_y(y + moved)
        self.taken.append((left, bottom + moved, right, top + moved))
        return self.taken[-1]

    def measure(self, text: str, size: float = 9) -> float:
        """Return the width of a text in pixels."""
        label = self.axes.text(0, 0, text, fontsize=size)
        width = label.get_window_extent(self.figure.canvas.get_renderer()).width
        label.remove()
        return width

    def trim(self, title: str | None = None, margin: float = 8) -> Picture:
        """Cut the page to what is on it, and return the picture."""
        boxes = np.array(self.taken)
        left, bottom = boxes[:, :2].min(axis=0) - margin
        right, top = boxes[:, 2:].max(axis=0) + margin
        if title:
            *_, end, top = self.write(left + margin, top + 6, title, size=11)
            right, top = max(right, end), top + margin
        self.axes.set(xlim=(left, right), ylim=(bottom, top))
        self.figure.set_size_inches((right - left) / 100, (top - bottom) / 100)
        return self.figure


def overlap(a: Sequence[float], b: Sequence[float]) -> bool:
    """Return whether two areas (left, low, right, high) share more than an edge."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
