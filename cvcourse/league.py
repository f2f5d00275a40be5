"""Two leagues of networks: those of `keras.applications`, counted, and nine classifiers, trained alike.

`LEAGUE` says what each network of `keras.applications` costs, and the accuracy that was published: top-1 is
the share of ImageNet's validation images whose class the network names first. Sources:
https://keras.io/api/applications, and for MobileNetV3 the documentation of Keras's `MobileNetV3Large`.
ConvNeXt Base, Large and XLarge were first trained on ImageNet-21k, fourteen million images.

`train` trains one of `ENTRIES`, classifiers from 1958 to 2017. All networks share one recipe (Adam under one
cycle), chosen once and tuned for none of them; that is fair in one sense and unfair in another, for each
would like a recipe of its own.
"""

from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from cvcourse import training
from cvcourse.models import cnn, inception, lenet, mobilenet, resnet, vgg
from cvcourse.models.perceptron import SIDE, WIRES, Mark1
from cvcourse.stored import read_json
from cvcourse.summary import summarize

# name: (top-1 in %, height and width of the images, parameters, multiply-adds for one image).
LEAGUE = {name: tuple(row) for name, row in read_json(Path(__file__).with_suffix(".json")).items()}


def count(name):
    """Return (parameters, multiply-adds) of a network of `keras.applications`, without allocating a weight.

    Example:
        >>> count("MobileNetV2")
        (3538984, 300774272)
    """
    if name not in LEAGUE:
        raise ValueError(
            f"name must be a network of keras.applications: {', '.join(LEAGUE)}. Received: name={name!r}"
        )
    size = LEAGUE[name][1]
    summary = summarize(lambda: getattr(keras.applications, name)(weights=None), (size, size, 3))
    return summary.total_params, summary.macs


PEAK = 3e-3  # of the learning rate
NARROW = (8, 16, 32)  # half of ResNet-20's filters, so that it costs about what the others do
# Small forms for pictures of 32×32: functions (input_shape, classes) -> Keras model with logits.
NETWORKS = {
    "LeNet-5": lenet.lenet5,
    "CNN": lambda shape, classes: cnn.cnn(shape, classes, None),
    "VGG": lambda shape, classes: vgg.course_network(shape, classes, None, vgg.SMALL, "vgg"),
    "GoogLeNet": lambda shape, classes: inception.googlenet(
        shape, classes, inception.SMALL, inception.small_stem, True, dropout=0.0, classifier_activation=None
    ),
    "MobileNet": lambda shape, classes: mobilenet.mobilenet(shape, 0.5, classes, mobilenet.SMALL, 1, None),
    "ResNet-20": lambda shape, classes: resnet.resnet_cifar(20, True, shape, classes, NARROW),
}
ENTRIES = ("Mark 1", "SVM on pixels", "SVM on HOG", *NETWORKS)


class Trained(NamedTuple):
    """What `train` returns: how to ask the classifier, and what it is made of."""

    predict: object  # function (uint8 images) -> int labels
    params: int  # numbers that were learnt
    macs: int  # multiply-adds for one image
    history: dict  # "accuracy": of the training images, by epochs; of a network while it learns


def train(entry, x, y, classes, epochs, seed=0, batch_size=64):
    """Train one entry of the league.

    Args:
        entry: str, of `ENTRIES`.
        x: uint8 array (N, H, W, C), H and W at least 32 for networks.
        y: int array (N,), labels.
        classes: int.
        epochs: int > 0; a support vector machine has none and solves its problem to the end.
        seed: int.
        batch_size: int > 0, of the networks.

    Returns:
        Trained.
    """
    if entry == "Mark 1":
        machine = Mark1(classes, seed).fit(x, y, epochs)
        wires = SIDE * SIDE * WIRES  # additions, really: a wire's sign is 1 or -1
        history = {"mistakes": machine.mistakes, "accuracy": [np.mean(machine.predict(x) == y)]}
        return Trained(machine.predict, machine.weights.size, wires + machine.weights.size, history)
    if entry in NETWORKS:
        return _train_network(entry, x, y, classes, epochs, seed, batch_size)
    if entry in ENTRIES:
        return _train_svm(pixels if entry == "SVM on pixels" else hog, x, y)
    raise ValueError(f"entry must be one of {', '.join(ENTRIES)}. Received: entry={entry!r}")


def _train_network(entry, x, y, classes, epochs, seed, batch_size):
    keras.utils.set_random_seed(seed)
    model = NETWORKS[entry](x.shape[1:], classes)
    schedule = training.OneCycle(PEAK, epochs * -(-len(x) // batch_size))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(schedule), loss, metrics=["accuracy"], jit_compile=False)
    history = training.fit(model, x, y, epochs=epochs, batch_size=batch_size, seed=seed, verbose=0).history
    table = summarize(model)

    def predict(images):
        return training.predict(model, images).argmax(axis=1)

    return Trained(predict, table.trainable_params, table.macs, {k: history[k] for k in ("loss", "accuracy")})


def _train_svm(features, x, y):
    """Train a support vector machine with a Gaussian kernel, C = 10, one against one."""
    from sklearn.svm import SVC

    machine = SVC(C=10).fit(features(x), y)
    vectors, size = machine.support_vectors_.shape
    duals = machine.dual_coef_.size + machine.intercept_.size
    macs = vectors * (size + len(machine.classes_) - 1)  # distances to all support vectors, then their sums
    history = {"accuracy": [machine.score(features(x), y)]}
    return Trained(lambda images: machine.predict(features(images)), vectors * size + duals, macs, history)


def pixels(images):
    """Return images averaged over 2×2 pixels, as rows: float32 array (N, H/2 · W/2 · C) in [0, 1]."""
    n, height, width, channels = images.shape
    means = images.reshape(n, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4), dtype="float32")
    return means.reshape(n, -1) / 255


def hog(images):
    """Return histograms of oriented gradients of grey images: float32 array (N, 324) for 32×32 pixels.

    Nine directions in cells of 8×8 pixels, normalised over blocks of 2×2 cells.

    Source: Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection", 2005.
    """
    from skimage.feature import hog as histograms

    grey = images.mean(axis=-1)
    return np.array([histograms(image, 9, (8, 8), (2, 2)) for image in grey], "float32")
