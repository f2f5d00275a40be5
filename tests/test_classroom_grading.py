"""Two lessons through nbgrader itself; the table of all twelve is made by tests/grade_table.py."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("nbgrader", reason="needs the extra `instructor`")
sys.path.insert(0, str(Path(__file__).parent))
import grade_table

from cvcourse.classroom import report, results


@pytest.mark.parametrize(("lesson", "names"), [
    ("04_pooling", ["perfect", "empty", "mistake 1", "table of what is shown", "endless loop"]),
    ("11_segmentation", ["empty", "deleted checks", "edited checks", "replaced checks", "ends its kernel"]),
])  # fmt: skip
def test_each_submission_earns_what_it_deserves(lesson, names, tmp_path):
    path = next(path for path in grade_table.LESSONS if path.stem == lesson)
    submissions = grade_table.graded(tmp_path, path, mistakes=1, only=names)["submissions"]
    assert set(submissions) == set(names)
    assert {name: got for name, (got, *_) in submissions.items()} == {
        name: expected for name, (_, expected, _) in submissions.items()
    }
    told = {"table of what is shown", "deleted checks", "edited checks", "replaced checks", "ends its kernel"}
    assert {name for name, (*_, words) in submissions.items() if words} == told & set(names)
    page = (tmp_path / "feedback" / "empty" / lesson / f"{lesson}.html").read_text("utf-8")
    assert "Not done yet" in page and "src=\"http" not in page and "seeds.json" not in page
    rows = report.counted(report.collected(tmp_path / "autograded"))
    assert all(sum(row[state] for state in results.STATES) == len(names) - ("ends its kernel" in names)
               for row in rows)  # fmt: skip
