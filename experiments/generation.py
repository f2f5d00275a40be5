"""Train what lesson 12 shows: the GAN that ships, short runs beside it, and a VAE with two latent numbers.

`cvcourse experiments generation` makes all of it, `cvcourse experiments generation vae_plane` a part.
"""

from functools import partial

import numpy as np

from cvcourse import likeness, pretrained, recording
from cvcourse.datasets import on_one_ground
from cvcourse.datasets.fixed import PLAIN, TEST_SEED, TRAIN_SEED, drawings
from cvcourse.gan_training import BATCH, JUDGED, Judge, Watch, fit_gan
from cvcourse.models import vae
from cvcourse.models.gan import RATES, STEADY, STEADY_RATES, steady_gan
from experiments import tasks
from experiments.shipping import ship
from experiments.sweep import measure

PARTS = "vae_plane", "gan_runs", "gan_tricks", "gan"
IMAGES = 20_000
STEPS, EVERY = 40_000, 2000  # of the GAN that ships: its training; from one look to the next
SHORT, LOOK, SEEDS, FEW = 1500, 150, (1, 2, 3), 200  # the same for the recorded runs; pictures judged there
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


def _plane_data(n):
    images = on_one_ground(drawings(n))
    name = f"drawings({n}) of cvcourse.datasets.fixed on one ground, seed {TRAIN_SEED}"
    return tasks.about(name, images), images, images


def plane_figures(model, n=500):
    """As `tasks.reconstruction_figures`, on drawings that were not seen before, on one ground."""
    return tasks.reconstruction_figures(model, on_one_ground(drawings(n, TEST_SEED)))


PLANE = tasks.Task(
    build=vae.plane_vae,
    data=_plane_data,
    loss=vae.reconstruction_loss,
    measure=plane_figures,
    recipe={"n": 12_000, "epochs": 30, "batch_size": 64, "peak": 3e-3},
    limits=tasks.DRAWN + "Two numbers are too few for all that differs: it draws averages, blurred.",
    script="generation",
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
    given = ", ".join(f"{knob}={value}" for knob, value in {"seed": TRAIN_SEED, **PLAIN}.items())
    return images, tasks.about(f"scenes({n}, 32, {given})", images)


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
