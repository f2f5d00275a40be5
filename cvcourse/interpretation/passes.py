"""A forward pass that can be overheard: what each layer received and returned, in any Keras model.

`keras.Model(model.input, layer.output)` is the usual way to a layer's output. It fails for a layer
inside a nested model ("graph disconnected") and for subclassed models. Here the model simply runs,
once, and its layers are listened to. What is compiled is kept as long as its model lives.
"""

import weakref
from collections import Counter
from collections.abc import Callable, Container, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import ArrayLike

from cvcourse import arguments, backend
from cvcourse.keras_graph import find_layer, find_name, named_layers, overhearing, swapped

_compiled: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # model -> (its parts, {key: function})


class Call(NamedTuple):
    """One call of a layer in a forward pass; the second call of a shared layer is named `name#2`."""

    name: str
    layer: Any
    input_shape: Any  # tuple, or a list of them for a layer with several inputs; batch axis included
    output_shape: Any


@contextmanager
def listening(layers: dict[str, Any], hear: Callable[[str, Any, Any], Any]) -> Iterator[None]:
    """Inside this block `hear(name, inputs, outputs)` sees every call and decides what it returns.

    Args:
        layers: {path: layer}, such as `named_layers(model)`.
    """
    numbers: Counter[str] = Counter()

    def told(path, layer, args, kwargs, call):
        outputs = call(*args, **kwargs)
        numbers[path] += 1
        inputs = next(iter((*args, *kwargs.values())), None)
        return hear(_numbered(path, numbers[path]), inputs, outputs)

    with overhearing(layers, told):
        yield


def _numbered(path, number):
    return path if number == 1 else f"{path}#{number}"


@contextmanager
def linear(layer: Any) -> Iterator[None]:
    """Inside this block the layer leaves out its activation, if it has one."""
    if getattr(layer, "activation", None) is None:
        yield
        return
    with swapped(layer, "activation", keras.activations.linear):
        yield


def overhear(model: keras.Model, x: Any, names: Container[str] | None = None) -> tuple[Any, dict[str, tuple]]:
    """Run the batch `x` through the model; return (result, {name: (inputs, outputs)}), in order.

    Args:
        names: container of the names of the calls to keep; None for all.
    """
    heard = {}

    def hear(name, inputs, outputs):
        if names is None or name in names:
            heard[name] = inputs, outputs
        return outputs

    with listening(named_layers(model), hear):
        return model(x, training=False), heard


def calls(model: keras.Model, x: Any) -> list[Call]:
    """Return the `Call`s of a forward pass on the batch `x`, in order; from one uncompiled pass."""

    def listen():
        layers = named_layers(model)
        return [
            Call(name, layers.get(name) or layers[name.rpartition("#")[0]], _shape(inputs), _shape(outputs))
            for name, (inputs, outputs) in overhear(model, x)[1].items()
        ]

    return once(model, ("calls", x.shape), listen)


def _shape(tensors):
    if isinstance(tensors, list | tuple):
        return [_shape(tensor) for tensor in tensors]
    return tuple(getattr(tensors, "shape", ()))


def once(model: keras.Model, key: Hashable, make: Callable[[], Any]) -> Any:
    """Return what `make()` gave for this model and key; made again if the model's parts have changed.

    Noticed are layers, weights and activations that were added, removed or replaced. New values of
    the same weights need no notice, as every pass reads them.
    """
    layers = named_layers(model).values()
    parts = [*model.weights, *layers, *(getattr(layer, "activation", None) for layer in layers)]
    before, made = _compiled.get(model, ((), {}))
    if len(before) != len(parts) or any(a is not b for a, b in zip(before, parts, strict=True)):
        made = {}
        _compiled[model] = (parts, made)
    if key not in made:
        made[key] = make()
    return made[key]


def compile_pass(model: keras.Model, key: Hashable, run: Callable) -> Callable:
    """Return `run(model, *tensors)` compiled, once per model and key; it does not keep the model alive."""
    alive = weakref.ref(model)
    return once(model, key, lambda: backend.compiled(lambda *tensors: run(alive(), *tensors)))


def check_model(model: keras.Model) -> None:
    """Raise unless `model` is a built Keras model with one input."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"model must be a Keras model. Received: model={model!r}")
    if not model.built:
        raise ValueError(
            f"model {model.name!r} has no weights yet. Start it with keras.Input(shape), or call "
            "model.build((None, height, width, channels)). Received: a model that is not built"
        )
    inputs = getattr(model, "inputs", None) or [None]
    if len(inputs) != 1:
        raise ValueError(f"model must have one input, an image. Received: a model with {len(inputs)} inputs")


def as_batch(model: keras.Model, image: ArrayLike) -> Any:
    """Return the image as a float32 tensor (1, H, W, C) that fits `model`, or raise."""
    check_model(model)
    expected = tuple(model.inputs[0].shape[1:]) if getattr(model, "inputs", None) else (None, None, None)
    if any(getattr(one, "data_format", None) == "channels_first" for one in named_layers(model).values()):
        raise ValueError(f"model must have channels last. Received: {model.name!r}, channels first")
    given = arguments.array(image, "image", range(65), "(H, W, C)", empty=True, finite=False)
    image = given[0] if given.shape[:1] == (1,) and given.ndim == len(expected) + 1 else given
    wanted = "(" + ", ".join("any" if size is None else str(size) for size in expected) + ")"
    if image.ndim != len(expected):
        raise ValueError(
            f"image must be one image of shape {wanted}: height, width, channels; image[..., None] gives a "
            f"grey one its channel axis, images[0] takes one of many. Received: shape={image.shape}"
        )
    if any(size not in (None, actual) for size, actual in zip(expected, image.shape, strict=True)):
        raise ValueError(
            f"image must have the shape {wanted} that model {model.name!r} was built for; "
            "photos.photo(name, size) and skimage.transform.resize change the size. "
            f"Received: shape={image.shape}"
        )
    _check_values(image)
    return keras.ops.convert_to_tensor(image[None].astype("float32"))


def _check_values(image):
    if image.dtype.kind != "f":
        raise TypeError(
            "image must hold floats, in the course numbers from 0 to 1: divide bytes by 255 "
            f"(or use image.astype('float32') if this model wants 0 to 255). Received: dtype={image.dtype}"
        )
    if not np.isfinite(image).all():
        raise ValueError("image must hold finite numbers. Received: NaN or infinity among its values")
    if image.size and np.abs(image.astype("float64")).max() > 65535:  # sixteen bits; a CT has −1,024 to 3,071
        raise ValueError(
            "image must be in the range that the model was trained on, 0 to 1, say; 65,535 at most. "
            f"Received: values from {image.min():g} to {image.max():g}"
        )


def find_calls(model: keras.Model, x: Any, layers: Iterable[Any]) -> list[Call]:
    """Return the `Call`s of layers (paths, the ends of paths, or the layers themselves), or raise."""
    heard = {call.name: call for call in calls(model, x)}
    names = [layer if isinstance(layer, str) else find_layer(model, layer)[0] for layer in layers]
    return [heard[find_name(model.name, name, heard)] for name in names]
