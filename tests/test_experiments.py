"""The scripts of the long experiments run, at the smallest size."""

import json
from importlib import import_module

import numpy as np
import pytest

import experiments
from cvcourse import league, pretrained, recording, stored
from cvcourse.datasets import Dataset
from cvcourse.models.vgg import course_network
from cvcourse.summary import summarize
from experiments import (
    backbone,
    batch_norm,
    capacity,
    cifar10,
    classification,
    imagenet_transfer,
    optimizers,
    transfer,
)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (24, 32, 32, 3)).astype(np.uint8)
    labels = np.arange(24) % 3
    return Dataset(images, labels, images[:9], labels[:9], ("cat", "dog", "duck"))


def test_every_experiment_has_its_module():
    for name in experiments.NAMES:
        assert callable(import_module(f"experiments.{name}").main)


def test_few_takes_as_many_of_each_class_by_the_seed(data):
    x, y = transfer.few(data, 4, seed=1)
    assert x.shape == (12, 32, 32, 3)
    assert sorted(y) == [0] * 4 + [1] * 4 + [2] * 4
    assert not np.array_equal(x, transfer.few(data, 4, seed=2)[0])


def test_strategies_freeze_what_they_say():
    base = course_network()
    trainable = {}
    for strategy, (_, frozen, _) in transfer.STRATEGIES.items():
        model = transfer.with_new_classifier(base, 10, frozen)
        assert model.output_shape == (None, 10)
        trainable[strategy] = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert trainable["only the classifier"] == 192 * 10 + 10
    assert trainable["all trainable"] == trainable["from scratch"]
    some = trainable["first three blocks frozen"]
    assert trainable["only the classifier"] < some < trainable["all trainable"]


def test_a_run_has_what_a_recording_needs(data, untraced):
    run = transfer.run("from scratch", 2, 0, data, epochs=1)
    assert {"label", "seed", "seconds", "cpu_seconds", "history", "result"} <= set(run)
    assert 0 <= run["result"]["test_accuracy"] <= 1


@pytest.mark.skipif(not pretrained.installed(), reason="EfficientNet-Lite0 is not installed")
@pytest.mark.parametrize("strategy", ["upper blocks", "features alone"])
def test_a_reuse_of_lite0_is_tuned_on_validation_images_alone(data, monkeypatch, strategy, untraced):
    monkeypatch.setattr(imagenet_transfer, "POOL", slice(0, 12))
    monkeypatch.setattr(imagenet_transfer, "VALIDATION", slice(12, 24))
    monkeypatch.setattr(imagenet_transfer, "IMAGES", 50)
    rates = (0.001, 0.01)
    (run,) = imagenet_transfer.tuned_runs(strategy, 32, data, (2,), (0,), rates, epochs=1)
    assert set(run["validation_by_rate"]) == set(rates) and run["rate"] in rates
    assert run["steps"] == (1 if strategy == "upper blocks" else 0)
    assert run["result"]["trainable_params"] == {"upper blocks": 3_120_867, "features alone": 3843}[strategy]
    assert {"label", "seed", "seconds", "cpu_seconds", "history"} <= set(run)


def test_the_recorded_reuse_of_lite0_reaches_its_bars():
    measured = recording.replay("imagenet_transfer")
    reached = {label: mean for label, (mean, _) in measured.results("test_accuracy").items()}
    assert reached["features alone, 160 px, 25"] >= 0.78 and reached["features alone, 160 px, 100"] >= 0.83
    for per_class in (25, 100):
        alone = reached[f"features alone, 160 px, {per_class}"]
        assert max(value for label, value in reached.items() if label.endswith(f", {per_class}")) > alone
    assert {run["steps"] for run in measured.runs} == {0, 500}  # 0: features alone


