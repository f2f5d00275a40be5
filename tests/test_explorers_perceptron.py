"""The perceptron explorer without a browser: its rule, its words, its picture, its errors."""

import numpy as np
import pytest

from cvcourse.explorers import Perceptron
from cvcourse.explorers.perceptron import MOST_SHOWN, separable


@pytest.mark.parametrize("preset", ["OR", "AND"])
def test_the_rule_rests_where_a_line_exists(preset):
    explorer = Perceptron(preset)
    assert explorer.wrong() == [1, 2, 3, 4]
    while explorer.wrong():
        assert len(explorer.history) < MOST_SHOWN
        explorer.step()
    w1, w2, b = explorer.weights
    assert all(kind * (w1 * x + w2 * y + b) > 0 for x, y, kind in explorer.points)
    assert "the rule rests" in explorer.description == explorer.describe()
    weights = explorer.weights
    explorer.step()
    assert explorer.weights == weights and explorer.history[-1] == 0


def test_xor_never_rests_and_the_words_say_so():
    explorer = Perceptron("XOR")
    for _ in range(MOST_SHOWN + 5):
        explorer.step()
        assert explorer.wrong()
    assert len(explorer.history) == MOST_SHOWN
    assert "will never rest" in explorer.describe()
    explorer.points = [*explorer.points[:3], [0.1, 0.1, -1]]
    assert "the rule will find one" in explorer.describe()


def test_separable_agrees_with_the_rule():
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        points = [(*rng.random(2), rng.choice((-1, 1))) for _ in range(5)]
        weights = np.zeros(3)
        for _ in range(3000):
            before = weights.copy()
            for x, y, kind in points:
                if kind * (weights @ (x, y, 1)) <= 0:
                    weights += kind * np.array([x, y, 1])
            if np.array_equal(before, weights):
                break
        rests = np.array_equal(before, weights)
        assert separable(points) or not rests
        seen.add((separable(points), rests))
    assert {(True, True), (False, False)} <= seen


@pytest.mark.parametrize("points", [[(-0.5, -0.5, 1), (1.5, 1.5, -1)], [(k / 9, 0.3, 1) for k in range(9)]])
def test_both_ends_of_the_range_are_drawn(points):
    explorer = Perceptron(points=points)
    explorer.step()
    assert explorer.describe() in explorer.figure().alt
