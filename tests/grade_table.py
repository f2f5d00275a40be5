"""The table lesson × submission × points, through the course's real commands and nbgrader.

    python tests/grade_table.py COURSE [LESSON …]

COURSE is a folder for this table alone. The exercises alone, or with --whole the whole lessons, and the quiz.
A submission has one mistake in each exercise and in each question, so that a lesson needs as many of them as
its richest exercise has mistakes. One, "tries all mistakes", has them all, in cells that earn nothing. With
--only, those submissions alone that are named.

A lesson that stands in COURSE/table.json is not graded again. Prints the table as markdown; fails if anybody
earned other points than expected, or if a page of feedback lacks a mistake's own sentence. Needs nbgrader:
pip install -e ".[instructor]".
"""

import argparse
import copy
import csv
import html
import importlib
import json
import re
import shutil
import sys
import time
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

sys.path.insert(0, str(Path(__file__).parents[1]))
import questions
from cvcourse import cli
from cvcourse.classroom import results
from cvcourse.exercises import quiz
from cvcourse.exercises.checking import exercises_of

LESSONS = sorted((Path(__file__).parents[1] / "notebooks").glob("[01]*.ipynb"))
CHEATS = "endless loop + deleted and edited check + table of what is shown"
SAID = "This is exactly what you get if you {}."
OUTSIDE = """
import inspect, os
import numpy as np
print(inspect.getsource(exercises.{check}.solution))
print(open("../../../seeds.json"), os.listdir("../.."))
big = np.ones(125_000_000)
print(big.sum(), 'x')
"""
TRIES = "tries all mistakes"
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
        self.stem, self.course, self.tried = stem, course, {}
        read = [nbformat.read(course / kind / stem / f"{stem}.ipynb", 4) for kind in ("source", "release")]
        self.source, self.release = read
        self.answers = [n for n, c in enumerate(self.release.cells) if self.mark(c).get("solution")]
        self.checks = [n for n, c in enumerate(self.release.cells) if self.mark(c).get("grade")]
        self.points = [self.mark(self.release.cells[n])["points"] for n in self.checks]
        asked = [re.match(r"exercises\.(\w+)\((\w+)", self.release.cells[n].source) for n in self.checks]
        self.names = [one.groups() for one in asked if one]  # of the others, the questions of the quiz
        known = exercises_of(importlib.import_module(f"cvcourse.exercises.{stem[3:]}"))
        named = [known[check].mistakes for check, _ in self.names]
        self.mistakes = [[(wrong, SAID.format(wrong)) for wrong in names] for names in named]
        self.quiz = quiz.solution(stem[:2])
        self.mistakes += map(misconceptions, questions.lessons()[stem[:2]][""], self.quiz)

    @staticmethod
    def mark(cell):
        return cell.metadata.get("nbgrader", {})

    def answered(self, right=True):
        """The release, with the course's own answers or none."""
        notebook = copy.deepcopy(self.release)
        for n in self.answers if right else ():
            notebook.cells[n].source = self.source.cells[n].source
        if right:
            notebook.cells[self.answers[-1]].source = f"answers = {self.quiz!r}"
        return notebook

    def faults(self, student, expected):
        """Where the graded notebook, or the page of feedback, says something else than what was expected."""
        path = self.course / "autograded" / student / self.stem / f"{self.stem}.ipynb"
        if not path.exists():
            return ["could not be graded"]
        page = self.course / "feedback" / student / self.stem / f"{self.stem}.html"
        shown = html.unescape(re.sub("<[^>]+>", "", page.read_text("utf-8")))
        faults = []
        for one, state in zip(results.results(path), expected, strict=True):
            said = one.state == (state if state in results.STATES else "wrong")
            if not said or (state not in results.STATES and not (state in one.message and state in shown)):
                faults.append(f"{one.check}: {state} ≠ {one.state}: {one.message}")
        for cell in nbformat.read(path, 4).cells:
            words = self.tried.get(cell.source, "")
            said = "".join(one.get("evalue", "") for one in cell.get("outputs", []))
            if not (words in said and words in shown):
                faults.append(f"{cell.source}: {words}")
        return faults

    def submissions(self):
        """{name: (notebook, expected)}: for each exercise its state or the sentence on its mistake.

        `expected` is None where a submission cannot be graded.
        """
        right, nothing = (["right"] * len(self.checks), ["not done"] * len(self.checks))
        found = {"perfect": (self.answered(), right), "empty": (self.answered(right=False), nothing)}
        for k in range(max(map(len, self.mistakes))):
            found[f"mistake {k + 1}"] = self.mistaken(k)
        found[CHEATS] = self.cheating()
        code = OUTSIDE.format(check=self.names[-1][0])
        found["prints another's solution + opens files outside + 1 GB array"] = self.before(code, right)
        code = "import os\nos.environ.pop('NBGRADER_EXECUTION')\n"
        code += "\n".join(f"exercises.{check} = lambda answer: 2.0" for check, _ in self.names[1:])
        expected = [nothing[0], *["wrong"] * (len(self.names) - 1), *nothing[len(self.names) :]]
        found["replaced checks"] = self.before(code, expected, right=False)
        found[TRIES] = self.trying()
        found["ends its kernel"] = self.before("import os\nos._exit(1)", None)
        return found

    def before(self, code, expected, right=True):
        """With a cell of one's own before the first answer."""
        notebook = self.answered(right)
        notebook.cells.insert(self.answers[0], new_code_cell(code))
        return notebook, expected

    def mistaken(self, k):
        """The k-th mistake in each exercise and question that has as many; the others are right."""
        notebook, expected, given = self.answered(), ["right"] * len(self.checks), list(self.quiz)
        for n, known in enumerate(self.mistakes):
            if k < len(known):
                wrong, expected[n] = known[k]
                if n < len(self.names):
                    check, name = self.names[n]
                    notebook.cells[self.answers[n]].source = f"{name} = exercises.{check}.variant({wrong!r})"
                else:
                    given[n - len(self.names)] = wrong
        notebook.cells[self.answers[-1]].source = f"answers = {given!r}"
        return notebook, expected

    def trying(self):
        """The first mistake in each exercise; below, in cells that earn nothing, each mistake is tried."""
        notebook, expected = self.mistaken(0)
        for n, known in enumerate(self.mistakes):
            for wrong, words in known:
                if n < len(self.names):
                    check = f"exercises.{self.names[n][0]}"
                    code = f"{check}({check}.variant({wrong!r}))"
                else:
                    number = n - len(self.names)
                    given = [*self.quiz[:number], wrong, *self.quiz[number + 1 :]]
                    code = f'answers = {given!r}\nquiz.check_quiz("{self.stem[:2]}", answers, {number + 1})'
                self.tried[code] = words
                notebook.cells.append(new_code_cell(code))
        return notebook, expected

    def cheating(self):
        """The second to fifth exercise cheat, each in a way of its own; the others are right."""
        notebook, expected = self.answered(), ["right"] * len(self.checks)
        loops, deleted, edited, table = range(1, 5)
        place, expected[loops], name = self.answers, "wrong", self.names[loops][1]
        notebook.cells[place[loops]].source = f"def {name}(*_):\n    while True:\n        pass"
        for n in (deleted, edited):
            notebook.cells[place[n]].source, expected[n] = self.release.cells[place[n]].source, "not done"
        notebook.cells[self.checks[edited]].source = 'print("✓ Right: all of it.")'
        check, name = self.names[table]
        notebook.cells[place[table]].source = TABLE.format(name=name, check=check)
        if check != "check_freeze_base":  # see test_classroom_hidden
            expected[table] = "wrong"
        del notebook.cells[self.checks[deleted]]
        return notebook, expected


