"""The multiply-adds of one call of a layer, read from shapes.

Counted are products with weights and the products of attention; additions, pooling, normalisation,
activations and interpolation are not, in a CNN a per cent or less. A matrix product that no row of the
table knows is counted where the layer's code runs (`keras_graph.walk`), and what cannot be known is None.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

from keras import layers as kl

from cvcourse.keras_graph import POINTWISE_OPS, family

CONVOLUTIONS = (
    kl.Conv1D, kl.Conv2D, kl.Conv3D, kl.DepthwiseConv1D, kl.DepthwiseConv2D, kl.SeparableConv1D,
    kl.SeparableConv2D,
)  # fmt: skip
TRANSPOSED = (kl.Conv1DTranspose, kl.Conv2DTranspose, kl.Conv3DTranspose)
CELLS = (kl.SimpleRNNCell, kl.LSTMCell, kl.GRUCell)
_FREE = {"activations", "normalization", "pooling", "regularization", "reshaping"}
_FREE_OTHERS = (
    kl.Embedding, kl.Identity, kl.Masking, kl.InputLayer, kl.Add, kl.Average, kl.Concatenate, kl.Maximum,
    kl.Minimum, kl.Multiply, kl.Subtract, kl.Rescaling, kl.Normalization, kl.Resizing, kl.CenterCrop,
    kl.CategoryEncoding, kl.Discretization, kl.Hashing, kl.HashedCrossing, kl.IntegerLookup, kl.StringLookup,
    kl.TextVectorization,
)  # fmt: skip


def from_shapes(layer: Any, given: Sequence[tuple], output: tuple) -> int | None:
    """Return the multiply-adds of a call of one of Keras's own layers; None where its table has no row.

    Args:
        layer: built Keras layer, or operation.
        given: list of the shapes that it receives, with their batch axis.
        output: shape of its first output.

    Example:
        >>> layer = kl.Conv2D(8, 3)
        >>> layer.build((None, 28, 28, 1))
        >>> from_shapes(layer, [(1, 28, 28, 1)], (1, 26, 26, 8))
        48672
    """
    kind = type(layer)
    if not family(layer):
        return 0 if kind.__name__ in POINTWISE_OPS and not isinstance(layer, kl.Layer) else None
    free = family(layer) in _FREE or kind in _FREE_OTHERS or "image_preprocessing" in kind.__module__
    if free and not isinstance(layer, kl.Wrapper):
        return 0
    if any(None in shape for shape in (*given, output)) or getattr(layer, "quantization_mode", None):
        return None
    if isinstance(layer, kl.TimeDistributed):  # its steps are a batch
        given, output = [(shape[0] * shape[1], *shape[2:]) for shape in (*given[:1], output)]
        return from_shapes(layer.layer, [given], output)
    if isinstance(layer, kl.Wrapper):
        return from_shapes(layer.layer, given, output)
    if isinstance(layer, kl.Bidirectional):
        both = [from_shapes(one, given, output) for one in (layer.forward_layer, layer.backward_layer)]
        return None if None in both else sum(work for work in both if work)
    if isinstance(layer, kl.RNN):
        return _recurrent(layer, given[0])
    return None if getattr(layer, "lora_enabled", False) else _weighted(layer, given[0], output)


def _weighted(layer, given, output):
    """Return the multiply-adds of a layer that applies its kernels at many positions; None for others."""
    kernels = sum(math.prod(weight.shape) for weight in layer.weights if len(weight.shape) > 1)
    if isinstance(layer, TRANSPOSED):  # each *input* pixel paints the whole kernel
        return _positions(given, layer.data_format) * kernels
    if isinstance(layer, CONVOLUTIONS):
        return _positions(output, layer.data_format) * kernels
    if isinstance(layer, kl.Dense):
        return _positions(output) * kernels
    if isinstance(layer, kl.EinsumDense):
        labels, kernel_labels = re.split(r"->|,", layer.equation)[:2]
        sizes = zip(kernel_labels, layer.kernel.shape, strict=True)
        return math.prod(given) // math.prod(n for label, n in sizes if label in labels) * kernels
    return None


def _positions(shape, data_format="channels_last"):
    channels = shape[-1] if data_format == "channels_last" else shape[1]
    return math.prod(shape) // channels


def _recurrent(layer, given):
    """Return steps × places × (kernel + recurrent kernel), for each cell; None for cells of unknown work."""
    steps, work = given[1], 0
    output = layer.compute_output_shape(given)
    output = output[0] if isinstance(output[0], (tuple, list)) else output
    for cell in getattr(layer.cell, "cells", [layer.cell]):
        convolves = family(cell) and hasattr(cell, "kernel_size")
        if type(cell) not in CELLS and not convolves:
            return None
        kernels = math.prod(cell.kernel.shape) + math.prod(cell.recurrent_kernel.shape)
        places = given[0]
        if convolves:
            places = math.prod(output) // cell.filters // (steps if layer.return_sequences else 1)
        work += steps * places * kernels
    return work
