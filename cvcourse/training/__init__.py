"""Train within a budget, and quickly on a CPU."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from cvcourse import backend


class TimeBudget(keras.callbacks.Callback):
    """Stop the training at the end of the batch in which `seconds` have passed."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.end = time.monotonic() + self.seconds

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if time.monotonic() > self.end:
            self.model.stop_training = True


@keras.saving.register_keras_serializable(package="cvcourse")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises to `peak` and falls to almost zero, both in straight lines.

    Args:
        peak: float > 0, the largest learning rate.
        steps: int > 0, length of the whole training in steps (batches).
        warmup: float in (0, 1), the share of the steps in which the rate rises.

    Source: Smith and Topin, "Super-Convergence", 2017.
    """

    def __init__(self, peak: float, steps: int, warmup: float = 0.25) -> None:
        if not peak > 0 or not steps > 0 or not 0 < warmup < 1:
            raise ValueError(
                "OneCycle needs peak > 0, steps > 0 and 0 < warmup < 1. "
                f"Received: peak={peak}, steps={steps}, warmup={warmup}"
            )
        self.peak, self.steps, self.warmup = peak, steps, warmup

    def __call__(self, step):
        done = keras.ops.cast(step, "float32") / self.steps
        rising, falling = done / self.warmup, (1 - done) / (1 - self.warmup)
        return self.peak * keras.ops.maximum(keras.ops.minimum(rising, falling), 1e-3)

    def get_config(self) -> dict[str, float]:
        return {"peak": self.peak, "steps": self.steps, "warmup": self.warmup}


def augment(images: np.ndarray, rng: np.random.Generator, shift: int = 4, flip: bool = True) -> np.ndarray:
    """Return the images, each moved by up to `shift` pixels and mirrored with probability 1/2.

    Args:
        images: array (N, H, W, C), any dtype.
        rng: `numpy.random.Generator`.
        shift: int ≥ 0, pixels; the border is filled by reflection.
        flip: bool, mirror left and right. Leave it off for digits and letters.

    Returns:
        New array of the same shape and dtype.

    Example:
        >>> import numpy as np
        >>> augment(np.ones((2, 8, 8, 3)), np.random.default_rng(0)).shape
        (2, 8, 8, 3)
    """
    if np.ndim(images) != 4:
        raise ValueError(f"images must have the axes (N, H, W, C). Received: shape={np.shape(images)}")
    n, height, width, _ = images.shape
    if shift:
        padded = np.pad(images, ((0, 0), (shift, shift), (shift, shift), (0, 0)), mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
        down, right = rng.integers(0, 2 * shift + 1, (2, n))
        images = windows[np.arange(n), down, right].transpose(0, 2, 3, 1)
    images = np.array(images)
    if flip:
        mirrored = rng.random(n) < 0.5
        images[mirrored] = images[mirrored, :, ::-1]
    return images


class Batches(keras.utils.PyDataset):
    """Shuffled, augmented float32 batches of arrays; uint8 images are scaled to [0, 1].

    y may be a dict of arrays: then the batches have such dicts.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        batch_size: int = 32,
        augment: Callable | None = None,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.x, self.y, self.batch_size = x, y, batch_size
        self.augment, self.shuffle = augment, shuffle
        self.rng = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return -(-len(self.x) // self.batch_size)

    def __getitem__(self, index):
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        x = self.x[rows]
        if self.augment is not None:
            x = self.augment(x, self.rng)
        return _as_float(x), keras.tree.map_structure(lambda array: array[rows], self.y)

    def on_epoch_end(self) -> None:
        n = len(self.x)
        self.order = self.rng.permutation(n) if self.shuffle else np.arange(n)


def _as_float(x):
    return x.astype("float32") / 255 if x.dtype == np.uint8 else x.astype("float32", copy=False)


def fit(
    model: keras.Model,
    x: Any,
    y: Any,
    *,
    epochs: int | None = None,
    seconds: float | None = None,
    batch_size: int = 32,
    validation_data: Sequence | None = None,
    patience: int | None = None,
    augment: Callable | None = None,
    seed: int = 0,
    verbose: str | int = "auto",
    callbacks: Iterable = (),
) -> keras.callbacks.History:
    """Train a compiled model within a budget and return Keras's history.

    Does what `model.fit` does, with four differences: the budget may be a time; the seed is an
    argument; with `patience` the best weights are restored; and on TensorFlow the pause is gone
    that `model.fit` makes after each epoch of numpy arrays (see `cvcourse.backend.dataset`).

    Args:
        model: compiled Keras model.
        x: array (N, …); uint8 images are scaled to [0, 1] batch by batch.
        y: array (N, …), labels or targets; or a dict of such arrays.
        epochs: int, the largest number of epochs. Needed unless `seconds` is given.
        seconds: float, the training ends with the batch in which this time is over.
        batch_size: int > 0.
        validation_data: pair (x, y) as above; needed for `patience`.
        patience: int, stop after so many epochs without a lower validation loss.
        augment: function (images, rng) -> images, for example `training.augment`.
        seed: int, for shuffling, augmentation and dropout.
        verbose: as in Keras: "auto", 0, 1 or 2.
        callbacks: further Keras callbacks.

    Returns:
        `keras.callbacks.History`; `.history` maps each metric to its values, one per epoch.

    Raises:
        ValueError: no budget, an uncompiled model, lengths that differ, or patience without
            validation data.
    """
    _check_fit(model, x, y, epochs, seconds, batch_size, validation_data, patience)
    keras.utils.set_random_seed(seed)
    callbacks = list(callbacks)
    if seconds is not None:
        callbacks.append(TimeBudget(seconds))
    if patience is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)
        )
    if validation_data is not None:
        x_valid, y_valid = map(np.asarray, validation_data)
        validation_data = backend.dataset(Batches(x_valid, y_valid, 256, shuffle=False))
    y = keras.tree.map_structure(np.asarray, y) if isinstance(y, dict) else np.asarray(y)
    batches = Batches(np.asarray(x), y, batch_size, augment, seed=seed)
    return model.fit(
        backend.dataset(batches),
        epochs=epochs or 1_000_000,
        validation_data=validation_data,
        verbose=verbose,
        callbacks=callbacks,
        shuffle=False,
    )


