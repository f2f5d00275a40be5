"""Train what lesson 12 shows: the GAN that ships, short runs beside it, and a VAE with two latent numbers.

`cvcourse experiments generation` makes all of it, `cvcourse experiments generation vae_plane` a part.
"""

from functools import partial

import keras
import numpy as np

from cvcourse import likeness, pretrained, recording, training
from cvcourse.datasets import on_one_ground, scenes
from cvcourse.experiments import tasks
from cvcourse.experiments.shipping import ship
from cvcourse.experiments.sweep import measure
from cvcourse.models import vae
from cvcourse.models.gan import RATES, STEADY, STEADY_RATES, gan, steady_gan

PARTS = "vae_plane", "gan_runs", "gan_tricks", "gan"
IMAGES, BATCH = 20_000, 32
STEPS, EVERY = 40_000, 2000  # of the GAN that ships: its training; from one look to the next
SHORT, LOOK, SEEDS, FEW = 1500, 150, (1, 2, 3), 200  # the same for the recorded runs; pictures judged there
JUDGED = 500  # made pictures that are judged, beside as many real ones
# Learning rates of generator and discriminator: each alone, and both, away from where they are in balance.
RUNS = {"balanced": RATES, "G faster": (4e-3, 5e-4), "D slower": (1e-3, 1e-4), "collapse": (4e-3, 1e-4)}
# What steadies a training: all of it together, without one of its parts, and none of it.
ALL = {"rates": STEADY_RATES, "build": steady_gan, "ways": STEADY}
TRICKS = {
    "all": ALL,
    "ordinary loss": ALL | {"ways": {**STEADY, "relativistic": False}},
    "steep D": ALL | {"ways": {**STEADY, "penalty": 0.0}},
    "no augmentation": ALL | {"ways": {**STEADY, "augment": False}},
    "averaged": ALL | {"average": 75},
    "small networks": ALL | {"build": partial(steady_gan, widths=(24, 48, 96), last=0)},
    "DCGAN": {"rates": RATES},
}
TRICK_STEPS = 1500
LIMITS = tasks.DRAWN + "32×32 pixels, one animal on a plain ground. Some pictures are no animal at all."


class Judge:
    """Measures made pictures against real ones that no network was trained on.

    The features are those of the course network: trained on CIFAR-100, it has never seen these animals.

    Args:
        n: int ≥ 2, how many pictures of either kind are compared; distances depend on it.
    """

    def __init__(self, n=JUDGED):
        self.n = n
        course, animals = (pretrained.load(name).model for name in ("course", "scenes_classifier"))
        self.network = keras.Model(course.input, course.get_layer("average").output)
        self.classifier = animals
        self.real = drawings(n, tasks.TEST_SEED).images / np.float32(255)
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
        shares = {name: np.mean(named == k) for k, name in enumerate(tasks.ANIMALS)}
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

    def __init__(self, judge=None, every=EVERY):
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


def drawings(n, seed=tasks.TRAIN_SEED, size=32):
    """Return `Scenes`: one animal each on a plain ground; by default the training pictures."""
    return scenes(n, size, seed, **tasks.PLAIN)


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
        for seed in range(60):  # batch norm's statistics belong to other weights
            generator(self.model.noise(64, seed), training=True)


def _apart(images, pairs=1000):
    """Mean distance of pairs of images, root mean square over the pixels."""
    one, other = np.random.default_rng(0).integers(0, len(images), (2, pairs))
    keep = one != other
    return np.sqrt(np.square(images[one[keep]] - images[other[keep]]).mean(axis=(1, 2, 3))).mean()


def run(label, steps, seed, images, judge, every, **how):
    """Train once, with `how` for `fit_gan`; return the GAN, its `Clock`, and the run as it is recorded."""
    watch = Watch(judge, min(every, steps))
    with recording.Clock() as clock:
        model = fit_gan(steps=steps, seed=seed, images=images, callbacks=[watch], verbose=2, **how)
    made = model.generate(judge.n, seed=2)
    result = judge.figures(made) | {"gradient_energy": likeness.gradient_energy(made).mean()}
    return (
        model,
        clock,
        {
            "label": label,
            "rates": how["rates"],
            "steps": steps,
            "seed": seed,
            "seconds": clock.seconds,
            "cpu_seconds": clock.cpu_seconds,
            "history": watch.history,
            "result": result,
        },
    )


def plane_images(n, seed=tasks.TRAIN_SEED):
    """Return (images, labels): animals on one light ground, float32 (n, 32, 32, 3), and classes (n,)."""
    made = drawings(n, seed)
    return on_one_ground(made), made.labels


def _plane_data(n):
    images, _ = plane_images(n)
    name = f"drawings({n}) of cvcourse.experiments.generation on one ground, seed {tasks.TRAIN_SEED}"
    return {"name": name, "images": n, "sha256": recording.data_hash(images)}, images, images


