"""Arithmetic against Keras's own shapes and counts, and against windows counted one by one."""

import math

import keras
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cvcourse import arithmetic as ar

sizes, kernels, strides = st.integers(1, 40), st.integers(1, 7), st.integers(1, 5)
dilations, paddings = st.integers(1, 3), st.sampled_from(["valid", "same"])


def windows(size, kernel_size, strides, padding, dilation_rate=1):
    """Brute force: the pixels of each window that fits into the padded input."""
    taps = [i * dilation_rate for i in range(kernel_size)]
    starts = range(0, size + 2 * padding - taps[-1], strides)
    return [[start + tap for tap in taps] for start in starts]


# --- Sizes ------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(sizes, kernels, strides, paddings, dilations)
def test_conv_output_size_is_keras(size, kernel_size, strides, padding, dilation_rate):
    assume(strides == 1 or dilation_rate == 1)  # Keras allows one of the two
    layer = keras.layers.Conv1D(1, kernel_size, strides, padding, dilation_rate=dilation_rate)
    try:
        expected = layer.compute_output_shape((None, size, 1))[1]
    except ValueError:
        expected = 0  # which is what Keras 3.12 says
    if expected < 1:
        with pytest.raises(ValueError, match="kernel_size must fit"):
            ar.conv_output_size(size, kernel_size, strides, padding, dilation_rate)
    else:
        assert ar.conv_output_size(size, kernel_size, strides, padding, dilation_rate) == expected


@settings(max_examples=100, deadline=None)
@given(sizes, kernels, strides, st.integers(0, 4), dilations)
def test_conv_output_size_counts_the_windows(size, kernel_size, strides, padding, dilation_rate):
    expected = windows(size, kernel_size, strides, padding, dilation_rate)
    if not expected:
        with pytest.raises(ValueError, match="kernel_size must fit"):
            ar.conv_output_size(size, kernel_size, strides, padding, dilation_rate)
    else:
        assert ar.conv_output_size(size, kernel_size, strides, padding, dilation_rate) == len(expected)


@settings(max_examples=100, deadline=None)
@given(sizes, kernels, strides, st.integers(0, 4), dilations)
def test_dropped_pixels_lie_behind_the_last_window(size, kernel_size, strides, padding, dilation_rate):
    seen = windows(size, kernel_size, strides, padding, dilation_rate)
    assume(seen)
    expected = size + 2 * padding - 1 - seen[-1][-1]
    dropped = ar.dropped_pixels(size, kernel_size, strides, padding, dilation_rate)
    assert dropped == expected
    assert dropped < strides


@settings(max_examples=100, deadline=None)
@given(sizes, kernels, strides, dilations)
def test_same_padding_is_what_the_last_window_needs(size, kernel_size, strides, dilation_rate):
    before, after = ar.same_padding(size, kernel_size, strides, dilation_rate)
    span, output = (kernel_size - 1) * dilation_rate + 1, math.ceil(size / strides)
    assert after - before in (0, 1)
    assert before + size + after >= (output - 1) * strides + span
    assert before + after == 0 or before + size + after == (output - 1) * strides + span
    dropped = ar.dropped_pixels(size, kernel_size, strides, "same", dilation_rate)
    assert dropped == before + size + after - (output - 1) * strides - span


@pytest.mark.parametrize(
    ("size", "kernel_size", "strides", "dilation_rate"),
    [(7, 3, 1, 1), (8, 3, 2, 1), (9, 4, 2, 1), (9, 5, 3, 1), (6, 2, 4, 1), (9, 3, 1, 2), (8, 4, 1, 3)],
)
def test_same_padding_is_where_keras_puts_it(size, kernel_size, strides, dilation_rate):
    """A convolution of an image of ones with ones counts the weights that lie inside the image."""
    before, after = ar.same_padding(size, kernel_size, strides, dilation_rate)
    kernel, image = np.ones((kernel_size, 1, 1), "float32"), np.ones((1, size, 1), "float32")
    padded = np.pad(image, ((0, 0), (before, after), (0, 0)))
    same = keras.ops.conv(image, kernel, strides, "same", dilation_rate=dilation_rate)
    by_hand = keras.ops.conv(padded, kernel, strides, "valid", dilation_rate=dilation_rate)
    np.testing.assert_array_equal(same, by_hand)


@settings(max_examples=100, deadline=None)
@given(sizes, kernels, st.none() | strides, paddings)
def test_pool_output_size_is_keras(size, pool_size, strides, padding):
    assume(padding == "same" or pool_size <= size)
    layer = keras.layers.MaxPooling1D(pool_size, strides, padding)
    assert (
        ar.pool_output_size(size, pool_size, strides, padding)
        == layer.compute_output_shape((None, size, 1))[1]
    )


# --- Receptive field --------------------------------------------------------------------------------------

STACKS = [
    [(3, 1)],
    [(3, 1, 1), (3, 1, 1), (2, 2)],
    [(7, 2, 3), (3, 2, 1), (3, 1, 1)],
    [(3, 1, 2, 2), (3, 2, 0, 1), (2, 2)],
    [(1, 3), (4, 1, 2), (5, 2)],
    [(3, 1, 1), (2, 2), (3, 1, 1), (3, 1, 1), (2, 2), (3, 1, 1)],
]


def seen_by(stack, position, size):
    """Brute force: the input pixels whose change changes the unit at `position`."""

    def output(image):
        for kernel_size, strides, padding, dilation_rate in (
            (*layer, *(0, 1)[len(layer) - 2 :]) for layer in stack
        ):
            padded = np.pad(image, ((0, 0), (padding, padding)))
            taps = np.array(windows(padded.shape[1], kernel_size, strides, 0, dilation_rate))
            image = padded[:, taps].sum(-1)
        return image[:, position]

    (pixels,) = np.nonzero(output(np.eye(size)))  # one image for each pixel, in which it alone is on
    return pixels


