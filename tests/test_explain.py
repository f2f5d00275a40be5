"""The shape doctor: a table of typical mistakes is the test, and 200 right models keep it silent.

A row: what the mistake is called, how the cure begins, a function, what makes it wrong, what makes it right
(the cure, made by hand). What raises must not raise any more. What is wrong in silence (functions that return
model, x, y) must be found, and after the cure there must be nothing to find and a loss that is a number.
"""

import operator
import sys

import keras
import numpy as np
import pytest
from keras import Input, layers

from cvcourse import explain, explain_errors, training
from cvcourse.explaining import SILENT
from cvcourse.explaining.words import SAYS
from cvcourse.models import cnn, lenet, mobilenet

rng = np.random.default_rng(0)
X = rng.random((12, 8, 8, 1), "float32")
Y = np.arange(12) % 10
ONE_HOT = np.eye(10)[Y]
YES = np.arange(12) % 2
PRICE = rng.normal(100, 20, 12)
WORDS = np.array(["cat", "dog"] * 6)
ROWS, NINE = np.zeros((4, 3)), np.zeros((2, 9, 9, 1))
RGB, RGBA, FIRST = np.zeros((2, 8, 8, 3)), np.zeros((2, 8, 8, 4)), np.zeros((2, 3, 8, 8))
SCE, CE, BCE = "sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy"
SPARSE_LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
BINARY_LOGITS = keras.losses.BinaryCrossentropy(from_logits=True)


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


def as_it_is(x):
    return x


def top():
    return layers.Dense(10, activation="softmax")


def pools(count, shape=(8, 8, 1)):
    return stack(*[layers.MaxPooling2D() for _ in range(count)], shape=shape)


def colours(x):
    return predict(stack(conv(), shape=(8, 8, 3)), x)


def two_models(second):
    optimizer = keras.optimizers.SGD(0.1)
    for rate in (optimizer, second or optimizer):
        model = net()
        model.compile(loss=SCE, optimizer=rate)
        model.fit(X, Y, verbose=0)


def joined(join, *shapes, first=as_it_is, last=as_it_is):
    a, b = map(Input, shapes)
    return join([first(a), last(b)])


def shared(anew):
    layer = layers.Dense(2)
    layer(Input((4,)))
    return (layers.Dense(2) if anew else layer)(Input((5,)))


def counted(shape):
    model = keras.Sequential([conv()])
    if shape:
        model.build(shape)
    return model.count_params()


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


