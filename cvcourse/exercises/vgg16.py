"""The checks of lesson 05: shapes, parameters, multiply-adds and memory of VGG16, and a VGG from a table."""

import math

import keras
from keras import layers

from cvcourse import arithmetic
from cvcourse.exercises.checking import Exercise
from cvcourse.models.vgg import VGG16
from cvcourse.summary import shapes_only


def _shapes(height, width, table, step=lambda size, n: size // 2):
    """Shape after each block; `step` is what a block of n convolutions does to a side."""
    shapes = []
    for filters, convolutions in table:
        height, width = step(height, convolutions), step(width, convolutions)
        shapes.append((height, width, filters))
    return shapes


check_shapes = Exercise(
    solution=_shapes,
    cases=[(32, 64, ((8, 1), (16, 2))), (75, 50, ((4, 2), (6, 1), (6, 3))), (224, 224, VGG16)],
    mistakes={
        "forget the pooling layer at the end of each block": {"step": lambda size, n: size},
        "halve in each convolution: only the pooling layer halves": {"step": lambda size, n: size >> n},
        'lose two pixels in each convolution: padding="same" keeps the size': {
            "step": lambda size, n: (size - 2 * n) // 2
        },
        "round up: a window that does not fit is left out": {"step": lambda size, n: -(-size // 2)},
        "keep the fraction: use // for there is no half pixel": {"step": lambda size, n: size / 2},
        "swap height and width: a shape is (H, W, K)": lambda h, w, table: _shapes(w, h, table),
        "keep the depth 3 of the image: there is one map for each filter": lambda height, width, table: [
            (*size, 3) for *size, _ in _shapes(height, width, table)
        ],
    },
    verified="the blocks of two small networks, one with odd sizes, and of VGG16",
)


def _block_params(in_channels, filters, convolutions):
    first = arithmetic.conv_params(3, in_channels, filters)
    return first + (convolutions - 1) * arithmetic.conv_params(3, filters, filters)


check_block_params = Exercise(
    solution=_block_params,
    cases=[(3, 64, 2), (128, 256, 3), (16, 8, 1), (512, 512, 3)],
    mistakes={
        "give all convolutions the depth of the block's input: from the second on, D is K":
            lambda d, k, n: n * arithmetic.conv_params(3, d, k),
        "give the first convolution the depth K too: it sees the output of the block before":
            lambda d, k, n: n * arithmetic.conv_params(3, k, k),
        "count the first convolution only": lambda d, k, n: _block_params(d, k, 1),
        "leave out the depth D, as a slide of this course does": lambda d, k, n: n * (9 * k + k),
        "forget the biases: one for each filter of each convolution":
            lambda d, k, n: _block_params(d, k, n) - n * k,
        "count weights in the pooling layer: it has none": lambda d, k, n: _block_params(d, k, n) + 2 * 2 * k,
    },
    verified="three blocks of VGG16, and one with a single convolution",
)  # fmt: skip


def _first_dense_params(image_size, units, poolings=5, depth=512):
    return arithmetic.dense_params((image_size // 2**poolings) ** 2 * depth, units)


check_first_dense_params = Exercise(
    solution=_first_dense_params,
    cases=[(64, 10), (224, 4096), (300, 100), (250, 20)],
    mistakes={
        "pool four times: VGG16 has five blocks, so 224 becomes 7": {"poolings": 4},
        "flatten without the depth: the maps hold W × H × K numbers": {"depth": 1},
        "flatten the image instead of the last maps": {"poolings": 0, "depth": 3},
        "take the width alone: the maps hold W × H × K numbers": lambda size, units: arithmetic.dense_params(
            size // 32 * 512, units
        ),
        "forget the biases: one for each neuron": lambda size, n: _first_dense_params(size, n) - n,
        "keep the fraction: each pooling rounds down": lambda size, n: (size / 32) ** 2 * 512 * n + n,
        "round to the nearest number: each pooling rounds down": lambda size, units: arithmetic.dense_params(
            round(size / 32) ** 2 * 512, units
        ),
    },
    verified="the first dense layer for images of four sizes; for 224 pixels and 4096 neurons it is VGG16's",
)

check_layer_macs = Exercise(
    solution=arithmetic.conv_macs,
    cases=[(8, 6, 3, 2, 4), (224, 224, 3, 3, 64), (14, 14, 5, 512, 512)],
    mistakes={
        "count each weight once: it works again at every place of the output": lambda h, w, f, d, k: (
            f * f * d * k
        ),
        "count multiplications and additions apart: that is FLOPs, twice as many": lambda *sizes: (
            2 * arithmetic.conv_macs(*sizes)
        ),
        "add the biases, which are left out by convention": lambda h, w, f, d, k: h * w * (f * f * d + 1) * k,
        "leave out the depth D of the input": lambda h, w, f, d, k: h * w * f * f * k,
        "count one filter instead of all K": lambda h, w, f, d, k: h * w * f * f * d,
        "count F weights in a window instead of F × F": lambda h, w, f, d, k: h * w * f * d * k,
    },
    verified="three layers, two of them VGG16's first and one of the size of its last",
)


def _megabytes(shapes, batch_size, item_bytes=4, unit=1e6, of=sum):
    return batch_size * item_bytes * of(map(math.prod, shapes)) / unit


check_activation_megabytes = Exercise(
    solution=_megabytes,
    cases=[
        ([(224, 224, 64), (112, 112, 64)], 1),
        ([(7, 7, 512), (25088,), (4096,), (1000,)], 32),
        ([(14, 14, 512)], 256),
    ],
    mistakes={
        "forget that a float32 takes 4 bytes": {"item_bytes": 1},
        "count bits: a float32 has 32 of them, that is 4 bytes": {"item_bytes": 32},
        "count numbers of 8 bytes: numpy's default is float64, Keras's is float32": {"item_bytes": 8},
        "forget the batch: each image has its own activations": lambda shapes, _: _megabytes(shapes, 1),
        "divide by 1024 · 1024: MB is 10⁶ bytes here": {"unit": 1024**2},
        "give the result in bytes": {"unit": 1},
        "keep the largest layer only: in training all of them are kept": {"of": max},
    },
    verified="the activations of three stacks, for batches of 1, 32 and 256 images",
)


class _Lines(str):
    """Text that is shown as it is, line by line."""

    __repr__ = str.__str__


class _Builder(Exercise):
    """An exercise whose answer builds a Keras model: it does so where weights have no memory."""

    def outcome(self, function, case, arguments=None):
        with shapes_only():
            return super().outcome(function, case, arguments)


def _layers_of(model):
    """A line for each layer: type, output shape, parameters, activation; of pooling the window, too."""
    if not isinstance(model, keras.Model):
        return model
    if not model.built or not getattr(model, "inputs", None):
        return _Lines("a model that does not know its input: start it with layers.Input(input_shape)")
    lines = [("layer", "output", "parameters", "activation")]
    for layer in model.layers:
        if not isinstance(layer, layers.InputLayer):
            window = " {}×{}".format(*layer.pool_size) if hasattr(layer, "pool_size") else ""
            shape = "×".join(map(str, layer.output.shape[1:]))
            activation = layer.activation.__name__ if hasattr(layer, "activation") else ""
            lines.append((type(layer).__name__ + window, shape, f"{layer.count_params():,}", activation))
    return _Lines("\n".join("{:16} {:>12} {:>12}  {}".format(*line).rstrip() for line in lines))


def _build_vgg(
    table, input_shape, units, classes,
    padding="same", activation="relu", each=None,
    pool="block", window=2, flatten=True, dense=2, last="softmax",
):  # fmt: skip
    """Return a VGG; the other arguments replace single settings by those of a mistake."""
    padded = "valid" if window == 2 else "same"
    x = inputs = layers.Input(input_shape)
    for filters, convolutions in table:
        for _ in range(each or convolutions):
            x = layers.Conv2D(filters, 3, padding=padding, activation=activation)(x)
            x = layers.MaxPooling2D(window, 2, padded)(x) if pool == "each" else x
        x = layers.MaxPooling2D(window, 2, padded)(x) if pool == "block" else x
    x = layers.Flatten()(x) if flatten else x
    for _ in range(dense):
        x = layers.Dense(units, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(classes, activation=last)(x))


check_build_vgg = _Builder(
    solution=_build_vgg,
    cases=[(((4, 1), (8, 2)), (32, 32, 3), 20, 10), (VGG16, (224, 224, 3), 4096, 1000)],
    mistakes={
        'forget padding="same": each convolution then loses two pixels': {"padding": "valid"},
        "forget ReLU in the convolutions: they collapse into one (lesson 02)": {"activation": None},
        "forget the pooling layers": {"pool": None},
        "pool after every convolution instead of once at the end of a block": {"pool": "each"},
        "pool in windows of 3×3: VGG's are 2×2": {"window": 3},
        "put one convolution into each block, whatever the table says": {"each": 1},
        "forget Flatten: Dense then works on each place of the map apart": {"flatten": False},
        "put one large dense layer instead of two before the classes": {"dense": 1},
        "forget softmax: scores are not probabilities": {"last": None},
    },
    verified="a small network and VGG16 layer by layer, without allocating a weight",
    observe=_layers_of,
    seconds=60,
)
