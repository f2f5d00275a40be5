"""The course as a website: lessons with their outputs, explorers alive, to be read from a folder or a server.

Sphinx and myst-nb make the pages out of executed copies; nothing is run while they do.
"""

import base64
import hashlib
import html
import io
import json
import re
import tempfile
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cvcourse import stored
from cvcourse.publishing import api, glossary, still
from cvcourse.publishing.executed import CACHE, PACKAGE, executed
from cvcourse.publishing.formulas import mathml
from cvcourse.publishing.pictures import smaller

#: "owner/name" of the course on GitHub, which "Open in Colab" and "Binder" need. Not known yet, so empty:
#: pages have no badges unless `cvcourse site --repository` names one, as the workflow that publishes does.
REPOSITORY = ""
BRANCH = "main"
DARK = "pygments_dark_style", "a11y-high-contrast-dark"
FOLDER = Path(__file__).with_name("site")
CONFIG = {
    "project": "Computer vision, one runnable cell at a time",
    "extensions": ["myst_nb", "cvcourse.publishing.site"],
    "root_doc": "index",
    "html_theme": "furo",
    "html_title": "Computer vision",
    "html_static_path": [str(FOLDER / "static")],
    "html_favicon": str(FOLDER / "static" / "icon.svg"),
    "html_css_files": ["site.css"],
    "html_js_files": ["site.js"],
    "html_copy_source": False,
    "html_use_index": False,
    "html_show_copyright": False,
    "html_show_sphinx": False,
    "html_permalinks_icon": "#",
    "html_math_renderer": "mathml",
    "html_theme_options": {"top_of_page_buttons": [], "navigation_with_keys": False},
    "pygments_style": "a11y-high-contrast-light",
    "myst_enable_extensions": ["dollarmath"],
    "nb_execution_mode": "off",
    "nb_output_stderr": "remove",
    "nb_merge_streams": True,
    "nb_mime_priority_overrides": [["html", "text/html", 0]],
}


def site(out, notebooks, repository=REPOSITORY, cache_folder=CACHE):
    """Build the website into a folder; every address in it is relative.

    Args:
        out: Path of the folder; `index.html` in it is the first page.
        notebooks: list of Path, the lessons in their order.
        repository: str, "owner/name" on GitHub for the badges, or "" for none.
        cache_folder: Path of the executed copies; None for notebooks that have been run, their widgets saved.

    Returns:
        int, the number of lessons.

    Raises:
        ValueError: there is no lesson, or Sphinx warned: the message holds its words.
        RuntimeError: a cell of a lesson failed.
    """
    if not notebooks:
        raise ValueError("notebooks must name at least one lesson. Received: none")
    if repository and not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ValueError(f"repository must be owner/name. Received: repository={repository!r}")
    if cache_folder is None:
        lessons = {path.stem: stored.read_notebook(path) for path in notebooks}
    else:
        lessons = {path.stem: executed(path, cache_folder) for path in notebooks}
    with tempfile.TemporaryDirectory() as folder:
        write_sources(Path(folder), lessons, repository)
        sphinx(Path(folder), Path(out))
    return len(lessons)


def write_sources(folder, lessons, repository):
    """What Sphinx reads: a notebook for each lesson and for the explorers, Markdown for the rest."""
    (folder / "pictures").mkdir()
    found = {}  # the first of each kind of explorer
    for notebook in lessons.values():
        unlink(notebook, lessons)
    (folder / "index.md").write_text(index_page(lessons), encoding="utf-8")
    homes = glossary.link(lessons)
    for stem, notebook in lessons.items():
        states = still.explorers(notebook)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                entry = still.shown(output, states)
                if entry:
                    found.setdefault(still.name(entry), (entry, stem))
        nbformat.write(lesson_page(stem, notebook, folder / "pictures", repository), folder / f"{stem}.ipynb")
    nbformat.write(explorers_page(found, lessons), folder / "explorers.ipynb")
    (folder / "glossary.md").write_text(glossary.page(homes), encoding="utf-8")
    (folder / "networks.md").write_text(networks_page(), encoding="utf-8")
    (folder / "data.md").write_text(data_page(), encoding="utf-8")
    api.write_pages(folder)


