"""One number of a feature map, explained: patch × weights + bias, then the activation."""

from collections.abc import Sequence
from operator import index
from typing import NamedTuple

import keras
import numpy as np
from keras import layers as kl
from numpy.typing import ArrayLike

from cvcourse.interpretation.maps import kernels
from cvcourse.interpretation.passes import as_batch, calls, find_calls, listening, named_layers
from cvcourse.interpretation.receptive import reaches, window

_LEARNED = (kl.Conv2D, kl.DepthwiseConv2D, kl.SeparableConv2D, kl.Dense)
_AVERAGES = (kl.AveragePooling2D, kl.GlobalAveragePooling2D)
_MAXIMA = (kl.MaxPooling2D, kl.GlobalMaxPooling2D)
_ACTIVATIONS = (kl.Activation, kl.ReLU, kl.LeakyReLU, kl.ELU, kl.Softmax)
_CHANNELWISE = (kl.DepthwiseConv2D, *_AVERAGES, *_MAXIMA, kl.BatchNormalization, *_ACTIVATIONS)
_GLOBAL = (kl.GlobalAveragePooling2D, kl.GlobalMaxPooling2D)


class UnitExplanation(NamedTuple):
    """How one unit came to its number; as text, the sum in one line."""

    layer: str
    position: tuple[int, int]  # row and column in the map
    channel: int
    patch: np.ndarray  # (F, F, D): what the unit sees of its layer's input; 0 where it sees padding
    weights: np.ndarray  # (F, F, D)
    products: np.ndarray  # (F, F, D) = patch × weights
    bias: float
    preactivation: float  # sum of the products + bias
    function: str  # name of the activation function
    activation: float  # what the function makes of it: the number in the map
    receptive_field: tuple[int, int, int, int]  # (y1, x1, y2, x2) in image pixels, half-open

    def __repr__(self):
        y1, x1, y2, x2 = self.receptive_field
        return (
            f"{self.layer}, row {self.position[0]}, column {self.position[1]}, channel {self.channel}: "
            f"{self.products.size} products sum to {self.products.sum(dtype='float64'):.4g}, "
            f"plus bias {self.bias:.4g} = {self.preactivation:.4g}, "
            f"{self.function} gives {self.activation:.4g}. "
            f"It can see {y2 - y1} × {x2 - x1} pixels: rows {y1} to {y2 - 1}, columns {x1} to {x2 - 1}."
        )


def explain_unit(
    model: keras.Model,
    image: ArrayLike,
    layer: str | keras.layers.Layer,
    position: Sequence[int],
    channel: int,
) -> UnitExplanation:
    """One unit's number explained, as a `UnitExplanation`: patch × weights + bias → activation.

    Every layer that is a weighted sum of a patch can be explained: convolutions (also depthwise and
    separable), dense layers, average pooling (weights 1/n), maximum pooling (weight 1 at the largest),
    batch normalisation as it works after training, and activations alone (weight 1, bias 0).

    Args:
        model: built Keras model; layers inside nested models are found as well.
        image: float array (H, W, C) or (1, H, W, C), in the range that the model was trained on.
        layer: str, name of a layer, or the layer.
        position: (row, column) in the layer's map; (0, 0) for a layer without places (dense).
        channel: int, 0 … K − 1.

    Returns:
        A `UnitExplanation`. Its `activation` is the number that the model has there, up to rounding.
        Its `receptive_field` is traced back through the model's graph; it is the whole image where
        that cannot be known (subclassed models, unknown layers).

    Raises:
        ValueError: if the layer is no weighted sum (a softmax along another axis, a convolution with an
            operation of its own), if position or channel lie outside its output, or if model or image cannot
            be used; see `feature_maps`.
        TypeError: if position or channel are not ints, or the image does not hold floats.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 3, name="conv",
        ...                           kernel_initializer="ones", activation="relu")])
        >>> explain_unit(model, keras.ops.ones((8, 8, 1)), "conv", position=(2, 3), channel=0)
        conv, row 2, column 3, channel 0: 9 products sum to 9, plus bias 0 = 9, relu gives 9.
        It can see 3 × 3 pixels: rows 2 to 4, columns 3 to 5.
    """
    x = as_batch(model, image)
    [call] = find_calls(model, x, [layer])
    layer = call.layer
    if not isinstance(layer, (*_LEARNED, *_CHANNELWISE)):
        raise ValueError(
            "layer must be a weighted sum of its input: a convolution, dense, pooling, batch normalisation "
            f"or activation layer. Received: layer={call.name!r}, a {type(layer).__name__}"
        )
    row, column, channel = _place(call, position, channel)
    values, outputs = _ends_of(model, call.name, x)
    patch, inside = _patch(layer, values, row, column)
    seen = _seen(layer, patch, channel)
    weights, bias = _weights_and_bias(layer, seen, inside, channel)
    products = seen * weights
    preactivation = float(products.sum(dtype="float64") + bias)
    function = _function(layer)
    [field] = reaches(model, calls(model, x), call.name, [(row, column, row + 1, column + 1)])
    activation = _activate(layer, function, patch, preactivation, channel)
    true = float(outputs[..., channel] if outputs.ndim == 1 else outputs[row, column, channel])
    if not abs(activation - true) <= 2e-3 * (abs(true) + np.abs(products).max()) + 1e-5:
        raise ValueError(
            "layer must be a weighted sum of its input, then an activation along the channels; this one gives"
            f" {true:.4g}, the sum {activation:.4g}. Received: layer={call.name!r}, a {type(layer).__name__}"
        )
    return UnitExplanation(
        call.name,
        (row, column),
        channel,
        seen,
        weights,
        products,
        bias,
        preactivation,
        getattr(function, "__name__", type(layer).__name__),
        activation,
        _clip(field, x.shape),
    )


