"""Filters and feature maps against Keras's own sub-models, and the compiled pass that they come from."""

import gc
import sys
import weakref
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl

from cvcourse import backend
from cvcourse import interpretation as interpret
from cvcourse.interpretation import passes

sys.path.insert(0, str(Path(__file__).parent))
import networks
from networks import Subclassed, built, image_for, known, submodel

case = networks.case
plain = networks.plain


# --- filters ---------------------------------------------------------------------------------------------


def test_filters_are_the_kernel(plain):
    model, _ = plain
    np.testing.assert_array_equal(interpret.filters(model, "conv"), model.get_layer("conv").kernel)
    assert interpret.filters(model, model.get_layer("conv")).shape == (3, 3, 3, 6)


def test_filters_of_depthwise_have_depth_one():
    model = known("residual")
    kernel = np.asarray(model.get_layer("depthwise").kernel)  # (3, 3, D, M)
    found = interpret.filters(model, "depthwise")
    assert found.shape == (3, 3, 1, 16)
    np.testing.assert_array_equal(found[..., 0, 5], kernel[..., 2, 1])  # output channel 5 = input 2, copy 1


def test_filters_of_separable_are_the_convolution_it_equals():
    model = known("residual")
    layer = model.get_layer("separable")
    x = np.random.default_rng(1).random((1, 7, 7, 8), dtype="float32")
    expected = keras.ops.conv(x, interpret.filters(model, "separable"), padding="valid") + layer.bias
    np.testing.assert_allclose(layer(x), keras.ops.leaky_relu(expected), atol=1e-5)


def test_filters_of_a_transposed_convolution():
    model = keras.Sequential([keras.Input((4, 4, 3)), kl.Conv2DTranspose(5, 2, name="up")])
    assert interpret.filters(model, "up").shape == (2, 2, 3, 5)


def test_filters_inside_a_nested_model():
    assert interpret.filters(known("nested"), "core_conv").shape == (3, 3, 4, 5)


def test_filters_are_a_copy(plain):
    model, _ = plain
    interpret.filters(model, "conv")[:] = 0
    assert np.any(model.get_layer("conv").kernel != 0)


@pytest.mark.parametrize("layer", ["convv", "relu", "scores"])
def test_filters_name_the_layers_that_have_some(plain, layer):
    with pytest.raises(ValueError, match=rf"such as .*(conv|strided).*Received: layer='{layer}'"):
        interpret.filters(plain[0], layer)


# --- feature_maps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sequential", "residual"])
def test_feature_maps_equal_keras_submodels(name):
    model = known(name)
    image = image_for(model)
    maps = interpret.feature_maps(model, image)
    assert len(maps) >= 5
    for layer, array in maps.items():
        np.testing.assert_allclose(array, submodel(model, layer, image), atol=1e-5)


def test_feature_maps_choose_layers_worth_looking_at():
    assert list(interpret.feature_maps(known("sequential"), image_for(known("sequential")))) == [
        "conv",
        "pool",
        "strided",
        "norm",
        "relu",
    ]


def test_feature_maps_of_nested_models_by_hand():
    model = known("nested")
    image = image_for(model)
    base, x = model.get_layer("base"), image[None] * 2
    first = base.get_layer("first")(x)
    conv = base.get_layer("core").layers[0](first)
    maps = interpret.feature_maps(model, image, ["core_conv", "first"])
    assert list(maps) == ["core_conv", "first"]
    np.testing.assert_allclose(maps["first"], first[0], atol=1e-5)
    np.testing.assert_allclose(maps["core_conv"], conv[0], atol=1e-5)
    np.testing.assert_allclose(interpret.feature_maps(model, image, "base")["base"], base(x)[0], atol=1e-5)


def test_feature_maps_of_shared_layers_and_shared_names():
    model = known("shared")
    image = image_for(model)
    twice, part, last = (layer for layer in model.layers[1:4])
    once = twice(image[None])
    again = twice(once)
    maps = interpret.feature_maps(model, image)
    assert list(maps) == ["twice", "twice#2", "part/same_name", "same_name"]
    for array, expected in zip(maps.values(), [once, again, part(again), last(part(again))], strict=True):
        np.testing.assert_allclose(array, expected[0], atol=1e-5)


def test_feature_maps_of_a_subclassed_model():
    model = known("subclassed")
    image = image_for(model)
    maps = interpret.feature_maps(model, image)
    np.testing.assert_allclose(maps["conv"], model.conv(image[None])[0], atol=1e-5)


def test_feature_maps_take_a_batch_of_one_and_any_size():
    model = keras.Sequential([keras.Input((None, None, 3)), kl.Conv2D(2, 3, name="conv")])
    for height, width in [(9, 7), (12, 30), (9, 7)]:
        image = np.ones((1, height, width, 3))
        assert interpret.feature_maps(model, image)["conv"].shape == (height - 2, width - 2, 2)


def test_listening_leaves_no_trace(case):
    model, image = case
    before = [sorted(vars(layer)) for layer in passes.named_layers(model).values()]
    config = None if isinstance(model, Subclassed) else model.to_json()
    interpret.feature_maps(model, image)
    interpret.grad_cam(model, image)
    assert [sorted(vars(layer)) for layer in passes.named_layers(model).values()] == before
    assert config is None or model.to_json() == config


def test_listening_stops_when_the_model_fails():
    model = built("sequential")
    layers = passes.named_layers(model)
    with pytest.raises(ZeroDivisionError), passes.listening(layers, lambda *args: 1 / 0):
        model(image_for(model)[None])
    assert not any("call" in vars(layer) for layer in model.layers)


# --- one compiled pass, kept as long as the model ----------------------------------------------------------


def test_all_maps_come_from_one_compiled_pass(monkeypatch):
    compiled, runs = [], []
    monkeypatch.setattr(
        backend,
        "compiled",
        lambda function: compiled.append(1) or (lambda *tensors: runs.append(1) or function(*tensors)),
    )
    model = built("sequential")
    for seed in range(3):
        assert len(interpret.feature_maps(model, image_for(model, seed))) == 5
    assert len(compiled) == 1 and len(runs) == 3


def test_feature_maps_are_not_copied_can_only_be_read_and_outlive_the_next_pass(plain):
    model, image = plain
    maps = interpret.feature_maps(model, image)["conv"]
    before = maps.copy()
    assert maps.dtype == "float32" and not maps.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        maps[0] = 0
    interpret.feature_maps(model, 1 - image)
    np.testing.assert_array_equal(maps, before)


def test_new_weights_are_seen():
    model = built("sequential")
    image = image_for(model)
    before = interpret.feature_maps(model, image)["conv"]
    model.set_weights(built("sequential", seed=1).get_weights())
    after = interpret.feature_maps(model, image)["conv"]
    assert not np.allclose(before, after)
    np.testing.assert_allclose(after, submodel(model, "conv", image), atol=1e-5)


def test_a_changed_model_is_noticed():
    model = built("sequential")
    image = image_for(model)
    interpret.feature_maps(model, image)
    model.get_layer("conv").activation = keras.activations.linear
    assert interpret.feature_maps(model, image)["conv"].min() < 0  # no ReLU any more
    for _ in range(6):  # from strided to scores
        model.pop()
    model.add(kl.Conv2D(7, 1, name="added"))
    assert list(interpret.feature_maps(model, image)) == ["conv", "pool", "added"]


@pytest.mark.parametrize("name", ["sequential", "nested", "subclassed"])
def test_the_cache_lets_a_model_go(name):
    model = built(name)
    image = image_for(model)
    interpret.feature_maps(model, image)
    interpret.grad_cam(model, image)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
