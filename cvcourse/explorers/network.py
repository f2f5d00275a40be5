"""Network: a model as a row of blocks. Change a layer and watch what it costs; nothing is ever allocated."""

from cvcourse import what_if
from cvcourse.explorers.base import Explorer, javascript
from cvcourse.explorers.controls import Data, Kept, within
from cvcourse.keras_graph import find_name
from cvcourse.visualization import plot_network

LARGEST = 100_000  # pixels of an input
SIZES = (8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 299, 320, 384, 448, 512)


def _short(count):
    """Return a large count with a unit: 15470264320 as "15.47 G"."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return str(int(count))


def _megabytes(count):
    return f"{count / 1e6:.{2 if count >= 1e5 else 4}f} MB"


def _total(rows, key, text):
    """Return the sum over all rows in words, behind "at least " where the rows do not know all of it."""
    counts = [row[key] for row in rows]
    return "at least " * (None in counts) + text(sum(count or 0 for count in counts))


class Network(Explorer):
    """A network as a row of blocks, whose layers can be inspected and changed.

    Click a block or use the arrow keys. The sliders change the chosen layer and the size of the input; all
    shapes and totals follow at once, because only shapes are computed. A change after which the network could
    not be built is explained in `problem`, and the picture keeps the last network that could.

    Args:
        model_or_builder: a Keras model, or a function without arguments that returns one (then nothing is
            allocated: `Network(lambda: keras.applications.VGG16(weights=None))`). Sequential and functional
            models can be changed; a model written as a class of its own can be looked at.
        input_shape: (H, W, C); only for a model that has not been built, or that takes images of any size.

    Attributes:
        selected: name of the chosen layer.
        input_size: height of the input in pixels (its number of values where the input is a vector).
        changes: {layer name: {argument: value}}, e.g. `{"block1_conv1": {"filters": 32}}`; arguments are the
            keys of `ADJUSTABLE`. The end of a path ("conv") stands for it where only one layer has it.
        problem: why the present settings are impossible; empty where they are possible.
        rows: one dict per layer of the last possible network, as `cvcourse.summary.summarize` gives them.

    Raises:
        TypeError: `model_or_builder` is no Keras model and returns none.
        ValueError: the model has no shapes yet.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> explorer = Network(model)
        >>> explorer.input_size = 16
        >>> print(explorer.describe())
        3 layers, input 16×16×1: 514 parameters, 512 multiply-adds, 0.0021 MB of feature maps. Chosen: ...
    """

    _esm = javascript("shapes.js", "network.js")

    selected = Kept(lambda explorer, value: explorer._known(value, "selected"), "")
    input_size = Kept(lambda explorer, value: explorer._size(value), 0)
    changes = Kept(lambda explorer, value: explorer._changes(value), {})
    problem = Data("", state=True)
    rows = Data([], state=True).tag(  # where the script knows every layer it makes them itself
        to_json=lambda rows, explorer: rows if explorer.asks else []
    )
    given = Data()  # the network as it was given: what the script computes with

    def __init__(self, model_or_builder, input_shape=None):
        model = what_if.make(model_or_builder, input_shape)
        self._title = model.name
        self._graph, self._copies = what_if.as_graph(model), {}
        size = what_if.first_size(self._graph, input_shape)
        rows = self._measured(size, {}) if self._graph else what_if.look(model, input_shape)
        self._original = rows
        layers = what_if.script_layers(rows, self._graph, size)
        first = next((row for row in rows if row["params"]), rows[0])  # with weights: there a look begins
        self.asks = bool(self._graph) and any("given" in layer for layer in layers)
        super().__init__(
            selected=first["name"],
            input_size=size,
            rows=rows,
            given={
                "layers": layers,
                "size": size,
                "adjustable": what_if.ADJUSTABLE,
                "sizes": sorted({*SIZES, size}) if self._graph else [],
            },
        )
        self.observe(self._update, names=["input_size", "changes"])

    def _known(self, name, argument):
        return find_name(self._title, name, [row["name"] for row in self._original], argument)

    def _size(self, size):
        if self._graph and isinstance(size, int) and size < 1:
            raise ValueError(f"input_size must be at least 1 pixel. Received: input_size={size}")
        return within("input_size", size, 0, LARGEST)

    def _changes(self, changes):
        controls = {row["name"]: row["controls"] for row in self._original}
        changes = {self._known(name, "changes"): change for name, change in changes.items()}
        for name, change in changes.items():
            for argument, value in change.items():
                if argument not in controls[name]:
                    raise ValueError(
                        f"changes[{name!r}] must name an argument that can be changed, such as "
                        f"{', '.join(controls[name]) or '(it has none)'}. Received: {argument!r}"
                    )
                if not isinstance(value, int) or value < 1:
                    raise ValueError(f"{argument} must be an int from 1. Received: {argument}={value!r}")
        return changes

    def _update(self, change=None):
        if not self._graph:
            return
        try:
            self.tell(rows=self._measured(self.input_size, self.changes), problem="")
        except what_if.Impossible as error:
            self.tell(problem=str(error))

    def _measured(self, size, changes):
        return what_if.measure(self._graph, size, changes, self._copies)

    def figure(self):
        """Return the last possible network as a `Picture`."""
        return plot_network(self.rows)

    def describe(self):
        """Return the network, its totals and the chosen layer in words and numbers."""
        if self.problem:
            return f"Not possible, so the last network stays: {self.problem}"
        texts = {"params": "{:,}".format, "macs": _short, "activation_bytes": _megabytes}
        params, macs, memory = (_total(self.rows, key, text) for key, text in texts.items())
        row = next(row for row in self.rows if row["name"] == self.selected)
        size, output = (what_if.times(one["output_shape"]) for one in (self.rows[0], row))
        return (
            f"{len(self.rows)} layers, input {size}: {params} parameters, {macs} multiply-adds, "
            f"{memory} of feature maps. Chosen: {row['name']} ({row['type']}), output {output}, "
            f"{row['params']:,} parameters."
        )
