"""Made pictures of cats, dogs and ducks, annotated for every task of the course.

One data set serves classification (label), detection (boxes), segmentation (masks) and creation (images).
The difficulties of real pictures are knobs: each runs from 0 (none of it) to 1 (as hard as it gets).
Turning one knob leaves the rest of every scene as it was.
"""

import reprlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cvcourse.arguments import number
from cvcourse.datasets import animals
from cvcourse.datasets.examples import Example, tight_boxes
from cvcourse.datasets.photos import photo

MOST_OBJECTS = 3


@dataclass(frozen=True, repr=False)
class Scenes:
    """Annotated scenes as stacked arrays; `scenes[i]` is one of them as an `Example`.

    N scenes of S × S pixels, at most M objects in each. Padding: `box_labels` is −1 where there is no box.
    """

    images: np.ndarray  # uint8 (N, S, S, 3)
    labels: np.ndarray  # int64 (N,): class of the object that shows the most pixels
    boxes: np.ndarray  # float32 (N, M, 4): (x1, y1, x2, y2) around what is visible, half-open pixels
    box_labels: np.ndarray  # int64 (N, M)
    masks: np.ndarray  # uint8 (N, S, S): 0 = background, k + 1 = class k
    instances: np.ndarray  # uint8 (N, S, S): 0 = background, j + 1 = box j
    classes: tuple

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        count = int((self.box_labels[i] >= 0).sum())
        each = self.instances[i] == np.arange(1, count + 1, dtype="uint8")[:, None, None]
        return Example(
            self.images[i],
            int(self.labels[i]),
            self.boxes[i, :count],
            self.box_labels[i, :count],
            self.masks[i],
            each,
            f"scene {range(len(self))[i]}",
        )

    def __repr__(self):
        side = self.images.shape[1]
        counts = ", ".join(f"{np.sum(self.box_labels == k):,} {name}" for k, name in enumerate(self.classes))
        return f"Scenes: {len(self):,} images of {side}×{side}, showing {counts}"


def scenes(
    n,
    size=64,
    seed=0,
    *,
    objects=1,
    classes=animals.CLASSES,
    orientation=0.1,
    lighting=0.3,
    obstruction=0.0,
    scale=0.3,
    clutter=0.5,
):
    """`n` pictures of cats, dogs and ducks with labels, boxes, masks and instance masks.

    Args:
        n: int ≥ 1, number of scenes. The first scenes of a seed are the same for every `n`.
        size: int 24 … 512, height and width in pixels.
        seed: int, decides everything: the same seed gives the same pixels.
        objects: animals in each scene, 1 … 3; or (fewest, most).
        classes: which of "cat", "dog", "duck", in the order of the labels.
        orientation: 0 … 1; at 1 an animal is turned by up to 180° to either side.
        lighting: 0 … 1; how far brightness, its slope over the picture and its colour wander.
        obstruction: 0 … 1; posts that stand in front; at 1 they hide half of an animal, never more than
            three quarters.
        scale: 0 … 1; at 0 all animals are large, at 1 some are a third as large.
        clutter: 0 … 1; at 0 a plain background, from 0.5 a full photograph, more and more things lying about.

    Returns:
        `Scenes`: stacked arrays and, by index, one `Example` for each scene.

    Raises:
        ValueError, TypeError: if an argument is outside its range; the message names it.

    Example:
        >>> pictures = scenes(4, size=64, seed=1)
        >>> pictures.images.shape, pictures.boxes.shape
        ((4, 64, 64, 3), (4, 1, 4))
        >>> pictures[0].instance_masks.shape
        (1, 64, 64)
    """
    few, most = _check_objects(objects)
    classes = _check_classes(classes)
    knobs = {"orientation": orientation, "lighting": lighting, "obstruction": obstruction, "scale": scale,
             "clutter": clutter}  # fmt: skip
    _check_numbers(n, size, seed, knobs)
    # One row of numbers for each purpose, so that a knob that is turned shifts no other number.
    numbers = np.random.default_rng(seed).random((n, len(_PURPOSES), 48), dtype="float32")
    images, masks, instances = (np.zeros((n, size, size, *end), "uint8") for end in ((3,), (), ()))
    labels, boxes = np.empty(n, "int64"), np.zeros((n, most, 4), "float32")
    box_labels = np.full((n, most), -1, "int64")
    for i, rows in enumerate(numbers):
        drawn = dict(zip(_PURPOSES, rows.tolist(), strict=True))
        count = few + int(drawn["count"][0] * (most - few + 1))
        images[i], owner, drawn_labels = _scene(size, count, classes, knobs, drawn)
        seen = np.flatnonzero(np.bincount(owner.ravel())[1:])  # what is hidden is not annotated
        each = owner == seen[:, None, None] + 1
        here = box_labels[i, : len(seen)] = np.take(drawn_labels, seen)
        labels[i] = here[each.sum(axis=(1, 2)).argmax()]
        boxes[i, : len(seen)] = tight_boxes(each)
        for j, (label, pixels) in enumerate(zip(here, each, strict=True)):
            instances[i][pixels], masks[i][pixels] = j + 1, label + 1
    return Scenes(images, labels, boxes, box_labels, masks, instances, classes)


