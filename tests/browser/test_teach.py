"""The teaching explorer in JupyterLab: a fake camera, no camera, no permission, files, mouse and keyboard."""

import re

import axe
import numpy as np
import pytest
from lab import FLAGS, Stage, chromium_path, says, size
from PIL import Image

FAKE = ("--use-fake-device-for-media-stream", "--deny-permission-prompts")
OWN = 'explorer = explorers.Teach(["mug", "pen"], network="course")'
SCENES = 'explorer = explorers.Teach(network="course")'

PIXEL = "y => document.querySelector('.cv-explorer canvas').getContext('2d').getImageData(112, y, 1, 1).data"


@pytest.fixture(scope="module")
def only_filmed(chromium, lab, only_stage):
    """A notebook in a Chromium with a camera, which it must ask for; the kernel is that of all explorers."""
    launch = chromium.browser.browser_type.launch
    browser = launch(executable_path=chromium_path(), args=[*FLAGS, *FAKE])
    stage = Stage(browser.new_context(), lab, "filmed.ipynb", only_stage.kernel)
    yield stage
    stage.page.close()
    browser.close()


@pytest.fixture
def filmed(only_filmed):
    """The same, where the camera is lent."""
    only_filmed.page.context.grant_permissions(["camera"])
    with only_filmed.watched():
        yield only_filmed
    only_filmed.page.context.clear_permissions()


def camera(explorer):
    """Start the camera and wait for its answers."""
    explorer.get_by_role("button", name="Start the camera").click()
    explorer.get_by_text("answers a second").wait_for(timeout=60_000)


def hold(explorer, name):
    return explorer.get_by_role("button", name=f"Hold to collect pictures of {name}")


def picture(path, colour, **more):
    """Write a noisy picture of one colour, so that no two are the same."""
    noise = np.random.default_rng(len(path.name)).integers(0, 60, (90, 120, 3))
    Image.fromarray((noise + np.array(colour)).astype("uint8")).save(path, **more)
    return path


def test_the_camera_is_answered_and_collected_with_mouse_and_keyboard(filmed):
    explorer, page = filmed.show(OWN), filmed.page
    keyboard, mouse = page.keyboard, page.mouse
    before = size(explorer)
    assert before[0] <= 1000 and before[1] <= 560
    assert hold(explorer, "mug").is_disabled()
    camera(explorer)
    for key, bursts in (("Space", 1), ("Enter", 2)):
        hold(explorer, "mug").focus()
        keyboard.down(key)
        explorer.get_by_text(re.compile(rf"\d+ in {bursts} burst")).wait_for()
        page.wait_for_timeout(1500)
        keyboard.up(key)
    says(explorer, "It learns as soon as two classes have pictures.")
    for _ in range(2):
        box = hold(explorer, "pen").bounding_box()
        mouse.move(box["x"] + 20, box["y"] + 10)
        mouse.down()
        page.wait_for_timeout(1500)
        mouse.up()
        page.wait_for_timeout(300)
    says(explorer, re.compile(r"Held out burst by burst, \d+ % .*The answer to the camera.s picture: \w+"))
    counts = [int(n) for n in re.findall(r"(?:mug|pen) (\d+)", explorer.locator(".cv-describe").inner_text())]
    assert min(counts) > 4  # a held button collects more than one, also where another one had the focus
    explorer.get_by_label("Show where it looks").press("Space")
    explorer.get_by_role("button", name="Take back the last burst of pen").click()
    says(explorer, "in 3 bursts")
    explorer.get_by_role("button", name="Stop the camera").click()
    assert hold(explorer, "mug").is_disabled()
    assert page.evaluate(PIXEL, 112)[1] > 60  # the fake camera is green; its last picture stays
    assert size(explorer) == before


def test_a_short_press_collects_one_picture(filmed, record_property):
    explorer = filmed.show(OWN)
    camera(explorer)
    hold(explorer, "pen").press("Enter")
    says(explorer, "1 pictures in 1 bursts: mug 0, pen 1.")
    hold(explorer, "pen").click()
    says(explorer, "2 pictures in 2 bursts: mug 0, pen 2.")
    record_property("explorer", ("Teach", "JupyterLab", "mouse, keyboard"))


