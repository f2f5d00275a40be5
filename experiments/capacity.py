"""Under- and overfitting on CIFAR-10: network size, data size and three remedies."""

import itertools

import keras
import numpy as np

from cvcourse import recording, training
from cvcourse.datasets import load
from cvcourse.models.cnn import small_cnn
from experiments.optimizers import split
from experiments.shipping import data_hash
from experiments.sweep import measure

SEEDS = (0, 1, 2)
WIDTHS = (2, 8, 24)
EPOCHS = {250: 40, 1000: 30, 4000: 12}  # training images: epochs
REMEDIES = {
    "none": {},
    "dropout": {"dropout": 0.5},
    "augmentation": {"augment": True},
    "weight decay": {"weight_decay": 0.5},
    "all three": {"dropout": 0.5, "augment": True, "weight_decay": 0.5},
}
RATE, BATCH, SEEN = 2e-3, 32, 1000  # SEEN: of how many training images the curve is made
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class Watch(keras.callbacks.Callback):
    """Measure training and validation images alike: after each epoch, without dropout or augmentation."""

    def __init__(self, **pairs):
        super().__init__()
        self.pairs = pairs
        self.history = {f"{name}{key}": [] for name in pairs for key in ("loss", "accuracy")}

    def on_epoch_end(self, epoch, logs=None):
        for name, (x, y) in self.pairs.items():
            logits = self.model.predict_on_batch(x)
            self.history[f"{name}loss"].append(float(LOSS(y, logits)))
            self.history[f"{name}accuracy"].append(float(np.mean(logits.argmax(axis=1) == y)))


def run(width, images, remedy, seed, data, epochs=None):
    """Train once; return the run as `shipping.record` stores it.

    Args:
        width: int, filters of the first convolution.
        images: int, training images.
        remedy: str, a name of REMEDIES.
        seed: int, for the choice of images, the first weights and the order of the batches.
        data: `cvcourse.datasets.Dataset`.
        epochs: int, default that of EPOCHS.
    """
    (x, y), (x_valid, y_valid) = split(data, images, seed)
    chosen = REMEDIES[remedy]
    keras.utils.set_random_seed(seed)
    model = small_cnn(width, len(data.classes), dropout=chosen.get("dropout", 0.0))
    optimizer = keras.optimizers.Adam(RATE, weight_decay=chosen.get("weight_decay"))
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.compile(optimizer, LOSS, jit_compile=False)
    pairs = {"": (x[:SEEN], y[:SEEN]), "val_": (x_valid[:SEEN], y_valid[:SEEN])}
    watch = Watch(**{name: ((a / 255).astype("float32"), b) for name, (a, b) in pairs.items()})
    with recording.Clock() as clock:
        training.fit(
            model,
            x,
            y,
            epochs=epochs or EPOCHS[images],
            batch_size=BATCH,
            augment=training.augment if chosen.get("augment") else None,
            seed=seed,
            verbose=0,
            callbacks=[watch],
        )
    return {
        "label": f"{width}, {images}, {remedy}",
        "width": width,
        "images": images,
        "remedy": remedy,
        "params": model.count_params(),
        "seed": seed,
        "seconds": clock.seconds,
        "cpu_seconds": clock.cpu_seconds,
        "history": {key: [round(v, 4) for v in values] for key, values in watch.history.items()},
        "result": {
            "best_epoch": int(np.argmin(watch.history["val_loss"])) + 1,
            "best_val_accuracy": watch.history["val_accuracy"][int(np.argmin(watch.history["val_loss"]))],
            "val_accuracy": watch.history["val_accuracy"][-1],
            "gap": watch.history["accuracy"][-1] - watch.history["val_accuracy"][-1],
        },
    }


def main(seeds=SEEDS, widths=WIDTHS, sizes=tuple(EPOCHS), remedies=tuple(REMEDIES), folder=None, on=None):
    """Run every width, size and remedy with every seed; write `runs/capacity.json`."""
    data = load("cifar10")
    facts = {"name": "CIFAR-10", "sha256": data_hash(data.x_train, data.y_train)}
    every = itertools.product(seeds, sizes, widths, remedies)
    jobs = [dict(zip(("seed", "images", "width", "remedy"), each, strict=True)) for each in every]
    question = "When does a network learn too little, and when does it learn its training images by heart?"
    return measure("capacity", question, run, jobs, data, facts, folder, on)