def on_one_ground(made):
    """Images of scenes with all but the animals painted over in light grey, float32 (N, H, W, 3) in [0, 1].

    Args:
        made: `Scenes`.

    Raises:
        TypeError: no `Scenes`.

    Example:
        >>> images = on_one_ground(scenes(2, size=32, seed=1, clutter=0))
        >>> images.shape, f"{images[0, 0, 0, 0]:.2f}"
        ((2, 32, 32, 3), '0.93')
    """
    if not isinstance(made, Scenes):
        raise TypeError(f"made must be what `scenes` returns. Received: made={reprlib.repr(made)}")
    animal = (made.masks > 0)[..., None]
    return np.where(animal, made.images / np.float32(255), np.float32(0.93))


_PURPOSES = ("count", "background", "clutter", "objects", "posts", "light")


def _scene(size, count, classes, knobs, drawn):
    """One scene: its image, the animal at each pixel (k + 1, or 0 for none) and the label of each animal."""
    image = _background(size, knobs["clutter"], drawn["background"])
    instances = np.zeros((size, size), "uint8")
    for k in range(int(9 * knobs["clutter"] * drawn["clutter"][0])):
        _put_thing(image, drawn["clutter"][1 + 5 * k : 6 + 5 * k])
    labels, places = [], []
    turn = drawn["count"][1]
    for k in range(count):
        numbers = drawn["objects"][16 * k : 16 * k + 16]
        labels.append(int(numbers[0] * len(classes)))
        places.append(_placement(size, count, k, turn, knobs, numbers))
        animal = classes[labels[k]]
        drawing = (animal, int(numbers[1] * animals.INDIVIDUALS), _resolution(size))
        inks, colours = animals.sprite(*drawing), animals.palette(animal, numbers[8:16])
        window, covered = _paste(image, inks, colours, *places[k], animals.bounds(*drawing))
        instances[window][covered] = k + 1
    _put_posts(image, instances, places[0], knobs["obstruction"], drawn["posts"])
    _light(image, knobs["lighting"], drawn["light"])
    return np.clip(image + 0.5, 0, 255), instances, labels


def _placement(size, count, k, turn, knobs, numbers):
    """Where animal k of `count` stands: x, y and half its width in pixels, its angle, and ±1 for its side."""
    half = size * (0.45, 0.31, 0.27)[count - 1] * (1 - knobs["scale"] * 0.68 * numbers[2])
    ring = 0 if count == 1 else size * (0.23, 0.27)[count - 2]
    angle = 2 * np.pi * (turn + k / count)
    room = max(0.0, size / 2 - half - ring) * 0.9
    x = size / 2 + ring * np.cos(angle) + room * (2 * numbers[3] - 1)
    y = size / 2 + ring * np.sin(angle) + room * (2 * numbers[4] - 1)
    x, y = (min(max(at, half), size - half) for at in (x, y))  # never over the edge
    side = 1 if numbers[6] < 0.5 else -1
    return x, y, half, knobs["orientation"] * np.pi * (2 * numbers[5] - 1), side


