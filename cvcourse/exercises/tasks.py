"""The checks of lesson 01: template score, brightness, nearest neighbours, depth, counting, targets."""

import numpy as np

from cvcourse.exercises.checking import Exercise, indices, small_numbers

_rng = np.random.default_rng(1)
_numbers = small_numbers(_rng, 0, 10)


def _score(patch, template, centred=(True, True), over=lambda a, b, pixels: a * b):
    """Sum of products; `centred`: is the mean of each taken off; `over`: what it is divided by."""
    parts = [np.asarray(part, "float64") for part in (patch, template)]
    parts = [part - part.mean() if centre else part for part, centre in zip(parts, centred, strict=True)]
    lengths = [np.sqrt(np.sum(part**2)) for part in parts]
    return float(np.sum(parts[0] * parts[1]) / over(*lengths, patch.size))


_patch = _numbers(3, 3)
check_match_score = Exercise(
    solution=_score,
    cases=[(_patch, _numbers(3, 3)), (_patch, 3 * _patch + 20), (_numbers(4, 5), _numbers(4, 5))],
    mistakes={
        "forget to take off the means: all bright pictures then look alike": {"centred": (False, False)},
        "take off the mean of the patch only": {"centred": (True, False)},
        "take off the mean of the template only": {"centred": (False, True)},
        "forget to divide by the two lengths": {"over": lambda a, b, pixels: 1},
        "divide by the number of pixels instead of by the two lengths": {"over": lambda a, b, pixels: pixels},
        "forget the root: a length is the root of a sum of squares": {"over": lambda a, b, _: (a * b) ** 2},
        "divide by both standard deviations, and not by the number of pixels, too": {
            "over": lambda a, b, pixels: a * b / pixels
        },
        "measure how far apart they are, not how alike": lambda p, t: float(np.linalg.norm(p - t)),
    },
    verified="three pairs; the second differs in brightness and contrast only, and scores 1",
)


def _light(image, stops, factor=lambda stops: 2.0**stops, limit=lambda light: np.clip(light, 0, 1)):
    return limit(image * factor(stops))


check_set_light = Exercise(
    solution=_light,
    cases=[(_numbers(2, 2, 3) / 10, -1), (_numbers(3, 2, 3) / 10, 2), (_numbers(2, 2, 3) / 10, 0)],
    mistakes={
        "forget to clip: nothing is brighter than white": {"limit": lambda light: light},
        "add the stops instead of doubling or halving": lambda image, stops: np.clip(image + stops, 0, 1),
        "multiply by the number of stops": {"factor": lambda stops: stops},
        "turn the sign round: a positive number of stops is brighter": {"factor": lambda stops: 0.5**stops},
        "square the stops instead of taking 2 to their power": {"factor": lambda stops: stops**2},
        "divide by the largest instead of clipping": {"limit": lambda light: light / max(1, light.max())},
    },
    verified="an image made darker, one made brighter until parts are white, and one left as it was",
)


def _nearest(features, query, count, sign=1, skip=0, distance=lambda apart: np.sum(apart**2, axis=1)):
    return np.argsort(sign * distance(features - query))[skip : count + skip]


check_nearest = Exercise(
    solution=_nearest,
    cases=[
        (np.array([[9.0, 9], [1, 2], [-4, 7], [3, 1]]), np.array([2.0, 2]), 2),
        (_rng.permutation(24).reshape(8, 3).astype("float32"), np.array([9.0, 11, 12]), 3),
        (_rng.permutation(8000).reshape(2000, 4).astype(float), np.array([4e3, 2e3, 5e3, 3e3]) + 0.3, 600),
    ],
    mistakes={
        "return the farthest ones": {"sign": -1},
        "return the distances instead of the row numbers": lambda features, query, n: np.sort(
            np.linalg.norm(features - query, axis=1)
        )[:n],
        "add the differences without squaring them: they cancel": {"distance": lambda d: d.sum(axis=1)},
        "add the sizes of the differences: square them": {"distance": lambda d: np.abs(d).sum(axis=1)},
        "take the largest difference of a row: add their squares": {"distance": lambda d: abs(d).max(axis=1)},
        "look at the first number of each row alone": {"distance": lambda d: abs(d[:, 0])},
        "take the largest product: long rows then win": lambda f, query, n: np.argsort(-f @ query)[:n],
        "sum over the wrong axis: one distance for each row, not for each column": {
            "distance": lambda d: np.sum(d**2, axis=0)
        },
        "return one too few": lambda features, query, n: _nearest(features, query, n - 1),
        "leave out the first, as if it were the query itself": {"skip": 1},
        "use argpartition: it finds the nearest, but does not sort them": lambda f, query, n: np.argpartition(
            np.sum((f - query) ** 2, axis=1), n
        )[:n],
    },
    verified="three searches, with rows of 2, 3 and 4 numbers",
    observe=indices,
)


