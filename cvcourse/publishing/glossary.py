"""The glossary: one text file of terms, and where each lesson uses one for the first time."""

import html
import re
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("site") / "glossary.txt"
#: What is no running text: code, formulas, links, HTML, headings, tables.
APART = re.compile(
    r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]+\$|!?\[[^\]]*\]\([^)]*\)|<[^>]*>|^(?:#|\||<|\*\*(?:Before|Time)).*?$",
    re.S | re.M,
)


class Term(NamedTuple):
    """A term, all forms in which it may stand in a lesson, and its meaning."""

    name: str
    forms: tuple
    meaning: str


def terms():
    """The terms of the glossary.

    Example:
        >>> [term.meaning for term in terms() if term.name == "accuracy"]
        ['The share of answers that are right.']
    """
    lines = SOURCE.read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines:
        if line and not line.startswith("#"):
            names, _, meaning = line.partition(": ")
            forms = tuple(name.strip() for name in names.split(" / "))
            found.append(Term(forms[0], forms, meaning.strip()))
    return sorted(found, key=lambda term: term.name.lower())


def matcher(known):
    """A pattern for the forms of all terms, and {form in small letters: term}. Capitals of a form count."""
    forms = {form.lower(): term for term in known for form in term.forms}
    longest = sorted((form for term in known for form in term.forms), key=len, reverse=True)
    spelt = "|".join(
        f"(?i:{re.escape(form)})" if form == form.lower() else re.escape(form) for form in longest
    )
    return re.compile(rf"(?<![\w*@-])(\**)({spelt})(s?)(?![\w-])"), forms


def text_of(source):
    """The parts of a text cell that are running text, and those between them: (part, whether it is text)."""
    end = 0
    for found in APART.finditer(source):
        yield source[end : found.start()], True
        yield found[0], False
        end = found.end()
    yield source[end:], True


def uses(lessons, known):
    """{term's name: {lesson: whether it stands there in bold}}, in the order of the lessons."""
    pattern, forms = matcher(known)
    found = {}
    for stem, notebook in lessons.items():
        for cell in notebook.cells:
            for part, running in text_of(cell.source) if cell.cell_type == "markdown" else ():
                for stars, form, _ in pattern.findall(part) if running else ():
                    places = found.setdefault(forms[form.lower()].name, {})
                    places[stem] = places.get(stem, False) or stars == "**"
    return found


def link(lessons, known=None):
    """Link each term where a lesson uses it first, in bold if it does so at all, to the glossary.

    Args:
        lessons: {name: notebook}; their text cells are changed.
        known: list of Term; by default all.

    Returns:
        dict {term's name: lesson that explains it}: the first with it in bold, else the first that uses it.
    """
    known = terms() if known is None else known
    pattern, forms = matcher(known)
    found = uses(lessons, known)
    homes = {name: max(places, key=places.get) for name, places in found.items()}
    for stem, notebook in lessons.items():
        linked = set()

        def role(match, stem=stem, linked=linked):
            stars, form, plural = match.groups()
            name = forms[form.lower()].name
            if name in linked or (found[name][stem] and stars != "**"):
                return match[0]
            linked.add(name)
            place = f'<span id="{anchor(name)}"></span>' if homes[name] == stem else ""
            return f"{stars}{place}{{term}}`{form}{plural} <{name}>`"

        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                parts = text_of(cell.source)
                cell.source = "".join(pattern.sub(role, part) if running else part for part, running in parts)
    return homes


def anchor(name):
    """The id of the place that explains a term."""
    return "first-" + re.sub(r"\W+", "-", name.lower())


def page(homes):
    """The glossary as a page of MyST: each term with its meaning and the lesson that explains it."""
    entries = []
    for term in terms():
        also = [form for form in term.forms[1:] if form[:4].lower() != term.name[:4].lower()]
        names = f" Also: {', '.join(also)}." if also else ""
        stem = homes.get(term.name)
        where = f' <a href="{stem}.html#{anchor(term.name)}">Lesson {stem[:2]}</a>' if stem else ""
        entries.append(f"{term.name}\n  {html.escape(term.meaning, quote=False)}{names}{where}\n")
    head = "# Glossary\n\nThe words of the course, each with the lesson that explains it.\n"
    return f"{head}\n```{{glossary}}\n" + "\n".join(entries) + "```\n"
