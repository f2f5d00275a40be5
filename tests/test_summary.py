"""summarize against Keras's own counts, products counted one by one, and published figures."""

import functools
import os
import re
import time
import tracemalloc
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from cvcourse import arithmetic
from cvcourse.league import LEAGUE
from cvcourse.models import resnet
from cvcourse.summary import summarize

GOLDEN = Path(__file__).parent / "golden"
APPLICATIONS = sorted(name for name, value in vars(keras.applications).items() if name[0].isupper())
OPEN_SIZES = {"MobileNetV3Large": (224, 224, 3), "MobileNetV3Small": (224, 224, 3)}


def small_cnn():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            layers.Conv2D(8, 3, activation="relu", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.MaxPooling2D(name="pool"),
            layers.DepthwiseConv2D(3, strides=2, padding="same", name="depthwise"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, name="classes"),
        ],
        name="small_cnn",
    )


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


def totals(summary):
    return summary.total_params, summary.trainable_params, summary.macs, summary.activation_bytes


def row(summary, name):
    (found,) = [row for row in summary.rows if row["name"] == name]
    return found


# --- Whole models -----------------------------------------------------------------------------------------


@functools.cache
def application(name):
    """The summary of one of keras.applications, and what Keras itself says of the model."""
    known = {}

    def build():
        model = getattr(keras.applications, name)(weights=None)
        known["params"] = model.count_params()
        known["trainable"] = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
        known["shapes"] = {layer.name: tuple(layer.output.shape[1:]) for layer in outer_layers(model)}
        known["weights"] = model.weights
        known["feeders"] = feeders(model)
        return model

    summary = summarize(build, OPEN_SIZES.get(name))
    known["allocated"] = any(weight._value is not None for weight in known.pop("weights"))
    return summary, known


def outer_layers(model):
    return [layer for layer in model.layers if not isinstance(layer, keras.Model)]


def feeders(model):
    """{layer: names of the layers that feed it}, read from Keras's own nodes; a bare operation hands on."""

    def layers_of(operation):
        names = []
        for node in operation._inbound_nodes[:1]:
            for parent in node.parent_nodes:
                layer = parent.operation
                names += [layer.name] if isinstance(layer, layers.Layer) else layers_of(layer)
        return list(dict.fromkeys(names))

    return {layer.name: layers_of(layer) for layer in model.layers}


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


# --- Multiply-adds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.Conv1D(5, 3, strides=2), (11, 4)),
        (layers.Conv2D(5, (2, 3), strides=(2, 1)), (9, 8, 3)),
        (layers.Conv2D(6, 3, dilation_rate=2), (9, 8, 3)),
        (layers.Conv2D(6, 3, groups=3), (9, 8, 3)),
        (layers.Conv3D(2, 2, strides=2), (5, 6, 7, 3)),
        (layers.DepthwiseConv1D(3, depth_multiplier=2), (9, 4)),
        (layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2), (9, 8, 3)),
        (layers.Conv1DTranspose(4, 3, strides=2), (7, 2)),
        (layers.Conv2DTranspose(4, 3, strides=2), (5, 6, 2)),
        (layers.Conv3DTranspose(2, 2, strides=2), (3, 4, 2, 2)),
        (layers.Dense(7), (5,)),
        (layers.Dense(7), (3, 4, 5)),
        (layers.EinsumDense("abc,cd->abd", output_shape=(None, 6)), (4, 5)),
        (layers.EinsumDense("...x,xy->...y", output_shape=(6,)), (4, 3, 5)),
        (layers.EinsumDense("abc,bcd->ad", output_shape=(6,)), (4, 5)),
        (layers.TimeDistributed(layers.Conv2D(2, 3)), (4, 6, 5, 3)),
        (layers.TimeDistributed(layers.Dense(2)), (4, 6)),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_multiply_adds_are_products_counted_one_by_one(layer, shape):
    """With weights and inputs of ones and no bias, each product is a 1 and the outputs add all of them up."""
    model = keras.Sequential([keras.Input(shape), layer])
    for weight in model.weights:
        weight.assign(np.full(weight.shape, float(len(weight.shape) > 1)))
    products = float(np.sum(model(np.ones((1, *shape), "float32"))))
    assert summarize(model).macs == products


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_separable_convolution_is_a_depthwise_and_a_pointwise_one(padding):
    options = {"strides": 2, "padding": padding}
    one = keras.Sequential(
        [keras.Input((9, 8, 3)), layers.SeparableConv2D(5, 3, depth_multiplier=2, **options)]
    )
    two = keras.Sequential(
        [
            keras.Input((9, 8, 3)),
            layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False, **options),
            layers.Conv2D(5, 1),
        ]
    )
    assert summarize(one).macs == summarize(two).macs
    assert summarize(one).total_params == summarize(two).total_params
    assert summarize(one).rows[-1]["formula"] == "3·3·3·2 + 1·1·6·5 + 5"


