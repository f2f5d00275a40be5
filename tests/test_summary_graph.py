"""Layers that are shared or nested, models of several inputs, and what feeds a layer, against Keras's own."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from cvcourse import arithmetic
from cvcourse.models import resnet
from cvcourse.summary import summarize

sys.path.insert(0, str(Path(__file__).parent))
from networks import APPLICATIONS, application, feeders, row, small_cnn

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
