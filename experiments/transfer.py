"""Compare four ways to reuse the course network on CIFAR-10, with few images per class."""

import itertools

import keras
import numpy as np
from keras import layers

from cvcourse import pretrained, recording, training
from cvcourse.datasets import load
from cvcourse.models.vgg import course_network
from experiments.shipping import data_facts
from experiments.sweep import measure

SEEDS = (0, 1, 2)
EPOCHS = {25: 25, 100: 12, 500: 5}  # images per class: epochs
# Strategy: (start from trained weights, layers frozen by the start of their names, largest learning rate).
STRATEGIES = {
    "from scratch": (False, (), 0.1),
    "all trainable": (True, (), 0.02),
    "first three blocks frozen": (True, ("block1", "block2", "block3"), 0.02),
    "only the classifier": (True, ("block",), 0.1),
}


def with_new_classifier(base, classes, frozen=()):
    """Return a model of `base` with a new last layer that gives logits for `classes` classes.

    Args:
        base: Keras model whose layer before last gives one vector for an image.
        classes: int, number of outputs.
        frozen: tuple of str; layers of `base` whose names start with one of them are not trained.
            A frozen batch norm also keeps its moving statistics.
    """
    for layer in base.layers:
        layer.trainable = not layer.name.startswith(frozen) if frozen else True
    outputs = layers.Dense(classes, name="new_classifier")(base.layers[-2].output)
    return keras.Model(base.inputs, outputs, name=f"{base.name}_{classes}")


def few(data, per_class, seed):
    """Return (x, y) with `per_class` training images of each class, chosen by the seed."""
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(np.flatnonzero(data.y_train == k))[:per_class] for k in range(len(data.classes))]
    rows = np.concatenate(rows)
    return data.x_train[rows], data.y_train[rows]


def run(strategy, per_class, seed, data, epochs=None):
    """Train once; return the run as `shipping.record` stores it."""
    trained, frozen, peak = STRATEGIES[strategy]
    keras.utils.set_random_seed(seed)
    base = pretrained.load("course").model if trained else course_network()
    model = with_new_classifier(base, len(data.classes), frozen)
    x, y = few(data, per_class, seed)
    with recording.Clock() as clock:
        history = training.fit_one_cycle(
            model,
            x,
            y,
            epochs=epochs or EPOCHS[per_class],
            peak=peak,
            batch_size=50,
            seed=seed,
            verbose=0,
            augment=training.augment,
        )
    labels = training.predict(model, data.x_test).argmax(axis=1)
    weights = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    return {
        "label": f"{strategy}, {per_class}",
        "strategy": strategy,
        "images_per_class": per_class,
        "seed": seed,
        "seconds": clock.seconds,
        "cpu_seconds": clock.cpu_seconds,
        "history": {k: v for k, v in history.history.items() if k in ("loss", "accuracy")},
        "result": {"test_accuracy": float(np.mean(labels == data.y_test)), "trainable_params": weights},
    }


def main(seeds=SEEDS, sizes=tuple(EPOCHS), folder=None, on=None):
    """Run every strategy with every number of images and every seed; write `runs/transfer.json`."""
    data = load("cifar10")
    every = itertools.product(seeds, sizes, STRATEGIES)
    jobs = [dict(zip(("seed", "per_class", "strategy"), each, strict=True)) for each in every]
    question = "How much does a trained network help, and which layers should be frozen?"
    return measure("transfer", question, run, jobs, data, data_facts("CIFAR-10", data), folder, on)
