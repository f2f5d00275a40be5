"""The cats, dogs and ducks of the scenes, and what else lies about in them, as vector drawings.

Each ink of a drawing is a number; a palette gives it a colour. So few shapes and many palettes make many
animals. Measures are in a frame of −1 … 1; a drawing is made to fit it when it is rendered.
"""

from functools import lru_cache

import numpy as np

from cvcourse.datasets.drawing import NOTHING, balanced, both, curve, ellipse, place, polygon, render, stroke

CLASSES = ("cat", "dog", "duck")
INDIVIDUALS = 18  # different shapes of each class: six in each of three poses

(LINE, FUR, SHADE, LIGHT, MARK, PINK, IRIS, PUPIL, WHITE, ACCENT, BILL) = range(NOTHING + 1, 12)


@lru_cache(maxsize=512)
def sprite(animal, individual, resolution=192):
    """The ink at each point of an animal, as a uint8 array (resolution, resolution); 0 is outside.

    Args:
        animal: class, one of `CLASSES`.
        individual: int, 0 … `INDIVIDUALS` − 1: which pose and proportions.
        resolution: int, points per side.

    Returns:
        Array of inks; read-only.

    Example:
        >>> inks = sprite("cat", 0)
        >>> bool((inks[0] == NOTHING).all()), bool((inks == IRIS).any())
        (True, True)
    """
    poses = _POSES[animal]
    rng = np.random.default_rng([CLASSES.index(animal), individual])
    return render(poses[individual % len(poses)](rng), resolution, LINE)


@lru_cache(maxsize=512)
def bounds(animal, individual, resolution=192):
    """The box that a drawing fills of its frame −1 … 1: (x1, y1, x2, y2)."""
    inks = sprite(animal, individual, resolution)
    (x1, x2), (y1, y2) = (np.flatnonzero(inks.any(axis=axis))[[0, -1]] for axis in (0, 1))
    return tuple((2 * edge / resolution - 1).item() for edge in (x1, y1, x2 + 1, y2 + 1))


@lru_cache(maxsize=64)
def thing(number, resolution=192):
    """The ink at each point of a thing that is no animal, 0 … `THINGS` − 1, as `sprite` gives it."""
    return render(_THINGS[number], resolution, LINE)


def palette(animal, numbers):
    """A colour for each ink, as uint8 (12, 4): red, green, blue and opacity (0 or 255).

    Args:
        animal: class, one of `CLASSES`.
        numbers: eight floats in [0, 1) that choose the coat and vary its colours.
    """
    coats, eyes = _COATS[animal], _EYES[animal]
    colours = np.zeros((12, 4), "float32")
    colours[1:, 3] = 255
    tint = (0.96 + 0.08 * np.asarray(numbers[1:4])) * (0.85 + 0.2 * numbers[7])  # no two coats alike
    colours[[FUR, LIGHT, MARK], :3] = tint * coats[int(numbers[0] * len(coats))]
    colours[SHADE, :3] = 0.78 * colours[FUR, :3]
    colours[LINE, :3] = 18 + 0.12 * colours[FUR, :3]
    colours[PINK, :3] = (232, 140, 140)
    colours[IRIS, :3] = eyes[int(numbers[4] * len(eyes))]
    colours[PUPIL, :3] = (24, 20, 24)
    colours[WHITE, :3] = (255, 255, 250)
    colours[ACCENT, :3] = _COLLARS[int(numbers[5] * len(_COLLARS))]
    colours[BILL, :3] = (250, 150 + 50 * numbers[6], 20)
    return np.clip(colours, 0, 255).astype("uint8")


def thing_palette(hue):
    """A colour for each ink of a thing, as `palette` gives it; `hue` is a float in [0, 1)."""
    colours = palette("duck", [0.5] * 8)
    colours[FUR, :3] = _HUES[int(hue * len(_HUES))]
    return colours


