"""RoIAlign: the features inside a box of any size, as a grid of one size, without rounding the box.

It reads between the cells of a feature map, bilinearly: a cell at distance d < 1 from the place that is asked
for counts 1 − d, along the height and along the width.

Source: He, Gkioxari, Dollár and Girshick, "Mask R-CNN" (ICCV 2017), section 3, "RoIAlign"; Jaderberg et al.,
"Spatial Transformer Networks" (NeurIPS 2015), equation 5, for the sum of max(0, 1 − |distance|).

How this one differs: it takes the sum over all cells of the feature map, most of them with weight 0, as two
matrix products: short, differentiable and quick for small maps, wasteful for large ones.
"""

from typing import Any

from keras import ops


def shares(places: Any, cells: int) -> Any:
    """Return how much each cell of a row counts at each place, (…, cells): 1 − distance, at least 0.

    Args:
        places: float (…), in cells: 0 is the middle of the first one. Places beyond the middle of the first
            or last cell read that cell.
        cells: int, length of the row.

    Example:
        >>> import numpy as np
        >>> np.asarray(shares([1.25], 4))
        array([[0.  , 0.75, 0.25, 0.  ]], dtype=float32)
    """
    places = ops.clip(ops.convert_to_tensor(places, "float32"), 0, cells - 1)
    return ops.relu(1 - ops.abs(places[..., None] - ops.arange(cells, dtype="float32")))


def roi_align(maps: Any, boxes: Any, size: int, stride: float = 1, samples: int = 2) -> Any:
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
        >>> import numpy as np
        >>> maps = np.arange(16.0).reshape(1, 4, 4, 1)
        >>> np.asarray(roi_align(maps, [[[0, 0, 4, 4]]], 2))[0, 0, ..., 0]
        array([[ 2.5,  4.5],
               [10.5, 12.5]], dtype=float32)
    """
    maps, boxes = (ops.convert_to_tensor(x, "float32") for x in (maps, boxes))
    height, width = maps.shape[1:3]
    x1, y1, x2, y2 = (boxes[..., k, None, None] / stride - 0.5 for k in range(4))  # 0: middle of a cell
    points = ops.reshape(ops.arange(size * samples, dtype="float32"), (size, samples))
    along = (points + 0.5) / (size * samples)  # of the side, from its start to the point
    # The points form a grid, so their mean is a mean over the rows of means over the columns.
    down = ops.mean(shares(y1 + (y2 - y1) * along, height), axis=-2)  # (N, R, size, H)
    across = ops.mean(shares(x1 + (x2 - x1) * along, width), axis=-2)  # (N, R, size, W)
    return ops.einsum("nrjw,nriwc->nrijc", across, ops.einsum("nrih,nhwc->nriwc", down, maps))
