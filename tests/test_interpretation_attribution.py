"""Grad-CAM and occlusion against the equations written out, on usual and unusual models."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl

from cvcourse import backend
from cvcourse import interpretation as interpret

sys.path.insert(0, str(Path(__file__).parent))
import networks
from networks import built, image_for, known

case = networks.case
plain = networks.plain


# --- grad_cam --------------------------------------------------------------------------------------------


def by_hand(model, image, maps_name, logits, class_index):
    """Equations 1 and 2 of the paper, written out with Keras's own sub-model, for models without nesting."""
    import tensorflow as tf

    split = keras.Model(model.input, [model.get_layer(maps_name).output, model.get_layer(logits).output])
    with tf.GradientTape() as tape:
        maps, scores = split(image[None], training=False)
        score = scores[0, class_index]
    alpha = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2))  # equation 1
    heat = tf.nn.relu(tf.reduce_sum(alpha * maps, axis=-1))  # equation 2
    heat = tf.image.resize(heat[..., None], image.shape[:2])[0, ..., 0].numpy()
    return heat / max(heat.max(), 1e-12)


@pytest.mark.parametrize("layer", ["stem", "depthwise", "dilated", "separable", None])
@pytest.mark.parametrize("class_index", [0, 1, 2])
def test_grad_cam_is_the_paper(layer, class_index):
    model = known("residual")
    image = image_for(model)
    expected = by_hand(model, image, layer or "separable", "logits", class_index)
    np.testing.assert_allclose(interpret.grad_cam(model, image, layer, class_index), expected, atol=1e-4)


def with_end(kind):
    """The same scores with a softmax or sigmoid at the end, in the dense layer or as a layer of its own."""
    model = known("residual")
    logits = model.output
    if kind in ("softmax", "sigmoid"):
        dense = kl.Dense(3, activation=kind)
        ended = keras.Model(model.input, dense(model.get_layer("global").output))
        dense.set_weights(model.get_layer("logits").get_weights())
        return ended
    end = kl.Softmax() if kind == "Softmax" else kl.Activation("softmax")
    return keras.Model(model.input, end(logits))


@pytest.mark.parametrize("kind", ["softmax", "sigmoid", "Softmax", "Activation"])
def test_grad_cam_starts_before_the_softmax(kind):
    model = known("residual")
    image = image_for(model)
    ended = with_end(kind)
    np.testing.assert_allclose(
        interpret.grad_cam(ended, image, "dilated", 1),
        interpret.grad_cam(model, image, "dilated", 1),
        atol=1e-5,
    )
    assert np.all(np.asarray(ended(image[None])) <= 1)  # the model itself is as before


def test_grad_cam_takes_the_highest_class_by_itself():
    model = known("residual")
    image = image_for(model)
    best = int(np.argmax(model(image[None])))
    np.testing.assert_array_equal(
        interpret.grad_cam(model, image), interpret.grad_cam(model, image, class_index=best)
    )


def test_grad_cam_works_on_every_kind_of_model(case):
    model, image = case
    shape = image.shape[:2]
    for index in range(2):
        heat = interpret.grad_cam(model, image, class_index=index)
        assert heat.shape == shape and heat.dtype == np.float32
        assert heat.min() >= 0 and (heat.max() == pytest.approx(1) or not heat.any())


def test_grad_cam_of_a_nested_model_equals_the_flat_one():
    """The graph that other tools call disconnected."""
    model = known("nested")
    image = image_for(model)
    base, head = model.get_layer("base"), model.get_layer("head")
    core = base.get_layer("core")
    x = inputs = keras.Input((16, 20, 3))
    x = base.get_layer("first")(x * 2)
    for layer in [*core.layers, kl.GlobalAveragePooling2D(), head]:
        x = layer(x)
    flat = keras.Model(inputs, x)
    for layer in ["first", "core_conv"]:
        np.testing.assert_allclose(
            interpret.grad_cam(model, image, layer, 1), interpret.grad_cam(flat, image, layer, 1), atol=1e-5
        )


def test_grad_cam_finds_the_place_that_matters():
    """A hand-made network: class 1 is "red somewhere", so the heat must lie on the red square."""
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            kl.Conv2D(2, 3, padding="same", name="conv"),
            kl.GlobalAveragePooling2D(),
            kl.Dense(2),
        ]
    )
    kernel = np.zeros((3, 3, 3, 2))
    kernel[1, 1, 0, 0], kernel[1, 1, 2, 1] = 1, 1  # map 0 is red, map 1 is blue
    model.set_weights([kernel, np.zeros(2), np.array([[0.0, 1], [1, 0]]), np.zeros(2)])
    image = np.zeros((32, 32, 3))
    image[4:8, 20:24, 0] = 1
    image[20:24, 4:8, 2] = 1
    heat = interpret.grad_cam(model, image, class_index=1)
    assert heat[4:8, 20:24].min() == 1 and heat.sum() == pytest.approx(16)
    heat = interpret.grad_cam(model, image, class_index=0)
    assert heat[20:24, 4:8].min() == 1 and heat.sum() == pytest.approx(16)


