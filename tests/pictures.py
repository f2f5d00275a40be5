"""Rows of networks, and a picture of each kind, for the tests of visualization."""

import functools

import numpy as np
import pytest

from cvcourse import visualization

RANDOM = np.random.default_rng(0)


def row(name, kind, shape, params=0, formula="", macs=0, inputs=()):
    size = int(np.prod(shape))
    return {"name": name, "type": kind, "formula": formula, "output_shape": shape, "params": params,
            "trainable_params": params, "macs": macs, "activation_bytes": 4 * size,
            "inputs": list(inputs)}  # fmt: skip


def vgg16():
    """The rows of VGG16, counted by hand."""
    rows, size, depth = [row("image", "InputLayer", (224, 224, 3))], 224, 3
    for block, (repeats, filters) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], start=1):
        for i in range(1, repeats + 1):
            weights = 9 * depth * filters
            formula = f"3·3·{depth}·{filters} + {filters}"
            shape = (size, size, filters)
            macs = size**2 * weights
            rows.append(row(f"block{block}_conv{i}", "Conv2D", shape, weights + filters, formula, macs))
            depth = filters
        size //= 2
        rows.append(row(f"block{block}_pool", "MaxPooling2D", (size, size, filters)))
    rows.append(row("flatten", "Flatten", (25088,)))
    for name, inputs, units in (("fc1", 25088, 4096), ("fc2", 4096, 4096), ("predictions", 4096, 1000)):
        formula = f"{inputs}·{units} + {units}"
        rows.append(row(name, "Dense", (units,), inputs * units + units, formula, inputs * units))
    return rows


SMALL = [
    row("image", "InputLayer", (8, 8, 3)),
    row("conv", "Conv2D", (6, 6, 4), 112, "3·3·3·4 + 4", 3888),
    row("relu", "ReLU", (6, 6, 4)),
    row("norm", "BatchNormalization", (6, 6, 4), 16, "4·4"),
    row("pool", "MaxPooling2D", (3, 3, 4)),
    row("flatten", "Flatten", (36,)),
    row("dropout", "Dropout", (36,)),
    row("dense", "Dense", (5,), 185, "36·5 + 5", 180),
]

RESIDUAL = [
    row("image", "InputLayer", (8, 8, 4)),
    row("conv1", "Conv2D", (8, 8, 4), 148, "3·3·4·4 + 4", inputs=["image"]),
    row("norm1", "BatchNormalization", (8, 8, 4), 16, "4·4", inputs=["conv1"]),
    row("relu1", "ReLU", (8, 8, 4), inputs=["norm1"]),
    row("conv2", "Conv2D", (8, 8, 4), 148, "3·3·4·4 + 4", inputs=["relu1"]),
    row("norm2", "BatchNormalization", (8, 8, 4), 16, "4·4", inputs=["conv2"]),
    row("total", "Add", (8, 8, 4), inputs=["image", "norm2"]),
    row("relu2", "ReLU", (8, 8, 4), inputs=["total"]),
]


ROAD = {
    "input": RANDOM.random((16, 16, 3)),
    "convolution": RANDOM.normal(size=(16, 16, 5)),
    "normalisation": RANDOM.normal(size=(16, 16, 5)),
    "pooling": RANDOM.random((8, 8, 5)),
    "fully connected": RANDOM.random(32),
    "classes": {"cat": 0.75, "dog": 0.2, "duck": 0.05},
}


