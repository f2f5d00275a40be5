"""Pictures to look at and data to learn from; all of it works offline, but for `load`'s downloads."""

from importlib import import_module

from cvcourse.datasets.load import Dataset, load  # now, since a later import would hide `load` by its module

__all__ = ["Dataset", "formats", "load", "photos", "scenes"]


def __getattr__(name):
    if name in ("formats", "photos", "scenes"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
