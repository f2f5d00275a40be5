"""Better resolution: four pixels for one, from a network that has seen photographs.

All convolutions work on the small picture, which is cheap. The last one gives 2 · 2 values for each pixel
and channel, and the sub-pixel convolution lays them out as a picture twice as high and wide.

Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
Convolutional Neural Network" (CVPR 2016), called ESPCN.

How this one differs: half the filters of the paper's three layers, ReLU in place of tanh, colour in place of
luminance alone; and the small picture is added to each of its four copies, so that the network has only
the fine detail to learn.
"""

from typing import Any

import numpy as np
from keras import Input, Model, layers, ops

SCALE = 2


def super_resolution(input_shape: tuple = (None, None, 3)) -> Model:
    """Return the network, with random weights.

    Args:
        input_shape: (H, W, C), or None for any height and width.

    Returns:
        Keras model from images (N, H, W, C), float32 in [0, 1], to (N, 2 · H, 2 · W, C). Values may
        leave [0, 1] by a little: clip them.
    """
    channels, copies = input_shape[-1], SCALE**2
    inputs = Input(input_shape)
    x = layers.Conv2D(32, 5, padding="same", activation="relu", name="features")(inputs)
    x = layers.Conv2D(16, 3, padding="same", activation="relu", name="mapping")(x)
    x = layers.Conv2D(copies * channels, 3, padding="same", kernel_initializer="zeros", name="sub_pixel")(x)
    x = layers.Add(name="detail")([x, layers.Concatenate(name="copies")([inputs] * copies)])
    return Model(inputs, PixelShuffle(SCALE, name="shuffle")(x), name="super_resolution")


class PixelShuffle(layers.Layer):
    """(N, H, W, r² · C) to (N, r · H, r · W, C): channel groups become pixels (equation 4 of the paper)."""

    def __init__(self, scale, **options):
        super().__init__(**options)
        self.scale = scale

    def call(self, x: Any) -> Any:
        r, (_, _, _, channels) = self.scale, x.shape
        _, height, width, _ = ops.shape(x)
        x = ops.reshape(x, (-1, height, width, r, r, channels // r**2))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (N, H, r, W, r, C)
        return ops.reshape(x, (-1, r * height, r * width, channels // r**2))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


def shrink(images: Any) -> Any:
    """Return images (N, H, W, C) made half as high and wide, bicubic and smoothed: the network's input."""
    height, width = (side // SCALE for side in images.shape[1:3])
    images = images[:, : SCALE * height, : SCALE * width]
    return _resize(images, (height, width))


def bicubic(images: Any) -> Any:
    """Return images (N, H, W, C) made twice as high and wide without a network: what there is to beat."""
    return _resize(images, [SCALE * side for side in images.shape[1:3]])


def psnr(images: Any, others: Any) -> np.ndarray:
    """Return the peak signal-to-noise ratio of each image of (N, H, W, C) in [0, 1], in dB."""
    error = np.mean((np.asarray(images, "float64") - others) ** 2, axis=(1, 2, 3))
    return -10 * np.log10(error)


def _resize(images, size):
    # Enlarged pictures are not smoothed by this; with it, all backends use the same cubic.
    images = ops.image.resize(np.asarray(images, "float32"), size, "bicubic", antialias=True)
    return np.clip(np.asarray(images), 0, 1)
