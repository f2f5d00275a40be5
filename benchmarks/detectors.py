"""Four detectors side by side: scenes per second, picture in, boxes out (decoding and suppression included).

YOLO and SSD take the pictures in batches, R-CNN and the sliding window one at a time, all with the weights
that ship and a score threshold of 0.3. The median of three rounds, after a first one that compiles.

    python benchmarks/detectors.py [N]        scenes, 200 by default; a tenth of them for the slow two
"""

import statistics
import sys
import time

import numpy as np

from cvcourse import pretrained, training
from cvcourse.datasets.fixed import fixed_scenes
from cvcourse.models import rcnn, selective_search, ssd, yolo

ROUNDS = 3


def whole_picture(name, detector):
    """Return a function from images to detections, and the network's parameters."""
    model = pretrained.load(name).model

    def detect(images):
        return [detector.decode(output) for output in training.predict(model, images)]

    return detect, model.count_params()


def piece_by_piece(where, refine):
    """As `whole_picture`, for the network of R-CNN on pieces of the picture."""
    model = pretrained.load("rcnn").model
    network = model.predict_on_batch

    def detect(images):
        some = (image.astype("float32") / 255 for image in images)
        return [rcnn.detect(network, image, where(image), 0.3, refine=refine) for image in some]

    return detect, model.count_params()


def seconds(detect, images):
    """Return the median time of a round in seconds."""
    detect(images)
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        detect(images)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main(n=200):
    images = fixed_scenes(n).images
    windows = np.asarray(rcnn.windows())
    detectors = {
        "YOLO": (images, *whole_picture("yolo", yolo)),
        "SSD": (images, *whole_picture("ssd", ssd)),
        "R-CNN": (images[: n // 10], *piece_by_piece(selective_search.proposals, True)),
        "sliding window": (images[: n // 10], *piece_by_piece(lambda image: windows, False)),
    }
    print(f"{'':16} scenes/s   ms per scene   parameters")
    for name, (some, detect, parameters) in detectors.items():
        each = seconds(detect, some) / len(some)
        print(f"{name:16} {1 / each:8,.0f} {1000 * each:14.2f} {parameters:12,}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
