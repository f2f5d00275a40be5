"""Interpretation against Keras itself: sub-models for maps, the model's own numbers for units, gradients."""

import functools
import gc
import weakref

import keras
import numpy as np
import pytest
from keras import layers as kl

from cvcourse import backend
from cvcourse import interpretation as interpret
from cvcourse.interpretation import passes

MAKES = {}


def make(function):
    MAKES[function.__name__] = function
    return function


@make
def sequential():
    return keras.Sequential([
        keras.Input((20, 24, 3)),
        kl.Rescaling(2.0, -1),
        kl.Conv2D(6, 3, activation="relu", name="conv"),
        kl.MaxPooling2D(2, name="pool"),
        kl.Conv2D(4, 5, padding="same", strides=2, name="strided"),
        kl.BatchNormalization(name="norm"),
        kl.ReLU(name="relu"),
        kl.Flatten(),
        kl.Dropout(0.5),
        kl.Dense(5, activation="softmax", name="scores"),
    ])


@make
def residual():
    """Branches of different reach, an operation without a layer, groups, dilation, depthwise, separable."""
    x = inputs = keras.Input((21, 18, 3))
    x = kl.Conv2D(8, 3, strides=2, padding="same", name="stem")(x)
    y = kl.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="tanh", name="depthwise")(x)
    y = kl.Conv2D(8, 1, groups=2, name="grouped")(y)
    x = kl.Add(name="sum")([x, y])
    y = kl.Conv2D(8, 3, dilation_rate=2, padding="same", use_bias=False, name="dilated")(x)
    y = keras.ops.tanh(y) + x
    y = kl.ZeroPadding2D(((0, 1), (1, 0)), name="pad")(y)
    y = kl.AveragePooling2D(3, strides=2, padding="same", name="average")(y)
    y = kl.SeparableConv2D(6, (3, 2), activation="leaky_relu", name="separable")(y)
    y = kl.GlobalAveragePooling2D(name="global")(y)
    return keras.Model(inputs, kl.Dense(3, name="logits")(y))


@make
def nested():
    """A transfer model as in lesson 07: a model inside a model, twice over."""
    core = keras.Sequential([keras.Input((None, None, 4)), kl.Conv2D(5, 3, padding="same", name="core_conv"),
                             kl.LeakyReLU(name="core_relu")], name="core")
    x = inner = keras.Input((None, None, 3))
    x = kl.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="first")(x)
    base = keras.Model(inner, core(x), name="base")
    inputs = keras.Input((16, 20, 3))
    x = base(kl.Rescaling(2.0, name="rescale")(inputs), training=False)
    x = kl.GlobalAveragePooling2D(name="average")(x)
    return keras.Model(inputs, kl.Dense(2, activation="sigmoid", name="head")(x))


@make
def shared():
    """One convolution used twice, and one name used in two models."""
    conv = kl.Conv2D(3, 3, padding="same", name="twice")
    part = keras.Sequential([keras.Input((None, None, 3)), kl.Conv2D(3, 3, name="same_name")], name="part")
    x = inputs = keras.Input((12, 12, 3))
    x = part(conv(conv(x)))
    x = kl.Conv2D(2, 3, name="same_name")(x)
    return keras.Model(inputs, kl.GlobalMaxPooling2D(name="global")(x))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv = kl.Conv2D(4, 3, activation="relu", name="conv")
        self.head = kl.Dense(3, name="head")

    def call(self, x):
        return self.head(keras.ops.mean(self.conv(x), axis=(1, 2)))


@make
def subclassed():
    model = Subclassed()
    model(np.zeros((1, 10, 10, 3)))  # builds it
    return model


def built(name, seed=0):
    """The model with weights that are all different from zero, batch-norm statistics included."""
    keras.utils.set_random_seed(seed)
    model = MAKES[name]()
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.3, 1.2, w.shape) if "variance" in v.path else rng.normal(0, 0.4, w.shape)
                       for w, v in zip(model.get_weights(), model.weights, strict=True)])
    return model


