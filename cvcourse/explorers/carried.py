"""What a page without Python gets of a network, so that it computes units of its layers itself.

That is weights, and the maps that they are applied to. A page computes a layer's input where this is cheap;
where it is not, the maps travel as bytes. `feature_units.js` unpacks all of it.
"""

import numpy as np
from keras import layers as kl
from keras import ops

from cvcourse.interpretation.maps import kernels
from cvcourse.interpretation.passes import as_batch, calls, overhear
from cvcourse.interpretation.receptive import reaches, window

BUDGET = 360_000  # bytes of all of it; as text they are a third more
EXACT = 40_000  # bytes up to which weights or maps travel as float32: figures are right to all digits shown
WORK = 1.5e8  # multiply-adds that a page may do for the input of a layer
LAYERS = 12
COUNTS = (None, 64, 32, 16, 8)  # of a layer, the first so many maps
KINDS = {
    kl.Conv2D: "conv", kl.SeparableConv2D: "conv", kl.DepthwiseConv2D: "depthwise", kl.MaxPooling2D: "max",
    kl.AveragePooling2D: "average", kl.BatchNormalization: "point", kl.Activation: "point", kl.ReLU: "point",
    kl.ZeroPadding2D: "point",
}  # fmt: skip
CLIPS = {"linear": (None, None), "relu": (0, None), "relu6": (0, 6), "sigmoid": (), "tanh": (), "silu": ()}


def carried(model, batch, name, layers, first):
    """Return what explains units of a few layers for one image.

    Args:
        model: built Keras model.
        batch: the image as the model takes it.
        name: str, the image's name.
        layers: names of layers to choose from; a dozen, spread from the first to the last.
        first: the one that must be there.

    Returns:
        dict with "image" (`name`), "layers" {name: how it is computed}, "maps" {name: maps as bytes}, and
        "images" {name: {"batch": the image's numbers}}.
    """
    parcel = _Parcel(model, batch)
    places = np.linspace(0, len(layers) - 1, min(len(layers), LAYERS)).astype(int)
    for layer in (first, *(layers[at] for pair in zip(places, places[::-1], strict=True) for at in pair)):
        parcel.add(layer)
    made = {"layers": {}, "maps": {}}
    for (what, key), (count, _, way) in parcel.kept.items():
        if what != "image":
            made[what][key] = getattr(parcel, f"pack_{what}")(key, count, way)
    return {"image": name, **made, "images": {name: {"batch": channels_first(parcel.x)}}}


def channels_first(maps):
    """Return maps, (H, W, K) or (1, H, W, K), packed map by map."""
    maps = ops.convert_to_numpy(maps)
    return packed(np.moveaxis(maps.reshape(maps.shape[-3:]), -1, 0))


def packed(array):
    """Return an array as float32; a large one as bytes with a scale for each part of its first axis.

    Example:
        >>> packed(np.ones((2, 1)))["shape"]
        [2, 1]
    """
    array = np.ascontiguousarray(array, "float32")
    if array.nbytes <= EXACT:
        return {"shape": list(array.shape), "data": array.tobytes()}
    flat = array.reshape(len(array), -1)
    low, high = flat.min(axis=1, keepdims=True), flat.max(axis=1, keepdims=True)
    step = np.where(high > low, (high - low) / 255, 1)
    scales = np.hstack([low, step]).astype("float32").tobytes()  # of each part: the lowest, a step
    return {
        "shape": list(array.shape),
        "scales": scales,
        "data": ((flat - low) / step).round().astype("uint8").tobytes(),
    }


def _bytes(numbers):
    return 4 * numbers if 4 * numbers <= EXACT else numbers


def _window(layer):
    return getattr(layer, "kernel_size", getattr(layer, "pool_size", (1, 1)))


def _is_plain(layer):
    """Does a page compute the layer as Keras does: one group, channels last, float32?"""
    return (
        getattr(layer, "groups", 1) == 1
        and getattr(layer, "axis", -1) in (-1, 3)
        and layer.compute_dtype == "float32"
        and not getattr(layer, "quantization_mode", None)
        and _function(layer) is not None
    )


def _function(layer):
    """Return (name, limits) of the activation that follows the sum; None for one that no page knows."""
    if isinstance(layer, kl.ReLU):
        plain = not layer.negative_slope and not layer.threshold
        return ("ReLU", (0, layer.max_value)) if plain else None
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return (name, CLIPS[name]) if name in CLIPS else None


