"""Plain and residual networks of 20 and 56 layers on a reduced CIFAR-10: who fits the training images?

Reduced to fit a CPU: 10,000 training images, averaged over 2×2 pixels to 16×16, 8 epochs. The networks, He's
initialisation and the batch norm are those of the paper (He et al. 2015, section 4.2); its data are 50,000
images of 32×32 with augmentation, its training about 160 epochs.
"""

import keras
import numpy as np

from cvcourse import recording, training
from cvcourse.datasets import load
from cvcourse.interpretation.maps import gradient_norms
from cvcourse.models.resnet import resnet_cifar
from experiments.shipping import data_facts
from experiments.sweep import measure

SEEDS = (0, 1, 2)
DEPTHS = (20, 56)
IMAGES, EPOCHS, BATCH = 10_000, 8, 64
PEAK, LOWER = 0.1, 0.03  # learning rates at their peak; the deepest plain network also gets the lower one


def halved(images):
    """Return uint8 images (N, H / 2, W / 2, C), each pixel the mean of 2×2."""
    n, height, width, channels = images.shape
    return images.reshape(n, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4)).astype(np.uint8)


def run(depth, residual, seed, data, images=IMAGES, epochs=EPOCHS, peak=PEAK):
    """Train once; return the run as `shipping.record` stores it. `data` is a `Dataset` of small images."""
    keras.utils.set_random_seed(seed)
    rows = np.random.default_rng(seed).permutation(len(data.x_train))[:images]
    x, y = data.x_train[rows], data.y_train[rows]
    model = resnet_cifar(depth, residual, x.shape[1:], len(data.classes))
    norms = gradient_norms(model, x[:128].astype("float32") / 255, y[:128])
    with recording.Clock() as clock:
        history = training.fit_one_cycle(
            model,
            x,
            y,
            epochs=epochs,
            peak=peak,
            batch_size=BATCH,
            weight_decay=1e-3,  # decoupled: the paper's 1e-4 with momentum 0.9
            label_smoothing=0.0,
            seed=seed,
            verbose=0,
        )

    def accuracy(images, labels):
        return float(np.mean(training.predict(model, images).argmax(axis=1) == labels))

    return {
        "label": model.name if peak == PEAK else f"{model.name}, rate {peak}",
        "depth": depth,
        "residual": residual,
        "peak": peak,
        "seed": seed,
        "seconds": clock.seconds,
        "cpu_seconds": clock.cpu_seconds,
        "history": {k: history.history[k] for k in ("loss", "accuracy")},
        "result": {
            "train_accuracy": accuracy(x, y),
            "test_accuracy": accuracy(data.x_test, data.y_test),
            "params": model.count_params(),
            "gradient_norms": norms,
        },
    }


def main(seeds=SEEDS, depths=DEPTHS, folder=None, on=None):
    """Train both kinds of both depths, the deepest plain one at a lower rate too: `runs/degradation.json`."""
    data = load("cifar10")
    data = data._replace(x_train=halved(data.x_train), x_test=halved(data.x_test))
    facts = data_facts(f"CIFAR-10, {IMAGES:,} training images chosen by the seed, averaged to 16×16", data)
    settings = [(depth, residual, PEAK) for depth in depths for residual in (False, True)]
    jobs = [
        {"depth": depth, "residual": residual, "peak": peak, "seed": seed}
        for seed in seeds
        for depth, residual, peak in [*settings, (max(depths), False, LOWER)]
    ]
    question = "Do 56 layers fit the training images better than 20, in a plain row and with shortcuts?"
    return measure("degradation", question, run, jobs, data, facts, folder, on)
