"""An image that a filter answers to: maps above chance, an edge filter's stripes, and what it refuses."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl

from cvcourse import interpretation as interpret

sys.path.insert(0, str(Path(__file__).parent))
import networks
from networks import known

plain = networks.plain


def test_maximize_filter_raises_the_map_above_its_rivals():
    model = known("sequential")
    rng = np.random.default_rng(0)
    noise = rng.random((20, 24, 3), dtype="float32")
    for channel in range(3):
        image = interpret.maximize_filter(model, "strided", channel, steps=15)
        assert image.shape == (20, 24, 3) and image.min() >= 0 and image.max() <= 1
        answer, chance = (
            interpret.feature_maps(model, one, "strided")["strided"][..., channel].mean()
            for one in (image, noise)
        )
        assert answer > chance


def test_maximize_filter_finds_the_stripes_of_an_edge_filter():
    """A filter for vertical edges wants contrast from left to right and none from top to bottom."""
    model = keras.Sequential([keras.Input((32, 32, 1)), kl.Conv2D(1, 3, activation="relu", name="edge")])
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    model.set_weights([sobel.reshape(3, 3, 1, 1), np.zeros(1)])
    image = interpret.maximize_filter(model, "edge", 0, steps=30)[..., 0]
    assert np.abs(np.diff(image, axis=1)).mean() > 2 * np.abs(np.diff(image, axis=0)).mean()


def test_maximize_filter_is_decided_by_its_seed():
    model = known("sequential")
    first, again, other = (interpret.maximize_filter(model, "conv", 0, steps=2, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_maximize_filter_of_a_model_for_any_size():
    model = keras.Sequential([keras.Input((None, None, 3)), kl.Conv2D(2, 3, name="conv")])
    assert interpret.maximize_filter(model, "conv", 0, steps=1).shape == (96, 96, 3)
    assert interpret.maximize_filter(model, "conv", 0, size=24, steps=1).shape == (24, 24, 3)


@pytest.mark.parametrize("layer, channel", [("conv", 6), ("scores", 0)])
def test_maximize_filter_needs_a_filter(plain, layer, channel):
    with pytest.raises(ValueError, match=r"layer must give maps and channel must be one of them"):
        interpret.maximize_filter(plain[0], layer, channel)


@pytest.mark.parametrize("shape, layer", [((20, 3), kl.Conv1D), ((9, 9, 9, 3), kl.Conv3D)])
def test_maximize_filter_is_for_images(shape, layer):
    model = keras.Sequential([keras.Input(shape), layer(2, 3, name="conv")])
    with pytest.raises(ValueError, match=r"model must take images \(H, W, C\)"):
        interpret.maximize_filter(model, "conv", 0)
