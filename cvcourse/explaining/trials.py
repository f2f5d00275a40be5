"""Trying a cure: the changed layers, called on shapes alone."""

import keras

from cvcourse.keras_graph import graph_of, shapes_only, steps
from cvcourse.what_if import copy_of


def through(layers, *shapes):
    """Return the shape that comes out of fresh copies of layers; None where they object.

    Args:
        layers: sequence of layers, or functions of a tensor; only the first may take several tensors.
        *shapes: tuples with the batch axis.

    Example:
        >>> through([keras.layers.Conv2D(8, 3), keras.layers.Flatten()], (None, 6, 6, 1))
        (None, 128)
    """
    try:
        with shapes_only():
            tensors = [keras.KerasTensor(tuple(shape)) for shape in shapes]
            x = tensors if len(tensors) > 1 else tensors[0]
            for layer in layers:
                x = (copy_of(layer, {}) if isinstance(layer, keras.layers.Layer) else layer)(x)
            return tuple(x.shape)
    except Exception:  # whatever it is, it does not fit
        return None


def remade(layer, **changes):
    """Return a copy of a layer with other settings; None where Keras does not allow them."""
    try:
        return copy_of(layer, changes)
    except Exception:
        return None


def changed(model, swaps, shape=None):
    """Return a copy of a model, without memory for weights, with some layers replaced; None if that fails.

    Args:
        model: functional or Sequential.
        swaps: {layer: list of layers to put in its place}.
        shape: tuple without the batch axis, another input; None keeps the model's own.
    """
    def replace(layer):
        parts = swaps.get(layer, [layer])
        parts = [copy_of(part, {}) for part in parts]
        return parts[0] if len(parts) == 1 else keras.Sequential(parts, name=layer.name)

    try:
        with shapes_only():
            if isinstance(model, keras.Sequential):
                shape = tuple(model.inputs[0].shape[1:]) if shape is None else shape
                layers = [part for one in model.layers for part in swaps.get(one, [one])]
                return keras.Sequential([keras.Input(shape), *(copy_of(layer, {}) for layer in layers)])
            tensors = None if shape is None else keras.Input(shape)
            return keras.models.clone_model(model, input_tensors=tensors, clone_function=replace)
    except Exception:
        return None


def with_input(model, x):
    """Return the model; a Sequential that has not seen data yet as a copy that knows the shape of `x`."""
    if isinstance(model, keras.Sequential) and not model.built and hasattr(x, "shape"):
        with shapes_only():
            copies = [copy_of(layer, {}) for layer in model.layers]
            return keras.Sequential([keras.Input(tuple(x.shape[1:])), *copies])
    return model


def source(tensor):
    """Return (layer, tensors that it took) of a symbolic tensor; (None, []) where that is not known."""
    try:
        graph = keras.Model(keras.utils.get_source_inputs(tensor), tensor)
        return next((step.operation, step.inputs) for step in steps(graph_of(graph))
                    if any(tensor is one for one in step.outputs))
    except Exception:
        return None, []


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
