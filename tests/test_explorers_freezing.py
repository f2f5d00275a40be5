"""The freezing explorer without a browser: its numbers against Keras's, and its runs."""

import keras
import numpy as np
import pytest
from keras import layers

from cvcourse import datasets
from cvcourse.explorers import Freezing
from cvcourse.explorers.freezing import frozen_words
from cvcourse.training.cost import training_cost


def small():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv1"),
            layers.BatchNormalization(name="norm1"),
            layers.ReLU(),
            layers.Conv2D(8, 3, padding="same", name="conv2"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax", name="dense"),
        ]
    )


def data(count=24):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count)
    return (rng.random((count, 8, 8, 1)) * 0.2 + 0.8 * labels[:, None, None, None]).astype("float32"), labels


def explorer(model=None, **arguments):
    arguments = {"epochs": 3, "augment": None} | arguments
    return Freezing(model or small(), data(), data(), **arguments)


def test_the_course_network_in_numbers():
    one = Freezing()
    assert len(one.names) == 14
    assert one.cost["share"] == 1 and one.cost["frozen"] == 0
    assert [words for words, _ in one.presets] == [
        "all trainable",
        "freeze blocks 1 to 3",
        "all frozen but the classifier",
    ]
    one.frozen = one.presets[1][1]
    assert one.label() == "layers 1–7 frozen"
    assert one.cost["trainable"] + one.cost["frozen"] == 2_072_811
    assert 0.5 < one.cost["share"] < 0.65  # 0.55 to 0.58 measured
    one.frozen = one.presets[2][1]
    assert one.cost["trainable"] == 193 * 3
    assert one.description == one.describe()
    assert "579 parameters learn" in one.description


@pytest.mark.parametrize("frozen", [[], ["conv1"], ["conv2"], ["dense"], ["conv1", "conv2"]])
def test_parameters_are_those_of_keras(frozen):
    one, model = explorer(), small()
    one.frozen = frozen
    for group in one.groups:
        for name in group["layers"]:
            model.get_layer(name).trainable = group["name"] not in frozen
    assert one.cost["trainable"] == sum(int(np.prod(w.shape)) for w in model.trainable_weights)


def test_time_and_memory_by_hand():
    one = explorer(batch_size=5)
    m1, m2, m3 = 64 * 9 * 4, 64 * 9 * 4 * 8, 8 * 2
    assert [group["macs"] for group in one.groups] == [m1, m2, m3]
    one.frozen = ["conv1"]
    assert one.cost["passes"] == [[1, 0, 0], [1, 0, 1], [1, 1, 1]]
    assert one.cost["share"] == pytest.approx((m1 + 2 * m2 + 3 * m3) / (2 * m1 + 3 * m2 + 3 * m3))
    outputs = 4 * (64 * 4 + 64 * 8 + 8 + 2)  # the input of conv2, and all from there
    assert one.cost["activations"] == 5 * outputs
    assert one.cost["memory"] == 5 * outputs + 8 * one.cost["trainable"]
    one.frozen = ["conv2"]  # frozen, but the gradient must pass through it
    assert one.cost["passes"] == [[1, 0, 1], [1, 1, 0], [1, 1, 1]]
    both = training_cost(one.groups, [], 5, slots=2)
    assert both["slots"] == 8 * both["trainable"]


def test_a_frozen_prefix_never_costs_more():
    one, before = Freezing(), None
    for count in range(len(one.names) + 1):
        one.frozen = one.names[:count]
        now = [one.cost[key] for key in ("trainable", "share", "memory")]
        assert before is None or all(a < b for a, b in zip(now, before, strict=True))
        before = now


def test_a_run_joins_the_others_and_leaves_the_model_alone(untraced):
    model = small()
    before = [w.numpy().copy() for w in model.weights]
    one = explorer(model, curves={"from scratch": [50, 60]})
    first = one.run()
    assert len(first) == 3 and not one.running
    one.frozen = ["conv1"]
    one.run()
    assert [run["label"] for run in one.runs] == ["from scratch", "all trainable", "layer 1 frozen"]
    assert len({run["role"] for run in one.runs}) == 3
    one.frozen = []
    assert one.run() == first  # the same seed, the same curve, in the place of the old one
    assert len(one.runs) == 3
    assert all((old == w.numpy()).all() for old, w in zip(before, model.weights, strict=True))
    assert model.get_layer("conv1").trainable
    assert "all trainable" in one.describe() and one.describe() in one.figure().alt


