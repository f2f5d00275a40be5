"""The checks of lesson 07: features, a new classifier, two ways to freeze, batch norm, activation maps."""

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


def _features(model, image, scale=255.0, low=127, unit=128, batch=True, keep=False, training=False):
    """The vector before the classifier; the last arguments put in one mistake each."""
    x = (scale * np.asarray(image, "float32") - low) / unit
    body = model if keep else keras.Model(model.input, model.layers[-1].input)
    return np.asarray(body(x[None] if batch else x, training=training))[0]


_pixels = np.random.default_rng(3)

check_features = Exercise(
    solution=lambda model, image: _features(model, image),
    cases=[
        (_Classifier(4, 10), _pixels.random((8, 8, 3)).astype("float32")),
        (_Classifier(6, 7), _pixels.random((8, 8, 3)).astype("float32") / 3),
    ],
    mistakes={
        "forget the range: the network learned with (255 · image − 127) / 128, not with 0 to 1": (
            lambda model, image: _features(model, image, 1.0, 0, 1)
        ),
        "forget to bring 0…1 to 0…255 before you subtract 127": (
            lambda model, image: _features(model, image, 1.0)
        ),
        "stop at 0…255: subtract 127 and divide by 128 as well": (
            lambda model, image: _features(model, image, 255.0, 0, 1)
        ),
        "forget the batch axis: a network takes a collection of images (N, H, W, C)": (
            lambda model, image: _features(model, image, batch=False)
        ),
        "keep the softmax over the old classes: stop one layer earlier, at model.layers[-1].input": (
            lambda model, image: _features(model, image, keep=True)
        ),
        "run the base in training mode: batch norm then takes the statistics of this one image": (
            lambda model, image: _features(model, image, training=True)
        ),
        "leave the batch axis in the answer: one image, one vector, so take [0]": (
            lambda model, image: _features(model, image)[None]
        ),
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


def _with_classifier(base, classes, reduce=True, activation="softmax", maps=None):
    x = base.output if maps is None else maps
    x = layers.GlobalAveragePooling2D()(x) if reduce else x
    return keras.Model(base.input, layers.Dense(classes, activation, name="classifier")(x))


def _frozen_base(base, classes):
    base.trainable = False
    return _with_classifier(base, classes)


def _softmax_twice(base, classes):
    model = _with_classifier(base, classes)
    return keras.Model(model.input, layers.Softmax()(model.output))


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
        "put Dense on the maps as they are: it works on the last axis, so reduce or flatten first": (
            lambda base, classes: _with_classifier(base, classes, reduce=False)
        ),
        "take sigmoid: N separate yes-or-no answers, where softmax shares out one whole": (
            lambda base, classes: _with_classifier(base, classes, activation="sigmoid")
        ),
        "leave out the activation: the outputs are scores, not probabilities": (
            lambda base, classes: _with_classifier(base, classes, activation=None)
        ),
        "take softmax twice: the second one makes all classes nearly equal": _softmax_twice,
        "return the base without a classifier": lambda base, classes: base,
        "keep ImageNet's 1000 classes": lambda base, classes: _with_classifier(base, 1000),
        "cut the base after its first block: start from base.output": lambda base, classes: _with_classifier(
            base, classes, maps=base.get_layer("block1_pool").output
        ),
        "freeze the base, too: here only the classifier is new, freezing comes next": _frozen_base,
    },
    verified="a new classifier on two networks, for 10 and for 2 classes",
    observe=_classifier_facts,
    prepare=_prepare,
)


def _freeze(model, frozen):
    """Freeze the layers for which `frozen(layer, index)` is true, and no others; return the model."""
    for index, layer in enumerate(model.layers):
        layer.trainable = not frozen(layer, index)
    return model


def _switch_off(model):
    model.trainable = False
    model.layers[-1].trainable = True
    return model


def _learning(model):
    """What would learn: the layers with weights in `model.trainable_weights`, and the model's own switch."""
    if not isinstance(model, keras.Model):
        return model
    learning = {id(weight) for weight in model.trainable_weights}
    names = [layer.name for layer in model.layers if any(id(weight) in learning for weight in layer.weights)]
    return {"layers that learn": names, "model.trainable": model.trainable}


check_freeze_base = Exercise(
    solution=lambda model: _freeze(model, lambda layer, index: index < len(model.layers) - 1),
    cases=[(_Network(2, True),), (_Network(3, True),)],
    mistakes={
        "freeze every layer, the new classifier too: nothing is left that could learn": (
            lambda model: _freeze(model, lambda layer, index: True)
        ),
        "switch off the whole model: model.trainable = False wins over what its layers say": _switch_off,
        "freeze the classifier and train the rest: the other way round": (
            lambda model: _freeze(model, lambda layer, index: index == len(model.layers) - 1)
        ),
        "set trainable = True: that freezes nothing": (
            lambda model: _freeze(model, lambda layer, index: False)
        ),
        "freeze the convolutions only: batch norm learns on": (
            lambda model: _freeze(model, lambda layer, index: isinstance(layer, layers.Conv2D))
        ),
    },
    verified="only the classifier learns, in two networks",
    observe=_learning,
    prepare=_prepare,
)


def _in_first_blocks(layer, blocks):
    return layer.name.startswith(tuple(f"block{n}_" for n in range(1, blocks + 1)))