def test_attention_is_four_projections_and_two_products():
    heads, key_dim, value_dim, depth, long, short = 4, 8, 6, 16, 10, 7
    query, value = keras.Input((long, depth)), keras.Input((short, depth))
    attention = layers.MultiHeadAttention(heads, key_dim, value_dim=value_dim)
    model = keras.Model([query, value], attention(query, value=value))
    projections = arithmetic.dense_macs(depth, heads * key_dim) * (long + short)
    projections += arithmetic.dense_macs(depth, heads * value_dim) * short
    projections += arithmetic.dense_macs(heads * value_dim, depth) * long
    products = heads * long * short * key_dim + heads * long * short * value_dim
    summary = summarize(model)
    assert summary.macs == projections + products
    assert summary.total_params == model.count_params()


def traced(model, shape):
    """Multiply-adds of the matrix products and convolutions that TensorFlow runs for one input."""

    class Code(layers.Layer):  # no layer of Keras, so that what it runs is counted and no formula asked
        def call(self, x):
            return model(x)

        def _flatten_layers(self, include_self=True, recursive=True):
            return []

    return summarize(lambda: keras.Sequential([keras.Input(shape), Code()])).macs


@pytest.mark.parametrize(("cell", "shape"), [
    (functools.partial(layers.SimpleRNN, 4), (7, 3)),
    (functools.partial(layers.LSTM, 4, return_sequences=True), (7, 3)),
    (functools.partial(layers.LSTM, 4, go_backwards=True, return_state=True), (7, 3)),
    (functools.partial(layers.GRU, 4), (7, 3)),
    (functools.partial(layers.GRU, 4, reset_after=False), (7, 3)),
    (functools.partial(layers.ConvLSTM1D, 4, 3, padding="same"), (5, 9, 3)),
    (functools.partial(layers.ConvLSTM2D, 4, 3, strides=2, return_sequences=True), (5, 9, 8, 3)),
])  # fmt: skip
def test_recurrent_layers_are_counted_as_their_steps_written_out(cell, shape):
    def model(**options):
        image = keras.Input(shape)
        return keras.Model(image, keras.tree.flatten(cell(**options)(image))[0])

    counted = summarize(model()).macs
    assert counted == traced(model(unroll=True), shape) > 0
    image = keras.Input(shape)
    if "return_state" not in cell.keywords:
        assert summarize(keras.Model(image, layers.Bidirectional(cell())(image))).macs == 2 * counted


def test_an_lstm_by_hand():
    build = lambda: keras.Sequential([keras.Input((7, 3)), layers.LSTM(4)])  # noqa: E731
    assert summarize(build).macs == 7 * 4 * (3 * 4 + 4 * 4)  # steps × gates × (input + memory)


