"""Train the small networks of the tasks; write their weights and model cards.

`cvcourse experiments tasks` trains all of them, `cvcourse experiments tasks yolo unet` some, and
`cvcourse experiments tasks measure yolo` only measures again what ships.
"""

from datetime import date
from functools import partial
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from cvcourse import boxes, pretrained, recording, stored, training
from cvcourse.datasets import photos, scenes
from cvcourse.datasets.fixed import PLAIN, SEVERAL, TEST_SCENES, TEST_SEED, TRAIN_SEED, drawings, fixed_scenes
from cvcourse.models import (
    cnn,
    instances,
    mask_rcnn,
    mask_rcnn_loss,
    rcnn,
    selective_search,
    ssd,
    unet,
    vae,
    yolo,
)
from cvcourse.models import super_resolution as sr
from experiments.shipping import checkpoints, data_hash, ship

SEED = 0
# Photographs to learn fine detail from, and others that the network never sees.
LEARNED = ("astronaut", "coffee", "motorcycle", "rocket", "camera", "coins", "brick", "grass", "gravel",
           "retina")  # fmt: skip
HELD_OUT = ("chelsea", "hubble_deep_field", "immunohistochemistry", "moon", "page", "text")


class Task(NamedTuple):
    """How one network is trained: all that differs from the others."""

    build: object  # function, the untrained network
    data: object  # function (n) -> (description, x, y) to learn from
    loss: object
    measure: object  # function (model) -> dict of figures, on data that it did not see
    recipe: dict  # "n" examples, "epochs", "batch_size", "peak" of the learning rate
    limits: str
    classes: tuple = ()
    script: str = "tasks"


def main(*names, folder=pretrained.WEIGHTS, seed=SEED, **recipe):
    """Train the networks of that name (all, if none is given) and return their cards.

    Args:
        names: of `TASKS`; "measure" before them measures what is in the folder, and trains nothing.
        folder: path, where `NAME.npz` and `NAME.json` are written.
        seed: int, for weights, shuffling and noise.
        recipe: "n", "epochs", "batch_size" or "peak", in place of those of the task.
    """
    again, names = names[:1] == ("measure",), [name for name in names if name != "measure"]
    wrong = set(names) - set(TASKS)
    if wrong:
        raise ValueError(f"the networks are: {', '.join(TASKS)}. Received: {', '.join(sorted(wrong))}")
    if again:
        return [measure_again(name, TASKS[name], Path(folder) / f"{name}.json") for name in names or TASKS]
    return [train(name, TASKS[name], folder, seed, recipe) for name in names or TASKS]


def measure_again(name, task, path):
    """Measure weights that ship again, and write the figures into their card. The card."""
    card, model = stored.read(path), task.build()
    pretrained.load_weights(model, path.with_name(card["file"]), card["sha256"])
    figures, history = recording.rounded(task.measure(model)), card.pop("history")
    card |= {**figures, "measured": date.today().isoformat(), "history": history}
    stored.write(path, card)
    return card


def train(name, task, folder, seed, changes):
    """Train one network with `fit`, and ship it. Its card."""
    recipe = {**task.recipe, **changes}
    facts, x, y = task.data(recipe["n"])
    keras.utils.set_random_seed(seed)
    model = task.build()
    history, clock = fit(model, x, y, seed, recipe, task.loss, callbacks=[checkpoints(name)])
    return ship(
        name,
        model,
        lambda: task.measure(model),
        folder=folder,
        clock=clock,
        history=history,
        architecture=f"{task.build.__module__}.{task.build.__name__}",
        data=facts,
        command=f"cvcourse experiments {task.script} {name}",
        seed=seed,
        recipe={**recipe, "optimizer": "Adam, one cycle"},
        limits=task.limits,
        classes=list(task.classes),
    )


