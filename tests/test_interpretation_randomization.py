"""The honesty test: a network that has forgotten everything, and pictures that must notice."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl

from cvcourse import interpretation as interpret

sys.path.insert(0, str(Path(__file__).parent))
import networks
from networks import image_for, known

plain = networks.plain


@pytest.mark.parametrize("name", ["sequential", "residual", "nested", "shared"])
def test_randomized_keeps_sizes_and_spread_and_nothing_else(name):
    model = known(name)
    before = model.get_weights()
    copy = interpret.randomized(model, seed=3)
    for old, new, untouched in zip(before, copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, untouched)
        np.testing.assert_array_equal(np.sort(old, axis=None), np.sort(new, axis=None))
        assert old.size < 4 or not np.array_equal(old, new)


def test_randomized_is_decided_by_its_seed():
    model = known("sequential")
    first, again, other = (interpret.randomized(model, seed=seed).get_weights()[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_randomized_layer_by_layer():
    model = known("sequential")
    copy = interpret.randomized(model, layers=["scores", "norm"])
    changed = {
        old.path.split("/")[-2]
        for old, new in zip(model.weights, copy.weights, strict=True)
        if not np.array_equal(old, new)
    }
    assert changed == {"scores", "norm"}


def test_randomized_names_a_missing_layer(plain):
    with pytest.raises(ValueError, match=r"such as .*conv.*Received: layers='head'"):
        interpret.randomized(plain[0], layers=["head"])


def test_the_pictures_pass_the_honesty_test(plain):
    """None of them stays the same when the network forgets what it learned."""
    model, image = plain
    other = interpret.randomized(model, seed=1)
    for picture in (
        lambda model: interpret.grad_cam(model, image, "conv", class_index=2),
        lambda model: interpret.occlusion(model, image, class_index=2),
        lambda model: interpret.maximize_filter(model, "strided", 1, steps=5),
    ):
        assert np.corrcoef(picture(model).ravel(), picture(other).ravel())[0, 1] < 0.9


class NoConfig(kl.Layer):
    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, x):
        return self.factor(x)


class Scale(NoConfig):
    def build(self, shape):
        self.scale = self.add_weight(shape=(), initializer="ones")


def test_randomized_keeps_layers_that_keras_cannot_copy():
    twice = kl.Lambda(lambda x: 2 * x)
    model = keras.Sequential(
        [
            keras.Input((9, 9, 3)),
            kl.Conv2D(2, 3, name="conv"),
            twice,
            NoConfig(keras.ops.relu),
            kl.GlobalAveragePooling2D(),
        ]
    )
    copy = interpret.randomized(model)
    assert not np.array_equal(copy.get_weights()[0], model.get_weights()[0])
    assert copy(image_for(model)[None]).shape == (1, 2)
    with pytest.raises(ValueError, match="'own', a Scale with weights"):
        interpret.randomized(keras.Sequential([keras.Input((9, 9, 3)), Scale(keras.ops.relu, name="own")]))
    with pytest.raises(ValueError, match="model must be Sequential or functional"):
        interpret.randomized(known("subclassed"))
