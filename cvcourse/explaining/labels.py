"""Checks of labels, last layer and loss: do they go together?

Each check yields (Explanation, candidates), as those in `data` do.
"""

import keras
import numpy as np
from keras import layers

from cvcourse.explaining.explanation import Explanation
from cvcourse.explaining.setups import BINARY, CATEGORICAL, SPARSE, activation_of, entropy, numbers

REGRESSION = {"mean_squared_error", "mean_absolute_error", "huber", "log_cosh"}
LIMITS = {"sigmoid": (0, 1), "tanh": (-1, 1), "relu": (0, np.inf), "softmax": (0, 1)}


def labels(setup):
    """Everything at once, since each check needs the shapes of the labels and of the one output."""
    y, output = tuple(getattr(setup.y, "shape", ())), setup.output
    name, logits = setup.known_loss
    if not y or output is None or setup.loss is None:
        return
    facts, array = {"labels": y, "output": output}, numbers(setup.y)
    if name in (SPARSE, CATEGORICAL, BINARY):
        yield from _classes(setup, y, output, array, facts)
        if output[-1] > 1 or name == BINARY:
            yield from _activation(setup, name, logits, output)
    elif name in REGRESSION:
        yield from _regression(setup, y, output, array, facts)
    own = isinstance(setup.loss, keras.losses.Loss) and not hasattr(setup.loss, "fn")
    if own and len(y) == len(output) - 1 and output[-1] == 1:
        yield Explanation("broadcast", None, facts, "(N,) − (N, 1) = (N, N)"), ["y = y[:, np.newaxis]"]


def one_hot(array):
    """Return whether an array holds one-hot rows."""
    return (
        array is not None
        and array.ndim > 1
        and array.shape[-1] > 1
        and bool(((array == 0) | (array == 1)).all() and (array.sum(axis=-1) == 1).all())
    )


def _outputs(setup, count, loss=None, **activation):
    """Return the candidate with another number of outputs (activation, loss); [] if no layer has one."""
    found = ((layer, name) for layer in setup.ends for name in ("units", "filters") if hasattr(layer, name))
    return [setup.with_layer(layer, loss, **{name: count}, **activation) for layer, name in found][:1]


def _classes(setup, y, output, array, facts):
    """Labels against a cross-entropy."""
    (name, logits), count = setup.known_loss, output[-1]
    one_each = y[:-1] if y[-1:] == (1,) else y  # the shape, where there is one number for each example
    if count == 1 and name != BINARY:
        yield from _one_output(setup, array, facts)
    elif len(one_each) < 3 < len(output) or (len(one_each) == 1 and len(output) == 3):
        yield _not_flattened(setup, facts)
    elif name == SPARSE and len(y) == len(output) and y[-1] == count:
        cures = [entropy(CATEGORICAL, logits), "y = y.argmax(axis=-1)"]
        yield Explanation("one_hot_labels", shapes=facts), cures
    elif name != SPARSE and count > 1 and len(one_each) == len(output) - 1:
        cures = [entropy(SPARSE, logits), f"y = keras.utils.to_categorical(y, {count})"]
        yield Explanation("number_labels", shapes=facts), cures
    elif name != SPARSE and len(y) == len(output) and y[-1] != count:
        yield Explanation("outputs", shapes=facts, formula=f"{y[-1]} ≠ {count}"), _outputs(setup, y[-1])
    elif name == BINARY and count > 1 and setup.ending[1] == "softmax" and one_hot(array):
        yield Explanation("binary_for_classes", shapes=facts), [entropy(CATEGORICAL, logits)]
    elif array is not None and name != CATEGORICAL and len(one_each) <= len(output) - (name == SPARSE):
        yield from (_class_numbers if name == SPARSE else _two_classes)(setup, array, count, facts)


def _one_output(setup, array, facts):
    most = 1 if array is None else array.shape[-1] - 1 if one_hot(array) else int(array.max())
    cures = _outputs(setup, 1, BINARY, activation="sigmoid") if most == 1 else []
    cures += _outputs(setup, max(2, most + 1), activation="softmax")
    yield Explanation("one_output", shapes=facts, formula="softmax of one number is always 1"), cures