@pytest.mark.parametrize(("attend", "shape", "products"), [  # both products: positions × seen × depth
    (lambda x: layers.Attention()([x, x]), (5, 4), 2 * 5 * 5 * 4),
    (lambda x: layers.AdditiveAttention()([x, x]), (5, 4), 5 * 5 * 4),  # scores are sums of tanh
    (lambda x: layers.GroupQueryAttention(6, 4, 2)(x, x), (5, 8),
     5 * 8 * 6 * (4 + 2 + 2) + 2 * 4 * 5 * 5 * 6 + 5 * 4 * 6 * 8),
    (lambda x: layers.MultiHeadAttention(2, 3, attention_axes=(2,))(x, x), (4, 5, 6),  # along the second
     4 * (4 * 5 * 6 * 2 * 3) + 2 * 2 * 3 * 4 * 5 * 5),
    (lambda x: layers.Dot(axes=(2, 2))([x, x]), (5, 4), 5 * 5 * 4),
    (lambda x: keras.ops.matmul(x, keras.ops.swapaxes(x, 1, 2)), (5, 4), 5 * 5 * 4),
    (lambda x: layers.Lambda(lambda x: keras.ops.einsum("bij,bkj->bik", x, x))(x), (5, 4), 5 * 5 * 4),
    (lambda x: layers.GroupNormalization(2)(x), (5, 4), 0),
])  # fmt: skip
def test_every_attention_is_counted_by_its_real_axes(attend, shape, products):
    image = keras.Input(shape)
    assert summarize(keras.Model(image, attend(image))).macs == products


def test_what_a_wrapper_is_around_is_walked():
    def inner():
        first = [keras.Input((10, 10, 3)), layers.Conv2D(4, 3, name="conv"), layers.Flatten()]
        return keras.Sequential([*first, layers.Dense(2, name="dense")], name="inner")

    def build():
        steps = layers.TimeDistributed(inner(), name="steps")
        return keras.Sequential([keras.Input((6, 10, 10, 3)), steps, layers.LSTM(3)])

    one, summary = summarize(inner), summarize(build)
    assert row(summary, "steps/inner/conv")["macs"] == 6 * row(one, "conv")["macs"] > 0
    assert summary.total_params == build().count_params()
    first = layers.Conv2D(2, 3, data_format="channels_first", use_bias=False)
    frames = keras.Sequential([keras.Input((4, 3, 11, 14)), layers.TimeDistributed(first)])
    assert summarize(frames).macs == 4 * 9 * 12 * 3 * 3 * 3 * 2 == 23_328


class Gate(layers.Layer):
    """A layer that calls another one and multiplies matrices itself."""

    def __init__(self, **options):
        super().__init__(**options)
        self.dense = layers.Dense(4, use_bias=False, name="dense")

    def call(self, x):
        x = self.dense(x)
        return keras.ops.matmul(x, keras.ops.swapaxes(x, 1, 2))


def test_the_own_code_of_a_layer_is_counted_apart_from_the_layers_that_it_calls():
    summary = summarize(lambda: keras.Sequential([keras.Input((5, 3)), Gate(name="gate")]))
    assert row(summary, "gate/dense")["macs"] == 5 * 3 * 4
    assert row(summary, "gate")["macs"] == 5 * 5 * 4


def test_work_that_is_not_known_is_a_question_mark_and_never_zero():
    class Waves(layers.Layer):
        def call(self, x):
            return keras.ops.fft2((x, x))[0]

    summary = summarize(lambda: keras.Sequential([
        keras.Input((8, 8)), layers.Dense(8, name="dense"), Waves(name="waves")]))  # fmt: skip
    assert row(summary, "waves")["macs"] is None and summary.unknown == ["waves"]
    assert summary.macs == 8 * 8 * 8 and "at least 512" in repr(summary)


def test_text_has_no_size_in_memory():
    words = keras.Input((3,), dtype="string")
    numbers = layers.StringLookup(vocabulary=["cat", "dog"], name="lookup")(words)
    summary = summarize(keras.Model(words, layers.Embedding(3, 4, name="embedding")(numbers)))
    assert summary.rows[0]["activation_bytes"] is None and row(summary, "lookup")["activation_bytes"] == 24
    assert summary.total_params == 12


def test_channels_first_counts_the_same():
    def build(data_format, shape):
        keywords = {"data_format": data_format}
        return keras.Sequential(
            [keras.Input(shape), layers.Conv2D(5, 3, **keywords), layers.Conv2DTranspose(4, 2, 2, **keywords)]
        )

    last = summarize(lambda: build("channels_last", (9, 8, 3)))
    first = summarize(lambda: build("channels_first", (3, 9, 8)))
    assert totals(first) == totals(last)


