"""The explorer of the problems without a browser: its pictures, its words, its strips, its errors."""

import io

import numpy as np
import pytest
from PIL import Image

from cvcourse.explorers import Problems
from cvcourse.explorers.problems import KNOBS, PHOTOGRAPH, PICTURES, SIZE, problem


def by_light(images):
    """A toy: a dark picture is a cat, a bright one a duck."""
    light = images.mean(axis=(1, 2, 3)) / 255
    return np.stack([1 - light, np.full_like(light, 0.2), light], axis=1)


def always_dog(images):
    return np.tile([0.0, 1.0, 0.0], (len(images), 1))


@pytest.fixture
def explorer():
    return Problems({"light": by_light, "dog": always_dog})


def test_words_and_answers_follow_the_knobs(explorer):
    explorer.animal, explorer.light = "cat", 5
    assert explorer.answers() == {"light": "cat", "dog": "dog"}
    assert explorer.description == "A cat, light 5 %. light: cat, right; dog: dog, wrong."
    explorer.animal, explorer.turn, explorer.background = PHOTOGRAPH, -30, "brick"
    assert explorer.description.startswith("A photograph of the cat, turned by −30°, light 5 %, on brick.")


@pytest.mark.parametrize("animal", PICTURES)
def test_each_knob_does_what_it_says(animal):
    rest, hidden = problem(animal)
    assert rest.shape == (SIZE, SIZE, 3) and rest.dtype == np.uint8 and hidden == 0
    around = problem(animal, turn=180)[0]
    if animal != PHOTOGRAPH:  # the ground is plain, so half a turn is a mirror twice
        assert np.abs(around[::-1, ::-1].astype(int) - rest).mean() < 2
    assert problem(animal, light=50)[0].mean() == pytest.approx(rest.mean() / 2, rel=0.02)
    shares = [problem(animal, cover=cover)[1] for cover in (0, 30, 60, 90)]
    assert shares == sorted(shares) and shares[-1] > 0.6
    small = problem(animal, size=30)[0]
    same = (np.abs(small.astype(int) - rest[0, 0]).max(axis=-1) <= 1).mean()
    assert same > 0.85  # most of the picture is ground now


@pytest.mark.parametrize("knob", KNOBS)
def test_strips_are_the_answers_at_each_position(explorer, knob):
    explorer.swept = knob
    right = explorer.sweep()
    places = explorer.strips["places"]
    assert places[0] == KNOBS[knob][0] and places[-1] == KNOBS[knob][1]
    assert not any(right["dog"])
    for place, yes in list(zip(places, right["light"], strict=True))[::5]:
        setattr(explorer, knob, place)
        assert (explorer.answers()["light"] == "cat") == yes


def test_what_a_page_without_python_recalls_is_what_python_says(explorer):
    made = explorer.recorded["made"]
    sheet = Image.open(io.BytesIO(explorer.recorded["sheet"]))
    assert sheet.size == (SIZE, SIZE * len(made)) and len(explorer.recorded["sheet"]) < 250_000
    for place in range(0, len(made), 7):
        for name, value in made[place]["of"].items():
            setattr(explorer, name, value)
        assert made[place]["words"] == explorer.describe()
        assert made[place]["scores"]["light"] == pytest.approx(explorer.view["scores"]["light"], abs=1e-4)
        shown = np.asarray(sheet)[SIZE * place : SIZE * (place + 1)].astype(int)
        assert np.abs(shown - explorer.image()).mean() < 5


def test_the_browser_asks_for_strips_of_known_knobs_only(explorer):
    explorer._receive(explorer, {"sweep": "size"}, [])
    assert explorer.strips["knob"] == "size"
    explorer._receive(explorer, {"sweep": "__class__"}, [])
    assert explorer.strips["knob"] == "size"
