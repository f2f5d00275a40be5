"""The feature map explorer without a browser: its state against the model's own numbers."""

import gc
import io
import weakref

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from cvcourse.datasets import photos
from cvcourse.datasets.upload import LARGEST_FILE, read_image
from cvcourse.explorers import FeatureMaps
from cvcourse.explorers.feature_maps import AWAKE
from cvcourse.interpretation import explain_unit, feature_maps
from cvcourse.publishing import still


def cnn(shape=(32, 32, 3)):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(8, 3, activation="relu", padding="same", name="conv1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(6, 3, name="conv2"),
            layers.Flatten(),
            layers.Dense(4, activation="softmax", name="dense"),
        ]
    )


@pytest.fixture(scope="module")
def model():
    return cnn()


def file(image, kind="PNG"):
    data = io.BytesIO()
    image.save(data, kind)
    return data.getvalue()


def array(unit, name):
    return np.frombuffer(unit[name], "float32").reshape(unit["shape"])


def test_the_unit_is_the_models_number_down_to_its_products(model):
    explorer = FeatureMaps(model)
    image = explorer._image[None]
    for layer in ("conv1", "pool1", "conv2"):
        truth = np.asarray(keras.Model(model.inputs[0], model.get_layer(layer).output)(image))[0]
        explorer.layer = layer
        for position in ([0, 0], [s // 2 for s in truth.shape[:2]], [s - 1 for s in truth.shape[:2]]):
            explorer.position = position
            for channel in (0, truth.shape[2] - 1):
                explorer.channel = channel
                unit = explorer.unit
                assert unit["activation"] == pytest.approx(truth[(*position, channel)], abs=1e-5)
                products = array(unit, "patch") * array(unit, "weights")
                assert unit["sums"] == pytest.approx(products.sum(axis=(0, 1)), abs=1e-5)
                assert sum(unit["sums"]) + unit["bias"] == pytest.approx(unit["preactivation"], abs=1e-5)
                assert unit["position"] == position and unit["channel"] == channel


def test_the_receptive_field_reaches_the_image(model):
    explorer = FeatureMaps(model)
    explorer.layer, explorer.position = "conv1", [10, 20]
    assert explorer.unit["field"] == [9, 19, 12, 22]
    explorer.layer = "conv2"
    y1, x1, y2, x2 = explorer.unit["field"]
    assert (y2 - y1, x2 - x1) == (8, 8)  # 3 + 2·(3 − 1) + 1


def test_a_new_layer_keeps_the_place_and_stays_inside(model):
    explorer = FeatureMaps(model)
    explorer.channel, explorer.position = 7, [31, 0]
    explorer.layer = "conv2"  # 14 × 14 × 6
    assert explorer.position == [13, 0]
    assert 0 <= explorer.channel < 6
    assert explorer.maps["shape"] == [14, 14, 6]


def test_the_maps_are_drawn_on_one_scale(model):
    explorer = FeatureMaps(model)
    explorer.layer = "conv2"
    height, width, count = explorer.maps["small"]
    shades = np.frombuffer(explorer.maps["values"], "uint8").reshape(count, height, width)
    image = explorer._image[None]
    truth = np.asarray(keras.Model(model.inputs[0], model.get_layer("conv2").output)(image))[0]
    assert explorer.maps["low"] == -explorer.maps["high"]  # signed: white is zero
    step = (explorer.maps["high"] - explorer.maps["low"]) / 255
    assert shades.transpose(1, 2, 0) * step + explorer.maps["low"] == pytest.approx(truth, abs=step)


def test_a_large_network_shows_the_layers_that_were_asked_for(model):
    explorer = FeatureMaps(model, layers=["pool1", "conv2"])
    assert explorer.controls["layer"]["options"] == ["pool1", "conv2"]
    assert explorer.layer == "pool1"
    explorer.image_name, explorer.layer = "coffee", "conv2"
    assert explorer.unit["layer"] == "conv2" and "coffee" in explorer.description
    with pytest.raises(ValueError, match='layer must be "pool1" or "conv2"'):
        explorer.layer = "conv1"
    with pytest.raises(ValueError, match="conv9"):
        FeatureMaps(model, layers=["conv9"])


def test_large_maps_are_thinned_in_the_overview_only():
    explorer = FeatureMaps(cnn((150, 150, 3)))
    assert explorer.maps["shape"] == [150, 150, 8]
    assert max(explorer.maps["small"][:2]) <= 64
    assert len(explorer.chosen["values"]) == 150 * 150


def test_another_image_gives_other_maps(model):
    explorer = FeatureMaps(model)
    before = explorer.maps["values"]
    explorer.image_name = "coffee"
    assert explorer.maps["values"] != before
    assert explorer.photo["shape"] == [32, 32, 3]
    assert "coffee" in explorer.description


def test_the_image_of_the_student_comes_first(model):
    image = np.zeros((32, 32, 3), "float32")
    explorer = FeatureMaps(model, image)
    assert explorer.controls["image_name"]["options"][0] == explorer.image_name == "your image"
    assert not any(explorer.photo["values"])
    assert explorer.controls["image_name"]["options"][1:] == list(photos.NAMES)


def test_labels_and_logits(model):
    explorer = FeatureMaps(model, labels=["ant", "bee", "cat", "dog"])
    scores = np.asarray(model(explorer._image[None]))[0]
    best = ["ant", "bee", "cat", "dog"][scores.argmax()]
    assert explorer.photo["guess"] == f"{best}, {100 * scores.max():.0f} %"
    logits = keras.Model(model.inputs[0], keras.ops.log(model.outputs[0]))
    assert FeatureMaps(logits, labels=["ant", "bee", "cat", "dog"]).photo["guess"] == explorer.photo["guess"]
    with pytest.raises(ValueError, match=r"labels must have one name .* Received: 2 labels"):
        FeatureMaps(model, labels=["ant", "bee"])


def test_preprocessing_stands_between_image_and_model(model):
    explorer = FeatureMaps(model, preprocess=lambda image: image[None] * 2 - 1)
    truth = keras.Model(model.inputs[0], model.get_layer("conv1").output)(explorer._image[None] * 2 - 1)
    number = np.asarray(truth)[0, *explorer.position, explorer.channel]
    assert explorer.unit["activation"] == pytest.approx(number, abs=1e-5)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_an_upload_is_shown_cropped_and_not_stretched(model, kind, mode):
    explorer = FeatureMaps(model)
    picture = Image.new(mode, (100, 40), "white")
    explorer.upload("white.png", file(picture, kind))
    assert explorer.problem == ""
    assert explorer.image_name == explorer.controls["image_name"]["options"][0] == "upload: white.png"
    assert explorer._image.shape == (32, 32, 3)
    assert set(explorer.photo["values"]) == {255}


def test_the_same_file_name_with_other_pixels(model):
    explorer = FeatureMaps(model)
    for level in (255, 0):
        explorer.upload("a.png", file(Image.new("RGB", (32, 32), (level,) * 3)))
        assert set(explorer.photo["values"]) == {level}


def test_grey_models_see_grey():
    explorer = FeatureMaps(cnn((28, 28, 1)))
    assert explorer._image.shape == (28, 28, 1)
    explorer.upload("red.png", file(Image.new("RGB", (9, 9), (255, 0, 0))))
    assert explorer.photo["shape"] == [28, 28, 3]
    assert explorer._image.mean() == pytest.approx(0.299, abs=0.01)


NOISE = file(Image.effect_noise((64, 64), 90).convert("RGB"), "JPEG")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("notes.txt", b"These are my notes.", "notes.txt must be an image .* a text that begins with 'These"),
        ("empty.png", b"", "an empty file"),
        ("data.bin", bytes(range(256)), "a file of another kind"),
        ("half.jpg", NOISE[: len(NOISE) // 2], "a broken or incomplete image"),
        ("half.png", file(Image.effect_noise((64, 64), 90))[:900], "a broken or incomplete image"),
        ("huge.png", b"x" * (LARGEST_FILE + 1), "at most 6 MB. Received: 6.0 MB"),
        ("wide.png", file(Image.new("1", (10_000, 6_000))), "10000 × 6000 pixels"),
    ],
)
def test_a_file_that_is_no_image_is_refused_in_words(model, name, data, words):
    with pytest.raises(ValueError, match=words):
        read_image(name, data)
    explorer = FeatureMaps(model)
    shown = explorer.photo
    explorer.upload(name, data)
    assert name in explorer.problem and explorer.problem in explorer.description
    assert explorer.photo == shown and explorer.image_name == "chelsea"
    explorer.image_name = "coffee"
    assert explorer.problem == ""


def test_the_browser_uploads_by_message(model):
    explorer = FeatureMaps(model)
    explorer._receive(explorer, {"upload": "a.png"}, [memoryview(file(Image.new("RGB", (9, 9))))])
    assert explorer.image_name == "upload: a.png"


def test_a_layer_without_weights_has_a_value_and_a_sentence():
    x = inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(3, 3, padding="same", name="conv")(x)
    model = keras.Model(inputs, layers.Add(name="add")([x, inputs]))
    explorer = FeatureMaps(model)
    explorer.layer = "add"
    assert not explorer.unit["explained"]
    row, column = explorer.position
    truth = np.asarray(model(explorer._image[None]))[0, row, column, explorer.channel]
    assert explorer.unit["activation"] == pytest.approx(truth, abs=1e-5)
    assert "no weights of its own" in explorer.describe()
    assert explorer.figure().alt


@pytest.mark.parametrize("channels", [2, 4])
def test_an_image_with_other_than_three_channels_is_shown(channels):
    model = keras.Sequential([keras.Input((16, 16, channels)), layers.Conv2D(2, 3, name="conv")])
    image = np.random.default_rng(0).random((16, 16, channels))
    explorer = FeatureMaps(model, image)
    assert explorer.photo["shape"] == [16, 16, 3] and explorer.figure().png()
    shown = np.frombuffer(explorer.photo["values"], "uint8").reshape(16, 16, 3)
    expected = image[..., :3] if channels == 4 else image.mean(-1, keepdims=True) * np.ones(3)
    np.testing.assert_allclose(shown / 255, expected, atol=0.005)


def test_a_model_of_any_size_takes_the_photographs():
    explorer = FeatureMaps(cnn_of_any_size())
    assert explorer.photo["shape"] == [128, 128, 3]


def cnn_of_any_size():
    return keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3, name="conv")])


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("layer", "conv9", "layer must be one of conv1, pool1"),
        ("image_name", "my_cat.png", "image_name must be one of chelsea"),
        ("channel", 8, "channel must be 0 to 7 in layer 'conv1'. Received: channel=8"),
        ("position", [0, 32], "position must be 0 to 31 and 0 to 31"),
        ("position", [0], "position must be"),
    ],
)
def test_wrong_states_are_refused(model, trait, value, message):
    explorer = FeatureMaps(model)
    with pytest.raises(ValueError, match=message):
        setattr(explorer, trait, value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((keras.Sequential([layers.Conv2D(3, 3)]),), "no weights yet"),
        ((keras.Sequential([keras.Input((8, 8, 5)), layers.Conv2D(3, 3)]),), "1 or 3 channels"),
        ((keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten()]),), "feature maps"),
        ((cnn(), np.zeros((32, 32), "float32")), "image must be one image of shape"),
        ((cnn(), np.zeros((64, 64, 3), "float32")), "image must have the shape"),
        ((cnn(), np.full((32, 32, 3), 1e6, "float32")), "range"),
    ],
)
def test_bad_models_and_images_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        FeatureMaps(*arguments)


