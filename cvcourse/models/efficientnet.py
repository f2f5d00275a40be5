"""EfficientNet: MBConv blocks in a table, and one rule that scales depth, width and resolution together.

Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019, table 1.
"""

import math

from keras import Input, KerasTensor, Model, layers

from cvcourse import arithmetic

# (expansion, filters, blocks, stride, kernel size) of each of the seven stages of EfficientNet-B0.
EFFICIENTNET_B0 = (
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3),
)  # fmt: skip
# name: (width, depth, resolution in pixels), as the authors released them.
SCALES = {
    "B0": (1.0, 1.0, 224), "B1": (1.0, 1.1, 240), "B2": (1.1, 1.2, 260), "B3": (1.2, 1.4, 300),
    "B4": (1.4, 1.8, 380), "B5": (1.6, 2.2, 456), "B6": (1.8, 2.6, 528), "B7": (2.0, 3.1, 600),
}  # fmt: skip


def scaled_filters(filters: int, width: float) -> int:
    """Return `width · filters` rounded to a multiple of 8, never more than 10 % down.

    Example:
        >>> scaled_filters(32, 1.1), scaled_filters(24, 1.4)
        (32, 32)
    """
    wanted = width * filters
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 * (rounded < 0.9 * wanted)


def scaled_blocks(blocks: int, depth: float) -> int:
    """Return `depth · blocks` rounded up: 1.1 times 2 blocks are 3."""
    return math.ceil(depth * blocks)


def squeeze_excite(x: KerasTensor, squeezed: int, name: str) -> KerasTensor:
    """Return x with each channel multiplied by a number in (0, 1) that depends on the whole image.

    Squeeze: the mean of each channel. Excite: two small dense layers (1×1 convolutions on 1×1 pixel).

    Args:
        x: Keras tensor, (N, H, W, C).
        squeezed: int, neurons of the first dense layer.
        name: str, start of the layers' names.
    """
    channels = x.shape[-1]
    s = layers.GlobalAveragePooling2D(name=f"{name}se_squeeze")(x)
    s = layers.Reshape((1, 1, channels), name=f"{name}se_reshape")(s)
    s = layers.Conv2D(squeezed, 1, activation="swish", name=f"{name}se_reduce")(s)
    s = layers.Conv2D(channels, 1, activation="sigmoid", name=f"{name}se_expand")(s)
    return layers.Multiply(name=f"{name}se_excite")([x, s])