def test_grad_cam_is_compiled_once_for_all_classes(monkeypatch):
    made = []
    original = backend.compiled
    monkeypatch.setattr(backend, "compiled", lambda function: made.append(1) or original(function))
    model = built("residual")
    for index in range(3):
        interpret.grad_cam(model, image_for(model, index), class_index=index)
    assert len(made) == 1


@pytest.mark.parametrize("layer", ["global", "logits"])
def test_grad_cam_needs_places(layer):
    model = known("residual")
    with pytest.raises(ValueError, match=rf"more than one place. Received: layer='{layer}'"):
        interpret.grad_cam(model, image_for(model), layer)


@pytest.mark.parametrize("function", [interpret.grad_cam, interpret.occlusion])
@pytest.mark.parametrize("class_index", [-1, 5])
def test_a_class_that_does_not_exist(plain, function, class_index):
    with pytest.raises(ValueError, match=f"class_index must be 0 to 4. Received: class_index={class_index}"):
        function(*plain, class_index=class_index)


@pytest.mark.parametrize("function", [interpret.grad_cam, interpret.occlusion])
def test_a_model_without_classes(function):
    model = keras.Sequential([keras.Input((8, 8, 3)), kl.Conv2D(2, 3)])
    with pytest.raises(ValueError, match=r"class scores \(N, classes\).*\(1, 6, 6, 2\)"):
        function(model, np.ones((8, 8, 3)))


# --- occlusion -------------------------------------------------------------------------------------------


def test_occlusion_by_hand(plain):
    model, image = plain
    fall = interpret.occlusion(model, image, class_index=2, size=8, strides=8, fill=0.5)
    whole = float(model(image[None])[0, 2])
    for row, column in [(0, 0), (8, 16), (0, 8)]:  # squares that no other overlaps (rows 12 to 15 do)
        hidden = image.copy()
        hidden[row : row + 8, column : column + 8] = 0.5
        expected = whole - float(model(hidden[None])[0, 2])
        assert fall[row + 1, column + 1] == pytest.approx(expected, abs=1e-5)


def test_occlusion_finds_the_place_that_matters():
    model = keras.Sequential([keras.Input((32, 32, 3)), kl.GlobalAveragePooling2D(), kl.Dense(2)])
    model.set_weights([np.array([[0.0, 1], [0, 0], [0, 0]]), np.zeros(2)])
    image = np.zeros((32, 32, 3))
    image[8:16, 16:24, 0] = 1
    fall = interpret.occlusion(model, image, class_index=1, size=8, strides=4, fill=0)
    assert np.unravel_index(fall.argmax(), fall.shape)[0] in range(8, 16)
    assert fall[11, 19] == fall.max() > 0 and fall[28, 4] == 0


def test_occlusion_takes_the_highest_class_by_itself(plain):
    model, image = plain
    best = int(np.argmax(model(image[None])))
    np.testing.assert_array_equal(
        interpret.occlusion(model, image, size=10),
        interpret.occlusion(model, image, class_index=best, size=10),
    )


@pytest.mark.parametrize("size, strides", [(0, None), (21, None), (4, 5), (4, 0)])
def test_occlusion_covers_every_pixel_or_refuses(plain, size, strides):
    with pytest.raises(ValueError, match=r"size must be 1 to 20 pixels .*Received: size="):
        interpret.occlusion(*plain, size=size, strides=strides)


# --- unusual models --------------------------------------------------------------------------------------


def ended(end, scale=1.0):
    """(model, the same without its end); with a large `scale` its softmax is saturated."""
    x = inputs = keras.Input((9, 9, 3))
    x = kl.Conv2D(4, 3, activation="relu", name="conv")(x)
    dense = kl.Dense(3, name="dense")
    logits = dense(kl.GlobalAveragePooling2D()(x))
    plain, model = keras.Model(inputs, logits), keras.Model(inputs, end(logits))
    rng = np.random.default_rng(0)
    plain.set_weights([rng.normal(0, 0.5, w.shape) for w in plain.get_weights()])
    dense.set_weights([scale * w for w in dense.get_weights()])
    return model, plain


class Inside(kl.Layer):
    def call(self, x):
        return keras.ops.softmax(3 * x)


