"""The network explorer without a browser: its state against Keras's own models."""

import math
import time

import keras
import numpy as np
import pytest
from keras import layers

from cvcourse.explorers import Network
from cvcourse.summary import summarize
from cvcourse.what_if import ADJUSTABLE


def small(filters=8, kernel_size=3, units=10, size=28, pool_size=2):
    return keras.Sequential(
        [
            keras.Input((size, size, 1), name="images"),
            layers.Conv2D(filters, kernel_size, name="conv"),
            layers.MaxPooling2D(pool_size, strides=2, name="pool"),
            layers.Flatten(name="flat"),
            layers.Dense(units, name="dense"),
        ]
    )


def residual():
    x = inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, padding="same", name="first")(x)
    y = layers.Conv2D(8, 3, padding="same", name="second")(x)
    return keras.Model(inputs, layers.Add(name="add")([x, y]))


def nested():
    inner = keras.Sequential([layers.Conv2D(4, 3, name="conv"), layers.ReLU(name="relu")], name="inner")
    return keras.Sequential([keras.Input((12, 12, 3)), inner, layers.GlobalAveragePooling2D(name="mean")])


def plain(rows):
    """Return what `summarize` says of the rows, apart from the names."""
    keys = ("type", "formula", "output_shape", "params", "macs", "activation_bytes")
    return [[row[key] for key in keys] for row in rows]


@pytest.mark.parametrize(
    ("changes", "size", "arguments"),
    [
        ({}, 28, {}),
        ({"conv": {"filters": 32}}, 28, {"filters": 32}),
        ({"conv": {"kernel_size": 5, "filters": 1}}, 40, {"kernel_size": 5, "filters": 1, "size": 40}),
        ({"dense": {"units": 100}, "pool": {"pool_size": 3}}, 28, {"units": 100, "pool_size": 3}),
    ],
)
def test_a_change_gives_the_same_numbers_as_the_model_built_that_way(changes, size, arguments):
    explorer = Network(small())
    explorer.changes, explorer.input_size = changes, size
    expected = small(**arguments)
    assert plain(explorer.rows) == plain(summarize(expected).rows)
    assert sum(row["params"] for row in explorer.rows) == expected.count_params()
    assert explorer.problem == ""
    assert f"{expected.count_params():,} parameters" in explorer.describe()


def test_a_builder_is_shown_without_allocating():
    explorer = Network(lambda: keras.applications.VGG16(weights=None))
    assert "138,357,544 parameters" in explorer.description
    explorer.input_size = 64
    assert plain(explorer.rows) == plain(
        summarize(lambda: keras.applications.VGG16(weights=None, input_shape=(64, 64, 3))).rows
    )


def test_many_changes_in_a_row_leave_no_trace():
    explorer, rng = Network(small()), np.random.default_rng(0)
    for _ in range(60):  # more than a copied layer is reused
        filters, units, size = (int(n) for n in rng.integers(6, 30, 3))
        explorer.input_size = size
        explorer.changes = {"conv": {"filters": filters}, "dense": {"units": units}}
    assert plain(explorer.rows) == plain(summarize(small(filters, units=units, size=size)).rows)


def test_the_students_model_stays_as_it_is():
    model = small()
    before = [weight.numpy().copy() for weight in model.weights]
    explorer = Network(model)
    explorer.changes = {"conv": {"filters": 2}}
    assert model.get_layer("conv").filters == 8
    assert all((old == new.numpy()).all() for old, new in zip(before, model.weights, strict=True))
    assert model.get_layer("conv").output.shape == (None, 26, 26, 8)  # one call only, as before


def test_an_impossible_change_is_explained_and_the_last_possible_network_stays():
    explorer = Network(small())
    explorer.input_size = 12
    shown = explorer.rows
    explorer.input_size = 3
    assert "pool (MaxPooling2D) cannot take 1×1×8" in explorer.problem
    assert "2×2 does not fit" in explorer.problem
    assert explorer.problem in explorer.description
    assert explorer.rows == shown
    explorer.input_size = 28
    assert explorer.problem == ""
    assert explorer.rows[0]["output_shape"] == (28, 28, 1)


def test_a_kernel_larger_than_the_image_is_explained():
    explorer = Network(small(size=8))
    explorer.changes = {"conv": {"kernel_size": 11}}
    assert "conv (Conv2D) cannot take 8×8×1: its window of 11×11 does not fit" in explorer.problem


def test_a_change_that_breaks_a_sum_is_explained():
    explorer = Network(residual())
    explorer.changes = {"second": {"filters": 4}}
    assert "add (Add) cannot take 16×16×8 and 16×16×4" in explorer.problem
    explorer.changes = {"first": {"filters": 4}, "second": {"filters": 4}}
    assert explorer.problem == ""


def test_lines_lead_from_layer_to_layer():
    rows = Network(residual()).rows
    edges = {(source, row["name"]) for row in rows for source in row["sources"]}
    first = rows[0]["name"]
    assert edges == {(first, "first"), ("first", "second"), ("first", "add"), ("second", "add")}


