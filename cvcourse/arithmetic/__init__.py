"""Convolution arithmetic: sizes, receptive fields, parameters and multiply-adds, with plain integers.

The slides' letters stand for Keras's argument names: W is `size`, F is `kernel_size` (or `pool_size`),
S is `strides`, P is `padding`, D is `in_channels` and K is `filters`.

Two conventions, said once and kept everywhere in the course:

- *macs* are multiply-adds for one image, bias left out. FLOPs = 2 x MACs: one multiplication, one addition.
- Sizes are those of one axis, in pixels. A `kernel_size` in a count may be `3` (meaning 3 x 3) or `(1, 7)`.
"""

from cvcourse.arithmetic.counts import (
    BatchNormParams,
    batch_norm_params,
    conv_macs,
    conv_params,
    dense_macs,
    dense_params,
    depthwise_conv_macs,
    depthwise_conv_params,
)
from cvcourse.arithmetic.sizes import (
    ReceptiveField,
    conv_output_size,
    dropped_pixels,
    pool_output_size,
    receptive_field,
    same_padding,
)

__all__ = [
    "BatchNormParams", "ReceptiveField", "batch_norm_params", "conv_macs", "conv_output_size",
    "conv_params", "dense_macs", "dense_params", "depthwise_conv_macs", "depthwise_conv_params",
    "dropped_pixels", "pool_output_size", "receptive_field", "same_padding",
]  # fmt: skip
