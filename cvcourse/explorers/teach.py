"""Teach: a classifier of your own things, from the camera, from files or from drawn scenes, in a minute."""

import io
import time
from pathlib import Path
from types import MappingProxyType

import keras
import numpy as np
from keras import layers, ops
from PIL import Image, ImageOps
from traitlets import Bool, Dict, Int, List, Unicode, validate

from cvcourse import backend, datasets, pretrained
from cvcourse.datasets.upload import read_image
from cvcourse.explorers.base import Explorer, javascript
from cvcourse.explorers.teach_head import CLASSES, HEADS, MOST, heads, held_out, padded, read_saved, testable
from cvcourse.pretrained.network import centre_crop
from cvcourse.visualization import COLORS, picture, style

NAME = 24  # characters of a class's name
SIDE = 224  # pixels of a picture as it comes; the network's own size may differ
THUMB, THUMBS = 32, 8  # pixels of a small picture, and how many of a class are shown
STEPS, PAUSE = 60, 0.03  # training steps after a change; seconds of them between two pictures of the camera
BATCH = 16  # images that pass through the network at once
LARGEST_FRAME, LARGEST_PHOTO = 300_000, 30_000_000  # bytes of a picture from the camera, from a folder
CAMERA = "the camera's picture"
KNOBS = MappingProxyType({"clutter": 0.3, "scale": 0.1, "lighting": 0.2})  # of the drawn scenes


