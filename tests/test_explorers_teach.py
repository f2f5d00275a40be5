"""The teaching explorer without a browser: what it learns, its two tests, its file, what a page may send."""

import io
import json
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from cvcourse import datasets, interpretation, pretrained
from cvcourse.datasets.upload import read_image
from cvcourse.explorers import Teach
from cvcourse.explorers.teach_head import FOLDS, LARGEST_ARRAY, MOST, folds, read_saved
from cvcourse.explorers.teach_pictures import KNOBS, course_pictures


@pytest.fixture(scope="module")
def network():
    return pretrained.load("course")


@pytest.fixture
def taught(network):
    """Teach with plain colours: red and blue, three bursts each."""
    return Teach({"red": colours(0), "blue": colours(2)}, network)


@pytest.fixture(scope="module")
def unharmed(network):
    """The same for tests that must not change it."""
    return Teach({"red": colours(0), "blue": colours(2)}, network)


def colours(channel, bursts=3, frames=2, seed=0):
    noise = np.random.default_rng(seed + channel).random((bursts, frames, 40, 48, 3)) * 0.3
    noise[..., channel] += 0.6
    return list(noise)


def jpeg(image, kind="JPEG", **more):
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **more)
    return file.getvalue()


def plain(channel, size=(224, 224)):
    """One more image as `colours` makes them, uint8."""
    image = (colours(channel, 1, 1, seed=50)[0][0] * 255).astype("uint8")
    return np.asarray(Image.fromarray(image).resize(size[::-1]))


def send(explorer, data=b"", **content):
    """Send what the page would, and return whether it was answered."""
    send.turn = getattr(send, "turn", 0) + 1
    explorer._receive(explorer, content | {"id": send.turn}, [memoryview(data)])
    return explorer.done == send.turn


# --- Learning --------------------------------------------------------------------------------------------


def test_the_course_pictures_show_the_trap(network):
    explorer = Teach(network=network)
    assert explorer.classes == ["cat", "dog", "duck"] and explorer.counts == [[25, 5]] * 3
    assert 1 / 3 < explorer.accuracy["burst"] < explorer.accuracy["random"]
    assert explorer.accuracy["random"] > 0.95
    assert explorer.description == explorer.describe()
    assert "75 pictures in 15 bursts" in explorer.description and "too good" in explorer.description
    asked = explorer.live["about"]
    assert asked.startswith("a drawn ") and sum(explorer.live["scores"]) == pytest.approx(1)
    explorer.another()
    assert explorer.live["about"].startswith("a drawn ")
    data, _ = explorer._repr_mimebundle_()
    assert data["text/plain"] == explorer.description in data["text/html"]


def test_chance_labels_are_learned_by_heart_and_only_bursts_tell(network):
    """Each burst is noise of its own and its class a coin: nothing can be known about a new one."""
    rng = np.random.default_rng(5)
    scenes = [np.kron(rng.random((4, 4, 3)), np.ones((10, 10, 1))) for _ in range(16)]
    bursts = [np.clip(scene + rng.normal(0, 0.02, (6, 40, 40, 3)), 0, 1) for scene in scenes]
    explorer = Teach({"heads": bursts[::2], "tails": bursts[1::2]}, network)
    assert explorer.accuracy["random"] > 0.97
    assert explorer.accuracy["burst"] < 0.7


@pytest.mark.parametrize("seed", range(5))
def test_no_burst_is_on_both_sides_and_folds_are_even(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, 120)
    bursts = 10 * labels + rng.integers(0, 6, 120)
    by_burst, at_random = folds(labels, bursts)
    for burst in np.unique(bursts):
        assert len(set(by_burst[bursts == burst])) == 1
    for k in range(4):
        sizes = np.bincount(at_random[labels == k], minlength=FOLDS)
        assert sizes.max() - sizes.min() <= 1
        groups = [len(set(bursts[(labels == k) & (by_burst == fold)])) for fold in range(FOLDS)]
        assert max(groups) - min(groups) <= 1


def test_an_honest_test_needs_two_bursts_of_each(network):
    explorer = Teach({"red": colours(0, 1), "blue": colours(2, 2)}, network)
    assert explorer.accuracy == {} and "two bursts" in explorer.describe()
    explorer.add("red", [np.ones((30, 30, 3))])
    assert set(explorer.accuracy) == {"burst", "random"}
    explorer = Teach(["one", "two"], network)
    explorer.add("one", colours(0))
    explorer.ask(plain(0))
    assert explorer.live["scores"] == [] and "as soon as two classes" in explorer.describe()


