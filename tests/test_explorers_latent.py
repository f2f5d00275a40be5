"""The Latent explorer without a browser: its pictures, words, limits and errors."""

import io

import numpy as np
import pytest
from PIL import Image

from cvcourse import likeness
from cvcourse.explorers import Latent
from cvcourse.explorers.latent import GRID, figure, outside, plane
from cvcourse.models.vae import vae


@pytest.fixture(scope="module")
def explorer():
    return Latent()


def pixels(data, shape):
    return np.frombuffer(bytes(data), "uint8").reshape(shape)


def test_the_picture_is_the_decoders(explorer):
    explorer.z = [0.7, -1.1]
    made = np.asarray(explorer._model.decoder(np.array([[0.7, -1.1]], "float32")))[0]
    shown = pixels(explorer.look["made"], explorer.shape)
    assert np.abs(shown / 255 - made).max() <= 0.5 / 255 + 1e-6
    assert explorer.look["z"] == [0.7, -1.1]
    assert explorer.description == explorer.describe() in explorer.figure().alt


def test_the_grid_starts_at_the_top_left(explorer):
    height, width, _ = explorer.shape
    grid = np.array(Image.open(io.BytesIO(explorer.pictures)))
    grid = grid.reshape(GRID, height, GRID, width, 3).swapaxes(1, 2)
    assert len(explorer.pictures) < 750_000  # with base64, less than a megabyte on a page
    far = explorer.extent
    last, middle = GRID - 1, GRID // 2
    for row, column, z in ((0, 0, (-far, far)), (last, 0, (-far, -far)), (middle, last, (far, 0))):
        made = np.asarray(explorer._model.decoder(np.array([z], "float32")))[0]
        assert np.abs(grid[row, column] / 255 - made).mean() < 0.02
    assert plane(2.0, 3)[:3].tolist() == [[-2, 2], [0, 2], [2, 2]]


def test_words_count_the_neighbours_and_the_nearest_picture(explorer):
    explorer.z = [0.0, 0.0]
    apart = np.hypot(*explorer._places.T)
    nearest = explorer._labels[np.argsort(apart)[:15]]
    assert sum(explorer.around().values()) == 15
    assert all(np.sum(nearest == explorer.classes.index(name)) == n for name, n in explorer.around().items())
    _, (distance,) = likeness.nearest(explorer.image()[None], explorer._images)
    assert f"differs by {distance:.2f} per pixel" in explorer.describe()
    assert "100% of all z" in explorer.describe()
    assert explorer.look["distance"] == pytest.approx(distance)


def test_the_point_stays_on_the_plane(explorer):
    far = explorer.extent
    for z in ([99, -99], [-far, far]):
        explorer.z = z
        assert max(map(abs, explorer.z)) == far
        assert explorer.figure().png() and "0%" in explorer.describe()
    with pytest.raises(ValueError, match="z must be two numbers"):
        Latent(z=(np.nan, 0))


def test_how_many_dice_fall_further_out():
    dice = np.random.default_rng(0).standard_normal((100_000, 2))
    for radius in (0, 0.5, 1, 2):
        assert outside(radius) == pytest.approx(np.mean(np.hypot(*dice.T) > radius), abs=0.01)


def test_a_model_of_the_students_own_in_grey_and_without_pictures():
    model = vae((8, 8, 1), latent=2, widths=(4, 8))
    explorer = Latent(model)
    assert explorer.dots == [] and explorer.shape == [8, 8, 1] and explorer.extent == 3
    assert "nearest" not in explorer.describe() and explorer.figure().png()
    images = np.random.default_rng(0).random((5, 8, 8, 1), "float32")
    explorer = Latent(model, images, np.array([0, 1, 1, 0, 1]), ("a", "b"))
    assert len(explorer.dots) == 5 and sum(explorer.around().values()) == 5


@pytest.mark.parametrize("count", [1, 5, 10])
def test_nothing_of_the_figure_is_cut_off(count):
    rng, names = np.random.default_rng(0), list(map(str, range(count)))
    made = rng.random((8, 8, 1))
    places, labels = rng.normal(size=(50, 2)), np.arange(50) % count
    drawing = figure((0, 0), 3.0, places, labels, names, (made, made, 0), "")
    drawing.canvas.draw()
    board = drawing.axes[0]
    for part in (board.get_legend(), board.xaxis.label, board.yaxis.label):
        box = part.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= drawing.bbox.x1 and box.y1 <= drawing.bbox.y1
