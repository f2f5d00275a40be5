"""Every lesson in JupyterLab: all cells run, its explorers are drawn, nothing is asked from outside."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from lab import Notebook

LESSONS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def drawn_explorers(page, enough):
    """Scroll down from the top and return how many explorers were drawn, at most until `enough` were."""
    # JupyterLab puts on the page only the cells near the window, so no moment shows them all.
    look = """() => {
      window.seen ??= new Set();
      document.querySelectorAll('.cv-explorer[data-drawn]').forEach(drawn => window.seen.add(drawn));
      return window.seen.size;
    }"""
    page.mouse.move(700, 400)
    page.mouse.wheel(0, -100_000)
    for _ in range(200):
        page.wait_for_timeout(150)
        seen = page.evaluate(look)
        if seen >= enough:
            break
        page.mouse.wheel(0, 500)
    return seen


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_in_jupyterlab(chromium, lab, lesson):
    shutil.copy(lesson, lab.folder)
    cells = [cell for cell in nbformat.read(lesson, as_version=4).cells if cell.cell_type == "code"]
    explorers = sum(len(re.findall(r"(?m)^(?:\w+ = )?explorers\.[A-Z]", cell.source)) for cell in cells)
    notebook = Notebook(chromium, lab, lesson.name)
    try:
        notebook.run_all(seconds=400)
        assert drawn_explorers(notebook.page, explorers) == explorers
        notebook.page.keyboard.press("Control+s")
        notebook.page.wait_for_timeout(3000)
    finally:
        notebook.close()
    saved = nbformat.read(lab.folder / lesson.name, as_version=4).cells
    outputs = [output for cell in saved if cell.cell_type == "code" for output in cell.outputs]
    assert len(outputs) > len(cells) / 2
    assert [output for output in outputs if output.output_type == "error"] == []
    assert notebook.errors == []
    assert notebook.outside == set()