known = functools.cache(built)  # for tests that leave the model as it is: what is compiled is shared


def image_for(model, seed=0):
    shape = model.inputs[0].shape[1:] if getattr(model, "inputs", None) else (10, 10, 3)
    return np.random.default_rng(seed).random(shape, dtype="float32")


@pytest.fixture(params=list(MAKES))
def case(request):
    model = known(request.param)
    return model, image_for(model)


@pytest.fixture(scope="module")
def plain():
    model = known("sequential")
    return model, image_for(model)


def submodel(model, name, image):
    """Keras's own way to a layer's output: a model that ends there."""
    ending = keras.Model(model.inputs[0], model.get_layer(name).output)
    return np.asarray(ending(image[None], training=False))[0]


# --- filters ---------------------------------------------------------------------------------------------


def test_filters_are_the_kernel(plain):
    model, _ = plain
    np.testing.assert_array_equal(interpret.filters(model, "conv"), model.get_layer("conv").kernel)
    assert interpret.filters(model, model.get_layer("conv")).shape == (3, 3, 3, 6)


def test_filters_of_depthwise_have_depth_one():
    model = known("residual")
    kernel = np.asarray(model.get_layer("depthwise").kernel)  # (3, 3, D, M)
    found = interpret.filters(model, "depthwise")
    assert found.shape == (3, 3, 1, 16)
    np.testing.assert_array_equal(found[..., 0, 5], kernel[..., 2, 1])  # output channel 5 = input 2, copy 1


def test_filters_of_separable_are_the_convolution_it_equals():
    model = known("residual")
    layer = model.get_layer("separable")
    x = np.random.default_rng(1).random((1, 7, 7, 8), dtype="float32")
    expected = keras.ops.conv(x, interpret.filters(model, "separable"), padding="valid") + layer.bias
    np.testing.assert_allclose(layer(x), keras.ops.leaky_relu(expected), atol=1e-5)


def test_filters_of_a_transposed_convolution():
    model = keras.Sequential([keras.Input((4, 4, 3)), kl.Conv2DTranspose(5, 2, name="up")])
    assert interpret.filters(model, "up").shape == (2, 2, 3, 5)


def test_filters_inside_a_nested_model():
    assert interpret.filters(known("nested"), "core_conv").shape == (3, 3, 4, 5)


def test_filters_are_a_copy(plain):
    model, _ = plain
    interpret.filters(model, "conv")[:] = 0
    assert np.any(model.get_layer("conv").kernel != 0)


@pytest.mark.parametrize("layer", ["convv", "relu", "scores"])
def test_filters_name_the_layers_that_have_some(plain, layer):
    with pytest.raises(ValueError, match=rf"such as .*(conv|strided).*Received: layer='{layer}'"):
        interpret.filters(plain[0], layer)


# --- feature_maps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sequential", "residual"])
def test_feature_maps_equal_keras_submodels(name):
    model = known(name)
    image = image_for(model)
    maps = interpret.feature_maps(model, image)
    assert len(maps) >= 5
    for layer, array in maps.items():
        np.testing.assert_allclose(array, submodel(model, layer, image), atol=1e-5)


def test_feature_maps_choose_layers_worth_looking_at():
    assert list(interpret.feature_maps(known("sequential"), image_for(known("sequential")))) == [
        "conv", "pool", "strided", "norm", "relu"]


def test_feature_maps_of_nested_models_by_hand():
    model = known("nested")
    image = image_for(model)
    base, x = model.get_layer("base"), image[None] * 2
    first = base.get_layer("first")(x)
    conv = base.get_layer("core").layers[0](first)
    maps = interpret.feature_maps(model, image, ["core_conv", "first"])
    assert list(maps) == ["core_conv", "first"]
    np.testing.assert_allclose(maps["first"], first[0], atol=1e-5)
    np.testing.assert_allclose(maps["core_conv"], conv[0], atol=1e-5)
    np.testing.assert_allclose(interpret.feature_maps(model, image, "base")["base"], base(x)[0], atol=1e-5)


