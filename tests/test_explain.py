"""The shape doctor: a table of typical mistakes is the test, and 200 right models keep it silent.

A row: what the mistake is called, how the cure begins, the mistake, the same with that cure made by hand.
What raises must not raise any more. What is wrong in silence (functions that return model, x, y) must be
found, and after the cure there must be nothing to find and a loss that is a number.
"""

import sys

import keras
import numpy as np
import pytest
from keras import Input, layers

from cvcourse import explain, explain_errors, training
from cvcourse.explaining import SILENT
from cvcourse.explaining.words import SAYS
from cvcourse.models import lenet, mobilenet, small

rng = np.random.default_rng(0)
X = rng.random((12, 8, 8, 1), "float32")
Y = np.arange(12) % 10
ONE_HOT = np.eye(10)[Y]
YES = np.arange(12) % 2
PRICE = rng.normal(100, 20, 12)
SCE, CE = "sparse_categorical_crossentropy", "categorical_crossentropy"


def stack(*parts, shape=(8, 8, 1)):
    return keras.Sequential([Input(shape), *parts])


def net(count=10, activation="softmax", shape=(8, 8, 1)):
    return stack(layers.Flatten(), layers.Dense(count, activation=activation, name="top"), shape=shape)


def functional():
    model = net()
    return keras.Model(model.inputs, model.outputs)


EAGER = False  # while a cure is tried by hand: several times faster


def compiled(model, loss=SCE, metrics=()):
    model.compile(loss=loss, optimizer="sgd", metrics=list(metrics), run_eagerly=EAGER)
    return model


def fit(model, loss=SCE, x=X, y=Y, metrics=()):
    compiled(model, loss, metrics).fit(x, y, verbose=0)


def predict(model, x):
    return model.predict(x, verbose=0)


def conv(filters=4, size=3, **options):
    return layers.Conv2D(filters, size, **options)


def two_models(second):
    optimizer = keras.optimizers.SGD(0.1)
    for rate in (optimizer, second or optimizer):
        model = net()
        model.compile(loss=SCE, optimizer=rate)
        model.fit(X, Y, verbose=0)


def compiled_by(optimizer):
    net().compile(loss=SCE, optimizer=optimizer)


def joined(join, *shapes, first=lambda x: x):
    a, b = map(Input, shapes)
    return join([first(a), b])


def shared(layer, other):
    layer(Input((4,)))
    return other(Input((5,)))


class Own(keras.Model):
    """A student's class, with a layer in the wrong order or not."""

    def __init__(self, first):
        super().__init__()
        self.parts = [first, conv(), layers.Flatten(), layers.Dense(10, activation="softmax")]

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return x


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


def base(size):
    return net(shape=(size, size, 3))(Input((16, 16, 3)))


def branch(padding):
    x = Input((16, 16, 3))
    return layers.Concatenate()([conv(name="left", padding=padding)(x), x])


def to_vector(*parts):
    x = Input((8, 8, 1))
    for part in parts:
        x = part(x)
    return x


def model_of(outside):
    a, b = Input((3,)), Input((3,))
    outputs = layers.Dense(2)(layers.Dense(4)(b))
    return keras.Model(a if outside else b, outputs)


def heads(y):
    x = Input((3,))
    model = keras.Model(x, [layers.Dense(1)(x), layers.Dense(1)(x)])
    fit(model, ["mse", "mse"] if isinstance(y, list) else "mse", np.zeros((4, 3)), y)


def sums(x):
    a, b = Input((3,)), Input((3,))
    return predict(keras.Model([a, b], layers.Add()([a, b])), x)


