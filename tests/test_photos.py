"""The bundled photographs: all there without a network, at any size, never stretched."""

import socket

import numpy as np
import pytest
from skimage import data
from skimage.data import _fetchers

from cvcourse.datasets import photos


@pytest.fixture
def offline(monkeypatch):
    """scikit-image cannot fetch, and nothing can connect."""

    def refuse(*args, **kwargs):
        raise AssertionError("the course's photographs must not need a network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(_fetchers, "_image_fetcher", None)
    photos._photo.cache_clear()


@pytest.mark.parametrize("name", photos.NAMES)
def test_every_photo_is_bundled_and_in_range(name, offline):
    image = photos.photo(name)
    assert image.ndim == 3 and image.shape[-1] == 3 and image.dtype == np.float32
    assert 0 <= image.min() < 0.3 and 0.5 < image.max() <= 1
    assert image.std() > 0.02  # a picture, not a plain area


@pytest.mark.parametrize("name", photos.NAMES)
def test_pixels_are_scikit_images_own(name):
    read = data.stereo_motorcycle()[0] if name == "motorcycle" else getattr(data, name)()
    expected = np.atleast_3d(read / 255)  # (H, W, 3), or (H, W, 1) in grey
    image = photos.photo(name)
    np.testing.assert_allclose(image, np.broadcast_to(expected, image.shape), atol=1e-6)


def test_cat_is_chelsea():
    np.testing.assert_array_equal(photos.cat(size=20), photos.photo("chelsea", size=20))


@pytest.mark.parametrize(
    "size, height, width",
    [
        (224, 224, 224),
        (6, 6, 6),
        (1, 1, 1),
        (600, 600, 600),
        ((50, 70), 50, 70),
        ([7, 300], 7, 300),
        (np.int64(9), 9, 9),
    ],
)
def test_size(size, height, width):
    image = photos.cat(size)
    assert image.shape == (height, width, 3) and image.dtype == np.float32
    assert image.min() >= 0 and image.max() <= 1


def test_a_square_is_the_centre_of_the_photograph_unstretched():
    """At the size of its own height no pixel is resampled: the square is a plain crop."""
    image = photos.cat()
    height, width, _ = image.shape
    left = (width - height) // 2
    np.testing.assert_allclose(photos.cat(size=height), image[:, left : left + height], atol=1e-6)


def test_a_small_photo_keeps_the_mean_colour():
    """Shrinking averages pixels (it does not pick some): the mean of a large square stays."""
    large, small = photos.cat(300), photos.cat(30)
    np.testing.assert_allclose(small.mean(axis=(0, 1)), large.mean(axis=(0, 1)), atol=0.01)


def test_a_photo_is_yours_to_change():
    first = photos.cat()
    first[:] = 0
    assert photos.cat().mean() > 0.1


@pytest.mark.parametrize("size", [0, -3, (5, 0)])
def test_size_must_be_positive(size):
    with pytest.raises(ValueError, match=r"size must be at least 1 pixel. Received: size="):
        photos.cat(size)


@pytest.mark.parametrize("size", [2.5, "big", (1, 2, 3), (4.5, 3)])
def test_size_must_be_whole_pixels(size):
    with pytest.raises(TypeError, match=r"size must be None, an int or \(height, width\)"):
        photos.cat(size)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"chelsea.*Received: name='dog'"):
        photos.photo("dog")
