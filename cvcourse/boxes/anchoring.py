"""Anchors: the fixed boxes that a detector starts from, and true boxes seen from them."""

import numpy as np
from numpy.typing import ArrayLike

from cvcourse import arguments
from cvcourse.boxes.checks import broadcast, corners, fours, rows
from cvcourse.boxes.overlap import iou


def anchors(grid: int, stride: float, sizes: ArrayLike, ratios: ArrayLike = (1.0,)) -> np.ndarray:
    """Return the anchors of a grid: boxes of each size and ratio around the middle of each cell, in pixels.

    Args:
        grid: int, cells in a row and in a column, up to 10,000.
        stride: float, height and width of a cell in pixels.
        sizes: sequence of float, √area of the boxes in pixels.
        ratios: sequence of float, width / height.

    Returns:
        float32 array (grid · grid · A, 4), A = sizes · ratios; row by row, in a cell size by size.
        Anchors may reach over the border.

    Raises:
        ValueError: if a number is not positive.

    Example:
        >>> anchors(2, 8, sizes=[4])[:2]
        array([[ 2.,  2.,  6.,  6.],
               [10.,  2., 14.,  6.]], dtype=float32)

    Source: Ren et al., "Faster R-CNN" (2015), section 3.1.1; Liu et al., "SSD" (ECCV
    2016), section 2.2, which calls them default boxes.
    """
    grid, stride = arguments.number(grid, "grid", 1, 10_000, whole=True), arguments.number(stride, "stride")
    sizes = arguments.array(sizes, "sizes", (0, 1), "(S,)").astype("float64").ravel()
    ratios = arguments.array(ratios, "ratios", (0, 1), "(R,)").astype("float64").ravel()
    if min(stride, *sizes, *ratios) <= 0:
        raise ValueError(
            "stride, sizes and ratios must be greater than 0. "
            f"Received: stride={stride}, sizes={sizes.tolist()}, ratios={ratios.tolist()}"
        )
    roots = np.sqrt(ratios)
    half = np.stack([np.outer(sizes, roots), np.outer(sizes, 1 / roots)], axis=-1).reshape(-1, 2) / 2
    if max(half.max(), grid * stride) > 1e15:
        raise ValueError(f"stride, sizes and ratios must give boxes within 10¹⁵. Received: {half.max()}")
    middle = (np.arange(grid) + 0.5) * stride
    centre = np.stack(np.meshgrid(middle, middle), axis=-1)[:, :, None]  # (grid, grid, 1, 2)
    return np.concatenate([centre - half, centre + half], axis=-1).reshape(-1, 4).astype("float32")


def match(anchors: ArrayLike, boxes: ArrayLike, positive: float = 0.5, negative: float = 0.4) -> np.ndarray:
    """Return for each anchor which true box it must find.

    An anchor takes the box that it overlaps most, if their IoU is at least `positive`; below `negative` it is
    background. So that no box is lost, each also gets the anchor that fits it best, however badly.

    Args:
        anchors: float (A, 4).
        boxes: float (T, 4), true boxes; T may be 0.
        positive, negative: float in [0, 1], positive ≥ negative.

    Returns:
        int64 array (A,): an index into `boxes`; −1 for background; −2 for neither, to be left out.

    Raises:
        ValueError: as `iou`, or for thresholds in the wrong order.

    Example:
        >>> match([[0, 0, 10, 10], [0, 0, 10, 22], [50, 50, 60, 60]], [[0, 0, 10, 10]])
        array([ 0, -2, -1])

    Source: Ren et al., "Faster R-CNN" (2015), section 3.1.2, whose thresholds are 0.7 and 0.3.
    """
    positive = arguments.number(positive, "positive", 0, 1)
    negative = arguments.number(negative, "negative", 0, 1)
    if negative > positive:
        raise ValueError(
            "positive and negative must be 0 ≤ negative ≤ positive ≤ 1. "
            f"Received: positive={positive}, negative={negative}"
        )
    anchors, boxes = rows(anchors, "anchors"), rows(boxes, "boxes")
    if not len(boxes):
        return np.full(len(anchors), -1, "int64")
    fits = iou(anchors[:, None], boxes)  # (A, T)
    found, best = fits.argmax(axis=1), fits.max(axis=1)
    found[best < positive] = -2
    found[best < negative] = -1
    for _ in range(min(fits.shape)):  # the best pair first, so that no two boxes want one anchor
        anchor, box = np.unravel_index(fits.argmax(), fits.shape)
        found[anchor] = box
        fits[anchor], fits[:, box] = -1, -1
    return found


def encode(boxes: ArrayLike, anchors: ArrayLike) -> np.ndarray:
    """Return boxes as offsets from anchors, the numbers that a network learns.

    (Δx / w, Δy / h, log of the width's ratio, log of the height's ratio), where Δ is the way from centre to
    centre and w, h are the anchor's size: the same numbers for a small and for a large object.

    Args:
        boxes: float (…, 4) with width and height greater than 0.
        anchors: float (…, 4), likewise; broadcast against `boxes`.

    Returns:
        float array (…, 4).

    Raises:
        ValueError: as `area`, or for a box or an anchor without area.

    Example:
        >>> encode([2, 0, 6, 8], [0, 0, 4, 4]).round(3)
        array([0.5  , 0.5  , 0.   , 0.693])

    Source: Girshick et al., "R-CNN" (CVPR 2014), appendix C, equations 6–9.
    """
    (centre, size), (at, unit) = _centred(boxes, "boxes"), _centred(anchors, "anchors")
    broadcast(boxes=centre, anchors=at)
    return np.concatenate([(centre - at) / unit, np.log(size / unit)], axis=-1)


def decode(offsets: ArrayLike, anchors: ArrayLike) -> np.ndarray:
    """Return the boxes that offsets from anchors mean: `encode` backwards.

    Args:
        offsets: float (…, 4), as `encode` gives them.
        anchors: float (…, 4); broadcast against `offsets`.

    Returns:
        float array (…, 4) as (x1, y1, x2, y2); may reach over the border.

    Raises:
        ValueError: as `encode`, or if offsets are NaN, infinite or far too large.

    Example:
        >>> decode([0.5, 0.5, 0, np.log(2)], [0, 0, 4, 4])
        array([2., 0., 6., 8.])
    """
    offsets, (at, unit) = fours(offsets, "offsets", "the shape (…, 4)"), _centred(anchors, "anchors")
    if (offsets[..., 2:] > 80).any():
        raise ValueError(f"offsets must have logarithms of sizes up to 80. Received: {offsets.max()}")
    broadcast(offsets=offsets[..., :2], anchors=at)
    centre, half = at + offsets[..., :2] * unit, np.exp(offsets[..., 2:]) * unit / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def _centred(boxes, name):
    """The centre and the size of each box, (…, 2) each."""
    boxes = corners(boxes, name)
    size = boxes[..., 2:] - boxes[..., :2]
    if not (size > 0).all():
        wrong = boxes[~(size > 0).all(axis=-1)][0].tolist()
        raise ValueError(f"{name} must have a width and a height greater than 0. Received: {wrong}")
    return boxes[..., :2] + size / 2, size
