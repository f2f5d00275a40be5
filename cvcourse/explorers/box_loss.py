"""BoxLoss: drag a box over a scene, and read how wrong it is by three losses."""

import numpy as np
from matplotlib.patches import Rectangle

from cvcourse import boxes
from cvcourse.datasets import scenes
from cvcourse.explorers.base import Explorer, javascript, number
from cvcourse.explorers.controls import Array, Kept, photograph
from cvcourse.visualization import COLORS, TEXT_COLORS, picture, style

COLOR_OF = {"1 − IoU": "output", "1 − GIoU": "statistics", "smooth L1": "kernel"}
SMALLEST = 1  # pixels, width and height of a box


class BoxLoss(Explorer):
    """A box over a scene with its true box: IoU, generalised IoU and smooth L1, live.

    Drag the box or one of its corners; or focus the scene: arrow keys move the box, Shift with arrow keys its
    lower right corner. "Descend" follows the slope of a loss step by step.

    Args:
        image: uint8 array (H, W, 3), at most 128 × 128; default: a scene with a cat.
        true_box: (x1, y1, x2, y2) in pixels; default: that of the cat.
        box: (x1, y1, x2, y2) in pixels, inside the image; default: one that overlaps the cat's.

    Attributes:
        true_box, box: as the arguments, lists of floats.

    Raises:
        ValueError: the image has another shape or type, or a box lies outside it or has no area; or only one
            of image and true box is given.

    Example:
        >>> explorer = BoxLoss(box=[10, 10, 50, 50])
        >>> explorer.box = list(explorer.true_box)
        >>> explorer.measures()["iou"]
        1.0

    Source: Rezatofighi et al., "Generalized Intersection over Union" (CVPR 2019); Girshick, "Fast R-CNN"
    (ICCV 2015), equation 3.
    """

    _esm = javascript("compute.js", "box_loss.js")

    image = Array(ndim=3)
    true_box = Kept(lambda explorer, value: _inside("true_box", value, explorer.image))
    box = Kept(lambda explorer, value: _inside("box", value, explorer.image))

    def __init__(self, image=None, true_box=None, box=None):
        if (image is None) != (true_box is None):
            raise ValueError("image and true_box go together. Received: only one of them")
        if image is None:
            scene = scenes(1, size=64, seed=1, classes=("cat",), scale=0.6)[0]
            image, true_box = scene.image, scene.boxes[0]
            box = [4, 30, 32, 60] if box is None else box
        image = photograph(image, 128)
        height, width = image.shape[:2]
        box = [width / 4, height / 4, width * 3 / 4, height * 3 / 4] if box is None else box
        super().__init__(image=image, true_box=true_box, box=box)

    def measures(self):
        """Return {"iou", "generalized_iou", "smooth_l1"} of the present box; smooth L1 in pixels."""
        return measures(self.box, self.true_box)


def _inside(name, box, image):
    """Return `box` as a list of floats, or say what is wrong with it."""
    box, (height, width) = np.asarray(box, dtype="float64"), image.shape[:2]
    if box.shape != (4,) or not (
        0 <= box[0] <= box[2] - SMALLEST <= width - SMALLEST
        and 0 <= box[1] <= box[3] - SMALLEST <= height - SMALLEST
    ):
        raise ValueError(
            f"{name} must be (x1, y1, x2, y2) inside the image, {width} × {height} pixels, and "
            f"at least {SMALLEST} pixel wide and high. Received: {name}={box.tolist()}"
        )
    return box.tolist()


def measures(box, true_box):
    """Return {"iou", "generalized_iou", "smooth_l1"} of two boxes, floats.

    Smooth L1 is the mean over the four coordinates, in pixels: d²/2 where |d| < 1 pixel, |d| − ½ beyond.

    Example:
        >>> measures([0, 0, 4, 4], [2, 0, 6, 4])["smooth_l1"]
        0.75
    """
    apart = np.abs(np.subtract(box, true_box, dtype="float64"))
    return {
        "iou": float(boxes.iou(box, true_box)),
        "generalized_iou": float(boxes.generalized_iou(box, true_box)),
        "smooth_l1": float(np.mean(np.where(apart < 1, apart**2 / 2, apart - 0.5))),
    }


def describe(box, true_box):
    """Return a box and its true box in words and numbers. Pure; arguments as those of `BoxLoss`."""
    got = measures(box, true_box)
    if got["iou"] == 1:
        first = "The box is the true box: IoU 1.00."
    elif got["iou"]:
        first = f"The two boxes overlap: IoU {number(got['iou'])}."
    else:
        first = "No overlap: IoU 0.00, and a small move does not change it, so its loss shows no way."
    general = f"Generalised IoU {number(got['generalized_iou'])}"
    empty = got["iou"] - got["generalized_iou"]
    if empty > 0.005:
        general += f", as {empty:.0%} of the smallest box around both is empty"
    return f"{first} {general}. Smooth L1 {number(got['smooth_l1'])} px."


@style()
def figure(image, true_box, box):
    """Return the state of a `BoxLoss` as a `Picture`. Pure; arguments as its attributes."""
    drawing, (scene, losses) = picture(8.4, 3.6, f"Box loss. {describe(box, true_box)}", columns=2)
    height, width = np.shape(image)[:2]
    scene.imshow(np.array(image, "uint8"), extent=(0, width, height, 0))
    for (x1, y1, x2, y2), role in ((true_box, "input"), (box, "selected")):
        for color, line in (("white", 4.5), (COLORS[role], 2.5)):
            corner, size = (x1, y1), (x2 - x1, y2 - y1)
            scene.add_patch(Rectangle(corner, *size, fill=False, edgecolor=color, linewidth=line))
    scene.set_axis_off()
    scene.set_title("blue: true box; red: yours")
    got = measures(box, true_box)
    values = 1 - got["iou"], 1 - got["generalized_iou"], got["smooth_l1"]
    draw_losses(losses, COLOR_OF, values, [*values[:2], values[2] / 20])
    losses.set(xlim=(0, 2.3), title="The losses (smooth L1 in pixels)")
    return drawing


def draw_losses(axes, roles, values, lengths):
    """Draw a bar for each name in `roles`, {name: colour}, with its value beside it."""
    bars = axes.barh(list(roles), lengths, color=[COLORS[role] for role in roles.values()])
    axes.bar_label(bars, [number(value) for value in values], padding=3)
    for label, role in zip(axes.get_yticklabels(), roles.values(), strict=True):
        label.set_color(TEXT_COLORS[role])
    axes.invert_yaxis()
    axes.set_xticks([])
