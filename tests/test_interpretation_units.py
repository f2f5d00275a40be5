"""A unit explained against the model's own numbers; its receptive field against gradients."""

import sys
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
from networks import built, image_for, known

case = networks.case
plain = networks.plain


def explainable(model, image):
    """(layer, output of the layer) for every call that `explain_unit` takes."""
    x = passes.as_batch(model, image)
    _, heard = passes.overhear(model, x)
    merging = (keras.Model, kl.Add, kl.ZeroPadding2D, kl.Rescaling, kl.Flatten, kl.Dropout)
    for call in passes.calls(model, x):
        if not isinstance(call.layer, merging):
            yield call.name, np.asarray(heard[call.name][1])[0]


def test_a_unit_explained_is_the_number_in_the_model(case):
    """Every layer, its corners and some places between, some channels: to 1e-5."""
    model, image = case
    rng = np.random.default_rng(0)
    seen = 0
    for name, output in explainable(model, image):
        maps = output.reshape(-1, 1, output.shape[-1]) if output.ndim == 1 else output
        maps = output[None, None] if output.ndim == 1 else maps
        places = {(0, 0), (maps.shape[0] - 1, maps.shape[1] - 1), tuple(rng.integers(maps.shape[:2]))}
        for row, column in places:
            channel = int(rng.integers(maps.shape[2]))
            unit = interpret.explain_unit(model, image, name, (row, column), channel)
            expected = maps[row, column, channel]
            assert unit.activation == pytest.approx(expected, rel=1e-5, abs=1e-5), name
            assert unit.preactivation == pytest.approx(unit.products.sum() + unit.bias, rel=1e-5, abs=1e-5)
            np.testing.assert_array_equal(unit.products, unit.patch * unit.weights)
            seen += 1
    assert seen >= 4


def moving_pixels(model, image, name, row, column, channel):
    """The box of pixels whose change moves the unit: the receptive field, measured."""
    x = passes.as_batch(model, image)

    def number(x):
        output = passes.overhear(model, x, {name})[1][name][1]
        return (output[0, channel] if len(output.shape) == 2 else output[0, row, column, channel]), x

    moved = np.abs(np.asarray(backend.gradient(number, x)[0])[0]).sum(-1) > 0
    rows, columns = np.flatnonzero(moved.any(1)), np.flatnonzero(moved.any(0))
    return rows[0], columns[0], rows[-1] + 1, columns[-1] + 1


