"""Grading with nbgrader, and what it lacks: checks put back, points only for what a check found right.

nbgrader gives full points to a check that says nothing, and none to a right answer beside which anything came
to stderr. The two functions `restored` and `earned` are called by it: see `assignment.CONFIG`.
"""

import copy
import csv
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat

from cvcourse import stored
from cvcourse.classroom.assignment import SEEDS
from cvcourse.exercises.checking import SEED

MODEL = "model-solution"  # the student who hands the course's own answers in
LOOK_AT = {  # what an instructor should read, though it may be harmless
    r"\.solution\b|\.mistakes\b|getsource|inspect\b": "looks into a check for its solution",
    r"\bexercises\.\w+ *=[^=]|setattr|sys\.modules|environ|NBGRADER|__dict__": "reaches into the checks",
    r"✓ Right": "writes what a check says",
    r"\bopen\(|\bPath\(|read_text|read_bytes|subprocess|\bos\.\w+\(|shutil|socket|urllib|requests|^[!%]":
        "opens files, programs or the network",
}  # fmt: skip


def restored(root, notebook, resources):
    """Put the course's cells back that a submission lacks, and set the seed of the student's hidden cases."""
    who = resources["nbgrader"]
    seeds = json.loads((Path(root) / SEEDS).read_text("utf-8"))
    seed = {"student": who["student"], "assignment": ""}.get(seeds["by"].get(who["assignment"]))
    os.environ.pop(SEED, None)
    if seed is not None:
        words = f"{seeds['word']} {who['assignment']} {seed}"
        os.environ[SEED] = hashlib.sha256(words.encode()).hexdigest()
    released = Path(root, "release", who["assignment"], f"{who['notebook']}.ipynb")
    ids, place = [_id(cell) for cell in notebook.cells], -1
    for cell in stored.read_notebook(released).cells:
        if _id(cell) in ids and _id(cell):
            place = ids.index(_id(cell))
        elif _id(cell):
            place += 1
            notebook.cells.insert(place, copy.deepcopy(cell))
            ids.insert(place, _id(cell))
    return notebook, resources


def earned(notebook, resources):
    """Let a check earn its points if it said "Right", whatever else was printed, and nothing if not."""
    for cell in notebook.cells:
        if not cell.metadata.get("nbgrader", {}).get("grade"):
            continue
        cell.outputs = [one for one in cell.outputs if one.output_type in ("stream", "error")]
        printed = [one for one in cell.outputs if one.output_type == "stream"]
        for one in printed:
            one.name = "stdout"
        said = any(re.search("^✓ Right", one.text, re.MULTILINE) for one in printed)
        if not said and len(printed) == len(cell.outputs):
            words = "The check has not said that the answer is right."
            shown = {"ename": "NotRight", "evalue": words, "traceback": [words]}
            cell.outputs.append(nbformat.v4.new_output("error", **shown))
    return notebook, resources


def _id(cell):
    marks = cell.metadata.get("nbgrader", {})
    return marks.get("grade_id") if marks.get("grade") or marks.get("solution") else None


def looked_at(handed_in, released):
    """Return what an instructor should know of a submission, as sentences; most have none.

    Args:
        handed_in, released: nbformat notebooks.
    """
    given, found = {_id(cell): cell.source for cell in released.cells if _id(cell)}, []
    own = {_id(cell): cell.source for cell in handed_in.cells if _id(cell)}
    checks = {_id(cell) for cell in released.cells if cell.metadata.get("nbgrader", {}).get("grade")}
    for name in given:
        if name not in own:
            found.append(f"{name}: the cell was deleted; it was put back")
        elif name in checks and own[name] != given[name]:
            found.append(f"{name}: the check was changed; it was put back")
    known = {cell.source for cell in released.cells}
    for cell in handed_in.cells:
        if cell.cell_type == "code" and cell.source not in known and _id(cell) not in checks:
            for pattern, words in LOOK_AT.items():
                line = next((x for x in cell.source.splitlines() if re.search(pattern, x)), None)
                if line is not None:
                    found.append(f"{words}: {line.strip()[:80]}")
    return found


