"""One table: each thing beside what one would use instead, in one run, as ratios.

    python -m benchmarks [ROW …]      all rows, some minutes; or those whose name begins so

Both sides of a row take turns, and the fastest calls are compared, so that a busy machine disturbs both
alike. Ratios below 1: ours is faster. What needs a browser or a server has its own program: `explorers.py`
(key to picture), `deploy/load.py` (a class). The other files here look closer at one row each.
"""

import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import keras
import nbformat
import numpy as np

from benchmarks.feature_maps import measure
from benchmarks.grad_cam import LAYER, by_predict, theirs
from benchmarks.scenes import drawn_anew
from cvcourse import backend, boxes, recording, training
from cvcourse.datasets import photos
from cvcourse.datasets.scenes import scenes
from cvcourse.interpretation import feature_maps, grad_cam, occlusion
from cvcourse.models.cnn import small_cnn
from cvcourse.models.efficientnet import efficientnet
from cvcourse.summary import summarize

LESSON = Path(__file__).parent.parent / "notebooks" / "02_cnn_layers.ipynb"


def process(*arguments):
    """A function that runs Python with these arguments, from start to end."""
    return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


def counting():
    build = partial(keras.applications.VGG16, weights=None)
    return {
        "summarize(VGG16)": lambda: repr(summarize(build)),
        "build it, then model.summary()": lambda: build().summary(print_fn=lambda *_, **__: None),
    }, 2


def maps():
    model = keras.applications.MobileNetV2(weights=None)
    image = photos.cat(224)
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    names = [layer.name for layer in model.layers if isinstance(layer, kinds)]
    batch = keras.ops.convert_to_tensor(image[None])
    plain = backend.compiled(lambda x: model(x, training=False))
    return {
        f"feature_maps, {len(names)} convolutions of MobileNetV2": lambda: feature_maps(model, image, names),
        "one compiled pass without them": lambda: keras.ops.convert_to_numpy(plain(batch)),
    }, 20


def maps_each():
    model, image = small_cnn(16, 10), np.random.default_rng(0).random((32, 32, 3), np.float32)
    names = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    parts = [keras.Model(model.inputs[0], model.get_layer(name).output) for name in names]
    return {
        f"feature_maps, {len(names)} layers of a small CNN": lambda: feature_maps(model, image, names),
        "predict of a model for each layer": lambda: [p.predict(image[None], verbose=0) for p in parts],
    }, 10


def _network():
    keras.utils.set_random_seed(0)
    return efficientnet(lite=True), photos.cat(224) * 2 - 1


def cam():
    model, image = _network()
    other = theirs(model, image, 0)
    if other is None:
        return None
    return {"grad_cam": lambda: grad_cam(model, image, LAYER, 0), "tf-keras-vis": other}, 5


def covering():
    model, image = _network()
    size = {"size": 72, "strides": 48}
    return {
        "occlusion": lambda: occlusion(model, image, 0, **size),
        "predict for each place": lambda: by_predict(model, image, 0, **size),
    }, 2


def first_picture():
    cells = [cell.source for cell in nbformat.read(LESSON, 4).cells if cell.cell_type == "code"]
    end = next(n for n, source in enumerate(cells) if "viz.plot" in source)
    code = "\n".join(cells[: end + 1]) + "._repr_html_()"  # as JupyterLab asks for it
    return {
        "a new Python to lesson 02's first picture": process("-c", code),
        "import tensorflow": process("-c", "import tensorflow"),
    }, 3


def step():
    rng = np.random.default_rng(0)
    x, y = rng.random((2048, 32, 32, 3), np.float32), rng.integers(0, 10, 2048)
    models = [small_cnn(8, 10) for _ in range(2)]
    for model in models:
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(True), jit_compile=False)
    return {
        "training.fit, an epoch": lambda: training.fit(models[0], x, y, epochs=1, batch_size=64, verbose=0),
        "model.fit, an epoch": lambda: models[1].fit(x, y, epochs=1, batch_size=64, verbose=0),
    }, 3


def pictures():
    return {
        "scenes(50)": lambda: scenes(50, seed=1),
        "polygons by scikit-image": lambda: drawn_anew(50, 1),
    }, 3


def suppression():
    rng = np.random.default_rng(0)
    corners, scores = rng.random((500, 2)) * 200, rng.random(500)
    found = np.hstack([corners, corners + 20 + rng.random((500, 2)) * 40])

    def loop():
        order, kept = list(np.argsort(-scores)), []
        while order:
            best = order.pop(0)
            kept.append(best)
            order = [i for i in order if _iou(found[best], found[i]) <= 0.5]
        return kept

    assert list(boxes.non_max_suppression(found, scores, threshold=0.5)) == loop()
    return {"non_max_suppression, 500 boxes": lambda: boxes.non_max_suppression(found, scores, threshold=0.5),
            "a loop in Python": loop}, 5  # fmt: skip


def _iou(one, other):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return both / (sum(areas) - both)


def second_start():
    return {
        "start.py lab, the second time": process("start.py", "lab", "--version"),
        "jupyter lab": process("-m", "jupyterlab", "--version"),
    }, 3


ROWS = {
    "counting": counting,
    "maps": maps,
    "maps_each": maps_each,
    "cam": cam,
    "occlusion": covering,
    "first_picture": first_picture,
    "step": step,
    "scenes": pictures,
    "suppression": suppression,
    "second_start": second_start,
}


def main(*wanted):
    machine = recording.machine()
    print(f"{machine['processor']}, {machine['cores']} cores; {time.strftime('%Y-%m-%d')}\n")
    print(f"| {'ours':46} | {'instead':32} | ours ÷ theirs |\n|{'-' * 48}|{'-' * 34}|{'-' * 15}|")
    for name, row in ROWS.items():
        if wanted and not name.startswith(wanted):
            continue
        pair = row()
        if pair is None:
            print(f"| {name:46} | {'not installed':32} | {'':13} |")
            continue
        functions, rounds = pair
        ours, others = (min(times[1:]) for times in measure(functions, rounds).values())
        print("| {:46} | {:32} | {:13.3g} |".format(*functions, ours / others), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