def _not_flattened(setup, facts):
    """The answer at each place: what is missing goes in front of the first Dense of those at the end."""
    first = None
    for layer in setup.ends:
        if not isinstance(layer, (layers.Dense, layers.Activation, layers.Softmax)):
            break
        first = layer if isinstance(layer, layers.Dense) else first
    pool = {4: layers.GlobalAveragePooling2D, 3: layers.GlobalAveragePooling1D}.get(len(facts["output"]))
    parts = [part for part in (layers.Flatten, pool) if part and first]
    lines = [f'layers.{part.__name__}()  # in front of "{first.name}"' for part in parts]
    cures = list(zip(lines, (setup.with_parts({first: [part(), first]}) for part in parts), strict=True))
    places = "·".join(map(str, facts["output"][1:-1]))
    return Explanation(
        "missing_flatten", first and first.name, facts, f"{places} answers for one image"
    ), cures


def _class_numbers(setup, array, count, facts):
    """Labels that are numbers of classes."""
    low, high = array.min(), array.max()
    if (array != np.round(array)).any():
        kind, cures = "labels_not_whole", _outputs(setup, 1, "mse", activation=None)
    elif high == count and low == 1:
        kind, cures = "labels_from_one", ["y = y - 1", *_outputs(setup, int(high) + 1)]
    elif high >= count or low < 0:
        kind, cures = "outputs", _outputs(setup, int(high) + 1) if low >= 0 else [f"y = y - ({low:g})"]
    else:
        return
    formula = f"labels from {low:g} to {high:g}; {count} outputs: 0 to {count - 1}"
    yield Explanation(kind, None, facts, formula), cures


def _two_classes(setup, array, count, facts):
    """Labels for one yes or no."""
    low, high = array.min(), array.max()
    if low == -1 and high == 1:
        yield Explanation("labels_minus_one", shapes=facts), ["y = (y + 1) / 2"]
    elif count == 1 and (high > 1 or low < 0):
        formula = f"labels from {low:g} to {high:g}; 1 output"
        cures = _outputs(setup, int(high) + 1, SPARSE, activation="softmax")
        yield Explanation("binary_for_classes", shapes=facts, formula=formula), cures


def _activation(setup, name, logits, output):
    """The last activation against the loss."""
    layer, activation = setup.ending
    if activation is None:
        return
    right = "sigmoid" if name == BINARY else "softmax"
    before, formula = activation_of((setup.ends[1:] or [None])[0]), ""

    def ended():
        return setup._replace(loss=name).with_layer(layer, activation=right)

    if activation == before == "softmax" and not layer.weights:
        kind, cures = "softmax_twice", [(f'leave out "{layer.name}"', setup.with_parts({layer: []}))]
    elif activation == "softmax" and output[-1] == 1:
        kind, cures, formula = "softmax_of_one", [ended()], "e^z / e^z = 1"
    elif logits and activation in ("softmax", "sigmoid"):
        kind = f"{activation}_twice"
        cures = [f'loss="{name}"  # without from_logits', setup.with_layer(layer, activation=None)]
    elif not logits and activation == "linear":
        kind, cures = "logits", [entropy(name, True), ended()]
    elif activation not in ("linear", right) and (name, activation) != (BINARY, "softmax"):
        kind, cures = "sigmoid_for_classes" if activation == "sigmoid" else "wrong_activation", [ended()]
    else:
        return
    facts = {"activation": activation}
    yield Explanation(kind, layer.name, facts, formula, activation=activation, right=right), cures


def _regression(setup, y, output, array, facts):
    """Labels that are measured."""
    (layer, activation), one = setup.ending, output[-1] == 1
    ours = y[:-1] if len(y) > len(output) and y[-1] == 1 else y
    theirs = output[:-1] if len(output) > len(y) and one else output
    if len(y) < 3 < len(output):
        yield _not_flattened(setup, facts)
    elif len(ours) != len(theirs) or ours[1:] != theirs[1:]:
        cures = _outputs(setup, y[-1] if len(y) == len(output) else 1)
        yield Explanation("outputs", shapes=facts, formula=f"{ours[1:]} ≠ {theirs[1:]}"), cures
    elif array is not None:
        low, high = array.min(), array.max()
        measured = (array != np.round(array)).any() or (one and len(np.unique(array)) > 2)
        if measured and any(name == "acc" or name.endswith("accuracy") for name in setup.metrics):
            yield Explanation("accuracy_for_regression", shapes=facts), ['metrics=["mae"]']
        bottom, top = LIMITS.get(activation, (-np.inf, np.inf))
        if (activation == "softmax" and one) or low < bottom or high > top:
            kind = "softmax_of_one" if activation == "softmax" and one else "output_range"
            formula = f"labels from {low:g} to {high:g}, {activation} from {bottom} to {top}"
            cure = setup.with_layer(layer, activation=None)
            yield Explanation(kind, layer.name, facts, formula, activation=activation), [cure]
