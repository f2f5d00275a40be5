"""SSD, "single shot multibox detector": default boxes on feature maps of several sizes, one pass.

Over each cell of a feature map lie a few *default boxes* (the anchors of `cvcourse.boxes`). For each of
them the network says what is in it (a class, or background) and, in four offsets, how to move it onto the
object. Fine maps have small boxes, coarse maps large ones, so each object is looked for at its own scale.

Almost all default boxes are background. So that these do not drown the rest, only the background boxes that
the network gets most wrong count in the loss, three for each box with an object: *hard negative mining*.

Source: Liu et al., "SSD: Single Shot MultiBox Detector" (2015; ECCV 2016), section 2, equations 1–3.

How this one differs: 64×64 pixels, maps of 8×8, 4×4 and 2×2 cells and 492 boxes in place of 300×300, six
maps and 8,732 boxes; nine convolutions with batch norm in place of VGG16; softmax inside the network.
Offsets are not divided by the variances of the authors' code; instead their loss counts `OFFSETS` times.
"""

from functools import cache
from typing import Any

import keras
import numpy as np
from keras import Input, KerasTensor, Model, layers, ops

from cvcourse import boxes as bx
from cvcourse.models.yolo import Detections, convolution

# Of each feature map: stride in pixels, sizes (√area) of its default boxes in pixels.
MAPS: tuple[tuple[int, tuple[float, ...]], ...] = ((8, (20, 28)), (16, (36, 44)), (32, (52,)))
RATIOS = (0.6, 1.0, 1.6)  # width / height
NEGATIVES = 3  # background boxes for each box with an object
OFFSETS = 5.0
MOST = 100  # boxes of a picture that non-maximum suppression gets to see


@cache
def default_boxes(size: int = 64) -> np.ndarray:
    """Return all default boxes, float32 (A, 4) in pixels, map by map; 492 for 64×64 pixels."""
    return np.concatenate([bx.anchors(size // stride, stride, sizes, RATIOS) for stride, sizes in MAPS])


def ssd(input_shape: tuple = (64, 64, 3), classes: int = 3) -> Model:
    """Return the network, with random weights.

    Args:
        input_shape: (H, W, 3); H = W, a multiple of 32.
        classes: int, C, background not counted.

    Returns:
        Keras model from images (N, H, W, 3), float32 in [0, 1], to (N, A, 1 + C + 4): for each default box
        the probabilities of background and of the classes, and four offsets.
    """
    inputs = Input(input_shape)
    x = layers.Rescaling(4.0, offset=-2.0, name="rescale")(inputs)
    x = convolution(x, 16, 3, "stem", strides=2)
    x = convolution(x, 32, 3, "down1", strides=2)
    x = convolution(x, 64, 3, "wide1")
    x = convolution(x, 96, 3, "down2", strides=2)
    x = convolution(x, 96, 3, "wide2")
    answers = [head(x, MAPS[0], classes)]
    for scale in MAPS[1:]:
        x = convolution(x, 48, 1, f"reduce{scale[0]}")
        x = convolution(x, 96, 3, f"down{scale[0]}", strides=2)
        answers.append(head(x, scale, classes))
    return Model(inputs, layers.Concatenate(axis=1, name="boxes")(answers), name="ssd")


def head(x: KerasTensor, scale: tuple[int, tuple[float, ...]], classes: int) -> KerasTensor:
    """Return what one 3×3 convolution says about each default box of a map: (N, cells · each, 1 + C + 4)."""
    stride, sizes = scale
    each = len(sizes) * len(RATIOS)
    parts = []
    for name, length in (("class", 1 + classes), ("offsets", 4)):
        part = layers.Conv2D(each * length, 3, padding="same", name=f"{name}{stride}")(x)
        parts.append(layers.Reshape((-1, length), name=f"{name}{stride}_rows")(part))
    parts[0] = layers.Softmax(name=f"probability{stride}")(parts[0])
    return layers.Concatenate(name=f"answer{stride}")(parts)


def encode(boxes: np.ndarray, labels: np.ndarray, size: int = 64, classes: int = 3) -> np.ndarray:
    """Return what the network should answer.

    Args:
        boxes, labels, size, classes: float (N, M, 4) in pixels, int (N, M), int, int; see `yolo.encode`.

    Returns:
        float32 (N, A, 1 + C + 4): one-hot class, background first, and offsets; 0 where there is no object.
    """
    fixed = default_boxes(size)
    target = np.zeros((len(boxes), len(fixed), 1 + classes + 4), "float32")
    for picture, known, kinds in zip(target, np.asarray(boxes), np.asarray(labels), strict=True):
        there = kinds >= 0
        found = bx.match(fixed, known[there], positive=0.5, negative=0.5)
        taken = np.flatnonzero(found >= 0)
        picture[:, 0] = 1
        picture[taken, 0] = 0
        picture[taken, 1 + kinds[there][found[taken]]] = 1
        picture[taken, 1 + classes :] = bx.encode(known[there][found[taken]], fixed[taken])
    return target


def decode(output: Any, threshold: float = 0.3, overlap: float = 0.5, size: int = 64) -> Detections:
    """Return the boxes that one answer of the network means.

    Args:
        output: float (A, 1 + C + 4), the answer for one picture; or an encoded target.
        threshold: float, least score, the probability of the class.
        overlap: float, largest IoU of two boxes of one class that are both kept.
        size: int, height and width of the picture in pixels.

    Returns:
        `Detections`: boxes, labels, scores.
    """
    output = np.asarray(output)
    labels, scores = output[:, 1:-4].argmax(axis=1), output[:, 1:-4].max(axis=1)
    some = np.argsort(-scores)[:MOST]
    some = some[scores[some] >= threshold]
    corners = bx.decode(output[some, -4:], default_boxes(size)[some]).clip(0, size).astype("float32")
    kept = bx.non_max_suppression(corners, scores[some], labels[some], overlap)
    return Detections(corners[kept], labels[some][kept], scores[some][kept])


def ssd_loss(target: Any, output: Any) -> Any:
    """Return the loss of each picture, (N,): (L_class + OFFSETS · L_offsets) / boxes with an object."""
    there = 1 - target[..., 0]  # (N, A)
    wrong = ops.categorical_crossentropy(target[..., :-4], output[..., :-4])
    # A background box counts if its loss is among the 3 · objects largest of its picture.
    candidates = ops.where(there > 0, -1.0, wrong)
    rank = ops.argsort(ops.argsort(-candidates, axis=1), axis=1)
    count = ops.sum(there, axis=1)
    hard = ops.cast(ops.cast(rank, "float32") < NEGATIVES * count[:, None], "float32") * (1 - there)
    smooth = 4 * keras.losses.huber(target[..., -4:], output[..., -4:])  # smooth L1 of four numbers, summed
    total = ops.sum((there + hard) * wrong + OFFSETS * there * smooth, axis=1)
    return total / ops.maximum(count, 1)