@pytest.mark.parametrize(
    ("fixture", "words"),
    [
        ("stage", "No camera was found."),
        ("only_filmed", "The browser was not allowed to use the camera."),
        ("filmed", "Browsers lend a camera only to pages from localhost or over https"),
    ],
)
def test_without_a_camera_there_are_other_ways(request, fixture, words):
    stage = request.getfixturevalue(fixture)
    explorer, insecure = stage.show(SCENES), "localhost" in words
    before = size(explorer)
    if insecure:  # what a page over http from another machine finds
        define = "Object.defineProperty(navigator, 'mediaDevices', {value: undefined, configurable: true})"
        stage.page.evaluate(define)
    explorer.get_by_role("button", name="Start the camera").click()
    explorer.get_by_role("alert").filter(has_text=words).wait_for()
    assert "Choose files instead" in explorer.get_by_role("alert").inner_text()
    explorer.get_by_role("button", name="Start the camera").wait_for()
    if insecure:
        stage.page.evaluate("delete navigator.mediaDevices")
    assert axe.violations(stage.page, ".cv-explorer") == []
    asked = explorer.locator(".cv-describe").inner_text()
    explorer.get_by_role("button", name="Ask a scene").click()
    changed = "old => document.querySelector('.cv-describe').innerText !== old"
    explorer.page.wait_for_function(changed, arg=asked)
    assert size(explorer) == before


def test_files_are_added_asked_about_or_refused(stage, tmp_path):
    explorer = stage.show(OWN)
    before = size(explorer)
    red = [picture(tmp_path / f"red{'x' * k}.jpg", (190, 20, 20)) for k in range(3)]
    blue = [picture(tmp_path / f"blue{'x' * k}.png", (20, 20, 190)) for k in range(3)]
    explorer.get_by_label("Files for mug").set_input_files(red)
    says(explorer, "mug 3, pen 0")
    explorer.get_by_label("Files for pen").set_input_files(blue)
    says(explorer, re.compile(r"mug 3, pen 3\. Held out burst by burst, \d+ %"))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter: the black right half comes to lie below
    noise = np.asarray(Image.open(red[0])).copy()
    noise[:, 60:] = 0
    phone = tmp_path / "phone.jpg"
    Image.fromarray(noise).save(phone, exif=exif)
    explorer.get_by_label("File to ask about").set_input_files(phone)
    says(explorer, re.compile(r"The answer to phone.jpg: mug, \d+ %"))
    explorer.page.wait_for_function(f"() => ({PIXEL})(40)[0] > 120")
    assert explorer.page.evaluate(PIXEL, 200)[0] < 40
    heic, text = tmp_path / "IMG_1.heic", tmp_path / "notes.txt"
    heic.write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(60))
    text.write_text("my notes")
    for file, words in ((heic, "a HEIC photograph"), (text, "a text that begins with 'my notes'")):
        explorer.get_by_label("Files for pen").set_input_files(file)
        explorer.get_by_role("alert").filter(has_text=words).wait_for()
        assert size(explorer) == before
    says(explorer, "mug 3, pen 3")


def test_classes_by_keyboard_and_nothing_jumps(stage):
    explorer = stage.show(SCENES)
    says(explorer, re.compile(r"75 pictures in 15 bursts: .*too good"))
    explorer.get_by_text("nothing is written to a file or sent anywhere else").wait_for()
    before = size(explorer)
    for number in (4, 5, 6):
        explorer.get_by_role("button", name="+ Class").press("Enter")
        explorer.get_by_role("textbox", name=f"Name of class {number}").wait_for()
    name = explorer.get_by_role("textbox", name="Name of class 6")
    name.fill("<b>dog</b>")
    name.press("Enter")
    says(explorer, "class 5 0, <b>dog</b> 0")
    name.fill("dog")
    name.press("Enter")
    explorer.get_by_role("alert").filter(has_text="different names").wait_for()
    assert name.input_value() == "<b>dog</b>"
    explorer.get_by_role("button", name="Remove cat").press("Space")
    says(explorer, "50 pictures in 10 bursts: dog 25")
    assert size(explorer) == before
    explorer.get_by_role("button", name="Start with empty classes").press("Enter")
    says(explorer, "0 pictures in 0 bursts: class 1 0, class 2 0.")
    assert explorer.get_by_role("button", name="Remove class 1").is_disabled()
    assert size(explorer) == before
