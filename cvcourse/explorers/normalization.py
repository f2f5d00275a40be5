"""Normalisation: which numbers of a batch of feature maps share one mean and one variance."""

import numpy as np

from cvcourse.datasets import photos
from cvcourse.explorers.base import Explorer, javascript, number
from cvcourse.explorers.controls import Array, Choice, Data, Kept, Slider, Toggle, within
from cvcourse.visualization import picture, style
from cvcourse.visualization.cubes import draw_cube, words_of

NORMS = ("batch", "layer", "instance", "group")
EPSILON = 1e-3  # Keras's, in all its normalisation layers
PHOTOS = ("chelsea", "astronaut", "coffee", "motorcycle", "rocket", "camera")
LAYER = "block3_conv1"


class Normalization(Explorer):
    """A batch of feature maps as a cube; what shares one mean and one variance lights up.

    Args:
        maps: (N, H, W, C) activations, at most 8 images of 16 × 16 pixels in 8 channels. Default: 8 channels
            of the course network's third block, for six photographs.
        images: (N, h, w, 3) in [0, 1], the photographs beside the maps; needed with `maps`.

    Attributes:
        norm: "batch", "layer", "instance" or "group".
        groups: int, number of groups of channels of group norm; a divisor of C.
        batch_size: int, 1 to N: the first so many images are in the batch.
        image, channel: ints, the chosen map; an image beyond the batch means the last of it.
        after: bool, whether the maps are shown normalised (γ = 1, β = 0).

    Raises:
        ValueError: maps or images of another shape, or groups that do not divide the channels.

    Example:
        >>> explorer = Normalization(np.arange(8.0).reshape(2, 2, 2, 1), np.zeros((2, 4, 4, 3)))
        >>> print(explorer.describe())
        Batch norm: 8 numbers (images 0 to 1, channel 0) share the mean 3.50 and the variance 5.25. \
Normalised, the map has the mean −0.87 and image 0 \
the mean −0.87, in this batch.

    Source: Wu and He, "Group normalization", 2018, figure 2.
    """

    _esm = javascript("compute.js", "normalization.js")

    norm = Choice("norm:", NORMS, kind="buttons")
    groups = Kept(lambda explorer, value: within("groups", value, 1, explorer.shape[3]), 2)
    batch_size = Slider("Batch size", "N", role="input", low=1, high=8)
    image = Kept(lambda explorer, value: _place(value, "image", explorer.shape[0]), 0)
    channel = Kept(lambda explorer, value: _place(value, "channel", explorer.shape[3]), 0)
    after = Toggle("maps normalised")
    # What the browser draws.
    shape = Data()
    values = Array("float32", 4, state=None)  # maps, (N, C, H, W)
    thumbs = Array(ndim=4, state=None)  # photographs

    def __init__(self, maps=None, images=None):
        maps, images = _course_maps() if maps is None else (np.asarray(maps, "float32"), images)
        images = np.zeros(0) if images is None else np.asarray(images)
        if maps.ndim != 4 or not maps.size or max(maps.shape[0], maps.shape[3]) > 8 or max(maps.shape) > 16:
            raise ValueError(
                "maps must have the shape (N, H, W, C) with at most 8 images of 16 × 16 pixels "
                f"in 8 channels. Received: shape={maps.shape}."
            )
        if images.ndim != 4 or len(images) != len(maps) or images.shape[1] != images.shape[2]:
            raise ValueError(
                "images must be square photographs (N, h, w, 3), one for each of the maps. "
                f"Received: shape={images.shape} for maps of shape {maps.shape}."
            )
        self._maps = maps
        super().__init__(
            {"batch_size": {"high": len(maps)}},
            shape=list(maps.shape),
            batch_size=len(maps),
            groups=1 + (maps.shape[3] % 2 == 0),
            channel=min(2, maps.shape[3] - 1),  # inside the cube, where one sees that it is a cube
            values=np.moveaxis(maps, 3, 1),
            thumbs=(255 * images).astype("uint8"),
        )


def _place(value, name, count):
    return min(within(name, value, 0, 10**6), count - 1)  # beyond the last one means the last one


