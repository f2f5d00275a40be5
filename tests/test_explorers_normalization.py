"""The normalisation explorer without a browser: Keras's numbers, its words, its picture, its errors."""

import keras
import numpy as np
import pytest
from keras import layers

from cvcourse.explorers import Normalization
from cvcourse.explorers.base import number
from cvcourse.explorers.normalization import NORMS, normalized, shared
from cvcourse.visualization import plot_cubes

MAPS = np.random.default_rng(0).normal(2, 3, (3, 4, 5, 8)).astype("float32")
PHOTOS = np.full((3, 6, 6, 3), 0.5)
KERAS = {
    "batch": lambda: layers.BatchNormalization(),
    "layer": lambda: layers.LayerNormalization(axis=[1, 2, 3]),
    "instance": lambda: layers.GroupNormalization(groups=-1),
    "group": lambda: layers.GroupNormalization(groups=4),
}


@pytest.fixture(scope="module")
def course():
    return Normalization()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("size", [1, 3])
def test_numbers_are_those_of_the_keras_layer(norm, size):
    batch = MAPS[:size]
    expected = keras.ops.convert_to_numpy(KERAS[norm]()(batch, training=True))
    np.testing.assert_allclose(normalized(batch, norm, groups=4), expected, atol=2e-5)
    explorer = Normalization(MAPS, PHOTOS)
    explorer.set_trait("norm", norm)
    explorer.groups, explorer.batch_size, explorer.image, explorer.channel = 4, size, size - 1, 5
    assert f"the map has the mean {number(expected[-1, ..., 5].mean())} " in explorer.describe()


def test_course_maps_are_those_of_the_course_network(course):
    for norm in NORMS:
        expected = keras.ops.convert_to_numpy(KERAS[norm]()(course._maps, training=True))
        np.testing.assert_allclose(normalized(course._maps, norm, groups=4), expected, atol=1e-4)
    assert course.shape == [6, 8, 8, 8] == list(course._maps.shape)
    assert course.values.nbytes == 4 * 6 * 8 * 8 * 8


def test_blocks_are_those_of_the_figure():
    assert shared((6, 8, 8, 8), "batch", 2, 3, 5) == ((0, 6), (5, 6))
    assert shared((6, 8, 8, 8), "layer", 2, 3, 5) == ((3, 4), (0, 8))
    assert shared((6, 8, 8, 8), "instance", 2, 3, 5) == ((3, 4), (5, 6))
    assert shared((6, 8, 8, 8), "group", 1, 3, 5) == shared((6, 8, 8, 8), "layer", 1, 3, 5)
    assert shared((6, 8, 8, 8), "group", 8, 3, 5) == shared((6, 8, 8, 8), "instance", 8, 3, 5)


def test_only_batch_norm_looks_at_the_other_images():
    for norm in NORMS:
        alone, together = (normalized(MAPS[:size], norm, 4)[0] for size in (1, 3))
        assert np.allclose(alone, together) == (norm != "batch")


@pytest.mark.parametrize("norm", NORMS)
def test_both_ends_of_every_range_have_words_and_a_picture(norm):
    explorer = Normalization(MAPS, PHOTOS)
    for groups, size, image, channel in ((1, 1, 0, 0), (8, 3, 2, 7), (2, 1, 2, 99)):
        with explorer.hold_trait_notifications():
            explorer.set_trait("norm", norm)
            explorer.groups, explorer.batch_size = groups, size
            explorer.image, explorer.channel, explorer.after = image, channel, True
        assert explorer.description == explorer.describe()
        assert explorer.describe() in explorer.figure().alt
    explorer.groups = 3
    assert ("groups must divide the 8 channels" in explorer.describe()) == (norm == "group")
    explorer.figure()


def test_cubes_say_what_is_lit_and_refuse_nothing_to_draw():
    picture = plot_cubes(MAPS, {"batch norm": ((0, 3), (1, 2)), "group norm": ((1, 2), (0, 4))}, columns=1)
    assert "3 images × 8 channels × 20 pixels" in picture.alt
    assert "batch norm: images 0 to 2, channel 1; group norm: image 1, channels 0 to 3." in picture.alt
    assert len(picture.axes) == 2
    with pytest.raises(ValueError, match="blocks must hold"):
        plot_cubes(MAPS, {})
    with pytest.raises(ValueError, match="maps must"):
        plot_cubes(MAPS[0], {"batch norm": ((0, 1), (0, 1))})
