"""Checks of the data that go into a model, and of the model's own state.

Each check yields (Explanation, candidates): a candidate is a line of code that can be tried by running it on
the setup, or a pair of a line and the `Setup` after it.
"""

import contextlib

import keras
import numpy as np
from keras import layers

from cvcourse.explaining.explanation import Explanation
from cvcourse.explaining.setups import numbers
from cvcourse.explaining.trials import remade
from cvcourse.keras_graph import named_layers


def structure(setup):
    """Lists, words, lengths, and how many arrays there are."""
    model, x, y, loss = setup.model, setup.x, setup.y, setup.loss
    counts = [len(getattr(model, key, None) or [0]) for key in ("inputs", "outputs")]
    for key, count, given in zip(("number_of_inputs", "number_of_outputs"), counts, (x, y), strict=True):
        if count > 1 and hasattr(given, "shape"):
            yield Explanation(key, formula=f"{count} ≠ 1", count=count), []
    names = getattr(model, "output_names", None) or ()
    if isinstance(loss, dict) and not set(loss) & set(names):
        named = dict(zip(names, loss.values(), strict=False)) or next(iter(loss.values()))
        facts = {"outputs": ", ".join(names) or "one, without a name"}
        cure = f"loss={named!r}", setup._replace(loss=named)
        yield Explanation("output_names", shapes=facts, given=", ".join(loss)), [cure]
    if counts == [1, 1] and any(isinstance(one, list) and not hasattr(one[0], "shape") for one in (x, y)):
        yield Explanation("lists"), [_both(setup, "np.array({})")]
    if str(getattr(y, "dtype", "")).startswith(("<U", "|S", "object", "str")):
        yield Explanation("label_strings"), ["classes, y = np.unique(y, return_inverse=True)"]
    rows = [one.shape[0] for one in (x, y) if getattr(one, "shape", None)]
    if len(rows) == 2 and None not in rows and rows[0] != rows[1] and takes(model, x.shape):
        line = f"{_both(setup, f'{{}}[:{min(rows)}]')}  # if the first {min(rows)} belong together"
        yield Explanation("lengths", shapes={"x": tuple(x.shape), "y": tuple(y.shape)}), [line]


def _both(setup, form):
    """Return the line that does the same to x and y, as far as they are given."""
    names = [name for name in "xy" if getattr(setup, name) is not None]
    return f"{', '.join(names)} = {', '.join(map(form.format, names))}"


def takes(model, shape):
    """Return whether a model takes data of this shape; True where it does not say."""
    inputs = getattr(model, "inputs", None)
    if not inputs or len(inputs) != 1:
        return True
    wanted, shape = tuple(inputs[0].shape), tuple(shape)
    if len(shape) == len(wanted) - 1 and wanted[-1] == 1:  # Keras does these two by itself
        shape = (*shape, 1)
    elif len(shape) == len(wanted) + 1 and shape[-1] == 1:
        shape = shape[:-1]
    return len(wanted) == len(shape) and all(
        a is None or b is None or a == b for a, b in zip(wanted[1:], shape[1:], strict=True)
    )


def input_shape(setup):
    """What the model was built for, and what comes."""
    model, shape = setup.model, tuple(getattr(setup.x, "shape", ()))
    if not shape or takes(model, shape):
        return
    wanted, found = tuple(model.inputs[0].shape), []
    for kind, code in _changes(shape, wanted[1:]):
        count = shape[0] if kind == "no_batch_axis" else 2
        blank = np.zeros([2 if size is None else size for size in (count, *shape[1:])], "float32")
        new = setup.few()._replace(x=blank).after(code)
        if new and takes(model, new.x.shape):
            found.append((kind, (code, new)))
    kind = found[0][0] if found else "input_shape"
    if kind in ("input_shape", "other_size") and None not in shape[1:]:
        found.append((kind, (f"keras.Input({shape[1:]})  # in the model", setup.with_parts({}, shape[1:]))))
    cures = [candidate for one, candidate in found if one == kind]
    yield Explanation(kind, shapes={"x": shape, "the model wants": wanted}, what="The model"), cures


