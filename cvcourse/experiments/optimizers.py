"""Compare optimisers and their settings on CIFAR-10: what a choice by experience has to be tested on."""

import keras
import numpy as np

from cvcourse import recording, training
from cvcourse.datasets import load
from cvcourse.models.small import small_cnn

SEEDS = (0, 1, 2)
RATES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
VALID = 2000  # the last images of the training set; test images choose nothing
STEPS, BATCH = 1000, 32
OPTIMIZERS = {
    "SGD": lambda rate, beta=0.0: keras.optimizers.SGD(rate, momentum=beta),
    "SGD with momentum": lambda rate, beta=0.9: keras.optimizers.SGD(rate, momentum=beta),
    "RMSprop": lambda rate: keras.optimizers.RMSprop(rate),
    "Adam": lambda rate, beta=0.9: keras.optimizers.Adam(rate, beta_1=beta),
}


def settings():
    """Return the settings of all runs, a list of dicts; each setting changes one thing of the sweep."""
    sweep = [{"optimizer": name, "rate": rate} for name in OPTIMIZERS for rate in RATES]
    good = {"SGD": 0.1, "SGD with momentum": 0.01, "RMSprop": 0.001, "Adam": 0.001}
    schedule = [
        {"optimizer": name, "rate": round(rate * factor, 6), "schedule": "cosine"}
        for name, rate in good.items()
        for factor in (1, 3)
    ]
    constant = [{"optimizer": name, "rate": round(rate * 3, 6)} for name, rate in good.items()]
    momentum = [
        {"optimizer": name, "rate": good[name], "beta": beta}
        for name in ("SGD with momentum", "Adam")
        for beta in (0.0, 0.5, 0.99)
    ]
    small = [
        {"optimizer": name, "rate": rate, **less}
        for less in ({"images": 500, "steps": 320}, {"width": 4})
        for name, rates in {"SGD with momentum": (0.003, 0.01, 0.03), "Adam": (3e-4, 1e-3, 3e-3)}.items()
        for rate in rates
    ]
    return sweep + schedule + constant + momentum + small


def split(data, images, seed):
    """Return ((x, y) of `images` training images chosen by the seed, (x, y) of the validation images)."""
    rows = np.random.default_rng(seed).permutation(len(data.x_train) - VALID)[:images]
    return (data.x_train[rows], data.y_train[rows]), (data.x_train[-VALID:], data.y_train[-VALID:])


def run(optimizer, rate, seed, data, images=8000, width=16, schedule=None, beta=None, steps=STEPS):
    """Train once for a number of steps; return the run as `recording.record` stores it.

    Args:
        optimizer: str, a name of OPTIMIZERS.
        rate: float > 0, the learning rate, with a schedule the one it starts from.
        seed: int, for the choice of images, the first weights and the order of the batches.
        data: `cvcourse.datasets.Dataset`.
        images: int, training images.
        width: int, filters of the first convolution.
        schedule: None or "cosine": the rate falls to zero along half a cosine.
        beta: float in [0, 1), momentum, for Adam its beta_1; None is the optimiser's usual one.
        steps: int > 0, length of the training; the validation runs after each quarter.

    Returns:
        dict; after a divergence the values of loss and accuracy are None.
    """
    (x, y), valid = split(data, images, seed)
    keras.utils.set_random_seed(seed)
    model = small_cnn(width, len(data.classes))
    peak = keras.optimizers.schedules.CosineDecay(rate, steps) if schedule else rate
    chosen = OPTIMIZERS[optimizer](peak) if beta is None else OPTIMIZERS[optimizer](peak, beta)
    model.compile(
        chosen, keras.losses.SparseCategoricalCrossentropy(True), metrics=["accuracy"], jit_compile=False
    )
    epochs = max(1, steps * BATCH // len(x))
    keep = {e for e in range(epochs) if (e + 1) % max(1, epochs // 4) == 0}
    with recording.Clock() as clock:
        history = training.fit(
            model,
            x,
            y,
            epochs=epochs,
            batch_size=BATCH,
            validation_data=valid,
            seed=seed,
            verbose=0,
            callbacks=[keras.callbacks.TerminateOnNaN()],
        ).history
    curves = {key: _sound(values, epochs, keep) for key, values in history.items()}
    diverged = curves["loss"][-1] is None
    named = {"optimizer": optimizer, "rate": float(rate), "images": images, "width": width}
    named |= {"schedule": schedule, "beta": beta}
    accuracy = 1 / len(data.classes) if diverged else curves["val_accuracy"][-1]
    return {
        "label": ", ".join(f"{key} {value}" for key, value in named.items() if value is not None),
        **named,
        "seed": seed,
        "seconds": clock.seconds,
        "cpu_seconds": clock.cpu_seconds,
        "history": curves,
        "result": {"val_accuracy": accuracy, "diverged": diverged, "loss": curves["loss"][-1]},
    }


def _sound(values, epochs, keep):
    """Return the values of the epochs in `keep`; None where the training was over or not a number."""
    values = list(values) + [float("nan")] * (epochs - len(values))
    return [float(v) if np.isfinite(v) else None for e, v in enumerate(values) if e in keep]


def main(seeds=SEEDS, chosen=None, folder=None):
    """Run every setting with every seed; write `runs/optimizers.json`."""
    data = load("cifar10")
    facts = {
        "name": "CIFAR-10",
        "sha256": recording.data_hash(data.x_train, data.y_train),
    }
    runs = []
    for setting in settings() if chosen is None else chosen:
        for seed in seeds:
            runs.append(run(seed=seed, data=data, **setting))
            keras.utils.clear_session()
            shown = runs[-1]["result"], round(runs[-1]["seconds"], 1)
            print(runs[-1]["label"], "seed", seed, *shown, flush=True)
        path = recording.record(
            "optimizers",
            "Which optimiser, which learning rate, which momentum, with a schedule or without?",
            "cvcourse experiments optimizers",
            facts,
            runs,
            folder,
        )
    return path
