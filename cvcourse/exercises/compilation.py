"""The checks of lesson 06: losses and metrics; optimisers and when to stop."""

import copy
from typing import NamedTuple

import keras
import numpy as np

from cvcourse import boxes
from cvcourse.exercises.checking import Exercise
from cvcourse.exercises.hidden import drawn_boxes


def _log_softmax(logits, axis=-1):
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _cross_entropy(logits, labels, reduce=np.mean, log_p=_log_softmax):
    return reduce(-log_p(logits)[np.arange(len(labels)), labels])


def _logarithm_of_shares(powers):
    return np.log(powers / powers.sum(axis=-1, keepdims=True))


_scores = np.random.default_rng(6).normal(0, 2, (5, 4)).round(1)

check_cross_entropy = Exercise(
    solution=_cross_entropy,
    cases=[
        (np.array([[2.0, 1.0, 0.0]]), np.array([1])),
        (_scores, np.array([0, 3, 2, 1, 1])),
        (np.array([[1000.0, 0.0, -500.0], [-3.0, 4.0, 1.0]]), np.array([0, 1])),
        (np.array([[0.0, 900.0]]), np.array([0])),
    ],
    mistakes={
        "take e to the power of the logits as they are: e¹⁰⁰⁰ is too large for a number; subtract the "
        "largest logit first": {"log_p": lambda z: _logarithm_of_shares(np.exp(z))},
        "subtract the largest logit of the whole batch: each image needs its own": {
            "log_p": lambda z: (z - z.max()) - np.log(np.exp(z - z.max()).sum(axis=-1, keepdims=True))
        },
        "take the logarithm after the softmax: e⁻⁹⁰⁰ becomes 0, and ln 0 is −∞; take z − ln Σ exp z": {
            "log_p": lambda z: _logarithm_of_shares(np.exp(z - z.max(axis=-1, keepdims=True)))
        },
        "forget the minus": lambda logits, labels: -_cross_entropy(logits, labels),
        "add up the images instead of taking their mean": {"reduce": np.sum},
        "take the softmax twice": {"log_p": lambda z: _log_softmax(np.exp(_log_softmax(z)))},
        "take the softmax over the images instead of over the classes": {
            "log_p": lambda z: _log_softmax(z, axis=0)
        },
        "take the logit of the true class without the softmax": {"log_p": lambda z: z},
        "average over all classes: only the true class counts": lambda z, labels: np.mean(-_log_softmax(z)),
    },
    verified="four batches, two of them with logits of a thousand or nearly so",
)


def _iou(one, other, overlap=lambda sides: np.clip(sides, 0, None).prod(axis=-1), edge=0, over=None):
    """Table (N, M), with another way to find the overlap, with `edge` pixels more, or over something else."""
    one, other = one[:, None], other[None]
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2]) + edge
    first, second = ((pair[..., 2:] - pair[..., :2] + edge).prod(axis=-1) for pair in (one, other))
    shared = overlap(sides)
    return shared / (over(first, second) if over else first + second - shared)


_first = np.array([[0, 0, 4, 4], [10, 2, 16, 8]], "float32")
_second = np.array([[2, 2, 6, 6], [0, 0, 4, 4], [11, 3, 13, 5], [20, 9, 24, 12]], "float32")

check_iou_table = Exercise(
    solution=_iou,
    cases=[(_first, _second), (_second, _first), (_second, _second)],
    mistakes={
        "multiply two negative sides: boxes that are apart in x and in y then seem to overlap; clip the "
        "sides at 0": {"overlap": lambda sides: sides.prod(axis=-1)},
        "clip the product instead of the sides: two negative sides have a positive product": {
            "overlap": lambda sides: sides.prod(axis=-1).clip(0)
        },
        "forget to subtract the overlap, which both areas contain": {"over": np.add},
        "divide by the smaller area instead of the union": {"over": np.minimum},
        "add a pixel to each side: with half-open boxes the width is x2 − x1": {"edge": 1},
        "swap rows and columns of the table": lambda one, other: _iou(one, other).T,
        "return 1 − IoU, the loss": lambda one, other: 1 - _iou(one, other),
        "compare box n with box n only, instead of each with each": lambda one, other: boxes.iou(
            one[: len(other)], other[: len(one)]
        ),
    },
    vary=lambda rng, case: tuple(drawn_boxes(rng, len(boxes)).astype("float32") for boxes in case),
    verified="three tables of boxes: equal, inside, overlapping, apart",
)


