"""What a filter looks for: an image made to please it."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from cvcourse import arguments, backend
from cvcourse.interpretation.passes import (
    as_batch,
    check_model,
    compile_pass,
    find_calls,
    linear,
    overhear,
)


def maximize_filter(
    model: keras.Model,
    layer: str | keras.layers.Layer,
    channel: int,
    size: int | None = None,
    steps: int = 60,
    value_range: Sequence[float] = (0, 1),
    seed: int = 0,
) -> np.ndarray:
    """An image that a filter answers to strongly: what it looks for; (H, W, C) in [0, 1].

    Starting from faint noise, each step changes the image in the direction that raises the filter's
    map most on average, where its positive part counts ten times. Fine detail is damped, because it
    raises the map without showing anything.

    Args:
        model: built Keras model.
        layer: str, name of a layer with maps, or the layer.
        channel: int, the filter.
        size: int, side of the image in pixels; None for the model's own, or 96 if it takes any.
        steps: int, 1 to 100,000.
        value_range: (low, high) of the images that the model was trained on, such as (-1, 1).
        seed: int, of the noise to start from.

    Returns:
        Array (H, W, C), float32; 0 stands for `low`, 1 for `high`. A dead filter leaves the noise as it was.

    Raises:
        ValueError: if the model has no such layer or channel.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3, name="conv")])
        >>> maximize_filter(model, "conv", channel=1, steps=2).shape
        (8, 8, 1)

    Honesty test: `maximize_filter(randomized(model), layer, channel)` shows what no training looks for.

    Source: Erhan et al., "Visualizing Higher-Layer Features of a Deep Network", 2009; the damping after
    Olah et al., "Feature Visualization", 2017.
    """
    check_model(model)
    ends = arguments.array(value_range, "value_range", (1,), "(low, high)").astype(float).tolist()
    if len(ends) != 2 or not ends[0] < ends[1]:
        raise ValueError(f"value_range must be (low, high), low < high. Received: {value_range!r}")
    low, high = ends
    steps = arguments.number(steps, "steps", 1, 100_000, whole=True)
    channel = arguments.number(channel, "channel", whole=True)
    rng = np.random.default_rng(arguments.number(seed, "seed", 0, whole=True))
    image = 0.5 + 0.02 * rng.standard_normal(_shape_for(model, size))
    [call] = find_calls(model, as_batch(model, image), [layer])
    if len(call.output_shape) != 4 or not 0 <= channel < call.output_shape[-1]:
        raise ValueError(
            "layer must give maps and channel must be one of them. "
            f"Received: layer={call.name!r} with output {call.output_shape}, channel={channel}"
        )

    def run(model, x, channel):
        def answer(x):
            with linear(call.layer):  # a map cut off at zero has no slope to follow
                maps = overhear(model, x, {call.name})[1][call.name][1]
            # Of stripes, half answer and half refuse: the mean alone would be zero for any edge filter.
            answers = ops.take(maps, channel, axis=-1)
            return ops.mean(ops.leaky_relu(answers, negative_slope=0.1)), maps

        return backend.gradient(answer, x)[0]

    slope = compile_pass(model, ("maximize", call.name, image.shape), run)
    channel = ops.convert_to_tensor(channel, "int32")
    for _ in range(steps):
        shift = tuple(rng.integers(-4, 5, 2))  # jitter: the pattern must work wherever it lies
        moved = np.roll(image, shift, axis=(0, 1))
        x = ops.convert_to_tensor((low + (high - low) * moved)[None].astype("float32"))
        rise = _damped(ops.convert_to_numpy(slope(x, channel))[0])
        rise = np.roll(rise, (-shift[0], -shift[1]), axis=(0, 1))
        image = np.clip(image + 0.05 * rise / (rise.std() + 1e-12), 0, 1)
    return image.astype("float32")


def _shape_for(model, size):
    shape = tuple(model.inputs[0].shape[1:]) if getattr(model, "inputs", None) else (None, None, 3)
    if len(shape) != 3:
        raise ValueError(f"model must take images (H, W, C). Received: {model.name!r}, which takes {shape}")
    if size is not None:
        size = arguments.number(size, "size", 1, 4096, whole=True)
        return size, size, shape[-1] or 3
    return tuple(side or fallback for side, fallback in zip(shape, (96, 96, 3), strict=True))


def _damped(slope):
    """Return the slope with each frequency divided by itself, as in natural images."""
    height, width = slope.shape[:2]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    spectrum = np.fft.rfft2(slope, axes=(0, 1)) / np.maximum(frequency, 1 / max(height, width))[..., None]
    return np.fft.irfft2(spectrum, s=(height, width), axes=(0, 1))
