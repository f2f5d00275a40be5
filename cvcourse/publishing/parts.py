"""What a lecture shows of a notebook: its cells as parts, each as HTML with the lines that it takes."""

import html
import re
from dataclasses import dataclass

from nbconvert.filters import strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from cvcourse.publishing import still
from cvcourse.publishing.formulas import mathml
from cvcourse.publishing.pictures import embedded

LETTERS = 92  # in a line of a slide
PICTURE = 9  # lines that a picture needs at least
SENTENCES = 260  # letters of a paragraph that are shown; all of it is in the notes
PRINTED = 20  # lines of an output that are shown; all of it is in the notes
CODE = 12  # lines of code that a hall can read; longer code waits for its key
DRAWN = ("output", "picture", "explorer")


@dataclass
class Part:
    """One thing to show.

    Attributes:
        kind: heading, text, question, answer, code, output, picture, explorer or notes.
        html: str.
        lines: what it takes of a slide.
        cell: number of its cell in the notebook.
        level: of a heading, 1–6.
        more: all of a text of which `html` has the beginning, as HTML.
        model: of an explorer, the id of its widget's model.
        starts: the author wants a new slide here.
        step: it waits for the next key.
        hidden: code that waits for a key of its own.
        leads: a text whose sentence goes on in the next part.
    """

    kind: str
    html: str
    lines: float = 0
    cell: int = 0
    level: int = 0
    more: str = ""
    model: str = ""
    starts: bool = False
    step: bool = False
    hidden: bool = False
    leads: bool = False


def parts(notebook):
    """The parts of an executed notebook, without hints, solutions, checks, "Setup" and what is optional.

    Args:
        notebook: nbformat notebook with outputs and widget states.

    Returns:
        Iterator of Part.
    """
    states = still.explorers(notebook)
    mode, waiting = "", []  # left out, task, hints, solved: after a solution nothing is for the hall …
    place = None  # the last heading that is no exercise's
    for number, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags", [])
        slide_type = cell.metadata.get("slideshow", {}).get("slide_type", "-")
        if slide_type == "skip" or cell.cell_type == "raw":
            continue
        if "solution" in tags:
            yield from as_notes(waiting)
            mode, waiting = "solved", []
            continue
        if cell.cell_type == "code" and mode == "solved":
            yield from [place, *waiting] if place else waiting  # … unless it leads to a cell that is
            mode, waiting = "", []
        for part in _written(cell.source) if cell.cell_type == "markdown" else _ran(cell, tags, states):
            part.cell = number
            if part.kind == "heading":
                yield from as_notes(waiting)
                mode, waiting = _mode(part, slide_type != "-"), []
                place = place if mode == "task" else part
            if mode == "solved":
                waiting.append(part)
            elif mode not in ("left out", "hints"):
                yield from _as_wished(part, slide_type)
                slide_type = slide_type.replace("subslide", "-").replace("slide", "-")
        if "exercise" in tags and mode == "task":
            mode = "hints"
    yield from as_notes(waiting)


def _mode(heading, wanted):
    words = re.sub("<.*?>", "", heading.html)
    if words == "Setup" or ("(optional" in words and not wanted):
        return "left out"
    return "task" if re.match(r"Exercise \d", words) else ""


def as_notes(found):
    """Parts for the speaker only; code is none."""
    return [Part("notes", part.more or part.html, cell=part.cell) for part in found if part.kind != "code"]


def _as_wished(part, slide_type):
    """The part as the cell's `slideshow` metadata want it; nothing of code for the notes."""
    part.starts = slide_type in ("slide", "subslide")
    part.step = part.step or slide_type == "fragment"
    return as_notes([part]) if slide_type == "notes" else [part]


# Text.


class _Renderer(IPythonRenderer):
    """Markdown with MathML; links to other notebooks become text, since the file stands alone."""

    def block_math(self, body):
        return mathml(body.strip(), block=True)

    def inline_math(self, body):
        return mathml(body)

    def link(self, text, url, title=None):
        return super().link(text, url, title) if url.startswith("https:") else text


_MARKDOWN = MarkdownWithMath(_Renderer(escape=False, exclude_anchor_links=True))


def _tokens(source):
    """The blocks of a text, as (type, raw text, HTML); a <details> is one block."""
    state = _MARKDOWN.block.state_cls()
    state.process(source)
    _MARKDOWN.block.parse(state)
    inside = None
    for token in state.tokens:
        kind, raw = token["type"], token.get("text", token.get("raw", ""))
        level = token.get("attrs", {}).get("level", 0)
        text = _MARKDOWN.renderer(_MARKDOWN._iter_render([token], state), state)
        if kind == "block_html" and raw.startswith("<details"):
            inside = ""
        if inside is not None:
            inside += text
            if "</details>" in raw:
                yield "details", inside, inside, 0
                inside = None
        elif kind != "blank_line":
            yield kind, raw, text, level