RAISES = [
    # labels, loss, outputs
    ("missing_flatten", "layers.Flatten()", lambda flat: fit(stack(conv(), *flat, top())),
     [], [layers.Flatten()]),
    ("missing_flatten", "layers.GlobalAveragePooling2D()",
     lambda pool: fit(stack(conv(), *pool, top()), CE, y=ONE_HOT), [], [layers.GlobalAveragePooling2D()]),
    ("one_hot_labels", 'loss="categorical', lambda loss: fit(net(), loss, y=ONE_HOT), SCE, CE),
    ("one_hot_labels", "y = y.argmax", lambda y: training.fit(compiled(net()), X, y, epochs=1, verbose=0),
     ONE_HOT, ONE_HOT.argmax(axis=-1)),
    ("number_labels", 'loss="sparse', lambda loss: fit(net(), loss), CE, SCE),
    ("number_labels", "y = keras.utils.to_categorical(y, 10)", lambda y: fit(net(), CE, y=y),
     Y, keras.utils.to_categorical(Y, 10)),
    ("outputs", "units=10", lambda units: fit(net(units)), 5, 10),
    ("outputs", "units=10", lambda units: fit(net(units), CE, y=ONE_HOT), 5, 10),
    ("outputs", "units=2", lambda units: fit(net(units, None), "mse", y=np.zeros((12, 2))), 3, 2),
    ("labels_from_one", "y = y - 1", lambda y: fit(net(), y=y), Y + 1, Y + 1 - 1),
    ("label_strings", "classes, y = np.unique", lambda y: fit(net(), y=y),
     WORDS, np.unique(WORDS, return_inverse=True)[1]),
    ("number_of_outputs", None, heads, np.zeros(4), [np.zeros(4), np.zeros(4)]),
    ("output_names", "loss={'top':", lambda name: fit(functional(), {name: SCE}), "head", "top"),
    ("output_names", "loss='sparse", lambda loss: fit(net(), loss), {"head": SCE}, SCE),
    ("not_compiled", f'model.compile(loss="{SCE}"', lambda start: start(net()).fit(X, Y, verbose=0),
     as_it_is, compiled),
    ("not_compiled", "model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True)",
     lambda start: start(net(1, None)).fit(X, YES, verbose=0),
     as_it_is, lambda model: compiled(model, BINARY_LOGITS)),
    ("optimizer_twice", "optimizer=keras.optimizers.SGD(0.1)", two_models, None, keras.optimizers.SGD(0.1)),
    # data
    ("lists", "x, y = np.array(x)", lambda form: fit(net(), x=form(X.tolist()), y=form(Y.tolist())),
     list, np.array),
    ("lengths", "x, y = x[:7]", lambda count: fit(net(), x=X[:count], y=Y[:7]), 12, 7),
    ("no_batch_axis", "x = x[np.newaxis]", lambda x: predict(net(), x), X[0], X[0][np.newaxis]),
    ("no_batch_axis", "x = x[np.newaxis]", lambda x: net(shape=(8, 8, 3))(x), RGB[0], RGB[0][np.newaxis]),
    ("channels_first", "x = np.moveaxis(x, 1, -1)", colours, FIRST, np.moveaxis(FIRST, 1, -1)),
    ("channels", "x = np.repeat(x, 3, axis=-1)", colours, X, np.repeat(X, 3, axis=-1)),
    ("channels", "x = x[..., :3]", colours, RGBA, RGBA[..., :3]),
    ("channels", "x = x.mean", lambda x: predict(stack(conv()), x), RGB, RGB.mean(axis=-1, keepdims=True)),
    ("other_size", "x = keras.ops.image.resize(x, (8, 8))", lambda x: predict(net(), x),
     NINE, keras.ops.image.resize(NINE, (8, 8))),
    ("other_size", "keras.Input((9, 9, 1))", lambda size: predict(net(shape=(size, size, 1)), NINE), 8, 9),
    ("not_flat", "x = x.reshape(len(x), -1)", lambda x: predict(stack(layers.Dense(3), shape=(192,)), x),
     RGB, RGB.reshape(2, -1)),
    ("flat", "x = x.reshape(-1, 8, 8, 3)", colours, RGB.reshape(2, -1), RGB.reshape(-1, 8, 8, 3)),
    ("input_shape", "keras.Input((5,))",
     lambda size: predict(stack(layers.Dense(3), shape=(size,)), np.zeros((2, 5))), 4, 5),
    ("number_of_inputs", None, sums, ROWS, [ROWS, ROWS]),
    # layers
    ("window_too_large", 'padding="same"',
     lambda padding: stack(conv(4, 5, padding=padding), shape=(3, 3, 1)), "valid", "same"),
    ("window_too_large", "kernel_size=2", lambda size: conv(4, size)(Input((2, 2, 1))), 3, 2),
    ("pool_to_nothing", "leave out", pools, 4, 3),
    ("pool_to_nothing", "keras.Input((16, 16, 1))", lambda shape: pools(4, shape), (8, 8, 1), (16, 16, 1)),
    ("no_channel_axis", "keras.Input((8, 8, 1))", lambda shape: stack(conv(), shape=shape),
     (8, 8), (8, 8, 1)),
    ("no_channel_axis", "layers.Reshape((8, 8, 1))", lambda first: conv()(first(Input((8, 8)))),
     as_it_is, layers.Reshape((8, 8, 1))),
    ("batch_in_input", "keras.Input((8, 8, 1))", lambda shape: stack(conv(), shape=shape),
     (12, 8, 8, 1), (8, 8, 1)),
    ("flatten_too_early", "leave out", lambda first: stack(*first, conv()), [layers.Flatten()], []),
    ("flatten_too_early", "leave out", lambda first: to_vector(*first, conv()), [layers.Flatten()], []),
    ("flat_input", "layers.Reshape((8, 8, 1))", lambda first: stack(*first, conv(), shape=(64,)),
     [], [layers.Reshape((8, 8, 1))]),
    ("flat_input", "layers.Reshape((8, 8, 1))", lambda first: fit(Own(first)),
     layers.Flatten(), layers.Reshape((8, 8, 1))),
    ("time_distributed", "layers.Conv2D(", lambda over: stack(over(conv())),
     layers.TimeDistributed, as_it_is),
    ("unequal_maps", "x = layers.Cropping2D(((0, 1)",
     lambda last: joined(layers.Concatenate(), (6, 6, 2), (7, 7, 2), last=last),
     as_it_is, layers.Cropping2D(((0, 1), (0, 1)))),
    ("unequal_maps", "x = layers.UpSampling2D(2)",
     lambda first: joined(layers.Concatenate(), (8, 8, 2), (16, 16, 2), first=first),
     as_it_is, layers.UpSampling2D(2)),
    ("unequal_maps", 'padding="same"  # in "left"', branch, "valid", "same"),
    ("unequal_maps", "x = layers.Conv2D(8, 1, strides=2)",
     lambda first: joined(layers.Add(), (8, 8, 4), (4, 4, 8), first=first), as_it_is, conv(8, 1, strides=2)),
    ("other_channels", "x = layers.Conv2D(8, 1)",
     lambda first: joined(layers.Add(), (8, 8, 4), (8, 8, 8), first=first), as_it_is, conv(8, 1)),
    ("other_channels", "x = layers.Conv2D(8, 1)", lambda first: first(Input((8, 8, 4))) + Input((8, 8, 8)),
     as_it_is, conv(8, 1)),
    ("merge_of_one", "x = layers.Add()([a, b])", lambda inputs: layers.Add()(inputs),
     Input((3,)), [Input((3,)), Input((3,))]),
    ("list_for_one", "x = layers.Concatenate()",
     lambda join: layers.Dense(2)(join([Input((3,)), Input((3,))])), as_it_is, layers.Concatenate()),
    ("reshape", "layers.Reshape((5, 5, 4))", lambda shape: stack(layers.Reshape(shape), shape=(100,)),
     (7, 7, 2), (5, 5, 4)),
    ("reshape", "units=98", lambda n: stack(layers.Dense(n), layers.Reshape((7, 7, 2)), shape=(5,)), 100, 98),
    ("groups", "groups=1", lambda groups: stack(conv(8, groups=groups), shape=(8, 8, 3)), 4, 1),
    ("axis", "axis=-1", lambda axis: stack(layers.BatchNormalization(axis=axis)), 4, -1),
    ("cropping", "cropping=3", lambda cropping: stack(layers.Cropping2D(cropping)), 5, 3),
    ("open_size", "layers.GlobalAveragePooling2D()",
     lambda pool: stack(pool(), layers.Dense(3), shape=(None, None, 3)),
     layers.Flatten, layers.GlobalAveragePooling2D),
    ("other_size", "layers.Resizing(8, 8)", lambda first: net(shape=(8, 8, 3))(first(Input((16, 16, 3)))),
     as_it_is, layers.Resizing(8, 8)),
    ("other_size", "input_shape=(16, 16, 3)",
     lambda size: net(shape=(size, size, 3))(Input((16, 16, 3))), 8, 16),
    ("used_before", "layers.Dense(", shared, False, True),
    # names, arguments, values
    ("argument", "learning_rate=0.1", lambda name: keras.optimizers.Adam(**{name: 0.1}),
     "lr", "learning_rate"),
    ("argument", "strides=2", lambda name: conv(4, 3, **{name: 2}), "stride", "strides"),
    ("missing_argument", "kernel_size=3", lambda given: layers.Conv2D(32, **given), {}, {"kernel_size": 3}),
    ("value", "strides=1", lambda strides: conv(strides=strides), 0, 1),
    ("value", "padding='same'", lambda padding: conv(padding=padding), "sames", "same"),
    ("value", "padding='valid'", lambda padding: conv(padding=padding), -1, "valid"),
    ("value", "rate=0.5", layers.Dropout, 50, 0.5),
    ("value", "filters=12", lambda filters: conv(filters, groups=4), 10, 12),
    ("name", 'activation="relu"', lambda name: layers.Dense(3, name), "rellu", "relu"),
    ("name", f'loss="{SCE}"', lambda loss: fit(net(), loss), "sparse_categorical_crossentropie", SCE),
    ("name", 'metrics=["accuracy"]', lambda name: fit(net(), metrics=[name]), "acuracy", "accuracy"),
    ("name", 'optimizer="adam"', lambda name: net().compile(loss=SCE, optimizer=name), "adamm", "adam"),
    ("name", "layers.Conv2D", lambda name: getattr(layers, name)(4, 3), "Conv2d", "Conv2D"),
    ("input_tuple", "keras.Input((28, 28, 1))", lambda given: Input(*given), (28, 28, 1), [(28, 28, 1)]),
    ("image_too_small", "input_shape=(32, 32, 3)",
     lambda size: keras.applications.VGG16(weights=None, input_shape=(size, size, 3), include_top=False),
     20, 32),
    ("layer_not_called", "layers.Flatten(…)(x)", lambda call: layers.Dense(3)(call(layers.Flatten())),
     as_it_is, lambda flatten: flatten(Input((8, 8, 1)))),
    ("layer_not_called", "layers.Dense(…)(x)",
     lambda end: keras.Model(x := Input((3,)), end(layers.Dense(3), x)),
     lambda layer, x: layer, lambda layer, x: layer(x)),
    ("symbol", "keras.ops.mean(", operator.call,
     lambda: np.mean(Input((3,))), lambda: keras.ops.mean(Input((3,)))),
    ("not_connected", "keras.Model(keras.utils.get_source", model_of, True, False),
    ("not_built", "model.build((None, 28, 28, 1))", counted, None, (None, 28, 28, 1)),
]


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
]
COLUMNS = "kind", "cure", "build", "wrong", "right"


