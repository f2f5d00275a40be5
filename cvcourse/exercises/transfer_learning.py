"""The checks of lesson 07: counting VGG16, a new classifier, two ways to freeze, frozen batch norm."""

import itertools
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from cvcourse.exercises.checking import Exercise

# --- Exercise 1: the parameters of a VGG network ---------------------------------------------


def _count(blocks, size, neurons, depth=3, biases=True, conv=None, flat=None):
    """Parameters of a VGG network; the last arguments put in one mistake each."""
    conv = conv or (lambda d, k: 3 * 3 * d * k)
    total = 0
    for filters, convolutions in blocks:
        for _ in range(convolutions):
            total += conv(depth, filters) + biases * filters
            depth = filters
        size //= 2
    inputs = flat(size, depth) if flat else size * size * depth
    for units in neurons:
        total += inputs * units + biases * units
        inputs = units
    return total


_VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))

check_vgg_params = Exercise(
    solution=lambda blocks, size, neurons: _count(blocks, size, neurons),
    cases=[
        (((8, 1),), 8, (10,)),
        (((8, 1), (16, 2)), 12, (20, 5)),
        (_VGG16, 224, (4096, 4096, 1000)),
    ],
    mistakes={
        "leave out the depth D, as the slide does": lambda blocks, size, neurons: _count(
            blocks, size, neurons, conv=lambda d, k: 3 * 3 * k
        ),
        "forget the biases: one for each filter and each neuron": lambda blocks, size, neurons: _count(
            blocks, size, neurons, biases=False
        ),
        "keep the depth 3 of the image for every layer": lambda blocks, size, neurons: _count(
            blocks, size, neurons, conv=lambda d, k: 3 * 3 * 3 * k
        ),
        "flatten the image size instead of the size after the pooling layers": lambda blocks, size, neurons: (
            _count(blocks, size, neurons, flat=lambda after, depth: size * size * depth)
        ),
        "flatten without the depth: W × H × K inputs, not W × H": lambda blocks, size, neurons: _count(
            blocks, size, neurons, flat=lambda after, depth: after * after
        ),
    },
    verified="two small networks and VGG16 with its 138,357,544 parameters",
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
        x = layers.MaxPooling2D(name=f"block{block}_pool")(x)
    return keras.Model(inputs, x)


def _with_classifier(base, classes, reduce=True, activation="softmax", outputs=None):
    x = layers.GlobalAveragePooling2D()(base.output) if reduce else base.output
    return keras.Model(base.input, outputs or layers.Dense(classes, activation, name="classifier")(x))


def _classifier_facts(model):
    """What counts of a model with a new classifier; average pooling and Flatten are both right."""
    last = model.layers[-1]
    return {
        "output shape": str(model.output_shape),
        "last activation": last.activation.__name__ if hasattr(last, "activation") else "none",
        "has the layers of the base": any(layer.name == "block1_conv1" for layer in model.layers),
        "base can be trained": model.get_layer("block1_conv1").trainable
        if any(layer.name == "block1_conv1" for layer in model.layers)
        else False,
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
        "return the base without a classifier": lambda base, classes: base,
        "keep ImageNet's 1000 classes": lambda base, classes: _with_classifier(base, 1000),
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


def _trainable_names(model):
    """Names of the layers that would learn: their weights are in `model.trainable_weights`."""
    learning = {id(weight) for weight in model.trainable_weights}
    return [layer.name for layer in model.layers if any(id(weight) in learning for weight in layer.weights)]


check_freeze_base = Exercise(
    solution=lambda model: _freeze(model, lambda layer, index: index < len(model.layers) - 1),
    cases=[(_Network(2, True),), (_Network(3, True),)],
    mistakes={
        "freeze every layer, the new classifier too: nothing is left that could learn": (
            lambda model: _freeze(model, lambda layer, index: True)
        ),
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
    observe=_trainable_names,
    prepare=_prepare,
)


def _in_first_blocks(layer, blocks):
    return layer.name.startswith(tuple(f"block{n}_" for n in range(1, blocks + 1)))


check_freeze_blocks = Exercise(
    solution=lambda model, blocks: _freeze(model, lambda layer, index: _in_first_blocks(layer, blocks)),
    cases=[(_Network(3, True), 1), (_Network(4, True), 3), (_Network(2, True), 0)],
    mistakes={
        "count layers instead of blocks: model.layers[:n] starts with the input": (
            lambda model, blocks: _freeze(model, lambda layer, index: index < blocks)
        ),
        "freeze the first five layers, whatever was asked for": (
            lambda model, blocks: _freeze(model, lambda layer, index: index < 5)
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
        "count one block too many": (
            lambda model, blocks: _freeze(model, lambda layer, index: _in_first_blocks(layer, blocks + 1))
        ),
    },
    verified="one, three and no blocks frozen, batch norm included",
    observe=_trainable_names,
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
