"""Interactive pictures, each with four faces: live widget, picture, words, and a page without a kernel."""

from importlib import import_module

_MODULES = {
    "Convolution": "convolution",
    "Pooling": "pooling",
    "Network": "network",
    "FeatureMaps": "feature_maps",
    "Freezing": "freezing",
    "Scaling": "scaling",
    "Normalization": "normalization",
    "Problems": "problems",
    "BoxLoss": "box_loss",
    "MaskLoss": "mask_loss",
    "NMS": "nms",
    "Mask": "mask",
    "OptimizerRace": "optimizer_race",
    "Capacity": "capacity",
    "Perceptron": "perceptron",
    "Latent": "latent",
    "Teach": "teach",
    "Quiz": "quiz",
}


def __getattr__(name):
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return [*globals(), *_MODULES]
