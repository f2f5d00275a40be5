"""Freezing: choose which layers of a trained network learn on, see what that costs, and let it learn."""

import hashlib

import keras
import numpy as np

from cvcourse import datasets, pretrained, training
from cvcourse.explorers.base import Explorer, javascript
from cvcourse.explorers.controls import Data, Kept, within
from cvcourse.keras_graph import find_layer, named_layers
from cvcourse.models import vgg
from cvcourse.summary import summarize
from cvcourse.training.cost import layer_groups, training_cost
from cvcourse.visualization import COLORS, picture, style
from cvcourse.what_if import as_graph

COLOURS = ("selected", "input", "output", "statistics", "kernel")  # as many own runs stay in the picture
#: Largest learning rate: high where only new weights learn, low where trained ones are adjusted.
PEAK_NEW, PEAK_ADJUST = 0.1, 0.02
# What `Freezing(epochs=…).run()` gave with each preset, for a page without Python: {epochs: {label: %}}.
RECORDED = {
    8: {
        "all trainable": (34.0, 44.67, 60.0, 56.67, 58.0, 56.67, 56.0, 56.0),
        "layers 1–7 frozen": (30.67, 44.0, 57.33, 59.33, 60.0, 60.0, 60.0, 58.67),
        "only the classifier": (32.67, 44.0, 48.0, 56.0, 57.33, 56.67, 56.67, 56.0),
    },
    12: {
        "all trainable": (33.3, 42.0, 61.3, 57.3, 57.3, 60.7, 61.3, 60.7, 61.3, 63.3, 64.0, 64.0),
        "layers 1–7 frozen": (30.0, 37.3, 56.0, 60.0, 61.3, 59.3, 59.3, 56.7, 55.3, 56.7, 57.3, 57.3),
        "only the classifier": (34.0, 37.3, 50.0, 54.7, 54.7, 57.3, 57.3, 62.0, 62.0, 59.3, 56.7, 56.7),
    },
}
_SCENES = "2852a53e82ae6271468403ccd5b9299208fd4ba19023fca45a112bc791df1c29"  # the default images


