"""The checks of lesson 07: features, a new classifier, two ways to freeze, batch norm, activation maps."""

import functools
import itertools
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from cvcourse.exercises.checking import Exercise

# --- Exercise 1: prepare an image, reuse the layers before the classifier ----------------------


class _Classifier(NamedTuple):
    """Stands for a small trained classifier in a case; `_prepare` builds it anew for each call."""

    channels: int
    classes: int

    def __repr__(self):
        return f"a trained classifier of {self.classes} classes"


def _trained(network):
    """A small classifier with statistics of its own: images (N, 8, 8, 3) to probabilities."""
    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(network.channels, 3, name="conv", bias_initializer="ones")(x)
    x = layers.BatchNormalization(name="norm", moving_mean_initializer="ones")(x)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    return keras.Model(inputs, layers.Dense(network.classes, "softmax", name="old_classifier")(x))


def _features(
    model, image, scale=255.0, low=127, unit=128, batched=lambda x: x[None],
    body=lambda model: keras.Model(model.input, model.layers[-1].input), training=False, first=lambda x: x[0],
):  # fmt: skip
    x = (scale * np.asarray(image, "float32") - low) / unit
    return first(np.asarray(body(model)(batched(x), training=training)))


_pixels = np.random.default_rng(3)

check_features = Exercise(
    solution=_features,
    cases=[
        (_Classifier(4, 10), _pixels.random((8, 8, 3)).astype("float32")),
        (_Classifier(6, 7), _pixels.random((8, 8, 3)).astype("float32") / 3),
    ],
    mistakes={
        "forget the range: the network learned with (255 · image − 127) / 128, not with 0 to 1": {
            "scale": 1.0,
            "low": 0,
            "unit": 1,
        },
        "forget to bring 0…1 to 0…255 before you subtract 127": {"scale": 1.0},
        "stop at 0…255: subtract 127 and divide by 128 as well": {"low": 0, "unit": 1},
        "forget the batch axis: a network takes a collection of images (N, H, W, C)": {"batched": np.asarray},
        "keep the softmax over the old classes: stop one layer earlier, at model.layers[-1].input": {
            "body": lambda model: model
        },
        "run the base in training mode: batch norm then takes the statistics of this one image": {
            "training": True
        },
        "leave the batch axis in the answer: one image, one vector, so take [0]": {"first": np.asarray},
    },
    verified="range, batch axis, no old classifier, inference mode, for two networks",
    prepare=lambda case: (_trained(case[0]), case[1].copy()),
    tolerance=1e-4,
)

# --- Exercises 2 to 4: models ----------------------------------------------------------------


class _Network(NamedTuple):
    """Stands for a small network in a case; `_prepare` builds it anew for each call."""

    blocks: int
    whole: bool  # with a classifier, or without

    def __repr__(self):
        return f"a network of {self.blocks} blocks, {'with a' if self.whole else 'without'} classifier"


def _prepare(case):
    network, *others = case
    base = _base(network.blocks)
    return (_with_classifier(base, 5) if network.whole else base, *others)


def _base(blocks):
    """A small network in the form of VGG without its top: `block{n}_conv1`, `_norm1`, `_pool`."""
    x = inputs = keras.Input((16, 16, 3))
    for block in range(1, blocks + 1):
        x = layers.Conv2D(4, 3, padding="same", name=f"block{block}_conv1")(x)
        x = layers.BatchNormalization(name=f"block{block}_norm1")(x)
        x = layers.MaxPooling2D(padding="same", name=f"block{block}_pool")(x)
    return keras.Model(inputs, x)


def _with_classifier(
    base, classes, end=lambda base: base.output, reduce=layers.GlobalAveragePooling2D, activation="softmax",
    frozen=False,
):  # fmt: skip
    base.trainable = not frozen
    x = reduce()(end(base))
    return keras.Model(base.input, layers.Dense(classes, activation, name="classifier")(x))


def _inner(model):
    """Return the layers of a model and of the models in it, in their order."""
    nested = [_inner(layer) if isinstance(layer, keras.Model) else [layer] for layer in model.layers]
    return list(itertools.chain.from_iterable(nested))