def _depth(disparity, focal_length, baseline, nothing=np.inf):
    return np.where(disparity > 0, focal_length * baseline / disparity, nothing)


check_depth = Exercise(
    solution=_depth,
    cases=[(np.array([[10.0, 5], [2, 1]]), 100, 0.5), (np.array([[8.0, 0], [4, 16]]), 64, 0.2)],
    mistakes={
        "multiply by the disparity: what is near moves more, so its depth is smaller":
            lambda disparity, focal_length, baseline: disparity * focal_length * baseline,
        "forget the distance between the two cameras": lambda d, f, b: _depth(d, f, 1),
        "forget the focal length": lambda d, f, b: _depth(d, 1, b),
        "turn the fraction round": lambda d, f, b: d / (f * b),
        "write 0 where nothing moved: such a point is endlessly far, not near": {"nothing": 0},
        "divide by the distance between the cameras": lambda d, f, b: _depth(d, f, 1 / b),
    },
    verified="eight depths, one of them infinite",
)  # fmt: skip

_spots = np.zeros((8, 9), "float32")
_spots[1:3, 1:3], _spots[1:4, 5:8], _spots[6, 1:4], _spots[5:8, 6], _spots[7, 8] = 0.9, 0.6, 0.8, 0.7, 0.95
_spots[3, 3] = 0.9  # touches a thing at its corner
_spots[4, 0] = _spots[5, 8] = 0.5  # as bright as a threshold


def _things(image, threshold, smallest, bright=np.greater, connectivity=2, count=len):
    """Count the connected regions brighter than `threshold`, of `smallest` pixels or more."""
    from skimage.measure import label

    sizes = np.bincount(label(bright(image, threshold), connectivity=connectivity).ravel())[1:]
    return int(count(sizes[sizes >= smallest]))


check_count_things = Exercise(
    solution=_things,
    cases=[(_spots, 0.5, 3), (_spots, 0.65, 2), (_spots, 0.5, 1), (_spots, 0.75, 4)],
    mistakes={
        "count the pixels instead of the connected regions": lambda image, t, _: int(np.sum(image > t)),
        "forget the smallest size": lambda image, threshold, _: _things(image, threshold, 0),
        "count the background, region 0, as a thing": {"count": lambda sizes: len(sizes) + 1},
        "count the dark regions": {"bright": np.less},
        "take a pixel as bright that equals the threshold: brighter means >": {"bright": np.greater_equal},
        "cut a thing in two where its pixels touch at a corner only: that is connected": {"connectivity": 1},
        "leave out the things that have exactly the smallest size": lambda i, t, n: _things(i, t, n + 1),
        "add up the sizes of the things instead of counting them": {"count": np.sum},
    },
    verified="one picture with five things, counted with four settings",
)


def _mask(height, width, rows, columns, value):
    mask = np.zeros((height, width), "uint8")
    mask[slice(*rows), slice(*columns)] = value
    return mask


def _targets(mask, classes, box=lambda *corner_and_size: corner_and_size, first=1, layers=lambda each: each):
    """The three targets; `box` makes the box of rows and columns, `first` is the class with number 0."""
    rows, columns = np.nonzero(mask)
    found = box(columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
    one_hot = np.eye(classes + 1)[int(mask.max()) - first][:classes]
    return one_hot, np.array(found, "float32"), layers(np.eye(classes + 1)[mask])


check_targets = Exercise(
    solution=_targets,
    cases=[
        (_mask(6, 8, (1, 4), (2, 7), 1), 3),
        (_mask(7, 5, (3, 7), (0, 2), 2), 3),
        (_mask(9, 9, (4, 6), (3, 8), 4), 5),
    ],
    mistakes={
        "write the far corner of the box instead of its width and height": {
            "box": lambda x, y, w, h: (x, y, x + w, y + h)
        },
        "forget the last pixel: width is largest − smallest + 1": {
            "box": lambda x, y, w, h: (x, y, w - 1, h - 1)
        },
        "swap x and y: rows are y, columns are x": {"box": lambda x, y, w, h: (y, x, h, w)},
        "write the centre of the box: here it is the upper left corner": {
            "box": lambda x, y, w, h: (x + w / 2, y + h / 2, w, h)
        },
        "take the value in the mask as the class: there 0 is the background, so class k is k + 1": {
            "first": 0
        },
        "forget the layer of the background: a pixel has classes + 1 possible answers": {
            "layers": lambda each: each[..., 1:]
        },
        "leave the mask as numbers: one layer of 0 and 1 for each possible answer": {
            "layers": lambda each: each.argmax(axis=-1)
        },
    },
    verified="the targets of three scenes: of the whole picture, of its box, of its pixels",
)
