"""What is drawn is what was given; nothing is cut off; colours can be read; bad input is explained."""

import functools
import html
import re
from importlib.resources import files
from itertools import combinations, pairwise

import matplotlib
import matplotlib.colors
import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon
from matplotlib.quiver import Quiver

from cvcourse import visualization
from cvcourse.visualization import COLORS, TEXT_COLORS, Picture

RANDOM = np.random.default_rng(0)
LIGHT, DARK = "#ffffff", "#111111"  # grounds of JupyterLab's themes


def row(name, kind, shape, params=0, formula="", macs=0, inputs=()):
    size = int(np.prod(shape))
    return {"name": name, "type": kind, "formula": formula, "output_shape": shape, "params": params,
            "trainable_params": params, "macs": macs, "activation_bytes": 4 * size,
            "inputs": list(inputs)}  # fmt: skip


def vgg16():
    """The rows of VGG16, counted by hand."""
    rows, size, depth = [row("image", "InputLayer", (224, 224, 3))], 224, 3
    for block, (repeats, filters) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], start=1):
        for i in range(1, repeats + 1):
            weights = 9 * depth * filters
            formula = f"3·3·{depth}·{filters} + {filters}"
            shape = (size, size, filters)
            macs = size**2 * weights
            rows.append(row(f"block{block}_conv{i}", "Conv2D", shape, weights + filters, formula, macs))
            depth = filters
        size //= 2
        rows.append(row(f"block{block}_pool", "MaxPooling2D", (size, size, filters)))
    rows.append(row("flatten", "Flatten", (25088,)))
    for name, inputs, units in (("fc1", 25088, 4096), ("fc2", 4096, 4096), ("predictions", 4096, 1000)):
        formula = f"{inputs}·{units} + {units}"
        rows.append(row(name, "Dense", (units,), inputs * units + units, formula, inputs * units))
    return rows


SMALL = [
    row("image", "InputLayer", (8, 8, 3)),
    row("conv", "Conv2D", (6, 6, 4), 112, "3·3·3·4 + 4", 3888),
    row("relu", "ReLU", (6, 6, 4)),
    row("norm", "BatchNormalization", (6, 6, 4), 16, "4·4"),
    row("pool", "MaxPooling2D", (3, 3, 4)),
    row("flatten", "Flatten", (36,)),
    row("dropout", "Dropout", (36,)),
    row("dense", "Dense", (5,), 185, "36·5 + 5", 180),
]

RESIDUAL = [
    row("image", "InputLayer", (8, 8, 4)),
    row("conv1", "Conv2D", (8, 8, 4), 148, "3·3·4·4 + 4", inputs=["image"]),
    row("norm1", "BatchNormalization", (8, 8, 4), 16, "4·4", inputs=["conv1"]),
    row("relu1", "ReLU", (8, 8, 4), inputs=["norm1"]),
    row("conv2", "Conv2D", (8, 8, 4), 148, "3·3·4·4 + 4", inputs=["relu1"]),
    row("norm2", "BatchNormalization", (8, 8, 4), 16, "4·4", inputs=["conv2"]),
    row("total", "Add", (8, 8, 4), inputs=["image", "norm2"]),
    row("relu2", "ReLU", (8, 8, 4), inputs=["total"]),
]


ROAD = {
    "input": RANDOM.random((16, 16, 3)),
    "convolution": RANDOM.normal(size=(16, 16, 5)),
    "normalisation": RANDOM.normal(size=(16, 16, 5)),
    "pooling": RANDOM.random((8, 8, 5)),
    "fully connected": RANDOM.random(32),
    "classes": {"cat": 0.75, "dog": 0.2, "duck": 0.05},
}


@functools.cache
def rows_of(name):
    """The rows of the networks that a diagram must show well."""
    keras = pytest.importorskip("keras")
    from cvcourse.models import efficientnet, inception, resnet, unet
    from cvcourse.summary import summarize

    def block(shape, function, *arguments, **keywords):
        image = keras.Input(shape, name="image")
        return keras.Model(image, function(image, *arguments, **keywords))

    filters = inception.GOOGLENET["3a"]
    builders = {
        "residual block": lambda: block((56, 56, 256), resnet.bottleneck_block, 64, name="b"),
        "projection": lambda: block((56, 56, 64), resnet.bottleneck_block, 64, 2, projection=True, name="b"),
        "inception block": lambda: block((28, 28, 192), inception.inception_block, filters, "3a"),
        "MBConv": lambda: block((14, 14, 40), efficientnet.mbconv, 40),
        "MBConv of Lite": lambda: block((14, 14, 40), efficientnet.mbconv, 40, lite=True),
        "U-Net": lambda: unet.unet((64, 64, 3), widths=(8, 16, 32)),
        "MobileNetV2": lambda: keras.applications.MobileNetV2(weights=None),
        "ResNet50": lambda: keras.applications.ResNet50(weights=None),
    }
    rows = summarize(builders[name]).rows
    parts = {"MobileNetV2": ("block_3_", "block_4_"), "ResNet50": ("conv3_block1", "conv3_block2")}
    return [row for row in rows if row["name"].startswith(parts.get(name, ""))]


