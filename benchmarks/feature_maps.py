"""All convolution layers in one compiled pass, against one plain pass and against one `predict` a layer.

    python benchmarks/feature_maps.py [MobileNetV2 | VGG16 | …]

"One predict a layer" is what is usually found on the web: for each layer `keras.Model(model.input,
layer.output).predict(image)`. Weights are random: they do not change the time.
"""

import sys
import time

import keras
import numpy as np

from cvcourse import backend
from cvcourse.datasets import photos
from cvcourse.interpretation import feature_maps


def measure(functions, rounds):
    """Return {name: seconds of each call}; the rounds are interleaved, so that all share the same weather."""
    times = {name: [] for name in functions}
    for _ in range(rounds + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    return times


def report(times):
    """Print a row for each function; the factor compares the fastest calls with the first row's."""
    base = min(next(iter(times.values()))[1:])
    print(f"{'':32}{'first call':>12}{'later, median':>16}{'fastest':>12}")
    for name, (first, *later) in times.items():
        median, fastest = 1000 * np.median(later), 1000 * min(later)
        print(f"{name:32}{first:10.2f} s{median:13.0f} ms{fastest:9.0f} ms{min(later) / base:9.1f} ×")


def main(name="MobileNetV2", rounds=30):
    model = getattr(keras.applications, name)(weights=None)
    image = photos.cat(model.input_shape[1])
    batch = keras.ops.convert_to_tensor(image[None])
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    layers = [layer.name for layer in model.layers if isinstance(layer, kinds)]
    plain = backend.compiled(lambda x: model(x, training=False))
    one_each = []

    def predict_each():
        if not one_each:
            one_each.extend(keras.Model(model.inputs[0], model.get_layer(layer).output) for layer in layers)
        return [part.predict(image[None], verbose=0) for part in one_each]

    results = measure(
        {
            "one plain compiled pass": lambda: keras.ops.convert_to_numpy(plain(batch)),
            "feature_maps, all in one pass": lambda: feature_maps(model, image, layers),
        },
        rounds,
    )
    results |= measure({"one predict a layer": predict_each}, 2)
    print(f"{name}, {image.shape[0]} × {image.shape[1]} pixels, {len(layers)} convolution layers")
    report(results)


if __name__ == "__main__":
    main(*sys.argv[1:])