def test_runs_are_recorded_for_the_presets_of_the_default_data():
    scenes = [datasets.scenes(count, size=32, seed=seed) for count, seed in ((30, 1), (150, 2))]
    train, test = ((some.images, some.labels) for some in scenes)
    for one in Freezing(), Freezing(train=train, test=test, epochs=8):
        labels = []
        for _, frozen in one.presets:
            one.frozen = frozen
            labels.append(one.label())
        assert labels == list(one.recorded)
        assert {len(values) for values in one.recorded.values()} == {one.epochs}
    assert Freezing(seed=2).recorded == Freezing(epochs=3).recorded == explorer().recorded == {}
    assert Freezing(train=(train[0] // 2, train[1]), test=test).recorded == {}


def test_what_is_frozen_stays():
    one = explorer()
    trained = []
    original = one._copy
    one._copy = lambda: trained.append(original()) or trained[-1]
    one.frozen = ["conv1"]
    one.run()
    for name, same in (("conv1", True), ("norm1", True), ("conv2", False), ("dense", False)):
        old, new = (model.get_layer(name).get_weights() for model in (small(), trained[0]))
        pairs = zip(old, new, strict=True)
        assert all(np.array_equal(old, new) for old, new in pairs) is same


def test_the_page_asks_for_each_epoch_and_may_stop(untraced):
    one = explorer()
    one._receive(one, {"run": "start"}, [])
    assert one.running and one.progress == 0
    one._receive(one, {"run": "next", "epoch": 0}, [])
    one._receive(one, {"run": "next", "epoch": 0}, [])  # a second page asks for the same epoch
    assert one.progress == 1
    one._receive(one, {"run": "stop"}, [])
    assert not one.running
    assert one.runs[0]["label"] == "all trainable (stopped)" and len(one.runs[0]["values"]) == 1
    one._receive(one, {"run": "next", "epoch": 1}, [])
    assert one.progress == 1
    one.start()
    one.stop()  # before its first epoch: nothing to keep
    assert len(one.runs) == 1


def test_all_frozen_cannot_run_and_a_failure_is_said():
    one = explorer()
    one.frozen = one.names
    assert one.run() == [] and "Nothing can learn" in one.description
    assert one.cost["memory"] == 0
    one.frozen = []
    assert one.problem == ""
    one._test = ([], [])
    one._receive(one, {"run": "start"}, [])
    one._receive(one, {"run": "next", "epoch": 0}, [])
    assert one.problem.startswith("The training failed") and not one.running


def test_what_a_model_has_frozen_is_where_it_begins():
    model = small()
    model.get_layer("conv1").trainable = False
    assert explorer(model).frozen == ["conv1"]


def test_old_runs_make_room(untraced):
    one = explorer(epochs=1)
    for frozen in ([], ["conv1"], ["conv2"], ["dense"], ["conv1", "conv2"], ["conv2", "dense"]):
        one.frozen = frozen
        one.run()
    assert len(one.runs) == 5 and one.runs[0]["label"] == "layer 1 frozen"
    assert len({run["role"] for run in one.runs}) == 5


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([], "all trainable"),
        ([1, 2, 3], "only the classifier"),
        ([1, 2, 3, 4], "all frozen"),
        ([2], "layer 2 frozen"),
        ([1, 3, 4], "layers 1, 3–4 frozen"),
    ],
)
def test_words_for_what_is_frozen(numbers, words):
    assert frozen_words(numbers, 4) == words


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Freezing(small()), "train and test must be pairs"),
        (lambda: Freezing(train=data()), "train and test must be pairs"),
        (lambda: explorer(epochs=0), "epochs must be a whole number from 1 to 100"),
        (lambda: explorer(batch_size=2000), "batch_size must be a whole number"),
        (
            lambda: Freezing(small(), (data()[0], data()[1] + 5), data()),
            "an output for each of the 7 classes",
        ),
        (lambda: setattr(explorer(), "frozen", ["conv9"]), "frozen must hold names of conv1, conv2, dense"),
    ],
)
def test_wrong_arguments_are_explained(make, message):
    with pytest.raises(ValueError, match=message):
        make()