DIAGRAMS = ("residual block", "projection", "inception block", "MBConv", "MBConv of Lite", "U-Net",
            "MobileNetV2", "ResNet50")  # fmt: skip
PICTURES = {
    "diagram": lambda: visualization.plot_diagram(RESIDUAL, title="A residual block", names=True),
    "diagram of each layer": lambda: visualization.plot_diagram(RESIDUAL, merge=False),
    "diagram of a part": lambda: visualization.plot_diagram(RESIDUAL[4:]),
    **{f"diagram: {name}": lambda n=name: visualization.plot_diagram(rows_of(n)) for name in DIAGRAMS},
    "roadmap": lambda: visualization.plot_roadmap(ROAD, title="The road"),
    "roadmap with a place": lambda: visualization.plot_roadmap(ROAD, here="normalisation", size=64),
    "images": lambda: visualization.plot_images([RANDOM.random((9, 7, 3)), np.eye(5)], ["a", "b"]),
    "boxes": lambda: visualization.plot_boxes(
        [RANDOM.random((9, 7, 3)), np.zeros((5, 5, 3))], [[[1, 1, 5, 6], [0, 0, 7, 9]], []],
        [["cat 0.90", "dog 0.40"], []], truth=[[[1, 2, 5, 6]], []], titles=["found", "nothing"],
    ),
    "images of many words": lambda: visualization.plot_images([np.eye(4)] * 7, ["many words " * 4] * 7),
    "filters in colour": lambda: visualization.plot_filters(RANDOM.normal(size=(3, 3, 3, 64)), title="conv1"),
    "filters": lambda: visualization.plot_filters(RANDOM.normal(size=(5, 5, 6, 3)), channel=2),
    "one filter": lambda: visualization.plot_filters(np.ones((3, 3, 1, 1)), title="The only filter"),
    "maps": lambda: visualization.plot_feature_maps(RANDOM.random((6, 9, 20)), title="maps"),
    "many maps": lambda: visualization.plot_feature_maps(RANDOM.random((6, 6, 512))),
    "matrix": lambda: visualization.plot_matrix(RANDOM.random((6, 6)), title="corner", window=(0, 1, 3, 3)),
    "matrices": lambda: visualization.plot_matrix({"patch": np.eye(3), "sum": [[-3]]}, between="→"),
    "curves": lambda: visualization.plot_curves({c: np.arange(9.0) for c in "abcdef"}, "epoch", "accuracy"),
    "curves with spread": lambda: visualization.plot_curves({"a": (np.ones(4), np.eye(4)[0])}, "x", "y"),
    "bars": lambda: visualization.plot_bars({"a": 1e6, "long label": (2.5, 0.5), "c": -1}, "accuracy", "t"),
    "summary": lambda: visualization.plot_summary(SMALL, title="costs"),
    "summary of VGG16": lambda: visualization.plot_summary(vgg16()),
    "blocks": lambda: visualization.plot_network(SMALL, title="A title that is longer than the network " * 2),
    "blocks of VGG16": lambda: visualization.plot_network(vgg16()),
    "circles": lambda: visualization.plot_network(SMALL, view="circles", title="circles"),
    "circles of VGG16": lambda: visualization.plot_network(vgg16(), view="circles"),
}


@pytest.fixture(scope="module", params=PICTURES)
def drawn(request):
    return PICTURES[request.param]()


def texts_with_boxes(figure):
    """Every text that a reader sees, with its place in pixels of the page."""
    figure.draw_without_rendering()  # lays it out
    texts = [*figure.texts, *([figure._suptitle] if figure._suptitle else [])]
    for axes in figure.axes:
        texts += [axes.title, axes._left_title, *axes.texts]
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            texts += [axis.label, *(label for tick in ticks for label in (tick.label1, tick.label2))]
    seen = {id(t): t for t in texts if t.get_visible() and t.get_text().strip()}
    return [(t, t.get_window_extent(figure.canvas.get_renderer())) for t in seen.values()]


