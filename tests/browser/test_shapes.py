"""shapes.js against Keras, in a blank page: shapes, parameters, work and bytes of every kind of layer."""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl

from cvcourse import explorers, what_if

SCRIPT = (Path(explorers.__file__).parent / "shapes.js").read_text(encoding="utf-8")
KEYS = ("name", "type", "formula", "output_shape", "params", "macs", "activation_bytes", "input_shapes",
        "sources", "controls")  # fmt: skip
ROWS = """([layers, adjustable, tries]) => tries.map(([size, changes]) => {
  try { return measured(layers, adjustable, size, changes); } catch (error) {
    if (error instanceof Impossible) return error.message;
    if (error instanceof Unknown) return null;
    throw error;
  }
})"""


@pytest.fixture(scope="module")
def page(chromium):
    page = chromium.new_page()
    page.add_script_tag(content=SCRIPT)
    yield page
    page.close()


def pythons(graph, size, changes, copies):
    try:
        rows = what_if.measure(graph, size, changes, copies)
    except what_if.Impossible as error:
        return str(error)
    return json.loads(json.dumps([{key: row[key] for key in KEYS} for row in rows]))


def both(page, model, tries, expect_unknown=False):
    """Compare script and Python on each (size, changes); return how many rows agreed."""
    graph = what_if.as_graph(model)
    size = what_if.first_size(graph)
    plan = what_if.script_layers(what_if.measure(graph, size, {}), graph, size)
    plan = json.loads(json.dumps(plan))
    found, copies, count = page.evaluate(ROWS, [plan, what_if.ADJUSTABLE, tries]), {}, 0
    for (size, changes), script in zip(tries, found, strict=True):
        if script is None:
            assert expect_unknown
            continue
        python = pythons(graph, size, changes, copies)
        if isinstance(python, str) or isinstance(script, str):
            assert isinstance(script, str) and isinstance(python, str), (size, changes, script, python)
            beginning = re.split(r" cannot | be made", python)[0]
            assert script.startswith(beginning)
            if "Keras says" not in python:
                assert script == python
            count += 1
            continue
        assert [row["name"] for row in script] == [row["name"] for row in python]
        for one, other in zip(script, python, strict=True):
            assert {key: one.get(key) for key in KEYS} == other, (size, changes)
        count += len(script)
    return count


def chain(shape, *steps):
    return keras.Sequential([keras.Input(shape), *steps])


def branches(join, second):
    x = inputs = keras.Input((16, 16, 4))
    left, right = kl.Conv2D(6, 3, padding="same", name="left")(x), second(x)
    return keras.Model(inputs, join([left, right]))


def random_tries(model, count, seed=0, sizes=what_if.ADJUSTABLE["units"][1]):
    """Random changes of one to three layers, and of the input."""
    rng = np.random.default_rng(seed)
    graph = what_if.as_graph(model)
    rows = [row for row in what_if.measure(graph, what_if.first_size(graph), {}) if row["controls"]]
    tries = [(what_if.first_size(graph), {})]
    for _ in range(count):
        changes = {}
        for row in rng.permutation(len(rows))[: rng.integers(1, 4)]:
            argument = str(rng.choice(list(rows[row]["controls"])))
            changes[rows[row]["name"]] = {argument: int(rng.choice(what_if.ADJUSTABLE[argument][1]))}
        size = what_if.first_size(graph) if rng.random() < 0.6 else int(rng.choice(sizes))
        tries.append((size, changes))
    return tries


IMAGE, LINE, BLOCK = (20, 14, 6), (24, 6), (9, 8, 7, 4)


