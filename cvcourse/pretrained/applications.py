"""ImageNet weights of `keras.applications`: from Keras's cache, or downloaded without ever hanging."""

import inspect
import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from urllib.parse import urlsplit

import keras
import numpy as np

from cvcourse import stored
from cvcourse.pretrained.imagenet import class_names
from cvcourse.pretrained.network import Pretrained, course_images, key

CONNECT_SECONDS, READ_SECONDS = 5, 20


def load_application(name: str, weights: str | PathLike | None = None) -> Pretrained:
    """Return a network of `keras.applications`; see `cvcourse.pretrained.load`."""
    function = names()[name]
    if weights is None:
        model, source = _from_keras(function), "ImageNet weights of keras.applications"
    else:
        model, source = function(weights=None), f"weights from {Path(weights).name}"
        _load_file(model, Path(weights))
    preprocess = _imagenet_preprocess(
        sys.modules[function.__module__].preprocess_input, model.input_shape[1:3]
    )
    return Pretrained(function.__name__, model, preprocess, class_names() or _cached_names(), source)


def names() -> dict[str, Callable]:
    """Return {key: function} of all networks of `keras.applications`."""
    members = inspect.getmembers(keras.applications, inspect.isfunction)
    return {key(name): function for name, function in members if name[0].isupper()}


def _imagenet_preprocess(function, size):
    def preprocess(images):
        images = course_images(images, 1) * 255
        if images.shape[1:3] != size:
            images = keras.ops.image.resize(images, size, interpolation="bilinear", antialias=True)
            images = keras.ops.convert_to_numpy(images)
        return function(np.array(images))

    return preprocess


def _cache():
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"


def _cached_names():
    path = _cache() / "imagenet_class_index.json"
    if not path.is_file():
        return None
    index = stored.read_json(path)
    try:
        return tuple(index[str(k)][1] for k in range(len(index)))
    except (LookupError, TypeError):
        raise ValueError(f"{path} is damaged: it must list ImageNet's classes. Delete it.") from None


def _from_keras(function):
    # A cached file needs no network, so Keras is asked even where the server is out of reach.
    problem = _probe(urlsplit(keras.src.applications.vgg16.WEIGHTS_PATH).hostname)
    try:
        with _socket_timeout(READ_SECONDS if problem is None else 0.5):
            return function(weights="imagenet")
    except Exception as error:
        name = function.__name__
        raise OSError(
            f"The ImageNet weights of {name} are not in Keras's cache ({_cache()}) and cannot be "
            f"downloaded: {problem or error}. What to do: connect to the internet once and call this again; "
            f'or copy the weight file here and call pretrained.load("{name}", weights="path/to/file.h5"); '
            'or go on with pretrained.load("course"), which needs no network.'
        ) from error


def _probe(host):
    """Return None if the host accepts a connection in time, name look-up included, else the reason."""
    answer = []

    def connect():
        try:
            socket.create_connection((host, 443), timeout=CONNECT_SECONDS).close()
            answer.append(None)
        except OSError as error:
            answer.append(error)

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    return answer[0] if answer else f"the server did not answer within {CONNECT_SECONDS} s"


@contextmanager
def _socket_timeout(seconds):
    # Keras's downloader sets no timeout of its own, but every new socket takes this default.
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _load_file(model, path):
    if not path.is_file():
        raise ValueError(f"weights must be the path of an existing .h5 file. Received: weights={str(path)!r}")
    try:
        model.load_weights(path)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"weights must be an .h5 file made for {model.name!r}. Received: {path.name}, which "
            f"could not be read: {reason}"
        ) from error