def _classifier_facts(model):
    """What counts of a model with a new classifier, however it is built: nested, Sequential, Flatten …"""
    if not isinstance(model, keras.Model):
        return model
    inner = [layer for layer in _inner(model) if layer.weights]
    blocks = [layer for layer in inner if layer.name.startswith("block")]
    images = np.random.default_rng(0).normal(size=(3, 16, 16, 3)).astype("float32")
    whole = np.allclose(np.asarray(model(images, training=False)).sum(axis=-1), 1, atol=1e-3)
    inner[-1].kernel.assign(1e4 * inner[-1].kernel)  # scores far apart: one softmax must be sure of itself
    rows = np.asarray(model(images, training=False))
    return {
        "output shape": str(model.output_shape),
        "each row sums to 1": bool(whole),
        "all from 0 to 1": bool(rows.min() >= 0 and rows.max() < 1.001),
        "sure where the scores are far apart": bool(whole and rows.max() > 0.9),
        "layers of the base": [layer.name for layer in blocks],
        "of them can learn": any(layer.trainable_weights for layer in blocks),
    }


check_new_classifier = Exercise(
    solution=_with_classifier,
    cases=[(_Network(2, False), 10), (_Network(3, False), 2)],
    mistakes={
        "put Dense on the maps as they are: it works on the last axis, so reduce or flatten first": {
            "reduce": layers.Identity
        },
        "take sigmoid: N separate yes-or-no answers, where softmax shares out one whole": {
            "activation": "sigmoid"
        },
        "leave out the activation: the outputs are scores, not probabilities": {"activation": None},
        "take softmax twice: the second one makes all classes nearly equal": {
            "activation": lambda scores: keras.ops.softmax(keras.ops.softmax(scores))
        },
        "return the base without a classifier": lambda base, classes: base,
        "keep ImageNet's 1000 classes": lambda base, classes: _with_classifier(base, 1000),
        "cut the base after its first block: start from base.output": {
            "end": lambda base: base.get_layer("block1_pool").output
        },
        "freeze the base, too: here only the classifier is new, freezing comes next": {"frozen": True},
    },
    verified="a new classifier on two networks, for 10 and for 2 classes",
    observe=_classifier_facts,
    prepare=_prepare,
)


def _freeze(model, *blocks, frozen, whole=False):
    """Freeze the layers for which `frozen(layer, its place, *blocks)` is true, and no others."""
    model.trainable = not whole
    for place, layer in enumerate(model.layers):
        layer.trainable = not frozen(layer, place, *blocks)
    return model


def _learning(model):
    """What would learn: the layers with weights in `model.trainable_weights`, and the model's own switch."""
    if not isinstance(model, keras.Model):
        return model
    learning = {id(weight) for weight in model.trainable_weights}
    names = [layer.name for layer in model.layers if any(id(weight) in learning for weight in layer.weights)]
    return {"layers that learn": names, "model.trainable": model.trainable}


check_freeze_base = Exercise(
    solution=functools.partial(_freeze, frozen=lambda layer, _: layer.name != "classifier"),
    cases=[(_Network(2, True),), (_Network(3, True),)],
    mistakes={
        "freeze every layer, the new classifier too: nothing is left that could learn": {
            "frozen": lambda layer, _: True
        },
        "switch off the whole model: model.trainable = False wins over what its layers say": {"whole": True},
        "freeze the classifier and train the rest: the other way round": {
            "frozen": lambda layer, _: layer.name == "classifier"
        },
        "set trainable = True: that freezes nothing": {"frozen": lambda layer, _: False},
        "freeze the convolutions only: batch norm learns on": {
            "frozen": lambda layer, _: isinstance(layer, layers.Conv2D)
        },
    },
    verified="only the classifier learns, in two networks",
    observe=_learning,
    prepare=_prepare,
)


def _in_first_blocks(layer, _, blocks):
    return layer.name.startswith(tuple(f"block{n}_" for n in range(1, blocks + 1)))


