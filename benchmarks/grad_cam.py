"""Grad-CAM on MobileNetV2: ours against one plain compiled pass and against tf-keras-vis.

    pip install -e ".[benchmark]"
    python benchmarks/grad_cam.py

Weights are random: they do not change the time. Both maps are compared as well.
"""

import importlib.util

import keras
import numpy as np
from feature_maps import measure, report

from cvcourse import backend
from cvcourse.datasets import photos
from cvcourse.interpretation import grad_cam

LAYER = "out_relu"  # the last maps; tf-keras-vis would take the convolution before them


def theirs(model, image, class_index):
    """Return a function that makes the map with tf-keras-vis, or None where it is not installed."""
    if importlib.util.find_spec("tf_keras_vis") is None:
        return None
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    tool = Gradcam(model, model_modifier=ReplaceToLinear(), clone=True)
    score = CategoricalScore([class_index])
    layer = {"penultimate_layer": LAYER, "seek_penultimate_conv_layer": False}
    return lambda **options: tool(score, image[None], **layer, **options)[0]


def main(rounds=30):
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2(weights=None)
    for layer in model.layers:  # random statistics, or all maps would shrink to nothing
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.beta.assign(np.random.default_rng(0).normal(0, 1, layer.beta.shape))
    image = photos.cat(224) * 2 - 1
    batch = keras.ops.convert_to_tensor(image[None])
    class_index = int(np.argmax(model(batch)))
    plain = backend.compiled(lambda x: model(x, training=False))
    functions = {
        "one plain compiled pass": lambda: keras.ops.convert_to_numpy(plain(batch)),
        "interpretation.grad_cam": lambda: grad_cam(model, image, LAYER, class_index),
    }
    other = theirs(model, image, class_index)
    if other is None:
        print('tf-keras-vis is not installed: pip install -e ".[benchmark]"')
    else:
        functions["tf-keras-vis Gradcam"] = other
    results = measure(functions, rounds)
    if other is not None:  # at the layer's own size: each enlarges in its own way
        small = keras.ops.image.resize(other(expand_cam=False)[..., None], image.shape[:2])[..., 0]
        both = np.corrcoef(np.ravel(small), functions["interpretation.grad_cam"]().ravel())
        print(f"correlation of both maps: {both[0, 1]:.4f}")
    report(results)


if __name__ == "__main__":
    main()
