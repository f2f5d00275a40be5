"""Explorers on a page without Python: state as data, each script once, `still.js` in place of a kernel."""

import hashlib
import html
import json
import re
from pathlib import Path

VIEW, STATE = "application/vnd.jupyter.widget-view+json", "application/vnd.jupyter.widget-state+json"
_FOLDER = Path(__file__).parent
_JUPYTERS = ("_", "layout", "tabbable", "tooltip")  # traits that no script of ours reads
# A dark page says data-jp-theme-light="false" on its <html>, as JupyterLab does on its <body>.
THEME = """
.cv-alive { margin: 1em 0; }
.cv-alive:not([data-live]) { min-height: 560px; } /* until it is drawn: less jumps */
.cv-alive-note { max-width: 1000px; margin: 4px 16px; font-weight: 600; }
[data-jp-theme-light="false"] .cv-explorer {
  --jp-layout-color0: #111111; --jp-layout-color1: #212121; --jp-layout-color2: #424242;
  --jp-border-color1: #757575; --jp-ui-font-color0: #ffffff;
}
"""


def saved(explorer):
    """The present state of a live explorer, in the form that a notebook stores.

    Args:
        explorer: an Explorer.

    Returns:
        dict with "state" (the traits, with the script and the style) and "buffers" (bytes as base64).
    """
    from ipywidgets.embed import dependency_state

    return dependency_state([explorer], drop_defaults=False)[explorer.model_id]


def explorers(notebook):
    """The explorers whose states an executed notebook holds.

    Args:
        notebook: nbformat notebook, as `executed` gives it.

    Returns:
        dict from the model's id, which the output `VIEW` names, to what `saved` gives.
    """
    states = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    return {model: entry for model, entry in states.items() if entry["state"].get("_esm")}


def shown(output, states):
    """The saved explorer that an output of a cell shows, or None; `states` is what `explorers` gives."""
    return states.get(output.get("data", {}).get(VIEW, {}).get("model_id"))


def name(entry):
    """The class of a saved explorer.

    Example:
        >>> name({"state": {"_anywidget_id": "cvcourse.explorers.pooling.Pooling"}})
        'Pooling'
    """
    return entry["state"].get("_anywidget_id", "Explorer").rsplit(".", 1)[-1]


def fragment(entry, picture=""):
    """The HTML of one explorer; the page must end with `scripts`.

    Args:
        entry: what `saved` gives, or a value of `explorers(notebook)`.
        picture: HTML that a page without JavaScript shows instead, such as the output's "text/html".

    Returns:
        str; the state in it is data: nothing of it can become markup.
    """
    state = {key: value for key, value in entry["state"].items() if not key.startswith(_JUPYTERS)}
    buffers = [[one["path"], one["data"]] for one in entry.get("buffers", [])]
    words = html.escape(f"{name(entry)}: {state.get('description', '')}")
    return (
        f'<div class="cv-alive" role="group" aria-label="{words}" data-name="{name(entry)}" '
        f'data-module="{_key(entry["state"]["_esm"])}">\n'
        f'<script type="application/json">{_data({"state": state, "buffers": buffers})}</script>\n'
        f"<noscript>{picture or f'<p>{words}</p>'}</noscript>\n</div>"
    )


def scripts(entries):
    """What stands once at the end of a page with `fragment`s: each style and script once, and `still.js`.

    Args:
        entries: the explorers of the page, in any order.

    Returns:
        str of HTML; "" for a page without explorers.
    """
    styles = {entry["state"].get("_css") or "": None for entry in entries}
    modules = {_key(entry["state"]["_esm"]): entry["state"]["_esm"] for entry in entries}
    if not modules:
        return ""
    parts = [inline("style", text) for text in (*styles, THEME)]
    parts += [
        f'<script type="application/json" id="{key}">{_data(text)}</script>' for key, text in modules.items()
    ]
    return "\n".join([*parts, inline("script", (_FOLDER / "still.js").read_text(encoding="utf-8"))])


def inline(tag, text):
    """A <style> or <script> element, which no text can end early."""
    return f"<{tag}>\n" + re.sub(f"</(?={tag})", r"<\\/", text, flags=re.IGNORECASE) + f"\n</{tag}>"


def _data(value):
    """JSON that may stand inside a <script>: without any `<`."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _key(text):
    return "cv-" + hashlib.sha256(text.encode()).hexdigest()[:12]
