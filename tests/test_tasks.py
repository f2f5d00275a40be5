"""The small networks of the four tasks: each learns, ships, and is as good as its card says."""

import keras
import numpy as np
import pytest

from cvcourse import backend, pretrained
from cvcourse.datasets import photos, scenes
from cvcourse.models import super_resolution as sr
from cvcourse.models import unet, vae, yolo
from experiments import tasks

NETWORKS = sorted(tasks.TASKS)


@pytest.fixture(scope="module")
def some():
    return scenes(100, 64, seed=501, objects=(1, 3))


@pytest.mark.parametrize("name", NETWORKS)
def test_one_short_training_writes_weights_and_card(name, tmp_path, monkeypatch, request):
    if name != "mask_rcnn":  # its training step is compiled nowhere else
        request.getfixturevalue("untraced")
    fixed = tasks.fixed_scenes
    monkeypatch.setattr(tasks, "fixed_scenes", lambda n=8, size=64, **knobs: fixed(8, size, **knobs))
    (card,) = tasks.main(name, folder=tmp_path, n=10, epochs=1, batch_size=10)
    assert np.isfinite(card["history"]["loss"]).all()
    restored = tasks.TASKS[name].build()
    pretrained.load_weights(restored, tmp_path / card["file"], card["sha256"])


@pytest.mark.parametrize("name", [name for name in NETWORKS if callable(tasks.TASKS[name].loss)])
def test_a_loss_is_the_same_when_it_is_compiled(name):
    task = tasks.TASKS[name]
    _, x, y = task.data(2)
    x, y = x[:2].astype("float32"), y[:2].astype("float32")
    output = task.build()(x / x.max())
    np.testing.assert_allclose(backend.compiled(task.loss)(y, output), task.loss(y, output), rtol=1e-5)


def test_unknown_networks_are_refused():
    with pytest.raises(ValueError, match=r"the networks are: yolo.*Received: yolov9"):
        tasks.main("yolov9")


def test_cards_are_above_the_bars():
    assert pretrained.card("yolo")["map50"] >= 0.80
    assert pretrained.card("unet")["mean_iou"] >= 0.85
    assert pretrained.card("scenes_classifier")["test_accuracy"] >= 0.85
    card = pretrained.card("super_resolution")
    assert card["psnr_network"] > card["psnr_bicubic"] + 0.5
    assert sum(pretrained.card(name)["bytes"] for name in NETWORKS) <= 5e6
    assert all(tuple(pretrained.card(name)["classes"]) == tasks.TASKS[name].classes for name in NETWORKS)


def test_classifier_is_as_good_as_its_card_says(some):
    network = pretrained.load("scenes_classifier")
    named = [answers[0][0] for answers in network.predict(some.images)]
    right = np.array(named) == np.array(network.classes)[some.labels]
    assert right.mean() == pytest.approx(pretrained.card("scenes_classifier")["test_accuracy"], abs=0.08)


def test_yolo_is_as_good_as_its_card_says():
    figures = tasks.yolo_figures(pretrained.load("yolo").model, n=100)
    assert figures["map50"] == pytest.approx(pretrained.card("yolo")["map50"], abs=0.03)


def test_unet_is_as_good_as_its_card_says():
    figures = tasks.unet_figures(pretrained.load("unet").model, n=60)
    assert figures["mean_iou"] == pytest.approx(pretrained.card("unet")["mean_iou"], abs=0.03)


def test_vae_is_as_good_as_its_card_says():
    figures = tasks.vae_figures(pretrained.load("vae").model, n=200)
    assert figures["psnr"] == pytest.approx(pretrained.card("vae")["psnr"], abs=0.5)


def test_super_resolution_is_better_than_bicubic_on_a_new_photograph():
    image = photos.photo("chelsea", (200, 200))
    small = sr.shrink(image[None])
    (large,) = pretrained.load("super_resolution").predict(small)
    assert large.shape == image.shape and 0 <= large.min() <= large.max() <= 1
    assert sr.psnr(image[None], large) > sr.psnr(image[None], sr.bicubic(small)) + 0.5


