"""One row per layer: formula, output shape, parameters, multiply-adds, memory; without allocating a weight.

The model is called once on an input that has a shape but no numbers (a batch of one), and every layer that
is met leaves a row. Numbers are for one image: *macs* are multiply-adds with the bias left out, memory is
what the outputs of the layers take in their compute dtype (MB = 10^6 bytes).

Multiply-adds are the products with weights and those of attention; pooling, normalisation, activations and
other sums count as 0: in a CNN they are a per cent or less. Where the work of a layer is not known, or a size
is open, its row shows "?" and the total is "at least" what is known.
"""

import inspect
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import keras

from cvcourse.keras_graph import input_names, named_layers, own_weights, shapes_only, walk
from cvcourse.multiply_adds import from_shapes
from cvcourse.summary.table import html_table, text_table


class Summary:
    """The table of a model: printed as text, shown as HTML in Jupyter, or read through `rows`.

    Attributes:
        name: str, the model's name.
        rows: list of dicts with the keys "name", "type", "formula" (its numbers written out), "output_shape"
            (tuple without the batch axis; None for an open size), "params", "trainable_params", "macs",
            "activation_bytes" (both None where unknown), "inputs" (names of the rows that feed this one; []
            where only Python code knows, as in a model written as a class);
            `pandas.DataFrame(summary.rows)` is a data frame.
        total_params, trainable_params, macs, activation_bytes: ints, sums over the rows of what is known.
        unknown: names of the rows whose multiply-adds or memory are not known, so that `macs` and
            `activation_bytes` are at least so much; [] where all is known.
    """

    def __init__(self, name: str, rows: list[dict[str, Any]]) -> None:
        self.name, self.rows = name, rows
        self.total_params = sum(row["params"] for row in rows)
        self.trainable_params = sum(row["trainable_params"] for row in rows)
        self.macs = sum(row["macs"] or 0 for row in rows)
        self.activation_bytes = sum(row["activation_bytes"] or 0 for row in rows)
        self.unknown = [row["name"] for row in rows if None in (row["macs"], row["activation_bytes"])]

    def __repr__(self):
        return text_table(self)

    def _repr_html_(self):
        return html_table(self)


def summarize(
    model_or_builder: keras.Model | Callable[[], keras.Model], input_shape: Sequence | None = None
) -> Summary:
    """Return the table of a model, one row per layer, without allocating a weight.

    A layer that is called several times counts its parameters once and its multiply-adds each time. Layers of
    nested models are listed as "model/layer".

    Args:
        model_or_builder: a built Keras model, or a function without arguments that returns one. The function
            runs in a scope where weights have shapes but no memory: VGG16 takes milliseconds.
        input_shape: tuple without the batch axis, such as (224, 224, 3); a list of tuples for several inputs.
            Where the model leaves its input size open (None), work and memory are unknown without it; needed
            where a builder returns an unbuilt model.

    Returns:
        Summary with `.rows`, `.total_params`, `.trainable_params`, `.macs` and `.activation_bytes`.

    Raises:
        TypeError: `model_or_builder` is, or returns, something else than a Keras model.
        ValueError: the model is not built, its input size differs from `input_shape`, or the function would
            load trained weights.

    Example:
        >>> def build():
        ...     return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(8, 3, name="conv")])
        >>> summary = summarize(build)
        >>> summary.total_params, summary.macs, summary.rows[-1]["formula"]
        (80, 48672, '3·3·1·8 + 8')
    """
    if isinstance(model_or_builder, keras.Model):
        if not model_or_builder.built:
            raise _unbuilt(model_or_builder)
        return _summarize(model_or_builder, input_shape)
    with shapes_only():
        model = build(model_or_builder)
        if not model.built and input_shape is not None and type(model).build is not keras.Model.build:
            shapes = [(None, *shape) for shape in _shape_list(input_shape)]
            model.build(shapes if len(shapes) > 1 else shapes[0])
        return _summarize(model, input_shape)


def build(builder: Callable[[], keras.Model]) -> keras.Model:
    """Return the model that a function without arguments makes, or raise."""
    if isinstance(builder, keras.layers.Layer) or not callable(builder):
        raise TypeError(
            "model_or_builder must be a Keras model, or a function without arguments that returns one. "
            f"Received: {builder!r}. Write summarize(model) or summarize(lambda: build_model())."
        )
    weights = getattr(_arguments(builder).get("weights"), "default", None)
    if isinstance(weights, str):
        raise ValueError(
            "model_or_builder must not load trained weights: shapes are enough. Received: "
            f"{builder.__name__}, whose default is weights={weights!r}. "
            f"Write lambda: {builder.__name__}(weights=None)."
        )
    model = builder()
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"model_or_builder must return a Keras model. Received: {type(model).__name__}. "
            "Is there a `return model` at the end of the function?"
        )
    return model