def _harmonic(precision, recall):
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _scored(labels, scores, threshold, mean=_harmonic, yes=np.greater_equal, of_none=0.0, of_all=False):
    found, true = yes(scores, threshold), labels == 1
    hits, count = (found & true).sum(), len(labels)
    if of_all:
        return hits / count, hits / count, np.mean(found == true)
    precision = hits / found.sum() if found.any() else of_none
    recall = hits / true.sum()
    return precision, recall, mean(precision, recall)


_labels = np.array([1, 0, 1, 0, 0, 0, 1, 0, 0, 0])
_confidences = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0])

check_precision_recall_f1 = Exercise(
    solution=_scored,
    cases=[
        (_labels, _confidences, 0.65),
        (_labels, _confidences, 0.5),
        (_labels, _confidences, 0.25),
        (_labels, _confidences, 0.95),
        (_labels[1:], _confidences[1:], 0.75),
    ],
    mistakes={
        "swap precision and recall": lambda *case: tuple(_scored(*case)[n] for n in (1, 0, 2)),
        "take the plain mean: F1 is the harmonic mean": {"mean": lambda p, r: (p + r) / 2},
        "count a score that equals the threshold as no": {"yes": np.greater},
        "forget the case that nothing is found, 0 / 0: it counts as 0": {
            "mean": lambda p, r: np.float64(2 * p * r) / (p + r),
            "of_none": np.nan,
        },
        "forget that precision and recall may both be 0: F1 is then 0 / 0 and counts as 0": {
            "mean": lambda p, r: np.float64(2 * p * r) / (p + r)
        },
        "divide by the number of all images": {"of_all": True},
        "look for the zeros instead of the ones": lambda labels, scores, threshold: _scored(
            1 - labels, scores, threshold
        ),
    },
    verified="five thresholds, one so high that nothing is found, one at which only a false alarm is",
)


class _Script(NamedTuple):
    """Stands for a model in a case; `_Rehearsal` plays its validation losses."""

    losses: tuple

    def __repr__(self):
        return f"a model whose validation losses will be {self.losses}"


