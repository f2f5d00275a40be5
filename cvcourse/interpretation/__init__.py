"""What a network has learned and what it looks at: models in, arrays out.

- `filters`, `feature_maps`: the weights of a layer, and what layers make of an image.
- `explain_unit`: one number of a feature map, down to its products and the pixels that it sees.
- `grad_cam`, `occlusion`: which parts of an image speak for a class.
- `maximize_filter`: an image that a filter answers to as strongly as possible.
- `randomized`: the same model with its knowledge destroyed; a picture that does not change with it
  shows nothing that the network has learned.

They take any built Keras model: Sequential, functional, with models inside, with shared layers,
subclassed. `visualization` draws what they return.
"""

from cvcourse.interpretation.attribution import grad_cam, occlusion
from cvcourse.interpretation.maps import feature_maps, filters
from cvcourse.interpretation.maximization import maximize_filter
from cvcourse.interpretation.randomization import randomized
from cvcourse.interpretation.units import UnitExplanation, explain_unit

__all__ = [
    "UnitExplanation", "explain_unit", "feature_maps", "filters", "grad_cam", "maximize_filter", "occlusion",
    "randomized",
]  # fmt: skip