def _check_fit(model, x, y, epochs, seconds, batch_size, validation_data, patience):
    if epochs is None and seconds is None:
        raise ValueError("fit needs a budget: epochs=…, seconds=… or both. Received: neither")
    for name, value in (("epochs", epochs), ("seconds", seconds), ("batch_size", batch_size)):
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be greater than 0. Received: {name}={value}")
    if not model.compiled:
        raise ValueError(
            "model must be compiled first: model.compile(optimizer=…, loss=…, metrics=…). "
            f"Received: the uncompiled model {model.name!r}"
        )
    for rows in y.values() if isinstance(y, dict) else [y]:
        if len(x) != len(rows) or not len(x):
            raise ValueError(
                f"x and y must hold one row per example. Received: len(x)={len(x)}, len(y)={len(rows)}"
            )
    if patience is not None and validation_data is None:
        raise ValueError(
            "patience watches the validation loss, so it needs validation_data=(x, y). "
            f"Received: patience={patience}, validation_data=None"
        )


def evaluate(model: keras.Model, x: ArrayLike, y: ArrayLike, batch_size: int = 256) -> dict[str, float]:
    """Return loss and metrics of a compiled model as a dict of floats; uint8 images are scaled to [0, 1]."""
    batches = Batches(np.asarray(x), np.asarray(y), batch_size, shuffle=False)
    return model.evaluate(backend.dataset(batches), verbose=0, return_dict=True)


