"""Mask R-CNN in small: find each object, say what it is, and which pixels are its own.

    backbone      picture to two feature maps: what there is, coarse (stride 8); where it is, fine (stride 4)
    proposals     a region proposal network on the coarse map: boxes that could hold an object
    RoIAlign      the fine map inside each box, as a grid of one size
    box head      the grid (7×7) to a class, background included, and four offsets that correct the box
    mask head     the grid (14×14) to one mask (28×28) for each class. Each is a yes or no for each pixel
                  (sigmoid): classes do not compete for pixels, the box head decides which mask counts

The loss is L_class + L_box + L_mask, and that of the proposals. L_mask sees the mask of the true class only.

Source: He, Gkioxari, Dollár and Girshick, "Mask R-CNN" (ICCV 2017), section 3 and figures 1, 3 and 4.

How this one differs: 9 convolutions and one step back up in place of ResNet-101 with a feature pyramid. 12
proposals a picture in place of 1000, and all of them are learned from, with the true boxes, shaken, beside
them, in place of 512 drawn at random. The 3 that fit a true box best go to the mask head. One correction of the
box in place of one for each class. Masks are predicted for all corrected boxes, before the last non-maximum
suppression. Batch norm learns along; all parts are trained together, from random weights, with Adam.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import Input, Model, layers, ops

from cvcourse import boxes as bx
from cvcourse.models import proposals
from cvcourse.models.proposals import mean, smooth_l1
from cvcourse.models.roi_align import paste, roi_align

FINE = 4  # pixels: the stride of the map that RoIAlign reads
PROPOSALS, MASKS = 12, 3  # a picture; the second while training
DEVIATION = (0.1, 0.1, 0.2, 0.2)  # typical size of a correction: makes the learned numbers about 1


class Instances(NamedTuple):
    """What was found in one picture, best first."""

    boxes: np.ndarray  # float32 (K, 4): x1, y1, x2, y2 in pixels
    labels: np.ndarray  # int64 (K,)
    scores: np.ndarray  # float32 (K,) in [0, 1]
    masks: np.ndarray  # bool (K, S, S)


def convolution(x, filters, name, strides=1):
    """Return a 3×3 convolution, normalised and through a ReLU."""
    x = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def backbone(size, channels=32):
    """Return the network from images to the fine map (N, S/4, S/4, 32) and the coarse one (N, S/8, S/8, 80)."""
    inputs = Input((size, size, 3))
    x = layers.Rescaling(4.0, offset=-2.0, name="rescale")(inputs)
    x = convolution(x, 16, "half", strides=2)
    x = convolution(x, 32, "quarter1", strides=2)
    quarter = x = convolution(x, 32, "quarter2")
    x = convolution(x, 64, "eighth1", strides=2)
    for i in (2, 3, 4):
        x = convolution(x, 80, f"eighth{i}")
    up = layers.UpSampling2D(2, name="up")(layers.Conv2D(channels, 1, name="what")(x))
    up = layers.Add(name="both")([up, layers.Conv2D(channels, 1, name="where")(quarter)])
    return Model(inputs, [convolution(up, channels, "fine"), x], name="backbone")


def box_head(channels, classes):
    """Return the network from RoIs (R, 7, 7, C) to logits (R, classes + 1), background first, and offsets."""
    inputs = Input((7, 7, channels))
    x = layers.Dense(64, activation="relu", name="dense")(layers.Flatten(name="flatten")(inputs))
    return Model(inputs, [layers.Dense(classes + 1, name="class")(x), layers.Dense(4, name="box")(x)], name="box_head")


def mask_head(channels, classes):
    """Return the network from RoIs (R, 14, 14, C) to masks (R, 28, 28, classes), as logits."""
    x = inputs = Input((14, 14, channels))
    for i in (1, 2):
        x = layers.Conv2D(24, 3, padding="same", activation="relu", name=f"conv{i}")(x)
    x = layers.Conv2DTranspose(24, 2, strides=2, activation="relu", name="up")(x)
    return Model(inputs, layers.Conv2D(classes, 1, name="mask")(x), name="mask_head")


class MaskRCNN(keras.Model):
    """The network and its loss. `fit(images, targets(scenes))` trains it; its parts can be used alone.

    Attributes:
        anchors: float32 (A, 4).
        backbone, rpn, box_head, mask_head: Keras models.
    """

    def __init__(self, size, classes):
        super().__init__(name="mask_rcnn")
        self.size, self.classes, self.anchors = size, classes, proposals.anchors(size)
        self.backbone = backbone(size)
        (_, _, _, fine), (_, cells, _, coarse) = self.backbone.output_shape
        self.rpn = proposals.head(cells, coarse)
        self.box_head, self.mask_head = box_head(fine, classes), mask_head(fine, classes)
        self.parts = {name: keras.metrics.Mean(name) for name in ("proposal", "class", "box", "mask")}
        self.random = keras.random.SeedGenerator(0)
        self.build((None, size, size, 3))

    def build(self, input_shape):
        self.built = True  # all parts are

    def call(self, images, training=False):
        """Return a dict of all that is found on the way, and, unless training, at the end.

        "map" (N, S/4, S/4, C); "objectness" (N, A), logits, and "offsets" (N, A, 4) of the anchors; "proposals"
        (N, K, 4) and their "proposal_scores" (N, K), best first. At the end "boxes" (N, K, 4), corrected,
        "probabilities" (N, K, classes + 1), background first, and "masks" (N, K, 28, 28), probabilities, of
        each box's best class.
        """
        fine, coarse = self.backbone(images, training=training)
        objectness, offsets = self.rpn(coarse)
        rois, scores = proposals.propose(self.anchors, objectness, offsets, PROPOSALS, self.size)
        found = {"map": fine, "objectness": objectness, "offsets": offsets, "proposals": rois,
                 "proposal_scores": scores}
        if training:
            return found
        logits, change = self.heads(fine, rois)
        boxes = ops.clip(proposals.decode(change * np.array(DEVIATION, "float32"), rois), 0, self.size)
        best = ops.argmax(logits[..., 1:], axis=-1)
        masks = ops.sigmoid(self.masks(fine, boxes, best))
        return {**found, "boxes": boxes, "probabilities": ops.softmax(logits), "masks": masks}

    def heads(self, fine, rois):
        """Return the logits of the classes (N, R, classes + 1) and the corrections (N, R, 4) of RoIs."""
        return _each(self.box_head, roi_align(fine, rois, 7, FINE))

    def masks(self, fine, rois, labels):
        """Return the mask of each RoI's class, (N, R, 28, 28), as logits."""
        (masks,) = _each(self.mask_head, roi_align(fine, rois, 14, FINE))
        return _of(masks, labels, self.classes)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return L_proposal + L_class + L_box + L_mask for `y` as `targets` gives it."""
        losses = {"proposal": proposals.loss(y["matches"], y["boxes"], self.anchors, y_pred["objectness"],
                                             y_pred["offsets"])}
        losses.update(self.head_losses(y_pred["map"], self.regions(y_pred["proposals"], y), y))
        for name, value in losses.items():
            self.parts[name].update_state(value)
        return sum(losses.values())

    def regions(self, rois, y):
        """Return RoIs to learn from: the proposals, as they are now, and the true boxes, shaken."""
        true = y["boxes"]
        sides = ops.tile(true[..., 2:] - true[..., :2], (1, 1, 2))
        shaken = true + 0.08 * sides * keras.random.normal(ops.shape(true), seed=self.random)
        return ops.stop_gradient(ops.concatenate([rois, ops.clip(shaken, 0, self.size)], axis=1))

    def head_losses(self, fine, rois, y):
        """Return the three parts of the paper's loss, "class", "box" and "mask", as a dict of numbers."""
        overlap = proposals.iou(rois, y["boxes"])  # (N, R, M)
        fit, match = ops.max(overlap, axis=-1), ops.argmax(overlap, axis=-1)
        there = ops.cast(fit >= 0.5, "float32")
        label = ops.maximum(ops.take_along_axis(y["labels"], match, axis=1), 0)
        true = ops.take_along_axis(y["boxes"], match[..., None], axis=1)  # (N, R, 4)
        logits, change = self.heads(fine, rois)
        kind = ops.where(fit >= 0.5, label + 1, 0)
        wrong = proposals.encode(true, rois) / np.array(DEVIATION, "float32") - change
        _, best = ops.top_k(fit, MASKS)
        some, count, label, match = (
            ops.take_along_axis(all_, best if all_.ndim == 2 else best[..., None], axis=1)
            for all_ in (rois, there, label, match)
        )
        mask = mask_target(y["instances"], match, some, y["boxes"].shape[1])
        log_loss = ops.binary_crossentropy(mask, self.masks(fine, some, label), from_logits=True)
        return {
            "class": ops.mean(ops.sparse_categorical_crossentropy(kind, logits, from_logits=True)),
            "box": mean(smooth_l1(wrong), there),
            "mask": mean(ops.mean(log_loss, axis=(2, 3)), count),
        }