def _paste(image, inks, colours, x, y, half, angle, side, bounds=(-1, -1, 1, 1)):
    """Draw a sprite into the image, nine samples a pixel; returns the window and where it is covered."""
    resolution = len(inks)
    top, left, bottom, right = _window(len(image), x, y, half, angle, side, bounds)
    scale = resolution / (2 * half)
    down = (np.arange(3 * (bottom - top), dtype="float32") + 0.5) / 3 + (top - y)
    across = (np.arange(3 * (right - left), dtype="float32") + 0.5) / 3 + (left - x)
    c, s = np.float32(scale * np.cos(angle)), np.float32(scale * np.sin(angle))
    middle = np.float32(resolution / 2)
    columns = (s * side * down + middle)[:, None] + c * side * across
    rows = (c * down + middle)[:, None] - s * across
    np.clip(columns, 0, resolution - 1, out=columns)
    np.clip(rows, 0, resolution - 1, out=rows)
    at = rows.astype("int32")
    at *= resolution
    at += columns.astype("int32")
    ink = inks.ravel().take(at).reshape(bottom - top, 3, right - left, 3).transpose(1, 3, 0, 2)
    samples = colours.view("uint32").ravel().take(ink).view("uint8")  # four bytes a sample
    total = samples.reshape(9, bottom - top, right - left, 4).sum(axis=0, dtype="uint16")
    window = image[top:bottom, left:right]
    opacity = total[..., 3:] * np.float32(1 / (9 * 255))
    window *= 1 - opacity
    window += total[..., :3] * np.float32(1 / 9)
    return (slice(top, bottom), slice(left, right)), opacity[..., 0] >= 0.5


def _window(size, x, y, half, angle, side, bounds):
    """The rows and columns of the image that the turned box `bounds` of a sprite touches."""
    c, s = half * np.cos(angle), half * np.sin(angle)
    corners = [(side * u, v) for u in bounds[::2] for v in bounds[1::2]]
    across = [x + c * u - s * v for u, v in corners]
    down = [y + s * u + c * v for u, v in corners]
    return (
        max(0, int(min(down))),
        max(0, int(min(across))),
        min(size, int(max(down)) + 1),
        min(size, int(max(across)) + 1),
    )


def _put_thing(image, numbers):
    """Something small that is no animal: a ball, a box, a flower …"""
    size = len(image)
    inks = animals.thing(int(numbers[0] * animals.THINGS), _resolution(size))
    colours = animals.thing_palette(numbers[4])
    half = size * (0.05 + 0.08 * numbers[1])
    _paste(image, inks, colours, numbers[2] * size, numbers[3] * size, half, 6.3 * numbers[4], 1)


def _put_posts(image, instances, place, obstruction, numbers):
    """Posts in front of the first animal, thin enough that a quarter of each animal can be seen."""
    if obstruction == 0:
        return
    x, y, half = place[:3]
    size, count = len(image), 1 + int(3 * numbers[0])
    k = np.arange(count)[:, None, None]
    angle = 1.2 * (numbers[1] - 0.5) + 0.3 * (np.reshape(numbers[8 : 8 + count], k.shape) - 0.5)
    shift = half * ((2 * k + 1) / count - 1 + 0.4 * (np.reshape(numbers[4 : 4 + count], k.shape) - 0.5))
    down, across = np.ogrid[0.5 - y : size - y, 0.5 - x : size - x]
    from_axis = across * np.cos(angle) + down * np.sin(angle) - shift  # (posts, S, S), in pixels
    pixels = np.bincount(instances.ravel())
    for thinner in (1, 0.7, 0.5, 0.3, 0.1, 0):
        wide = 0.6 * obstruction * half / count * thinner  # half the width of one post
        hidden = (np.abs(from_axis) <= wide).any(axis=0)
        if (np.bincount(instances[hidden], minlength=len(pixels)) <= 0.75 * pixels)[1:].all():
            break
    colour = np.array(_WOODS[int(numbers[2] * len(_WOODS))])
    for away in from_axis:
        cover = np.clip(wide + 0.5 - np.abs(away), 0, 1)[..., None]
        lit = 0.45 + 0.55 * np.sqrt(np.clip(1 - (away / (wide + 1e-6) - 0.3) ** 2 / 1.69, 0, 1))[..., None]
        image += cover * (lit * colour - image)  # lit from the right, as a round post is
    instances[hidden] = 0


