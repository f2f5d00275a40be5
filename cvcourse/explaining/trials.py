"""Trying a cure: layers and models with a change, on shapes alone; None where Keras objects."""

import functools

import keras

from cvcourse.keras_graph import graph_of, shapes_only, steps
from cvcourse.what_if import copy_of


def attempted(function, around=shapes_only):
    """Make a function give None where it raises, whatever that is; its variables are shapes alone."""

    @functools.wraps(function)
    def attempt(*args, **kwargs):
        try:
            with around():
                return function(*args, **kwargs)
        except Exception:
            return None

    return attempt


@attempted
def through(layers, *shapes):
    """Return the shape that comes out of fresh copies of layers; None where they object.

    Args:
        layers: sequence of layers, or functions of a tensor; only the first may take several tensors.
        *shapes: tuples with the batch axis.

    Example:
        >>> through([keras.layers.Conv2D(8, 3), keras.layers.Flatten()], (None, 6, 6, 1))
        (None, 128)
    """
    tensors = [keras.KerasTensor(tuple(shape)) for shape in shapes]
    x = tensors if len(tensors) > 1 else tensors[0]
    for layer in layers:
        x = (copy_of(layer, {}) if isinstance(layer, keras.layers.Layer) else layer)(x)
    return tuple(x.shape)


@attempted
def remade(layer, **changes):
    """Return a copy of a layer with other settings; None where Keras does not allow them."""
    return copy_of(layer, changes)


def written(layer, more="", **settings):
    """Return settings of a layer as a line of code, with its place as a comment.

    Example:
        >>> written(keras.layers.Dense(3, name="top"), units=5, activation="relu")
        'units=5, activation="relu"  # in "top"'
    """
    code = ", ".join(f"{name}={value!r}" for name, value in settings.items()).replace("'", '"')
    return f'{code}{more}  # in "{layer.name}"'


@attempted
def changed(model, swaps, shape=None):
    """Return a copy of a model, without memory for weights, with some layers replaced; None if that fails.

    Args:
        model: functional or Sequential.
        swaps: {layer: list of layers to put in its place}.
        shape: tuple without the batch axis, another input; None keeps the model's own.
    """

    def replace(layer):
        parts = [copy_of(part, {}) for part in swaps.get(layer, [layer])]
        return parts[0] if len(parts) == 1 else keras.Sequential(parts, name=layer.name)

    if isinstance(model, keras.Sequential):
        layers = [copy_of(part, {}) for one in model.layers for part in swaps.get(one, [one])]
        return keras.Sequential([keras.Input(shape or tuple(model.inputs[0].shape[1:])), *layers])
    tensors = None if shape is None else keras.Input(shape)
    return keras.models.clone_model(model, input_tensors=tensors, clone_function=replace)


@attempted
def maker(tensor):
    """Return the step that made a symbolic tensor; None where that is not known."""
    graph = keras.Model(keras.utils.get_source_inputs(tensor), tensor)
    return next(step for step in steps(graph_of(graph)) if any(tensor is one for one in step.outputs))


def last_layers(model):
    """Return the layers that end a model, the last first, as far as one feeds the next; [] if not known."""
    graph, found = graph_of(model), []
    if graph is None or len(graph.outputs) != 1:
        return []
    made = {id(tensor): step for step in steps(graph) for tensor in step.outputs}
    step = made.get(id(graph.outputs[0]))
    while step is not None:
        inner = last_layers(step.operation) if isinstance(step.operation, keras.Model) else [step.operation]
        found += inner or [step.operation]
        step = made.get(id(step.inputs[0])) if len(step.inputs) == 1 else None
    return found
