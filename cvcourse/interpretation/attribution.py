"""Which parts of an image speak for a class, and the test that keeps such pictures honest."""

import keras
import numpy as np
from keras import layers as kl
from keras import ops

from cvcourse import backend
from cvcourse.interpretation.listening import (
    as_batch,
    calls,
    check_model,
    compile_pass,
    find_calls,
    linear,
    listening,
    named_layers,
)


def grad_cam(model, image, layer=None, class_index=None):
    """Grad-CAM: where the maps of a layer speak for a class, an array (H, W) in [0, 1] over the image.

    Each map of the layer is weighted by how much the class's score would rise if the map were raised
    a little everywhere; the positive part of the sum is enlarged to the image and scaled to a maximum
    of 1. All zeros means that nothing in this layer speaks for the class. The score is the number
    before the last softmax or sigmoid.

    Args:
        model: built Keras model that ends in class scores (N, classes); nested models are fine.
        image: float array (H, W, C) or (1, H, W, C), in the range that the model was trained on.
        layer: str, name of a layer with maps; None for the last one with more than one place.
        class_index: int, the class; None for the one with the highest score.

    Returns:
        Array (H, W), float32.

    Raises:
        ValueError: if there is no such layer or class, or model or image cannot be used.

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
    index = _checked_class(model, x, class_index)
    last = _last_layer(model, x)

    def run(model, x, index):
        def score(rise):  # `rise` is added to whole maps; its gradient is the sum over their pixels
            maps = []

            def hear(name, inputs, outputs):
                if name == call.name:
                    maps.append(outputs)
                    return outputs + ops.cast(rise, outputs.dtype)
                return inputs if name == last and isinstance(layers[last], kl.Softmax) else outputs

            layers = named_layers(model)
            with linear(layers.get(last)), listening(layers, hear):
                scores = ops.cast(model(x, training=False), "float32")
            chosen = ops.where(index < 0, ops.cast(ops.argmax(scores[0]), "int32"), index)
            return ops.take(scores[0], chosen), maps[0]

        slopes, maps = backend.gradient(score, ops.zeros(call.output_shape[-1]))
        heat = ops.relu(ops.sum(ops.cast(maps, "float32") * slopes, axis=-1, keepdims=True))
        heat = ops.image.resize(heat, x.shape[1:3], interpolation="bilinear", data_format="channels_last")
        return heat[0, ..., 0] / ops.maximum(ops.max(heat), 1e-12)

    key = ("grad_cam", call.name, x.shape)
    return ops.convert_to_numpy(compile_pass(model, key, run)(x, ops.convert_to_tensor(index, "int32")))


def occlusion(model, image, class_index=None, size=None, strides=None, fill=None):
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

    Returns:
        Array (H, W), float32, in the unit of the model's output.

    Raises:
        ValueError: if size, strides, class, model or image cannot be used.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D(),
        ...                           keras.layers.Dense(2, activation="softmax")])
        >>> occlusion(model, np.ones((8, 8, 3)), fill=1).max()  # hidden by its own colour
        np.float32(0.0)

    Honesty test: `occlusion(randomized(model), image, class_index)` must look different.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2014, section 4.2.
    """
    x = as_batch(model, image)
    image = ops.convert_to_numpy(x)[0]
    index = _checked_class(model, x, class_index)
    size = max(1, min(image.shape[:2]) // 4) if size is None else size
    strides = max(1, size // 2) if strides is None else strides
    if not (1 <= size <= min(image.shape[:2]) and 1 <= strides <= size):
        raise ValueError(
            f"size must be 1 to {min(image.shape[:2])} pixels and strides 1 to size, so that every pixel is "
            f"hidden once. Received: size={size}, strides={strides}"
        )
    rows, columns = (_starts(length, size, strides) for length in image.shape[:2])
    places = [(y, x) for y in rows for x in columns]
    outputs = _outputs_without(model, image, places, size, image.mean(axis=(0, 1)) if fill is None else fill)
    index = int(outputs[-1].argmax()) if index < 0 else index
    fall, covered = np.zeros(image.shape[:2]), np.zeros(image.shape[:2])
    for (y, x), output in zip(places, outputs[:-1], strict=True):
        fall[y : y + size, x : x + size] += outputs[-1, index] - output[index]
        covered[y : y + size, x : x + size] += 1
    return (fall / covered).astype("float32")


def _starts(length, size, strides):
    """Return the places of the square along one axis; the last one touches the border."""
    return sorted({*range(0, length - size + 1, strides), length - size})


def _outputs_without(model, image, places, size, fill, batch_size=16):
    """Return the model's outputs with each place hidden, and in the last row with none hidden."""
    hidden = [*places, None]
    hidden += [None] * (-len(hidden) % batch_size)  # equal batches: one compilation
    run = compile_pass(model, ("outputs", batch_size, image.shape), lambda model, x: model(x, training=False))
    outputs = []
    for start in range(0, len(hidden), batch_size):
        batch = np.repeat(image[None], batch_size, axis=0)
        for one, place in zip(batch, hidden[start : start + batch_size], strict=True):
            if place is not None:
                one[place[0] : place[0] + size, place[1] : place[1] + size] = fill
        outputs.append(ops.convert_to_numpy(run(ops.convert_to_tensor(batch))))
    return np.concatenate(outputs)[: len(places) + 1]


def randomized(model, seed=0, layers=None):
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
        ValueError: if a layer does not exist or the model is not built.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 5, name="conv")])
        >>> other = randomized(model)
        >>> old, new = model.get_weights()[0], other.get_weights()[0]
        >>> bool(np.allclose(old, new)), bool(np.allclose(np.sort(old, None), np.sort(new, None)))
        (False, True)

    Source: Adebayo et al., "Sanity Checks for Saliency Maps", 2018.
    """
    check_model(model)
    rng = np.random.default_rng(seed)
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    known = named_layers(copy)
    missing = [name for name in layers or () if name not in known]
    if missing:
        raise ValueError(
            f"layers must be names of layers of model {model.name!r}, such as {', '.join(list(known)[:8])}. "
            f"Received: {missing}"
        )
    done = set()
    for name in known if layers is None else layers:
        for weight in known[name].weights:
            if id(weight) not in done:  # a nested model has the weights of its layers
                done.add(id(weight))
                weight.assign(rng.permutation(ops.convert_to_numpy(weight).ravel()).reshape(weight.shape))
    return copy


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


def _last_layer(model, x):
    """Return the name of the layer whose output is the model's, or None."""
    return next((call.name for call in reversed(calls(model, x))
                 if call.is_output and not isinstance(call.layer, keras.Model)), None)


def _checked_class(model, x, class_index):
    """Return the class as an int, −1 for "the highest"; raise if the model has no such class."""
    shape = calls(model, x)[-1].output_shape
    shape = next((call.output_shape for call in calls(model, x) if call.is_output), shape)
    if len(shape) != 2:
        raise ValueError(
            "model must end in class scores (N, classes). Received: model "
            f"{model.name!r}, whose output has the shape {shape}"
        )
    if class_index is None:
        return -1
    if not 0 <= class_index < shape[-1]:
        raise ValueError(f"class_index must be 0 to {shape[-1] - 1}. Received: class_index={class_index!r}")
    return int(class_index)
