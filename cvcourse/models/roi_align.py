"""RoIAlign: the features inside a box of any size, as a grid of one size; and back, a grid pasted into a box.

Both read between the cells of a grid, bilinearly: a value at distance d < 1 from the place that is asked for
counts 1 − d, along the height and along the width. Nothing is rounded.

Source: He, Gkioxari, Dollár and Girshick, "Mask R-CNN" (ICCV 2017), section 3, "RoIAlign"; Jaderberg et al.,
"Spatial Transformer Networks" (NeurIPS 2015), equation 5, for the sum of max(0, 1 − |distance|).

How this one differs: it takes the sum over all cells of the feature map, most of them with weight 0, as two
matrix products: short, differentiable and quick for small maps, wasteful for large ones.
"""

import numpy as np
from keras import ops


def weights(places, cells):
    """Return how much each cell of a row counts at each place, (…, cells): 1 − distance, at least 0.

    Args:
        places: float (…), in cells: 0 is the middle of the first one. Places beyond the middle of the first
            or last cell read that cell.
        cells: int, length of the row.

    Example:
        >>> np.asarray(weights([1.25], 4))
        array([[0.  , 0.75, 0.25, 0.  ]], dtype=float32)
    """
    places = ops.clip(ops.convert_to_tensor(places, "float32"), 0, cells - 1)
    return ops.relu(1 - ops.abs(places[..., None] - ops.arange(cells, dtype="float32")))


def roi_align(maps, boxes, size, stride=1, samples=2):
    """Return the features inside each box, as size × size bins.

    Each bin is the mean of samples × samples points, evenly spread over it.

    Args:
        maps: float (N, H, W, C), feature maps.
        boxes: float (N, R, 4), regions of interest (RoI) in pixels of the picture.
        size: int, bins along the height and along the width.
        stride: float, pixels of the picture for each cell of the map.
        samples: int, points along either side of a bin.

    Returns:
        float32 tensor (N, R, size, size, C).

    Example:
        >>> maps = np.arange(16.0).reshape(1, 4, 4, 1)
        >>> np.asarray(roi_align(maps, [[[0, 0, 4, 4]]], 2))[0, 0, ..., 0]
        array([[ 2.5,  4.5],
               [10.5, 12.5]], dtype=float32)
    """
    maps, boxes = (ops.convert_to_tensor(x, "float32") for x in (maps, boxes))
    height, width = maps.shape[1:3]
    x1, y1, x2, y2 = (boxes[..., k, None, None] / stride - 0.5 for k in range(4))  # 0: middle of a cell
    # Where the points lie along one side, as shares of it, (size, samples).
    share = (ops.reshape(ops.arange(size * samples, dtype="float32"), (size, samples)) + 0.5) / (size * samples)
    # The points form a grid, so their mean is a mean over the rows of means over the columns.
    down = ops.mean(weights(y1 + (y2 - y1) * share, height), axis=-2)  # (N, R, size, H)
    across = ops.mean(weights(x1 + (x2 - x1) * share, width), axis=-2)  # (N, R, size, W)
    return ops.einsum("nrjw,nriwc->nrijc", across, ops.einsum("nrih,nhwc->nriwc", down, maps))


def paste(grids, boxes, size):
    """Return masks as large as the picture: each grid stretched into its box, 0 outside.

    Args:
        grids: float (K, m, m), for example probabilities of a mask head.
        boxes: float (K, 4) in pixels.
        size: int, height and width of the picture.

    Returns:
        float32 array (K, size, size). A pixel belongs to the object where it is at least 0.5.

    Example:
        >>> paste(np.ones((1, 2, 2)), [[1, 0, 3, 2]], 3)[0]
        array([[0., 1., 1.],
               [0., 1., 1.],
               [0., 0., 0.]], dtype=float32)
    """
    grids, boxes = np.asarray(grids, "float32"), np.asarray(boxes, "float32").reshape(-1, 4)
    bins, middle = grids.shape[-1], np.arange(size, dtype="float32") + 0.5
    sides = []
    for low, high in ((boxes[:, 1, None], boxes[:, 3, None]), (boxes[:, 0, None], boxes[:, 2, None])):
        inside = (middle >= low) & (middle < high)  # (K, size)
        places = (middle - low) / np.maximum(high - low, 1e-6) * bins - 0.5
        sides.append(np.asarray(weights(places, bins)) * inside[..., None])  # (K, size, m)
    down, across = sides
    return down @ grids @ across.swapaxes(1, 2)
