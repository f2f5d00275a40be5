"""The capacity explorer without a browser: its numbers are those of the recorded run."""

import itertools

import numpy as np
import pytest

from cvcourse import recording
from cvcourse.explorers import Capacity


def test_numbers_are_those_of_the_recorded_run():
    explorer = Capacity(width=2, images=0)
    runs = [
        run
        for run in recording.replay("capacity").runs
        if (run["width"], run["images"], run["remedy"])
        == (explorer.widths[2], explorer.sizes[0], "none")
    ]
    assert len(runs) == 3
    keys = ("accuracy", "val_accuracy")
    train, valid = (100 * np.mean([run["history"][key][-1] for run in runs]) for key in keys)
    assert f"{train:.0f} % of the training images" in explorer.describe()
    assert f"{valid:.0f} % of the validation images" in explorer.describe()


def test_any_setting_has_words_and_a_picture():
    explorer = Capacity()
    for width, images, remedy in itertools.product((0, 2), (0, 2), explorer.recorded["remedies"]):
        explorer.set_trait("width", width)
        explorer.images, explorer.remedy = images, remedy
        explorer.metric = "accuracy" if width else "loss"
        assert f"remedy: {remedy}" in explorer.description
        assert explorer.describe() in explorer.figure().alt


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"remedy": "sleep"}, "remedy must be one of none.*Received: remedy='sleep'"),
        ({"metric": "error"}, 'metric must be "loss" or "accuracy"'),
        ({"width": 3}, "width must be a whole number from 0 to 2"),
    ],
)
def test_bad_arguments_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        Capacity(**arguments)
