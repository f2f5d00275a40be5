"""A lesson as an assignment of nbgrader: students see the stubs, the checks earn points.

The course's folder is nbgrader's own: `source/` is written here; `release/`, `submitted/`, `autograded/` and
`feedback/` are nbgrader's. Its documentation: https://nbgrader.readthedocs.io.
"""

import ast
import csv
import json
import secrets
import textwrap
from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell

from cvcourse import stored
from cvcourse.classroom.student import student_edition

BEGIN, END, STUB = "### BEGIN SOLUTION", "### END SOLUTION", "raise NotImplementedError"
SEEDS = "seeds.json"  # in the course's folder: by what hidden cases are drawn, and a word that nobody knows
SEED_BY = "student", "assignment", "none"
CONFIG = f'''"""Settings of nbgrader for this course. Made once; change what you like."""

import functools
import os

from cvcourse.classroom import grading

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # TensorFlow's remarks
root = os.path.dirname(os.path.abspath(__file__))

c = get_config()  # noqa: F821
c.CourseDirectory.root = root
c.ClearSolutions.code_stub = {{"python": "{STUB}"}}
c.ExecutePreprocessor.timeout = 300  # seconds for a cell; each check stops an endless answer by itself
c.Execute.timeout = 300
c.Execute.startup_timeout = 300  # of a kernel, on a busy machine
ours = "nbgrader.preprocessors."
c.Autograde.sanitize_preprocessors = [
    functools.partial(grading.restored, root), ours + "ClearOutput", ours + "DeduplicateIds",
    ours + "OverwriteKernelspec", ours + "OverwriteCells", ours + "CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    ours + "Execute", grading.earned, ours + "IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor", ours + "LimitOutput", ours + "SaveAutoGrades",
    ours + "AssignLatePenalties", ours + "CheckCellMetadata",
]
'''


def assignment(path, folder, seed_by="student", only_exercises=False, quiz=False):
    """Write the source of an assignment; return its path.

    Args:
        path: Path of one of the course's notebooks.
        folder: Path of the course's folder; made where it is missing. `points.csv` in it says how many points
            an exercise earns: made with 2 for each, and read from then on.
        seed_by: "student": each one's answers are tried on cases of their own that nobody sees, too;
            "assignment": all on the same ones; "none": on the cases that everybody sees, only.
        only_exercises: bool, whether the lesson's other cells stay away; grading takes seconds then.
        quiz: bool, whether the lesson's quiz earns points, too: 1 for each question.

    Raises:
        ValueError: an exercise has another form than the course's, `points.csv` has no number for one, or
            `seed_by` is none of the three.
    """
    if seed_by not in SEED_BY:
        raise ValueError(f"seed_by must be one of {', '.join(SEED_BY)}. Received: {seed_by!r}")
    path, folder = Path(path), Path(folder)
    notebook = stored.read_notebook(path)
    edition, answers = student_edition(notebook), _answers(notebook)
    cells = _quiz(path.stem[:2], not only_exercises) if quiz else []
    asked = [mark for cell in cells if "points" in (mark := cell.metadata.get("nbgrader", {}))]
    usual = dict.fromkeys(answers, "2") | {mark["grade_id"]: "1" for mark in asked}
    points, name = _points(folder, path.stem, usual), ""
    del edition.metadata["cvcourse"]
    for cell in edition.cells:
        tags = cell.metadata.get("tags", [])
        if "exercise" in tags:
            name = ast.parse(cell.source).body[0].name
            cell.source = _filled(cell.source, answers[name])
            _mark(cell, f"{name}-answer", solution=True)
        elif cell.cell_type == "code" and cell.source.startswith("exercises.check_") and name in cell.source:
            _mark(cell, f"{name}-check", grade=True, locked=True, points=points[name])
    for mark in asked:
        mark["points"] = points[mark["grade_id"]]
    edition.cells = (_exercises_of(edition.cells) if only_exercises else edition.cells) + cells
    target = folder / "source" / path.stem / path.name
    config = folder / "nbgrader_config.py"
    if not config.exists():
        config.write_text(CONFIG, encoding="utf-8")
    _remember(folder / SEEDS, path.stem, seed_by)
    stored.write_notebook(edition, target)
    return target


