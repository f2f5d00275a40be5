"""ResNet, MobileNet and EfficientNet are Keras's, layer by layer, and compute what Keras's compute."""

import keras
import numpy as np
import pytest
from keras import applications, layers

from cvcourse.league import LEAGUE
from cvcourse.models import efficientnet, mobilenet, resnet
from cvcourse.summary import summarize

# (expansion, filters, blocks, stride of the first block) of each stage of MobileNetV2: the paper's table 2.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
          (6, 320, 1, 1))  # fmt: skip


def mobilenet_v2():
    """MobileNetV2 of the course's blocks."""
    x = inputs = keras.Input((224, 224, 3))
    x = layers.Conv2D(32, 3, 2, padding="same", use_bias=False, name="Conv1")(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(name="bn_Conv1")(x))
    strides = [(stage, 1 if block else stage[3]) for stage in STAGES for block in range(stage[2])]
    for number, ((expansion, filters, *_), stride) in enumerate(strides):
        name = f"block_{number}" if number else "expanded_conv"
        x = mobilenet.inverted_residual(x, filters, stride, expansion, name)
    x = layers.Conv2D(1280, 1, use_bias=False, name="Conv_1")(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(name="Conv_1_bn")(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(1000, activation="softmax", name="predictions")(x))


PAIRS = [
    pytest.param(resnet.resnet50, applications.ResNet50, 25_636_712, id="resnet50"),
    pytest.param(mobilenet.mobilenet, applications.MobileNet, 4_253_864, id="mobilenet"),
    pytest.param(
        lambda: mobilenet.mobilenet(alpha=0.5),
        lambda weights: applications.MobileNet(alpha=0.5, weights=weights),
        1_342_536,
        id="mobilenet-half",
    ),
    pytest.param(mobilenet_v2, applications.MobileNetV2, 3_538_984, id="mobilenet_v2"),
    pytest.param(efficientnet.efficientnet, applications.EfficientNetB0, 5_330_571, id="efficientnet-b0"),
]


def working(summary):
    """The rows of a summary without those that only pad, rename or keep the input."""
    return [row for row in summary.rows if row["type"] not in ("InputLayer", "ZeroPadding2D")]


@pytest.mark.parametrize(("ours", "theirs", "params"), PAIRS)
def test_layer_by_layer_equal_to_keras(ours, theirs, params):
    one, other = summarize(ours), summarize(lambda: theirs(weights=None))
    assert one.total_params == other.total_params == params
    assert one.macs == other.macs
    for key in ("output_shape", "params", "macs"):
        assert [row[key] for row in working(one)] == [row[key] for row in working(other)]
    named = [[row["name"] for row in summary.rows if row["params"]] for summary in (one, other)]
    assert named[0] == named[1]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda: resnet.resnet50((64, 64, 3), 10), applications.ResNet50),
        (
            lambda: mobilenet.mobilenet((64, 64, 3), 0.25, 10),
            lambda **a: applications.MobileNet(alpha=0.25, **a),
        ),
        (lambda: efficientnet.efficientnet(resolution=64, classes=10), applications.EfficientNetB0),
    ],
)
def test_same_weights_give_the_same_answer(ours, theirs):
    keras.utils.set_random_seed(0)
    one, other = ours(), theirs(weights=None, input_shape=(64, 64, 3), classes=10)
    for layer in one.layers:
        if layer.weights:
            layer.set_weights(other.get_layer(layer.name).get_weights())
    image = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype("float32")
    np.testing.assert_allclose(one(image), other(image), atol=1e-5)


@pytest.mark.parametrize("depth", [20, 56])
def test_plain_twin_has_the_parameters_of_the_residual_network(depth):
    plain = summarize(lambda: resnet.resnet_cifar(depth, residual=False))
    residual = summarize(lambda: resnet.resnet_cifar(depth))
    assert plain.total_params == residual.total_params
    assert plain.macs == residual.macs
    layers = [row for row in plain.rows if row["type"] in ("Conv2D", "Dense")]
    assert len(layers) == depth


def test_a_basic_block_adds_its_input():
    inputs = keras.Input((4, 4, 2))
    block = keras.Model(inputs, resnet.basic_block(inputs, 3, stride=2, name="block"))
    block.get_layer("block_2_bn").gamma.assign(np.zeros(3))  # F(x) = 0
    image = np.arange(32, dtype="float32").reshape(1, 4, 4, 2)
    output = np.asarray(block(image))
    np.testing.assert_array_equal(output[..., :2], image[:, ::2, ::2])
    np.testing.assert_array_equal(output[..., 2], 0)


@pytest.mark.parametrize("depth", [2, 7, 21, 57])
def test_a_depth_that_does_not_fit_is_explained(depth):
    with pytest.raises(ValueError, match=f"6 n \\+ 2.*Received: depth={depth}"):
        resnet.resnet_cifar(depth)


@pytest.mark.parametrize("name", efficientnet.SCALES)
def test_every_scale_is_kerass(name):
    width, depth, resolution = efficientnet.SCALES[name]
    one = summarize(lambda: efficientnet.efficientnet(width, depth, resolution))
    assert (one.total_params, one.macs) == LEAGUE[f"EfficientNet{name}"][2:]  # Keras's: test_summary
