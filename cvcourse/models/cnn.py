"""Plain CNNs for small pictures: what to begin with, before any architecture with a name."""

from keras import Input, Model, layers

from cvcourse.models.vgg import course_network

BLOCKS = ((16, 1), (32, 1), (64, 1), (128, 1))  # filters, convolutions


def cnn(
    input_shape: tuple = (None, None, 3), classes: int = 3, classifier_activation: str | None = "softmax"
) -> Model:
    """Return the network, with random weights: four times convolution, batch norm, ReLU, pooling.

    Args:
        input_shape: (H, W, C); H and W at least 16, or None for any size.
        classes: int, number of outputs.
        classifier_activation: "softmax", or None for logits.

    Returns:
        Keras model from images (N, H, W, C), float32 in [0, 1], to (N, classes).
    """
    return course_network(input_shape, classes, classifier_activation, BLOCKS, "cnn")


def small_cnn(
    width: int = 16, classes: int = 10, input_shape: tuple = (32, 32, 3), dropout: float = 0.0
) -> Model:
    """Return an untrained CNN of three convolutions and one fully connected layer.

    The first convolution moves in steps of 2, a max pooling follows each of the other two.
    There is no normalisation, so that the learning rate has its full effect.

    Args:
        width: int > 0, filters of the first convolution; the next have 2 and 4 times as many.
        classes: int, number of outputs; they are logits (no softmax).
        input_shape: (height, width, channels), height and width at least 16.
        dropout: float in [0, 1), share of the values dropped before the last layer.
    """
    x = inputs = Input(input_shape)
    for block, filters in enumerate((width, 2 * width, 4 * width)):
        strides = 2 if block == 0 else 1
        x = layers.Conv2D(filters, 3, strides, "same", activation="relu", kernel_initializer="he_normal")(x)
        x = layers.MaxPooling2D()(x) if block else x
    x = layers.Flatten()(x)
    if dropout:
        x = layers.Dropout(dropout)(x)
    return Model(inputs, layers.Dense(classes)(x), name="small_cnn")
