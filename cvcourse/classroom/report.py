"""A class at a glance: how many solved each exercise, and which mistake how many made. One page, one CSV."""

import csv
from collections import Counter, defaultdict
from html import escape
from pathlib import Path

from cvcourse.classroom.grading import MODEL
from cvcourse.classroom.results import STATES, notebooks_in, results, sentence

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8888; vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
pre { margin: 0; white-space: pre-wrap }
.bar { display: flex; height: .7rem; min-width: 8rem } .bar i { display: block }
"""
COLORS = {"right": "#009E73", "wrong": "#D55E00", "not done": "#999999", "not run": "#dddddd"}


def collected(folder):
    """Return [(student, Result)] of all notebooks in a folder that has one folder for each student.

    nbgrader's `submitted/` and `autograded/` are such folders.

    Raises:
        ValueError: the folder holds no notebook with an exercise.
    """
    folder = Path(folder)
    found = [
        (student, result)
        for path in notebooks_in([folder])
        if (student := path.relative_to(folder).parts[0]) != MODEL
        for result in results(path)
    ]
    if not found:
        raise ValueError(f"GRADED must hold notebooks with exercises. Received: {folder}, with none")
    return found


def counted(found):
    """Return one dict for each exercise, in the order of the lessons.

    Args:
        found: as `collected` gives it.

    Returns:
        list of dicts: "lesson", "exercise", "section", "check", a count for each of `STATES`, "mistakes"
        ({name: students}, the most frequent first) and "unnamed" ({what it gave: students}).
    """
    groups = defaultdict(list)
    for student, one in found:
        groups[one.lesson, one.check].append((student, one))
    rows = []
    for (lesson, check), pairs in sorted(groups.items(), key=lambda item: item[0][0]):
        first = pairs[0][1]
        states = Counter(one.state for _, one in pairs)
        named, unnamed = defaultdict(list), defaultdict(list)
        for student, one in pairs:
            if one.state == "wrong":
                into, key = (named, one.mistake) if one.mistake else (unnamed, one.received or one.message)
                into[key].append(student)
        most = [dict(sorted(d.items(), key=lambda item: -len(item[1]))) for d in (named, unnamed)]
        rows.append(
            {"lesson": lesson, "exercise": first.exercise, "section": first.section, "check": check}
            | {state: states[state] for state in STATES}
            | {"mistakes": most[0], "unnamed": most[1]}
        )
    return rows


def report(folder, to, names=False):
    """Write the page and, beside it, the CSV of single results; return both paths.

    Args:
        folder: Path with a folder for each student.
        to: Path of the page; the CSV has the same name, with `.csv`.
        names: bool, whether students are named; else they are numbered.
    """
    found, to = collected(folder), Path(to)
    if not names:
        number = {name: f"student {i}" for i, name in enumerate(sorted({name for name, _ in found}), start=1)}
        found = [(number[name], one) for name, one in found]
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(page(counted(found), len({name for name, _ in found}), names), encoding="utf-8")
    with (table := to.with_suffix(".csv")).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["student", "lesson", "exercise", "state", "mistake"])
        rows.writerows([_plain(s), one.lesson, one.exercise, one.state, one.mistake] for s, one in found)
    return to, table


def _plain(text):
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text


def page(rows, students, names=False):
    """Return the page as HTML: no script, no address, every text escaped."""
    nobody = [row for row in rows if not row["right"] and row["wrong"]]
    hard = "".join(f"<li>{escape(row['lesson'])}: {escape(row['exercise'])}</li>" for row in nobody)
    parts = [
        f"<h1>What the class did</h1><p>{students} students, {len(rows)} exercises.</p>",
        f"<h2>Nobody got right</h2><ul>{hard}</ul>" if hard else "",
        "<h2>Each exercise</h2><table><thead><tr><th>lesson</th><th>exercise</th><td></td>",
        *(f'<th class="n">{state}</th>' for state in STATES),
        f"</tr></thead><tbody>{''.join(map(_row, rows))}</tbody></table>",
        "<h2>Mistakes with a name</h2>", _mistakes(rows, "mistakes", names),
        "<h2>Mistakes without a name</h2><p>Grouped by what the answer gave on the check's first case.</p>",
        _mistakes(rows, "unnamed", names),
    ]  # fmt: skip
    head = f'<meta charset="utf-8"><title>What the class did</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'


def _row(row):
    bar = "".join(f'<i style="flex:{row[state]};background:{COLORS[state]}"></i>' for state in STATES)
    counts = "".join(f'<td class="n">{row[state]}</td>' for state in STATES)
    words = f"<td>{escape(row['lesson'])}</td><td>{escape(row['exercise'])}</td>"
    return f'<tr>{words}<td><div class="bar" aria-hidden="true">{bar}</div></td>{counts}</tr>'


def _mistakes(rows, key, names):
    """The table of one kind of mistakes, the most frequent first."""
    every = [(row, what, who) for row in rows for what, who in row[key].items()]
    if not every:
        return "<p>None.</p>"
    lines = []
    for row, what, who in sorted(every, key=lambda one: -len(one[2])):
        words = escape(sentence(what)) if key == "mistakes" else f"<pre>{escape(what)}</pre>"
        named = f"<td>{escape(', '.join(who))}</td>" if names else ""
        lines.append(
            f'<tr><td class="n">{len(who)}</td><td>{words}</td><td>{escape(row["lesson"])}: '
            f"{escape(row['exercise'])}</td><td>{escape(row['section'])}</td>{named}</tr>"
        )
    head = "<th class='n'>students</th><th>mistake</th><th>exercise</th><th>section that treats it</th>"
    head += "<th>who</th>" if names else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
