"""The checks of lesson 05: shapes, parameters, multiply-adds and memory of VGG16, and a VGG from a table."""

import math

import keras
from keras import layers

from cvcourse import arithmetic
from cvcourse.exercises.checking import Exercise
from cvcourse.models.vgg import VGG16
from cvcourse.summary import shapes_only

# --- Exercise 1: shapes ---------------------------------------------------------------------------------


def _shapes(height, width, table, step=lambda size, convolutions: size // 2):
    """Shape after each block; `step` is what a block does to a side."""
    shapes = []
    for filters, convolutions in table:
        height, width = step(height, convolutions), step(width, convolutions)
        shapes.append((height, width, filters))
    return shapes


check_shapes = Exercise(
    solution=lambda height, width, table: _shapes(height, width, table),
    cases=[
        (32, 64, ((8, 1), (16, 2))),
        (75, 50, ((4, 2), (6, 1), (6, 3))),
        (224, 224, VGG16),
    ],
    mistakes={
        "forget the pooling layer at the end of each block": (
            lambda height, width, table: _shapes(height, width, table, lambda size, n: size)
        ),
        "halve in each convolution: only the pooling layer halves": (
            lambda height, width, table: _shapes(height, width, table, lambda size, n: size >> n)
        ),
        'lose two pixels in each convolution: padding="same" keeps the size': (
            lambda height, width, table: _shapes(height, width, table, lambda size, n: (size - 2 * n) // 2)
        ),
        "round up: a window that does not fit is left out": (
            lambda height, width, table: _shapes(height, width, table, lambda size, n: -(-size // 2))
        ),
        "keep the fraction: use // for there is no half pixel": (
            lambda height, width, table: _shapes(height, width, table, lambda size, n: size / 2)
        ),
        "swap height and width: a shape is (H, W, K)": (
            lambda height, width, table: _shapes(width, height, table)
        ),
        "keep the depth 3 of the image: there is one map for each filter": (
            lambda height, width, table: [(*size, 3) for *size, _ in _shapes(height, width, table)]
        ),
    },
    verified="the blocks of two small networks, one with odd sizes, and of VGG16",
)

# --- Exercises 2 and 3: parameters ----------------------------------------------------------------------


def _block_params(in_channels, filters, convolutions):
    first = arithmetic.conv_params(3, in_channels, filters)
    return first + (convolutions - 1) * arithmetic.conv_params(3, filters, filters)


check_block_params = Exercise(
    solution=_block_params,
    cases=[(3, 64, 2), (128, 256, 3), (16, 8, 1), (512, 512, 3)],
    mistakes={
        "give all convolutions the depth of the block's input: from the second on, D is K": (
            lambda in_channels, filters, convolutions: (
                convolutions * arithmetic.conv_params(3, in_channels, filters)
            )
        ),
        "give the first convolution the depth K too: it sees the output of the block before": (
            lambda in_channels, filters, convolutions: (
                convolutions * arithmetic.conv_params(3, filters, filters)
            )
        ),
        "count the first convolution only": (
            lambda in_channels, filters, convolutions: _block_params(in_channels, filters, 1)
        ),
        "leave out the depth D, as a slide of this course does": (
            lambda in_channels, filters, convolutions: convolutions * (9 * filters + filters)
        ),
        "forget the biases: one for each filter of each convolution": (
            lambda in_channels, filters, convolutions: (
                _block_params(in_channels, filters, convolutions) - convolutions * filters
            )
        ),
        "count weights in the pooling layer: it has none": (
            lambda in_channels, filters, convolutions: (
                _block_params(in_channels, filters, convolutions) + 2 * 2 * filters
            )
        ),
    },
    verified="three blocks of VGG16, and one with a single convolution",
)


def _first_dense_params(image_size, units, poolings=5, depth=512):
    return arithmetic.dense_params((image_size // 2**poolings) ** 2 * depth, units)


check_first_dense_params = Exercise(
    solution=lambda image_size, units: _first_dense_params(image_size, units),
    cases=[(64, 10), (224, 4096), (300, 100)],
    mistakes={
        "pool four times: VGG16 has five blocks, so 224 becomes 7": (
            lambda image_size, units: _first_dense_params(image_size, units, poolings=4)
        ),
        "flatten without the depth: the maps hold W × H × K numbers": (
            lambda image_size, units: _first_dense_params(image_size, units, depth=1)
        ),
        "flatten the image instead of the last maps": (
            lambda image_size, units: _first_dense_params(image_size, units, poolings=0, depth=3)
        ),
        "take the width alone: the maps hold W × H × K numbers": (
            lambda image_size, units: arithmetic.dense_params(image_size // 32 * 512, units)
        ),
        "forget the biases: one for each neuron": (
            lambda image_size, units: _first_dense_params(image_size, units) - units
        ),
        "keep the fraction: each pooling rounds down": (
            lambda image_size, units: (image_size / 32) ** 2 * 512 * units + units
        ),
    },
    verified="the first dense layer for images of three sizes; for 224 pixels and 4096 neurons it is VGG16's",
)

# --- Exercises 4 and 5: multiply-adds and memory --------------------------------------------------------

check_layer_macs = Exercise(
    solution=arithmetic.conv_macs,
    cases=[(8, 6, 3, 2, 4), (224, 224, 3, 3, 64), (14, 14, 5, 512, 512)],
    mistakes={
        "count each weight once: it works again at every place of the output": (
            lambda output_height, output_width, kernel_size, in_channels, filters: (
                kernel_size**2 * in_channels * filters
            )
        ),
        "count multiplications and additions apart: that is FLOPs, twice as many": (
            lambda *sizes: 2 * arithmetic.conv_macs(*sizes)
        ),
        "add the biases, which are left out by convention": (
            lambda output_height, output_width, kernel_size, in_channels, filters: (
                output_height * output_width * (kernel_size**2 * in_channels + 1) * filters
            )
        ),
        "leave out the depth D of the input": (
            lambda output_height, output_width, kernel_size, in_channels, filters: (
                arithmetic.conv_macs(output_height, output_width, kernel_size, 1, filters)
            )
        ),
        "count one filter instead of all K": (
            lambda output_height, output_width, kernel_size, in_channels, filters: (
                arithmetic.conv_macs(output_height, output_width, kernel_size, in_channels, 1)
            )
        ),
        "count F weights in a window instead of F × F": (
            lambda output_height, output_width, kernel_size, in_channels, filters: (
                output_height * output_width * kernel_size * in_channels * filters
            )
        ),
    },
    verified="three layers, two of them VGG16's first and one of the size of its last",
)


def _megabytes(shapes, batch_size, item_bytes=4):
    return batch_size * item_bytes * sum(map(math.prod, shapes)) / 1e6


check_activation_megabytes = Exercise(
    solution=lambda shapes, batch_size: _megabytes(shapes, batch_size),
    cases=[
        ([(224, 224, 64), (112, 112, 64)], 1),
        ([(7, 7, 512), (25088,), (4096,), (1000,)], 32),
        ([(14, 14, 512)], 256),
    ],
    mistakes={
        "forget that a float32 takes 4 bytes": (
            lambda shapes, batch_size: _megabytes(shapes, batch_size, item_bytes=1)
        ),
        "count bits: a float32 has 32 of them, that is 4 bytes": (
            lambda shapes, batch_size: _megabytes(shapes, batch_size, item_bytes=32)
        ),
        "count numbers of 8 bytes: numpy's default is float64, Keras's is float32": (
            lambda shapes, batch_size: _megabytes(shapes, batch_size, item_bytes=8)
        ),
        "forget the batch: each image has its own activations": (
            lambda shapes, batch_size: _megabytes(shapes, 1)
        ),
        "divide by 1024 · 1024: MB is 10⁶ bytes here": (
            lambda shapes, batch_size: _megabytes(shapes, batch_size) * 1e6 / 1024**2
        ),
        "give the result in bytes": lambda shapes, batch_size: _megabytes(shapes, batch_size) * 1e6,
        "keep the largest layer only: in training all of them are kept": (
            lambda shapes, batch_size: _megabytes([max(shapes, key=math.prod)], batch_size)
        ),
    },
    verified="the activations of three stacks, for batches of 1, 32 and 256 images",
)

# --- Exercise 6: a network from a table -----------------------------------------------------------------


class _Lines(str):
    """Text that is shown as it is, line by line."""

    __repr__ = str.__str__


class _Builder(Exercise):
    """An exercise whose answer builds a Keras model: it does so where weights have no memory."""

    def outcome(self, function, case):
        with shapes_only():
            return super().outcome(function, case)


def _layers_of(model):
    """A line for each layer: type, output shape, parameters, activation."""
    if not isinstance(model, keras.Model):
        return model
    shown = [layer for layer in model.layers if not isinstance(layer, layers.InputLayer)]
    lines = [("layer", "output", "parameters", "activation")]
    for layer in shown:
        shape = "×".join(map(str, layer.output.shape[1:]))
        activation = layer.activation.__name__ if hasattr(layer, "activation") else ""
        lines.append((type(layer).__name__, shape, f"{layer.count_params():,}", activation))
    return _Lines("\n".join("{:13} {:>12} {:>12}  {}".format(*line).rstrip() for line in lines))


def _build_vgg(table, input_shape, units, classes, **wrong):
    """Return a VGG; `wrong` replaces single settings by those of a mistake."""
    conv = {"padding": "same", "activation": "relu"} | wrong.get("conv", {})
    x = inputs = layers.Input(input_shape)
    for filters, convolutions in table:
        for _ in range(wrong.get("convolutions", convolutions)):
            x = layers.Conv2D(filters, 3, **conv)(x)
            x = layers.MaxPooling2D(2)(x) if wrong.get("pool") == "each" else x
        x = layers.MaxPooling2D(2)(x) if "pool" not in wrong else x
    x = layers.Flatten()(x) if wrong.get("flatten", True) else x
    for _ in range(wrong.get("dense", 2)):
        x = layers.Dense(units, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(classes, activation=wrong.get("last", "softmax"))(x))


def _wrong(**wrong):
    return lambda *arguments: _build_vgg(*arguments, **wrong)


check_build_vgg = _Builder(
    solution=lambda table, input_shape, units, classes: _build_vgg(table, input_shape, units, classes),
    cases=[(((4, 1), (8, 2)), (32, 32, 3), 20, 10), (VGG16, (224, 224, 3), 4096, 1000)],
    mistakes={
        'forget padding="same": each convolution then loses two pixels': _wrong(conv={"padding": "valid"}),
        "forget ReLU in the convolutions: they collapse into one (lesson 02)": (
            _wrong(conv={"activation": None})
        ),
        "forget the pooling layers": _wrong(pool="none"),
        "pool after every convolution instead of once at the end of a block": _wrong(pool="each"),
        "put one convolution into each block, whatever the table says": _wrong(convolutions=1),
        "forget Flatten: Dense then works on each place of the map apart": _wrong(flatten=False),
        "put one large dense layer instead of two before the classes": _wrong(dense=1),
        "forget softmax: scores are not probabilities": _wrong(last=None),
    },
    verified="a small network and VGG16 layer by layer, without allocating a weight",
    observe=_layers_of,
)