def test_alternative_text_is_a_sentence_and_survives_html(drawn):
    assert len(drawn.alt) >= 15 and drawn.alt.endswith(".")
    page = drawn._repr_html_()
    assert html.unescape(re.search(r'<img alt="([^"]*)"', page)[1]) == drawn.alt


def test_fits_a_page_and_nothing_is_cut_off(drawn):
    width, height = drawn.get_size_inches() * 100
    assert 100 < width <= 960 and height < 1700
    for text, box in texts_with_boxes(drawn):
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert inside, f"{text.get_text()!r} is cut off: {box}"


def test_letters_are_at_least_12_pixels_or_numbers_in_cells(drawn):
    smallest = min(t.get_fontsize() for t, _ in texts_with_boxes(drawn))
    assert smallest * 100 / 72 >= 12


def test_no_text_lies_on_another(drawn):
    boxes = texts_with_boxes(drawn)
    for i, (text, a) in enumerate(boxes):
        for other, b in boxes[:i]:
            covered = min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
            assert not covered, (text.get_text(), other.get_text())


def test_pyplot_is_left_alone(drawn):
    import matplotlib.pyplot as plt

    assert isinstance(drawn, Picture) and plt.get_fignums() == []


def test_style_ends_with_the_picture():
    with matplotlib.rc_context({"axes.titlesize": 33, "axes.facecolor": "black"}):
        figure = visualization.plot_bars({"a": 1}, "x", title="t")
        assert matplotlib.rcParams["axes.titlesize"] == 33
    assert figure.axes[0].title.get_fontsize() < 33
    assert matplotlib.colors.same_color(figure.axes[0].get_facecolor(), "white")  # a dark theme stays outside


def test_jupyter_draws_it_once_and_says_it_in_words():
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.core.pylabtools import select_figure_formats
    from IPython.utils.capture import capture_output

    shell = InteractiveShell.instance()
    select_figure_formats(shell, {"png"})  # as the inline backend does
    with capture_output() as captured:
        shell.display_formatter.format(visualization.plot_images(np.zeros((1, 4, 4))))
    InteractiveShell.clear_instance()
    assert [sorted(output.data) for output in captured.outputs] == [["text/html", "text/plain"]]
    assert captured.outputs[0].data["text/plain"] == "Picture: 1 image."


def test_png_has_two_dots_for_each_pixel_of_the_page():
    figure, _ = visualization.picture(3, 2, "nothing")
    data = figure.png()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(data[i : i + 4], "big") for i in (16, 20)] == [600, 400]
    assert 'width="300" height="200"' in figure._repr_html_()


def test_images_are_drawn_as_they_are():
    colour, grey = RANDOM.integers(0, 256, (6, 5, 3), dtype=np.uint8), RANDOM.random((4, 4, 1))
    first, second = visualization.plot_images([colour, grey]).axes[0].images
    np.testing.assert_allclose(first.get_array(), colour / 255)
    np.testing.assert_array_equal(second.get_array(), grey[..., 0])
    assert (second.norm.vmin, second.norm.vmax) == (0, 1)  # a dark photograph stays dark


def test_filters_share_a_scale_with_zero_in_the_middle():
    kernels = RANDOM.normal(size=(3, 3, 5, 4))
    images = visualization.plot_filters(kernels, channel=3, filters=[2, 0]).axes[0].images
    for image, k in zip(images, [2, 0], strict=True):
        np.testing.assert_array_equal(image.get_array(), kernels[:, :, 3, k])
        assert image.norm.vmin == -image.norm.vmax == -np.abs(kernels[..., [2, 0]]).max()
        assert image.get_cmap().name == "RdBu"


def test_filters_of_three_channels_are_colours_and_zero_is_grey():
    kernels = np.zeros((3, 3, 3, 1))
    kernels[0, 0, :, 0] = [2, -2, 0]
    (image,) = visualization.plot_filters(kernels).axes[0].images
    np.testing.assert_array_equal(image.get_array()[0, 0], [1, 0, 0.5])
    np.testing.assert_array_equal(image.get_array()[1, 1], [0.5, 0.5, 0.5])


def test_boxes_lie_where_they_are_and_are_told():
    found, truth = [[[1, 2, 5, 8]]], [[[0, 2, 5, 7]]]
    drawn = visualization.plot_boxes([np.zeros((8, 6, 3))], found, [["cat"]], truth)
    corners = {tuple(patch.get_bbox().extents) for patch in drawn.axes[0].patches}
    assert corners == {(1, 2, 5, 8), (0, 2, 5, 7)}
    assert drawn.axes[0].get_xlim() == (0, 6) and drawn.axes[0].get_ylim() == (8, 0)
    assert "1 box, cat" in drawn.alt


