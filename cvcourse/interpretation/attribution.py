"""Which parts of an image speak for a class, and the test that keeps such pictures honest."""

from collections.abc import Collection
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from cvcourse import arguments, backend
from cvcourse.interpretation.passes import (
    as_batch,
    calls,
    check_model,
    compile_pass,
    find_calls,
    linear,
    listening,
    once,
    overhear,
)
from cvcourse.keras_graph import find_layer, graph_of, named_layers


def grad_cam(
    model: keras.Model, image: ArrayLike, layer: str | keras.layers.Layer | None = None,
    class_index: int | None = None, output: str | int | None = None,
) -> np.ndarray:
    """Grad-CAM: where the maps of a layer speak for a class, an array (H, W) in [0, 1] over the image.

    Each map of the layer is weighted by how much the class's score would rise if the map were raised
    a little everywhere; the positive part of the sum is enlarged to the image and scaled to a maximum
    of 1. All zeros means that nothing in this layer speaks for the class. The score is the number
    before the last softmax or sigmoid, however that is written.

    Args:
        model: built Keras model that ends in class scores (N, classes); nested models are fine.
        image: float array (H, W, C) or (1, H, W, C), in the range that the model was trained on.
        layer: str, name of a layer with maps; None for the last one with more than one place.
        class_index: int, the class; None for the one with the highest score.
        output: str or int, name or number of the output, for a model with several.

    Returns:
        Array (H, W), float32.

    Raises:
        ValueError: if there is no such layer, class or output, if the scores before the softmax cannot be
            told or do not depend on the layer, or if model or image cannot be used.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 5, name="conv"),
        ...                           keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
        >>> grad_cam(model, np.ones((8, 8, 3)), class_index=1).shape
        (8, 8)

    Honesty test: `grad_cam(randomized(model), image)` must look different.

    Source: Selvaraju et al., "Grad-CAM", 2017, equations 1 and 2.
    """
    x = as_batch(model, image)
    call = _last_maps(model, x) if layer is None else find_calls(model, x, [layer])[0]
    if not _has_places(call):
        raise ValueError(
            "layer must give maps (N, H, W, K) with more than one place. Received: "
            f"layer={call.name!r}, whose output has the shape {call.output_shape}"
        )
    index = _checked_class(model, x, class_index, output)
    source = once(model, ("scores", x.shape, output), lambda: _before_softmax(model, x, output))

    def run(model, x, index):
        def score(rise):
            heard = {}

            def hear(name, inputs, outputs):
                heard.update({call.name: outputs} if name == call.name else {})
                heard.update({source.name: outputs} if name == source.name else {})
                return outputs + ops.cast(rise, outputs.dtype) if name == call.name else outputs

            with _without(source), listening(named_layers(model), hear):
                scores = _chosen(model, model(x, training=False), output)
            scores = ops.cast(heard.get(source.name, scores), "float32")
            chosen = ops.where(index < 0, ops.cast(ops.argmax(scores[0]), "int32"), index)
            return ops.take(scores[0], chosen), heard[call.name]

        slopes, maps = backend.gradient(score, ops.zeros(call.output_shape))
        weights = ops.sum(ops.cast(slopes, backend.FINE), axis=(1, 2))  # of a map raised everywhere
        moves = ops.any(slopes != 0)
        heat = ops.relu(ops.sum(ops.cast(maps, backend.FINE) * weights, axis=-1, keepdims=True))
        heat = ops.cast(heat / ops.maximum(ops.max(heat), 1e-30), "float32")
        heat = ops.image.resize(heat, x.shape[1:3], interpolation="bilinear", data_format="channels_last")
        return heat[0, ..., 0] / ops.maximum(ops.max(heat), 1e-12), moves

    heat, moves = compile_pass(model, ("grad_cam", call.name, x.shape, output), run)(
        x, ops.convert_to_tensor(index, "int32"))
    if not moves:
        raise ValueError(
            "layer must move the score of the class, and here not one slope differs from 0: the layer does "
            "not lead to this output, its units are dead, or a softmax before the last layers is saturated. "
            f"Received: layer={call.name!r}"
        )
    return ops.convert_to_numpy(heat)


class _Source(NamedTuple):
    """Where the scores before the last softmax or sigmoid are heard."""

    name: str | None = None  # of a call; None: the model's output is the score
    layer: Any = None  # whose activation is left out meanwhile; None: the call gives the scores as it is


def _without(source):
    return linear(source.layer, also_relu=True)


