"""One row per layer: formula, output shape, parameters, multiply-adds, memory; without allocating a weight.

The model is called once on an input that has a shape but no numbers (a batch of one), and every layer that
is met leaves a row. Numbers are for one image: *macs* are multiply-adds with the bias left out, memory is
what the outputs of the layers take in their compute dtype (MB = 10^6 bytes).

Multiply-adds are counted for convolutions (1D, 2D, 3D; depthwise, separable, transposed), `Dense`,
`EinsumDense` and `MultiHeadAttention`. Everything else (pooling, normalisation, activations, recurrent
layers, bare `keras.ops`) counts as 0: in a CNN it is a per cent or less.
"""

import contextlib
import functools
import html
import inspect
import math
import re
from collections import Counter

import keras
from keras.src.backend.common import global_state  # no public name: see `shapes_only`

CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
CAPTION = "a row per layer, for one image; MB = 10⁶ bytes of its output"
TEXT_WIDTH = 100


class Summary:
    """The table of a model: printed as text, shown as HTML in Jupyter, or read through `rows`.

    Attributes:
        name: str, the model's name.
        rows: list of dicts with the keys "name", "type", "formula" (its numbers written out), "output_shape"
            (tuple without the batch axis), "params", "trainable_params", "macs", "activation_bytes", "inputs"
            (names of the rows that feed this one; [] where only Python code knows, as in a model written as
            a class); `pandas.DataFrame(summary.rows)` is a data frame.
        total_params, trainable_params, macs, activation_bytes: ints, sums over the rows.
    """

    def __init__(self, name, rows):
        self.name, self.rows = name, rows
        self.total_params = sum(row["params"] for row in rows)
        self.trainable_params = sum(row["trainable_params"] for row in rows)
        self.macs = sum(row["macs"] for row in rows)
        self.activation_bytes = sum(row["activation_bytes"] for row in rows)

    def __repr__(self):
        return _text_table(self)

    def _repr_html_(self):
        return _html_table(self)


def summarize(model_or_builder, input_shape=None):
    """Return the table of a model, one row per layer, without allocating a weight.

    A layer that is called several times counts its parameters once and its multiply-adds each time. Layers of
    nested models are listed as "model/layer".

    Args:
        model_or_builder: a built Keras model, or a function without arguments that returns one. The function
            runs in a scope where weights have shapes but no memory: VGG16 takes milliseconds.
        input_shape: tuple without the batch axis, such as (224, 224, 3); a list of tuples for several inputs.
            Needed where the model leaves its input size open (None), or where a builder returns an unbuilt
            model.

    Returns:
        Summary with `.rows`, `.total_params`, `.trainable_params`, `.macs` and `.activation_bytes`.

    Raises:
        TypeError: `model_or_builder` is, or returns, something else than a Keras model.
        ValueError: the model is not built, or its input size is open or differs from `input_shape`.

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
    if isinstance(model_or_builder, keras.layers.Layer) or not callable(model_or_builder):
        raise TypeError(
            "model_or_builder must be a Keras model, or a function without arguments that returns one. "
            f"Received: {model_or_builder!r}. Write summarize(model) or summarize(lambda: build_model())."
        )
    with shapes_only():
        model = model_or_builder()
        if not isinstance(model, keras.Model):
            raise TypeError(
                f"model_or_builder must return a Keras model. Received: {type(model).__name__}. "
                "Is there a `return model` at the end of the function?"
            )
        if not model.built and input_shape is not None and type(model).build is not keras.Model.build:
            shapes = [(None, *shape) for shape in _shape_list(input_shape)]
            model.build(shapes if len(shapes) > 1 else shapes[0])
        return _summarize(model, input_shape)


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


# --- The inputs: shapes without numbers -----------------------------------------------------------------


def _symbolic_inputs(model, input_shape):
    """Return (args, kwargs) to call the model with: tensors with a shape and a batch of one, no numbers."""
    known, config = getattr(model, "inputs", None), model.get_build_config() or {}
    if known:
        shapes = _fill_in([tuple(tensor.shape[1:]) for tensor in known], input_shape)
        names = [tensor._keras_history.operation.name for tensor in known]
        return ([_tensor(*pair, x.dtype) for *pair, x in zip(shapes, names, known, strict=True)],), {}
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
    if any(None in shape for shape in wanted):
        raise ValueError(
            f"input_shape is needed: the model's input {asked} leaves its size open (None), and "
            f"multiply-adds and memory depend on it. Received: input_shape={input_shape}. "
            "Next: summarize(model, input_shape=(224, 224, 3)), for example."
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
    args, kwargs = _symbolic_inputs(model, input_shape)
    ledger = _Ledger()
    for tensor in keras.tree.flatten((args, kwargs)):
        ledger.add(tensor, tensor.name, "InputLayer", (), tensor)
    _visit(model, "", ledger, *args, **kwargs)
    for layer in reversed(model._flatten_layers()):  # inner layers first: what is left is the outer one's own
        if any(id(weight) not in ledger.seen for weight in layer.weights):
            ledger.add(layer, layer.name, type(layer).__name__, layer.weights)
    return Summary(model.name, ledger.rows(model.trainable_weights))


def _visit(layer, path, ledger, *args, **kwargs):
    """Send symbolic tensors through a layer, note every layer that they meet, and return the outputs."""
    if not isinstance(layer, keras.layers.Layer):  # an operation such as keras.ops.add
        outputs = layer.compute_output_spec(*args, **kwargs)
        ledger.hand_on(outputs, ledger.sources(args, kwargs))
        return outputs
    graph = getattr(layer, "_functional", None) or layer  # a Sequential holds its graph inside
    if hasattr(graph, "_run_through_graph"):
        return graph._run_through_graph(
            args[0] if args else kwargs["inputs"],
            lambda inner: functools.partial(_visit, inner, _join(path, inner), ledger),
        )
    if _is_leaf(layer):
        outputs = layer.compute_output_spec(*args, **kwargs)
        if any(None in tensor.shape for tensor in keras.tree.flatten(outputs)):  # it only knows when it runs
            outputs = keras.Operation.compute_output_spec(layer, *args, **kwargs)
        ledger.add_call(layer, path, args, kwargs, outputs)
        return outputs
    with _listening(layer, path, ledger):  # a subclassed model or layer: its Python code is the graph
        return keras.Operation.compute_output_spec(layer, *args, **kwargs)


@contextlib.contextmanager
def _listening(container, path, ledger):
    """While this lasts, every layer inside `container` notes its calls. Nothing stays on the layers."""
    leaves = dict(_leaves(container, path))

    def noting(leaf, path, call):
        def call_and_note(*args, **kwargs):
            outputs = call(*args, **kwargs)
            ledger.add_call(leaf, path, args, kwargs, outputs)
            return outputs

        return call_and_note

    try:
        for leaf, leaf_path in leaves.items():
            vars(leaf)["call"] = noting(leaf, leaf_path, leaf.call)
        yield
    finally:
        for leaf in leaves:
            vars(leaf).pop("call", None)


def _leaves(container, path):
    """Yield (layer, path) for each innermost layer of a container."""
    for inner in container._flatten_layers(include_self=False, recursive=False):
        inner_path = _join(path, inner)
        if _is_leaf(inner):
            yield inner, inner_path
        else:
            yield from _leaves(inner, inner_path)


def _is_leaf(layer):
    """Return whether a layer is one row: Keras's own layers are, whatever they are made of inside."""
    if isinstance(layer, keras.Model):
        return False
    return type(layer).__module__.startswith("keras.") or not layer._flatten_layers(include_self=False)