@pytest.mark.parametrize("stack", STACKS)
def test_receptive_field_is_what_a_perturbation_reaches(stack):
    size, field = 64, ar.receptive_field(stack)
    for position in (3, 4):  # far enough from the border
        first, end = field.window(position)
        pixels = seen_by(stack, position, size)
        assert (pixels[0], pixels[-1] + 1) == (first, end)
    assert field.size == end - first
    assert field.jump == field.window(4)[0] - field.window(3)[0]
    assert field.start == sum(field.window(0)) / 2


def test_receptive_field_of_vgg16():
    """The five blocks of VGG16 see 212 pixels in steps of 32 (Araujo et al. 2019, table of architectures)."""
    stack = [layer for convs in (2, 2, 3, 3, 3) for layer in [*[(3, 1, 1)] * convs, (2, 2)]]
    assert ar.receptive_field(stack)[:2] == (212, 32)


def test_receptive_field_of_nothing_is_one_pixel():
    assert ar.receptive_field([]) == (1, 1, 0.5)
    assert ar.receptive_field([]).window(5) == (5, 6)


# --- Parameters and multiply-adds -------------------------------------------------------------------------


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("kernel_size", [1, 3, (1, 7)])
@pytest.mark.parametrize(("channels", "filters"), [(1, 1), (3, 64), (16, 5)])
def test_parameters_are_keras(kernel_size, channels, filters, use_bias):
    def count(layer):
        with keras.StatelessScope(initialize_variables=False):
            layer.build((None, 20, 20, channels))
        return layer.count_params()

    layers, bias = keras.layers, {"use_bias": use_bias}
    assert ar.conv_params(kernel_size, channels, filters, **bias) == count(
        layers.Conv2D(filters, kernel_size, **bias)
    )
    assert ar.depthwise_conv_params(kernel_size, channels, 2, **bias) == count(
        layers.DepthwiseConv2D(kernel_size, depth_multiplier=2, **bias)
    )
    assert ar.dense_params(channels, filters, **bias) == count(layers.Dense(filters, **bias))
    assert sum(ar.batch_norm_params(channels)) == count(layers.BatchNormalization())


@pytest.mark.parametrize("kernel_size", [1, 3, (2, 3)])
def test_multiply_adds_are_loops_counted(kernel_size):
    rows, columns = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    height, width, channels, filters, multiplier = 4, 5, 3, 6, 2
    conv = depthwise = 0
    for _ in range(height * width):
        for _ in range(rows * columns):
            for _ in range(channels):
                conv += filters
                depthwise += multiplier
    assert ar.conv_macs(height, width, kernel_size, channels, filters) == conv
    assert ar.depthwise_conv_macs(height, width, kernel_size, channels, multiplier) == depthwise
    assert ar.dense_macs(height, filters) == height * filters


# --- Bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: ar.conv_output_size(28, 3, strides=0),
            ValueError,
            r"strides must be .* Received: strides=0\. Try strides=1",
        ),
        (
            lambda: ar.conv_output_size(28, 3, strides=1.5),
            TypeError,
            r"strides must be a whole .*strides=1\.5",
        ),
        (lambda: ar.conv_output_size(28, 3, strides=True), TypeError, "strides must be a whole"),
        (lambda: ar.conv_output_size(0, 3), ValueError, "size must be .* Received: size=0"),
        (lambda: ar.conv_output_size(28, 0), ValueError, "kernel_size must be .* Received: kernel_size=0"),
        (
            lambda: ar.conv_output_size(28, 3, padding=-1),
            ValueError,
            "padding must be .* Received: padding=-1",
        ),
        (
            lambda: ar.conv_output_size(28, 3, padding="full"),
            ValueError,
            r"padding must be .* padding='full'",
        ),
        (lambda: ar.conv_output_size(28, 3, dilation_rate=0), ValueError, "dilation_rate must be"),
        (
            lambda: ar.conv_output_size(5, 8, padding=1),
            ValueError,
            r"5 \+ 2·1 = 7 pixels.*spans 8.*padding=2 or",
        ),
        (lambda: ar.conv_output_size(5, 3, dilation_rate=3), ValueError, "spans 7"),
        (lambda: ar.pool_output_size(4, 5), ValueError, "pool_size must be at most .* pool_size=5"),
        (lambda: ar.pool_output_size(4, 0), ValueError, "pool_size must be"),
        (lambda: ar.dropped_pixels(2, 3), ValueError, "kernel_size must fit"),
        (lambda: ar.receptive_field([3, 1]), ValueError, "stack must hold"),
        (lambda: ar.receptive_field([(3, 0)]), ValueError, "strides must be"),
        (lambda: ar.conv_params("3", 3, 64), TypeError, "kernel_size must be .* Received: kernel_size='3'"),
        (lambda: ar.conv_params(3, 0, 64), ValueError, "in_channels must be"),
        (lambda: ar.dense_params(10, None), TypeError, "units must be"),
        (lambda: ar.batch_norm_params(-1), ValueError, "channels must be"),
        (lambda: ar.conv_macs(0, 4, 3, 3, 8), ValueError, "output_height must be"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_advised_padding_is_the_least_that_helps():
    with pytest.raises(ValueError, match="padding=3 or more"):
        ar.conv_output_size(3, 8)
    assert ar.conv_output_size(3, 8, padding=3) == 2
    with pytest.raises(ValueError, match="kernel_size must fit"):
        ar.conv_output_size(3, 8, padding=2)


def test_numpy_integers_are_whole_numbers():
    assert ar.conv_output_size(np.int64(28), np.int32(3)) == 26
