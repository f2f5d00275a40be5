"""Store what was made: weights, with a card of the figures that they reach, and measured runs as JSON."""

import hashlib
import tempfile
from datetime import date
from pathlib import Path

import numpy as np

from cvcourse import recording, stored


def ship(name, model, measure, *, folder, clock, history, **facts):
    """Write `NAME.npz` (float16 kernels) and the card `NAME.json`, and return the card.

    Args:
        name: str, name of the network.
        model: trained Keras model; its weights become those that are stored.
        measure: function without arguments, returns a dict of figures. It is called after the weights
            were stored and loaded again: what is measured is what is stored.
        folder: path.
        clock: `recording.Clock` of the training.
        history: dict, the curves of the training.
        facts: what else the card says: data, recipe, seed, command, limits …
    """
    from cvcourse import pretrained  # here, so that the workers of a sweep need no Keras

    path = Path(folder) / f"{name}.npz"
    sha256 = pretrained.save_weights(model, path)
    pretrained.load_weights(model, path)
    card = {
        "name": name, "file": path.name, "sha256": sha256, "bytes": path.stat().st_size,
        "parameters": model.count_params(), **facts, **measure(), "date": date.today().isoformat(),
        "machine": recording.machine(), "versions": recording.versions(), "seconds": round(clock.seconds),
        "cpu_seconds": round(clock.cpu_seconds), "history": history,
    }  # fmt: skip
    card = recording.rounded(card)
    stored.write(path.with_suffix(".json"), card)
    return card


def checkpoints(name):
    """Return a callback that keeps the weights of a long training in the folder for temporary files."""
    from keras.callbacks import ModelCheckpoint

    path = Path(tempfile.gettempdir()) / f"cvcourse-{name}.weights.h5"
    return ModelCheckpoint(path, save_weights_only=True)


def record(name, question, command, data, runs, folder=None, made_on=None):
    """Write measured runs to `runs/{name}.json` and return the path.

    Args:
        name: str, name of the experiment and of the file.
        question: str, what the experiment answers.
        command: str, the command that makes it again.
        data: dict with "name" and "sha256" (see `data_hash`) of the data set.
        runs: list of dicts with the keys "label", "seed", "seconds", "cpu_seconds", "history", "result".
        folder: path, default the package's `runs` folder.
        made_on: dict with "machine" and "versions" of runs that were made elsewhere, such as on one with
            a graphics card ("accelerator" in its machine); default this machine.
    """
    fields = {
        "name": name,
        "question": question,
        "command": command,
        "date": date.today().isoformat(),
        **(made_on or {"machine": recording.machine(), "versions": recording.versions()}),
        "data": data,
        "runs": recording.rounded(runs),
    }
    return stored.write(Path(folder or recording.RUNS) / f"{name}.json", fields)


def data_hash(*arrays):
    """Return the sha256 of arrays (bytes, dtype and shape) as a hex string."""
    digest = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array)
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def data_facts(name, data):
    """Return name and sha256 of a `datasets.Dataset`, as `record` stores them."""
    return {"name": name, "sha256": data_hash(data.x_train, data.y_train, data.x_test, data.y_test)}
