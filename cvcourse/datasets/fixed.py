"""Scenes that stay the same: those that shipped networks learned from, and those that they never saw."""

from cvcourse.datasets.scenes import scenes

TRAIN_SEED, TEST_SEED, TEST_SCENES = 11, 500, 500
SEVERAL = {"objects": (1, 3)}
# One animal, nothing else: what the networks that make pictures learned from.
PLAIN = {"objects": 1, "clutter": 0, "lighting": 0, "orientation": 0, "scale": 0}


def fixed_scenes(n=TEST_SCENES, size=64, **knobs):
    """The scenes on which the figures of the cards were measured: by default with 1–3 animals.

    Example:
        >>> fixed_scenes(2)
        Scenes: 2 images of 64×64, showing 0 cat, 2 dog, 1 duck
    """
    return scenes(n, size, TEST_SEED, **(knobs or SEVERAL))


def drawings(n, seed=TRAIN_SEED):
    """Return `Scenes`: one animal each on a plain ground; by default the training pictures.

    Example:
        >>> drawings(3)
        Scenes: 3 images of 32×32, showing 1 cat, 0 dog, 2 duck
    """
    return scenes(n, 32, seed, **PLAIN)