class Freezing(Explorer):
    """A trained network to freeze layer by layer: parameters, time and memory follow, and it can be trained.

    A layer of the picture is a convolution or dense layer with the batch norm behind it.

    Args:
        model: Keras model, Sequential or functional, with one output for each class; it stays as it is, each
            run trains a copy. Default: the course's trained network with a new classifier.
        train, test: pairs (images, labels); images (N, H, W, C), float in [0, 1] or uint8; labels (N,).
            Default: 30 and 150 scenes of 32 × 32 with cats, dogs and ducks.
        curves: {label: test accuracy in % after each epoch} of other runs, drawn in grey.
        epochs: int, 1–100, length of a run.
        batch_size: int, 1–1024, images of a training step.
        augment: function (images, rng) → images; None for digits and letters.
        seed: int; two runs with the same layers frozen give the same curve.

    Attributes:
        frozen: list of names of the frozen layers; setting it is the same as clicking.
        cost: dict, what `training_cost` gives for them.
        runs: list of {"label": str, "values": [%, …], "own": bool, "role": colour}, oldest first.

    Raises:
        ValueError: a model without a graph, data that do not fit it, a name that is no layer.

    Example:
        >>> explorer = Freezing()
        >>> explorer.frozen = explorer.names[:-1]
        >>> explorer.cost["trainable"], explorer.label()
        (579, 'only the classifier')
    """

    _esm = javascript("compute.js", "freezing.js")
    layers = Data()
    presets = Data()
    frozen = Kept(lambda explorer, value: explorer._known(value), [])
    runs = Data([], state=True)
    epochs = Data(12)
    batch_size = Data(10)
    recorded = Data({})  # {label: values} of runs like these, for a page without Python
    running = Data(False, state=True)
    progress = Data(0)  # epochs that the present run has done
    problem = Data("", state=True)

    def __init__(
        self,
        model=None,
        train=None,
        test=None,
        *,
        curves=None,
        epochs=12,
        batch_size=10,
        augment=training.augment,
        seed=1,
    ):
        if (train is None) != (test is None) or (model is not None and train is None):
            raise ValueError(
                "train and test must be pairs (images, labels), both given where one or a model "
                f"is. Received: train={train!r:.30}, test={test!r:.30}"
            )
        self._model, self._train, self._test, self._run = model, train, test, None
        self._augment, self._seed = augment, seed
        batch_size = within("batch_size", batch_size, 1, 1024)
        shape = (32, 32, 3) if train is None else np.shape(train[0])[1:]
        self._classes = 3 if train is None else int(np.max(train[1])) + 1
        if model is not None and (as_graph(model) is None or (model.output_shape[-1] or 0) < self._classes):
            raise ValueError(
                f"model must be Sequential or functional, with an output for each of the "
                f"{self._classes} classes in train. Received: {model!r}"
            )
        self.groups = layer_groups(summarize(self._copy, shape).rows)
        self.names = [group["name"] for group in self.groups]
        keys = ("name", "params", "macs", "kept", "size")
        layers = [{key: group[key] for key in keys} for group in self.groups]
        asleep = [name for name in self.names if model and not find_layer(model, name)[1].trainable]
        same = model is None and augment is training.augment and (batch_size, seed) == (10, 1)
        super().__init__(
            layers=layers,
            presets=_presets(self.names),
            frozen=asleep,
            batch_size=batch_size,
            runs=[_curve(label, list(map(float, values))) for label, values in (curves or {}).items()],
            epochs=within("epochs", epochs, 1, 100),
            recorded=RECORDED.get(epochs, {}) if same and _is_default(train, test) else {},
        )
        self.observe(lambda change: self.tell(problem=""), names=["frozen"])
        self.on_msg(self._receive)

    def _known(self, frozen):
        unknown = set(frozen) - set(self.names)
        if unknown:
            raise ValueError(f"frozen must hold names of {', '.join(self.names)}. Received: {unknown}")
        return [name for name in self.names if name in frozen]

    @property
    def cost(self):
        return training_cost(self.groups, self.frozen, self.batch_size)

    # --- Training: one epoch a step, so that the page can show it and stop it ----------------------------

    def _copy(self):
        """Return a copy of the model with random weights, all of it trainable, with logits as outputs."""
        own = self._model
        copy = _new_student(self._classes, None) if own is None else keras.models.clone_model(own)
        for layer in (copy, *named_layers(copy).values()):  # the model's switch alone would leave some frozen
            layer.trainable = True
        if getattr(copy.layers[-1], "activation", None) is keras.activations.softmax:
            copy.layers[-1].activation = keras.activations.linear
        return copy

    def _learning(self, frozen):
        """Return the test accuracy in % after each epoch of a new run, one at a time."""
        keras.utils.set_random_seed(self._seed)
        if self._train is None:
            scenes = [datasets.scenes(count, size=32, seed=seed) for count, seed in ((30, 1), (150, 2))]
            self._train, self._test = ((some.images, some.labels) for some in scenes)
        model = self._copy()
        trained = self._model or _new_student(self._classes, pretrained.load("course").model)
        model.set_weights(trained.get_weights())
        for group in self.groups:
            for layer in group["layers"]:
                find_layer(model, layer)[1].trainable = group["name"] not in frozen
        peak = PEAK_NEW if frozen == self.names[:-1] else PEAK_ADJUST
        yield from training.one_cycle_epochs(
            model,
            self._train,
            self._test,
            epochs=self.epochs,
            batch_size=self.batch_size,
            peak=peak,
            augment=self._augment,
            seed=self._seed,
        )

    def start(self):
        """Begin a run; `step` then trains one epoch. A run with the same layers frozen is replaced."""
        self.stop()
        if len(self.frozen) == len(self.names):
            self.tell(problem="Nothing can learn: every layer is frozen. Click a layer to let it learn.")
            return
        own = [run for run in self.runs if run["own"] and run["label"] != self.label()][1 - len(COLOURS) :]
        given = [run for run in self.runs if not run["own"]]
        role = next(role for role in COLOURS if role not in [run["role"] for run in own])
        self._run = self._learning(self.frozen)
        runs = [*given, *own, _curve(self.label(), [], True, role)]
        self.tell(runs=runs, problem="", progress=0, running=True)

    def step(self):
        """Train one epoch of the present run and add a point to its curve; the last epoch ends the run."""
        try:
            accuracy = next(self._run)
        except BaseException:  # an interrupted kernel too: no run is left half open
            self.stop()
            raise
        *others, run = self.runs
        runs = [*others, run | {"values": [*run["values"], accuracy]}]
        self.tell(runs=runs, progress=self.progress + 1)
        if self.progress == self.epochs:
            self.stop()

    def stop(self):
        """End the present run after the epochs that it has done; its curve stays, as far as it goes."""
        if not self.running:
            return
        self._run.close()
        *others, run = self.runs
        if 0 < self.progress < self.epochs:
            run = run | {"label": f"{run['label']} (stopped)"}
        self.tell(runs=[*others, run] if run["values"] else others, running=False)

    def run(self):
        """Train all epochs with the present layers frozen, as the Run button does; return the curve in %."""
        self.start()
        while self.running:
            self.step()
        return self.runs[-1]["values"] if not self.problem else []

    def _receive(self, widget, content, buffers):
        asked = content.get("run") if isinstance(content, dict) else None
        try:
            if asked in ("start", "stop"):
                getattr(self, asked)()
            elif asked == "next" and self.running and content.get("epoch") == self.progress:
                self.step()
        except Exception as error:  # the page has no other place to show it
            self.tell(problem=f"The training failed: {error}")

    # --- The other faces ------------------------------------------------------------------------------------

    def label(self):
        """Return what is frozen, as the label of a curve: "layers 1–7 frozen"."""
        return label_of(self.names, self.frozen)


