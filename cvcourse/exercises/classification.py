"""The checks of lesson 09: the perceptron rule, LeNet's table, a bottleneck, a confusion matrix, top-k."""

import numpy as np

from cvcourse.exercises.checking import Exercise


def _rule(weights, x, target, wrong=lambda total, target: target * total <= 0, change=np.multiply, steps=1):
    for _ in range(steps):
        if wrong(weights @ x, target):
            weights = weights + change(target, x)
    return weights


check_perceptron = Exercise(
    solution=_rule,
    cases=[
        (np.array([0.0, 0.0, 0.0]), np.array([1.0, 2.0, 1.0]), 1),
        (np.array([1.0, -1.0, 0.5]), np.array([2.0, 0.0, 1.0]), 1),
        (np.array([1.0, -1.0, 0.5]), np.array([2.0, 0.0, 1.0]), -1),
        (np.array([-1.0, 1.0, 0.0]), np.array([3.0, 1.0, 1.0]), 1),
        (np.array([-1.0, 1.0, 0.0]), np.array([3.0, 1.0, 1.0]), -1),
        (np.array([1.0, 0.0, 0.0]), np.array([1.0, 3.0, 1.0]), 1),
        (np.array([-9.0, 0.0, 0.0]), np.array([1.0, 2.0, 1.0]), 1),
    ],
    mistakes={
        "change the weights after a right answer, too: the rule learns from mistakes only":
            {"wrong": lambda total, target: True},
        "always add x: where the answer should have been no, x is taken away": {"change": lambda _, x: x},
        "take a sum of exactly 0 for a right answer: then weights of zero never learn":
            {"wrong": lambda total, target: target * total < 0},
        "compare the sum itself with the target: only its sign counts": {"wrong": np.not_equal},
        "repeat it until this example is right: the rule takes one step for each example": {"steps": 99},
        "move the wrong way: target · x is added, not taken away": {"change": lambda target, x: -target * x},
        "change them by the size of the error: that is the later rule of Widrow and Hoff":
            lambda weights, x, target: weights + (target - weights @ x) * x,
    },
    verified="seven examples: three right answers, three wrong ones, and a sum of exactly 0",
)  # fmt: skip

check_partial_params = Exercise(
    solution=lambda table, size: sum(size * size * len(seen) + 1 for seen in table),
    cases=[(((0, 1, 2), (1, 2, 3), (0, 1, 2, 3)), 5), (((0,), (0, 1)), 3), (((0, 1, 2, 3, 4, 5),) * 4, 5)],
    mistakes={
        "let every map see all maps: count those in its own row": lambda table, size: (
            len(table) * (size * size * len({k for row in table for k in row}) + 1)
        ),
        "forget the biases: there is one for each map": lambda table, size: sum(
            size * size * len(seen) for seen in table
        ),
        "count a bias for each connection: there is one for each map": lambda table, size: sum(
            (size * size + 1) * len(seen) for seen in table
        ),
        "count one bias for the whole layer: there is one for each map": lambda table, size: (
            sum(size * size * len(seen) for seen in table) + 1
        ),
        "forget the square: a kernel has F · F numbers": lambda table, size: sum(
            size * len(seen) + 1 for seen in table
        ),
    },
    verified="three tables, one in which every map sees all",
)


def _bottleneck_macs(side, channels, reduced, filters, size, first=1, last=1, places=2, square=2):
    return side**places * (first * channels * reduced + last * size**square * reduced * filters)


check_bottleneck_macs = Exercise(
    solution=_bottleneck_macs,
    cases=[(28, 192, 16, 32, 5), (14, 512, 24, 64, 5), (14, 480, 96, 208, 3)],
    mistakes={
        "forget the 1×1 convolution itself": {"first": 0},
        "count the 1×1 convolution only": {"last": 0},
        "leave out the bottleneck: the large filters see the reduced maps":
            lambda side, channels, reduced, filters, size: (side * size) ** 2 * channels * filters,
        "count weights: each of them works at every place": {"places": 0},
        "forget the square of the filter's size": {"square": 1},
    },
    verified="three branches of GoogLeNet",
)  # fmt: skip


def _confusion(labels, found, classes):
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (labels, found), 1)
    return counts


check_confusion = Exercise(
    solution=_confusion,
    cases=[
        (np.array([0, 1, 2, 2, 1, 0, 0]), np.array([0, 2, 2, 2, 1, 0, 1]), 3),
        (np.array([0, 0, 1]), np.array([1, 1, 1]), 4),
    ],
    mistakes={
        "turn it over: a row is the true class, a column the answer": lambda *case: _confusion(*case).T,
        "write counts[labels, found] += 1: numpy adds to each cell only once": lambda *case: np.minimum(
            _confusion(*case), 1
        ),
        "divide by the rows: these are counts": lambda labels, *rest: (
            _confusion(labels, *rest) / np.bincount(labels, minlength=rest[1])[:, None]
        ),
        "leave out classes that never occur": lambda labels, found, _: _confusion(
            labels, found, max(*labels, *found) + 1
        ),
    },
    verified="two sets of answers, one with classes that never occur",
)


def _top(logits, labels, k, reduce=np.mean, best=lambda row, k: np.argsort(row)[::-1][:k]):
    return reduce([label in best(row, k) for row, label in zip(logits, labels, strict=True)])


_LOGITS = np.array([[2.0, 1.0, 0.0, -1.0], [0.0, 3.0, 1.0, 2.0], [1.0, 0.0, 4.0, 2.0]])

check_top = Exercise(
    solution=_top,
    cases=[
        (_LOGITS, np.array([1, 1, 3]), 2),
        (_LOGITS, np.array([1, 3, 2]), 1),
        (np.array([[0.0, 5.0, 1.0, 2.0], [3.0, 0.5, 1.0, 2.0]]), np.array([0, 1]), 3),
    ],
    mistakes={
        "take the k smallest: argsort begins with the smallest": {"best": lambda row, k: np.argsort(row)[:k]},
        "look at the largest only, whatever k is": lambda logits, labels, _: _top(logits, labels, 1),
        "ask whether the k-th answer is right: any of the first k will do": {
            "best": lambda row, k: np.argsort(row)[[-k]]
        },
        "return a count: it is a share of the pictures": {"reduce": sum},
    },
    verified="top-1, top-2 and top-3 of small tables",
)