def _arguments(function):
    try:
        return inspect.signature(function).parameters
    except ValueError:  # what is built into Python does not show them
        return {}


# --- The inputs: shapes without numbers -----------------------------------------------------------------


def _symbolic_inputs(model, input_shape):
    """Return (args, kwargs) to call the model with: tensors with a shape and a batch of one, no numbers."""
    known, config = getattr(model, "inputs", None), model.get_build_config() or {}
    if known:
        shapes = _fill_in([tuple(tensor.shape[1:]) for tensor in known], input_shape)
        return (input_tensors(model, shapes),), {}
    if input_shape is not None:
        tensors = [_tensor(shape) for shape in _shape_list(input_shape)]
        return (tensors if len(_inputs_of_call(model)) > 1 or len(tensors) == 1 else (tensors,)), {}
    if len(_inputs_of_call(model)) > 1 and "shapes_dict" not in config:  # Keras remembers the first one only
        raise ValueError(
            f"input_shape is needed: {type(model).__name__}.call takes {_inputs_of_call(model)}, each with "
            "its own shape. Received: input_shape=None. "
            "Next: summarize(model, input_shape=[(28, 28, 1), (10,)]), for example."
        )
    if "input_shape" in config:
        return (keras.tree.map_shape_structure(_built_tensor, config["input_shape"]),), {}
    if "shapes_dict" in config:
        names = {key: key.removesuffix("_shape") for key in config["shapes_dict"]}
        return (), {name: _built_tensor(config["shapes_dict"][key], name) for key, name in names.items()}
    raise _unbuilt(model)


def input_tensors(model: keras.Model, shapes: Sequence[Sequence[int | None]]) -> Any:
    """Return tensors of these shapes, and no numbers, with the names and dtypes of the model's inputs."""
    inputs = zip(shapes, input_names(model), model.inputs, strict=True)
    return [_tensor(shape, name, x.dtype) for shape, name, x in inputs]


def _unbuilt(model):
    return ValueError(
        "model_or_builder must be built: the layers of this model do not know their input yet. "
        f"Received: {type(model).__name__} named {model.name!r}. Next: model.build((None, 28, 28, 1)) with "
        "your own sizes, or hand over the function: summarize(build_model, input_shape=(28, 28, 1))."
    )


def _inputs_of_call(model):
    """Return the names of the arguments that `call` cannot do without."""
    arguments = inspect.signature(model.call).parameters.values()
    return [x.name for x in arguments if x.default is x.empty and x.kind is x.POSITIONAL_OR_KEYWORD]


def _tensor(shape, name="input", dtype=None):
    return keras.KerasTensor((1, *shape), dtype=dtype or keras.config.floatx(), name=name)


def _built_tensor(shape, name="input"):
    """Return a tensor for a shape with its batch axis, as a model without a graph remembers it."""
    return _tensor(_fill_in([tuple(shape[1:])], None)[0], name)


def _fill_in(shapes, input_shape):
    """Return the model's input shapes with their open sizes (None) taken from `input_shape`."""
    asked = shapes[0] if len(shapes) == 1 else shapes
    wanted = shapes if input_shape is None else _shape_list(input_shape)
    fits = len(wanted) == len(shapes) and all(
        len(ours) == len(theirs) and all(a in (None, b) for a, b in zip(ours, theirs, strict=True))
        for ours, theirs in zip(shapes, wanted, strict=True)
    )
    if not fits:
        raise ValueError(
            f"input_shape must fit the model's input {asked}. Received: input_shape={input_shape}. "
            "Leave it out to take the model's own size, or build the model for another one."
        )
    return wanted


def _shape_list(input_shape):
    """Return a list of shapes, whether one was given or several."""
    try:
        shapes = [tuple(shape) for shape in input_shape]
    except TypeError:
        shapes = [tuple(input_shape) if isinstance(input_shape, (tuple, list)) else (input_shape,)]
    if not shapes or not all(
        size is None or (isinstance(size, int) and size > 0) for size in sum(shapes, ())
    ):
        raise ValueError(
            "input_shape must be a tuple of whole numbers above 0, without the batch axis. "
            f"Received: input_shape={input_shape!r}. Write input_shape=(224, 224, 3)."
        )
    return shapes


# --- Walking through a model --------------------------------------------------------------------------------


def _summarize(model, input_shape):
    return Summary(model.name, rows_of(model, *_symbolic_inputs(model, input_shape)))


