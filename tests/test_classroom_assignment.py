"""Assignments: every lesson's stubs, answers and points, and what a graded run demands; without nbgrader."""

import ast
import csv
import json
import sys
from pathlib import Path

import nbformat
import pytest

from cvcourse import cli
from cvcourse.classroom import assignment, grading
from cvcourse.exercises import pooling
from cvcourse.exercises.checking import GRADED, SEED, WrongAnswer

LESSONS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def graded_cells(path):
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if "nbgrader" in cell.metadata]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_each_exercise_has_an_answer_and_a_check_with_points(path, tmp_path, capsys):
    assert cli.main(["assignment", str(path), str(tmp_path)]) == 0
    cells = graded_cells(tmp_path / "source" / path.stem / path.name)
    lesson = nbformat.read(path, as_version=4).cells
    stubs = [cell.source for cell in lesson if "exercise" in cell.metadata.get("tags", [])]
    answers = [cell for cell in cells if cell.metadata.nbgrader.solution]
    checks = [cell for cell in cells if cell.metadata.nbgrader.grade]
    assert len(answers) == len(checks) == len(stubs) > 0
    assert [cell.metadata.nbgrader.points for cell in checks] == [2.0] * len(stubs)
    assert all(cell.metadata.nbgrader.locked for cell in checks)
    for cell, stub in zip(answers, stubs, strict=True):
        ast.parse(cell.source)
        before, _, rest = cell.source.partition(assignment.BEGIN)
        _, _, after = rest.partition(assignment.END)
        assert f"{before}{assignment.STUB}{after}" == stub  # what nbgrader makes of it for students


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_exercises_alone_run_and_their_answers_are_right(path, tmp_path, monkeypatch, capsys):
    """As a graded run sees them: with what the answers call (10: another answer), and hidden cases."""
    monkeypatch.setenv(GRADED, "autograde")
    monkeypatch.setenv(SEED, "Ada")
    cells = nbformat.read(assignment.assignment(path, tmp_path, only_exercises=True), as_version=4).cells
    names, checks = {}, sum(cell.metadata.get("nbgrader", {}).get("grade", False) for cell in cells)
    for cell in cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
    assert capsys.readouterr().out.count("✓ Right") == checks
    words = [cell.source for cell in cells if cell.cell_type == "markdown"]
    assert sum(word.startswith("<details>") for word in words) >= checks - 1  # the hints
    assert sum(word.startswith("## ") for word in words) >= 1 and len(cells) < 40


def test_the_quiz_earns_points_where_an_instructor_wants_it(tmp_path, monkeypatch, capsys):
    cells = graded_cells(assignment.assignment(LESSONS[3], tmp_path, quiz=True))
    answers, *checks = [cell for cell in cells if cell.metadata.nbgrader.grade_id.startswith("quiz")]
    assert len(checks) >= 5 and all(cell.metadata.nbgrader.points == 1 for cell in checks)
    names = {}
    exec("from cvcourse.exercises import quiz", names)
    for cell in (answers, *checks):
        exec(cell.source, names)
    assert capsys.readouterr().out.count("✓ Right") == len(checks)
    monkeypatch.setenv(GRADED, "autograde")
    exec(answers.source.partition("\n")[0], names)  # as students get it
    with pytest.raises(WrongAnswer, match="Not done yet"):
        exec(checks[0].source, names)


def test_points_are_the_instructors(tmp_path, capsys):
    assignment.assignment(LESSONS[3], tmp_path)
    table = tmp_path / "points.csv"
    table.write_text(table.read_text().replace("max_pool,2", "max_pool,5"))
    path = assignment.assignment(LESSONS[3], tmp_path)
    assert graded_cells(path)[1].metadata.nbgrader.points == 5
    with table.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 6
    table.write_text(table.read_text().replace("max_pool,5", "max_pool,many"))
    assert cli.main(["assignment", str(LESSONS[3]), str(tmp_path)]) == 1
    assert "must be numbers" in capsys.readouterr().err


def test_an_untouched_stub_earns_nothing_in_a_graded_run(monkeypatch, capsys):
    def stub(*_):
        raise NotImplementedError

    pooling.check_max_pool(stub)
    assert "Not done yet" in capsys.readouterr().out
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(WrongAnswer, match="Not done yet: stub"):
        pooling.check_max_pool(stub)


def test_nobody_is_graded_unless_the_course_gets_full_marks(tmp_path, monkeypatch):
    assignment.assignment(LESSONS[3], tmp_path)
    ran = []

    def nbgrader(folder, *steps, stop=True):
        ran.extend(steps)
        rows = "assignment,student_id,score,max_score\n04_pooling,model-solution,10,12\n"
        (tmp_path / "grades.csv").write_text(rows)

    monkeypatch.setattr(grading, "_nbgrader", nbgrader)
    with pytest.raises(ValueError, match=r"must earn all points .* Received: 10 of 12"):
        grading.grade(tmp_path, "04_pooling")
    autograded = [words for words in ran if words[0] == "autograde"]
    assert len(autograded) == 1 and f"--student={grading.MODEL}" in autograded[0]
    with pytest.raises(ValueError, match="cvcourse assignment makes it"):
        grading.grade(tmp_path, "05_vgg16")


