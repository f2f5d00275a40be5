"""A GAN trained and judged: what its losses say while it learns, and how good its pictures are."""

import keras
import numpy as np

from cvcourse import likeness, pretrained, training
from cvcourse.datasets.fixed import TEST_SEED, drawings
from cvcourse.models.gan import gan

JUDGED = 500  # made pictures that are judged, beside as many real ones
BATCH = 32
SETTLING = 60  # batches until batch norm knows the statistics of weights that are a mean


class Judge:
    """Measures made pictures against real ones that no network was trained on.

    The features are those of the course network: trained on CIFAR-100, it has never seen these animals.

    Args:
        n: int ≥ 2, how many pictures of either kind are compared; distances depend on it.
    """

    def __init__(self, n=JUDGED):
        self.n = n
        course, animals = (pretrained.load(name) for name in ("course", "scenes_classifier"))
        self.network = keras.Model(course.model.input, course.model.get_layer("average").output)
        self.classifier, self.classes = animals.model, animals.classes
        self.real = drawings(n, TEST_SEED).images / np.float32(255)
        self.features = self.features_of(self.real)
        self.apart = _apart(self.real)

    def features_of(self, images):
        """Return the course network's features of images in [0, 1], float32 (N, 192)."""
        return training.predict(self.network, images)

    def distance(self, images):
        """Return the Fréchet distance of images (n, H, W, C) to the real ones."""
        return likeness.frechet_distance(self.features_of(images), self.features)

    def figures(self, images):
        """Return {"frechet", "spread", "cat", "dog", "duck"} of images.

        "spread" says how different they are from each other: 1 as real ones, 0 all the same. The classes
        have the share of images that the scenes classifier takes for each.
        """
        named = training.predict(self.classifier, images).argmax(axis=1)
        shares = {name: np.mean(named == k) for k, name in enumerate(self.classes)}
        return {"frechet": self.distance(images), "spread": _apart(images) / self.apart, **shares}

    def sets(self, generate, seeds=range(2, 7)):
        """Return the `figures` of one set of pictures for each seed, as arrays: how much is chance?

        Args:
            generate: function (number of pictures, seed) -> images, as `GAN.generate`.
            seeds: ints.
        """
        found = [self.figures(generate(self.n, seed)) for seed in seeds]
        return {name: np.array([one[name] for one in found]) for name in found[0]}


class Watch(keras.callbacks.Callback):
    """While a GAN is trained: both losses, D's opinions and what `Judge` says, every so many steps.

    Args:
        judge: `Judge`, or None for the losses alone.
        every: int ≥ 1, steps.

    Attributes:
        history: dict of lists: "step", the means of what `GAN.train_step` returns, and the judge's figures.
    """

    def __init__(self, judge=None, every=2000):
        super().__init__()
        self.judge, self.every = judge, every
        self.history, self.kept, self.steps = {}, [], 0

    def on_train_batch_end(self, batch, logs=None):
        self.kept.append({name: float(value) for name, value in logs.items()})
        self.steps += 1
        if self.steps % self.every:
            return
        means = {name: np.mean([one[name] for one in self.kept]) for name in self.kept[0]}
        row = {"step": self.steps} | means
        if self.judge:
            row |= self.judge.figures(self.model.generate(self.judge.n, seed=1))
        for name, value in row.items():
            self.history.setdefault(name, []).append(value)
        self.kept = []


def fit_gan(rates, steps, seed, images, callbacks=(), verbose=0, build=gan, ways=None, average=None):
    """Train a GAN for so many batches, with learning rates that fall to zero, and return it.

    Args:
        rates: (generator's, discriminator's) peak of the learning rate.
        steps: int > 0.
        seed: int, for weights, noise and the order of the pictures.
        images: float32 (N, 32, 32, 3) in [0, 1], at least a batch.
        callbacks: Keras callbacks.
        verbose: as in Keras.
        build: function (shape of an image) -> untrained `GAN`.
        ways: dict, more arguments of `GAN.compile`.
        average: None, or from one to the next of so many steps G's weights enter a mean, the first quarter
            of the training left out. The mean stays in place (Izmailov et al., "Averaging weights leads to
            wider optima and better generalization", 2018; Yazıcı et al., "The unusual effectiveness of
            averaging in GAN training", 2018).
    """
    keras.utils.set_random_seed(seed)
    model = build(images.shape[1:])
    model.compile([training.OneCycle(rate, steps, warmup=0.05) for rate in rates], **(ways or {}))
    per_epoch = len(images) // BATCH
    images = images[: per_epoch * BATCH]  # whole batches only, for batch norm
    last = [_Mean(steps / 4, average)] if average else []
    training.fit(
        model,
        images,
        images,
        epochs=-(-steps // per_epoch),
        batch_size=BATCH,
        seed=seed,
        verbose=verbose,
        callbacks=[*callbacks, _StopAfter(steps), *last],
    )
    return model


class _StopAfter(keras.callbacks.Callback):
    def __init__(self, steps):
        super().__init__()
        self.left = steps

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            self.model.stop_training = True


class _Mean(keras.callbacks.Callback):
    def __init__(self, first, every):
        super().__init__()
        self.first, self.every, self.step, self.kept = first, every, 0, []

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.step >= self.first and self.step % self.every == 0:
            self.kept.append(self.model.generator.get_weights())

    def on_train_end(self, logs=None):
        generator = self.model.generator
        generator.set_weights([np.mean(one, axis=0) for one in zip(*self.kept, strict=True)])
        for seed in range(SETTLING):
            generator(self.model.noise(64, seed), training=True)


def _apart(images):
    """Mean distance of 1,000 pairs of images, root mean square over the pixels."""
    one, other = np.random.default_rng(0).integers(0, len(images), (2, 1000))
    keep = one != other
    return np.sqrt(np.square(images[one[keep]] - images[other[keep]]).mean(axis=(1, 2, 3))).mean()
