"""What each explorer is asked to do in JupyterLab: its moves by mouse and keys, and its numbers in Python."""

import re

from moves import Case, asked, part, picture, uploaded

METERS = "root => [...root.querySelectorAll('.cv-meter .cv-value')].map(node => Number(node.dataset.value))"
BOLD = """root => [...root.querySelectorAll(".cv-formula b")].map(
  node => Number(node.innerText.replace("−", "-")))"""
SUM = "root => [root.querySelector('.cv-sum').dataset.sum].filter(Boolean).map(Number)"
PARAMETERS = """root => [root.querySelector(".cv-describe").innerText.match(/([\\d,]+) parameters/)[1]].map(
  (count) => Number(count.replaceAll(",", "")))"""
OUTPUT = "explorer.output()[tuple(min(p, n - 1) for p, n in zip(explorer.position, explorer.output().shape))]"
STATISTICS = """root => [...root.querySelectorAll(".cv-formula b.cv-statistics"), ...root.querySelectorAll(
  ".cv-formula b.cv-selected")].map(node => Number(node.innerText.split(" → ").at(-1).replace("−", "-")))"""
SAID = (
    r"[one.replace('−', '-') for one in re.search('norm: (\d+) numbers .* share the mean (.+) and the "
    r"variance (.+)[.] Normalised, the map has the mean (.+) and', explorer.describe()).groups()]"
)
BOARD, SECOND, WORDS = ".cv-board 0", ".cv-board 1", ".cv-describe 0"

SLIDING = {"page": SUM, "parts": (".cv-trio", ".cv-formula, .cv-error", ".cv-play")}
CONVOLUTION = {
    **SLIDING,
    "page": "root => [root.querySelector('.cv-sum').dataset.sum].filter(Boolean).flatMap((sum) => "
    "[sum, ...[...root.querySelectorAll('figcaption')].at(-1).innerText.match(/\\d+/g)])"
    ".map(Number)",
    "python": f"[*np.ravel({OUTPUT})[[explorer.filter]], *explorer.output().shape]",
}
WALK = [(SECOND, "Home", None), (SECOND, "ArrowRight 2", None), (SECOND, "ArrowDown 3", "[3, 2]"),
        (SECOND, "ArrowDown", "[4, 2]"), (SECOND, "ArrowDown", "[5, 2]")]  # fmt: skip

CROWD = """rng = np.random.default_rng(4)
centre = rng.choice([18.0, 44.0], (24, 2)) + rng.normal(0, 3, (24, 2))
half = rng.uniform(7, 13, (24, 2))
found, scores = np.concatenate([centre - half, centre + half], 1), rng.uniform(0.03, 0.98, 24)
labels = rng.integers(0, 2, 24)
image = rng.integers(90, 160, (64, 64, 3)).astype("uint8")
truth = found[:5] + rng.normal(0, 1, (5, 4)), labels[:5]
explorer = explorers.NMS(image, found, scores, labels, truth, ("cat", "<b>dog</b>"))"""
KEPT = (
    METERS + ".concat([...root.querySelectorAll('.cv-row')]"
    ".flatMap((row, k) => (row.dataset.fate === 'stays' ? [k] : [])))"
)
NETWORK = """explorer = explorers.Network(keras.Sequential([
    keras.Input((28, 28, 1)), keras.layers.Conv2D(8, 3, name="conv"), keras.layers.MaxPooling2D(name="pool"),
    keras.layers.Flatten(name="flat"), keras.layers.Dense(10, name="dense")]))"""
PROBLEMS = """def by_light(images):
    light = images.mean(axis=(1, 2, 3)) / 255
    return np.stack([1 - light, np.full_like(light, 0.2), light], axis=1)
explorer = explorers.Problems({
    "light": by_light, "dog": lambda images: np.tile([0, 1.0, 0], (len(images), 1)),
    "duck": lambda images: np.tile([0.1, 0, 0.9], (len(images), 1))})"""