def _is_default(train, test):
    """Return whether these are the images that are taken where none are given."""
    if train is None:
        return True
    images = b"".join(np.ascontiguousarray(part[0]).tobytes() for part in (train, test))
    return hashlib.sha256(images).hexdigest() == _SCENES


def _curve(label, values, own=False, role="reference"):
    return {"label": str(label), "values": values, "own": own, "role": role}


def _new_student(classes, trained):
    """Return the course network with a new classifier: `trained`, or with random weights if that is None."""
    base = trained or vgg.course_network()
    logits = keras.layers.Dense(classes, name="new_classifier")(base.get_layer("average").output)
    return keras.Model(base.input, logits, name="student")


def _presets(names):
    """Return [[words of a button, names that it freezes]]."""
    blocks = ("block1_", "block2_", "block3_")
    first = [name for name in names if name.split("/")[-1].startswith(blocks)]
    some = ["freeze blocks 1 to 3", first] if first else ["freeze the first half", names[: len(names) // 2]]
    return [["all trainable", []], some, ["all frozen but the classifier", names[:-1]]]


def frozen_words(numbers, count):
    """Return which of the layers 1 … count are frozen, in words.

    Example:
        >>> frozen_words([1, 2, 3, 5], 8), frozen_words([], 8), frozen_words(range(1, 8), 8)
        ('layers 1–3, 5 frozen', 'all trainable', 'only the classifier')
    """
    numbers = list(numbers)
    special = {0: "all trainable", count: "all frozen"}
    if len(numbers) in special:
        return special[len(numbers)]
    if numbers == list(range(1, count)):
        return "only the classifier"
    ends = [n for n in numbers if n + 1 not in numbers]
    starts = [n for n in numbers if n - 1 not in numbers]
    spans = [str(a) if a == b else f"{a}–{b}" for a, b in zip(starts, ends, strict=True)]
    return f"layer{'s'[: len(numbers) > 1]} {', '.join(spans)} frozen"


def label_of(names, frozen):
    """Return which of the layers `names` are frozen, in words."""
    return frozen_words([names.index(name) + 1 for name in frozen], len(names))


def _bytes(count):
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def describe(names, frozen, cost, runs, running, problem):
    """Return the state of a `Freezing` in words and numbers. Pure; arguments as its attributes."""
    label = label_of(names, frozen)
    kept, rest = _bytes(cost["activations"]), _bytes(cost["gradients"] + cost["slots"])
    words = [
        problem,
        f"{label[0].upper()}{label[1:]}: {cost['trainable']:,} parameters learn, "
        f"{cost['frozen']:,} are frozen.",
        f"A training step needs about {100 * cost['share']:.0f} % of the time of one with all trainable,",
        f"and at most {kept} for outputs, {rest} for gradients and momentum.",
    ]
    done = [f"{run['label']} {run['values'][-1]:.0f} %" for run in runs if run["own"] and run["values"]]
    if done:
        words.append(f"Test images right at the end: {'; '.join(done)}.")
    if running:
        words.append("A run is under way.")
    return " ".join(filter(None, words))


@style()
def figure(groups, frozen, cost, runs, description):
    """Return the state of a `Freezing` as a `Picture`. Pure; arguments as its attributes."""
    drawing, (work, right) = picture(9.4, 3.6, f"Freezing. {description}", columns=2, wspace=0.3)
    places, floor = np.arange(1, len(groups) + 1), np.zeros(len(groups))
    macs = np.array([group["macs"] for group in groups]) / 1e6
    hatch = ["///" if group["name"] in frozen else "" for group in groups]
    for part, (name, role) in enumerate(
        (("forward", "reference"), ("input gradients", "output"), ("weight gradients", "kernel"))
    ):
        height = macs * [one[part] for one in cost["passes"]]
        work.bar(places, height, bottom=floor, color=COLORS[role], hatch=hatch, edgecolor="white", label=name)
        floor += height
    work.set(xlabel="layer (hatched: frozen)", ylabel="multiply-adds, millions")
    work.set_title(f"Work of a step: {100 * cost['share']:.0f} % of all trainable")
    work.legend(fontsize=8)
    for run in runs:
        epochs, line = range(1, len(run["values"]) + 1), "o-" if run["own"] else "o--"
        right.plot(epochs, run["values"], line, markersize=3, color=COLORS[run["role"]], label=run["label"])
    right.set(xlabel="epoch", ylabel="test images right, %", ylim=(0, 100))
    right.set_title("Runs")
    if runs:
        right.legend(fontsize=8)
    return drawing
