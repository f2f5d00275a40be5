"""What all pictures are given alike, by the names of the arguments; checked before anything is drawn."""

import functools
import inspect
from collections.abc import Callable, Mapping
from numbers import Number
from reprlib import repr as short
from typing import Any, TypeVar, cast

import matplotlib.colors

from cvcourse import arguments
from cvcourse.visualization.canvas import COLORS, style

Drawing = TypeVar("Drawing", bound=Callable[..., Any])


def drawn(function: Drawing) -> Drawing:
    """Let a function draw in the course's style, with the arguments that `CHECKS` names checked."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def checked(*args, **kwargs):
        given = signature.bind(*args, **kwargs)
        for name, value in given.arguments.items():
            if name in CHECKS and not (value is None and signature.parameters[name].default is None):
                given.arguments[name] = CHECKS[name](value, name)
        with style():
            return function(*given.args, **given.kwargs)

    return cast(Drawing, checked)


def color(value: Any, name: str) -> Any:
    """Return the colour of a role of `COLORS`, or the colour itself."""
    if not (isinstance(value, str | tuple) and (value in COLORS or matplotlib.colors.is_color_like(value))):
        raise ValueError(f"{name} must be a colour or one of {', '.join(COLORS)}. Received: {short(value)}")
    return COLORS.get(str(value), value)


def mapping(value: Any, name: str, what: str = "label") -> Mapping:
    """Return a dict that is not empty."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a dict, {{{what}: values}}. Received: {name}={short(value)}")
    if not value:
        raise ValueError(f"{name} must hold at least one {what}. Received: an empty dict")
    return value


def _text(value, name):
    if not isinstance(value, str | Number):
        raise TypeError(f"{name} must be a text. Received: {name}={short(value)}")
    return value


def _list(value, name):
    if isinstance(value, str | bytes | Mapping | set | frozenset):
        raise TypeError(f"{name} must be a list. Received: {name}={short(value)}")
    try:
        return list(value)
    except TypeError:
        raise TypeError(f"{name} must be a list. Received: {name}={short(value)}") from None


def _length(value, name):
    return arguments.number(value, name, 0.01, 10_000)


def _indices(value, name):
    return [arguments.whole(one, name, -1000, 10**9) for one in _list(value, name)]


def _numbers(count):
    def check(value, name):
        found = arguments.array(value, name, (1,), f"of {count} numbers")
        if len(found) != count:
            raise ValueError(f"{name} must be {count} numbers. Received: {name}={short(value)}")
        return tuple(found.tolist())

    return check


def _window(value, name):
    if isinstance(value, Mapping):
        return {key: one if one is None else _numbers(4)(one, name) for key, one in value.items()}
    return _numbers(4)(value, name)


def _form(value, name):
    try:
        return value if isinstance(value.format(1.5), str) else _text(None, name)
    except Exception:  # whatever `format` raises
        raise ValueError(f'{name} must be a format such as "{{:.2f}}". Received: {short(value)}') from None


def _role(value, name):
    if not isinstance(value, str) or value not in COLORS:
        raise ValueError(f"{name} must be one of {', '.join(COLORS)}. Received: {name}={short(value)}")
    return value


CHECKS = {
    **dict.fromkeys(("title", "xlabel", "ylabel"), _text),
    **dict.fromkeys(("titles", "images", "boxes", "words", "truth"), _list),
    **dict.fromkeys(("filters", "channels"), _indices),
    **dict.fromkeys(("merge", "names"), arguments.flag),
    **dict.fromkeys(("cell", "line", "size"), _length),
    **dict.fromkeys(("curves", "steps", "blocks"), mapping),
    "between": lambda value, name: list(value) if isinstance(value, str) else _list(value, name),
    "columns": functools.partial(arguments.whole, high=1000), "form": _form,
    "channel": functools.partial(arguments.whole, low=0, high=10**9),
    "decimals": functools.partial(arguments.whole, low=0, high=12),
    "ylim": _numbers(2), "origin": _numbers(2), "window": _window, "role": _role,
}  # fmt: skip
