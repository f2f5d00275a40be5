"""Networks drawn as blocks, as circles and as a summary: to scale, and each number where it belongs."""

import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.patches import Circle, Polygon
from matplotlib.quiver import Quiver

from cvcourse import visualization

sys.path.insert(0, str(Path(__file__).parent))
from pictures import SMALL, row, vgg16


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