def mbconv(
    x: KerasTensor,
    filters: int,
    stride: int = 1,
    expansion: int = 6,
    kernel_size: int = 3,
    drop: float = 0.0,
    name: str = "",
    lite: bool = False,
) -> KerasTensor:
    """Return MobileNetV2's inverted residual with squeeze-and-excitation and the swish activation.

    Args:
        x: Keras tensor, (N, H, W, C).
        filters: int, filters of the last convolution.
        stride: 1 or 2, of the depthwise convolution.
        expansion: int, the inside has `expansion · C` channels; 1 leaves the first convolution out.
        kernel_size: 3 or 5, of the depthwise convolution.
        drop: float in [0, 1), in training the block is left out with this probability.
        name: str, start of the layers' names, those of `keras.applications`.
        lite: bool, ReLU6 in place of swish and no squeeze-and-excitation: what phones compute well.

    Returns:
        Keras tensor, (N, ⌈H / stride⌉, ⌈W / stride⌉, filters).
    """
    shortcut, channels = x, x.shape[-1]
    activation = "relu6" if lite else "swish"
    if expansion > 1:
        x = layers.Conv2D(expansion * channels, 1, use_bias=False, name=f"{name}expand_conv")(x)
        x = layers.BatchNormalization(name=f"{name}expand_bn")(x)
        x = layers.Activation(activation, name=f"{name}expand_activation")(x)
    same = {"padding": "same", "use_bias": False, "name": f"{name}dwconv"}
    x = layers.DepthwiseConv2D(kernel_size, stride, **same)(x)
    x = layers.BatchNormalization(name=f"{name}bn")(x)
    x = layers.Activation(activation, name=f"{name}activation")(x)
    if not lite:
        x = squeeze_excite(x, max(1, channels // 4), name)
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}project_conv")(x)
    x = layers.BatchNormalization(name=f"{name}project_bn")(x)
    if stride > 1 or channels != filters:
        return x
    if drop:
        x = layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return layers.Add(name=f"{name}add")([x, shortcut])


def efficientnet(
    width: float = 1.0,
    depth: float = 1.0,
    resolution: int | None = 224,
    classes: int = 1000,
    dropout: float = 0.2,
    lite: bool = False,
) -> Model:
    """Return an EfficientNet with random weights: B0 with 5,330,571 parameters for the default arguments.

    The same layers with weights, shapes and counts as `keras.applications.EfficientNetB0(weights=None)`.
    With `lite=True` EfficientNet-Lite0, 4,694,024 parameters, of which 4,652,008 are trainable;
    `cvcourse.pretrained.load("efficientnet_lite0")` gives it trained.

    Args:
        width, depth: float > 0, factors of filters and of blocks (`SCALES`).
        resolution: int, height and width of the images in pixels; None for any.
        classes: int, number of outputs.
        dropout: float in [0, 1), before the last layer.
        lite: bool, ReLU6 in place of swish, no squeeze-and-excitation, and no scaling of the input.

    Returns:
        Keras model from images (N, H, W, 3) to probabilities (N, classes). The images are in [0, 255];
        with `lite` in [−1, 1], about.

    Source: the authors' repository for Lite ("EfficientNet-Lite", 2020).
    """
    activation = "relu6" if lite else "swish"
    x = inputs = Input((resolution, resolution, 3))
    if not lite:
        x = layers.Normalization(name="normalization")(layers.Rescaling(1 / 255, name="rescaling")(inputs))
    stem = {"padding": "same", "use_bias": False, "name": "stem_conv"}
    x = layers.Conv2D(scaled_filters(32, width), 3, 2, **stem)(x)
    x = layers.Activation(activation, name="stem_activation")(layers.BatchNormalization(name="stem_bn")(x))
    total, done = sum(scaled_blocks(row[2], depth) for row in EFFICIENTNET_B0), 0
    for stage, (expansion, filters, blocks, stride, size) in enumerate(EFFICIENTNET_B0, start=1):
        for block in range(scaled_blocks(blocks, depth)):
            name, drop = f"block{stage}{chr(97 + block)}_", 0.2 * done / total
            filters_now, stride_now = scaled_filters(filters, width), 1 if block else stride
            x = mbconv(x, filters_now, stride_now, expansion, size, drop, name, lite)
            done += 1
    x = layers.Conv2D(scaled_filters(1280, width), 1, use_bias=False, name="top_conv")(x)
    x = layers.Activation(activation, name="top_activation")(layers.BatchNormalization(name="top_bn")(x))
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.Dropout(dropout, name="top_dropout")(x)
    outputs = layers.Dense(classes, activation="softmax", name="predictions")(x)
    return Model(inputs, outputs, name="efficientnet_lite" if lite else "efficientnet")


def costs(
    depth: float = 1.0, width: float = 1.0, resolution: int = 224, classes: int = 1000
) -> tuple[int, int, list]:
    """Return (parameters, multiply-adds, stages) of an EfficientNet, by arithmetic from the table of B0.

    A stage is (what, blocks, filters, side of its maps in pixels, multiply-adds). The counts are those of
    `summarize(lambda: efficientnet(width, depth, resolution))`, about a thousand times as quickly.

    Example:
        >>> params, macs, stages = costs()
        >>> params, macs, stages[2]
        (5330571, 385814752, ('MBConv6 3×3', 2, 24, 56, 54945216))
    """
    side, channels = math.ceil(resolution / 2), scaled_filters(32, width)
    params = 7 + _normed(arithmetic.conv_params(3, 3, channels, False), channels)  # 7: statistics of RGB
    macs = arithmetic.conv_macs(side, side, 3, 3, channels)
    stages = [("conv 3×3", 1, channels, side, macs)]
    for expansion, filters, repeats, stride, size in EFFICIENTNET_B0:
        filters, blocks, before = scaled_filters(filters, width), scaled_blocks(repeats, depth), macs
        for block in range(blocks):
            more = _mbconv(side, channels, filters, 1 if block else stride, expansion, size)
            params, macs, side, channels = params + more[0], macs + more[1], more[2], filters
        stages.append((f"MBConv{expansion} {size}×{size}", blocks, filters, side, macs - before))
    top = scaled_filters(1280, width)
    params += _normed(arithmetic.conv_params(1, channels, top, False), top)
    params += arithmetic.dense_params(top, classes)
    work = arithmetic.conv_macs(side, side, 1, channels, top) + arithmetic.dense_macs(top, classes)
    return params, macs + work, [*stages, ("conv 1×1, dense", 1, top, side, work)]


def _normed(params, channels):
    """Parameters of a convolution together with those of its batch norm."""
    return params + sum(arithmetic.batch_norm_params(channels))


def _mbconv(side, channels, filters, stride, expansion, size):
    """(parameters, multiply-adds, side of the output) of one block."""
    inside, squeezed, out = expansion * channels, max(1, channels // 4), math.ceil(side / stride)
    params = macs = 0
    if expansion > 1:
        params += _normed(arithmetic.conv_params(1, channels, inside, False), inside)
        macs += arithmetic.conv_macs(side, side, 1, channels, inside)
    params += _normed(arithmetic.depthwise_conv_params(size, inside, use_bias=False), inside)
    params += arithmetic.conv_params(1, inside, squeezed) + arithmetic.conv_params(1, squeezed, inside)
    params += _normed(arithmetic.conv_params(1, inside, filters, False), filters)
    macs += arithmetic.depthwise_conv_macs(out, out, size, inside) + 2 * squeezed * inside
    return params, macs + arithmetic.conv_macs(out, out, 1, inside, filters), out
