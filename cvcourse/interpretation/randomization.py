"""The test that keeps pictures of attribution honest: a network that has learned nothing."""

from collections.abc import Collection

import keras
import numpy as np
from keras import ops

from cvcourse import arguments
from cvcourse.interpretation.passes import check_model
from cvcourse.keras_graph import find_layer, graph_of, named_layers


def randomized(model: keras.Model, seed: int = 0, layers: Collection[str] | None = None) -> keras.Model:
    """Copy of a model whose weights are shuffled: same sizes and spread of weights, nothing learned.

    A picture of what a network looks at must change when the network has learned nothing. If it does
    not, it shows the image or the architecture.

    Args:
        model: built Keras model, Sequential or functional.
        seed: int, of the shuffle.
        layers: names of the layers to shuffle; None for all. From the last layer backwards, one more
            at a time, is the cascade of the paper.

    Returns:
        A new model; the old one is untouched.

    Raises:
        ValueError: if a layer does not exist, the model is not built, or it cannot be copied.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 5, name="conv")])
        >>> other = randomized(model)
        >>> old, new = model.get_weights()[0], other.get_weights()[0]
        >>> bool(np.allclose(old, new)), bool(np.allclose(np.sort(old, None), np.sort(new, None)))
        (False, True)

    Source: Adebayo et al., "Sanity Checks for Saliency Maps", 2018.
    """
    check_model(model)
    rng = np.random.default_rng(arguments.number(seed, "seed", 0, whole=True))
    if not isinstance(layers, list | tuple | set | frozenset | dict | None):
        raise TypeError(f"layers must be a list of names of layers, or None. Received: layers={layers!r}")
    if graph_of(model) is None:
        raise ValueError(
            "model must be Sequential or functional. Received: a class of its own, "
            f"{type(model).__name__}, which Keras cannot copy"
        )
    copy = keras.models.clone_model(model, clone_function=_twin)
    copy.set_weights(model.get_weights())
    known = named_layers(copy)
    done = set()
    for name in known if layers is None else layers:
        for weight in find_layer(copy, name, "layers")[1].weights:
            if id(weight) not in done:  # a nested model has the weights of its layers
                done.add(id(weight))
                weight.assign(rng.permutation(ops.convert_to_numpy(weight).ravel()).reshape(weight.shape))
    return copy


def _twin(layer):
    """A new layer like this one; the layer itself where it has no weights and cannot be copied."""
    try:
        return layer.__class__.from_config(layer.get_config())
    except Exception as error:  # Lambda, or no `get_config`: whatever the class itself raises
        if layer.weights:
            raise ValueError(
                f"model must have layers that Keras can copy. Received: {layer.name!r}, a "
                f"{type(layer).__name__} with weights and without a working get_config"
            ) from error
        return layer