def _changes(shape, wanted):
    """Yield (kind, code): ways to bring data to the shape that is wanted."""
    depth, images = wanted[-1], len(shape) == len(wanted) + 1 == 4
    yield "no_batch_axis", "x = x[np.newaxis]"
    yield "no_channel_axis", "x = x[..., np.newaxis]"
    yield "channels_first", "x = np.moveaxis(x, 1, -1)"
    if images and shape[-1] == 4:
        yield "channels", "x = x[..., :3]  # without transparency"
    if images and shape[-1] == 1:
        yield "channels", f"x = np.repeat(x, {depth}, axis=-1)"
    if images and depth == 1:
        yield "channels", "x = x.mean(axis=-1, keepdims=True)"
    if len(wanted) == 1:
        yield "not_flat", "x = x.reshape(len(x), -1)"
    if len(shape) == 2 and None not in wanted:
        yield "flat", f"x = x.reshape(-1, {', '.join(map(str, wanted))})"
    if images and None not in wanted[:2]:
        yield "other_size", f"x = keras.ops.image.resize(x, {wanted[:2]})"


def finite(setup):
    """NaN in the data or in the weights."""
    for name in "xy":
        array = numbers(getattr(setup, name))
        if array is not None and array.dtype.kind == "f" and not np.isfinite(array.sum(dtype="float64")):
            bad = ~np.isfinite(array.reshape(len(array), -1)).all(axis=1)
            line = f"good = np.isfinite({name}.reshape(len({name}), -1)).all(axis=1); "
            line += _both(setup, "{}[good]")
            yield Explanation("nan", formula=f"{bad.sum()} of {len(bad)} rows", data=name), [line]
    with contextlib.suppress(Exception):  # weights that are shapes alone have no numbers
        sums = {
            weight.path: keras.ops.convert_to_numpy(keras.ops.sum(weight)) for weight in setup.model.weights
        }
        bad = next((path for path, total in sums.items() if not np.isfinite(total)), None)
        if bad:
            line = "model = keras.models.clone_model(model)  # new weights; then a smaller learning_rate"
            yield Explanation("nan_weights", bad), [(line, setup.with_parts({}))]


def pixel_range(setup):
    """Pixels from 0 to 255 that nothing scales."""
    array, inner = numbers(setup.x), list(named_layers(setup.model).values())
    scaling = (layers.Rescaling, layers.Normalization, layers.Lambda, layers.Embedding)
    if array is None or not inner or (array.ndim < 3 and array.dtype != np.uint8):
        return
    if isinstance(inner[0], layers.BatchNormalization) or any(isinstance(one, scaling) for one in inner):
        return
    low, high = array.min(), array.max()
    if low >= 0 and 32 < high <= 255:
        line = 'x = x.astype("float32") / 255'
        cure = line, setup.few().after(line)
        yield Explanation("range", formula=f"{low:g} to {high:g}, {array.dtype}"), [cure]


def frozen(setup):
    """Nothing that can learn."""
    model = setup.model
    if setup.loss is None or not getattr(model, "weights", None) or model.trainable_weights:
        return
    owners = [layer for layer in model.layers if layer.weights]
    ways = {"model.trainable = True": owners}
    if model.trainable:
        ways = {f'model.get_layer("{owners[-1].name}").trainable = True': owners[-1:]} | ways
    cures = [
        (
            f"{code}  # then compile again",
            setup.with_parts({one: [remade(one, trainable=True)] for one in some}),
        )
        for code, some in ways.items()
    ]
    yield Explanation("frozen", formula="trainable parameters: 0"), cures


def normalisation(setup):
    """Batch norm over another axis than the channels."""
    for path, layer in named_layers(setup.model).items():
        rank = getattr(getattr(layer, "input_spec", None), "ndim", None) or 0
        if isinstance(layer, layers.BatchNormalization) and rank > 2 and layer.axis not in (-1, rank - 1):
            cure = setup.with_layer(layer, axis=-1)
            yield Explanation("batch_norm_axis", path, formula=f"axis = {layer.axis}"), [cure]


CHECKS = (structure, input_shape, finite, pixel_range, frozen, normalisation)
