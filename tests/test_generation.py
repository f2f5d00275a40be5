"""VAE, GAN and their judge: formulas against oracles, one step, shipped weights, recorded runs."""

from functools import partial

import keras
import numpy as np
import pytest
from scipy import linalg

from cvcourse import backend, gan_training, likeness, pretrained, recording, training
from cvcourse.datasets.fixed import drawings
from cvcourse.gan_training import Judge, Watch, fit_gan
from cvcourse.models import gan
from experiments import generation, tasks


@pytest.fixture(scope="module")
def judge():
    return Judge(100)


def test_frechet_distance_is_the_formula_with_a_matrix_root():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5))
    other = rng.normal(size=(300, 5)) @ rng.normal(size=(5, 5)) + 1
    (mean, cov), (mean_2, cov_2) = ((x.mean(axis=0), np.cov(x, rowvar=False, ddof=0)) for x in (one, other))
    expected = np.sum((mean - mean_2) ** 2) + np.trace(cov + cov_2 - 2 * linalg.sqrtm(cov @ cov_2).real)
    assert likeness.frechet_distance(one, other) == pytest.approx(expected, rel=1e-8)
    assert likeness.frechet_distance(other, one) == pytest.approx(expected, rel=1e-8)
    assert likeness.frechet_distance(one, one) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_of_single_numbers_and_of_fewer_rows_than_columns():
    a, b = np.array([-1.0, 1, 3]), np.array([0.0, 8, 7])
    expected = (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2
    assert likeness.frechet_distance(a[:, None], b[:, None]) == pytest.approx(expected)
    wide = np.random.default_rng(1).normal(size=(3, 10))
    assert likeness.frechet_distance(wide, wide + 2) == pytest.approx(40)


@pytest.mark.parametrize(
    "one, other, message",
    [
        (np.zeros(3), np.zeros((3, 1)), r"features must be .*\(N, D\).*\(3,\)"),
        (np.zeros((3, 1)), np.zeros((1, 1)), r"others must be"),
        (np.zeros((3, 2)), np.zeros((3, 4)), "one length. Received: 2 and 4"),
    ],
)
def test_bad_features_are_explained(one, other, message):
    with pytest.raises(ValueError, match=message):
        likeness.frechet_distance(one, other)


def test_nearest_is_what_a_loop_finds():
    rng = np.random.default_rng(0)
    images, pictures = rng.random((4, 5, 5, 3)), rng.random((20, 5, 5, 3))
    index, distance = likeness.nearest(images, pictures)
    for image, k, apart in zip(images, index, distance, strict=True):
        each = [np.sqrt(np.mean((image - picture) ** 2)) for picture in pictures]
        assert k == np.argmin(each) and apart == pytest.approx(min(each))
    with pytest.raises(ValueError, match="one shape"):
        likeness.nearest(images, pictures[:, :4])
    with pytest.raises(ValueError, match="pictures must be a non-empty array"):
        likeness.nearest(images, pictures[:0])


def test_a_blurred_picture_has_less_gradient_energy():
    sharp = np.random.default_rng(0).random((2, 9, 9, 1))
    blurred = (sharp + np.roll(sharp, 1, axis=1)) / 2
    assert (likeness.gradient_energy(blurred) < likeness.gradient_energy(sharp)).all()
    assert likeness.gradient_energy(np.ones((1, 4, 4, 3))) == 0


def test_gan_losses_are_binary_cross_entropy():
    real, made = np.random.default_rng(0).normal(0, 3, (2, 50, 1)).astype("float32")
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    ones = np.ones_like(real)
    expected = float(entropy(0.9 * ones, real)) + float(entropy(0 * ones, made))
    assert float(gan.discriminator_loss(real, made)) == pytest.approx(expected, rel=1e-5)
    assert float(gan.generator_loss(made)) == pytest.approx(float(entropy(ones, made)), rel=1e-5)
    assert np.isfinite(float(gan.generator_loss(np.array([[-1e4]], "float32"))))


def test_each_gradient_is_that_of_its_own_loss():
    a, b = keras.Variable([1.0, 2.0]), keras.Variable([3.0, -1.0])

    def losses():
        total = keras.ops.sum(a * b)
        return (total**2, keras.ops.sum(b**2) - total), total

    slopes, values, total = backend.gradients(losses, ([a], [b]))
    np.testing.assert_allclose(slopes[0][0], 2 * 1 * np.array([3.0, -1.0]))
    np.testing.assert_allclose(slopes[1][0], 2 * np.array([3.0, -1.0]) - np.array([1.0, 2.0]))
    assert [float(v) for v in values] == [1, 9] and float(total) == 1


def test_a_small_gan_takes_a_step_with_both_networks():
    model = gan.gan((8, 8, 1), latent=3, widths=(4, 8))
    model.compile()
    parts = model.generator, model.discriminator
    before = [[w.numpy() for w in part.trainable_variables] for part in parts]
    images = np.random.default_rng(0).random((8, 8, 8, 1), "float32")
    history = training.fit(model, images, images, epochs=1, batch_size=4, verbose=0).history
    assert set(history) == {"g_loss", "d_loss", "real", "made"} and np.isfinite(list(history.values())).all()
    for part, old in zip(parts, before, strict=True):
        assert all(np.any(w != o) for w, o in zip(part.trainable_variables, old, strict=True))
    assert np.array_equal(model.generate(3, seed=1), model.generate(3, seed=1))
    made = model.generate(3)
    assert made.shape == (3, 8, 8, 1) and 0 <= made.min() <= made.max() <= 1


def test_relativistic_loss_is_cross_entropy_of_the_difference():
    real, made = np.random.default_rng(0).normal(0, 3, (2, 50, 1)).astype("float32")
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)(np.ones_like(real), real - made)
    assert float(gan.relativistic_loss(real, made)) == pytest.approx(float(entropy), rel=1e-5)


