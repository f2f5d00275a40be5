"""Mask: a threshold turns the probabilities of a network into a mask, counted against the true one."""

import numpy as np
from matplotlib.colors import to_rgb

from cvcourse import pretrained
from cvcourse.datasets import scenes
from cvcourse.explorers.base import Explorer, javascript, number
from cvcourse.explorers.controls import Array, Choice, Data, Slider
from cvcourse.visualization import COLORS, style
from cvcourse.visualization import picture as canvas

LARGEST = 64  # pixels along a side: more makes the page heavy
MOST = 6  # pictures that the page has room for
SEED = 500  # of the scenes


class Mask(Explorer):
    """The mask that a network finds for one class, at a threshold that you choose; IoU and Dice live.

    A pixel belongs to the mask if its probability reaches the threshold. Choose a picture, a class and the
    threshold by mouse or keyboard.

    Args:
        model: callable that takes float32 images (N, H, W, 3) in [0, 1] and returns probabilities
            (N, H, W, C), class 0 the background; default: the course's U-Net.
        images: uint8 array (N, H, W, 3), N ≤ 6, at most 64 × 64; default: three scenes with 1–3 animals.
        masks: whole numbers (N, H, W) below C, the true masks; go with `images`.
        classes: C names, the background first; default: those of the U-Net or, with your own `model`,
            "class 1", "class 2" and so on.

    Attributes:
        picture: int, index of the picture.
        chosen: int, index into `classes`, 1 … C − 1; at first the largest class of the first picture.
        threshold: float, 0.05 … 0.95.
        images, truth: the arguments; probabilities: uint8 array (N, H, W, C), 255 for certain.

    Raises:
        ValueError: an argument, or what the model returns, is not as said here; the message names it.

    Example:
        >>> images = np.full((1, 2, 2, 3), 204, "uint8")
        >>> images[0, 0] = 51
        >>> red = lambda x: np.stack([1 - x[..., 0], x[..., 0]], axis=-1)
        >>> explorer = Mask(red, images, [[[0, 1], [1, 1]]], ("background", "red"))
        >>> explorer.measures()
        {'iou': 0.6666666666666666, 'dice': 0.8, 'pixels': 2}
        >>> explorer.threshold = 0.1
        >>> explorer.describe()
        'At threshold 0.10, 4 pixels are called red; 3 of 3 true ones are found: IoU 0.75, Dice 0.86.'

    Source: Ronneberger et al., "U-Net" (MICCAI 2015).
    """

    _esm = javascript("compute.js", "mask.js")

    images = Array(ndim=4)
    truth = Array(ndim=3)
    probabilities = Array(ndim=4)
    classes = Data([], state=True)
    picture = Choice("Picture", "images", kind="thumbs")
    chosen = Choice("Class", "classes", first=1)
    threshold = Slider("Threshold", "t", low=0.05, high=0.95, step=0.05, default=0.5)

    def __init__(self, model=None, images=None, masks=None, classes=None):
        if (images is None) != (masks is None):
            raise ValueError("images and masks go together. Received: only one of them")
        if model is not None and not callable(model):
            raise ValueError(
                "model must be a Keras model or another callable that returns probabilities. "
                f"Received: model={model!r}"
            )
        if images is None:
            made = scenes(3, 64, SEED, objects=(1, 3))
            images, masks = made.images, made.masks
        images, masks = _checked(images, masks)
        if model is None:
            unet = pretrained.load("unet")
            model, classes = unet.model, unet.classes if classes is None else classes
        found = _probabilities(model, images)
        if classes is None:
            classes = ["background", *(f"class {k}" for k in range(1, found.shape[-1]))]
        if isinstance(classes, str) or len(classes) != found.shape[-1]:
            raise ValueError(
                f"classes must be {found.shape[-1]} names, one for each class of the model, "
                f"the background first. Received: classes={classes!r}"
            )
        if masks.max() >= len(classes):
            raise ValueError(
                f"masks must hold whole numbers below {len(classes)}, the number of classes. "
                f"Received: {masks.min()} to {masks.max()}"
            )
        pixels = np.bincount(masks[0].ravel(), minlength=len(classes))[1:]
        super().__init__(
            images=images,
            truth=masks,
            probabilities=np.round(255 * found),
            classes=[str(name) for name in classes],
            chosen=1 + int(pixels.argmax()),
        )

    def measures(self):
        """Return {"iou", "dice", "pixels"} of the mask at this threshold; "pixels" is how many it has."""
        return measures(*_masks(**self.now("images", "classes")))


