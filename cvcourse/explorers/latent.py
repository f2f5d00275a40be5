"""Latent: drag a point over the plane of two latent numbers; the decoder's picture follows."""

import io

import numpy as np

from cvcourse import likeness, pretrained
from cvcourse.datasets import on_one_ground, scenes
from cvcourse.explorers.base import Explorer, javascript, number
from cvcourse.explorers.controls import Data, Kept
from cvcourse.visualization import COLORS, picture, style

GRID = 33  # pictures along each axis of the plane that the browser has at hand
SHOWN = 600  # training pictures on the plane
NEIGHBOURS = 15  # training pictures around the point that are counted by class
ROLES = ("input", "kernel", "output", "statistics", "reference")  # of the classes, in turn


class Latent(Explorer):
    """The plane of a variational auto-encoder with two latent numbers: each point is a picture.

    Drag the point, or focus the plane: arrow keys move it by 0.1, with Shift by 0.5, Home leads to the
    middle. The dots are training pictures, where the encoder puts them. While the point moves, the browser
    blends the four nearest of 33 × 33 pictures; a moment later the decoder's own picture takes their place.

    Args:
        model: VAE with `latent` 2, an `encoder` and a `decoder`, as `cvcourse.models.vae.vae(latent=2)`;
            default: the one that ships, with its training pictures.
        images: float array (N, H, W, C) in [0, 1], pictures to put on the plane; default: none.
        labels: int array (N,), their classes; default: all of one class.
        classes: names of the classes.
        z: (z₁, z₂), where to start.

    Attributes:
        z: list of two floats, at most `extent` from 0.
        extent: float, where the plane ends.

    Raises:
        ValueError: a model without a plane, images that do not fit it, labels that do not fit the images.

    Example:
        >>> explorer = Latent(z=(0, 0))
        >>> explorer.describe()[:54]
        'z = (0.00, 0.00), at 0.00 from the middle: 100% of all'

    Source: Kingma and Welling, "Auto-Encoding Variational Bayes" (ICLR 2014), figure 4.
    """

    _esm = javascript("latent.js")

    z = Kept(lambda explorer, value: _inside(value, explorer.extent))
    extent = Data(3.0)
    steps = Data(GRID)
    shape = Data()
    pictures = Data(b"")  # the grid, bottom row last, side by side as one JPEG
    dots = Data()  # z₁, z₂ and class of the training pictures
    classes = Data()
    # What the decoder makes of z, and the nearest training picture: {"z", "made", "nearest", "distance"}.
    look = Data({})

    def __init__(self, model=None, images=None, labels=None, classes=None, z=(0.5, 0.5)):
        if model is None:
            model, images, labels, classes = _shipped()
        self._model = model
        self._images, self._labels, classes = _checked(model, images, labels, classes)
        places = np.asarray(model.encoder(self._images)[0]) if len(self._images) else np.zeros((0, 2))
        self._places = places
        far = np.quantile(np.abs(places), 0.98) if len(places) else 0
        extent = float(np.clip(np.ceil(far), 3, 6))
        grid = self._decode(plane(extent))
        dots = [[*map(float, place), int(k)] for place, k in zip(places, self._labels, strict=True)]
        super().__init__(
            z=z, extent=extent, shape=list(grid.shape[1:]), pictures=_sheet(grid), dots=dots, classes=classes
        )

    def _decode(self, z):
        return np.clip(np.asarray(self._model.decoder(np.asarray(z, "float32"))), 0, 1)

    def _say(self, change=None):
        """Find the picture at z, its nearest training picture (or None) and how far that is; then say so."""
        (made,), nearest, distance = self._decode([self.z]), None, 0.0
        if len(self._images):
            (index,), (distance,) = likeness.nearest(made[None], self._images)
            nearest, distance = self._images[index], float(distance)
        self._found = made, nearest, distance
        found = b"" if nearest is None else _bytes(nearest)
        self.tell(look={"z": self.z, "made": _bytes(made), "nearest": found, "distance": distance})
        super()._say()

    def image(self):
        """Return the decoder's picture of the present z, float32 (H, W, C) in [0, 1]."""
        return self._found[0]

    def around(self):
        """Return {class: count} of the training pictures nearest on the plane, the most frequent first."""
        apart = np.square(self._places - self.z).sum(axis=1)
        counts = np.bincount(self._labels[np.argsort(apart)[:NEIGHBOURS]], minlength=len(self.classes))
        return {self.classes[k]: int(counts[k]) for k in np.argsort(-counts, kind="stable") if counts[k]}

    def describe(self):
        """Return the present state in words and numbers."""
        distance = float(np.hypot(*self.z))
        words = (
            f"z = ({number(self.z[0])}, {number(self.z[1])}), at {number(distance)} from the middle: "
            f"{outside(distance):.0%} of all z drawn by dice lie further out."
        )
        if not len(self._images):
            return words
        counts = ", ".join(f"{count} {name}" for name, count in self.around().items())
        return (
            f"{words} The {sum(self.around().values())} training pictures nearest on the plane: {counts}. "
            f"The one that looks most alike differs by {number(self._found[2])} per pixel."
        )