check_freeze_blocks = Exercise(
    solution=functools.partial(_freeze, frozen=_in_first_blocks),
    cases=[(_Network(3, True), 1), (_Network(4, True), 3), (_Network(2, True), 0), (_Network(10, True), 1)],
    mistakes={
        "count layers instead of blocks: model.layers[:n] starts with the input": {
            "frozen": lambda layer, place, blocks: place < blocks
        },
        "freeze the first five layers, whatever was asked for": {
            "frozen": lambda layer, place, blocks: place < 5
        },
        "write block1 without its underscore: the name of block 10 begins with it, too": {
            "frozen": lambda layer, _, n: layer.name.startswith(tuple(f"block{k + 1}" for k in range(n)))
        },
        "freeze one block only, the last of those asked for": {
            "frozen": lambda layer, _, blocks: layer.name.startswith(f"block{blocks}_")
        },
        "freeze the convolutions only: batch norm learns on": {
            "frozen": lambda layer, *at: _in_first_blocks(layer, *at) and isinstance(layer, layers.Conv2D)
        },
        "freeze all the others: the first blocks are the ones that stay as they are": {
            "frozen": lambda *layer: not _in_first_blocks(*layer)
        },
    },
    verified="one, three and no blocks frozen, batch norm included, and one of ten",
    observe=_learning,
    prepare=_prepare,
)

# --- Exercise 5: the moving mean of batch norm ------------------------------------------------


def _moving_mean(
    moving, images, momentum, trainable, training,
    learns=lambda trainable, training: trainable and training, shares=lambda m: (m, 1 - m), axes=(0, 1, 2),
):  # fmt: skip
    old, new = shares(momentum)
    return old * moving + new * images.mean(axis=axes) if learns(trainable, training) else moving


_rng = np.random.default_rng(7)
_images = _rng.integers(0, 5, (2, 2, 2, 3)).astype("float32")
_moving = np.array([0.0, 1.0, 2.0], "float32")

check_moving_mean = Exercise(
    solution=_moving_mean,
    cases=[(_moving, _images, 0.9, *modes) for modes in itertools.product((True, False), repeat=2)],
    mistakes={
        "swap the two shares: momentum belongs to the old mean": {"shares": lambda m: (1 - m, m)},
        "let a frozen layer collect statistics: trainable=False also switches it to inference": {
            "learns": lambda trainable, training: training
        },
        "collect statistics outside training: training=False only uses them": {
            "learns": lambda trainable, training: trainable
        },
        "write or for and: both switches must be on": {
            "learns": lambda trainable, training: trainable or training
        },
        "forget (1 − momentum): the mean of the batch is added whole": {"shares": lambda m: (m, 1)},
        "take the mean of the batch alone: the old mean is forgotten": {"shares": lambda m: (0, 1)},
        "average over the images only: a channel has one mean for all its pixels": {"axes": 0},
    },
    verified="trained, frozen, in training and outside: all four cases",
)

# --- Exercise 6: a class activation map --------------------------------------------------------


def _activation_map(
    maps, weights, class_index,
    of_class=lambda weights, k: weights[:, k], each=np.asarray, relu=lambda heat: np.maximum(heat, 0),
    largest=lambda heat: max(heat.max(), 1e-12),
):  # fmt: skip
    heat = relu(each(maps * of_class(weights, class_index)).sum(axis=-1))
    return heat / largest(heat)


_maps = _rng.normal(0.5, 1, (3, 4, 5)).clip(0).astype("float32")
_weights = _rng.normal(0, 1, (5, 5)).astype("float32")

check_class_activation_map = Exercise(
    solution=_activation_map,
    cases=[(_maps, _weights, 0), (_maps, _weights, 3), (_maps[:2], -np.abs(_weights), 1)],
    mistakes={
        "leave out the ReLU: what speaks against the class is not part of the map": {"relu": np.asarray},
        "leave out the scale: the largest value must be 1": {"largest": lambda heat: 1},
        "cut each map's share at zero before you add them up": {"each": lambda share: np.maximum(share, 0)},
        "take a row of the weights: the weights of a class stand in its column": {
            "of_class": lambda weights, k: weights[k]
        },
        "forget the weights: the sum of all maps is the same for every class": {
            "of_class": lambda weights, k: np.ones_like(weights[:, k])
        },
        "divide by zero where nothing speaks for the class": {"largest": np.max},
    },
    verified="two classes, and one for which nothing speaks",
)
