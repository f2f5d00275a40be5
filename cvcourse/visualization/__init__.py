"""Pictures: arrays in, a `Picture` (a matplotlib figure with an alternative text) out. Never sees a model."""

from cvcourse.visualization.canvas import COLORS, STYLE_FILE, TEXT_COLORS, Picture, picture, style

__all__ = ["COLORS", "STYLE_FILE", "TEXT_COLORS", "Picture", "picture", "style"]