# The colours of FUR, LIGHT and MARK.
_COATS = {
    "cat": np.array([
        ((226, 138, 58), (255, 226, 186), (176, 88, 28)), ((142, 144, 152), (222, 224, 228), (84, 86, 96)),
        ((66, 62, 72), (112, 106, 116), (48, 44, 54)), ((240, 220, 186), (255, 246, 230), (214, 176, 126)),
        ((150, 112, 82), (226, 198, 166), (92, 62, 42)), ((244, 242, 238), (255, 255, 255), (222, 216, 208)),
        ((226, 206, 178), (242, 230, 212), (110, 82, 66)),
    ]),
    "dog": np.array([
        ((168, 108, 58), (238, 212, 176), (106, 62, 30)), ((222, 176, 104), (250, 232, 196), (186, 134, 66)),
        ((240, 236, 228), (255, 255, 255), (146, 88, 48)), ((238, 236, 232), (255, 255, 255), (58, 54, 58)),
        ((74, 66, 66), (206, 160, 110), (50, 44, 46)), ((128, 128, 136), (222, 222, 226), (84, 84, 94)),
        ((122, 74, 46), (196, 148, 108), (84, 48, 28)),
    ]),
    "duck": np.array([
        ((252, 214, 62), (255, 238, 150), (252, 214, 62)),
        ((246, 246, 242), (255, 255, 255), (246, 246, 242)),
        ((150, 128, 108), (206, 192, 176), (22, 112, 70)), ((164, 132, 96), (212, 184, 146), (136, 104, 72)),
        ((250, 226, 110), (255, 246, 190), (246, 214, 84)), ((236, 238, 240), (252, 252, 252), (70, 72, 80)),
    ]),
}  # fmt: skip
_EYES = {
    "cat": ((132, 190, 72), (235, 180, 50), (96, 170, 225)),
    "dog": ((24, 20, 24),),
    "duck": ((24, 20, 24),),
}
_COLLARS = ((214, 48, 49), (31, 119, 200), (46, 160, 67), (250, 190, 40))
_HUES = ((214, 60, 50), (40, 110, 200), (240, 180, 40), (60, 150, 70), (150, 80, 170))


# --- cat: pointed ears, slit pupils, whiskers ----------------------------------------------------


def _cat_head(rng):
    lean, tip, cheek = rng.uniform(-0.04, 0.1), rng.uniform(0.66, 0.78), rng.uniform(0.48, 0.55)
    slit = rng.uniform(0.02, 0.045)
    return (
        both(polygon(FUR, (-0.47, -0.05), (-0.42 - lean, -tip), (-0.05, -0.36)))  # ears
        + both(polygon(PINK, (-0.38, -0.24), (-0.37 - lean, -tip + 0.17), (-0.16, -0.36)))
        + balanced(FUR, (0, -0.44), (0.3, -0.36), (cheek, 0.02), (0.34, 0.3), (0, 0.42))
        + stroke(MARK, (0, -0.43), (0, -0.22), width=0.08, end=0.03)  # stripes
        + both(stroke(MARK, (0.13, -0.42), (0.11, -0.24), width=0.07, end=0.02))
        + both(stroke(MARK, (cheek - 0.02, 0.1), (0.32, 0.1), width=0.05, end=0.02))
        + both(ellipse(LIGHT, 0.085, 0.18, 0.13, 0.11))
        + ellipse(LIGHT, 0, 0.27, 0.11, 0.09)  # muzzle
        + both(ellipse(IRIS, 0.2, -0.06, 0.115, 0.125))
        + both(ellipse(PUPIL, 0.2, -0.06, slit, 0.105))
        + both(ellipse(WHITE, 0.23, -0.11, 0.03, 0.03))
        + polygon(PINK, (-0.07, 0.07), (0.07, 0.07), (0, 0.15))  # nose
        + stroke(LINE, (0, 0.14), (0, 0.22), width=0.03)
        + both(stroke(WHITE, (0.16, 0.16), (0.62, 0.12), width=0.03, end=0.015))  # whiskers
        + both(stroke(WHITE, (0.16, 0.16), (0.62, 0.22), width=0.03, end=0.015))
    )


