"""What Mask R-CNN learns from: L_class + L_box + L_mask for regions, and the loss of its proposals.

    anchors    match a true box or the background: objectness (log loss), offsets (smooth L1)
    regions    match the true box that they overlap most, if their IoU is at least 0.5, else the background:
               L_class, the log loss of all classes
               L_box, smooth L1, only for regions that match a box
               L_mask, for them, too: the pixels' mean binary cross-entropy, or the Dice loss, of the one mask
               that belongs to the true class. The other classes' masks have no part in it

Source: He et al., "Mask R-CNN" (ICCV 2017), section 3; Ren et al., "Faster R-CNN" (2015), equation 1;
Milletari et al., "V-Net" (2016), section 3, for Dice; Girshick, "Fast R-CNN" (2015), equation 3, for smooth
L1, which is four times Keras's Huber loss, the mean of a box's four numbers.

How this one differs: all anchors count, objects and background one half each, in place of 256 drawn at random
with at most as many objects as background: the same on average. They take part with IoU ≥ 0.6 or < 0.4 in
place of 0.7 and 0.3. All proposals count, and the true boxes, shaken, beside them, in place of 512 drawn at
random. The 3 that fit a true box best have a part in L_mask, in place of all that match one.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from cvcourse import boxes as bx
from cvcourse.models.proposals import anchors, encode, iou
from cvcourse.models.roi_align import roi_align

POSITIVE, NEGATIVE = 0.6, 0.4  # IoU of anchors
MASKS = 3  # regions a picture for L_mask
DEVIATION = (0.1, 0.1, 0.2, 0.2)  # typical size of a correction: what the box head learns is about 1


def targets(scenes: Any) -> dict[str, np.ndarray]:
    """Return what there is to learn from scenes: a dict of arrays, one row for each picture.

    Args:
        scenes: `Scenes` with at most M objects.

    Returns:
        dict: "boxes", float32 (N, M, 4), "labels", int64 (N, M), −1 for none, and "instances", uint8
        (N, S, S), as in the scenes; "matches", int64 (N, A), of each anchor, as `boxes.match` has it.
    """
    fixed = anchors(scenes.images.shape[1])
    pairs = zip(scenes.boxes, scenes.box_labels, strict=True)
    matches = [bx.match(fixed, boxes[labels >= 0], POSITIVE, NEGATIVE) for boxes, labels in pairs]
    return {
        "boxes": scenes.boxes,
        "labels": scenes.box_labels,
        "instances": scenes.instances,
        "matches": np.stack(matches),
    }


def proposal_loss(y: dict[str, Any], fixed: Any, objectness: Any, offsets: Any) -> Any:
    """Return the loss of the region proposal network, a number.

    Args:
        y: dict, as `targets` gives it.
        fixed: float (A, 4), the anchors.
        objectness: float (N, A), logits.
        offsets: float (N, A, 4).
    """
    there, nothing = (ops.cast(kind, "float32") for kind in (y["matches"] >= 0, y["matches"] == -1))
    log_loss = ops.binary_crossentropy(there, objectness, from_logits=True)
    true = ops.take_along_axis(y["boxes"], ops.maximum(y["matches"], 0)[..., None], axis=1)  # (N, A, 4)
    box = mean(4 * keras.losses.huber(encode(true, fixed), offsets), there)  # smooth L1
    return (mean(log_loss, there) + mean(log_loss, nothing)) / 2 + box


def regions(proposals: Any, boxes: Any, size: int, seed: Any = None) -> Any:
    """Return regions to learn from, (N, R, 4): the proposals, and the true boxes with shaken corners.

    The shaken ones make sure that each object is learned from, before the proposals are any good.
    """
    boxes = ops.convert_to_tensor(boxes)
    sides = ops.tile(boxes[..., 2:] - boxes[..., :2], (1, 1, 2))
    shaken = boxes + 0.08 * sides * keras.random.normal(ops.shape(boxes), seed=seed)
    return ops.stop_gradient(ops.concatenate([proposals, ops.clip(shaken, 0, size)], axis=1))


def head_losses(model: Any, fine: Any, rois: Any, y: dict[str, Any]) -> dict[str, Any]:
    """Return L_class, L_box and L_mask, of regions (N, R, 4) of the feature map `fine`: a dict of numbers."""
    overlap = iou(rois, y["boxes"])  # (N, R, M)
    fit, match = ops.max(overlap, axis=-1), ops.argmax(overlap, axis=-1)
    there = ops.cast(fit >= 0.5, "float32")
    label = ops.maximum(ops.take_along_axis(y["labels"], match, axis=1), 0)
    true = ops.take_along_axis(y["boxes"], match[..., None], axis=1)  # (N, R, 4)
    logits, change = model.heads(fine, rois)
    kind = ops.where(fit >= 0.5, label + 1, 0)
    wanted = encode(true, rois) / np.array(DEVIATION, "float32")
    _, best = ops.top_k(fit, MASKS)
    there_, label, match = (ops.take_along_axis(x, best, axis=1) for x in (there, label, match))
    rois = ops.take_along_axis(rois, best[..., None], axis=1)
    masks = model.masks(fine, rois, label)
    pixels = model.mask_loss(mask_target(y["instances"], match, rois, y["boxes"].shape[1]), masks)
    return {
        "class": ops.mean(ops.sparse_categorical_crossentropy(kind, logits, from_logits=True)),
        "box": mean(4 * keras.losses.huber(wanted, change), there),
        "mask": mean(pixels, there_),
    }


def mask_target(instances: Any, match: Any, rois: Any, most: int) -> Any:
    """Return the true mask of object `match` < `most` inside each region, float32 (N, R, 28, 28): 0 or 1."""
    number = ops.arange(1, most + 1, dtype="int32")
    each = ops.cast(ops.cast(instances, "int32")[..., None] == number, "float32")  # (N, S, S, most)
    inside = roi_align(each, rois, 28)  # (N, R, 28, 28, most)
    return ops.cast(chosen(inside, match) >= 0.5, "float32")


def chosen(masks: Any, kind: Any) -> Any:
    """Return the mask of that number of each region: (N, R, m, m, K) and int (N, R) to (N, R, m, m)."""
    return ops.einsum("nrijk,nrk->nrij", masks, ops.one_hot(kind, masks.shape[-1], dtype="float32"))


def cross_entropy(mask: Any, logits: Any) -> Any:
    """Return the mean binary cross-entropy of each region's pixels: (N, R, m, m) twice to (N, R)."""
    return ops.mean(ops.binary_crossentropy(mask, logits, from_logits=True), axis=(2, 3))


def dice(mask: Any, logits: Any) -> Any:
    """Return 1 − 2 |shared| / (|true| + |guessed|) of each region, V-Net's, squares below: (N, R)."""
    guess = ops.sigmoid(logits)
    covered = ops.sum(mask**2 + guess**2, axis=(2, 3))
    return 1 - 2 * ops.sum(mask * guess, axis=(2, 3)) / ops.maximum(covered, 1e-6)


def mean(values: Any, weights: Any) -> Any:
    """Return the mean of the values that count; 0 if none does."""
    return ops.sum(values * weights) / ops.maximum(ops.sum(weights), 1.0)
