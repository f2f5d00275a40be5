"""What every explorer is: a state with four faces.

A subclass names the traits that are its `state`; its module has two pure functions of them: `figure(…)` draws
the state, `describe(…)` says it in words and numbers. The same state then serves the live widget, a notebook
run without a browser, an exported page, and a screen reader.
"""

import html
import inspect
import sys
from pathlib import Path

import anywidget
from IPython import get_ipython

from cvcourse.explorers.controls import Data

_FOLDER = Path(__file__).parent


def javascript(*names):
    """Return the explorer's own files behind the shared `kit.js`, as the text of one ES module."""
    parts = [(_FOLDER / name).read_text(encoding="utf-8") for name in ("kit.js", *names)]
    return "\n".join([*parts, "export default { render };\n"])


class Explorer(anywidget.AnyWidget):
    """An interactive picture.

    Subclasses set `_esm = javascript("name.js")`; their traits are those of `controls`, so that each one that
    Python may set is checked.

    Attributes:
        state: names of the traits that `figure` and `describe` depend on: all that are tagged `state=True`.
        controls: {name: what is declared of it} of the traits that have a control; the kit builds it.
        description: str; what `describe` says about the present state; stands under the picture.
    """

    _css = (_FOLDER / "explorer.css").read_text(encoding="utf-8")  # a path would keep every explorer alive
    description = Data("")
    controls = Data({})

    def __init__(self, declared=(), **traits):
        """`declared`: {name: what is declared otherwise of its control, for this explorer alone}."""
        controls = {name: one.metadata["control"] for name, one in self.traits(control=bool).items()}
        controls |= {name: controls[name] | changes for name, changes in dict(declared).items()}
        super().__init__(controls=controls, **traits)
        self.observe(self._say, names=list(self.state))
        self._say()

    @property
    def state(self):
        return self.trait_names(state=True)

    def now(self, *but):
        """Return {name: value} of the present state, without the names `but`."""
        return {name: getattr(self, name) for name in self.state if name not in but}

    def tell(self, **values):
        """Set what Python alone sets: traits that are `Data`."""
        for name, value in values.items():
            self.set_trait(name, value)

    def _say(self, change=None):
        self.tell(description=self.describe())

    def figure(self):
        """Return the present state as a `Picture`."""
        return self._face("figure")

    def describe(self):
        """Return the present state in words and numbers."""
        return self._face("describe")

    def _face(self, name):
        """Call the function of that name beside the class: each of its arguments is an attribute's name."""
        face = getattr(sys.modules[type(self).__module__], name)
        names = inspect.signature(face).parameters
        return face(**{one: getattr(self, f"_{one}" if hasattr(self, f"_{one}") else one) for one in names})

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        return {**data, **self._lifeless()}, metadata

    def _lifeless(self):
        """Return what a page without scripts shows: {MIME type: text}."""
        picture = "" if _is_live() else self.figure()._repr_html_()
        return {
            "text/plain": self.description,
            "text/html": f"{picture}<p>{html.escape(self.description)}</p>",
        }


def _is_live():
    """Does the page that runs this cell show explorers itself? JupyterLab and VS Code name the cell."""
    parent = getattr(get_ipython(), "parent_header", None) or {}
    return "cellId" in parent.get("metadata", {})


def number(value, digits=2):
    """Return `value` as it is written on the page: two decimals, a true minus sign, no minus zero.

    Example:
        >>> number(-0.5), number(-0.001), number(12)
        ('−0.50', '0.00', '12.00')
    """
    small = abs(value) < 0.5 * 10**-digits
    return f"{0 if small else value:.{digits}f}".replace("-", "−")
