"""FeatureMaps: what each layer of a network makes of a photograph, down to the products of one unit."""

import re

import numpy as np

from cvcourse.datasets import photos
from cvcourse.datasets.upload import as_photo, fit, read_image
from cvcourse.explorers.base import Explorer, javascript
from cvcourse.explorers.carried import EXACT, carried, channels_first
from cvcourse.explorers.controls import Choice, Data, Kept, within
from cvcourse.interpretation import explain_unit, feature_maps
from cvcourse.visualization import COLORS, picture

YOURS = "your image"
OPEN_SIZE = 128  # pixels of a photograph for a network that takes any size
PHOTOS = 3  # that a page without Python gets besides the image shown, if they are small
THUMBNAIL = 64  # pixels of a map in the overview; the chosen map is shown with all its pixels
AWAKE = 3  # explorers that hold their maps: those used last; the others compute them anew when they are used
_awake = []


def _shades(values, low, high):
    """Return values as bytes: `low` is 0 and `high` is 255."""
    span = (high - low) or 1
    return np.clip((values - low) / span * 255, 0, 255).round().astype("uint8")


def _visible(image):
    """Return an image as it can be shown: of two channels their mean, of more than three the first three."""
    return image.mean(axis=-1, keepdims=True) if image.shape[-1] == 2 else image[..., :3]


def _photo(image, guess):
    """Return an image and what the model takes it for, for the browser."""
    image = np.asarray(as_photo(_visible(image)).convert("RGB"))
    return {"shape": list(image.shape), "values": image.tobytes(), "guess": guess}


def _minus(words):
    """Return words with a true minus sign before each negative number and exponent."""
    return re.sub(r"(?<![a-zA-Z_\d])-(?=\d)|(?<=\de)-(?=\d)", "−", words)


def _liveliest(maps):
    """Return the channel whose map varies most: where a look at a layer begins."""
    return int(maps.std(axis=(0, 1)).argmax())


