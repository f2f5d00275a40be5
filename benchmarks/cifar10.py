"""Our quick network against the network of TensorFlow's CNN tutorial on CIFAR-10, in one run.

    CVCOURSE_DATA=FOLDER python benchmarks/cifar10.py     trains one seed, about eight minutes
    python benchmarks/cifar10.py --recorded               the same table from the recorded run, three seeds

Seconds are those of training; measuring the test accuracy after each epoch is left out on both sides.
"""

import sys

import numpy as np

from cvcourse import recording
from cvcourse.datasets import load


def until(run, accuracy):
    """Seconds of a run at the end of the first epoch with that test accuracy; infinite if there is none."""
    pairs = zip(run["history"]["elapsed"], run["history"]["test_accuracy"], strict=True)
    return next((seconds for seconds, reached in pairs if reached >= accuracy), np.inf)


def report(runs):
    print(f"{'setting':<12} seed epochs  seconds  processor s  test accuracy")
    for run in runs:
        accuracy = run["history"]["test_accuracy"]
        print(f"{run['label']:<12} {run['seed']:>4} {len(accuracy):>6} {run['seconds']:>8.0f} ", end="")
        print(f"{run['cpu_seconds']:>12.0f} {accuracy[-1]:>14.2%}")
    for seed in sorted({run["seed"] for run in runs}):
        tutorial, short, ours = (run for run in runs if run["seed"] == seed)
        final = tutorial["history"]["test_accuracy"][-1]
        for label, run, accuracy in (("tutorial's", short, final), ("90 %", ours, 0.9)):
            ratio = until(run, accuracy) / tutorial["seconds"]
            print(f"seed {seed}: {label} accuracy after {ratio:.2f} × the tutorial's time")


def main(recorded):
    if recorded:
        return report(recording.replay("cifar10").runs)
    from experiments import cifar10

    data = load("cifar10")
    report([cifar10.run(setting, 0, data) for setting in ("tutorial", *cifar10.OURS)])


if __name__ == "__main__":
    main("--recorded" in sys.argv[1:])