@pytest.mark.parametrize(("shift", "cmap"), [(0, "viridis"), (-0.5, "RdBu")])
def test_feature_maps_share_a_scale(shift, cmap):
    maps = RANDOM.random((7, 5, 3)) + shift
    images = visualization.plot_feature_maps(maps).axes[0].images
    for k, image in enumerate(images):
        np.testing.assert_array_equal(image.get_array(), maps[..., k])
        assert image.get_cmap().name == cmap and image.norm.vmax == np.abs(maps).max()


def test_first_64_of_many_maps_are_drawn_and_the_text_says_so():
    figure = visualization.plot_feature_maps(np.ones((2, 2, 100)))
    assert len(figure.axes[0].images) == 64
    assert figure.alt.startswith("64 of 100 feature maps")


def test_matrix_shows_every_number_where_it_stands():
    matrix = np.array([[1, -20], [300, 4]])
    axes = visualization.plot_matrix({"m": matrix}).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), matrix)
    for (y, x), value in np.ndenumerate(matrix):
        (text,) = [t for t in axes.texts if t.get_position() == (x + 0.5, y + 0.5)]
        assert text.get_text() == str(value).replace("-", "−")


def test_numbers_in_cells_can_be_read_on_every_colour():
    for colors in ("gray", "unsigned", "signed", "plain"):
        axes = visualization.plot_matrix(np.linspace(0, 1, 30).reshape(5, 6), colors=colors).axes[0]
        image = axes.images[0]
        grounds = image.cmap(image.norm(image.get_array())).reshape(-1, 4)
        texts = [t for t in axes.texts if t.get_text()]
        assert min(contrast(t.get_color(), g) for t, g in zip(texts, grounds, strict=True)) >= 4.4


def test_window_is_outlined_in_the_colour_of_what_is_selected():
    axes = visualization.plot_matrix(np.zeros((6, 6)), window=(1, 2, 3, 4)).axes[0]
    selected = matplotlib.colors.to_rgba(COLORS["selected"])
    (outline,) = [patch for patch in axes.patches if patch.get_edgecolor() == selected]
    assert (outline.get_xy(), outline.get_width(), outline.get_height()) == ((2, 1), 4, 3)


def test_curves_carry_their_data_and_their_labels():
    axes = visualization.plot_curves({"max": [1, 2, 4], "none": ([3, 3], [1, 1])}, "epoch", "loss").axes[0]
    first, second = axes.lines
    np.testing.assert_array_equal(first.get_xydata(), [[1, 1], [2, 2], [3, 4]])
    np.testing.assert_array_equal(second.get_ydata(), [3, 3])
    assert {t.get_text() for t in axes.texts} == {"max", "none"} and axes.get_legend() is None
    bands = [c.get_paths()[0].vertices[:, 1] for c in axes.collections if isinstance(c, PolyCollection)]
    assert [(band.min(), band.max()) for band in bands] == [(2, 4)]  # no band where no spread is given


def test_bars_are_as_long_as_their_numbers():
    axes = visualization.plot_bars({"a": 3, "b": (-2, 0.5)}, "change", colors={"a": "kernel"}).axes[0]
    bars = axes.containers[0].patches
    assert [bar.get_width() for bar in bars] == [3, -2]
    assert matplotlib.colors.same_color(bars[0].get_facecolor(), COLORS["kernel"])
    assert [t.get_text() for t in axes.texts] == ["3", "−2 ± 0.5"]


def test_summary_of_vgg16_says_where_its_parameters_are():
    rows = vgg16()
    figure = visualization.plot_summary(rows)
    for axes, key in zip(figure.axes[1:], ("params", "macs", "activation_bytes"), strict=True):
        assert [bar.get_width() for bar in axes.patches] == [row[key] for row in rows]
    assert "138,357,544 parameters, fc1 has most: 74 %" in figure.alt
    labels = [t.get_text() for t in figure.axes[1].texts]
    assert labels == ["103 M · 74 %", "16.8 M · 12 %"]  # only what matters has a label


def test_summary_of_a_network_without_parameters():
    assert "Of 0 parameters" in visualization.plot_summary(SMALL[:1]).alt


def faces(figure, width_of):
    """Widths or heights of the front faces of the boxes, in pixels of the page."""
    fronts = [p.get_xy() for p in figure.axes[0].patches if isinstance(p, Polygon)][::3]
    return np.array([np.ptp(front[:, 0 if width_of == "channels" else 1]) for front in fronts])