def _checked(images, masks):
    """Return both as arrays, or say what is wrong with them."""
    images, masks = np.asarray(images), np.asarray(masks)
    fits = images.dtype == np.uint8 and images.ndim == 4 and images.shape[3] == 3 and images.size
    if not fits or len(images) > MOST or max(images.shape[1:3]) > LARGEST:
        raise ValueError(
            f"images must be uint8 (N, H, W, 3), at most {MOST} of at most {LARGEST} × "
            f"{LARGEST}; float images become so by (255 * images).astype('uint8'). Received: "
            f"{images.dtype}, shape {images.shape}"
        )
    if masks.shape != images.shape[:3] or masks.dtype.kind not in "iu" or masks.min() < 0:
        raise ValueError(
            "masks must be whole numbers from 0 in the shape of the images, "
            f"{images.shape[:3]}. Received: {masks.dtype}, shape {masks.shape}"
        )
    return images, masks.astype(int)


def _probabilities(model, images):
    found = np.asarray(model(images.astype("float32") / 255))
    if found.ndim != 4 or found.shape[:3] != images.shape[:3] or found.shape[3] < 2:
        raise ValueError(
            f"model must return probabilities {(*images.shape[:3], 'C')} of C ≥ 2 classes for "
            f"these images. Received: shape {found.shape}"
        )
    if not (found.min() >= -1e-3 and found.max() <= 1 + 1e-3):  # a softmax rounds; NaN fails, too
        raise ValueError(
            "model must return probabilities from 0 to 1; does it end in a softmax? "
            f"Received: {found.min():g} to {found.max():g}"
        )
    return found.clip(0, 1)


def _masks(truth, probabilities, picture, chosen, threshold):
    """Return (found, true): two Boolean arrays (H, W)."""
    found = np.asarray(probabilities[picture])[..., chosen] / 255 >= threshold
    return found, np.asarray(truth[picture]) == chosen


def measures(found, true):
    """Return {"iou", "dice", "pixels"} of a mask and the true one. Two empty masks have IoU and Dice 1.

    Example:
        >>> measures([[1, 1, 0]], [[0, 1, 1]])
        {'iou': 0.3333333333333333, 'dice': 0.5, 'pixels': 2}
    """
    found, true = np.asarray(found, bool), np.asarray(true, bool)
    overlap, pixels, others = int((found & true).sum()), int(found.sum()), int(true.sum())
    union = pixels + others - overlap
    return {
        "iou": overlap / union if union else 1.0,
        "dice": 2 * overlap / (pixels + others) if union else 1.0,
        "pixels": pixels,
    }


def describe(truth, probabilities, classes, picture, chosen, threshold):
    """Return the state in words and numbers. Pure; arguments as the attributes of `Mask`."""
    found, true = _masks(truth, probabilities, picture, chosen, threshold)
    got, name = measures(found, true), classes[chosen]
    pixels = f"{got['pixels']:,} pixel{'s are' if got['pixels'] != 1 else ' is'}"
    words = f"At threshold {number(threshold)}, {pixels} called {name}; "
    if true.any():
        words += f"{(found & true).sum():,} of {true.sum():,} true ones are found"
    else:
        words += f"the picture shows no {name}"
    return f"{words}: IoU {number(got['iou'])}, Dice {number(got['dice'])}."


def tinted(image, there):
    """Return a uint8 image in [0, 1], coloured where `there`, {role: Boolean mask}, says so."""
    shown = np.array(image, float) / 255
    for role, mask in there.items():
        shown[mask] = 0.4 * shown[mask] + 0.6 * np.array(to_rgb(COLORS[role]))
    return shown


@style()
def figure(images, truth, probabilities, classes, picture, chosen, threshold, description):
    """Return the state of a `Mask` as a `Picture`. Pure; arguments as its attributes."""
    found, true = _masks(truth, probabilities, picture, chosen, threshold)
    drawing, (scene, chart) = canvas(8.4, 3.8, f"Mask. {description}", columns=2)
    scene.imshow(tinted(images[picture], {"output": found}))
    values = np.asarray(probabilities[picture])[..., chosen] / 255
    bar = chart.figure.colorbar(chart.imshow(values, cmap="viridis", vmin=0, vmax=1), ax=chart)
    bar.ax.axhline(threshold, color=COLORS["selected"], linewidth=3)
    for axes, mask, role in ((scene, true, "input"), (chart, found, "selected")):
        if mask.any() and not mask.all() and min(mask.shape) > 1:
            axes.contour(mask, levels=[0.5], colors=COLORS[role], linewidths=2)
        axes.set_axis_off()
    scene.set_title(f"green: called {classes[chosen]}; blue line: true")
    chart.set_title(f"probability of {classes[chosen]}; line: {number(threshold)}")
    return drawing
