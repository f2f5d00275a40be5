"""What the shape doctor says: one explanation, with cures that were tried."""

import html

from cvcourse.explaining.words import SAYS


class Explanation:
    """What is wrong, in words: printed as text, shown as HTML in Jupyter, or read field by field.

    It counts as False where no mistake was found.

    Attributes:
        kind: str, the mistake in a word, a key of `words.SAYS`, such as "missing_flatten"; "unknown" for an
            error that is none of those; None where a model looks right.
        says: str, a sentence or two.
        layer: str, name of the layer at which it shows; None where there is none.
        shapes: dict, what meets there, such as {"comes in": (None, 28, 28)}.
        formula: str, the calculation with its numbers; "" where there is none.
        cures: list of str, the smallest changes, each a line of code with its place as a comment. Each has
            been tried: the changed network was built as shapes, or the changed data went through the loss.
    """

    def __init__(self, kind, layer=None, shapes=None, formula="", cures=(), **fill):
        self.kind, self.layer = kind, layer
        self.says = SAYS[kind].format(**fill)
        self.shapes, self.formula, self.cures = shapes or {}, formula.replace("-", "−"), list(cures)

    def __bool__(self):
        return self.kind is not None

    def _facts(self):
        facts = {"layer": self.layer} | self.shapes | {"formula": self.formula}
        return [(name, str(value).replace("(None", "(N")) for name, value in facts.items() if value]

    def _heading(self):
        return ["", "What helps (it was tried):", "What helps, smallest change first (each was tried):"][
            min(len(self.cures), 2)
        ]

    def __repr__(self):
        width = max((len(name) for name, _ in self._facts()), default=0)
        facts = [f"  {name:{width}}  {value}" for name, value in self._facts()]
        cures = [f"  {cure}" for cure in self.cures]
        return "\n".join([self.says, *facts, *([self._heading()] if cures else []), *cures])

    def _repr_html_(self):
        cell = '<td style="text-align: left; padding: 0.1em 1em 0.1em 0">'
        facts = "".join(
            f"<tr>{cell}{html.escape(name)}</td>{cell}{html.escape(value)}</td></tr>"
            for name, value in self._facts()
        )
        cures = "".join(f"<li><code>{html.escape(cure)}</code></li>" for cure in self.cures)
        return (
            '<div role="note" style="border-left: 4px solid #D55E00; padding: 0.2em 1em; '
            f'color: var(--jp-content-font-color1, inherit)"><p><b>{html.escape(self.says)}</b></p>'
            + (f"<table>{facts}</table>" if facts else "")
            + (f"<p>{self._heading()}</p><ul>{cures}</ul>" if cures else "")
            + "</div>"
        )