def test_feature_maps_of_shared_layers_and_shared_names():
    model = known("shared")
    image = image_for(model)
    twice, part, last = (layer for layer in model.layers[1:4])
    once = twice(image[None])
    again = twice(once)
    maps = interpret.feature_maps(model, image)
    assert list(maps) == ["twice", "twice#2", "part/same_name", "same_name"]
    for array, expected in zip(maps.values(), [once, again, part(again), last(part(again))], strict=True):
        np.testing.assert_allclose(array, expected[0], atol=1e-5)


def test_feature_maps_of_a_subclassed_model():
    model = known("subclassed")
    image = image_for(model)
    maps = interpret.feature_maps(model, image)
    np.testing.assert_allclose(maps["conv"], model.conv(image[None])[0], atol=1e-5)


def test_feature_maps_take_a_batch_of_one_and_any_size():
    model = keras.Sequential([keras.Input((None, None, 3)), kl.Conv2D(2, 3, name="conv")])
    for height, width in [(9, 7), (12, 30), (9, 7)]:
        image = np.ones((1, height, width, 3))
        assert interpret.feature_maps(model, image)["conv"].shape == (height - 2, width - 2, 2)


def test_listening_leaves_no_trace(case):
    model, image = case
    before = [sorted(vars(layer)) for layer in passes.named_layers(model).values()]
    config = None if isinstance(model, Subclassed) else model.to_json()
    interpret.feature_maps(model, image)
    interpret.grad_cam(model, image)
    assert [sorted(vars(layer)) for layer in passes.named_layers(model).values()] == before
    assert config is None or model.to_json() == config


def test_listening_stops_when_the_model_fails():
    model = built("sequential")
    layers = passes.named_layers(model)
    with pytest.raises(ZeroDivisionError), passes.listening(layers, lambda *args: 1 / 0):
        model(image_for(model)[None])
    assert not any("call" in vars(layer) for layer in model.layers)


# --- one compiled pass, kept as long as the model ----------------------------------------------------------


def test_all_maps_come_from_one_compiled_pass(monkeypatch):
    compiled, runs = [], []
    monkeypatch.setattr(backend, "compiled", lambda function: compiled.append(1) or (
        lambda *tensors: runs.append(1) or function(*tensors)))
    model = built("sequential")
    for seed in range(3):
        assert len(interpret.feature_maps(model, image_for(model, seed))) == 5
    assert len(compiled) == 1 and len(runs) == 3


def test_feature_maps_are_not_copied_can_only_be_read_and_outlive_the_next_pass(plain):
    model, image = plain
    maps = interpret.feature_maps(model, image)["conv"]
    before = maps.copy()
    assert maps.dtype == "float32" and not maps.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        maps[0] = 0
    interpret.feature_maps(model, 1 - image)
    np.testing.assert_array_equal(maps, before)


def test_new_weights_are_seen():
    model = built("sequential")
    image = image_for(model)
    before = interpret.feature_maps(model, image)["conv"]
    model.set_weights(built("sequential", seed=1).get_weights())
    after = interpret.feature_maps(model, image)["conv"]
    assert not np.allclose(before, after)
    np.testing.assert_allclose(after, submodel(model, "conv", image), atol=1e-5)


def test_a_changed_model_is_noticed():
    model = built("sequential")
    image = image_for(model)
    interpret.feature_maps(model, image)
    model.get_layer("conv").activation = keras.activations.linear
    assert interpret.feature_maps(model, image)["conv"].min() < 0  # no ReLU any more
    for _ in range(6):  # from strided to scores
        model.pop()
    model.add(kl.Conv2D(7, 1, name="added"))
    assert list(interpret.feature_maps(model, image)) == ["conv", "pool", "added"]


