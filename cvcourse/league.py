"""Two leagues of networks: those of `keras.applications`, counted, and nine classifiers, trained alike.

`LEAGUE` says what each network of `keras.applications` costs, and the accuracy that was published: top-1 is
the share of ImageNet's validation images whose class the network names first. Sources:
https://keras.io/api/applications, and for MobileNetV3 the documentation of Keras's `MobileNetV3Large`.
ConvNeXt Base, Large and XLarge were first trained on ImageNet-21k, fourteen million images.

`train` trains one of `ENTRIES`, classifiers from 1958 to 2017. All networks share one recipe (Adam under one
cycle), chosen once and tuned for none of them; that is fair in one sense and unfair in another, for each
would like a recipe of its own.
"""

from typing import NamedTuple

import keras
import numpy as np

from cvcourse import training
from cvcourse.models import cnn, inception, lenet, mobilenet, resnet, vgg
from cvcourse.models.perceptron import SIDE, WIRES, Mark1
from cvcourse.summary import summarize

# name: (top-1 in %, height and width of the images, parameters, multiply-adds for one image).
LEAGUE = {
    "Xception": (79.0, 299, 22_910_480, 8_357_403_496),
    "VGG16": (71.3, 224, 138_357_544, 15_470_264_320),
    "VGG19": (71.3, 224, 143_667_240, 19_632_062_464),
    "ResNet50": (74.9, 224, 25_636_712, 3_857_973_248),
    "ResNet50V2": (76.0, 224, 25_613_800, 3_482_255_360),
    "ResNet101": (76.4, 224, 44_707_176, 7_570_194_432),
    "ResNet101V2": (77.2, 224, 44_675_560, 7_194_476_544),
    "ResNet152": (76.6, 224, 60_419_944, 11_282_415_616),
    "ResNet152V2": (78.0, 224, 60_380_648, 10_906_697_728),
    "InceptionV3": (77.9, 299, 23_851_784, 5_713_216_096),
    "InceptionResNetV2": (80.3, 299, 55_873_736, 13_155_794_016),
    "MobileNet": (70.4, 224, 4_253_864, 568_740_352),
    "MobileNetV2": (71.3, 224, 3_538_984, 300_774_272),
    "MobileNetV3Small": (68.1, 224, 2_554_968, 56_510_400),
    "MobileNetV3Large": (75.6, 224, 5_507_432, 216_589_760),
    "DenseNet121": (75.0, 224, 8_062_504, 2_834_161_664),
    "DenseNet169": (76.2, 224, 14_307_880, 3_359_843_328),
    "DenseNet201": (77.3, 224, 20_242_984, 4_291_365_888),
    "NASNetMobile": (74.4, 224, 5_326_716, 563_638_816),
    "NASNetLarge": (82.5, 331, 88_949_818, 23_783_414_658),
    "EfficientNetB0": (77.1, 224, 5_330_571, 385_814_752),
    "EfficientNetB1": (79.1, 240, 7_856_239, 686_802_832),
    "EfficientNetB2": (80.1, 260, 9_177_569, 993_561_872),
    "EfficientNetB3": (81.6, 300, 12_320_535, 1_827_141_392),
    "EfficientNetB4": (82.9, 380, 19_466_823, 4_393_771_024),
    "EfficientNetB5": (83.6, 456, 30_562_527, 10_266_384_752),
    "EfficientNetB6": (84.0, 528, 43_265_143, 19_067_593_536),
    "EfficientNetB7": (84.3, 600, 66_658_687, 37_745_884_192),
    "EfficientNetV2B0": (78.7, 224, 7_200_312, 718_086_176),
    "EfficientNetV2B1": (79.8, 240, 8_212_124, 1_196_819_360),
    "EfficientNetV2B2": (80.5, 260, 10_178_374, 1_697_542_832),
    "EfficientNetV2B3": (82.0, 300, 14_467_622, 3_011_458_816),
    "EfficientNetV2S": (83.9, 384, 21_612_360, 8_365_617_152),
    "EfficientNetV2M": (85.3, 480, 54_431_388, 24_582_460_384),
    "EfficientNetV2L": (85.7, 480, 119_027_848, 56_079_699_008),
    "ConvNeXtTiny": (81.3, 224, 28_589_128, 4_455_531_264),
    "ConvNeXtSmall": (82.3, 224, 50_223_688, 8_683_712_256),
    "ConvNeXtBase": (85.3, 224, 88_591_464, 15_354_729_472),
    "ConvNeXtLarge": (86.3, 224, 197_767_336, 34_361_433_600),
    "ConvNeXtXLarge": (86.7, 224, 350_196_968, 60_921_030_656),
}


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