FREEZING = """keras.utils.set_random_seed(0)
images, labels = np.random.default_rng(0).random((20, 8, 8, 1)), np.arange(20) % 2
model = keras.Sequential([
    keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="conv1"), keras.layers.Conv2D(8, 3, name="conv2"),
    keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2, name="dense")])
explorer = explorers.Freezing(model, (images, labels), (images, labels), augment=None, epochs=4,
                              curves={"from scratch": [40, 50]})"""
FEATURES = """keras.utils.set_random_seed(0)
explorer = explorers.FeatureMaps(keras.Sequential([
    keras.Input((32, 32, 3)), keras.layers.Conv2D(8, 3, activation="relu", padding="same", name="conv1"),
    keras.layers.MaxPooling2D(name="pool1"), keras.layers.Conv2D(6, 3, name="conv2"),
    keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2, activation="softmax")]),
    labels=["cat", "dog"])
explorer.channel = 3"""


def norms(*moves):
    return [
        move
        for norm in ("batch", "layer", "instance", "group")
        for move in [(f"button ^{norm}$", "click", f"{norm.capitalize()} norm"), *moves]
    ]


def bars(stage, explorer):
    """The shares beside Pooling's bars are those of the words: the input's, the average's."""
    shown = [one.replace(" ", "") for one in explorer.locator(".cv-bar .cv-value").all_inner_texts()]
    assert re.findall(r"by (\d+%)", explorer.locator(".cv-describe").inner_text()) == [shown[0], shown[2]]


def replayed(stage, explorer):
    """The page's steps are those of Python's rule."""
    code = "other = explorers.Perceptron(points=explorer.points)\nfor _ in explorer.history: other.step()"
    assert stage.ask(code, "other.weights == explorer.weights")


def fraction(stage, explorer):
    """The two numbers of the formula give the IoU of the meter."""
    formula = explorer.locator(".cv-formula").inner_text()
    overlap, union = re.search(r"true\| = (\d+) / (\d+) =", formula).groups()
    assert int(overlap) / int(union) == explorer.evaluate(METERS)[0]


def fates(**least):
    """Return a check: at least so many rows have this fate."""

    def check(stage, explorer):
        found = explorer.locator(".cv-row").evaluate_all("rows => rows.map(row => row.dataset.fate)")
        assert all(found.count(fate) >= count for fate, count in least.items()), found

    return check


def row_by_tab(stage, explorer):
    """After "Start again" and two more buttons, Tab leads to the first row, which shows its box."""
    canvas, image = explorer.locator(".cv-board"), "canvas => canvas.toDataURL()"
    before = canvas.evaluate(image)
    for _ in range(3):
        stage.page.keyboard.press("Tab")
    assert explorer.locator(".cv-row").first.evaluate("row => row === document.activeElement")
    assert canvas.evaluate(image) != before


def answers(stage, explorer):
    assert explorer.locator("[data-answer]").all_inner_texts() == ["✓ cat", "✗ dog", "✗ duck"]


def stopped(stage, explorer):
    """End the run that the last press began; it may be done already."""
    part(explorer, "button (■ Stop|▶ Train)").click()
    if part(explorer, "button ■ Stop").count():
        part(explorer, "button ■ Stop").click()
    part(explorer, "button ▶ Train").wait_for()


