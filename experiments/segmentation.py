"""Two questions to U-Net: what are its skip connections for, and does it learn from real microscope images?

`cvcourse experiments segmentation` answers both, `cvcourse experiments segmentation skips` (or `nuclei`) one.
The second needs the data set: a folder `nuclei` with `images` and `labels` in the folder `CVCOURSE_DATA`.
"""

import os
from pathlib import Path

import keras
import numpy as np
from skimage.measure import label as components
from skimage.morphology import diamond, dilation
from skimage.segmentation import find_boundaries

from cvcourse import boxes, pretrained, training
from cvcourse.datasets import formats, scenes
from cvcourse.datasets.fixed import SEVERAL, TRAIN_SEED, fixed_scenes
from cvcourse.datasets.load import FOLDER
from cvcourse.models.unet import border_weights, part_touching, unet, weighted_cross_entropy
from experiments.shipping import data_hash, record, ship
from experiments.sweep import measure
from experiments.tasks import fit

SEEDS = (0, 1, 2)
SKIPS = {"scenes": 4000, "epochs": 6, "tests": 200, "widths": (8, 16, 32, 48), "batch_size": 32, "peak": 5e-3}
SKIPS["twin"] = (8, 17, 34, 52)  # widths without skips, for as many parameters: 99,016 beside 98,996
NUCLEI = {"crops": 16, "side": 96, "epochs": 10, "widths": (8, 16, 32, 48), "batch_size": 16, "peak": 5e-3}
SPLIT = 40, 8, 12  # images to learn from, to watch, to test
NEAR = 2  # pixels: what counts as near a boundary
SPECK = 10  # pixels: smaller blobs are not counted as nuclei
TARGETS = {  # what a U-Net is told about nuclei: ground between those that touch? does it weigh more?
    "masks": (False, False),
    "masks with gaps": (True, False),
    "gaps and border weights": (True, True),
}
SHIPPED = "masks"


def main(*parts, seeds=SEEDS, folder=None, weights=pretrained.WEIGHTS, images=None, on=None, **sizes):
    """Run "skips", "nuclei" or, without a name, both; write `runs/{name}.json` and the weights `unet_nuclei`.

    Args:
        parts: names.
        seeds: tuple of int.
        folder: where the recordings are written, by default the package's `runs`.
        weights: where the weights are written.
        images: folder of the nuclei, with `images` and `labels`; by default `CVCOURSE_DATA`/nuclei.
        on: where "skips" is run: see `sweep.sweep`. Of the nuclei, one network ships: it is trained here.
        sizes: in place of those of `SKIPS` or `NUCLEI`.
    """
    if wrong := set(parts) - {"skips", "nuclei"}:
        raise ValueError(f"the parts are: skips, nuclei. Received: {', '.join(sorted(wrong))}")
    paths = []
    for part in parts or ("skips", "nuclei"):
        if part == "skips":
            paths.append(skips(seeds, folder, SKIPS | sizes, on))
        else:
            paths.append(nuclei(seeds, folder, weights, images, NUCLEI | sizes))
    return paths


def near_boundary(masks, distance=NEAR):
    """Return which pixels lie at most `distance` steps from a pixel of another class, bool (N, H, W).

    Args:
        masks: int (N, H, W).
        distance: int ≥ 1, in steps to one of the four neighbours.

    Example:
        >>> near_boundary(np.array([[[0, 0, 0, 1]]]), 1)
        array([[[False, False,  True,  True]]])
    """
    beside = np.array([find_boundaries(mask) for mask in masks])
    return dilation(beside, diamond(distance - 1)[None])


# --- With and without skip connections -----------------------------------------------------------------