@pytest.fixture(scope="module")
def kinds():
    """{kind: models with a layer of it}."""
    kinds = {
        "Conv1D": [chain(LINE, kl.Conv1D(4, 3)),
                   chain(LINE, kl.Conv1D(4, 3, padding="causal", dilation_rate=2))],
        "Conv2D": [
            chain(IMAGE, kl.Conv2D(4, 3)),
            chain(IMAGE, kl.Conv2D(4, (3, 5), strides=2, padding="same", use_bias=False)),
            chain(IMAGE, kl.Conv2D(4, 3, dilation_rate=2)), chain(IMAGE, kl.Conv2D(6, 3, groups=3)),
            chain(IMAGE, kl.Conv2D(4, 3, strides=(2, 1), padding="same", dilation_rate=1))],
        "Conv3D": [chain(BLOCK, kl.Conv3D(3, 2))],
        "DepthwiseConv1D": [chain(LINE, kl.DepthwiseConv1D(3))],
        "DepthwiseConv2D": [chain(IMAGE, kl.DepthwiseConv2D(3, depth_multiplier=2)),
                            chain(IMAGE, kl.DepthwiseConv2D(5, strides=2, padding="same", use_bias=False))],
        "SeparableConv1D": [chain(LINE, kl.SeparableConv1D(5, 3))],
        "SeparableConv2D": [chain(IMAGE, kl.SeparableConv2D(5, 3, depth_multiplier=2)),
                            chain(IMAGE, kl.SeparableConv2D(5, 3, padding="same", use_bias=False))],
        "Conv1DTranspose": [chain(LINE, kl.Conv1DTranspose(5, 3, strides=2))],
        "Conv2DTranspose": [
            chain(IMAGE, kl.Conv2DTranspose(5, 3, strides=2)),
            chain(IMAGE, kl.Conv2DTranspose(5, 4, 2, padding="same")),
            chain(IMAGE, kl.Conv2DTranspose(5, 3, 2, padding="same", output_padding=1)),
            chain(IMAGE, kl.Conv2DTranspose(5, 3, dilation_rate=2))],
        "Conv3DTranspose": [chain(BLOCK, kl.Conv3DTranspose(3, 2, 2))],
        "MaxPooling1D": [chain(LINE, kl.MaxPooling1D())],
        "MaxPooling2D": [chain(IMAGE, kl.MaxPooling2D()),
                         chain(IMAGE, kl.MaxPooling2D(3, 2, padding="same"))],
        "MaxPooling3D": [chain(BLOCK, kl.MaxPooling3D())],
        "AveragePooling1D": [chain(LINE, kl.AveragePooling1D(2))],
        "AveragePooling2D": [chain(IMAGE, kl.AveragePooling2D((2, 3)))],
        "AveragePooling3D": [chain(BLOCK, kl.AveragePooling3D(2))],
        **{f"Global{way}Pooling{n}D": [
            chain(shape, getattr(kl, f"Global{way}Pooling{n}D")(keepdims=keep), kl.Dense(2))
            for keep in (False, True)]
           for way in ("Average", "Max") for n, shape in ((1, LINE), (2, IMAGE), (3, BLOCK))},
        **{kind: [branches(getattr(kl, kind)(), kl.Conv2D(6, 1, name="right")),
                  branches(getattr(kl, kind)(), lambda x: kl.AveragePooling2D(16)(kl.Conv2D(6, 1)(x)))]
           for kind in ("Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract")},
        "Concatenate": [branches(kl.Concatenate(), kl.Conv2D(3, 1, name="right")),
                        branches(kl.Concatenate(axis=1), kl.Conv2D(6, (3, 1), name="right"))],
        "ZeroPadding1D": [chain(LINE, kl.ZeroPadding1D(2)), chain(LINE, kl.ZeroPadding1D((1, 2)))],
        "ZeroPadding2D": [chain(IMAGE, kl.ZeroPadding2D(2)),
                          chain(IMAGE, kl.ZeroPadding2D(((0, 1), (2, 3))))],
        "ZeroPadding3D": [chain(BLOCK, kl.ZeroPadding3D(1))],
        "Cropping1D": [chain(LINE, kl.Cropping1D(2))],
        "Cropping2D": [chain(IMAGE, kl.Cropping2D(2)), chain(IMAGE, kl.Cropping2D(((0, 1), (2, 3))))],
        "Cropping3D": [chain(BLOCK, kl.Cropping3D(1))],
        "UpSampling1D": [chain(LINE, kl.UpSampling1D(3))],
        "UpSampling2D": [chain(IMAGE, kl.UpSampling2D((2, 3)))],
        "UpSampling3D": [chain(BLOCK, kl.UpSampling3D(2))],
        "Activation": [chain(IMAGE, kl.Activation("relu"))],
        "Dense": [chain(IMAGE, kl.Dense(3)), chain((9,), kl.Dense(4, use_bias=False), kl.Dense(2))],
        "Flatten": [chain(IMAGE, kl.Conv2D(2, 3), kl.Flatten(), kl.Dense(3))],
        "Reshape": [chain((12,), kl.Dense(24), kl.Reshape((2, 4, 3)), kl.Conv2D(2, 1)),
                    chain((12,), kl.Dense(24), kl.Reshape((2, -1)))],
        "Permute": [chain(IMAGE, kl.Permute((3, 1, 2)))],
        "RepeatVector": [chain((9,), kl.Dense(4), kl.RepeatVector(3))],
        "BatchNormalization": [chain(IMAGE, kl.Conv2D(4, 1), kl.BatchNormalization()),
                               chain(IMAGE, kl.BatchNormalization(scale=False, center=False))],
        "LayerNormalization": [chain(IMAGE, kl.LayerNormalization()),
                               chain(IMAGE, kl.LayerNormalization([1, 2, 3])),
                               chain(IMAGE, kl.LayerNormalization(center=False))],
        "GroupNormalization": [chain(IMAGE, kl.Conv2D(6, 1), kl.GroupNormalization(3)),
                               chain(IMAGE, kl.GroupNormalization(-1))],
        "RMSNormalization": [chain(IMAGE, kl.RMSNormalization())],
        "PReLU": [chain(IMAGE, kl.PReLU()), chain(IMAGE, kl.PReLU(shared_axes=[1, 2]))],
        "Resizing": [chain(IMAGE, kl.Resizing(8, 10), kl.Conv2D(2, 3))],
        "Dropout": [chain(IMAGE, kl.Dropout(0.5))],
        "Rescaling": [chain(IMAGE, kl.Rescaling(2.0, 1.0))],
        "GaussianNoise": [chain(IMAGE, kl.GaussianNoise(0.1))],
        "SpatialDropout1D": [chain(LINE, kl.SpatialDropout1D(0.1))],
        "SpatialDropout3D": [chain(BLOCK, kl.SpatialDropout3D(0.1))],
        "RandomRotation": [chain(IMAGE, kl.RandomRotation(0.1))],
        "RandomTranslation": [chain(IMAGE, kl.RandomTranslation(0.1, 0.1))],
    }  # fmt: skip
    kinds |= {kind: [chain(IMAGE, getattr(kl, kind)())] for kind in (
        "ReLU", "LeakyReLU", "ELU", "Softmax", "Identity", "UnitNormalization",
        "ActivityRegularization", "RandomFlip")}  # fmt: skip
    kinds |= {kind: [chain(IMAGE, getattr(kl, kind)(0.2))] for kind in (
        "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "RandomZoom", "RandomBrightness",
        "RandomContrast")}  # fmt: skip
    return kinds