def test_augmentation_mirrors_moves_and_tints_each_picture_by_itself():
    images = np.zeros((64, 16, 16, 3), "float32")
    images[:, 8, 6] = 1
    made = np.array(gan.augmented(images, keras.random.SeedGenerator(0)))
    rows, columns = np.divmod(made.mean(axis=-1).reshape(64, -1).argmax(axis=1), 16)
    assert made.shape == images.shape and set(rows - 8) == set(range(-4, 5))
    assert set(columns - 6) | set(columns - 9) >= set(range(-4, 5)) and 9 - 6 + 4 in set(columns - 6)
    assert len(np.unique(made[:, 0, 0, 0].round(5))) > 50  # brightness
    grey = np.array(gan.augmented(np.full((8, 9, 9, 3), 0.5, "float32"), keras.random.SeedGenerator(0)))
    assert grey.std(axis=(1, 2, 3)).max() < 1e-6  # no border appears


def test_the_penalty_is_the_squared_slope():
    w = np.random.default_rng(0).normal(size=(48, 1)).astype("float32")
    inputs = keras.Input((4, 4, 3))
    linear = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Flatten()(inputs)))
    linear.layers[-1].set_weights([w, np.zeros(1)])
    model = gan.GAN(gan.generator((4, 4, 3), 2, (4,)), linear)
    images = np.zeros((8000, 4, 4, 3), "float32")
    steep = model._steepness((images, images), (linear(images), linear(images)))
    assert float(steep) == pytest.approx(2 * np.sum(w**2), rel=0.1)