@pytest.mark.parametrize("name", ["residual", "nested", "shared"])
def test_the_receptive_field_is_measured_by_gradients(name):
    model = built(name)
    for layer in passes.named_layers(model).values():
        if hasattr(layer, "activation"):
            layer.activation = keras.activations.linear
    image = image_for(model)
    for layer, output in explainable(model, image):
        if isinstance(passes.named_layers(model)[layer.split("#")[0]], kl.GlobalMaxPooling2D):
            continue
        maps = output if output.ndim == 3 else output[None, None]
        last, right = maps.shape[0] - 1, maps.shape[1] - 1
        for row, column in {(0, 0), (last // 2, right // 3), (last, right)}:
            field = interpret.explain_unit(model, image, layer, (row, column), 0).receptive_field
            assert field == moving_pixels(model, image, layer, row, column, 0), (layer, row, column)


def test_the_receptive_field_of_upsampling_and_transposed_convolutions():
    x = inputs = keras.Input((10, 12, 1))
    x = kl.Conv2D(2, 3, strides=2, padding="same")(x)
    x = kl.UpSampling2D(2)(x)
    x = kl.Conv2DTranspose(2, 4, strides=2, padding="same")(x)
    x = kl.Cropping2D(((1, 2), (3, 0)))(x)
    x = kl.Conv2DTranspose(2, 3, strides=3)(x)
    model = keras.Model(inputs, kl.Conv2D(1, 2, name="end")(x))
    image = image_for(model)
    height, width, _ = interpret.feature_maps(model, image, "end")["end"].shape
    for row in [0, 1, 7, height // 2, height - 1]:
        for column in [0, 5, 11, width - 1]:
            field = interpret.explain_unit(model, image, "end", (row, column), 0).receptive_field
            assert field == moving_pixels(model, image, "end", row, column, 0), (row, column)


def test_the_receptive_field_agrees_with_the_arithmetic():
    from cvcourse import arithmetic

    model = keras.Sequential(
        [
            keras.Input((64, 64, 1)),
            kl.Conv2D(1, 3),
            kl.Conv2D(1, 3),
            kl.MaxPooling2D(2),
            kl.Conv2D(1, 5, strides=2, name="end"),
        ]
    )
    field = interpret.explain_unit(model, image_for(model), "end", (3, 3), 0).receptive_field
    expected = arithmetic.receptive_field([(3, 1), (3, 1), (2, 2), (5, 2)])
    assert field[2] - field[0] == expected.size
    following = interpret.explain_unit(model, image_for(model), "end", (4, 3), 0).receptive_field
    assert following[0] - field[0] == expected.jump


def test_the_receptive_field_behind_global_pooling_is_the_whole_image():
    """Squeeze and excitation looks everywhere, although the convolution beside it does not."""
    x = inputs = keras.Input((16, 16, 3))
    x = kl.Conv2D(4, 3, padding="same", name="conv")(x)
    gate = kl.Dense(4, activation="sigmoid")(kl.GlobalAveragePooling2D(keepdims=True)(x))
    model = keras.Model(inputs, kl.Conv2D(1, 1, name="end")(kl.Multiply()([x, gate])))
    image = image_for(model)
    assert interpret.explain_unit(model, image, "conv", (8, 8), 0).receptive_field == (7, 7, 10, 10)
    assert interpret.explain_unit(model, image, "end", (8, 8), 0).receptive_field == (0, 0, 16, 16)


def test_a_unit_as_text(plain):
    model, image = plain
    text = repr(interpret.explain_unit(model, image, "conv", (2, 3), 1))
    assert "conv, row 2, column 3, channel 1: 27 products" in text and "relu gives" in text
    assert "3 × 3 pixels: rows 2 to 4, columns 3 to 5" in text


def test_padding_is_zero_in_the_patch():
    model = known("nested")
    unit = interpret.explain_unit(model, image_for(model), "core_conv", (0, 0), 0)
    assert not unit.patch[0].any() and not unit.patch[:, 0].any() and unit.patch[1:, 1:].any()


@pytest.mark.parametrize(
    "position, channel, message",
    [
        (
            (18, 0),
            0,
            "position's row must be 0 to 17 in layer 'conv', whose output is 18 × 22 × 6. Received: 18",
        ),
        ((0, -1), 0, "position's column must be 0 to 21 .* Received: -1"),
        ((0, 0), 6, "channel must be 0 to 5 .* Received: 6"),
    ],
)
def test_a_place_outside_the_map(plain, position, channel, message):
    with pytest.raises(ValueError, match=message):
        interpret.explain_unit(*plain, "conv", position, channel)


@pytest.mark.parametrize("position, channel", [((0.5, 1), 0), (3, 0), ((1, 2, 3), 0), ((0, 0), "red")])
def test_a_place_that_is_none(plain, position, channel):
    with pytest.raises(TypeError, match=r"position must be \(row, column\)"):
        interpret.explain_unit(*plain, "conv", position, channel)


def test_a_layer_that_is_no_weighted_sum():
    model = known("residual")
    with pytest.raises(ValueError, match=r"weighted sum.*Received: layer='sum', a Add"):
        interpret.explain_unit(model, image_for(model), "sum", (0, 0), 0)


class Shifted(kl.Conv2D):
    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, kernel) + 1


@pytest.mark.parametrize("layer", [kl.Softmax(axis=1, name="odd"), Shifted(2, 3, name="odd")])
def test_a_unit_that_is_another_sum_is_refused(layer):
    model = keras.Sequential([keras.Input((9, 9, 3)), kl.Conv2D(3, 3), layer])
    with pytest.raises(ValueError, match=r"weighted sum.*this one gives.*Received: layer='odd'"):
        interpret.explain_unit(model, image_for(model), "odd", (1, 1), 0)