def _course_maps():
    """Return (maps, photographs): the 8 channels that vary most, of the course network's third block."""
    import keras  # here: the other norms of this page need no Keras

    from cvcourse import pretrained

    course = pretrained.load("course").model
    images = np.stack([photos.photo(name, 32) for name in PHOTOS])
    maps = np.asarray(keras.Model(course.input, course.get_layer(LAYER).output)(images))
    liveliest = np.sort(np.argsort(-maps.std(axis=(0, 1, 2)))[:8])
    return maps[..., liveliest], images


def shared(shape, norm, groups, image, channel):
    """Return (images, channels), each a pair (first, end): what shares mean and variance with one map.

    Args:
        shape: (N, H, W, C) of the batch.
        norm, groups, image, channel: as the attributes of `Normalization`.

    Raises:
        ValueError: the groups do not divide the channels.

    Example:
        >>> shared((6, 8, 8, 8), "group", 2, image=3, channel=5)
        ((3, 4), (4, 8))
    """
    n, _, _, c = shape
    if norm == "group" and c % groups:
        raise ValueError(f"groups must divide the {c} channels. Received: groups={groups}.")
    size = {"batch": 1, "layer": c, "instance": 1, "group": c // groups}[norm]
    first = channel // size * size
    return (0, n) if norm == "batch" else (image, image + 1), (first, first + size)


def statistics(maps, norm, groups, image, channel):
    """Return (mean, variance, count) of the numbers that the map `image`, `channel` shares them with."""
    (n0, n1), (c0, c1) = shared(maps.shape, norm, groups, image, channel)
    block = maps[n0:n1, ..., c0:c1].astype("float64")
    return float(block.mean()), float(block.var()), block.size


def normalized(maps, norm, groups=1):
    """Return `maps` (N, H, W, C) normalised with γ = 1 and β = 0, as Keras's layers do in training."""
    result = np.empty(maps.shape)
    for image, channel in np.ndindex(maps.shape[0], maps.shape[3]):
        mean, variance, _ = statistics(maps, norm, groups, image, channel)
        result[image, ..., channel] = (maps[image, ..., channel] - mean) / np.sqrt(variance + EPSILON)
    return result


def _chosen(maps, batch_size, image):
    """Return (batch, image) with the image inside the batch."""
    return maps[:batch_size], min(image, batch_size - 1)


def describe(maps, norm, groups, batch_size, image, channel):
    """Return the state of a `Normalization` in words and numbers. Pure; arguments as its attributes."""
    batch, image = _chosen(maps, batch_size, image)
    try:
        mean, variance, count = statistics(batch, norm, groups, image, channel)
    except ValueError as error:
        return str(error)
    result = normalized(batch, norm, groups)[image]
    means = [number(part.mean()) for part in (result[..., channel], result)]
    block = words_of(*shared(batch.shape, norm, groups, image, channel))
    return (
        f"{norm.capitalize()} norm: {count} numbers ({block}) share the mean {number(mean)} and the variance "
        f"{number(variance)}. Normalised, the map has the mean {means[0]} and image {image} the mean "
        f"{means[1]}, in {'this' if norm == 'batch' else 'any'} batch."
    )


@style()
def figure(maps, norm, groups, batch_size, image, channel, description):
    """Return the state of a `Normalization` as a `Picture`. Pure; arguments as its attributes."""
    batch, image = _chosen(maps, batch_size, image)
    drawing, (cube, *panels) = picture(
        9.4, 3.4, f"Normalisation. {description}", columns=3, width_ratios=(2, 1, 1)
    )
    for axes in (cube, *panels):
        axes.set_axis_off()
    if norm == "group" and maps.shape[3] % groups:
        return drawing
    draw_cube(cube, batch, *shared(batch.shape, norm, groups, image, channel))
    cube.set_title(f"{norm.capitalize()} norm")
    for axes, title, one in zip(
        panels, ("before", "after"), (batch, normalized(batch, norm, groups)), strict=True
    ):
        top = np.abs(one).max() or 1
        axes.imshow(one[image, ..., channel], cmap="RdBu", vmin=-top, vmax=top)
        axes.set_title(f"{title}: mean {number(one[image, ..., channel].mean())}")
    return drawing
