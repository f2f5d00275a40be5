"""Networks of every kind that Keras can express, for the tests, and what Keras itself says of its own."""

import functools

import keras
import numpy as np
import pytest
from keras import layers as kl

from cvcourse.summary import summarize

MAKES = {}


def make(function):
    MAKES[function.__name__] = function
    return function


@make
def sequential():
    return keras.Sequential(
        [
            keras.Input((20, 24, 3)),
            kl.Rescaling(2.0, -1),
            kl.Conv2D(6, 3, activation="relu", name="conv"),
            kl.MaxPooling2D(2, name="pool"),
            kl.Conv2D(4, 5, padding="same", strides=2, name="strided"),
            kl.BatchNormalization(name="norm"),
            kl.ReLU(name="relu"),
            kl.Flatten(),
            kl.Dropout(0.5),
            kl.Dense(5, activation="softmax", name="scores"),
        ]
    )


@make
def residual():
    """Branches of different reach, an operation without a layer, groups, dilation, depthwise, separable."""
    x = inputs = keras.Input((21, 18, 3))
    x = kl.Conv2D(8, 3, strides=2, padding="same", name="stem")(x)
    y = kl.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="tanh", name="depthwise")(x)
    y = kl.Conv2D(8, 1, groups=2, name="grouped")(y)
    x = kl.Add(name="sum")([x, y])
    y = kl.Conv2D(8, 3, dilation_rate=2, padding="same", use_bias=False, name="dilated")(x)
    y = keras.ops.tanh(y) + x
    y = kl.ZeroPadding2D(((0, 1), (1, 0)), name="pad")(y)
    y = kl.AveragePooling2D(3, strides=2, padding="same", name="average")(y)
    y = kl.SeparableConv2D(6, (3, 2), activation="leaky_relu", name="separable")(y)
    y = kl.GlobalAveragePooling2D(name="global")(y)
    return keras.Model(inputs, kl.Dense(3, name="logits")(y))


@make
def nested():
    """A transfer model as in lesson 07: a model inside a model, twice over."""
    core = keras.Sequential(
        [
            keras.Input((None, None, 4)),
            kl.Conv2D(5, 3, padding="same", name="core_conv"),
            kl.LeakyReLU(name="core_relu"),
        ],
        name="core",
    )
    x = inner = keras.Input((None, None, 3))
    x = kl.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="first")(x)
    base = keras.Model(inner, core(x), name="base")
    inputs = keras.Input((16, 20, 3))
    x = base(kl.Rescaling(2.0, name="rescale")(inputs), training=False)
    x = kl.GlobalAveragePooling2D(name="average")(x)
    return keras.Model(inputs, kl.Dense(2, activation="sigmoid", name="head")(x))


@make
def shared():
    """One convolution used twice, and one name used in two models."""
    conv = kl.Conv2D(3, 3, padding="same", name="twice")
    part = keras.Sequential([keras.Input((None, None, 3)), kl.Conv2D(3, 3, name="same_name")], name="part")
    x = inputs = keras.Input((12, 12, 3))
    x = part(conv(conv(x)))
    x = kl.Conv2D(2, 3, name="same_name")(x)
    return keras.Model(inputs, kl.GlobalMaxPooling2D(name="global")(x))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv = kl.Conv2D(4, 3, activation="relu", name="conv")
        self.head = kl.Dense(3, name="head")

    def call(self, x):
        return self.head(keras.ops.mean(self.conv(x), axis=(1, 2)))


@make
def subclassed():
    model = Subclassed()
    model(np.zeros((1, 10, 10, 3)))  # builds it
    return model


def built(name, seed=0):
    """The model with weights that are all different from zero, batch-norm statistics included."""
    keras.utils.set_random_seed(seed)
    model = MAKES[name]()
    rng = np.random.default_rng(seed)
    model.set_weights(
        [
            rng.uniform(0.3, 1.2, w.shape) if "variance" in v.path else rng.normal(0, 0.4, w.shape)
            for w, v in zip(model.get_weights(), model.weights, strict=True)
        ]
    )
    return model


known = functools.cache(built)  # for tests that leave the model as it is: what is compiled is shared


def image_for(model, seed=0):
    shape = model.inputs[0].shape[1:] if getattr(model, "inputs", None) else (10, 10, 3)
    return np.random.default_rng(seed).random(shape, dtype="float32")


@pytest.fixture(params=list(MAKES))
def case(request):
    model = known(request.param)
    return model, image_for(model)


@pytest.fixture(scope="module")
def plain():
    model = known("sequential")
    return model, image_for(model)


def submodel(model, name, image):
    """Keras's own way to a layer's output: a model that ends there."""
    ending = keras.Model(model.inputs[0], model.get_layer(name).output)
    return np.asarray(ending(image[None], training=False))[0]


# --- for summarize ---------------------------------------------------------------------------------------

APPLICATIONS = sorted(name for name, value in vars(keras.applications).items() if name[0].isupper())
OPEN_SIZES = {"MobileNetV3Large": (224, 224, 3), "MobileNetV3Small": (224, 224, 3)}


def small_cnn():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            kl.Conv2D(8, 3, activation="relu", name="conv"),
            kl.BatchNormalization(name="norm"),
            kl.MaxPooling2D(name="pool"),
            kl.DepthwiseConv2D(3, strides=2, padding="same", name="depthwise"),
            kl.Flatten(name="flatten"),
            kl.Dense(10, name="classes"),
        ],
        name="small_cnn",
    )


def row(summary, name):
    (found,) = [row for row in summary.rows if row["name"] == name]
    return found


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
                names += [layer.name] if isinstance(layer, kl.Layer) else layers_of(layer)
        return list(dict.fromkeys(names))

    return {layer.name: layers_of(layer) for layer in model.layers}