def test_the_head_is_what_logistic_regression_finds(network):
    explorer = Teach(network=network)
    other = LogisticRegression(C=1 / (2e-3 * len(explorer._learner.labels)), max_iter=1000)
    other.fit(explorer._learner.vectors / explorer._learner.scale, explorer._learner.labels)
    scenes = datasets.scenes(40, size=64, seed=9, **KNOBS)
    said = np.asarray(explorer.model(explorer.prepare(scenes.images)))
    vectors = np.asarray(network.body(explorer.prepare(scenes.images))) / explorer._learner.scale
    assert np.abs(said - other.predict_proba(vectors)).mean() < 0.03
    assert (said.argmax(axis=1) == scenes.labels).mean() > 0.5


def test_model_and_taught_answer_as_the_page_does(taught):
    assert isinstance(taught.model, keras.Model) and taught.model.layers[-1].name == "taught"
    taught.ask(plain(0))
    answer = np.asarray(taught.model(taught.prepare(plain(0)[None])))[0]
    assert answer == pytest.approx(taught.live["scores"], abs=1e-5)
    assert taught.taught.classes == ("red", "blue")
    assert [best[0][0] for best in taught.taught.predict(np.stack([plain(0), plain(2)]))] == ["red", "blue"]
    assert [best[0][0] for best in taught.taught.predict([plain(2), plain(0, (90, 70))])] == ["blue", "red"]


def test_where_it_looks_is_grad_cam():
    network = pretrained.load("efficientnet_lite0" if pretrained.installed() else "course")
    explorer = Teach(network=network)
    image = datasets.scenes(1, size=224, seed=3, **KNOBS).images[0]
    explorer.ask(image)
    assert explorer.live["places"] == []
    explorer.look = True
    places = np.array(explorer.live["places"], "float32")
    if places.size == 1:
        pytest.skip("the course network ends in one place")
    heat = interpretation.grad_cam(explorer.model, explorer.prepare(image), "top_activation")
    large = keras.ops.image.resize(places[None, ..., None], heat.shape, interpolation="bilinear")
    assert np.corrcoef(np.ravel(large), heat.ravel())[0, 1] > 0.999
    assert explorer.accuracy["burst"] < explorer.accuracy["random"] == 1


# --- Pictures and classes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names", [["one"], list("abcdefg"), ["a", "A"], ["a", " "], ["a", "b" * 25], ["a", 3], ["a", "b\n"], []]
)
def test_bad_names_are_refused(network, names):
    with pytest.raises(ValueError, match="classes must be 2 to 6 different names"):
        Teach(names, network)


def test_classes_come_go_and_change_their_names(taught):
    taught.classes = ["warm", " cold "]
    assert taught.classes == ["warm", "cold"] and taught.counts == [[6, 3], [6, 3]]
    for bad in (["warm"], ["warm", "warm"], ["warm", "cold", "new"]):
        with pytest.raises(ValueError, match="classes must"):
            taught.classes = bad
    taught.classes = ["50% of $x_$", "cold"]
    assert "50% of $x_$ 6" in taught.describe()
    taught.figure().savefig(io.BytesIO())
    taught.classes = ["warm", "cold"]
    taught.new_class("green")
    taught.add("green", colours(1))
    assert taught.accuracy["burst"] == 1 and taught.counts[2] == [6, 3]
    taught.drop_class("warm")
    assert taught.classes == ["cold", "green"] and taught.counts == [[6, 3]] * 2
    assert [best[0][0] for best in taught.taught.predict(np.stack([plain(2), plain(1)]))] == ["cold", "green"]
    with pytest.raises(ValueError, match="2 to 6"):
        taught.drop_class("cold")
    taught.take_back("green")
    assert taught.counts == [[6, 3], [4, 2]]
    with pytest.raises(ValueError, match="name must be one of cold, green"):
        taught.add("warm", colours(0))


@pytest.mark.parametrize("act", ["drop_class", "take_back", "add"])
def test_a_class_that_is_not_there_is_named(taught, act):
    with pytest.raises(ValueError, match=r"name must be one of .*Received: name='moon'"):
        getattr(taught, act)("moon", *([[plain(0)]] if act == "add" else []))


def test_a_folder_that_is_not_there_is_named(network, tmp_path):
    with pytest.raises(ValueError, match=r"path must be a folder.*Received: path='.*nowhere'"):
        Teach.from_folder(tmp_path / "nowhere", network)


def test_no_more_than_so_many_pictures(network):
    explorer = Teach(["full", "empty"], network)
    explorer.add("full", [np.zeros((MOST, 32, 32, 3), "uint8")])
    with pytest.raises(ValueError, match=f"full must have at most {MOST} pictures. Received: {MOST + 1}"):
        explorer.add("full", [np.zeros((32, 32, 3))])
    assert send(explorer, jpeg(plain(0)), do="frame", to=0, new=True)
    assert "at most" in explorer.problem and explorer.counts == [[MOST, 1], [0, 0]]


