"""fit keeps its budget and its seed."""

import time

import keras
import numpy as np
import pytest
from keras import layers

from cvcourse import backend, training


def classifier(logits=True):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(2, activation=None if logits else "softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=logits),
        metrics=["accuracy"],
    )
    return model


@pytest.fixture(scope="module")
def data():
    """Bright or dark images: a task that any classifier learns."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    x = rng.integers(0, 128, (200, 6, 6, 1)) + 127 * y[:, None, None, None]
    return x.astype(np.uint8), y


def test_fit_learns_and_scales_uint8(data):
    model = classifier()
    history = training.fit(model, *data, epochs=15, validation_data=data, verbose=0)
    assert len(history.history["loss"]) == 15
    assert history.history["val_accuracy"][-1] > 0.95
    direct = model.evaluate(data[0] / 255, data[1], verbose=0)[1]
    assert training.evaluate(model, *data)["accuracy"] == pytest.approx(direct)
    np.testing.assert_allclose(
        training.predict(model, data[0]), model.predict(data[0] / 255, verbose=0), atol=1e-5
    )


def test_the_seed_decides(data):
    losses = [
        training.fit(classifier(), *data, epochs=2, seed=seed, verbose=0).history["loss"]
        for seed in (3, 3, 4)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0] != pytest.approx(losses[2], rel=1e-4)


def test_time_budget_stops_the_training(data):
    start = time.monotonic()
    history = training.fit(classifier(), *data, seconds=1, verbose=0)
    assert 0.9 < time.monotonic() - start < 20
    assert len(history.history["loss"]) >= 1


def test_patience_restores_the_best_weights(data):
    x, y = data
    model = classifier()
    history = training.fit(model, x, y, epochs=60, patience=2, validation_data=(x, 1 - y), verbose=0)
    losses = history.history["val_loss"]
    assert len(losses) < 60
    assert training.evaluate(model, x, 1 - y)["loss"] == pytest.approx(min(losses), rel=1e-3)


def test_batches_give_every_row_once_in_an_order_that_changes(data):
    x = np.arange(10)
    batches = training.Batches(x, x, batch_size=4, seed=0)
    epochs = []
    for _ in range(2):
        epochs.append(np.concatenate([y for _, y in backend.dataset(batches)]))
    assert [sorted(epoch) for epoch in epochs] == [list(range(10))] * 2
    assert list(epochs[0]) != list(epochs[1])


def test_one_cycle_rises_and_falls():
    schedule = training.OneCycle(0.4, 100, warmup=0.25)
    rates = [float(schedule(step)) for step in range(100)]
    assert np.argmax(rates) == 25 and max(rates) == pytest.approx(0.4)
    assert rates[0] == pytest.approx(0.4e-3) and rates[-1] < 0.01
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert float(again(10)) == pytest.approx(rates[10])


def test_fit_one_cycle_reaches_the_goal(data):
    history = training.fit_one_cycle(
        classifier(), *data, epochs=10, batch_size=20, verbose=0, validation_data=data
    )
    assert history.history["val_accuracy"][-1] > 0.95


def test_augment_moves_and_mirrors():
    image = np.zeros((1, 9, 9, 1), np.uint8)
    image[0, 4, 3] = 9
    moved = training.augment(np.repeat(image, 500, axis=0), np.random.default_rng(0), shift=2)
    assert moved.dtype == np.uint8 and moved.shape == (500, 9, 9, 1)
    rows, columns = np.argwhere(moved[..., 0])[:, 1:].T
    assert set(rows) == {2, 3, 4, 5, 6}
    assert set(columns) == set(range(1, 8))  # 3 ± 2, and its mirror 5 ± 2
    still = training.augment(image, np.random.default_rng(0), shift=0, flip=False)
    np.testing.assert_array_equal(still, image)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "budget"),
        ({"epochs": 0}, "epochs must be greater than 0. Received: epochs=0"),
        ({"epochs": 1, "batch_size": 0}, "batch_size"),
        ({"epochs": 1, "patience": 2}, "validation_data"),
        ({"epochs": 1, "y": [1]}, "len\\(y\\)=1"),
    ],
)
def test_fit_explains_bad_arguments(data, change, message):
    arguments = {"x": data[0], "y": data[1]} | change
    with pytest.raises(ValueError, match=message):
        training.fit(classifier(), verbose=0, **arguments)


def test_fit_wants_a_compiled_model(data):
    with pytest.raises(ValueError, match="compiled first"):
        training.fit(keras.Sequential([keras.Input((6, 6, 1)), layers.Flatten()]), *data, epochs=1)
