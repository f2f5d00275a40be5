"""The checks of lesson 09: the perceptron rule, LeNet's table, a bottleneck, a confusion matrix, top-k."""

import numpy as np

from cvcourse.exercises.checking import Exercise

# --- Exercise 1: the perceptron rule --------------------------------------------------------------------


def _rule(weights, x, target, mistake=lambda total: total <= 0, change=lambda target, x, total: target * x):
    total = weights @ x
    return weights + change(target, x, total) if mistake(target * total) else weights


check_perceptron = Exercise(
    solution=lambda weights, x, target: _rule(weights, x, target),
    cases=[
        (np.array([0.0, 0.0, 0.0]), np.array([1.0, 2.0, 1.0]), 1),
        (np.array([1.0, -1.0, 0.5]), np.array([2.0, 0.0, 1.0]), 1),
        (np.array([1.0, -1.0, 0.5]), np.array([2.0, 0.0, 1.0]), -1),
        (np.array([-1.0, 1.0, 0.0]), np.array([3.0, 1.0, 1.0]), 1),
        (np.array([-1.0, 1.0, 0.0]), np.array([3.0, 1.0, 1.0]), -1),
    ],
    mistakes={
        "change the weights after a right answer, too: the rule learns from mistakes only": (
            lambda weights, x, target: weights + target * x
        ),
        "always add x: where the answer should have been no, x is taken away": (
            lambda weights, x, target: _rule(weights, x, target, change=lambda target, x, total: x)
        ),
        "take a sum of exactly 0 for a right answer: then weights of zero never learn": (
            lambda weights, x, target: _rule(weights, x, target, mistake=lambda total: total < 0)
        ),
        "move the wrong way: target · x is added, not taken away": (
            lambda weights, x, target: _rule(weights, x, target, change=lambda target, x, total: -target * x)
        ),
        "change them by the size of the error: that is the later rule of Widrow and Hoff": (
            lambda weights, x, target: weights + (target - weights @ x) * x
        ),
    },
    verified="five examples: two right answers, two wrong ones, and a sum of exactly 0",
)

# --- Exercise 2: the parameters of C3 -------------------------------------------------------------------

check_partial_params = Exercise(
    solution=lambda table, size: sum(size * size * len(seen) + 1 for seen in table),
    cases=[
        (((0, 1, 2), (1, 2, 3), (0, 1, 2, 3)), 5),
        (((0,), (0, 1)), 3),
        (((0, 1, 2, 3, 4, 5),) * 4, 5),
    ],
    mistakes={
        "let every map see all maps: count those in its own row": (
            lambda table, size: len(table) * (size * size * len({k for row in table for k in row}) + 1)
        ),
        "forget the biases: there is one for each map": (
            lambda table, size: sum(size * size * len(seen) for seen in table)
        ),
        "count a bias for each connection: there is one for each map": (
            lambda table, size: sum((size * size + 1) * len(seen) for seen in table)
        ),
        "forget the square: a kernel has F · F numbers": (
            lambda table, size: sum(size * len(seen) + 1 for seen in table)
        ),
    },
    verified="three tables, one in which every map sees all",
)

# --- Exercise 3: what a bottleneck saves ----------------------------------------------------------------


def _bottleneck_macs(side, channels, reduced, filters, size, first=True, last=True):
    return side * side * (first * channels * reduced + last * size * size * reduced * filters)


check_bottleneck_macs = Exercise(
    solution=lambda side, channels, reduced, filters, size: _bottleneck_macs(
        side, channels, reduced, filters, size
    ),
    cases=[(28, 192, 16, 32, 5), (14, 512, 24, 64, 5), (14, 480, 96, 208, 3)],
    mistakes={
        "forget the 1×1 convolution itself": lambda side, channels, reduced, filters, size: _bottleneck_macs(
            side, channels, reduced, filters, size, first=False
        ),
        "count the 1×1 convolution only": lambda side, channels, reduced, filters, size: _bottleneck_macs(
            side, channels, reduced, filters, size, last=False
        ),
        "leave out the bottleneck: the large filters see the reduced maps": (
            lambda side, channels, reduced, filters, size: side * side * size * size * channels * filters
        ),
        "count weights: each of them works at every place": (
            lambda side, channels, reduced, filters, size: (
                channels * reduced + size * size * reduced * filters
            )
        ),
        "forget the square of the filter's size": lambda side, channels, reduced, filters, size: (
            side * side * (channels * reduced + size * reduced * filters)
        ),
    },
    verified="three branches of GoogLeNet",
)

# --- Exercise 4: a confusion matrix ---------------------------------------------------------------------


def _confusion(labels, found, classes):
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (labels, found), 1)
    return counts


def _once(labels, found, classes):
    counts = np.zeros((classes, classes), int)
    counts[labels, found] += 1
    return counts


check_confusion = Exercise(
    solution=_confusion,
    cases=[
        (np.array([0, 1, 2, 2, 1, 0, 0]), np.array([0, 2, 2, 2, 1, 0, 1]), 3),
        (np.array([0, 0, 1]), np.array([1, 1, 1]), 4),
    ],
    mistakes={
        "turn it over: a row is the true class, a column the answer": (
            lambda labels, found, classes: _confusion(labels, found, classes).T
        ),
        "write counts[labels, found] += 1: numpy adds to each cell only once": _once,
        "divide by the rows: these are counts": lambda labels, found, classes: (
            _confusion(labels, found, classes) / np.bincount(labels, minlength=classes)[:, None]
        ),
        "leave out classes that never occur": lambda labels, found, classes: _confusion(
            labels, found, max(labels.max(), found.max()) + 1
        ),
    },
    verified="two sets of answers, one with classes that never occur",
)

# --- Exercise 5: top-k accuracy ------------------------------------------------------------------------


_LOGITS = np.array([[2.0, 1.0, 0.0, -1.0], [0.0, 3.0, 1.0, 2.0], [1.0, 0.0, 4.0, 2.0]])

check_top = Exercise(
    solution=lambda logits, labels, k: np.mean(
        [label in np.argsort(row)[::-1][:k] for row, label in zip(logits, labels, strict=True)]
    ),
    cases=[
        (_LOGITS, np.array([1, 1, 3]), 2),
        (_LOGITS, np.array([1, 3, 2]), 1),
        (np.array([[0.0, 5.0, 1.0, 2.0], [3.0, 0.5, 1.0, 2.0]]), np.array([0, 1]), 3),
    ],
    mistakes={
        "take the k smallest: argsort begins with the smallest": lambda logits, labels, k: np.mean(
            [label in np.argsort(row)[:k] for row, label in zip(logits, labels, strict=True)]
        ),
        "look at the largest only, whatever k is": lambda logits, labels, k: np.mean(
            logits.argmax(axis=1) == labels
        ),
        "ask whether the k-th answer is right: any of the first k will do": lambda logits, labels, k: np.mean(
            np.argsort(logits)[:, -k] == labels
        ),
        "return a count: it is a share of the pictures": lambda logits, labels, k: sum(
            label in np.argsort(row)[::-1][:k] for row, label in zip(logits, labels, strict=True)
        ),
    },
    verified="top-1, top-2 and top-3 of small tables",
)
