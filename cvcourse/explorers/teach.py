"""Teach: a classifier of your own things, from the camera, from files or from drawn scenes, in a minute."""

import io

import numpy as np
from PIL import Image

from cvcourse import pretrained
from cvcourse.explorers.base import Explorer, javascript
from cvcourse.explorers.controls import Data, Kept, Toggle
from cvcourse.explorers.teach_head import CAMERA, LIMITS, SIDE, Learner, class_names, read_saved, testable
from cvcourse.explorers.teach_pictures import another_scene, course_pictures, photograph, read_folder
from cvcourse.explorers.teach_pictures import describe as describe
from cvcourse.explorers.teach_pictures import figure as figure
from cvcourse.pretrained.network import centre_crop

STEPS, PAUSE = 60, 0.03  # training steps after a change; seconds of them between two pictures of the camera
LARGEST_FRAME = 300_000  # bytes of a picture from the camera


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
    classes = Kept(lambda explorer, value: explorer._named(value), [])
    counts = Data([], state=True)  # of each class: pictures, bursts
    accuracy = Data({}, state=True)
    live = Data({"about": "", "scores": [], "places": []}, state=True)
    look = Toggle("Show where it looks")
    learning = Data(0)  # training steps that are still to be done
    done = Data(0)  # the page's message that was answered last
    problem = Data("")
    most = Data(LIMITS)

    def __init__(self, examples=None, network=None):
        network = pretrained.load(network) if isinstance(network, str) else network or pretrained.best()
        names = class_names(("cat", "dog", "duck") if examples is None else list(examples))
        self._scenes, self._about, self._public, self._image, self._seen = 0, "", False, None, None
        self._burst, self._learner = 0, Learner(network)
        super().__init__(classes=names, counts=[[0, 0]] * len(names))
        pictures = course_pictures() if examples is None else examples
        for name in names if isinstance(pictures, dict) else ():
            self._put(name, pictures[name])
        self._changed()
        if examples is None:
            self.another()
        self.observe(self._answer, names=["look"])
        self.on_msg(self._receive)

    # --- Pictures -------------------------------------------------------------------------------------------

    def add(self, name, pictures):
        """Add pictures to a class and learn.

        Args:
            name: str, one of `classes`.
            pictures: sequence of images (H, W, 3) and bursts (n, H, W, 3), as for `Teach`.
        """
        self._put(name, pictures)
        self._changed()

    def _put(self, name, pictures):
        bursts = [one[None] if one.ndim == 3 else one for one in map(np.asarray, pictures)]
        images = [image for burst in bursts for image in centre_crop(burst, SIDE)]
        first = self._learner.next_burst()
        numbers = np.repeat(np.arange(first, first + len(bursts)), list(map(len, bursts)))
        self._learner.keep(self._label(name), name, images, numbers)

    def _label(self, name):
        if name not in self.classes:
            raise ValueError(f"name must be one of {', '.join(self.classes)}. Received: name={name!r}")
        return self.classes.index(name)

    def prepare(self, images):
        """Return images, (N, H, W, 3) or a list of (H, W, 3), as the network takes them.

        uint8, or float in [0, 1]; of any size: `model` answers for the largest square about the centre.
        """
        return self._learner.prepare(images)

    def _changed(self, learn=True):
        """Count the pictures, lay them out for training and ask for it, or do it at once with `learn`."""
        learner = self._learner
        self.tell(counts=learner.counts(len(self.classes)))
        learner.lay_out()
        self.tell(learning=STEPS if sum(count > 0 for count, _ in self.counts) > 1 else 0)
        if not self.learning:
            learner.forget()
        if not testable(learner.labels, learner.bursts):
            self.tell(accuracy={})
        self._answer()
        self._show("small")
        if learn:
            self.learn()

    # --- Learning and answering -----------------------------------------------------------------------------

    def learn(self, seconds=60):
        """Train the softmax layer and its copies for the steps that `learning` asks for, in that time."""
        self.tell(learning=self._learner.train(self.learning, seconds))
        if not self.learning:
            self.tell(accuracy=self._learner.accuracy(len(self.classes)))
        self._answer()

    def ask(self, image, about="your picture"):
        """Make an image (H, W, 3), uint8 or float in [0, 1], the picture in question."""
        self._ask(centre_crop(image, SIDE)[0], about, public=False)
        self._show("picture")

    def another(self):
        """Make a drawn scene that no class has learned from the picture in question."""
        self._scenes += 1
        self._ask(*another_scene(self._scenes), public=True)
        self._show("picture")

    def _ask(self, image, about, public):
        self._image, self._about, self._public = image, about, public
        self._seen = self._learner.look_at([image])
        self._answer()

    def _answer(self, change=None):
        """Say what the picture in question is, and with `look` which places say so."""
        found = self._learner.answer(self._seen, len(self.classes), self.look)
        self.tell(live={"about": self._about, **found})

    @property
    def model(self):
        """A Keras model from prepared images (see `prepare`) to probabilities (N, classes), as it is now."""
        return self._learner.model(len(self.classes))

    @property
    def taught(self):
        """What was taught as a `Pretrained`: `.predict(images)`, `.model`, `.preprocess`, `.classes`."""
        learner = self._learner
        source = f"taught with {len(learner.labels)} pictures on the features of {learner.network.name}"
        return pretrained.Pretrained("taught", self.model, self.prepare, tuple(self.classes), source)

    # --- Classes, files and folders -------------------------------------------------------------------------

    def _named(self, names):
        names = class_names(names)
        if len(names) != len(self.counts or names):
            raise ValueError(
                f"classes must have {len(self.counts)} names; new_class and drop_class change "
                f"how many. Received: {names}"
            )
        return names

    def _set_classes(self, names):
        names = class_names(names)
        self.tell(counts=[[0, 0]] * len(names))
        self.classes = names
        self._changed()

    def new_class(self, name=None):
        """Add a class without pictures; its name may be changed later."""
        free = (f"class {k}" for k in range(len(self.classes) + 1, 99))
        self._set_classes([*self.classes, name or next(one for one in free if one not in self.classes)])

    def drop_class(self, name):
        """Remove a class and its pictures; the others are learned anew."""
        at = self._label(name)
        rest = class_names([one for one in self.classes if one != name])
        self._learner.drop(at)
        self._set_classes(rest)

    def take_back(self, name):
        """Remove the last burst of a class."""
        self._learner.take_back(self._label(name))
        self._changed()

    @classmethod
    def from_folder(cls, path, network=None):
        """Return a `Teach` that has learned from a folder with one folder of pictures for each class.

        Args:
            path: folder; its folders' names are the classes. Each file is a burst of its own, but the files
                of a folder inside a class's folder are one burst. What cannot be used stands in `problem`.
            network: as for `Teach`.
        """
        found, left = read_folder(path)
        explorer = cls(list(found), network)
        for name, bursts in found.items():
            explorer._put(name, bursts)
        explorer._changed()
        explorer.tell(problem=" ".join([f"Left out: {len(left)}.", *left[:2]]) if left else "")
        return explorer

    def save(self, path):
        """Write what was taught to a file: names, vectors and weights, not the pictures.

        Args:
            path: file to write, by custom with the ending .npz; `Teach.load(path)` reads it.
        """
        self._learner.save(path, self.classes)

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
        explorer._learner.fill(saved)
        explorer._changed(learn=False)
        explorer._learner.heads.set_weights([saved["kernel"], saved["bias"]])
        explorer.tell(learning=0)
        explorer.learn()
        return explorer

    # --- The page -------------------------------------------------------------------------------------------

    def _show(self, what):
        """Send the page pictures: the one in question, or the last ones of each class on one sheet."""
        image = self._learner.sheet() if what == "small" else self._image
        if image is not None:
            Image.fromarray(image).save(file := io.BytesIO(), "JPEG", quality=85, subsampling=0)
            self.send({"show": what}, [file.getvalue()])

    def _receive(self, widget, content, buffers):
        """Do what the page asks for; `done` tells it that the next message may come."""
        if not isinstance(content, dict) or not isinstance(content.get("id"), int):
            return
        with self.hold_sync():
            if content.get("do") not in ("frame", "learn", "hello"):
                self.tell(problem="")
            try:
                self._do(content, b"".join(bytes(part) for part in buffers))
            except (ValueError, IndexError) as error:
                self.tell(problem=str(error))
            except Exception as error:  # the page has no other place to show it
                self.tell(problem=f"This did not work: {error}")
            self.tell(done=content["id"])

    def _do(self, content, data):
        match content:
            case {"do": "hello"}:
                self._show("small")
                self._show("picture")
            case {"do": "frame", "to": int(to), "new": bool(new)}:
                self._frame(photograph("the camera's picture", data, LARGEST_FRAME), to, new)
            case {"do": "file", "name": str(name), "to": int(to)}:
                image = photograph(name[:80], data)
                if to < 0:
                    self.ask(image, name[:80])
                else:
                    self._put(self.classes[to], [image])
                    self._changed(learn=False)
            case {"do": "rename", "at": int(at), "name": str(name)} if 0 <= at < len(self.classes):
                self.classes = [name if k == at else old for k, old in enumerate(self.classes)]
            case {"do": "take back" | "drop" as what, "at": int(at)} if 0 <= at < len(self.classes):
                (self.drop_class if what == "drop" else self.take_back)(self.classes[at])
            case {"do": "new class"}:
                self.new_class()
            case {"do": "empty"}:
                self._learner.clear()
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
                self._burst = self._learner.next_burst() if new else self._burst
                self._learner.keep(to, self.classes[to], [image], [self._burst], self._seen[0])
                self._changed(learn=False)
        finally:
            if self.learning:
                self.learn(PAUSE)

    # --- The other faces ------------------------------------------------------------------------------------

    @property
    def shown(self):
        """The picture in question, uint8 (H, W, 3), if it is a drawn one; your own are in no figure: None."""
        return self._image if self._public else None
