"""A card for each data set on the slides: what it is for, how large, under which terms, how to read it.

Sizes are of the files to download, about. Terms change: read them at the address before you use a set.
"""

from html import escape
from pathlib import Path
from typing import NamedTuple

from cvcourse.stored import read_json


class Card(NamedTuple):
    """What to know about a data set before using it."""

    name: str
    task: str
    images: str
    classes: str
    size: str
    licence: str
    where: str
    reader: str

    def __repr__(self):
        wide = max(map(len, self._fields))
        return "\n".join(f"{field:<{wide}}  {value}" for field, value in zip(self._fields, self, strict=True))

    def _repr_html_(self):
        rows = "".join(
            f"<tr><th scope='row' style='text-align:left'>{field}</th>"
            f"<td style='text-align:left'>{_cell(value)}</td></tr>"
            for field, value in zip(self._fields, self, strict=True)
        )
        return f"<table><caption>{escape(self.name)}</caption>{rows}</table>"


class Cards(tuple):
    """Several cards; shows itself as a table."""

    def __repr__(self):
        columns = ("name", "task", "classes", "size", "reader")
        rows = [columns, *([getattr(one, column) for column in columns] for one in self)]
        wide = [max(len(row[k]) for row in rows) for k in range(len(columns))]
        return "\n".join(
            "  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip() for row in rows
        )

    def _repr_html_(self):
        head = "".join(f"<th scope='col' style='text-align:left'>{field}</th>" for field in Card._fields)
        rows = ""
        for one in self:
            cells = "".join(f"<td style='text-align:left'>{_cell(value)}</td>" for value in one)
            rows += f"<tr>{cells}</tr>"
        return f"<table><caption>Data sets</caption><thead><tr>{head}</tr></thead>{rows}</table>"


def card(name):
    """The card of a data set.

    Args:
        name: str, such as "COCO"; capitals, blanks and hyphens do not matter.

    Returns:
        A `Card`, which shows itself as a table.

    Raises:
        ValueError: if there is no card of that name; lists the names.

    Example:
        >>> card("cifar-100").reader
        "datasets.load('cifar100')"
        >>> print(card("coco").licence)
        annotations CC BY 4.0; each picture keeps its own terms from Flickr
    """
    key = _key(str(name))
    for one in CARDS:
        if key in (_key(one.name), _key(one.name.split(" ")[0])):
            return one
    names = ", ".join(one.name for one in CARDS)
    raise ValueError(f"name must be one of {names}. Received: name={name!r}")


def _key(name):
    return "".join(character for character in name.lower() if character.isalnum())


def _cell(value):
    text = escape(value)
    return f'<a href="{text}">{text}</a>' if value.startswith("http") else text


CARDS = Cards(Card(**fields) for fields in read_json(Path(__file__).with_suffix(".json")))