def grade(folder, lesson):
    """Release, grade and explain with nbgrader; return the paths of two tables: grades, and what to look at.

    The course's own answers are graded first. Unless they earn every point, nobody is graded: then the fault
    is in the setting, not in the students' answers. What one student hands in stops nobody else's grading.

    Args:
        folder: Path of the course's folder, with `submitted/STUDENT/LESSON/LESSON.ipynb` in it.
        lesson: str, stem of the notebook.

    Raises:
        ValueError: nbgrader is missing or failed, or the course's own answers did not earn all points.
    """
    folder = Path(folder).resolve()
    source, table = folder / "source" / lesson / f"{lesson}.ipynb", folder / "grades.csv"
    if not source.exists():
        must = f"{folder} must hold source/{lesson}: cvcourse assignment makes it"
        raise ValueError(f"{must}. Received: no such file")
    model = folder / "submitted" / MODEL / lesson / source.name
    model.parent.mkdir(parents=True, exist_ok=True)
    model.write_bytes(source.read_bytes())
    released, steps = folder / "release" / lesson / source.name, []
    if not released.exists() or released.stat().st_mtime < source.stat().st_mtime:
        steps.append(("generate_assignment", lesson, "--create", "--force"))
    grading, export = ("autograde", lesson, "--create", "--force"), ("export", f"--to={table}")
    _nbgrader(folder, *steps, (*grading, f"--student={MODEL}"), export)
    with table.open(encoding="utf-8", newline="") as file:
        asked = lesson, MODEL
        own = [row for row in csv.DictReader(file) if (row["assignment"], row["student_id"]) == asked]
    if not own or float(own[0]["score"] or 0) < float(own[0]["max_score"]):
        got = f"{own[0]['score']} of {own[0]['max_score']}" if own else "nothing"
        raise ValueError(
            f"{lesson}: the course's own answers must earn all points before anybody is graded. "
            f"Received: {got}. autograded/{MODEL} shows which cell failed."
        )
    _nbgrader(folder, grading, ("generate_feedback", lesson, "--force"), export, stop=False)
    for page in (folder / "feedback").glob(f"*/{lesson}/*.html"):  # formulas stay as they are typed
        text = page.read_text(encoding="utf-8")
        page.write_text(without_network(text), encoding="utf-8")
    return table, _look_at(folder, lesson)


def release(folder, lesson):
    """Write what students get, `release/LESSON`, from `source/LESSON`."""
    _nbgrader(Path(folder), ("generate_assignment", lesson, "--create", "--force"))


def _look_at(folder, lesson):
    """Write the table of what an instructor should read; lines of other lessons stay."""
    table, rows = folder / "look-at.csv", []
    if table.exists():
        with table.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if row[1] not in ("lesson", lesson)]
    released = stored.read_notebook(folder / "release" / lesson / f"{lesson}.ipynb")
    for path in sorted((folder / "submitted").glob(f"*/{lesson}")):
        student, notebook = path.parent.name, path / f"{lesson}.ipynb"
        if not (folder / "autograded" / student / lesson / notebook.name).exists():
            words = ["could not be graded: see nbgrader.log"]
        else:
            words = looked_at(stored.read_notebook(notebook), released) if student != MODEL else []
        rows += [(student, lesson, one) for one in words]
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("student", "lesson", "what"), *rows])
    return table


def without_network(page):
    """The HTML of a page without the scripts that it would fetch.

    Example:
        >>> without_network('<p>a</p><script src="https://cdn/MathJax.js?config=x"> </script>')
        '<p>a</p>'
    """
    return re.sub(r'<script[^>]*\bsrc="(?:https?:)?//[^>]*>\s*</script>', "", page, flags=re.IGNORECASE)


STEPS = """
import json, sys
from nbgrader.apps.nbgraderapp import NbGraderApp

for words in json.loads(sys.argv[1]):
    NbGraderApp.clear_instance()
    try:
        status = NbGraderApp.launch_instance(argv=words)
    except SystemExit as end:
        status = end.code
    if status and sys.argv[2] == "stop":
        break
sys.exit(status)
"""


def _nbgrader(folder, *steps, stop=True):
    """Commands of nbgrader, one after the other in one process, for it takes seconds to start.

    Raises:
        ValueError: the last command failed, or with `stop` any of them.
    """
    command = [sys.executable, "-c", STEPS, json.dumps(steps), "stop" if stop else "go on"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # it calls alembic
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )
    (folder / "nbgrader.log").write_text(done.stderr, encoding="utf-8")  # why somebody could not be graded
    if "No module named" in done.stderr and "nbgrader" in done.stderr:
        raise ValueError("grading needs nbgrader: pip install 'cvcourse[instructor]'. Received: none")
    if done.returncode:
        raise ValueError(f"nbgrader failed:\n{done.stderr[-2000:]}")
