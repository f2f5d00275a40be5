"""The architectures are those of the papers, layer by layer."""

import keras
import numpy as np
import pytest

from cvcourse.models import vgg


@pytest.fixture(scope="module")
def both():
    with keras.StatelessScope(initialize_variables=False):
        return vgg.vgg16(), keras.applications.VGG16(weights=None)


def test_vgg16_is_kerass_vgg16(both):
    ours, theirs = both
    assert ours.count_params() == 138_357_544
    assert [layer.name for layer in ours.layers[1:]] == [layer.name for layer in theirs.layers[1:]]
    for a, b in zip(ours.layers, theirs.layers, strict=True):
        assert a.count_params() == b.count_params() and a.output.shape == b.output.shape


def test_course_network_takes_any_size_from_32():
    model = vgg.course_network()
    for size in (32, 47, 64):
        outputs = np.asarray(model(np.zeros((2, size, size, 3), "float32")))
        np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.name for layer in convolutions] == [
        f"block{block}_conv{i}" for block, (_, count) in enumerate(vgg.VGG16, 1) for i in range(1, count + 1)
    ]
