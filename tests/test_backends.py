"""The course on Keras's backends: gradients, own steps, maps and shipped weights on each one.

Each backend has a process of its own, since Keras has only one. What it finds is told as JSON.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]

FOUND = r"""
import json
import keras
import numpy as np
from keras import layers, ops
from cvcourse import backend, datasets, interpretation, pretrained, training
from cvcourse.interpretation.maps import gradient_norms
from cvcourse.models import gan, resnet, super_resolution, unet, vae

numbers = ops.convert_to_numpy
rng = np.random.default_rng(0)
found = {"backend": keras.backend.backend()}

x = rng.standard_normal((3, 4)).astype("float32")
a = keras.Variable(rng.standard_normal((4, 2)).astype("float32"))
b = keras.Variable(rng.standard_normal((4, 2)).astype("float32"))
lonely = ops.ones(2)

def score(pair):
    return ops.mean(ops.tanh(ops.matmul(pair[0], a)) ** 2), a * 2

(slope, none), twice = backend.gradient(score, [ops.convert_to_tensor(x), lonely])
found["gradient"] = numbers(slope).tolist()
found["unconnected"] = numbers(none).tolist()
found["twice"] = bool(np.allclose(numbers(twice), 2 * numbers(a)))
seeds = keras.random.SeedGenerator(0)

def losses():
    both = ops.matmul(x, a) * ops.matmul(x, b)
    keras.random.normal((1,), seed=seeds)  # changes a variable meanwhile
    return (ops.mean(both**2), ops.mean(ops.tanh(both))), both

before = numbers(seeds.state.value).tolist()
slopes, values, _ = backend.gradients(losses, ([a], [b]))
found["seed moved"] = before != numbers(seeds.state.value).tolist()
found["gradients"] = [numbers(group[0]).tolist() for group in slopes]
found["inputs"] = {"x": x.tolist(), "a": numbers(a).tolist(), "b": numbers(b).tolist()}

double = backend.compiled(lambda x: ops.sum(x * a))
first = float(numbers(double(ops.ones((4, 2)))))
a.assign(3 * a)
found["new weights"] = float(numbers(double(ops.ones((4, 2))))) / first

images = rng.random((8, 8, 8, 1), "float32")
sizes = {"input_shape": (8, 8, 1), "latent": 3, "widths": (4, 8)}
models = {"gan": gan.gan(**sizes), "steady_gan": gan.steady_gan(**sizes, last=2), "vae": vae.vae(**sizes)}
models["gan"].compile()
models["steady_gan"].compile(**gan.STEADY)
models["vae"].compile("adam", vae.reconstruction_loss, jit_compile=False)
found["steps"] = {}
for name, model in models.items():
    before = [numbers(one.value) for one in model.trainable_variables]
    history = training.fit(model, images, images, epochs=1, batch_size=8, verbose=0).history
    pairs = zip(model.trainable_variables, before)
    # The relativistic loss takes the difference of two answers: their common bias cancels, up to rounding.
    moved = [bool(np.any(numbers(one.value) != old)) for one, old in pairs
             if (name, one.path) != ("steady_gan", "real/bias")]
    made = model.generate(2, seed=1)
    found["steps"][name] = [all(moved), bool(np.isfinite(list(history.values())).all()), list(made.shape)]
found["iterations"] = [int(one.iterations) for one in models["gan"].optimizers]

network = resnet.resnet_cifar(8, True, (8, 8, 1))
found["norms"] = list(gradient_norms(network, images, np.arange(8)).values())

network = pretrained.load("scenes_classifier")
scenes = datasets.scenes(50, 64, seed=44, objects=1)
picture = scenes.images[0].astype("float32") / 255
conv = next(layer for layer in network.model.layers if isinstance(layer, layers.Conv2D))
maps = interpretation.feature_maps(network.model, picture, [conv.name])[conv.name]
direct = numbers(keras.Model(network.model.inputs, conv.output)(picture[None]))[0]
found["maps"] = float(np.abs(maps - direct).max())
found["heat"] = interpretation.grad_cam(network.model, picture)[::4, ::4].tolist()
found["read"] = float(np.array(network.model(scenes.images[:2] / np.float32(255))).sum())

