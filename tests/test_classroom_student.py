"""The student edition: no solution in it, the rest unchanged, and no answer is ever lost."""

from pathlib import Path

import nbformat
import pytest

from cvcourse import cli
from cvcourse.classroom import student

LESSONS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def read(path):
    return nbformat.read(path, as_version=4)


def exercises_of(notebook):
    return [cell for cell in notebook.cells if "exercise" in cell.metadata.get("tags", [])]


def solves(cell):
    """Whether a cell is a solution, not only something shown with one."""
    return "solution" in cell.metadata.get("tags", []) and "exercises.check_" in cell.source


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_an_edition_has_all_but_the_solutions(path):
    lesson = read(path)
    edition = student.student_edition(lesson)
    assert edition.metadata.kernelspec == lesson.metadata.kernelspec
    rest = [cell for cell in lesson.cells if not solves(cell)]
    ids = {cell.id for cell in rest}
    assert [cell.source for cell in edition.cells if cell.id in ids] == [
        student.POINTER.sub("", cell.source) for cell in rest
    ]
    assert not [cell.source for cell in edition.cells if "holds a solution" in cell.source]
    others = [line for cell in edition.cells if cell.id not in ids for line in cell.source.splitlines()]
    assert all(line == f"# {student.HERE}" or line.endswith(".solution") for line in others)
    assert not [cell for cell in edition.cells if "solution" in cell.metadata.get("tags", [])]
    assert sum("<details>" in cell.source for cell in edition.cells) >= len(exercises_of(edition)) - 1
    nbformat.validate(edition)


def test_a_solution_that_a_later_cell_needs_comes_from_its_check():
    solution = "def area_solution(a):\n    return a * a\n\n\nexercises.check_area(area_solution)"
    cells = [solution, "area_solution(3)"]
    lesson = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    lesson.cells[0].metadata["tags"] = ["solution"]
    edition = student.student_edition(lesson)
    assert edition.cells[0].source.splitlines()[1:] == ["area_solution = exercises.check_area.solution"]
    lesson.cells[0].source = solution.partition("exercises")[0]
    with pytest.raises(ValueError, match="area_solution must be given to a check"):
        student.student_edition(lesson)


@pytest.mark.reliability(
    "a corrected lesson is handed out over answers",
    "the answers stay; what clashes is kept beside",
)
def test_answers_survive_a_new_edition(tmp_path, capsys):
    lesson, copy = tmp_path / "04_pooling.ipynb", tmp_path / "class" / "04_pooling.ipynb"
    lesson.write_bytes(LESSONS[3].read_bytes())
    assert cli.main(["student", str(copy.parent), str(lesson)]) == 0
    mine = read(copy)
    first, second, third = exercises_of(mine)[:3]
    first.source = "def mine(): return 1"
    second.source = "def changed_by_both(): return 2"
    mine.cells.insert(1, nbformat.v4.new_markdown_cell("My own notes"))
    nbformat.write(mine, copy)
    course = read(lesson)
    exercises_of(course)[1].source += "  # clearer now"
    exercises_of(course)[2].source += "  # and here"
    course.cells[0].source = "# A corrected title"
    nbformat.write(course, lesson)

    before = copy.read_bytes()
    assert cli.main(["student", str(copy.parent), str(lesson)]) == 1  # without --update: nothing is touched
    assert copy.read_bytes() == before and "--update" in capsys.readouterr().err
    assert cli.main(["student", str(copy.parent), str(lesson), "--update"]) == 0
    words = capsys.readouterr().out
    assert "kept: 2" in words and "(see below the answer): 1" in words and "before update 1" in words
    merged = read(copy)
    assert merged.cells[0].source == "# A corrected title"
    sources = [cell.source for cell in merged.cells]
    assert {first.source, second.source, f"{third.source}  # and here"} <= set(sources)
    assert "# clearer now" in sources[sources.index(second.source) + 1]
    assert (copy.parent / "04_pooling (before update 1).ipynb").read_bytes() == before
    assert cli.main(["student", str(copy.parent), str(lesson), "--update"]) == 0  # and once more
    assert {first.source, second.source} <= {cell.source for cell in read(copy).cells}
    assert "before" not in capsys.readouterr().out
