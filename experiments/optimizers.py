"""Compare optimisers and their settings on CIFAR-10: what a choice by experience has to be tested on."""

from datetime import date

import keras
import numpy as np

from cvcourse import recording, training
from cvcourse.datasets import load
from cvcourse.models.cnn import small_cnn
from experiments.shipping import data_hash
from experiments.sweep import measure

SEEDS = (0, 1, 2)
FRESH = (3, 4, 5)  # more seeds, for the best with a cosine and without it
RATES = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
VALID = 2000  # the last images of the training set; test images choose nothing
STEPS, BATCH = 1000, 32
OPTIMIZERS = {
    "SGD": lambda rate, beta=0.0: keras.optimizers.SGD(rate, momentum=beta),
    "SGD with momentum": lambda rate, beta=0.9: keras.optimizers.SGD(rate, momentum=beta),
    "RMSprop": lambda rate, beta=0.0: keras.optimizers.RMSprop(rate, momentum=beta),
    "Adam": lambda rate, beta=0.9: keras.optimizers.Adam(rate, beta_1=beta),
}
SCHEDULED = {  # the rates from which a cosine was tried
    "SGD": (0.03, 0.1, 0.3),
    "SGD with momentum": (0.003, 0.01, 0.03),
    "RMSprop": (0.001, 0.003, 0.01),
    "Adam": (0.001, 0.003, 0.01),
}
MOMENTA = {  # rates tried with a momentum that is not the optimiser's usual one
    ("SGD with momentum", 0.5): (0.01, 0.03, 0.1),
    ("SGD with momentum", 0.99): (3e-4, 1e-3, 3e-3, 0.01),
    ("RMSprop", 0.5): (1e-3, 3e-3),
    ("RMSprop", 0.9): (1e-4, 3e-4, 1e-3),
    ("RMSprop", 0.99): (3e-5, 1e-4),
    ("Adam", 0.0): (1e-3, 3e-3),
    ("Adam", 0.5): (1e-3, 3e-3),
    ("Adam", 0.99): (1e-3, 3e-3),
}
BEST = {"SGD": 0.1, "SGD with momentum": 0.01, "RMSprop": 0.003, "Adam": 0.003}  # with a cosine and without
LESS = ({"images": 500, "steps": 320}, {"width": 4})
SMALL = {"SGD with momentum": (0.003, 0.01, 0.03), "Adam": (3e-4, 1e-3, 3e-3)}


def settings():
    """Return the settings of all runs, a list of dicts of keyword arguments of `run`."""
    sweep = [{"optimizer": name, "rate": rate} for name in OPTIMIZERS for rate in RATES]
    sweep += _each(SCHEDULED, schedule="cosine")
    for (name, beta), rates in MOMENTA.items():
        sweep += _each({name: rates}, beta=beta)
    return sweep + [setting for less in LESS for setting in _each(SMALL, **less)]


def _each(rates, **change):
    return [{"optimizer": name, "rate": rate, **change} for name, tried in rates.items() for rate in tried]


def split(data, images, seed):
    """Return ((x, y) of `images` training images chosen by the seed, (x, y) of the validation images)."""
    rows = np.random.default_rng(seed).permutation(len(data.x_train) - VALID)[:images]
    return (data.x_train[rows], data.y_train[rows]), (data.x_train[-VALID:], data.y_train[-VALID:])


def run(optimizer, rate, seed, data, images=8000, width=16, schedule=None, beta=None, steps=STEPS):
    """Train once for a number of steps; return the run as `shipping.record` stores it.

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
    named = _named(optimizer, rate, images, width, schedule, beta)
    accuracy = 1 / len(data.classes) if diverged else curves["val_accuracy"][-1]
    return {
        "label": label(**named),
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


def _named(optimizer, rate, images=8000, width=16, schedule=None, beta=None, steps=STEPS):
    return {
        "optimizer": optimizer,
        "rate": float(rate),
        "images": images,
        "width": width,
        "schedule": schedule,
        "beta": beta,
    }


def label(**setting):
    """Return the name of a setting, which is the label of its runs."""
    return ", ".join(f"{key} {value}" for key, value in _named(**setting).items() if value is not None)


def jobs():
    """Return the pairs (setting, seed) of all runs: the settings, and the best of them with fresh seeds."""
    best = [{"optimizer": name, "rate": rate} for name, rate in BEST.items()]
    pairs = [{**setting, **change} for setting in best for change in ({}, {"schedule": "cosine"})]
    return [(setting, seed) for group, seeds in ((settings(), SEEDS), (pairs, FRESH)) for setting in group
            for seed in seeds]  # fmt: skip


def main(part="all", folder=None, on=None):
    """Run every setting with every seed, or only what is "missing"; write `runs/optimizers.json`.

    Args:
        part: "all", or "missing": runs of the file that are still asked for are kept as they are, and each
            new one says its date and its processor.
        folder: path, where the file is read and written; default the package's `runs` folder.
    """
    if part not in ("all", "missing"):
        raise ValueError(f'part must be "all" or "missing". Received: part={part!r}')
    data = load("cifar10")
    facts = {"name": "CIFAR-10", "sha256": data_hash(data.x_train, data.y_train)}
    wanted = {(label(**setting), seed): setting for setting, seed in jobs()}
    runs = _old(facts, folder) if part == "missing" else {}
    made = {"date": date.today().isoformat(), "processor": recording.machine()["processor"]}
    missing = [key for key in wanted if key not in runs]
    if not missing:
        return None

    def join(found):
        every = runs | {key: made | one for key, one in zip(missing, found, strict=True)}
        return [every[key] for key in wanted]

    todo = [{**wanted[key], "seed": key[1]} for key in missing]
    question = "Which optimiser, which learning rate, which momentum, with a schedule or without?"
    command = "cvcourse experiments optimizers" + (", then optimizers missing" if part == "missing" else "")
    return measure("optimizers", question, run, todo, data, facts, folder, on, command, join)


def _old(facts, folder):
    """Return the recorded runs as {(label, seed): run}, each with its date and its processor."""
    old = recording.replay("optimizers", folder)
    if (old.data, old.versions) != (facts, recording.versions()):
        raise ValueError(f"Runs of other data or versions cannot be joined. Received: {old.versions}")
    made = {"date": old.date, "processor": old.machine["processor"]}
    return {(run["label"], run["seed"]): made | run for run in old.runs}
