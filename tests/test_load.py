"""Data sets by name: where they are looked for, and what happens when the network or a file is bad."""

import contextlib
import gzip
import hashlib
import http.server
import io
import os
import pickle
import socket
import stat
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from cvcourse.datasets import load
from cvcourse.datasets import sources as src
from cvcourse.datasets.download import download
from cvcourse.datasets.load import _BUNDLED, Dataset, fetch

BODY = bytes(range(256)) * 1000
SHA = hashlib.sha256(BODY).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """One server with one kind of trouble at each address."""

    def do_GET(self):
        if self.path == "/missing":
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        with contextlib.suppress(OSError):
            if self.path == "/whole":
                self.wfile.write(BODY)
            elif self.path == "/cut":
                self.wfile.write(BODY[: len(BODY) // 2])
            elif self.path == "/wrong":
                self.wfile.write(BODY[::-1])
            elif self.path == "/stalls":
                self.wfile.write(BODY[:1000])
                time.sleep(3)
            elif self.path == "/trickles":
                for k in range(60):
                    self.wfile.write(BODY[k : k + 1])
                    time.sleep(0.05)
        return None

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as there:
        threading.Thread(target=there.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{there.server_port}"
        there.shutdown()


@pytest.fixture
def black_hole():
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as hole:
        yield f"http://127.0.0.1:{hole.getsockname()[1]}/x"


@pytest.fixture(autouse=True)
def nothing_at_hand(monkeypatch, tmp_path):
    """No shared folder and an empty cache, whatever this machine has."""
    monkeypatch.delenv("CVCOURSE_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


# --- the downloader -------------------------------------------------------------------------------


def test_download_gives_the_bytes_and_says_how_far_it_is(server, tmp_path, capsys):
    path = download(f"{server}/whole", tmp_path / "new" / "file", SHA)
    assert path.read_bytes() == BODY and os.listdir(path.parent) == ["file"]
    assert "100 % of 0.3 MB" in capsys.readouterr().out
    assert download(f"{server}/whole", path, hashlib.md5(BODY).hexdigest()) == path


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/missing", "404"),
        ("/cut", "broke off after 0.1 of 0.3 MB"),
        ("/wrong", "did not send the right file"),
        ("/stalls", "broke off"),
        ("/trickles", "broke off"),
    ],
)
def test_a_failed_download_leaves_nothing_and_says_why(server, tmp_path, address, words):
    start = time.monotonic()
    with pytest.raises(ConnectionError, match=words):
        download(server + address, tmp_path / "file", SHA, timeout=0.4)
    assert os.listdir(tmp_path) == [] and time.monotonic() - start < 2.5


@pytest.mark.reliability("a download fails over a file that is already there", "the old file stays")
def test_a_failed_download_keeps_what_was_there(server, tmp_path):
    (tmp_path / "file").write_text("older")
    with pytest.raises(ConnectionError):
        download(f"{server}/wrong", tmp_path / "file", SHA)
    assert (tmp_path / "file").read_text() == "older" and len(os.listdir(tmp_path)) == 1


@pytest.mark.reliability("a host that never answers", "it is given up after its time")
def test_a_host_that_never_answers_is_given_up(black_hole, tmp_path):
    start = time.monotonic()
    with pytest.raises(ConnectionError, match="nothing from"):
        download(black_hole, tmp_path / "file", SHA, timeout=0.4)
    assert time.monotonic() - start < 2 and os.listdir(tmp_path) == []


def test_a_name_server_that_never_answers_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(5))
    start = time.monotonic()
    with pytest.raises(ConnectionError, match="nothing for"):
        download("http://example.org/x", tmp_path / "file", SHA, timeout=0.3)
    assert time.monotonic() - start < 2.5


@pytest.mark.reliability("a download is interrupted", "no half file is left")
def test_interrupting_a_download_leaves_nothing(server, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("cvcourse.datasets.download._show", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download(f"{server}/whole", tmp_path / "file", SHA)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_sent(tmp_path):
    (tmp_path / "a file").write_text("")
    with pytest.raises(PermissionError, match="cannot write into the folder"):
        download("http://127.0.0.1:9/", tmp_path / "a file" / "inside" / "x", SHA)


# --- load: the order, and what is said --------------------------------------------------------------


def archive(folder, batches):
    """A tar.gz of pickles as CIFAR's: protocol 2, keys are bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, batch in batches.items():
            data = batch if isinstance(batch, bytes) else pickle.dumps(batch, protocol=2)
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def place(monkeypatch, cache, name, content):
    """Put a file into the cache under a source's name, and let its checksum be the expected one."""
    source = src.SOURCES[name]
    where, url, _ = source.files[0]
    cache.mkdir(parents=True, exist_ok=True)
    (cache / where).write_bytes(content)
    files = ((where, url, hashlib.sha256(content).hexdigest()),)
    monkeypatch.setitem(src.SOURCES, name, source._replace(files=files))


def test_cifar_is_read_from_its_archive(monkeypatch):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 32, 32, 3), dtype="uint8")
    labels = rng.integers(0, 10, 12).tolist()
    names = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
    batches = {name: {b"data": images[2 * k : 2 * k + 2].transpose(0, 3, 1, 2).reshape(2, -1),
                      b"labels": labels[2 * k : 2 * k + 2]} for k, name in enumerate(names)}  # fmt: skip
    place(monkeypatch, src.keras_cache(), "cifar10", archive("cifar-10-batches-py", batches))
    data = load("cifar10")
    np.testing.assert_array_equal(np.concatenate([data.x_train, data.x_test]), images)
    assert [*data.y_train, *data.y_test] == labels and len(data.x_test) == 2
    assert data.classes[3] == "cat" and data.y_train.dtype == "int64"


@pytest.mark.reliability("a data set whose pickle would run a program", "it is refused, and nothing is run")
def test_a_pickle_that_would_run_code_is_refused(monkeypatch, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    content = archive("cifar-100-python", {"train": pickle.dumps(Evil())})
    place(monkeypatch, src.keras_cache(), "cifar100", content)
    with pytest.raises(ValueError, match=r"cannot be read .*mkdir"):
        load("cifar100")
    assert not (tmp_path / "ran").exists()


def test_fashion_mnist_is_read_from_its_four_files(tmp_path):
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 10, shape, dtype="uint8") for shape in ((3, 28, 28), (3,), (2, 28, 28), (2,))]
    for k, array in enumerate(arrays):
        head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
        (tmp_path / str(k)).write_bytes(gzip.compress(head + array.tobytes()))
    read = src.SOURCES["fashion_mnist"].read(*(tmp_path / str(k) for k in range(4)))
    for got, array in zip(read, arrays, strict=True):
        np.testing.assert_array_equal(got, array)


