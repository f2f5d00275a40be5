"""Checks of the data that go into a model, and of the model's own state.

Each check yields (Explanation, candidates): a candidate is a line of code and the `Setup` after it.
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
        yield (Explanation("output_names", shapes=facts, given=", ".join(loss)),
               [(f"loss={named!r}", setup._replace(loss=named))])
    plain = [isinstance(one, list) and not hasattr(one[0], "shape") for one in (x, y)]
    if counts == [1, 1] and any(plain):
        both = setup._replace(x=np.array(x), y=None if y is None else np.array(y))
        yield Explanation("lists"), [("x, y = np.array(x), np.array(y)", both)]
    if str(getattr(y, "dtype", "")).startswith(("<U", "|S", "object", "str")):
        whole = setup._replace(y=np.unique(y, return_inverse=True)[1])
        yield Explanation("label_strings"), [("classes, y = np.unique(y, return_inverse=True)", whole)]
    rows = [one.shape[0] for one in (x, y) if getattr(one, "shape", None)]
    if len(rows) == 2 and None not in rows and rows[0] != rows[1] and takes(model, x.shape):
        n = min(rows)
        yield (Explanation("lengths", shapes={"x": tuple(x.shape), "y": tuple(y.shape)}),
               [(f"x, y = x[:{n}], y[:{n}]  # if the first {n} belong together",
                 setup._replace(x=x[:n], y=y[:n]))])


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
        a is None or b is None or a == b for a, b in zip(wanted[1:], shape[1:], strict=True))


def input_shape(setup):
    """What the model was built for, and what comes."""
    model, shape = setup.model, tuple(getattr(setup.x, "shape", ()))
    if not shape or takes(model, shape):
        return
    wanted, found = tuple(model.inputs[0].shape), []
    for kind, code, change in _changes(shape, wanted[1:]):
        with contextlib.suppress(Exception):  # a change that numpy refuses
            like = change(np.zeros([2 if size is None else size for size in shape], bool))
            new = np.zeros(like.shape, "float32")
            new = new if kind == "no_batch_axis" else new[:2]
            if takes(model, new.shape):
                found.append((kind, code, setup._replace(x=new, y=None if setup.y is None else setup.y[:2])))
    kind = found[0][0] if found else "input_shape"
    if kind in ("input_shape", "other_size") and None not in shape[1:]:
        found.append((kind, f"keras.Input({shape[1:]})  # in the model", setup.with_parts({}, shape[1:])))
    yield (Explanation(kind, shapes={"x": shape, "the model wants": wanted}, what="The model"),
           [one[1:] for one in found if one[0] == kind])


def _changes(shape, wanted):
    """Yield (kind, code, function of an array): ways to bring data to the shape that is wanted."""
    depth, images = wanted[-1], len(shape) == len(wanted) + 1 == 4
    yield "no_batch_axis", "x = x[np.newaxis]", lambda x: x[None]
    yield "no_channel_axis", "x = x[..., np.newaxis]", lambda x: x[..., None]
    yield "channels_first", "x = np.moveaxis(x, 1, -1)", lambda x: np.moveaxis(x, 1, -1)
    if images and shape[-1] == 4:
        yield "channels", "x = x[..., :3]  # without transparency", lambda x: x[..., :3]
    if images and shape[-1] == 1:
        yield "channels", f"x = np.repeat(x, {depth}, axis=-1)", lambda x: np.repeat(x[:2], depth, -1)
    if images and depth == 1:
        yield "channels", "x = x.mean(axis=-1, keepdims=True)", lambda x: x[:2].mean(axis=-1, keepdims=True)
    if len(wanted) == 1:
        yield "not_flat", "x = x.reshape(len(x), -1)", lambda x: x.reshape(len(x), -1)
    if len(shape) == 2 and None not in wanted:
        sizes = ", ".join(map(str, wanted))
        yield "flat", f"x = x.reshape(-1, {sizes})", lambda x: x.reshape(-1, *wanted)
    if images and None not in wanted[:2]:
        yield ("other_size", f"x = keras.ops.image.resize(x, {wanted[:2]})",
               lambda x: np.zeros((2, *wanted[:2], shape[-1])))


def finite(setup):
    """NaN in the data or in the weights."""
    for name in ("x", "y"):
        array = numbers(getattr(setup, name))
        if array is not None and array.dtype.kind == "f" and not np.isfinite(array.sum(dtype="float64")):
            good = np.isfinite(array.reshape(len(array), -1)).all(axis=1)
            both = {key: value[good] for key in "xy" if (value := numbers(getattr(setup, key))) is not None}
            code = f"good = np.isfinite({name}.reshape(len({name}), -1)).all(axis=1); "
            code += f"{', '.join(both)} = {', '.join(f'{key}[good]' for key in both)}"
            formula = f"{(~good).sum()} of {len(good)} rows"
            yield Explanation("nan", formula=formula, data=name), [(code, setup._replace(**both))]
    with contextlib.suppress(Exception):  # weights that are shapes alone have no numbers
        bad = [weight.path for weight in setup.model.weights
               if not np.isfinite(keras.ops.convert_to_numpy(keras.ops.sum(weight)))]
        if bad:
            line = "model = keras.models.clone_model(model)  # new weights; then a smaller learning_rate"
            yield Explanation("nan_weights", bad[0]), [(line, setup.with_parts({}))]


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
        scaled = setup._replace(x=array[:2].astype("float32") / 255)
        scaled = scaled if setup.y is None else scaled._replace(y=setup.y[:2])
        yield (Explanation("range", formula=f"{low:g} to {high:g}, {array.dtype}"),
               [('x = x.astype("float32") / 255', scaled)])


def frozen(setup):
    """Nothing that can learn."""
    model = setup.model
    if setup.loss is None or not getattr(model, "weights", None) or model.trainable_weights:
        return
    owners = [layer for layer in model.layers if layer.weights]
    thawed = [setup.with_parts({layer: [remade(layer, trainable=True)] for layer in some})
              for some in (owners[-1:], owners)]
    codes = [f'model.get_layer("{owners[-1].name}").trainable = True', "model.trainable = True"]
    both = [(f"{code}  # then compile again", new) for code, new in zip(codes, thawed, strict=True)]
    yield Explanation("frozen", formula="trainable parameters: 0"), both[0 if model.trainable else 1 :]


def normalisation(setup):
    """Batch norm over another axis than the channels."""
    for path, layer in named_layers(setup.model).items():
        rank = getattr(getattr(layer, "input_spec", None), "ndim", None) or 0
        if isinstance(layer, layers.BatchNormalization) and rank > 2 and layer.axis not in (-1, rank - 1):
            yield (Explanation("batch_norm_axis", path, formula=f"axis = {layer.axis}"),
                   [(f'axis=-1  # in "{layer.name}"', setup.with_layer(layer, axis=-1))])


CHECKS = (structure, input_shape, finite, pixel_range, frozen, normalisation)