def _cat_sits(rng):
    curl, wide = rng.choice([-1, 1]), rng.uniform(0.3, 0.38)
    tail = np.array([(0.2, 0.78), (0.56, 0.74), (0.66, 0.4), (0.52, 0.16)]) * (curl, 1)
    return (
        stroke(MARK, *tail, width=0.15, end=0.1)
        + balanced(FUR, (0, -0.25), (0.2, -0.1), (wide, 0.4), (wide + 0.04, 0.8), (0, 0.92))
        + ellipse(LIGHT, 0, 0.28, 0.15, 0.26)
        + both(stroke(MARK, (wide + 0.02, 0.35), (wide - 0.15, 0.38), width=0.07, end=0.02))
        + both(stroke(MARK, (wide + 0.02, 0.52), (wide - 0.15, 0.55), width=0.07, end=0.02))
        + both(ellipse(SHADE, 0.29, 0.76, 0.14, 0.14) + ellipse(FUR, 0.13, 0.66, 0.1, 0.25))
        + both(ellipse(LIGHT, 0.14, 0.88, 0.12, 0.075))  # paws
        + place(_cat_head(rng), 0, -0.36, rng.uniform(0.66, 0.76), rng.uniform(-0.15, 0.15))
    )


def _cat_walks(rng):
    swing, lift = rng.uniform(-0.12, 0.12), rng.uniform(-0.25, 0.1)
    tail = ((-0.5, 0.12), (-0.78, 0.0), (-0.8, -0.3 + lift), (-0.62, -0.46 + lift))
    body = ((-0.56, 0.05), (-0.3, -0.06), (0.2, -0.06), (0.5, 0.05), (0.48, 0.4), (0, 0.42), (-0.5, 0.46))
    parts = stroke(MARK, *tail, width=0.14, end=0.09)
    legs = ((-0.36, SHADE, swing), (0.28, SHADE, -swing), (-0.46, FUR, -swing), (0.4, FUR, swing))
    for x, ink, step in legs:
        parts += stroke(ink, (x, 0.25), (x + step, 0.5), (x + step, 0.72), width=0.2, end=0.13)
        parts += ellipse(LIGHT, x + step + 0.03, 0.75, 0.1, 0.06)
    parts += curve(FUR, *body) + ellipse(LIGHT, 0.02, 0.37, 0.34, 0.07)
    for x in (-0.38, -0.2, -0.02):
        parts += stroke(MARK, (x, -0.05), (x - 0.02, 0.2), width=0.09, end=0.03)
    return parts + place(_cat_head(rng), 0.46, -0.2, rng.uniform(0.62, 0.7), rng.uniform(-0.2, 0.2))


# --- dog: hanging ears, long muzzle, big nose, tongue, collar ------------------------------------


def _dog_head(rng):
    drop, out, patched = rng.uniform(0.22, 0.44), rng.uniform(0.5, 0.62), rng.random() < 0.5
    tip = ((out, -0.16), (out - 0.02, drop), (out - 0.16, drop + 0.06))
    return (
        balanced(FUR, (0, -0.46), (0.28, -0.4), (0.4, -0.1), (0.33, 0.2), (0.2, 0.42), (0, 0.48))
        + both(curve(MARK, (0.2, -0.44), (0.38, -0.44), *tip, (0.33, -0.08)))
        + stroke(LIGHT, (0, -0.42), (0, 0), width=0.09, end=0.16)
        + (ellipse(MARK, 0.19, -0.13, 0.14, 0.16) if patched else [])
        + curve(PINK, (-0.09, 0.36), (0.09, 0.36), (0.1, 0.56), (0, 0.64), (-0.1, 0.56))  # tongue
        + both(ellipse(LIGHT, 0.11, 0.25, 0.17, 0.17))
        + ellipse(LIGHT, 0, 0.14, 0.16, 0.16)
        + curve(PUPIL, (-0.15, 0.05), (0, 0), (0.15, 0.05), (0.08, 0.19), (-0.08, 0.19))  # nose
        + ellipse(WHITE, -0.05, 0.06, 0.035, 0.02)
        + stroke(LINE, (0, 0.17), (0, 0.32), width=0.035)
        + both(stroke(LINE, (0, 0.32), (0.1, 0.37), (0.2, 0.33), width=0.035))
        + both(ellipse(PUPIL, 0.18, -0.12, 0.075, 0.085) + ellipse(WHITE, 0.2, -0.15, 0.028, 0.028))
    )


