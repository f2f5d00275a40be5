"""Problems: one animal, turned, darkened, covered, shrunk; several classifiers answer beside each other."""

import io
from functools import cache, lru_cache

import numpy as np
from PIL import Image

from cvcourse.datasets import photos, scenes
from cvcourse.explorers.base import Explorer, javascript, number
from cvcourse.explorers.controls import Choice, Data, Kept, Slider, one_of
from cvcourse.visualization import COLORS, TEXT_COLORS, picture, style

PHOTOGRAPH = "photograph of the cat"
PICTURES = ("cat", "dog", "duck", PHOTOGRAPH)
SIZE = 64  # pixels of the image that the classifiers get
DRAWN = 2 * SIZE  # pixels that are drawn; two by two become one
SEEDS = {"cat": 3, "dog": 2, "duck": 1}  # of the scene that shows each animal
BACKGROUNDS = {  # photograph and the colour that its grey gets
    "plain": None,
    "grass": ("grass", (0.75, 1.1, 0.5)),
    "brick": ("brick", (1.2, 0.75, 0.6)),
    "coffee": ("coffee", (1, 1, 1)),
}
KNOBS = {  # lowest, highest and step; the rest position
    "turn": (-180, 180, 15, 0), "light": (5, 200, 5, 100), "cover": (0, 90, 5, 0), "size": (30, 100, 5, 100),
}  # fmt: skip
REST = {name: knob[3] for name, knob in KNOBS.items()}
POST = np.array((0.52, 0.37, 0.23))


