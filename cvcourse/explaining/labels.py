"""Checks of labels, last layer and loss: do they go together?

Each check yields (Explanation, candidates): a candidate is a line of code and the `Setup` after it.
"""

import keras
import numpy as np
from keras import layers

from cvcourse.explaining.explanation import Explanation
from cvcourse.explaining.setups import BINARY, CATEGORICAL, SPARSE, activation_of, entropy, numbers, spelled

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
        yield (Explanation("broadcast", shapes=facts, formula="(N,) − (N, 1) = (N, N)"),
               [("y = y[:, np.newaxis]", setup._replace(y=setup.y[..., None]))])


def one_hot(array):
    """Return whether an array holds one-hot rows."""
    return array is not None and array.ndim > 1 and array.shape[-1] > 1 and bool(
        ((array == 0) | (array == 1)).all() and (array.sum(axis=-1) == 1).all())


def _loss(setup, name):
    """Return the candidate with another cross-entropy."""
    loss = entropy(name, setup.known_loss[1])
    return f"loss={spelled(loss)}", setup._replace(loss=loss)


def _outputs(setup, count, activation=(), loss=None):
    """Return the candidate with another number of outputs (activation, loss); [] if no layer has one."""
    for layer in setup.ends:
        name = next((one for one in ("units", "filters") if hasattr(layer, one)), None)
        if name:
            settings = {name: count} | ({} if activation == () else {"activation": activation})
            words = ", ".join(f"{key}={value!r}" for key, value in settings.items()).replace("'", '"')
            words += f'; loss="{loss}"' if loss else ""
            new = setup.with_layer(layer, **settings)
            return [(f'{words}  # in "{layer.name}"', new._replace(loss=loss) if loss else new)]
    return []


def _classes(setup, y, output, array, facts):
    """Labels against a cross-entropy."""
    name, count = setup.known_loss[0], output[-1]
    one_each = y[:-1] if y[-1:] == (1,) else y  # the shape, where there is one number for each example
    if count == 1 and name != BINARY:
        yield from _one_output(setup, array, facts)
    elif len(one_each) < 3 < len(output) or (len(one_each) == 1 and len(output) == 3):
        yield _not_flattened(setup, facts)
    elif name == SPARSE and len(y) == len(output) and y[-1] == count:
        cures = [_loss(setup, CATEGORICAL)]
        if array is not None:
            cures.append(("y = y.argmax(axis=-1)", setup._replace(y=array.argmax(axis=-1))))
        yield Explanation("one_hot_labels", shapes=facts), cures
    elif name != SPARSE and count > 1 and len(one_each) == len(output) - 1:
        cures = [_loss(setup, SPARSE)]
        if array is not None and array.min() >= 0 and array.max() < count:
            rows = keras.utils.to_categorical(array, count)
            cures.append((f"y = keras.utils.to_categorical(y, {count})", setup._replace(y=rows)))
        yield Explanation("number_labels", shapes=facts), cures
    elif name != SPARSE and len(y) == len(output) and y[-1] != count:
        yield Explanation("outputs", shapes=facts, formula=f"{y[-1]} ≠ {count}"), _outputs(setup, y[-1])
    elif name == BINARY and count > 1 and setup.ending[1] == "softmax" and one_hot(array):
        yield Explanation("binary_for_classes", shapes=facts), [_loss(setup, CATEGORICAL)]
    elif array is not None and name != CATEGORICAL and len(one_each) <= len(output) - (name == SPARSE):
        yield from (_class_numbers if name == SPARSE else _two_classes)(setup, array, count, facts)


def _one_output(setup, array, facts):
    most = 1 if array is None else array.shape[-1] - 1 if one_hot(array) else int(array.max())
    cures = _outputs(setup, 1, "sigmoid", BINARY) if most == 1 else []
    yield (Explanation("one_output", shapes=facts, formula="softmax of one number is always 1"),
           cures + _outputs(setup, max(2, most + 1), "softmax"))


def _not_flattened(setup, facts):
    """The answer at each place: what is missing goes in front of the first Dense of those at the end."""
    chain = []
    for layer in setup.ends:
        if not isinstance(layer, (layers.Dense, layers.Activation, layers.Softmax)):
            break
        chain.append(layer)
    first = next((layer for layer in reversed(chain) if isinstance(layer, layers.Dense)), None)
    pool = {4: layers.GlobalAveragePooling2D, 3: layers.GlobalAveragePooling1D}.get(len(facts["output"]))
    parts = [part for part in (layers.Flatten, pool) if part and first]
    places = "·".join(map(str, facts["output"][1:-1]))
    return (Explanation("missing_flatten", first and first.name, facts, f"{places} answers for one image"),
            [(f'layers.{part.__name__}()  # in front of "{first.name}"',
              setup.with_parts({first: [part(), first]})) for part in parts])