class Teach(Explorer):
    """A classifier that learns two to six things from your pictures while you collect them.

    Each picture passes once through a trained network; the vector before its last layer is kept. A softmax
    layer learns on the vectors (L2 1e-3, Adam). Beside it learn eight copies that see three quarters of the
    pictures each: four leave out whole bursts, four leave out pictures at random. What they say about the
    pictures that they did not see is the `accuracy`. A burst is what one press of the button collects; its
    pictures are nearly the same. A file is a burst of its own.

    Pictures stay in the kernel's memory, as vectors and small pictures. They are in no trait, so that no
    notebook stores them, and `save` does not write them.

    Args:
        examples: {name: pictures} of 2 to 6 classes; each of the pictures is an image (H, W, 3), uint8 or
            float in [0, 1], or a burst of them (n, H, W, 3). A list of names for classes without pictures
            yet. Default: drawn scenes with a cat, a dog, a duck.
        network: `Pretrained`, or a name for `pretrained.load`; its model ends in a Dense layer. Default:
            `pretrained.best()`.

    Attributes:
        classes: list of the names; setting it renames them.
        accuracy: {"burst": float, "random": float} in [0, 1] on held-out pictures, split either way; empty
            until every class has two bursts.
        live: {"about": str, "scores": [float, …], …}, the answer to the picture in question.
        look: bool, whether the picture shows where the network looks: the class's weights times the last
            maps, which for a network that ends in average pooling and one Dense layer is Grad-CAM.
        problem: what went wrong last, in words (the page shows it); empty if all is well.

    Raises:
        ValueError: names, pictures or a network that cannot be used.

    Example:
        >>> explorer = Teach(["mug", "pen"], network="course")
        >>> explorer.add("mug", np.zeros((2, 40, 40, 3)))
        >>> explorer.add("pen", np.ones((2, 40, 40, 3)))
        >>> explorer.model.output_shape, explorer.taught.predict(np.ones((1, 40, 40, 3)))[0][0][0]
        ((None, 2), 'pen')

    Source: Zhou et al., "Learning Deep Features for Discriminative Localization", 2016, for `look`.
    """

    _esm = javascript("teach.js")
    state = ("classes", "counts", "accuracy", "live", "look")

    classes = List(Unicode()).tag(sync=True)
    counts = List(List(Int())).tag(sync=True)  # of each class: pictures, bursts
    accuracy = Dict().tag(sync=True)
    live = Dict({"about": "", "scores": [], "places": []}).tag(sync=True)
    look = Bool(False).tag(sync=True)
    learning = Int(0).tag(sync=True)  # training steps that are still to be done
    done = Int(0).tag(sync=True)  # the page's message that was answered last
    problem = Unicode().tag(sync=True)
    most = List(Int(), [*CLASSES, MOST, NAME, SIDE, THUMB, THUMBS]).tag(sync=True)

    def __init__(self, examples=None, network=None):
        network = pretrained.load(network) if isinstance(network, str) else network or pretrained.best()
        names = _names(("cat", "dog", "duck") if examples is None else list(examples))
        self._scenes, self._about, self._public, self._image, self._seen = 0, "", False, None, None
        self._burst, self._data = 0, None
        self._set_up(network)
        self._clear()
        super().__init__(classes=names, counts=[[0, 0]] * len(names))
        pictures = course_pictures() if examples is None else examples
        for name in names if isinstance(pictures, dict) else ():
            self._put(name, pictures[name])
        self._changed()
        self.learn()
        if examples is None:
            self.another()
        self.observe(self._answer, names=["look"])
        self.on_msg(self._receive)

    def _set_up(self, network):
        """Make the two compiled functions: from prepared images to vectors and maps, and a training step."""
        last = getattr(network, "model", None) and network.model.layers[-1]
        if not isinstance(last, layers.Dense) or len(network.body.output.shape) != 2:
            raise ValueError("network must be a trained classifier that ends in a Dense layer, for example "
                             f"pretrained.best(). Received: {network!r:.80}")
        self._network, self._size = network, network.model.input_shape[1]
        pools = [each for each in network.model.layers if isinstance(each, layers.GlobalAveragePooling2D)]
        outputs = {"vector": network.body.output} | ({"maps": pools[-1].input} if pools else {})
        both = keras.Model(network.model.input, outputs)
        self._run = backend.compiled(lambda images: both(images, training=False))
        self._heads = heads(network.body.output.shape[-1])
        # Vectors of about length one, so that one learning rate suits every network.
        self._scale = float(np.linalg.norm(self._look_at([datasets.photos.cat(SIDE)])[0][0])) or 1.0

    def prepare(self, images):
        """Return images as the network takes them.

        Args:
            images: (N, H, W, 3) or a list of (H, W, 3); uint8, or float in [0, 1]; of any size. The largest
                square about the centre is taken, which `model` then answers for.
        """
        return self._network.preprocess(centre_crop(images, self._size or 32))

    def _look_at(self, images):
        """Return vectors (N, D) and maps (N, h, w, K) or None; one at a time or in batches of equal size."""
        found = []
        for start in range(0, len(images), BATCH):
            batch = self.prepare(images[start : start + BATCH])
            count = len(batch)
            if count > 1:  # equal batches: one compilation
                batch = np.concatenate([batch, np.zeros((BATCH - count, *batch.shape[1:]), batch.dtype)])
            parts = self._run(ops.convert_to_tensor(batch))
            found.append({name: ops.convert_to_numpy(part)[:count] for name, part in parts.items()})
        joined = {name: np.concatenate([each[name] for each in found]) for name in found[0]}
        return joined["vector"], joined.get("maps")

    # --- Pictures -------------------------------------------------------------------------------------------

    def add(self, name, pictures):
        """Add pictures to a class and learn.

        Args:
            name: str, one of `classes`.
            pictures: sequence of images (H, W, 3) and bursts (n, H, W, 3), as for `Teach`.
        """
        self._put(name, pictures)
        self._changed()
        self.learn()

    def _put(self, name, pictures):
        bursts = [one[None] if one.ndim == 3 else one for one in map(np.asarray, pictures)]
        images = [image for burst in bursts for image in centre_crop(burst, SIDE)]
        first = 1 + self._bursts.max(initial=0)
        self._keep(name, images, np.repeat(np.arange(first, first + len(bursts)), list(map(len, bursts))))

    def _keep(self, name, images, bursts, vectors=None):
        """Keep vectors and small pictures of images, uint8 (SIDE, SIDE, 3), each with its burst's number."""
        label = self._label(name)
        count = int((self._labels == label).sum()) + len(images)
        if count > MOST:
            raise ValueError(f"{name} must have at most {MOST} pictures. Received: {count}")
        if not images:
            return
        small = [np.asarray(Image.fromarray(image).resize((THUMB, THUMB))) for image in images]
        vectors = self._look_at(images)[0] if vectors is None else vectors
        self._vectors = np.concatenate([self._vectors, vectors])
        self._labels = np.append(self._labels, [label] * len(images))
        self._bursts = np.append(self._bursts, bursts)
        self._small = np.concatenate([self._small, small])

    def _label(self, name):
        if name not in self.classes:
            raise ValueError(f"name must be one of {', '.join(self.classes)}. Received: name={name!r}")
        return self.classes.index(name)

    def _clear(self):
        """Forget all pictures and what was learned from them."""
        self._vectors = np.zeros((0, self._heads.input_shape[-1]), "float32")
        self._labels, self._bursts = np.zeros(0, "int64"), np.zeros(0, "int64")
        self._small = np.zeros((0, THUMB, THUMB, 3), "uint8")
        self._forget()

    def _forget(self):
        self._heads.set_weights([np.zeros_like(each) for each in self._heads.get_weights()])

    def _remove(self, gone):
        for name in ("_vectors", "_labels", "_bursts", "_small"):
            setattr(self, name, getattr(self, name)[~gone])

    def _changed(self):
        """Count the pictures, lay them out for training and ask for it."""
        self.counts = [[int(own.sum()), len(np.unique(self._bursts[own]))]
                       for own in (self._labels == k for k in range(len(self.classes)))]
        self._data = padded(self._vectors / self._scale, self._labels, self._bursts)
        self.learning = STEPS if sum(count > 0 for count, _ in self.counts) > 1 else 0
        if not self.learning:
            self._forget()
        if not testable(self._labels, self._bursts):
            self.accuracy = {}
        self._answer()
        self._show("small")

    # --- Learning and answering -----------------------------------------------------------------------------

    def learn(self, seconds=60):
        """Train the softmax layer and its copies for the steps that `learning` asks for, in that time."""
        end, steps = time.monotonic() + seconds, self.learning
        while steps:
            self._heads.train_on_batch(*self._data)
            steps -= 1
            if time.monotonic() > end:
                break
        self.learning = steps
        if not steps:
            self._judge()
        self._answer()

    def _judge(self):
        """Ask each head about the pictures that it has not seen."""
        kernel, bias = self._heads.get_weights()
        scores = (self._vectors / self._scale @ kernel + bias).reshape(-1, HEADS, CLASSES[1])
        self.accuracy = held_out(scores[..., :len(self.classes)], self._labels, self._bursts)

    def _head(self):
        """Return kernel (D, classes) and bias of the layer that has seen all pictures."""
        kernel, bias = (each[..., :len(self.classes)] for each in self._heads.get_weights())
        return kernel / self._scale, bias

    def ask(self, image, about="your picture"):
        """Make an image (H, W, 3), uint8 or float in [0, 1], the picture in question."""
        self._ask(centre_crop(image, SIDE)[0], about, public=False)
        self._show("picture")

    def another(self):
        """Make a drawn scene that no class has learned from the picture in question."""
        self._scenes += 1
        scene = datasets.scenes(1, size=128, seed=1000 + self._scenes, **KNOBS)
        about = f"a drawn {scene.classes[scene.labels[0]]}"
        self._ask(centre_crop(scene.images, SIDE)[0], about, public=True)
        self._show("picture")

    def _ask(self, image, about, public):
        self._image, self._about, self._public, self._seen = image, about, public, self._look_at([image])
        self._answer()

    def _answer(self, change=None):
        """Say what the picture in question is, and with `look` which places say so."""
        live = {"about": self._about, "scores": [], "places": []}
        if self._seen and self._data is not None and np.any(self._head()[0]):
            (vector,), maps = self._seen
            kernel, bias = self._head()
            scores = np.exp((logits := vector @ kernel + bias) - logits.max())
            live["scores"] = (scores / scores.sum()).tolist()
            if self.look and maps is not None:
                heat = np.maximum(maps[0] @ kernel[:, scores.argmax()], 0)
                live["places"] = (heat / max(heat.max(), 1e-12)).round(3).tolist()
        self.live = live

    @property
    def model(self):
        """A Keras model from prepared images (see `prepare`) to probabilities (N, classes).

        It is the network's body with a new Dense layer of its own, "taught", as it is now.
        """
        body, layer = self._network.body, layers.Dense(len(self.classes), activation="softmax", name="taught")
        model = keras.Model(self._network.model.input, layer(body.output), name="taught")
        layer.set_weights(self._head())
        return model

    @property
    def taught(self):
        """What was taught as a `Pretrained`: `.predict(images)`, `.model`, `.preprocess`, `.classes`."""
        source = f"taught with {len(self._labels)} pictures on the features of {self._network.name}"
        return pretrained.Pretrained("taught", self.model, self.prepare, tuple(self.classes), source)

    # --- Classes, files and folders -------------------------------------------------------------------------

    @validate("classes")
    def _check_classes(self, proposal):
        names = _names(proposal["value"])
        if len(names) != len(self.counts or names):
            raise ValueError(f"classes must have {len(self.counts)} names; new_class and drop_class change "
                             f"how many. Received: {names}")
        return names

    def _set_classes(self, names):
        names = _names(names)
        self.counts = [[0, 0]] * len(names)
        self.classes = names
        self._changed()
        self.learn()

    def new_class(self, name=None):
        """Add a class without pictures; its name may be changed later."""
        free = (f"class {k}" for k in range(len(self.classes) + 1, 99))
        self._set_classes([*self.classes, name or next(one for one in free if one not in self.classes)])

    def drop_class(self, name):
        """Remove a class and its pictures; the others are learned anew."""
        at = self._label(name)
        rest = _names([one for one in self.classes if one != name])
        self._remove(self._labels == at)
        self._labels -= self._labels > at
        self._forget()
        self._set_classes(rest)

    def take_back(self, name):
        """Remove the last burst of a class."""
        own = self._labels == self._label(name)
        self._remove(own & (self._bursts == self._bursts[own].max(initial=-1)))
        self._changed()
        self.learn()

    @classmethod
    def from_folder(cls, path, network=None):
        """Return a `Teach` that has learned from a folder with one folder of pictures for each class.

        Args:
            path: folder; its folders' names are the classes. Each file is a burst of its own, but the files
                of a folder inside a class's folder are one burst. What cannot be used stands in `problem`.
            network: as for `Teach`.
        """
        path = Path(path)
        if not path.is_dir():
            raise ValueError("path must be a folder with one folder of pictures for each class. "
                             f"Received: path={str(path)!r}")
        folders = sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith("."))
        explorer, left = cls([each.name for each in folders], network), []
        for folder in folders:
            bursts = {}
            files = sorted(each for each in folder.rglob("[!.]*") if each.is_file())
            for file in files[:MOST]:
                try:
                    image = _square(read_image(file.name, file.read_bytes(), LARGEST_PHOTO))
                    bursts.setdefault(file if file.parent == folder else file.parent, []).append(image)
                except ValueError as error:
                    left.append(str(error))
            if len(files) > MOST:
                left.append(f"{folder.name} has {len(files)} files, the first {MOST} were read.")
            explorer._put(folder.name, map(np.stack, bursts.values()))
        explorer._changed()
        explorer.learn()
        explorer.problem = " ".join([f"Left out: {len(left)}.", *left[:2]]) if left else ""
        return explorer

    def save(self, path):
        """Write what was taught to a file: names, vectors and weights, not the pictures.

        Args:
            path: file to write, by custom with the ending .npz; `Teach.load(path)` reads it.
        """
        kernel, bias = self._heads.get_weights()
        with Path(path).open("wb") as file:
            np.savez_compressed(
                file, network=np.array(self._network.name), classes=np.array(self.classes), kernel=kernel,
                bias=bias, vectors=self._vectors, labels=self._labels, bursts=self._bursts)

    @classmethod
    def load(cls, path, network=None):
        """Return what `save` wrote as a `Teach`.

        Args:
            path: the file; it is read as numbers and text only, so that a file from others can do no harm.
            network: as for `Teach`; it must be the one that the file was made with.

        Raises:
            ValueError: another kind of file, a damaged one, or another network.
        """
        saved = read_saved(path)
        explorer = cls(saved["classes"].tolist(), network)
        name, size = explorer._network.name, explorer._heads.input_shape[-1]
        if str(saved["network"]) != name or saved["vectors"].shape[1] != size:
            raise ValueError(f"network must be {str(saved['network'])!r}, with which the file was taught. "
                             f"Received: {name!r}")
        explorer._vectors, explorer._labels, explorer._bursts = (
            saved[part] for part in ("vectors", "labels", "bursts"))
        explorer._small = np.full((len(explorer._labels), THUMB, THUMB, 3), 128, "uint8")
        explorer._changed()
        explorer._heads.set_weights([saved["kernel"], saved["bias"]])
        explorer.learning = 0
        explorer._judge()
        explorer._answer()
        return explorer

    # --- The page -------------------------------------------------------------------------------------------

    def _show(self, what):
        """Send the page pictures: the one in question, or the last ones of each class on one sheet."""
        if what == "small":
            sheet = np.zeros((CLASSES[1], THUMBS, THUMB, THUMB, 3), "uint8")
            for k in range(len(self.classes)):
                last = self._small[self._labels == k][:-THUMBS - 1:-1]
                sheet[k, :len(last)] = last
            image = sheet.swapaxes(1, 2).reshape(CLASSES[1] * THUMB, THUMBS * THUMB, 3)
        else:
            image = self._image
        if image is not None:
            Image.fromarray(image).save(file := io.BytesIO(), "JPEG", quality=85, subsampling=0)
            self.send({"show": what}, [file.getvalue()])

    def _receive(self, widget, content, buffers):
        """Do what the page asks for; `done` tells it that the next message may come."""
        if not isinstance(content, dict) or not isinstance(content.get("id"), int):
            return
        with self.hold_sync():
            if content.get("do") not in ("frame", "learn", "hello"):
                self.problem = ""
            try:
                self._do(content, b"".join(bytes(part) for part in buffers))
            except (ValueError, IndexError) as error:
                self.problem = str(error)
            except Exception as error:  # the page has no other place to show it
                self.problem = f"This did not work: {error}"
            self.done = content["id"]

    def _do(self, content, data):
        match content:
            case {"do": "hello"}:
                self._show("small")
                self._show("picture")
            case {"do": "frame", "to": int(to), "new": bool(new)}:
                self._frame(_square(read_image("the camera's picture", data, LARGEST_FRAME)), to, new)
            case {"do": "file", "name": str(name), "to": int(to)}:
                image = _square(read_image(name[:80], data))
                if to < 0:
                    self.ask(image, name[:80])
                else:
                    self._put(self.classes[to], [image])
                    self._changed()
            case {"do": "rename", "at": int(at), "name": str(name)} if 0 <= at < len(self.classes):
                self.classes = [name if k == at else old for k, old in enumerate(self.classes)]
            case {"do": "take back" | "drop" as what, "at": int(at)} if 0 <= at < len(self.classes):
                (self.drop_class if what == "drop" else self.take_back)(self.classes[at])
            case {"do": "new class"}:
                self.new_class()
            case {"do": "empty"}:
                self._clear()
                self._set_classes(["class 1", "class 2"])
            case {"do": "another"}:
                self.another()
            case {"do": "learn"}:
                self.learn(PAUSE)
            case _:
                raise ValueError(f"The page asked for something unknown: {content!r:.80}")

    def _frame(self, image, to, new):
        """Answer a picture of the camera; keep it for class `to` unless that is −1; learn a little."""
        self._ask(image, CAMERA, public=False)
        try:
            if to >= 0:
                self._burst = 1 + self._bursts.max(initial=0) if new else self._burst
                self._keep(self.classes[to], [image], [self._burst], self._seen[0])
                self._changed()
        finally:
            if self.learning:
                self.learn(PAUSE)

    # --- The other faces ------------------------------------------------------------------------------------

    def figure(self):
        """Return answer, counts and accuracy as a `Picture`; your own pictures are not in it."""
        image = self._image if self._public else None
        return figure(self.classes, self.counts, self.accuracy, self.live, image, self.describe())

    def describe(self):
        """Return the present state in words and numbers."""
        return describe(self.classes, self.counts, self.accuracy, self.live)


