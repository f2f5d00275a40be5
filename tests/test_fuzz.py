"""Hostile arguments: every public function returns, or refuses in our own words what it was given.

A refusal is a ValueError or TypeError (an OSError for a path) that our code raised, not a library below it,
and whose message names an argument of the function and says what was "Received".

    CVCOURSE_FUZZ=10000 python -m pytest tests/test_fuzz.py

makes that many calls, all different ones; without it there are about 800 in some seconds.
"""

import functools
import inspect
import os
import random
import re
import traceback
from pathlib import Path

import numpy as np
import pytest

from cvcourse import arithmetic, boxes, interpretation, likeness, losses, summary, visualization
from cvcourse.datasets import formats
from cvcourse.datasets.scenes import on_one_ground, scenes

CALLS = int(os.environ.get("CVCOURSE_FUZZ", "800"))
PACKAGE = str(Path(arithmetic.__file__).parents[1])
BOX, IMAGE = [[0.0, 0, 8, 8], [2, 2, 9, 9]], np.full((8, 8, 3), 0.5, "float32")


class Rude:
    """An object whose every conversion fails."""

    def __array__(self, *args, **kwargs):
        raise RuntimeError("no array")

    def __float__(self):
        raise RuntimeError("no float")


HOSTILE = [
    None, True, "", "x", "nan", b"", b"\x00\xff", 0, -1, 1, 2.5, -0.5, 10**30, -(10**30), 1e300,
    float("nan"), float("inf"), 1j, [], (), {}, set(), {1, 2}, frozenset("ab"), [None], ["a", "b"], [[]],
    [[1, 2], [3]], [1, 2, 3], [[1, 2], [3, 4]], {"a": None}, {1: 2}, {"a": [1, 2]}, {"a": "b"}, object(),
    Rude(), int, len, Ellipsis, range(3), slice(2), np.nan * np.ones(4), np.zeros(0), np.zeros((0, 4)),
    np.zeros((2, 0, 3)), np.ones(()), np.ones((1,) * 6), np.array(["a", "b"]), np.array([None, 1], object),
    np.array([1j]), np.ones((4, 4), "uint8"), -np.ones((2, 2)), np.array([np.inf, 1, 2, 3]),
    np.datetime64("2026-01-01"), np.float16(7), np.zeros(3, "V4"),
]  # fmt: skip


def bent(value, rng):
    """A value that is nearly right: of another rank or type, or with something hostile inside."""
    try:
        array = np.asarray(value if isinstance(value, np.ndarray | list | tuple) else None)
    except ValueError:  # ragged
        array = np.asarray(None)
    if array.size and array.dtype.kind in "biuf" and rng.random() < 0.7:
        spoiled = array.astype(float)
        spoiled.flat[rng.randrange(array.size)] = rng.choice([np.nan, np.inf, -np.inf, -1e300, -3, 1e9])
        return rng.choice(
            [
                spoiled,
                array[None],
                array[0],
                array[:0],
                array[..., :-1],
                array.T,
                0 - array,
                array.astype(str),
                array.tobytes(),
                array.astype(object),
                array.astype(complex),
                array.tolist(),
                array.astype("uint8"),
                array.astype(bool),
                array.astype("float16"),
                {0: array},
                (array, array),
                np.asfortranarray(array)[::-1],
            ]
        )
    if isinstance(value, dict) and value:
        key = rng.choice(list(value))
        return rng.choice(
            [
                {**value, key: some(value[key], rng)},
                {**value, 3: some(value[key], rng)},
                {**value, None: value[key]},
                list(value.items()),
            ]
        )
    if isinstance(value, list | tuple) and len(value):
        changed = list(value)
        changed[rng.randrange(len(value))] = some(changed[0], rng)
        return type(value)(changed) if type(value) in (list, tuple) else changed
    return rng.choice(
        [[value], (value, value), {"a": value}, str(value), f"{value}x".encode(), np.array(value, object)]
    )


def some(value, rng):
    return bent(value, rng) if rng.random() < 0.4 else rng.choice(HOSTILE)


@functools.cache
def model():
    import keras
    from keras import layers as kl

    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            kl.Conv2D(2, 3, name="conv"),
            kl.GlobalAveragePooling2D(),
            kl.Dense(3, name="head"),
        ]
    )


PARTS = {  # of an argument
    "receptive_field": ("kernel_size", "strides", "padding_before", "dilation_rate"),
    "feature_maps": ("layer",),
}


