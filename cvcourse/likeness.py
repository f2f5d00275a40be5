"""How alike pictures are, and whole sets of pictures: for judging what a generator makes."""

import numpy as np
from numpy.typing import ArrayLike

from cvcourse import arguments


def frechet_distance(features: ArrayLike, others: ArrayLike) -> float:
    """Return the Fréchet distance of two sets of feature vectors: 0 for sets with equal mean and covariance.

    Each set is described by the normal distribution with its mean and covariance, and

        d² = |μ₁ − μ₂|² + Tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½).

    This is d², as is usual ("FID" is the same number in the features of an Inception network). It sees means
    and covariances only, and it is too large for small sets: compare numbers from sets of equal size only.

    Args:
        features, others: float arrays (N, D) and (M, D), at least two rows each.

    Returns:
        float ≥ 0, in squared units of the features.

    Raises:
        ValueError: other ranks, other lengths of a vector, or fewer than two vectors.

    Example:
        >>> frechet_distance([[-1.0], [1.0]], [[1.0], [3.0]])
        4.0

    Source: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium"
    (NIPS 2017), equation 6; Dowson and Landau (1982).
    """
    (mean, root), (other_mean, other_root) = (
        _mean_and_root(name, rows) for name, rows in (("features", features), ("others", others))
    )
    if len(mean) != len(other_mean):
        raise ValueError(
            "features and others must come from one network: vectors of one length. "
            f"Received: {len(mean)} and {len(other_mean)}"
        )
    # With Σ = R R, R symmetric: Tr((Σ₁ Σ₂)^½) is the sum of the singular values of R₁ R₂.
    shared = np.linalg.svd(root @ other_root, compute_uv=False).sum()
    spread = np.sum(root**2) + np.sum(other_root**2) - 2 * shared
    return float(max(np.sum((mean - other_mean) ** 2) + spread, 0))


def _mean_and_root(name, rows):
    """Mean (D,) and the symmetric root (D, D) of the covariance."""
    rows = arguments.array(rows, name, (2,), "(N, D)").astype("float64")
    if len(rows) < 2:
        raise ValueError(f"{name} must be (N, D) with N ≥ 2. Received: shape {rows.shape}")
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(rows, rowvar=False, ddof=0)))
    return rows.mean(axis=0), (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def nearest(images: ArrayLike, pictures: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return for each image which of `pictures` is nearest, and how far it is (root mean square error).

    Args:
        images: float array (N, …), for example made images in [0, 1].
        pictures: float array (M, …) of the same shape behind the first axis: the training pictures.

    Returns:
        (index, distance): int array (N,) into `pictures`, and float64 array (N,), in units of a pixel.

    Raises:
        ValueError: pictures of another shape, or none.

    Example:
        >>> index, distance = nearest(np.ones((1, 2, 2)), np.stack([np.zeros((2, 2)), np.full((2, 2), 0.5)]))
        >>> index.tolist(), distance.tolist()
        ([1], [0.5])
    """
    images = arguments.array(images, "images", range(1, 9), "(N, …)", empty=True)
    pictures = arguments.array(pictures, "pictures", range(1, 9), "(M, …)")
    if images.shape[1:] != pictures.shape[1:]:
        raise ValueError(
            "images and pictures must have one shape behind the first axis, and there must be pictures. "
            f"Received: {images.shape} and {pictures.shape}"
        )
    rows = images.reshape(len(images), pictures[0].size).astype("float64")
    index, best = np.zeros(len(rows), int), np.full(len(rows), np.inf)
    for start in range(0, len(pictures), 500):  # a part at a time, for memory
        some = pictures[start : start + 500].reshape(-1, rows.shape[1]).astype("float64")
        # |a − b|² = |a|² + |b|² − 2 a·b: one matrix product for all pairs.
        apart = np.sum(rows**2, axis=1)[:, None] + np.sum(some**2, axis=1) - 2 * rows @ some.T
        closest = apart.argmin(axis=1)
        distance = apart[np.arange(len(rows)), closest]
        nearer = distance < best
        index[nearer], best[nearer] = start + closest[nearer], distance[nearer]
    return index, np.sqrt(np.maximum(best, 0) / rows.shape[1])


def gradient_energy(images: ArrayLike) -> np.ndarray:
    """Return the mean squared difference of neighbouring pixels for each image, (N,): small for blurred ones.

    Args:
        images: float array (N, H, W, C) in [0, 1], at least 2 × 2 pixels.

    Raises:
        ValueError: another rank, no two pixels beside each other, NaN or infinity.

    Example:
        >>> gradient_energy(np.tile([0.0, 1.0], (1, 2, 1))[..., None]).tolist()
        [1.0]
    """
    images = arguments.array(images, "images", (4,), "(N, H, W, C)").astype("float64")
    if min(images.shape[1:3]) < 2:
        raise ValueError(f"images must have at least 2 × 2 pixels. Received: shape={images.shape}")
    with np.errstate(over="ignore"):
        down, across = np.diff(images, axis=1) ** 2, np.diff(images, axis=2) ** 2
        return down.mean(axis=(1, 2, 3)) + across.mean(axis=(1, 2, 3))
