"""One rule for each type of pixel; files of Pillow, scikit-image and tifffile."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage import img_as_ubyte
from skimage.io import imsave

from cvcourse.datasets import formats, pixels
from cvcourse.datasets.files import picture_size
from cvcourse.datasets.upload import read_image

RAMP = np.linspace(0, 255, 30).astype("uint8").reshape(5, 6)
REFUSED, ANY = None, object()


def write(path, array):
    """A file of this array: PNG by scikit-image, TIFF by tifffile, other kinds by Pillow."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png" and isinstance(array, np.ndarray):
        imsave(path, array, check_contrast=False)
    elif path.suffix == ".tif" and isinstance(array, np.ndarray):
        tifffile.imwrite(path, array, photometric="rgb" if array.ndim == 3 else None)
    else:
        (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(path)
    return path


def palette():
    image = Image.fromarray((RAMP > 100).astype("uint8") * 3, "L").convert("P")
    image.putdata(((RAMP > 100) * 3).ravel().tolist())
    image.putpalette([10, 20, 30] * 3 + [200, 100, 0])
    return image


def la(alpha=200):
    return Image.merge("LA", (Image.fromarray(RAMP), Image.new("L", (6, 5), alpha)))


COLOURS = np.stack([RAMP, RAMP[::-1], 255 - RAMP], axis=-1)
GREY = np.stack([RAMP] * 3, axis=-1)
TWO = np.where(palette_ := RAMP > 100, 200, 10), np.where(palette_, 100, 20), np.where(palette_, 0, 30)
SIXTEEN = (RAMP.astype("uint16") << 8) + 77

# file, what is written, the picture, the mask; REFUSED where no rule makes it one
TYPES = [
    ("bool.tif", RAMP > 100, np.stack([(RAMP <= 100) * 255] * 3, -1), RAMP > 100),  # tifffile's 0 is white
    ("bit.png", Image.fromarray(RAMP > 100), np.stack([(RAMP > 100) * 255] * 3, -1), RAMP > 100),
    ("uint8.png", RAMP, GREY, RAMP), ("uint8.tif", RAMP, GREY, RAMP), ("uint8.bmp", RAMP, GREY, RAMP),
    ("grey.png", GREY, GREY, RAMP), ("rgb.png", COLOURS, COLOURS, REFUSED),
    ("rgb.tif", COLOURS, COLOURS, REFUSED), ("palette.png", palette(), np.stack(TWO, -1), (RAMP > 100) * 3),
    ("palette.gif", palette(), np.stack(TWO, -1), ANY), ("la.png", la(), GREY, RAMP),
    ("rgba.png", np.dstack([COLOURS, RAMP]), COLOURS, REFUSED),
    ("cmyk.tif", Image.fromarray(COLOURS).convert("CMYK"), COLOURS, REFUSED),
    ("uint16.png", SIXTEEN, GREY, SIXTEEN),
    ("uint16.tif", SIXTEEN, img_as_ubyte(np.dstack([SIXTEEN] * 3)), SIXTEEN),
    ("rgb16.tif", np.dstack([SIXTEEN] * 3), GREY, ANY),
    ("int8.tif", (RAMP // 2).astype("int8"), GREY // 2, RAMP // 2),
    ("negative8.tif", (RAMP // 2).astype("int8") - 9, REFUSED, REFUSED),
    ("int16.tif", RAMP.astype("int16"), GREY, RAMP), ("int32.tif", RAMP.astype("int32"), GREY, RAMP),
    ("uint32.tif", RAMP.astype("uint32"), GREY, RAMP),
    ("hounsfield.tif", RAMP.astype("int16") * 12 - 1000, REFUSED, REFUSED),
    ("many.tif", RAMP.astype("int32") * 1000, REFUSED, RAMP.astype("int32") * 1000),
    ("large.tif", RAMP.astype("uint32") << 24, REFUSED, RAMP.astype("int64") << 24),
    ("float32.tif", RAMP / np.float32(255), GREY, REFUSED),
    ("float255.tif", RAMP.astype("float32"), REFUSED, RAMP),
    ("nan.tif", np.where(RAMP > 9, np.float32(1), np.float32("nan")), REFUSED, REFUSED),
    ("int64.tif", RAMP.astype("int64"), REFUSED, REFUSED),
    ("rgb32.tif", COLOURS / np.float32(255), REFUSED, REFUSED),
]  # fmt: skip


@pytest.mark.parametrize(("name", "array", "picture", "mask"), TYPES, ids=[name for name, *_ in TYPES])
def test_each_type_has_one_rule_everywhere(tmp_path, name, array, picture, mask):
    path = write(tmp_path / "class" / name, array)
    if picture is REFUSED:
        for read in (lambda: formats.folders(tmp_path), lambda: read_image(name, path.read_bytes())):
            with pytest.raises(ValueError, match=name):
                read()
    else:
        np.testing.assert_array_equal(formats.folders(tmp_path)[0].image, picture)
        np.testing.assert_array_equal(np.asarray(read_image(name, path.read_bytes())), picture)
    if mask is REFUSED:
        with pytest.raises(ValueError, match=f"{name} cannot be read"):
            pixels.read(path, pixels.labels)
    elif mask is not ANY:  # a type that masks do not have
        np.testing.assert_array_equal(pixels.read(path, pixels.labels), mask)


def binary(path):
    return pixels.read(path, pixels.binary)


@pytest.mark.parametrize("top", [1, 2, 100, 255])
@pytest.mark.parametrize("end", [".png", ".tif", ".bmp", ".gif"])
def test_a_binary_mask_keeps_its_pixels_whatever_its_numbers(tmp_path, top, end):
    truth = RAMP > 100
    np.testing.assert_array_equal(binary(write(tmp_path / f"a{end}", truth.astype("uint8") * top)), truth)


def test_binary_masks_of_other_kinds(tmp_path):
    truth = np.zeros((64, 64), bool)
    truth[11:43, 20:50] = True
    small = Image.fromarray(truth).resize((16, 16)).convert("L")
    soft = np.asarray(small.resize((64, 64), Image.Resampling.BILINEAR))
    cases = [
        ("a.png", palette(), RAMP > 100),
        ("b.png", soft, soft > 127),
        ("c.png", RAMP * 0 + 9, RAMP >= 0),
        ("d.png", np.arange(30, dtype="uint8").reshape(5, 6), np.arange(30).reshape(5, 6) > 0),
    ]
    for name, array, expected in cases:
        np.testing.assert_array_equal(binary(write(tmp_path / name, array)), expected)
    for top in (100, 255):
        assert (binary(write(tmp_path / "a.jpg", truth.astype("uint8") * top)) != truth).mean() < 0.01
    assert not binary(write(tmp_path / "e.jpg", truth * np.uint8(0))).any()
    shape = Image.merge("LA", (Image.new("L", (64, 64)), Image.fromarray(truth.astype("uint8") * 255)))
    for array, words in ((truth.astype("uint8") + 1, "background .* must be 0"), (shape, "transparency")):
        with pytest.raises(ValueError, match=words):
            binary(write(tmp_path / "f.png", array))


def test_folders_and_uploads_turn_as_exif_says_and_boxes_do_not(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # turn by 90° to the right
    path = tmp_path / "class" / "a.png"
    path.parent.mkdir()
    Image.fromarray(COLOURS).save(path, exif=exif)
    upright = np.rot90(COLOURS, -1)
    np.testing.assert_array_equal(formats.folders(tmp_path)[0].image, upright)
    np.testing.assert_array_equal(np.asarray(read_image("a", path.read_bytes())), upright)
    np.testing.assert_array_equal(pixels.read(path, pixels.rgb), COLOURS)


# --- whole, broken and hostile files ---------------------------------------------------------------------


def png(*chunks, size=(20_000, 20_000)):
    """A PNG of one bit, put together by hand."""
    head = struct.pack(">IIBBBBB", *size, 1, 0, 0, 0, 0)
    lines = zlib.compress(bytes(size[1] * (1 + -(-size[0] // 8))), 9) if size[0] < 1000 else b""
    data = b"\x89PNG\r\n\x1a\n"
    for kind, content in ((b"IHDR", head), *chunks, (b"IDAT", lines), (b"IEND", b"")):
        crc = zlib.crc32(kind + content)
        data += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)
    return data


TEXT = (b"zTXt", b"note\x00\x00" + zlib.compress(bytes(5_000_000)))


def saved(array, kind):
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png(), "too many pixels"),
        (png(TEXT, size=(8, 8)), "a text of megabytes"),
        (saved(COLOURS, "PNG")[:-40], "cut off"),
        (saved(COLOURS, "JPEG")[:-9], "cut off"),
        (saved(COLOURS, "TIFF")[:-40], "cut off"),
        (saved(COLOURS, "PNG").replace(b"IDAT", b"IDAt"), "no picture can be read"),
        (b"text", "of no kind or type"),
    ],
    ids=["bomb", "text chunk", "cut PNG", "cut JPEG", "cut TIFF", "bit", "text"],
)
@pytest.mark.reliability(
    "pictures that are broken, or bombs",
    "each is named with its reason; the others are read",
)
def test_broken_and_hostile_pictures_are_found_when_listed(tmp_path, data, words):
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "bad.png").write_bytes(data)
    with pytest.raises(ValueError, match=rf"class/bad\.png: .*{words}"):
        formats.folders(tmp_path)
    with pytest.raises(ValueError, match=r"bad\.png must be an image"):
        read_image("bad.png", data)
    with pytest.raises(ValueError, match=r"bad\.png cannot be read"):
        pixels.read(tmp_path / "class" / "bad.png", pixels.rgb)


@pytest.mark.reliability("an upload that is no picture", "its name and the reason")
def test_uploads_say_what_is_wrong():
    for data, words in ((png(), "far too many pixels"), (png(TEXT, size=(8, 8)), "a text of megabytes")):
        with pytest.raises(ValueError, match=rf"a\.png .*{words}"):
            read_image("a.png", data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_data_behind_the_end_of_a_picture_are_no_fault(tmp_path, kind):
    thumbnail = Image.Exif()
    thumbnail[0x9286] = saved(COLOURS, "JPEG")
    path = tmp_path / "a"
    Image.fromarray(COLOURS).save(path, kind, exif=thumbnail)
    whole = path.read_bytes()
    path.write_bytes(whole + b"\xff\xda" + bytes(5000))
    assert picture_size(path) == (6, 5)
    path.write_bytes(whole[:-30] + (bytes(1100) if kind == "JPEG" else b""))
    assert picture_size(path) == "the picture is cut off"


def test_folders_lists_every_kind_and_no_copies(tmp_path):
    for name in (
        "a/1.tif",
        "a/2.webp",
        "b/3.jpg",
        "b/deep/4.png",
        "b/.ipynb_checkpoints/4.png",
        "b/._3.jpg",
        ".hidden/5.png",
    ):
        write(tmp_path / name, COLOURS)
    examples = formats.folders(tmp_path)
    assert [example.name for example in examples] == ["1.tif", "2.webp", "3.jpg", "4.png"]
    assert examples.classes == ("a", "b")
    write(tmp_path / "6.png", COLOURS)
    assert formats.folders(tmp_path, bad="skip").skipped == [("6.png", "it lies in no class's folder")]


def test_two_files_of_one_name_are_named(tmp_path):
    for name in ("images/a.png", "images/a.jpg", "images/b.png", "images/c.png"):
        write(tmp_path / name, COLOURS)
    for name in ("a.png", "b.png", "b.tif", "c.png"):
        write(tmp_path / "masks" / name, (RAMP > 100).astype("uint8"))
    examples = formats.masks(tmp_path / "images", tmp_path / "masks", "binary", bad="skip")
    assert [example.name for example in examples] == ["c.png"]
    assert [reason for _, reason in examples.skipped] == [
        "two files of one name: a.jpg, a.png",
        "two files of one name: b.png, b.tif",
    ]


def test_masks_that_would_fill_the_memory_are_named(tmp_path):
    numbers = np.arange(256 * 256, dtype="uint16").reshape(256, 256)
    write(tmp_path / "images" / "a.png", np.zeros((256, 256, 3), "uint8"))
    write(tmp_path / "masks" / "a.png", numbers)
    with pytest.raises(ValueError, match=r"a\.png: the masks of its 65,535 objects would take 4\.3 GB"):
        formats.masks(tmp_path / "images", tmp_path / "masks", "instances")
    with pytest.raises(ValueError, match="classes must be at most 254"):
        formats.masks(tmp_path / "images", tmp_path / "masks", "classes", [f"{k}" for k in range(300)])
    with pytest.raises(ValueError, match=r"must be one for each of .*, but 0"):
        formats.masks(tmp_path / "images", tmp_path / "masks", "classes", "a", values=(0,))


def test_no_warning_for_a_large_picture(tmp_path):
    path = write(tmp_path / "a.png", np.zeros((2000, 3000), "uint8"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert picture_size(path) == (3000, 2000)