class Problems(Explorer):
    """The problems of computer vision as sliders, and what several classifiers answer.

    The name of the animal stays the same whatever the sliders do; the strips show at which positions of the
    slider moved last a classifier still finds it.

    Args:
        classifiers: {name: function}; a function takes images, uint8 (N, 64, 64, 3), and returns scores
            (N, classes): the largest is its answer.
        classes: names of the classes in the order of the scores; "cat", "dog" and "duck" must be among them.

    Attributes:
        animal: which picture, one of `PICTURES`.
        background: one of `BACKGROUNDS`.
        turn: degrees, counter-clockwise, −180 … 180.
        light: brightness in percent of the original, 5 … 200.
        cover: width of the two posts, in percent of what would hide all of it, 0 … 90.
        size: width of the animal in percent of the largest, 30 … 100.
        swept: the knob along which the strips run, one of `KNOBS`.

    Raises:
        ValueError: no classifier; a class is missing; a classifier that returns scores of another shape.

    Example:
        >>> explorer = Problems({"always cat": lambda images: np.tile([1.0, 0, 0], (len(images), 1))})
        >>> explorer.animal, explorer.turn = "dog", 90
        >>> print(explorer.describe())
        A dog, turned by 90°. always cat: cat, wrong.
    """

    _esm = javascript("problems.js")

    names = Data()
    classes = Data()
    rest = Data(REST)
    animal = Choice("Picture", PICTURES)
    background = Choice("Background", tuple(BACKGROUNDS))
    turn = Slider("Turn", role="input", low=-180, high=180, step=5, default=0, unit="°")
    light = Slider("Light", role="input", low=5, high=200, step=5, default=100, unit=" %")
    cover = Slider("Cover", role="input", high=90, step=5, unit=" %")
    size = Slider("Size", role="input", low=30, high=100, step=5, default=100, unit=" %")
    swept = Kept(lambda explorer, value: one_of("swept", value, tuple(KNOBS)), "turn")
    # What the browser draws: the image with the scores, and the strips.
    view = Data({})
    strips = Data({})
    recorded = Data({})  # the same along each slider, for a page without Python

    def __init__(self, classifiers, classes=("cat", "dog", "duck")):
        if not classifiers:
            raise ValueError("classifiers must hold at least one function. Received: an empty dict")
        missing = set(SEEDS) - set(classes)
        if missing:
            raise ValueError(f"classes must hold {', '.join(SEEDS)}. Received: classes={tuple(classes)}")
        self._classifiers = dict(classifiers)
        super().__init__(names=list(classifiers), classes=list(classes))
        self.on_msg(self._receive)
        self.tell(recorded=self._record())
        self.sweep()

    def image(self):
        """Return the image that the classifiers get, uint8 (64, 64, 3)."""
        return problem(**self.now("swept"))[0]

    def _views(self, states):
        """Return the images of some states, and of each {"of", "hidden", "scores", "truth"}."""
        images, hidden = zip(*(problem(**state) for state in states), strict=True)
        images, scores = np.stack(images), {}
        for name, classify in self._classifiers.items():
            scores[name] = np.asarray(classify(images), dtype="float64")
            if scores[name].shape != (len(images), len(self.classes)):
                raise ValueError(
                    f"the classifier {name!r} must return scores of shape "
                    f"{(len(images), len(self.classes))}. Received: {scores[name].shape}"
                )
        return images, [
            {
                "of": state,
                "hidden": hidden[k],
                "scores": {name: rows[k].tolist() for name, rows in scores.items()},
                "truth": _class_of(state["animal"]),
            }
            for k, state in enumerate(states)
        ]

    def _say(self, change=None):
        images, (view,) = self._views([self.now("swept")])
        self.tell(view=view | {"pixels": images.tobytes()})
        super()._say()

    def sweep(self):
        """Try all positions of the knob `swept`, the rest as it is; returns {name: bools, right or not}."""
        now, places = self.now("swept"), _places(self.swept)
        _, views = self._views([now | {self.swept: place} for place in places])
        said = [_answers(view, self.classes) for view in views]
        truth = _class_of(self.animal)
        right = {name: [answers[name] == truth for answers in said] for name in self.names}
        self.tell(strips={"of": now, "knob": self.swept, "places": places, "right": right})
        return right

    def _record(self):
        """Return pictures, scores and words at each position of each slider, and of each animal at rest."""
        states = [self.now("swept") | REST | {knob: place} for knob in KNOBS for place in _places(knob)]
        states = [state for k, state in enumerate(states) if state not in states[:k]]
        rests = [{"animal": one, "background": ground, **REST} for one in PICTURES for ground in BACKGROUNDS]
        states += [state for state in rests if state not in states]
        (images, views), sheet = self._views(states), io.BytesIO()
        Image.fromarray(np.concatenate(images)).save(sheet, "JPEG", quality=90, subsampling=0)
        made = [view | {"words": describe(view, self.classes)} for view in views]
        return {"sheet": sheet.getvalue(), "made": made}

    def _receive(self, widget, content, buffers):
        if isinstance(content, dict) and content.get("sweep") in KNOBS:
            self.swept = content["sweep"]
            self.sweep()

    def answers(self):
        """Return {name: answer} for the present picture."""
        return _answers(self.view, self.classes)


def _answers(view, classes):
    return {name: classes[int(np.argmax(scores))] for name, scores in view["scores"].items()}


def describe(view, classes):
    """Return a picture and the answers to it in words. Pure; arguments as the attributes of `Problems`."""
    settings, truth = view["of"], view["truth"]
    words = {
        "turn": f"turned by {number(settings['turn'], 0)}°",
        "light": f"light {settings['light']} %",
        "cover": f"{view['hidden']:.0%} hidden",
        "size": f"size {settings['size']} %",
    }
    parts = [f"A {settings['animal']}", *(words[name] for name in KNOBS if settings[name] != REST[name])]
    if settings["background"] != "plain":
        parts.append(f"on {settings['background']}")
    says = [
        f"{name}: {answer}, {'right' if answer == truth else 'wrong'}"
        for name, answer in _answers(view, classes).items()
    ]
    return f"{', '.join(parts)}. {'; '.join(says)}."


