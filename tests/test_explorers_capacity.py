"""The capacity explorer without a browser: its numbers are those of the recorded run."""

import numpy as np

from cvcourse import recording
from cvcourse.explorers import Capacity


def test_numbers_are_those_of_the_recorded_run():
    explorer = Capacity(width=2, images=0)
    widths, sizes = explorer.recorded["widths"], explorer.recorded["sizes"]
    runs = [
        run
        for run in recording.replay("capacity").runs
        if (run["width"], run["images"], run["remedy"]) == (widths[2], sizes[0], "none")
    ]
    assert len(runs) == 3
    keys = ("accuracy", "val_accuracy")
    train, valid = (100 * np.mean([run["history"][key][-1] for run in runs]) for key in keys)
    assert f"{train:.0f} % of the training images" in explorer.describe()
    assert f"{valid:.0f} % of the validation images" in explorer.describe()