def _inside(z, extent):
    z = np.asarray(z, "float64")
    if z.shape != (2,) or not np.isfinite(z).all():
        raise ValueError(f"z must be two numbers, such as (0.5, -1). Received: z={z.tolist()}")
    return np.clip(z, -extent, extent).tolist()


def plane(extent, steps=GRID):
    """Return z at the points of a grid, float32 (steps², 2): row by row from the top left."""
    along = np.linspace(-extent, extent, steps, dtype="float32")
    return np.stack(np.meshgrid(along, along[::-1]), axis=-1).reshape(-1, 2)


def outside(distance):
    """Return which share of all z from a standard normal distribution lies further from 0 than `distance`.

    Example:
        >>> round(outside(1.0), 4)
        0.6065
    """
    return float(np.exp(-(distance**2) / 2))


def _shipped():
    """The auto-encoder that ships, with some of its training pictures."""
    made = scenes(SHOWN, 32, seed=11, objects=1, clutter=0, lighting=0, orientation=0, scale=0)
    return pretrained.load("vae_plane").model, on_one_ground(made), made.labels, made.classes


def _checked(model, images, labels, classes):
    """Images, labels and names of classes that fit the model and each other, or what is wrong with them."""
    if getattr(model, "latent", None) != 2 or not hasattr(model, "decoder") or not hasattr(model, "encoder"):
        raise ValueError(
            "model must be a VAE with two latent numbers, an encoder and a decoder, such as "
            f"models.vae.vae(latent=2). Received: {model!r}, "
            f"latent={getattr(model, 'latent', None)}"
        )
    shape = tuple(model.encoder.input_shape[1:])
    images = np.zeros((0, *shape), "float32") if images is None else np.asarray(images)[:SHOWN]
    if images.shape[1:] != shape or images.dtype.kind != "f":
        raise ValueError(
            f"images must be float (N, {', '.join(map(str, shape))}) in [0, 1], as the model "
            f"takes them. Received: {images.dtype}, shape {images.shape}"
        )
    labels = np.zeros(len(images), int) if labels is None else np.asarray(labels)[:SHOWN]
    count = int(labels.max()) + 1 if len(labels) else 1
    classes = [f"class {k}" for k in range(count)] if classes is None else list(map(str, classes))
    if labels.shape != (len(images),) or len(classes) < count:
        raise ValueError(
            "labels must hold one class for each image, and classes a name for each of them. "
            f"Received: {len(images)} images, labels of shape {labels.shape}, {len(classes)} "
            "names"
        )
    return images.astype("float32"), labels.astype(int), classes


def _bytes(images):
    return (255 * images).round().astype("uint8").tobytes()


def _sheet(grid):
    """Return pictures (rows · columns, H, W, C) of a square grid as one JPEG, bytes."""
    from PIL import Image

    _, height, width, channels = grid.shape
    rows = (255 * grid).round().astype("uint8").reshape(GRID, GRID, height, width, channels)
    sheet = rows.swapaxes(1, 2).reshape(GRID * height, GRID * width, channels)
    buffer = io.BytesIO()
    Image.fromarray(sheet if channels == 3 else sheet[..., 0]).save(buffer, "JPEG", quality=90, subsampling=0)
    return buffer.getvalue()


@style()
def figure(z, extent, places, labels, classes, found, description):
    """Return the state of a `Latent` as a `Picture`. Pure; arguments as its attributes."""
    made, nearest, _ = found
    drawing, (board, left, right) = picture(
        9.4, 5, f"The latent plane. {description}", columns=3, width_ratios=(2, 1.2, 1.2)
    )
    for k, name in enumerate(classes):
        role = ROLES[k % len(ROLES)]
        board.plot(*places[labels == k].T, ".", markersize=4, color=COLORS[role], label=name)
    board.plot(*z, "o", markersize=12, markerfacecolor="none", markeredgewidth=3, color=COLORS["selected"])
    board.set(xlim=(-extent, extent), ylim=(-extent, extent), xlabel="z₁", ylabel="z₂", aspect="equal")
    if len(places):
        board.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1),
            ncols=min(len(classes), 5),
            markerscale=3,
            frameon=False,
            handletextpad=0.1,
            columnspacing=0.8,
        )
    pictures = (left, made, "the picture at z"), (right, nearest, "nearest training picture")
    for axes, image, title in pictures:
        axes.set_axis_off()
        if image is not None:
            axes.imshow(image if image.shape[2] == 3 else image[..., 0], cmap="gray", vmin=0, vmax=1)
            axes.set_title(title, fontsize=12)
    return drawing
