"""A plain CNN for small pictures: what to begin with, before any architecture with a name."""

from keras import Input, Model, layers

from cvcourse.models.vgg import vgg_block

BLOCKS = ((16, 1), (32, 1), (64, 1), (128, 1))  # filters, convolutions


def cnn(input_shape=(None, None, 3), classes=3, classifier_activation="softmax"):
    """Return the network, with random weights: four times convolution, batch norm, ReLU, pooling.

    Args:
        input_shape: (H, W, C); H and W at least 16, or None for any size.
        classes: int, number of outputs.
        classifier_activation: "softmax", or None for logits.

    Returns:
        Keras model from images (N, H, W, C), float32 in [0, 1], to (N, classes).
    """
    inputs = Input(input_shape)
    x = layers.Rescaling(4.0, offset=-2.0, name="rescale")(inputs)
    for block, (filters, convolutions) in enumerate(BLOCKS, start=1):
        x = vgg_block(x, filters, convolutions, block, batch_norm=True)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    outputs = layers.Dense(classes, activation=classifier_activation, name="predictions")(x)
    return Model(inputs, outputs, name="cnn")