def misconceptions(question, right):
    """[(a wrong answer, what is said to it)] of a question as its author wrote it."""
    kind, found = question["kind"], []
    for key, text in question["plain"].items():
        if text.startswith("✗"):
            if kind == "number":
                whole, _, per = key.partition("/")
                key = int(whole) / int(per or question["per"])
            elif kind == "several":
                key = right + key.removeprefix("has ")
            elif kind == "order":
                first, _, second = key.partition("<")
                key = right.replace(second + first, first + second)
            found.append((key, text[2:]))
    return found


def run(*words):
    """The course's own command line."""
    if cli.main(list(map(str, words))):
        raise SystemExit(f"cvcourse {' '.join(map(str, words))} failed")


def graded(course, path, whole=False, only=()):
    """Grade a lesson: {name: [points, expected points, words for the instructor, faults]} and seconds."""
    start, stem = time.time(), path.stem
    shutil.rmtree(course / "submitted", ignore_errors=True)
    run("assignment", path, course, "--quiz", *([] if whole else ["--only-exercises"]))
    run("class", "release", course, stem)
    lesson = Lesson(course, stem)
    made = {name: both for name, both in lesson.submissions().items() if not only or name in only}
    for name, (notebook, _) in made.items():
        target = course / "submitted" / name / stem / f"{stem}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, target)
    run("class", "grade", course, stem)
    rows = {row["student_id"]: row for row in table(course / "grades.csv") if row["assignment"] == stem}
    look, found = [row for row in table(course / "look-at.csv") if row["lesson"] == stem], {}
    for name, (_, expected) in made.items():
        words = [row["what"] for row in look if row["student"] == name]
        if expected is None:
            got = None if any("could not be graded" in one for one in words) else rows[name]["score"]
            found[name] = [got, None, words, []]
            continue
        points = [lesson.points[n] for n, state in enumerate(expected) if state == "right"]
        found[name] = [float(rows[name]["score"] or 0), sum(points), words, lesson.faults(name, expected)]
    named = sum(state not in results.STATES for _, states in made.values() for state in states or ())
    tried = len(lesson.tried) if TRIES in made else 0
    return {"seconds": round(time.time() - start), "named": named, "tried": tried, "submissions": found}


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def markdown(lessons):
    """The table of all lessons; a mistake in each cell where the points are not the expected ones."""
    names = list(dict.fromkeys(name for one in lessons.values() for name in one["submissions"]))
    lines = [f"| submission | {' | '.join(stem[:2] for stem in lessons)} |"]
    lines.append("|---" * (len(lessons) + 1) + "|")
    for name in names:
        cells = []
        for one in lessons.values():
            got, expected, words, faults = one["submissions"].get(name, ("", "", "", ""))
            shown = "—" if got is None else f"{got:g}" if got != "" else ""
            wrong = f" ≠ {expected}" if got != expected else f" ({len(faults)} faults)" if faults else ""
            cells.append(shown + ("*" if words else "") + wrong)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    for name in ("named", "tried", "seconds"):
        lines.append(f"| {name} | {' | '.join(str(one.get(name, 0)) for one in lessons.values())} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("course", type=Path)
    parser.add_argument("lessons", nargs="*")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--only", nargs="+", default=(), metavar="SUBMISSION")
    options = parser.parse_args()
    kept = options.course / "table.json"
    lessons = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    for path in LESSONS:
        if path.stem not in lessons and (not options.lessons or path.stem in options.lessons):
            course = options.course.resolve()
            lessons[path.stem] = graded(course, path, options.whole, options.only)
            kept.write_text(json.dumps(lessons, indent=1, ensure_ascii=False), encoding="utf-8")
    print(markdown(dict(sorted(lessons.items()))))
    rows = [row for one in lessons.values() for row in one["submissions"].values()]
    sys.exit(any(got != expected or faults for got, expected, _, faults in rows))


if __name__ == "__main__":
    main()