def test_yolo_target_is_what_decodes_to_the_boxes(some):
    target = yolo.encode(some.boxes, some.box_labels)
    assert target.shape == (100, 8, 8, 8) and target.dtype == np.float32
    lost = 0
    for scene, cells in zip(some, target, strict=True):
        found = yolo.decode(cells, overlap=1)
        known = {(*np.round(box, 3), label) for box, label in zip(scene.boxes, scene.box_labels, strict=True)}
        again = {(*np.round(box, 3), label) for box, label in zip(found.boxes, found.labels, strict=True)}
        assert again <= known
        lost += len(known - again)
    assert lost <= 3  # two centres in one cell


def test_yolo_loss_is_the_formula():
    target = yolo.encode(np.array([[[8.0, 16, 40, 32]]]), np.array([[1]]))
    rng = np.random.default_rng(0)
    output = rng.uniform(0.1, 0.9, target.shape).astype("float32")
    output[..., 5:] /= output[..., 5:].sum(axis=-1, keepdims=True)
    (row, column), cell = (3, 3), output[0, 3, 3]
    assert target[0, row, column, 4] == target[..., 4].sum() == 1
    x, y = 8 * (cell[:2] + np.array([column, row]))
    w, h = cell[2:4] * 64
    guess = [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
    agreement = tasks.boxes.iou([8.0, 16, 40, 32], guess)
    expected = 5 * np.sum((cell[:2] - target[0, 3, 3, :2]) ** 2)
    expected += 5 * np.sum((np.sqrt(cell[2:4]) - np.sqrt([0.5, 0.25])) ** 2)
    expected -= agreement * np.log(cell[4]) + (1 - agreement) * np.log(1 - cell[4]) + np.log(cell[6])
    empty = np.delete(output[0, ..., 4].ravel(), 8 * row + column)
    expected -= 0.5 * np.log(1 - empty).sum()
    assert float(yolo.yolo_loss(target, output)[0]) == pytest.approx(expected, rel=1e-4)


def test_unet_hands_its_details_over():
    with_skips, without = unet.unet((64, 64, 3)), unet.unet((64, 64, 3), skips=False)
    assert with_skips.output_shape == without.output_shape == (None, 64, 64, 4)
    assert sum("skip" in layer.name for layer in with_skips.layers) == 4
    assert with_skips.count_params() > without.count_params()


def test_vae_divergence_and_chance():
    model = vae.vae((32, 32, 1), latent=2)
    images = np.random.default_rng(0).random((3, 32, 32, 1), "float32")
    mean, log_variance = (np.asarray(part) for part in model.encoder(images))
    np.testing.assert_allclose(model(images), model.decoder(mean), atol=1e-5)
    by_hand = np.mean([(np.exp(v) + m**2 - 1 - v).sum() / 2 for m, v in zip(mean, log_variance, strict=True)])
    assert float(model.losses[0]) == pytest.approx(by_hand, rel=1e-4)
    assert not np.allclose(model(images, training=True), model(images, training=True))
    assert np.array_equal(model.generate(2, seed=1), model.generate(2, seed=1))
    assert model.generate(5).shape == (5, 32, 32, 1)


def test_sub_pixels_are_laid_out_in_rows():
    x = np.arange(2 * 3 * 4, dtype="float32").reshape(1, 2, 3, 4)
    y = np.asarray(sr.PixelShuffle(2)(x))[0, ..., 0]
    assert y.shape == (4, 6)
    assert y[:2, :2].tolist() == [[0, 1], [2, 3]] and y[2:, 4:].tolist() == [[20, 21], [22, 23]]


def test_untrained_super_resolution_repeats_each_pixel():
    images = np.random.default_rng(0).random((1, 5, 7, 3), "float32")
    repeated = images.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(sr.super_resolution()(images), repeated, atol=1e-6)


def test_weights_that_would_be_lost_are_refused(tmp_path):
    inputs = keras.Input((2,))
    one, other = (keras.Model(inputs, keras.layers.Dense(2, name="same")(inputs)) for _ in range(2))
    model = keras.Model(inputs, other(one(inputs)), name="twins")
    with pytest.raises(ValueError, match=r"'twins' must have different names.*Received: 4 weights, 2 names"):
        pretrained.save_weights(model, tmp_path / "twins.npz")