def rows_of(model: keras.Model, args: Sequence, kwargs: dict, **options: Any) -> list[dict[str, Any]]:
    """Return the rows of a model called on tensors that have shapes alone; `options` are those of `walk`."""
    ledger = _Ledger()
    names = {id(layer): path for path, layer in named_layers(model).items()} | {id(model): ""}
    for tensor in keras.tree.flatten((args, kwargs)):
        ledger.add(tensor, tensor.name, "InputLayer", (), tensor)
    walk(model, args, kwargs, ledger.note, names, **options)
    if not options:  # what no call has shown
        for layer in [*reversed(named_layers(model).values()), model]:  # inner ones first
            if any(id(weight) not in ledger.seen for weight in layer.weights):
                ledger.add(layer, names[id(layer)] or model.name, type(layer).__name__, layer.weights)
    trainable = ledger.trainable if options else {id(weight) for weight in model.trainable_weights}
    return [_row(**entry, trainable=trainable) for entry in ledger.entries.values()]


class _Ledger:
    """What is noted while the tensors pass: one entry for each layer, in the order of its first call."""

    def __init__(self):
        self.entries, self.seen, self.trainable = {}, set(), set()
        self.makers = {}  # id of a tensor: the tensor (so that no other gets its id), rows that it comes from

    def sources(self, *structures):
        """Return the names of the rows that tensors come from, each once."""
        tensors = keras.tree.flatten(structures)
        return list(dict.fromkeys(n for x in tensors for n in self.makers.get(id(x), (x, ()))[1]))

    def hand_on(self, outputs, names):
        self.makers |= {id(tensor): (tensor, names) for tensor in keras.tree.flatten(outputs)}

    def add(self, layer, name, kind, weights, outputs=None, macs=0, inputs=()):
        """Note a call of a layer: its weights the first time only, its work and its outputs every time."""
        entry = {"name": name, "kind": kind, "weights": [], "calls": [], "inputs": []}
        entry = self.entries.setdefault(id(layer), entry)
        entry["inputs"] += [source for source in inputs if source not in entry["inputs"]]
        entry["weights"] += [weight for weight in weights if id(weight) not in self.seen]
        self.seen |= {id(weight) for weight in weights}
        if outputs is not None:
            entry["calls"].append((macs, keras.tree.flatten(outputs)))
            self.hand_on(outputs, [entry["name"]])

    def note(self, path, layer, args, kwargs, outputs, work):
        """Take down what `walk` tells: a call of a layer, or the work of a model's own code."""
        inputs = self.sources(args, kwargs)
        given = [tuple(x.shape) for x in keras.tree.flatten((args, kwargs)) if hasattr(x, "shape")]
        own_code, is_layer = outputs is None, isinstance(layer, keras.layers.Layer)
        if own_code:
            weights, macs, outputs = own_weights(layer), work(), []
        else:
            macs = from_shapes(layer, given, tuple(keras.tree.flatten(outputs)[0].shape))
            weights, macs = layer.weights if is_layer else [], work() if macs is None else macs
        if is_layer:
            self.trainable |= {id(weight) for weight in layer.trainable_weights}
        if macs == 0 and not weights and (own_code or not is_layer):  # a bare operation such as `x + y`
            self.hand_on(outputs, inputs)
        else:
            self.add(layer, path or layer.name, type(layer).__name__, weights, outputs, macs, inputs)


def _row(name, kind, weights, calls, inputs, trainable):
    outputs = [tensor for _, tensors in calls for tensor in tensors]
    return {
        "name": name,
        "type": kind,
        "formula": _formula(weights),
        "output_shape": tuple(outputs[0].shape[1:]) if outputs else (),
        "params": sum(math.prod(weight.shape) for weight in weights),
        "trainable_params": sum(math.prod(weight.shape) for weight in weights if id(weight) in trainable),
        "macs": _sum(macs for macs, _ in calls),
        "activation_bytes": _sum(map(bytes_of, outputs)),
        "inputs": inputs,
    }


def _sum(numbers):
    numbers = list(numbers)
    return None if None in numbers else sum(numbers)


def bytes_of(tensor: Any, count: int | None = None) -> int | None:
    """Return the bytes of a tensor, or of `count` of its numbers; None if a size is open, or for text."""
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    if None in tensor.shape or dtype == "string":
        return None
    size = 1 if dtype == "bool" else int(re.sub(r"\D+", " ", dtype).split()[0]) // 8
    return (count or math.prod(tensor.shape)) * size


def _formula(weights):
    """Return the parameters as a formula: "3·3·3·64 + 64"; equal terms are gathered, as in "4·64"."""
    terms = Counter("·".join(map(str, weight.shape)) or "1" for weight in weights)
    return " + ".join(f"{count}·{term}" if count > 1 else term for term, count in terms.items())
