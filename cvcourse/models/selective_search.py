"""Selective search: boxes that could hold an object, whatever it is, without any learning.

A segmentation groups pixels of one colour into many small regions. Then the two neighbours that are most
alike are merged, and again, until one region is left. The box around each region on the way is a proposal:
an object is a region at some size, and nobody knows beforehand at which.

Sources: Uijlings, van de Sande, Gevers and Smeulders, "Selective Search for Object Recognition" (IJCV 2013),
section 3; Felzenszwalb and Huttenlocher, "Efficient Graph-Based Image Segmentation" (IJCV 2004), from
scikit-image.

How this one differs: neighbours are compared by colour, size and fill, not by texture; in RGB alone, from
segmentations at three scales, in place of several colour spaces.
"""

import numpy as np

SCALES = (30, 100, 300)  # of the segmentation: larger ones give larger regions
SMALLEST = 12  # pixels: least width and height of a proposal


def proposals(image: np.ndarray) -> np.ndarray:
    """Return boxes that could hold an object, float (K, 4), by selective search.

    Args:
        image: (H, W, 3), uint8, or float in [0, 1].
    """
    from skimage.segmentation import felzenszwalb

    every = [grouped(image, felzenszwalb(image, scale, sigma=0.6, min_size=15)) for scale in SCALES]
    found = np.unique(np.concatenate(every), axis=0)
    return found[(found[:, 2:] - found[:, :2]).min(axis=1) >= SMALLEST]


def grouped(image: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Return the boxes of all regions of a segmentation, and of all that merging neighbours makes of them."""
    from skimage.measure import regionprops

    count = segments.max() + 1
    pixels = np.bincount(segments.ravel(), minlength=count)
    colour = (image if image.dtype == np.uint8 else 255 * image).astype(int) // 32  # eight bins a channel
    place = (segments[..., None] * 3 + np.arange(3)) * 8 + colour
    shades = np.bincount(place.ravel(), minlength=count * 24).reshape(count, 24)
    boxes = np.array([region.bbox for region in regionprops(segments + 1)])[:, [1, 0, 3, 2]]
    beside = zip(segments[:, :-1].ravel(), segments[:, 1:].ravel(), strict=True)
    below = zip(segments[:-1].ravel(), segments[1:].ravel(), strict=True)
    pairs = {(min(pair), max(pair)) for pair in {*beside, *below} if pair[0] != pair[1]}
    regions = [[box, size, shade] for box, size, shade in zip(boxes, pixels, shades, strict=True)]
    alike = {pair: _similarity(regions[pair[0]], regions[pair[1]], segments.size) for pair in pairs}
    while alike:
        one, other = max(alike, key=alike.__getitem__)
        new = len(regions)
        regions.append(_merged(regions[one], regions[other]))
        touched = {n for pair in alike if {one, other} & set(pair) for n in pair} - {one, other}
        alike = {pair: value for pair, value in alike.items() if not {one, other} & set(pair)}
        alike |= {(n, new): _similarity(regions[n], regions[new], segments.size) for n in touched}
    return np.array([box for box, _, _ in regions], float)


def _merged(one, other):
    low, high = np.minimum(one[0], other[0]), np.maximum(one[0], other[0])
    return [np.concatenate([low[:2], high[2:]]), one[1] + other[1], one[2] + other[2]]


def _similarity(one, other, whole):
    """How well two regions belong together: like colours, small, no gap (Uijlings, equations 3–6)."""
    colour = np.minimum(one[2] / one[2].sum(), other[2] / other[2].sum()).sum()
    box, size, _ = _merged(one, other)
    return colour + (1 - size / whole) + (1 - ((box[2:] - box[:2]).prod() - size) / whole)
