"""Pictures and explorers speak one language: the same colours, letters that can be read."""

import re
from importlib.resources import files

import matplotlib
import matplotlib.colors
import numpy as np
import pytest

from cvcourse import visualization
from cvcourse.visualization import COLORS, TEXT_COLORS

LIGHT, DARK = "#ffffff", "#111111"  # grounds of JupyterLab's themes


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


def test_style_ends_with_the_picture():
    with matplotlib.rc_context({"axes.titlesize": 33, "axes.facecolor": "black"}):
        figure = visualization.plot_bars({"a": 1}, "x", title="t")
        assert matplotlib.rcParams["axes.titlesize"] == 33
    assert figure.axes[0].title.get_fontsize() < 33
    assert matplotlib.colors.same_color(figure.axes[0].get_facecolor(), "white")  # a dark theme stays outside


def test_numbers_in_cells_can_be_read_on_every_colour():
    for colors in ("gray", "unsigned", "signed", "plain"):
        axes = visualization.plot_matrix(np.linspace(0, 1, 30).reshape(5, 6), colors=colors).axes[0]
        image = axes.images[0]
        grounds = image.cmap(image.norm(image.get_array())).reshape(-1, 4)
        texts = [t for t in axes.texts if t.get_text()]
        assert min(contrast(t.get_color(), g) for t, g in zip(texts, grounds, strict=True)) >= 4.4