class _Rehearsal(keras.Model):
    """A model whose `fit` plays given validation losses instead of training, and calls the callbacks."""

    def __init__(self, losses):
        super().__init__()
        self.losses_to_come = losses
        self.epoch = self.add_weight(shape=(), name="epoch")  # its one weight tells from when the weights are

    def __deepcopy__(self, memo):
        return self

    def fit(self, x, y, batch_size=32, epochs=1, verbose=1, callbacks=(), validation_data=None, **others):
        history = keras.callbacks.History()
        played = keras.callbacks.CallbackList(keras.tree.flatten([history, callbacks or []]), model=self)
        self.rates, self.held_out = [], validation_data is not None
        played.on_train_begin()
        for epoch, loss in enumerate(self.losses_to_come[:epochs]):
            self.optimizer.iterations.assign((epoch + 1) * -(-len(x) // batch_size))
            self.epoch.assign(epoch + 1)
            self.rates.append(float(self.optimizer.learning_rate))
            logs = {"loss": 1 / min(epoch + 1, 5)} | ({"val_loss": loss} if self.held_out else {})
            played.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        played.on_train_end()
        return history


def _rehearsed(history):
    """What counts of a training: what was compiled, and what the callbacks did."""
    if not isinstance(history, keras.callbacks.History):
        return history
    model = history.model
    loss = keras.losses.get(model.loss)(np.array([1]), np.array([[2.0, 1.0, 0.0]]))
    return {
        "optimiser": type(model.optimizer).__name__,
        "loss of the logits (2, 1, 0) if class 1 is true": round(float(np.mean(loss)), 3),
        "validation data": model.held_out,
        "rate at the end of each epoch": [round(rate, 7) for rate in model.rates],
        "epochs trained": len(model.rates),
        "epoch of the weights": int(model.epoch.numpy()),
    }


def _trained(
    model, images, labels, held_out, epochs, cosine, optimizer=keras.optimizers.Adam, logits=True,
    steps=lambda images, epochs: epochs * -(-len(images) // 32), factor=0.5, wait=2, patience=5,
    watch="val_loss", restore=True, given=True, heard=True, both=False,
):  # fmt: skip
    rate = keras.optimizers.schedules.CosineDecay(0.01, steps(images, epochs)) if cosine else 0.01
    model.compile(optimizer(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=logits))
    halve = keras.callbacks.ReduceLROnPlateau(watch, factor=factor, patience=wait)
    stop = keras.callbacks.EarlyStopping(watch, patience=patience, restore_best_weights=restore)
    callbacks = [halve, stop] if both or not cosine else [stop]
    held_out = held_out if given else None
    return model.fit(
        images, labels, epochs=epochs, validation_data=held_out, callbacks=callbacks if heard else []
    )


def _training_case(losses, images, epochs, cosine):
    digits = np.zeros((images, 8, 8), "float32"), np.zeros(images, int)
    return _Script(losses), *digits, tuple(part[:4] for part in digits), epochs, cosine


check_training = Exercise(
    solution=_trained,
    cases=[
        _training_case((3.0, 2.0, 2.5, 2.6, 2.2, 2.1, 2.3, 2.4, 1.0), 70, 9, False),
        _training_case((3.0, 2.5, 2.0, 1.5), 64, 4, True),
        _training_case((2.0, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 0.5), 33, 8, True),
        _training_case((3.0, 3.1, 2.9, 2.9, 3.0, 2.8, 2.7), 70, 7, False),
    ],
    mistakes={
        "give CosineDecay the number of epochs: it counts steps, that is batches": {"steps": lambda x, n: n},
        "forget the last batch of an epoch, which is smaller": {"steps": lambda x, n: n * (len(x) // 32)},
        "count the images as steps: a step takes 32 of them": {"steps": lambda x, n: n * len(x)},
        "let the rate fall within one epoch: count the steps of all epochs": {
            "steps": lambda x, n: -(-len(x) // 32)
        },
        "watch the training loss: it goes on falling; watch val_loss": {"watch": "loss"},
        "keep the last weights: restore_best_weights brings back the best": {"restore": False},
        "make the callbacks, but do not give them to fit": {"heard": False},
        "forget validation_data: without it there is no val_loss to watch": {"given": False},
        "leave Keras's factor, 0.1: half is 0.5": {"factor": 0.1},
        "swap the two patiences": {"wait": 5, "patience": 2},
        "leave Keras's patience, 0, at the stop: it then stops at the first setback": {"patience": 0},
        "put ReduceLROnPlateau beside a schedule: only one of them can set the rate": {"both": True},
        "take the logits for probabilities: from_logits=True": {"logits": False},
        "take SGD: the optimiser was to be Adam": {"optimizer": keras.optimizers.SGD},
    },
    verified="four trainings, two under a cosine and two with a rate that is halved; best weights back",
    observe=_rehearsed,
    prepare=lambda case: (_Rehearsal(case[0].losses), *copy.deepcopy(case[1:])),
)


def _adam_step(
    weights, mean, square, gradient, t, rate,
    betas=(0.9, 0.999), power=2, root=lambda v: np.sqrt(v) + 1e-7, keep_corrected=False,
):  # fmt: skip
    mean = betas[0] * mean + (1 - betas[0]) * gradient
    square = betas[1] * square + (1 - betas[1]) * gradient**power
    corrected = [average / (1 - beta**t) for average, beta in zip((mean, square), betas, strict=True)]
    kept = corrected if keep_corrected else (mean, square)
    return weights - rate * corrected[0] / root(corrected[1]), *kept


_places = np.random.default_rng(7).integers(-9, 10, (6, 3)).astype("float64")
_start = np.zeros(3)

check_adam_step = Exercise(
    solution=_adam_step,
    cases=[
        (_places[0], _start, _start, _places[1] / 4 + 0.1, 1, 0.1),
        (_places[2], _places[3] / 9, np.abs(_places[4]) + 1, _places[5], 2, 0.5),
        (_places[1], _places[0] / 9, np.abs(_places[3]) + 2, _places[2], 30, 0.1),
        (_places[3], _start, _start, np.array([0.0, 1e-3, -1e-7]), 1, 0.1),
    ],
    mistakes={
        "forget the bias correction": lambda *case: _adam_step(*case[:4], np.inf, case[5]),
        "count the steps from 0: the correction of the first one divides by zero": lambda *case: _adam_step(
            *case[:4], case[4] - 1, case[5]
        ),
        "forget the root": {"root": lambda v: v + 1e-7},
        "forget ε: where no gradient has ever come, the step is 0 / 0": {"root": np.sqrt},
        "add ε inside the root": {"root": lambda v: np.sqrt(v + 1e-7)},
        "swap β₁ and β₂": {"betas": (0.999, 0.9)},
        "forget to square the gradient in the second average": {
            "power": 1,
            "root": lambda v: np.sqrt(np.abs(v)) + 1e-7,
        },
        "go uphill: the move has a minus": lambda *case: _adam_step(*case[:5], -case[5]),
        "keep the corrected averages: the next step needs them as they were": {"keep_corrected": True},
    },
    verified="the first, the second and the thirtieth step, and one where hardly a gradient comes",
)


def _stopping(losses, patience, better=lambda loss, best, before: loss < best, reset=True):
    best, best_epoch, before, waited = np.inf, 0, np.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        if better(loss, best, before):
            best, best_epoch, waited = loss, epoch, 0 if reset else waited
        else:
            waited += 1
            if waited >= patience:
                return best_epoch, epoch
        before = loss
    return best_epoch, len(losses)


check_early_stopping = Exercise(
    solution=_stopping,
    cases=[
        ([5.0, 4.0, 3.0, 3.0, 3.5, 2.0, 1.0], 2),
        ([3.0, 5.0, 4.5, 4.0, 3.5, 3.2], 3),
        ([4.0, 3.0, 2.0], 5),
        ([2.0, 1.0, 1.5, 0.5], 1),
        ([3.0, 4.0, 2.0, 3.0, 1.0, 0.5], 2),
    ],
    mistakes={
        "look at all epochs: those after the stop never happen": lambda losses, patience: (
            int(np.argmin(losses)) + 1,
            _stopping(losses, patience)[1],
        ),
        "give back the last epoch: the best one has the weights to keep": lambda losses, patience: (
            (_stopping(losses, patience)[1],) * 2
        ),
        "count the epochs from 0": lambda *case: tuple(n - 1 for n in _stopping(*case)),
        "wait one epoch too long": lambda losses, patience: _stopping(losses, patience + 1),
        "never set the counter back: epochs without a new lowest loss count in a row": {"reset": False},
        "compare with the epoch before instead of with the best so far": {
            "better": lambda loss, best, before: loss < before
        },
        "take an equal loss as better": {"better": lambda loss, best, before: loss <= best},
        "never stop": lambda losses, patience: (int(np.argmin(losses)) + 1, len(losses)),
    },
    verified="five curves, one that falls to the end, one with two equal losses, one that goes up and down",
)
