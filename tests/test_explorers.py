"""What holds for every explorer: words and picture at both ends of every control; what is bad is refused."""

import itertools
from types import SimpleNamespace

import anywidget
import keras
import numpy as np
import pytest

from cvcourse import explorers
from cvcourse.explorers import base
from cvcourse.explorers.controls import Trait
from cvcourse.models.vae import vae

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (2, 8, 12, 3)).astype("uint8")
SCORES = RNG.random((2, 8, 12, 3)) ** 3
SHARES = SCORES / SCORES.sum(axis=-1, keepdims=True)
MASKS = RNG.integers(0, 2, (2, 8, 12))
MASKS[1, 0, 0] = 2
MASK = {
    "model": lambda images: SHARES,
    "images": BYTES,
    "masks": MASKS,
    "classes": ("background", "cat", "dog"),
}
MAPS, PHOTOS = RNG.normal(2, 3, (3, 4, 5, 8)).astype("float32"), np.full((3, 6, 6, 3), 0.5)
NORMALIZATION = {"maps": MAPS, "images": PHOTOS}
CORNERS = RNG.uniform(0, 40, (20, 2))
HEAPS = {"image": np.zeros((64, 64, 3), "uint8"), "boxes": np.hstack([CORNERS, CORNERS + 12]),
         "scores": RNG.random(20), "labels": RNG.integers(0, 2, 20),
         "truth": ([[0, 0, 20, 20]], [1]), "classes": ("cat", "dog")}  # fmt: skip
BLACK, FLAT = np.zeros((8, 8, 3)), vae((8, 8, 1), latent=2, widths=(4,))
LATENT = {"model": FLAT}
PROBLEMS = {"classifiers": {"dog": lambda images: np.tile([0.0, 1.0, 0.0], (len(images), 1))}}
SMALL = {  # quick ones, with all controls
    "Convolution": {"image": np.linspace(0, 1, 12).reshape(3, 4)},
    "Pooling": {"image": np.linspace(0, 1, 12).reshape(3, 4)}, "Normalization": NORMALIZATION, "Mask": MASK,
    "MaskLoss": {}, "NMS": HEAPS, "OptimizerRace": {}, "Capacity": {}, "Scaling": {}, "Problems": PROBLEMS,
}  # fmt: skip


def ends(explorer):
    """Return {control: its values at both ends, or all that can be chosen}."""
    found = {}
    for name, one in explorer.controls.items():
        if one["kind"] == "slider":
            found[name] = (one["low"], one["high"])
        elif one["kind"] == "toggle":
            found[name] = (False, True)
        elif isinstance(one["options"], str):
            found[name] = (one["first"], max(one["first"], len(getattr(explorer, one["options"])) - 1))
        else:
            found[name] = tuple(one["options"])
    return found


@pytest.mark.parametrize("name", SMALL)
def test_both_ends_of_every_control_have_words_and_a_picture(name):
    explorer = getattr(explorers, name)(**SMALL[name])
    values = ends(explorer)
    assert values
    every = list(itertools.product(*values.values()))
    for combination in [every[k] for k in RNG.permutation(len(every))[:72]]:
        with explorer.hold_trait_notifications():
            for control, value in zip(values, combination, strict=True):
                explorer.set_trait(control, value)
        assert explorer.description == explorer.describe() in explorer.figure().alt
    assert explorer.figure().png()[:4] == b"\x89PNG"


@pytest.mark.parametrize("name", SMALL)
def test_no_control_takes_what_it_cannot_show(name):
    explorer = getattr(explorers, name)(**SMALL[name])
    for control, values in ends(explorer).items():
        before = getattr(explorer, control)
        number = isinstance(before, int | float) and not isinstance(before, bool)
        for bad in ("?", None, (), *((values[-1] + 1, values[0] - 1, True, np.nan) if number else ())):
            with pytest.raises(ValueError, match=f"(?s){control} must be .*Received: {control}="):
                setattr(explorer, control, bad)
        assert getattr(explorer, control) == before