def course_pictures(bursts=5, frames=5):
    """Return {"cat": bursts, "dog": …, "duck": …}: drawn scenes, each filmed by an unsteady hand.

    Args:
        bursts: int, 1–8, scenes of each animal.
        frames: int, pictures of each scene: moved by up to 16 of 128 pixels, up to 5 % lighter or darker.

    Returns:
        dict of lists of uint8 arrays (frames, 112, 112, 3).

    Example:
        >>> {name: len(some) for name, some in course_pictures(2, 3).items()}
        {'cat': 2, 'dog': 2, 'duck': 2}
    """
    scenes = datasets.scenes(6 * bursts, size=128, seed=1, **KNOBS)
    rng, found = np.random.default_rng(0), {name: [] for name in scenes.classes}
    for image, label in zip(scenes.images, scenes.labels, strict=True):
        places, light = rng.integers(0, 17, (frames, 2)), rng.uniform(0.95, 1.05, frames)
        burst = [image[y:y + 112, x:x + 112] * light[k] for k, (y, x) in enumerate(places)]
        found[scenes.classes[label]].append(np.clip(burst, 0, 255).astype("uint8"))
    return {name: some[:bursts] for name, some in found.items()}


def _names(names):
    """Return the names of the classes as a list, or say what is wrong with them."""
    few, most = CLASSES
    bad = [name for name in names if not isinstance(name, str) or not 0 < len(name.strip()) <= NAME
           or not name.isprintable()]
    found = [name.strip() for name in names if name not in bad]
    if bad or not few <= len(found) <= most or len({name.casefold() for name in found}) < len(found):
        raise ValueError(f"classes must be {few} to {most} different names of 1 to {NAME} characters. "
                         f"Received: {list(names)!r:.200}")
    return found


