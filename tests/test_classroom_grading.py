"""Two lessons through nbgrader itself; the table of all twelve is made by tests/grade_table.py."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import grade_table

from cvcourse.classroom import report, results


@pytest.fixture(scope="module", autouse=True)
def nbgrader(tmp_path_factory):
    """nbgrader: of this environment, or in one of its own on top, since it adds to JupyterLab."""
    if importlib.util.find_spec("nbgrader"):
        yield
        return
    if os.environ.get("CVCOURSE_GRADING") != "required":
        pytest.skip("needs the extra `instructor`")
    above = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", above], check=True)
    paths = sysconfig.get_paths(vars={"base": str(above), "platbase": str(above)})
    Path(paths["purelib"], "below.pth").write_text(sysconfig.get_path("purelib"))
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = project["optional-dependencies"]["instructor"]
    pip = [sys.executable, "-m", "pip", "--python", Path(paths["scripts"], "python")]
    subprocess.run([*pip, "install", "--quiet", *wanted], check=True)
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("PYTHONPATH", paths["purelib"], prepend=os.pathsep)
        changed.setenv("PATH", paths["scripts"], prepend=os.pathsep)
        yield


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
    assert "Not done yet" in page and 'src="http' not in page and "seeds.json" not in page
    release = (tmp_path / "release" / lesson / path.name).read_text("utf-8")
    assert "check_quiz(" in release and ".solution" not in release
    for question in grade_table.questions.lessons()[lesson[:2]][""]:
        assert not any(text[2:] in release for text in question["plain"].values() if len(text) > 2)
    rows = report.counted(report.collected(tmp_path / "autograded"))
    assert all(sum(row[state] for state in results.STATES) == len(names) - ("ends its kernel" in names)
               for row in rows)  # fmt: skip
    assert sum(len(who) for row in rows for who in row["mistakes"].values()) == graded["named"]
