"""Grad-CAM and occlusion on EfficientNet-Lite0: ours against plain passes and against tf-keras-vis.

    pip install -e ".[benchmark]"
    python -m benchmarks.grad_cam

Weights are random where ImageNet's are not installed: they do not change the time. Maps are compared, too.
"""

import importlib.util

import keras
import numpy as np

from benchmarks.feature_maps import measure, report
from cvcourse import backend, pretrained
from cvcourse.datasets import photos
from cvcourse.interpretation import grad_cam, occlusion
from cvcourse.models.efficientnet import efficientnet

LAYER = "top_activation"  # the last maps; tf-keras-vis would take the convolution before them


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


def by_predict(model, image, class_index, size, strides):
    """Occlusion as one writes it first: `predict` for each place, one after the other."""
    starts = [*range(0, 224 - size, strides), 224 - size]
    fall, covered = np.zeros((2, 224, 224))
    whole = model.predict(image[None], verbose=0)[0, class_index]
    for y in starts:
        for x in starts:
            hidden = image.copy()
            hidden[y : y + size, x : x + size] = image.mean(axis=(0, 1))
            one = slice(y, y + size), slice(x, x + size)
            fall[one] += whole - model.predict(hidden[None], verbose=0)[0, class_index]
            covered[one] += 1
    return fall / covered


def main(rounds=30):
    keras.utils.set_random_seed(0)
    trained = pretrained.installed()
    model = pretrained.load("efficientnet_lite0").model if trained else efficientnet(lite=True)
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
    size = {"size": 72, "strides": 24}  # 64 places, as in lesson 07
    slow = {
        "interpretation.occlusion": lambda: occlusion(model, image, class_index, **size),
        "predict for each place": lambda: by_predict(model, image, class_index, **size),
    }
    report(measure(slow, max(2, rounds // 10)))
    print(f"largest difference of both maps: {abs(np.subtract(*[run() for run in slow.values()])).max():.1e}")


if __name__ == "__main__":
    main()