def mask_target(instances, match, rois, most, size=28):
    """Return the true mask of object `match` < `most` inside each RoI, float32 (N, R, 28, 28): 0 or 1."""
    objects = ops.arange(1, most + 1, dtype="int32")
    each = ops.cast(ops.cast(instances, "int32")[..., None] == objects, "float32")  # (N, S, S, most)
    inside = roi_align(each, rois, size)  # (N, R, 28, 28, most)
    return ops.cast(_of(inside, match, most) >= 0.5, "float32")


def _of(masks, kind, count):
    """Of `count` masks for each RoI, (N, R, m, m, count), the one of that number, (N, R, m, m)."""
    return ops.einsum("nrijk,nrk->nrij", masks, ops.one_hot(kind, count, dtype="float32"))


def _each(head, rois):
    """The outputs of a head for RoIs (N, R, …), each of them (N, R, …) as well."""
    outputs = head(ops.reshape(rois, (-1, *rois.shape[2:])))
    outputs = outputs if isinstance(outputs, list) else [outputs]
    return [ops.reshape(output, (-1, rois.shape[1], *output.shape[1:])) for output in outputs]


def mask_rcnn(size=64, classes=3):
    """Return the network, with random weights.

    Args:
        size: int, height and width of the pictures, a multiple of 8.
        classes: int, background not included.

    Returns:
        `MaskRCNN`, from images (N, S, S, 3), float32 in [0, 1], to the dict that its `call` describes.
    """
    return MaskRCNN(size, classes)


def decode(output, threshold=0.3, overlap=0.5):
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


def detect(model, images, threshold=0.3, overlap=0.5):
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
        found += [decode({key: rows[i] for key, rows in output.items()}, threshold, overlap)
                  for i in range(len(some))]
    return found
