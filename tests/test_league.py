"""The stored counts of the league are those of Keras, for every network."""

import keras
import pytest

from cvcourse.experiments.league import LEAGUE, count


def test_every_network_of_keras_is_in_the_league():
    assert set(LEAGUE) == {name for name in dir(keras.applications) if name[0].isupper()}


@pytest.mark.parametrize("name", LEAGUE)
def test_counted_again(name):
    assert count(name) == LEAGUE[name][2:]


def test_an_unknown_network_is_explained():
    with pytest.raises(ValueError, match=r"ResNet50.*Received: name='RestNet'"):
        count("RestNet")
