"""How long each lesson takes on this machine, from a measurement of some seconds."""

import os
import re
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

from cvcourse import stored

PACKAGE = Path(__file__).parent
KNOWN = PACKAGE / "speed.json"  # what each lesson takes, and `work`, on the machine of the README's table
LONG = 120  # seconds; a lesson that takes longer may be made smaller
STEPS = 20  # of each training in `work`
# What takes a lesson's time among the constants of its cell tagged `parameters`.
SIZES = {
    "01": "PICTURES, EPOCHS", "02": "MLP_EPOCHS, CNN_EPOCHS", "03": "DEPTH, DRAWS", "04": "EPOCHS",
    "05": "SCENES, REPEATS", "06": "EPOCHS, STEPS", "07": "SCENES, REUSE_EPOCHS, EPOCHS",
    "08": "LIVE_EPOCHS", "09": "DIGITS, SCENES", "10": "LIVE_EXAMPLES, LIVE_EPOCHS",
    "11": "LIVE_SCENES, LIVE_EPOCHS", "12": "LIVE_STEPS, DIGIT_EPOCHS, S_EPOCHS",
}  # fmt: skip


def predict():
    """Return how much longer than in the README lessons take here, and a list of dicts, one for each lesson.

    Each has "lesson" ("01"), "minutes" and, if these are many, "lower": which sizes, and to which share.
    """
    known = stored.read(KNOWN)
    ratio, lessons = _work_apart() / known["work"], []
    for name, one in known["lessons"].items():
        seconds = one["seconds"] * ratio
        lessons.append({"lesson": name[:2], "minutes": round(seconds / 60, 1)})
        if seconds > LONG:
            lessons[-1]["lower"] = f"{SIZES[name[:2]]} at {LONG / seconds:.0%}"
    return ratio, lessons


def _work_apart():
    """Return `work` of a process of its own: a library that does not suit this processor ends only that."""
    code = "from cvcourse import speed; print(speed.work())"
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, env=quiet, capture_output=True, text=True, timeout=180)
    if answer.returncode:
        last = (answer.stderr.strip() or "no word").splitlines()[-1]
        raise RuntimeError(f"a small training ended with status {answer.returncode}: {last}")
    return float(answer.stdout.split()[-1])


def work():
    """Return the seconds of a fixed piece of work: files read, matrices multiplied, two networks trained.

    The share that two cores can do together is about that of a lesson. The import of Keras is no part of it.
    """
    import keras
    import numpy as np

    start = time.perf_counter()
    for path in (PACKAGE / "weights").glob("*.npz"):
        stored.read_npz(path)
    square = np.ones((1000, 1000), "float32")
    for _ in range(20):
        square @ square
    images, answers = np.ones((64, 32, 32, 3), "float32"), np.ones((64, 10), "float32")
    for _ in range(2):
        body = [keras.layers.Conv2D(filters, 3, activation="relu") for filters in (16, 32, 32)]
        model = keras.Sequential([*body, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10)])
        model.compile("adam", "mse")
        for _ in range(STEPS):
            model.train_on_batch(images, answers)
    return time.perf_counter() - start


def record(readme):
    """Write what lessons take, by README.md, and `work` beside it; the path."""
    from cvcourse import recording

    line = re.compile(r"notebooks/(\w+)\.ipynb\).*\| (\d+) s, ([\d.]+) GB \|$", re.MULTILINE)
    found = line.findall(Path(readme).read_text(encoding="utf-8"))
    lessons = {name: {"seconds": int(taken), "memory_gb": float(memory)} for name, taken, memory in found}
    fields = {"command": "cvcourse doctor --record README.md", "date": f"{date.today()}"}
    fields |= {"machine": recording.machine(), "versions": recording.versions()}
    fields |= {"work": min(_work_apart() for _ in range(3)), "lessons": lessons}
    return stored.write(KNOWN, recording.rounded(fields))
