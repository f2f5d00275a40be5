"""U-Net: down to what a picture shows, up again to where it shows it.

The contracting path halves the picture and doubles the channels at each level: it finds out *what* there
is. The expanding path doubles the picture again. At each level a skip connection hands it the feature map
of the same size from the way down, which still knows *where* each edge was.

Source: Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation"
(MICCAI 2015), figure 1.

How this one differs: 8 to 96 channels in place of 64 to 1024. Convolutions pad ("same"), so that the
mask is as large as the picture and no feature map is cropped. Batch norm follows each convolution, and
there is no dropout. Most of the course's U-Nets weigh all pixels alike; those of the nuclei were trained with
and without the paper's weights (`border_weights`), whose class weight is 1 here.
"""

from typing import Any

import numpy as np
from keras import Input, KerasTensor, Model, layers, ops

WIDTHS = (8, 16, 32, 64, 96)


def double_convolution(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    """Return two 3×3 convolutions, each normalised and through a ReLU: one level of either path."""
    for i in (1, 2):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv{i}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm{i}")(x)
        x = layers.ReLU(name=f"{name}_relu{i}")(x)
    return x


def unet(
    input_shape: tuple = (None, None, 3), classes: int = 4, widths: tuple = WIDTHS, skips: bool = True
) -> Model:
    """Return the network, with random weights.

    Args:
        input_shape: (H, W, C); H and W multiples of 16 (2 for each halving), or None for any such size.
        classes: int, background included: background, cat, dog, duck.
        widths: channels of each level, the picture's own size first.
        skips: bool, False leaves the skip connections out, to see what they are for.

    Returns:
        Keras model from images (N, H, W, C), float32 in [0, 1], to probabilities (N, H, W, classes):
        a value for each pixel and class.
    """
    inputs = Input(input_shape)
    x = layers.Rescaling(4.0, offset=-2.0, name="rescale")(inputs)
    handed_over = []
    for level, filters in enumerate(widths[:-1], start=1):
        x = double_convolution(x, filters, f"down{level}")
        handed_over.append(x)
        x = layers.MaxPooling2D(2, name=f"down{level}_pool")(x)
    x = double_convolution(x, widths[-1], "bottom")
    for level in range(len(widths) - 1, 0, -1):
        filters = widths[level - 1]
        x = layers.Conv2DTranspose(filters, 2, strides=2, name=f"up{level}_transpose")(x)
        if skips:
            x = layers.Concatenate(name=f"up{level}_skip")([handed_over[level - 1], x])
        x = double_convolution(x, filters, f"up{level}")
    outputs = layers.Conv2D(classes, 1, activation="softmax", name="mask")(x)
    return Model(inputs, outputs, name="unet")


def part_touching(labels: np.ndarray) -> np.ndarray:
    """Return object numbers with ground between touching objects: where two meet, both give a pixel.

    Args:
        labels: int (H, W), 0 = ground, each object has a number of its own.

    Example:
        >>> part_touching([[1, 1, 2, 2, 0, 3]])
        array([[1, 0, 0, 2, 0, 3]])
    """
    labels = np.asarray(labels)
    apart = labels.copy()
    for before, after in (np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:]):
        meet = (labels[before] != labels[after]) & (labels[before] > 0) & (labels[after] > 0)
        apart[before][meet] = apart[after][meet] = 0
    return apart


def border_weights(labels: np.ndarray, w0: float = 10.0, sigma: float = 5.0) -> np.ndarray:
    """Return what each pixel weighs in the loss: 1, and more on the ground between two near objects.

    Args:
        labels: int (H, W), 0 = ground, each object has a number of its own.
        w0: float, what a pixel would weigh more if it touched both objects at distance 0.
        sigma: float > 0, in pixels: how near is near.

    Returns:
        float32 (H, W), 1 + w0 · exp(−(d1 + d2)² / 2σ²) on the ground, where d1 and d2 are the distances to
        the nearest and the second nearest object; 1 on objects, and everywhere if there are fewer than two.

    Example:
        >>> border_weights([[1, 0, 2, 0, 0]], w0=10, sigma=2).round(1)
        array([[1. , 7.1, 1. , 2.4, 1.1]], dtype=float32)

    Source: Ronneberger et al. (2015), equation 2, with class weight 1.
    """
    labels = np.asarray(labels)
    weights = np.ones(labels.shape, "float32")
    numbers = np.unique(labels[labels > 0])
    if len(numbers) > 1:
        ground = np.argwhere(labels == 0).astype("float32")
        squares = []  # squared distance from each pixel of the ground to each object
        for number in numbers:
            pixels = np.argwhere(labels == number).astype("float32")
            products = (pixels**2).sum(axis=1) - 2 * ground @ pixels.T
            squares.append((ground**2).sum(axis=1) + products.min(axis=1))
        first, second = np.sqrt(np.partition(squares, 1, axis=0)[:2])
        weights[labels == 0] += w0 * np.exp(-((first + second) ** 2) / (2 * sigma**2))
    return weights


def weighted_cross_entropy(targets: Any, probabilities: Any) -> Any:
    """Return each pixel's cross-entropy times its weight, (N, H, W); equation 1 of the paper.

    Args:
        targets: (N, H, W, 2), class number and weight of each pixel.
        probabilities: (N, H, W, classes).
    """
    each = ops.sparse_categorical_crossentropy(ops.cast(targets[..., 0], "int32"), probabilities)
    return targets[..., 1] * each
