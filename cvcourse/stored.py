"""Files of JSON and arrays that anybody may have made or damaged; the course's own JSON has a checksum."""

import contextlib
import hashlib
import json
import math
import os
import zipfile
from pathlib import Path

from numpy.lib import format as npy


def read_json(path):
    """The content of a JSON file, in UTF-8, UTF-16 or UTF-32, with a byte-order mark or without.

    Args:
        path: str or `pathlib.Path`.

    Raises:
        ValueError: the file is missing or not whole; the message names it.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:  # of the text, or of lists within lists without end
        raise ValueError(f"{path} is not whole JSON ({error})") from None


def read_npz(path):
    """The arrays of an `.npz` file, a dict; sizes are checked before memory is taken, and no pickle is read.

    Args:
        path: str or `pathlib.Path`.

    Raises:
        ValueError: the file is missing, damaged or another; the message names it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                member.filename.removesuffix(".npy"): _array(archive, member) for member in archive.infolist()
            }
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist") from None
    except Exception as error:  # zip files break in a dozen ways
        raise ValueError(f"{path} is damaged or no .npz file ({error or type(error).__name__})") from None


def _array(archive, member):
    with archive.open(member) as data:
        first = npy.read_magic(data) == (1, 0)
        shape, _, dtype = (npy.read_array_header_1_0 if first else npy.read_array_header_2_0)(data)
        told, there = math.prod(shape) * dtype.itemsize, member.file_size - data.tell()
        if told != there:
            raise ValueError(f"{member.filename} says that it has {told:,} bytes, it has {there:,}")
    with archive.open(member) as data:
        return npy.read_array(data, allow_pickle=False)


def read(path, parts=()):
    """A dict that `write` stored; it must have these parts and its checksum, if it carries one."""
    advice = "Install the course again to get a whole file."
    try:
        fields = read_json(path)
    except ValueError as error:
        raise ValueError(f"{error}. {advice}") from None
    missing = [part for part in parts if part not in fields] if isinstance(fields, dict) else ["a dict"]
    if missing:
        raise ValueError(f"{path} is damaged: it lacks {', '.join(missing)}. {advice}")
    if fields.pop("checksum", None) not in (None, _checksum(fields)):
        raise ValueError(f"{path} is damaged: something in it was changed, its checksum is another. {advice}")
    return fields


def write(path, fields):
    """Store a dict as JSON, with its checksum, whole or not at all; returns the path."""
    path = Path(path)
    fields = json.loads(json.dumps(fields))  # tuples become lists, as they will be when read
    text = json.dumps(fields | {"checksum": _checksum(fields)}, indent=1) + "\n"
    with whole(path) as file:
        file.write(text.encode())
    return path


@contextlib.contextmanager
def whole(path):
    """Inside this block a binary file is open for what `path` is to hold: all of it, or the old file stays.

    Missing folders are made.

    Raises:
        PermissionError: the folder cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")  # two may write at once
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = part.open("wb")
    except OSError as error:
        raise PermissionError(f"cannot write into the folder {path.parent} ({error.strerror})") from None
    try:
        with file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _checksum(fields):
    fields = {name: value for name, value in fields.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def read_notebook(path):
    """Return the notebook of a file, in version 4 of the format.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is no notebook.
    """
    import nbformat  # here, since few who read stored files read notebooks

    try:
        notebook = nbformat.read(path, as_version=4)
        if not all(cell.cell_type and cell.source is not None for cell in notebook.cells):
            raise ValueError("a cell without type or source")
    # The latter three: JSON in which what a notebook has was looked for.
    except (ValueError, nbformat.ValidationError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} must be a notebook. Received: {str(error)[:80]!r}") from None
    return notebook


def write_notebook(notebook, path):
    """Store a notebook whole or not at all: after a kill or on a full disk, the old file stays."""
    import nbformat

    with whole(path) as file:
        file.write(f"{nbformat.writes(notebook)}\n".encode())
