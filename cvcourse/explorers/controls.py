"""Traits of an explorer: one line gives a part of its state its bounds, its error, its label, its control.

    threshold = Slider("Threshold", "t", low=0.05, high=0.95, step=0.05, default=0.5)

The kit (`kit.js`) builds the control from what is declared here; Python checks every value against it. What
has no control is `Kept`, checked by a function, or `Data`, which nobody but the explorer sets.
"""

from copy import deepcopy

import numpy as np
from traitlets import TraitError, TraitType

from cvcourse import arguments


class Refused(ValueError, TraitError):
    """A value that a trait does not take: traitlets then takes back all that was set together with it."""


class Trait(TraitType):
    """A trait that follows to the page and back.

    Args:
        default: what it is at first.
        check: function (explorer, value) that returns the value as it is kept, or raises a ValueError.
    """

    def __init__(self, default=None, check=None, **tags):
        super().__init__(default)
        self.check = check
        self.tag(sync=True, **tags)

    def default(self, explorer=None):
        return deepcopy(self.default_value)

    def _cross_validate(self, explorer, value):  # after all that is set together with it
        try:
            return self.check(explorer, value) if self.check else value
        except (ValueError, TypeError, AttributeError) as error:
            told = str(error)  # if it is not in our words, numpy's or Python's
            why = (
                told
                if self.name in told
                else f"{self.name} must be of another kind: {told}. Received: {self.name}={value!r:.80}"
            )
            raise Refused(why) from error


class Kept(Trait):
    """A part of the state that Python and the page set, without a control of the kit."""

    def __init__(self, check, default=None):
        super().__init__(default, check, state=True)


class Data(Trait):
    """What an explorer was made with or works out: the page gets it, and only `Explorer.tell` sets it."""

    def __init__(self, default=None, state=None, check=None):
        super().__init__(default, check, state=state)

    def __set__(self, explorer, value):
        if explorer.comm is not None and self.check is None:  # it is made, and the page has it
            raise Refused(
                f"{self.name} must stay as it is: it follows from the rest of the explorer. "
                f"Received: {self.name}={value!r:.80}"
            )
        super().__set__(explorer, value)


class Control(Trait):
    """A part of the state with the declaration of its control."""

    def __init__(self, kind, word, default, **declared):
        super().__init__(default, state=True, control={"kind": kind, "word": word, **declared})

    def declared(self, explorer, *names):
        """Return what is declared in this explorer, or else in its class."""
        control = explorer.controls.get(self.name) or self.metadata["control"]
        return [control[name] for name in names]


class Slider(Control):
    """A number on a slider: whole if `step` is, else a float.

    Args:
        word, letter: label, "Stride" and "S".
        role: colour of its value, as in explorer.css.
        low, high, step: numbers; least value, largest value, and how far an arrow key goes.
        default: number; the least value if left out.
        unit: text behind the number.
        stops: texts, one for each value from 0, that are shown in place of it.
    """

    def __init__(
        self, word, letter="", *, role="selected", low=0, high=None, step=1, default=None, unit="", stops=None
    ):
        high = len(stops) - 1 if high is None else high
        self.whole = isinstance(step, int)
        default = low if default is None else default
        super().__init__(
            "slider",
            word,
            default if self.whole else float(default),
            letter=letter,
            role=role,
            low=low,
            high=high,
            step=step,
            unit=unit,
            stops=stops and list(map(str, stops)),
        )

    def validate(self, explorer, value):
        return within(self.name, value, *self.declared(explorer, "low", "high"), self.whole)


