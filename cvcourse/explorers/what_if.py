"""What if? A model with other filters, kernels or input size, as shapes alone: no weight is allocated."""

import re

import keras

from cvcourse.summary import shapes_only, summarize

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
    keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D, keras.layers.Dense,
    keras.layers.BatchNormalization,
)
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
    layers, copies = {}, {} if copies is None else copies
    rows = summarize(lambda: _rebuild(graph, _inputs(graph, size), changes, layers, copies)).rows
    return [row | _wiring(*layers.get(row["name"], (None, [], []))) for row in rows]


def look(model, input_shape=None):
    """Return the rows of a model that cannot be changed, with the same keys as `measure` gives."""
    return [row | _wiring(None, [], []) for row in summarize(model, input_shape).rows]


def _wiring(layer, shapes, sources):
    return {"input_shapes": shapes, "sources": sources, "controls": _controls(layer)}


def make(model_or_builder, input_shape=None):
    """Return the model; a builder runs where weights take no memory."""
    model = model_or_builder
    with shapes_only():
        if not isinstance(model, keras.layers.Layer) and callable(model):
            model = model()
        if isinstance(model, keras.Sequential) and not model.built and input_shape:
            # A copy is built: the student's own model stays as it is.
            copies = [_copy(layer, {}) for layer in model.layers]
            model = keras.Sequential([keras.Input(input_shape), *copies], name=model.name)
    return model


def as_graph(model):
    """Return the model as a functional graph, or None where it was written as a class of its own."""
    if isinstance(model, keras.Model) and getattr(model, "inputs", None):
        return keras.Model(model.inputs, model.outputs, name=model.name)
    return None


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
        return (f"{what}: its window of {times(window)} does not fit even once. "
                "Take a larger input, a smaller window, or smaller strides before it.")
    if len(shapes) > 1:
        return (f"{what}: the branches that meet here must have the same shape. "
                "Undo the change, or change every branch alike.")
    return f"{what}. Keras says: {_reason(error)}"


def _reason(error):
    """Return the line of a Keras error that says what is wrong."""
    lines = (line.strip() for line in re.sub(r"\x1b\[\d*m", "", str(error)).splitlines())
    return next((line for line in lines if line and not line.startswith("Exception encountered")), "")[:120]


def _copy(layer, changes):
    """Return a fresh layer with the same settings but for `changes`; its weights are not copied."""
    if isinstance(layer, keras.layers.Lambda):
        return keras.layers.Lambda(layer.function, arguments=layer.arguments, name=layer.name)
    try:
        return type(layer).from_config(layer.get_config() | changes)
    except ValueError as error:
        raise Impossible(
            f"{layer.name} ({type(layer).__name__}) cannot be made so. Keras says: {_reason(error)}"
        ) from error


def _reuse(name, layer, change, shapes, copies):
    """Return the copy of `layer` made before, if its settings and shapes are still right; else a new one."""
    change, depths = dict(change), [shape[-1:] for shape in shapes]
    copy, made_with, made_for, uses = copies.get(name, (None, None, [], 0))
    fits = made_for == shapes or (
        [shape[-1:] for shape in made_for] == depths and (isinstance(copy, _BY_DEPTH) or not copy.weights))
    if copy is None or made_with != change or not fits or uses >= _USES:
        copy, made_for, uses = _copy(layer, change), shapes, 0
    copies[name] = copy, change, made_for, uses + 1
    return copy


def _rebuild(graph, inputs, changes, layers, copies, prefix=""):
    """Return a copy of `graph` on new `inputs`, with `changes`.

    Args:
        graph: functional Keras model.
        inputs: list of `keras.Input`.
        changes: {layer name: {argument: value}}.
        layers: dict to fill: {layer name: (layer, shapes that it receives, names it receives them from)}.
        copies: dict of copied layers to reuse and to fill.
        prefix: names of the models around this one, as in `summarize`.
    """
    made_by = {id(tensor): tensor.name for tensor in inputs}
    alive = list(inputs)  # an id means nothing once its tensor is gone

    def call(layer, *args, **kwargs):
        tensors = [x for x in keras.tree.flatten((args, kwargs)) if isinstance(x, keras.KerasTensor)]
        shapes = [tensor.shape[1:] for tensor in tensors]
        name, nested = prefix + layer.name, as_graph(layer)
        try:
            if nested:
                new = [keras.Input(shape, dtype=x.dtype) for shape, x in zip(shapes, tensors, strict=True)]
                layer = _rebuild(nested, new, changes, layers, copies, f"{name}/")
                args, kwargs = (tensors,), {}
            elif isinstance(layer, keras.Layer):  # and no operation such as `x + y`, which has no settings
                layer = _reuse(name, layer, changes.get(name, {}), shapes, copies)
            outputs = layer(*args, **kwargs)
        except Impossible:
            raise
        except Exception as error:  # whatever Keras objects to, the student wants it in words
            raise Impossible(_explain(layer, shapes, error)) from error
        alive.extend(keras.tree.flatten(outputs))
        made_by.update((id(x), layer.name) for x in keras.tree.flatten(outputs))
        layers[name] = layer, shapes, [prefix + made_by.get(id(x), "") for x in tensors]
        return outputs

    return keras.models.clone_model(
        graph, input_tensors=inputs, clone_function=lambda layer: layer, call_function=call)


def _inputs(graph, size):
    """Return new inputs for `graph`: images become `size` pixels high, in their old proportions."""
    first = graph.inputs[0].shape[1:]
    named = [layer for layer in graph.layers if isinstance(layer, keras.layers.InputLayer)]
    names = {id(layer.output): layer.name for layer in named}
    inputs = []
    for tensor in graph.inputs:
        shape = tensor.shape[1:]
        if shape == first and len(shape) == 3:
            height, width, channels = shape
            shape = (size, round(size * width / height) if height and width else size, channels)
        elif shape == first and len(shape) == 1:
            shape = (size,)
        inputs.append(keras.Input(shape, dtype=tensor.dtype, name=names[id(tensor)]))
    return inputs


def _controls(layer):
    """Return the arguments of `layer` that a slider can change, with their values."""
    config = layer.get_config() if isinstance(layer, keras.Layer) and not as_graph(layer) else {}
    controls = {}
    for argument in ADJUSTABLE.keys() & config.keys():
        values = {config[argument]} if isinstance(config[argument], int) else set(config[argument] or ())
        if len(values) == 1:  # one slider cannot set a window of 1×7
            controls[argument] = values.pop()
    return controls
