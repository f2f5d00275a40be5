"""The layers of any Keras model: names, calls, graph. All that is private to Keras stands here.

A layer has one name everywhere, its path: the names of the models around it and its own, as in
"vgg16/block3_conv1". `find_layer(model, name)`, which returns (path, layer), also takes the end of a path
where only one layer has it ("block3_conv1"), and the layer itself. Of two layers that share a path, as a
model written as a class may have, each gets a number: "conv (1)", "conv (2)".

What Keras does not promise, and `tests/test_keras_graph.py` watches: `_flatten_layers`, `_functional`,
`_nodes_by_depth`, `_run_through_graph`, `_keras_history`, the global lists of `shapes_only`, and that a layer
runs the `call` that stands on the object.
"""

import contextlib
import difflib
import functools
import re
from collections import Counter
from typing import Any, NamedTuple

import keras
from keras.src.backend.common import global_state
from keras.src.models.functional import Functional

from cvcourse import backend

# Operations without a layer (`x + y`, `keras.ops.relu(x)`) whose outputs depend on one place each, by class.
POINTWISE_OPS = {
    "Absolute", "Add", "Cast", "Clip", "Divide", "Elu", "Exp", "Gelu", "HardSigmoid", "HardSilu", "HardTanh",
    "LeakyRelu", "Log", "Maximum", "Minimum", "Multiply", "Negative", "Power", "Relu", "Relu6", "Sigmoid",
    "Silu", "Softplus", "Sqrt", "Square", "Subtract", "Tanh", "TrueDivide",
}  # fmt: skip
_NUMBER = re.compile(r" \(\d+\)(?=/|#|$)")


# --- Names ------------------------------------------------------------------------------------------------


def named_layers(model):
    """Return {path: layer} of all layers inside `model`, outer ones before inner ones; no inputs.

    Example:
        >>> base = keras.Sequential([keras.layers.Conv2D(4, 3, name="conv")], name="vgg")
        >>> list(named_layers(keras.Sequential([base, keras.layers.Flatten(name="flat")])))
        ['vgg', 'vgg/conv', 'flat']
    """
    return {path: layer for path, layer, first in _walk_names(model, "", set()) if first}


def _walk_names(model, above, seen):
    """Yield (path, layer, whether it is met for the first time); a layer's parts only that first time."""
    inner = [
        x
        for x in model._flatten_layers(include_self=False, recursive=False)
        if not isinstance(x, keras.layers.InputLayer)
    ]
    if not inner:  # almost every layer
        return
    count, number = Counter(layer.name for layer in inner), Counter()
    for layer in inner:
        number[layer.name] += 1
        name = layer.name if count[layer.name] == 1 else f"{layer.name} ({number[layer.name]})"
        first = id(layer) not in seen
        seen.add(id(layer))
        yield above + name, layer, first
        if first:
            yield from _walk_names(layer, f"{above}{name}/", seen)


def find_layer(model, layer, argument="layer"):
    """Return (path, layer) of a layer of `model`, asked for by its path, the end of it, or the layer itself.

    Args:
        model: Keras model.
        layer: str or layer.
        argument: str, how the caller calls `layer`; for the words of the error.

    Raises:
        TypeError: `layer` is neither.
        ValueError: no layer has this name, or several have; the text lists paths.

    Example:
        >>> base = keras.Sequential([keras.layers.Conv2D(4, 3, name="conv")], name="vgg")
        >>> model = keras.Sequential([base, keras.layers.Flatten(name="flat")])
        >>> find_layer(model, "conv")[0], find_layer(model, "vgg/conv")[0], find_layer(model, base)[0]
        ('vgg/conv', 'vgg/conv', 'vgg')
    """
    found = list(_walk_names(model, "", set()))
    paths = {id(one): path for path, one, first in found if first}
    known = {path: one for path, one, _ in found}  # a layer that is shared has several
    if isinstance(layer, keras.layers.Layer) and id(layer) not in paths:
        layer = layer.name
    name = layer if isinstance(layer, keras.layers.Layer) else find_name(model.name, layer, known, argument)
    one = known.get(name, name) if isinstance(name, str) else name
    return paths[id(one)], one