def _place(call, position, channel):
    """Check row, column and channel against the shape of the layer's output."""
    shape = call.output_shape
    if len(shape) not in (2, 4):
        raise ValueError(
            "layer must give maps (N, H, W, K) or numbers (N, K). "
            f"Received: layer={call.name!r}, whose output has the shape {shape}"
        )
    shape = (*shape[1:3], shape[-1]) if len(shape) == 4 else (1, 1, shape[-1])
    position = (0, 0) if position is None or (isinstance(position, tuple) and not position) else position
    try:
        row, column = map(index, position)
        channel = index(channel)
    except (TypeError, ValueError):
        raise TypeError(
            "position must be (row, column) and channel a number, all ints. "
            f"Received: position={position!r}, channel={channel!r}"
        ) from None
    names = ("position's row", "position's column", "channel")
    for name, value, size in zip(names, (row, column, channel), shape, strict=True):
        if not 0 <= value < size:
            raise ValueError(
                f"{name} must be 0 to {size - 1} in layer {call.name!r}, whose output is "
                f"{' × '.join(map(str, shape))}. Received: {value}"
            )
    return row, column, channel


class _Reached(BaseException):
    """Ends a pass at the layer that was asked for. No `Exception`, so that Keras lets it through."""


def _ends_of(model, name, x):
    """Return what the call `name` receives and gives for the batch `x`, arrays without their batch axis.

    Not compiled: that would take a second or two for each layer that a student clicks on.
    """

    def hear(call, inputs, outputs):
        if call == name:
            raise _Reached(inputs, outputs)
        return outputs

    try:
        with listening(named_layers(model), hear):
            model(x, training=False)
    except _Reached as reached:
        return [keras.ops.convert_to_numpy(one)[0].astype("float32") for one in reached.args]


def _patch(layer, values, row, column):
    """Return (patch, inside): what the layer's window covers, and which of it is no padding."""
    if values.ndim != 3:
        values = values.reshape(1, 1, -1)
    height, width, _ = values.shape
    if isinstance(layer, _GLOBAL):
        rows, columns = range(height), range(width)
    elif hasattr(layer, "kernel_size") or hasattr(layer, "pool_size"):
        rows, columns = window(layer, 0, row, height), window(layer, 1, column, width)
    else:
        rows, columns = [row], [column]
    rows, columns = np.array(rows)[:, None], np.array(columns)[None]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)  # (F, F)
    return values[rows.clip(0, height - 1), columns.clip(0, width - 1)] * inside[..., None], inside


def _seen(layer, patch, channel):
    """Return the channels of the patch (F, F, D) that a channel of the output looks at."""
    if isinstance(layer, _CHANNELWISE):
        source = channel // getattr(layer, "depth_multiplier", 1)
        return patch[..., source : source + 1]
    groups = getattr(layer, "groups", 1)
    depth = patch.shape[-1] // groups
    first = channel // (getattr(layer, "filters", channel + 1) // groups) * depth
    return patch[..., first : first + depth]


def _activate(layer, function, patch, preactivation, channel):
    """Return function(preactivation); a softmax also needs the sums of all other channels at this place."""
    numbers, wanted = np.array([preactivation]), 0
    if isinstance(layer, kl.Softmax) or "softmax" in getattr(function, "__name__", ""):
        numbers, wanted = _all_sums(layer, patch), channel
    tensor = keras.ops.convert_to_tensor(numbers[None].astype("float32"))
    return float(keras.ops.convert_to_numpy(function(tensor))[0, wanted])


def _all_sums(layer, patch):
    kernel = layer.kernel if isinstance(layer, kl.Dense) else kernels(layer)
    if kernel is None:  # an activation alone
        return patch.ravel()
    kernel = keras.ops.convert_to_numpy(kernel).astype("float64")
    bias = keras.ops.convert_to_numpy(layer.bias) if layer.use_bias else 0
    return patch.ravel() @ kernel.reshape(-1, kernel.shape[-1]) + bias


def _weights_and_bias(layer, patch, inside, channel):
    """Return (weights (F, F, D), bias) of one channel of the layer."""
    if isinstance(layer, _LEARNED):
        kernel = layer.kernel[None, None] if isinstance(layer, kl.Dense) else kernels(layer)
        weights = keras.ops.convert_to_numpy(kernel[..., channel])
        return weights, float(layer.bias[channel]) if layer.use_bias else 0.0
    if isinstance(layer, _AVERAGES):
        return (inside[..., None] / inside.sum()).astype("float32"), 0.0  # padding is not counted
    if isinstance(layer, _MAXIMA):
        weights = np.zeros(patch.shape, "float32")
        weights.flat[np.where(inside[..., None], patch, -np.inf).argmax()] = 1
        return weights, 0.0
    if isinstance(layer, kl.BatchNormalization):
        mean, variance = float(layer.moving_mean[channel]), float(layer.moving_variance[channel])
        scale = (float(layer.gamma[channel]) if layer.scale else 1.0) / np.sqrt(variance + layer.epsilon)
        shift = float(layer.beta[channel]) if layer.center else 0.0
        return np.full((1, 1, 1), scale), shift - mean * scale
    return np.ones((1, 1, 1), "float32"), 0.0  # an activation alone


def _function(layer):
    """Return the activation function that follows the sum."""
    if isinstance(layer, kl.ReLU | kl.LeakyReLU | kl.ELU | kl.Softmax):
        return layer
    return getattr(layer, "activation", None) or keras.activations.linear


def _clip(box, shape):
    y1, x1, y2, x2 = box
    height, width = shape[1:3] if len(shape) == 4 else (1, 1)
    return int(max(y1, 0)), int(max(x1, 0)), int(min(y2, height)), int(min(x2, width))
