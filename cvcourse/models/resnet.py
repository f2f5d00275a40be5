"""ResNet: blocks whose input is added to their output, and their twins without that addition.

Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2015; table 1 (ResNet-50)
and section 4.2 (ResNet-20 … 110 for CIFAR-10).
"""

from keras import Input, KerasTensor, Model, layers, ops

# (filters inside a block, blocks) of each of the four stages of ResNet-50.
RESNET50 = ((64, 3), (128, 4), (256, 6), (512, 3))
# Filters of the three stages of the networks for CIFAR-10; each stage has (depth - 2) / 6 blocks.
CIFAR = (16, 32, 64)


def basic_block(
    x: KerasTensor, filters: int, stride: int = 1, residual: bool = True, name: str | None = None
) -> KerasTensor:
    """Return relu(F(x) + shortcut(x)), F two 3×3 convolutions with batch norm.

    Where the shape changes, the shortcut takes every other pixel and fills the new channels with zeros
    (the paper's option A), so that it has no parameters.

    Args:
        x: Keras tensor, (N, H, W, C), C ≤ filters.
        filters: int, filters of both convolutions.
        stride: 1 or 2, of the first convolution.
        residual: bool; without it the block returns relu(F(x)): the plain twin, with as many parameters.
        name: str, start of the layers' names.

    Returns:
        Keras tensor, (N, ⌈H / stride⌉, ⌈W / stride⌉, filters).
    """
    shortcut = x
    x = layers.ReLU(name=f"{name}_1_relu")(conv_bn(x, filters, 3, stride, f"{name}_1", bias=False))
    x = conv_bn(x, filters, 3, 1, f"{name}_2", bias=False)
    if residual:
        if stride > 1:
            shortcut = shortcut[:, ::stride, ::stride]
        if missing := filters - shortcut.shape[-1]:
            shortcut = ops.pad(shortcut, ((0, 0), (0, 0), (0, 0), (0, missing)))
        x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_out")(x)


def bottleneck_block(
    x: KerasTensor, filters: int, stride: int = 1, projection: bool = False, name: str | None = None
) -> KerasTensor:
    """Return relu(F(x) + shortcut(x)), F three convolutions: 1×1 narrows, 3×3 works, 1×1 widens.

    Args:
        x: Keras tensor, (N, H, W, C).
        filters: int, filters of the narrow part; the output has four times as many.
        stride: 1 or 2, of the first convolution and of the projection.
        projection: bool; True puts a 1×1 convolution with batch norm on the shortcut, which is needed
            where the shape changes. False leaves the input as it is (the identity).
        name: str, start of the layers' names, those of `keras.applications.ResNet50`.

    Returns:
        Keras tensor, (N, ⌈H / stride⌉, ⌈W / stride⌉, 4 · filters).
    """
    shortcut = conv_bn(x, 4 * filters, 1, stride, f"{name}_0") if projection else x
    x = layers.ReLU(name=f"{name}_1_relu")(conv_bn(x, filters, 1, stride, f"{name}_1"))
    x = layers.ReLU(name=f"{name}_2_relu")(conv_bn(x, filters, 3, 1, f"{name}_2"))
    x = conv_bn(x, 4 * filters, 1, 1, f"{name}_3")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_out")(x)


def conv_bn(
    x: KerasTensor, filters: int, size: int, stride: int, name: str | None, bias: bool = True
) -> KerasTensor:
    """Return a convolution followed by batch norm, with the initialisation of He et al.

    The bias changes nothing before batch norm (lesson 03); Keras's ResNet-50 keeps it, so ours does too.
    """
    x = layers.Conv2D(
        filters,
        size,
        stride,
        padding="same",
        use_bias=bias,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    # Momentum 0.9 rather than 0.99: short trainings end before slow averages have arrived.
    return layers.BatchNormalization(momentum=0.9, epsilon=1.001e-5, name=f"{name}_bn")(x)


def resnet50(input_shape: tuple = (224, 224, 3), classes: int = 1000) -> Model:
    """Return ResNet-50 with random weights: 25,636,712 parameters for the default arguments.

    The same layers, names and counts as `keras.applications.ResNet50(weights=None)`.

    Args:
        input_shape: (H, W, C); H and W at least 32.
        classes: int, number of outputs.

    Returns:
        Keras model from images (N, H, W, C) to probabilities (N, classes).
    """
    inputs = Input(input_shape)
    x = layers.ZeroPadding2D(3, name="conv1_pad")(inputs)
    x = layers.Conv2D(64, 7, 2, kernel_initializer="he_normal", name="conv1_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1.001e-5, name="conv1_bn")(x)
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, 2, name="pool1_pool")(x)
    for stage, (filters, blocks) in enumerate(RESNET50, start=2):
        for block in range(1, blocks + 1):
            first = block == 1
            stride = 2 if first and stage > 2 else 1
            x = bottleneck_block(x, filters, stride, first, f"conv{stage}_block{block}")
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    outputs = layers.Dense(classes, activation="softmax", name="predictions")(x)
    return Model(inputs, outputs, name="resnet50")


def resnet_cifar(
    depth: int,
    residual: bool = True,
    input_shape: tuple = (32, 32, 3),
    classes: int = 10,
    widths: tuple = CIFAR,
) -> Model:
    """Return the paper's network for CIFAR-10, or its plain twin, with random weights; outputs are logits.

    Depth 20 has 272,474 parameters, depth 56 has 855,770 (0.27 and 0.85 million in the paper).

    Args:
        depth: int, 6 n + 2: layers with weights (20, 32, 44, 56, 110 in the paper).
        residual: bool; without it the same layers stand in a plain row.
        input_shape: (H, W, C).
        classes: int, number of outputs.
        widths: three ints, filters of the three stages.

    Returns:
        Keras model from images (N, H, W, C), float32 in [0, 1], to logits (N, classes).
    """
    if depth < 8 or depth % 6 != 2:
        raise ValueError(f"depth must be 6 n + 2 with n ≥ 1: 8, 14, 20 … 56. Received: depth={depth}")
    inputs = Input(input_shape)
    x = layers.Rescaling(4.0, offset=-2.0, name="rescale")(inputs)  # about mean 0 and variance 1
    x = layers.ReLU(name="conv1_relu")(conv_bn(x, widths[0], 3, 1, "conv1", bias=False))
    for stage, filters in enumerate(widths, start=2):
        for block in range(1, depth // 6 + 1):
            stride = 2 if block == 1 and stage > 2 else 1
            x = basic_block(x, filters, stride, residual, f"conv{stage}_block{block}")
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    outputs = layers.Dense(classes, kernel_initializer="he_normal", name="predictions")(x)
    return Model(inputs, outputs, name=f"{'resnet' if residual else 'plain'}{depth}")
