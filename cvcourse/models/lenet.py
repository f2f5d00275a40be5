"""LeNet-5: convolution, pooling, convolution, pooling, then fully connected layers.

The first convolutional network that earned its living: it read the amounts on bank cheques. Pictures of
32×32 go in; the maps become smaller (28, 14, 10, 5, 1) while their number grows (6, 16, 120), until nothing
is left of the place and everything is said about the kind.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998,
section II.B, figure 2, table I and appendix A.

How this one differs. `lenet5` is the modern form: plain average pooling, every map of C3 sees all six maps
of S2, tanh without the paper's factors, a dense layer at the end. `lenet5_1998` keeps all four as they were;
its output bitmaps are drawn by us after figure 3, its result is minus the paper's distance, so that the
largest is the answer, and it trains with cross-entropy (the paper's equation 9 without the constant j).
"""

from typing import Any

import keras
import numpy as np
from keras import Input, Model, layers, ops

# Table I: the maps of S2 that each of the 16 maps of C3 sees.
C3 = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5),
)  # fmt: skip
# Ten digits as bitmaps of 5×7, which stand in the middle of 7×12.
DIGITS = (
    ".###.#...##...##...##...##...#.###.", "..#...##....#....#....#....#...###.",
    ".###.#...#....#...#...#...#...#####", ".###.#...#....#..##.....##...#.###.",
    "...#...##..#.#.#..#.#####...#....#.", "######....####.....#....##...#.###.",
    ".###.#....#....####.#...##...#.###.", "#####....#...#...#...#....#....#...",
    ".###.#...##...#.###.#...##...#.###.", ".###.#...##...#.####....#....#.###.",
)  # fmt: skip


def lenet5(input_shape: tuple = (32, 32, 1), classes: int = 10) -> Model:
    """Return the modern LeNet-5 with random weights: 61,706 parameters for the default arguments.

    Args:
        input_shape: (H, W, C); the paper pads digits of 28×28 to 32×32.
        classes: int, number of outputs; they are logits.

    Returns:
        Keras model from images (N, H, W, C), float32 in [0, 1], to logits (N, classes).
    """
    inputs = Input(input_shape)
    x = layers.Rescaling(2.0, offset=-1.0, name="rescale")(inputs)
    x = layers.Conv2D(6, 5, activation="tanh", name="C1")(x)
    x = layers.AveragePooling2D(2, name="S2")(x)
    x = layers.Conv2D(16, 5, activation="tanh", name="C3")(x)
    x = layers.AveragePooling2D(2, name="S4")(x)
    x = layers.Flatten(name="flatten")(x)  # (N, 5, 5, 16) -> (N, 400)
    x = layers.Dense(120, activation="tanh", name="C5")(x)
    x = layers.Dense(84, activation="tanh", name="F6")(x)
    return Model(inputs, layers.Dense(classes, name="predictions")(x), name="lenet5")


def lenet5_1998() -> Model:
    """Return LeNet-5 as it was published: 60,000 parameters to be learnt, and 840 that are fixed.

    Returns:
        Keras model from images (N, 32, 32, 1), float32 in [0, 1], to minus the squared distances (N, 10)
        between what F6 says and the bitmap of each digit.
    """
    inputs = Input((32, 32, 1))
    # The paper's white is -0.1 and its black 1.175: mean about 0, variance about 1.
    x = layers.Rescaling(1.275, offset=-0.1, name="rescale")(inputs)
    x = squash(layers.Conv2D(6, 5, name="C1")(x))
    x = squash(SubSampling(name="S2")(x))
    maps = [layers.Conv2D(1, 5, name=f"C3_{k}")(ops.take(x, seen, axis=-1)) for k, seen in enumerate(C3)]
    x = squash(layers.concatenate(maps, name="C3"))
    x = squash(SubSampling(name="S4")(x))
    x = squash(layers.Conv2D(120, 5, name="C5")(x))
    x = layers.Flatten(name="flatten")(x)  # (N, 1, 1, 120) -> (N, 120)
    x = squash(layers.Dense(84, name="F6")(x))
    return Model(inputs, Bitmaps(name="output")(x), name="lenet5_1998")


def squash(x: Any) -> Any:
    """Return 1.7159 tanh(2x/3), the paper's activation (appendix A): ±1 goes to ±1."""
    return 1.7159 * ops.tanh(2 / 3 * x)


@keras.saving.register_keras_serializable(package="cvcourse")
class SubSampling(layers.Layer):
    """The sum of 2×2 pixels, times one coefficient and plus one bias for each map; both are learnt."""

    def build(self, shape: Any) -> None:
        self.coefficient = self.add_weight(
            shape=(shape[-1],), initializer=keras.initializers.Constant(0.25), name="coefficient"
        )
        self.bias = self.add_weight(shape=(shape[-1],), initializer="zeros", name="bias")

    def call(self, x: Any) -> Any:
        return 4 * ops.average_pool(x, 2, 2) * self.coefficient + self.bias

    def compute_output_shape(self, shape: Any) -> Any:
        return (shape[0], shape[1] // 2, shape[2] // 2, shape[3])


@keras.saving.register_keras_serializable(package="cvcourse")
class Bitmaps(layers.Layer):
    """Minus the squared distance from 84 numbers to each digit's bitmap of ±1; nothing is learnt here."""

    def build(self, shape: Any) -> None:
        self.bitmaps = self.add_weight(
            shape=(10, 84), initializer=lambda *_, **__: ops.convert_to_tensor(bitmaps().reshape(10, 84)),
            trainable=False, name="bitmaps",
        )  # fmt: skip

    def call(self, x: Any) -> Any:
        return -ops.sum(ops.square(x[:, None] - self.bitmaps), axis=-1)  # (N, 10, 84) -> (N, 10)

    def compute_output_shape(self, shape: Any) -> Any:
        return (shape[0], 10)


def bitmaps() -> np.ndarray:
    """Return the digits 0 … 9 as bitmaps of 12×7 pixels: float32 array (10, 12, 7), ink 1, paper -1."""
    made = -np.ones((10, 12, 7), "float32")
    for canvas, rows in zip(made, DIGITS, strict=True):
        canvas[2:9, 1:6] = np.where(np.array(list(rows)).reshape(7, 5) == "#", 1, -1)
    return made