def test_only_classifiers_will_do():
    with pytest.raises(ValueError, match="network must be a trained classifier"):
        Teach(["a", "b"], pretrained.load("unet"))
    with pytest.raises(ValueError, match="network must be a trained classifier"):
        Teach(["a", "b"], keras.Sequential())


def test_a_folder_of_each_class(network, tmp_path):
    for name, channel in (("red", 0), ("blue", 2)):
        (tmp_path / name / "walk").mkdir(parents=True)
        for k in range(2):
            (tmp_path / name / f"{k}.png").write_bytes(jpeg(plain(channel), "PNG"))
            (tmp_path / name / "walk" / f"{k}.jpg").write_bytes(jpeg(plain(channel, (60, 90))))
    (tmp_path / ".git").mkdir()
    (tmp_path / "red" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "red" / "notes.txt").write_text("my notes")
    (tmp_path / "blue" / "phone.heic").write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(40))
    explorer = Teach.from_folder(tmp_path, network)
    assert explorer.classes == ["blue", "red"] and explorer.counts == [[4, 3]] * 2
    assert explorer.problem.startswith("Left out: 2. phone.heic") and "HEIC" in explorer.problem
    assert explorer.accuracy == {"burst": 1, "random": 1}
    with pytest.raises(ValueError, match="2 to 6"):
        Teach.from_folder(tmp_path / "red", network)


def test_course_pictures_are_bursts_of_one_scene():
    pictures = course_pictures(3, 4)
    for bursts in pictures.values():
        assert [burst.shape for burst in bursts] == [(4, 112, 112, 3)] * 3
        assert bursts[0].dtype == np.uint8


# --- The file --------------------------------------------------------------------------------------------


def test_save_and_load(taught, network, tmp_path):
    taught.save(tmp_path / "mine.npz")
    again = Teach.load(tmp_path / "mine.npz", network)
    assert again.classes == taught.classes and again.counts == taught.counts
    assert again.accuracy == taught.accuracy
    x = taught.prepare(np.stack([plain(0), plain(1)]))
    assert np.allclose(again.model(x), taught.model(x), atol=1e-6)
    again.add("red", colours(0, seed=7))
    assert again.counts[0] == [12, 6]
    with np.load(tmp_path / "mine.npz") as saved:  # numbers and names: no array is a picture
        assert {array.ndim for array in saved.values()} <= {0, 1, 2}
    assert not any(array.dtype == np.uint8 for array in np.load(tmp_path / "mine.npz").values())


def test_another_network_is_refused(taught, tmp_path):
    taught.save(tmp_path / "mine.npz")
    with pytest.raises(ValueError, match="network must be 'course', with which the file was taught"):
        Teach.load(tmp_path / "mine.npz", "scenes_classifier")


class Hostile:
    def __reduce__(self):
        return (print, ("a saved file ran code",))


