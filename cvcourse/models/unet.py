"""U-Net: down to what a picture shows, up again to where it shows it.

The contracting path halves the picture and doubles the channels at each level: it finds out *what* there
is. The expanding path doubles the picture again. At each level a skip connection hands it the feature map
of the same size from the way down, which still knows *where* each edge was.

Source: Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation"
(MICCAI 2015), figure 1.

How this one differs: 8 to 96 channels in place of 64 to 1024. Convolutions pad ("same"), so that the
mask is as large as the picture and no feature map is cropped. Batch norm follows each convolution, and
there is no dropout. The loss weighs all pixels alike.
"""

from keras import Input, Model, layers

WIDTHS = (8, 16, 32, 64, 96)


def double_convolution(x, filters, name):
    """Return two 3×3 convolutions, each normalised and through a ReLU: one level of either path."""
    for i in (1, 2):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv{i}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm{i}")(x)
        x = layers.ReLU(name=f"{name}_relu{i}")(x)
    return x


def unet(input_shape=(None, None, 3), classes=4, widths=WIDTHS, skips=True):
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
