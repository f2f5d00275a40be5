"""The lessons in JupyterLab: their explorers are drawn from what the lesson gives; nothing is from outside.

nbval judges every cell of every lesson. Here one lesson runs whole, for how JupyterLab shows each kind of
output; of the others, the cells of the explorers run, and all cells that make what those use.
"""

import ast
import dis
import inspect
import re
from pathlib import Path

import nbformat
import pytest
from lab import Notebook
from nbformat.v4 import new_code_cell

LESSONS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
WHOLE = "02_cnn_layers"
# Short trainings, in the cells "parameters"; what the lessons claim of whole ones is nbval's.
LOWERED = {
    "01_tasks": "PICTURES, TESTED, EPOCHS = 200, 60, 2",
    "02_cnn_layers": "MLP_EPOCHS = CNN_EPOCHS = 1",
    "07_transfer_learning": "EPOCHS = 2",
    "12_generation": "DIGIT_EPOCHS = 2",
}
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


def lowered(cell, lesson):
    """The source of a cell with small parameters, and without what it asserts of the full sizes."""
    if "parameters" in cell.metadata.get("tags", ()):
        return "\n".join([cell.source, LOWERED.get(lesson, "")])
    lines = cell.source.splitlines()
    for claim in reversed([node for node in ast.parse(cell.source).body if isinstance(node, ast.Assert)]):
        del lines[claim.lineno - 1 : claim.end_lineno]
    return "\n".join(lines)


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


def drawn_explorers(page):
    """Scroll to each cell that ran; return how many explorers were drawn in all."""
    # JupyterLab puts on the page only the cells near the window, so no moment shows them all.
    show = """async number => {
      const notebook = jupyterapp.shell.currentWidget.content;
      await notebook.scrollToItem(number);
      await new Promise(requestAnimationFrame);
    }"""
    drawn = """([number, enough]) => {
      const cell = jupyterapp.shell.currentWidget.content.widgets[number].node;
      const found = cell.querySelectorAll('.cv-explorer[data-drawn]').length;
      return found >= enough && { found };
    }"""
    sources = page.evaluate("""() => jupyterapp.shell.currentWidget.content.widgets.map(
      cell => cell.model.type === 'code' ? cell.model.sharedModel.source : null)""")
    total = 0
    for number, source in enumerate(sources):
        if source is not None:
            page.evaluate(show, number)
            enough = len(SHOWN.findall(source))
            total += page.wait_for_function(drawn, arg=[number, enough]).json_value()["found"]
    return total


@pytest.fixture(scope="module")
def desk(chromium, lab):
    """One page of JupyterLab and one kernel for all lessons, one after the other."""
    lab.write("desk.ipynb", "")
    notebook = Notebook(chromium, lab, "desk.ipynb")
    notebook.page.set_default_timeout(30_000)
    yield notebook
    notebook.close()


# The kernel is as good as new: no name is left, no explorer, and layers are numbered from the first again.
ANEW = """
%reset -f
import gc, keras, ipywidgets
ipywidgets.Widget.close_all()
keras.utils.clear_session()
gc.collect()
del gc, keras, ipywidgets
"""


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_in_jupyterlab(desk, lab, lesson):
    book, file = nbformat.read(lesson, as_version=4), lab.folder / lesson.name
    if lesson.stem != WHOLE:
        only_what_explorers_need(book.cells)
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    explorers = sum(len(SHOWN.findall(cell.source)) for cell in cells)
    for cell in cells:
        cell.source = lowered(cell, lesson.stem)
    book.cells.insert(0, new_code_cell(ANEW))
    nbformat.write(book, file)
    desk.turn_to(lesson.name)
    desk.run_all(seconds=400)
    assert drawn_explorers(desk.page) == explorers
    desk.page.evaluate("async () => { await jupyterapp.commands.execute('docmanager:save'); }")
    run = [cell for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == "code"]
    outputs = [output for cell in run for output in cell.outputs]
    assert len(outputs) > (len(cells) / 2 if lesson.stem == WHOLE else explorers - 1)
    assert [output for output in outputs if output.output_type == "error"] == []
    assert (desk.errors, desk.outside) == ([], set())