class Choice(Control):
    """One of several: a list to choose from, buttons, or pictures.

    Args:
        word: label.
        options: the values to choose from; or the name of the trait that holds their words: the value is
            then the place of one in it.
        first: int; the places begin here.
        kind: "select", "buttons" or "thumbs" (the trait holds images).
        default: one of the options.
        words: {option: what is written for it}.
    """

    def __init__(self, word, options, *, first=0, kind="select", default=None, words=None):
        named = isinstance(options, str)
        default = (first if named else next(iter(options), None)) if default is None else default
        super().__init__(
            kind, word, default, first=first, words=words or {}, options=options if named else list(options)
        )

    def validate(self, explorer, value):
        options, first = self.declared(explorer, "options", "first")
        if isinstance(options, str):
            return within(self.name, value, first, max(first, len(getattr(explorer, options)) - 1))
        return one_of(self.name, value, options)


class Toggle(Control):
    """True or False: a box to tick."""

    def __init__(self, word, default=False):
        super().__init__("toggle", word, default)

    def validate(self, explorer, value):
        return one_of(self.name, value, (False, True))


class Array(Data):
    """A numpy array that travels as bytes, {"shape", "dtype", "data"}: a typed array in the kit."""

    def __init__(self, dtype="uint8", ndim=2, state=True, check=None):
        """`check`: as for `Kept`, of an array that Python may set."""
        super().__init__(np.zeros((0,) * ndim, dtype), state, check)
        self.dtype, self.ndim = np.dtype(dtype), ndim
        self.tag(
            to_json=lambda array, explorer: {
                "shape": list(array.shape),
                "dtype": str(array.dtype),
                "data": array.tobytes(),
            }
        )
        self.tag(
            from_json=lambda sent, explorer: np.frombuffer(sent["data"], sent["dtype"]).reshape(sent["shape"])
        )

    def validate(self, explorer, value):
        value = np.asarray(value)
        if value.ndim != self.ndim or value.dtype.kind not in "biuf":
            raise ValueError(
                f"{self.name} must be numbers of rank {self.ndim}. "
                f"Received: {value.dtype}, shape {value.shape}"
            )
        return np.ascontiguousarray(value, self.dtype)


def within(name, value, lowest, highest, whole=True):
    """Return `value` as an int (as a float unless `whole`) from `lowest` to `highest`, or say what is wrong.

    Example:
        >>> within("strides", 2, 0, 5), within("threshold", 1, 0, 1, whole=False)
        (2, 1.0)
    """
    try:
        return arguments.number(value, name, lowest, highest, whole)
    except TypeError as error:
        raise ValueError(str(error)) from None


def several(name, values, count, lowest, highest, whole=True):
    """Return `values` as a list of `count` numbers, each as `within` returns it.

    Example:
        >>> several("position", (3, 4), 2, 0, 9)
        [3, 4]
    """
    if not isinstance(values, list | tuple | np.ndarray) or len(values) != count:
        raise ValueError(f"{name} must be {count} numbers. Received: {name}={values!r:.80}")
    return [within(name, value, lowest, highest, whole) for value in values]


def is_place(explorer, value):
    """The check of a `position`, [row, column]; one beyond the border stands for the last pixel."""
    return several("position", value, 2, 0, 10**6)


def photograph(image, largest, name="image"):
    """Return `image` as an array if it is uint8 (H, W, 3), at most `largest` pixels along a side, or say so.

    Example:
        >>> photograph(np.zeros((4, 4, 3), "uint8"), largest=64).shape
        (4, 4, 3)
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or max(image.shape) > largest:
        raise ValueError(
            f"{name} must be uint8 (H, W, 3), at most {largest} × {largest}; a float image "
            f"becomes one by (255 * image).astype('uint8'). Received: {image.dtype}, shape "
            f"{image.shape}"
        )
    return image


def one_of(name, value, known):
    """Return `value` if it is one of `known`, or say what is wrong with the argument `name`.

    Example:
        >>> one_of("pool", "max", ("max", "average"))
        'max'
    """
    if value not in known:
        words = [f'"{one}"' if isinstance(one, str) else str(one) for one in known]
        must = " or ".join(words) if len(words) < 3 else f"one of {', '.join(map(str, known))}"
        raise ValueError(f"{name} must be {must}. Received: {name}={value!r}.")
    return value
