"""Store trained weights as they ship: a small file, and a model card with the figures that it reaches."""

from datetime import date
from pathlib import Path

from cvcourse import pretrained, recording, stored


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
    path = Path(folder) / f"{name}.npz"
    sha256 = pretrained.save_weights(model, path)
    pretrained.load_weights(model, path)
    card = {
        "name": name,
        "file": path.name,
        "sha256": sha256,
        "bytes": path.stat().st_size,
        "parameters": model.count_params(),
        **facts,
        **measure(),
        "date": date.today().isoformat(),
        "machine": recording.machine(),
        "versions": recording.versions(),
        "seconds": round(clock.seconds),
        "cpu_seconds": round(clock.cpu_seconds),
        "history": history,
    }
    card = recording.rounded(card)
    stored.write(path.with_suffix(".json"), card)
    return card
