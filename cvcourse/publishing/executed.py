"""Run notebooks once: slides, site and tests share the executed copies."""

import hashlib
import importlib.metadata
from pathlib import Path

from cvcourse import stored

PACKAGE = Path(__file__).parents[1]
CACHE = Path("build") / "executed"  # from the folder where the command is typed


def executed(path, cache_folder=CACHE):
    """A notebook with its outputs and the state of its widgets: run once, then read from the cache.

    Args:
        path: Path of a notebook; it runs in its own folder and is left as it is.
        cache_folder: Path of the copies; a change in the notebook's cells, the package or its libraries makes
            a new one, which takes the place of the old.

    Returns:
        nbformat notebook, version 4.

    Raises:
        RuntimeError: a cell failed.
        OSError, ValueError: the notebook cannot be read.
    """
    path, folder = Path(path), Path(cache_folder)
    notebook = stored.read_notebook(path)
    copy = folder / f"{path.stem}-{_key(notebook)}.ipynb"
    if copy.exists():
        return stored.read_notebook(copy)
    run(notebook, path.parent)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{path.stem}-{'?' * 16}.ipynb"):
        old.unlink()
    stored.write_notebook(notebook, copy)
    return notebook


def run(notebook, folder):
    """Execute every cell in a fresh kernel, in the folder; outputs and widget states stay in `notebook`."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook, timeout=900, kernel_name="python3", coalesce_streams=True, resources=resources
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise RuntimeError(f"A cell failed:\n{error}") from None


def _key(notebook):
    """16 letters that change with all that the outputs depend on; this folder is no part of that."""
    found = hashlib.sha256()
    for name in ("anywidget", "keras", "matplotlib", "numpy"):
        found.update(f"{name} {importlib.metadata.version(name)}\n".encode())
    for cell in notebook.cells:
        found.update(f"{cell.cell_type}\n{cell.source}\n".encode())
    for file in sorted(PACKAGE.rglob("*")):
        if file.is_file() and not {"__pycache__", "publishing"} & set(file.parts) and file.name != "cli.py":
            found.update(file.relative_to(PACKAGE).as_posix().encode() + file.read_bytes())
    return found.hexdigest()[:16]
