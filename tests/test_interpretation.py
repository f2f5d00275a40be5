"""Interpretation, whatever the function: images, layers and models that do not fit are named."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl

from cvcourse import interpretation as interpret

sys.path.insert(0, str(Path(__file__).parent))
import networks
from networks import image_for

plain = networks.plain


TAKES_IMAGE = [
    interpret.feature_maps,
    interpret.grad_cam,
    interpret.occlusion,
    lambda model, image: interpret.explain_unit(model, image, "conv", (0, 0), 0),
]


@pytest.mark.parametrize("function", TAKES_IMAGE)
@pytest.mark.parametrize(
    "image, error, message",
    [
        (np.ones((20, 24)), ValueError, r"one image of shape \(20, 24, 3\).*Received: shape=\(20, 24\)"),
        (
            np.ones((2, 20, 24, 3)),
            ValueError,
            r"images\[0\] takes one of many. Received: shape=\(2, 20, 24, 3\)",
        ),
        (np.ones((24, 20, 3)), ValueError, r"was built for; photos.*Received: shape=\(24, 20, 3\)"),
        (np.ones((20, 24, 4)), ValueError, r"\(20, 24, 3\).*Received: shape=\(20, 24, 4\)"),
        (np.ones((20, 24, 3), "uint8"), TypeError, r"divide bytes by 255 .*Received: dtype=uint8"),
        (np.full((20, 24, 3), np.nan), ValueError, r"finite numbers. Received: NaN"),
        (
            np.full((20, 24, 3), 4e6),
            ValueError,
            r"range that the model was trained on.*from 4e\+06 to 4e\+06",
        ),
    ],
)
def test_an_image_that_does_not_fit(plain, function, image, error, message):
    with pytest.raises(error, match=message):
        function(plain[0], image)


def test_an_unknown_layer_names_the_near_ones(plain):
    with pytest.raises(ValueError, match=r"such as .*strided.*Received: layer='stride'"):
        interpret.feature_maps(*plain, ["conv", "stride"])
    with pytest.raises(TypeError, match=r"layer must be the name of a layer, or a layer. Received: layer=3"):
        interpret.feature_maps(*plain, [3])


def test_a_layer_without_maps(plain):
    with pytest.raises(ValueError, match=r"must give maps.*Received: layer='scores'.*\(1, 5\)"):
        interpret.feature_maps(*plain, "scores")


@pytest.mark.parametrize("function", [*TAKES_IMAGE, interpret.filters, interpret.maximize_filter])
def test_a_model_that_is_not_known(function):
    model = keras.Sequential([kl.Conv2D(3, 3, name="conv")])
    arguments = {interpret.filters: ["conv"], interpret.maximize_filter: ["conv", 0]}
    arguments = arguments.get(function, [np.ones((8, 8, 3))])
    with pytest.raises(ValueError, match=r"has no weights yet.*model.build"):
        function(model, *arguments)


def test_a_model_with_two_inputs():
    inputs = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    with pytest.raises(ValueError, match=r"one input, an image. Received: a model with 2 inputs"):
        interpret.feature_maps(keras.Model(inputs, kl.Add()(inputs)), np.ones((8, 8, 3)))


def test_something_that_is_no_model():
    with pytest.raises(TypeError, match=r"model must be a Keras model. Received: model='vgg16'"):
        interpret.filters("vgg16", "conv")


def test_a_film_and_channels_first_are_refused():
    film = keras.Sequential(
        [keras.Input((2, 9, 9, 3)), kl.TimeDistributed(kl.Conv2D(2, 3)), kl.Flatten(), kl.Dense(2)]
    )
    with pytest.raises(ValueError, match="Received"):
        interpret.grad_cam(film, image_for(film))
    conv = kl.Conv2D(2, 3, data_format="channels_first", name="conv")
    first = keras.Sequential([keras.Input((3, 9, 9)), conv, kl.Flatten(), kl.Dense(2)])
    for call in (
        lambda: interpret.grad_cam(first, image_for(first)),
        lambda: interpret.explain_unit(first, image_for(first), "conv", (0, 0), 0),
    ):
        with pytest.raises(ValueError, match="model must have channels last"):
            call()