def test_a_byte_image_is_refused():
    with pytest.raises(TypeError, match="divide bytes by 255"):
        FeatureMaps(cnn(), np.zeros((32, 32, 3), "uint8"))


def test_the_picture_has_words(model):
    explorer = FeatureMaps(model)
    assert explorer.figure().alt == explorer.describe()


def test_words_have_a_true_minus_sign(model):
    explorer = FeatureMaps(model)
    explorer.layer = "conv2"
    explorer.channel = int(explorer._maps["conv2"].min(axis=(0, 1)).argmin())
    explorer.position = [*map(int, np.argwhere(explorer._maps["conv2"][..., explorer.channel] < 0)[0])]
    assert " gives −" in explorer.describe() and "-" not in explorer.describe()


def test_a_page_without_python_gets_the_maps_and_weights_within_a_byte():
    x = inputs = keras.Input((64, 64, 3))
    x = layers.Conv2D(16, 3, name="conv")(x)
    x = layers.Add(name="add")([x, x])
    model = keras.Model(inputs, layers.Conv2D(4, 3, strides=2, name="after")(x))
    explorer = FeatureMaps(model)
    assert explorer.carried == {}, "nothing before it is shown or saved"
    still.saved(explorer)
    assert list(explorer.carried["layers"]) == ["conv", "after"], "a sum has no weights"
    after, sent = explorer.carried["layers"]["after"], explorer.carried["maps"]["add"]
    low, step = np.frombuffer(sent["scales"], "float32").reshape(-1, 2).T[..., None, None]
    maps = np.frombuffer(sent["data"], "uint8").reshape(sent["shape"]) * step + low
    truth = feature_maps(model, explorer._batch, ["add"])["add"].transpose(2, 0, 1)
    assert (np.abs(maps - truth) <= 0.51 * step).all()
    kernel = np.frombuffer(after["weights"]["data"], "float32").reshape(after["weights"]["shape"])
    np.testing.assert_array_equal(kernel.transpose(2, 3, 1, 0), model.get_layer("after").kernel)
    unit = explain_unit(model, explorer._batch, "conv", (0, 61), 0)
    assert [sent["edges"][0][0], sent["edges"][1][61]] == [[0, 3], [61, 64]]
    assert unit.receptive_field == (0, 61, 3, 64)