ROWS = np.zeros((4, 3))
RGB = np.zeros((2, 8, 8, 3))
RAISES = [
    # labels, loss, outputs
    ("missing_flatten", "layers.Flatten()",
     lambda: fit(stack(conv(), layers.Dense(10, activation="softmax"))),
     lambda: fit(stack(conv(), layers.Flatten(), layers.Dense(10, activation="softmax")))),
    ("missing_flatten", "layers.GlobalAveragePooling2D()",
     lambda: fit(stack(conv(), layers.Dense(10, activation="softmax")), CE, y=ONE_HOT),
     lambda: fit(stack(conv(), layers.GlobalAveragePooling2D(), layers.Dense(10, "softmax")), CE, y=ONE_HOT)),
    ("one_hot_labels", 'loss="categorical', lambda: fit(net(), y=ONE_HOT), lambda: fit(net(), CE, y=ONE_HOT)),
    ("one_hot_labels", "y = y.argmax", lambda: training.fit(compiled(net()), X, ONE_HOT, epochs=1, verbose=0),
     lambda: fit(net(), y=ONE_HOT.argmax(axis=-1))),
    ("number_labels", 'loss="sparse', lambda: fit(net(), CE), lambda: fit(net())),
    ("number_labels", "y = keras.utils.to_categorical(y, 10)", lambda: fit(net(), CE),
     lambda: fit(net(), CE, y=keras.utils.to_categorical(Y, 10))),
    ("outputs", "units=10", lambda: fit(net(5)), lambda: fit(net(10))),
    ("outputs", "units=10", lambda: fit(net(5), CE, y=ONE_HOT), lambda: fit(net(), CE, y=ONE_HOT)),
    ("outputs", "units=2", lambda: fit(net(3, None), "mse", y=np.zeros((12, 2))),
     lambda: fit(net(2, None), "mse", y=np.zeros((12, 2)))),
    ("labels_from_one", "y = y - 1", lambda: fit(net(), y=Y + 1), lambda: fit(net(), y=Y + 1 - 1)),
    ("label_strings", "classes, y = np.unique", lambda: fit(net(), y=np.array(["cat", "dog"] * 6)),
     lambda: fit(net(), y=np.unique(["cat", "dog"] * 6, return_inverse=True)[1])),
    ("number_of_outputs", None, lambda: heads(np.zeros(4)), lambda: heads([np.zeros(4), np.zeros(4)])),
    ("output_names", "loss={'top':", lambda: fit(functional(), {"head": SCE}),
     lambda: fit(functional(), {"top": SCE})),
    ("output_names", "loss='sparse", lambda: fit(net(), {"head": SCE}), lambda: fit(net())),
    ("not_compiled", f'model.compile(loss="{SCE}"', lambda: net().fit(X, Y, verbose=0), lambda: fit(net())),
    ("not_compiled", "model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True)",
     lambda: net(1, None).fit(X, YES, verbose=0),
     lambda: fit(net(1, None), keras.losses.BinaryCrossentropy(from_logits=True), y=YES)),
    ("optimizer_twice", "optimizer=keras.optimizers.SGD(0.1)", lambda: two_models(None),
     lambda: two_models(keras.optimizers.SGD(0.1))),
    # data
    ("lists", "x, y = np.array(x)", lambda: fit(net(), x=X.tolist(), y=Y.tolist()),
     lambda: fit(net(), x=np.array(X.tolist()), y=np.array(Y.tolist()))),
    ("lengths", "x, y = x[:7]", lambda: fit(net(), y=Y[:7]), lambda: fit(net(), x=X[:7], y=Y[:7])),
    ("no_batch_axis", "x = x[np.newaxis]", lambda: predict(net(), X[0]),
     lambda: predict(net(), X[0][np.newaxis])),
    ("no_batch_axis", "x = x[np.newaxis]", lambda: net(shape=(8, 8, 3))(RGB[0]),
     lambda: net(shape=(8, 8, 3))(RGB[0][np.newaxis])),
    ("channels_first", "x = np.moveaxis(x, 1, -1)", lambda: predict(stack(conv(), shape=(8, 8, 3)),
                                                                   np.zeros((2, 3, 8, 8))),
     lambda: predict(stack(conv(), shape=(8, 8, 3)), np.moveaxis(np.zeros((2, 3, 8, 8)), 1, -1))),
    ("channels", "x = np.repeat(x, 3, axis=-1)", lambda: predict(stack(conv(), shape=(8, 8, 3)), X),
     lambda: predict(stack(conv(), shape=(8, 8, 3)), np.repeat(X, 3, axis=-1))),
    ("channels", "x = x[..., :3]", lambda: predict(stack(conv(), shape=(8, 8, 3)), np.zeros((2, 8, 8, 4))),
     lambda: predict(stack(conv(), shape=(8, 8, 3)), np.zeros((2, 8, 8, 4))[..., :3])),
    ("channels", "x = x.mean", lambda: predict(stack(conv()), RGB),
     lambda: predict(stack(conv()), RGB.mean(axis=-1, keepdims=True))),
    ("other_size", "x = keras.ops.image.resize(x, (8, 8))", lambda: predict(net(), np.zeros((2, 9, 9, 1))),
     lambda: predict(net(), keras.ops.image.resize(np.zeros((2, 9, 9, 1)), (8, 8)))),
    ("other_size", "keras.Input((9, 9, 1))", lambda: predict(net(), np.zeros((2, 9, 9, 1))),
     lambda: predict(net(shape=(9, 9, 1)), np.zeros((2, 9, 9, 1)))),
    ("not_flat", "x = x.reshape(len(x), -1)", lambda: predict(stack(layers.Dense(3), shape=(192,)), RGB),
     lambda: predict(stack(layers.Dense(3), shape=(192,)), RGB.reshape(2, -1))),
    ("flat", "x = x.reshape(-1, 8, 8, 3)",
     lambda: predict(stack(conv(), shape=(8, 8, 3)), RGB.reshape(2, -1)),
     lambda: predict(stack(conv(), shape=(8, 8, 3)), RGB.reshape(2, -1).reshape(-1, 8, 8, 3))),
    ("input_shape", "keras.Input((5,))",
     lambda: predict(stack(layers.Dense(3), shape=(4,)), np.zeros((2, 5))),
     lambda: predict(stack(layers.Dense(3), shape=(5,)), np.zeros((2, 5)))),
    ("number_of_inputs", None, lambda: sums(ROWS), lambda: sums([ROWS, ROWS])),
    # layers
    ("window_too_large", 'padding="same"', lambda: stack(conv(4, 5), shape=(3, 3, 1)),
     lambda: stack(conv(4, 5, padding="same"), shape=(3, 3, 1))),
    ("window_too_large", "kernel_size=2", lambda: conv(4, 3)(Input((2, 2, 1))),
     lambda: conv(4, 2)(Input((2, 2, 1)))),
    ("pool_to_nothing", "leave out", lambda: stack(*[layers.MaxPooling2D()] * 0, *[layers.MaxPooling2D()
                                                                               for _ in range(4)]),
     lambda: stack(*[layers.MaxPooling2D() for _ in range(3)])),
    ("pool_to_nothing", "keras.Input((16, 16, 1))", lambda: stack(*[layers.MaxPooling2D() for _ in range(4)]),
     lambda: stack(*[layers.MaxPooling2D() for _ in range(4)], shape=(16, 16, 1))),
    ("no_channel_axis", "keras.Input((8, 8, 1))", lambda: stack(conv(), shape=(8, 8)), lambda: stack(conv())),
    ("no_channel_axis", "layers.Reshape((8, 8, 1))", lambda: conv()(Input((8, 8))),
     lambda: conv()(layers.Reshape((8, 8, 1))(Input((8, 8))))),
    ("batch_in_input", "keras.Input((8, 8, 1))", lambda: stack(conv(), shape=(12, 8, 8, 1)),
     lambda: stack(conv())),
    ("flatten_too_early", "leave out", lambda: stack(layers.Flatten(), conv()), lambda: stack(conv())),
    ("flatten_too_early", "leave out", lambda: to_vector(layers.Flatten(), conv()),
     lambda: to_vector(conv())),
    ("flat_input", "layers.Reshape((8, 8, 1))", lambda: stack(conv(), shape=(64,)),
     lambda: stack(layers.Reshape((8, 8, 1)), conv(), shape=(64,))),
    ("flat_input", "layers.Reshape((8, 8, 1))", lambda: fit(Own(layers.Flatten())),
     lambda: fit(Own(layers.Reshape((8, 8, 1))))),
    ("time_distributed", "layers.Conv2D(", lambda: stack(layers.TimeDistributed(conv())),
     lambda: stack(conv())),
    ("unequal_maps", "x = layers.Cropping2D(((0, 1)",
     lambda: joined(layers.Concatenate(), (6, 6, 2), (7, 7, 2)),
     lambda: joined(layers.Concatenate(), (7, 7, 2), (6, 6, 2), first=layers.Cropping2D(((0, 1), (0, 1))))),
    ("unequal_maps", "x = layers.UpSampling2D(2)",
     lambda: joined(layers.Concatenate(), (8, 8, 2), (16, 16, 2)),
     lambda: joined(layers.Concatenate(), (8, 8, 2), (16, 16, 2), first=layers.UpSampling2D(2))),
    ("unequal_maps", 'padding="same"  # in "left"', lambda: branch("valid"), lambda: branch("same")),
    ("unequal_maps", "x = layers.Conv2D(8, 1, strides=2)", lambda: joined(layers.Add(), (8, 8, 4), (4, 4, 8)),
     lambda: joined(layers.Add(), (8, 8, 4), (4, 4, 8), first=layers.Conv2D(8, 1, strides=2))),
    ("other_channels", "x = layers.Conv2D(8, 1)", lambda: joined(layers.Add(), (8, 8, 4), (8, 8, 8)),
     lambda: joined(layers.Add(), (8, 8, 4), (8, 8, 8), first=layers.Conv2D(8, 1))),
    ("other_channels", "x = layers.Conv2D(8, 1)", lambda: Input((8, 8, 4)) + Input((8, 8, 8)),
     lambda: layers.Conv2D(8, 1)(Input((8, 8, 4))) + Input((8, 8, 8))),
    ("merge_of_one", "x = layers.Add()([a, b])", lambda: layers.Add()(Input((3,))),
     lambda: layers.Add()([Input((3,)), Input((3,))])),
    ("list_for_one", "x = layers.Concatenate()", lambda: joined(layers.Dense(2), (3,), (3,)),
     lambda: layers.Dense(2)(joined(layers.Concatenate(), (3,), (3,)))),
    ("reshape", "layers.Reshape((5, 5, 4))", lambda: stack(layers.Reshape((7, 7, 2)), shape=(100,)),
     lambda: stack(layers.Reshape((5, 5, 4)), shape=(100,))),
    ("reshape", "units=98", lambda: stack(layers.Dense(100), layers.Reshape((7, 7, 2)), shape=(5,)),
     lambda: stack(layers.Dense(98), layers.Reshape((7, 7, 2)), shape=(5,))),
    ("groups", "groups=1", lambda: stack(conv(8, groups=4), shape=(8, 8, 3)),
     lambda: stack(conv(8, groups=1), shape=(8, 8, 3))),
    ("axis", "axis=-1", lambda: stack(layers.BatchNormalization(axis=4)),
     lambda: stack(layers.BatchNormalization(axis=-1))),
    ("cropping", "cropping=3", lambda: stack(layers.Cropping2D(5)), lambda: stack(layers.Cropping2D(3))),
    ("open_size", "layers.GlobalAveragePooling2D()",
     lambda: stack(layers.Flatten(), layers.Dense(3), shape=(None, None, 3)),
     lambda: stack(layers.GlobalAveragePooling2D(), layers.Dense(3), shape=(None, None, 3))),
    ("other_size", "layers.Resizing(8, 8)", lambda: base(8),
     lambda: net(shape=(8, 8, 3))(layers.Resizing(8, 8)(Input((16, 16, 3))))),
    ("other_size", "input_shape=(16, 16, 3)", lambda: base(8), lambda: base(16)),
    ("used_before", "layers.Dense(", lambda: shared(same := layers.Dense(2), same),
     lambda: shared(layers.Dense(2), layers.Dense(2))),
    # names, arguments, values
    ("argument", "learning_rate=0.1", lambda: keras.optimizers.Adam(lr=0.1),
     lambda: keras.optimizers.Adam(learning_rate=0.1)),
    ("argument", "strides=2", lambda: conv(4, 3, stride=2), lambda: conv(4, 3, strides=2)),
    ("missing_argument", "kernel_size=3", lambda: layers.Conv2D(32),
     lambda: layers.Conv2D(32, kernel_size=3)),
    ("value", "strides=1", lambda: conv(strides=0), lambda: conv(strides=1)),
    ("value", "padding='same'", lambda: conv(padding="sames"), lambda: conv(padding="same")),
    ("value", "padding='valid'", lambda: conv(padding=-1), lambda: conv(padding="valid")),
    ("value", "rate=0.5", lambda: layers.Dropout(50), lambda: layers.Dropout(0.5)),
    ("value", "filters=12", lambda: conv(10, groups=4), lambda: conv(12, groups=4)),
    ("name", 'activation="relu"', lambda: layers.Dense(3, "rellu"), lambda: layers.Dense(3, "relu")),
    ("name", f'loss="{SCE}"', lambda: fit(net(), "sparse_categorical_crossentropie"), lambda: fit(net())),
    ("name", 'metrics=["accuracy"]', lambda: fit(net(), metrics=["acuracy"]),
     lambda: fit(net(), metrics=["accuracy"])),
    ("name", 'optimizer="adam"', lambda: compiled_by("adamm"), lambda: compiled_by("adam")),
    ("name", "layers.Conv2D", lambda: layers.Conv2d(4, 3), lambda: layers.Conv2D(4, 3)),
    ("input_tuple", "keras.Input((28, 28, 1))", lambda: Input(28, 28, 1), lambda: Input((28, 28, 1))),
    ("image_too_small", "input_shape=(32, 32, 3)",
     lambda: keras.applications.VGG16(weights=None, input_shape=(20, 20, 3), include_top=False),
     lambda: keras.applications.VGG16(weights=None, input_shape=(32, 32, 3), include_top=False)),
    ("layer_not_called", "layers.Flatten(…)(x)", lambda: layers.Dense(3)(layers.Flatten()),
     lambda: layers.Dense(3)(layers.Flatten()(Input((8, 8, 1))))),
    ("layer_not_called", "layers.Dense(…)(x)", lambda: keras.Model(Input((3,)), layers.Dense(3)),
     lambda: keras.Model(x := Input((3,)), layers.Dense(3)(x))),
    ("symbol", "keras.ops.mean(", lambda: np.mean(Input((3,))), lambda: keras.ops.mean(Input((3,)))),
    ("not_connected", "keras.Model(keras.utils.get_source", lambda: model_of(outside=True),
     lambda: model_of(outside=False)),
    ("not_built", "model.build((None, 28, 28, 1))", lambda: keras.Sequential([conv()]).count_params(),
     lambda: (model := keras.Sequential([conv()])).build((None, 28, 28, 1)) or model.count_params()),
]


