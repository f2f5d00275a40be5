"""The table lesson × submission × points, through the course's real commands and nbgrader.

    python tests/grade_table.py COURSE [LESSON …]

COURSE is a folder for this table alone. The exercises alone, or with --whole the whole lessons. --few: a
perfect, an empty one, one mistake in each exercise, and of the other submissions two in each lesson.

A lesson that stands in COURSE/table.json is not graded again. Prints the table as markdown; fails if anybody
earned other points than expected. Needs nbgrader: pip install -e ".[instructor]".
"""

import argparse
import copy
import csv
import importlib
import json
import re
import shutil
import sys
import time
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from cvcourse import cli
from cvcourse.exercises.checking import exercises_of

LESSONS = sorted((Path(__file__).parents[1] / "notebooks").glob("[01]*.ipynb"))
TABLE = """
def {name}(*given):
    check = exercises.{check}
    for case in check.cases:
        if check.agree(case, given):
            return check.outcome(check.solution, case)
"""


class Lesson:
    """A released lesson and the submissions that are made of it."""

    def __init__(self, course, stem):
        self.stem, self.course = stem, course
        read = [nbformat.read(course / kind / stem / f"{stem}.ipynb", 4) for kind in ("source", "release")]
        self.source, self.release = read
        self.answers = [n for n, c in enumerate(self.release.cells) if self.mark(c).get("solution")]
        self.checks = [n for n, c in enumerate(self.release.cells) if self.mark(c).get("grade")]
        self.names = [re.match(r"exercises\.(\w+)\((\w+)", self.release.cells[n].source) for n in self.checks]
        known = exercises_of(importlib.import_module(f"cvcourse.exercises.{stem[3:]}"))
        self.mistakes = [list(known[name[1]].mistakes) for name in self.names]

    @staticmethod
    def mark(cell):
        return cell.metadata.get("nbgrader", {})

    def right(self, which=None):
        """The release with the course's own answers, in all exercises or in those that are named."""
        notebook = copy.deepcopy(self.release)
        for k, n in enumerate(self.answers):
            if which is None or k in which:
                notebook.cells[n].source = self.source.cells[n].source
        return notebook

    def before(self, code, notebook):
        """With a cell of one's own before the first answer."""
        notebook.cells.insert(self.answers[0], new_code_cell(code))
        return notebook

    def submissions(self, mistakes):
        """{name: (notebook, expected points)}; the points of an exercise are 2, None: cannot be graded."""
        every = 2 * len(self.checks)
        hidden = [name[1] != "check_freeze_base" for name in self.names]  # see test_classroom_hidden
        found = {"perfect": (self.right(), every), "empty": (self.right(()), 0)}
        for k in range(min(mistakes, max(map(len, self.mistakes)))):
            notebook, points = self.right(), 0
            for n, name, known in zip(self.answers, self.names, self.mistakes, strict=True):
                if k < len(known):
                    notebook.cells[n].source = f"{name[2]} = exercises.{name[1]}.variant({known[k]!r})"
                points += 2 * (k >= len(known))
            found[f"mistake {k + 1}"] = notebook, points
        notebook = self.right()
        for n, name in zip(self.answers, self.names, strict=True):
            notebook.cells[n].source = TABLE.format(name=name[2], check=name[1])
        found["table of what is shown"] = notebook, every - 2 * sum(hidden)
        notebook = self.right()
        notebook.cells[self.answers[0]].source = f"def {self.names[0][2]}(*_):\n    while True:\n        pass"
        found["endless loop"] = notebook, every - 2
        notebook = self.right({0})
        for n in self.checks:
            notebook.cells[n].source = 'print("✓ Right: all of it.")'
        found["edited checks"] = notebook, 2
        notebook = self.right({0})
        notebook.cells = [cell for n, cell in enumerate(notebook.cells) if n not in self.checks]
        found["deleted checks"] = notebook, 2
        other = f"exercises.{self.names[-1][1]}.solution"
        own = {
            "prints another's solution": f"import inspect\nprint(inspect.getsource({other}))",
            "opens files outside": 'import os\nprint(open("../../../seeds.json"), os.listdir("../.."))',
            "1 GB array": "big = np.ones(125_000_000)\nprint(big.sum(), 'x')",
        }
        for name, code in own.items():
            notebook = self.before(code, self.right())
            notebook.cells.insert(self.answers[0], new_code_cell("import numpy as np"))
            found[name] = notebook, every
        code = "import os\nos.environ.pop('NBGRADER_EXECUTION')\n"
        code += "\n".join(f"exercises.{name[1]} = lambda answer: 2.0" for name in self.names[1:])
        found["replaced checks"] = self.before(code, self.right({})), 0
        found["ends its kernel"] = self.before("import os\nos._exit(1)", self.right()), None
        return found