@functools.cache
def rows_of(name):
    """The rows of the networks that a diagram must show well."""
    keras = pytest.importorskip("keras")
    from cvcourse.models import efficientnet, inception, resnet, unet
    from cvcourse.summary import summarize

    def block(shape, function, *arguments, **keywords):
        image = keras.Input(shape, name="image")
        return keras.Model(image, function(image, *arguments, **keywords))

    filters = inception.GOOGLENET["3a"]
    builders = {
        "residual block": lambda: block((56, 56, 256), resnet.bottleneck_block, 64, name="b"),
        "projection": lambda: block((56, 56, 64), resnet.bottleneck_block, 64, 2, projection=True, name="b"),
        "inception block": lambda: block((28, 28, 192), inception.inception_block, filters, "3a"),
        "MBConv": lambda: block((14, 14, 40), efficientnet.mbconv, 40),
        "MBConv of Lite": lambda: block((14, 14, 40), efficientnet.mbconv, 40, lite=True),
        "U-Net": lambda: unet.unet((64, 64, 3), widths=(8, 16, 32)),
        "MobileNetV2": lambda: keras.applications.MobileNetV2(weights=None),
        "ResNet50": lambda: keras.applications.ResNet50(weights=None),
    }
    rows = summarize(builders[name]).rows
    parts = {"MobileNetV2": ("block_3_", "block_4_"), "ResNet50": ("conv3_block1", "conv3_block2")}
    return [row for row in rows if row["name"].startswith(parts.get(name, ""))]


DIAGRAMS = ("residual block", "projection", "inception block", "MBConv", "MBConv of Lite", "U-Net",
            "MobileNetV2", "ResNet50")  # fmt: skip
PICTURES = {
    "diagram": lambda: visualization.plot_diagram(RESIDUAL, title="A residual block", names=True),
    "diagram of each layer": lambda: visualization.plot_diagram(RESIDUAL, merge=False),
    "diagram of a part": lambda: visualization.plot_diagram(RESIDUAL[4:]),
    **{f"diagram: {name}": lambda n=name: visualization.plot_diagram(rows_of(n)) for name in DIAGRAMS},
    "roadmap": lambda: visualization.plot_roadmap(ROAD, title="The road"),
    "roadmap with a place": lambda: visualization.plot_roadmap(ROAD, here="normalisation", size=64),
    "images": lambda: visualization.plot_images([RANDOM.random((9, 7, 3)), np.eye(5)], ["a", "b"]),
    "boxes": lambda: visualization.plot_boxes(
        [RANDOM.random((9, 7, 3)), np.zeros((5, 5, 3))],
        [[[1, 1, 5, 6], [0, 0, 7, 9], [1.5, 1, 6, 7]], []],
        [["cat 0.90", "dog 0.40", "dog 0.30"], []],
        truth=[[[1, 2, 5, 6]], []],
        titles=["found", "nothing"],
    ),
    "images of many words": lambda: visualization.plot_images([np.eye(4)] * 7, ["many words " * 4] * 7),
    "filters in colour": lambda: visualization.plot_filters(RANDOM.normal(size=(3, 3, 3, 64)), title="conv1"),
    "filters": lambda: visualization.plot_filters(RANDOM.normal(size=(5, 5, 6, 3)), channel=2),
    "one filter": lambda: visualization.plot_filters(np.ones((3, 3, 1, 1)), title="The only filter"),
    "maps": lambda: visualization.plot_feature_maps(RANDOM.random((6, 9, 20)), title="maps"),
    "many maps": lambda: visualization.plot_feature_maps(RANDOM.random((6, 6, 512))),
    "matrix": lambda: visualization.plot_matrix(RANDOM.random((6, 6)), title="corner", window=(0, 1, 3, 3)),
    "matrices": lambda: visualization.plot_matrix({"patch": np.eye(3), "sum": [[-3]]}, between="→"),
    "curves": lambda: visualization.plot_curves({c: np.arange(9.0) for c in "abcdef"}, "epoch", "accuracy"),
    "curves with spread": lambda: visualization.plot_curves({"a": (np.ones(4), np.eye(4)[0])}, "x", "y"),
    "bars": lambda: visualization.plot_bars({"a": 1e6, "long label": (2.5, 0.5), "c": -1}, "accuracy", "t"),
    "summary": lambda: visualization.plot_summary(SMALL, title="costs"),
    "summary of VGG16": lambda: visualization.plot_summary(vgg16()),
    "blocks": lambda: visualization.plot_network(SMALL, title="A title that is longer than the network " * 2),
    "blocks of VGG16": lambda: visualization.plot_network(vgg16()),
    "circles": lambda: visualization.plot_network(SMALL, view="circles", title="circles"),
    "circles of VGG16": lambda: visualization.plot_network(vgg16(), view="circles"),
}
