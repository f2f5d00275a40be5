"""One walker and one name for a layer; and what of Keras it leans on that Keras does not promise."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from cvcourse import interpretation
from cvcourse.explorers import Network
from cvcourse.interpretation import passes, receptive
from cvcourse.keras_graph import (
    family,
    find_layer,
    graph_of,
    input_names,
    named_layers,
    own_weights,
    shapes_only,
    steps,
    swapped,
)
from cvcourse.summary import summarize
from cvcourse.visualization import plot_network, plot_summary

RNG = np.random.default_rng(0)


def nested(name="vgg16"):
    base = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3, name="block3_conv1"), layers.ReLU(name="act")], name=name
    )
    rest = [layers.ReLU(name="relu"), layers.GlobalAveragePooling2D(name="mean"), layers.Dense(2, name="out")]
    return keras.Sequential([keras.Input((8, 8, 3)), base, *rest], name="my.model")


class Twins(keras.Model):
    """Two layers with one name, which only a class can have."""

    def __init__(self):
        super().__init__()
        self.a, self.b = layers.Conv2D(3, 1, name="conv"), layers.Conv2D(2, 1, name="conv")

    def call(self, x):
        return self.b(self.a(x))


def twins():
    model = Twins()
    model(np.zeros((1, 8, 8, 3), "float32"))
    return model


# --- Names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["vgg16", "vgg.v1.0"])
@pytest.mark.parametrize("short", [False, True])
def test_one_name_works_everywhere(base, short):
    model, path = nested(base), f"{base}/block3_conv1"
    name = "block3_conv1" if short else path
    image = RNG.random((8, 8, 3)).astype("float32")
    layer = model.layers[0].layers[0]
    assert path in [row["name"] for row in summarize(model).rows]
    assert path in named_layers(model) and path in interpretation.feature_maps(model, image)
    assert find_layer(model, name) == find_layer(model, layer) == (path, layer)
    np.testing.assert_array_equal(interpretation.filters(model, name), layer.kernel.numpy())
    assert list(interpretation.feature_maps(model, image, name)) == [name]
    assert interpretation.explain_unit(model, image, name, (1, 1), 0).layer == path
    assert interpretation.grad_cam(model, image, name).shape == (8, 8)
    explorer = Network(model)
    explorer.selected, explorer.changes = name, {name: {"filters": 7}}
    assert explorer.selected == path and explorer.changes == {path: {"filters": 7}}
    assert explorer.rows[-1]["output_shape"] == (2,) and not explorer.problem


def test_an_error_lists_full_paths():
    with pytest.raises(ValueError, match=r"such as vgg16/block3_conv1.*Received: layer='block3_cnov1'"):
        find_layer(nested(), "block3_cnov1")
    with pytest.raises(ValueError, match=r"'my.model', such as vgg16/block3_conv1"):
        interpretation.feature_maps(nested(), np.zeros((8, 8, 3), "float32"), "block3_conv")
    with pytest.raises(TypeError, match=r"layer must be the name of a layer, or a layer. Received: layer=3"):
        find_layer(nested(), 3)


def test_a_short_name_that_two_layers_have_is_refused():
    towers = [keras.Sequential([keras.Input((4,)), layers.Dense(2, name="dense")], name=x) for x in "ab"]
    x = keras.Input((4,))
    model = keras.Model(x, [tower(x) for tower in towers])
    with pytest.raises(ValueError, match=r"say which layer is meant: in model .* such as a/dense, b/dense"):
        find_layer(model, "dense")
    assert find_layer(model, "b/dense")[1] is towers[1].layers[0]


def test_equal_names_in_a_class_are_told_apart():
    model, image = twins(), RNG.random((8, 8, 3)).astype("float32")
    assert named_layers(model) == {"conv (1)": model.a, "conv (2)": model.b}
    maps = interpretation.feature_maps(model, image)
    assert {name: array.shape[-1] for name, array in maps.items()} == {"conv (1)": 3, "conv (2)": 2}
    assert interpretation.filters(model, model.a).shape == (1, 1, 3, 3)
    assert list(interpretation.feature_maps(model, image, [model.b])) == ["conv (2)"]
    assert [row["name"] for row in summarize(model).rows[1:]] == ["conv (1)", "conv (2)"]
    with pytest.raises(ValueError, match=r"which layer is meant.*conv \(1\), conv \(2\)"):
        interpretation.feature_maps(model, image, "conv")


def test_a_layer_in_two_places_has_its_first_path_and_answers_to_both():
    shared = layers.Dense(4, name="shared")
    towers = [keras.Sequential([keras.Input((4,)), shared], name=x) for x in "ab"]
    x = keras.Input((4,))
    model = keras.Model(x, [tower(x) for tower in towers])
    assert list(named_layers(model)) == ["a", "a/shared", "b"]
    assert find_layer(model, "b/shared") == find_layer(model, "a/shared") == ("a/shared", shared)


# --- The contract with Keras ------------------------------------------------------------------------------


def test_keras_still_keeps_what_keras_graph_leans_on():
    """Each line names what breaks if a new Keras fails it."""
    model = nested()
    inner = model._flatten_layers(include_self=False, recursive=False)  # every name of a layer
    assert model.layers[0] in inner and model.layers[0].layers[0] not in inner
    assert graph_of(model) is model._functional  # summarize of a Sequential, receptive fields
    graph = graph_of(model)
    assert [step.operation.name for step in steps(graph)] == ["vgg16", "relu", "mean", "out"]  # the same
    assert all(len(step.inputs) == len(step.outputs) == 1 for step in steps(graph))
    assert input_names(graph) == [model.inputs[0]._keras_history.operation.name]  # names of input rows
    ran = []
    # summarize and Network
    graph._run_through_graph([np.zeros(1)], lambda one: lambda x, **options: ran.append(one.name))
    assert ran == ["vgg16", "relu", "mean", "out"]
    with swapped(model.layers[1], "call", lambda x: x - 1):  # all listening: feature maps, Grad-CAM
        assert float(model.layers[1](np.zeros(()))) == -1
    assert "call" not in vars(model.layers[1])
    assert family(layers.MaxPooling2D()) == "pooling" and family(twins().a) == "convolutional"  # work of 0
    assert family(twins()) is None


def test_what_is_private_to_keras_is_named_in_one_module():
    """But for where Keras publishes its weights, which `pretrained.applications` looks up."""
    private = r"keras\.src\.(?!applications)|\._(flatten_layers|functional|nodes_by_depth|run_through_graph|"
    private += r"keras_history|layers|inbound_nodes|tracker|(non_)?trainable_variables|attention_axes)\b"
    package = Path(interpretation.__file__).parents[1]
    named = [str(path.relative_to(package)) for path in package.rglob("*.py")
             if re.search(private, path.read_text(encoding="utf-8"))]  # fmt: skip
    assert named == ["keras_graph.py"]


def test_a_builder_leaves_no_trace_in_the_lists_of_keras():
    before = layers.Dense(1).name
    with shapes_only():
        model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    with keras.StatelessScope():  # leaving it, Keras initialises every variable on its list
        pass
    assert model.layers[0].name == "dense" and all(weight._value is None for weight in model.weights)
    assert layers.Dense(1).name.split("_")[-1] == str(int([*before.split("_"), "0"][1]) + 1)


def test_a_class_that_overrides_the_call_of_a_graph_is_no_graph():
    class Twice(keras.Model):
        def call(self, x):
            return super().call(super().call(x))

    x = keras.Input((4,))
    model = Twice(x, layers.Dense(4, name="dense")(x))
    assert graph_of(model) is None and summarize(model).macs == 2 * 4 * 4
    assert graph_of(keras.Model(x, model(x))) is not None and own_weights(model) == []


# --- Receptive fields -------------------------------------------------------------------------------------


@pytest.mark.parametrize("around", [
    *(layers.UpSampling2D(2, interpolation=name) for name in ("nearest", "bilinear", "bicubic", "lanczos3")),
    layers.UpSampling2D(3, interpolation="lanczos5"), layers.Softmax(axis=1),
])  # fmt: skip
def test_no_pixel_outside_the_receptive_field_changes_a_unit(around):
    model = keras.Sequential([keras.Input((16, 16, 1)), layers.Conv2D(1, 3, padding="same"), around])
    check_fields(model, around.name)


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_receptive_fields_behind_a_concatenation(axis):
    x = keras.Input((16, 16, 1))
    joined = layers.Concatenate(axis, name="join")([layers.Conv2D(1, 3, padding="same")(x), x])
    check_fields(keras.Model(x, joined), "join")


def test_receptive_fields_of_channels_first_are_the_whole_image_rather_than_wrong():
    model = keras.Sequential([keras.Input((1, 9, 9)), layers.Conv2D(1, 3, data_format="channels_first")])
    name, everything = model.layers[0].name, (0, 0, float("inf"), float("inf"))
    assert receptive.reaches(model, [], name, [(0, 0, 1, 1)]) == [everything]


def check_fields(model, name):
    image = RNG.random((16, 16, 1)).astype("float32")
    whole = interpretation.feature_maps(model, image, name)[name]
    calls = passes.calls(model, passes.as_batch(model, image))
    for row in (0, 7, whole.shape[0] - 1):
        [(y1, x1, y2, x2)] = receptive.reaches(model, calls, name, [(row, 9, row + 1, 10)])
        other = RNG.random(image.shape).astype("float32")
        keep = np.s_[int(y1) : int(min(y2, 16)), int(x1) : int(min(x2, 16))]
        other[keep] = image[keep]
        changed = interpretation.feature_maps(model, other, name)[name]
        np.testing.assert_allclose(changed[row, 9], whole[row, 9], rtol=1e-4, atol=1e-6)


# --- Pictures of a network --------------------------------------------------------------------------------


def test_a_layer_that_no_call_reaches_is_left_out_of_the_picture():
    class Spare(Twins):
        def __init__(self):
            super().__init__()
            self.spare = layers.Dense(3, name="spare")
            self.spare.build((None, 4))

    model = Spare()
    model(np.zeros((1, 8, 8, 3), "float32"))
    rows = summarize(model).rows
    assert rows[-1]["output_shape"] == () and rows[-1]["params"] == 15
    for view in ("blocks", "circles"):
        assert plot_network(rows, view).alt == plot_network(rows[:-1], view).alt
    with pytest.raises(ValueError, match="at least one layer"):
        plot_network(rows[-1:])


def test_a_picture_needs_sizes():
    rows = summarize(lambda: keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3)])).rows
    for plot in (plot_network, plot_summary):
        with pytest.raises(ValueError, match=r"known sizes and work: take summarize\(model, \(224"):
            plot(rows)


# --- The explorer Network ---------------------------------------------------------------------------------


def test_network_of_a_nested_model_that_is_used_twice():
    base = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, name="conv")], name="base")
    left, right = keras.Input((8, 8, 3), name="left"), keras.Input((8, 8, 3), name="right")
    model = keras.Model([left, right], layers.Add(name="sum")([base(left), base(right)]))
    explorer = Network(model)
    explorer.changes = {"conv": {"filters": 7}}
    counted = {row["name"]: (row["params"], row["macs"], row["trainable_params"]) for row in explorer.rows}
    assert counted["base/conv"] == (3 * 3 * 3 * 7 + 7, 2 * 6 * 6 * 3 * 3 * 3 * 7, 3 * 3 * 3 * 7 + 7)
    edges = {(source, row["name"]) for row in explorer.rows for source in row["sources"]}
    assert edges == {("left", "base/conv"), ("right", "base/conv"), ("base/conv", "sum")}


def test_network_of_text_and_of_layers_that_cannot_be_copied():
    class Own(layers.Layer):
        def __init__(self, factor):
            super().__init__(name="own")
            self.factor = factor

        def call(self, x):
            return self.factor * x

    words = keras.Input((3,), dtype="string")
    x = layers.StringLookup(vocabulary=["cat", "dog"], name="lookup")(words)
    x = Own(2.0)(layers.Embedding(3, 4, name="embedding")(x))
    explorer = Network(keras.Model(words, layers.Dense(2, name="dense")(x)))
    assert "22 parameters, 24 multiply-adds, at least" in explorer.describe()
    explorer.changes = {"dense": {"units": 5}}
    assert explorer.rows[-1]["output_shape"] == (3, 5) and not explorer.problem


def test_network_shows_work_that_is_not_known():
    model = keras.Sequential([keras.Input((7, 3)), layers.RNN(layers.StackedRNNCells([Cell()]), name="rnn")])
    explorer = Network(model)
    assert "at least 0 multiply-adds" in explorer.describe()
    assert explorer.rows[-1]["macs"] is None


@keras.saving.register_keras_serializable("test_keras_graph")
class Cell(layers.Layer):
    state_size = output_size = 3

    def call(self, x, states):
        return x, states
