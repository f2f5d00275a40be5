"""Key press to new picture, for each explorer, in a real JupyterLab in headless Chromium.

    python benchmarks/explorers.py [presses]

"drawn" ends when the explorer has drawn its state, "on screen" when the browser has painted the frame after
that (at 60 frames a second a frame alone waits for up to 17 ms). Both begin with the key's own time stamp.
"""

import statistics
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
from lab import Lab, Notebook, chromium_path, open_browser

AROUND = ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp")
#: name: (most milliseconds, cell, CSS of what takes the keys, keys)
CASES = {
    "Convolution, window": (20, "Convolution()", ".cv-board", AROUND),
    "Convolution, K = 4, F = 7, window": (
        20,
        "Convolution(kernel=['edges', 'blur', 'emboss', 'sharpen'], kernel_size=7, padding=3)",
        ".cv-board",
        AROUND,
    ),
    "Convolution, stride": (20, "Convolution()", "[aria-label='Stride S']", ("ArrowRight", "ArrowLeft")),
    "Pooling, window": (20, "Pooling()", ".cv-board", AROUND),
    "Pooling, shift": (20, "Pooling()", "[aria-label='Shift of the input']", ("ArrowRight", "ArrowLeft")),
    "Network, VGG16, input size": (
        100,
        "Network(lambda: keras.applications.VGG16(weights=None))",
        "input[type=range]",
        ("ArrowLeft", "ArrowRight"),
    ),
    "FeatureMaps, MobileNetV2, unit": (
        100,
        "FeatureMaps(keras.applications.MobileNetV2(weights=None))",
        ".cv-board[tabindex]",
        AROUND,
    ),
    "Latent, point": (20, "Latent()", ".cv-board", AROUND),
    "Perceptron, point": (20, "Perceptron()", ".cv-board", AROUND),
    "NMS, least score": (20, "NMS()", "input[type=range]", ("ArrowRight", "ArrowLeft")),
    "Mask, threshold": (20, "Mask()", "input[type=range]", ("ArrowRight", "ArrowLeft")),
    "Freezing, course network, freeze": (100, "Freezing()", "[role=listbox]", (" ", "ArrowRight")),
}
WATCH = """root => {
  window.times = [];
  let pressed = 0;
  addEventListener("keydown", event => { pressed = event.timeStamp; }, true);
  new MutationObserver(() => {
    if (!pressed) return;
    const [start, drawn] = [pressed, performance.now() - pressed];
    pressed = 0;
    requestAnimationFrame(() => {
      const painted = new MessageChannel();
      painted.port1.onmessage = () => window.times.push([drawn, performance.now() - start]);
      painted.port2.postMessage(0);
    });
  }).observe(root, { attributes: true, attributeFilter: ["data-drawn"] });
}"""


def measure(context, lab, cell, target, keys, presses):
    """Return [(milliseconds to drawn, milliseconds to on screen)] for each key press."""
    name = cell.partition("(")[0]
    lab.write("explorer.ipynb", f"import keras\nfrom cvcourse.explorers import {name}\n{cell}")
    notebook = Notebook(context, lab, "explorer.ipynb")
    notebook.run_all()
    explorer = notebook.explorer()
    notebook.page.wait_for_timeout(1500)
    explorer.evaluate(WATCH)
    place = explorer.locator(target).first
    place.focus()
    for count, key in enumerate(islice(cycle(keys), presses), start=1):
        notebook.page.keyboard.press(key)
        notebook.page.wait_for_function("count => window.times.length >= count", arg=count, timeout=10_000)
    times = notebook.page.evaluate("window.times")
    notebook.close()
    return times


def main(presses=60):
    if chromium_path() is None:
        sys.exit("No Chromium found: install one, or set CVCOURSE_CHROMIUM to its path.")
    lab = Lab(Path(tempfile.mkdtemp()))
    title = f"median of {presses} key presses, ms"
    print(f"{title:36}{'drawn':>8}{'on screen':>11}{'95 %':>7}{'bar':>6}")
    try:
        with open_browser() as context:
            for name, (bar, cell, target, keys) in CASES.items():
                times = measure(context, lab, cell, target, keys, presses)
                drawn, screen = (sorted(column) for column in zip(*times, strict=True))
                row = [statistics.median(drawn), statistics.median(screen), screen[int(0.95 * len(screen))]]
                print(f"{name:36}{row[0]:8.1f}{row[1]:11.1f}{row[2]:7.0f}{bar:6}", flush=True)
    finally:
        lab.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