def _light(image, lighting, numbers):
    """Brighter or darker, from one side, in warm or cold light; gains are powers of two."""
    if lighting == 0:
        return
    slope = lighting * 1.6 * numbers[1]
    angle = 2 * np.pi * numbers[2]
    along = np.linspace(-1, 1, len(image), dtype="float32")
    stops = lighting * (1.9 * numbers[0] - 1.2)
    down = np.exp2(slope * np.sin(angle) * along)
    across = np.exp2(slope * np.cos(angle) * along + stops)
    warm = lighting * 0.35 * (2 * numbers[3] - 1)
    image *= np.multiply.outer(down, across)[..., None] * np.array([1 + warm, 1, 1 - warm], "float32")


def _background(size, clutter, numbers):
    """A piece of a photograph, float32 (size, size, 3); towards clutter 0 it fades to its mean colour."""
    pictures = _photographs(size)
    picture = pictures[int(numbers[0] * len(pictures))]
    top, left = (int(numbers[k] * (picture.shape[k - 1] - size + 1)) for k in (1, 2))
    crop = picture[top : top + size, left : left + size]
    crop = crop[:, :: 1 if numbers[3] < 0.5 else -1].astype("float32")
    if clutter < 0.5:
        plain = crop.mean(axis=(0, 1))
        crop = plain + 2 * clutter * (crop - plain)
    return crop


@lru_cache(maxsize=4)
def _photographs(size):
    """Photographs and textures, each at a few sizes, uint8 and at least `size` high and wide."""
    pictures = []
    for name, tints in _SURFACES.items():
        image = photo(name)
        for tint in tints:
            gain = np.array(tint) / image.mean() if tint else 255
            coloured = np.minimum(image * gain, 255).astype("float32")
            while min(coloured.shape[:2]) >= size:
                if len(coloured) <= 6 * size:
                    pictures.append(coloured.astype("uint8"))
                coloured = _halve(coloured)
    return pictures


def _halve(image):
    height, width = (side // 2 * 2 for side in image.shape[:2])
    pairs = image[:height:2] + image[1:height:2]
    return (pairs[:, :width:2] + pairs[:, 1:width:2]) / 4


_WOODS = ((150, 108, 66), (112, 112, 118), (96, 128, 60), (196, 176, 140), (84, 60, 44))

# Grey textures get a colour: their mean.
_SURFACES = {
    "grass": [(88, 130, 60), (130, 140, 70), (70, 130, 170)],
    "brick": [(160, 96, 76), (180, 160, 136)],
    "gravel": [(150, 140, 124), (120, 128, 140)],
    "coffee": [None],
    "rocket": [None],
    "motorcycle": [None],
    "hubble_deep_field": [None],
}


def _resolution(size):
    """Points across a drawing: enough for nine samples a pixel at this size of scene."""
    return min(512, max(160, 3 * size // 16 * 16))


def _check_objects(objects):
    few, most = objects if isinstance(objects, tuple | list) and len(objects) == 2 else (objects, objects)
    whole = isinstance(few, int | np.integer) and isinstance(most, int | np.integer)
    if not whole or not 1 <= few <= most <= MOST_OBJECTS:
        raise ValueError(
            f"objects must be 1 … {MOST_OBJECTS}, or (fewest, most) of these. Received: objects={objects!r}"
        )
    return int(few), int(most)


def _check_classes(classes):
    names = (classes,) if isinstance(classes, str) else tuple(classes)
    if not names or len(set(names)) < len(names) or not set(names) <= set(animals.CLASSES):
        raise ValueError(
            f"classes must be different names out of {animals.CLASSES}. Received: classes={classes!r}"
        )
    return names


def _check_numbers(n, size, seed, knobs):
    number(n, "n", 1, 10**7, whole=True)
    number(size, "size", 24, 512, whole=True)
    number(seed, "seed", 0, whole=True)
    for name, value in knobs.items():
        number(value, name, 0, 1)