def _written(source):
    """The parts of a text cell."""
    for kind, raw, text, level in _tokens(source):
        words = html.unescape(re.sub("<.*?>", "", text, flags=re.DOTALL))
        lines = sum(-(-len(line) // LETTERS) for line in words.splitlines()) + 0.5
        if kind == "heading":
            yield Part("heading", re.sub(r"</?h\d.*?>", "", text).strip(), level=level)
        elif kind == "details":
            summary = re.search(r"<summary>(.*?)</summary>", text)[1]
            if not summary.startswith("Hint"):
                inner = re.sub(r"</?details.*?>|<summary>.*?</summary>", "", text)
                yield Part("answer", f"<p><strong>{summary}</strong></p>{inner}", lines, step=True)
        elif kind == "table":
            bare = re.sub(r"<annotation.*?</annotation>|<(?!/?t).*?>", "", text, flags=re.DOTALL)
            longest = [max(map(len, row.split("</t"))) for row in bare.split("<tr>")[1:]]
            yield Part("text", text, sum(1.5 + letters // 50 for letters in longest))
        elif raw.startswith(("**Before**", "**Time**", "From now on:", "In a class")):
            yield Part("notes", text)
        elif raw.startswith("**You will**"):
            yield Part("heading", "You will", level=2)
        elif kind == "paragraph" and raw.startswith("$$"):
            yield Part("text", text, 4)
        elif kind == "paragraph" and "*Predict" in raw:
            yield Part("question", text, lines)
        elif kind == "paragraph":
            yield from _paragraph(raw, text, lines)
        else:
            yield Part("text", text, lines + 0.3 * text.count("<li>"))


def _paragraph(raw, text, lines):
    """A paragraph, or its first sentences with all of it for the notes."""
    first, *rest = re.split(r"(?<=[.!?:])\s+(?=[A-Z*`$“])", raw)
    while rest and (len(first) + len(rest[0]) < SENTENCES or not _whole(first)):
        first += f" {rest.pop(0)}"
    leads = bool(re.search(r"[\w:,;]$", raw.strip()))
    if leads or not rest:
        yield Part("text", text, lines, leads=leads)
    else:
        yield Part("text", _MARKDOWN.render(first), -(-len(first) // LETTERS) + 0.5, more=text)


def _whole(text):
    """Whether no emphasis, code, formula or bracket is open at the end of `text`."""
    even = all(text.count(mark) % 2 == 0 for mark in ("*", "`", "$"))
    return even and text.count("(") == text.count(")") and text.count("[") == text.count("]")


# Code and what it shows.


def _ran(cell, tags, states):
    """The parts of a code cell: its code, then what it printed and drew."""
    shown = [part for output in cell.outputs for part in _output(output, states)]
    source = cell.source.strip()
    if source.startswith("exercises.check"):
        return
    lines = source.count("\n") + 1
    drawn = any(part.kind in ("picture", "explorer") for part in shown)
    defines, loads = source.startswith(("def ", "class ")), source.startswith("import keras\n")  # as in Setup
    teaches = lines <= CODE and (defines or not drawn) and not loads
    hidden = "hide-code" in tags or bool(cell.metadata.get("jupyter", {}).get("source_hidden"))
    teaches = "show-code" in tags or (teaches and not hidden)
    text = highlight(source, PythonLexer(), HtmlFormatter())
    yield Part("code", text, 0.78 * lines + 0.6 if teaches else 0, hidden=not teaches)
    yield from shown


def _output(output, states):
    """The part that one output becomes, if the hall sees it."""
    if output.output_type == "stream":
        if output.name == "stdout" and not output.text.startswith("WARNING:"):  # TensorFlow's own
            yield _printed(output.text)
        return
    data = output.get("data", {})
    entry, markup = still.shown(output, states), embedded(data.get("text/html", ""))
    if entry:
        model = data[still.VIEW]["model_id"]
        yield Part("explorer", still.fragment(entry, markup), PICTURE, model=model)
    elif "image/png" in data and "<img" not in markup:
        words = html.escape(data.get("text/plain", "picture"))
        picture = embedded(f'<img alt="{words}" src="data:image/png;base64,{data["image/png"]}">')
        yield Part("picture", picture, PICTURE)
    elif markup:
        drawn = "<img" in markup or "<svg" in markup
        lines = PICTURE if drawn else len(re.findall(r"<(?:tr|p|li)\b", markup)) + 1
        yield Part("picture" if drawn else "output", markup, lines)
    elif "text/plain" in data:
        yield _printed(data["text/plain"])


def _printed(text):
    lines = [line.rsplit("\r", 1)[-1] for line in strip_ansi(text).rstrip().splitlines()]
    prose = len(lines) < 2 or max(map(len, lines)) > 1.2 * LETTERS
    wraps = ' class="wraps"' if prose else ""  # a table must not
    whole = f"<pre>{html.escape(chr(10).join(lines))}</pre>" if len(lines) > PRINTED + 2 else ""
    if whole:
        lines = [*lines[:PRINTED], f"… and {len(lines) - PRINTED} lines more"]
    shown = f"<pre{wraps}>{html.escape(chr(10).join(lines))}</pre>"
    return Part("output", shown, 0.78 * len(lines) + 0.6, more=whole)