def run(*words):
    """The course's own command line."""
    if cli.main(list(map(str, words))):
        raise SystemExit(f"cvcourse {' '.join(map(str, words))} failed")


def graded(course, path, mistakes=99, whole=False, only=(), few=False):
    """Grade the submissions of a lesson; {name: [points, expected, words for the instructor]} and seconds."""
    start, stem = time.time(), path.stem
    shutil.rmtree(course / "submitted", ignore_errors=True)
    run("assignment", path, course, *([] if whole else ["--only-exercises"]))
    run("class", "release", course, stem)
    made = Lesson(course, stem).submissions(1 if few else mistakes)
    if few:
        kinds, k = list(made)[3:], 2 * int(stem[:2])
        only = ["perfect", "empty", "mistake 1", kinds[k % len(kinds)], kinds[(k + 1) % len(kinds)]]
    made = {name: both for name, both in made.items() if not only or name in only}
    for name, (notebook, _) in made.items():
        target = course / "submitted" / name / stem / f"{stem}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, target)
    run("class", "grade", course, stem)
    with (course / "grades.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file) if row["assignment"] == stem}
    with (course / "look-at.csv").open(newline="", encoding="utf-8") as file:
        look = [row for row in csv.DictReader(file) if row["lesson"] == stem]
    table = {}
    for name, (_, expected) in made.items():
        score = rows.get(name, {}).get("score") or None
        words = [row["what"] for row in look if row["student"] == name]
        ungraded = any("could not be graded" in one for one in words)
        table[name] = [None if ungraded or score is None else float(score), expected, words]
    return {"seconds": round(time.time() - start), "submissions": table}


def markdown(results):
    """The table of all lessons; a mistake in each cell where the points are not the expected ones."""
    names = list(dict.fromkeys(name for one in results.values() for name in one["submissions"]))
    lines = [f"| submission | {' | '.join(stem[:2] for stem in results)} |"]
    lines.append("|---" * (len(results) + 1) + "|")
    for name in names:
        cells = []
        for one in results.values():
            got, expected, words = one["submissions"].get(name, ("", "", ""))
            shown = "—" if got is None else f"{got:g}" if got != "" else ""
            cells.append(shown + ("*" if words else "") + (f" ≠ {expected}" if got != expected else ""))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, f"| seconds | {' | '.join(str(one['seconds']) for one in results.values())} |"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("course", type=Path)
    parser.add_argument("lessons", nargs="*")
    parser.add_argument("--mistakes", type=int, default=99)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--few", action="store_true")
    options = parser.parse_args()
    kept = options.course / "table.json"
    results = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    for path in LESSONS:
        if path.stem not in results and (not options.lessons or path.stem in options.lessons):
            course = options.course.resolve()
            results[path.stem] = graded(course, path, options.mistakes, options.whole, few=options.few)
            kept.write_text(json.dumps(results, indent=1, ensure_ascii=False), encoding="utf-8")
    print(markdown(dict(sorted(results.items()))))
    rows = [row for one in results.values() for row in one["submissions"].values()]
    sys.exit(any(got != expected for got, expected, _ in rows))


if __name__ == "__main__":
    main()