def test_the_kinds_of_python_are_those_of_the_script(page, kinds):
    assert set(page.evaluate("Object.keys(KINDS)")) == what_if.IN_SCRIPT == set(kinds)


@pytest.mark.parametrize("kind", sorted(what_if.IN_SCRIPT))
def test_a_kind_of_layer_costs_what_keras_says(page, kinds, kind):
    for number, model in enumerate(kinds[kind]):
        assert kind in [type(layer).__name__ for layer in model.layers]
        tries = [
            *random_tries(model, 8, number, sizes=(1, 2, 3, 5, 9, 13, 20, 33)),
            *((size, {}) for size in (1, 2, 3, 7, 12, 27)),
        ]
        assert both(page, model, tries)


@pytest.mark.parametrize("build", ["VGG16", "ResNet50", "MobileNetV2"])
def test_random_changes_of_a_real_network(page, build):
    with what_if.shapes_only():
        model = getattr(keras.applications, build)(weights=None)
    tries = random_tries(model, 5, sizes=(32, 64, 75, 96, 160, 224, 299))
    assert both(page, model, tries) > 100


def test_other_kinds_are_known_as_long_as_nothing_before_them_changes(page):
    x = inputs = keras.Input((16, 16, 4))
    x = kl.Conv2D(6, 3, name="before")(x)
    x = kl.Lambda(lambda x: 2 * x, output_shape=(14, 14, 6), name="own")(x) + 1
    model = keras.Model(inputs, kl.Conv2D(3, 3, name="after")(kl.ReLU()(x)))
    tries = [(16, {}), (16, {"after": {"filters": 8}}), (16, {"before": {"filters": 8}}), (20, {})]
    assert both(page, model, tries, expect_unknown=True) == 2 * 5
    graph = what_if.as_graph(model)
    plan = json.loads(json.dumps(what_if.script_layers(what_if.measure(graph, 16, {}), graph, 16)))
    assert page.evaluate(ROWS, [plan, what_if.ADJUSTABLE, tries])[2:] == [None, None]


def test_a_layer_that_is_used_twice_is_learned_once(page):
    base = chain((8, 8, 3), kl.Conv2D(4, 3, name="conv"))
    left, right = keras.Input((8, 8, 3), name="left"), keras.Input((8, 8, 3), name="right")
    model = keras.Model([left, right], kl.Add(name="sum")([base(left), base(right)]))
    path = what_if.measure(what_if.as_graph(model), 8, {})[2]["name"]
    assert both(page, model, [(8, {}), (12, {path: {"filters": 7}}), (2, {})]) == 9
