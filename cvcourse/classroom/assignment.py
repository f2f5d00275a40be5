"""A lesson as an assignment of nbgrader: students see the stubs, the checks earn points.

The course's folder is nbgrader's own: `source/` is written here; `release/`, `submitted/`, `autograded/` and
`feedback/` are nbgrader's. Its documentation: https://nbgrader.readthedocs.io.
"""

import ast
import csv
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import nbformat

from cvcourse.classroom.student import student_edition

BEGIN, END, STUB = "### BEGIN SOLUTION", "### END SOLUTION", "raise NotImplementedError"
MODEL = "model-solution"  # the student who hands the course's own answers in
CONFIG = f'''"""Settings of nbgrader for this course. Made once; change what you like."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # a warning of TensorFlow beside a check would cost its points

c = get_config()  # noqa: F821
c.CourseDirectory.root = os.path.dirname(os.path.abspath(__file__))
c.ClearSolutions.code_stub = {{"python": "{STUB}"}}
c.ExecutePreprocessor.timeout = 300  # seconds for a cell; each check stops an endless answer by itself
'''


def assignment(path, folder):
    """Write the source of an assignment; return its path.

    Args:
        path: Path of one of the course's notebooks.
        folder: Path of the course's folder; made where it is missing. `points.csv` in it says how many points
            an exercise earns: made with 2 for each, and read from then on.

    Raises:
        ValueError: an exercise has another form than the course's, or `points.csv` has no number for one.
    """
    path, folder = Path(path), Path(folder)
    notebook = nbformat.read(path, as_version=4)
    edition, answers = student_edition(notebook), _answers(notebook)
    points, name = _points(folder, path.stem, list(answers)), ""
    del edition.metadata["cvcourse"]
    for cell in edition.cells:
        tags = cell.metadata.get("tags", [])
        if "exercise" in tags:
            name = ast.parse(cell.source).body[0].name
            cell.source = _filled(cell.source, answers[name])
            _mark(cell, f"{name}-answer", solution=True)
        elif cell.cell_type == "code" and cell.source.startswith("exercises.check_") and name in cell.source:
            _mark(cell, f"{name}-check", grade=True, locked=True, points=points[name])
    target = folder / "source" / path.stem / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    config = folder / "nbgrader_config.py"
    if not config.exists():
        config.write_text(CONFIG, encoding="utf-8")
    nbformat.write(edition, target)
    return target


def _answers(notebook):
    """{name of the stub: lines of the body that is right}."""
    answers = {}
    for cell in notebook.cells:
        if "solution" in cell.metadata.get("tags", []) and "exercises.check_" in cell.source:
            function = ast.parse(cell.source).body[0]
            body = function.body[ast.get_docstring(function) is not None:]
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


def _points(folder, lesson, names):
    """{name: points} of a lesson, from the table that the instructor may edit."""
    path = folder / "points.csv"
    table = {}
    if path.exists():
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = {(row["lesson"], row["exercise"]): row["points"] for row in csv.DictReader(file)}
    table |= {(lesson, name): "2" for name in names if (lesson, name) not in table}
    try:
        points = {name: float(table[lesson, name]) for name in names}
    except ValueError as error:
        raise ValueError(f"points in {path} must be numbers. Received: {error}") from None
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerows([("lesson", "exercise", "points"), *((*key, value) for key, value in table.items())])
    return points


def grade(folder, lesson):
    """Release, grade and explain with nbgrader; return the path of the CSV with all grades.

    The course's own answers are graded first. Unless they earn every point, nobody is graded: then the fault
    is in the setting, not in the students' answers.

    Args:
        folder: Path of the course's folder, with `submitted/STUDENT/LESSON/LESSON.ipynb` in it.
        lesson: str, stem of the notebook.

    Raises:
        ValueError: nbgrader is missing or failed, or the course's own answers did not earn all points.
    """
    folder = Path(folder)
    source = folder / "source" / lesson / f"{lesson}.ipynb"
    if not source.exists():
        must = f"{folder} must hold source/{lesson}: cvcourse assignment makes it"
        raise ValueError(f"{must}. Received: no such file")
    model = folder / "submitted" / MODEL / lesson / source.name
    model.parent.mkdir(parents=True, exist_ok=True)
    model.write_bytes(source.read_bytes())
    _nbgrader(folder, "generate_assignment", lesson, "--create", "--force")
    _nbgrader(folder, "autograde", lesson, "--create", "--force", f"--student={MODEL}")
    _nbgrader(folder, "export", f"--to={folder / 'grades.csv'}")
    with (folder / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["assignment"] == lesson]
    own = [row for row in rows if row["student_id"] == MODEL]
    if not own or float(own[0]["score"] or 0) < float(own[0]["max_score"]):
        got = f"{own[0]['score']} of {own[0]['max_score']}" if own else "nothing"
        raise ValueError(
            f"{lesson}: the course's own answers must earn all points before anybody is graded. "
            f"Received: {got}. autograded/{MODEL} shows which cell failed."
        )
    _nbgrader(folder, "autograde", lesson, "--create", "--force")
    _nbgrader(folder, "generate_feedback", lesson, "--force")
    for page in (folder / "feedback").glob(f"*/{lesson}/*.html"):  # formulas stay as they are typed
        text = page.read_text(encoding="utf-8")
        page.write_text(without_network(text), encoding="utf-8")
    _nbgrader(folder, "export", f"--to={folder / 'grades.csv'}")
    return folder / "grades.csv"


def without_network(page):
    """The HTML of a page without the scripts that it would fetch.

    Example:
        >>> without_network('<p>a</p><script src="https://cdn/MathJax.js?config=x"> </script>')
        '<p>a</p>'
    """
    return re.sub(r'<script[^>]*\bsrc="(?:https?:)?//[^>]*>\s*</script>', "", page, flags=re.IGNORECASE)


def _nbgrader(folder, *words):
    command = [sys.executable, "-m", "nbgrader", *words]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # it calls alembic
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )
    if "No module named" in done.stderr and "nbgrader" in done.stderr:
        raise ValueError("grading needs nbgrader: pip install 'cvcourse[instructor]'. Received: none")
    if done.returncode:
        raise ValueError(f"nbgrader {words[0]} failed:\n{done.stderr[-2000:]}")
