"""Mistakes that raise no error, for the tests of the shape doctor: rows as in `mistakes`.

The functions return model, x, y.
"""

import keras
import numpy as np
from keras import layers
from mistakes import (
    BCE,
    BINARY_LOGITS,
    CE,
    FIRST,
    ONE_HOT,
    PRICE,
    SCE,
    YES,
    X,
    Y,
    as_it_is,
    compiled,
    net,
    stack,
    top,
)

SPARSE_LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class Squared(keras.losses.Loss):
    """A loss of one's own, which takes its shapes as they come."""

    def call(self, y, p):
        return keras.ops.mean(keras.ops.square(y - p))


def frozen(last=False):
    model = compiled(net())
    for layer in model.layers:
        layer.trainable = False
    model.layers[-1].trainable = last
    return model


def spoiled():
    model = compiled(net())
    model.layers[-1].set_weights([np.full((64, 10), np.nan), np.zeros(10)])
    return model


def holed():
    x = X.copy()
    x[3, 2, 2] = np.nan
    return x


def asked(count, activation, loss, y):
    return compiled(net(count, activation), loss), X, y


QUIET = [
    ("softmax_twice", f'loss="{SCE}"', lambda loss: asked(10, "softmax", loss, Y), SPARSE_LOGITS, SCE),
    ("softmax_twice", "leave out", lambda last: (compiled(stack(layers.Flatten(), top(), *last)), X, Y),
     [layers.Softmax()], []),
    ("logits", "loss=keras.losses.SparseCategorical", lambda loss: asked(10, None, loss, Y),
     SCE, SPARSE_LOGITS),
    ("logits", 'activation="sigmoid"', lambda end: asked(1, end, BCE, YES), None, "sigmoid"),
    ("sigmoid_twice", "activation=None", lambda end: asked(1, end, BINARY_LOGITS, YES), "sigmoid", None),
    ("sigmoid_for_classes", 'activation="softmax"', lambda end: asked(10, end, SCE, Y), "sigmoid", "softmax"),
    ("wrong_activation", 'activation="softmax"', lambda end: asked(10, end, CE, ONE_HOT), "relu", "softmax"),
    ("softmax_of_one", 'activation="sigmoid"', lambda end: asked(1, end, BCE, YES), "softmax", "sigmoid"),
    ("softmax_of_one", "activation=None", lambda end: asked(1, end, "mse", YES / 1), "softmax", None),
    ("one_output", 'units=1, activation="sigmoid"; loss="binary', lambda loss: asked(1, "sigmoid", loss, YES),
     SCE, BCE),
    ("binary_for_classes", f'loss="{CE}"', lambda loss: asked(10, "softmax", loss, ONE_HOT), BCE, CE),
    ("binary_for_classes", 'units=10, activation="softmax"', lambda how: asked(*how, Y),
     (1, "sigmoid", BCE), (10, "softmax", SCE)),
    ("labels_minus_one", "y = (y + 1) / 2", lambda y: asked(1, "sigmoid", BCE, y),
     2 * YES - 1, (2 * YES - 1 + 1) / 2),
    ("labels_not_whole", 'units=1, activation=None; loss="mse"', lambda how: asked(*how, PRICE),
     (10, "softmax", SCE), (1, None, "mse")),
    ("labels_from_one", "units=11", lambda units: asked(units, "softmax", SCE, Y + 1), 10, 11),
    ("outputs", "y = y - (-3)", lambda y: asked(10, "softmax", SCE, y), Y % 4 - 3, Y % 4 - 3 - (-3)),
    ("outputs", "units=5", lambda units: asked(units, None, "mse", np.zeros((12, 5))), 1, 5),
    ("broadcast", "y = y[:, np.newaxis]", lambda y: asked(1, None, Squared(), y),
     PRICE, PRICE[:, np.newaxis]),
    ("accuracy_for_regression", 'metrics=["mae"]',
     lambda metric: (compiled(net(1, None), "mse", [metric]), X, PRICE), "accuracy", "mae"),
    ("output_range", "activation=None", lambda end: asked(1, end, "mse", PRICE), "sigmoid", None),
    ("output_range", "activation=None", lambda end: asked(1, end, "mae", PRICE - 100), "relu", None),
    ("range", "x = x.astype", lambda x: (compiled(net()), x, Y), X * 255, X * 255 / 255),
    ("range", "x = x.astype", lambda x: (compiled(net()), x, Y),
     (X * 255).astype("uint8"), (X * 255).astype("uint8").astype("float32") / 255),
    ("nan", "good = np.isfinite(x",
     lambda out: (compiled(net()), np.delete(holed(), out, axis=0), np.delete(Y, out)), [], [3]),
    ("nan", "good = np.isfinite(y",
     lambda good: (compiled(net(1, None), "mse"), X[good], np.where(YES, np.inf, PRICE)[good]),
     YES >= 0, YES == 0),
    ("nan_weights", "model = keras.models.clone_model(model)", lambda new: (compiled(new(spoiled())), X, Y),
     as_it_is, keras.models.clone_model),
    ("frozen", 'model.get_layer("top").trainable = True', lambda last: (frozen(last), X, Y), False, True),
    ("batch_norm_axis", "axis=-1",
     lambda axis: (compiled(stack(layers.BatchNormalization(axis=axis), *net().layers)), X, Y), 1, -1),
    ("channels_first", "x = np.moveaxis", lambda x: (net(shape=(8, 8, 3)), x, None),
     FIRST, np.moveaxis(FIRST, 1, -1)),
]  # fmt: skip
