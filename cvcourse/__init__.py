"""A computer-vision course: the small package that its lessons call.

`import cvcourse` loads nothing heavy; each module is loaded when it is first used:

    >>> import cvcourse
    >>> cvcourse.arithmetic.conv_output_size(224, kernel_size=3, padding="same")
    224
"""

from importlib import import_module

__version__ = "0.1.0"

_MODULES = (
    "arithmetic",
    "boxes",
    "datasets",
    "exercises",
    "experiments",
    "explorers",
    "interpretation",
    "likeness",
    "losses",
    "models",
    "pretrained",
    "recording",
    "summary",
    "training",
    "visualization",
)


def __getattr__(name):
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return [*globals(), *_MODULES]
