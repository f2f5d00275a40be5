"""What batch normalisation gives a small network: learning rate, initial weights, batch size."""

import keras
from keras import layers

from cvcourse import recording, training
from cvcourse.datasets import load
from experiments.shipping import data_hash
from experiments.sweep import measure

SEEDS = (0, 1, 2)
FILTERS = (16, 16, "pool", 32, 32, 32, "pool", 64, 64, 64)
TRAINING, TEST, EPOCHS = 4000, 2000, 6  # images, images, epochs
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
SCALES = (0.1, 0.3, 3.0, 10.0)  # factors on the initial kernels; 1 is among the runs with RATES
BATCH_SIZES = (2, 8, 64)
REMEMBERED = 640  # images over which the moving statistics reach back, at every batch size


def network(norm=None, scale=1.0, batch_size=64, input_shape=(16, 16, 3)):
    """Return an untrained network of eight convolutions that gives 10 logits.

    Args:
        norm: None, "batch" or "group" (8 groups) between each convolution and its ReLU, or "late": batch
            norm behind the ReLU.
        scale: float > 0, factor on the initial kernels of He et al. 2015.
        batch_size: int, sets the memory of batch norm's moving statistics.
        input_shape: tuple (H, W, C).
    """
    x = inputs = layers.Input(input_shape)
    for filters in FILTERS:
        if filters == "pool":
            x = layers.MaxPooling2D(2)(x)
            continue
        start = keras.initializers.VarianceScaling(2 * scale**2, "fan_in")
        bias = norm in (None, "late")  # elsewhere the norm takes it away again
        x = layers.Conv2D(filters, 3, padding="same", use_bias=bias, kernel_initializer=start)(x)
        parts = [layers.ReLU()]
        if norm == "group":
            parts.insert(0, layers.GroupNormalization(groups=8))
        elif norm:
            parts.insert(norm == "late", layers.BatchNormalization(momentum=1 - batch_size / REMEMBERED))
        for part in parts:
            x = part(x)
    outputs = layers.Dense(10)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, outputs, name=f"{norm or 'plain'}_network")


def small_images(images):
    """Return (N, 16, 16, 3) float32 of CIFAR images: means of 2 × 2 pixels, then about mean 0, variance 1."""
    images = images.reshape(len(images), 16, 2, 16, 2, 3).mean(axis=(2, 4), dtype="float32")
    return (images - 120) / 64


def run(data, seed, norm=None, rate=0.03, scale=1.0, batch_size=64, epochs=EPOCHS):
    """Train once; return the run as `shipping.record` stores it.

    Args:
        data: (x_train, y_train, x_test, y_test) as float32 images and integer labels.
        seed: int, for weights and order of the images.
        norm, scale, batch_size: as in `network`.
        rate: float > 0, constant learning rate of SGD with momentum 0.9.
        epochs: int > 0.
    """
    x, y, x_test, y_test = data
    keras.utils.set_random_seed(seed)
    model = network(norm, scale, batch_size, x.shape[1:])
    model.compile(
        keras.optimizers.SGD(rate, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    options = {"epochs": epochs, "batch_size": batch_size, "seed": seed, "verbose": 0}
    with recording.Clock() as clock:
        history = training.fit(model, x, y, validation_data=(x_test, y_test), **options).history
    curves = {name: history[name] for name in ("accuracy", "val_accuracy")}  # a loss may be infinite
    return {
        "label": f"{norm or 'plain'}, rate {rate:g}, scale {scale:g}, batch {batch_size}",
        "norm": norm or "plain",
        "rate": rate,
        "scale": scale,
        "batch_size": batch_size,
        "seed": seed,
        "seconds": clock.seconds,
        "cpu_seconds": clock.cpu_seconds,
        "history": curves,
        "result": {"test_accuracy": curves["val_accuracy"][-1]},
    }


def settings():
    """Return the settings (norm, rate, scale, batch size) of all runs: three sweeps, nothing twice."""
    both = (None, "batch")
    rates = [(norm, rate, 1.0, 64) for norm in both for rate in RATES]
    scales = [(norm, 0.03, scale, 64) for norm in both for scale in SCALES]
    # The learning rate goes with the batch size, as in the paper on group norm.
    sizes = [(norm, 0.1 * size / 64, 1.0, size) for size in BATCH_SIZES for norm in ("batch", "group")]
    # Group norm may want another rate than batch norm, and so may a norm behind the ReLU.
    pairs = (("group", 0.01), ("group", 0.03), ("late", 0.03), ("late", 0.1))
    others = [(norm, rate, 1.0, 64) for norm, rate in pairs]
    return list(dict.fromkeys(rates + scales + sizes + others))


def main(seeds=SEEDS, epochs=EPOCHS, folder=None, on=None):
    """Run every setting with every seed; write `runs/batch_norm.json` and return its path."""
    cifar = load("cifar10")
    x, y = small_images(cifar.x_train[:TRAINING]), cifar.y_train[:TRAINING].astype("int32")
    x_test, y_test = small_images(cifar.x_test[:TEST]), cifar.y_test[:TEST].astype("int32")
    data = (x, y, x_test, y_test)
    facts = {"name": f"CIFAR-10, {TRAINING} images of 16 × 16 pixels", "sha256": data_hash(*data)}
    names = ("norm", "rate", "scale", "batch_size")
    jobs = [
        {"seed": seed, **dict(zip(names, setting, strict=True)), "epochs": epochs}
        for seed in seeds
        for setting in settings()
    ]
    question = "Which learning rates, initial weights and batch sizes does batch normalisation allow?"
    return measure("batch_norm", question, run, jobs, data, facts, folder, on)
