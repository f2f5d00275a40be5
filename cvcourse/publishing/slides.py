"""A lesson as slides: one HTML file that opens from disk, with explorers that live and notes for the speaker.

Slides are cut by rules, so that every lesson has them; a cell's `slideshow` metadata comes first: slide and
subslide start one, fragment waits for the next key, notes and skip leave the screen. The tags `show-code` and
`hide-code` say whether the hall sees a cell's code before somebody asks for it.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from pygments.formatters import HtmlFormatter

from cvcourse.publishing import still
from cvcourse.publishing.parts import DRAWN, as_notes, parts

LINES = 18  # of text that a slide holds
MORE = 2.5  # with smaller letters, rather than another slide
FEW = 4  # lines that are no slide
_FOLDER = Path(__file__).parent


@dataclass
class Slide:
    """One slide: `above` is the title of the section, where the slide is a part of it."""

    title: str
    above: str = ""
    parts: list = field(default_factory=list)

    def shown(self):
        """The parts that the hall sees from the start, or after a key of their own."""
        return [part for part in self.parts if part.kind != "notes"]

    def has(self, *kinds):
        """Whether a part of one of these kinds is among them."""
        return any(part.kind in kinds for part in self.parts)

    def lines(self):
        """What the parts take, hidden code left out."""
        return sum(part.lines for part in self.parts)


def page(notebook, lesson=""):
    """The slides of an executed notebook as one HTML page that asks for nothing else.

    Args:
        notebook: nbformat notebook with outputs and widget states, as `executed` gives it.
        lesson: str, stands above the title of the first slide.

    Returns:
        str; the whole file.
    """
    found = cut(notebook, lesson)
    title = re.sub("<.*?>", "", found[0].title)
    states = still.explorers(notebook)
    entries = [states[part.model] for slide in found for part in slide.parts if part.model]
    css = [(_FOLDER / "slides.css").read_text(encoding="utf-8")]
    for light, name in (("true", "default"), ("false", "github-dark")):
        css.append(HtmlFormatter(style=name).get_style_defs(f'[data-jp-theme-light="{light}"] .highlight'))
    return "\n".join([
        '<!doctype html>\n<html lang="en" data-jp-theme-light="true" data-still="seen">\n<head>',
        '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">',
        f"<title>{title}</title>\n{still.inline('style', chr(10).join(css))}\n</head>\n<body>",
        f'<main aria-label="Slides: {title}">',
        *(_section(slide, number) for number, slide in enumerate(found, 1)),
        f"</main>\n{still.scripts(entries)}",
        still.inline("script", (_FOLDER / "slides.js").read_text(encoding="utf-8")),
        "</body>\n</html>\n",
    ])  # fmt: skip


def _section(slide, number):
    heading = "h1" if number == 1 else "h2"
    above = f'<p class="above">{slide.above}</p>' if slide.above else ""
    notes = [part.html for part in slide.parts if part.kind == "notes"]
    notes += [part.more for part in slide.parts if part.more]
    few = slide.lines() < 6 and all(part.kind in ("text", "question", "answer") for part in slide.shown())
    return "\n".join([
        f'<section class="slide{" few" * few}" id="{number}" tabindex="-1">',
        f'<header>{above}<{heading}>{slide.title}</{heading}></header>\n<div class="parts">',
        *(f'<div class="part {part.kind}{" step" * part.step}{" by-key" * part.hidden}">{part.html}</div>'
          for part in slide.shown()),
        f'</div>\n<aside class="notes" hidden>{"".join(notes)}</aside>\n</section>',
    ])  # fmt: skip


def cut(notebook, lesson=""):
    """The slides of a notebook.

    A heading starts a slide. What is drawn or printed stands with the text before it and the paragraph after
    it; what does not fit goes to a further slide of the same title. An explorer has a slide for itself. Where
    a text says *Predict*, what answers it waits for the next key.

    Args:
        notebook: nbformat notebook with outputs and widget states.
        lesson: str, stands above the title of the first slide.

    Returns:
        list of Slide, the title first.
    """
    slides = [Slide("", lesson)]
    for part in parts(notebook):
        if part.kind == "heading":
            _begin(part, slides)
            continue
        if slides[-1].title == "References" or (part.kind == "answer" and slides[-1].has("explorer")):
            slides[-1].parts += as_notes([part])  # who plays finds the answer; the speaker knows it
            continue
        if _full(slides[-1], part):
            slides.append(_further(slides[-1], part))
        slides[-1].parts.append(part)
    slides = _fewer(slides)
    for slide, following in pairwise([*slides, Slide("")]):
        _wait(slide, following)
        if following.has("explorer") and following.title == slide.title:  # what to try there
            following.parts[:0] = as_notes(part for part in slide.parts if part.kind in ("text", "question"))
    return slides


def _fewer(slides):
    """The slides without those of a few lines, which go to a neighbour or to its notes."""
    kept = slides[:1]
    for slide, following in pairwise([*slides[1:], Slide("")]):
        last, shown = kept[-1], slide.shown()
        few = slide.lines() < FEW and all(part.kind == "text" and not part.starts for part in shown)
        ends = slide.title != following.title or following.has("explorer")
        if few and slide.title in (last.title, "Next", "References") and ends:
            last.parts += slide.parts if _room(last, slide) else as_notes(slide.parts)
        elif few and slide.title in ("Exercises", "Quiz", "Two questions first") and following.title:
            following.parts += as_notes(slide.parts)
        elif few and following.above == slide.title and not _exercise(following) and _room(following, slide):
            following.parts[:0] = slide.parts
        elif any(not part.hidden for part in shown):
            kept.append(slide)
    return kept


def _exercise(slide):
    return bool(re.match(r"Exercise \d", slide.title))


def _room(slide, other):
    """Whether the parts of both fit on one."""
    return slide.lines() + other.lines() <= LINES + MORE and not slide.has("explorer")


def _begin(heading, slides):
    """A new slide, or another title for one that is still empty."""
    last = slides[-1]
    if heading.level == 1:
        last.title = heading.html
        return
    section = next((slide for slide in reversed(slides[1:]) if not slide.above), None)
    slides.append(Slide(heading.html, "" if heading.level == 2 or not section else section.title))


def _full(slide, part):
    """Whether `part` needs another slide."""
    if part.starts:
        return True
    if part.kind == "notes" or not slide.parts:
        return False
    kinds = [one.kind for one in slide.parts if one.kind != "notes"]
    if part.kind == "explorer":
        return slide.lines() > 2 or not all(map(_short, slide.shown()))
    if "explorer" in kinds:
        return True
    if "picture" in kinds and kinds[-1] not in (*DRAWN, "code"):  # it has been read already
        return True
    if part.kind == "question" and set(kinds) & {"question", "answer", *DRAWN}:
        return True
    if slide.parts[-1].leads:
        return slide.lines() + part.lines > LINES + MORE
    reads = part.kind == "text" and kinds[-1:] and kinds[-1] in DRAWN
    if reads and part.leads:
        return True
    more = reads or slide.lines() < FEW or (part.kind == "output" and kinds[-1:] == ["code"])
    return slide.lines() + part.lines > LINES + MORE * more


def _short(part):
    """Whether it may stand above an explorer, or above what is a little too tall."""
    few = part.kind in ("text", "question") and part.lines < 3
    return part.hidden or (few and not part.html.startswith(("<ul", "<ol")))


def _further(slide, part):
    """The next slide with the same title; what is drawn takes its code and the text just before along."""
    following = Slide(slide.title, slide.above)
    room = LINES - part.lines
    if part.kind in (*DRAWN, "code") and not part.starts:
        while len(slide.shown()) > 1 and slide.parts[-1].kind in ("code", "text", "question"):
            last = slide.parts[-1]
            if last.lines > room + MORE * _short(last) or (part.kind == "explorer" and last.lines > 2):
                break
            room -= last.lines
            following.parts.insert(0, slide.parts.pop())
            if last.kind != "code":
                break
    elif slide.parts[-1].leads and len(slide.shown()) > 1 and not part.starts:
        following.parts.append(slide.parts.pop())
    return following


def _wait(slide, following):
    """Behind a question, the results of the last cell and all text wait for the next key."""
    asked = [at for at, part in enumerate(slide.parts) if part.kind == "question"]
    after = slide.parts[asked[-1] + 1 :] if asked else []
    cells = [part.cell for part in after if part.kind in DRAWN and part.kind != "explorer"]
    if following.title == slide.title and [part.kind for part in following.parts[:1]] == ["code"]:
        cells.append(-1)  # the answer is on the next slide
    for part in after:
        later = part.kind == "text" and part.cell > slide.parts[asked[-1]].cell
        part.step |= later or (part.kind in DRAWN and part.cell in cells[-1:])
    for part in slide.shown()[:1]:
        part.step = False
