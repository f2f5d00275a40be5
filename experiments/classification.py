"""One league for classifiers from 1958 to 2017 on a reduced CIFAR-10: same pictures, same number of epochs.

Reduced to fit a CPU: 5,000 training images chosen by the seed, 6 epochs, the first 2,000 test images. All
networks share one recipe: see `cvcourse.league`.
"""

import itertools
import time

import numpy as np

from cvcourse import recording
from cvcourse.datasets import load
from cvcourse.league import ENTRIES, train
from experiments.shipping import data_facts
from experiments.sweep import measure

SEEDS = (0, 1, 2)
IMAGES, TEST_IMAGES, EPOCHS = 5_000, 2_000, 6


def run(entry, seed, data, images=IMAGES, tests=TEST_IMAGES, epochs=EPOCHS):
    """Train and test one entry; return the run as `shipping.record` stores it."""
    rows = np.random.default_rng(seed).permutation(len(data.x_train))[:images]
    x_test, y_test = data.x_test[:tests], data.y_test[:tests]
    with recording.Clock() as clock:
        trained = train(entry, data.x_train[rows], data.y_train[rows], len(data.classes), epochs, seed)
    trained.predict(x_test[:300])  # the first calls compile
    start = time.perf_counter()
    found = trained.predict(x_test)
    seconds = time.perf_counter() - start
    counts = np.zeros((len(data.classes),) * 2, int)
    np.add.at(counts, (y_test, found), 1)
    return {
        "label": entry,
        "seed": seed,
        "seconds": clock.seconds,
        "cpu_seconds": clock.cpu_seconds,
        "history": trained.history,
        "result": {
            "test_accuracy": float(np.mean(found == y_test)),
            "params": trained.params,
            "macs": trained.macs,
            "ms_per_image": 1000 * seconds / len(x_test),
            "confusion": counts,
        },
    }


def main(*entries, seeds=SEEDS, folder=None, on=None, **sizes):
    """Train entries (all, if none is given) with every seed; write `runs/classification.json`.

    What is recorded of other entries stays; so do the times of a run that gives the same answers again. A run
    that gives others names the processor that it was made on.
    """
    data, runs, made_on = load("cifar10"), {}, None
    if entries:
        stored = recording.replay("classification", folder)
        runs = {(run["label"], run["seed"]): run for run in stored.runs}
        made_on = {"machine": stored.machine, "versions": stored.versions}
    facts = {
        **data_facts("CIFAR-10", data),
        "training_images": sizes.get("images", IMAGES),
        "test_images": sizes.get("tests", TEST_IMAGES),
        "epochs": sizes.get("epochs", EPOCHS),
    }
    jobs = [{"entry": e, "seed": s, **sizes} for s, e in itertools.product(seeds, entries or ENTRIES)]

    def join(found):
        for new in found:
            entry, seed = new["label"], new["seed"]
            old = runs.get((entry, seed), {"result": {}})
            same = np.array_equal(old["result"].get("confusion"), new["result"]["confusion"])
            runs[entry, seed] = {**old, "history": new["history"]} if same else new
        return list(runs.values())

    question = "Which classifier, from 1958 to 2017, learns most from 5,000 small photographs?"
    return measure("classification", question, run, jobs, data, facts, folder, on, join=join, made_on=made_on)
