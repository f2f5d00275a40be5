"""How an explorer is moved and looked at in a browser: by mouse, by keys, from Python."""

import io
import re
from dataclasses import dataclass

from lab import press, says
from PIL import Image


@dataclass
class Case:
    """Moves of one explorer, and what must agree after each of them.

    Attributes:
        make: Python that makes the `explorer`.
        moves: (where, what, words): a part (see `part`); what is done there (see `act`); what Python then
            says, a text or a pattern, or None. In place of a move, a function of stage and explorer.
        page, python: two expressions for the same numbers, in JavaScript of the explorer's element and in
            Python; compared after each move, to `near`.
        parts: CSS of parts that must stay where they are; the explorer's size always must.
        width: of the window, in pixels.
    """

    make: str
    moves: list
    page: str = "() => []"
    python: str = "[]"
    near: float = 1e-9
    parts: tuple = ()
    width: int = 1500

    @property
    def code(self):
        return self.make if "explorer = " in self.make else f"explorer = explorers.{self.make}"

    @property
    def kind(self):
        """The class of the explorer."""
        return self.code.split("explorers.")[-1].split("(")[0]


def hand(where, what):
    """Whose move this is, "mouse" or "keyboard"; None for a look, and a choice, which Playwright makes."""
    if isinstance(what, tuple) or what == "click":
        return "mouse"
    looks = what in ("see", "gone", "whole", "hover") or what[0] == "@" or where.startswith("combobox")
    return None if looks else "keyboard"


def part(explorer, where):
    """Return a part by its role, "slider 0", "button Play" (a pattern of its name); by "text …"; ".css 1"."""
    kind, _, which = where.partition(" ")
    if kind[0] in ".:":
        css, _, nth = where.rpartition(" ")
        return explorer.locator(css).nth(int(nth))
    if kind == "text":
        return explorer.get_by_text(re.compile(which))
    if not which or which.isdigit():
        return explorer.get_by_role(kind).nth(int(which or 0))
    return explorer.get_by_role(kind, name=re.compile(which))


def act(node, what, words):
    """Drag through points (in shares of width and height), type "=text", choose an option, press "Key times".

    Or look: "see" the words there, "@attribute" holds them, "gone", "whole" if nothing must be scrolled to.
    """
    mouse = node.page.mouse
    if isinstance(what, tuple):
        node.scroll_into_view_if_needed()
        box = node.bounding_box()
        first, *others = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in what]
        mouse.move(*first)
        mouse.down()
        for place in others:
            mouse.move(*place, steps=4)
        mouse.up()
    elif what in ("click", "hover"):
        getattr(node, what)()
    elif what == "see":
        node.filter(has_text=words).first.wait_for()
    elif what == "gone":
        node.wait_for(state="hidden")
    elif what == "whole":
        assert node.evaluate("node => node.scrollWidth <= node.clientWidth")
    elif what[0] == "@":
        read = "(node, name) => String(node.getAttribute(name) ?? node[name])"
        assert words == node.evaluate(read, what[1:])
    elif what[0] == "=":
        node.fill(what[1:])
        node.press("Enter")
    elif node.evaluate("node => node.tagName") == "SELECT":
        node.select_option(what)
    else:
        key, times = re.fullmatch(r"(.+?)(?: (\d+))?", what).groups()
        press(node, key, int(times or 1))


def asked(code, words):
    """Return a move that Python makes."""

    def move(stage, explorer):
        stage.ask(code)
        says(explorer, words)

    return move


def picture(colour):
    """Return the bytes of a small PNG."""
    Image.new("RGB", (40, 20), colour).save(file := io.BytesIO(), "PNG")
    return file.getvalue()


def uploaded(name, data, words):
    """Return a move that chooses a file."""

    def move(stage, explorer):
        file = {"name": name, "mimeType": "", "buffer": data}
        explorer.locator("input[type=file]").first.set_input_files(file)
        says(explorer, words)

    return move
