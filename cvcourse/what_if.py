"""What if? A model with other filters, kernels or input size, as shapes alone: no weight is allocated."""

import contextlib
import re

import keras

from cvcourse.keras_graph import POINTWISE_OPS, family, graph_of, named_layers, shapes_only, walk
from cvcourse.summary import build, bytes_of, input_tensors, rows_of, summarize

# What can be changed: the argument of Keras, its words on the page, and where its slider stops.
_ROUND = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
ADJUSTABLE = {
    "filters": ("Filters K", _ROUND),
    "kernel_size": ("Kernel size F", tuple(range(1, 12))),
    "pool_size": ("Window F", tuple(range(1, 9))),
    "strides": ("Strides S", (1, 2, 3, 4)),
    "units": ("Neurons", tuple(sorted({*_ROUND, 10, 20, 50, 100, 1000, 2048, 4096, 8192}))),
}
# Layers whose weights depend on the channels that they receive, not on height and width.
_BY_DEPTH = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Dense,
    keras.layers.BatchNormalization,
)
# Kinds of layer whose shapes and costs `explorers/shapes.js` computes, and their settings that matter there.
IN_SCRIPT = frozenset([
    *[f"{kind}{rank}D" for rank in (1, 2, 3) for kind in (
        "Conv", "MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling", "ZeroPadding",
        "Cropping", "UpSampling", "SpatialDropout")],
    "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "DepthwiseConv1D", "DepthwiseConv2D",
    "SeparableConv1D", "SeparableConv2D", "Dense", "Flatten", "Reshape", "Permute", "RepeatVector", "Add",
    "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Resizing", "Rescaling",
    "BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization",
    "UnitNormalization", "Activation", "ReLU", "PReLU", "LeakyReLU", "ELU", "Softmax", "Identity",
    "Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization", "RandomFlip",
    "RandomZoom", "RandomRotation", "RandomTranslation", "RandomBrightness", "RandomContrast",
])  # fmt: skip
_SETTINGS = (
    "padding", "dilation_rate", "groups", "use_bias", "depth_multiplier", "output_padding", "keepdims",
    "axis", "target_shape", "dims", "n", "scale", "center", "cropping", "size", "height", "width",
    "shared_axes",
)  # fmt: skip
_USES = 50  # Keras remembers every call of a layer: after so many a fresh copy forgets them
UNKNOWN_SIZE = 224  # pixels shown first where a model takes images of any size


class Impossible(ValueError):
    """A change after which the network cannot be built; its text says why."""


def measure(graph, size, changes, copies=None):
    """Return the rows of `graph` after the changes, each with what the picture needs beyond `summarize`.

    Args:
        graph: functional model, as `as_graph` gives it.
        size: int, height of the input in pixels.
        changes: {layer name: {argument: value}}.
        copies: dict that keeps the copied layers from one call to the next, which makes the next one faster.

    Returns:
        list of dicts as `summarize(…).rows`, with three more keys: "input_shapes", "sources" (names of the
        layers that they come from) and "controls" ({argument: value} that a slider can change).

    Raises:
        Impossible: the network cannot be built so.
    """
    edit = _Edit(changes, {} if copies is None else copies)
    with shapes_only():
        rows = rows_of(graph, (_inputs(graph, size),), {}, swap=edit)
    return [row | _wiring(*edit.layers.get(row["name"], (None, [])), row["inputs"]) for row in rows]


def look(model, input_shape=None):
    """Return the rows of a model that cannot be changed, with the same keys as `measure` gives."""
    return [row | _wiring(None, [], row["inputs"]) for row in summarize(model, input_shape).rows]


def script_layers(rows, graph, size):
    """Return the calls of a network for `explorers/shapes.js`: settings, or the row that Python measured.

    Args:
        rows: what `measure` or `look` gives.
        graph: functional model; None for a model whose calls are not known: then its rows are its calls.
        size: int, height of its input.

    Returns:
        list of dicts: "name", "type", "from" (places of the calls that it takes), and settings or "given".
    """
    calls = _calls(rows, graph, size) if graph else None
    if calls is None:
        places = {row["name"]: place for place, row in enumerate(rows)}
        froms = [[places[source] for source in row["sources"] if source in places] for row in rows]
        calls = [
            _given(row, froms[place], [rows[k]["output_shape"] for k in froms[place]])
            | ({"shape": row["output_shape"]} if row["type"] == "InputLayer" else {})
            for place, row in enumerate(rows)
        ]
    return calls