CASES = {
    "Convolution by keys": Case("Convolution()", [
        (BOARD, "ArrowRight 3", None), (BOARD, "ArrowDown 2", "Output pixel [10, 10]"),
        ("slider 0", "ArrowRight", "output 26 × 26 × 2"), ("slider 1", "End", "output 22 × 22 × 2"),
        ("slider 2", "ArrowRight", "output 11 × 11 × 2"), ("slider 3", "End", "output 14 × 14 × 2"),
        (BOARD, "End", "Output pixel [13, 13]"),
    ], **CONVOLUTION),
    "Convolution by mouse": Case("Convolution()", [
        (BOARD, ((17.5 / 34, 17.5 / 34),), "Output pixel [13, 13]"),
        (BOARD, ((17.5 / 34, 17.5 / 34), (23.5 / 34, 17.5 / 34)), "Output pixel [13, 19]"),
        (BOARD, "hover", None),  # the button is up: nothing moves
        (WORDS, "see", "Output pixel [13, 19]"), (SECOND, ((17.5 / 34, 17.5 / 34),), "Output pixel [13, 13]"),
        ("combobox 0", "sharpen", "(sharpen)"), ("slider 0", "End", None),
        (".cv-thumb 3", "click", "filter 4"),
    ], **CONVOLUTION),
    "Convolution, typed": Case("Convolution()", [
        (".cv-products input 0", "=1/4", "(own)"), (".cv-products input 0", "=many", None),
        (".cv-error 0", "see", "“many” is not a number"), (".cv-products input 0", "@aria-invalid", "true"),
        (".cv-products input 0", "=−2", None), (".cv-error 0", "gone", None),
        (".cv-products input 0", "ArrowUp", None), (".cv-products input 0", "@value", "−1"),
    ], **CONVOLUTION),
    "Convolution, no stride, play, Python": Case("Convolution()", [
        ("slider 2", "Home", "strides must be a whole number of at least 1"),
        (".cv-error 0", "see", "/ 0⌋ + 1 = ?"), ("slider 2", "ArrowRight", "Output pixel"),
        (".cv-error 0", "gone", None), (BOARD, "Home", "[0, 0]"),
        ("button Play", "click", "Output pixel [1, "), ("button Pause", "click", None),
        asked("explorer.kernel_size = 5; explorer.position = [1, 2]; explorer.kernels = ['blur', 'emboss']",
              "Output pixel [1, 2]"),
        (WORDS, "see", "output 24 × 24 × 2"), (".cv-products input 24", "see", ""),
    ], **CONVOLUTION),
    **{f"Convolution, padding {padding}": Case(
        f"Convolution(kernel='random (He)', kernel_size=4, strides=2, padding={padding})", WALK,
        **CONVOLUTION) for padding in (0, 2)},
    "Pooling": Case("Pooling()", [
        ("slider 0", "ArrowRight", "become 13 × 13"), ("slider 1", "ArrowRight", "become 9 × 9"),
        ("combobox 0", "average", "the average of 9 values"), (BOARD, ((0.5, 0.5),), "Output pixel [4, 4]"),
        (SECOND, "ArrowUp 2", "Output pixel [2, 4]"), ("slider 2", "ArrowRight 2", "A shift of 2 px"), bars,
        ("slider 1", "Home", "strides must be a whole number of at least 1"), (".cv-error 0", "see", "= ?"),
        ("slider 1", "End", "Output"), ("slider 0", "End", None), ("slider 2", "End", None),
    ], python=f"[{OUTPUT}]", **SLIDING),
    **{f"Pooling, {pool}": Case(f"Pooling(pool={pool!r}, pool_size=3, shift=3)", [
        (BOARD, *move[1:]) for move in WALK], python=f"[{OUTPUT}]", **SLIDING)
        for pool in ("max", "average")},
    "Normalization": Case("Normalization()", [
        ("application", "ArrowDown", None), ("application", "ArrowRight 3", None),
        ("button ^layer$", "Enter", "512 numbers (image 1, channels 0 to 7)"),
        ("button ^layer$", "@aria-pressed", "true"),
        ("button ^instance$", "Enter", "64 numbers (image 1, channel 5)"),
        ("button ^group$", "Enter", "256 numbers (image 1, channels 4 to 7)"),
        ("button ^batch$", "Enter", "384 numbers (images 0 to 5, channel 5)"),
        ("button ^group$", "click", None), ("combobox 0", "4", "128 numbers (image 1, channels 4 to 5)"),
        ("button ^batch$", "click", None), ("slider 0", "Home", "64 numbers (image 0, channel 5)"),
        ("application", ((0.97, 0.15),), "(image 0, channel 7)"),
    ], STATISTICS, SAID),
    **{f"Normalization, {width}": Case("Normalization()", norms(("checkbox", "click", None)), STATISTICS,
                                       SAID, parts=(".cv-canvas", ".cv-formula"), width=width)
       for width in (1280, 1920)},
    "Perceptron": Case("Perceptron()", [
        ("button XOR", "click", None), *[("button Step", "click", None)] * 5,
        ("button Step", "click", "6 points shown"), (WORDS, "see", "never rest"), replayed,
        (BOARD, "4", None), (BOARD, "ArrowLeft 14", None), (BOARD, "ArrowDown 14", "the rule will find one"),
        (BOARD, " ", re.compile("Wrong now|are right")), ("button AND", "click", None),
        ("button Play", "click", "the rule rests"), (BOARD, ((0.75, 0.25),), "Wrong now: point 4"),
        (BOARD, ((0.75, 0.25),), "the rule rests"), (BOARD, ((0.75, 0.25), (0.1, 0.9)), "Wrong now: point 4"),
    ], page=BOLD, python="explorer.weights", near=0.006),
    "BoxLoss": Case("BoxLoss()", [
        (BOARD, "ArrowRight", None), (BOARD, "Shift+ArrowUp", None),
        (BOARD, ((0.3, 0.7), (0.5, 0.5)), "overlap"), ("button far away", "click", "No overlap"),
        (".cv-meter .cv-value 0", "see", "1.00"), ("combobox 0", "giou", None),
        ("button Descend", "click", "two boxes overlap"), ("button true box", "click", "is the true box"),
        (".cv-meter .cv-value 2", "see", "0.00"),
    ], METERS, "(lambda one: [1 - one['iou'], 1 - one['generalized_iou'], one['smooth_l1']])"
               "(explorer.measures())"),
    "MaskLoss": Case("MaskLoss(scene='far')", [
        (BOARD, ((0.6, 0.6), (0.65, 0.8)), "missed"),
        ("button the truth", "click", "missed 0, false alarms 0"),
        ("button nothing", "click", "Found 0, missed 41"),
        (BOARD, ((0.2, 0.2),), "false alarms 25"),  # a brush of 5 × 5
        (BOARD, "Shift+ArrowRight", "false alarms 30"),
        (BOARD, " ", "false alarms 5"),  # on a painted pixel: clears
        ("combobox 0", "near", "(25.9%)"),
    ], METERS, "(lambda one: [one['cross_entropy'], one['dice_loss'], 1 - one['iou'], one['accuracy']])"
               "(explorer.measures())"),
    "Mask": Case("Mask()", [
        (WORDS, "see", "At threshold 0.50"), ("slider Threshold", "ArrowRight 3", "At threshold 0.65"),
        ("slider Threshold", "End", "At threshold 0.95"),
        ("slider Threshold", ((0.9, 0.5), (0.3, 0.5), (0.02, 0.5)), "At threshold 0.05"),
        ("combobox Class", "cat", "the picture shows no cat"),
        ("button Picture 3", "Enter", re.compile(r"of \d+ true ones are found")),
        ("button Picture 3", "@aria-pressed", "true"), fraction,
    ], METERS, "list(explorer.measures().values())"),
    "OptimizerRace": Case("OptimizerRace()", [
        ("slider 0", "End", "learning rate 1,"), ("slider 1", "End", "momentum 0.99,"),
        ("slider 2", "Home", "after 0 steps"), ("combobox 0", "bent valley", "Bent valley"),
        ("button", "click", None), (".cv-formula 0", "see", "diverged"),
    ]),
    **{f"OptimizerRace {arguments}": Case(
        f"OptimizerRace({arguments})", [("slider 2", "ArrowLeft 3", None)],
        "root => JSON.parse(root.querySelector('.cv-formula').dataset.ends).flat()",
        "[x for way in explorer.paths().values() for x in way[min(explorer.step, len(way) - 1)]]", 1e-6)
        for arguments in ("step=60", "'saddle', rate=6", "'bent valley', momentum=4")},
    "Capacity": Case("Capacity()", [
        ("slider 0", "Home", "Small network"), ("slider 1", "End", "4,000 training images"),
        *[("combobox 0", remedy, f"remedy: {remedy}") for remedy in (
            "dropout", "augmentation", "weight decay", "all three")],
        ("slider 1", ((0.9, 0.5), (0.02, 0.5)), None),
        ("combobox 1", "accuracy", None), (".cv-chart polyline 2", "see", ""),
    ]),
    "Scaling": Case("Scaling()", [
        ("slider 0", "ArrowRight", None), ("slider 1", "ArrowLeft", None),
        ("button B3", "click", "This is B3"), (":is(svg) g -1", "click", "This is B7"),
        ("slider 3", "Home", "168 × 168"), ("slider 0", "End", None), ("slider 1", "End", None),
        ("slider 2", "End", "640 × 640"),
    ], PARAMETERS + ".concat("
       "['depth', 'width'].map((_, k) => Number(root.querySelectorAll('input')[k].value)))",
       "[explorer.params, explorer.depth, explorer.width]", parts=("svg", ".cv-formula")),
    "Latent": Case("Latent(z=(0, 0))", [
        (BOARD, "ArrowRight", "z = (0.10, 0.00)"), (BOARD, "Shift+ArrowUp", "z = (0.10, 0.50)"),
        (".cv-formula 0", "see", "z = (0.10, 0.50)"),
        (BOARD, ((0.5, 0.5), (2.0, 0.5)), "0.00)"), (".cv-formula 0", "see", "0 %"),  # out of the plane
        (BOARD, "Home", "z = (0.00, 0.00)"), ("button Throw", "click", re.compile(r"z = \((?!0.00, 0.00)")),
        ("checkbox", "click", None), ("button Walk", "click", None), ("button Stop", "click", None),
        ("button Middle", "click", "z = (0.00, 0.00)"),
    ], """root => { const canvas = root.querySelector("[aria-label='The picture at z']");
        if (canvas.dataset.exact !== "true") return null;
        const { data } = canvas.getContext("2d").getImageData(0, 0, 2, 1);
        return Array.from(data).filter((_, k) => k % 4 < 3); }""",
       "list(explorer.look['made'][:6])"),
    "NMS": Case(CROWD, [
        fates(waits=10), ("button Next", "click", None), fates(stays=1, out=1),
        ("button All", "Enter", ", 0 waiting"), ("slider 0", "ArrowRight 12", None),
        ("slider 1", "ArrowLeft 15", None), ("slider 1", "End", None), ("slider 1", "Home", None),
        ("slider 1", "ArrowRight 45", None), ("slider 0", "Home", None),
        ("slider 0", "End", "No box reaches"), fates(low=24),
    ], KEPT, "[explorer.measures()['precision'], explorer.measures()['recall'], *sorted(explorer.kept())]"),
    "NMS, rows": Case(CROWD, [
        ("button Next", "Enter 30", ", 0 waiting"),  # more often than there are rounds
        ("button Start again", "click", "0 boxes kept"), row_by_tab,
        (".cv-row b 0", "gone", None),  # names are text, never HTML
    ]),
    "Network by keys": Case(NETWORK, [
        ("listbox", "ArrowRight", "Chosen: pool"), ("listbox", "End", "Chosen: dense"),
        ("listbox", "ArrowLeft", "Chosen: flat"), ("listbox", "Home", "Chosen: input"),
        ("listbox", "ArrowRight", "Chosen: conv"), ("slider 1", "ArrowRight", "output 26×26×12"),
        ("slider 2", "ArrowRight", "output 25×25×12"), ("slider 3", "ArrowRight", "output 13×13×12"),
        ("slider 0", "ArrowRight", "input 32×32×1"), ("text was 13,610", "see", ""),
        ("button Undo all", "Enter", "input 28×28×1: 13,610 parameters"),
        ("slider 2", "End", "output 18×18×8"), ("slider 0", "Home", "the last network stays"),
        ("alert", "see", "its window of 11×11 does not fit"),
        ("button Undo all", "click", "13,610 parameters"), ("alert", "gone", None),
    ]),
    "Network by mouse": Case(NETWORK, [
        ("option ^dense", "click", "Chosen: dense"),
        ("slider 1", ((0.25, 0.5), (0.999, 0.5)), "output 8192")]),
    "Network, VGG16": Case("from cvcourse.models import vgg\nexplorer = explorers.Network(vgg.vgg16)", [
        ("listbox", "whole", None), ("option ^fc1", "click", "Chosen: fc1"),
        ("text parameters 25088·4096 [+] 4096 = 102,764,544", "whole", None)]),
    "Problems": Case(PROBLEMS, [
        ("slider Turn", "ArrowRight", "turned by 5°"),
        ("slider Light", "Home", "light 5 %. light: cat, right; dog: dog, wrong; duck: duck, wrong."),
        answers, ("combobox Picture", "duck", "A duck, turned by 5°, light 5 %. light: cat, wrong"),
        ("combobox Background", "grass", "on grass"), ("img right at 40 of 40 positions of Light", "see", ""),
        ("button Reset", "click", "A duck. "),
        ("img right at 40 of 40 positions of Light", ((0.5, 0.5),), "A duck, light 105 %"),
        *[(f"slider {k}", "End", None) for k in range(4)],
    ], "root => [...root.querySelectorAll('[data-answer]')].map(one => Number(one.innerText[0] === '✓'))",
       "[explorer.view['truth'] == answer for answer in explorer.answers().values()]",
       parts=("canvas", ":has(> [data-answer])"), width=1280),
    "Freezing": Case(FREEZING, [
        (WORDS, "see", "All trainable: 354 parameters learn, 0 are frozen."),
        ("option conv1", "click", "Layer 1 frozen: 314 parameters learn, 40 are frozen."),
        ("listbox", "ArrowRight", None), ("listbox", "Space", "Only the classifier: 18 parameters learn"),
        ("option ^Layer 2, conv2, frozen", "see", ""), ("listbox", "End", None),
        ("listbox", "Enter", "All frozen: 0 parameters learn"),
        ("button ▶ Train", "click", "Nothing can learn"),
        ("button all trainable", "Enter", "All trainable: 354"),
        ("button freeze the first half", "click", "Layer 1 frozen"),
        ("button all trainable", "click", "All trainable"),
        ("button ▶ Train", "click", re.compile(r"all trainable \d+ %\.$")),
        (".cv-chart polyline 1", "see", ""), (".cv-chart polyline 2", "gone", None),
        ("button the classifier", "click", None), ("button ▶ Train", "click", None), stopped,
    ], PARAMETERS, "[explorer.cost['trainable']]"),
    "Quiz": Case("Quiz('03')", [
        (".cv-option 1", "click", "not checked yet"), (":is(input) 0", "ArrowDown", "not checked yet"),
        ("button Check", "Enter", re.compile("[✓✗]")), ("button Next", "click", "Question 2 of 7"),
        ("button Back", "Enter", re.compile("Question 1 of 7. [✓✗]")),
    ]),
    "FeatureMaps by keys": Case(FEATURES, [
        (WORDS, "see", "row 16, column 16, channel 3"),
        ("img 1", "ArrowRight", "row 16, column 17, channel 3"),
        ("img 1", "ArrowUp", "row 15, column 17, channel 3"), ("img 1", "Home", "row 0, column 0, channel 3"),
        ("img 1", "PageDown", "row 0, column 0, channel 4"), ("img 2", "ArrowLeft", "channel 3"),
        ("img 2", "End", "channel 7"), ("img 3", "Home", None), ("text input channel 0 of 3", "see", ""),
        ("img 3", "ArrowRight", None), ("text input channel 1 of 3", "see", ""),
    ]),
    "FeatureMaps by mouse": Case(FEATURES, [
        ("img 1", ((2.5 / 32, 30.5 / 32),), "row 30, column 2, channel 3"),
        ("img 2", ((0.03, 0.05),), "channel 0"), ("combobox Layer", "conv2", "conv2, row 13, column 1"),
        ("combobox Image", "coffee", "coffee. conv2"),
        ("text The network says: (cat|dog), \\d+ %", "see", ""),
    ]),
    "FeatureMaps, upload": Case(FEATURES, [
        uploaded("notes.txt", b"These are my notes, not an image.", "a text that begins with 'These are my'"),
        ("alert", "see", "notes.txt must be an image"),
        uploaded("tiny.png", picture("teal"), "upload: tiny.png. conv1"), ("alert", "gone", None),
    ]),
}  # fmt: skip