def _remember(path, lesson, seed_by):
    seeds = {"word": secrets.token_hex(16), "by": {}}
    if path.exists():
        seeds = json.loads(path.read_text("utf-8"))
    seeds["by"][lesson] = seed_by
    path.write_text(json.dumps(seeds, indent=1), encoding="utf-8")


def _exercises_of(cells):
    """The title, the exercises with their sections' first cells, and the imports and functions they call."""
    kept, called = {0}, set()
    for n in reversed(range(len(cells))):
        cell = cells[n]
        if cell.cell_type == "code" and "nbgrader" not in cell.metadata:
            needed = (_needed(node, called) for node in ast.parse(cell.source).body)
            cell.source = "\n".join(ast.unparse(node) for node in needed if node)
        if cell.cell_type == "code" and cell.source:
            kept.add(n)
            called |= {node.id for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)}
    for n in [n for n in kept if "exercise" in cells[n].metadata.get("tags", [])]:
        kept |= {n - 1, max(k for k in range(n) if cells[k].source.startswith("## "))}
        after = n + 2  # behind its check
        while after < len(cells) and cells[after].source.startswith("<details>"):
            kept.add(after)
            after += 1
    return [cells[n] for n in sorted(kept)]


def _needed(node, called):
    """The statement, if it defines something that is called; of an import what is called of it; or None."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        node.names = [name for name in node.names if (name.asname or name.name).partition(".")[0] in called]
        return node if node.names else None
    return node if getattr(node, "name", None) in called else None


def _quiz(lesson, shown):
    """Cells with the answers to the lesson's quiz and a check for each; `shown`: the explorer is there."""
    from cvcourse import sealed

    text = "## Quiz\n\nThe line that unfolds below the questions goes into the cell with the answers."
    words = "from cvcourse.exercises import quiz"
    if not shown:
        words = f'from cvcourse import explorers\n{words}\n\nexplorers.Quiz("{lesson}")'
    answers = new_code_cell(
        f'answers = {[None] * len(sealed.load(lesson))}\n{BEGIN}\nanswers = quiz.solution("{lesson}")\n{END}'
    )
    _mark(answers, "quiz-answer", solution=True)
    cells = [new_markdown_cell(text), new_code_cell(words), answers]
    for number in range(1, len(sealed.load(lesson)) + 1):
        cells.append(new_code_cell(f'quiz.check_quiz("{lesson}", answers, {number})'))
        _mark(cells[-1], f"quiz-{number}", grade=True, locked=True, points=1)
    for n, cell in enumerate(cells):
        cell.id = f"quiz-{lesson}-{n}"
    return cells


def _answers(notebook):
    """{name of the stub: lines of the body that is right}."""
    answers = {}
    for cell in notebook.cells:
        if "solution" in cell.metadata.get("tags", []) and "exercises.check_" in cell.source:
            function = ast.parse(cell.source).body[0]
            body = function.body[ast.get_docstring(function) is not None :]
            lines = cell.source.splitlines()[body[0].lineno - 1 : function.end_lineno]
            answers[function.name.removesuffix("_solution")] = textwrap.dedent("\n".join(lines))
    return answers


def _filled(stub, body):
    """The stub with the answer in its place, between nbgrader's marks."""
    before, found, after = stub.partition(STUB)
    if not found:
        raise ValueError(f"an exercise must have a line {STUB!r}. Received: {stub[:80]!r}")
    indent = before[before.rindex("\n") + 1 :]
    return before + textwrap.indent(f"{BEGIN}\n{body}\n{END}", indent).lstrip() + after


def _mark(cell, grade_id, **kind):
    plain = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
    cell.metadata["nbgrader"] = plain | {"cell_type": "code", "grade_id": grade_id} | kind


def _points(folder, lesson, usual):
    """{name: points} of a lesson, from the table that the instructor may edit; `usual` where it has none."""
    path = folder / "points.csv"
    table = {}
    if path.exists():
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = {(row["lesson"], row["exercise"]): row["points"] for row in csv.DictReader(file)}
    table = {(lesson, name): points for name, points in usual.items()} | table
    try:
        points = {name: float(table[lesson, name]) for name in usual}
    except ValueError as error:
        raise ValueError(f"points in {path} must be numbers. Received: {error}") from None
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerows([("lesson", "exercise", "points"), *((*key, value) for key, value in table.items())])
    return points
