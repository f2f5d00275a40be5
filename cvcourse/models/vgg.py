"""VGG: blocks of 3×3 convolutions, each block ended by a pooling layer.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition", 2014, table 1, column D.
"""

from keras import Input, KerasTensor, Model, layers

# (filters, convolutions) of each of the five blocks.
VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
COURSE = ((24, 2), (48, 2), (96, 3), (192, 3), (192, 3))
SMALL = ((16, 2), (32, 2), (64, 2), (96, 2))  # for pictures of 32×32


def vgg_block(
    x: KerasTensor, filters: int, convolutions: int, block: int, batch_norm: bool = False
) -> KerasTensor:
    """Return the output of `convolutions` 3×3 layers and one 2×2 max pooling.

    Args:
        x: Keras tensor, (N, H, W, C).
        filters: int, filters of every convolution.
        convolutions: int, how many convolutions.
        block: int, number of the block; layers are named `block{n}_conv{i}`, `block{n}_pool`.
        batch_norm: bool, normalise between convolution and ReLU (not in the paper of 2014).

    Returns:
        Keras tensor, (N, H // 2, W // 2, filters).
    """
    x = _convolutions(x, filters, convolutions, block, batch_norm)
    return layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)


def _convolutions(x, filters, convolutions, block, batch_norm=False):
    for i in range(1, convolutions + 1):
        name = f"block{block}_conv{i}"
        if not batch_norm:
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
            continue
        # Batch norm subtracts the mean, so a bias before it could not change anything.
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"block{block}_norm{i}")(x)
        x = layers.ReLU(name=f"block{block}_relu{i}")(x)
    return x


def vgg16(input_shape: tuple = (224, 224, 3), classes: int = 1000) -> Model:
    """Return VGG16 with random weights: 138,357,544 parameters for the default arguments.

    The same layers, names and counts as `keras.applications.VGG16(weights=None)`.
    Building it allocates 553 MB; `cvcourse.summary` counts it without doing so.

    Args:
        input_shape: (H, W, C); H and W at least 32.
        classes: int, number of outputs.

    Returns:
        Keras model from images (N, H, W, C) to probabilities (N, classes).
    """
    x = inputs = Input(input_shape)
    for block, (filters, convolutions) in enumerate(VGG16, start=1):
        x = vgg_block(x, filters, convolutions, block)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(4096, activation="relu", name="fc1")(x)
    x = layers.Dense(4096, activation="relu", name="fc2")(x)
    outputs = layers.Dense(classes, activation="softmax", name="predictions")(x)
    return Model(inputs, outputs, name="vgg16")


def course_network(
    input_shape: tuple = (None, None, 3),
    classes: int = 100,
    classifier_activation: str | None = "softmax",
    blocks: tuple = COURSE,
    name: str = "course",
) -> Model:
    """Return the network that ships with the course, with random weights.

    The 13 convolutions of VGG16 at three eighths of its width, with batch norm, and global
    average pooling in place of the two large dense layers: about 2 million parameters.
    `cvcourse.pretrained.load("course")` gives it trained.

    Args:
        input_shape: (H, W, 3); H and W at least 32, or None for any size.
        classes: int, number of outputs.
        classifier_activation: "softmax", or None for logits.
        blocks: pairs (filters, convolutions): `COURSE`, `SMALL`.
        name: str, name of the model.

    Returns:
        Keras model from images (N, H, W, 3), float32 in [0, 1], to (N, classes).
    """
    inputs = Input(input_shape)
    # [0, 1] to [-2, 2]: close to mean 0 and variance 1 for photographs.
    x = layers.Rescaling(4.0, offset=-2.0, name="rescale")(inputs)
    for block, (filters, convolutions) in enumerate(blocks, start=1):
        x = vgg_block(x, filters, convolutions, block, batch_norm=True)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    outputs = layers.Dense(classes, activation=classifier_activation, name="predictions")(x)
    return Model(inputs, outputs, name=name)


def vgg16_edges() -> Model:
    """Return VGG16's thirteen convolutions with a small answer on each block: an edge detector, untrained.

    Each block's maps become one by a 1×1 convolution (`side1` … `side5`), are enlarged to the image
    (`edges1` … `edges5`, logits) and are mixed by a last one (`fuse`).
    `cvcourse.pretrained.load("vgg16_edges")` gives it trained.

    Returns:
        Keras model from images (N, H, W, 3), BGR in [0, 255] minus a mean, H and W multiples of 16, to edges
        (N, H, W, 1) in [0, 1].

    Source: Xie and Tu, "Holistically-Nested Edge Detection", 2015, equation 8 and figure 3.
    """
    x = inputs = Input((None, None, 3))
    edges = []
    for block, (filters, convolutions) in enumerate(VGG16, start=1):
        if block > 1:
            x = layers.MaxPooling2D(2, strides=2, name=f"block{block - 1}_pool")(x)
        x = _convolutions(x, filters, convolutions, block)
        side = layers.Conv2D(1, 1, name=f"side{block}")(x)
        large = layers.UpSampling2D(2 ** (block - 1), interpolation="bilinear", name=f"edges{block}")
        edges.append(large(side))
    outputs = layers.Conv2D(1, 1, activation="sigmoid", name="fuse")(layers.Concatenate(name="edges")(edges))
    return Model(inputs, outputs, name="vgg16_edges")