def _calls(rows, graph, size):
    """Return the calls of a graph in the order in which they run; None where one cannot be followed."""
    rows, edit, calls, made, lost = {row["name"]: row for row in rows}, _Edit({}, {}), [], {}, []

    def note(path, layer, args, kwargs, outputs, work):
        tensors = [x for x in keras.tree.flatten((args, kwargs)) if hasattr(x, "shape")]
        outputs = keras.tree.flatten(outputs)
        if outputs[:1] == [None] or len(outputs) != 1 or any(id(x) not in made for x in tensors):
            lost.append(path)
            return
        call = _call(path, layer, tensors, outputs[0], [made[id(x)][0] for x in tensors], rows)
        lost.extend([path] * ("given" in call and path in [one["name"] for one in calls]))
        made[id(outputs[0])] = len(calls), outputs[0]
        calls.append(call)

    with shapes_only():
        inputs = _inputs(graph, size)
        for tensor in inputs:
            row = rows[tensor.name]
            made[id(tensor)] = len(calls), tensor
            calls.append(
                {
                    "name": tensor.name,
                    "type": row["type"],
                    "from": [],
                    "bytes": bytes_of(tensor, 1),
                    "shape": row["output_shape"],
                }
            )
        names = {id(layer): path for path, layer in named_layers(graph).items()} | {id(graph): ""}
        walk(graph, (inputs,), {}, note, names, swap=edit)
    return None if lost else calls


def _call(path, layer, tensors, output, sources, rows):
    """Return one call: of a kind that the script knows, of a bare operation, or as it was measured."""
    kind, config = type(layer).__name__, {}
    bare = not isinstance(layer, keras.layers.Layer)
    if bare and kind in POINTWISE_OPS:
        return {"name": path, "type": kind, "from": sources, "bare": True, "bytes": bytes_of(output, 1)}
    if not bare and family(layer) and kind in IN_SCRIPT:
        config = layer.get_config()
    if not config or config.get("data_format") == "channels_first" or getattr(layer, "lora_enabled", False):
        row = rows.get(path) or {
            "name": path,
            "type": kind,
            "formula": "",
            "params": 0,
            "macs": 0,
            "activation_bytes": 0,
            "output_shape": output.shape[1:],
        }
        return _given(row, sources, [x.shape[1:] for x in tensors]) | {"bare": path not in rows}
    known = {key: config[key] for key in (*ADJUSTABLE, *_SETTINGS) if config.get(key) is not None}
    return known | {"name": path, "type": kind, "from": sources, "bytes": bytes_of(output, 1)}


def _given(row, sources, shapes):
    given = {key: row[key] for key in ("params", "formula", "macs")}
    given |= {"shape": row["output_shape"], "bytes": row["activation_bytes"], "inputs": shapes}
    call = {"name": row["name"], "type": row["type"], "from": sources, "given": given}
    return row.get("controls", {}) | call


def _wiring(layer, shapes, sources):
    return {"input_shapes": shapes, "sources": sources, "controls": _controls(layer)}


def make(model_or_builder, input_shape=None):
    """Return the model; a builder runs where weights take no memory."""
    model = model_or_builder
    with shapes_only():
        if not isinstance(model, keras.Model):
            model = build(model)
        if isinstance(model, keras.Sequential) and not model.built and input_shape:
            # A copy is built: the student's own model stays as it is.
            copies = [copy_of(layer, {}) for layer in model.layers]
            model = keras.Sequential([keras.Input(input_shape), *copies], name=model.name)
    return model


def as_graph(model):
    """Return the model as a functional graph, or None where it was written as a class of its own."""
    return keras.Model(model.inputs, model.outputs, name=model.name) if graph_of(model) else None


def first_size(graph, input_shape=None):
    """Return the height of the first input (or its length), as asked for or as the model has it."""
    own = graph.inputs[0].shape[1:] if graph else ()
    return next(iter(input_shape or own), 0) or UNKNOWN_SIZE


def times(shape):
    """Return a shape in words.

    Example:
        >>> times((224, 224, 3))
        '224×224×3'
    """
    return "×".join("?" if size is None else str(size) for size in shape) or "1"