def sphinx(source, out):
    """Let Sphinx make the pages; a warning is an error."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    warnings = io.StringIO()
    where = source, None, out, source / "doctrees", "html", dict(CONFIG)
    with docutils_namespace():  # a second site in one process begins anew
        Sphinx(*where, status=None, warning=warnings, freshenv=True).build()
    if warnings.getvalue().strip():
        raise ValueError(f"Sphinx warned:\n{warnings.getvalue()}")
    pictures = out / "pictures"
    pictures.mkdir(exist_ok=True)
    for picture in (source / "pictures").iterdir():
        (pictures / picture.name).write_bytes(picture.read_bytes())


def setup(app):
    """What Sphinx calls of an extension: formulas become MathML, which needs no script."""
    from docutils import nodes

    def formula(block):
        def visit(writer, node):
            writer.body.append(mathml(node.astext(), block))
            raise nodes.SkipNode

        return visit, None

    # Furo adds this setting when it is loaded as a theme, too late for CONFIG.
    app.connect("builder-inited", lambda app: setattr(app.config, *DARK), priority=100)
    app.connect("html-page-context", say_names, priority=900)
    app.add_html_math_renderer("mathml", inline_renderers=formula(False), block_renderers=formula(True))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def say_names(app, page, template, context, doctree):
    """What a screen reader asks for: the level of the list's headings, what is folded."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')
    if "body" in context:
        context["body"] = context["body"].replace(' aria-label="Toggle hidden content"', "")


# --- A lesson --------------------------------------------------------------------------------------------


def lesson_page(stem, notebook, pictures, repository):
    """The notebook that myst-nb reads: pictures as files, explorers as fragments, solutions folded."""
    states, cells, asked = still.explorers(notebook), [], False
    for cell in notebook.cells:
        cells.append(code_cell(cell, states, pictures, asked) if cell.cell_type == "code" else cell)
        asked = cell.cell_type == "markdown" and "*Predict" in cell.source
    head, _, rest = cells[0].source.partition("\n")
    cells[0].source = f"{head}\n{badges(stem, repository)}{rest}"
    return page_of(cells, list(states.values()))


def unlink(notebook, lessons):
    """Make plain text of the links to lessons that this site leaves out."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(
                r"\[([^\]]*)\]\(([\w-]+)\.ipynb[^)]*\)",
                lambda found: found[0] if found[2] in lessons else found[1],
                cell.source,
            )


def page_of(cells, entries):
    """A notebook of these cells, with the scripts that their explorers share at its end."""
    if entries:
        cells = [*cells, raw(still.scripts(entries))]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    metadata["language_info"] = {"name": "python"}
    return new_notebook(cells=cells, metadata=metadata)


def raw(text):
    """A cell that shows HTML and nothing else."""
    output = new_output("display_data", data={"text/html": text})
    return new_code_cell("# shown only", outputs=[output], metadata={"tags": ["remove-input"]})


def code_cell(cell, states, pictures, asked):
    """The cell as myst-nb is to show it; what answers a question that was `asked` above it is folded."""
    tags, word = cell.metadata.get("tags", []), ""
    if cell.metadata.get("jupyter", {}).get("source_hidden"):
        tags, word = [*tags, "hide-input"], "Solution"
    elif asked and not any(still.shown(output, states) for output in cell.outputs):
        tags, word = [*tags, "hide-output"], "What it shows"
    fold = {"code_prompt_show": word, "code_prompt_hide": word} if word else {}
    for output in cell.outputs:
        data = output.get("data", {})
        entry = still.shown(output, states)
        picture = extract(data.get("text/html", ""), pictures)
        if entry:
            output.data = {"text/html": still.fragment(entry, picture)}
        elif picture:
            output.data = {"text/html": picture}
    return new_code_cell(
        cell.source, id=cell.id, outputs=cell.outputs, metadata={"tags": tags, "mystnb": fold}
    )


def extract(text, folder):
    """The HTML with its embedded pictures as files of `folder`, in a smaller form that browsers know."""

    def save(found):
        content = base64.b64decode(found[1])
        name = hashlib.sha256(content).hexdigest()[:16] + ".webp"
        if not (folder / name).exists():
            (folder / name).write_bytes(smaller(content))
        return f'loading="lazy" src="pictures/{name}"'

    return re.sub(r'src="data:image/png;base64,([^"]*)"', save, text)


def badges(stem, repository):
    """Where to run this lesson; "" while nobody knows where the course lives."""
    if not repository:
        return ""
    colab = f"https://colab.research.google.com/github/{repository}/blob/{BRANCH}/notebooks/{stem}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{repository}/{BRANCH}?labpath=notebooks%2F{stem}.ipynb"
    start = html.escape(f'%pip install -q "cvcourse[networks] @ git+https://github.com/{repository}"')
    return (
        f'\n<p class="run-it"><a href="{colab}"><img src="_static/colab.svg" width="117" height="20" '
        f'alt="Open in Colab"></a> <a href="{binder}"><img src="_static/binder.svg" width="121" height="20" '
        f'alt="Launch in Binder"></a> <span>In Colab, run this first, in a cell of its own: '
        f"<code>{start}</code></span></p>\n"
    )


# --- The other pages -------------------------------------------------------------------------------------


def title(notebook):
    """The lesson's name, from its first line."""
    return notebook.cells[0].source.partition("\n")[0].removeprefix("# ").strip()


