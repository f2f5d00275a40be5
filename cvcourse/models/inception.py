"""GoogLeNet: blocks that look at every place with several filter sizes at once.

How large should a filter be? An inception block does not choose: 1×1, 3×3, 5×5 and a pooling stand side by
side, and their maps are put in one stack. That would cost too much, so 1×1 convolutions come first and make
the stack thin: the bottleneck.

Source: Szegedy and others, "Going Deeper with Convolutions", 2014, table 1 and section 5.

How this one differs. The channels, sizes and order of table 1 are the paper's, with biases and local response
normalisation, as in the "bvlc_googlenet" of Caffe; pooling is padded so that sizes are the paper's. The
auxiliary heads are left out unless asked for. `batch_norm=True` (of the next paper, Ioffe and Szegedy 2015)
and `stem=small_stem` make networks for small pictures; then there is no response normalisation.
"""

from collections.abc import Callable

from keras import Input, KerasTensor, Model, layers, ops

# Table 1: filters of 1×1, 3×3 (before it, after it), 5×5 (before it, after it), and 1×1 after pooling;
# None is a 3×3 max pooling in steps of 2.
GOOGLENET = {
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "pool3": None,
    "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64), "4e": (256, 160, 320, 32, 128, 128), "pool4": None,
    "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
}  # fmt: skip
# The same idea for pictures of 32×32: 16×16 after the stem, then 8×8.
SMALL = {
    "3a": (16, 16, 24, 4, 8, 8), "pool3": None,
    "4a": (32, 24, 48, 8, 16, 16), "4b": (48, 32, 64, 8, 24, 24),
}  # fmt: skip
HEADS = ("4a", "4d")  # the blocks that an auxiliary head listens to


def inception_block(x: KerasTensor, filters: tuple, name: str, batch_norm: bool = False) -> KerasTensor:
    """Return four branches side by side: 1×1; 1×1 then 3×3; 1×1 then 5×5; max pooling then 1×1.

    Args:
        x: Keras tensor, (N, H, W, C).
        filters: six ints, a row of `GOOGLENET`: 1×1, 3×3 reduce, 3×3, 5×5 reduce, 5×5, after pooling.
        name: str, start of the layers' names.
        batch_norm: bool, normalise before each ReLU.

    Returns:
        Keras tensor, (N, H, W, sum of the 1×1, 3×3, 5×5 and pooling filters).
    """
    one, reduce3, three, reduce5, five, pooled = filters
    branch1 = conv(x, one, 1, f"{name}_1x1", batch_norm)
    branch3 = conv(x, reduce3, 1, f"{name}_3x3_reduce", batch_norm)
    branch3 = conv(branch3, three, 3, f"{name}_3x3", batch_norm)
    branch5 = conv(x, reduce5, 1, f"{name}_5x5_reduce", batch_norm)
    branch5 = conv(branch5, five, 5, f"{name}_5x5", batch_norm)
    pool = layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_pool")(x)
    pool = conv(pool, pooled, 1, f"{name}_pool_proj", batch_norm)
    return layers.Concatenate(name=f"{name}_output")([branch1, branch3, branch5, pool])


def conv(
    x: KerasTensor, filters: int, size: int, name: str, batch_norm: bool = False, strides: int = 1
) -> KerasTensor:
    """Return a convolution with padding "same", batch norm if asked for, and a ReLU."""
    x = layers.Conv2D(filters, size, strides, "same", use_bias=not batch_norm, name=name)(x)
    if batch_norm:
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def auxiliary_head(
    x: KerasTensor, classes: int, name: str, activation: str | None = "softmax"
) -> KerasTensor:
    """Return a small classifier on the maps in the middle of the network (section 5 of the paper).

    In training its loss is added with weight 0.3, so that the early layers get a gradient of their own;
    afterwards it is thrown away.
    """
    x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)  # (N, 14, 14, C) -> (N, 4, 4, C)
    x = conv(x, 128, 1, f"{name}_conv")
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = layers.Dense(1024, activation="relu", name=f"{name}_fc")(x)
    x = layers.Dropout(0.7, name=f"{name}_dropout")(x)
    return layers.Dense(classes, activation=activation, name=f"{name}_predictions")(x)


def paper_stem(x: KerasTensor) -> KerasTensor:
    """Return the layers before block 3a of the paper: (N, 224, 224, 3) -> (N, 28, 28, 192)."""
    x = conv(x, 64, 7, "conv1", strides=2)
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)
    x = response_norm(x)
    x = conv(x, 64, 1, "conv2_reduce")
    x = conv(x, 192, 3, "conv2")
    x = response_norm(x)
    return layers.MaxPooling2D(3, 2, padding="same", name="pool2")(x)


def small_stem(x: KerasTensor) -> KerasTensor:
    """Return the layers before block 3a for small pictures: (N, 32, 32, C) -> (N, 16, 16, 32)."""
    x = layers.Rescaling(4.0, offset=-2.0, name="rescale")(x)
    x = conv(x, 32, 3, "conv1", batch_norm=True)
    return layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)


def response_norm(x: KerasTensor) -> KerasTensor:
    """Return x over (1 + α/5 · the sum of squares of five neighbouring channels)^β (AlexNet, section 3.3)."""
    radius, alpha, beta, channels = 2, 1e-4, 0.75, x.shape[-1]
    squares = ops.pad(ops.square(x), ((0, 0), (0, 0), (0, 0), (radius, radius)))
    total = sum(squares[..., k : k + channels] for k in range(2 * radius + 1))
    return x / (1 + alpha / (2 * radius + 1) * total) ** beta


def googlenet(
    input_shape: tuple = (224, 224, 3),
    classes: int = 1000,
    blocks: dict = GOOGLENET,
    stem: Callable = paper_stem,
    batch_norm: bool = False,
    auxiliary: bool = False,
    dropout: float = 0.4,
    classifier_activation: str | None = "softmax",
) -> Model:
    """Return GoogLeNet with random weights: 6,998,552 parameters for the default arguments.

    Args:
        input_shape: (H, W, C).
        classes: int, number of outputs.
        blocks: dict from a block's name to its filters, or to None for a pooling: `GOOGLENET`, `SMALL`.
        stem: function, the layers before the first block: `paper_stem`, `small_stem`.
        batch_norm: bool, normalise before each ReLU of the blocks.
        auxiliary: bool, with the two auxiliary heads; the model then has three outputs, the last one first.
        dropout: float in [0, 1), before the last layer.
        classifier_activation: "softmax", or None for logits.

    Returns:
        Keras model from images (N, H, W, C) to (N, classes), or to three of these.
    """
    inputs = Input(input_shape)
    x, heads = stem(inputs), []
    for name, filters in blocks.items():
        if filters is None:
            x = layers.MaxPooling2D(3, 2, padding="same", name=name)(x)
            continue
        x = inception_block(x, filters, f"inception_{name}", batch_norm)
        if auxiliary and name in HEADS:
            heads.append(auxiliary_head(x, classes, f"auxiliary_{name}", classifier_activation))
    x = layers.GlobalAveragePooling2D(name="average")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    outputs = layers.Dense(classes, activation=classifier_activation, name="predictions")(x)
    return Model(inputs, [outputs, *heads] if heads else outputs, name="googlenet")