def softmaxes(last):
    return compiled(stack(layers.Flatten(), layers.Dense(10, activation="softmax"), *last))


def from_logits(name):
    return getattr(keras.losses, name)(from_logits=True)


SPARSE_LOGITS, BINARY_LOGITS = map(from_logits, ("SparseCategoricalCrossentropy", "BinaryCrossentropy"))
QUIET = [
    ("softmax_twice", f'loss="{SCE}"', lambda: (compiled(net(), SPARSE_LOGITS), X, Y),
     lambda: (compiled(net()), X, Y)),
    ("softmax_twice", "leave out", lambda: (softmaxes([layers.Softmax()]), X, Y),
     lambda: (softmaxes([]), X, Y)),
    ("logits", "loss=keras.losses.SparseCategorical", lambda: (compiled(net(10, None)), X, Y),
     lambda: (compiled(net(10, None), SPARSE_LOGITS), X, Y)),
    ("logits", 'activation="sigmoid"', lambda: (compiled(net(1, None), "binary_crossentropy"), X, YES),
     lambda: (compiled(net(1, "sigmoid"), "binary_crossentropy"), X, YES)),
    ("sigmoid_twice", "activation=None", lambda: (compiled(net(1, "sigmoid"), BINARY_LOGITS), X, YES),
     lambda: (compiled(net(1, None), BINARY_LOGITS), X, YES)),
    ("sigmoid_for_classes", 'activation="softmax"', lambda: (compiled(net(10, "sigmoid")), X, Y),
     lambda: (compiled(net()), X, Y)),
    ("wrong_activation", 'activation="softmax"', lambda: (compiled(net(10, "relu"), CE), X, ONE_HOT),
     lambda: (compiled(net(), CE), X, ONE_HOT)),
    ("softmax_of_one", 'activation="sigmoid"', lambda: (compiled(net(1), "binary_crossentropy"), X, YES),
     lambda: (compiled(net(1, "sigmoid"), "binary_crossentropy"), X, YES)),
    ("softmax_of_one", "activation=None", lambda: (compiled(net(1), "mse"), X, YES / 1),
     lambda: (compiled(net(1, None), "mse"), X, YES / 1)),
    ("one_output", 'units=1, activation="sigmoid"; loss="binary',
     lambda: (compiled(net(1, "sigmoid")), X, YES),
     lambda: (compiled(net(1, "sigmoid"), "binary_crossentropy"), X, YES)),
    ("binary_for_classes", f'loss="{CE}"', lambda: (compiled(net(), "binary_crossentropy"), X, ONE_HOT),
     lambda: (compiled(net(), CE), X, ONE_HOT)),
    ("binary_for_classes", 'units=10, activation="softmax"',
     lambda: (compiled(net(1, "sigmoid"), "binary_crossentropy"), X, Y), lambda: (compiled(net()), X, Y)),
    ("labels_minus_one", "y = (y + 1) / 2",
     lambda: (compiled(net(1, "sigmoid"), "binary_crossentropy"), X, 2 * YES - 1),
     lambda: (compiled(net(1, "sigmoid"), "binary_crossentropy"), X, (2 * YES - 1 + 1) / 2)),
    ("labels_not_whole", 'units=1, activation=None; loss="mse"', lambda: (compiled(net()), X, PRICE),
     lambda: (compiled(net(1, None), "mse"), X, PRICE)),
    ("labels_from_one", "units=11", lambda: (compiled(net()), X, Y + 1),
     lambda: (compiled(net(11)), X, Y + 1)),
    ("outputs", "y = y - (-3)", lambda: (compiled(net()), X, Y % 4 - 3),
     lambda: (compiled(net()), X, Y % 4 - 3 - (-3))),
    ("outputs", "units=5", lambda: (compiled(net(1, None), "mse"), X, np.zeros((12, 5))),
     lambda: (compiled(net(5, None), "mse"), X, np.zeros((12, 5)))),
    ("broadcast", "y = y[:, np.newaxis]", lambda: (compiled(net(1, None), Squared()), X, PRICE),
     lambda: (compiled(net(1, None), Squared()), X, PRICE[:, np.newaxis])),
    ("accuracy_for_regression", 'metrics=["mae"]',
     lambda: (compiled(net(1, None), "mse", ["accuracy"]), X, PRICE),
     lambda: (compiled(net(1, None), "mse", ["mae"]), X, PRICE)),
    ("output_range", "activation=None", lambda: (compiled(net(1, "sigmoid"), "mse"), X, PRICE),
     lambda: (compiled(net(1, None), "mse"), X, PRICE)),
    ("output_range", "activation=None", lambda: (compiled(net(1, "relu"), "mae"), X, PRICE - 100),
     lambda: (compiled(net(1, None), "mae"), X, PRICE - 100)),
    ("range", "x = x.astype", lambda: (compiled(net()), X * 255, Y),
     lambda: (compiled(net()), X * 255 / 255, Y)),
    ("range", "x = x.astype", lambda: (compiled(net()), (X * 255).astype("uint8"), Y),
     lambda: (compiled(net()), (X * 255).astype("uint8").astype("float32") / 255, Y)),
    ("nan", "good = np.isfinite(x", lambda: (compiled(net()), holed(), Y),
     lambda: (compiled(net()), np.delete(X, 3, axis=0), np.delete(Y, 3))),
    ("nan", "good = np.isfinite(y", lambda: (compiled(net(1, None), "mse"), X, np.where(YES, np.inf, PRICE)),
     lambda: (compiled(net(1, None), "mse"), X[YES == 0], PRICE[YES == 0])),
    ("nan_weights", "model = keras.models.clone_model(model)", lambda: (spoiled(), X, Y),
     lambda: (compiled(keras.models.clone_model(spoiled())), X, Y)),
    ("frozen", 'model.get_layer("top").trainable = True', lambda: (frozen(), X, Y),
     lambda: (frozen(last=True), X, Y)),
    ("batch_norm_axis", "axis=-1",
     lambda: (compiled(stack(layers.BatchNormalization(axis=1), *net().layers)), X, Y),
     lambda: (compiled(stack(layers.BatchNormalization(axis=-1), *net().layers)), X, Y)),
    ("channels_first", "x = np.moveaxis", lambda: (net(shape=(8, 8, 3)), np.zeros((2, 3, 8, 8)), None),
     lambda: (net(shape=(8, 8, 3)), np.moveaxis(np.zeros((2, 3, 8, 8)), 1, -1), None)),
]


