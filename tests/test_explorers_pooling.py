"""The pooling explorer without a browser: its numbers, its words, its picture, its errors."""

import itertools

import keras
import numpy as np
import pytest

from cvcourse.arithmetic import pool_output_size
from cvcourse.explorers import Pooling
from cvcourse.explorers.pooling import moved, movements, shifted


@pytest.mark.parametrize("pool", ["max", "average"])
@pytest.mark.parametrize("size", range(1, 6))
@pytest.mark.parametrize("strides", range(1, 6))
def test_output_is_what_keras_computes(pool, size, strides):
    explorer = Pooling(pool=pool, pool_size=size, strides=strides, shift=1)
    pixels = shifted(explorer.image, 1)[None, ..., None].astype("float32")
    keras_pool = keras.ops.max_pool if pool == "max" else keras.ops.average_pool
    expected = keras_pool(pixels, size, strides, "valid")
    np.testing.assert_allclose(explorer.output(), np.asarray(expected)[0, ..., 0], atol=1e-6)


def test_words_hold_the_numbers_of_the_output():
    explorer = Pooling(pool="average", pool_size=3)
    explorer.position = [2, 9]
    assert f"is {explorer.output()[2, 9]:.2f}." in explorer.describe()
    assert explorer.description == explorer.describe()
    explorer.pool = "max"
    assert f"is {explorer.output()[2, 9]:.2f}." in explorer.description


def test_shift_moves_the_picture_to_the_right():
    image = np.random.default_rng(0).random((5, 9)).round(2)
    after = shifted(image, 3)
    np.testing.assert_array_equal(after[:, 3:], image[:, :-3])
    np.testing.assert_array_equal(after[:, :3], np.repeat(image[:, :1], 3, axis=1))
    np.testing.assert_array_equal(shifted(image, 0), image)


def test_a_shift_within_the_window_is_forgiven_by_max_alone():
    spots = np.zeros((12, 12))
    spots[1::4, 1::4] = 1  # one bright pixel in each window of 4 × 4, not at its right border
    parts = movements(spots, pool_size=4, strides=4, shift=2)
    assert parts["input"] > 0.5
    assert parts["max"] == 0
    assert parts["average"] == 0
    parts = movements(spots, pool_size=2, strides=4, shift=2)
    assert parts["max"] == 0  # no contrast left: the spot has gone from every window
    assert moved(spots, spots) == 0


def test_no_shift_no_change():
    assert set(movements(Pooling().image, 2, 2, 0).values()) == {0}
    assert "shift" not in Pooling().describe()
    assert "A shift of 2 px" in Pooling(shift=2).describe()


@pytest.mark.parametrize("pool", ["max", "average"])
@pytest.mark.parametrize("strides", range(6))
def test_any_setting_of_the_sliders_has_words_and_a_picture(pool, strides):
    image = np.linspace(0, 1, 12).reshape(3, 4)
    for size, shift in itertools.product(range(1, 6), (0, 4)):
        explorer = Pooling(image, pool, size, strides, shift)
        explorer.position = [99, 99]
        try:
            shape = [pool_output_size(axis, size, strides) for axis in image.shape]
        except ValueError:
            assert explorer.describe().startswith("No output.")
            assert "Received" in explorer.describe()
        else:
            assert f"Output pixel [{shape[0] - 1}, {shape[1] - 1}]" in explorer.describe()
    for one in (Pooling(image, pool, 2, strides), explorer):
        assert one.describe() in one.figure().alt
