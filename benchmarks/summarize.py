"""summarize(builder) beside building the model and calling model.summary(): seconds and peak memory.

Each figure comes from a fresh Python process, after Keras is imported and a first small layer has been made;
seconds are the best and memory the largest of three processes.

    python benchmarks/summarize.py [NAME ...]     names of keras.applications; VGG16 and two more by default
"""

import resource
import subprocess
import sys
import time

REPEATS = 3
WAYS = {"build + model.summary()": "build", "summarize(builder)": "summarize"}


def measure(way, name):
    """Print the seconds and the megabytes that one way takes beyond an imported Keras."""
    import keras

    from cvcourse.summary import summarize

    keras.layers.Dense(1).build((None, 1))  # TensorFlow sets itself up at the first weight
    application = getattr(keras.applications, name)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    if way == "build":
        model = application(weights=None)
        model.summary(print_fn=lambda text: None)
        params = model.count_params()
    else:
        summary = summarize(lambda: application(weights=None))
        repr(summary)
        params = summary.total_params
    seconds = time.perf_counter() - start
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * rss_unit() / 1e6
    print(seconds, megabytes, params)


def rss_unit():
    """Return the bytes in a unit of ru_maxrss, which is not the same everywhere."""
    return 1 if sys.platform == "darwin" else 1024


def in_fresh_process(way, name):
    command = [sys.executable, __file__, "--measure", way, name]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, megabytes, params = result.stdout.split()[-3:]
    return float(seconds), float(megabytes), int(params)


def main(names):
    print(f"{'model':<16}{'way':<26}{'seconds':>9}{'peak MB':>9}{'parameters':>14}")
    for name in names:
        for label, way in WAYS.items():
            runs = [in_fresh_process(way, name) for _ in range(REPEATS)]
            seconds, megabytes = min(run[0] for run in runs), max(run[1] for run in runs)
            print(f"{name:<16}{label:<26}{seconds:>9.3f}{megabytes:>9.1f}{runs[0][2]:>14,}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(*sys.argv[2:])
    else:
        main(sys.argv[1:] or ["VGG16", "ResNet50", "MobileNetV2"])
