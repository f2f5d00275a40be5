"""Which parts of an image speak for a class."""

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from cvcourse import arguments, backend
from cvcourse.interpretation.passes import as_batch, calls, compile_pass, find_calls, linear, listening, once
from cvcourse.interpretation.scores import before_softmax, checked_class, scores_of
from cvcourse.keras_graph import named_layers


def grad_cam(
    model: keras.Model,
    image: ArrayLike,
    layer: str | keras.layers.Layer | None = None,
    class_index: int | None = None,
    output: str | int | None = None,
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
    index = checked_class(model, x, class_index, output)
    source = once(model, ("scores", x.shape, output), lambda: before_softmax(model, x, output))

    def run(model, x, index):
        def score(rise):
            heard = {}

            def hear(name, inputs, outputs):
                heard[name] = outputs
                return outputs + ops.cast(rise, outputs.dtype) if name == call.name else outputs

            with linear(source.layer), listening(named_layers(model), hear):
                scores = scores_of(model, model(x, training=False), output)
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
        x, ops.convert_to_tensor(index, "int32")
    )
    if not moves:
        raise ValueError(
            "layer must move the score of the class, and here not one slope differs from 0: the layer does "
            "not lead to this output, its units are dead, or a softmax before the last layers is saturated. "
            f"Received: layer={call.name!r}"
        )
    return ops.convert_to_numpy(heat)


def occlusion(
    model: keras.Model,
    image: ArrayLike,
    class_index: int | None = None,
    size: int | None = None,
    strides: int | None = None,
    fill: ArrayLike | None = None,
    output: str | int | None = None,
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
    index = checked_class(model, x, class_index, output)
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


def _outputs_without(model, image, places, size, fill, output):
    """Return the model's outputs with each place hidden, and in the last row with none hidden."""
    hidden, batch_size = [*places, None], 16
    hidden += [None] * (-len(hidden) % batch_size)  # equal batches: one compilation
    run = compile_pass(
        model,
        ("outputs", batch_size, image.shape, output),
        lambda model, x: scores_of(model, model(x, training=False), output),
    )
    outputs = []
    for start in range(0, len(hidden), batch_size):
        batch = np.repeat(image[None], batch_size, axis=0)
        for one, place in zip(batch, hidden[start : start + batch_size], strict=True):
            if place is not None:
                one[place[0] : place[0] + size, place[1] : place[1] + size] = fill
        outputs.append(ops.convert_to_numpy(run(ops.convert_to_tensor(batch))))
    return np.concatenate(outputs)[: len(places) + 1]


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
