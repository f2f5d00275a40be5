"""Make the README's pictures, in a real JupyterLab: lesson.png and explain.png.

python docs/picture.py        (needs the test extra and a Chromium)
"""

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))
from lab import Lab, Notebook, open_browser  # noqa: E402


def main():
    folder = Path(tempfile.mkdtemp())
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    server = Lab(folder)
    try:
        with open_browser() as context:
            picture(context, server, "05_vgg16", "found = explain(error)", "explain.png", 780)
            picture(context, server, "02_cnn_layers", "explorers.Convolution(", "lesson.png", 860, slide)
    finally:
        server.close()
        shutil.rmtree(folder)


def picture(context, server, lesson, code, name, height, prepare=None):
    """Run a lesson and photograph it with one cell in the middle."""
    notebook = Notebook(context, server, f"notebooks/{lesson}.ipynb", width=1280, height=height)
    notebook.run_all(seconds=400)
    notebook.page.keyboard.press("Control+b")  # hide the side bar
    cell = notebook.page.locator(".jp-Cell", has_text=code).first
    notebook.page.mouse.move(640, 400)
    while not cell.count():
        notebook.page.mouse.wheel(0, 600)
        notebook.page.wait_for_timeout(50)
    cell.evaluate("cell => cell.scrollIntoView({block: 'center'})")
    if prepare:
        prepare(cell)
    notebook.page.wait_for_timeout(500)
    notebook.page.screenshot(path=str(ROOT / "docs" / name))
    notebook.close()


def slide(cell):
    """Move the kernel of the explorer Convolution to the cat's eye."""
    board = cell.locator(".cv-board").first
    board.focus()
    for key in ["ArrowRight"] * 8 + ["ArrowDown"] * 10:
        board.press(key)


if __name__ == "__main__":
    main()