@pytest.mark.parametrize("name", ["sequential", "nested", "subclassed"])
def test_the_cache_lets_a_model_go(name):
    model = built(name)
    image = image_for(model)
    interpret.feature_maps(model, image)
    interpret.grad_cam(model, image)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


# --- explain_unit ----------------------------------------------------------------------------------------


def explainable(model, image):
    """(layer, output of the layer) for every call that `explain_unit` takes."""
    x = passes.as_batch(model, image)
    _, heard = passes.overhear(model, x)
    merging = (keras.Model, kl.Add, kl.ZeroPadding2D, kl.Rescaling, kl.Flatten, kl.Dropout)
    for call in passes.calls(model, x):
        if not isinstance(call.layer, merging):
            yield call.name, np.asarray(heard[call.name][1])[0]


def test_a_unit_explained_is_the_number_in_the_model(case):
    """Every layer, its corners and some places between, some channels: to 1e-5."""
    model, image = case
    rng = np.random.default_rng(0)
    seen = 0
    for name, output in explainable(model, image):
        maps = output.reshape(-1, 1, output.shape[-1]) if output.ndim == 1 else output
        maps = output[None, None] if output.ndim == 1 else maps
        places = {(0, 0), (maps.shape[0] - 1, maps.shape[1] - 1), tuple(rng.integers(maps.shape[:2]))}
        for row, column in places:
            channel = int(rng.integers(maps.shape[2]))
            unit = interpret.explain_unit(model, image, name, (row, column), channel)
            expected = maps[row, column, channel]
            assert unit.activation == pytest.approx(expected, rel=1e-5, abs=1e-5), name
            assert unit.preactivation == pytest.approx(unit.products.sum() + unit.bias, rel=1e-5, abs=1e-5)
            np.testing.assert_array_equal(unit.products, unit.patch * unit.weights)
            seen += 1
    assert seen >= 4


def moving_pixels(model, image, name, row, column, channel):
    """The box of pixels whose change moves the unit: the receptive field, measured."""
    x = passes.as_batch(model, image)

    def number(x):
        output = passes.overhear(model, x, {name})[1][name][1]
        return (output[0, channel] if len(output.shape) == 2 else output[0, row, column, channel]), x

    moved = np.abs(np.asarray(backend.gradient(number, x)[0])[0]).sum(-1) > 0
    rows, columns = np.flatnonzero(moved.any(1)), np.flatnonzero(moved.any(0))
    return rows[0], columns[0], rows[-1] + 1, columns[-1] + 1


