"""YOLO, "you only look once": one network, one grid, one pass, all boxes at once.

The picture is divided into S × S cells. The cell in which the centre of an object falls is responsible for
it, and says in 5 + C numbers what it sees:

    x, y            the centre, as a share of the cell
    w, h            the size, as a share of the picture
    confidence      Pr(object) · IoU: is there anything, and how well does the box sit?
    C numbers       Pr(class | object)

Source: Redmon et al., "You Only Look Once: Unified, Real-Time Object Detection" (2015; CVPR 2016).

How this one differs: 8 convolutions in place of 24, one box a cell in place of two, and a 1×1 convolution in
place of two dense layers, so that each cell keeps its place (as from version 2 on). Batch norm is also
version 2's. Outputs pass a sigmoid or softmax, and confidence and classes are learned with cross-entropy (as
in version 3) in place of squared errors; the loss of the boxes, its √ and both λ are those of the paper.
"""

from typing import Any, NamedTuple

import numpy as np
from keras import Input, KerasTensor, Model, layers, ops

from cvcourse import boxes as bx
from cvcourse.losses import iou_loss

CELL = 8  # pixels: three strides of two between the picture and the grid
COORD, NO_OBJECT = 5.0, 0.5  # λ of the paper, equation 3


class Detections(NamedTuple):
    """What was found in one picture, best first."""

    boxes: np.ndarray  # float32 (K, 4): x1, y1, x2, y2 in pixels
    labels: np.ndarray  # int64 (K,)
    scores: np.ndarray  # float32 (K,) in [0, 1]


def convolution(x: KerasTensor, filters: int, kernel_size: int, name: str, strides: int = 1) -> KerasTensor:
    """Return a convolution, normalised, through the paper's leaky ReLU (equation 2)."""
    x = layers.Conv2D(filters, kernel_size, strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.LeakyReLU(0.1, name=f"{name}_relu")(x)


def yolo(input_shape: tuple = (64, 64, 3), classes: int = 3) -> Model:
    """Return the network, with random weights.

    As in the paper, 1×1 convolutions that halve the channels stand before the costly 3×3 ones.

    Args:
        input_shape: (H, W, 3); H = W, a multiple of 8.
        classes: int, C.

    Returns:
        Keras model from images (N, H, W, 3), float32 in [0, 1], to (N, H / 8, W / 8, 5 + C).
    """
    inputs = Input(input_shape)
    x = layers.Rescaling(4.0, offset=-2.0, name="rescale")(inputs)
    x = convolution(x, 16, 3, "stem", strides=2)
    x = convolution(x, 32, 3, "down1", strides=2)
    x = convolution(x, 64, 3, "wide1")
    x = convolution(x, 128, 3, "down2", strides=2)
    for i in (2, 3):
        x = convolution(x, 64, 1, f"reduce{i}")
        x = convolution(x, 128, 3, f"wide{i}")
    box = layers.Conv2D(5, 1, activation="sigmoid", name="box")(x)
    kind = layers.Conv2D(classes, 1, activation="softmax", name="class")(x)
    return Model(inputs, layers.Concatenate(name="grid")([box, kind]), name="yolo")


def encode(boxes: np.ndarray, labels: np.ndarray, size: int = 64, classes: int = 3) -> np.ndarray:
    """Return what the network should answer.

    Args:
        boxes: float (N, M, 4) in pixels, as `Scenes.boxes`.
        labels: int (N, M), as `Scenes.box_labels`; −1 where there is no box.
        size: int, height and width of the pictures in pixels.
        classes: int, C.

    Returns:
        float32 (N, S, S, 5 + C), all 0 in cells without an object. Where two centres fall in one cell,
        the later box takes it: a cell can see one thing only.
    """
    grid = size // CELL
    target = np.zeros((len(boxes), grid, grid, 5 + classes), "float32")
    picture, place = np.nonzero(np.asarray(labels) >= 0)
    corners = np.asarray(boxes)[picture, place]
    centre = (corners[:, :2] + corners[:, 2:]) / 2 / CELL
    column, row = np.minimum(centre.astype(int), grid - 1).T
    target[picture, row, column] = 0  # forget an earlier box
    target[picture, row, column, :2] = centre - np.stack([column, row], axis=1)
    target[picture, row, column, 2:4] = (corners[:, 2:] - corners[:, :2]) / size
    target[picture, row, column, 4] = 1
    target[picture, row, column, 5 + np.asarray(labels)[picture, place]] = 1
    return target


def decode(output: Any, threshold: float = 0.3, overlap: float = 0.5) -> Detections:
    """Return the boxes that one answer of the network means.

    Args:
        output: float (S, S, 5 + C), the answer for one picture; or an encoded target.
        threshold: float, least score. The score is confidence · Pr(class | object) (equation 1).
        overlap: float, of two boxes of one class with a larger IoU, only the better one is kept.

    Returns:
        `Detections`: boxes, labels, scores.
    """
    output = np.asarray(output)
    size = len(output) * CELL
    scores = output[..., 4] * output[..., 5:].max(axis=-1)
    row, column = np.nonzero(scores >= threshold)
    cell = output[row, column]
    centre = (cell[:, :2] + np.stack([column, row], axis=1)) * CELL
    half = cell[:, 2:4] * size / 2
    corners = np.concatenate([centre - half, centre + half], axis=1).clip(0, size).astype("float32")
    labels, scores = cell[:, 5:].argmax(axis=1), scores[row, column]
    kept = bx.non_max_suppression(corners, scores, labels, overlap)
    return Detections(corners[kept], labels[kept], scores[kept])


def yolo_loss(target: Any, output: Any) -> Any:
    """Return the loss of each picture, (N,): equation 3 of the paper, with cross-entropies (see above)."""
    there = target[..., 4]
    centre = ops.sum((target[..., :2] - output[..., :2]) ** 2, axis=-1)
    # The root: two pixels more matter more to a small box than to a large one.
    size = ops.sum((ops.sqrt(target[..., 2:4]) - ops.sqrt(output[..., 2:4] + 1e-6)) ** 2, axis=-1)
    agreement = there * ops.stop_gradient(1 - iou_loss(_corners(target), _corners(output)))
    confidence = ops.binary_crossentropy(agreement, output[..., 4])
    kind = ops.categorical_crossentropy(target[..., 5:], output[..., 5:])
    cells = there * (COORD * (centre + size) + confidence + kind) + NO_OBJECT * (1 - there) * confidence
    return ops.sum(cells, axis=(1, 2))


def _corners(cells):
    """The boxes of cells (N, S, S, …), from their own corner, in shares of the picture: (N, S, S, 4)."""
    centre, half = cells[..., :2] / cells.shape[1], cells[..., 2:4] / 2
    return ops.concatenate([centre - half, centre + half], axis=-1)
