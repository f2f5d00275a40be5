"""What `Teach` learns from and how it looks: drawn scenes, folders of pictures, its words, its picture."""

from pathlib import Path

import numpy as np
from PIL import ImageOps

from cvcourse import datasets
from cvcourse.datasets.upload import LARGEST_FILE, read_image
from cvcourse.explorers.teach_head import CAMERA, MOST, SIDE
from cvcourse.pretrained.network import centre_crop
from cvcourse.visualization import COLORS, picture, style

LARGEST_PHOTO = 30_000_000  # bytes of a picture from a folder
KNOBS = {"clutter": 0.3, "scale": 0.1, "lighting": 0.2}  # of the drawn scenes


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
        burst = [image[y : y + 112, x : x + 112] * light[k] for k, (y, x) in enumerate(places)]
        found[scenes.classes[label]].append(np.clip(burst, 0, 255).astype("uint8"))
    return {name: some[:bursts] for name, some in found.items()}


def another_scene(number):
    """Return (image, what it is) of a drawn scene that is in no `course_pictures`."""
    scene = datasets.scenes(1, size=128, seed=1000 + number, **KNOBS)
    return centre_crop(scene.images, SIDE)[0], f"a drawn {scene.classes[scene.labels[0]]}"


def photograph(name, data, largest=LARGEST_FILE):
    """Return an image file's bytes as uint8 (SIDE, SIDE, 3), cropped about the centre; see `read_image`."""
    return np.asarray(ImageOps.fit(read_image(name, data, largest), (SIDE, SIDE)))


def read_folder(path):
    """Return ({class: bursts}, what was left out) of a folder with a folder of pictures for each class.

    Each file is a burst of its own, but the files of a folder inside a class's folder are one.
    """
    path = Path(path)
    if not path.is_dir():
        raise ValueError(
            f"path must be a folder with one folder of pictures for each class. Received: path={str(path)!r}"
        )
    found, left = {}, []
    for folder in sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith(".")):
        bursts, files = {}, sorted(each for each in folder.rglob("[!.]*") if each.is_file())
        for file in files[:MOST]:
            try:
                image = photograph(file.name, file.read_bytes(), LARGEST_PHOTO)
                bursts.setdefault(file if file.parent == folder else file.parent, []).append(image)
            except ValueError as error:
                left.append(str(error))
        if len(files) > MOST:
            left.append(f"{folder.name} has {len(files)} files, the first {MOST} were read.")
        found[folder.name] = list(map(np.stack, bursts.values()))
    return found, left


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
        words.append(
            f"Held out burst by burst, {honest} % of them are named rightly; held out at random, "
            f"{other} %{trap}."
        )
    else:
        words.append("An honest test needs two bursts of every class that has pictures.")
    if live["scores"]:
        best = int(np.argmax(live["scores"]))
        sure = f", {100 * live['scores'][best]:.0f} %" * (live["about"] != CAMERA)  # words that stay still
        words.append(f"The answer to {live['about']}: {classes[best]}{sure}.")
    return " ".join(words)


@style()
def figure(classes, counts, accuracy, live, shown, description):
    """Return the state of a `Teach` as a `Picture`. Pure; arguments as its attributes."""
    drawing, (left, middle, right) = picture(
        9.4, 2.8, f"Teach. {description}", columns=3, width_ratios=[1, 1.3, 1.3], wspace=0.55
    )
    left.axis("off")
    if shown is None:
        left.text(0.5, 0.5, "Your pictures stay in\nthe kernel's memory.", ha="center", va="center")
    else:
        left.imshow(shown)
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