def names(rows):
    return [f"{kind}-{place}" for place, (kind, *_) in enumerate(rows)]


def cured(explanation, cure):
    return (not explanation.cures) if cure is None else any(one.startswith(cure) for one in explanation.cures)


@pytest.mark.parametrize(COLUMNS, RAISES, ids=names(RAISES))
def test_an_error_is_explained_and_its_cure_works(kind, cure, build, wrong, right, monkeypatch):
    with pytest.raises(Exception) as caught:  # each row has its own
        build(wrong)
    explanation = explain(caught.value)
    assert (explanation.kind, cured(explanation, cure)) == (kind, True), explanation
    monkeypatch.setattr(sys.modules[__name__], "EAGER", True)
    build(right)


@pytest.mark.parametrize(COLUMNS, QUIET, ids=names(QUIET))
def test_a_model_that_runs_and_is_wrong_is_seen_and_its_cure_works(kind, cure, build, wrong, right):
    explanation = explain(*build(wrong))
    assert (explanation.kind, cured(explanation, cure)) == (kind, True), explanation
    model, x, y = build(right)
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
        y = rng.choice([layers.BatchNormalization, lambda: layers.Dropout(0.1), layers.Identity])()(y)
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


@pytest.mark.parametrize("build", [lenet.lenet5, cnn.small_cnn, mobilenet.mobilenet,
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
    assert "e^z / e^z = 1" in repr(explain(*asked(1, "softmax", BCE, YES)))


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