def skip_run(connected, seed, data, sizes):
    """Train a U-Net with or without skips; return the run as `shipping.record` stores it.

    `data` are the scenes to train on, and those to test on.
    """
    made, test = data
    keras.utils.set_random_seed(seed)
    model = unet(widths=sizes["widths"] if connected else sizes["twin"], skips=connected)
    history, clock = fit(model, made.images, made.masks, seed, sizes)
    found = training.predict(model, test.images, 50).argmax(axis=-1)
    edge = near_boundary(test.masks)
    return {
        "label": "with skips" if connected else "without skips",
        "seed": seed,
        "seconds": clock.seconds,
        "cpu_seconds": clock.cpu_seconds,
        "history": history,
        "result": {
            "mean_iou": boxes.mean_iou(found, test.masks, 4),
            "mean_iou_near_boundary": boxes.mean_iou(found, test.masks, 4, edge),
            "mean_iou_elsewhere": boxes.mean_iou(found, test.masks, 4, ~edge),
            "parameters": model.count_params(),
        },
    }


def skips(seeds, folder, sizes, on=None):
    """Train with and without skip connections, for each seed; write `runs/skips.json`, return its path."""
    made, test = scenes(sizes["scenes"], 64, TRAIN_SEED, **SEVERAL), fixed_scenes(sizes["tests"])
    jobs = [{"connected": c, "seed": seed, "sizes": sizes} for seed in seeds for c in (True, False)]
    name = f"scenes({sizes['scenes']}, 64, seed={TRAIN_SEED}, objects=(1, 3)); tests: {sizes['tests']}"
    facts = {"name": name, "sha256": data_hash(made.images, made.masks, test.images, test.masks)}
    question = "What are the skip connections of U-Net for?"
    command = "cvcourse experiments segmentation skips"
    return measure("skips", question, skip_run, jobs, (made, test), facts, folder, on, command)


# --- Nuclei in real microscope images ------------------------------------------------------------------


def read_nuclei(folder=None, split=SPLIT, seed=0):
    """Return three pairs, to learn from, to watch and to test: images, and int maps of numbered nuclei.

    Raises:
        ValueError: the folder is not there, or holds too few images.
    """
    if folder is None:
        folder = Path(os.environ.get(FOLDER, ".")) / "nuclei"
    folder = Path(folder)
    if not (folder / "images").is_dir() or not (folder / "labels").is_dir():
        raise ValueError(
            "images must be a folder with the folders `images` and `labels`, or CVCOURSE_DATA a folder that "
            f"holds such a folder `nuclei`. Received: {folder}"
        )
    records = formats.masks(folder / "images", folder / "labels", kind="instances", classes="nucleus")
    if len(records) < sum(split):
        raise ValueError(f"images must hold at least {sum(split)} pictures. Received: {len(records)}")
    order = np.random.default_rng(seed).permutation(len(records))[: sum(split)]
    parts = np.split(order, np.cumsum(split)[:-1])
    return [
        (np.stack([records[i].image for i in part]), np.stack([numbered(records[i]) for i in part]))
        for part in parts
    ]


def numbered(record):
    """Return the map of a record's objects, int (H, W): 0 = ground, then 1, 2, …"""
    return np.tensordot(1 + np.arange(len(record.instance_masks)), record.instance_masks, 1)


def nuclei_targets(labels, gaps, weighted):
    """Return (N, H, W, 2): 1 in nuclei, and the weight of each pixel, for maps of numbered nuclei."""
    labels = [part_touching(each) if gaps else each for each in labels]
    weights = [border_weights(each) if weighted else np.ones_like(each) for each in labels]
    return np.stack([np.array(labels) > 0, weights], axis=-1).astype("float32")


def crops(images, targets, count, side, seed):
    """Return `count` random squares of each image and its target, turned and mirrored at random."""
    rng = np.random.default_rng(seed)
    x, y = [], []
    for image, mask in zip(images, targets, strict=True):
        for _ in range(count):
            row, column = (rng.integers(0, size - side + 1) for size in mask.shape[:2])
            square = slice(row, row + side), slice(column, column + side)
            turns, mirror = rng.integers(4), rng.choice((-1, 1))
            x.append(np.rot90(image[square], turns)[:, ::mirror])
            y.append(np.rot90(mask[square], turns)[:, ::mirror])
    return np.stack(x), np.stack(y)