def _dog_sits(rng):
    wag, wide = rng.choice([-1, 1]), rng.uniform(0.32, 0.42)
    tail = np.array([(0.25, 0.72), (0.56, 0.62), (0.68, 0.42)]) * (wag, 1)
    return (
        stroke(FUR, *tail, width=0.14, end=0.08)
        + balanced(FUR, (0, -0.2), (0.26, -0.06), (wide, 0.4), (wide + 0.02, 0.8), (0, 0.9))
        + curve(LIGHT, (-0.16, 0.02), (0.16, 0.02), (0.17, 0.4), (0, 0.58), (-0.17, 0.4))
        + both(ellipse(SHADE, 0.31, 0.74, 0.14, 0.16) + ellipse(FUR, 0.15, 0.64, 0.115, 0.27))
        + both(ellipse(LIGHT, 0.16, 0.87, 0.14, 0.08))
        + stroke(ACCENT, (-0.25, 0.03), (0, 0.13), (0.25, 0.03), width=0.11)  # collar
        + place(_dog_head(rng), 0, -0.38, rng.uniform(0.78, 0.86), rng.uniform(-0.15, 0.15))
    )


def _dog_walks(rng):
    swing, ear, wag = rng.uniform(-0.14, 0.14), rng.uniform(0.0, 0.16), rng.uniform(-0.2, 0.1)
    parts = stroke(FUR, (-0.5, 0.05), (-0.72, -0.14), (-0.78, -0.44 + wag), width=0.14, end=0.06)
    legs = ((-0.34, SHADE, swing), (0.2, SHADE, -swing), (-0.46, FUR, -swing), (0.32, FUR, swing))
    for x, ink, step in legs:
        parts += stroke(ink, (x, 0.2), (x + step, 0.5), (x + step, 0.76), width=0.22, end=0.12)
        parts += ellipse(LIGHT, x + step + 0.04, 0.79, 0.11, 0.06)
    back, belly = ((-0.56, 0), (-0.2, -0.1), (0.25, -0.16)), ((0.46, 0), (0.42, 0.4), (0, 0.3), (-0.5, 0.38))
    parts += curve(FUR, *back, *belly)
    if rng.random() < 0.6:
        parts += curve(MARK, (-0.42, -0.06), (-0.1, -0.11), (0.02, 0.06), (-0.16, 0.2), (-0.4, 0.14))
    snout = ((0.5, -0.36), (0.72, -0.4), (0.9, -0.36), (0.88, -0.18), (0.66, -0.12), (0.5, -0.14))
    return (
        parts
        + stroke(FUR, (0.32, 0.12), (0.46, -0.26), width=0.38, end=0.3)
        + stroke(ACCENT, (0.24, -0.1), (0.42, 0.0), (0.6, 0.0), width=0.09)  # collar
        + stroke(PINK, (0.7, -0.14), (0.76, 0.06), width=0.11)
        + ellipse(FUR, 0.46, -0.36, 0.29, 0.27)
        + curve(LIGHT, *snout)
        + ellipse(PUPIL, 0.89, -0.34, 0.075, 0.06)
        + stroke(LINE, (0.88, -0.22), (0.72, -0.19), (0.62, -0.22), width=0.035)
        + curve(MARK, (0.3, -0.58), (0.4, -0.46), (0.4, -0.1 + ear), (0.24, -0.06 + ear), (0.12, -0.3))
        + ellipse(PUPIL, 0.56, -0.42, 0.055, 0.06)
        + ellipse(WHITE, 0.575, -0.44, 0.02, 0.02)
    )


# --- duck: round head, flat bill -----------------------------------------------------------------


def _duck_head(x, y, radius):
    bill = ((0.6, -0.4), (1.15, -0.12), (1.78, -0.06), (1.82, 0.16), (1.5, 0.3), (1.1, 0.42), (0.6, 0.5))
    parts = curve(BILL, *bill) + stroke(LINE, (0.9, 0.15), (1.7, 0.1), width=0.07)
    parts += ellipse(MARK, 0, 0, 1, 0.98) + ellipse(WHITE, 0.36, -0.2, 0.25, 0.27)
    parts += ellipse(PUPIL, 0.42, -0.2, 0.16, 0.19) + ellipse(WHITE, 0.47, -0.28, 0.06, 0.06)
    return place(parts, x, y, radius)