def _before_softmax(model, x, output):
    """Find the scores whose softmax or sigmoid the model returns, however it is written: by their values.

    Two images must agree. Softmax after softmax is followed back to the first.
    """
    layers = {call.name: call.layer for call in calls(model, x)}

    def listen(source):
        with _without(source):
            return [overhear(model, probe) for probe in (x, ops.zeros_like(x))]

    passes, source, seen = listen(_Source()), _Source(), set()
    candidates = [_Source(name, layer) for name in reversed(passes[0][1]) for layer in (None, layers[name])]
    found = [_numbers(_chosen(model, result, output)) for result, _ in passes]

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


def occlusion(
    model: keras.Model, image: ArrayLike, class_index: int | None = None, size: int | None = None,
    strides: int | None = None, fill: ArrayLike | None = None, output: str | int | None = None,
) -> np.ndarray:
    """Occlusion: how much a class's output falls when a place is hidden, an array (H, W) over the image.

    A grey square slides over the image. Each pixel gets the mean fall over the squares that cover it;
    0.3 means that a probability of 0.9 fell to 0.6, negative numbers that hiding it helped.

    Args:
        model: built Keras model that ends in class outputs (N, classes).
        image: float array (H, W, C) or (1, H, W, C), in the range that the model was trained on.
        class_index: int, the class; None for the one with the highest output.
        size: int, side of the square in pixels; None for a quarter of the image's shorter side.
        strides: int, steps of the square in pixels; None for half its side.
        fill: float or C floats, the colour of the square; None for the image's mean colour.
        output: str or int, name or number of the output, for a model with several.

    Returns:
        Array (H, W), float32, in the unit of the model's output.

    Raises:
        ValueError: if size, strides, fill, class, output, model or image cannot be used.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D(),
        ...                           keras.layers.Dense(2, activation="softmax")])
        >>> occlusion(model, np.ones((8, 8, 3)), fill=1).max()  # hidden by its own colour
        np.float32(0.0)

    Honesty test: `occlusion(randomized(model), image, class_index)` must look different.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2014, section 4.2.
    """
    x = as_batch(model, image)
    pixels = ops.convert_to_numpy(x)[0]
    index = _checked_class(model, x, class_index, output)
    size = arguments.number(max(1, min(pixels.shape[:2]) // 4) if size is None else size, "size", whole=True)
    strides = arguments.number(max(1, size // 2) if strides is None else strides, "strides", whole=True)
    fill = pixels.mean(axis=(0, 1)) if fill is None else fill
    fill = arguments.array(fill, "fill", (0, 1), "of 1 or C numbers")
    if fill.size not in (1, pixels.shape[-1]) or np.abs(fill.astype("float64")).max() > 65535:
        raise ValueError(f"fill must be 1 or {pixels.shape[-1]} numbers up to 65,535. Received: {fill}")
    if not (1 <= size <= min(pixels.shape[:2]) and 1 <= strides <= size):
        raise ValueError(
            f"size must be 1 to {min(pixels.shape[:2])} pixels and strides 1 to size, so that every pixel is "
            f"hidden once. Received: size={size}, strides={strides}"
        )
    rows, columns = (_starts(length, size, strides) for length in pixels.shape[:2])
    places = [(y, x) for y in rows for x in columns]
    outputs = _outputs_without(model, pixels, places, size, fill, output)
    index = int(outputs[-1].argmax()) if index < 0 else index
    fall, covered = np.zeros(pixels.shape[:2]), np.zeros(pixels.shape[:2])
    for (row, column), hidden in zip(places, outputs[:-1], strict=True):
        here = slice(row, row + size), slice(column, column + size)
        fall[here] += outputs[-1, index] - hidden[index]
        covered[here] += 1
    return (fall / covered).astype("float32")


def _starts(length, size, strides):
    """Return the places of the square along one axis; the last one touches the border."""
    return sorted({*range(0, length - size + 1, strides), length - size})


def _outputs_without(model, image, places, size, fill, output, batch_size=16):
    """Return the model's outputs with each place hidden, and in the last row with none hidden."""
    hidden = [*places, None]
    hidden += [None] * (-len(hidden) % batch_size)  # equal batches: one compilation
    run = compile_pass(model, ("outputs", batch_size, image.shape, output),
                       lambda model, x: _chosen(model, model(x, training=False), output))
    outputs = []
    for start in range(0, len(hidden), batch_size):
        batch = np.repeat(image[None], batch_size, axis=0)
        for one, place in zip(batch, hidden[start : start + batch_size], strict=True):
            if place is not None:
                one[place[0] : place[0] + size, place[1] : place[1] + size] = fill
        outputs.append(ops.convert_to_numpy(run(ops.convert_to_tensor(batch))))
    return np.concatenate(outputs)[: len(places) + 1]


def randomized(model: keras.Model, seed: int = 0, layers: Collection[str] | None = None) -> keras.Model:
    """Copy of a model whose weights are shuffled: same sizes and spread of weights, nothing learned.

    A picture of what a network looks at must change when the network has learned nothing. If it does
    not, it shows the image or the architecture.

    Args:
        model: built Keras model, Sequential or functional.
        seed: int, of the shuffle.
        layers: names of the layers to shuffle; None for all. From the last layer backwards, one more
            at a time, is the cascade of the paper.

    Returns:
        A new model; the old one is untouched.

    Raises:
        ValueError: if a layer does not exist, the model is not built, or it cannot be copied.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 5, name="conv")])
        >>> other = randomized(model)
        >>> old, new = model.get_weights()[0], other.get_weights()[0]
        >>> bool(np.allclose(old, new)), bool(np.allclose(np.sort(old, None), np.sort(new, None)))
        (False, True)

    Source: Adebayo et al., "Sanity Checks for Saliency Maps", 2018.
    """
    check_model(model)
    rng = np.random.default_rng(arguments.number(seed, "seed", 0, whole=True))
    if not isinstance(layers, list | tuple | set | frozenset | dict | None):
        raise TypeError(f"layers must be a list of names of layers, or None. Received: layers={layers!r}")
    if graph_of(model) is None:
        raise ValueError("model must be Sequential or functional. Received: a class of its own, "
                         f"{type(model).__name__}, which Keras cannot copy")
    copy = keras.models.clone_model(model, clone_function=_twin)
    copy.set_weights(model.get_weights())
    known = named_layers(copy)
    done = set()
    for name in known if layers is None else layers:
        for weight in find_layer(copy, name, "layers")[1].weights:
            if id(weight) not in done:  # a nested model has the weights of its layers
                done.add(id(weight))
                weight.assign(rng.permutation(ops.convert_to_numpy(weight).ravel()).reshape(weight.shape))
    return copy


def _twin(layer):
    """A new layer like this one; the layer itself where it has no weights and cannot be copied."""
    try:
        return layer.__class__.from_config(layer.get_config())
    except Exception as error:  # Lambda, or no `get_config`: whatever the class itself raises
        if layer.weights:
            raise ValueError(
                f"model must have layers that Keras can copy. Received: {layer.name!r}, a "
                f"{type(layer).__name__} with weights and without a working get_config"
            ) from error
        return layer


def _last_maps(model, x):
    found = [call for call in calls(model, x) if _has_places(call)]
    if not found:
        raise ValueError(
            f"model must have a layer with maps (N, H, W, K). Received: model {model.name!r} has none"
        )
    return found[-1]


def _has_places(call):
    shape = call.output_shape
    return isinstance(shape, tuple) and len(shape) == 4 and shape[1] * shape[2] > 1


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


def _outputs(model, result):
    """{name: tensor} of what the model returns; one tensor alone has the name ""."""
    if isinstance(result, dict):
        return result
    if not isinstance(result, list | tuple):
        return {"": result}
    names = getattr(model, "output_names", None) or []
    names = names if len(set(names)) == len(result) else range(len(result))
    return {str(name): tensor for name, tensor in zip(names, result, strict=True)}


def _chosen(model, result, output):
    """The tensor (N, classes) that is meant: the only one, or the one called (or numbered) `output`."""
    found = _outputs(model, result)
    names = list(found)
    whole = isinstance(output, int) and not isinstance(output, bool) and 0 <= output < len(names)
    name = names[output] if whole else names[0] if output is None and len(names) == 1 else output
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


def _checked_class(model, x, class_index, output):
    """Return the class as an int, −1 for "the highest"; raise if the model has no such class."""
    if not isinstance(output, int | str | None):
        raise TypeError(f"output must be a name, a number or None. Received: output={output!r}")
    if len(x.shape) != 4:
        raise ValueError(f"model must take images (H, W, C). Received: {model.name!r}, {x.shape[1:]}")
    count = once(model, ("classes", x.shape, output),
                 lambda: _chosen(model, model(x, training=False), output).shape[-1])
    if class_index is None:
        return -1
    index = arguments.number(class_index, "class_index", whole=True)
    if not 0 <= index < count:
        raise ValueError(f"class_index must be 0 to {count - 1}. Received: class_index={class_index!r}")
    return index
