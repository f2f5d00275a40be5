"""Boxes as (x1, y1, x2, y2) in pixels: how well two agree, which of many to keep, how good all are.

Detectors start from fixed boxes, the anchors: `anchors` lays them out, `match` says which true box each is
responsible for, `encode` and `decode` turn true boxes into what a network learns, and back.

Boxes are continuous and half-open: the width is x2 − x1. `area` and the two IoU broadcast as
numpy does: the last axis holds the four numbers, and `iou(boxes[:, None], others)` compares each box with
each other one.
"""

from cvcourse.boxes.anchoring import anchors, decode, encode, match
from cvcourse.boxes.overlap import area, generalized_iou, iou, mask_iou, mean_iou, non_max_suppression
from cvcourse.boxes.precision import average_precision

__all__ = [
    "anchors", "area", "average_precision", "decode", "encode", "generalized_iou", "iou", "mask_iou", "match",
    "mean_iou", "non_max_suppression",
]  # fmt: skip