line = np.full((1, 9, 9, 1), 0.5, "float32")
line[:, :, 4] += 0.4
found["cubic"] = super_resolution.bicubic(line)[0, 8, 8:13, 0].tolist()
masks = unet.unet((16, 16, 3), widths=(4, 8))
masks.compile("adam", "sparse_categorical_crossentropy")
parts = np.arange(512).reshape(2, 16, 16) % 4
history = training.fit(masks, rng.random((2, 16, 16, 3), "float32"), parts, epochs=1, verbose=0).history
found["mask loss"] = float(history["loss"][0])
named = [answer[0][0] for answer in network.predict(scenes.images, top=1)]
found["right"] = float(np.mean(np.array(named) == np.array(network.classes)[scenes.labels]))
print(json.dumps(found))
"""


def told(backend, folder):
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", FOUND], capture_output=True, text=True, env=environment, cwd=folder
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1])


@pytest.fixture(scope="module", params=["tensorflow", "jax", "torch"])
def found(request, tmp_path_factory):
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    found = told(request.param, tmp_path_factory.mktemp("backend"))
    assert found["backend"] == request.param
    return found


def finite_differences(function, at, step=1e-5):
    slopes = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        change = np.zeros_like(at)
        change[place] = step
        slopes[place] = (function(at + change) - function(at - change)) / (2 * step)
    return slopes


def test_gradients_are_finite_differences(found):
    x, a, b = (np.array(found["inputs"][name]) for name in "xab")
    np.testing.assert_allclose(
        found["gradient"], finite_differences(lambda x: np.mean(np.tanh(x @ a) ** 2), x), rtol=1e-3, atol=1e-6
    )
    of_a = finite_differences(lambda a: np.mean(((x @ a) * (x @ b)) ** 2), a)
    of_b = finite_differences(lambda b: np.mean(np.tanh((x @ a) * (x @ b))), b)
    np.testing.assert_allclose(found["gradients"][0], of_a, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(found["gradients"][1], of_b, rtol=1e-3, atol=1e-5)
    assert found["unconnected"] == [0, 0] and found["twice"] and found["seed moved"]
    assert len(found["norms"]) > 6 and np.all(np.array(found["norms"]) > 0)


def test_what_is_compiled_sees_new_weights(found):
    assert found["new weights"] == pytest.approx(3, rel=1e-5)


def test_numpy_reads_what_a_model_answers(found):
    assert found["read"] == pytest.approx(2, rel=1e-4)  # probabilities of two pictures


def test_pictures_are_enlarged_by_the_same_cubic(found):
    a = -0.5  # Keys (1981); PyTorch's own cubic has -0.75

    def weight(x):
        near, far = (a + 2) * x**3 - (a + 3) * x**2 + 1, a * (x**3 - 5 * x**2 + 8 * x - 4)
        return near if x < 1 else far

    expected = [0.5 + 0.4 * weight(x) for x in (0.25, 0.25, 0.75, 1.25, 1.75)]
    np.testing.assert_allclose(found["cubic"], expected, atol=1e-5)


def test_a_network_of_masks_learns(found):
    assert 0 < found["mask loss"] < 10


def test_own_training_steps_move_every_weight(found):
    assert found["steps"] == {name: [True, True, [2, 8, 8, 1]] for name in ("gan", "steady_gan", "vae")}
    assert found["iterations"] == [1, 1]


def test_maps_heat_and_answers_of_the_shipped_network(found):
    assert found["maps"] < 1e-4 and found["right"] == 1
    heat = np.array(found["heat"])
    assert heat.min() >= 0 and 0.2 < heat.max() <= 1


def test_another_backend_is_named(monkeypatch):
    from cvcourse import backend

    monkeypatch.setattr(backend.keras.backend, "backend", lambda: "openvino")
    with pytest.raises(ValueError, match=r"KERAS_BACKEND must be tensorflow, jax or torch.*'openvino'"):
        backend.gradient(lambda x: (x, x), 1.0)
