"""What goes together in a training, and what becomes of it after a change."""

import contextlib
from typing import Any, NamedTuple

import keras
import numpy as np

from cvcourse.explaining.trials import attempted, changed, last_layers, remade, written
from cvcourse.what_if import make

SPARSE, CATEGORICAL = "sparse_categorical_crossentropy", "categorical_crossentropy"
BINARY = "binary_crossentropy"
PASSING = ("Flatten", "Reshape", "Dropout", "Identity")  # layers that leave the last activation as it is


class Setup(NamedTuple):
    """A model, how it was compiled, and its data."""

    model: Any
    loss: Any
    metrics: tuple
    x: Any
    y: Any

    @property
    def known_loss(self):
        """(name of the loss or None, whether it takes logits)."""
        with contextlib.suppress(Exception):
            loss = keras.losses.get(self.loss)
            config = loss.get_config() if isinstance(loss, keras.losses.Loss) else {}
            name = getattr(getattr(loss, "fn", loss), "__name__", "")
            return (name if hasattr(keras.losses, name) else None), bool(config.get("from_logits"))
        return None, False

    @property
    def output(self):
        """The shape of the one output, with the batch axis; None where it is not known."""
        with contextlib.suppress(Exception):
            given = getattr(self.x, "shape", None) or self.model.inputs[0].shape
            shape = tuple(self.model.compute_output_shape((None, *given[1:])))
            return shape if len(shape) > 1 and all(isinstance(size, int) for size in shape[1:]) else None
        return None

    @property
    def ends(self):
        """The layers that end the model, the last first, without those that only pass numbers on."""
        return [layer for layer in last_layers(self.model) if type(layer).__name__ not in PASSING]

    @property
    def ending(self):
        """(layer that carries the last activation, its name); (None, None) where that is not known."""
        layer = next(iter(self.ends), None)
        name = activation_of(layer)
        return (layer, name) if name else (None, None)

    @property
    def arrays(self):
        """{"x": array, "y": array}, as far as they have values."""
        return {key: value for key in "xy" if (value := numbers(getattr(self, key))) is not None}

    def few(self):
        """The setup with two of its examples, which is enough to try a line of code."""
        return self._replace(**{key: value[:2] for key, value in self.arrays.items()})

    @attempted
    def after(self, code):
        """The setup after a line of code was run; None where it cannot be."""
        names = {"np": np, "keras": keras, **self._asdict(), **self.arrays}
        exec(code, names)
        return Setup(**{name: names[name] for name in self._fields})

    def with_layer(self, layer, loss=None, **settings):
        """(line of code, the setup after it): other settings of one layer and, if given, another loss."""
        more = f'; loss="{loss}"' if loss else ""
        new = self.with_parts({layer: [remade(layer, **settings)]})
        return written(layer, more, **settings), new._replace(loss=loss or self.loss)

    def with_parts(self, swaps, shape=None):
        """The setup with other layers in the place of some; see `trials.changed`."""
        return self._replace(model=changed(self.model, swaps, shape))

    def computes(self):
        """Whether the loss gives a number for two examples and an even output, as far as all is known."""
        shape, name = self.output, self.known_loss[0]
        if numbers(self.y) is None or shape is None or name is None:
            return self.model is not None
        y = np.asarray(self.y[:2])
        y = y[..., None] if y.ndim == len(shape) - 1 and shape[-1] == 1 else y
        even = np.full((len(y), *shape[1:]), 1 / shape[-1], "float32")
        return bool(np.isfinite(keras.ops.convert_to_numpy(keras.losses.get(self.loss)(y, even))).all())


def setup_of(model, x, y):
    """Return the `Setup` of a model and its data."""
    metrics = ()
    with contextlib.suppress(Exception):
        metrics = tuple(map(str, keras.tree.flatten(model.get_compile_config()["metrics"])))
    known = make(model, tuple(getattr(x, "shape", ())[1:]))  # a Sequential has no shapes before it sees data
    return Setup(known, getattr(model, "loss", None), metrics, x, y)


def activation_of(layer):
    """Return the name of the activation with which a layer or operation ends; None where it is not known."""
    by_kind = {"Softmax": "softmax", "ReLU": "relu", "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh"}
    return getattr(getattr(layer, "activation", None), "__name__", by_kind.get(type(layer).__name__))


def entropy(name, logits):
    """Return the line that sets a cross-entropy.

    Example:
        >>> entropy("binary_crossentropy", True)
        'loss=keras.losses.BinaryCrossentropy(from_logits=True)'
    """
    kind = "".join(map(str.title, name.split("_")))
    return f"loss=keras.losses.{kind}(from_logits=True)" if logits else f'loss="{name}"'


def numbers(data):
    """Return data as an array; None where it has no values (yet)."""
    with contextlib.suppress(Exception):
        array = np.asarray(data) if hasattr(data, "shape") else np.zeros(0)
        return array if array.dtype.kind in "biuf" and array.size else None
    return None
