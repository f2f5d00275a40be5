"""The Mark 1 perceptron: photocells, random wires, and a layer that learns from its mistakes.

Three kinds of units. Sensory units (S) are photocells: light or no light. Association units (A) add up some
photocells, each with a fixed random sign, and are on if the sum is above a threshold. Response units (R) add
up the A-units with weights; only these weights learn. The rule: if the answer is right, do nothing; if not,
add the A-units' states to the weights of an answer that should have been "yes", and take them away from one
that should have been "no". If any weights are right for all examples, the rule finds some after finitely
many mistakes; if none are (exclusive or), it never rests.

Sources: Rosenblatt, "The Perceptron", Psychological Review 65, 1958; "Principles of Neurodynamics", 1962;
Hay, Lynch and Smith, "Mark I Perceptron Operators' Manual", 1960: 400 photocells, each with up to 40 wires to
512 A-units, 8 R-units.

How this one differs. It has one R-unit for each class and takes the largest sum as the answer, where the
machine's 8 R-units answered yes or no. Its weights are numbers, not motors that turn potentiometers between
two stops. Each photocell has exactly 40 wires. A photocell is on where the picture is brighter than its mean.
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

SIDE, A_UNITS, WIRES = 20, 512, 40


def perceptron_step(weights: np.ndarray, x: np.ndarray, target: int) -> tuple[np.ndarray, bool]:
    """Return the weights after one example, and whether the answer was wrong.

    Args:
        weights: array (D,).
        x: array (D,), the example; a constant 1 among its values makes the threshold.
        target: 1 or -1, the answer that is wanted.

    Example:
        >>> perceptron_step(np.zeros(2), np.array([1.0, 2.0]), -1)
        (array([-1., -2.]), True)
    """
    wrong = bool(target * (weights @ x) <= 0)
    return (weights + target * x if wrong else weights), wrong


def photocells(images: ArrayLike) -> np.ndarray:
    """Return what 20×20 photocells see: bool array (N, 400), on where brighter than the picture's mean.

    Args:
        images: array (N, H, W) or (N, H, W, C), any range.
    """
    grey = np.asarray(images, "float32")
    grey = grey.mean(axis=-1) if grey.ndim == 4 else grey
    rows, columns = (_average(side) for side in grey.shape[1:])
    cells = (rows @ grey @ columns.T).reshape(len(grey), -1)  # (N, 20, 20) -> (N, 400)
    return cells > cells.mean(axis=1, keepdims=True)


def _average(side):
    """Return the matrix (SIDE, side) that averages a line of pixels over equal parts of it."""
    edges, pixels = np.linspace(0, side, SIDE + 1), np.arange(side)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.clip(overlap, 0, None).astype("float32") * SIDE / side


class Mark1:
    """A perceptron for pictures: `fit`, then `predict`.

    Attributes:
        wires: array (400, 512) of -1, 0 and 1, drawn once and never changed.
        weights: array (512 + 1, classes), those of the R-units; the last row belongs to a constant 1.
        mistakes: list, how many pictures of each epoch changed a weight.

    Args:
        classes: int, number of R-units.
        seed: int, for the wires and the order of the pictures.

    Example:
        >>> images = np.array([[[0, 1], [0, 1]], [[1, 1], [0, 0]]])
        >>> Mark1(classes=2).fit(images, [0, 1], epochs=5).predict(images)
        array([0, 1])
    """

    def __init__(self, classes=10, seed=0):
        self.rng = np.random.default_rng(seed)
        self.wires = np.zeros((SIDE * SIDE, A_UNITS), "float32")
        for wires in self.wires:
            wires[self.rng.choice(A_UNITS, WIRES, replace=False)] = self.rng.choice((-1, 1), WIRES)
        self.weights = np.zeros((A_UNITS + 1, classes), "float32")
        self.mistakes = []

    def associate(self, images: ArrayLike) -> np.ndarray:
        """Return the states of the A-units, 0 or 1, and a constant 1: float32 array (N, 513)."""
        on = photocells(images).astype("float32") @ self.wires > 0
        return np.hstack([on, np.ones((len(on), 1))]).astype("float32")

    def fit(self, images: ArrayLike, labels: Sequence[int] | np.ndarray, epochs: int = 10) -> Self:
        """Show the pictures `epochs` times in random order, one by one; return the perceptron."""
        states = self.associate(images)
        targets = np.where(np.eye(self.weights.shape[1])[labels] > 0, 1, -1)
        for _ in range(epochs):
            mistakes = 0
            for k in self.rng.permutation(len(states)):
                wrong = targets[k] * (states[k] @ self.weights) <= 0
                if wrong.any():
                    self.weights[:, wrong] += np.outer(states[k], targets[k, wrong])
                    mistakes += 1
            self.mistakes.append(mistakes)
        return self

    def predict(self, images: ArrayLike) -> np.ndarray:
        """Return the number of the R-unit with the largest sum: int array (N,)."""
        return (self.associate(images) @ self.weights).argmax(axis=1)