def test_backbone_writes_weights_and_card(data, tmp_path, monkeypatch, untraced):
    monkeypatch.setattr(backbone, "load", lambda name: data)
    monkeypatch.setattr(backbone, "course_network", lambda shape, **options: course_network(shape, 3, None))
    card = backbone.main(tmp_path, recipe=dict(backbone.RECIPE, epochs=1, batch_size=12))
    assert stored.read(tmp_path / "course.json") == card
    restored = course_network(classes=3)
    pretrained.load_weights(restored, tmp_path / card["file"], card["sha256"])
    assert len(card["history"]["loss"]) == 1


@pytest.mark.parametrize("setting", [{}, {"schedule": "cosine", "beta": 0.5}])
def test_an_optimizer_run_has_what_a_recording_needs(data, setting, monkeypatch, untraced):
    monkeypatch.setattr(optimizers, "VALID", 6)
    run = optimizers.run("Adam", 1e-3, 0, data, images=12, width=2, steps=2, **setting)
    assert {"label", "seed", "seconds", "cpu_seconds", "history", "result"} <= set(run)
    assert run["result"]["diverged"] is False


def test_optimizer_runs_recorded_are_those_asked_for_and_pairs_are_of_one_machine():
    recorded = {(run["label"], run["seed"]): run for run in recording.replay("optimizers").runs}
    assert list(recorded) == [(optimizers.label(**setting), seed) for setting, seed in optimizers.jobs()]
    assert all(run["date"] and run["processor"] for run in recorded.values())
    for name, rate in optimizers.BEST.items():
        for seed in optimizers.SEEDS + optimizers.FRESH:
            pair = [optimizers.label(optimizer=name, rate=rate, schedule=s) for s in (None, "cosine")]
            assert len({recorded[one, seed]["processor"] for one in pair}) == 1


def test_only_missing_optimizer_runs_are_made_and_joined(data, monkeypatch, tmp_path, untraced):
    monkeypatch.setattr(optimizers, "VALID", 6)
    monkeypatch.setattr(optimizers, "load", lambda name: data)
    small = {"images": 12, "width": 2, "steps": 2}
    jobs = [({"optimizer": "SGD", "rate": rate, **small}, 0) for rate in (0.1, 0.2)]
    monkeypatch.setattr(optimizers, "jobs", lambda: jobs[:1])
    path = optimizers.main("all", tmp_path)
    first = json.loads(path.read_text())["runs"]
    monkeypatch.setattr(optimizers, "jobs", lambda: jobs)
    optimizers.main("missing", tmp_path)
    joined = json.loads(path.read_text())
    assert joined["runs"][:1] == first and [run["rate"] for run in joined["runs"]] == [0.1, 0.2]
    assert optimizers.main("missing", tmp_path) is None  # nothing is missing any more
    monkeypatch.setattr(optimizers, "load", lambda name: data._replace(x_train=data.x_train + 1))
    with pytest.raises(ValueError, match="cannot be joined"):
        optimizers.main("missing", tmp_path)
    with pytest.raises(ValueError, match="part must be"):
        optimizers.main("more", tmp_path)


def test_a_diverged_run_is_valid_json(data, monkeypatch, untraced):
    monkeypatch.setattr(optimizers, "VALID", 6)
    run = optimizers.run("SGD", 1e30, 0, data, images=12, width=2, steps=4)
    assert run["result"]["diverged"] and run["result"]["loss"] is None
    json.dumps(run["history"], allow_nan=False)


@pytest.mark.parametrize("remedy", ["none", "all three"])
def test_a_capacity_run_watches_training_and_validation(data, remedy, monkeypatch, untraced):
    monkeypatch.setattr(optimizers, "VALID", 6)
    run = capacity.run(2, 12, remedy, 0, data, epochs=2)
    assert {key: len(values) for key, values in run["history"].items()} == dict.fromkeys(
        ("loss", "accuracy", "val_loss", "val_accuracy"), 2
    )
    assert 1 <= run["result"]["best_epoch"] <= 2