def header(shape, descr="<f4"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        {"labels": np.array([Hostile()], dtype=object)},
        {"classes": np.array([Hostile(), Hostile()], dtype=object)},
        {"labels": np.full(12, 9)},
        {"labels": np.full(12, -1)},
        {"labels": np.zeros(12)},
        {"bursts": np.zeros(3, "int64")},
        {"kernel": np.full((192, 54), np.nan, "float32")},
        {"kernel": np.zeros((5, 5), "float32")},
        {"vectors": np.zeros(12, "float32")},
        {"classes": np.array("one")},
        {"bias": None},
    ],
)
def test_hostile_and_damaged_files(unharmed, network, tmp_path, change, capsys):
    unharmed.save(tmp_path / "mine.npz")
    arrays = dict(np.load(tmp_path / "mine.npz")) | change
    np.savez(tmp_path / "bad.npz", **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(ValueError, match=r"path must be a file that Teach.save wrote. Received: bad.npz"):
        Teach.load(tmp_path / "bad.npz", network)
    assert "ran code" not in capsys.readouterr().out


def test_a_file_that_claims_to_be_huge_is_not_read(tmp_path):
    path = tmp_path / "huge.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("vectors.npy", header((LARGEST_ARRAY, 1000)))
    with pytest.raises(ValueError, match=r"huge\.npz: .* says that it has 80,000,000,000 bytes"):
        read_saved(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:  # small, and true to its word
        archive.writestr("vectors.npy", header((LARGEST_ARRAY // 4, 1)) + bytes(LARGEST_ARRAY))
    with pytest.raises(ValueError, match="too large"):
        read_saved(path)
    path.write_bytes(b"no zip")
    with pytest.raises(ValueError, match=r"Teach\.save"):
        read_saved(path)
    with pytest.raises(FileNotFoundError):
        read_saved(tmp_path / "nowhere.npz")


# --- What the page may send ------------------------------------------------------------------------------


def test_frames_of_the_camera_are_answered_and_collected(taught):
    frame = jpeg(plain(0))
    assert send(taught, frame, do="frame", to=-1, new=False)
    assert taught.live["about"] == "the camera's picture" and taught.live["scores"][0] > 0.5
    for k in range(4):
        assert send(taught, frame, do="frame", to=0, new=k % 2 == 0)
    assert taught.counts == [[10, 5], [6, 3]] and taught.learning > 0
    while taught.learning:
        assert send(taught, do="learn")
    assert taught.accuracy["burst"] == 1 and taught.problem == ""
    assert "camera's picture: red." in taught.describe()  # no number that changes with every frame


def test_own_pictures_are_in_no_trait_and_in_no_figure(taught):
    sent = []
    taught.send = lambda content, buffers: sent.append((content["show"], buffers))
    assert send(taught, jpeg(plain(0)), do="frame", to=0, new=True)
    assert send(taught, do="hello")
    assert [what for what, _ in sent] == ["small", "small", "picture"]
    assert Image.open(io.BytesIO(sent[-1][1][0])).size == (224, 224)
    state = taught.get_state()
    state = {name: value for name, value in state.items() if name not in ("_esm", "_css", "layout")}
    assert len(json.dumps(state)) < 3000  # text and numbers: no buffers, no pictures
    assert len(taught.figure().axes[0].images) == 0
    taught.another()
    assert len(taught.figure().axes[0].images) == 1


def test_files_for_a_class_and_to_ask(taught):
    assert send(taught, jpeg(plain(2)), do="file", to=1, name="sky.jpg")
    assert taught.counts[1] == [7, 4]
    assert send(taught, jpeg(plain(2)), do="file", to=-1, name="sky.jpg")
    assert taught.live["about"] == "sky.jpg" and taught.live["scores"][1] > 0.5
    upside = Image.fromarray(plain(0)).getexif()
    upside[0x0112] = 6
    half = plain(0).copy()
    half[:, 112:] = 0  # right half black; turned by a quarter, the lower half
    assert send(taught, jpeg(half, exif=upside), do="file", to=-1, name="phone.jpg")
    assert taught._image[:100].mean() > 5 * taught._image[-100:].mean()
    for name, data, words in (
        ("a.heic", b"\x00\x00\x00\x18ftypheic" + bytes(50), "a HEIC photograph"),
        ("a.txt", b"hello", "a text that begins"),
        ("b.jpg", b"", "an empty file"),
    ):
        assert send(taught, data, do="file", to=0, name=name)
        assert taught.problem.startswith(f"{name} must be an image") and words in taught.problem
    assert taught.counts[0] == [6, 3]
    assert send(taught, do="another") and taught.problem == ""


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"do": "format the disk"},
        {"do": "frame"},
        {"do": "frame", "to": "0", "new": True},
        {"do": "frame", "to": 7, "new": True},
        {"do": "file", "to": 7, "name": "a.jpg"},
        {"do": "rename", "at": 9, "name": "x"},
        {"do": "rename", "at": 0, "name": ""},
        {"do": "rename", "at": 0, "name": "blue"},
        {"do": "drop", "at": 0},
        {"do": "drop", "at": -1},
        {"do": "take back", "at": 4},
        {"do": ["frame"]},
    ],
)
def test_nonsense_from_the_page_does_no_harm(unharmed, content):
    assert send(unharmed, jpeg(plain(0)), **content)
    assert unharmed.problem
    assert unharmed.classes == ["red", "blue"] and unharmed.counts == [[6, 3]] * 2


def test_frames_of_no_sense(unharmed):
    for data in (b"", b"\xff\xd8\xff" + bytes(1000), bytes(300_001)):
        assert send(unharmed, data, do="frame", to=0, new=True)
        assert "must be an image" in unharmed.problem
    assert unharmed.counts == [[6, 3]] * 2
    unharmed._receive(unharmed, "no dict", [])
    unharmed._receive(unharmed, {"do": "empty", "id": "1"}, [])
    assert unharmed.classes == ["red", "blue"]


def test_buttons_of_the_page(taught):
    assert send(taught, do="rename", at=0, name="rose") and taught.classes == ["rose", "blue"]
    assert send(taught, do="new class") and taught.classes[2] == "class 3"
    assert send(taught, do="drop", at=2) and len(taught.classes) == 2
    assert send(taught, do="take back", at=1) and taught.counts[1] == [4, 2]
    assert send(taught, do="empty") and taught.classes == ["class 1", "class 2"]
    assert taught.counts == [[0, 0]] * 2
    assert taught.accuracy == {} and taught.live["scores"] == []
    taught.figure()


def test_heic_is_named():
    with pytest.raises(ValueError, match=r"a HEIC photograph, as many phones take them; export it as JPEG"):
        read_image("IMG_1.HEIC", b"\x00\x00\x00\x24ftypmif1" + bytes(100))
