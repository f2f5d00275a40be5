"""Mark 1, LeNet-5 and GoogLeNet: the counts of the papers, and what each part computes."""

import itertools

import keras
import numpy as np
import pytest

from cvcourse.datasets import load
from cvcourse.models import inception, lenet, mobilenet, perceptron, vgg
from cvcourse.summary import summarize


def counted(summary, start):
    return sum(row["trainable_params"] for row in summary.rows if row["name"].startswith(start))


def test_lenet_of_1998_has_the_parameters_of_its_layers():
    summary = summarize(lenet.lenet5_1998)
    parts = {"C1": 156, "S2": 12, "C3_": 1516, "S4": 32, "C5": 48_120, "F6": 10_164}
    assert {name: counted(summary, name) for name in parts} == parts
    assert summary.trainable_params == sum(parts.values()) == 60_000
    assert summary.total_params - summary.trainable_params == 840


def test_table_of_c3_is_the_papers():
    assert [len(seen) for seen in lenet.C3] == [3] * 6 + [4] * 9 + [6]
    assert len(set(lenet.C3)) == 16
    assert [sum(k in seen for seen in lenet.C3) for k in range(6)] == [10] * 6


def test_lenet_layers_of_1998_compute_what_they_say():
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    pool = lenet.SubSampling()
    pool.build(x.shape)
    pool.coefficient.assign([1.0, 2.0, 0.0])
    pool.bias.assign([0.0, 1.0, 5.0])
    sums = x.reshape(2, 2, 2, 2, 2, 3).sum(axis=(2, 4))
    np.testing.assert_allclose(pool(x), sums * [1, 2, 0] + [0, 1, 5], rtol=1e-5)
    drawn = lenet.bitmaps()
    assert set(np.unique(drawn)) == {-1, 1} and len(np.unique(drawn.reshape(10, 84), axis=0)) == 10
    output = np.asarray(lenet.Bitmaps()(drawn.reshape(10, 84)))
    assert list(output.argmax(axis=1)) == list(range(10)) and np.all(output.diagonal() == 0)
    np.testing.assert_allclose(lenet.squash(np.array([1.0, -1.0])), [1, -1], atol=1e-4)


def test_modern_lenet_has_61706_parameters():
    assert summarize(lenet.lenet5).total_params == 61_706


def test_googlenet_is_caffes_and_its_sizes_are_the_papers():
    summary = summarize(inception.googlenet)
    assert summary.total_params == 6_998_552
    shapes = {row["name"]: row["output_shape"] for row in summary.rows}
    for name, shape in {
        "3a": (28, 28, 256),
        "3b": (28, 28, 480),
        "4a": (14, 14, 512),
        "4e": (14, 14, 832),
        "5b": (7, 7, 1024),
    }.items():
        assert shapes[f"inception_{name}_output"] == shape
    two_heads = summarize(lambda: inception.googlenet(auxiliary=True))
    head = 4 * 4 * 128 * 1024 + 1024 + 1024 * 1000 + 1000
    assert two_heads.total_params - summary.total_params == 2 * head + (512 + 528 + 2) * 128


def test_response_norm_is_the_formula():
    x = np.random.default_rng(0).normal(size=(1, 2, 2, 7)).astype("float32") * 50
    got = np.asarray(inception.response_norm(keras.ops.convert_to_tensor(x)))
    for k in range(7):
        near = x[..., max(0, k - 2) : k + 3]
        expected = x[..., k] / (1 + 1e-4 / 5 * (near**2).sum(axis=-1)) ** 0.75
        np.testing.assert_allclose(got[..., k], expected, rtol=1e-4)


SMALL = {
    "lenet5": lambda: lenet.lenet5((32, 32, 3), 3),
    "googlenet": lambda: inception.googlenet(
        (32, 32, 3), 3, inception.SMALL, inception.small_stem, True, classifier_activation=None
    ),
    "mobilenet": lambda: mobilenet.mobilenet((32, 32, 3), 0.25, 3, mobilenet.SMALL[:2], 1, None),
    "vgg": lambda: vgg.course_network((32, 32, 3), 3, None, vgg.SMALL[:2], "small"),
}


@pytest.mark.parametrize("name", SMALL)
def test_one_step_lowers_nothing_to_nan_and_changes_every_weight(name, untraced):
    keras.utils.set_random_seed(0)
    model = SMALL[name]()
    before = [weight.numpy() for weight in model.trainable_variables]
    x = np.random.default_rng(0).random((4, 32, 32, 3), dtype="float32")
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert np.isfinite(model.train_on_batch(x, np.array([0, 1, 2, 0])))
    changed = [np.any(w.numpy() != old) for w, old in zip(model.trainable_variables, before, strict=True)]
    assert np.mean(changed) > 0.9


def test_perceptron_rule_finds_or_and_and_never_rests_on_xor():
    x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1.0]])

    def mistakes_of_last_round(targets, rounds=100):
        weights = np.zeros(3)
        for _ in range(rounds):
            wrong = 0
            for row, target in zip(x, targets, strict=True):
                weights, mistake = perceptron.perceptron_step(weights, row, target)
                wrong += mistake
        return wrong

    assert mistakes_of_last_round([-1, 1, 1, 1]) == mistakes_of_last_round([-1, -1, -1, 1]) == 0
    assert mistakes_of_last_round([-1, 1, 1, -1]) > 0


def test_the_threshold_and_not_the_order_makes_and_slow():
    corners = np.array(list(itertools.product((0, 1), repeat=2)))

    def mistakes(order, points, targets):
        weights, total, wrong = np.zeros(3), 0, True
        while wrong:
            wrong = 0
            for k in order:
                weights, mistake = perceptron.perceptron_step(weights, np.append(points[k], 1), targets[k])
                wrong += mistake
            total += wrong
        return total

    orders = list(itertools.permutations(range(4)))
    means = [
        np.mean([mistakes(order, corners - moved, targets) for order in orders])
        for moved in (0, 0.5)
        for targets in ((-1, 1, 1, 1), (-1, -1, -1, 1))
    ]
    np.testing.assert_allclose(means, [8.33, 20.67, 6.33, 6.33], atol=0.01)


def test_photocells_average_equal_parts():
    images = np.random.default_rng(0).random((2, 40, 60, 3))
    means = images.mean(axis=-1).reshape(2, 20, 2, 20, 3).mean(axis=(2, 4)).reshape(2, 400)
    np.testing.assert_array_equal(perceptron.photocells(images), means > means.mean(axis=1, keepdims=True))


def test_mark_1_has_its_wires_and_learns_digits():
    data = load("digits")
    machine = perceptron.Mark1(seed=1)
    assert np.all(np.count_nonzero(machine.wires, axis=1) == 40)
    assert set(np.unique(machine.wires)) == {-1, 0, 1}
    wires = machine.wires.copy()
    machine.fit(data.x_train, data.y_train, epochs=3)
    np.testing.assert_array_equal(machine.wires, wires)
    assert np.mean(machine.predict(data.x_test) == data.y_test) > 0.8
    assert machine.mistakes[-1] < machine.mistakes[0]
