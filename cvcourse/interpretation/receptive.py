"""Which pixels of the image can reach a unit: a box followed back through the model's graph.

A box is (y1, x1, y2, x2) in pixels, half-open, as floats so that "all of it" can be infinite.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import layers as kl

from cvcourse.arithmetic import same_padding
from cvcourse.keras_graph import POINTWISE_OPS, Step, graph_of, named_layers, steps

_ALL = (0, 0, math.inf, math.inf)
_WINDOWED = (kl.Conv2D, kl.DepthwiseConv2D, kl.SeparableConv2D, kl.MaxPooling2D, kl.AveragePooling2D)
# Each output pixel depends on the input pixels at the same place alone.
_POINTWISE = (
    kl.Activation, kl.ReLU, kl.LeakyReLU, kl.PReLU, kl.ELU, kl.BatchNormalization,
    kl.Normalization, kl.Rescaling, kl.Identity, kl.Dense, kl.Dropout, kl.SpatialDropout2D,
    kl.GaussianDropout, kl.GaussianNoise, kl.Add, kl.Subtract, kl.Multiply, kl.Average, kl.Maximum,
    kl.Minimum,
)  # fmt: skip
# Pixels on each side that an interpolated pixel sees beside its own: what `UpSampling2D` offers.
_NEIGHBOURS = {"nearest": 0, "bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}


class _Step(NamedTuple):
    """One operation of the forward pass, between tensors that are known by their keys."""

    name: str | None
    node: Step
    inputs: list
    outputs: list


def reaches(model: keras.Model, calls: Any, name: str, boxes: Sequence[Sequence[int]]) -> list:
    """Return for each box of the output of the call `name` the box of image pixels that can reach it.

    It is the union over all ways back, residual ones too, not clipped to the image. The whole image
    where it cannot be known: behind a global pooling or a dense layer, an unknown layer, or in a
    subclassed model.
    """
    graph = graph_of(model)
    if graph is None:
        return [_ALL] * len(boxes)
    names = {id(layer): name for name, layer in named_layers(model).items()}
    sizes = {call.name: call.input_shape for call in calls}
    keys: dict[int, Any] = {}
    listed = _steps(graph, names, Counter(), keys)
    end = next((place for place, step in enumerate(listed, 1) if step.name == name), 0)
    back = [_back(listed[:end], box, sizes) for box in boxes]
    return [inputs.get(keys[id(graph.inputs[0])], _ALL) for inputs in back]


def _steps(graph, names, counts, keys):
    """List the operations of a graph in the order in which Keras runs them, named as their calls are.

    Those of a nested model stand before the model itself, once for each of its calls. `keys` is {id(tensor):
    key}; a tensor inside a nested model and the one outside that it stands for have one key.
    """

    def key(tensor):
        return keys.setdefault(id(tensor), object())

    listed, _ = [], [key(tensor) for tensor in graph.inputs]
    for node in steps(graph):
        inner, name = graph_of(node.operation), names.get(id(node.operation))
        if name is not None:
            counts[name] += 1
            name = name if counts[name] == 1 else f"{name}#{counts[name]}"
        if inner:
            inside = {id(one): key(tensor) for one, tensor in zip(inner.inputs, node.inputs, strict=False)}
            listed += _steps(inner, names, counts, inside)
            for one, tensor in zip(inner.outputs, node.outputs, strict=True):
                keys[id(tensor)] = inside[id(one)]
        listed.append(_Step(name, node, list(map(key, node.inputs)), list(map(key, node.outputs))))
    return listed


def _back(listed, box, sizes):
    """Return {key of a tensor: box} behind a box of the output of the last step."""
    boxes = dict.fromkeys(listed[-1].outputs, box) if listed else {}
    for step in reversed(listed):
        box = next((boxes[key] for key in step.outputs if key in boxes), None)
        if box is not None and graph_of(step.node.operation) is None:
            for key, tensor in zip(step.inputs, step.node.inputs, strict=True):
                new = _before(step, box, tensor, sizes)
                old = boxes.get(key, new)
                boxes[key] = (*map(min, old[:2], new[:2]), *map(max, old[2:], new[2:]))
    return boxes


def _before(step, box, tensor, sizes):
    """Return the box of the input `tensor` that a step needs for `box` of its output."""
    layer, shape = step.node.operation, sizes.get(step.name)
    size = shape[1:3] if isinstance(shape, tuple) and len(shape) == 4 else tuple(tensor.shape[1:3])
    first = getattr(layer, "data_format", None) == "channels_first"
    if first or len(tensor.shape) != 4 or len(step.node.outputs[0].shape) != 4:
        return _ALL
    rows, columns = (_span(layer, axis, box[axis], box[axis + 2], size[axis]) for axis in (0, 1))
    return rows[0], columns[0], rows[1], columns[1]


def _span(layer, axis, first, last, size):
    """Return (first, last) of the input, along one axis, for first … last of the output; half-open."""
    if math.isinf(last):  # everything, so everything before it as well
        first = 0
    elif isinstance(layer, kl.Conv2DTranspose):
        kernel, stride = layer.kernel_size[axis], layer.strides[axis]
        before = max(kernel - stride, 0) // 2 if layer.padding == "same" else 0
        first, last = math.ceil((first + before - kernel + 1) / stride), (last - 1 + before) // stride + 1
    elif isinstance(layer, _WINDOWED):
        first, last = window(layer, axis, first, size)[0], window(layer, axis, last - 1, size)[-1] + 1
    elif isinstance(layer, kl.ZeroPadding2D):
        first, last = first - layer.padding[axis][0], last - layer.padding[axis][0]
    elif isinstance(layer, kl.Cropping2D):
        first, last = first + layer.cropping[axis][0], last + layer.cropping[axis][0]
    elif isinstance(layer, kl.UpSampling2D):
        blend = _NEIGHBOURS[layer.interpolation]
        first, last = first // layer.size[axis] - blend, -(-last // layer.size[axis]) + blend
    elif size == 1 or not _is_pointwise(layer):
        first, last = 0, math.inf  # one value spread over all places, or a layer that may mix them
    return max(first, 0), min(last, math.inf if size is None else size)


def _is_pointwise(layer):
    if type(layer).__name__ in ("Concatenate", "Softmax"):  # with or without a layer around it
        return layer.axis in (-1, 3)  # along rows or columns, places are moved or mixed
    return isinstance(layer, _POINTWISE) or type(layer).__name__ in POINTWISE_OPS


def window(layer: keras.layers.Layer, axis: int, position: int, size: int) -> list[int]:
    """Return the input positions along an axis, as a list, that the layer's window covers at `position`.

    Positions outside 0 … size − 1 are padding.
    """
    pooling = hasattr(layer, "pool_size")
    kernel = (layer.pool_size if pooling else layer.kernel_size)[axis]
    stride, dilation = layer.strides[axis], 1 if pooling else layer.dilation_rate[axis]
    padded = layer.padding == "same" and size is not None
    before = same_padding(size, kernel, stride, dilation)[0] if padded else 0
    return [position * stride - before + tap * dilation for tap in range(kernel)]
