"""A computer-vision course: the small package that its lessons call.

`import cvcourse` loads nothing heavy; each module is loaded when it is first used:

    >>> import cvcourse
    >>> cvcourse.arithmetic.conv_output_size(224, kernel_size=3, padding="same")
    224
"""

from importlib import import_module

__version__ = "0.1.0"

_FUNCTIONS = ("explain", "explain_errors")
_MODULES = (
    "arithmetic",
    "boxes",
    "datasets",
    "doctor",
    "exercises",
    "explaining",
    "explorers",
    "gan_training",
    "interpretation",
    "league",
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
    if name in _FUNCTIONS:
        return getattr(import_module(f"{__name__}.explaining"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return [*globals(), *_FUNCTIONS, *_MODULES]
