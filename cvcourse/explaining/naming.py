"""Errors before any number flows: a name, an argument or a value that Keras does not know.

Each rule yields an `Explanation`, or nothing.
"""

import contextlib
import difflib
import inspect
import linecache
import re
import traceback

import keras

from cvcourse.explaining.explanation import Explanation
from cvcourse.explaining.trials import attempted, through
from cvcourse.keras_graph import shapes_only

RENAMED = {"lr": "learning_rate", "stride": "strides", "kernel": "kernel_size", "input_size": "input_shape"}
REGISTRIES = {"losses": "loss", "metrics": "metric", "optimizers": "optimizer", "activations": "activation",
              "initializers": "initializer", "regularizers": "regularizer"}  # fmt: skip
VALUES = {  # what a setting may be where the given one is refused
    "strides": [1], "dilation_rate": [1], "padding": ["same", "valid"], "kernel_size": [3], "pool_size": [2],
    "groups": [1], "units": [10], "axis": [-1], "size": [2], "cropping": [1],
}  # fmt: skip


def _near(word, words):
    """Return up to two words that are spelled nearly alike, the nearest first."""
    lower = {one.lower(): one for one in words}
    return [lower[one] for one in difflib.get_close_matches(word.lower(), lower, n=2, cutoff=0.6)]


def _works(function, *args, **kwargs):
    """Return whether a call gives something; layers are made without memory and without using up names."""
    scalars = "optimizers" in getattr(function, "__module__", "")  # these need variables at once
    around = contextlib.nullcontext if scalars else shapes_only
    return attempted(function, around)(*args, **kwargs) is not None


def _identifier(evidence):
    for frame in evidence.frames:
        word, where = frame.values.get("identifier"), (frame.module.split(".") + [""] * 3)[2]
        if frame.name == "get" and isinstance(word, str) and where in REGISTRIES:
            module, noun = getattr(keras, where), REGISTRIES[where]
            names = [*dir(module), *(["accuracy"] if noun == "metric" else [])]
            form = 'metrics=["{}"]' if noun == "metric" else noun + '="{}"'
            near = _near(word, names)
            if word.islower():
                near = [one.lower() if _works(module.get, one.lower()) else one for one in near]
            cures = [form.format(one) for one in near if _works(module.get, one)]
            yield Explanation("name", cures=cures, noun=noun, word=word)


def _setting(evidence):
    """An argument or a value of the Keras object that was being made."""
    others = (keras.Model, keras.KerasTensor)
    made = [one for one in evidence.owners(object, "__init__") if not isinstance(one.owner, others)]
    made = [one for one in made if type(one.owner).__module__.startswith("keras.")]
    if not made or evidence.frames[0].name == "__call__":
        return
    kind, values = type(made[-1].owner), made[-1].values
    known = inspect.signature(kind).parameters
    given = {
        name: values[name]
        for name, one in known.items()
        if name in values and one.kind is not one.VAR_KEYWORD and values[name] is not one.default
    }
    extra = dict(values.get("kwargs") or {})
    for name in [name for name in extra if f"'{name}'" in evidence.text][:1]:
        value = extra.pop(name)
        options = [RENAMED[name]] if name in RENAMED else _near(name, known)
        cures = [f"{one}={value!r}" for one in options if _works(kind, **given, **extra, **{one: value})]
        yield Explanation("argument", cures=cures, what=kind.__name__, name=name)
    for name in given:
        working = (
            value for value in _other_values(name, given) if _works(kind, **given | extra | {name: value})
        )
        cures = [f"{name}={value!r}" for value in working]
        if cures:
            yield Explanation("value", cures=cures, what=kind.__name__, name=name, value=given[name])