def good():
    """{function: arguments that it takes}, every argument that it has."""
    size = {"size": 9, "kernel_size": 3, "strides": 2, "padding": 1, "dilation_rate": 1}
    out = {"output_height": 4, "output_width": 5}
    maps = np.arange(32.0).reshape(4, 4, 2)
    table = {
        arithmetic.conv_output_size: size,
        arithmetic.dropped_pixels: size,
        arithmetic.same_padding: {k: size[k] for k in ("size", "kernel_size", "strides", "dilation_rate")},
        arithmetic.pool_output_size: {"size": 9, "pool_size": 2, "strides": 2, "padding": "same"},
        arithmetic.receptive_field: {"stack": [(3, 1), (2, 2)]},
        boxes.area: {"boxes": BOX},
        boxes.iou: {"boxes": BOX, "others": BOX},
        boxes.generalized_iou: {"boxes": BOX, "others": BOX},
        boxes.non_max_suppression: {"boxes": BOX, "scores": [0.5, 0.6], "labels": [0, 1], "threshold": 0.5},
        boxes.mask_iou: {"masks": maps[:2] > 3, "others": maps[1:] > 3},
        boxes.mean_iou: {"found": maps > 9, "true": maps > 5, "classes": 2, "where": maps < 20},
        boxes.anchors: {"grid": 3, "stride": 4.0, "sizes": [3.0, 5.0], "ratios": [1.0]},
        boxes.match: {"anchors": BOX, "boxes": BOX, "positive": 0.5, "negative": 0.4},
        boxes.encode: {"boxes": BOX, "anchors": BOX},
        boxes.decode: {"offsets": [[0.1, 0, 0, 0.2]], "anchors": BOX},
        boxes.average_precision: {
            "found": [(BOX, [0, 1], [0.3, 0.4])],
            "truth": [(BOX, [0, 1])],
            "threshold": 0.5,
            "overlap": None,
        },
        likeness.frechet_distance: {"features": maps[0], "others": maps[1]},
        likeness.nearest: {"images": maps, "pictures": maps},
        likeness.gradient_energy: {"images": maps[None]},
        losses.iou_loss: {"y_true": np.float32(BOX), "y_pred": np.float32(BOX)},
        losses.generalized_iou_loss: {"y_true": np.float32(BOX), "y_pred": np.float32(BOX)},
        on_one_ground: {"made": scenes(2, size=32, seed=0)},
    }
    weights = {"kernel_size": 3, "in_channels": 3, "filters": 4, "use_bias": True}
    depthwise = {"kernel_size": 3, "in_channels": 3, "depth_multiplier": 2}
    three = {k: weights[k] for k in ("kernel_size", "in_channels", "filters")}
    table |= {
        arithmetic.conv_params: weights,
        arithmetic.depthwise_conv_params: depthwise | {"use_bias": True},
        arithmetic.dense_params: {"inputs": 3, "units": 4, "use_bias": True},
        arithmetic.batch_norm_params: {"channels": 3},
        arithmetic.conv_macs: out | three,
        arithmetic.depthwise_conv_macs: out | depthwise,
        arithmetic.dense_macs: {"inputs": 3, "units": 4},
    }
    return table | pictures(maps) | of_models() | of_files()


def pictures(maps):
    look = {"title": "t", "columns": 2}
    matrix = {"window": (0, 0, 1, 1), "colors": "gray", "decimals": 1}
    rows = summary.summarize(model()).rows
    _, axes = visualization.picture(2, 1, "nothing")
    return {
        visualization.plot_curves: {"curves": {"a": [0.1, 0.2], "b": ([1.0, 2], [0.1, 0.1])},
            "xlabel": "epoch", "ylabel": "accuracy", "x": [1, 2], "title": "t", "colors": {"a":
            "input"}, "ylim": (0, 1)},
        visualization.plot_bars: {"values": {"a": 1.0, "b": (2.0, 0.1)}, "xlabel": "s", "title":
            "t", "colors": {"a": "input"}, "form": "{:.2f}"},
        visualization.plot_summary: {"rows": rows, "title": "t"},
        visualization.plot_network: {"rows": rows, "view": "blocks", "title": "t"},
        visualization.plot_diagram: {"rows": rows, "title": "t", "merge": True, "names": False},
        visualization.plot_roadmap: {"steps": {"input": IMAGE, "classes": {"cat": 0.9}}, "here":
            "input", "size": 96, "title": "t"},
        visualization.plot_cubes: {"maps": maps[None], "blocks": {"all": ((0, 1), (0, 2))}, "columns": 2},
        visualization.plot_boxes: {"images": [IMAGE], "boxes": [BOX], "words": [["a", "b"]],
            "truth": [BOX], "titles": ["t"], "columns": 2, "role": "input", "line": 2.0},
        visualization.plot_images: {"images": [IMAGE], "titles": ["a"], **look},
        visualization.plot_filters: {"kernels": maps[:3, :3, :, None], "filters": [0], "channel": 1, **look},
        visualization.plot_feature_maps: {"maps": maps, "channels": [0, 1], **look},
        visualization.plot_matrix: {"values": {"a": maps[0], "b": maps[1]}, "between": ["+"],
            "title": "t", **matrix},
        visualization.draw_matrix: {"axes": axes, "matrix": maps[0], "origin": (0, 0), "cell": 0.5, **matrix},
        visualization.picture: {"width": 2, "height": 1, "alt": "words", "rows": 1, "columns": 2},
    }  # fmt: skip


