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

BACKENDS = ("tensorflow", "jax", "torch")
NO_BACKEND = 'Keras needs a backend: pip install "cvcourse[tensorflow]", or "cvcourse[light]", which is JAX.'


def __getattr__(name):
    if name not in _MODULES + _FUNCTIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{'explaining' if name in _FUNCTIONS else name}")
    except ModuleNotFoundError as error:
        if error.name in BACKENDS:
            error.add_note(f"{NO_BACKEND} KERAS_BACKEND names the one to take, if it is not TensorFlow.")
        raise
    return getattr(module, name) if name in _FUNCTIONS else module


def __dir__():
    return [*globals(), *_FUNCTIONS, *_MODULES]
