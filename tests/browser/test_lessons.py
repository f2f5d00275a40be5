"""Every lesson in JupyterLab: all cells run, its explorers are drawn, nothing is asked from outside."""

import shutil
from pathlib import Path

import nbformat
import pytest
from lab import Notebook

LESSONS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_in_jupyterlab(chromium, lab, lesson):
    shutil.copy(lesson, lab.folder)
    cells = [cell for cell in nbformat.read(lesson, as_version=4).cells if cell.cell_type == "code"]
    explorers = sum("explorers." in cell.source.splitlines()[-1] for cell in cells)
    notebook = Notebook(chromium, lab, lesson.name)
    try:
        notebook.run_all(seconds=400)
        for nth in range(explorers):
            # JupyterLab draws what is far down the page only when it is scrolled into view.
            while notebook.page.locator(".cv-explorer[data-drawn]").count() <= nth:
                notebook.page.mouse.move(700, 400)
                notebook.page.mouse.wheel(0, 600)
                notebook.page.wait_for_timeout(200)
            notebook.explorer(nth)
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