def test_blocks_are_to_scale():
    figure = visualization.plot_network(vgg16())
    heights, thickness = faces(figure, "pixels"), faces(figure, "channels")
    sizes = [224] * 3 + [112] * 3 + [56] * 4 + [28] * 4 + [14] * 4 + [7]
    channels = [3, 64, 64, 64, 128, 128, 128, *[256] * 4, *[512] * 8, 4096, 4096, 1000]
    np.testing.assert_allclose(heights[:-3] / heights[0], np.array(sizes) / 224, rtol=1e-6)
    big = np.array(channels) >= 128  # thinner ones are drawn thick enough to be seen
    np.testing.assert_allclose(thickness[big] / thickness[-1], np.array(channels)[big] / 1000, rtol=1e-6)


def test_blocks_leave_out_what_changes_no_shape():
    assert visualization.plot_network(SMALL).alt == (
        "A network as boxes to scale: input 8 × 8 × 3, convolution 6 × 6 × 4, pooling 3 × 3 × 4, dense 5."
    )


def test_labels_of_blocks_lie_on_no_box():
    figure = visualization.plot_network(vgg16())
    figure.draw_without_rendering()
    boxes = [p.get_window_extent() for p in figure.axes[0].patches[::3]]
    for text in figure.axes[0].texts:
        label = text.get_window_extent()
        assert not any(label.overlaps(box) for box in boxes), text.get_text()


def test_parameters_can_be_counted_off_the_circles():
    figure = visualization.plot_network(SMALL, view="circles")
    circles = [p for p in figure.axes[0].patches if isinstance(p, Circle)]
    fans = [c for c in figure.axes[0].collections if isinstance(c, Quiver)]
    assert len(circles) == 3 + 4 + 4 + 4 + 5 + 5  # image, conv, norm, pool, flatten (4, dots, 1), dense
    assert [len(fan.U) for fan in fans] == [3 * 4, 4, 4, 5, 5 * 5]
    conv, dense = SMALL[1]["params"], SMALL[-1]["params"]
    assert conv == len(fans[0].U) * 9 + 4 and dense == 36 * 5 + 5
    texts = [t.get_text() for t in figure.axes[0].texts]
    assert "12 arrows × 9\n+ 4 biases\n= 3·3·3·4 + 4\n= 112" in texts
    assert "4 arrows × 4\n= 4·4\n= 16" in texts
    assert "180 arrows\n+ 5 biases\n= 36·5 + 5\n= 185" in texts


def test_arrows_of_a_flatten_start_at_their_channel():
    rows = [row("maps", "InputLayer", (2, 2, 3)), row("flatten", "Flatten", (12,))]
    figure = visualization.plot_network(rows, view="circles")
    circles = [p.center for p in figure.axes[0].patches]
    (fan,) = [c for c in figure.axes[0].collections if isinstance(c, Quiver)]
    sources = [circles[np.argmin([abs(y - c[1]) for c in circles[:3]])] for y in fan.Y]
    drawn = [0, 1, 2, 3, 11]
    # channels last: reshape(2, 2, 3) of 0 … 11 tells which channel each value came from
    channel = np.arange(12) % 3
    assert np.array_equal(np.argwhere(np.arange(12).reshape(2, 2, 3) >= 0)[:, 2], channel)
    assert [circles.index(s) for s in sources] == [channel[i] for i in drawn]


def test_depthwise_convolution_has_one_arrow_for_each_filter():
    rows = [row("x", "InputLayer", (5, 5, 2)), row("d", "DepthwiseConv2D", (3, 3, 4), 40, "3·3·2·2 + 4")]
    figure = visualization.plot_network(rows, view="circles")
    assert "4 arrows × 9 + 4 biases = 3·3·2·2 + 4 = 40" in figure.alt


def test_real_rows_can_be_drawn():
    keras = pytest.importorskip("keras")
    from cvcourse.summary import summarize

    rows = summarize(lambda: keras.applications.VGG16(weights=None)).rows
    ours = vgg16()
    for key in ("output_shape", "params", "macs", "formula", "type"):
        assert [r[key] for r in rows] == [r[key] for r in ours]
    assert visualization.plot_network(rows).alt == visualization.plot_network(ours).alt