# --- Sharing, nesting, several inputs ---------------------------------------------------------------------


def test_a_shared_layer_has_its_parameters_once_and_its_work_each_time():
    left, right = keras.Input((16, 16, 3), name="left"), keras.Input((16, 16, 3), name="right")
    twin = layers.Conv2D(4, 3, name="twin")
    model = keras.Model([left, right], layers.Add()([twin(left), twin(right)]))
    summary = summarize(model)
    assert [row["name"] for row in summary.rows][:2] == ["left", "right"]
    assert row(summary, "twin")["params"] == arithmetic.conv_params(3, 3, 4)
    assert row(summary, "twin")["macs"] == 2 * arithmetic.conv_macs(14, 14, 3, 3, 4)
    assert row(summary, "twin")["activation_bytes"] == 2 * 14 * 14 * 4 * 4
    assert summary.total_params == model.count_params()


def test_one_weight_in_two_layers_is_counted_once():
    class Transposed(layers.Layer):
        def __init__(self, dense):
            super().__init__()
            self.kernel = dense.kernel

        def call(self, x):
            return keras.ops.matmul(x, keras.ops.transpose(self.kernel))

    dense = layers.Dense(4, use_bias=False)
    image = keras.Input((9,))
    code = dense(image)
    model = keras.Model(image, Transposed(dense)(code))
    assert summarize(model).total_params == model.count_params() == 36


@pytest.mark.parametrize("style", ["functional", "sequential", "subclassed"])
def test_nested_models_are_listed_by_their_layers(style):
    def build():
        encoder = keras.Sequential(
            [keras.Input((8, 8, 3)), layers.Conv2D(3, 3, padding="same")], name="encoder"
        )
        if style == "sequential":
            return keras.Sequential([keras.Input((8, 8, 3)), encoder, layers.Flatten()])
        if style == "functional":
            image = keras.Input((8, 8, 3))
            return keras.Model(image, encoder(encoder(image)))

        class Twice(keras.Model):
            def __init__(self):
                super().__init__()
                self.encoder = encoder

            def call(self, image):
                return self.encoder(self.encoder(image))

        model = Twice()
        model.build((None, 8, 8, 3))
        return model

    calls = 1 if style == "sequential" else 2
    model, summary = build(), summarize(build)
    inner = row(summary, "encoder/conv2d")
    assert inner["params"] == summary.total_params == model.count_params() == arithmetic.conv_params(3, 3, 3)
    assert inner["macs"] == summary.macs == calls * arithmetic.conv_macs(8, 8, 3, 3, 3)


def test_a_convolutional_backbone_takes_the_size_it_is_called_with():
    def build():
        backbone = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3)], name="backbone")
        image = keras.Input((10, 10, 3))
        return keras.Model(image, backbone(image))

    assert row(summarize(build), "backbone/conv2d")["output_shape"] == (8, 8, 2)


def test_a_custom_layer_is_opened_and_its_own_weights_are_kept():
    class Block(layers.Layer):
        def __init__(self):
            super().__init__(name="block")
            self.conv = layers.Conv2D(3, 3, padding="same", name="conv")

        def build(self, shape):
            self.conv.build(shape)
            self.scale = self.add_weight(shape=(3,), name="scale")

        def call(self, x):
            return x + self.scale * self.conv(x)

        def compute_output_shape(self, shape):
            return shape

    image = keras.Input((6, 6, 3))
    model = keras.Model(image, Block()(image))
    summary = summarize(model)
    assert row(summary, "block/conv")["macs"] == arithmetic.conv_macs(6, 6, 3, 3, 3)
    assert row(summary, "block")["params"] == 3
    assert summary.total_params == model.count_params()


