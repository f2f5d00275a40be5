"""What a notebook's outputs say of its exercises: right, wrong and how, not done. Nothing is run."""

import re
from dataclasses import dataclass
from pathlib import Path

from cvcourse import stored

STATES = "right", "wrong", "not done", "not run"
_CHECK = re.compile(r"^(?:exercises|quiz)\.(check_\w+)\((?:\"\d+\", \w+, (\d+)\))?", re.MULTILINE)
_MISTAKE = re.compile(r"This is exactly what you get if you (.*)\.$", re.DOTALL)
_SAID = re.compile(r"^Question \d+: ✗ Not right yet\. (.* See .*)", re.DOTALL)
_LINE = re.compile(r"^ *in line \d+ of your cell:.*\n?", re.MULTILINE)  # one error, wherever it is raised
_RECEIVED = re.compile(r"^  received +(.*?)(?=^  expected|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Result:
    """One exercise in one notebook.

    Attributes:
        lesson: stem of the notebook's file, "04_pooling".
        check: name of the check, "check_max_pool".
        exercise: its heading, "Exercise 1: max pooling".
        section: heading of the section in which it stands.
        state: one of `STATES`.
        message: what the check said; empty where it was not run.
        mistake: the mistake's name, where the check knew it; of a quiz, what it says to this answer.
        received: what a wrong answer gave on the first case, where no name fits.
    """

    lesson: str
    check: str
    exercise: str
    section: str
    state: str
    message: str = ""
    mistake: str = ""
    received: str = ""


def results(path):
    """The results of a notebook's exercises, in order; a check of the course's own solution does not count.

    Args:
        path: Path of a notebook as Jupyter saves it, with outputs.

    Raises:
        OSError, ValueError: the file is no notebook that can be read.
    """
    path = Path(path)
    cells = stored.read_notebook(path).cells
    found, exercise, section = {}, "", ""
    for cell in cells:
        if cell.cell_type == "markdown":
            for marks, heading in re.findall(r"^(##+) +(.+)$", cell.source, re.MULTILINE):
                if marks == "##":
                    section = exercise = heading
                elif heading.startswith("Exercise"):
                    exercise = heading
        elif cell.cell_type == "code" and "solution" not in cell.metadata.get("tags", []):
            for check, question in _CHECK.findall(cell.source):
                name, asked = f"{check} {question}".strip(), f"Quiz: question {question}"
                read = Result(path.stem, name, asked if question else exercise, section, *_read(cell.outputs))
                found.setdefault(name, read)
    return list(found.values())


def _read(outputs):
    """(state, message, mistake, received) of the cell of a check."""
    for output in outputs:
        words = output.get("text", "") or (output.get("evalue", "") if output.get("ename") else "")
        if words.startswith("✓"):
            return "right", words.strip()
        if words.startswith("Not done yet"):
            return "not done", words.strip()
        if output.output_type == "error":
            name = _SAID.search(words) or _MISTAKE.search(words.strip())
            received = _RECEIVED.search(words)
            message = words if output.ename == "WrongAnswer" else f"{output.ename}: {words}"
            gave = _LINE.sub("", received[1]) if received and not name else ""
            return "wrong", message.strip(), name[1] if name else "", gave.strip()
    return ("not run",)


def sentence(mistake):
    """A mistake as it is said to a student.

    Example:
        >>> sentence("square x"), sentence("A window slides. See section 2.")
        ('You square x.', 'A window slides. See section 2.')
    """
    return mistake if mistake.endswith(".") else f"You {mistake}."


def progress(paths):
    """Return a table of a student's own notebooks as text: what is done, right, wrong.

    Args:
        paths: Paths of notebooks, or folders with notebooks in them.
    """
    lines, counts = [], dict.fromkeys(STATES, 0)
    for path in notebooks_in(paths):
        for one in results(path):
            counts[one.state] += 1
            lines.append(f"{one.lesson:24} {one.state:9} {one.exercise}")
            if one.mistake:
                lines.append(f"{'':35}{sentence(one.mistake)} See: {one.section}")
    if not lines:
        raise ValueError("paths must hold notebooks with exercises. Received: none")
    return "\n".join([*lines, "", ", ".join(f"{state}: {count}" for state, count in counts.items())])


def notebooks_in(paths):
    """Return the notebooks among files and folders, in order, without those in hidden folders."""
    found = []
    for path in map(Path, paths):
        if not path.exists():
            raise ValueError(f"paths must exist. Received: {path}")
        inside = sorted(path.rglob("*.ipynb")) if path.is_dir() else [path]
        found += [one for one in inside if not any(part[0] == "." for part in one.relative_to(path).parts)]
    return found