@pytest.fixture
def release(tmp_path):
    """A release of lesson 04's exercises; the student's part of nbgrader's `resources`."""
    path = assignment.assignment(LESSONS[3], tmp_path, only_exercises=True)
    target = tmp_path / "release" / path.stem / path.name
    target.parent.mkdir(parents=True)
    target.write_bytes(path.read_bytes())
    return nbformat.read(target, as_version=4)


def graded_ids(notebook):
    return [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]


def test_what_a_submission_lacks_is_put_back(tmp_path, release, monkeypatch):
    monkeypatch.setenv(SEED, "")
    ids, handed_in = graded_ids(release), nbformat.from_dict(release)
    gone = {ids[0], ids[1], ids[-1]}
    handed_in.cells = [c for c in release.cells if c.metadata.get("nbgrader", {}).get("grade_id") not in gone]
    who = {"student": "Ada", "assignment": "04_pooling", "notebook": "04_pooling"}
    back, _ = grading.restored(tmp_path, handed_in, {"nbgrader": who})
    assert graded_ids(back) == ids


def test_whose_hidden_cases(tmp_path, release, monkeypatch):
    monkeypatch.setenv(SEED, "what the machine happens to have")
    seeds = {}
    for by in assignment.SEED_BY:
        assignment.assignment(LESSONS[3], tmp_path, seed_by=by)
        for student in ("Ada", "Bob"):
            who = {"student": student, "assignment": "04_pooling", "notebook": "04_pooling"}
            grading.restored(tmp_path, release, {"nbgrader": who})
            seeds[by, student] = grading.os.environ.get(SEED)
    assert seeds["student", "Ada"] != seeds["student", "Bob"]
    assert seeds["assignment", "Ada"] == seeds["assignment", "Bob"] not in seeds["student", "Ada"]
    assert seeds["none", "Ada"] is None
    word = json.loads((tmp_path / assignment.SEEDS).read_text("utf-8"))["word"]
    assert len(word) == 32 and word not in seeds["student", "Ada"]  # names alone tell nothing
    with pytest.raises(ValueError, match="seed_by must be one of"):
        assignment.assignment(LESSONS[3], tmp_path, seed_by="moon")


def test_only_what_a_check_found_right_earns_points():
    def cell(*outputs):
        made = nbformat.v4.new_code_cell("exercises.check_a(a)", metadata={"nbgrader": {"grade": True}})
        made.outputs = [nbformat.v4.new_output(**one) for one in outputs]
        return made

    right = {"output_type": "stream", "name": "stdout", "text": "12\n✓ Right: all."}
    warning = {"output_type": "stream", "name": "stderr", "text": "cuInit: no device"}
    number = {"output_type": "execute_result", "data": {"text/plain": "2.0"}}
    wrong = {"output_type": "error", "ename": "WrongAnswer", "evalue": "✗ Not right yet", "traceback": []}
    cells = [cell(right, warning), cell(), cell(number), cell(warning), cell(wrong, warning)]
    notebook, _ = grading.earned(nbformat.v4.new_notebook(cells=cells), {})
    kinds = [[one.get("name", one.get("ename")) for one in made.outputs] for made in notebook.cells]
    assert kinds == [
        ["stdout", "stdout"], ["NotRight"], ["NotRight"], ["stdout", "NotRight"], ["WrongAnswer", "stdout"],
    ]  # fmt: skip
    nbformat.validate(notebook)


def test_what_comes_to_stderr_costs_no_points(monkeypatch, capsys):
    def answer(*given):
        print("still at work", file=sys.stderr)
        return pooling.check_output_size.solution(*given)

    monkeypatch.setenv(GRADED, "autograde")
    pooling.check_output_size(answer)
    said = capsys.readouterr()
    assert "still at work" in said.out and not said.err


@pytest.mark.parametrize(("code", "words"), [
    ("exercises.check_a.solution(1)", "looks into a check"), ("exercises.check_a = print", "reaches into"),
    ("os.environ.pop('X')", "reaches into"), ("print('✓ Right')", "writes what a check says"),
    ("open('/etc/passwd')", "opens files"), ("!ls", "opens files"), ("import subprocess", "opens files"),
])  # fmt: skip
def test_an_instructor_is_told_what_to_look_at(release, code, words):
    handed_in = nbformat.reads(nbformat.writes(release), as_version=4)
    assert grading.looked_at(handed_in, release) == []
    handed_in.cells.append(nbformat.v4.new_code_cell(f"import os\n{code}"))
    assert [one.partition(":")[0][: len(words)] for one in grading.looked_at(handed_in, release)] == [words]


def test_changed_and_deleted_checks_are_told(release):
    handed_in = nbformat.reads(nbformat.writes(release), as_version=4)
    checks = [cell for cell in handed_in.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    checks[0].source = "pass"
    handed_in.cells.remove(checks[1])
    words = " ".join(grading.looked_at(handed_in, release))
    assert "max_pool-check: the check was changed" in words
    assert "output_size-check: the cell was deleted" in words


def test_feedback_asks_nobody():
    page = '<p>$x$</p><script async SRC="//cdn.x/MathJax.js"></script><script>let here</script>'
    assert grading.without_network(page) == "<p>$x$</p><script>let here</script>"
