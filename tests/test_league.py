"""Two leagues: stored counts are those of Keras; what nine classifiers know of their own pictures."""

import keras
import numpy as np
import pytest

from cvcourse import recording
from cvcourse.datasets import load
from cvcourse.league import ENTRIES, LEAGUE, count
from experiments import classification


def test_every_network_of_keras_is_in_the_league():
    assert set(LEAGUE) == {name for name in dir(keras.applications) if name[0].isupper()}


def test_counted_again():  # the others in test_summary, where each is built for Keras's own counts
    assert count("NASNetMobile") == LEAGUE["NASNetMobile"][2:]


def test_an_unknown_network_is_explained():
    with pytest.raises(ValueError, match=r"ResNet50.*Received: name='RestNet'"):
        count("RestNet")


def test_each_run_says_what_the_classifier_knows_of_its_training_pictures():
    recorded = recording.replay("classification")
    assert set(recorded.curves("accuracy")) == set(ENTRIES) and len(recorded.runs) == 27
    gap = {
        run["label"]: run["history"]["accuracy"][-1] - run["result"]["test_accuracy"] for run in recorded.runs
    }
    assert gap["MobileNet"] > 2 * gap["GoogLeNet"] and gap["MobileNet"] > 2 * gap["ResNet-20"]


def test_one_entry_again_leaves_the_others_and_its_times(tmp_path, monkeypatch):
    digits = load("digits")
    x_train, x_test = (np.repeat(x[..., None], 3, axis=-1) for x in (digits.x_train, digits.x_test))
    digits = digits._replace(x_train=x_train, x_test=x_test)
    monkeypatch.setattr(classification, "load", lambda name: digits)
    sizes = {"seeds": (0,), "folder": tmp_path, "images": 60, "tests": 30, "epochs": 1}
    monkeypatch.setattr(classification, "ENTRIES", ("Mark 1", "SVM on pixels"))
    classification.main(**sizes)
    before = recording.replay("classification", tmp_path).runs
    classification.main("Mark 1", **sizes)
    assert recording.replay("classification", tmp_path).runs == before
    classification.main("Mark 1", **{**sizes, "images": 90})
    after = recording.replay("classification", tmp_path).runs
    assert after[1] == before[1] and after[0]["result"] != before[0]["result"] and after[0]["processor"]
    assert np.all([0 < run["history"]["accuracy"][-1] <= 1 for run in after])