class _Parcel:
    """What is carried so far: kept = {(what, name): (maps, bytes, where the input comes from)}."""

    def __init__(self, model, batch):
        self.model, self.x = model, as_batch(model, batch)
        self.heard, self.calls = overhear(model, self.x)[1], calls(model, self.x)
        self.layers = {call.name: call.layer for call in self.calls}
        self.made = {id(outputs): name for name, (_, outputs) in reversed(self.heard.items())}
        self.kept = {}

    def add(self, name):
        """Keep what explains a layer's maps, or its first few, if that is not too much."""
        left = BUDGET - sum(size for _, size, _ in self.kept.values())
        plans = (self.plan(name, count, min(left, BUDGET / 2)) for count in COUNTS)
        self.kept |= self.new(next(filter(None, plans), {}))

    def new(self, plan):
        return {key: one for key, one in plan.items() if one[0] > self.kept.get(key, (0,))[0]}

    def cost(self, plan):
        return sum(size for _, size, _ in self.new(plan).values())

    def plan(self, name, count, limit, work=None):
        """Return {(what, name): …} of all that makes the first `count` maps of a layer, None for all of them.

        None if nothing can, in `limit` bytes and `work` multiply-adds (None for the layer that is shown).
        """
        inputs, outputs = self.heard.get(name, (None, None))
        layer = self.layers.get(name)
        kind, shape = KINDS.get(type(layer)), tuple(getattr(inputs, "shape", ()))
        source = ("image", "") if inputs is self.x else ("maps", self.made.get(id(inputs)))
        if None in (kind, source[1]) or len(shape) != 4 or not _is_plain(layer):
            return None
        *_, height, width, depth = shape
        count = min(count or outputs.shape[-1], outputs.shape[-1])
        window = int(np.prod(_window(layer))) * (depth if kind == "conv" else 1)
        needed = depth if kind == "conv" else -(-count // getattr(layer, "depth_multiplier", 1))
        plan = {("layers", name): (count, _bytes(count * window), source)}
        before = {source: (depth if source[0] == "image" else needed, _bytes(height * width * needed), None)}
        limit -= self.cost(plan)
        work = WORK if work is None else work - count * window * outputs.shape[1] * outputs.shape[2]
        if source[0] == "maps" and limit >= 0 and work >= 0:
            most = min(limit, max(self.cost(before), EXACT / 2))  # a chain from the image serves all images
            chain = self.plan(source[1], needed, most, work)
            if chain:
                plan, before = {("layers", name): (*plan["layers", name][:2], ("layers", source[1]))}, chain
        return before | plan if self.cost(before) <= limit and work >= 0 else None

    def pack_layers(self, name, count, way):
        """Return how the first `count` maps of a layer are computed."""
        layer, (inputs, outputs) = self.layers[name], self.heard[name]
        kind, (function, limits) = KINDS[type(layer)], _function(layer)
        sliding = hasattr(layer, "strides")
        if sliding:
            before = [-window(layer, axis, 0, inputs.shape[axis + 1])[0] for axis in (0, 1)]
        else:
            zeros = layer.padding if isinstance(layer, kl.ZeroPadding2D) else ((0, 0), (0, 0))
            before = [first for first, _ in zeros]
        weights, bias = _weights(layer, outputs.shape[-1])
        return {
            "from": list(way),
            "kind": kind,
            "shape": [*outputs.shape[1:3], count],
            "all": outputs.shape[-1],
            "depth": inputs.shape[-1] if kind == "conv" else 1,
            "every": getattr(layer, "depth_multiplier", 1),
            "window": list(_window(layer)),
            "strides": list(layer.strides) if sliding else [1, 1],
            "before": before,
            "dilation": list(getattr(layer, "dilation_rate", (1, 1))),
            "function": function,
            "limits": list(limits),
            "bias": packed(bias[:count]),
            "weights": None if weights is None else packed(weights[:count]),
        }

    def pack_maps(self, name, count, way):
        """Return maps as they are, and for each row and column the pixels of the image that it sees."""
        outputs = self.heard[name][1]
        sizes, pixels = outputs.shape[1:3], self.x.shape[1:3]
        boxes = [(place,) * 2 + (place + 1,) * 2 for place in range(max(sizes))]
        seen = reaches(self.model, self.calls, name, boxes)
        edges = [
            [[int(max(one[axis], 0)), int(min(one[axis + 2], pixels[axis]))] for one in seen[:size]]
            for axis, size in enumerate(sizes)
        ]
        return {**channels_first(outputs[..., :count]), "edges": edges}


def _weights(layer, count):
    """Return (weights (K, D, F, F) or None where all are 1, biases (K,)) of a layer."""
    number = ops.convert_to_numpy
    if isinstance(layer, kl.BatchNormalization):
        scale = 1 / np.sqrt(number(layer.moving_variance) + layer.epsilon)
        scale = scale * number(layer.gamma) if layer.scale else scale
        shift = (number(layer.beta) if layer.center else 0) - number(layer.moving_mean) * scale
        return scale.reshape(-1, 1, 1, 1), shift
    kernel = kernels(layer)
    bias = number(layer.bias) if getattr(layer, "use_bias", False) else np.zeros(count)
    return None if kernel is None else kernel.transpose(3, 2, 0, 1), bias
