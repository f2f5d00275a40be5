"""One annotated picture, the same for made scenes and for files of any format; and many of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Example(NamedTuple):
    """A picture with what is known about it; unknown parts are None.

    `image` is uint8 (H, W, 3). `label` is the class of the whole picture, an int from 0. `boxes` is float32
    (N, 4) as (x1, y1, x2, y2) in pixels, half-open, with classes `box_labels`, int64 (N,), from 0. `mask`
    says what each pixel shows, uint8 (H, W): 0 = background, k + 1 = class k, 255 = not to be counted.
    `instance_masks` is bool (N, H, W), one for each box. `name` is the file that it came from.
    """

    image: np.ndarray
    label: int | None = None
    boxes: np.ndarray | None = None
    box_labels: np.ndarray | None = None
    mask: np.ndarray | None = None
    instance_masks: np.ndarray | None = None
    name: str = ""

    def __repr__(self):
        height, width = self.image.shape[:2]
        known = [] if self.label is None else [f"label {self.label}"]
        known += [] if self.boxes is None else [f"boxes {len(self.boxes)}"]
        known += [] if self.mask is None else ["mask"]
        known += [] if self.instance_masks is None else ["instance masks"]
        return f"Example {self.name or '(no name)'}: {width}×{height}; {', '.join(known) or 'no annotation'}"


class Examples(Sequence):
    """Annotated pictures from files; each is read when it is asked for, `examples[i]`.

    `classes` are the names of the labels; `skipped` lists what was left out, as (name, reason).
    """

    def __init__(self, readers, classes, skipped=()):
        """`readers` are functions without arguments, each of which returns an `Example`."""
        self._readers = list(readers)
        self.classes = tuple(classes)
        self.skipped = list(skipped)

    def __len__(self):
        return len(self._readers)

    def __getitem__(self, i):
        if isinstance(i, slice):
            return Examples(self._readers[i], self.classes)
        return self._readers[i]()

    def __repr__(self):
        counted = f"Examples: {len(self):,} pictures, {len(self.classes):,} classes"
        return counted + (f"; {len(self.skipped):,} skipped, see .skipped" if self.skipped else "")


def tight_boxes(instance_masks):
    """The smallest box around each mask, float32 (N, 4) as (x1, y1, x2, y2), half-open pixels.

    Args:
        instance_masks: bool (N, H, W); an empty mask gives the box (0, 0, 0, 0).

    Returns:
        Boxes, float32 (N, 4).

    Example:
        >>> masks = np.zeros((1, 6, 8), bool)
        >>> masks[0, 2:5, 3:7] = True
        >>> tight_boxes(masks)
        array([[3., 2., 7., 5.]], dtype=float32)
    """
    edges = []
    for axis in (1, 2):  # what is left when y, then x, is looked through
        used = instance_masks.any(axis=axis)
        first, last = used.argmax(axis=1), used.shape[1] - used[:, ::-1].argmax(axis=1)
        edges += [first, np.where(used.any(axis=1), last, 0)]
    return np.stack([edges[0], edges[2], edges[1], edges[3]], axis=1).astype("float32")
