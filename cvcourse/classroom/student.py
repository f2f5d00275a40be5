"""The student edition: lessons without solutions, which keep their answers when they are handed out again.

A copy remembers, in its metadata, what each of its cells looked like when it was handed out. So a later
edition can tell what the student has written since, and an answer is never lost.
"""

import ast
import copy
import hashlib
import re
from pathlib import Path

import nbformat

from cvcourse import stored

REMEMBERED = "cvcourse"  # key of the notebook's metadata: {cell id: hash of its text}
POINTER = re.compile(r"(?:\n+T|; t)he collapsed cell (?:below|after them) holds a solution(?: \(.*\)|.*)")
HERE = "The course's own function, to go on with. Yours counts in the check above."


def student_edition(notebook):
    """A copy of a lesson without its solutions; hints stay, and all else is cell for cell the same.

    Where later cells call a solution, one line takes it from the exercise's check instead of showing it.

    Args:
        notebook: nbformat notebook, as the course has it.

    Returns:
        nbformat notebook.

    Raises:
        ValueError: a solution that later cells need is not given to a check.
    """
    edition, source = copy.deepcopy(notebook), ""
    for cell in reversed(edition.cells):  # a solution is replaced when all that comes after it is known
        if "solution" in cell.metadata.get("tags", []):
            cell.source = _without(cell.source, source)
            cell.metadata = {}
        if cell.cell_type == "code":
            source += f"\n{cell.source}"
        else:
            cell.source = POINTER.sub("", cell.source)
    edition.cells = [cell for cell in edition.cells if cell.source or cell.cell_type != "code"]
    edition.metadata[REMEMBERED] = {cell.id: _hash(cell.source) for cell in edition.cells}
    return edition


def _without(solution, later):
    """What stands in place of a solution's cell: nothing, or where later cells find its functions."""
    tree = ast.parse(solution)
    checks = {
        call.args[0].id: ast.unparse(call.func)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("exercises.check_")
        and call.args and isinstance(call.args[0], ast.Name)
    }  # fmt: skip
    if not checks and not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree.body):
        return solution  # it shows something with a solution, and is none
    called = {node.id for node in ast.walk(ast.parse(later)) if isinstance(node, ast.Name)}
    needed = [node.name for node in tree.body if getattr(node, "name", None) in called]
    if missing := set(needed) - set(checks):
        raise ValueError(f"{', '.join(sorted(missing))} must be given to a check: later cells call it")
    lines = [f"{name} = {checks[name]}.solution" for name in needed]
    return "\n".join([f"# {HERE}", *lines]) if lines else ""


def updated(mine, edition):
    """The new edition with a student's answers in it.

    Args:
        mine: notebook of the student, from an earlier edition.
        edition: what `student_edition` gives now.

    Returns:
        (notebook, kept, clashes, beside): ids of the exercises whose answers were kept; ids of those whose
        stub has changed too, which stands below the answer; and whether the student wrote anything else,
        so that the old copy must be kept beside.
    """
    merged, before = copy.deepcopy(edition), mine.metadata.get(REMEMBERED, {})
    written = {cell.id: cell for cell in mine.cells if before.get(cell.id) != _hash(cell.source)}
    kept, clashes, cells = [], [], []
    for cell in merged.cells:
        cells.append(cell)
        if "exercise" in cell.metadata.get("tags", []) and cell.id in written:
            stub, cell.source = cell.source, written.pop(cell.id).source
            if stub == cell.source:
                continue
            kept.append(cell.id)
            if before.get(cell.id) != _hash(stub):
                clashes.append(cell.id)
                text = f"The task's first lines have changed; they are now:\n\n```python\n{stub}\n```"
                cells.append(nbformat.v4.new_markdown_cell(text))
                merged.metadata[REMEMBERED][cells[-1].id] = _hash(text)
    merged.cells = cells
    return merged, kept, clashes, any(cell.source.strip() for cell in written.values())


def hand_out(lessons, folder, update=False):
    """Write the student edition of lessons into a folder; return a line for each, which says what was done.

    Args:
        lessons: Paths of the course's notebooks.
        folder: Path of the students' folder; it is made where it is missing.
        update: bool, whether copies that are there already are brought up to date, with their answers.

    Raises:
        ValueError: a copy is there already and `update` is False; nothing was written then.
    """
    folder = Path(folder)
    there = [path.name for path in lessons if (folder / path.name).exists()]
    if there and not update:
        raise ValueError(
            f"{folder} must have no copies yet. Received: {', '.join(there)}. With --update they are brought "
            "up to date and keep their answers."
        )
    editions = [(folder / path.name, student_edition(stored.read_notebook(path))) for path in lessons]
    return [_hand_out(path, edition) for path, edition in editions]


def _hand_out(path, edition):
    if not path.exists():
        stored.write_notebook(edition, path)
        return f"{path}: handed out"
    merged, kept, clashes, beside = updated(stored.read_notebook(path), edition)
    words = f"{path}: up to date; answers kept: {len(kept)}"
    if clashes:
        words += f"; tasks whose first lines have changed (see below the answer): {len(clashes)}"
    if beside:
        words += f"; what else was written there is in {_set_aside(path).name}"
    stored.write_notebook(merged, path)
    return words


def _set_aside(path):
    """Keep a copy of a file beside it, under a name that is free."""
    number = 1
    while (copied := path.with_stem(f"{path.stem} (before update {number})")).exists():
        number += 1
    copied.write_bytes(path.read_bytes())
    return copied


def _hash(source):
    return hashlib.sha256(source.encode()).hexdigest()[:16]