def test_a_roadmap_shows_the_values_and_marks_the_place():
    figure = visualization.plot_roadmap(ROAD, here="pooling")
    assert figure.alt == (
        "The road through a network: input 16 × 16 × 3, convolution 16 × 16 × 5, normalisation 16 × 16 × 5, "
        "pooling 8 × 8 × 5, fully connected 32, classes cat 75 %, dog 20 %, duck 5 %. You are here: pooling."
    )
    images = figure.axes[0].images
    assert len(images) == 1 + 4 + 4 + 4 + 1
    first = {name: ROAD[name][..., 0] for name in ("convolution", "normalisation", "pooling")}
    for name, place in (("convolution", 4), ("normalisation", 8), ("pooling", 12)):  # the first lies in front
        assert np.array_equal(images[place].get_array(), first[name])
        assert images[place].get_alpha() == (1 if name == "pooling" else 0.5)
    wide = [np.ptp(images[i].get_extent()[:2]) for i in (4, 12)]
    assert wide[0] == pytest.approx(2 * wide[1])  # to scale
    assert "you are here" in [text.get_text() for text in figure.axes[0].texts]
    assert "here" not in visualization.plot_roadmap(ROAD).alt


# --- Diagrams ---------------------------------------------------------------------------------------------


def arrows(figure):
    """{(from, to): corners of the line on the page} of a diagram."""
    lines = [p for p in figure.axes[0].patches if isinstance(p, FancyArrowPatch)]
    return {tuple(p.get_gid().split(" → ")): p._path_original.vertices for p in lines}


def places(figure):
    """{name: (left, bottom, right, top)} of the boxes and circles of a diagram."""
    shapes = [p for p in figure.axes[0].patches if isinstance(p, (FancyBboxPatch, Circle))]
    return {p.get_gid(): p.get_path().get_extents(p.get_patch_transform()).extents for p in shapes}


def apart(a, b):
    """Whether two rectangles (left, bottom, right, top) have no point in common."""
    return a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]


@pytest.mark.parametrize("name", DIAGRAMS)
def test_a_diagram_of_each_layer_has_the_lines_of_the_graph(name):
    rows = rows_of(name)
    figure = visualization.plot_diagram(rows, merge=False)
    assert set(arrows(figure)) == {(source, row["name"]) for row in rows for source in row["inputs"]}
    told = dict(re.findall(r"(\S+) \([^)]*\) from ([^;]*)[;.]", figure.alt))
    found = {(source, name) for name, text in told.items() for source in text.split(" and ")}
    assert found == set(arrows(figure))


@pytest.mark.parametrize("name", DIAGRAMS)
def test_merging_keeps_who_reaches_whom(name):
    """Each branch and meeting is still there: circles with as many lines in, and nothing without a line."""
    rows = rows_of(name)
    lines = arrows(visualization.plot_diagram(rows))
    meeting = {row["name"]: len(row["inputs"]) for row in rows if len(row["inputs"]) > 1}
    assert {name: sum(end == name for _, end in lines) for name in meeting} == meeting
    merged = set(places(visualization.plot_diagram(rows)))
    assert merged == {name for line in lines for name in line}
    assert not any(row["type"] == "BatchNormalization" and row["name"] in merged for row in rows)


@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize("name", DIAGRAMS)
def test_boxes_lie_apart_and_lines_run_between_them(name, merge):
    figure = visualization.plot_diagram(rows_of(name), merge=merge)
    boxes = places(figure)
    for a, b in combinations(boxes, 2):
        assert apart(boxes[a], boxes[b]), (a, b)
    for ends, corners in arrows(figure).items():
        for one, other in pairwise(corners):
            stroke = (*np.minimum(one, other), *np.maximum(one, other))
            for name in set(boxes) - set(ends):
                assert apart(stroke, boxes[name]), (ends, name)


def test_the_main_line_is_straight_and_a_shortcut_runs_beside_it():
    figure = visualization.plot_diagram(rows_of("residual block"))
    middles = {(box[0] + box[2]) / 2 for box in places(figure).values()}
    assert max(middles) - min(middles) < 1e-6
    shortcut = arrows(figure)["image", "b_add"]
    assert shortcut[:, 0].min() < min(box[0] for box in places(figure).values()) - 10


def test_a_unet_is_a_u():
    figure = visualization.plot_diagram(rows_of("U-Net"))
    boxes = places(figure)
    middle = {name: ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for name, box in boxes.items()}
    for level in (1, 2):
        corners = arrows(figure)[f"down{level}_conv1", f"up{level}_skip"]
        assert len(corners) == 2 and np.ptp(corners[:, 1]) < 1e-6  # level, and one stroke
    assert middle["down1_conv1"][1] > middle["down2_conv1"][1] > middle["bottom_conv1"][1]
    assert middle["up1_conv1"][1] > middle["up2_conv1"][1] > middle["bottom_conv1"][1]
    assert middle["down1_conv1"][0] == middle["bottom_conv1"][0] < middle["up1_conv1"][0]


