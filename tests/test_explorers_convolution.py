"""The convolution explorer without a browser: its numbers, its words, its picture, its errors."""

import itertools

import keras
import numpy as np
import pytest

from cvcourse.arithmetic import conv_output_size
from cvcourse.explorers import Convolution
from cvcourse.explorers.convolution import KERNELS, weight

SETTINGS = list(itertools.product((1, 2, 3, 5, 7), (1, 2, 3), (0, 1, 3, "same")))


@pytest.mark.parametrize(("size", "strides", "padding"), SETTINGS)
def test_output_is_what_keras_computes(size, strides, padding):
    explorer = Convolution(kernel=["random (He)", "edges"], kernel_size=size)
    explorer.strides, explorer.padding = strides, padding
    pixels = np.asarray(explorer.image)[None, ..., None]
    if padding != "same":
        pixels = np.pad(pixels, [(0, 0), (padding, padding), (padding, padding), (0, 0)])
    kernel = np.moveaxis(explorer.weights, 0, -1)[:, :, None, :]
    how = "same" if padding == "same" else "valid"
    expected = keras.ops.conv(pixels.astype("float32"), kernel.astype("float32"), strides, how)
    np.testing.assert_allclose(explorer.output(), np.asarray(expected)[0], atol=1e-4)


def test_words_hold_the_numbers_of_the_output():
    explorer = Convolution(kernel=["blur", "sharpen"], padding=1)
    explorer.filter, explorer.position = 1, [20, 27]
    value = explorer.output()[20, 27, 1]
    assert f"is {value:.2f}.".replace("-", "−") in explorer.describe()
    assert explorer.description == explorer.describe()
    assert "output 28 × 28 × 2" in explorer.description


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("size", range(1, 8))
def test_every_kernel_exists_at_every_size(name, size):
    explorer = Convolution(kernel=name)
    explorer.kernel_size = size
    assert np.shape(explorer.weights) == (1, size, size)
    np.testing.assert_array_equal(explorer.weights[0], KERNELS[name][size])


def test_what_the_kernels_do():
    flat = np.full((9, 9), 0.5)
    keep = [name for name in KERNELS if name in ("identity", "blur", "sharpen")]
    for name in keep:
        np.testing.assert_allclose(Convolution(flat, kernel=name).output(), 0.5)
    for name in ("edges", "vertical edges", "horizontal edges"):
        np.testing.assert_allclose(Convolution(flat, kernel=name).output(), 0, atol=1e-12)
    step = np.repeat([[0.0] * 4 + [1.0] * 4], 8, axis=0)
    assert Convolution(step, kernel="vertical edges").output().max() == 3  # dark left, bright right
    assert np.all(Convolution(step, kernel="horizontal edges").output() == 0)


def test_own_kernel_is_cut_and_padded_about_its_centre():
    explorer = Convolution(kernel=[[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    explorer.kernel_size = 5
    np.testing.assert_array_equal(explorer.weights[0], np.pad(np.arange(1, 10).reshape(3, 3), 1))
    explorer.kernel_size = 1
    assert explorer.weights == [[[5]]]


def test_filters_can_be_added_and_taken_away():
    explorer = Convolution(kernel="blur")
    explorer.kernels = ["blur", "edges", "emboss"]
    assert explorer.output().shape == (26, 26, 3)
    explorer.filter = 2
    explorer.kernels = ["blur"]
    assert explorer.filter == 0
    assert explorer.output().shape == (26, 26, 1)


@pytest.mark.parametrize("strides", range(6))
@pytest.mark.parametrize("padding", [0, 3, "same"])
def test_any_setting_of_the_sliders_has_words_and_a_picture(strides, padding):
    image = np.linspace(0, 1, 12).reshape(3, 4)
    for size in range(1, 8):
        explorer = Convolution(image, kernel_size=size, strides=strides, padding=padding)
        explorer.position = [99, 99]
        try:
            shape = [conv_output_size(axis, size, strides, padding) for axis in image.shape]
        except ValueError:
            assert explorer.describe().startswith("No output.")
            assert "Received" in explorer.describe()
        else:
            assert explorer.output().shape == (*shape, 1)
            assert f"Output pixel [{shape[0] - 1}, {shape[1] - 1}]" in explorer.describe()
    assert explorer.describe() in explorer.figure().alt


def test_words_say_what_is_never_seen():
    assert "drops 1 px on the right" in Convolution(strides=2).describe()
    assert "drops" not in Convolution(strides=1).describe()
    assert "between the windows" in Convolution(strides=4).describe()
    assert "only padding" in Convolution(kernel_size=2, padding=2).describe()


def test_colour_becomes_brightness_in_hundredths():
    explorer = Convolution(np.full((4, 4, 3), [1, 0, 0]), kernel="identity", kernel_size=1)
    np.testing.assert_allclose(explorer.output(), 0.21)


@pytest.mark.parametrize("value", [-1, 0, 0.25, 1 / 9, -1 / 49, 12, -2.5])
def test_weights_are_written_as_they_are(value):
    top, _, bottom = weight(value).replace("−", "-").partition("/")
    assert float(top) / float(bottom or 1) == pytest.approx(value)