ENDS = {
    "Softmax layer": kl.Softmax(),
    "ops.softmax": keras.ops.softmax,
    "sigmoid": keras.ops.sigmoid,
    "Lambda": kl.Lambda(lambda z: keras.ops.exp(z) / keras.ops.sum(keras.ops.exp(z), axis=-1, keepdims=True)),
    "log": keras.ops.log_softmax,
    "twice": lambda z: kl.Softmax()(kl.Softmax()(z)),
    "Activation, then float32": lambda z: kl.Activation("linear")(kl.Activation("softmax")(z)),
}


@pytest.mark.parametrize("scale", [1.0, 60.0])
@pytest.mark.parametrize("end", ENDS)
def test_grad_cam_does_not_depend_on_how_the_softmax_is_written(end, scale):
    model, plain = ended(ENDS[end], scale)
    image = image_for(model)
    for index in (None, 0, 1, 2) if scale == 1 else (0, 2):
        best = np.argmax(plain(image[None])) if index is None else index
        expected = by_hand(plain, image, "conv", "dense", best)
        np.testing.assert_allclose(interpret.grad_cam(model, image, "conv", index), expected, atol=1e-4)


def test_grad_cam_refuses_a_softmax_that_it_cannot_look_behind():
    model, _ = ended(lambda z: Inside()(z))
    with pytest.raises(ValueError, match="heard before the softmax"):
        interpret.grad_cam(model, image_for(model))
    saturated, _ = ended(lambda z: kl.Dense(3)(kl.Softmax()(z)), 1e4)
    with pytest.raises(ValueError, match=r"layer must move.*softmax.*saturated. Received: layer='conv'"):
        interpret.grad_cam(saturated, image_for(saturated))


@pytest.fixture(scope="module")
def two_headed():
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((9, 9, 3))
    x = kl.GlobalAveragePooling2D()(kl.Conv2D(4, 3, name="conv")(x))
    heads = [kl.Dense(2, name=name, activation="softmax")(x) for name in ("kind", "colour")]
    return keras.Model(inputs, heads), [keras.Model(inputs, head) for head in heads]


@pytest.mark.parametrize("function", [interpret.grad_cam, interpret.occlusion])
def test_of_several_outputs_one_is_chosen(two_headed, function):
    model, single = two_headed
    image = image_for(model)
    for number, name in enumerate(("kind", "colour")):
        expected = function(single[number], image, class_index=1)
        for output in (number, name):
            found = function(model, image, class_index=1, output=output)
            np.testing.assert_allclose(found, expected, atol=1e-5)
    for wrong in (None, 2, "size"):
        with pytest.raises(ValueError, match=r"output must say which.*'kind' \(1, 2\), 'colour' \(1, 2\)"):
            function(model, image, output=wrong)
    assert interpret.maximize_filter(model, "conv", 1, steps=1).shape == (9, 9, 3)


def test_outputs_may_be_a_dict():
    x = inputs = keras.Input((9, 9, 3))
    x = kl.GlobalAveragePooling2D()(kl.Conv2D(4, 3)(x))
    model = keras.Model(inputs, {"a": kl.Dense(2)(x), "b": kl.Dense(3)(x)})
    assert interpret.grad_cam(model, image_for(model), class_index=2, output="b").shape == (9, 9)
    with pytest.raises(ValueError, match="class_index must be 0 to 1"):
        interpret.occlusion(model, image_for(model), class_index=2, output="a")


def test_grad_cam_in_half_precision_is_that_in_float32():
    def make(dtype):
        return keras.Sequential(
            [
                keras.Input((32, 32, 3)),
                kl.Conv2D(8, 3, activation="relu", dtype=dtype, name="conv"),
                kl.GlobalAveragePooling2D(dtype=dtype),
                kl.Dense(3, activation="softmax", dtype=dtype),
            ]
        )

    full, half = make("float32"), make("float16")
    rng = np.random.default_rng(0)
    full.set_weights([rng.normal(0, 0.3, w.shape) for w in full.get_weights()])
    half.set_weights(full.get_weights())
    image = image_for(full)
    for index in range(3):
        one, other = (interpret.grad_cam(model, image, class_index=index) for model in (full, half))
        np.testing.assert_allclose(one, other, atol=0.02)


def test_a_quantised_model_has_all_its_classes():
    model, _ = ended(kl.Softmax())
    image = image_for(model)
    before = interpret.grad_cam(model, image, "conv", 2)
    model.quantize("int8")
    np.testing.assert_allclose(interpret.grad_cam(model, image, "conv", 2), before, atol=0.1)
    assert interpret.occlusion(model, image, class_index=2).shape == (9, 9)


def test_a_scan_in_hounsfield_units_is_an_image():
    model = known("residual")
    image = 3000 * image_for(model) - 1000
    assert interpret.grad_cam(model, image, class_index=1).shape == image.shape[:2]
    half = image_for(model).astype("float16")
    assert interpret.grad_cam(model, half, class_index=1).shape == image.shape[:2]