def find_name(title, name, known, argument="layer"):
    """Return the path among `known` that `name` means: itself, or the only one that ends so."""
    if not isinstance(name, str):
        raise TypeError(f"{argument} must be the name of a layer, or a layer. Received: {argument}={name!r}")
    if name in known:
        return name
    ends = [path for path in known if f"/{path}".endswith(f"/{name}")]
    ends = ends or [path for path in known if f"/{_NUMBER.sub('', path)}".endswith(f"/{name}")]
    if len(ends) == 1:
        return ends[0]
    near = difflib.get_close_matches(name, known, n=4, cutoff=0.4) or list(known) or ["(it has none)"]
    what = "say which layer is meant" if ends else "be the name of a layer"
    raise ValueError(
        f"{argument} must {what}: in model {title!r}, such as {', '.join((ends or near)[:8])}. "
        f"Received: {argument}={name!r}"
    )


# --- Shapes without weights -------------------------------------------------------------------------------


@contextlib.contextmanager
def shapes_only():
    """Let Keras make variables that have a shape and no memory, and leave no trace of them behind.

    Keras keeps a list of variables that it still has to initialise: left there, ours would be allocated by
    the next model that the student touches. The counters of layer names restart too, so that the first
    convolution of a builder is always "conv2d".
    """
    names = ("uninitialized_variables", "object_name_uids")
    kept = {name: global_state.get_global_attribute(name) for name in names}
    for name in names:
        global_state.set_global_attribute(name, None)
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        for name in names:
            global_state.set_global_attribute(name, kept[name])


# --- The graph --------------------------------------------------------------------------------------------


class Step(NamedTuple):
    """One operation of a graph."""

    operation: Any  # a layer, or an operation such as `x + y`
    inputs: list  # the tensors that it takes, as the graph knows them
    outputs: list


def graph_of(model):
    """Return the graph that runs when `model` is called (a Sequential keeps one inside); None without one."""
    if isinstance(model, keras.Model) and type(model).call in (Functional.call, keras.Sequential.call):
        graph = getattr(model, "_functional", None) or model
        return graph if hasattr(graph, "_nodes_by_depth") else None
    return None  # a class of its own, whose Python code is the graph


def steps(graph):
    """Return the `Step`s of a graph in the order in which Keras runs them, without its inputs."""
    return [
        Step(node.operation, node.input_tensors, node.outputs)
        for depth in sorted(graph._nodes_by_depth, reverse=True)
        for node in graph._nodes_by_depth[depth]
        if not node.is_input
    ]


def input_names(graph):
    """Return the names of the layers `keras.Input` of a graph, in its order."""
    return [tensor._keras_history.operation.name for tensor in graph.inputs]


def is_leaf(layer):
    """Return whether a layer is one row: what runs Keras's own code is, unless it wraps something larger."""
    if isinstance(layer, keras.Model):
        return False
    if not isinstance(layer, keras.layers.Layer):
        return True  # an operation
    if isinstance(layer, keras.layers.TimeDistributed):
        return is_leaf(layer.layer)
    return type(layer).call.__module__.startswith("keras.") or not layer._flatten_layers(include_self=False)


def own_weights(layer):
    """Return the weights of a layer that are not those of a layer inside it."""
    inner = {id(weight) for one in layer._flatten_layers(include_self=False) for weight in one.weights}
    return [weight for weight in layer.weights if id(weight) not in inner]


def family(layer):
    """Return the folder of Keras in which the layer's class stands ("pooling", "core"); None for others."""
    words = type(layer).__module__.split(".")
    return words[3] if words[:3] == ["keras", "src", "layers"] else None


def walk(layer, args, kwargs, note, names, swap=lambda path, layer, args, kwargs: layer, above=""):
    """Send tensors with a shape and no numbers through a layer or model; return what comes out.

    Args:
        layer: layer, model, or operation such as `keras.ops.add`.
        args, kwargs: what it is called with, `keras.KerasTensor`s.
        note: function (path, layer, args, kwargs, outputs, work), which is told each call of an innermost
            layer or operation; `work()` is the multiply-adds that its code was seen to do, None if unknown.
            A model or layer that calls others in its own code is told last, with None for its outputs and
            the work of its own code alone.
        names: {id of a layer: its path}; "" for the model itself.
        swap: function (path, layer, args, kwargs) that returns the layer to take in its place.
        above: path of what is around the layer, with "/" at its end.
    """
    path = names.get(id(layer), above + layer.name)
    inner = functools.partial(walk, note=note, names=names, swap=swap, above=f"{path}/" if path else "")
    graph = graph_of(layer)
    if graph:
        inputs = args[0] if args else kwargs["inputs"]
        return graph._run_through_graph(inputs, lambda one: lambda *args, **kwargs: inner(one, args, kwargs))
    layer = swap(path, layer, args, kwargs)
    if is_leaf(layer):
        outputs = _outputs(layer, args, kwargs)
        note(path, layer, args, kwargs, outputs, lambda: _work(layer, args, kwargs))
        return outputs
    if isinstance(layer, keras.layers.TimeDistributed):
        _walk_steps(layer, args, kwargs, inner)
        return _outputs(layer, args, kwargs)
    return _walk_code(layer, path, args, kwargs, inner)


