"""Errors before any number flows: a name, an argument or a value that Keras does not know."""

import contextlib
import difflib
import inspect
import linecache
import re
import traceback

import keras

from cvcourse.explaining.explanation import Explanation
from cvcourse.explaining.trials import through
from cvcourse.keras_graph import shapes_only

RENAMED = {"lr": "learning_rate", "stride": "strides", "kernel": "kernel_size", "input_size": "input_shape"}
REGISTRIES = {"losses": "loss", "metrics": "metric", "optimizers": "optimizer", "activations": "activation",
              "initializers": "initializer", "regularizers": "regularizer"}
VALUES = {  # what a setting may be where the given one is refused
    "strides": [1], "dilation_rate": [1], "padding": ["same", "valid"], "kernel_size": [3], "pool_size": [2],
    "groups": [1], "units": [10], "axis": [-1], "size": [2], "cropping": [1],
}
STAND_IN = (None, 8, 8, 3)


def explain_name(evidence):
    """Return which name, argument or value is wrong; None where no rule knows it."""
    rules = (_identifier, _setting, _missing, _attribute, _input, _small_image, _layer_not_called, _symbol,
             _not_connected, _not_built)
    return next(filter(None, (rule(evidence) for rule in rules)), None)


def _near(word, words):
    """Return up to two words that are spelled nearly alike, the nearest first."""
    lower = {one.lower(): one for one in words}
    return [lower[one] for one in difflib.get_close_matches(word.lower(), lower, n=2, cutoff=0.6)]


def _works(function, *args, **kwargs):
    """Return whether a call gives something; layers are made without memory and without using up names."""
    scalars = "optimizers" in getattr(function, "__module__", "")  # these need variables at once
    try:
        with contextlib.nullcontext() if scalars else shapes_only():
            return function(*args, **kwargs) is not None
    except Exception:
        return False


def _identifier(evidence):
    for frame in evidence.frames:
        word, where = frame.values.get("identifier"), (frame.module.split(".") + [""] * 3)[2]
        if frame.name == "get" and isinstance(word, str) and where in REGISTRIES:
            module, noun = getattr(keras, where), REGISTRIES[where]
            names = [*dir(module), *(["accuracy"] if noun == "metric" else [])]
            form = 'metrics=["{}"]' if noun == "metric" else noun + '="{}"'
            near = [one.lower() if word.islower() and _works(module.get, one.lower()) else one
                    for one in _near(word, names)]
            cures = [form.format(one) for one in near if _works(module.get, one)]
            return Explanation("name", cures=cures, noun=noun, word=word)
    return None


def _construction(evidence):
    """Return (class, {argument: value}, unknown arguments) of the Keras object that was being made."""
    frames = [one for one in evidence.frames if one.name == "__init__" and one.owner is not None
              and type(one.owner).__module__.startswith("keras.")
              and not isinstance(one.owner, (keras.Model, keras.KerasTensor))]
    if not frames or evidence.frames[0].name == "__call__":
        return None
    whole, kind = frames[-1], type(frames[-1].owner)
    known = inspect.signature(kind).parameters
    given = {name: whole.values[name] for name in known
             if name in whole.values and known[name].kind is not inspect.Parameter.VAR_KEYWORD
             and whole.values[name] is not known[name].default}
    extra = dict(whole.values.get("kwargs") or {})
    return kind, given, extra


def _setting(evidence):
    made = _construction(evidence)
    if made is None:
        return None
    kind, given, extra = made
    unknown = [name for name in extra if re.search(rf"'{name}'", evidence.text)]
    if unknown:
        name, rest = unknown[0], {key: value for key, value in extra.items() if key != unknown[0]}
        options = [RENAMED[name]] if name in RENAMED else _near(name, inspect.signature(kind).parameters)
        cures = [f"{one}={extra[name]!r}" for one in options
                 if _works(kind, **given, **rest, **{one: extra[name]})]
        return Explanation("argument", cures=cures, what=kind.__name__, name=name)
    cures = [(name, f"{name}={value!r}") for name, value in _other_values(given)
             if _works(kind, **{**given, **extra, name: value})]
    if not cures:
        return None
    name = cures[0][0]
    cures = [code for one, code in cures if one == name]
    return Explanation("value", cures=cures, what=kind.__name__, name=name, value=given[name])


