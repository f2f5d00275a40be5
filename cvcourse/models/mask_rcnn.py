"""Mask R-CNN in small: find each object, say what it is, and which pixels are its own.

    backbone      picture to two feature maps: what there is, coarse (stride 8); where it is, fine (stride 4)
    proposals     a region proposal network on the coarse map: boxes that could hold an object
    RoIAlign      the fine map inside each box, as a grid of one size
    box head      the grid (7×7) to a class, background included, and four offsets that correct the box
    mask head     the grid (14×14) to one mask (28×28) for each class. Each is a yes or no for each pixel
                  (sigmoid): classes do not compete for pixels, the box head decides which mask counts

More of it stands in `proposals`, `roi_align`, `mask_rcnn_loss` and in `instances`, which reads the answer.

Source: He, Gkioxari, Dollár and Girshick, "Mask R-CNN" (ICCV 2017), section 3 and figures 1, 3 and 4.

How this one differs: 10 convolutions and one step back up in place of ResNet-101 with a feature pyramid. 12
proposals a picture in place of 1000. One dense layer in the box head in place of two, and one correction of
the box in place of one for each class. Masks are predicted for all corrected boxes, before the last
non-maximum suppression. Batch norm learns along; all parts are trained together, from random weights, with
Adam, on 64×64 pixels. What is learned from: see `mask_rcnn_loss`.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import Input, KerasTensor, Model, layers, ops

from cvcourse.models import mask_rcnn_loss as loss
from cvcourse.models import proposals
from cvcourse.models.roi_align import roi_align

FINE = 4  # pixels: the stride of the map that RoIAlign reads
PROPOSALS = 12  # a picture


def convolution(x: KerasTensor, filters: int, name: str, strides: int = 1) -> KerasTensor:
    """Return a 3×3 convolution, normalised and through a ReLU."""
    x = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def backbone(size: int) -> Model:
    """Return the network from images to two maps, fine (N, S/4, S/4, 32) and coarse (N, S/8, S/8, 80)."""
    inputs = Input((size, size, 3))
    x = layers.Rescaling(4.0, offset=-2.0, name="rescale")(inputs)
    x = convolution(x, 16, "half", strides=2)
    x = convolution(x, 32, "quarter1", strides=2)
    quarter = x = convolution(x, 32, "quarter2")
    x = convolution(x, 64, "eighth1", strides=2)
    for i in (2, 3, 4):
        x = convolution(x, 80, f"eighth{i}")
    up = layers.UpSampling2D(2, name="up")(layers.Conv2D(32, 1, name="what")(x))
    up = layers.Add(name="both")([up, layers.Conv2D(32, 1, name="where")(quarter)])
    return Model(inputs, [convolution(up, 32, "fine"), x], name="backbone")


def box_head(channels: int, classes: int) -> Model:
    """Return the network from RoIs (R, 7, 7, C) to logits (R, classes + 1), background first, and offsets."""
    inputs = Input((7, 7, channels))
    x = layers.Dense(64, activation="relu", name="dense")(layers.Flatten(name="flatten")(inputs))
    outputs = [layers.Dense(classes + 1, name="class")(x), layers.Dense(4, name="box")(x)]
    return Model(inputs, outputs, name="box_head")


def mask_head(channels: int, classes: int) -> Model:
    """Return the network from RoIs (R, 14, 14, C) to masks (R, 28, 28, classes), as logits."""
    x = inputs = Input((14, 14, channels))
    for i in (1, 2):
        x = layers.Conv2D(24, 3, padding="same", activation="relu", name=f"conv{i}")(x)
    x = layers.Conv2DTranspose(24, 2, strides=2, activation="relu", name="up")(x)
    return Model(inputs, layers.Conv2D(classes, 1, name="mask")(x), name="mask_head")


class MaskRCNN(keras.Model):
    """The network and its loss. `fit(images, targets(scenes))` trains it.

    Its parts can be used alone: `backbone`, `rpn`, `box_head`, `mask_head`, and `anchors`, float32 (A, 4).
    """

    def __init__(self, size, classes, mask_loss):
        super().__init__(name="mask_rcnn")
        self.size, self.mask_loss, self.anchors = size, mask_loss, proposals.anchors(size)
        self.backbone = backbone(size)
        (_, _, _, fine), (_, cells, _, coarse) = self.backbone.output_shape
        self.rpn = proposals.head(cells, coarse)
        self.box_head, self.mask_head = box_head(fine, classes), mask_head(fine, classes)
        self.parts = {name: keras.metrics.Mean(name) for name in ("proposal", "class", "box", "mask")}
        self.random = keras.random.SeedGenerator(0)
        self.build((None, size, size, 3))

    def build(self, input_shape: Any) -> None:
        self.built = True  # all parts are

    def call(self, images: Any, training: bool = False) -> dict[str, Any]:
        """Return a dict of what is found on the way and, unless training, at the end.

        "map" (N, S/4, S/4, C); of the anchors "objectness" (N, A), logits, and "offsets" (N, A, 4);
        "proposals" (N, K, 4) and their "proposal_scores" (N, K), best first. At the end "boxes" (N, K, 4),
        corrected, "probabilities" (N, K, classes + 1), background first, and "masks" (N, K, 28, 28),
        probabilities, of each box's best class.
        """
        fine, coarse = self.backbone(images, training=training)
        objectness, offsets = self.rpn(coarse)
        rois, scores = proposals.propose(self.anchors, objectness, offsets, PROPOSALS, self.size)
        found = {"map": fine, "objectness": objectness, "offsets": offsets}
        found |= {"proposals": rois, "proposal_scores": scores}
        if training:
            return found
        logits, change = self.heads(fine, rois)
        boxes = ops.clip(proposals.decode(change * np.array(loss.DEVIATION, "float32"), rois), 0, self.size)
        best = ops.argmax(logits[..., 1:], axis=-1)
        masks = ops.sigmoid(self.masks(fine, boxes, best))
        return found | {"boxes": boxes, "probabilities": ops.softmax(logits), "masks": masks}

    def heads(self, fine: Any, rois: Any) -> Any:
        """Return the logits of the classes (N, R, classes + 1) and the corrections (N, R, 4) of RoIs."""
        return _each(self.box_head, roi_align(fine, rois, 7, FINE))

    def masks(self, fine: Any, rois: Any, labels: Any) -> Any:
        """Return the mask of each RoI's class, (N, R, 28, 28), as logits."""
        (masks,) = _each(self.mask_head, roi_align(fine, rois, 14, FINE))
        return loss.chosen(masks, labels)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the sum of the four parts, for `y` as `mask_rcnn_loss.targets` gives it."""
        rois = loss.regions(y_pred["proposals"], y["boxes"], self.size, self.random)
        losses = loss.head_losses(self, y_pred["map"], rois, y)
        losses["proposal"] = loss.proposal_loss(y, self.anchors, y_pred["objectness"], y_pred["offsets"])
        for name, value in losses.items():
            self.parts[name].update_state(value)
        return sum(losses.values())


def _each(head, rois):
    """The outputs of a head for RoIs (N, R, …), each of them (N, R, …) as well."""
    outputs = head(ops.reshape(rois, (-1, *rois.shape[2:])))
    outputs = outputs if isinstance(outputs, list) else [outputs]
    return [ops.reshape(output, (-1, rois.shape[1], *output.shape[1:])) for output in outputs]


def mask_rcnn(size: int = 64, classes: int = 3, mask_loss: Callable = loss.cross_entropy) -> MaskRCNN:
    """Return the network, with random weights.

    Args:
        size: int, height and width of the pictures, a multiple of 8.
        classes: int, background not included.
        mask_loss: function (true masks, logits) -> (N, R), for example `mask_rcnn_loss.dice`.

    Returns:
        `MaskRCNN`, from images (N, S, S, 3), float32 in [0, 1], to the dict that its `call` describes.
    """
    return MaskRCNN(size, classes, mask_loss)