def _join(path, layer):
    return f"{path}/{layer.name}" if path else layer.name


class _Ledger:
    """What is noted while the tensors pass: one entry for each layer, in the order of its first call."""

    def __init__(self):
        self.entries, self.seen = {}, set()
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

    def add_call(self, layer, name, args, kwargs, outputs):
        macs, inputs = _macs(layer, args, kwargs, outputs), self.sources(args, kwargs)
        self.add(layer, name, type(layer).__name__, layer.weights, outputs, macs, inputs)

    def rows(self, trainable):
        """Return the finished rows; `trainable` holds the weights that training would change."""
        return [
            _row(**entry, trainable={id(weight) for weight in trainable}) for entry in self.entries.values()
        ]


def _row(name, kind, weights, calls, inputs, trainable):
    outputs = [tensor for _, tensors in calls for tensor in tensors]
    return {
        "name": name,
        "type": kind,
        "formula": _formula(weights),
        "output_shape": tuple(outputs[0].shape[1:]) if outputs else (),
        "params": sum(math.prod(weight.shape) for weight in weights),
        "trainable_params": sum(math.prod(weight.shape) for weight in weights if id(weight) in trainable),
        "macs": sum(macs for macs, _ in calls),
        "activation_bytes": sum(math.prod(tensor.shape) * _item_bytes(tensor.dtype) for tensor in outputs),
        "inputs": inputs,
    }


# --- Counting -----------------------------------------------------------------------------------------------


def _macs(layer, args, kwargs, outputs):
    """Return the multiply-adds of one call; every shape here has its batch axis, which is one image."""
    if isinstance(layer, keras.layers.Wrapper):  # TimeDistributed: the time axis is one more position
        return _macs(layer.layer, args, kwargs, outputs)
    output = keras.tree.flatten(outputs)[0].shape
    if isinstance(layer, keras.layers.MultiHeadAttention):
        return _attention_macs(layer, args, kwargs, output)
    kernels = sum(math.prod(weight.shape) for weight in layer.weights if len(weight.shape) > 1)
    given = [x.shape for x in keras.tree.flatten((args, kwargs)) if hasattr(x, "shape")]
    if isinstance(layer, TRANSPOSED):  # each *input* pixel paints the whole kernel
        return _positions(given[0], layer.data_format) * kernels
    if isinstance(layer, CONVOLUTIONS):
        return _positions(output, layer.data_format) * kernels
    if isinstance(layer, keras.layers.Dense):
        return _positions(output) * kernels
    if isinstance(layer, keras.layers.EinsumDense):
        labels, kernel_labels = re.split(r"->|,", layer.equation)[:2]
        sizes = zip(kernel_labels, layer.kernel.shape, strict=True)
        return math.prod(given[0]) // math.prod(n for label, n in sizes if label in labels) * kernels
    return 0