def _other_values(given):
    """Yield (argument, value) of what could stand in its place."""
    for name, value in given.items():
        if name == "rate" and isinstance(value, (int, float)):
            yield name, value / 100
        if name == "activation" and isinstance(value, str):
            yield from ((name, one) for one in _near(value, dir(keras.activations)))
        if name == "filters" and isinstance(given.get("groups"), int):
            yield name, -(-value // given["groups"]) * given["groups"]
        yield from ((name, one) for one in VALUES.get(name, ()) if one != value)


def _missing(evidence):
    found = re.search(r"(\w+)\.__init__\(\) missing .*?: (.+)", evidence.text)
    kind = found and getattr(keras.layers, found[1], None)
    if kind is None:
        return None
    names = re.findall(r"'(\w+)'", found[2])
    values = {name: VALUES.get(name, [1])[0] for name in names}
    needed = {name: 1 for name, one in inspect.signature(kind).parameters.items()
              if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD}
    code = ", ".join(f"{name}={value!r}" for name, value in values.items())
    cures = [code] if _works(kind, **{**needed, **values}) else []
    return Explanation("missing_argument", cures=cures, what=found[1], names=" and ".join(names))


def _attribute(evidence):
    error = evidence.error
    module = getattr(error, "obj", None)
    if not isinstance(error, AttributeError) or not getattr(module, "__name__", "").startswith("keras"):
        return None
    short = module.__name__.rpartition(".")[2]
    cures = [f"{short}.{one}" for one in _near(error.name, dir(module))[:1]]
    return Explanation("name", cures=cures, noun=short.removesuffix("s"), word=error.name)


def _input(evidence):
    frame = next((one for one in evidence.frames if one.name == "Input"), None)
    if frame is None:
        return None
    numbers = [frame.values.get(name) for name in ("shape", "batch_size", "dtype")]
    shape = tuple(one for one in numbers if isinstance(one, int))
    cures = [f"keras.Input({shape})"] if shape and _works(keras.Input, shape) else []
    return Explanation("input_tuple", cures=cures)


def _small_image(evidence):
    known = {one.name: one.values for one in evidence.frames}
    name = next((one for one in known if callable(getattr(keras.applications, one, None))), None)
    least = known.get("obtain_input_shape", {}).get("min_size")
    shape = (name and known[name].get("input_shape")) or ()
    if not least or len(shape) != 3:
        return None
    fit = (max(shape[0], least), max(shape[1], least), shape[2])
    options = {"weights": None, "input_shape": fit, "include_top": False}
    cures = [f"input_shape={fit}"] if _works(getattr(keras.applications, name), **options) else []
    return Explanation("image_too_small", None, {"asked for": shape}, cures=cures, what=name, least=least)


def _layer_not_called(evidence):
    for frame in evidence.frames:
        given = keras.tree.flatten([frame.values.get("args", ()), frame.values.get("outputs", ())])
        layer = next((one for one in given if isinstance(one, keras.layers.Layer)), None)
        if layer is not None and isinstance(frame.owner, keras.layers.Layer):
            fits = through([layer], STAND_IN) or through([layer], (None, 8))
            code = f"layers.{type(layer).__name__}(…)(x)  # the layer, called on a tensor"
            return Explanation("layer_not_called", cures=[code] if fits else [], what=layer.name)
    return None


def _symbol(evidence):
    frame = next(evidence.owners(keras.KerasTensor), None)
    if frame is None or evidence.layer is not None:
        return None
    lines = (linecache.getline(one.filename, one.lineno) for one in
             traceback.extract_tb(evidence.error.__traceback__))
    names = [name for line in lines for name in re.findall(r"\b(?:np|tf|numpy|math)\.(\w+)\(", line)]
    cures = [f"keras.ops.{name}(…)" for name in names[:1]
             if _works(getattr(keras.ops, name, None), frame.owner)]
    return Explanation("symbol", None, {"tensor": tuple(frame.owner.shape)}, cures=cures)


def _not_connected(evidence):
    frame = next((one for one in evidence.owners(keras.Model, "__init__") if "outputs" in one.values), None)
    if frame is None or isinstance(frame.owner, keras.Sequential):
        return None
    try:
        ends = keras.tree.flatten(frame.values["outputs"])
        starts = [one for end in ends for one in keras.utils.get_source_inputs(end)]
        names = " and ".join(f'"{one.name}"' for one in starts)
        keras.Model(starts, ends)
    except Exception:
        return None
    line = "keras.Model(keras.utils.get_source_inputs(outputs), outputs)"
    return Explanation("not_connected", None, {"outputs come from": names}, cures=[line])


def _not_built(evidence):
    model = next((one.owner for one in evidence.owners(keras.Sequential) if not one.owner.built), None)
    if model is None or evidence.layer is not None:
        return None
    shape = next((one for one in ((None, 28, 28, 1), (None, 10)) if through(model.layers, one)), None)
    return Explanation("not_built", cures=[f"model.build({shape})  # with your sizes"] if shape else [])
