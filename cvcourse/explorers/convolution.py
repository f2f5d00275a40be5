"""Convolution: a kernel slides over a photograph, and every product of it can be seen.

JavaScript draws and follows the pointer; Python holds the same state and the same numbers, for tests, for
pictures and for words.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from traitlets import observe

from cvcourse.arithmetic import conv_output_size, dropped_pixels, same_padding
from cvcourse.explorers.base import Explorer, javascript, number
from cvcourse.explorers.controls import Array, Data, Kept, Slider, is_place, one_of, within
from cvcourse.explorers.window import cat_pixels, frame, grey_pixels, unseen
from cvcourse.visualization import TEXT_COLORS, picture, style

_SIZES = range(1, 8)


def _kernels(size):
    """Return {name: (F, F) array} of the well-known kernels at size F."""
    middle = (size - 1) // 2
    centre = np.zeros((size, size))
    centre[middle, middle] = 1
    cross = np.zeros((size, size))
    cross[middle, :] = cross[:, middle] = -1
    across = np.broadcast_to(np.sign(np.arange(size) - (size - 1) / 2), (size, size))
    slope = np.add.outer(np.arange(size), np.arange(size)) - (size - 1.0)
    noise = np.random.default_rng(4).normal(0, np.sqrt(2 / size**2), (size, size))
    return {
        "identity": centre,
        "blur": np.full((size, size), 1 / size**2),
        "sharpen": cross + 2 * size * centre,
        "edges": size**2 * centre - 1,
        "vertical edges": across,
        "horizontal edges": across.T,
        "emboss": slope + centre,
        "random (He)": np.round(noise, 2),
    }


#: {name: {F: (F, F) array}}
KERNELS = {name: {size: _kernels(size)[name] for size in _SIZES} for name in _kernels(1)}


class Convolution(Explorer):
    """A kernel that slides over a photograph: window, products, sum and output pixel, all with live numbers.

    Args:
        image: array (H, W), (H, W, 1) or (H, W, 3), numbers in [0, 1], at most 64 × 64 pixels; colour becomes
            grey, and pixels are rounded to hundredths. Default: the cat, 28 × 28 pixels, at full contrast.
        kernel: name of a kernel (`KERNELS`), an (F, F) array of your own, or a list of one to four of these,
            the K filters.
        kernel_size: int, 1–7, F. Left out: 3, or the size of your own kernel.
        strides: int, 0–5, S; 0 is an error that the explorer explains.
        padding: int, 0–3 pixels P on each side, or "valid" (0), or "same".

    Attributes:
        kernels: list of K names; weights: list of K kernels, each F rows of F numbers.
        filter: int, index of the filter that is shown.
        position: [row, column] of the chosen pixel of the output; beyond its border the last pixel is meant.
        kernel_size, strides, padding: as above. All of them follow the page, and the page follows them.

    Raises:
        ValueError: an argument is none of these.

    Example:
        >>> explorer = Convolution(kernel=[[0, 1], [-1, 0]], strides=2)
        >>> explorer.output().shape
        (14, 14, 1)
        >>> print(explorer.describe())
        Output pixel [8, 7] of filter 1 (own): the sum of 4 products is 0.26. Input 28 × 28 × 1, ...

    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016).
    """

    _esm = javascript("compute.js", "sliding.js", "convolution.js")

    image = Array("float64")
    presets = Data()
    kernels = Kept(lambda explorer, value: _names(value), [])
    weights = Kept(lambda explorer, value: _weights(value, len(explorer.kernels), explorer.kernel_size), [])
    filter = Kept(lambda explorer, value: within("filter", value, 0, len(explorer.kernels) - 1), 0)
    kernel_size = Slider("Size", "F", role="kernel", low=_SIZES[0], high=_SIZES[-1], default=3)
    strides = Slider("Stride", "S", high=5, default=1)
    padding = Kept(lambda explorer, value: _padding(value), 0)
    position = Kept(is_place, [0, 0])

    def __init__(self, image=None, kernel="vertical edges", kernel_size=None, strides=1, padding=0):
        pixels = cat_pixels() if image is None else grey_pixels(image)
        names, weights = _filters(kernel, kernel_size)
        super().__init__(
            image=pixels,
            kernels=names,
            weights=weights,
            kernel_size=len(weights[0]),
            strides=strides,
            presets=[[name, [sizes[size].tolist() for size in _SIZES]] for name, sizes in KERNELS.items()],
            padding=padding,
            position=[8, 7] if image is None else [0, 0],
        )  # the cat's eye

    @observe("kernels", "kernel_size")
    def _reweigh(self, change):
        """Keep the weights in step with names and F, whoever changed them."""
        if not self.weights:
            return
        size = self.kernel_size
        old = [*self.weights, *[self.weights[-1]] * len(self.kernels)]
        with self.hold_trait_notifications():
            self.filter = min(self.filter, len(self.kernels) - 1)
            self.weights = [
                KERNELS[name][size].tolist() if name in KERNELS else _resized(own, size)
                for name, own in zip(self.kernels, old, strict=False)
            ]

    def output(self):
        """Return the feature maps, an array (Hc, Wc, K), float64.

        Raises:
            ValueError: the settings allow no output (S = 0, or F larger than the padded image).
        """
        return convolve(self.image, self.weights, self.strides, self.padding)


def _padding(padding):
    if isinstance(padding, str) and padding in ("same", "valid"):
        return "same" if padding == "same" else 0
    if isinstance(padding, str):
        raise ValueError(f'padding must be 0 to 3 pixels, "valid" or "same". Received: padding={padding!r}.')
    return within("padding", padding, 0, 3)


def _names(names):
    if not isinstance(names, list | tuple) or not 1 <= len(names) <= 4:
        raise ValueError(f"kernels must be one to four names. Received: kernels={names!r}")
    return [one_of("kernels", name, ("own", *KERNELS)) for name in names]


def _weights(weights, count, size):
    """Return K kernels as nested lists, if they are numbers (K, F, F)."""
    found = np.asarray(weights, "float64")
    if found.shape != (count, size, size) or not np.isfinite(found).all():
        raise ValueError(
            f"weights must be finite numbers {(count, size, size)}, a kernel for each of the "
            f"{count} kernels. Received: shape {found.shape}"
        )
    return found.tolist()


def _filters(kernel, size):
    """Return (names, weights as lists) of one kernel or several, or say what is wrong with them."""
    several = isinstance(kernel, list | tuple) and any(isinstance(k, str) or np.ndim(k) == 2 for k in kernel)
    kernels = list(kernel) if several else [kernel]
    own = [np.asarray(one, dtype="float64") for one in kernels if not isinstance(one, str)]
    sizes = {one.shape for one in own}
    unknown = [one for one in kernels if isinstance(one, str) and one not in KERNELS]
    if unknown or len(kernels) > 4 or sizes - {(size, size) for size in _SIZES}:
        raise ValueError(
            f"kernel must be one of {', '.join(KERNELS)}; or an (F, F) array with F from 1 to "
            "7; or one to four of them. Received: "
            f"{unknown or f'{len(kernels)} of the shapes {sorted(sizes)}'}."
        )
    if len(sizes) > 1 or (size is not None and sizes - {(size, size)}):
        raise ValueError(
            f"all kernels must have the same size F. Received: {sorted(sizes)}, "
            f"kernel_size={size}. Leave kernel_size out: it is the size of your kernel."
        )
    size = within("kernel_size", size or (len(own[0]) if own else 3), 1, 7)
    names = [one if isinstance(one, str) else "own" for one in kernels]
    arrays = iter(own)
    return names, [(KERNELS[name][size] if name in KERNELS else next(arrays)).tolist() for name in names]


def _resized(weights, size):
    """Return the kernel cut or padded with zeros about its centre to F = `size`, as nested lists."""
    weights = np.asarray(weights)
    cut = max(0, len(weights) - size) // 2
    weights = weights[cut : cut + size, cut : cut + size]
    before = (size - len(weights)) // 2
    return np.pad(weights, (before, size - len(weights) - before)).tolist()


def _padded(image, kernel_size, strides, padding):
    if padding == "same":
        padding = [same_padding(size, kernel_size, strides) for size in np.shape(image)]
    return np.pad(image, padding)


def convolve(image, weights, strides, padding):
    """Return the feature maps (Hc, Wc, K) of `image` (H, W) under K kernels (K, F, F), without bias.

    Raises:
        ValueError: as `arithmetic.conv_output_size`.

    Example:
        >>> convolve([[1, 2, 3], [4, 5, 6]], [[[1, 0], [0, -1]]], strides=1, padding=0)[..., 0]
        array([[-4., -4.]])
    """
    size = len(weights[0])
    for axis in np.shape(image):
        conv_output_size(axis, size, strides, padding)
    windows = sliding_window_view(_padded(image, size, strides, padding), (size, size))[::strides, ::strides]
    return np.einsum("yxij,kij->yxk", windows, np.asarray(weights, dtype="float64"))


def _window(image, weights, filter, strides, padding, position):
    """Return (row, column of the output, patch, products) at `position`, kept inside the output."""
    size = len(weights[0])
    shape = [conv_output_size(axis, size, strides, padding) for axis in np.shape(image)]
    row, column = (min(place, axis - 1) for place, axis in zip(position, shape, strict=True))
    top, left = row * strides, column * strides
    patch = _padded(image, size, strides, padding)[top : top + size, left : left + size]
    return row, column, patch, patch * np.asarray(weights[filter])


def describe(image, kernels, weights, filter, strides, padding, position):
    """Return the state of a `Convolution` in words and numbers. Pure; arguments as its attributes."""
    (height, width), kernel_size = np.shape(image), len(weights[0])
    try:
        row, column, _, products = _window(image, weights, filter, strides, padding, position)
    except ValueError as error:
        return f"No output. {error}"
    sizes = [conv_output_size(size, kernel_size, strides, padding) for size in (width, height)]
    words = [
        f"Output pixel [{row}, {column}] of filter {filter + 1} ({kernels[filter]}): the sum of "
        f"{products.size} products is {number(products.sum())}.",
        f"Input {height} × {width} × 1, output {sizes[1]} × {sizes[0]} × {len(kernels)}.",
    ]
    dropped = [dropped_pixels(size, kernel_size, strides, padding) for size in (width, height)]
    words += unseen(dropped, kernel_size, strides)
    if padding != "same" and padding >= kernel_size:
        words.append("P ≥ F: windows at the border see only padding.")
    if kernel_size == 1 and not np.any(weights[filter]):
        words.append("A single pixel has no neighbour to compare with: this kernel needs F = 2 or more.")
    return " ".join(words)


@style()
def figure(image, kernels, weights, filter, strides, padding, position, description):
    """Return the state of a `Convolution` as a `Picture`. Pure; arguments as its attributes."""
    drawing, (before, between, after) = picture(9.4, 3.4, f"A convolution. {description}", columns=3)
    for axes in (before, between, after):
        axes.set_axis_off()
    height, width = np.shape(image)
    before.imshow(_padded(image, len(weights[0]), max(strides, 1), padding), cmap="gray", vmin=0, vmax=1)
    before.set_title(f"Input {height} × {width} × 1", color=TEXT_COLORS["input"])
    try:
        maps = convolve(image, weights, strides, padding)
    except ValueError:
        between.text(0.5, 0.5, "no output", ha="center", color=TEXT_COLORS["selected"])
        return drawing
    row, column, patch, products = _window(image, weights, filter, strides, padding, position)
    frame(before, column * strides, row * strides, len(patch))
    _draw_products(between, patch, weights[filter], products)
    title = f"Filter {filter + 1}: {kernels[filter]}, sum {number(products.sum())}"
    between.set_title(title, color=TEXT_COLORS["kernel"])
    chosen = maps[..., filter]
    if abs(np.sum(weights[filter]) - 1) < 1e-9:  # brightness is kept: still a photograph
        after.imshow(chosen, cmap="gray", vmin=0, vmax=1)
    else:
        limit = np.abs(chosen).max() or 1
        after.imshow(chosen, cmap="RdBu", vmin=-limit, vmax=limit)
    frame(after, column, row, 1)
    after.set_title("Output {} × {} × {}".format(*maps.shape), color=TEXT_COLORS["output"])
    return drawing


def _draw_products(axes, patch, weights, products):
    """Write pixel × weight = product (the product alone where cells are small), tinted by the product."""
    limit = np.abs(products).max() or 1
    axes.imshow(products, cmap="RdBu", vmin=-2 * limit, vmax=2 * limit)
    for (row, column), product in np.ndenumerate(products):
        lines = [(0.28, f"= {number(product)}", None)]
        if len(patch) > 4:
            lines = [(0, number(product), None)]
        else:
            lines += [(-0.28, number(patch[row, column]), "input")]
            lines += [(0, f"× {weight(weights[row][column])}", "kernel")]
        for shift, line, role in lines:
            color = TEXT_COLORS.get(role, "black")
            axes.text(column, row + shift, line, ha="center", va="center", fontsize=8.5, color=color)


def weight(value):
    """Return a weight as it is written on the page: −1, 0.5, 1/9.

    Example:
        >>> weight(-1.0), weight(0.25), weight(1 / 9)
        ('−1', '0.25', '1/9')
    """
    if value and abs(value * 100 - round(value * 100)) > 1e-9 and abs(1 / value - round(1 / value)) < 1e-9:
        return f"{'−' if value < 0 else ''}1/{abs(round(1 / value))}"
    return f"{round(value, 2):g}".replace("-", "−")