def _class_numbers(setup, array, count, facts):
    """Labels that are numbers of classes."""
    low, high = array.min(), array.max()
    formula = f"labels from {low:g} to {high:g}; {count} outputs: 0 to {count - 1}"
    if (array != np.round(array)).any():
        yield (Explanation("labels_not_whole", shapes=facts, formula=formula),
               _outputs(setup, 1, None, "mse"))
    elif high == count and low == 1:
        yield Explanation("labels_from_one", shapes=facts, formula=formula), [
            ("y = y - 1", setup._replace(y=array - 1)), *_outputs(setup, int(high) + 1)]
    elif high >= count or low < 0:
        shifted = [(f"y = y - ({low:g})", setup._replace(y=array - low))]
        yield (Explanation("outputs", shapes=facts, formula=formula),
               _outputs(setup, int(high) + 1) if low >= 0 else shifted)


def _two_classes(setup, array, count, facts):
    """Labels for one yes or no."""
    low, high = array.min(), array.max()
    if low == -1 and high == 1:
        yield Explanation("labels_minus_one", shapes=facts), [
            ("y = (y + 1) / 2", setup._replace(y=(array + 1) / 2))]
    elif count == 1 and (high > 1 or low < 0):
        formula = f"labels from {low:g} to {high:g}; 1 output"
        yield (Explanation("binary_for_classes", shapes=facts, formula=formula),
               _outputs(setup, int(high) + 1, "softmax", SPARSE))


def _activation(setup, name, logits, output):
    """The last activation against the loss."""
    layer, activation = setup.ending
    if activation is None:
        return
    right = "sigmoid" if name == BINARY else "softmax"
    facts, cures = {"activation": activation}, []
    before = activation_of((setup.ends[1:] or [None])[0])
    plain, kind, give = setup._replace(loss=name), None, ()
    if activation == before == "softmax" and not layer.weights:
        kind = "softmax_twice"
        cures = [(f'leave out "{layer.name}"', setup.with_parts({layer: []}))]
    elif activation == "softmax" and output[-1] == 1:
        kind, give, facts["formula"] = "softmax_of_one", (right,), "e^z / e^z = 1"
    elif logits and activation in ("softmax", "sigmoid"):
        kind, give = f"{activation}_twice", (None,)
        cures = [(f'loss="{name}"  # without from_logits', plain)]
    elif not logits and activation == "linear":
        kind, give, loss = "logits", (right,), entropy(name, True)
        cures = [(f"loss={spelled(loss)}", setup._replace(loss=loss))]
    elif activation != "linear" and activation != right and (name, activation) != (BINARY, "softmax"):
        kind, give = "sigmoid_for_classes" if activation == "sigmoid" else "wrong_activation", (right,)
    if kind:
        cures += [_ending(plain if new else setup, new) for new in give]
        yield Explanation(kind, layer.name, facts, activation=activation, right=right), cures


def _ending(setup, activation):
    """Return the candidate with another last activation."""
    layer, _ = setup.ending
    word = f'"{activation}"' if activation else activation
    return f'activation={word}  # in "{layer.name}"', setup.with_layer(layer, activation=activation)


def _regression(setup, y, output, array, facts):
    """Labels that are measured."""
    (layer, activation), one = setup.ending, output[-1] == 1
    ours = y[:-1] if len(y) > len(output) and y[-1] == 1 else y
    theirs = output[:-1] if len(output) > len(y) and one else output
    if len(y) < 3 < len(output):
        yield _not_flattened(setup, facts)
    elif len(ours) != len(theirs) or ours[1:] != theirs[1:]:
        yield (Explanation("outputs", shapes=facts, formula=f"{ours[1:]} ≠ {theirs[1:]}"),
               _outputs(setup, y[-1] if len(y) == len(output) else 1))
    elif array is not None:
        low, high = array.min(), array.max()
        measured = (array != np.round(array)).any() or (one and len(np.unique(array)) > 2)
        if measured and any(name == "acc" or name.endswith("accuracy") for name in setup.metrics):
            yield Explanation("accuracy_for_regression", shapes=facts), [
                ('metrics=["mae"]', setup._replace(metrics=("mae",)))]
        bottom, top = LIMITS.get(activation, (-np.inf, np.inf))
        if (activation == "softmax" and one) or low < bottom or high > top:
            kind = "softmax_of_one" if activation == "softmax" and one else "output_range"
            formula = f"labels from {low:g} to {high:g}, {activation} from {bottom} to {top}"
            yield Explanation(kind, layer.name, facts, formula, activation=activation), [_ending(setup, None)]


CHECKS = (labels,)
