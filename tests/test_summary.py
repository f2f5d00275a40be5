"""summarize against Keras's own counts and published figures; what it refuses, and what it shows."""

import os
import re
import sys
import time
import tracemalloc
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from cvcourse import arithmetic
from cvcourse.league import LEAGUE
from cvcourse.summary import summarize

sys.path.insert(0, str(Path(__file__).parent))
from networks import APPLICATIONS, OPEN_SIZES, application, row, small_cnn

GOLDEN = Path(__file__).parent / "golden"


class Subclassed(keras.Model):
    """The same network in the third of Keras's styles."""

    def __init__(self):
        super().__init__()
        self.body = small_cnn().layers

    def call(self, image):
        for layer in self.body:
            image = layer(image)
        return image


def functional():
    image = keras.Input((28, 28, 1))
    x = image
    for layer in small_cnn().layers:
        x = layer(x)
    return keras.Model(image, x)


@pytest.mark.parametrize("name", APPLICATIONS)
def test_every_application_is_counted_without_a_weight(name):
    summary, known = application(name)
    assert not known["allocated"]
    assert summary.total_params == known["params"]
    assert summary.trainable_params == known["trainable"]
    assert max(map(len, repr(summary).splitlines())) <= 102
    rows = {row["name"]: row["output_shape"] for row in summary.rows if "/" not in row["name"]}
    if name not in OPEN_SIZES:
        assert rows == known["shapes"]
    _, size, *counts = LEAGUE[name]  # of ImageNet's league
    assert (summary.total_params, summary.macs) == tuple(counts) and (size, size, 3) in rows.values()


def test_there_are_forty_applications():
    assert len(APPLICATIONS) >= 38


@pytest.mark.parametrize(
    ("name", "macs"),  # multiply-adds as the papers print them
    [
        ("VGG16", 15.47e9),  # Simonyan and Zisserman 2015, counted in many places since
        ("ResNet50", 3.8e9),  # He et al. 2016, table 1
        ("ResNet152", 11.3e9),
        ("MobileNet", 569e6),  # Howard et al. 2017, table 4
        ("MobileNetV2", 300e6),  # Sandler et al. 2018, table 4
        ("MobileNetV3Large", 219e6),  # Howard et al. 2019, table 3
        ("NASNetMobile", 564e6),  # Zoph et al. 2018, table 2
        ("EfficientNetB0", 0.39e9),  # Tan and Le 2019, table 2
        ("ConvNeXtTiny", 4.5e9),  # Liu et al. 2022, table 1
    ],
)
def test_multiply_adds_are_the_published_ones(name, macs):
    summary, _ = application(name)
    assert summary.macs == pytest.approx(macs, rel=0.03)


def test_vgg16():
    summary = summarize(lambda: keras.applications.VGG16(weights=None))
    assert summary.total_params == summary.trainable_params == 138_357_544
    first, last = row(summary, "block1_conv1"), row(summary, "fc1")
    assert first["formula"] == "3·3·3·64 + 64"
    assert first["output_shape"] == (224, 224, 64)
    assert first["params"] == arithmetic.conv_params(3, 3, 64)
    assert first["macs"] == arithmetic.conv_macs(224, 224, 3, 3, 64)
    assert first["activation_bytes"] == 224 * 224 * 64 * 4
    assert last["params"] == arithmetic.dense_params(7 * 7 * 512, 4096)
    assert last["macs"] == arithmetic.dense_macs(7 * 7 * 512, 4096)


def test_vgg16_takes_less_than_a_tenth_of_a_second():
    def seconds():
        start = time.process_time()
        summarize(lambda: keras.applications.VGG16(weights=None))
        return time.process_time() - start

    assert min(seconds() for _ in range(3)) < 0.1


def test_vgg16_takes_less_than_20_megabytes():
    tracemalloc.start()  # sees Python alone; that no weight is allocated is tested above
    try:
        summarize(lambda: keras.applications.VGG16(weights=None))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20e6


