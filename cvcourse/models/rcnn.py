"""Sliding window and R-CNN: cut pieces out of a picture, and ask one network about each of them.

Both have the same network, `crop_network`, and differ only in *where they look*:

    sliding window   everywhere: windows of a few sizes, in steps of a share of their size
    R-CNN            where a region ends: a segmentation proposes boxes. The network then also corrects each
                     box that it takes for an object, by four offsets

Source: Girshick, Donahue, Darrell and Malik, "Rich Feature Hierarchies for Accurate Object Detection and
Semantic Segmentation" (2013; CVPR 2014), sections 2 and 3.5; the proposals are those of `selective_search`.

How this one differs: a network of four convolutions, trained from random weights on pieces of 32×32 pixels,
in place of AlexNet on 227×227; softmax in place of one SVM for each class; and one correction in place of
one for each class, learned along with the classes. Pieces have no margin of context around them.
"""

from typing import Any

import keras
import numpy as np
from keras import Input, Model, layers, ops

from cvcourse import boxes as bx
from cvcourse.models.roi_align import roi_align
from cvcourse.models.vgg import vgg_block
from cvcourse.models.yolo import Detections

PIECE = 32  # pixels: height and width of what the network sees
SIZES, RATIOS = (26, 34, 44, 56), (0.7, 1.0, 1.4)  # of the sliding windows: √area in pixels, width / height
EXAMPLES = 6  # pieces of a scene to learn from that show an object, and as many that show none, at most


def crop_network(classes: int = 3) -> Model:
    """Return the network, with random weights.

    Args:
        classes: int, C, background not counted.

    Returns:
        Keras model from pieces (N, 32, 32, 3), float32 in [0, 1], to (N, 1 + C + 4): the probabilities of
        background and of the classes, and the offsets that move the piece's box onto the object.
    """
    inputs = Input((PIECE, PIECE, 3))
    x = layers.Rescaling(4.0, offset=-2.0, name="rescale")(inputs)
    for block, filters in enumerate((16, 32, 64), start=1):
        x = vgg_block(x, filters, 1, block, batch_norm=True)
    x = layers.Conv2D(64, 3, padding="same", activation="relu", name="last")(x)
    x = layers.Dense(64, activation="relu", name="dense")(layers.Flatten(name="flatten")(x))
    kind = layers.Dense(1 + classes, activation="softmax", name="class")(x)
    offsets = layers.Dense(4, name="offsets")(x)
    return Model(inputs, layers.Concatenate(name="answer")([kind, offsets]), name="rcnn")


def crop_loss(target: Any, output: Any) -> Any:
    """Return the loss of each piece, (N,): cross-entropy, and smooth L1 of the offsets of an object."""
    kind = ops.categorical_crossentropy(target[:, :-4], output[:, :-4])
    smooth = 4 * keras.losses.huber(target[:, -4:], output[:, -4:])
    return kind + 2 * (1 - target[:, 0]) * smooth


def windows(size: int = 64, step: float = 0.25) -> np.ndarray:
    """Return the sliding windows inside a picture of that height and width, float (K, 4), in pixels.

    Args:
        size: int, pixels.
        step: float > 0, from one window to the next, as a share of its width and height.
    """
    found = []
    for area in SIZES:
        for ratio in RATIOS:
            width, height = area * ratio**0.5, area / ratio**0.5
            x, y = (np.arange(0, size - side + 1e-9, step * side) for side in (width, height))
            left, top = (corner.ravel() for corner in np.meshgrid(x, y))
            found.append(np.stack([left, top, left + width, top + height], axis=1))
    return np.concatenate(found)


def encode(
    scene: Any, looked: np.ndarray, seed: int | np.random.Generator = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return pieces of one scene to learn from, and what the network should answer.

    A piece shows an object if its IoU with a true box is at least 0.5, and background if it is below 0.3;
    those between are left out, and of either kind at most `EXAMPLES` are taken at random.

    Args:
        scene: `Example` with an image, uint8, boxes and box labels.
        looked: float (K, 4), boxes in pixels; true boxes are added, three times, shaken.
        seed: int, or a `numpy.random.Generator`.

    Returns:
        (pieces, answers): uint8 (n, 32, 32, 3) and float32 (n, 1 + 3 + 4), n ≤ 2 · `EXAMPLES`.
    """
    rng = np.random.default_rng(seed)
    shaken = np.repeat(scene.boxes, 3, axis=0).astype(float)
    shaken += rng.normal(0, 0.1, shaken.shape) * np.tile(shaken[:, 2:] - shaken[:, :2], 2)
    looked = np.concatenate([looked, shaken])
    fits = bx.iou(looked[:, None], scene.boxes)
    best, nearest = fits.max(axis=1), fits.argmax(axis=1)
    there, nothing = (rng.permutation(np.flatnonzero(kind))[:EXAMPLES] for kind in (best >= 0.5, best < 0.3))
    answers = np.zeros((len(there) + len(nothing), 8), "float32")
    answers[len(there) :, 0] = 1
    answers[np.arange(len(there)), 1 + scene.box_labels[nearest[there]]] = 1
    answers[: len(there), -4:] = bx.encode(scene.boxes[nearest[there]], looked[there])
    pieces = crop(scene.image, looked[np.concatenate([there, nothing])])
    return np.round(pieces).astype("uint8"), answers


def detect(
    network: Any,
    image: np.ndarray,
    boxes: np.ndarray,
    threshold: float = 0.5,
    overlap: float = 0.3,
    refine: bool = True,
) -> Detections:
    """Return the objects in a picture, from pieces of it.

    Args:
        network: trained `crop_network`; a Keras model or what calls one.
        image: (H, W, 3), float32 in [0, 1].
        boxes: float (K, 4), where to look: `windows()` or `selective_search.proposals(image)`.
        threshold: float, least score, the probability of the class.
        overlap: float, of two boxes of one class with a larger IoU, only the better one is kept.
        refine: bool, whether the network corrects the boxes.

    Returns:
        `Detections`: boxes, labels, scores.
    """
    output = np.asarray(network(crop(image, boxes)))
    labels, scores = output[:, 1:-4].argmax(axis=1), output[:, 1:-4].max(axis=1)
    some = np.flatnonzero(scores >= threshold)
    found = bx.decode(output[some, -4:], boxes[some]) if refine else boxes[some]
    found = found.clip(0, np.tile(image.shape[1::-1], 2)).astype("float32")
    kept = bx.non_max_suppression(found, scores[some], labels[some], overlap)
    return Detections(found[kept], labels[some][kept], scores[some][kept])


def crop(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return the piece of the picture inside each box, resized: float32 (K, 32, 32, 3)."""
    return np.asarray(roi_align(image[None], np.asarray(boxes)[None], PIECE))[0]