def test_branches_stand_in_the_order_in_which_they_are_concatenated():
    boxes = places(visualization.plot_diagram(rows_of("inception block")))
    left = [boxes[f"3a_{name}"][0] for name in ("1x1", "3x3", "5x5", "pool_proj")]
    assert left == sorted(left) and len(set(left)) == 4


def test_a_diagram_in_words():
    assert visualization.plot_diagram(RESIDUAL).alt == (
        "A network as a diagram: image (input, 8 × 8 × 4); "
        "conv1 (3 × 3 convolution, batch norm, ReLU, 8 × 8 × 4) from image; "
        "conv2 (3 × 3 convolution, batch norm, 8 × 8 × 4) from conv1; "
        "total (sum, 8 × 8 × 4) from image and conv2; relu2 (ReLU, 8 × 8 × 4) from total."
    )
    assert "norm2 (before this part); total (sum" in visualization.plot_diagram(RESIDUAL[6:]).alt
    unet = visualization.plot_diagram(rows_of("U-Net")).alt
    assert "3 × 3 convolution, twice, batch norm, ReLU, 16 × 16 × 32" in unet


def test_any_network_can_be_drawn():
    keras = pytest.importorskip("keras")
    from cvcourse.summary import summarize

    for name in ("NASNetMobile", "InceptionV3", "DenseNet121"):
        rows = summarize(lambda name=name: getattr(keras.applications, name)(weights=None)).rows
        boxes = places(visualization.plot_diagram(rows[:90])).values()
        assert all(apart(a, b) for a, b in combinations(boxes, 2)), name