check_freeze_blocks = Exercise(
    solution=lambda model, blocks: _freeze(model, lambda layer, index: _in_first_blocks(layer, blocks)),
    cases=[(_Network(3, True), 1), (_Network(4, True), 3), (_Network(2, True), 0), (_Network(10, True), 1)],
    mistakes={
        "count layers instead of blocks: model.layers[:n] starts with the input": (
            lambda model, blocks: _freeze(model, lambda layer, index: index < blocks)
        ),
        "freeze the first five layers, whatever was asked for": (
            lambda model, blocks: _freeze(model, lambda layer, index: index < 5)
        ),
        "write block1 without its underscore: the name of block 10 begins with it, too": (
            lambda model, blocks: _freeze(
                model,
                lambda layer, index: layer.name.startswith(tuple(f"block{n}" for n in range(1, blocks + 1))),
            )
        ),
        "freeze one block only, the last of those asked for": lambda model, blocks: _freeze(
            model, lambda layer, index: layer.name.startswith(f"block{blocks}_")
        ),
        "freeze the convolutions only: batch norm learns on": lambda model, blocks: _freeze(
            model, lambda layer, index: _in_first_blocks(layer, blocks) and isinstance(layer, layers.Conv2D)
        ),
        "freeze all the others: the first blocks are the ones that stay as they are": (
            lambda model, blocks: _freeze(model, lambda layer, index: not _in_first_blocks(layer, blocks))
        ),
    },
    verified="one, three and no blocks frozen, batch norm included, and one of ten",
    observe=_learning,
    prepare=_prepare,
)

# --- Exercise 5: the moving mean of batch norm ------------------------------------------------


def _moving_mean(moving, images, momentum, trainable, training):
    if not (trainable and training):
        return moving
    return momentum * moving + (1 - momentum) * images.mean(axis=(0, 1, 2))


_rng = np.random.default_rng(7)
_images = _rng.integers(0, 5, (2, 2, 2, 3)).astype("float32")
_moving = np.array([0.0, 1.0, 2.0], "float32")

check_moving_mean = Exercise(
    solution=_moving_mean,
    cases=[(_moving, _images, 0.9, *modes) for modes in itertools.product((True, False), repeat=2)],
    mistakes={
        "swap the two shares: momentum belongs to the old mean": (
            lambda moving, images, momentum, *modes: _moving_mean(moving, images, 1 - momentum, *modes)
        ),
        "let a frozen layer collect statistics: trainable=False also switches it to inference": (
            lambda moving, images, momentum, trainable, training: _moving_mean(
                moving, images, momentum, True, training
            )
        ),
        "collect statistics outside training: training=False only uses them": (
            lambda moving, images, momentum, trainable, training: _moving_mean(
                moving, images, momentum, trainable, True
            )
        ),
        "write or for and: both switches must be on": (
            lambda moving, images, momentum, trainable, training: _moving_mean(
                moving, images, momentum, trainable or training, True
            )
        ),
        "forget (1 − momentum): the mean of the batch is added whole": (
            lambda moving, images, momentum, *modes: (
                momentum * moving + images.mean(axis=(0, 1, 2)) if all(modes) else moving
            )
        ),
        "take the mean of the batch alone: the old mean is forgotten": (
            lambda moving, images, momentum, *modes: _moving_mean(moving, images, 0.0, *modes)
        ),
        "average over the images only: a channel has one mean for all its pixels": (
            lambda moving, images, momentum, trainable, training: (
                momentum * moving + (1 - momentum) * images.mean(axis=0) if trainable and training else moving
            )
        ),
    },
    verified="trained, frozen, in training and outside: all four cases",
)

# --- Exercise 6: a class activation map --------------------------------------------------------


def _activation_map(maps, weights, class_index, shares=lambda x: x, positive=True, scale=True):
    """Where maps speak for a class; the last arguments put in one mistake each."""
    heat = shares(maps * weights[:, class_index]).sum(axis=-1)
    heat = np.maximum(heat, 0) if positive else heat
    return heat / max(heat.max(), 1e-12) if scale else heat


_maps = _rng.normal(0.5, 1, (3, 4, 5)).clip(0).astype("float32")
_weights = _rng.normal(0, 1, (5, 5)).astype("float32")

check_class_activation_map = Exercise(
    solution=lambda maps, weights, class_index: _activation_map(maps, weights, class_index),
    cases=[(_maps, _weights, 0), (_maps, _weights, 3), (_maps[:2], -np.abs(_weights), 1)],
    mistakes={
        "leave out the ReLU: what speaks against the class is not part of the map": (
            lambda maps, weights, class_index: _activation_map(maps, weights, class_index, positive=False)
        ),
        "leave out the scale: the largest value must be 1": (
            lambda maps, weights, class_index: _activation_map(maps, weights, class_index, scale=False)
        ),
        "cut each map's share at zero before you add them up": lambda maps, weights, class_index: (
            _activation_map(maps, weights, class_index, shares=lambda share: np.maximum(share, 0))
        ),
        "take a row of the weights: the weights of a class stand in its column": (
            lambda maps, weights, class_index: _activation_map(maps, weights.T, class_index)
        ),
        "forget the weights: the sum of all maps is the same for every class": (
            lambda maps, weights, class_index: _activation_map(maps, np.ones_like(weights), class_index)
        ),
        "divide by zero where nothing speaks for the class": lambda maps, weights, class_index: (
            (lambda heat: heat / heat.max())(_activation_map(maps, weights, class_index, scale=False))
        ),
    },
    verified="two classes, and one for which nothing speaks",
)
