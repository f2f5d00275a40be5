"""Assignments: every lesson's stubs, answers and points, and what a graded run demands; without nbgrader."""

import ast
import csv
import subprocess
from pathlib import Path

import nbformat
import pytest

from cvcourse import cli
from cvcourse.classroom import assignment
from cvcourse.exercises import pooling
from cvcourse.exercises.checking import WrongAnswer

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


def test_the_answers_are_right(tmp_path, capsys):
    path = assignment.assignment(LESSONS[3], tmp_path)
    names = {"np": __import__("numpy")}
    for cell in graded_cells(path):
        if cell.metadata.nbgrader.solution:
            exec(cell.source, names)
        else:
            exec(cell.source, names | {"exercises": pooling})
    assert capsys.readouterr().out.count("✓ Right") == 6


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

    def run(command, **options):
        ran.append(command[3:])
        rows = "assignment,student_id,score,max_score\n04_pooling,model-solution,10,12\n"
        (tmp_path / "grades.csv").write_text(rows)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(ValueError, match=r"must earn all points .* Received: 10 of 12"):
        assignment.grade(tmp_path, "04_pooling")
    autograded = [words for words in ran if words[0] == "autograde"]
    assert len(autograded) == 1 and f"--student={assignment.MODEL}" in autograded[0]
    with pytest.raises(ValueError, match="cvcourse assignment makes it"):
        assignment.grade(tmp_path, "05_vgg16")