def test_the_tables_agree_with_keras():
    """Same addresses, same checksums and same place in the cache as the installed Keras."""
    import importlib.util

    folder = Path(importlib.util.find_spec("keras").origin).parent / "src" / "datasets"
    for name, source in src.SOURCES.items():
        text = (folder / f"{name}.py").read_text(encoding="utf-8")
        for where, url, checksum in source.files:
            assert url.rsplit("/", 1)[1] in text and url.rsplit("/", 1)[0] in text
            assert checksum in text or name == "fashion_mnist"  # for which Keras has none
            assert where.removesuffix("_archive").rsplit("/", 1)[-1] in text
    assert [len(src.SOURCES[name].classes) for name in ("cifar10", "cifar100")] == [10, 100]


def tiny(n=6, **changes):
    arrays = {
        "x_train": np.zeros((n, 4, 4, 3), "uint8"),
        "y_train": np.arange(n) % 3,
        "x_test": np.ones((2, 4, 4, 3), "uint8"),
        "y_test": np.array([[0], [2]]),
    }
    return {key: value for key, value in (arrays | changes).items() if value is not None}


def test_the_folder_comes_before_the_cache(monkeypatch, tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, **tiny(n=9))
    place(monkeypatch, src.keras_cache(), "mnist", buffer.getvalue())
    assert len(load("mnist").x_train) == 9
    np.savez(tmp_path / "mnist.npz", **tiny())
    monkeypatch.setenv("CVCOURSE_DATA", str(tmp_path))
    data = load("mnist")
    assert len(data.x_train) == 6 and data.y_test.tolist() == [0, 2] and len(data.classes) == 10