BAD = {
    "rows of a class": (lambda: visualization.plot_diagram(SMALL), "keras.Input.*Received: 'conv'"),
    "diagram of nothing": (lambda: visualization.plot_diagram([]), "at least one layer"),
    "rows without inputs": (
        lambda: visualization.plot_diagram([{k: v for k, v in SMALL[0].items() if k != "inputs"}]), "'inputs'"
    ),
    "too many boxes": (
        lambda: visualization.plot_diagram([row(f"{i}", "A", (4,), inputs=[f"{i - 1}"]) for i in range(121)]),
        "rows\\[:60\\]",
    ),
    "no step": (lambda: visualization.plot_roadmap({}), "steps must hold at least one"),
    "you are nowhere": (lambda: visualization.plot_roadmap(ROAD, here="dropout"), "input, conv.*'dropout'"),
    "dark road": (lambda: visualization.plot_roadmap({"input": np.full((4, 4), 9)}), "divide by 255"),
    "batch on a road": (lambda: visualization.plot_roadmap({"pooling": np.ones((1, 4, 4, 2))}), "x\\[0\\]"),
    "image of wrong rank": (lambda: visualization.plot_images(np.zeros((1, 2, 2, 2, 3))), "images\\[0\\]"),
    "image out of range": (lambda: visualization.plot_images([np.full((4, 4), 200.0)]), "divide by 255"),
    "four channels": (lambda: visualization.plot_images(np.zeros((1, 4, 4, 4))), "1 or 3 channels"),
    "no image": (lambda: visualization.plot_images([]), "at least one"),
    "no image with boxes": (lambda: visualization.plot_boxes([], []), "at least 1. Received: 0"),
    "boxes of one image too few": (
        lambda: visualization.plot_boxes(np.zeros((2, 4, 4, 3)), [[]]), "of one length.*Received: 2, 1"
    ),
    "too few titles": (lambda: visualization.plot_images(np.zeros((2, 4, 4)), titles=["a"]), "titles"),
    "kernels of wrong rank": (lambda: visualization.plot_filters(np.zeros((3, 3, 3))), "\\(F, F, D, K\\)"),
    "filter out of range": (lambda: visualization.plot_filters(np.ones((3, 3, 3, 2)), filters=[2]), "0 to 1"),
    "channel out of range": (lambda: visualization.plot_filters(np.ones((3, 3, 1, 2)), channel=1), "channel"),
    "a batch of maps": (lambda: visualization.plot_feature_maps(np.zeros((1, 4, 4, 2))), "x\\[0\\]"),
    "no maps": (lambda: visualization.plot_feature_maps(np.zeros((4, 4, 0))), "non-empty"),
    "NaN": (lambda: visualization.plot_feature_maps(np.full((4, 4, 1), np.nan)), "16 NaN"),
    "matrix of wrong rank": (lambda: visualization.plot_matrix([1, 2]), "\\(H, W\\)"),
    "no matrix": (lambda: visualization.plot_matrix({}), "at least one"),
    "signs that do not fit": (lambda: visualization.plot_matrix({"a": [[1]]}, between="="), "between"),
    "colours that do not exist": (lambda: visualization.plot_matrix([[1]], colors="jet"), "unsigned"),
    "no curves": (lambda: visualization.plot_curves({}, "x", "y"), "at least one"),
    "diverged": (lambda: visualization.plot_curves({"a": [1, np.inf]}, "x", "y"), "diverge"),
    "spread too short": (lambda: visualization.plot_curves({"a": ([1, 2], [1])}, "x", "y"), "of one length"),
    "x too short": (lambda: visualization.plot_curves({"a": [1, 2]}, "x", "y", x=[1]), "as long"),
    "no bars": (lambda: visualization.plot_bars({}, "x"), "at least one"),
    "no rows": (lambda: visualization.plot_summary([]), "summarize"),
    "rows of something else": (lambda: visualization.plot_network([{"name": "a"}]), "without \\['type'"),
    "no such view": (lambda: visualization.plot_network(SMALL, view="3d"), "circles"),
    "too deep for circles": (lambda: visualization.plot_network(SMALL * 9, view="circles"), "rows\\[:20\\]"),
    "no alternative text": (lambda: visualization.picture(1, 1, " "), "alt"),
    "no size": (lambda: visualization.picture(0, 1, "x"), "positive"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_explained(case):
    draw, hint = BAD[case]
    with pytest.raises(ValueError, match=hint) as error:
        draw()
    assert "Received: " in str(error.value)


def test_something_else_than_numbers_is_refused():
    with pytest.raises(TypeError, match="array of numbers"):
        visualization.plot_feature_maps("cat.png")


def luminance(color):
    value = np.array(matplotlib.colors.to_rgb(color))
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)


def contrast(a, b):
    """As the Web Content Accessibility Guidelines define it: from 1 to 21."""
    dark, light = sorted([luminance(a), luminance(b)])
    return (light + 0.05) / (dark + 0.05)


def css_colors():
    """Variables of explorer.css: {role: colour}, {role: letters on light}, {role: letters on dark}."""
    css = files("cvcourse.explorers").joinpath("explorer.css").read_text(encoding="utf-8")
    found = re.findall(r"--cv-([a-z]+)(-text)?: (#[0-9A-Fa-f]{6});", css)
    fills = {role: color for role, text, color in found if not text}
    texts = [(role, color) for role, text, color in found if text]
    return fills, dict(texts[: len(texts) // 2]), dict(texts[len(texts) // 2 :])


def test_pictures_and_explorers_speak_one_language():
    fills, on_light, on_dark = css_colors()
    assert fills == COLORS and on_light == TEXT_COLORS and on_dark.keys() == COLORS.keys()


def test_style_file_has_the_same_colours():
    with visualization.style():
        cycle = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
    assert list(map(matplotlib.colors.to_hex, cycle)) == [color.lower() for color in COLORS.values()]


@pytest.mark.parametrize("role", COLORS)
def test_letters_have_enough_contrast_in_both_themes(role):
    _, on_light, on_dark = css_colors()
    assert contrast(on_light[role], LIGHT) >= 4.5
    assert contrast(on_dark[role], DARK) >= 4.5


def test_every_class_that_the_style_sheet_promises_is_there():
    css = files("cvcourse.explorers").joinpath("explorer.css").read_text(encoding="utf-8")
    table, rules = css.split("*/", 1)
    promised = set(re.findall(r"\.(cv-[a-z]+)", table))
    assert promised and promised <= set(re.findall(r"\.(cv-[a-z]+)", rules))


@pytest.mark.parametrize("names", [[""], ["a", "a name that is wider than its matrix"]])
def test_a_matrix_keeps_its_size_beside_long_words(names):
    matrices = {name: np.eye(2) for name in names}
    plain, titled = (visualization.plot_matrix(matrices, title) for title in (None, "A title wider than all"))
    plain.canvas.draw()
    titled.canvas.draw()
    words = [titled.axes[0].title, *titled.axes[0].texts]
    assert max(text.get_window_extent().x1 for text in words if text.get_text()) <= titled.bbox.x1
    cells = [shown.axes[0].images[0].get_window_extent().width for shown in (plain, titled)]
    assert cells[1] == pytest.approx(cells[0], rel=0.1)