def test_a_subclassed_model_with_two_arguments():
    class Two(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(4)

        def call(self, image, sketch):
            return self.dense(image) + self.dense(sketch)

    model = Two()
    model(np.zeros((2, 5), "float32"), np.zeros((2, 5), "float32"))
    with pytest.raises(ValueError, match=r"input_shape is needed: Two.call takes \['image', 'sketch'\]"):
        summarize(model)
    summary = summarize(model, input_shape=[(5,), (5,)])
    assert [row["type"] for row in summary.rows] == ["InputLayer", "InputLayer", "Dense"]
    assert summary.macs == 2 * 5 * 4


def test_a_subclassed_model_whose_build_names_its_shapes():
    class Named(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(4)

        def build(self, image_shape, sketch_shape):
            self.dense.build(image_shape)

        def call(self, image, sketch):
            return self.dense(image) + self.dense(sketch)

    model = Named()
    model(np.zeros((2, 5), "float32"), np.zeros((2, 5), "float32"))
    summary = summarize(model)
    assert [row["name"] for row in summary.rows] == ["image", "sketch", model.dense.name]
    assert summary.macs == 2 * 5 * 4


def test_a_subclassed_model_with_a_list_of_inputs():
    class Joined(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(4)

        def call(self, images):
            return self.dense(keras.ops.concatenate(images, axis=-1))

    model = Joined()
    model([np.zeros((2, 5), "float32"), np.zeros((2, 3), "float32")])
    assert summarize(model).macs == summarize(model, [(5,), (3,)]).macs == 8 * 4


def test_an_unused_layer_still_has_its_parameters():
    class Spare(keras.Model):
        def __init__(self):
            super().__init__()
            self.used, self.spare = layers.Dense(2, name="used"), layers.Dense(3, name="spare")
            self.spare.build((None, 4))

        def call(self, x):
            return self.used(x)

    model = Spare()
    model(np.zeros((1, 4), "float32"))
    summary = summarize(model)
    assert summary.total_params == model.count_params()
    assert row(summary, "spare")["macs"] == 0


# --- What feeds a layer -----------------------------------------------------------------------------------


def fed_by(summary):
    return {row["name"]: row["inputs"] for row in summary.rows}


@pytest.mark.parametrize("name", APPLICATIONS)
def test_inputs_are_the_graph_of_every_application(name):
    summary, known = application(name)
    rows = [row for row in summary.rows if "/" not in row["name"]]  # a nested model is one layer for Keras
    found = {row["name"]: [source.partition("/")[0] for source in row["inputs"]] for row in rows}
    assert found == {layer: known["feeders"][layer] for layer in found} and len(found) > 20


def test_inputs_of_a_block_whose_shortcut_is_bare_operations():
    image = keras.Input((8, 8, 3), name="image")
    model = keras.Model(image, resnet.basic_block(image, 6, 2, name="block"))
    found = fed_by(summarize(model))
    assert found == feeders(model)
    assert found["block_add"] == ["image", "block_2_bn"]


def test_inputs_of_a_sequential_are_a_chain():
    names = [row["name"] for row in summarize(small_cnn).rows]
    assert list(fed_by(summarize(small_cnn)).values()) == [[], *([name] for name in names[:-1])]


def test_inputs_lead_into_nested_models_and_out_of_them():
    image = keras.Input((8, 8, 3), name="image")
    inner = [keras.Input((8, 8, 3)), layers.Conv2D(3, 1, name="a"), layers.ReLU(name="b")]
    encoder = keras.Sequential(inner, name="encoder")
    found = fed_by(summarize(keras.Model(image, layers.Add(name="total")([encoder(image), image]))))
    assert found == {"image": [], "encoder/a": ["image"], "encoder/b": ["encoder/a"],
                     "total": ["encoder/b", "image"]}  # fmt: skip


def test_a_shared_layer_is_fed_by_all_that_it_is_called_on():
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    twin = layers.Dense(4, name="twin")
    found = fed_by(summarize(keras.Model([left, right], layers.Add(name="total")([twin(left), twin(right)]))))
    assert found["twin"] == ["left", "right"] and found["total"] == ["twin"]


def test_what_only_python_knows_is_left_open():
    class Sum(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.last = layers.Dense(4, name="first"), layers.Dense(2, name="last")

        def call(self, x):
            return self.last(self.first(x) + x)

    assert fed_by(summarize(Sum, (4,))) == {"input": [], "first": [], "last": []}


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