def test_three_styles_of_one_network_agree():
    subclassed = Subclassed()
    subclassed(np.zeros((5, 28, 28, 1), "float32"))
    summaries = [summarize(small_cnn()), summarize(functional()), summarize(subclassed)]
    summaries += [summarize(build) for build in (small_cnn, functional)]
    summaries += [summarize(Subclassed, input_shape=(28, 28, 1))]
    first = [list(row.values())[1:-1] for row in summaries[0].rows]  # without the names
    for summary in summaries[1:]:
        assert [list(row.values())[1:-1] for row in summary.rows] == first
    assert summaries[0].total_params == small_cnn().count_params()


# --- Trainable, dtype, open sizes -------------------------------------------------------------------------


def test_frozen_layers_are_not_trainable():
    model = small_cnn()
    model.get_layer("conv").trainable = False
    summary = summarize(model)
    assert row(summary, "conv")["trainable_params"] == 0
    assert row(summary, "norm")["trainable_params"] == arithmetic.batch_norm_params(8).trainable
    assert summary.trainable_params == sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    model.trainable = False
    assert summarize(model).trainable_params == 0


def test_half_precision_takes_half_the_memory():
    def build(dtype):
        return keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, dtype=dtype, name="conv")])

    half, full = (row(summarize(lambda d=d: build(d)), "conv") for d in ("mixed_float16", "float32"))
    assert half["activation_bytes"] * 2 == full["activation_bytes"] == 6 * 6 * 4 * 4


def test_text_has_no_size_in_memory():
    words = keras.Input((3,), dtype="string")
    numbers = layers.StringLookup(vocabulary=["cat", "dog"], name="lookup")(words)
    summary = summarize(keras.Model(words, layers.Embedding(3, 4, name="embedding")(numbers)))
    assert summary.rows[0]["activation_bytes"] is None and row(summary, "lookup")["activation_bytes"] == 24
    assert summary.total_params == 12


def test_an_open_input_size_keeps_parameters_and_shows_what_is_not_known():
    def build():
        return keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(4, 3, name="conv")])

    open_ = summarize(build)
    assert row(open_, "conv")["output_shape"] == (None, None, 4) and open_.total_params == 3 * 3 * 3 * 4 + 4
    assert row(open_, "conv")["macs"] is row(open_, "conv")["activation_bytes"] is None
    assert open_.unknown == ["input_layer", "conv"] and "input_shape=(224, 224, 3)" in repr(open_)
    assert repr(open_).splitlines()[-1].split() == ["total", "112", "?", "?"]
    assert "?×?×4" in open_._repr_html_() and "input_shape" in open_._repr_html_()
    assert row(summarize(build, input_shape=(10, 12, 3)), "conv")["output_shape"] == (8, 10, 4)
    assert summarize(build(), input_shape=[(10, 12, 3)]).macs == summarize(build, (10, 12, 3)).macs


def test_an_application_of_open_size_has_its_parameters():
    summary = summarize(lambda: keras.applications.MobileNetV3Small(weights=None))
    assert summary.total_params == application("MobileNetV3Small")[0].total_params
    assert "at least" in repr(summary) and row(summary, "conv")["macs"] is None


# --- It leaves no trace -----------------------------------------------------------------------------------


def test_the_students_model_stays_as_it_was():
    subclassed = Subclassed()
    subclassed(np.zeros((1, 28, 28, 1), "float32"))
    for model in (subclassed, functional()):
        nodes = [len(layer._inbound_nodes) for layer in model.layers]
        weights = model.get_weights()
        summarize(model)
        assert [len(layer._inbound_nodes) for layer in model.layers] == nodes
        assert not any("call" in vars(layer) for layer in model._flatten_layers())
        for before, after in zip(weights, model.get_weights(), strict=True):
            np.testing.assert_array_equal(before, after)


