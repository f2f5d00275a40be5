"""NMS: step by step, the best box of each heap stays and puts out its rivals."""

import numpy as np
from matplotlib.patches import Rectangle

from cvcourse import boxes as bx
from cvcourse import pretrained
from cvcourse.datasets import scenes
from cvcourse.explorers.base import Explorer, javascript, number
from cvcourse.explorers.controls import Array, Data, Kept, Slider, photograph, within
from cvcourse.models import rcnn
from cvcourse.visualization import COLORS, picture, style

MOST = 24  # candidates that the page has room for
LEAST = 0.05  # score below which the default candidates are left out
RIGHT = 0.5  # IoU with a true box from which a box counts as right
SEED = 34  # of the scene


class NMS(Explorer):
    """Candidate boxes over a scene, two thresholds, and non-maximum suppression step by step.

    "Next" lets the best box that still waits stay, and puts out all boxes of its class that overlap it by
    more than the IoU threshold. The two sliders change which boxes take part, and how near a rival may stand.
    A row of the list, chosen by mouse or Tab, shows its box.

    Args:
        image: uint8 array (H, W, 3), at most 128 × 128; default: a scene with three animals.
        boxes: float (K, 4) as (x1, y1, x2, y2) in pixels, K ≤ 24; default: what R-CNN's network answers
            about windows of the scene.
        scores: float (K,) in [0, 1].
        labels: int (K,), indices into `classes`; default: all 0.
        truth: (boxes (T, 4), labels (T,)), the true ones.
        classes: names of the classes.
        score_threshold, iou_threshold: float in [0, 1].
        step: int, how many boxes have been let stay so far; `len(boxes)` shows the end.

    Attributes:
        boxes, scores, labels: as lists, best score first.
        true_boxes, true_labels: lists.

    Raises:
        ValueError: an array has another shape, or a number is out of range.

    Example:
        >>> heap = [[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]]
        >>> truth = [[1, 0, 11, 10]], [0]
        >>> explorer = NMS(np.zeros((32, 32, 3), "uint8"), heap, [0.8, 0.9, 0.7], truth=truth, step=3)
        >>> explorer.kept()
        [0, 2]
        >>> explorer.measures()["precision"]
        0.5

    Source: Felzenszwalb et al., "Object Detection with Discriminatively Trained Part Based Models" (2010),
    section 7.2.
    """

    _esm = javascript("compute.js", "nms.js")

    image = Array(ndim=3)
    boxes = Data([], state=True)
    scores = Data([], state=True)
    labels = Data([], state=True)
    true_boxes = Data([], state=True)
    true_labels = Data([], state=True)
    classes = Data([], state=True)
    score_threshold = Slider("Score at least", "s", role="kernel", high=1, step=0.01)
    iou_threshold = Slider("IoU at most", "t", high=1, step=0.01)
    step = Kept(lambda explorer, value: within("step", value, 0, len(explorer.boxes)), 0)

    def __init__(
        self, image=None, boxes=None, scores=None, labels=None, truth=None, classes=("object",),
        score_threshold=0.1, iou_threshold=0.5, step=0,
    ):  # fmt: skip
        given = [value is not None for value in (image, boxes, scores, truth)]
        if any(given) and not all(given):
            raise ValueError("image, boxes, scores and truth go together. Received: only some of them")
        if not any(given):
            image, boxes, scores, labels, truth, classes = example()
        boxes, scores = np.asarray(boxes, float).reshape(-1, 4), np.asarray(scores, float)
        labels = np.zeros(len(boxes), int) if labels is None else np.asarray(labels, int)
        image = photograph(image, 128)
        _check(boxes, scores, labels)
        order = np.argsort(-scores, kind="stable")
        super().__init__(
            image=image,
            boxes=boxes[order].tolist(),
            scores=scores[order].tolist(),
            labels=labels[order].tolist(),
            true_boxes=np.asarray(truth[0], float).reshape(-1, 4).tolist(),
            true_labels=[int(k) for k in truth[1]],
            classes=list(classes),
            score_threshold=score_threshold,
            iou_threshold=iou_threshold,
            step=step,
        )

    def kept(self):
        """Return the indices of the boxes that were let stay so far, best first."""
        settings = self.score_threshold, self.iou_threshold, self.step
        return standing(self.boxes, self.scores, self.labels, *settings)[0]

    def measures(self):
        """Return counts, "precision" and "recall" of the boxes that are still in the picture, a dict."""
        return measures(**self.now("image", "classes"))


def example():
    """Return a scene and what R-CNN's network finds in windows of it, moved by its offsets: the arguments.

    The windows go in large steps, so that there are no more boxes than the page has room for.
    """
    scene = scenes(1, 64, SEED, objects=3, scale=0.1)[0]
    network, windows = pretrained.load("rcnn"), rcnn.windows(step=0.5)
    pieces = rcnn.crop(scene.image.astype("float32") / 255, windows)
    output = np.asarray(network.model(pieces, training=False))
    labels, scores = output[:, 1:-4].argmax(axis=1), output[:, 1:-4].max(axis=1)
    best = np.argsort(-scores, kind="stable")[:MOST]
    best = best[scores[best] >= LEAST]
    boxes = bx.decode(output[best, -4:], windows[best]).clip(0, 64)
    truth = scene.boxes, scene.box_labels
    return scene.image, boxes, scores[best], labels[best], truth, network.classes


