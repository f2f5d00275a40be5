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
    return str(value)


def _list(value, name):
    if isinstance(value, str | bytes | Mapping | set | frozenset):
        raise TypeError(f"{name} must be a list. Received: {name}={short(value)}")
    try:
        return list(value)
    except TypeError:
        raise TypeError(f"{name} must be a list. Received: {name}={short(value)}") from None


def numbers(value: Any, name: str, count: int) -> tuple:
    """Return a list of so many numbers as a tuple."""
    found = arguments.array(value, name, (1,), f"of {count} numbers")
    if len(found) != count:
        raise ValueError(f"{name} must be {count} numbers. Received: {name}={short(value)}")
    return tuple(found.tolist())


def _form(value, name):
    try:
        return value if isinstance(value.format(1.5), str) else _text(None, name)
    except Exception:  # whatever `format` raises
        raise ValueError(f'{name} must be a format such as "{{:.2f}}". Received: {short(value)}') from None


CHECKS = {
    **dict.fromkeys(("title", "xlabel", "ylabel"), _text),
    **dict.fromkeys(("titles", "images", "boxes", "words", "truth", "filters", "channels"), _list),
    **dict.fromkeys(("merge", "names"), arguments.flag),
    **dict.fromkeys(("cell", "line", "size"), functools.partial(arguments.number, low=0.01, high=10_000)),
    **dict.fromkeys(("curves", "steps", "blocks"), mapping),
    **dict.fromkeys(("ylim", "origin"), functools.partial(numbers, count=2)),
    "between": lambda value, name: list(value) if isinstance(value, str) else _list(value, name),
    "columns": functools.partial(arguments.integer, high=1000), "form": _form,
    "decimals": functools.partial(arguments.integer, low=0, high=12),
}  # fmt: skip
