"""The weights of a layer, and what the layers of a network make of an image."""

from collections.abc import Iterable

import keras
import numpy as np
from keras import layers as kl
from numpy.typing import ArrayLike

from cvcourse import backend
from cvcourse.interpretation.passes import (
    as_batch,
    calls,
    check_model,
    compile_pass,
    find_calls,
    overhear,
)
from cvcourse.keras_graph import find_layer, named_layers

# Layers that only move, scale or (while training) disturb their input: nothing to look at.
_UNREMARKABLE = (
    keras.Model, kl.Cropping2D, kl.Dropout, kl.GaussianDropout, kl.GaussianNoise, kl.Identity,
    kl.Normalization, kl.Permute, kl.Rescaling, kl.Reshape, kl.SpatialDropout2D, kl.ZeroPadding2D,
)  # fmt: skip


def filters(model: keras.Model, layer: str | keras.layers.Layer) -> np.ndarray:
    """Kernels of a convolution, as an array of shape (F, F, D, K): K filters of depth D.

    A depthwise convolution has filters of depth 1. A separable one is given as the full convolution
    that it equals.

    Args:
        model: built Keras model.
        layer: str, name of a layer (also of one inside a nested model), or the layer.

    Returns:
        Array (F, F, D, K), float32; a copy.

    Raises:
        ValueError: if the model has no such layer, or if the layer has no filters.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 5, name="conv")])
        >>> filters(model, "conv").shape
        (5, 5, 3, 4)
    """
    check_model(model)
    path, found = find_layer(model, layer)
    weights = kernels(found)
    if weights is None:
        others = [name for name, one in named_layers(model).items() if kernels(one) is not None]
        raise ValueError(
            f"layer must be a two-dimensional convolution in model {model.name!r}, such as "
            f"{', '.join(others[:8]) or '(it has none)'}. Received: layer={path!r}, a "
            f"{type(found).__name__}"
        )
    return weights


def kernels(layer: keras.layers.Layer) -> np.ndarray | None:
    """Return the kernels of a convolutional layer as an array (F, F, D, K); None for other layers."""
    to_numpy = keras.ops.convert_to_numpy
    if not layer.built:
        return None
    if isinstance(layer, kl.SeparableConv2D):
        depthwise, pointwise = to_numpy(layer.depthwise_kernel), to_numpy(layer.pointwise_kernel)
        pointwise = pointwise.reshape(*depthwise.shape[2:], -1)  # (D, M, K)
        return keras.ops.convert_to_numpy(keras.ops.einsum("yxdm,dmk->yxdk", depthwise, pointwise))
    if isinstance(layer, kl.DepthwiseConv2D):
        kernel = to_numpy(layer.kernel)
        return kernel.reshape(*kernel.shape[:2], 1, -1).copy()
    if isinstance(layer, kl.Conv2DTranspose):
        return to_numpy(layer.kernel).swapaxes(2, 3).copy()  # Keras keeps it as (F, F, K, D)
    if isinstance(layer, kl.Conv2D):
        return to_numpy(layer.kernel).copy()
    return None


def feature_maps(
    model: keras.Model, image: ArrayLike, layers: Iterable[str] | str | None = None
) -> dict[str, np.ndarray]:
    """Feature maps of an image, {layer name: array of shape (H, W, K)}, all from one forward pass.

    The pass is compiled at the first call for these layers and this image size, and kept for as long
    as the model lives; later calls follow new weights. The second call of a shared layer is `name#2`.

    Args:
        model: built Keras model; layers inside nested models are found as well.
        image: float array (H, W, C) or (1, H, W, C), in the range that the model was trained on.
        layers: names (or one name) of layers; None for all that make maps worth looking at:
            convolutions, normalisation, activations, pooling, sums.

    Returns:
        dict from name to array (H, W, K), float32, in the order in which the layers run; the names are
        paths as `summarize` has them ("vgg16/block3_conv1"), or as they were asked for. The arrays are
        the backend's own memory, and so can only be read: `maps["conv"].copy()` can be changed.

    Raises:
        ValueError: if the model is not built, the image does not fit it or holds impossible values,
            a layer does not exist, or a layer's output is no map.
        TypeError: if the image does not hold floats.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 5, name="conv")])
        >>> maps = feature_maps(model, keras.ops.zeros((8, 8, 3)))
        >>> {name: array.shape for name, array in maps.items()}
        {'conv': (4, 4, 4)}
    """
    x = as_batch(model, image)
    if layers is None:
        maps = [call for call in calls(model, x) if _is_map(call)]
        chosen = {call.name: call for call in maps if not isinstance(call.layer, _UNREMARKABLE)}
    else:
        layers = [layers] if isinstance(layers, str | kl.Layer) else layers
        if not isinstance(layers, list | tuple | set | frozenset | dict):
            raise TypeError(f"layers must be a list of names of layers, or None. Received: layers={layers!r}")
        found = [_with_map(call) for call in find_calls(model, x, layers)]
        chosen = {
            layer if isinstance(layer, str) else call.name: call
            for layer, call in zip(layers, found, strict=True)
        }
    names = frozenset(call.name for call in chosen.values())

    def run(model, x):
        return {
            name: keras.ops.cast(outputs, "float32")
            for name, (_, outputs) in overhear(model, x, names)[1].items()
        }

    maps = compile_pass(model, ("maps", names, x.shape), run)(x)
    arrays = {name: np.asarray(maps[call.name])[0] for name, call in chosen.items()}
    for array in arrays.values():  # a copy would take most of the time of the pass
        array.flags.writeable = False
    return arrays


def _is_map(call):
    return isinstance(call.output_shape, tuple) and len(call.output_shape) == 4


def _with_map(call):
    if not _is_map(call):
        raise ValueError(
            f"layer must give maps (N, H, W, K). Received: layer={call.name!r}, whose output "
            f"has the shape {call.output_shape}; ask for a layer before Flatten or global "
            "pooling"
        )
    return call


def gradient_norms(model: keras.Model, x: ArrayLike, y: ArrayLike) -> dict[str, float]:
    """Return {kernel's layer: length of the loss's gradient} from the first convolution to the last.

    Args:
        model: Keras model from images to logits; batch norm uses the statistics of these images.
        x: float array (N, H, W, C) in [0, 1].
        y: int array (N,), labels.
    """

    def loss(values):
        logits, _ = model.stateless_call(values, model.non_trainable_variables, x, training=True)
        losses = keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)
        return keras.ops.mean(losses), logits

    values = [keras.ops.convert_to_tensor(variable.numpy()) for variable in model.trainable_variables]
    slopes, _ = backend.gradient(loss, values)
    return {
        variable.path.split("/")[0]: float(np.linalg.norm(keras.ops.convert_to_numpy(slope)))
        for variable, slope in zip(model.trainable_variables, slopes, strict=True)
        if len(variable.shape) == 4
    }