@pytest.mark.parametrize("name", ["residual", "nested", "shared"])
def test_the_receptive_field_is_measured_by_gradients(name):
    model = built(name)
    for layer in passes.named_layers(model).values():
        if hasattr(layer, "activation"):
            layer.activation = keras.activations.linear
    image = image_for(model)
    for layer, output in explainable(model, image):
        if isinstance(passes.named_layers(model)[layer.split("#")[0]], kl.GlobalMaxPooling2D):
            continue
        maps = output if output.ndim == 3 else output[None, None]
        last, right = maps.shape[0] - 1, maps.shape[1] - 1
        for row, column in {(0, 0), (last // 2, right // 3), (last, right)}:
            field = interpret.explain_unit(model, image, layer, (row, column), 0).receptive_field
            assert field == moving_pixels(model, image, layer, row, column, 0), (layer, row, column)


def test_the_receptive_field_of_upsampling_and_transposed_convolutions():
    x = inputs = keras.Input((10, 12, 1))
    x = kl.Conv2D(2, 3, strides=2, padding="same")(x)
    x = kl.UpSampling2D(2)(x)
    x = kl.Conv2DTranspose(2, 4, strides=2, padding="same")(x)
    x = kl.Cropping2D(((1, 2), (3, 0)))(x)
    x = kl.Conv2DTranspose(2, 3, strides=3)(x)
    model = keras.Model(inputs, kl.Conv2D(1, 2, name="end")(x))
    image = image_for(model)
    height, width, _ = interpret.feature_maps(model, image, "end")["end"].shape
    for row in [0, 1, 7, height // 2, height - 1]:
        for column in [0, 5, 11, width - 1]:
            field = interpret.explain_unit(model, image, "end", (row, column), 0).receptive_field
            assert field == moving_pixels(model, image, "end", row, column, 0), (row, column)


def test_the_receptive_field_agrees_with_the_arithmetic():
    from cvcourse import arithmetic

    model = keras.Sequential([keras.Input((64, 64, 1)), kl.Conv2D(1, 3), kl.Conv2D(1, 3), kl.MaxPooling2D(2),
                              kl.Conv2D(1, 5, strides=2, name="end")])
    field = interpret.explain_unit(model, image_for(model), "end", (3, 3), 0).receptive_field
    expected = arithmetic.receptive_field([(3, 1), (3, 1), (2, 2), (5, 2)])
    assert field[2] - field[0] == expected.size
    following = interpret.explain_unit(model, image_for(model), "end", (4, 3), 0).receptive_field
    assert following[0] - field[0] == expected.jump


def test_the_receptive_field_behind_global_pooling_is_the_whole_image():
    """Squeeze and excitation looks everywhere, although the convolution beside it does not."""
    x = inputs = keras.Input((16, 16, 3))
    x = kl.Conv2D(4, 3, padding="same", name="conv")(x)
    gate = kl.Dense(4, activation="sigmoid")(kl.GlobalAveragePooling2D(keepdims=True)(x))
    model = keras.Model(inputs, kl.Conv2D(1, 1, name="end")(kl.Multiply()([x, gate])))
    image = image_for(model)
    assert interpret.explain_unit(model, image, "conv", (8, 8), 0).receptive_field == (7, 7, 10, 10)
    assert interpret.explain_unit(model, image, "end", (8, 8), 0).receptive_field == (0, 0, 16, 16)


def test_a_unit_as_text(plain):
    model, image = plain
    text = repr(interpret.explain_unit(model, image, "conv", (2, 3), 1))
    assert "conv, row 2, column 3, channel 1: 27 products" in text and "relu gives" in text
    assert "3 × 3 pixels: rows 2 to 4, columns 3 to 5" in text


def test_padding_is_zero_in_the_patch_and_outside_the_window():
    model = known("nested")
    unit = interpret.explain_unit(model, image_for(model), "core_conv", (0, 0), 0)
    assert unit.window == (-1, -1, 2, 2)
    assert not unit.patch[0].any() and not unit.patch[:, 0].any() and unit.patch[1:, 1:].any()


@pytest.mark.parametrize("position, channel, message", [
    ((18, 0), 0, "position's row must be 0 to 17 in layer 'conv', whose output is 18 × 22 × 6. Received: 18"),
    ((0, -1), 0, "position's column must be 0 to 21 .* Received: -1"),
    ((0, 0), 6, "channel must be 0 to 5 .* Received: 6"),
])
def test_a_place_outside_the_map(plain, position, channel, message):
    with pytest.raises(ValueError, match=message):
        interpret.explain_unit(*plain, "conv", position, channel)


@pytest.mark.parametrize("position, channel", [((0.5, 1), 0), (3, 0), ((1, 2, 3), 0), ((0, 0), "red")])
def test_a_place_that_is_none(plain, position, channel):
    with pytest.raises(TypeError, match=r"position must be \(row, column\)"):
        interpret.explain_unit(*plain, "conv", position, channel)


def test_a_layer_that_is_no_weighted_sum():
    model = known("residual")
    with pytest.raises(ValueError, match=r"weighted sum.*Received: layer='sum', a Add"):
        interpret.explain_unit(model, image_for(model), "sum", (0, 0), 0)


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
    np.testing.assert_allclose(interpret.grad_cam(ended, image, "dilated", 1),
                               interpret.grad_cam(model, image, "dilated", 1), atol=1e-5)
    assert np.all(np.asarray(ended(image[None])) <= 1)  # the model itself is as before


def test_grad_cam_takes_the_highest_class_by_itself():
    model = known("residual")
    image = image_for(model)
    best = int(np.argmax(model(image[None])))
    np.testing.assert_array_equal(interpret.grad_cam(model, image),
                                  interpret.grad_cam(model, image, class_index=best))


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
        np.testing.assert_allclose(interpret.grad_cam(model, image, layer, 1),
                                   interpret.grad_cam(flat, image, layer, 1), atol=1e-5)


def test_grad_cam_finds_the_place_that_matters():
    """A hand-made network: class 1 is "red somewhere", so the heat must lie on the red square."""
    model = keras.Sequential([keras.Input((32, 32, 3)), kl.Conv2D(2, 3, padding="same", name="conv"),
                              kl.GlobalAveragePooling2D(), kl.Dense(2)])
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
    np.testing.assert_array_equal(interpret.occlusion(model, image, size=10),
                                  interpret.occlusion(model, image, class_index=best, size=10))


@pytest.mark.parametrize("size, strides", [(0, None), (21, None), (4, 5), (4, 0)])
def test_occlusion_covers_every_pixel_or_refuses(plain, size, strides):
    with pytest.raises(ValueError, match=r"size must be 1 to 20 pixels .*Received: size="):
        interpret.occlusion(*plain, size=size, strides=strides)


# --- maximize_filter -------------------------------------------------------------------------------------


def test_maximize_filter_raises_the_map_above_its_rivals():
    model = known("sequential")
    rng = np.random.default_rng(0)
    noise = rng.random((20, 24, 3), dtype="float32")
    for channel in range(3):
        image = interpret.maximize_filter(model, "strided", channel, steps=15)
        assert image.shape == (20, 24, 3) and image.min() >= 0 and image.max() <= 1
        answer, chance = (interpret.feature_maps(model, one, "strided")["strided"][..., channel].mean()
                          for one in (image, noise))
        assert answer > chance


def test_maximize_filter_finds_the_stripes_of_an_edge_filter():
    """A filter for vertical edges wants contrast from left to right and none from top to bottom."""
    model = keras.Sequential([keras.Input((32, 32, 1)), kl.Conv2D(1, 3, activation="relu", name="edge")])
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    model.set_weights([sobel.reshape(3, 3, 1, 1), np.zeros(1)])
    image = interpret.maximize_filter(model, "edge", 0, steps=30)[..., 0]
    assert np.abs(np.diff(image, axis=1)).mean() > 2 * np.abs(np.diff(image, axis=0)).mean()


def test_maximize_filter_is_decided_by_its_seed():
    model = known("sequential")
    first, again, other = (interpret.maximize_filter(model, "conv", 0, steps=2, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_maximize_filter_of_a_model_for_any_size():
    model = keras.Sequential([keras.Input((None, None, 3)), kl.Conv2D(2, 3, name="conv")])
    assert interpret.maximize_filter(model, "conv", 0, steps=1).shape == (96, 96, 3)
    assert interpret.maximize_filter(model, "conv", 0, size=24, steps=1).shape == (24, 24, 3)


@pytest.mark.parametrize("layer, channel", [("conv", 6), ("scores", 0)])
def test_maximize_filter_needs_a_filter(plain, layer, channel):
    with pytest.raises(ValueError, match=r"layer must give maps and channel must be one of them"):
        interpret.maximize_filter(plain[0], layer, channel)


# --- honesty ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sequential", "residual", "nested", "shared"])
def test_randomized_keeps_sizes_and_spread_and_nothing_else(name):
    model = known(name)
    before = model.get_weights()
    copy = interpret.randomized(model, seed=3)
    for old, new, untouched in zip(before, copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, untouched)
        np.testing.assert_array_equal(np.sort(old, axis=None), np.sort(new, axis=None))
        assert old.size < 4 or not np.array_equal(old, new)


def test_randomized_is_decided_by_its_seed():
    model = known("sequential")
    first, again, other = (interpret.randomized(model, seed=seed).get_weights()[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_randomized_layer_by_layer():
    model = known("sequential")
    copy = interpret.randomized(model, layers=["scores", "norm"])
    changed = {old.path.split("/")[-2] for old, new in zip(model.weights, copy.weights, strict=True)
               if not np.array_equal(old, new)}
    assert changed == {"scores", "norm"}


def test_randomized_names_a_missing_layer(plain):
    with pytest.raises(ValueError, match=r"such as .*conv.*Received: layers='head'"):
        interpret.randomized(plain[0], layers=["head"])


def test_the_pictures_pass_the_honesty_test(plain):
    """None of them stays the same when the network forgets what it learned."""
    model, image = plain
    other = interpret.randomized(model, seed=1)
    for picture in (
        lambda model: interpret.grad_cam(model, image, "conv", class_index=2),
        lambda model: interpret.occlusion(model, image, class_index=2),
        lambda model: interpret.maximize_filter(model, "strided", 1, steps=5),
    ):
        assert np.corrcoef(picture(model).ravel(), picture(other).ravel())[0, 1] < 0.9


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
    "Softmax layer": kl.Softmax(), "ops.softmax": keras.ops.softmax, "sigmoid": keras.ops.sigmoid,
    "Lambda": kl.Lambda(lambda z: keras.ops.exp(z) / keras.ops.sum(keras.ops.exp(z), axis=-1, keepdims=True)),
    "log": keras.ops.log_softmax, "twice": lambda z: kl.Softmax()(kl.Softmax()(z)),
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


def test_a_film_and_channels_first_are_refused():
    film = keras.Sequential([keras.Input((2, 9, 9, 3)), kl.TimeDistributed(kl.Conv2D(2, 3)), kl.Flatten(),
                             kl.Dense(2)])
    with pytest.raises(ValueError, match="Received"):
        interpret.grad_cam(film, image_for(film))
    conv = kl.Conv2D(2, 3, data_format="channels_first", name="conv")
    first = keras.Sequential([keras.Input((3, 9, 9)), conv, kl.Flatten(), kl.Dense(2)])
    for call in (lambda: interpret.grad_cam(first, image_for(first)),
                 lambda: interpret.explain_unit(first, image_for(first), "conv", (0, 0), 0)):
        with pytest.raises(ValueError, match="model must have channels last"):
            call()


@pytest.mark.parametrize("shape, layer", [((20, 3), kl.Conv1D), ((9, 9, 9, 3), kl.Conv3D)])
def test_maximize_filter_is_for_images(shape, layer):
    model = keras.Sequential([keras.Input(shape), layer(2, 3, name="conv")])
    with pytest.raises(ValueError, match=r"model must take images \(H, W, C\)"):
        interpret.maximize_filter(model, "conv", 0)


def test_grad_cam_in_half_precision_is_that_in_float32():
    def make(dtype):
        return keras.Sequential([
            keras.Input((32, 32, 3)), kl.Conv2D(8, 3, activation="relu", dtype=dtype, name="conv"),
            kl.GlobalAveragePooling2D(dtype=dtype), kl.Dense(3, activation="softmax", dtype=dtype)])

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


class Shifted(kl.Conv2D):
    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, kernel) + 1


@pytest.mark.parametrize("layer", [kl.Softmax(axis=1, name="odd"), Shifted(2, 3, name="odd")])
def test_a_unit_that_is_another_sum_is_refused(layer):
    model = keras.Sequential([keras.Input((9, 9, 3)), kl.Conv2D(3, 3), layer])
    with pytest.raises(ValueError, match=r"weighted sum.*this one gives.*Received: layer='odd'"):
        interpret.explain_unit(model, image_for(model), "odd", (1, 1), 0)


class NoConfig(kl.Layer):
    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, x):
        return self.factor(x)


class Scale(NoConfig):
    def build(self, shape):
        self.scale = self.add_weight(shape=(), initializer="ones")


def test_randomized_keeps_layers_that_keras_cannot_copy():
    twice = kl.Lambda(lambda x: 2 * x)
    model = keras.Sequential([keras.Input((9, 9, 3)), kl.Conv2D(2, 3, name="conv"), twice,
                              NoConfig(keras.ops.relu), kl.GlobalAveragePooling2D()])
    copy = interpret.randomized(model)
    assert not np.array_equal(copy.get_weights()[0], model.get_weights()[0])
    assert copy(image_for(model)[None]).shape == (1, 2)
    with pytest.raises(ValueError, match="'own', a Scale with weights"):
        interpret.randomized(keras.Sequential([keras.Input((9, 9, 3)), Scale(keras.ops.relu, name="own")]))
    with pytest.raises(ValueError, match="model must be Sequential or functional"):
        interpret.randomized(known("subclassed"))


# --- bad input -------------------------------------------------------------------------------------------

TAKES_IMAGE = [
    interpret.feature_maps, interpret.grad_cam, interpret.occlusion,
    lambda model, image: interpret.explain_unit(model, image, "conv", (0, 0), 0),
]


@pytest.mark.parametrize("function", TAKES_IMAGE)
@pytest.mark.parametrize("image, error, message", [
    (np.ones((20, 24)), ValueError, r"one image of shape \(20, 24, 3\).*Received: shape=\(20, 24\)"),
    (np.ones((2, 20, 24, 3)), ValueError, r"images\[0\] takes one of many. Received: shape=\(2, 20, 24, 3\)"),
    (np.ones((24, 20, 3)), ValueError, r"was built for; photos.*Received: shape=\(24, 20, 3\)"),
    (np.ones((20, 24, 4)), ValueError, r"\(20, 24, 3\).*Received: shape=\(20, 24, 4\)"),
    (np.ones((20, 24, 3), "uint8"), TypeError, r"divide bytes by 255 .*Received: dtype=uint8"),
    (np.full((20, 24, 3), np.nan), ValueError, r"finite numbers. Received: NaN"),
    (np.full((20, 24, 3), 4e6), ValueError, r"range that the model was trained on.*from 4e\+06 to 4e\+06"),
])
def test_an_image_that_does_not_fit(plain, function, image, error, message):
    with pytest.raises(error, match=message):
        function(plain[0], image)


def test_an_unknown_layer_names_the_near_ones(plain):
    with pytest.raises(ValueError, match=r"such as .*strided.*Received: layer='stride'"):
        interpret.feature_maps(*plain, ["conv", "stride"])
    with pytest.raises(TypeError, match=r"layer must be the name of a layer, or a layer. Received: layer=3"):
        interpret.feature_maps(*plain, [3])


def test_a_layer_without_maps(plain):
    with pytest.raises(ValueError, match=r"must give maps.*Received: layer='scores'.*\(1, 5\)"):
        interpret.feature_maps(*plain, "scores")


@pytest.mark.parametrize("function", [*TAKES_IMAGE, interpret.filters, interpret.maximize_filter])
def test_a_model_that_is_not_known(function):
    model = keras.Sequential([kl.Conv2D(3, 3, name="conv")])
    arguments = {interpret.filters: ["conv"], interpret.maximize_filter: ["conv", 0]}
    arguments = arguments.get(function, [np.ones((8, 8, 3))])
    with pytest.raises(ValueError, match=r"has no weights yet.*model.build"):
        function(model, *arguments)


def test_a_model_with_two_inputs():
    inputs = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    with pytest.raises(ValueError, match=r"one input, an image. Received: a model with 2 inputs"):
        interpret.feature_maps(keras.Model(inputs, kl.Add()(inputs)), np.ones((8, 8, 3)))


def test_something_that_is_no_model():
    with pytest.raises(TypeError, match=r"model must be a Keras model. Received: model='vgg16'"):
        interpret.filters("vgg16", "conv")