def _square(image):
    """Return a PIL image as uint8 (SIDE, SIDE, 3), cropped about its centre."""
    return np.asarray(ImageOps.fit(image, (SIDE, SIDE)))


def describe(classes, counts, accuracy, live):
    """Return the state of a `Teach` in words and numbers. Pure; arguments as its attributes."""
    pictures, bursts = (sum(column) for column in zip(*counts, strict=True))
    each = ", ".join(f"{name} {count}" for name, (count, _) in zip(classes, counts, strict=False))
    words = [f"{pictures} pictures in {bursts} bursts: {each}."]
    if sum(count > 0 for count, _ in counts) < 2:
        words.append("It learns as soon as two classes have pictures.")
    elif accuracy:
        honest, other = (round(100 * accuracy[split]) for split in ("burst", "random"))
        trap = ": too good, for pictures of one burst are nearly the same" * (other > honest)
        words.append(f"Held out burst by burst, {honest} % of them are named rightly; held out at random, "
                     f"{other} %{trap}.")
    else:
        words.append("An honest test needs two bursts of every class that has pictures.")
    if live["scores"]:
        best = int(np.argmax(live["scores"]))
        sure = f", {100 * live['scores'][best]:.0f} %" * (live["about"] != CAMERA)  # words that stay still
        words.append(f"The answer to {live['about']}: {classes[best]}{sure}.")
    return " ".join(words)