def _walk_steps(layer, args, kwargs, inner):
    """Walk through what TimeDistributed is around, with its steps as a batch."""
    inputs = keras.tree.flatten((args, kwargs))[0]
    inner(layer.layer, (keras.KerasTensor(tuple(inputs.shape[1:]), inputs.dtype),), {})


def _walk_code(container, path, args, kwargs, inner):
    """Walk through a model or layer whose Python code is the graph: it runs, and its layers tell."""
    note, names, others = inner.keywords["note"], inner.keywords["names"], set()

    def told(path, layer, args, kwargs, call):
        outputs, traced = backend.traced(lambda: call(*args, **kwargs))
        if layer is container:
            own = traced and [operation for operation in traced if operation not in others]
            note(path, layer, args, kwargs, None, lambda: backend.products(own))
        elif is_leaf(layer):
            note(path, layer, args, kwargs, outputs, lambda: backend.products(traced))
        else:
            _walk_steps(layer, args, kwargs, inner)
        others.update(traced or ())
        return outputs

    with overhearing({path: container} | dict(_parts(container, names, inner.keywords["above"])), told):
        return keras.Operation.compute_output_spec(container, *args, **kwargs)


def _work(layer, args, kwargs):
    """Return the multiply-adds of a layer or operation as its code does them; None if that is not known."""
    found = []

    def told(path, layer, args, kwargs, call):
        outputs, traced = backend.traced(lambda: call(*args, **kwargs))
        found.append(backend.products(traced))
        return outputs

    if is_open((args, kwargs)):
        return None
    try:
        with overhearing({"": layer}, told):
            keras.Operation.compute_output_spec(layer, *args, **kwargs)
    except Exception:  # code that cannot run without numbers
        return None
    return found[0]


def _outputs(layer, args, kwargs):
    outputs = layer.compute_output_spec(*args, **kwargs)
    if is_open(outputs) and not is_open((args, kwargs)):  # it only knows when it runs
        outputs = keras.Operation.compute_output_spec(layer, *args, **kwargs)
    return outputs


def is_open(tensors):
    """Return whether a size of one of the tensors, in any structure, is not known."""
    return any(None in x.shape for x in keras.tree.flatten(tensors) if isinstance(x, keras.KerasTensor))


def _parts(container, names, above):
    """Yield (path, layer) for each innermost layer of a container, and each TimeDistributed."""
    for inner in container._flatten_layers(include_self=False, recursive=False):
        path = names.get(id(inner), above + inner.name)
        if is_leaf(inner) or isinstance(inner, keras.layers.TimeDistributed):
            yield path, inner
        else:
            yield from _parts(inner, names, f"{path}/")


# --- Listening --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def overhearing(layers, told):
    """Inside this block `told(path, layer, args, kwargs, call)` runs every call and returns its result.

    Args:
        layers: {path: layer}.
    """
    with contextlib.ExitStack() as stack:
        for path, layer in layers.items():
            runs = "call" if getattr(layer, "quantization_mode", None) is None else "quantized_call"
            telling = functools.partial(_tell, told, path, layer, getattr(layer, runs))
            stack.enter_context(swapped(layer, runs, telling))
        yield


def _tell(told, path, layer, call, *args, **kwargs):
    return told(path, layer, args, kwargs, call)


@contextlib.contextmanager
def swapped(layer, attribute, value):
    """Inside this block the layer has another attribute; unseen by Keras, which would track it as state."""
    kept = vars(layer).get(attribute, swapped)
    object.__setattr__(layer, attribute, value)
    try:
        yield
    finally:
        if kept is swapped:
            vars(layer).pop(attribute, None)
        else:
            object.__setattr__(layer, attribute, kept)