def _positions(shape, data_format="channels_last"):
    channels = shape[-1] if data_format == "channels_last" else shape[1]
    return math.prod(shape) // channels


def _attention_macs(layer, args, kwargs, output):
    """Return the multiply-adds of the four projections and of the two products of attention."""
    call = inspect.signature(keras.layers.MultiHeadAttention.call).bind(layer, *args, **kwargs).arguments
    query, value = call["query"].shape, call["value"].shape
    key = value if call.get("key") is None else call["key"].shape
    config = layer.get_config()
    key_dim, value_dim = config["key_dim"], config["value_dim"] or config["key_dim"]
    projections = math.prod(query) * key_dim + math.prod(key) * key_dim + math.prod(value) * value_dim
    products = _positions(query) * math.prod(key[1:-1]) * (key_dim + value_dim)
    return config["num_heads"] * (projections + products + math.prod(output) * value_dim)


def _formula(weights):
    """Return the parameters as a formula: "3·3·3·64 + 64"; equal terms are gathered, as in "4·64"."""
    terms = Counter("·".join(map(str, weight.shape)) or "1" for weight in weights)
    return " + ".join(f"{count}·{term}" if count > 1 else term for term, count in terms.items())


def _item_bytes(dtype):
    dtype = keras.backend.standardize_dtype(dtype)
    return int(re.search(r"\d+", dtype).group()) // 8 if dtype != "bool" else 1


# --- Showing ------------------------------------------------------------------------------------------------


def _cells(summary):
    """Return all cells as text: the headings, a line for each row, the total. The first three are words."""
    mixed = summary.trainable_params != summary.total_params

    def line(name, kind, formula, shape, params, trainable, macs, memory, inputs=()):
        counts = [f"{params:,}", f"{trainable:,}", f"{macs:,}"] if mixed else [f"{params:,}", f"{macs:,}"]
        return [name, kind, formula, "×".join(map(str, shape)), *counts, f"{memory / 1e6:,.3f}"]

    headings = ["layer", "type", "formula", "output", "params", "trainable", "multiply-adds", "MB"]
    total = (summary.total_params, summary.trainable_params, summary.macs, summary.activation_bytes)
    return [
        headings if mixed else [heading for heading in headings if heading != "trainable"],
        *(line(*row.values()) for row in summary.rows),
        line("total", "", "", (), *total),
    ]


def _text_table(summary):
    """Return the table as text; long words are cut so that it stays about 100 columns wide."""
    cells = _cells(summary)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    while sum(widths) + 2 * (len(widths) - 1) > TEXT_WIDTH and max(widths[:3]) > 10:
        widths[widths.index(max(widths[:3]))] -= 1

    def line(words):
        left = [_clip(word, width).ljust(width) for word, width in zip(words[:3], widths[:3], strict=True)]
        right = [word.rjust(width) for word, width in zip(words[3:], widths[3:], strict=True)]
        return "  ".join(left + right)

    rule = "─" * len(line(cells[0]))
    body = [line(words) for words in cells]
    return "\n".join([f"{summary.name}: {CAPTION}", rule, body[0], rule, *body[1:-1], rule, body[-1]])


def _clip(word, width):
    return word if len(word) <= width else word[: width - 1] + "…"


def _html_table(summary):
    """Return the table as HTML that is readable on Jupyter's light and dark themes."""
    border = "1px solid var(--jp-border-color2, #9e9e9e)"
    number = "text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap"
    styles = [f"padding: 0.15em 0.7em; {align}" for align in ["text-align: left"] * 3 + [number] * 5]

    def line(words, scope, weight="normal", edge=""):
        cells = "".join(
            f'<th scope="{scope}" style="{style}; font-weight: {weight}">{html.escape(word)}</th>'
            if scope == "col" or column == 0
            else f'<td style="{style}">{html.escape(word)}</td>'
            for column, (word, style) in enumerate(zip(words, styles, strict=False))
        )
        return f'<tr style="font-weight: {weight}; {edge}">{cells}</tr>'

    heading, *rows, total = _cells(summary)
    return (
        '<div style="overflow-x: auto"><table style="border-collapse: collapse; '
        'color: var(--jp-content-font-color1, inherit)">'
        '<caption style="padding: 0.5em 0.7em; text-align: left; color: inherit">'
        f"<b>{html.escape(summary.name)}</b>: {CAPTION}</caption>"
        f"<thead>{line(heading, 'col', 'bold', f'border-bottom: {border}')}</thead>"
        f"<tbody>{''.join(line(words, 'row') for words in rows)}</tbody>"
        f"<tfoot>{line(total, 'row', 'bold', f'border-top: {border}')}</tfoot></table></div>"
    )
