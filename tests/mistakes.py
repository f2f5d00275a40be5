"""Mistakes that raise an error, for the tests of the shape doctor: a table, and what builds its models.

A row: what the mistake is called, how the cure begins, a function, what makes it wrong, what makes it right
(the cure, made by hand).
"""

import operator

import keras
import numpy as np
from keras import Input, layers

from cvcourse import training

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
]  # fmt: skip
