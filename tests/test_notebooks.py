"""Every lesson has the form that all lessons share. That it also runs is nbval's part (`start.py test`)."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CHECKED = "nbval-check-output"
TAGS = {CHECKED, "exercise", "parameters", "solution"}
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
SECTIONS = ("Setup", "Exercises", "Recap", "Next", "References")
NAMED = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)
MODEL = re.compile(r"keras\.(Sequential|Model|Input)\(")


def problems(notebook):
    """What a notebook lacks of the common form: a list of sentences, empty for a good one."""
    tests = (
        text_problems,
        code_problems,
        output_problems,
        answer_problems,
        metadata_problems,
        exercise_problems,
    )
    return [problem for test in tests for problem in test(notebook)]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def opening(cell):
    """The beginning of a cell, by which an author finds it."""
    return repr(cell.source[:50])


def prose(source):
    """The words of a text cell: without code, formulas, tables, pictures, HTML tags and link targets."""
    without = r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|^\s*\|.*?$|!\[.*?\]\(.*?\)|<[^>]*>|\]\([^)]*\)"
    return re.findall(r"\w[\w'’-]*", re.sub(without, " ", source, flags=re.DOTALL | re.MULTILINE))


def headings(notebook):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return re.findall(r"^(#{1,6}) +(.+?)\s*$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)


def text_problems(notebook):
    found = headings(notebook)
    titles = [title for marks, title in found if marks == "#"]
    if len(titles) != 1 or not notebook.cells[0].source.startswith("# "):
        yield f"one title (# …), at the very top; found: {titles}"
    sections = {title for marks, title in found if marks == "##"}
    yield from (f"a section ## {name}" for name in SECTIONS if name not in sections)
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and not cell.source.startswith("## References"):
            words = len(prose(cell.source))
            if words > 130:
                yield f"at most about 120 words in a text cell; {words} in {opening(cell)}"


def code_problems(notebook):
    for cell in code_cells(notebook):
        lines = len(cell.source.splitlines())
        limit = 30 if MODEL.search(cell.source) else 20
        if lines > limit:
            yield f"at most {limit} lines of code; {lines} in {opening(cell)}"
        if re.search(r"^\s*[!%]|sys\.path|get_ipython", cell.source, re.MULTILINE):
            yield f"no magic, no shell command, no sys.path; in {opening(cell)}"
    if sum("parameters" in tags(cell) for cell in notebook.cells) != 1:
        yield "one cell tagged parameters"


def output_problems(notebook):
    checked = [cell for cell in code_cells(notebook) if CHECKED in tags(cell)]
    if not 1 <= len(checked) <= 3:
        yield f"1 to 3 cells tagged {CHECKED}; found: {len(checked)}"
    for cell in code_cells(notebook):
        complete = bool(cell.outputs) and cell.execution_count is not None
        if cell in checked and not complete:
            yield f"output and count in a checked cell (run `cvcourse clean`); missing in {opening(cell)}"
        if cell not in checked and (cell.outputs or cell.execution_count is not None):
            yield f"no output and no count (run `cvcourse clean`); in {opening(cell)}"


def answer_problems(notebook):
    """A question that is answered on opening: a stored output in the cells under "Predict, then run"."""
    asked, before = False, None
    for cell in notebook.cells:
        if cell.cell_type == "markdown":  # several text cells in a row ask together
            asked = "Predict, then" in cell.source or (asked and before == "markdown")
        elif asked and CHECKED in tags(cell):
            yield f"no stored output under a prediction; in {opening(cell)}"
        before = cell.cell_type


def metadata_problems(notebook):
    if notebook.metadata != NOTEBOOK_METADATA:
        yield "only kernelspec and language_info in the notebook's metadata (run `cvcourse clean`)"
    for cell in notebook.cells:
        more = cell.metadata.keys() - {"tags", "slideshow", "jupyter"}
        more |= cell.metadata.get("jupyter", {}).keys() - {"source_hidden"}
        more |= tags(cell) - TAGS
        if more:
            yield f"only the known tags and metadata; {sorted(more)} in {opening(cell)}"


def exercise_problems(notebook):
    """Each exercise: a stub, its check, later its solution and the same check once more."""
    cells = code_cells(notebook)
    starts = [index for index, cell in enumerate(cells) if "exercise" in tags(cell)]
    if not 4 <= len(starts) <= 6:
        yield f"4 to 6 exercises; found: {len(starts)}"
    for start, end in zip(starts, [*starts[1:], len(cells)], strict=True):
        stub, following = cells[start], cells[start + 1 : end]
        if "raise NotImplementedError" not in stub.source:
            yield f"raise NotImplementedError in an exercise; missing in {opening(stub)}"
        checks = [re.findall(r"\bcheck_\w+(?=\()", cell.source) for cell in following]
        if not checks or not checks[0]:
            yield f"a check right after an exercise; missing after {opening(stub)}"
        elif sum(checks[0][0] in names for names in checks) < 2:
            yield f"the same check on the solution; missing for {opening(stub)}"
        solutions = [cell for cell in following if "solution" in tags(cell)]
        if not solutions:
            yield f"a solution for an exercise; missing for {opening(stub)}"
        for name in NAMED.findall(stub.source):
            if not any(f"{name}_solution" in NAMED.findall(cell.source) for cell in solutions):
                yield f"the stub's name with _solution for a solution; missing {name}_solution"
    for cell in cells:
        if "solution" in tags(cell) and not cell.metadata.get("jupyter", {}).get("source_hidden"):
            yield f"a hidden source for a solution; missing in {opening(cell)}"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_has_the_common_form(path):
    found = problems(nbformat.read(path, as_version=4))
    assert not found, "A lesson needs " + "\nA lesson needs ".join(found)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_a_valid_notebook_with_a_name_that_sorts(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert re.fullmatch(r"\d\d_[a-z0-9_]+\.ipynb", path.name)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_year_is_that_of_the_first_public_version(path):
    text = "\n".join(c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown")
    found = re.findall(r"arxiv\.org/abs/(\d\d)\d\d\.\d+\)[^;\n]*?\b((?:19|20)\d\d)\b", text)
    assert [year for _, year in found] == [f"20{arxiv}" for arxiv, _ in found]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_readme_lists_the_lesson(path):
    assert f"(notebooks/{path.name})" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_what_a_lesson_links_to_or_names_exists(path):
    text = "\n".join(c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    files = re.findall(r"`((?:\w+/)+\w+\.\w+)`", text)
    assert [link for link in links if not (path.parent / link).exists()] == []
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_what_the_readme_links_to_exists():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


# The form itself: a small good lesson passes, and each fault in it is found.


def hidden():
    return {"tags": ["solution"], "jupyter": {"source_hidden": True}}


def good_lesson():
    exercises = [
        cell
        for number in range(4)
        for cell in (
            new_code_cell(
                f"def f{number}():\n    raise NotImplementedError", metadata={"tags": ["exercise"]}
            ),
            new_code_cell(f"checks.check_f{number}(f{number})"),
            new_code_cell(f"def f{number}_solution():\n    return {number}", metadata=hidden()),
            new_code_cell(f"checks.check_f{number}(f{number})"),
        )
    ]
    output = nbformat.v4.new_output("stream", text="1\n")
    cells = [
        new_markdown_cell("# A lesson\n\nWhat is asked."),
        new_markdown_cell("## Setup"),
        new_code_cell("EPOCHS = 1", metadata={"tags": ["parameters"]}),
        new_code_cell("print(1)", metadata={"tags": [CHECKED]}, outputs=[output], execution_count=2),
        new_markdown_cell("## Exercises"),
        *exercises,
        *(new_markdown_cell(f"## {name}") for name in ("Recap", "Next", "References")),
    ]
    return new_notebook(cells=cells, metadata=NOTEBOOK_METADATA)


def test_a_good_lesson_passes():
    assert problems(good_lesson()) == []


FAULTS = {
    "one title": lambda cells: cells.append(new_markdown_cell("# Another title")),
    "a section ## Recap": lambda cells: cells.remove(next(c for c in cells if c.source == "## Recap")),
    "words in a text cell": lambda cells: cells.append(new_markdown_cell("word " * 140)),
    "at most 20 lines": lambda cells: cells.append(new_code_cell("x = 1\n" * 21)),
    "at most 30 lines": lambda cells: cells.append(new_code_cell("keras.Sequential()\n" * 31)),
    "no magic": lambda cells: cells.append(new_code_cell("%matplotlib inline")),
    "no shell command": lambda cells: cells.append(new_code_cell("x = 1\n!pip install numpy")),
    "one cell tagged parameters": lambda cells: cells.pop(2),
    "1 to 3 cells tagged": lambda cells: cells.pop(3),
    "output and count in a checked cell": lambda cells: cells[3].update(execution_count=None),
    "no output and no count": lambda cells: cells[2].update(execution_count=1),
    "no stored output under a prediction": lambda cells: cells[1].update(
        source="*Predict, then run*: 1 or 2?"
    ),
    "only the known tags": lambda cells: cells[2].metadata.update(scrolled=True),
    "'typo'": lambda cells: cells[2].metadata.update(tags=["parameters", "typo"]),
    "4 to 6 exercises": lambda cells: cells.__delitem__(slice(5, 9)),
    "raise NotImplementedError in": lambda cells: cells[5].update(source="def f0(): ..."),
    "a hidden source": lambda cells: cells[7].metadata.pop("jupyter"),
    "a check right after": lambda cells: cells.pop(6),
    "the same check on": lambda cells: cells.pop(8),
    "the stub's name with _solution": lambda cells: cells[7].update(source="def f(): ..."),
    "a solution for": lambda cells: cells.pop(7),
}


@pytest.mark.parametrize("expected", FAULTS)
def test_each_fault_is_found(expected):
    notebook = good_lesson()
    FAULTS[expected](notebook.cells)
    assert any(expected in problem for problem in problems(notebook))


def test_metadata_of_the_notebook_is_held_to_the_list():
    notebook = good_lesson()
    notebook.metadata["widgets"] = {}
    assert any("notebook's metadata" in problem for problem in problems(notebook))


def test_words_are_counted_without_formulas_tables_and_tags():
    source = "Two words $a + b$ `code here` | \n| a | table |\n<details>[more](notebooks/x.ipynb)"
    assert prose(source) == ["Two", "words", "more"]


@pytest.mark.parametrize("name", ["01_tasks", "02_cnn_layers"])
def test_a_lesson_that_begins_without_networks_does_not_load_keras_before(name):
    """Its first pictures come at once, and a reader's kernel stays small."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    begins = next(n for n, source in enumerate(sources) if source.startswith("import keras\n"))
    picture = next(n for n, source in enumerate(sources) if "viz.plot" in source)
    assert picture < begins and not any("keras." in source for source in sources[:begins])
    loaded = "import sys\nassert not {'keras', 'tensorflow'} & set(sys.modules)"
    program = "\n".join([*sources[: picture + 1], loaded])
    subprocess.run([sys.executable, "-c", program], cwd=ROOT / "notebooks", check=True, timeout=120)
