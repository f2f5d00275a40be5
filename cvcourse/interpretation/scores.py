"""The score of a class: which output is meant, and what stood there before the last softmax or sigmoid."""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from cvcourse import arguments
from cvcourse.interpretation.passes import calls, linear, once, overhear


def checked_class(model: keras.Model, x: Any, class_index: int | None, output: str | int | None) -> int:
    """Return the class as an int, −1 for "the highest"; raise if the model has no such class."""
    if not isinstance(output, int | str | None):
        raise TypeError(f"output must be a name, a number or None. Received: output={output!r}")
    if len(x.shape) != 4:
        raise ValueError(f"model must take images (H, W, C). Received: {model.name!r}, {x.shape[1:]}")
    count = once(
        model,
        ("classes", x.shape, output),
        lambda: scores_of(model, model(x, training=False), output).shape[-1],
    )
    if class_index is None:
        return -1
    index = arguments.number(class_index, "class_index", whole=True)
    if not 0 <= index < count:
        raise ValueError(f"class_index must be 0 to {count - 1}. Received: class_index={class_index!r}")
    return index


def scores_of(model: keras.Model, result: Any, output: str | int | None) -> Any:
    """The tensor (N, classes) that is meant: the only one, or the one called (or numbered) `output`."""
    found = _outputs(model, result)
    names = list(found)
    name = names[0] if output is None and len(names) == 1 else output
    if isinstance(output, int) and not isinstance(output, bool) and 0 <= output < len(names):
        name = names[output]
    if not isinstance(name, str) or name not in found:
        listed = ", ".join(f"{name!r} {tuple(found[name].shape)}" for name in names)
        raise ValueError(
            f"output must say which output of model {model.name!r} is meant: its name or number among "
            f"{listed if names != [''] else 'one, output=0'}. Received: output={output!r}"
        )
    if len(found[name].shape) != 2:
        raise ValueError(
            "model must end in class scores (N, classes). Received: model "
            f"{model.name!r}, whose output has the shape {tuple(found[name].shape)}"
        )
    return found[name]


def _outputs(model, result):
    """{name: tensor} of what the model returns; one tensor alone has the name ""."""
    if isinstance(result, dict):
        return result
    if not isinstance(result, list | tuple):
        return {"": result}
    names = getattr(model, "output_names", None) or []
    names = names if len(set(names)) == len(result) else range(len(result))
    return {str(name): tensor for name, tensor in zip(names, result, strict=True)}


class Source(NamedTuple):
    """Where the scores before the last softmax or sigmoid are heard."""

    name: str | None = None  # of a call; None: the model's output is the score
    layer: Any = None  # whose activation is left out meanwhile; None: the call gives the scores as it is


def before_softmax(model: keras.Model, x: Any, output: str | int | None) -> Source:
    """Find the scores whose softmax or sigmoid the model returns, however it is written: by their values.

    Two images must agree. Softmax after softmax is followed back to the first.
    """
    layers = {call.name: call.layer for call in calls(model, x)}

    def listen(source):
        with linear(source.layer):
            return [overhear(model, probe) for probe in (x, ops.zeros_like(x))]

    passes, source, seen = listen(Source()), Source(), set()
    candidates = [Source(name, layer) for name in reversed(passes[0][1]) for layer in (None, layers[name])]
    found = [_numbers(scores_of(model, result, output)) for result, _ in passes]

    def explains(candidate):
        heard = None if candidate in seen else _heard(candidate, passes, listen, found)
        return heard if heard and any(_close(map(end, heard), found) for end in _ENDS) else None

    while all(map(_bounded, found)):
        before = next(((one, heard) for one in candidates if (heard := explains(one))), None)
        if before is None:
            break
        source, found = before
        seen.add(source)
    if found[0].shape[-1] > 1 and all(_bounded(one) and abs(one.sum() - 1) < 1e-3 for one in found):
        raise ValueError(
            "model must let its scores be heard before the softmax, as the output of a layer. "
            f"Received: model {model.name!r}, whose probabilities come from inside a layer or operation"
        )
    return source


def _heard(source, passes, listen, found):
    """What the source gave in both passes, of the shape of `found`; None if it has no part in it."""
    heard = [_numbers(each[source.name][1]) for _, each in passes]
    if any(one is None or one.shape != found[0].shape for one in heard):
        return None
    if source.layer is None:
        return heard
    if getattr(source.layer, "activation", None) is None or not _close(heard, found):
        return None
    return [_numbers(each[source.name][1]) for _, each in listen(source)]


def _softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


_ENDS = (
    _softmax,
    lambda scores: 1 / (1 + np.exp(-np.clip(scores, -700, 700))),
    lambda scores: np.log(np.maximum(_softmax(scores), 1e-300)),
)


def _numbers(tensor):
    """The tensor as float64 (N, classes); None for anything else."""
    shape = getattr(tensor, "shape", ())
    return ops.convert_to_numpy(ops.cast(tensor, "float32")).astype("float64") if len(shape) == 2 else None


def _bounded(values):
    """Whether these may be probabilities, or logarithms of some."""
    logs = (values <= 0).all() and abs(np.exp(values).sum() - 1) < 1e-3
    return logs or (values.min() >= -1e-6 and values.max() <= 1 + 1e-6)


def _close(some, others):
    return all(np.allclose(a, b, rtol=1e-3, atol=2e-3) for a, b in zip(some, others, strict=True))