def test_the_weights_of_a_builder_are_never_allocated():
    models = []

    def build():
        models.append(small_cnn())
        return models[-1]

    summarize(build)
    with keras.StatelessScope():  # leaving it, Keras initialises every variable on its list
        pass
    assert all(weight._value is None for weight in models[0].weights)


def test_layer_names_do_not_depend_on_earlier_models():
    def build():
        return keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.Conv2D(4, 3)])

    before = layers.Conv2D(4, 3).name
    assert [row["name"] for row in summarize(build).rows] == ["input_layer", "conv2d", "conv2d_1"]
    number = int((re.findall(r"\d+", before.removeprefix("conv2d")) or ["0"])[0])
    assert layers.Conv2D(4, 3).name == f"conv2d_{number + 1}"


def test_an_error_in_the_builder_is_the_students_own():
    with pytest.raises(ZeroDivisionError):
        summarize(lambda: 1 / 0)
    assert summarize(small_cnn()).total_params == small_cnn().count_params()


# --- Bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: summarize("vgg16"),
            TypeError,
            r"must be a Keras model.*Received: 'vgg16'.*summarize\(model\)",
        ),
        (lambda: summarize(layers.Dense(3)), TypeError, "must be a Keras model"),
        (lambda: summarize(lambda: None), TypeError, "must return a Keras model.*NoneType.*return model"),
        (lambda: summarize(Subclassed()), ValueError, "must be built.*Received: Subclassed.*model.build"),
        (lambda: summarize(Subclassed), ValueError, "must be built"),
        (lambda: summarize(Subclassed(), (28, 28, 1)), ValueError, "must be built.*hand over the function"),
        (lambda: summarize(keras.Sequential([layers.Dense(3)])), ValueError, "must be built"),
        (lambda: summarize(small_cnn, (32, 32, 1)), ValueError, r"must fit .*\(28, 28, 1\).*\(32, 32, 1\)"),
        (lambda: summarize(small_cnn, (28, 28)), ValueError, "must fit"),
        (lambda: summarize(small_cnn, (28, 0, 1)), ValueError, "whole numbers above 0"),
        (lambda: summarize(small_cnn, "28"), ValueError, "whole numbers above 0"),
        (lambda: summarize(small_cnn, 28), ValueError, "must fit"),
        (lambda: summarize(keras.applications.VGG16), ValueError, r"not load .*VGG16\(weights=None\)"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --- What is shown ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "build"),
    [("vgg16", lambda: keras.applications.VGG16(weights=None)), ("small_cnn", small_cnn)],
)
def test_the_text_table_is_the_golden_one(name, build):
    """Golden files are rewritten with CVCOURSE_WRITE_GOLDEN=1; read the difference before committing it."""
    path, text = GOLDEN / f"summary_{name}.txt", repr(summarize(build)) + "\n"
    if os.environ.get("CVCOURSE_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_long_names_are_cut_so_that_the_table_stays_narrow():
    def build():
        dense = layers.Dense(3, name="a_very_long_name_" * 6)
        return keras.Sequential([keras.Input((4,)), dense])

    lines = repr(summarize(build)).splitlines()
    assert max(map(len, lines)) <= 100
    assert "…" in lines[5]
    assert len({len(line) for line in lines[1:]}) == 1


def test_html_is_escaped_aligned_and_readable_aloud():
    def build():
        return keras.Sequential([keras.Input((4,)), layers.Dense(3, name="<b>&")], name="<script>")

    text = summarize(build)._repr_html_()
    assert "<script>" not in text
    assert "&lt;b&gt;&amp;" in text
    assert text.count('scope="col"') == 7
    assert text.count('scope="row"') == 3  # two layers and the total
    assert "<caption" in text
    assert re.search(r"text-align: right[^>]*>15</td>", text)
    assert "--jp-" in text


def test_rows_make_a_data_frame_of_plain_values():
    for line in summarize(small_cnn).rows:
        assert [type(value) for value in line.values()] == [str, str, str, tuple, int, int, int, int, list]