def _other_values(name, given):
    """Yield what could stand in the place of an argument's value."""
    value = given[name]
    if name == "rate" and isinstance(value, (int, float)):
        yield value / 100
    if name == "activation" and isinstance(value, str):
        yield from _near(value, dir(keras.activations))
    if name == "filters" and isinstance(given.get("groups"), int):
        yield -(-value // given["groups"]) * given["groups"]
    yield from (one for one in VALUES.get(name, ()) if one != value)


def _missing(evidence):
    found = re.search(r"(\w+)\.__init__\(\) missing .*?: (.+)", evidence.text)
    kind = found and getattr(keras.layers, found[1], None)
    if kind is not None:
        names = re.findall(r"'(\w+)'", found[2])
        values = {name: VALUES.get(name, [1])[0] for name in names}
        needed = {
            name: 1
            for name, one in inspect.signature(kind).parameters.items()
            if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD
        }
        code = ", ".join(f"{name}={value!r}" for name, value in values.items())
        cures = [code] if _works(kind, **{**needed, **values}) else []
        yield Explanation("missing_argument", cures=cures, what=found[1], names=" and ".join(names))


def _attribute(evidence):
    error, module = evidence.error, getattr(getattr(evidence.error, "obj", None), "__name__", "")
    if isinstance(error, AttributeError) and module.startswith("keras"):
        short = module.rpartition(".")[2]
        cures = [f"{short}.{one}" for one in _near(error.name, dir(error.obj))[:1]]
        yield Explanation("name", cures=cures, noun=short.removesuffix("s"), word=error.name)


def _input(evidence):
    for frame in (one for one in evidence.frames if one.name == "Input"):
        numbers = [frame.values.get(name) for name in ("shape", "batch_size", "dtype")]
        shape = tuple(one for one in numbers if isinstance(one, int))
        fits = shape and _works(keras.Input, shape)
        yield Explanation("input_tuple", cures=[f"keras.Input({shape})"] if fits else [])


def _small_image(evidence):
    known = {one.name: one.values for one in evidence.frames}
    name = next((one for one in known if callable(getattr(keras.applications, one, None))), None)
    least = known.get("obtain_input_shape", {}).get("min_size")
    shape = (name and known[name].get("input_shape")) or ()
    if least and len(shape) == 3:
        fit = (max(shape[0], least), max(shape[1], least), shape[2])
        options = {"weights": None, "input_shape": fit, "include_top": False}
        cures = [f"input_shape={fit}"] if _works(getattr(keras.applications, name), **options) else []
        yield Explanation("image_too_small", None, {"asked for": shape}, cures=cures, what=name, least=least)


def _layer_not_called(evidence):
    for frame in evidence.owners(keras.layers.Layer):
        given = keras.tree.flatten([frame.values.get("args", ()), frame.values.get("outputs", ())])
        for layer in (one for one in given if isinstance(one, keras.layers.Layer)):
            fits = through([layer], (None, 8, 8, 3)) or through([layer], (None, 8))
            code = f"layers.{type(layer).__name__}(…)(x)  # the layer, called on a tensor"
            yield Explanation("layer_not_called", cures=[code] if fits else [], what=layer.name)


def _symbol(evidence):
    frame = next(evidence.owners(keras.KerasTensor), None)
    if frame is not None and evidence.layer is None:
        passed = traceback.extract_tb(evidence.error.__traceback__)
        text = "\n".join(linecache.getline(one.filename, one.lineno) for one in passed)
        names = re.findall(r"\b(?:np|tf|numpy|math)\.(\w+)\(", text)[:1]
        cures = [f"keras.ops.{one}(…)" for one in names if _works(getattr(keras.ops, one, None), frame.owner)]
        yield Explanation("symbol", None, {"tensor": tuple(frame.owner.shape)}, cures=cures)


@attempted
def _starts(outputs):
    """Return the names of the inputs from which a model could be made; None if there is none."""
    ends = keras.tree.flatten(outputs)
    starts = [one for end in ends for one in keras.utils.get_source_inputs(end)]
    keras.Model(starts, ends)
    return " and ".join(f'"{one.name}"' for one in starts)


def _not_connected(evidence):
    frames = (one for one in evidence.owners(keras.Model, "__init__") if "outputs" in one.values)
    names = _starts(next((one.values["outputs"] for one in frames), None))
    if names:
        line = "keras.Model(keras.utils.get_source_inputs(outputs), outputs)"
        yield Explanation("not_connected", None, {"outputs come from": names}, cures=[line])


def _not_built(evidence):
    model = next((one.owner for one in evidence.owners(keras.Sequential) if not one.owner.built), None)
    if model is not None and evidence.layer is None:
        shape = next((one for one in ((None, 28, 28, 1), (None, 10)) if through(model.layers, one)), None)
        yield Explanation("not_built", cures=[f"model.build({shape})  # with your sizes"] if shape else [])


RULES = (_identifier, _setting, _missing, _attribute, _input, _small_image, _layer_not_called, _symbol,
         _not_connected, _not_built)  # fmt: skip
