"""The checks of lesson 01: template score, brightness, nearest neighbours, depth, counting, targets."""

import numpy as np

from cvcourse.exercises.checking import Exercise

_rng = np.random.default_rng(1)


def _numbers(*shape) -> np.ndarray:
    """Small whole numbers, so that a student can follow a message with pencil and paper."""
    return _rng.integers(0, 10, shape).astype("float32")


def _score(patch, template, centred=(True, True), scaled=True):
    """Sum of products; `centred`: is the mean of each taken off; `scaled`: divided by both lengths."""
    parts = [np.asarray(part, "float64") for part in (patch, template)]
    parts = [part - part.mean() if centre else part for part, centre in zip(parts, centred, strict=True)]
    lengths = [np.sqrt(np.sum(part**2)) for part in parts]
    return float(np.sum(parts[0] * parts[1]) / (np.prod(lengths) if scaled else 1))


_patch = _numbers(3, 3)
check_match_score = Exercise(
    solution=lambda patch, template: _score(patch, template),
    cases=[(_patch, _numbers(3, 3)), (_patch, 3 * _patch + 20), (_numbers(4, 5), _numbers(4, 5))],
    mistakes={
        "forget to take off the means: all bright pictures then look alike": (
            lambda patch, template: _score(patch, template, (False, False))
        ),
        "take off the mean of the patch only": lambda patch, template: _score(patch, template, (True, False)),
        "take off the mean of the template only": (
            lambda patch, template: _score(patch, template, (False, True))
        ),
        "forget to divide by the two lengths": lambda patch, template: _score(patch, template, scaled=False),
        "divide by the number of pixels instead of by the two lengths": (
            lambda patch, template: _score(patch, template, scaled=False) / patch.size
        ),
        "forget the root: a length is the root of a sum of squares": lambda patch, template: (
            _score(patch, template, scaled=False) / (patch.size**2 * patch.var() * template.var())
        ),
        "measure how far apart they are, not how alike": (
            lambda patch, template: float(np.sqrt(np.sum((patch - template) ** 2)))
        ),
    },
    verified="three pairs; the second differs in brightness and contrast only, and scores 1",
)

check_set_light = Exercise(
    solution=lambda image, stops: np.clip(image * 2.0**stops, 0, 1),
    cases=[(_numbers(2, 2, 3) / 10, -1), (_numbers(3, 2, 3) / 10, 2), (_numbers(2, 2, 3) / 10, 0)],
    mistakes={
        "forget to clip: nothing is brighter than white": lambda image, stops: image * 2.0**stops,
        "add the stops instead of doubling or halving": lambda image, stops: np.clip(image + stops, 0, 1),
        "multiply by the number of stops": lambda image, stops: np.clip(image * stops, 0, 1),
        "turn the sign round: a positive number of stops is brighter": (
            lambda image, stops: np.clip(image / 2.0**stops, 0, 1)
        ),
        "square the stops instead of taking 2 to their power": (
            lambda image, stops: np.clip(image * stops**2, 0, 1)
        ),
        "divide by the largest instead of clipping": (
            lambda image, stops: image * 2.0**stops / max(1, (image * 2.0**stops).max())
        ),
    },
    verified="an image made darker, one made brighter until parts are white, and one left as it was",
)


def _distances(features, query):
    return np.sqrt(np.sum((features - query) ** 2, axis=1))


check_nearest = Exercise(
    solution=lambda features, query, count: np.argsort(_distances(features, query))[:count],
    cases=[
        (np.array([[9.0, 9], [1, 2], [-4, 7], [3, 1]]), np.array([2.0, 2]), 2),
        (_rng.permutation(24).reshape(8, 3).astype("float32"), np.array([9.0, 11, 12]), 3),
        (_rng.permutation(40).reshape(10, 4).astype("float32"), np.array([20.0, 1, 33, 12]), 4),
    ],
    mistakes={
        "return the farthest ones": (
            lambda features, query, count: np.argsort(-_distances(features, query))[:count]
        ),
        "return the distances instead of the row numbers": (
            lambda features, query, count: np.sort(_distances(features, query))[:count]
        ),
        "add the differences without squaring them: they cancel": (
            lambda features, query, count: np.argsort(np.sum(features - query, axis=1))[:count]
        ),
        "take the largest product: long rows then win": (
            lambda features, query, count: np.argsort(-features @ query)[:count]
        ),
        "sum over the wrong axis: one distance for each row, not for each column": (
            lambda features, query, count: np.argsort(np.sum((features - query) ** 2, axis=0))[:count]
        ),
        "return one too few": (
            lambda features, query, count: np.argsort(_distances(features, query))[: count - 1]
        ),
        "leave out the first, as if it were the query itself": (
            lambda features, query, count: np.argsort(_distances(features, query))[1 : count + 1]
        ),
    },
    verified="three searches, with rows of 2, 3 and 4 numbers",
)


def _depth(disparity, focal_length, baseline, nothing=np.inf):
    with np.errstate(divide="ignore"):
        return np.where(disparity > 0, focal_length * baseline / disparity, nothing)


