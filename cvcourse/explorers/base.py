"""What every explorer is: a state with four faces.

A subclass names the traits that are its `state` and adds two pure functions of them: `figure()` draws the
state, `describe()` says it in words and numbers. The same state then serves the live widget, a notebook run
without a browser, an exported page, and a screen reader.
"""

import html
from pathlib import Path

import anywidget
from traitlets import Unicode

_FOLDER = Path(__file__).parent


def javascript(name):
    """Return the explorer's own file `name` behind the shared `base.js`, as the text of one ES module."""
    return "\n".join((_FOLDER / file).read_text(encoding="utf-8") for file in ("base.js", name))


class Explorer(anywidget.AnyWidget):
    """An interactive picture. Subclasses set `_esm = javascript("name.js")` and `state`.

    Attributes:
        state: names of the traits that `figure` and `describe` depend on.
        description: str; what `describe` says about the present state; stands under the picture.
    """

    _css = _FOLDER / "explorer.css"
    state = ()
    description = Unicode().tag(sync=True)

    def __init__(self, **traits):
        super().__init__(**traits)
        self.observe(self._say, names=list(self.state))
        self._say()

    def _say(self, change=None):
        self.description = self.describe()

    def figure(self):
        """Return the present state as a `Picture`."""
        raise NotImplementedError

    def describe(self):
        """Return the present state in words and numbers."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        words = html.escape(self.description)
        return {
            **data,
            "text/plain": self.description,
            "text/html": f"{self.figure()._repr_html_()}<p>{words}</p>",  # for pages without a kernel
        }, metadata
