"""scenes(n) beside drawing each scene's animal anew with scikit-image: scenes per second.

Each row is the median of five runs after a first one, which pays for imports, photographs and drawings and
is shown by itself. CPU seconds count what this process used, so they hold on a busy machine too.

    python benchmarks/scenes.py [N]        scenes per run, 1000 by default
"""

import statistics
import sys
import time

import numpy as np

from cvcourse.datasets import animals
from cvcourse.datasets.scenes import scenes

RUNS = 5
HARD = {"objects": (1, 3), "orientation": 1, "lighting": 1, "obstruction": 1, "scale": 1, "clutter": 1}
WAYS = {
    "scenes(n), first call": None,
    "scenes(n)": {},
    "scenes(n, objects=(1, 3))": {"objects": (1, 3)},
    "scenes(n), every knob at 1": HARD,
    "scenes(n, size=128)": {"size": 128},
}


def drawn_anew(n, seed):
    """What one would write first: for each scene a photograph and an animal, polygon by polygon."""
    from skimage.draw import polygon
    from skimage.measure import block_reduce

    rng = np.random.default_rng(seed)
    pictures = np.empty((n, 64, 64, 3), "uint8")
    background = scenes(1, clutter=0).images[0].repeat(3, axis=0).repeat(3, axis=1)
    for i in range(n):
        animal = animals.CLASSES[rng.integers(3)]
        colours = animals.palette(animal, rng.random(8))[:, :3]
        canvas = background.copy()
        for ink, outline in animals._POSES[animal][rng.integers(3)](rng):
            canvas[polygon(*((outline[:, ::-1] * 0.9 + 1) * 96).T, (192, 192))] = colours[ink]
        pictures[i] = block_reduce(canvas, (3, 3, 1), np.mean)
    return pictures


def seconds(function):
    """CPU and wall seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return time.process_time() - cpu, time.perf_counter() - wall


def report(name, n, runs):
    """Print a row: scenes per second of CPU and of wall time."""
    cpu, wall = (statistics.median(column) for column in zip(*runs, strict=True))
    print(f"{name:<34}{n / cpu:>12,.0f}{n / wall:>14,.0f}")


def main():
    """Measure every way and print the table."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(f"{n:,} scenes of 64×64           per CPU second   per second")
    for name, knobs in WAYS.items():
        if knobs is None:
            report(name, n, [seconds(lambda: scenes(n))])
            continue
        scenes(n, **knobs)
        report(name, n, [seconds(lambda k=k, knobs=knobs: scenes(n, seed=k, **knobs)) for k in range(RUNS)])
    few = max(1, n // 50)
    runs = [seconds(lambda k=k: drawn_anew(few, k)) for k in range(RUNS)]
    report("scikit-image, polygon by polygon", few, runs)


if __name__ == "__main__":
    main()
