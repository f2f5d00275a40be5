"""What Mask R-CNN's answer means: objects, each with a class, a score, a box and a mask.

Source: He et al., "Mask R-CNN" (ICCV 2017), section 3.1, "Inference". There, non-maximum suppression comes
before the mask head, and spares it work; here it comes last.
"""

from typing import Any, NamedTuple

import keras
import numpy as np

from cvcourse import boxes as bx
from cvcourse.models.mask_rcnn import FINE
from cvcourse.models.roi_align import shares


class Instances(NamedTuple):
    """What was found in one picture, best first."""

    boxes: np.ndarray  # float32 (K, 4): x1, y1, x2, y2 in pixels
    labels: np.ndarray  # int64 (K,)
    scores: np.ndarray  # float32 (K,) in [0, 1]
    masks: np.ndarray  # bool (K, S, S)


def decode(output: dict[str, Any], threshold: float = 0.3, overlap: float = 0.5) -> Instances:
    """Return the objects that the network's answer for one picture means.

    Args:
        output: dict of arrays, one picture's "boxes", "probabilities", "masks" and "map".
        threshold: float, least score, the probability of the class.
        overlap: float, of two boxes of one class with a larger IoU, only the better one is kept.

    Returns:
        `Instances`: boxes, labels, scores, masks.
    """
    labels, scores = output["probabilities"][:, 1:].argmax(axis=1), output["probabilities"][:, 1:].max(axis=1)
    some = np.flatnonzero(scores >= threshold)
    kept = some[bx.non_max_suppression(output["boxes"][some], scores[some], labels[some], overlap)]
    masks = paste(output["masks"][kept], output["boxes"][kept], FINE * len(output["map"])) >= 0.5
    return Instances(output["boxes"][kept], labels[kept], scores[kept], masks)


def detect(model: Any, images: Any, threshold: float = 0.3, overlap: float = 0.5) -> list[Instances]:
    """Return the objects in each picture, a list of `Instances`.

    Args:
        model: `MaskRCNN`.
        images: (N, S, S, 3), uint8 or float in [0, 1].
        threshold, overlap: as in `decode`.
    """
    images = np.asarray(images)
    images = images / np.float32(255) if images.dtype == np.uint8 else images
    found = []
    for some in np.split(images, range(32, len(images), 32)):  # for memory
        output = keras.tree.map_structure(np.asarray, model(some, training=False))
        found += [
            decode({key: rows[i] for key, rows in output.items()}, threshold, overlap)
            for i in range(len(some))
        ]
    return found


def paste(grids: np.ndarray, boxes: np.ndarray, size: int) -> np.ndarray:
    """Return masks as large as the picture: each grid stretched into its box, 0 outside.

    Args:
        grids: float (K, m, m), for example probabilities of a mask head.
        boxes: float (K, 4) in pixels.
        size: int, height and width of the picture.

    Returns:
        float32 array (K, size, size). A pixel belongs to the object where it is at least 0.5.

    Example:
        >>> paste(np.ones((1, 2, 2)), [[1, 0, 3, 2]], 3)[0]
        array([[0., 1., 1.],
               [0., 1., 1.],
               [0., 0., 0.]], dtype=float32)
    """
    grids, boxes = np.asarray(grids, "float32"), np.asarray(boxes, "float32").reshape(-1, 4)
    bins, middle = grids.shape[-1], np.arange(size, dtype="float32") + 0.5
    sides = []
    for low, high in ((boxes[:, 1, None], boxes[:, 3, None]), (boxes[:, 0, None], boxes[:, 2, None])):
        inside = (middle >= low) & (middle < high)  # (K, size)
        places = (middle - low) / np.maximum(high - low, 1e-6) * bins - 0.5
        sides.append(np.asarray(shares(places, bins)) * inside[..., None])  # (K, size, m)
    down, across = sides
    return down @ grids @ across.swapaxes(1, 2)