def predict(model: keras.Model, x: ArrayLike, batch_size: int = 256) -> Any:
    """Return the model's outputs as one array (N, …); uint8 images are scaled to [0, 1]."""
    x = np.asarray(x)
    batches = Batches(x, np.zeros(len(x)), batch_size, shuffle=False)
    return model.predict(backend.dataset(batches), verbose=0)


def compile_one_cycle(
    model: keras.Model,
    steps: int,
    peak: float = 0.2,
    weight_decay: float = 5e-3,
    label_smoothing: float = 0.1,
    metrics: Sequence = ("accuracy",),
) -> None:
    """Compile a classifier with the recipe of `fit_one_cycle`, for `steps` batches and one-hot labels."""
    optimizer = keras.optimizers.SGD(
        OneCycle(peak, steps), momentum=0.9, nesterov=True, weight_decay=weight_decay
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=label_smoothing)
    model.compile(optimizer, loss, metrics=list(metrics), jit_compile=False)


def fit_one_cycle(
    model: keras.Model,
    x: np.ndarray,
    y: ArrayLike,
    *,
    epochs: int,
    peak: float = 0.2,
    batch_size: int = 256,
    weight_decay: float = 5e-3,
    label_smoothing: float = 0.1,
    metrics: Sequence = ("accuracy",),
    **options: Any,
) -> keras.callbacks.History:
    """Compile and train a classifier with the recipe that is quick on a CPU; return the history.

    SGD with Nesterov momentum 0.9 under `OneCycle`, label smoothing, and weight decay on
    kernels only (decoupled from momentum, so ten times the value of a PyTorch recipe).

    Args:
        model: Keras model whose last layer gives **logits** (no softmax), one per class.
        x: array (N, H, W, C).
        y: int array (N,), labels.
        epochs: int > 0.
        peak: float > 0, largest learning rate. Divide it by 10 to fine-tune a trained network.
        batch_size: int > 0.
        weight_decay: float ≥ 0, share of a kernel lost per step at learning rate 1.
        label_smoothing: float in [0, 1).
        metrics: Keras metrics.
        options: as in `fit`, for example `augment=training.augment`.

    Source: Smith and Topin 2017; Szegedy et al. 2015 (label smoothing).
    """
    classes = model.output_shape[-1]
    steps = epochs * -(-len(x) // batch_size)
    compile_one_cycle(model, steps, peak, weight_decay, label_smoothing, metrics)
    eye = np.eye(classes, dtype="float32")
    if "validation_data" in options:
        x_valid, y_valid = options.pop("validation_data")
        options["validation_data"] = (x_valid, eye[y_valid])
    return fit(model, x, eye[np.asarray(y)], epochs=epochs, batch_size=batch_size, **options)


def one_cycle_epochs(
    model: keras.Model,
    train: Sequence[ArrayLike],
    test: Sequence[ArrayLike],
    *,
    epochs: int,
    batch_size: int,
    peak: float,
    augment: Callable | None = None,
    seed: int = 0,
) -> Iterator[float]:
    """Train a classifier as `fit_one_cycle` does, an epoch at a time, so that a page can show and stop it.

    Args:
        model: Keras model that gives logits, one for each class.
        train, test: pairs (images, labels); images (N, H, W, C), labels (N,), whole numbers.
        epochs, batch_size, peak, augment, seed: as in `fit_one_cycle`.

    Yields:
        float, the share of the test images that are right after each epoch, in %.
    """
    eye = np.eye(model.output_shape[-1], dtype="float32")
    batches = Batches(np.asarray(train[0]), eye[np.asarray(train[1])], batch_size, augment, seed=seed)
    compile_one_cycle(model, epochs * len(batches), peak)
    for _ in range(epochs):
        for index in range(len(batches)):
            model.train_on_batch(*batches[index])
        batches.on_epoch_end()
        yield 100 * evaluate(model, test[0], eye[np.asarray(test[1])])["accuracy"]
