"""The losses for boxes: equal to `boxes`, with slopes that lead somewhere, and usable in `compile`."""

import keras
import numpy as np
import pytest
from keras import ops

from cvcourse import backend, boxes, losses

PAIRS = [(losses.iou_loss, boxes.iou), (losses.generalized_iou_loss, boxes.generalized_iou)]


def random_boxes(seed, n=200):
    low, size = np.random.default_rng(seed).random((2, n, 2)) * 20
    return np.concatenate([low, low + size], axis=1).astype("float32")


@pytest.mark.parametrize(("loss", "measure"), PAIRS)
def test_a_loss_is_one_minus_its_measure(loss, measure):
    one, other = random_boxes(0), random_boxes(1)
    np.testing.assert_allclose(loss(one, other), 1 - measure(one, other), atol=1e-5)
    assert loss(one, one).shape == (200,)
    np.testing.assert_allclose(loss(one, one), 0, atol=1e-6)


@pytest.mark.parametrize(("loss", "measure"), PAIRS)
def test_boxes_without_area_give_numbers_and_slopes(loss, measure):
    point = ops.convert_to_tensor([[3.0, 3, 3, 3]])
    slope, value = backend.gradient(lambda box: (ops.sum(loss(point, box)), loss(point, box)), point)
    assert np.isfinite(slope).all()
    assert np.isfinite(value).all()


@pytest.mark.parametrize(("loss", "measure"), PAIRS)
@pytest.mark.parametrize("place", [4.0, 14.0])
def test_slopes_are_those_of_small_steps(loss, measure, place):
    true, box = np.array([0, 0, 10, 8.0]), np.array([place, 1, place + 7, 9.0])
    slope, _ = backend.gradient(lambda box: (loss(true, box), box), ops.convert_to_tensor(box, "float32"))
    steps = 1e-4 * np.eye(4)
    expected = [(measure(true, box - step) - measure(true, box + step)) / 2e-4 for step in steps]
    np.testing.assert_allclose(slope, expected, atol=1e-4)


def test_only_the_generalised_loss_pulls_from_afar():
    true, far = ops.convert_to_tensor([0.0, 0, 10, 10]), ops.convert_to_tensor([30.0, 0, 40, 10])
    plain, _ = backend.gradient(lambda box: (losses.iou_loss(true, box), box), far)
    general, _ = backend.gradient(lambda box: (losses.generalized_iou_loss(true, box), box), far)
    assert not np.any(plain)
    assert np.abs(general).max() > 0.005


@pytest.mark.parametrize("loss", [losses.iou_loss, losses.generalized_iou_loss])
def test_keras_takes_it_as_a_loss(loss):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    model.compile(optimizer="sgd", loss=loss, jit_compile=False)
    assert np.isfinite(model.train_on_batch(np.ones((5, 3)), random_boxes(0, 5)))


@pytest.mark.parametrize("loss", [losses.iou_loss, losses.generalized_iou_loss])
def test_bad_boxes_are_named(loss):
    with pytest.raises(ValueError, match=r"y_pred must have the shape \(…, 4\).*Received: shape"):
        loss(np.zeros((2, 4)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"must have one shape.*Received: shapes \(2, 4\) and \(3, 4\)"):
        loss(np.zeros((2, 4)), np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"y_true must have the shape \(…, 4\).*Received: shape"):
        loss(3.0, np.zeros((2, 4)))
    with pytest.raises(TypeError, match=r"y_true must be an array of numbers.*Received: y_true=None"):
        loss(None, np.zeros((2, 4)))
