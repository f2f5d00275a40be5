"""MaskLoss: paint a mask over a scene, and read how wrong it is by three losses and by pixel accuracy."""

import numpy as np

from cvcourse.datasets import photos, scenes
from cvcourse.explorers.base import Explorer, javascript, number
from cvcourse.explorers.box_loss import draw_losses
from cvcourse.explorers.controls import Array, Choice, Slider, photograph
from cvcourse.explorers.mask import measures as overlap_measures
from cvcourse.explorers.mask import tinted
from cvcourse.visualization import picture, style

ROLES = {"cross-entropy": "kernel", "Dice loss": "output", "1 − IoU": "statistics", "accuracy": "reference"}
OVERLAY = ((1, 1, "output"), (0, 1, "selected"), (1, 0, "input"))  # truth, mask, colour
LARGEST = 64  # pixels: more cannot be painted one by one


class MaskLoss(Explorer):
    """A mask painted over a scene: pixel-wise cross-entropy, Dice loss and IoU, live.

    Paint with the mouse; or focus the scene: arrow keys move the cursor, the space bar paints or clears
    there, Shift with arrow keys paints along the way. A painted pixel says "animal" with the probability
    `sure`, any other pixel says it with 1 − `sure`.

    Args:
        image: uint8 array (H, W, 3), at most 64 × 64; default: a cat, near or far.
        truth: array (H, W) of 0 and 1, the true mask; goes with `image`.
        scene: "near" (a cat on a quarter of the pixels) or "far" (on one in a hundred); without `image`.
        sure: float, 0.5 … 0.99.

    Attributes:
        mask: uint8 array (H, W) of 0 and 1; what is painted.
        scene, sure, brush: as set by the controls; `brush` is the side of the brush in pixels.

    Raises:
        ValueError: an argument outside its range; the message names it.

    Example:
        >>> explorer = MaskLoss(scene="far", sure=0.9)
        >>> explorer.mask = explorer.truth
        >>> explorer.measures()["iou"], explorer.measures()["accuracy"]
        (1.0, 1.0)

    Source: Milletari et al., "V-Net" (3DV 2016), for the Dice loss.
    """

    _esm = javascript("compute.js", "mask_loss.js")

    images = Array(ndim=4)  # of the scenes that there are to choose from
    truths = Array(ndim=3)
    mask = Array(check=lambda explorer, value: _painted(value, explorer.truth))
    scene = Choice("Scene", ("near", "far", "yours"), words={"far": "far away"})
    brush = Slider("Brush", "px", low=1, high=9, default=5)
    sure = Slider("Sure", "p", role="kernel", low=0.5, high=0.99, step=0.01, default=0.9)

    def __init__(self, image=None, truth=None, scene="near", sure=0.9):
        if (image is None) != (truth is None):
            raise ValueError("image and truth go together. Received: only one of them")
        choices = {"near": _near, "far": _far} if image is None else {"yours": lambda: (image, truth)}
        images, truths = zip(*(_checked(*make()) for make in choices.values()), strict=True)
        super().__init__(
            {"scene": {"options": list(choices)}}, images=np.stack(images), truths=np.stack(truths),
            mask=np.zeros_like(truths[0]), scene=scene if image is None else "yours", sure=sure,
        )  # fmt: skip
        self.observe(lambda change: self.set_trait("mask", np.zeros_like(self.truth)), names=["scene"])

    @property
    def image(self):
        """The present scene, uint8 (H, W, 3)."""
        return self.images[self.controls["scene"]["options"].index(self.scene)]

    @property
    def truth(self):
        """Its true mask, uint8 (H, W)."""
        return self.truths[self.controls["scene"]["options"].index(self.scene)]

    def measures(self):
        """Return {"cross_entropy", "dice_loss", "iou", "accuracy"} of the present mask."""
        return measures(self.mask, self.truth, self.sure)