def nuclei_figures(model, images, labels):
    """Return how well a network finds nuclei, pixel by pixel and one by one.

    "mean_iou", "iou" and "dice" are over all pixels. A nucleus is a blob of at least `SPECK` pixels: "counts"
    has found and true ones of each image, "count_error" the sum of their differences in shares of the true
    ones. "matched" is the F1 of nuclei whose IoU with a true one is above 0.5.
    """
    found, masks = training.predict(model, images, 4).argmax(axis=-1), (labels > 0).astype(int)
    both, sizes = np.sum((found == 1) & (masks == 1)), np.sum(found == 1) + np.sum(masks == 1)
    counts, matched = [], 0
    for blobs, true in zip(found, labels, strict=True):
        blobs, true = (each_object(components(blobs, connectivity=1)), each_object(true, 1))
        counts.append((len(blobs), len(true)))
        matched += np.sum(boxes.mask_iou(blobs, true) > 0.5)
    return {
        "mean_iou": boxes.mean_iou(found, masks, 2),
        "iou": float(both / (sizes - both)),
        "dice": float(2 * both / sizes),
        "count_error": float(np.sum(np.abs(np.diff(counts))) / np.sum(counts, axis=0)[1]),
        "matched": float(2 * matched / np.sum(counts)),
        "counts": np.array(counts).tolist(),
    }


def each_object(labels, speck=SPECK):
    """Return one mask for each number but 0 that at least `speck` pixels have, bool (K, H, W)."""
    sizes = np.bincount(labels.ravel())
    return labels == np.flatnonzero((sizes >= speck) & (np.arange(len(sizes)) > 0))[:, None, None]


def nuclei_run(told, seed, data, sizes):
    """Train on crops with the targets `told`; return the model, its clock, and the run as recorded."""
    (images, targets), watch, _ = [(x, nuclei_targets(labels, *TARGETS[told])) for x, labels in data]
    keras.utils.set_random_seed(seed)
    model = unet(classes=2, widths=sizes["widths"])
    x, y = crops(images, targets, sizes["crops"], sizes["side"], seed)
    history, clock = fit(model, x, y, seed, sizes, weighted_cross_entropy, validation_data=watch)
    return (
        model,
        clock,
        {
            "label": told,
            "seed": seed,
            "seconds": clock.seconds,
            "cpu_seconds": clock.cpu_seconds,
            "history": history,
            "result": nuclei_figures(model, *data[2]),
        },
    )


def nuclei(seeds, folder, weights, images, sizes):
    """Train with each target and seed; ship one network, write `runs/nuclei.json`, return its path."""
    data = read_nuclei(images)
    facts = {
        "name": "60 fluorescence images of nuclei, 256×256, from the Data Science Bowl 2018 (CC0)",
        "sha256": data_hash(*(array for pair in data for array in pair)),
    }
    command, runs = "cvcourse experiments segmentation nuclei", []
    for seed in seeds:
        for told in TARGETS:
            model, clock, run = nuclei_run(told, seed, data, sizes)
            runs.append(run)
            print("nuclei,", told, "seed", seed, run["result"], flush=True)
            if (told, seed) == (SHIPPED, seeds[0]):
                ship(
                    "unet_nuclei",
                    model,
                    lambda model=model: nuclei_figures(model, *data[2]),
                    folder=weights,
                    clock=clock,
                    history=run["history"],
                    architecture="cvcourse.models.unet.unet",
                    data=facts,
                    command=command,
                    seed=seed,
                    recipe={**sizes, "optimizer": "Adam, one cycle", "targets": told},
                    limits="Bright nuclei on a dark ground, as in fluorescence microscopy. It tells nuclei "
                    "from ground, not one nucleus from the next.",
                    classes=["background", "nucleus"],
                )
            keras.utils.clear_session()
    question = "Does U-Net tell touching nuclei apart, after forty images?"
    return record("nuclei", question, command, facts, runs, folder)