def _duck_swims(rng):
    neck, head, tail = rng.uniform(-0.06, 0.12), rng.uniform(0.27, 0.34), rng.uniform(-0.12, 0.08)
    flap = rng.uniform(-0.5, 0.1) if rng.random() < 0.35 else 0.0
    back = ((-0.72, 0.26), (-0.88, -0.02 + tail), (-0.62, 0.04), (-0.3, 0.12), (0.1, 0.12))
    wing = ((-0.66, 0.2 + flap), (-0.3, 0.16 + flap / 2), (0.06, 0.14))
    gloss = ((-0.48, 0.2 + 0.8 * flap), (-0.2, 0.19 + flap / 2), (0.06, 0.18))
    return (
        stroke(MARK, (0.3, 0.2), (0.4, -0.12), (0.36, -0.42 - neck), width=0.42, end=0.36)
        + curve(FUR, (0.36, 0.02), (0.62, 0.2), (0.54, 0.5), (0.1, 0.66), (-0.42, 0.58), *back)
        + stroke(WHITE, (0.2, 0.02), (0.4, 0.1), (0.58, 0.06), width=0.07)
        + curve(SHADE, (0.24, 0.28), (0.06, 0.5), (-0.34, 0.48), *wing)
        + curve(LIGHT, (0.18, 0.26), (0.04, 0.36), (-0.26, 0.32), *gloss)
        + _duck_head(0.38, -0.44 - neck, head)
    )


def _duck_stands(rng):
    feet = []
    for x in (-0.1, 0.16):
        feet += stroke(BILL, (x, 0.55), (x, 0.82), width=0.07)
        feet += polygon(BILL, (x - 0.06, 0.76), (x + 0.26, 0.9), (x - 0.1, 0.9))
    return feet + _duck_swims(rng)


def _duck_front(rng):
    wide, lift = rng.uniform(0.42, 0.52), rng.uniform(0.0, 0.12)
    wing = ((wide - 0.1, 0.1), (wide + 0.1, 0.2 - lift), (wide + 0.16, 0.55 - 2 * lift), (wide - 0.1, 0.6))
    return (
        both(curve(BILL, (0.08, 0.8), (0.2, 0.74), (0.42, 0.9), (0.2, 0.93), (0.06, 0.92)))  # feet
        + both(curve(SHADE, *wing))
        + balanced(FUR, (0, -0.05), (0.32, 0.08), (wide, 0.42), (0.34, 0.76), (0, 0.82))
        + ellipse(LIGHT, 0, 0.46, 0.27, 0.28)
        + ellipse(MARK, 0, -0.38, 0.4, 0.4)
        + both(ellipse(WHITE, 0.2, -0.5, 0.105, 0.12) + ellipse(PUPIL, 0.18, -0.49, 0.06, 0.08))
        + balanced(BILL, (0, -0.42), (0.16, -0.34), (0.36, -0.24), (0.3, -0.13), (0, -0.09))
        + stroke(LINE, (-0.27, -0.2), (0, -0.17), (0.27, -0.2), width=0.035)
    )


_POSES = {
    "cat": (_cat_sits, _cat_walks, _cat_head),
    "dog": (_dog_sits, _dog_walks, _dog_head),
    "duck": (_duck_stands, _duck_swims, _duck_front),
}


# --- things --------------------------------------------------------------------------------------


def _flower():
    parts = []
    for turn in np.arange(5) * 0.4 * np.pi:
        parts += ellipse(FUR, 0.55 * np.cos(turn), 0.55 * np.sin(turn), 0.36, 0.36)
    return parts + ellipse(WHITE, 0, 0, 0.35, 0.35)


def _star():
    turn, radius = np.arange(10) * np.pi / 5, np.tile([1, 0.45], 5)
    return polygon(FUR, *zip(radius * np.sin(turn), -radius * np.cos(turn), strict=True))


_THINGS = (
    ellipse(FUR, 0, 0, 1, 1) + stroke(WHITE, (-0.9, -0.2), (0, 0.15), (0.9, -0.2), width=0.3),  # ball
    polygon(FUR, (-1, -0.7), (1, -0.7), (1, 0.7), (-1, 0.7)) + stroke(WHITE, (0, -0.7), (0, 0.7), width=0.25),
    balanced(FUR, (0, -1), (0.5, -0.2), (0.3, 0.5), (0, 0.9))  # leaf
    + stroke(LINE, (0, -0.7), (0, 1), width=0.07),
    stroke(WHITE, (0, 0), (0, 0.8), width=0.5)  # mushroom
    + curve(FUR, (-0.9, 0.1), (-0.6, -0.6), (0, -0.8), (0.6, -0.6), (0.9, 0.1)),
    _flower(),
    _star(),
)
THINGS = len(_THINGS)
