"""Pictures to look at and data to learn from; all of it works offline, but for `load`'s downloads."""

from cvcourse.datasets import cards, formats, photos
from cvcourse.datasets.examples import Example
from cvcourse.datasets.load import Dataset, load
from cvcourse.datasets.scenes import Scenes, on_one_ground, scenes

__all__ = ["Dataset", "Example", "Scenes", "cards", "formats", "load", "on_one_ground", "photos", "scenes"]
