"""The optimiser race without a browser: Keras's steps, divergence, words and a picture at all settings."""

import keras
import numpy as np
import pytest

from cvcourse.explorers import OptimizerRace
from cvcourse.explorers.optimizer_race import FAR, STEPS, SURFACES, heights, paths, written

KERAS = {
    "SGD": lambda rate, beta: keras.optimizers.SGD(rate),
    "momentum": lambda rate, beta: keras.optimizers.SGD(rate, momentum=beta),
    "RMSprop": lambda rate, beta: keras.optimizers.RMSprop(rate),
    "Adam": lambda rate, beta: keras.optimizers.Adam(rate, beta_1=beta),
}


@pytest.mark.parametrize("name", KERAS)
@pytest.mark.parametrize("surface", SURFACES)
def test_steps_are_those_of_keras(name, surface):
    rate, beta = 0.02, 0.8
    point = keras.Variable(np.array(SURFACES[surface][2], "float32"))
    optimizer = KERAS[name](rate, beta)
    for expected in paths(surface, rate, beta, steps=12)[name][1:]:
        slope = np.array(SURFACES[surface][1](*keras.ops.convert_to_numpy(point)), "float32")
        optimizer.apply([keras.ops.convert_to_tensor(slope)], [point])
        np.testing.assert_allclose(keras.ops.convert_to_numpy(point), expected, atol=2e-4)


@pytest.mark.parametrize("surface", SURFACES)
def test_the_slope_is_that_of_the_height(surface):
    height, slope, start, *_ = SURFACES[surface]
    x, y = start[0] + 0.3, start[1] + 0.2
    tiny = 1e-5
    by_hand = [(height(x + tiny, y) - height(x - tiny, y)), (height(x, y + tiny) - height(x, y - tiny))]
    np.testing.assert_allclose(slope(x, y), np.array(by_hand) / (2 * tiny), rtol=1e-5)


def test_sgd_diverges_beyond_two_over_the_curvature():
    lengths = {rate: len(paths("ravine", rate, 0.0)["SGD"]) for rate in (0.6, 0.7)}
    assert lengths[0.6] == STEPS + 1
    assert lengths[0.7] < STEPS + 1
    assert np.abs(paths("ravine", 0.7, 0.0)["SGD"][-1]).max() >= FAR
    assert "diverged at step" in OptimizerRace("bent valley", rate=12).describe()


def test_words_hold_the_heights():
    explorer = OptimizerRace(step=40)
    for name, way in explorer.paths().items():
        assert f"{name} {written(heights('ravine', way)[40])}" in explorer.describe()
    explorer.step = 0
    assert "after 0 steps" in explorer.description