def plane_vae():
    """Return the auto-encoder whose z are two numbers, with random weights."""
    return vae.vae(latent=2, widths=(16, 32, 64))


def plane_figures(model, n=500):
    """How true reconstructions are (PSNR in dB), and how many nats z tells; on drawings not seen before."""
    images, _ = plane_images(n, tasks.TEST_SEED)
    mean, log_variance = (np.asarray(part) for part in model.encoder(images))
    divergence = (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=1) / 2
    error = np.square(images - np.asarray(model.decoder(mean))).mean(axis=(1, 2, 3))
    return {"psnr": np.mean(-10 * np.log10(error)), "divergence": divergence.mean()}


PLANE = tasks.Task(
    build=plane_vae,
    data=_plane_data,
    loss=vae.reconstruction_loss,
    measure=plane_figures,
    recipe={"n": 12_000, "epochs": 30, "batch_size": 64, "peak": 3e-3},
    limits=tasks.DRAWN + "Two numbers are too few for all that differs: it draws averages, blurred.",
)


def main(
    *names,
    folder=pretrained.WEIGHTS,
    runs_folder=None,
    images=IMAGES,
    steps=None,
    judged=JUDGED,
    on=None,
    **recipe,
):
    """Train the parts of that name (all, if none is given); write weights, cards and `runs/gan.json`.

    Args:
        names: "vae_plane" and "gan" ship; "gan_runs" and "gan_tricks" are short runs that are recorded.
        folder, runs_folder: paths, where weights and runs are written.
        images, steps, judged: int, in place of the full sizes of the GANs.
        on: where the short runs are made: see `sweep.sweep`.
        recipe: as for `tasks.train`, of "vae_plane".
    """
    wrong = set(names) - set(PARTS)
    if wrong:
        raise ValueError(f"names must be of {', '.join(PARTS)}. Received: {', '.join(sorted(wrong))}")
    names = names or PARTS
    if "vae_plane" in names:
        tasks.train("vae_plane", PLANE, folder, tasks.SEED, recipe)
    pictures, about = _gan_data(images) if names != ("vae_plane",) else (None, None)
    short = partial(measure, run=short_run, data=pictures, facts=about, folder=runs_folder, on=on)
    if "gan_runs" in names:
        each = [{"label": label, "seed": seed} for label in RUNS for seed in SEEDS]
        jobs = [job | {"steps": steps or SHORT, "judged": min(judged, FEW)} for job in each]
        question = "What do the losses of a GAN say about its pictures?"
        short("gan", question, jobs=jobs, command="cvcourse experiments generation gan_runs")
    if "gan_tricks" in names:
        each = [{"label": label, "seed": seed} for seed in SEEDS for label in TRICKS]
        jobs = [job | {"steps": steps or TRICK_STEPS, "judged": judged} for job in each]
        question = "Which of the ways to steady a GAN's training helps how much?"
        short("gan_tricks", question, jobs=jobs, command="cvcourse experiments generation gan_tricks")
    if "gan" in names:
        _ship(pictures, about, Judge(judged), steps or STEPS, folder)


def _gan_data(n):
    """The training pictures as float32 in [0, 1], and what they are."""
    images = drawings(n).images / np.float32(255)
    given = ", ".join(f"{knob}={value}" for knob, value in {"seed": tasks.TRAIN_SEED, **tasks.PLAIN}.items())
    return images, {
        "name": f"scenes({n}, 32, {given})",
        "images": n,
        "sha256": recording.data_hash(images),
    }


def short_run(label, steps, seed, judged, data):
    """One of the short runs: a label of RUNS, watched from step to step, or of TRICKS; as it is recorded."""
    how, every = ({"rates": RUNS[label]}, LOOK) if label in RUNS else (TRICKS[label], 10 * LOOK)
    return run(label, steps, seed, data, Judge(judged), every, **how)[2]


def _ship(images, about, judge, steps, folder):
    """The long run, whose weights ship."""
    how = ALL | {"average": min(EVERY, steps)}
    model, clock, made = run("long", steps, tasks.SEED, images, judge, EVERY, **how)
    print("long", clock.seconds, made["result"], flush=True)
    return ship(
        "gan",
        model,
        lambda: {name: each.mean() for name, each in judge.sets(model.generate).items()},
        folder=folder,
        clock=clock,
        history={"loss": made["history"]["g_loss"]}
        | {key: made["history"][key] for key in ("d_loss", "step", "frechet", "spread")},
        architecture="cvcourse.models.gan.steady_gan",
        data=about,
        command="cvcourse experiments generation gan",
        seed=tasks.SEED,
        recipe={
            "steps": steps,
            "batch_size": BATCH,
            "rates": STEADY_RATES,
            "optimizer": "Adam, one cycle",
            **STEADY,
            "average": how["average"],
        },
        limits=LIMITS,
        classes=[],
    )
