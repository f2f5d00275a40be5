"""What an exception knows: the frames that it passed through, their layers, shapes, models and data.

Keras shortens its tracebacks, but the innermost frame stays, and each frame knows who called it. So the
evidence is what stood in the variables, and hardly ever the wording of the message.
"""

import re
import traceback
from typing import Any, NamedTuple

import keras

from cvcourse.explaining.trials import maker

RUNS = {"fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch"}


class Frame(NamedTuple):
    """One function that was running."""

    name: str
    owner: Any  # its `self`, or None
    values: dict  # its variables
    module: str


def frames_of(error):
    """Return the `Frame`s of an exception, the innermost first."""
    origin = error
    while origin.__cause__ or (origin.__suppress_context__ and origin.__context__):
        origin = origin.__cause__ or origin.__context__  # Keras raises a longer text in place of the first
    found = []
    for one in dict.fromkeys([origin, error]):
        passed = [frame for frame, _ in traceback.walk_tb(one.__traceback__)]
        frame = passed[-1] if passed else None
        while frame is not None:
            values, module = dict(frame.f_locals), frame.f_globals.get("__name__", "")
            found.append(Frame(frame.f_code.co_name, values.get("self"), values, module))
            frame = None if frame is passed[0] else frame.f_back
    return found


class Evidence:
    """What is known of an exception.

    Attributes:
        error, text: the exception, and its message without colours.
        frames: list of `Frame`, innermost first.
        layer, kind: the innermost layer or operation that was called, and its class's name.
        inputs, shapes: the tensors it was given, and their shapes with the batch axis.
        stack: list of layers of the `Sequential` in which the layer stands; [] elsewhere.
        start: the shape that goes into that Sequential.
        run: (model, x, y) of a `fit`, `evaluate` or `predict` in which it happened; None elsewhere.
    """

    def __init__(self, error):
        self.error, self.frames = error, frames_of(error)
        self.text = re.sub(r"\x1b\[\d*m", "", str(error))
        self.layer, self.inputs = self._called()
        self.kind, self.shapes = type(self.layer).__name__, [tuple(one.shape) for one in self.inputs]
        self.stack, self.start = self._sequential()
        self.run = self._running()

    def owners(self, kind, *names):
        """Yield the frames of these functions (any, if none is named) that belong to objects of a class."""
        found = (one for one in self.frames if isinstance(one.owner, kind))
        return (one for one in found if not names or one.name in names)

    @property
    def before(self):
        """(layer before this one or None, shapes that it took), as far as that is known."""
        place = self.stack.index(self.layer) if self.stack else 0
        if place:
            return self.stack[place - 1], []
        step = maker(self.inputs[0])
        return (step.operation, [tuple(one.shape) for one in step.inputs]) if step else (None, [])

    def _called(self):
        for frame in self.owners(keras.Operation, "__call__", "symbolic_call", "compute_output_spec"):
            given = frame.values.get("args", ()), frame.values.get("kwargs", {})
            tensors = [x for x in keras.tree.flatten(given) if hasattr(x, "shape") and hasattr(x, "dtype")]
            if tensors or frame.name == "__call__":
                return frame.owner, tensors
        return None, []

    def _sequential(self):
        for frame in self.owners(keras.Sequential):
            if self.layer in frame.owner.layers:
                shapes = [one.values.get("input_shape") for one in self.owners(keras.Sequential, "build")]
                return list(frame.owner.layers), next(filter(None, shapes), None)
        return [], None

    def _running(self):
        for frame in self.owners(keras.Model, *RUNS):
            around = [one.values for one in self.frames if one.values.get("model") is frame.owner]
            steps = self.owners(keras.Model, "train_step", "test_step", "predict_step")
            for values in [frame.values, *around, *(one.values for one in steps)]:  # where fit got a data set
                if isinstance(values.get("x"), list) or hasattr(values.get("x"), "shape"):
                    return frame.owner, values["x"], values.get("y")
            return frame.owner, None, None
        for frame in reversed(list(self.owners(keras.Model, "__call__"))):
            given = [x for x in keras.tree.flatten(frame.values.get("args", ())) if hasattr(x, "shape")]
            if given and not isinstance(given[0], keras.KerasTensor):
                return frame.owner, given[0] if len(given) == 1 else given, None
        return None