def test_layers_of_nested_models_can_be_changed():
    explorer = Network(nested())
    explorer.changes = {"inner/conv": {"filters": 16}}
    assert explorer.problem == ""
    assert explorer.rows[-1]["output_shape"] == (16,)


def test_every_end_of_every_slider_is_possible_or_explained():
    explorer = Network(small())
    for row in explorer.rows:
        for argument in row["controls"]:
            for stop in ADJUSTABLE[argument][1][0], ADJUSTABLE[argument][1][-1]:
                explorer.changes = {row["name"]: {argument: stop}}
                assert not explorer.problem or "cannot" in explorer.problem
    for size in (explorer.given["sizes"][0], explorer.given["sizes"][-1]):
        explorer.changes, explorer.input_size = {}, size
        assert explorer.problem == ""
        assert explorer.rows[0]["output_shape"] == (size, size, 1)


def test_sliders_belong_to_their_layer():
    rows = {row["name"]: row["controls"] for row in Network(small()).rows}
    assert {name: set(controls) for name, controls in rows.items() if controls} == {
        "conv": {"filters", "kernel_size", "strides"},
        "pool": {"pool_size", "strides"},
        "dense": {"units"},
    }


def test_rows_travel_only_where_the_script_cannot_make_them():
    assert Network(small()).get_state("rows") == {"rows": []}
    x = inputs = keras.Input((8, 8, 3))
    x = layers.Lambda(lambda x: 2 * x, name="own")(layers.Conv2D(2, 3, name="conv")(x))
    explorer = Network(keras.Model(inputs, x))
    assert explorer.asks and len(explorer.get_state("rows")["rows"]) == 3
    assert [layer["name"] for layer in explorer.given["layers"] if "given" in layer] == ["own"]


def test_images_that_are_not_square_keep_their_proportions():
    model = keras.Sequential([keras.Input((40, 60, 3)), layers.Conv2D(2, 3)])
    explorer = Network(model)
    explorer.input_size = 20
    assert explorer.rows[0]["output_shape"] == (20, 30, 3)


def test_a_model_for_any_size_starts_at_a_size_that_can_be_chosen():
    model = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3)])
    assert Network(model).rows[0]["output_shape"] == (224, 224, 3)
    assert Network(model, input_shape=(32, 32, 3)).rows[0]["output_shape"] == (32, 32, 3)


def test_a_perceptron_has_values_for_pixels():
    explorer = Network(keras.Sequential([keras.Input((784,)), layers.Dense(10, name="dense")]))
    explorer.input_size = 100
    assert explorer.rows[-1]["params"] == 100 * 10 + 10


def test_a_model_of_its_own_class_can_be_looked_at():
    @keras.saving.register_keras_serializable("test_network")
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = layers.Conv2D(4, 3, name="conv")

        def call(self, x):
            return self.conv(x)

    model = Own()
    model(keras.ops.zeros((1, 8, 8, 1)))
    explorer = Network(model)
    assert f"{model.count_params()} parameters" in explorer.describe()
    assert not any(row["controls"] for row in explorer.rows)
    explorer.input_size = 99
    assert explorer.problem == ""


def test_an_unbuilt_model_needs_a_size_and_stays_unbuilt():
    model = keras.Sequential([layers.Conv2D(4, 3, name="conv")])
    with pytest.raises(ValueError, match=r"input_shape|built"):
        Network(model)
    assert Network(model, input_shape=(8, 8, 3)).rows[-1]["params"] == 3 * 3 * 3 * 4 + 4
    assert not model.built


@pytest.mark.parametrize("wrong", [None, "VGG16", lambda: 3, layers.Dense(3)])
def test_what_is_no_model_is_refused(wrong):
    with pytest.raises(TypeError, match="Received"):
        Network(wrong)


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("selected", "cnov", "such as conv"),
        ("changes", {"cnov": {"filters": 3}}, "such as conv"),
        ("changes", {"conv": {"units": 3}}, "such as .*filters"),
        ("changes", {"conv": {"filters": 0}}, "filters must be an int from 1. Received: filters=0"),
        ("input_size", 0, "input_size must be at least 1 pixel. Received: input_size=0"),
    ],
)
def test_wrong_states_are_refused(trait, value, message):
    explorer = Network(small())
    with pytest.raises(ValueError, match=message):
        setattr(explorer, trait, value)


def test_selecting_changes_the_words_alone():
    explorer = Network(small())
    assert "Chosen: conv" in explorer.description
    shown = explorer.rows
    explorer.selected = "dense"
    assert "Chosen: dense (Dense), output 10" in explorer.description
    assert explorer.rows == shown


def test_the_picture_has_words():
    assert Network(small()).figure().alt


def test_vgg16_follows_a_slider_in_time():
    explorer = Network(lambda: keras.applications.VGG16(weights=None))
    fastest = math.inf
    for filters in (8, 16, 32, 48, 96):
        start = time.process_time()
        explorer.changes = {"block1_conv1": {"filters": filters}}
        fastest = min(fastest, time.process_time() - start)
    assert fastest < 0.1  # 0.035 s on the laptop that the budget of 0.05 s was written for