@pytest.mark.parametrize("norm", [None, "batch", "group", "late"])
def test_a_run_of_the_batch_norm_experiment(data, norm, untraced):
    x = batch_norm.small_images(data.x_train)
    assert x.shape == (24, 16, 16, 3) and x.dtype == np.float32
    run = batch_norm.run((x, data.y_train, x, data.y_train), 0, norm, batch_size=8, epochs=1)
    assert {"label", "seed", "seconds", "cpu_seconds", "history", "result"} <= set(run)
    assert len(run["history"]["val_accuracy"]) == 1


def test_settings_of_the_batch_norm_experiment_are_those_recorded():
    settings = batch_norm.settings()
    assert len(settings) == len(set(settings))
    keys = ("norm", "rate", "scale", "batch_size")
    recorded = {tuple(run[key] for key in keys) for run in recording.replay("batch_norm").runs}
    assert recorded == {(norm or "plain", *rest) for norm, *rest in settings}


def test_whitening_makes_patches_uncorrelated(data):
    kernels = cifar10.whitening(data.x_train)
    assert kernels.shape == (2, 2, 3, 24)
    np.testing.assert_array_equal(kernels[..., :12], -kernels[..., 12:])
    model = cifar10.quick_network(data.x_train, 3)
    assert model.output_shape == (None, 3)
    patches = data.x_train[:, :2, :2].astype("float32") / 255
    outputs = np.tensordot(patches, kernels[..., :12], axes=3)
    assert 0.1 < np.mean(outputs**2) < 10  # variance of order one from inputs of order 0.1


def test_crop_takes_a_square_of_each_image(data):
    crops = cifar10.crop(data.x_train, np.random.default_rng(0), size=8)
    assert crops.shape == (24, 8, 8, 3) and crops.dtype == np.uint8
    windows = np.lib.stride_tricks.sliding_window_view(data.x_train[0], (8, 8), axis=(0, 1))
    windows = windows.transpose(0, 1, 3, 4, 2).reshape(-1, 8, 8, 3)
    assert any(np.array_equal(crops[0], w) or np.array_equal(crops[0], w[:, ::-1]) for w in windows)


@pytest.mark.parametrize("setting, options", [("tutorial", {"epochs": 2}), ("ours", {})])
def test_progress_has_the_seconds_of_each_epoch(data, monkeypatch, setting, options, untraced):
    monkeypatch.setitem(cifar10.OURS, "ours", (1, 1))
    run = cifar10.run(setting, 0, data, **options)
    elapsed = run["history"]["elapsed"]
    assert len(elapsed) == len(run["history"]["test_accuracy"]) == 2
    assert 0 < elapsed[0] < elapsed[1] == run["seconds"]


@pytest.mark.parametrize("entry", ["Mark 1", "SVM on pixels", "SVM on HOG", "LeNet-5"])
def test_a_league_run_has_what_a_recording_needs(data, entry, untraced):
    run = classification.run(entry, 0, data, images=24, tests=9, epochs=1)
    assert {"label", "seed", "seconds", "cpu_seconds", "history", "result"} <= set(run)
    confusion = run["result"]["confusion"]
    assert confusion.sum() == 9 and list(confusion.sum(axis=1)) == [3, 3, 3]
    assert run["result"]["test_accuracy"] == pytest.approx(np.trace(confusion) / 9)
    assert run["result"]["params"] > 0 and run["result"]["macs"] > 0


def test_an_entry_that_is_not_in_the_league_is_refused(data):
    with pytest.raises(ValueError, match=r"entry must be one of Mark 1.*Received: entry='AlexNet'"):
        league.train("AlexNet", data.x_train, data.y_train, 3, 1)


def test_networks_of_the_league_cost_about_the_same():
    tables = {
        name: summarize(lambda build=build: build((32, 32, 3), 10)) for name, build in league.NETWORKS.items()
    }
    assert all(60_000 < table.trainable_params < 220_000 for table in tables.values())
    assert all(table.macs < 13e6 for table in tables.values())
