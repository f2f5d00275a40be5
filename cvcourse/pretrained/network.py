"""A trained network with all that is needed to use it rightly, and the images that it takes."""

import textwrap
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import ArrayLike


class Pretrained(NamedTuple):
    """A trained network with all that is needed to use it rightly.

    Attributes:
        name: str.
        model: Keras model from images (N, H, W, 3); a classifier's answers with (N, classes).
        preprocess: function; images as the course has them to what the model was trained on.
        classes: tuple of str, empty for a network without classes; None where the names of ImageNet's classes
            are not at hand.
        source: str, where the weights came from.
        read: function, one output of the model to its answer; None for a classifier.
    """

    name: str
    model: keras.Model
    preprocess: Callable[[Any], np.ndarray]
    classes: tuple[str, ...] | None
    source: str
    read: Callable[[Any], Any] | None = None

    def __repr__(self):
        count = len(self.classes) if self.classes is not None else self.model.output_shape[-1]
        classes = f"{count} classes, " if count else ""
        text = f"{self.name}: {self.model.count_params():,} parameters, {classes}{self.source}"
        return textwrap.fill(text, 80, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)

    @property
    def body(self) -> keras.Model:
        """The network without its last layer: a Keras model from prepared images to vectors (N, D)."""
        return keras.Model(self.model.input, self.model.layers[-1].input, name=f"{self.name}_body")

    def predict(self, images: Any, top: int = 5) -> list:
        """Return the answer for each image, as a list.

        A classifier answers with the `top` most probable classes, as (class, probability); "yolo" and "ssd"
        with `Detections` (boxes, labels, scores), "mask_rcnn" with `Instances` (masks, too); "unet" with a
        mask, uint8 (H, W), of indices into `classes`; "super_resolution" and "vae" with an image, float32;
        "vgg16_edges" with how surely each pixel lies on an edge, float32 (H, W) in [0, 1].
        """
        outputs = self.model(self.preprocess(images), training=False)
        outputs = keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)
        if self.read is None:
            return self._best(outputs, top)
        if isinstance(outputs, dict):  # of arrays, to a dict for each image
            outputs = [dict(zip(outputs, rows, strict=True)) for rows in zip(*outputs.values(), strict=True)]
        return [self.read(output) for output in outputs]

    def _best(self, probabilities, top):
        best = np.argsort(-probabilities, axis=1)[:, :top]
        return [
            [(self._name(k), float(row[k])) for k in ks] for row, ks in zip(probabilities, best, strict=True)
        ]

    def _name(self, k):
        return self.classes[k] if self.classes else f"class {k}"


def key(name: str) -> str:
    """Return a network's name in small letters without hyphens and underscores, for comparing."""
    if not isinstance(name, str):
        raise TypeError(f'name must be a text such as "course" or "vgg16". Received: name={name!r}')
    return name.lower().replace("_", "").replace("-", "")


def course_images(images: ArrayLike, smallest: int = 32) -> np.ndarray:
    """Return images as a float32 batch (N, H, W, 3) in [0, 1].

    Args:
        images: (H, W, 3) or (N, H, W, 3); uint8 in 0…255, or float in [0, 1].
        smallest: int, the least height and width in pixels.

    Raises:
        ValueError: another rank, other channels, another range, or an image that is too small.
    """
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[None]
    if images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(
            "images must be (H, W, 3) or (N, H, W, 3). For a grey image, stack it three times: "
            f"np.repeat(image[..., None], 3, axis=-1). Received: shape={images.shape}"
        )
    if min(images.shape[1:3]) < smallest:
        raise ValueError(
            f"images must be at least {smallest}×{smallest} pixels; enlarge them first, for "
            f"example with keras.ops.image.resize. Received: shape={images.shape}"
        )
    if images.dtype == np.uint8:
        return images.astype("float32") / 255
    images = images.astype("float32")
    low, high = images.min(), images.max()
    if not (low >= -1e-3 and high <= 1 + 1e-3):
        raise ValueError(
            "images must be uint8 in 0…255 or float in [0, 1]; divide by 255 if they are 0…255. "
            f"Received: values from {low:g} to {high:g}"
        )
    return images


def centre_crop(images: Any, size: int) -> np.ndarray:
    """Return uint8 images (N, size, size, 3): the largest square about the centre, resized bicubically.

    Args:
        images: as `course_images` takes them, of any size; or a list of (H, W, 3) of different sizes.
        size: int, pixels.
    """
    from PIL import Image  # here, since most networks need no resizing

    squares = []
    for image in images if isinstance(images, list | tuple) or np.ndim(images) == 4 else [images]:
        pixels = np.round(course_images(image, 1)[0] * 255).astype("uint8")
        height, width = pixels.shape[:2]
        side = min(height, width)
        left, top = (width - side) / 2, (height - side) / 2
        resized = Image.fromarray(pixels).resize(
            (size, size), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side)
        )
        squares.append(np.asarray(resized))
    return np.stack(squares)