def names(rows):
    return [f"{kind}-{place}" for place, (kind, *_) in enumerate(rows)]


def cured(explanation, cure):
    return (not explanation.cures) if cure is None else any(one.startswith(cure) for one in explanation.cures)


@pytest.mark.parametrize(("kind", "cure", "broken", "mended"), RAISES, ids=names(RAISES))
def test_an_error_is_explained_and_its_cure_works(kind, cure, broken, mended, monkeypatch):
    with pytest.raises(Exception) as caught:  # each row has its own
        broken()
    explanation = explain(caught.value)
    assert (explanation.kind, cured(explanation, cure)) == (kind, True), explanation
    monkeypatch.setattr(sys.modules[__name__], "EAGER", True)
    mended()


@pytest.mark.parametrize(("kind", "cure", "broken", "mended"), QUIET, ids=names(QUIET))
def test_a_model_that_runs_and_is_wrong_is_seen_and_its_cure_works(kind, cure, broken, mended):
    explanation = explain(*broken())
    assert (explanation.kind, cured(explanation, cure)) == (kind, True), explanation
    model, x, y = mended()
    assert not explain(model, x, y), explain(model, x, y)
    if y is not None:
        assert np.isfinite(loss_of(model, x, y))


def loss_of(model, x, y):
    return float(model.compute_loss(x, keras.ops.convert_to_tensor(y), model(x)))


