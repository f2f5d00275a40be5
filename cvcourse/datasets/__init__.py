"""Pictures to look at and data to learn from; all of it works offline, but for `load`'s downloads."""

from importlib import import_module

# Now, since a later import of the modules `load` and `scenes` would hide the functions of that name.
from cvcourse.datasets.load import Dataset, load
from cvcourse.datasets.records import Record
from cvcourse.datasets.scenes import Scenes, on_one_ground, scenes

__all__ = ["Dataset", "Record", "Scenes", "cards", "formats", "load", "on_one_ground", "photos", "scenes"]


def __getattr__(name):
    if name in ("cards", "formats", "photos"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
