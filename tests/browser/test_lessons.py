"""The lessons in JupyterLab: their explorers are drawn from what the lesson gives; nothing is from outside.

nbval judges every cell of every lesson. Here one lesson runs whole, for how JupyterLab shows each kind of
output; of the others, the cells of the explorers run, and all cells that make what those use.
"""

import dis
import inspect
import re
from pathlib import Path

import nbformat
import pytest
from lab import Notebook

LESSONS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
WHOLE = "02_cnn_layers"
SHOWN = re.compile(r"(?m)^(?:\w+ = )?explorers\.[A-Z]")


def names(source):
    """Return (names that a cell makes, names that it has from above); those inside functions are neither."""
    made, used = set(), set()

    def look(code):
        for step in dis.get_instructions(code):
            if step.opname == "STORE_NAME":
                made.add(step.argval)
            elif step.opname in ("LOAD_NAME", "LOAD_GLOBAL") and step.argval not in made:
                used.add(step.argval)
            elif inspect.iscode(step.argval):
                look(step.argval)

    look(compile(source, "cell", "exec"))
    return made, used


def only_what_explorers_need(cells):
    """Make raw text of all other code cells: from the end back to the cells that make what later ones use."""
    wanted = set()
    for cell in [cell for cell in reversed(cells) if cell.cell_type == "code"]:
        made, used = names(cell.source)
        if SHOWN.search(cell.source) or made & wanted:
            wanted = wanted - made | used
        else:
            cell.cell_type = "raw"
            del cell["outputs"], cell["execution_count"]


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


def saved(page, file):
    """Save the notebook and return its cells."""
    before = file.stat().st_mtime_ns
    page.keyboard.press("Control+s")
    for _ in range(100):
        page.wait_for_timeout(100)
        if file.stat().st_mtime_ns > before:
            break
    page.wait_for_timeout(300)
    return nbformat.read(file, as_version=4).cells


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_in_jupyterlab(chromium, lab, lesson):
    book, file = nbformat.read(lesson, as_version=4), lab.folder / lesson.name
    if lesson.stem != WHOLE:
        only_what_explorers_need(book.cells)
    nbformat.write(book, file)
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    explorers = sum(len(SHOWN.findall(cell.source)) for cell in cells)
    notebook = Notebook(chromium, lab, lesson.name)
    try:
        notebook.run_all(seconds=400)
        assert drawn_explorers(notebook.page, explorers) == explorers
        run = [cell for cell in saved(notebook.page, file) if cell.cell_type == "code"]
    finally:
        notebook.close()
    outputs = [output for cell in run for output in cell.outputs]
    assert len(outputs) > (len(cells) / 2 if lesson.stem == WHOLE else explorers - 1)
    assert [output for output in outputs if output.output_type == "error"] == []
    assert notebook.errors == []
    assert notebook.outside == set()