def test_a_steady_gan_takes_a_step():
    model = gan.steady_gan((8, 8, 1), latent=3, widths=(4, 8), last=4)
    model.compile(gan.STEADY_RATES, **gan.STEADY)
    images = np.random.default_rng(0).random((10, 8, 8, 1), "float32")
    history = training.fit(model, images, images, epochs=1, batch_size=4, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    assert not any("norm" in layer.name for layer in model.discriminator.layers)


def test_the_mean_of_the_late_weights_stays_in_place():
    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(self.model.generator.get_weights()[0])

    seen, images = [], np.random.default_rng(0).random((64, 8, 8, 1), "float32")
    build = partial(gan.steady_gan, latent=3, widths=(4, 8), last=4)
    how = {"build": build, "ways": gan.STEADY, "average": 2}
    model = fit_gan(gan.STEADY_RATES, 8, 1, images, [Look()], **how)
    np.testing.assert_allclose(model.generator.get_weights()[0], np.mean(seen[1::2], axis=0), atol=1e-6)
    z = model.noise(2000)
    off = np.abs(np.asarray(model(z)) - np.asarray(model.generator(z, training=True))).mean()
    assert off < 0.02  # batch norm's statistics are those of the mean


def test_the_discriminator_alone_learns_to_tell():
    keras.utils.set_random_seed(0)
    model = gan.gan((8, 8, 1), latent=3, widths=(8, 16))
    model.compile(rates=(0.0, 2e-3))
    images = np.ones((32, 8, 8, 1), "float32")
    history = training.fit(model, images, images, epochs=30, batch_size=32, verbose=0).history
    assert history["real"][-1] > 0.7 > 0.3 > history["made"][-1]
    assert history["d_loss"][-1] < history["d_loss"][0] - 0.5 and history["g_loss"][-1] > 1


def test_everything_is_trained_written_and_restored(tmp_path, monkeypatch, untraced):
    monkeypatch.setattr(generation, "SEEDS", (1,))
    monkeypatch.setattr(generation, "TRICKS", {"all": generation.TRICKS["all"]})
    monkeypatch.setattr(generation, "RUNS", {"collapse": generation.RUNS["collapse"]})
    monkeypatch.setattr(gan_training, "SETTLING", 2)
    weights, runs = tmp_path / "weights", tmp_path / "runs"
    weights.mkdir()
    runs.mkdir()
    generation.main(folder=weights, runs_folder=runs, images=40, steps=2, judged=10, n=20, epochs=1)
    for name in ("gan", "vae_plane"):
        pretrained.load_weights(pretrained.SHIPPED[name].build(0), weights / f"{name}.npz")
    made = recording.replay("gan", runs).runs
    assert [run["label"] for run in made] == ["collapse"]
    assert made[0]["history"]["step"] == [2] and np.isfinite(made[0]["result"]["frechet"])
    assert [run["label"] for run in recording.replay("gan_tricks", runs).runs] == ["all"]
    with pytest.raises(ValueError, match="Received: vae"):
        generation.main("vae")


def test_watch_means_so_many_steps():
    watch = Watch(every=2)
    for step in range(5):
        watch.on_train_batch_end(step, {"g_loss": step})
    assert watch.history == {"step": [2, 4], "g_loss": [0.5, 2.5]}


def test_judge_tells_real_noise_and_copies_apart(judge):
    other = drawings(100, seed=77).images / np.float32(255)
    noise = np.random.default_rng(0).random(other.shape, "float32")
    floor = judge.figures(other)
    assert judge.distance(judge.real) == pytest.approx(0, abs=1e-3)
    assert floor["frechet"] < judge.distance(noise) / 5
    assert floor["spread"] == pytest.approx(1, abs=0.1)
    assert floor["cat"] + floor["dog"] + floor["duck"] == pytest.approx(1)
    assert judge.figures(np.repeat(other[:1], 100, axis=0))["spread"] == pytest.approx(0, abs=1e-6)


def test_plane_is_as_good_as_its_card_says():
    figures = generation.plane_figures(pretrained.load("vae_plane").model, n=200)
    assert figures["psnr"] == pytest.approx(pretrained.card("vae_plane")["psnr"], abs=0.5)


def test_gan_is_as_good_as_its_card_says():
    full, card = Judge(), pretrained.card("gan")
    sets = full.sets(pretrained.load("gan").model.generate)
    figures = {name: each.mean() for name, each in sets.items()}
    assert figures["frechet"] == pytest.approx(card["frechet"], rel=0.05)
    assert figures["spread"] == pytest.approx(card["spread"], rel=0.05)
    assert figures["frechet"] < 19 and figures["spread"] > 0.96
    assert sets["frechet"].max() < 20
    assert min(figures[name] for name in tasks.ANIMALS) > 0.1  # no class has collapsed


def test_recorded_runs_say_what_the_lesson_says():
    recorded = recording.replay("gan")
    spread, loss = recorded.results("spread"), recorded.curves("g_loss")
    assert [run["seed"] for run in recorded.runs] == [1, 2, 3] * len(generation.RUNS)
    assert spread["collapse"][0] + spread["collapse"][1] < spread["balanced"][0] - spread["balanced"][1]
    assert loss["collapse"][0][-1] < 0.5 * loss["balanced"][0][-1]
    distance = recorded.curves("frechet")["balanced"][0]
    assert loss["balanced"][0][-1] > 1.5 * loss["balanced"][0][0] and distance[-1] < 0.6 * distance[0]
    long = pretrained.card("gan")["history"]
    assert abs(long["loss"][-1] - long["loss"][0]) < 0.1  # while its pictures became better
    assert long["step"][-1] == generation.STEPS and long["frechet"][-1] < 0.4 * long["frechet"][0]