@pytest.mark.parametrize(("metadata", "drawn"), [({}, True), ({"cellId": "1"}, False)])
def test_the_picture_is_drawn_only_where_no_page_shows_explorers(monkeypatch, metadata, drawn):
    monkeypatch.setattr(base, "get_ipython", lambda: SimpleNamespace(parent_header={"metadata": metadata}))
    for name in ("Pooling", "Scaling"):
        explorer = getattr(explorers, name)()
        page = explorer._repr_mimebundle_()[0]
        assert ("data:image/png" in page["text/html"]) == drawn
        assert page["text/plain"] == explorer.description in page["text/html"]
        assert "application/vnd.jupyter.widget-view+json" in page


BAD = [
    ("Capacity", {"remedy": "sleep"}, "remedy must be one of none.*Received: remedy='sleep'"),
    ("Capacity", {"metric": "error"}, 'metric must be "loss" or "accuracy"'),
    ("Capacity", {"width": 3}, "width must be a whole number from 0 to 2"),
    ("Convolution", {"kernel": "blurr"}, "kernel must be one of identity.*Received: .'blurr'"),
    ("Convolution", {"kernel": [[1, 2, 3]]}, "kernel must be"),
    ("Convolution", {"kernel": ["blur"] * 5}, "one to four"),
    ("Convolution", {"kernel": [[1, 0], [0, 1]], "kernel_size": 3}, "same size F"),
    ("Convolution", {"kernel_size": 8}, "kernel_size must be .* from 1 to 7.*Received: kernel_size=8"),
    ("Convolution", {"kernel_size": 2.5}, "kernel_size must be a whole number"),
    ("Convolution", {"strides": -1}, "strides must be a whole number from 0 to 5"),
    ("Convolution", {"padding": "full"}, 'padding must be 0 to 3 pixels, "valid" or "same"'),
    ("Convolution", {"image": np.zeros((2, 3, 3, 3))},
     r"image must have the.*Received: shape \(2, 3, 3, 3\)"),
    ("Convolution", {"image": np.zeros((100, 100))}, "at most 64 × 64"),
    ("Convolution", {"image": np.full((8, 8), 255)}, "from 0 .* to 1 .*Divide"),
    ("Convolution", {"image": np.full((8, 8), np.nan)}, "numbers from 0"),
    ("Pooling", {"pool": "median"}, 'pool must be "max" or "average". Received'),
    ("Pooling", {"pool_size": 6}, "pool_size must be .* from 1 to 5.*Received: pool_size=6"),
    ("Pooling", {"strides": True}, "strides must be a whole number"),
    ("Pooling", {"shift": 5}, "shift must be a whole number from 0 to 4"),
    ("Pooling", {"image": np.zeros(7)}, r"image must have the shape.*Received: shape \(7,\)"),
    ("OptimizerRace", {"surface": "hill"}, "surface must be one of ravine.*Received: surface='hill'"),
    ("OptimizerRace", {"rate": 13}, "rate must be a whole number from 0 to 12"),
    ("OptimizerRace", {"step": -1}, "step must be a whole number from 0 to 150"),
    ("Scaling", {"depth": 4.0}, "depth must be a number from 0.5 to 3.5.*Received: depth=4.0"),
    ("Scaling", {"width": 0.1}, "width must be a number from 0.5 to 2.5"),
    ("Scaling", {"resolution": 1000}, "resolution must be a whole number from 96 to 640"),
    ("Perceptron", {"preset": "NOT"}, "OR, AND, XOR.*Received: preset='NOT'"),
    ("Perceptron", {"points": [(0, 0, 1)]}, "2 to 9 rows"),
    ("Perceptron", {"points": [(0, 0, 1), (2, 0, 1)]}, "from -0.5 to 1.5"),
    ("Perceptron", {"points": [(0, 0, 1), (1, 0, 0)]}, "class 1 or -1"),
    ("BoxLoss", {"box": [0, 0, 65, 10]}, r"box must be .*64 × 64 pixels.*Received: box=\[0.0"),
    ("BoxLoss", {"box": [5, 5, 5, 10]}, "at least 1 pixel wide"),
    ("BoxLoss", {"image": BLACK}, "go together"),
    ("BoxLoss", {"image": BLACK, "true_box": [0, 0, 2, 2]}, "uint8.*Received: float64"),
    ("MaskLoss", {"scene": "middle"}, 'scene must be "near" or "far"'),
    ("MaskLoss", {"sure": 1.0}, "sure must be a number from 0.5 to 0.99"),
    ("MaskLoss", {"truth": np.eye(4)}, "go together"),
    ("MaskLoss", {"image": np.zeros((65, 8, 3), "uint8"), "truth": np.eye(4)}, "at most 64 × 64"),
    ("MaskLoss", {"image": np.zeros((4, 4, 3), "uint8"), "truth": 2 * np.eye(4)}, "truth must be 0 and 1"),
    ("Mask", {"images": BYTES}, "images and masks go together"),
    ("Mask", {"model": "unet"}, "model must be .*callable.*Received: model='unet'"),
    ("Mask", {**MASK, "images": BYTES / 255}, "images must be uint8.*Received: float64"),
    ("Mask", {**MASK, "images": BYTES[0]}, r"images must be .*Received: uint8, shape \(8, 12, 3\)"),
    ("Mask", {**MASK, "images": np.zeros((7, 8, 8, 3), "uint8")}, "at most 6 of at most 64 × 64"),
    ("Mask", {**MASK, "images": np.zeros((1, 8, 65, 3), "uint8")}, "at most 6 of at most 64 × 64"),
    ("Mask", {**MASK, "masks": MASKS[:1]},
     r"masks must be .*\(2, 8, 12\).*Received: int64, shape \(1, 8, 12\)"),
    ("Mask", {**MASK, "masks": MASKS / 2}, "masks must be whole numbers.*Received: float64"),
    ("Mask", {**MASK, "masks": MASKS + 1}, "masks must hold whole numbers below 3.*Received: 1 to 3"),
    ("Mask", {**MASK, "model": lambda x: x[..., 0]}, "model must return probabilities.*Received: shape"),
    ("Mask", {**MASK, "model": lambda x: 3 * SHARES}, "model must return .*softmax.*Received: .* to 2.9"),
    ("Mask", {**MASK, "classes": ("background", "cat")}, "classes must be 3 names.*Received: classes="),
    ("Mask", {**MASK, "classes": "cat"}, "classes must be 3 names"),
    ("NMS", {"image": HEAPS["image"]}, "go together"),
    ("NMS", {**HEAPS, "score_threshold": 1.5}, "score_threshold must be a number from 0 to 1. Received.*1.5"),
    ("NMS", {**HEAPS, "step": 21}, "step must be a whole number from 0 to 20"),
    ("NMS", {**HEAPS, "image": BLACK / 255}, "uint8.*Received: float64"),
    ("NMS", {**HEAPS, "scores": np.full(20, 2.0)}, r"scores must lie in \[0, 1\]. Received: 2 to 2"),
    ("NMS", {**HEAPS, "boxes": np.tile([0, 0, 4, 4], (25, 1))}, "one length, 1 to 24"),
    ("NMS", {**HEAPS, "boxes": np.tile([5, 0, 4, 4], (20, 1))}, "x1"),
    ("Normalization", {**NORMALIZATION, "maps": MAPS[0]}, r"maps must have.*Received: shape=\(4, 5, 8\)"),
    ("Normalization", {**NORMALIZATION, "maps": np.zeros((9, 4, 4, 8))}, "at most 8 images"),
    ("Normalization", {**NORMALIZATION, "images": PHOTOS[:2]},
     r"images must be.*Received: shape=\(2, 6, 6, 3\)"),
    ("Normalization", {"maps": MAPS}, "images must be square"),
    ("Problems", {"classifiers": {}}, "at least one function"),
    ("Problems", {**PROBLEMS, "classes": ("cat", "dog")}, "classes must hold cat, dog, duck. Received"),
    ("Problems", {"classifiers": {"two": lambda images: np.zeros((len(images), 2))}},
     r"'two' must return .*\(1, 3\).*\(1, 2\)"),
    ("Latent", {"model": vae((8, 8, 1), latent=3, widths=(4,))}, "two latent numbers.*latent=3"),
    ("Latent", {"model": "a vae"}, "model must be a VAE"),
    ("Latent", {**LATENT, "images": np.zeros((2, 8, 8, 3), "float32")},
     r"images must be float \(N, 8, 8, 1\)"),
    ("Latent", {**LATENT, "images": np.zeros((2, 8, 8, 1), "uint8")}, "Received: uint8"),
    ("Latent", {**LATENT, "images": np.zeros((2, 8, 8, 1)), "labels": [0]}, "2 images, labels of shape"),
    ("Latent", {**LATENT, "images": np.zeros((2, 8, 8, 1)), "labels": [0, 1], "classes": ["a"]}, "1 names"),
    ("Latent", {**LATENT, "z": (np.nan, 0)}, "z must be two numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "message"), BAD)
def test_bad_arguments_are_explained(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(explorers, name)(**arguments)


BUILT = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(2, 3, name="conv"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(2, name="dense"),
    ]
)
FEW = RNG.random((4, 8, 8, 1)), np.arange(4) % 2
EVERY = {**SMALL, "Network": {"model_or_builder": BUILT}, "FeatureMaps": {"model": BUILT}, "Latent": LATENT,
         "Freezing": {"model": BUILT, "train": FEW, "test": FEW}, "BoxLoss": {}, "Perceptron": {},
         "Teach": {"examples": ["mug", "pen"], "network": "course"}, "Quiz": {"lesson": "04"}}  # fmt: skip
# Where an explorer's state takes more than nothing at all: what it must not take.
WORSE = {
    "filter": 1, "kernels": ["blurr"], "weights": [[[1.0, np.nan]]], "padding": "full", "position": [0, -1],
    "groups": 0, "step": 999, "box": [0, 0, 65, 10], "true_box": [5, 5, 5, 10], "mask": np.full((64, 64), 2),
    "points": [(0, 0, 2), (1, 1, 1)], "history": [2], "chosen": 9, "z": [np.nan, 0], "swept": "animal",
    "selected": "convv", "input_size": 0, "changes": {"conv": {"filters": 0}}, "frozen": ["convv"],
    "channel": -1, "image": -1, "layer": "convv", "image_name": "dogsea", "classes": ["mug", "mug"],
    "at": 99, "answers": ["a"], "checked": [True],
}  # fmt: skip


def own(explorer):
    """Return the names of an explorer's traits; each is one of ours, so that one mechanism checks it."""
    names = set(explorer.traits(sync=True)) - set(anywidget.AnyWidget.class_traits(sync=True))
    names -= {"_esm", "_css", "_anywidget_id"}
    assert all(isinstance(explorer.traits()[name], Trait) for name in names)
    return names


def test_every_explorer_is_in_the_table():
    assert EVERY.keys() == set(explorers._MODULES)


@pytest.mark.parametrize("name", EVERY)
def test_no_explorer_keeps_a_bad_value(name):
    explorer = getattr(explorers, name)(**EVERY[name])
    before = explorer.get_state()
    for trait in own(explorer):
        for value in (None, "?", object(), *[worse for name, worse in WORSE.items() if trait == name]):
            with pytest.raises(ValueError, match=f"(?s){trait}.* must .*Received"):
                setattr(explorer, trait, value)
            with pytest.raises(ValueError, match="Received"), explorer.hold_trait_notifications():
                setattr(explorer, trait, value)
    assert str(explorer.get_state()) == str(before)
    assert explorer.description == explorer.describe()
