"""Region proposal network (RPN): where in the picture could an object be, whatever it is?

Over each cell of a feature map lie a few anchors, boxes of fixed sizes and shapes. For each anchor the
network says how sure it is that an object is there, and four offsets that move the anchor onto it. The best
anchors, moved, are the proposals; of several that overlap much, one remains.

Source: Ren, He, Girshick and Sun, "Faster R-CNN" (NeurIPS 2015), section 3.1.

How this one differs: of the boxes that overlap, one remains by the non-maximum suppression of YOLACT (Bolya
et al., ICCV 2019, section 3.3), which has no loop: a box also goes for a better one that has itself to go.
The anchors are as large as the objects of the course's scenes, 22 to 42 pixels in place of 128 to 512. For
the loss see `mask_rcnn_loss`.

Boxes in `keras.ops`, for what must run inside the network; in numpy, `cvcourse.boxes` does the same.
"""

from typing import Any

import numpy as np
from keras import Input, Model, layers, ops

from cvcourse import boxes as bx
from cvcourse.losses import iou_loss

STRIDE = 8  # pixels
SIZES, RATIOS = (22, 28, 42), (0.7, 1.0, 1.4)


def anchors(size: int) -> np.ndarray:
    """Return the anchors over a picture of that height and width, float32 (A, 4): 9 over each cell."""
    return bx.anchors(size // STRIDE, STRIDE, SIZES, RATIOS)


def head(cells: int, channels: int) -> Model:
    """Return the network from features (N, cells, cells, C) to objectness (N, A) and offsets (N, A, 4)."""
    each = len(SIZES) * len(RATIOS)  # anchors over a cell
    inputs = Input((cells, cells, channels))
    x = layers.Conv2D(64, 3, padding="same", activation="relu", name="slide")(inputs)
    objectness = layers.Reshape((-1,), name="objectness")(layers.Conv2D(each, 1, name="objectness_conv")(x))
    offsets = layers.Reshape((-1, 4), name="offsets")(layers.Conv2D(4 * each, 1, name="offsets_conv")(x))
    return Model(inputs, [objectness, offsets], name="rpn")


def propose(
    fixed: Any, objectness: Any, offsets: Any, count: int, size: int, candidates: int = 64
) -> tuple[Any, Any]:
    """Return the `count` best proposals of each picture, (N, count, 4), and their objectness in [0, 1]."""
    scores, best = ops.top_k(objectness, candidates)
    moved = ops.clip(decode(offsets, fixed), 0, size)
    moved = ops.take_along_axis(moved, best[..., None], axis=1)  # (N, candidates, 4), best first
    better = ops.triu(ops.ones((candidates, candidates)), 1)  # row before column
    rival = ops.max(iou(moved, moved) * better, axis=1)
    scores, stays = ops.top_k(ops.where(rival <= 0.7, scores, scores - 1e3), count)
    return ops.take_along_axis(moved, stays[..., None], axis=1), ops.sigmoid(scores)


def iou(boxes: Any, others: Any) -> Any:
    """Return the IoU of each box with each other one of its picture: (N, K, 4), (N, T, 4) to (N, K, T)."""
    return 1 - iou_loss(boxes[:, :, None], others[:, None])


def encode(boxes: Any, anchors: Any) -> Any:
    """Return boxes as offsets from anchors, as `boxes.encode`; sides count at least a pixel."""
    (centre, size), (at, unit) = _centred(boxes), _centred(anchors)
    return ops.concatenate([(centre - at) / unit, ops.log(size / unit)], axis=-1)


def decode(offsets: Any, anchors: Any) -> Any:
    """Return offsets from anchors as boxes, as `boxes.decode`; sides grow at most e²-fold."""
    at, unit = _centred(anchors)
    centre, half = at + offsets[..., :2] * unit, ops.exp(ops.clip(offsets[..., 2:], -2, 2)) * unit / 2
    return ops.concatenate([centre - half, centre + half], axis=-1)


def _centred(boxes):
    boxes = ops.convert_to_tensor(boxes)  # PyTorch adds no tensor to an array
    size = boxes[..., 2:] - boxes[..., :2]
    return boxes[..., :2] + size / 2, ops.maximum(size, 1.0)