def _check(boxes, scores, labels):
    if not 1 <= len(boxes) <= MOST or not len(boxes) == len(scores) == len(labels):
        raise ValueError(
            f"boxes, scores and labels must be of one length, 1 to {MOST}. "
            f"Received: {len(boxes)}, {len(scores)}, {len(labels)}"
        )
    bx.area(boxes)  # says what is wrong with corners
    if scores.min() < 0 or scores.max() > 1:
        raise ValueError(f"scores must lie in [0, 1]. Received: {scores.min():g} to {scores.max():g}")


def rounds(boxes, scores, labels, score_threshold, iou_threshold):
    """Return the rounds of non-maximum suppression: (index of the box that stays, indices it puts out).

    Example:
        >>> rounds([[0, 0, 4, 4], [0, 0, 4, 5], [9, 9, 12, 12]], [0.9, 0.8, 0.3], [0, 0, 0], 0.2, 0.5)
        [(0, [1]), (2, [])]
    """
    waiting = [int(i) for i in np.argsort(-np.asarray(scores), kind="stable") if scores[i] >= score_threshold]
    found = []
    while waiting:
        best, *rest = waiting
        rival = {i: labels[i] == labels[best] and bx.iou(boxes[i], boxes[best]) > iou_threshold for i in rest}
        found.append((best, [i for i in rest if rival[i]]))
        waiting = [i for i in rest if not rival[i]]
    return found


def standing(boxes, scores, labels, score_threshold, iou_threshold, step):
    """Return (kept, out, waiting) after `step` rounds: three lists of indices."""
    played = rounds(boxes, scores, labels, score_threshold, iou_threshold)
    kept = [i for i, _ in played[:step]]
    out = [j for _, rivals in played[:step] for j in rivals]
    waiting = sorted(i for best, rivals in played[step:] for i in (best, *rivals))
    return kept, out, waiting


def right_ones(boxes, labels, true_boxes, true_labels):
    """Return for each box, best score first, whether it finds an object that no box before it found."""
    free = set(range(len(true_boxes)))
    right = []
    for box, label in zip(boxes, labels, strict=True):
        fits = {t: float(bx.iou(box, true_boxes[t])) for t in free if true_labels[t] == label}
        best = max(fits, key=fits.get, default=None)
        right.append(best is not None and fits[best] >= RIGHT)
        free -= {best} if right[-1] else set()
    return right


def measures(boxes, scores, labels, true_boxes, true_labels, score_threshold, iou_threshold, step):
    """Return counts, precision and recall of the boxes that stay or wait. Pure; see `NMS.measures`."""
    kept, out, waiting = standing(boxes, scores, labels, score_threshold, iou_threshold, step)
    drawn = sorted(kept + waiting)
    right = sum(right_ones([boxes[i] for i in drawn], [labels[i] for i in drawn], true_boxes, true_labels))
    return {
        "drawn": len(drawn),
        "kept": len(kept),
        "out": len(out),
        "right": right,
        "precision": right / len(drawn) if drawn else 0.0,
        "recall": right / len(true_boxes) if true_boxes else 0.0,
    }


def describe(boxes, scores, labels, true_boxes, true_labels, score_threshold, iou_threshold, step):
    """Return the state in words. Pure; arguments as those of `measures`."""
    got = measures(boxes, scores, labels, true_boxes, true_labels, score_threshold, iou_threshold, step)
    waiting, below = got["drawn"] - got["kept"], len(boxes) - got["drawn"] - got["out"]
    if not got["drawn"]:
        return f"No box reaches the score {number(score_threshold)}: recall 0.00."
    first = f"{_boxes(got['kept'])} kept, {got['out']} put out, {waiting} waiting"
    first += f", {below} below the score {number(score_threshold)}. "
    objects = len(true_boxes)
    second = f"{got['right']} of the {_boxes(got['drawn'])} in the picture right, {objects} objects: "
    return f"{first}{second}precision {number(got['precision'])}, recall {number(got['recall'])}."


def _boxes(count):
    return f"{count} box{'es' * (count != 1)}"


@style()
def figure(
    image, boxes, scores, labels, true_boxes, classes, score_threshold, iou_threshold, step, description
):
    """Return the state of an `NMS` as a `Picture`. Pure; arguments as its attributes."""
    kept, out, waiting = standing(boxes, scores, labels, score_threshold, iou_threshold, step)
    drawing, (scene, chart) = picture(8.4, 3.8, f"Non-maximum suppression. {description}", columns=2)
    height, width = np.shape(image)[:2]
    scene.imshow(np.array(image, "uint8"), extent=(0, width, height, 0))
    looks = [
        (true_boxes, "input", ":"),
        ([boxes[i] for i in out], "selected", "--"),
        ([boxes[i] for i in waiting], "kernel", "-"),
        ([boxes[i] for i in kept], "output", "-"),
    ]
    for some, role, line in looks:
        for x1, y1, x2, y2 in some:
            wide = 2.5 if role == "output" else 1.5
            frame = {"edgecolor": COLORS[role], "linestyle": line, "linewidth": wide}
            scene.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, **frame))
    scene.set_axis_off()
    scene.set_title("green: stays; orange: waits; red: out; blue: true", fontsize=10)
    roles = {**dict.fromkeys(kept, "output"), **dict.fromkeys(out, "selected")}
    roles |= dict.fromkeys(waiting, "kernel")
    names = [f"{i + 1} {classes[label]}" for i, label in enumerate(labels)]
    chart.barh(names, scores, color=[COLORS[roles.get(i, "reference")] for i in range(len(boxes))])
    chart.axvline(score_threshold, color=COLORS["selected"], linestyle="--")
    chart.tick_params(axis="y", labelsize=7 if len(boxes) > 12 else 10)
    chart.invert_yaxis()
    chart.set(xlim=(0, 1), title="scores")
    return drawing
