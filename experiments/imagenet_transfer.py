"""Reuse EfficientNet-Lite0, which learned from ImageNet, on CIFAR-10 with few images per class.

Four strategies, each with the same number of steps and with the learning rate that is best on validation
images; and its features alone, with a linear classifier. A day on a processor, 15 minutes on a graphics card.
"""

import keras
import numpy as np
from keras import layers
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cvcourse import pretrained, recording, training
from cvcourse.datasets import load
from cvcourse.models.efficientnet import efficientnet
from experiments.shipping import data_facts, record
from experiments.transfer import few

SEEDS, TUNING_SEED = (0, 1, 2), 10
SIZES, AMOUNTS = (96, 160), (10, 25, 100)  # pixels; images per class
POOL, VALIDATION = slice(0, 5000), slice(5000, 6000)  # of the training images: to draw from, to tune on
EPOCHS, BATCH, IMAGES = 25, 50, 1000  # an epoch shows 1,000 pictures, however few there are: 20 steps
# Strategy: (start from trained weights, what learns by the start of its name, rates to choose from).
STRATEGIES = {
    "from scratch": (False, ("",), (0.03, 0.1, 0.3, 1.0)),
    "all trainable": (True, ("",), (0.003, 0.01, 0.03, 0.1)),
    "upper blocks": (True, ("block5", "block6", "block7", "top"), (0.003, 0.01, 0.03, 0.1)),
    "only the classifier": (True, ("none",), (0.03, 0.1, 0.3, 1.0)),
    "features alone": (True, ("none",), (0.001, 0.003, 0.01, 0.03)),  # here the rate is scikit-learn's C
}


def main(*parts, folder=None):
    """Run the strategies named in `parts` (all by default); write `runs/imagenet_transfer.json`."""
    data, runs = load("cifar10"), []
    for strategy in parts or STRATEGIES:
        for size in SIZES:
            for run in tuned_runs(strategy, size, data):
                print(run["label"], "seed", run["seed"], "rate", run["rate"], run["result"], flush=True)
                runs.append(run)
    return record(
        "imagenet_transfer",
        "What is a network that has seen a million photographs worth, with 10, 25 or 100 images per class?",
        "cvcourse experiments imagenet_transfer",
        data_facts("CIFAR-10, enlarged to 96 and 160 pixels", data),
        runs,
        folder,
    )


def tuned_runs(strategy, size, data, amounts=AMOUNTS, seeds=SEEDS, rates=None, epochs=EPOCHS):
    """Choose a learning rate for each number of images, then train with each seed; yields runs.

    Args:
        strategy: str, a key of `STRATEGIES`.
        size: int, pixels to which the images are enlarged.
        data: `datasets.Dataset` of 32×32 images, the first 6,000 for training in random order.
        amounts: numbers of images per class.
        seeds: ints, each with its own images.
        rates: learning rates to choose from; default those of the strategy.
        epochs: int, each of 1,000 pictures.
    """
    pool = data._replace(x_train=data.x_train[POOL], y_train=data.y_train[POOL])
    if strategy == "features alone":
        train = _linear(size, data, pool)
    else:
        train = _network(strategy, size, data, pool, epochs)
    for per_class in amounts:
        tried = {rate: train(per_class, TUNING_SEED, rate) for rate in rates or STRATEGIES[strategy][2]}
        tried = {rate: run["result"]["validation_accuracy"] for rate, run in tried.items()}
        best = max(tried, key=tried.get)
        for seed in seeds:
            facts = {"label": f"{strategy}, {size} px, {per_class}", "strategy": strategy, "size": size}
            facts |= {"images_per_class": per_class, "seed": seed, "rate": best, "validation_by_rate": tried}
            yield facts | train(per_class, seed, best)


def _enlarged(size):
    """Return (inputs, outputs): 32×32 images in [0, 1], enlarged and brought to the range of the network."""
    inputs = keras.Input((32, 32, 3))
    x = layers.Resizing(size, size, interpolation="bicubic")(inputs)
    return inputs, layers.Rescaling(255 / 128, offset=-127 / 128)(x)


def _network(strategy, size, data, pool, epochs):
    """Return the function (images per class, seed, rate) -> run; its model is compiled once."""
    trained, learning, _ = STRATEGIES[strategy]
    base = _base(trained)
    for layer in base.layers:
        layer.trainable = layer.name.startswith(learning)
    inputs, x = _enlarged(size)
    # Batch norm that learns also collects statistics; `base(x, training=False)` would not hold in `fit`.
    outputs = layers.Dense(len(data.classes), name="new_classifier")(layers.Dropout(0.2)(base(x)))
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=5e-4),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    first = model.get_weights()
    learn = sum(int(np.prod(w.shape)) for w in model.trainable_weights)

    def predict(images):
        return training.predict(model, images, 250).argmax(axis=1)

    def train(per_class, seed, rate):
        model.set_weights(first if trained else _shuffled(first, seed))
        for variable in model.optimizer.variables:
            variable.assign(np.zeros(variable.shape))
        x, y = few(pool, per_class, seed)
        repeated = np.resize(np.arange(len(x)), IMAGES)
        cycle = training.OneCycle(rate, epochs)
        schedule = keras.callbacks.LearningRateScheduler(lambda epoch: float(cycle(epoch + 0.5)))
        with recording.Clock() as clock:
            history = training.fit(
                model, x[repeated], y[repeated], epochs=epochs, batch_size=BATCH, seed=seed, verbose=0,
                augment=training.augment, callbacks=[schedule])  # fmt: skip
        history = {name: history.history[name] for name in ("loss", "accuracy")}
        steps, valid = epochs * IMAGES // BATCH, data.x_train[VALIDATION]
        return _run(predict, valid, data.x_test, data, clock, history, steps, learn)

    return train


def _base(trained=True):
    """Return EfficientNet-Lite0 without its classifier, for images of any size."""
    model = efficientnet(lite=True, resolution=None)
    if trained:
        model.set_weights(pretrained.load("efficientnet_lite0").model.get_weights())
    return keras.Model(model.inputs, model.layers[-1].input)


def _shuffled(weights, seed):
    """Return random weights in another order: another start for another seed."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(w.ravel()).reshape(w.shape) if w.ndim > 1 else w for w in weights]


def _linear(size, data, pool):
    """Return the function (images per class, seed, strength) -> run; the features are computed once."""
    inputs, x = _enlarged(size)
    model = keras.Model(inputs, _base()(x))
    features = training.predict(model, data.x_train[: VALIDATION.stop], 250)
    test = training.predict(model, data.x_test, 250)

    def train(per_class, seed, strength):
        rows, labels = few(pool._replace(x_train=np.arange(POOL.stop)), per_class, seed)
        classifier = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
        with recording.Clock() as clock:
            classifier.fit(features[rows], labels)
        learn = (features.shape[1] + 1) * len(data.classes)
        return _run(classifier.predict, features[VALIDATION], test, data, clock, {}, 0, learn)

    return train


def _run(predict, valid, test, data, clock, history, steps, learn):
    """Return what all runs have in common; `predict` gives the labels of what stands for the images."""
    result = {
        "validation_accuracy": np.mean(predict(valid) == data.y_train[VALIDATION]),
        "test_accuracy": np.mean(predict(test) == data.y_test),
        "trainable_params": learn,
    }
    clocks = {"seconds": clock.seconds, "cpu_seconds": clock.cpu_seconds}
    return {"steps": steps, **clocks, "history": history, "result": result}
