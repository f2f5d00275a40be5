"""Make lesson.png, the README's picture: the convolution explorer in lesson 02, in a real JupyterLab.

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
            notebook = Notebook(context, server, "notebooks/02_cnn_layers.ipynb", width=1280, height=860)
            notebook.run_all(seconds=400)
            notebook.page.keyboard.press("Control+b")  # hide the side bar
            cell = notebook.page.locator(".jp-Cell", has_text="explorers.Convolution(").first
            while not cell.count():
                notebook.page.mouse.wheel(0, 600)
            cell.evaluate("cell => cell.scrollIntoView({block: 'center'})")
            board = notebook.explorer(0).locator(".cv-board").first
            board.focus()
            for key in ["ArrowRight"] * 8 + ["ArrowDown"] * 10:
                board.press(key)
            notebook.page.wait_for_timeout(500)
            notebook.page.screenshot(path=str(ROOT / "docs" / "lesson.png"))
            notebook.close()
    finally:
        server.close()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