def test_what_a_page_without_python_gets_is_small_for_a_large_network():
    convolutions = [layers.Conv2D(n, 3, padding="same", name=f"conv{n}") for n in (64, 65, 128, 256)]
    model = keras.Sequential(
        [
            keras.Input((224, 224, 3)),
            *convolutions[:2],
            layers.MaxPooling2D(4),
            convolutions[2],
            layers.MaxPooling2D(4),
            convolutions[3],
        ]
    )
    explorer = FeatureMaps(model)
    assert len(still.fragment(still.saved(explorer))) < 1.5e6
    assert {"conv64", "conv65", "conv256"} <= set(explorer.carried["layers"])


def test_few_explorers_hold_their_maps_and_a_closed_one_lets_go(model):
    made = [FeatureMaps(model) for _ in range(6)]
    assert sum(one._held is not None for one in made) == AWAKE
    made[0].channel, made[-1].channel = 1, 1  # the first one computes its maps anew
    assert made[0].unit == made[-1].unit and made[0]._held is not None
    assert sum(one._held is not None for one in made) == AWAKE
    last = weakref.ref(made[-1])
    for one in made:
        one.close()
    del made, one
    gc.collect()
    assert last() is None


def test_uploads_are_kept_as_bytes(model):
    explorer = FeatureMaps(model)
    explorer.upload("a.png", file(Image.new("RGB", (40, 40), "teal")))
    assert explorer._own["upload: a.png"].dtype == "uint8"
    assert explorer._image[0, 0].tolist() == pytest.approx([0, 128 / 255, 128 / 255])