def of_models():
    picture, name = {"model": model(), "image": IMAGE}, {"layer": "conv"}
    return {
        interpretation.filters: {"model": model(), **name},
        interpretation.feature_maps: {**picture, "layers": ["conv"]},
        interpretation.explain_unit: {**picture, **name, "position": (1, 1), "channel": 0},
        interpretation.grad_cam: {**picture, **name, "class_index": 1},
        interpretation.occlusion: {**picture, "class_index": 1, "size": 4, "strides": 2, "fill": 0.5},
        interpretation.maximize_filter: {"model": model(), **name, "channel": 0, "size": 8,
            "steps": 1, "value_range": (0, 1), "seed": 0},
        interpretation.randomized: {"model": model(), "seed": 0, "layers": ["conv"]},
    }  # fmt: skip


def of_files():
    here = Path(__file__).parent
    missing = {"bad": "skip", "limit": 1}
    return {
        formats.voc: {"folder": here, "classes": ("cat",), "difficult": True, **missing},
        formats.masks: {"images": here, "masks": here, "kind": "instance", "classes": ("cat",),
            "values": (1,), "suffix": "", **missing},
        formats.folders: {"folder": here, **missing},
        formats.coco: {"instances": here / "none.json", "images": here, **missing},
    }  # fmt: skip


TABLE = good()


def public():
    """Every function that these modules offer."""
    for module in (arithmetic, boxes, likeness, losses, interpretation, visualization, formats):
        for name, value in vars(module).items():
            ours = inspect.isfunction(value) and value.__module__.startswith(module.__name__)
            if ours and not name.startswith("_"):
                yield value


def test_every_public_function_is_tried():
    assert set(public()) - set(TABLE) <= {visualization.style}
    for function, arguments in TABLE.items():
        names = [p.name for p in inspect.signature(function).parameters.values() if p.kind != p.VAR_KEYWORD]
        assert set(arguments) <= set(names) and len(arguments) >= len(names) - 1, function


def calls(function, count):
    """Yield `count` lists of hostile arguments: first one hostile value each, then any."""
    arguments, rng = TABLE[function], random.Random(function.__name__)
    names = sorted(set(arguments) - {"overlap"})  # a function answers for itself
    single = [{name: value} for name in names for value in HOSTILE]
    rng.shuffle(single)
    for number in range(count):
        if number % 2 == 0 and single:
            yield single.pop()
        else:
            chosen = rng.sample(names, min(len(names), rng.choice((1, 1, 1, 2, 3))))
            yield {name: some(arguments[name], rng) for name in chosen}


def fault(function, changed):
    """Why this call was answered badly; None if it was not."""
    try:
        function(**TABLE[function] | changed)
    except Exception as error:
        last, text = traceback.extract_tb(error.__traceback__)[-1], str(error)
        names = "|".join([*TABLE[function], *PARTS.get(function.__name__, ())])
        if isinstance(error, OSError) and function in of_files():
            return None
        if not isinstance(error, ValueError | TypeError):
            why = "wrong type"
        elif not last.filename.startswith(PACKAGE):
            why = "a library's words"
        elif not re.search(rf"\b({names})\b", text) or "Received" not in text:
            why = "no name or no 'Received'"
        else:
            return None
        where = f"[{last.filename}:{last.lineno}]"
        return f"{function.__name__}({changed!r}): {why}: {type(error).__name__}: {text} {where}"
    return None


@pytest.mark.parametrize("function", TABLE, ids=lambda function: function.__name__)
@pytest.mark.reliability(
    "hostile arguments to every public function",
    "an error that names the argument; never a crash or a hang",
)
def test_hostile_arguments_are_answered_in_our_words(function):
    if function not in of_files():
        function(**TABLE[function])
    faults = [text for changed in calls(function, CALLS // len(TABLE)) if (text := fault(function, changed))]
    assert not faults, "\n".join(text[:600] for text in faults[:20])
