"""A convolutional network that trains in seconds: for questions that take many trainings."""

import keras
from keras import layers


def small_cnn(width=16, classes=10, input_shape=(32, 32, 3), dropout=0.0, name="small_cnn"):
    """Return an untrained CNN of three convolutions and one fully connected layer.

    The first convolution moves in steps of 2, a max pooling follows each of the other two.
    There is no normalisation, so that the learning rate has its full effect.

    Args:
        width: int > 0, filters of the first convolution; the next have 2 and 4 times as many.
        classes: int, number of outputs; they are logits (no softmax).
        input_shape: (height, width, channels), height and width at least 16.
        dropout: float in [0, 1), share of the values dropped before the last layer.
        name: str, name of the model.
    """
    x = inputs = keras.Input(input_shape)
    for block, filters in enumerate((width, 2 * width, 4 * width)):
        strides = 2 if block == 0 else 1
        x = layers.Conv2D(filters, 3, strides, "same", activation="relu", kernel_initializer="he_normal")(x)
        x = layers.MaxPooling2D()(x) if block else x
    x = layers.Flatten()(x)
    if dropout:
        x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(classes)(x), name=name)