def test_a_class_may_bring_its_own_data(monkeypatch, tmp_path):
    np.savez(tmp_path / "leaves.npz", **tiny(), classes=["oak", "elm", "ash"])
    np.savez(tmp_path / "stones.npz", **tiny())
    monkeypatch.setenv("CVCOURSE_DATA", str(tmp_path))
    assert load("leaves").classes == ("oak", "elm", "ash") and load("stones").classes == ("0", "1", "2")
    with pytest.raises(ValueError, match="name must be one of"):
        load("../leaves2")


@pytest.mark.reliability(
    "no network, and a data set that is not there",
    "what was tried, and three ways to get it",
)
def test_without_a_network_the_error_says_what_was_tried_and_what_to_do(monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    source = src.SOURCES["mnist"]
    files = (("mnist.npz", f"http://127.0.0.1:{port}/mnist.npz", SHA),)
    monkeypatch.setitem(src.SOURCES, "mnist", source._replace(files=files))
    with pytest.raises(ConnectionError) as caught:
        load("mnist")
    message = str(caught.value)
    for words in (
        "CVCOURSE_DATA: not set",
        str(src.keras_cache()),
        f"127.0.0.1:{port}",
        "Connection refused",
        "cvcourse data fetch mnist --to",
        "load('digits')",
    ):
        assert words in message
    monkeypatch.setenv("CVCOURSE_DATA", str(tmp_path))
    with pytest.raises(ConnectionError, match=r"holds no mnist\.npz"):
        load("mnist")


def test_a_whole_download_ends_in_the_cache(monkeypatch, server):
    source = src.SOURCES["mnist"]
    monkeypatch.setitem(
        src.SOURCES,
        "mnist",
        source._replace(
            files=(("mnist.npz", f"{server}/whole", SHA),), read=lambda path: (*tiny().values(),)
        ),
    )
    assert len(load("mnist").x_train) == 6
    assert os.listdir(src.keras_cache()) == ["mnist.npz"]
    monkeypatch.setattr(sys.modules["cvcourse.datasets.load"], "fetch_files", None)  # not asked again
    assert len(load("mnist").x_train) == 6
    (src.keras_cache() / "mnist.npz").write_bytes(BODY[:-1])  # but a damaged file is fetched again
    with pytest.raises(TypeError):
        load("mnist")


@pytest.mark.reliability("a cache folder that cannot be written", "one sentence, with the folder")
def test_an_unwritable_cache_is_said_plainly(monkeypatch, tmp_path):
    (tmp_path / "keras").write_text("a file, not a folder")
    with pytest.raises(ConnectionError, match=r"(?s)cannot write into the folder .*KERAS_HOME"):
        load("mnist")


# --- bad files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_train": None}, "x_train missing"),
        ({"x_train": np.zeros((6, 4, 4, 3))}, "x_train must be uint8"),
        ({"x_test": np.zeros((2, 9), "uint8")}, "x_test must be uint8 images of shape"),
        ({"y_train": np.zeros(5, int)}, "y_train must be one int for each of the 6"),
        ({"y_test": np.array([0.5, 1])}, "y_test must be one int"),
        ({"y_test": np.array([0, 12])}, "labels must be 0 … 9"),
        ({"y_test": np.array([0, -1])}, "labels must be 0"),
        ({"y_train": np.array([{}] * 6, dtype=object)}, "damaged or no .npz"),
    ],
)
def test_a_file_that_is_no_data_set_is_refused(monkeypatch, tmp_path, changes, words):
    np.savez(tmp_path / "cifar10.npz", **tiny(**changes))
    monkeypatch.setenv("CVCOURSE_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=words) as caught:
        load("cifar10")
    assert "cifar10.npz" in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:1000],
        lambda data: b"",
        lambda data: b"not a zip file" * 9,
        lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
    ],
    ids=["cut", "empty", "text", "one bit"],
)
def test_a_damaged_file_is_refused(monkeypatch, tmp_path, damage):
    np.savez(tmp_path / "cifar10.npz", **tiny(n=60))
    path = tmp_path / "cifar10.npz"
    path.write_bytes(damage(path.read_bytes()))
    monkeypatch.setenv("CVCOURSE_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=r"damaged or no \.npz"):
        load("cifar10")


def test_bad_names():
    with pytest.raises(ValueError, match="Received: name='cifar'"):
        load("cifar")
    with pytest.raises(TypeError, match="Received: name=10"):
        load(10)


# --- fetch ------------------------------------------------------------------------------------------


def test_fetch_prepares_a_folder_for_a_class(monkeypatch, tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, **tiny())
    place(monkeypatch, src.keras_cache(), "mnist", buffer.getvalue())
    path = fetch("mnist", tmp_path / "shared" / "drive")
    assert os.listdir(path.parent) == ["mnist.npz"] and path.stat().st_mode & stat.S_IROTH
    first = load("mnist")
    monkeypatch.setenv("CVCOURSE_DATA", str(path.parent))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "nowhere"))
    for a, b in zip(first, load("mnist"), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="nothing to fetch"):
        fetch("digits", tmp_path)


