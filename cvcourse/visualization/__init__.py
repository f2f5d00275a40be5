"""Pictures: arrays in, a `Picture` (a matplotlib figure with an alternative text) out. Never sees a model."""

from cvcourse.visualization.boxes import plot_boxes
from cvcourse.visualization.canvas import COLORS, STYLE_FILE, TEXT_COLORS, Picture, picture, style
from cvcourse.visualization.charts import plot_bars, plot_curves, plot_summary
from cvcourse.visualization.cubes import plot_cubes
from cvcourse.visualization.diagram import plot_diagram
from cvcourse.visualization.images import (
    draw_matrix,
    plot_feature_maps,
    plot_filters,
    plot_images,
    plot_matrix,
)
from cvcourse.visualization.network import plot_network
from cvcourse.visualization.roadmap import plot_roadmap

__all__ = [
    "COLORS", "STYLE_FILE", "TEXT_COLORS", "Picture", "draw_matrix", "picture", "plot_bars", "plot_boxes",
    "plot_cubes", "plot_curves", "plot_diagram", "plot_feature_maps", "plot_filters", "plot_images",
    "plot_matrix", "plot_network", "plot_roadmap", "plot_summary", "style",
]  # fmt: skip
