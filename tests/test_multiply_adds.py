"""Multiply-adds against products counted one by one, steps written out, and arithmetic by hand."""

import functools
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from cvcourse import arithmetic
from cvcourse.summary import summarize

sys.path.insert(0, str(Path(__file__).parent))
from networks import row


def totals(summary):
    return summary.total_params, summary.trainable_params, summary.macs, summary.activation_bytes


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


def test_channels_first_counts_the_same():
    def build(data_format, shape):
        keywords = {"data_format": data_format}
        return keras.Sequential(
            [keras.Input(shape), layers.Conv2D(5, 3, **keywords), layers.Conv2DTranspose(4, 2, 2, **keywords)]
        )

    last = summarize(lambda: build("channels_last", (9, 8, 3)))
    first = summarize(lambda: build("channels_first", (3, 9, 8)))
    assert totals(first) == totals(last)