def question(notebook):
    """The question that a lesson answers: the bold one of its first cell."""
    asked = re.findall(r"\*\*([^*]+\?)\*\*", notebook.cells[0].source)
    return asked[-1][0].upper() + asked[-1][1:] if asked else ""


def duration(notebook):
    """How long a lesson takes, in its own words."""
    text = "\n".join(cell.source for cell in notebook.cells[:4])
    found = re.search(r"\*\*Time\*\*: ([^;:.]*)", text)
    return found[1].strip() if found else ""


def index_page(lessons):
    """The first page: what this is, and the map of lessons."""
    rows = [
        f"| [{stem[:2]} {title(notebook)}]({stem}.ipynb) | {question(notebook)} | {duration(notebook)} |"
        for stem, notebook in lessons.items()
    ]
    head = "| lesson | the question that it answers | time |\n|---|---|---|"
    pages = "\n".join(f"{stem[:2]} {title(notebook)} <{stem}>" for stem, notebook in lessons.items())
    return "\n".join(
        [
            (FOLDER / "index.md").read_text(encoding="utf-8"),
            "## The map of lessons\n",
            head,
            *rows,
            f"\n```{{toctree}}\n:hidden:\n:caption: Lessons\n\n{pages}\n```",
            "```{toctree}\n:hidden:\n:caption: To look up\n\nexplorers\nglossary\nnetworks\ndata\n"
            "own_project\n```\n",
        ]
    )


def explorers_page(found, lessons):
    """Every explorer once, with the lesson that it comes from."""
    told = "Interactive pictures, alive on this page: use the mouse, or *Tab* and the arrow keys."
    cells = [new_markdown_cell(f"# All explorers\n\n{told}")]
    for name, (entry, stem) in sorted(found.items(), key=lambda item: item[1][1]):
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
        where = f"From [lesson {stem[:2]}, {title(lessons[stem])}]({stem}.ipynb)."
        cells += [new_markdown_cell(f"## {words}\n\n{where}"), raw(still.fragment(entry))]
    return page_of(cells, [entry for entry, _ in found.values()])


def networks_page():
    """The model cards of all networks that ship."""
    text = (
        "# Networks\n\nThe trained networks that come with the course, each with its card: what it learned "
        "from, what it reaches, and where its limits are.\n"
    )
    for path in sorted((PACKAGE / "weights").glob("*.json")):
        card = json.loads(path.read_text(encoding="utf-8"))
        rows = "".join(
            f'<tr><th scope="row">{html.escape(key.replace("_", " "))}</th><td>{said(value)}</td></tr>'
            for key, value in card.items()
            if key not in ("name", "history")
        )
        text += f'\n## {card["name"].replace("_", " ")}\n\n<table class="card">{rows}</table>\n'
    return text


def said(value):
    """A value of a card in words."""
    if isinstance(value, dict):
        return "; ".join(f"{html.escape(key.replace('_', ' '))}: {said(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(said, value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}"
    return html.escape(str(value))


def data_page():
    """The cards of the data sets."""
    from cvcourse.datasets.cards import CARDS

    text = "# Data sets\n\nThe sets on the slides: what each is for, how large it is, under which terms.\n"
    for card in CARDS:
        table = re.sub(r" style='[^']*'|<caption>.*?</caption>", "", card._repr_html_())
        table = table.replace("<table>", '<table class="card">')
        text += f"\n## {card.name}\n\n{table}\n"
    return text