@style()
def figure(view, classes, description):
    """Return a picture and the scores of each classifier as a `Picture`. Pure; arguments as `describe`'s."""
    drawing, (left, *rows) = picture(9.4, 3, description, columns=1 + len(view["scores"]))
    left.imshow(problem(**view["of"])[0])
    left.set_axis_off()
    for axes, (name, answer) in zip(rows, _answers(view, classes).items(), strict=True):
        right = answer == view["truth"]
        role = "output" if right else "selected"
        colors = [COLORS[role if one == answer else "reference"] for one in classes]
        bars = axes.barh(classes, view["scores"][name], color=colors)
        axes.bar_label(bars, fmt="%.2f", padding=3)
        axes.invert_yaxis()
        axes.set_xticks([])
        axes.margins(x=0.3)
        axes.set_title(f"{name}: {answer} {'✓' if right else '✗'}", color=TEXT_COLORS[role])
    return drawing


def _places(knob):
    low, high, step, _ = KNOBS[knob]
    return list(range(low, high + 1, step))


def _class_of(animal):
    return "cat" if animal == PHOTOGRAPH else animal


@lru_cache(maxsize=128)  # what was recorded is not made again
def problem(animal, background="plain", turn=0, light=100, cover=0, size=100):
    """Return a picture of an animal with its problems, and how much of the animal the posts hide.

    Args:
        As the attributes of `Problems`.

    Returns:
        (image, hidden): uint8 (64, 64, 3), and a float from 0 to 1.

    Example:
        >>> image, hidden = problem("duck", turn=30, cover=50)
        >>> image.shape, 0.1 < hidden < 0.9
        ((64, 64, 3), True)
    """
    from skimage.transform import AffineTransform, warp  # here, because it takes long

    cut, behind = _cut_out(animal), _background(background)
    middle = DRAWN / 2 - 0.5
    back = (
        AffineTransform(translation=(-middle, -middle))
        + AffineTransform(scale=100 / size, rotation=np.deg2rad(turn))
        + AffineTransform(translation=(middle, middle))
    )
    moved = warp(cut, back, order=1)
    there = moved[..., 3:]
    picture = there * moved[..., :3] / np.maximum(there, 1e-6) + (1 - there) * behind
    posts, shade = _posts(cover / 100, size / 100)
    picture += posts * (shade * POST - picture)
    hidden = float((there * posts).sum() / there.sum())
    picture = picture.reshape(SIZE, 2, SIZE, 2, 3).mean(axis=(1, 3)) * light / 100
    picture = np.clip(255 * picture + 0.5, 0, 255).astype("uint8")
    picture.flags.writeable = False
    return picture, hidden


def _posts(cover, size):
    """Two upright posts in front of the animal: their opacity (1, 128, 1) and their shading."""
    half = 0.45 * DRAWN * size
    across = np.arange(DRAWN) + 0.5 - DRAWN / 2
    away = np.abs(np.abs(across) - half / 2)  # pixels from the axis of the nearer post
    wide = cover * half / 2
    opacity = np.clip(wide + 0.5 - away, 0, 1) if cover else np.zeros(DRAWN)
    shade = 0.55 + 0.45 * np.sqrt(np.clip(1 - (away / (wide + 1e-6)) ** 2, 0, 1))
    return opacity[None, :, None], shade[None, :, None]


@cache
def _cut_out(animal):
    """The animal alone, (128, 128, 4): colours times opacity, and opacity."""
    if animal == PHOTOGRAPH:
        from_middle = np.arange(DRAWN) + 0.5 - DRAWN / 2
        opacity = np.clip(0.45 * DRAWN + 0.5 - np.hypot(from_middle[:, None], from_middle), 0, 1)[..., None]
        return np.concatenate([photos.cat(DRAWN) * opacity, opacity], axis=-1)
    scene = scenes(1, DRAWN, SEEDS[animal], classes=animal, orientation=0, lighting=0, scale=0, clutter=0)[0]
    opacity = (scene.mask > 0).astype("float64")[..., None]
    return np.concatenate([scene.image / 255 * opacity, opacity], axis=-1)


@cache
def _background(name):
    """What lies behind the animal, (128, 128, 3)."""
    if BACKGROUNDS[name] is None:
        return np.full((DRAWN, DRAWN, 3), (0.62, 0.66, 0.64))
    photo, tint = BACKGROUNDS[name]
    return np.clip(photos.photo(photo, DRAWN) * tint, 0, 1)
