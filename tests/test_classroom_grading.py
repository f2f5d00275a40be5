"""Two lessons through nbgrader itself; the table of all twelve is made by tests/grade_table.py."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("nbgrader", reason="needs the extra `instructor`")
sys.path.insert(0, str(Path(__file__).parent))
import grade_table

from cvcourse.classroom import report, results


@pytest.mark.parametrize(("lesson", "names"), [
    ("04_pooling", ["perfect", "empty", "mistake 1", grade_table.CHEATS]),
    ("11_segmentation", ["perfect", "empty", "mistake 2", "replaced checks", "ends its kernel"]),
])  # fmt: skip
def test_each_submission_earns_what_it_deserves_and_hears_why(lesson, names, tmp_path):
    path = next(path for path in grade_table.LESSONS if path.stem == lesson)
    graded = grade_table.graded(tmp_path, path, only=names)
    submissions = graded["submissions"]
    assert set(submissions) == set(names)
    for name, (got, expected, told, faults) in submissions.items():
        assert (name, got, faults) == (name, expected, [])
        assert bool(told) == (name in {grade_table.CHEATS, "replaced checks", "ends its kernel"})
    page = (tmp_path / "feedback" / "empty" / lesson / f"{lesson}.html").read_text("utf-8")
    assert "Not done yet" in page and "src=\"http" not in page and "seeds.json" not in page
    release = (tmp_path / "release" / lesson / path.name).read_text("utf-8")
    assert "check_quiz(" in release and ".solution" not in release
    for question in grade_table.questions.lessons()[lesson[:2]][""]:
        assert not any(text[2:] in release for text in question["plain"].values() if len(text) > 2)
    rows = report.counted(report.collected(tmp_path / "autograded"))
    assert all(sum(row[state] for state in results.STATES) == len(names) - ("ends its kernel" in names)
               for row in rows)  # fmt: skip
    assert sum(len(who) for row in rows for who in row["mistakes"].values()) == graded["named"]