def _explain(layer, shapes, error):
    """Say in words why `layer` cannot take inputs of these shapes."""
    what = f"{layer.name} ({type(layer).__name__}) cannot take {' and '.join(map(times, shapes))}"
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if "negative" in str(error) and window:
        return (
            f"{what}: its window of {times(window)} does not fit even once. "
            "Take a larger input, a smaller window, or smaller strides before it."
        )
    if len(shapes) > 1:
        return (
            f"{what}: the branches that meet here must have the same shape. "
            "Undo the change, or change every branch alike."
        )
    return f"{what}. Keras says: {reason(error)}"


def reason(error):
    """Return the line of a Keras error that says what is wrong."""
    text = re.sub(r"\x1b\[\d*m", "", str(error)).split("Exception encountered: ")[-1]
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and not line.startswith("Exception encountered")), "")[:120]


def copy_of(layer, changes):
    """Return a fresh layer with the same settings but for `changes`; its weights are not copied."""
    if isinstance(layer, keras.layers.Lambda):
        return keras.layers.Lambda(layer.function, arguments=layer.arguments, name=layer.name)
    try:
        return type(layer).from_config(layer.get_config() | changes)
    except Exception as error:
        if changes or isinstance(error, ValueError):
            raise Impossible(
                f"{layer.name} ({type(layer).__name__}) cannot be made so. Keras says: {reason(error)}"
            ) from error
        return layer  # one that does not say how it was made is shown as it is


class _Edit:
    """Takes the place of each layer that `walk` meets, with its `changes`.

    Attributes:
        layers: {path: (layer, shapes that it receives)}, filled on the way.
    """

    def __init__(self, changes, copies):
        self.changes, self.copies, self.layers = changes, copies, {}

    def __call__(self, path, layer, args, kwargs):
        shapes = [x.shape[1:] for x in keras.tree.flatten((args, kwargs)) if hasattr(x, "shape")]
        copy = layer  # an operation such as `x + y` has no settings
        try:
            if isinstance(layer, keras.layers.Layer):
                copy = self.layers[path][0] if path in self.layers else self._reuse(path, layer, shapes)
            if copy is not layer:
                copy(*args, **kwargs)  # builds it, or objects
            else:
                copy.compute_output_spec(*args, **kwargs)
        except Impossible:
            raise
        except Exception as error:  # whatever Keras objects to, the student wants it in words
            raise Impossible(_explain(copy, shapes, error)) from error
        self.layers.setdefault(path, (copy, shapes))
        return copy

    def _reuse(self, path, layer, shapes):
        """Return the copy made before, if its settings and shapes are still right; else a new one."""
        change, depths = dict(self.changes.get(path, {})), [shape[-1:] for shape in shapes]
        copy, made_with, made_for, uses = self.copies.get(path, (None, None, [], 0))
        fits = (
            made_for == shapes
            or (
                len(shapes) == 1  # branches must be compared anew
                and [shape[-1:] for shape in made_for] == depths
                and (isinstance(copy, _BY_DEPTH) or not copy.weights)
            )
        )
        if copy is None or made_with != change or not fits or uses >= _USES:
            copy, made_for, uses = copy_of(layer, change), shapes, 0
        self.copies[path] = copy, change, made_for, uses + 1
        return copy


def _inputs(graph, size):
    """Return tensors with a shape alone for `graph`: images become `size` pixels high, as wide as before."""
    first, shapes = graph.inputs[0].shape[1:], []
    for tensor in graph.inputs:
        shape = tensor.shape[1:]
        if shape == first and len(shape) == 3:
            height, width, channels = shape
            shape = (size, round(size * width / height) if height and width else size, channels)
        elif shape == first and len(shape) == 1:
            shape = (size,)
        shapes.append(shape)
    return input_tensors(graph, shapes)


def _controls(layer):
    """Return the arguments of `layer` that a slider can change, with their values."""
    controls, config = {}, {}
    with contextlib.suppress(Exception):  # a layer that does not say how it was made
        config = layer.get_config() if layer else {}
    for argument in (name for name in ADJUSTABLE if name in config):
        values = {config[argument]} if isinstance(config[argument], int) else set(config[argument] or ())
        if len(values) == 1:  # one slider cannot set a window of 1×7
            controls[argument] = values.pop()
    return controls