check_depth = Exercise(
    solution=lambda disparity, focal_length, baseline: _depth(disparity, focal_length, baseline),
    cases=[
        (np.array([[10.0, 5], [2, 1]]), 100, 0.5),
        (np.array([[8.0, 0], [4, 16]]), 64, 0.2),
    ],
    mistakes={
        "multiply by the disparity: what is near moves more, so its depth is smaller": (
            lambda disparity, focal_length, baseline: disparity * focal_length * baseline
        ),
        "forget the distance between the two cameras": (
            lambda disparity, focal_length, baseline: _depth(disparity, focal_length, 1)
        ),
        "forget the focal length": lambda disparity, focal_length, baseline: _depth(disparity, 1, baseline),
        "turn the fraction round": (
            lambda disparity, focal_length, baseline: disparity / (focal_length * baseline)
        ),
        "write 0 where nothing moved: such a point is endlessly far, not near": (
            lambda disparity, focal_length, baseline: _depth(disparity, focal_length, baseline, 0)
        ),
        "divide by the distance between the cameras": (
            lambda disparity, focal_length, baseline: _depth(disparity, focal_length, 1 / baseline)
        ),
    },
    verified="eight depths, one of them infinite",
)

_spots = np.zeros((8, 9), "float32")
_spots[1:3, 1:3], _spots[1:4, 5:8], _spots[6, 1:4], _spots[5:8, 6], _spots[7, 8] = 0.9, 0.6, 0.8, 0.7, 0.95


def _things(image, threshold, smallest):
    """Sizes of the connected regions brighter than `threshold`, of `smallest` pixels or more."""
    from skimage.measure import label

    sizes = np.bincount(label(image > threshold).ravel())[1:]
    return sizes[sizes >= smallest]


check_count_things = Exercise(
    solution=lambda image, threshold, smallest: len(_things(image, threshold, smallest)),
    cases=[(_spots, 0.5, 3), (_spots, 0.65, 2), (_spots, 0.5, 1), (_spots, 0.75, 4)],
    mistakes={
        "count the pixels instead of the connected regions": (
            lambda image, threshold, smallest: int(np.sum(image > threshold))
        ),
        "forget the smallest size": lambda image, threshold, smallest: len(_things(image, threshold, 0)),
        "count the background, region 0, as a thing": (
            lambda image, threshold, smallest: len(_things(image, threshold, smallest)) + 1
        ),
        "count the dark regions": lambda image, threshold, smallest: (
            len(_things(-image, -threshold, smallest))
        ),
        "leave out the things that have exactly the smallest size": (
            lambda image, threshold, smallest: len(_things(image, threshold, smallest + 1))
        ),
        "add up the sizes of the things instead of counting them": (
            lambda image, threshold, smallest: int(_things(image, threshold, smallest).sum())
        ),
    },
    verified="one picture with five things, counted with four settings",
)


def _mask(height, width, rows, columns, value):
    mask = np.zeros((height, width), "uint8")
    mask[slice(*rows), slice(*columns)] = value
    return mask


def _targets(mask, classes, box=None, first=1, layers=None):
    """The three targets; `box` makes the box of rows and columns, `first` is the class with number 0."""
    rows, columns = np.nonzero(mask)
    corner = (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
    found = corner if box is None else box(*corner)
    one_hot = np.eye(classes + 1)[int(mask.max()) - first][:classes]
    pixels = np.eye(classes + 1)[mask] if layers is None else layers(mask, classes)
    return one_hot, np.array(found, "float32"), pixels


check_targets = Exercise(
    solution=lambda mask, classes: _targets(mask, classes),
    cases=[
        (_mask(6, 8, (1, 4), (2, 7), 1), 3),
        (_mask(7, 5, (3, 7), (0, 2), 2), 3),
        (_mask(9, 9, (4, 6), (3, 8), 4), 5),
    ],
    mistakes={
        "write the far corner of the box instead of its width and height": (
            lambda mask, classes: _targets(mask, classes, lambda x, y, w, h: (x, y, x + w, y + h))
        ),
        "forget the last pixel: width is largest − smallest + 1": (
            lambda mask, classes: _targets(mask, classes, lambda x, y, w, h: (x, y, w - 1, h - 1))
        ),
        "swap x and y: rows are y, columns are x": (
            lambda mask, classes: _targets(mask, classes, lambda x, y, w, h: (y, x, h, w))
        ),
        "write the centre of the box: here it is the upper left corner": (
            lambda mask, classes: _targets(mask, classes, lambda x, y, w, h: (x + w / 2, y + h / 2, w, h))
        ),
        "take the value in the mask as the class: there 0 is the background, so class k is k + 1": (
            lambda mask, classes: _targets(mask, classes, first=0)
        ),
        "forget the layer of the background: a pixel has classes + 1 possible answers": (
            lambda mask, classes: _targets(
                mask, classes, layers=lambda mask, classes: np.eye(classes + 1)[mask][..., 1:]
            )
        ),
        "leave the mask as numbers: one layer of 0 and 1 for each possible answer": (
            lambda mask, classes: _targets(mask, classes, layers=lambda mask, classes: mask)
        ),
    },
    verified="the targets of three scenes: of the whole picture, of its box, of its pixels",
)