def test_fetch_into_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    np.savez(tmp_path / "mine.npz", **tiny())
    monkeypatch.setenv("CVCOURSE_DATA", str(tmp_path))
    with pytest.raises(PermissionError, match="cannot write into the folder"):
        fetch("mine", tmp_path / "mine.npz" / "below")


def test_the_command_fetches_and_says_what_comes_next(monkeypatch, tmp_path, capsys):
    from cvcourse.cli import main

    buffer = io.BytesIO()
    np.savez(buffer, **tiny())
    place(monkeypatch, src.keras_cache(), "mnist", buffer.getvalue())
    assert main(["data", "fetch", "mnist", "--to", str(tmp_path / "drive")]) == 0
    assert "set CVCOURSE_DATA to this folder" in capsys.readouterr().out
    assert main(["data", "fetch", "nonsense", "--to", str(tmp_path / "drive")]) == 1
    assert "cvcourse: name must be one of" in capsys.readouterr().err
    assert os.listdir(tmp_path / "drive") == ["mnist.npz"]


# --- what is bundled, and what the real files give -----------------------------------------------------


@pytest.mark.parametrize("name", _BUNDLED)
def test_bundled_sets_are_whole_and_split_alike_each_time(name):
    data, again = load(name), load(name)
    assert isinstance(data, Dataset) and data.x_train.dtype == data.x_test.dtype == "uint8"
    images = np.concatenate([data.x_train, data.x_test])
    assert len(images) == {"digits": 1797, "faces": 200}[name] and images.max() == 255 and images.min() == 0
    share = np.bincount(data.y_test) / np.bincount(np.concatenate([data.y_train, data.y_test]))
    assert np.abs(share - 0.2).max() < 0.02 and len(share) == len(data.classes)
    np.testing.assert_array_equal(data.x_test, again.x_test)


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    data, original = load("digits"), load_digits()
    ours = np.concatenate([data.x_train, data.x_test]).reshape(-1, 64) / 255 * 16
    assert sorted(ours.round().tolist()) == sorted(original.data.tolist())


def test_importing_costs_no_framework():
    code = (
        "import cvcourse.datasets, sys;"
        "print({'keras', 'tensorflow', 'skimage', 'sklearn'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "set()"