def test_the_table_has_every_mistake_that_has_words():
    kinds = {row[0] for row in RAISES + QUIET}
    assert kinds == SAYS.keys() - {None, "unknown"}
    assert len(kinds) >= 40 and kinds > SILENT


# --- Right models -----------------------------------------------------------------------------------------


def body(rng, x):
    """A random body: maps come in, maps go out."""
    for _ in range(rng.integers(1, 3)):
        y = layers.Conv2D(4, 3, padding="same", activation=rng.choice(["relu", "elu"]))(x)
        y = rng.choice([layers.BatchNormalization(), layers.Dropout(0.1), layers.Identity()])(y)
        x = layers.Concatenate()([x, y]) if rng.random() < 0.3 else y
    return x


def right(seed):
    """A random model that is right, and its data: (model, x, y)."""
    rng = np.random.default_rng(seed)
    channels, count = int(rng.choice([1, 3])), int(rng.choice([2, 3, 10]))
    x = rng.random((6, 8, 8, channels)).astype("float32")
    inputs = out = Input((8, 8, channels))
    if seed % 4 == 0:
        x, out = (255 * x).astype(rng.choice(["uint8", "float32"])), layers.Rescaling(1 / 255)(out)
    out = body(rng, out)
    places = (6, 8, 8) if seed % 3 == 0 else (6,)
    if len(places) == 1:
        pools = [layers.Flatten, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D]
        out = pools[seed // 3 % 3]()(out)
    logits = bool(rng.random() < 0.5)
    task = rng.choice(["sparse", "one_hot", "binary", "labels", "number", "numbers"])
    units = {"binary": 1, "number": 1}.get(task, count)
    loss = {"sparse": "SparseCategoricalCrossentropy", "one_hot": "CategoricalCrossentropy",
            "number": rng.choice(["MeanSquaredError", "Huber"]), "numbers": "MeanAbsoluteError"}
    loss = getattr(keras.losses, loss.get(task, "BinaryCrossentropy"))
    classes = rng.integers(0, count, places)
    y = {"sparse": classes, "one_hot": np.eye(count)[classes], "binary": rng.integers(0, 2, (*places, 1)),
         "labels": rng.integers(0, 2, (*places, count)), "number": rng.normal(5, 3, (*places, 1)),
         "numbers": rng.normal(0, 1, (*places, count))}[task]
    if task in ("sparse", "binary", "number") and rng.random() < 0.5:
        y = y[..., None] if task == "sparse" else y[..., 0]
    measured = task.startswith("number")
    activation = None if measured or logits else "softmax" if task in ("sparse", "one_hot") else "sigmoid"
    out = layers.Dense(units)(out)
    if activation:
        out = layers.Activation(activation)(out)
    model = keras.Model(inputs, out)
    loss = loss() if measured else loss(from_logits=logits)
    if not measured and not logits and rng.random() < 0.5:
        loss = loss.name
    model.compile(loss=loss, optimizer="adam", metrics=["mae"] if measured else ["accuracy"])
    return model, x, y


def test_two_hundred_right_models_raise_no_alarm():
    alarms = {}
    for seed in range(200):
        model, x, y = right(seed)
        found = explain(model, x, y)
        if found:
            alarms[seed] = found.kind
        assert np.isfinite(loss_of(model, x, y))
    assert alarms == {}


@pytest.mark.parametrize("build", [lenet.lenet5, small.small_cnn, mobilenet.mobilenet,

                                   lambda: Own(conv()), lambda: keras.Sequential([layers.Dense(3)])])
def test_the_courses_own_models_raise_no_alarm(build):
    assert not explain(build())


# --- The object, the words, the notebook ------------------------------------------------------------------


def test_what_it_says_can_be_read_and_is_escaped():
    with pytest.raises(ValueError, match="negative") as caught:
        conv(4, 5, name="<b>wide")(Input((3, 3, 1)))
    found = explain(caught.value)
    assert found.layer == "<b>wide" and found.shapes == {"comes in": "(None, 3, 3, 1)"}
    assert "(3 − 5 + 0) / 1" in found.formula and "a window of 5×5" in repr(found)
    assert "&lt;b&gt;wide" in found._repr_html_() and "<b>wide" not in found._repr_html_()
    assert repr(found).splitlines()[-1].strip() == found.cures[-1]


def test_it_says_so_when_it_does_not_know():
    for error in (ValueError("nothing that Keras says"), ZeroDivisionError("division by zero")):
        assert explain(error).kind == "unknown" and str(error) in repr(explain(error))
    model = net()
    with pytest.raises(ValueError, match="weight") as caught:
        model.set_weights(net(5).get_weights())
    assert explain(caught.value).kind == "unknown" and not explain(caught.value).cures
    with pytest.raises(TypeError, match="Received: 3"):
        explain(3)


def test_an_earlier_error_is_not_taken_for_this_one():
    with pytest.raises(KeyError) as caught:
        try:
            conv(4, 5)(Input((3, 3, 1)))
        except ValueError:
            {}["another mistake"]
    assert explain(caught.value).kind == "unknown"


def test_the_model_that_is_explained_stays_as_it_is():
    model = compiled(net(10, None))
    before = [layer.get_config() for layer in model.layers], model.get_weights()
    assert explain(model, X, Y).kind == "logits"
    assert [layer.get_config() for layer in model.layers] == before[0]
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before[1], strict=True))
    assert layers.Dense(3).name == f"dense_{int(layers.Dense(3).name.split('_')[-1]) - 1}"  # no name used up


def test_in_a_notebook_it_stands_under_a_cell_that_fails(capsys):
    from IPython.core.interactiveshell import InteractiveShell

    explain_errors()  # outside a notebook: nothing
    shell = InteractiveShell.instance()
    try:
        fails = "from keras import Input, layers; layers.Conv2D(4, 5)(Input((3, 3, 1)))"
        for on in (True, False):
            shell.run_cell(f"from cvcourse import explain_errors; explain_errors({on})")
            capsys.readouterr()
            shell.run_cell(fails)
            text = capsys.readouterr().out
            assert "ValueError" in text and ("What helps" in text) == on
            shell.run_cell("1 / 0")
            assert "What helps" not in capsys.readouterr().out
    finally:
        InteractiveShell.clear_instance()