class FeatureMaps(Explorer):
    """The feature maps of any network and any image; each of their pixels explained by its products.

    Choose a layer and an image (the course's photographs, or upload one). Click a map or move with the arrow
    keys: the unit there is written out as patch × weights + bias, then activation, and its receptive field is
    drawn on the image.

    Args:
        model: built Keras model with one input, an image.
        image: (H, W, C) float array in [0, 1] that fits the model; None for the course's photographs alone.
        labels: names of the model's classes, as many as it has outputs; None not to show what it predicts.
        preprocess: function from an image in [0, 1] to what the model was trained on, such as
            `pretrained.load("vgg16").preprocess`; None if that is the image itself.
        layers: names of the layers to choose from, for a network with a hundred of them; None for all.

    Attributes:
        layer: name of the layer shown, one of `layers`.
        image_name: name of a photograph (`photos.NAMES`), of an uploaded file, or "your image".
        channel: int, number of the map.
        position: [row, column] of the unit in its map.
        problem: why an uploaded file was refused; empty if all is well.

    Raises:
        ValueError: the model is not built, the image does not fit it, it has no layer with maps or none of
            that name, or there are not as many labels as outputs.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(4, 3, name="conv")])
        >>> explorer = FeatureMaps(model)
        >>> explorer.layer, explorer.maps["shape"]
        ('conv', [30, 30, 4])
    """

    _esm = javascript("feature_units.js", "feature_maps.js")
    layer = Choice("Layer", ())
    image_name = Choice("Image", ())
    channel = Kept(lambda explorer, value: explorer._inside("channel", value, 2)[0], 0)
    position = Kept(lambda explorer, value: explorer._inside("position", value, 0, 1), [0, 0])
    problem = Data("", state=True)
    # What the browser draws: the image, all maps of the layer, the chosen map, the chosen unit.
    photo = Data({})
    maps = Data({})
    chosen = Data({})
    unit = Data({}, state=True)
    carried = Data({})  # for a page without Python; made when the explorer is shown or saved

    def __init__(self, model, image=None, labels=None, preprocess=None, layers=None):
        self._model, self._labels, self._preprocess, self._wanted = model, labels, preprocess, layers
        self._own = {} if image is None else {YOURS: np.asarray(image)}
        name = "chelsea" if image is None else YOURS
        self._look_at(name)
        layer, maps = next(iter(self._maps.items()))
        place = [maps.shape[0] // 2, maps.shape[1] // 2]
        words = {name: f"{name}  {'×'.join(map(str, size))}" for name, size in self._sizes.items()}
        super().__init__(
            {"layer": {"options": list(words), "words": words}, "image_name": {"options": self._names()}},
            layer=layer,
            image_name=name,
            channel=_liveliest(maps),
            position=place,
            **self._drawing(layer, _liveliest(maps), place, everything=True),
        )
        self.observe(self._update, names=["layer", "image_name", "channel", "position"])
        self.on_msg(self._receive)

    # --- The image ------------------------------------------------------------------------------------------

    def _shape(self):
        """Return the (H, W, C) that photographs are brought to."""
        shape = tuple(getattr(self._model, "input_shape", None) or (None, None, None, 3))[1:]
        if len(shape) != 3 or shape[2] not in (None, 1, 3):
            raise ValueError(
                "model must take images of shape (H, W, C) with 1 or 3 channels. "
                f"Received: input_shape={shape}. Give `image=` an array of that shape."
            )
        return tuple(size or default for size, default in zip(shape, (OPEN_SIZE, OPEN_SIZE, 3), strict=True))

    def _names(self):
        """Return the images to choose from: photographs only for a model that can take them."""
        try:
            self._shape()
        except ValueError:
            return list(self._own)
        return [*self._own, *photos.NAMES]

    def _look_at(self, name):
        """Read the image called `name` and compute its maps."""
        self._image, self._batch = self._prepared(name)
        self._held = None
        if not self._maps:
            raise ValueError(
                "model must have a layer with feature maps, such as Conv2D or MaxPooling2D. "
                f"Received: {self._model.name!r}, which has none."
            )
        self._sizes = {name: maps.shape for name, maps in self._maps.items()}
        self._guess = self._predict(self._batch)

    @property
    def _maps(self):
        """The maps of the image, {layer: (H, W, K)}: tens of megabytes, so that few explorers hold them."""
        if self._held is None:
            self._held = feature_maps(self._model, self._batch, self._wanted)
        others = [one for one in _awake if one is not self]
        for one in others[: 1 - AWAKE]:
            one._held = None
        _awake[:] = [*others[1 - AWAKE :], self]
        return self._held

    def close(self):
        """Close the explorer, on all pages, and let go of its images and maps."""
        _awake[:] = [one for one in _awake if one is not self]
        self._own, self._held = {}, None
        super().close()

    def _prepared(self, name):
        """Return the image called `name`, in [0, 1] and as the model takes it."""
        image = self._own.get(name)
        if image is None:
            image = fit(as_photo(photos.photo(name)), self._shape())
        elif name != YOURS:
            image = image.astype("float32") / 255
        return image, self._preprocess(image) if self._preprocess else image

    def _predict(self, batch):
        """Return what the model takes the image for, in words; empty without labels."""
        if self._labels is None:
            return ""
        scores = np.asarray(self._model(np.reshape(batch, (-1, *np.shape(batch)[-3:])), training=False))[0]
        if scores.shape != (len(self._labels),):
            raise ValueError(
                "labels must have one name for each output of the model. "
                f"Received: {len(self._labels)} labels for outputs of shape {scores.shape}."
            )
        if scores.min() < 0 or abs(scores.sum() - 1) > 1e-3:  # logits
            scores = np.exp(scores - scores.max())
            scores /= scores.sum()
        best = int(scores.argmax())
        return f"{self._labels[best]}, {100 * scores[best]:.0f} %"

    def upload(self, name, data):
        """Show an image file, as the upload button does; where that fails, `problem` says why.

        Args:
            name: str, the file's name.
            data: bytes of the file.
        """
        try:
            image = fit(read_image(name, bytes(data)), self._shape())
        except ValueError as error:
            self.tell(problem=str(error))
            return
        name = f"upload: {name}"
        self._own[name] = np.round(255 * image).astype("uint8")  # a quarter of the floats
        options = {**self.controls["image_name"], "options": self._names()}
        self.tell(controls={**self.controls, "image_name": options})
        if self.image_name == name:
            self._update(None)  # the same name again, with other pixels
        self.image_name = name

    def _receive(self, widget, content, buffers):
        if isinstance(content, dict) and "upload" in content:
            self.upload(content["upload"], b"".join(bytes(part) for part in buffers))

    # --- The state ------------------------------------------------------------------------------------------

    def _inside(self, name, value, *axes):
        """Return the places along these axes of the layer's maps as a list, or say what is wrong."""
        sizes = [self._sizes[self.layer][axis] for axis in axes]
        values = value if len(axes) > 1 else [value]
        try:
            return [within(name, one, 0, size - 1) for one, size in zip(values, sizes, strict=True)]
        except (ValueError, TypeError):
            limits = " and ".join(f"0 to {size - 1}" for size in sizes)
            raise ValueError(
                f"{name} must be {limits} in layer {self.layer!r}. Received: {name}={value!r:.80}"
            ) from None

    def _update(self, change):
        if self._busy:
            return
        self._busy = True
        try:
            name = change["name"] if change else "image_name"
            if name == "image_name":
                self._look_at(self.image_name)
            with self.hold_sync():
                self.tell(problem="")
                if name in ("layer", "image_name"):
                    self._stay_inside(change["old"] if name == "layer" else self.layer)
                everything = name in ("layer", "image_name")
                self.tell(**self._drawing(self.layer, self.channel, self.position, everything))
        finally:
            self._busy = False

    _busy = False  # while the update itself moves channel and position

    def _stay_inside(self, before):
        """Keep channel and position valid in a new layer, at about the same place of the image."""
        maps = self._maps[self.layer]
        old, new = self._sizes[before], maps.shape
        if self.channel >= new[2] or maps[..., self.channel].std() == 0:  # not there, or nothing to see
            self.channel = _liveliest(maps)
        places = zip(self.position, old, new, strict=False)
        self.position = [min(n - 1, (2 * place + 1) * n // (2 * o)) for place, o, n in places]

    def _drawing(self, layer, channel, position, everything=False):
        """Return the traits that the browser draws; the image and all maps only if asked for."""
        maps = self._maps[layer]
        top = float(np.abs(maps).max())
        low = -top if maps.min() < 0 else 0.0
        step = -(-max(maps.shape[:2]) // THUMBNAIL)
        drawing = {
            "chosen": {
                "values": _shades(maps[..., channel], low, top).tobytes(),
                "range": [float(maps[..., channel].min()), float(maps[..., channel].max())],
            },
            "unit": self._explain(layer, channel, position),
        }
        if everything:
            small = _shades(maps[::step, ::step], low, top)
            drawing["maps"] = {
                "shape": list(maps.shape),
                "small": list(small.shape),
                "low": low,
                "high": top,
                "values": np.ascontiguousarray(np.moveaxis(small, -1, 0)).tobytes(),
            }
            drawing["photo"] = _photo(self._image, self._guess)
        return drawing

    def _explain(self, layer, channel, position):
        """Return the chosen unit for the browser: its patch and weights, its sums and its receptive field."""
        value = float(self._maps[layer][(*position, channel)])
        place = {"layer": layer, "channel": channel, "position": list(position), "activation": value}
        try:
            unit = explain_unit(self._model, self._batch, layer, tuple(position), channel)
        except ValueError as error:  # a sum of branches, say: it has a value and no weights
            self._unit = None
            return place | {"explained": False, "why": str(error)}
        self._unit = unit
        products = unit.products.astype("float64")
        return place | {
            "explained": True,
            "shape": list(unit.products.shape),
            "bias": unit.bias,
            "patch": unit.patch.astype("float32").tobytes(),
            "weights": unit.weights.astype("float32").tobytes(),
            "sums": products.sum(axis=(0, 1)).tolist(),
            "total": float(products.sum()),
            "preactivation": unit.preactivation,
            "function": unit.function,
            "field": list(unit.receptive_field),
        }

    # --- A page without Python ------------------------------------------------------------------------------

    def _carry(self):
        """Compute what such a page needs for the image shown now, and for a few small photographs."""
        if self.carried.get("image") == self.image_name:
            return
        sent = carried(self._model, self._batch, self.image_name, list(self._maps), self.layer)
        if 4 * self._image.size <= EXACT / PHOTOS:
            for name in [name for name in self._names() if name != self.image_name][:PHOTOS]:
                image, batch = self._prepared(name)
                photo = _photo(image, self._predict(batch))
                sent["images"][name] = {"batch": channels_first(batch), "photo": photo}
        self.tell(carried=sent)

    def _repr_mimebundle_(self, **kwargs):
        self._carry()
        return super()._repr_mimebundle_(**kwargs)

    def _get_embed_state(self, drop_defaults=False):
        self._carry()
        return super()._get_embed_state(drop_defaults)

    # --- The other faces ------------------------------------------------------------------------------------

    def figure(self):
        """Return image, receptive field and the chosen map as a `Picture`."""
        maps = self._maps[self.layer]
        row, column = self.position
        result, (left, right) = picture(9, 4.2, self.describe(), columns=2)
        image = np.squeeze(_visible(self._image)).clip(0, 1)
        left.imshow(image, cmap="gray", vmin=0, vmax=1)
        left.set_title(f"{self.image_name}: what the unit sees")
        if self._unit:
            y1, x1, y2, x2 = self._unit.receptive_field
            xs, ys = np.array([x1, x2, x2, x1, x1]) - 0.5, np.array([y1, y1, y2, y2, y1]) - 0.5
            left.plot(xs, ys, color=COLORS["selected"], linewidth=2.5, clip_on=False)
        low, high = self.maps["low"], self.maps["high"]
        right.imshow(maps[..., self.channel], cmap="RdBu" if low < 0 else "viridis", vmin=low, vmax=high)
        right.plot(column, row, "s", ms=12, mfc="none", mew=2.5, color=COLORS["selected"])
        right.set_title(f"{self.layer}, map {self.channel} of {maps.shape[-1]}")
        for axes in (left, right):
            axes.set_axis_off()
        return result

    def describe(self):
        """Return the chosen unit in words and numbers."""
        if self.problem:
            return f"{self.problem} Still shown: {self.image_name}."
        if self._unit:
            return f"{self.image_name}. {_minus(repr(self._unit))}"
        row, column = self.position
        value = _minus(f"{self.unit['activation']:.4g}")
        return (
            f"{self.image_name}. {self.layer}, row {row}, column {column}, channel {self.channel}: "
            f"{value}. This layer has no weights of its own to explain it by."
        )
