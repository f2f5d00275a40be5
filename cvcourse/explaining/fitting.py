"""Errors at a layer: what goes in does not fit. Each rule yields an `Explanation`, or nothing."""

import math
import re

from keras import layers

from cvcourse.explaining.explanation import Explanation
from cvcourse.explaining.trials import changed, maker, remade, through, written
from cvcourse.what_if import times

MERGES = {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Divide", "Power"}


def at_a_layer(evidence):
    """Yield what does not fit at the layer of an `Evidence`."""
    if evidence.layer is not None and evidence.shapes:
        for rule in RULES:
            yield from rule(evidence, evidence.layer, evidence.shapes[0])


def _found(evidence, kind, formula="", cures=(), **fill):
    layer, arrived = evidence.layer, {"comes in": " and ".join(map(str, evidence.shapes))}
    what = f'"{layer.name}" ({evidence.kind})'
    return Explanation(kind, layer.name, arrived, formula, cures, what=what, **fill)


def _tried(evidence, *candidates):
    """Return the codes of the candidates that fit: in the whole Sequential, or else up to this layer.

    A candidate is (code, layers in the place of the one that fails, how many layers before it they replace).
    """
    stack, shapes = evidence.stack, evidence.shapes
    if not stack or evidence.start is None:
        given = evidence.before[1] if any(back for _, _, back in candidates) else []
        return [code for code, parts, back in candidates if through(parts, *(given if back else shapes))]
    place = stack.index(evidence.layer)
    for rest in (stack[place + 1 :], []):
        wholes = [(code, [*stack[: place - back], *parts, *rest]) for code, parts, back in candidates]
        fit = [code for code, whole in wholes if through(whole, evidence.start)]
        if fit:
            return fit
    return []


def _set(layer, **settings):
    """Return the candidate with other settings of the layer."""
    return written(layer, **settings), [remade(layer, **settings)], 0


def _in_front(part, layer):
    """Return the candidate with another layer, (code, layer), in front of the one that fails."""
    return f'layers.{part[0]}  # in front of "{layer.name}"', [part[1], layer], 0


def _other_input(evidence, target):
    """Return the line with another Input where it stands directly before the layer that fails."""
    first = evidence.start is None or tuple(evidence.start) == evidence.shapes[0]
    known = first and target and None not in target
    fits = known and through(evidence.stack or [evidence.layer], (None, *target))
    return [f"keras.Input({tuple(target)})"] if fits else []


# --- Several inputs ---------------------------------------------------------------------------------------


def _list_for_one(evidence, layer, shape):
    several = len(evidence.shapes) > 1 and evidence.kind not in MERGES and not layer.built
    if several and through([layers.Concatenate(), layer], *evidence.shapes):
        line = "x = layers.Concatenate()([a, b])  # then call the layer on x"
        yield _found(evidence, "list_for_one", cures=[line], count=len(evidence.shapes))


def _merging(evidence, layer, shape):
    shapes, kind = evidence.shapes, evidence.kind
    if kind in MERGES and len(shapes) == 1:
        fits = through([layer], shape, shape)
        yield _found(evidence, "merge_of_one", cures=[f"x = layers.{kind}()([a, b])"] if fits else [])
    elif kind in MERGES and len(shapes) == 2 and {len(one) for one in shapes} == {4}:
        cures = [code for code, *change in _alignments(evidence) if _joins(evidence, *change)]
        found = "unequal_maps" if shapes[0][1:3] != shapes[1][1:3] else "other_channels"
        yield _found(evidence, found, f"{times(shapes[0][1:])} ≠ {times(shapes[1][1:])}", cures)


def _joins(evidence, side, parts, given):
    """Return whether the inputs can be joined if one of them is what `parts` make of the shapes `given`."""
    both, layer = list(evidence.shapes), evidence.layer
    both[side] = through(parts, *given)
    join = layer if isinstance(layer, layers.Layer) else lambda tensors: layer(*tensors)
    return both[side] and through([join], *both)


def _alignments(evidence):
    """Yield (code, which input it changes, layers, shapes that they take): ways to make two inputs alike."""
    shapes = [one[1:] for one in evidence.shapes]
    if None in shapes[0] + shapes[1]:
        return
    for side, tensor in enumerate(evidence.inputs):
        step = maker(tensor)
        if step and getattr(step.operation, "padding", None) == "valid":
            code, parts, _ = _set(step.operation, padding="same")
            yield code, side, parts, [one.shape for one in step.inputs]

    def on(side, code, layer):
        line = f"x = layers.{code}(x)  # on the input of {times(shapes[side])}"
        return line, side, [layer], [evidence.shapes[side]]

    large = 0 if shapes[0][0] >= shapes[1][0] else 1
    small = 1 - large
    gaps = [a - b for a, b in zip(shapes[large][:2], shapes[small][:2], strict=True)]
    factor = shapes[large][0] // shapes[small][0]
    if evidence.kind != "Concatenate":
        thin = 0 if shapes[0][2] <= shapes[1][2] else 1
        depth, steps = shapes[1 - thin][2], factor if thin == large else 1
        extra = f", strides={steps}" if steps > 1 else ""
        yield on(thin, f"Conv2D({depth}, 1{extra})", layers.Conv2D(depth, 1, strides=steps))
    if min(gaps) >= 0 and 0 < max(gaps) <= 3:
        border = tuple((0, gap) for gap in gaps)
        yield on(large, f"Cropping2D({border})", layers.Cropping2D(border))
        yield on(small, f"ZeroPadding2D({border})", layers.ZeroPadding2D(border))
    if factor > 1:
        yield on(small, f"UpSampling2D({factor})", layers.UpSampling2D(factor))
        yield on(large, f"MaxPooling2D({factor})", layers.MaxPooling2D(factor))


# --- One input --------------------------------------------------------------------------------------------


def _axes_wanted(layer):
    """Return how many axes, batch and channels among them, a layer wants; None where that is open."""
    if isinstance(layer, layers.TimeDistributed):
        inner = _axes_wanted(layer.layer)
        return inner and inner + 1
    kind = type(layer).__name__
    rank = re.search(r"(\d)D", kind)
    return int(rank[1]) + 2 if rank else {"LSTM": 3, "GRU": 3, "SimpleRNN": 3}.get(kind)


def _rank(evidence, layer, shape):
    got, wanted, before = len(shape), _axes_wanted(layer), evidence.before[0]
    formula = f"{wanted} axes with the batch wanted, {got} came in"
    if wanted in (None, got):
        return
    if isinstance(layer, layers.TimeDistributed):
        line = f"layers.{type(layer.layer).__name__}(…)  # without TimeDistributed"
        yield _found(evidence, "time_distributed", formula, _tried(evidence, (line, [layer.layer], 0)))
    elif got > wanted:
        yield _found(evidence, "batch_in_input", formula, _other_input(evidence, shape[2:]), axes=wanted)
    elif isinstance(before, (layers.Flatten, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D)):
        cures = [(f'leave out "{before.name}"  # or put it after "{layer.name}"', [layer], 1)]
        if evidence.stack and "Global" in evidence.kind:
            cures.append((f'leave out "{layer.name}"', [], 0))
        yield _found(evidence, "flatten_too_early", formula, _tried(evidence, *cures), before=before.name)
    else:
        grey, side = got == wanted - 1 and got > 2, math.isqrt(shape[-1] or 0)
        target = (*shape[1:], 1) if grey else (side, side, 1)
        cures = _other_input(evidence, target) if grey else []
        cures += _tried(evidence, _in_front((f"Reshape({target})", layers.Reshape(target)), layer))
        yield _found(evidence, "no_channel_axis" if grey else "flat_input", formula, cures, axes=wanted)


def _window(evidence, layer, shape):
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if not window or "Transpose" in evidence.kind or getattr(layer, "padding", "") != "valid":
        return
    sizes, steps = shape[1 : 1 + len(window)], getattr(layer, "dilation_rate", (1,) * 3)
    reach = [(f - 1) * d + 1 for f, d in zip(window, steps, strict=False)]
    bad = [(w, f, s) for w, f, s in zip(sizes, reach, layer.strides, strict=True) if w is not None and w < f]
    if not bad:
        return
    w, f, s = bad[0]
    kind, cures = "window_too_large", [_set(layer, padding="same")]
    if "Pooling" in evidence.kind:
        kind, cures = "pool_to_nothing", [(f'leave out "{layer.name}"', [], 0), *cures]
    else:
        cures.append(_set(layer, kernel_size=min(size for size in sizes if size)))
    formula = f"⌊(W − F + 2P) / S⌋ + 1 = ⌊({w} − {f} + 0) / {s}⌋ + 1 = {(w - f) // s + 1}"
    formula += ", and at least 1 is needed"
    fit = _tried(evidence, *cures) + _larger_input(evidence)
    yield _found(evidence, kind, formula, fit, window=times(window), maps=times(sizes))


def _larger_input(evidence):
    """Return the line with the smallest larger Input, of doubled sizes, that fits the whole Sequential."""
    if not evidence.start or len(evidence.start) != 4 or None in evidence.start[1:]:
        return []
    height, width, depth = evidence.start[1:]
    sizes = ((height * 2**k, width * 2**k, depth) for k in range(1, 6))
    fits = next((size for size in sizes if through(evidence.stack, (None, *size))), None)
    return [f"keras.Input({fits})  # larger images"] if fits else []


def _reshape(evidence, layer, shape):
    if evidence.kind != "Reshape" or None in shape[1:]:
        return
    target, count, before = layer.target_shape, math.prod(shape[1:]), evidence.before[0]
    rest = math.prod(size for size in target if size != -1)
    if rest == count or not rest:
        return
    sides = [side for side in range(2, math.isqrt(count) + 1) if count % side**2 == 0 and len(target) == 3]
    sides.sort(key=lambda side: abs(side - target[0]))
    options = [*((side, side, count // side**2) for side in sides[:1]), (-1, *target[1:])]
    lines = [f'layers.Reshape({option})  # "{layer.name}"' for option in options]
    cures = [(code, [remade(layer, target_shape=one)], 0) for code, one in zip(lines, options, strict=True)]
    if isinstance(before, layers.Dense):
        cures.append((written(before, units=rest), [remade(before, units=rest), layer], 1))
    formula = f"{'·'.join(map(str, target))} = {rest} ≠ {count} = {'·'.join(map(str, shape[1:]))}"
    yield _found(evidence, "reshape", formula, _tried(evidence, *cures))


def _groups(evidence, layer, shape):
    depth, groups = shape[-1], getattr(layer, "groups", 1)
    if isinstance(groups, int) and depth and depth % groups and "Conv" in evidence.kind:
        cures = [_set(layer, groups=one) for one in dict.fromkeys([math.gcd(depth, groups), 1])]
        cures = _tried(evidence, *cures)
        formula = f"{depth} / {groups} leaves {depth % groups}"
        yield _found(evidence, "groups", formula, cures, depth=depth, groups=groups)


def _axis(evidence, layer, shape):
    axis, rank = getattr(layer, "axis", None), len(shape)
    axes = [axis] if isinstance(axis, int) else list(axis or [])
    if not all(-rank <= one < rank for one in axes):
        formula = f"{rank} axes have the numbers 0 to {rank - 1}, or −{rank} to −1"
        yield _found(evidence, "axis", formula, _tried(evidence, _set(layer, axis=-1)), axis=axis)


def _cropping(evidence, layer, shape):
    if hasattr(layer, "cropping") and "2D" in evidence.kind and None not in shape[1:3]:
        most, total = max(0, (min(shape[1:3]) - 1) // 2), sum(layer.cropping[0])
        formula = f"{shape[1]} − {total} = {shape[1] - total}, and at least 1 is needed"
        yield _found(evidence, "cropping", formula, _tried(evidence, _set(layer, cropping=most)))


def _open_size(evidence, layer, shape):
    if isinstance(layer, layers.Dense) and shape[-1] is None:
        name = getattr(evidence.before[0], "name", "")
        line = f'layers.GlobalAveragePooling2D()  # in place of "{name}"'
        cures = _tried(evidence, (line, [layers.GlobalAveragePooling2D(), layer], 1))
        yield _found(evidence, "open_size", "parameters = inputs · N + N", cures)


def _other_model(evidence, base, shape):
    inputs = getattr(base, "inputs", None) or []
    if len(inputs) != 1 or len(shape) != len(inputs[0].shape) or len(shape) != 4:
        return
    wanted, cures = tuple(inputs[0].shape), []
    if shape[-1] == wanted[-1] and None not in wanted[1:3]:
        part = f"Resizing{wanted[1:3]}", layers.Resizing(*wanted[1:3])
        cures = _tried(evidence, _in_front(part, base))
    if None not in shape[1:] and changed(base, {}, shape[1:]) is not None:
        cures.append(f'input_shape={shape[1:]}  # where "{base.name}" is built')
    yield _found(evidence, "other_size", f"{times(shape[1:])} ≠ {times(wanted[1:])}", cures)


def _used_before(evidence, layer, shape):
    depth = (getattr(getattr(layer, "input_spec", None), "axes", None) or {}).get(-1)
    if layer.built and depth not in (None, shape[-1]):
        cures = [f"layers.{evidence.kind}(…)  # a new one here"] if through([layer], shape) else []
        yield _found(evidence, "used_before", f"{shape[-1]} ≠ {depth}", cures, depth=depth)


RULES = (_list_for_one, _merging, _rank, _window, _reshape, _groups, _axis, _cropping, _open_size,
         _other_model, _used_before)  # fmt: skip
