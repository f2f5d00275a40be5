"""What is drawn is what was given; nothing is cut off; bad input is explained."""

import html
import re
import sys
from pathlib import Path

import matplotlib
import matplotlib.colors
import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from cvcourse import visualization
from cvcourse.visualization import COLORS, Picture

sys.path.insert(0, str(Path(__file__).parent))
from pictures import PICTURES, RANDOM, ROAD, SMALL, row


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


def test_words_of_boxes_that_overlap_stand_at_other_places():
    found = [[[10, 10, 50, 60], [14, 10, 90, 60], [16, 10, 52, 60], [11, 11, 50, 60], [12, 9, 49, 61]]]
    said = [["cat 0.90", "dog 0.80", "cat 0.70", "dog 0.60", "cat 0.50"]]
    drawn = visualization.plot_boxes([np.zeros((100, 100, 3))], found, said)
    written = texts_with_boxes(drawn)
    assert [text.get_text() for text, _ in written] == said[0]
    areas = [box for _, box in written]
    x, y = drawn.axes[0].transData.inverted().transform((areas[0].x0, areas[0].y0))
    assert (x, y) == pytest.approx((10, 10), abs=1)  # what comes first has the upper left corner
    assert not any(one.overlaps(other) for i, one in enumerate(areas) for other in areas[:i])


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


def test_a_spread_of_zero_is_told_and_no_spread_is_not():
    figure = visualization.plot_bars({"none": 3, "zero": (2, 0.0)}, "accuracy", form="{:.1f}")
    assert figure.alt == "accuracy. none: 3.0; zero: 2.0 ± 0.0."
    assert [text.get_text() for text in figure.axes[0].texts] == ["3.0", "2.0 ± 0.0"]
    (bars,) = figure.axes[0].collections
    assert [segment.tolist() for segment in bars.get_segments()] == [[], [[2, 1], [2, 1]]]


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


BAD = {
    "rows of a class": (lambda: visualization.plot_diagram(SMALL), "keras.Input.*Received: 'conv'"),
    "diagram of nothing": (lambda: visualization.plot_diagram([]), "at least one layer"),
    "rows without inputs": (
        lambda: visualization.plot_diagram([{k: v for k, v in SMALL[0].items() if k != "inputs"}]),
        "'inputs'",
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
        lambda: visualization.plot_boxes(np.zeros((2, 4, 4, 3)), [[]]),
        "of one length.*Received: 2, 1",
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


def test_a_title_may_be_a_number():
    assert visualization.plot_matrix(np.eye(2), title=5).axes[0].get_title(loc="left") == "5"


def test_something_else_than_numbers_is_refused():
    with pytest.raises(TypeError, match="array of numbers"):
        visualization.plot_feature_maps("cat.png")


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