def fit(model, x, y, seed, sizes, loss="sparse_categorical_crossentropy", **options):
    """Train with Adam under one cycle; return the history and the clock.

    `sizes` has "epochs", "batch_size" and "peak" of the learning rate; `options` are those of `training.fit`.
    """
    steps = sizes["epochs"] * -(-len(x) // sizes["batch_size"])
    optimizer = keras.optimizers.Adam(training.OneCycle(sizes["peak"], steps))
    model.compile(optimizer, loss, jit_compile=False)
    options = {"epochs": sizes["epochs"], "batch_size": sizes["batch_size"], "seed": seed, **options}
    with recording.Clock() as clock:
        history = training.fit(model, x, y, verbose=2, **options)
    return history.history, clock


def _learn(target, size=64, **knobs):
    """A task's data: scenes and what `target` makes of them."""

    def data(n):
        made = scenes(n, size, TRAIN_SEED, **knobs)
        y = target(made)
        given = ", ".join(f"{knob}={value}" for knob, value in {"seed": TRAIN_SEED, **knobs}.items())
        parts = y.values() if isinstance(y, dict) else [y]
        return about(f"scenes({n}, {size}, {given})", made.images, *parts), made.images, y

    return data


def about(name, x, *y):
    """Return what a card says of data to learn from."""
    return {"name": name, "images": len(x), "sha256": data_hash(x, *y)}


def _pieces(n):
    """Pieces of scenes, and what they show."""
    made = scenes(n, 64, TRAIN_SEED, **SEVERAL)
    pairs = [rcnn.encode(scene, selective_search.proposals(scene.image), i) for i, scene in enumerate(made)]
    x, y = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return about(f"pieces of scenes({n}, 64, seed={TRAIN_SEED}, objects=(1, 3))", x, y), x, y


def _patches(n, side=48):
    """Patches of photographs at half their size, and as they were."""
    rng = np.random.default_rng(TRAIN_SEED)
    patches = []
    for name in LEARNED:
        image = photos.photo(name)
        corners = rng.integers(0, np.array(image.shape[:2]) - side, (n // len(LEARNED), 2))
        patches += [image[row : row + side, column : column + side] for row, column in corners]
    y = np.stack(patches)
    x = sr.shrink(y)
    return about(f"{side}×{side} patches of the photographs {', '.join(LEARNED)}", x, y), x, y


def classifier_figures(model):
    """Accuracy on scenes with 1–3 animals (the one that shows most counts) and with one."""
    figures = {}
    for key, knobs in (("test_accuracy", SEVERAL), ("test_accuracy_one_animal", {"objects": 1})):
        test = fixed_scenes(**knobs)
        labels = training.predict(model, test.images).argmax(axis=-1)
        figures[key] = np.mean(labels == test.labels)
    return figures


def whole_picture_figures(detector, model, n=TEST_SCENES):
    """Average precision, as `detector_figures`; `detector` is the module `yolo` or `ssd`."""
    test = fixed_scenes(n)
    return detector_figures(detections(detector, model, test.images), test)


yolo_figures, ssd_figures = (partial(whole_picture_figures, detector) for detector in (yolo, ssd))


def rcnn_figures(model, n=TEST_SCENES):
    """As `yolo_figures`, for two ways to look, each with boxes as they were looked at and as corrected.

    Keys begin with "" (proposals, corrected: R-CNN), "raw_" (proposals as they are), "sliding_window_"
    (windows as they are) and "sliding_window_refined_" (windows, corrected).
    """
    test, windows = fixed_scenes(n), rcnn.windows()
    proposed = [selective_search.proposals(image) for image in test.images]
    slid = [windows] * len(proposed)
    ways = {"": (proposed, True), "raw_": (proposed, False), "sliding_window_": (slid, False),
            "sliding_window_refined_": (slid, True)}  # fmt: skip
    figures = {}
    for way, (places, refine) in ways.items():
        found = [
            rcnn.detect(model.predict_on_batch, image / np.float32(255), place, 0.01, refine=refine)
            for image, place in zip(test.images, places, strict=True)
        ]
        figures |= {way + key: value for key, value in detector_figures(found, test).items()}
    return figures


def detections(detector, model, images):
    """Return what a network that sees the whole picture finds, a list of `Detections`, weak ones included.

    Args:
        detector: module with `decode`, `yolo` or `ssd`.
        model: its network.
        images: (N, H, W, 3), uint8, or float in [0, 1].
    """
    return [detector.decode(output, threshold=0.01) for output in training.predict(model, images)]


def detector_figures(found, test):
    """Return mean average precision at IoU 0.5, 0.75 and 0.9, and that of each class at 0.5.

    Args:
        found: list of `Detections`, one for each scene.
        test: `Scenes`.
    """
    truth = [(scene.boxes, scene.box_labels) for scene in test]
    each = {mark: list(boxes.average_precision(found, truth, mark).values()) for mark in (0.5, 0.75, 0.9)}
    means = {f"map{100 * mark:.0f}": np.mean(values) for mark, values in each.items()}
    return {**means, "average_precision": each[0.5]}


def unet_figures(model, n=TEST_SCENES):
    """Intersection over union, of each class over all pixels and their mean."""
    test = fixed_scenes(n)
    masks = training.predict(model, test.images).argmax(axis=-1)
    pairs = [(masks == k, test.masks == k) for k in range(model.output_shape[-1])]
    overlap = [np.sum(ours & theirs) / np.sum(ours | theirs) for ours, theirs in pairs]
    return {"mean_iou": np.mean(overlap), "iou": overlap}


def mask_rcnn_figures(model, n=TEST_SCENES):
    """Average precision at IoU 0.5 of masks and of boxes, of each class and their mean; scenes a second."""
    test = fixed_scenes(n)
    instances.detect(model, test.images[:1])  # the first call takes longer
    with recording.Clock() as clock:
        found = instances.detect(model, test.images, threshold=0.01)
    masks = boxes.average_precision(
        [(one.masks, one.labels, one.scores) for one in found],
        [(scene.instance_masks, scene.box_labels) for scene in test],
        overlap=boxes.mask_iou,
    )
    whole = [(one.boxes, one.labels, one.scores) for one in found]
    precision = boxes.average_precision(whole, [(scene.boxes, scene.box_labels) for scene in test])
    return {
        "mask_ap50": np.mean(list(masks.values())),
        "mask_average_precision": list(masks.values()),
        "map50": np.mean(list(precision.values())),
        "average_precision": list(precision.values()),
        "scenes_per_second": n / clock.seconds,
    }


def vae_figures(model, n=TEST_SCENES):
    """As `reconstruction_figures`, on drawings that were not seen before."""
    return reconstruction_figures(model, drawings(n, TEST_SEED).images / np.float32(255))


def reconstruction_figures(model, images):
    """How true reconstructions are (PSNR in dB), and how many nats their z tell (KL divergence)."""
    mean, log_variance = (np.asarray(part) for part in model.encoder(images))
    divergence = (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=1) / 2
    return {"psnr": sr.psnr(images, model.decoder(mean)).mean(), "divergence": divergence.mean()}


def super_resolution_figures(model):
    """PSNR in dB of photographs that were made smaller and larger again, beside bicubic's."""
    each = {}
    for name in HELD_OUT:
        image = photos.photo(name)[None]
        image = image[:, : image.shape[1] // 2 * 2, : image.shape[2] // 2 * 2]
        small = sr.shrink(image)
        guess = np.clip(model(small), 0, 1)
        each[name] = {"network": sr.psnr(image, guess)[0], "bicubic": sr.psnr(image, sr.bicubic(small))[0]}
    means = {f"psnr_{way}": np.mean([one[way] for one in each.values()]) for way in ("network", "bicubic")}
    return {**means, "photographs": each}


DRAWN = (
    "It knows the animals of cvcourse.datasets.scenes only; the test scenes show the same drawings as the "
    "training scenes, in other places, coats and lights. "
)
ANIMALS = ("cat", "dog", "duck")
TASKS = {
    "yolo": Task(
        build=yolo.yolo, data=_learn(lambda made: yolo.encode(made.boxes, made.box_labels), **SEVERAL),
        loss=yolo.yolo_loss, measure=yolo_figures,
        recipe={"n": 20_000, "epochs": 20, "batch_size": 64, "peak": 4e-3},
        limits=DRAWN + "Two animals with their centres in one cell of 8×8 pixels count as one.",
        classes=ANIMALS,
    ),
    "ssd": Task(
        build=ssd.ssd, data=_learn(lambda made: ssd.encode(made.boxes, made.box_labels), **SEVERAL),
        loss=ssd.ssd_loss, measure=ssd_figures,
        recipe={"n": 8_000, "epochs": 9, "batch_size": 32, "peak": 3e-3}, limits=DRAWN, classes=ANIMALS,
    ),
    "rcnn": Task(
        build=rcnn.crop_network, data=_pieces, loss=rcnn.crop_loss, measure=rcnn_figures,
        recipe={"n": 2_500, "epochs": 8, "batch_size": 64, "peak": 3e-3},
        limits=DRAWN + "It sees pieces of 32×32 pixels, one at a time, and nothing around them.",
        classes=ANIMALS,
    ),
    "unet": Task(
        build=unet.unet, data=_learn(lambda made: made.masks, **SEVERAL),
        loss="sparse_categorical_crossentropy", measure=unet_figures,
        recipe={"n": 12_000, "epochs": 8, "batch_size": 32, "peak": 5e-3},
        limits=DRAWN + "It does not tell two animals of one class apart.", classes=("background", *ANIMALS),
    ),
    "mask_rcnn": Task(
        build=mask_rcnn.mask_rcnn,
        data=_learn(mask_rcnn_loss.targets, **SEVERAL),
        loss=None,  # the network has its own
        measure=mask_rcnn_figures,
        recipe={"n": 12_000, "epochs": 4, "batch_size": 32, "peak": 3e-3},
        limits=DRAWN + "It finds 12 objects at most.",
        classes=ANIMALS,
    ),
    "scenes_classifier": Task(
        build=cnn.cnn, data=_learn(lambda made: made.labels, **SEVERAL),
        loss="sparse_categorical_crossentropy", measure=classifier_figures,
        recipe={"n": 12_000, "epochs": 8, "batch_size": 64, "peak": 5e-3},
        limits=DRAWN + "Of several animals it names the one that shows most.", classes=ANIMALS,
    ),
    "vae": Task(
        build=vae.vae, data=_learn(lambda made: made.images / np.float32(255), 32, **PLAIN),
        loss=vae.reconstruction_loss, measure=vae_figures,
        recipe={"n": 20_000, "epochs": 25, "batch_size": 64, "peak": 3e-3},
        limits=DRAWN + "32×32 pixels, one animal on a plain ground.",
    ),
    "super_resolution": Task(
        build=sr.super_resolution,
        data=_patches,
        loss="mean_squared_error",
        measure=super_resolution_figures,
        recipe={"n": 10_000, "epochs": 12, "batch_size": 32, "peak": 2e-3},
        limits="Trained on ten photographs, for pictures made smaller the way `shrink` does it. It sharpens "
        "what is there; what was lost, it can only guess.",
    ),
}  # fmt: skip
