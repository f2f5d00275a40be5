"""MobileNet v1 and the inverted residual of v2: convolutions that look at one channel at a time.

Sources: Howard and others, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
Applications", 2017, table 1; Sandler and others, "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
2018, table 2.
"""

from keras import Input, KerasTensor, Model, layers

# (filters, stride) of each of the 13 depthwise separable blocks of MobileNet v1.
MOBILENET = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1),
    (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip
# The same for pictures of 32×32, with a first convolution of stride 1.
SMALL = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1))


def separable_block(x: KerasTensor, filters: int, stride: int = 1, block: int = 1) -> KerasTensor:
    """Return a 3×3 convolution on each channel alone, then a 1×1 convolution that mixes the channels.

    Args:
        x: Keras tensor, (N, H, W, C).
        filters: int, filters of the 1×1 convolution.
        stride: 1 or 2, of the 3×3 convolution.
        block: int, number of the block; the names are those of `keras.applications.MobileNet`.

    Returns:
        Keras tensor, (N, ⌈H / stride⌉, ⌈W / stride⌉, filters).
    """
    x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=f"conv_dw_{block}")(x)
    # Momentum 0.9 rather than 0.99: short trainings end before slow averages have arrived.
    x = layers.BatchNormalization(momentum=0.9, name=f"conv_dw_{block}_bn")(x)
    x = layers.ReLU(6.0, name=f"conv_dw_{block}_relu")(x)
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"conv_pw_{block}")(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"conv_pw_{block}_bn")(x)
    return layers.ReLU(6.0, name=f"conv_pw_{block}_relu")(x)


def inverted_residual(
    x: KerasTensor, filters: int, stride: int = 1, expansion: int = 6, name: str | None = None
) -> KerasTensor:
    """Return MobileNetV2's block: 1×1 widens, 3×3 depthwise works, 1×1 narrows without an activation.

    Input and output are added where they have one shape. A ResNet's bottleneck is wide outside and narrow
    inside; here it is the other way round.

    Args:
        x: Keras tensor, (N, H, W, C).
        filters: int, filters of the last convolution.
        stride: 1 or 2, of the depthwise convolution.
        expansion: int, the inside has `expansion · C` channels; 1 leaves the first convolution out.
        name: str, start of the layers' names.

    Returns:
        Keras tensor, (N, ⌈H / stride⌉, ⌈W / stride⌉, filters).
    """
    shortcut, channels = x, x.shape[-1]
    if expansion > 1:
        x = layers.Conv2D(expansion * channels, 1, use_bias=False, name=f"{name}_expand")(x)
        x = layers.ReLU(6.0, name=f"{name}_expand_relu")(_norm(x, f"{name}_expand_BN"))
    x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(_norm(x, f"{name}_depthwise_BN"))
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project")(x)
    x = _norm(x, f"{name}_project_BN")
    if stride == 1 and channels == filters:
        x = layers.Add(name=f"{name}_add")([shortcut, x])
    return x


def _norm(x, name):
    return layers.BatchNormalization(momentum=0.999, epsilon=1e-3, name=name)(x)


def mobilenet(
    input_shape: tuple = (224, 224, 3),
    alpha: float = 1.0,
    classes: int = 1000,
    blocks: tuple = MOBILENET,
    stride: int = 2,
    classifier_activation: str | None = "softmax",
) -> Model:
    """Return MobileNet v1 with random weights: 4,253,864 parameters for the default arguments.

    The same parameters and shapes, layer by layer, as `keras.applications.MobileNet(weights=None)`.

    Args:
        input_shape: (H, W, C); H and W at least 32.
        alpha: float > 0, the paper's width multiplier: every layer has `int(alpha · filters)` filters.
        classes: int, number of outputs.
        blocks: pairs (filters, stride), one for each separable block: `MOBILENET`, `SMALL`.
        stride: 1 or 2, of the first convolution; 1 for small pictures.
        classifier_activation: "softmax", or None for logits.

    Returns:
        Keras model from images (N, H, W, C) to (N, classes).
    """
    inputs = Input(input_shape)
    x = layers.Conv2D(int(32 * alpha), 3, stride, padding="same", use_bias=False, name="conv1")(inputs)
    x = layers.BatchNormalization(momentum=0.9, name="conv1_bn")(x)
    x = layers.ReLU(6.0, name="conv1_relu")(x)
    for block, (filters, stride) in enumerate(blocks, start=1):
        x = separable_block(x, int(filters * alpha), stride, block)
    x = layers.GlobalAveragePooling2D(keepdims=True, name="average")(x)
    x = layers.Dropout(1e-3, name="dropout")(x)
    x = layers.Conv2D(classes, 1, name="conv_preds")(x)
    x = layers.Reshape((classes,), name="reshape_2")(x)
    outputs = layers.Activation(classifier_activation, name="predictions")(x)
    return Model(inputs, outputs, name=f"mobilenet_{alpha:.2f}")
