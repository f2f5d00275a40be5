"""Capacity: recorded trainings of small and large networks, on few and many images, with remedies or none."""

import numpy as np

from cvcourse import recording
from cvcourse.explorers.base import Explorer, javascript
from cvcourse.explorers.controls import Choice, Data, Slider
from cvcourse.visualization import COLORS, picture, style


class Capacity(Explorer):
    """Training and validation curves of the recorded run "capacity", mean ± spread over three seeds.

    Args:
        width: int, 0–2, from the small network to the large one.
        images: int, 0–2, from few training images to many.
        remedy: "none", "dropout", "augmentation", "weight decay" or "all three".
        metric: "loss" or "accuracy".
        folder: path of the recorded runs; default that of the package.

    Raises:
        ValueError: an argument is none of these.

    Example:
        >>> explorer = Capacity(width=2, images=0)
        >>> print(explorer.describe())
        Large network, ..., 250 training images, remedy: none. ...
    """

    _esm = javascript("capacity.js")

    width = Slider("Network", role="kernel", high=2, default=2)
    images = Slider("Training images", role="input", high=2, default=1)
    remedy = Choice("Remedy", ("none",))
    metric = Choice("Curve", ("loss", "accuracy"))
    recorded = Data()  # what the browser draws

    def __init__(self, width=2, images=1, remedy="none", metric="loss", folder=None):
        runs = recorded(recording.replay("capacity", folder))
        networks = zip(("small", "medium", "large"), runs["widths"], strict=True)
        stops = [f"{name}, {runs['params'][str(filters)]:,} parameters" for name, filters in networks]
        declared = {
            "width": {"stops": stops},
            "images": {"stops": [f"{count:,}" for count in runs["sizes"]]},
            "remedy": {"options": runs["remedies"]},
        }
        super().__init__(declared, recorded=runs, width=width, images=images, remedy=remedy, metric=metric)


def recorded(runs):
    """Return a `Recording` as the browser draws it: a plain dict of lists, four digits a number."""
    means = {key: runs.curves(key) for key in ("loss", "accuracy", "val_loss", "val_accuracy")}
    return {
        "widths": sorted({run["width"] for run in runs.runs}),
        "sizes": sorted({run["images"] for run in runs.runs}),
        "remedies": list(dict.fromkeys(run["remedy"] for run in runs.runs)),
        "params": {str(run["width"]): run["params"] for run in runs.runs},
        "curves": {
            label: {key: np.round(curves[label], 4).tolist() for key, curves in means.items()}
            for label in means["loss"]
        },
    }


def chosen(recorded, width, images, remedy):
    """Return {metric: [mean, spread]} of one setting; `width` and `images` are places in the lists."""
    return recorded["curves"][f"{recorded['widths'][width]}, {recorded['sizes'][images]}, {remedy}"]


def describe(recorded, width, images, remedy, metric):
    """Return the state of a `Capacity` in words and numbers. Pure; arguments as its attributes."""
    curves = chosen(recorded, width, images, remedy)
    train, valid = (curves[key][0][-1] for key in ("accuracy", "val_accuracy"))
    best = int(np.argmin(curves["val_loss"][0]))
    params = recorded["params"][str(recorded["widths"][width])]
    epochs = len(curves["loss"][0])
    return (
        f"{('Small', 'Medium', 'Large')[width]} network, {params:,} parameters, "
        f"{recorded['sizes'][images]:,} training images, remedy: {remedy}. After {epochs} epochs "
        f"{100 * train:.0f} % of the training images are right and {100 * valid:.0f} % of the validation "
        f"images, a gap of {100 * (train - valid):.0f} points. The validation loss is lowest after epoch "
        f"{best + 1}."
    )


@style()
def figure(recorded, width, images, remedy, metric, description):
    """Return the state of a `Capacity` as a `Picture`. Pure; arguments as its attributes."""
    drawing, axes = picture(7.6, 4, f"Capacity, {metric}. {description}")
    curves = chosen(recorded, width, images, remedy)
    for key, role, name in ((metric, "input", "training"), (f"val_{metric}", "output", "validation")):
        mean, spread = map(np.array, curves[key])
        epochs = np.arange(1, len(mean) + 1)
        axes.plot(epochs, mean, color=COLORS[role], label=name)
        axes.fill_between(epochs, mean - spread, mean + spread, color=COLORS[role], alpha=0.2, linewidth=0)
    best = int(np.argmin(curves["val_loss"][0]))
    axes.plot(best + 1, curves[f"val_{metric}"][0][best], "o", mfc="none", mew=2, color=COLORS["selected"])
    axes.set(xlabel="epoch", ylabel=metric, ylim=(0, 4 if metric == "loss" else 1))
    axes.legend()
    return drawing
