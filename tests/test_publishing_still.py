"""Explorers without a kernel: data stay data, each script stands once, the label is the explorer's words."""

import base64
import json
import re

import nbformat
import pytest

from cvcourse.explorers import Perceptron, Pooling
from cvcourse.publishing import executed, still

HOSTILE = "</script><script>alert(1)</script><!-- & \u2028 </STYLE>"


def entry(**traits):
    state = {"_esm": "export default {}", "_css": "p{}", "_anywidget_id": "a.b.Name", "layout": "IPY_MODEL_1"}
    return {"state": state | traits}


def inside(text):
    """What the JSON of a fragment says."""
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', text)[1])


@pytest.mark.reliability("a name with markup in it, on a page", "it is shown as text")
def test_names_and_words_never_become_markup():
    text = still.fragment(entry(description=HOSTILE, classes=[HOSTILE]))
    assert text.count("<script") == text.count("</script>") == 1 and "<!--" not in text
    assert inside(text)["state"] == {"description": HOSTILE, "classes": [HOSTILE]}
    assert 'aria-label="Name: &lt;/script&gt;' in text


def test_scripts_and_styles_stand_once_and_cannot_end_early():
    module = "const a = '</script>';"
    styled = entry(_esm=module, _css="a::after { content: '</style>' }")
    page = still.scripts([styled, entry(_esm=module), entry()])
    assert page.count("\\u003c/script>") == 1 and page.count("export default {}") == 1
    assert page.count("<style>") == page.count("</style>") == 3  # two of explorers, one of the page
    assert page.count("<script") == page.count("</script>") == 3
    assert still.scripts([]) == ""


def test_bytes_travel_as_base64_with_their_places():
    live = Pooling()
    saved = still.saved(live)
    assert still.name(saved) == "Pooling" and inside(still.fragment(saved))["state"]["pool_size"] == 2
    buffers = [{"path": ["look", "made"], "data": base64.b64encode(b"ab").decode(), "encoding": "base64"}]
    assert inside(still.fragment(entry() | {"buffers": buffers}))["buffers"] == [[["look", "made"], "YWI="]]


def test_without_scripts_there_are_the_words_and_the_picture():
    live = Perceptron()
    picture = live._repr_mimebundle_()[0]["text/html"]
    text = still.fragment(still.saved(live), picture)
    assert f"<noscript>{picture}</noscript>" in text and "data:image/png;base64," in picture
    assert f'aria-label="Perceptron: {live.description}"' in text


def book(source):
    cells = [nbformat.v4.new_code_cell(source)]
    return nbformat.v4.new_notebook(cells=cells)


def test_a_notebook_runs_once_and_keeps_the_state(tmp_path):
    nbformat.write(book("from cvcourse.explorers import Pooling\nPooling(shift=3)"), tmp_path / "one.ipynb")
    notebook = executed.executed(tmp_path / "one.ipynb", tmp_path / "cache")
    (copy,) = (tmp_path / "cache").iterdir()
    before = copy.stat().st_mtime_ns
    again = executed.executed(tmp_path / "one.ipynb", tmp_path / "cache")
    assert copy.stat().st_mtime_ns == before
    states = still.explorers(again)
    (output,) = again.cells[0].outputs
    assert still.shown(output, states)["state"]["shift"] == 3
    assert states.keys() == still.explorers(notebook).keys()
    assert nbformat.read(tmp_path / "one.ipynb", 4).cells[0].outputs == []


def test_another_notebook_has_another_copy_and_a_failing_one_has_none(tmp_path):
    assert executed._key(book("1")) != executed._key(book("2"))
    nbformat.write(book("1 / 0"), tmp_path / "bad.ipynb")
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        executed.executed(tmp_path / "bad.ipynb", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
