"""The architectures are those of the papers, layer by layer."""

import keras
import numpy as np

from cvcourse.models import vgg
from cvcourse.summary import summarize


def test_vgg16_is_kerass_vgg16():
    ours, theirs = summarize(vgg.vgg16), summarize(lambda: keras.applications.VGG16(weights=None))
    assert ours.total_params == 138_357_544
    assert [row["output_shape"] for row in ours.rows] == [row["output_shape"] for row in theirs.rows]
    assert [row["params"] for row in ours.rows] == [row["params"] for row in theirs.rows]
    assert [row["name"] for row in ours.rows[1:]] == [row["name"] for row in theirs.rows[1:]]


def test_course_network_takes_any_size_from_32():
    model = vgg.course_network()
    for size in (32, 47, 64):
        outputs = np.asarray(model(np.zeros((2, size, size, 3), "float32")))
        np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.name for layer in convolutions] == [
        f"block{block}_conv{i}" for block, (_, count) in enumerate(vgg.VGG16, 1) for i in range(1, count + 1)
    ]