@style()
def figure(classes, counts, accuracy, live, image, words):
    """Return the state of a `Teach` as a `Picture`. Pure; `image`: uint8 (H, W, 3), or None for none."""
    drawing, (left, middle, right) = picture(
        9.4, 2.8, f"Teach. {words}", columns=3, width_ratios=[1, 1.3, 1.3], wspace=0.55)
    left.axis("off")
    if image is None:
        left.text(0.5, 0.5, "Your pictures stay in\nthe kernel's memory.", ha="center", va="center")
    else:
        left.imshow(image)
        left.set_title(live["about"])
    names = [f"{name} ({count})" for name, (count, _) in zip(classes, counts, strict=False)]
    scores = live["scores"] or [0] * len(classes)
    answer = COLORS["reference"], COLORS["output"]
    _bars(middle, names, scores, [answer[0 < score == max(scores)] for score in scores])
    middle.set_title("Answer" if live["scores"] else "No answer yet")
    shares = [accuracy.get(split, 0) for split in ("burst", "random")]
    _bars(right, ["by burst", "at random"], shares, [COLORS["input"], COLORS["reference"]])
    right.set_title("Held out, right" if accuracy else "Held out: needs two bursts")
    return drawing


def _bars(axes, names, shares, colours):
    axes.barh(range(len(names)), [100 * share for share in shares], color=colours)
    axes.set_yticks(range(len(names)), names, parse_math=False)  # a name may hold a $
    for place, share in enumerate(shares):
        axes.text(100 * share + 2, place, f"{100 * share:.0f} %", va="center")
    axes.set(xlim=(0, 130), xticks=[])
    axes.invert_yaxis()
