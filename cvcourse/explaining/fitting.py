"""Errors at a layer: what goes in does not fit."""

import math
import re

from keras import layers

from cvcourse.explaining.explanation import Explanation
from cvcourse.explaining.trials import changed, remade, source, through
from cvcourse.what_if import times

MERGES = {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Divide", "Power"}


def explain_layer(evidence):
    """Return what does not fit at the layer of an `Evidence`; None where no rule knows it."""
    if evidence.layer is None or not evidence.shapes:
        return None
    return next(filter(None, (rule(evidence, evidence.shapes[0]) for rule in RULES)), None)


def _found(evidence, kind, formula="", cures=(), **fill):
    layer, arrived = evidence.layer, {"comes in": " and ".join(map(str, evidence.shapes))}
    fill |= {"what": f'"{layer.name}" ({_kind(layer)})'}
    return Explanation(kind, layer.name, arrived, formula, cures, **fill)


def _kind(layer):
    return type(layer).__name__


def _tried(evidence, *candidates):
    """Return the codes of the candidates that fit: in the whole Sequential, or else up to this layer.

    A candidate is (code, layers in the place of the one that fails, how many layers before it they replace).
    """
    candidates = [(code, parts, back) for code, parts, back in candidates if None not in parts]
    if not evidence.stack or evidence.start is None:
        return [code for code, parts, back in candidates if not back and through(parts, *evidence.shapes)]
    place = evidence.stack.index(evidence.layer)
    for rest in (evidence.stack[place + 1 :], []):
        fit = [code for code, parts, back in candidates
               if through([*evidence.stack[: place - back], *parts, *rest], evidence.start)]
        if fit:
            return fit
    return []


# --- The rules: each returns an Explanation or None ---------------------------------------------------------


def _list_for_one(evidence, shape):
    if len(evidence.shapes) < 2 or _kind(evidence.layer) in MERGES or evidence.layer.built:
        return None
    if through([layers.Concatenate(), evidence.layer], *evidence.shapes) is None:
        return None
    line = "x = layers.Concatenate()([a, b])  # then call the layer on x"
    return _found(evidence, "list_for_one", cures=[line], count=len(evidence.shapes))


def _merging(evidence, shape):
    shapes, kind = evidence.shapes, _kind(evidence.layer)
    if kind in MERGES and len(shapes) == 1:
        fits = through([evidence.layer], shape, shape)
        return _found(evidence, "merge_of_one", cures=[f"x = layers.{kind}()([a, b])"] if fits else [])
    if kind not in MERGES or len(shapes) != 2 or {len(one) for one in shapes} != {4}:
        return None
    cures = [code for code, side, parts in _alignments(evidence, kind == "Concatenate")
             if None not in parts and _joins(evidence, side, parts)]
    found = "unequal_maps" if shapes[0][1:3] != shapes[1][1:3] else "other_channels"
    return _found(evidence, found, f"{times(shapes[0][1:])} ≠ {times(shapes[1][1:])}", cures)


def _joins(evidence, side, parts):
    """Return whether the two inputs can be joined after `parts` have changed one of them."""
    if isinstance(parts, tuple):  # the layer that made it, replaced
        new = through(parts, *(one.shape for one in source(evidence.inputs[side])[1]))
    else:
        new = through(parts, evidence.shapes[side])
    both = [new if place == side else one for place, one in enumerate(evidence.shapes)]
    layer = evidence.layer
    join = layer if isinstance(layer, layers.Layer) else lambda tensors: layer(*tensors)
    return new and through([join], *both)


def _alignments(evidence, joins_channels):
    """Yield (code, which input it changes, layers): ways to make two inputs alike."""
    shapes = [one[1:] for one in evidence.shapes]
    if None in shapes[0] + shapes[1]:
        return
    large = 0 if shapes[0][0] >= shapes[1][0] else 1
    small = 1 - large
    gaps = [a - b for a, b in zip(shapes[large][:2], shapes[small][:2], strict=True)]
    factor = shapes[large][0] // shapes[small][0]
    on = [f"  # on the input of {times(one)}" for one in shapes]
    for side in (0, 1):
        maker, _ = source(evidence.inputs[side])
        if getattr(maker, "padding", None) == "valid":
            yield f'padding="same"  # in "{maker.name}"', side, (remade(maker, padding="same"),)
    if not joins_channels:
        thin = 0 if shapes[0][2] <= shapes[1][2] else 1
        depth, steps = shapes[1 - thin][2], factor if thin == large else 1
        extra = f", strides={steps}" if steps > 1 else ""
        yield (f"x = layers.Conv2D({depth}, 1{extra})(x){on[thin]}", thin,
               [layers.Conv2D(depth, 1, strides=steps)])
    if min(gaps) >= 0 and 0 < max(gaps) <= 3:
        border = tuple((0, gap) for gap in gaps)
        yield f"x = layers.Cropping2D({border})(x){on[large]}", large, [layers.Cropping2D(border)]
        yield f"x = layers.ZeroPadding2D({border})(x){on[small]}", small, [layers.ZeroPadding2D(border)]
    if factor > 1:
        yield f"x = layers.UpSampling2D({factor})(x){on[small]}", small, [layers.UpSampling2D(factor)]
        yield f"x = layers.MaxPooling2D({factor})(x){on[large]}", large, [layers.MaxPooling2D(factor)]


def _axes_wanted(layer):
    """Return how many axes, batch and channels among them, a layer wants; None where that is open."""
    if isinstance(layer, layers.TimeDistributed):
        inner = _axes_wanted(layer.layer)
        return inner and inner + 1
    rank = re.search(r"(\d)D", _kind(layer))
    return int(rank[1]) + 2 if rank else {"LSTM": 3, "GRU": 3, "SimpleRNN": 3}.get(_kind(layer))


def _rank(evidence, shape):
    layer, got, wanted = evidence.layer, len(shape), _axes_wanted(evidence.layer)
    if wanted is None or got == wanted:
        return None
    formula = f"{wanted} axes with the batch wanted, {got} came in"
    if isinstance(layer, layers.TimeDistributed):
        line = f"layers.{_kind(layer.layer)}(…)  # without TimeDistributed"
        return _found(evidence, "time_distributed", formula, _tried(evidence, (line, [layer.layer], 0)))
    if got > wanted:
        cures = _input_cure(evidence, shape, shape[2:])
        return _found(evidence, "batch_in_input", formula, cures, axes=wanted)
    before = evidence.stack[: evidence.stack.index(layer)] if evidence.stack else []
    maker = before[-1] if before else source(evidence.inputs[0])[0]
    if isinstance(maker, (layers.Flatten, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D)):
        cures = _unflattened(evidence, maker)
        return _found(evidence, "flatten_too_early", formula, cures, before=maker.name)
    if got == wanted - 1 and got > 2:
        line = f'layers.Reshape({(*shape[1:], 1)})  # in front of "{layer.name}"'
        cures = _input_cure(evidence, shape, (*shape[1:], 1))
        cures += _tried(evidence, (line, [layers.Reshape((*shape[1:], 1)), layer], 0))
        return _found(evidence, "no_channel_axis", formula, cures)
    side = math.isqrt(shape[-1] or 0)
    line = f'layers.Reshape({(side, side, 1)})  # in front of "{layer.name}"'
    cures = _tried(evidence, (line, [layers.Reshape((side, side, 1)), layer], 0))
    return _found(evidence, "flat_input", formula, cures, axes=wanted)


def _unflattened(evidence, maker):
    layer = evidence.layer
    lines = [f'leave out "{maker.name}"  # or put it after "{layer.name}"', f'leave out "{layer.name}"']
    if evidence.stack:
        alone = [(lines[1], [], 0)] if "Global" in _kind(layer) else []
        return _tried(evidence, (lines[0], [layer], 1), *alone)
    given = [tuple(one.shape) for one in source(evidence.inputs[0])[1]]
    return lines[:1] if given and through([layer], *given) else []


def _input_cure(evidence, shape, target):
    """Return the line with another Input where it stands directly before the layer that fails."""
    if not target or None in target or (evidence.start and tuple(evidence.start) != tuple(shape)):
        return []
    fits = through(evidence.stack or [evidence.layer], (None, *target))
    return [f"keras.Input({tuple(target)})"] if fits else []


def _window(evidence, shape):
    layer = evidence.layer
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if not window or "Transpose" in _kind(layer) or getattr(layer, "padding", "") != "valid":
        return None
    sizes, pooling = shape[1 : 1 + len(window)], "Pooling" in _kind(layer)
    reach = [(f - 1) * d + 1 for f, d in zip(window, getattr(layer, "dilation_rate", (1,) * 3), strict=False)]
    bad = [(w, f, s) for w, f, s in zip(sizes, reach, layer.strides, strict=True) if w is not None and w < f]
    if not bad:
        return None
    w, f, s = bad[0]
    known, name = min(size for size in sizes if size), "pool_size" if pooling else "kernel_size"
    place = f'  # in "{layer.name}"'
    candidates = [(f'padding="same"{place}', [remade(layer, padding="same")], 0),
                  (f"{name}={known}{place}", [remade(layer, **{name: known})], 0)]
    if pooling:
        candidates.insert(0, (f'leave out "{layer.name}"', [], 0))
        candidates.pop()
    cures = _tried(evidence, *candidates) + _larger_input(evidence)
    count = f"⌊({w} − {f} + 0) / {s}⌋ + 1 = {(w - f) // s + 1}"
    return _found(
        evidence, "pool_to_nothing" if pooling else "window_too_large",
        f"⌊(W − F + 2P) / S⌋ + 1 = {count}, and at least 1 is needed",
        cures, window=times(window), maps=times(sizes))


def _larger_input(evidence):
    """Return the line with the smallest larger Input, of doubled sizes, that fits the whole Sequential."""
    if not evidence.start or len(evidence.start) != 4 or None in evidence.start[1:]:
        return []
    height, width, depth = evidence.start[1:]
    sizes = ((height * 2**k, width * 2**k, depth) for k in range(1, 6))
    fits = next((size for size in sizes if through(evidence.stack, (None, *size))), None)
    return [f"keras.Input({fits})  # larger images"] if fits else []


def _reshape(evidence, shape):
    layer = evidence.layer
    if _kind(layer) != "Reshape" or None in shape[1:]:
        return None
    target, count = layer.target_shape, math.prod(shape[1:])
    rest = math.prod(size for size in target if size != -1)
    if rest == count or not rest:
        return None
    before = source(evidence.inputs[0])[0]
    sides = [side for side in range(2, math.isqrt(count) + 1) if count % side**2 == 0]
    sides.sort(key=lambda side: abs(side - target[0]))
    options = [(side, side, count // side**2) for side in sides[:1]] if len(target) == 3 else []
    options.append((-1, *target[1:]))
    candidates = [(f'layers.Reshape({option})  # "{layer.name}"', [remade(layer, target_shape=option)], 0)
                  for option in options]
    if _kind(before) == "Dense" and evidence.stack:
        candidates.append((f'units={rest}  # in "{before.name}"', [remade(before, units=rest), layer], 1))
    return _found(
        evidence, "reshape",
        f"{'·'.join(map(str, target))} = {rest} ≠ {count} = {'·'.join(map(str, shape[1:]))}",
        _tried(evidence, *candidates))


def _groups(evidence, shape):
    layer, depth = evidence.layer, shape[-1]
    groups = getattr(layer, "groups", 1)
    if not isinstance(groups, int) or not depth or depth % groups == 0 or "Conv" not in _kind(layer):
        return None
    options = ((f'groups={g}  # in "{layer.name}"', [remade(layer, groups=g)], 0)
               for g in dict.fromkeys([math.gcd(depth, groups), 1]))
    formula = f"{depth} / {groups} leaves {depth % groups}"
    return _found(evidence, "groups", formula, _tried(evidence, *options), depth=depth, groups=groups)


def _axis(evidence, shape):
    axis = getattr(evidence.layer, "axis", None)
    axes = [axis] if isinstance(axis, int) else list(axis or [])
    if all(-len(shape) <= one < len(shape) for one in axes):
        return None
    line = f'axis=-1  # in "{evidence.layer.name}"'
    return _found(
        evidence, "axis", f"{len(shape)} axes have the numbers 0 to {len(shape) - 1}, or −{len(shape)} to −1",
        _tried(evidence, (line, [remade(evidence.layer, axis=-1)], 0)), axis=axis)


def _cropping(evidence, shape):
    layer = evidence.layer
    if not hasattr(layer, "cropping") or "2D" not in _kind(layer):
        return None
    total = [sum(pair) for pair in layer.cropping]
    most = max(0, (min(shape[1:3]) - 1) // 2) if None not in shape[1:3] else 0
    left = f"{shape[1]} − {total[0]} = {(shape[1] or 0) - total[0]}, and at least 1 is needed"
    line = f'cropping={most}  # in "{layer.name}"'
    return _found(evidence, "cropping", left, _tried(evidence, (line, [remade(layer, cropping=most)], 0)))


def _open_size(evidence, shape):
    layer, pool = evidence.layer, layers.GlobalAveragePooling2D()
    if _kind(layer) != "Dense" or shape[-1] is not None:
        return None
    before = evidence.stack[: evidence.stack.index(layer)] if evidence.stack else []
    maker, given = (before[-1], []) if before else source(evidence.inputs[0])
    line = f'layers.GlobalAveragePooling2D()  # in place of "{getattr(maker, "name", "")}"'
    cures = _tried(evidence, (line, [pool, layer], 1))
    cures += [line] if given and through([pool, layer], given[0].shape) else []
    return _found(evidence, "open_size", "parameters = inputs · N + N", cures)


def _other_model(evidence, shape):
    base = evidence.layer
    inputs = getattr(base, "inputs", None) or []
    if len(inputs) != 1 or len(shape) != len(inputs[0].shape) or len(shape) != 4:
        return None
    wanted = tuple(inputs[0].shape)
    size, candidates = wanted[1:3], []
    if shape[-1] == wanted[-1] and None not in size:
        line = f'layers.Resizing{size}  # in front of "{base.name}"'
        candidates = [(line, [layers.Resizing(*size), base], 0)]
    cures = _tried(evidence, *candidates)
    if None not in shape[1:] and changed(base, {}, shape[1:]) is not None:
        cures.append(f'input_shape={shape[1:]}  # where "{base.name}" is built')
    return _found(evidence, "other_size", f"{times(shape[1:])} ≠ {times(wanted[1:])}", cures)


def _used_before(evidence, shape):
    layer = evidence.layer
    depth = (getattr(getattr(layer, "input_spec", None), "axes", None) or {}).get(-1)
    if not layer.built or depth in (None, shape[-1]):
        return None
    cures = [f"layers.{_kind(layer)}(…)  # a new one here"] if through([layer], shape) else []
    return _found(evidence, "used_before", f"{shape[-1]} ≠ {depth}", cures, depth=depth)


RULES = (_list_for_one, _merging, _rank, _window, _reshape, _groups, _axis, _cropping, _open_size,
         _other_model, _used_before)