def _near():
    scene = scenes(1, size=LARGEST, seed=6, classes=("cat",), scale=0)[0]
    return scene.image, scene.mask > 0


def _far():
    """The same cat, a fifth as large, on the moon."""
    image, mask = (array[::5, ::5] for array in _near())
    side, (top, left) = len(mask), (38, 36)
    ground = (255 * photos.photo("moon", size=LARGEST)).astype("uint8")
    truth = np.zeros(ground.shape[:2], bool)
    truth[top : top + side, left : left + side] = mask
    ground[truth] = image[mask]
    return ground, truth


def _checked(image, truth):
    """Return both as arrays, or say what is wrong with them."""
    image, truth = photograph(image, LARGEST), np.asarray(truth)
    if truth.shape != image.shape[:2] or not np.isin(truth, (0, 1)).all():
        raise ValueError(
            f"truth must be 0 and 1 in the shape of the image, {image.shape[:2]}; for instance "
            f"example.mask > 0. Received: shape {truth.shape}, {truth.min()} to {truth.max()}"
        )
    return image, truth.astype("uint8")


def _painted(mask, truth):
    if mask.shape != truth.shape or mask.max(initial=0) > 1:
        raise ValueError(
            f"mask must be 0 and 1 in the shape of the scene, {truth.shape}. "
            f"Received: shape {mask.shape}, {mask.min()} to {mask.max()}"
        )
    return mask


def measures(mask, truth, sure):
    """Return {"cross_entropy", "dice_loss", "iou", "accuracy"} of a painted mask, floats.

    Cross-entropy (mean over the pixels, in nats) and Dice loss are those of the probabilities `sure` and
    1 − `sure`; IoU and accuracy those of the mask itself. Two empty masks have IoU 1.

    Example:
        >>> measures([[1, 0]], [[1, 1]], 0.9)["dice_loss"]
        0.33333333333333337
    """
    mask, truth = np.asarray(mask, bool), np.asarray(truth, bool)
    probability, right = np.where(mask, sure, 1 - sure), np.mean(mask == truth)
    return {
        "cross_entropy": float(-right * np.log(sure) - (1 - right) * np.log(1 - sure)),
        "dice_loss": float(1 - 2 * probability[truth].sum() / (probability.sum() + truth.sum())),
        "iou": overlap_measures(mask, truth)["iou"],
        "accuracy": float(right),
    }


def describe(mask, truth, sure):
    """Return a painted mask in words and numbers. Pure; arguments as the attributes of `MaskLoss`."""
    got, mask, truth = measures(mask, truth, sure), np.asarray(mask, bool), np.asarray(truth, bool)
    return (
        f"The animal has {truth.sum():,} of {truth.size:,} pixels ({truth.mean():.1%}). "
        f"Found {(mask & truth).sum():,}, missed {(truth & ~mask).sum():,}, "
        f"false alarms {(mask & ~truth).sum():,}. "
        f"Cross-entropy {number(got['cross_entropy'])}, Dice loss {number(got['dice_loss'])}, "
        f"IoU {number(got['iou'])}, pixel accuracy {got['accuracy']:.1%}."
    )


@style()
def figure(image, truth, mask, sure, description):
    """Return the state of a `MaskLoss` as a `Picture`. Pure; arguments as its attributes."""
    drawing, (scene, bars) = picture(8.4, 3.6, f"Mask loss. {description}", columns=2)
    there = {role: (truth == true) & (mask == painted) for true, painted, role in OVERLAY}
    scene.imshow(tinted(image, there))
    scene.set_axis_off()
    scene.set_title("green: found; blue: missed; red: false alarm")
    got = measures(mask, truth, sure)
    values = got["cross_entropy"], got["dice_loss"], 1 - got["iou"], got["accuracy"]
    draw_losses(bars, ROLES, values, values)
    bars.set(xlim=(0, 1.2 * max(1, *values)))
    return drawing
