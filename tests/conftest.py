"""What tests share: the file start.py as a module, quick trainings, a small website."""

import gc
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


# Files whose tests build networks, train, or run notebooks: `start.py test quick` leaves them out.
SLOW = {
    "backends", "classroom_assignment", "classroom_grading", "classroom_hidden", "classroom_student",
    "exercises", "exercises_nearly_right", "experiments", "explain", "explorers_feature_maps",
    "explorers_freezing", "explorers_network", "explorers_quiz", "explorers_teach", "fuzz", "generation",
    "imagenet", "interpretation", "interpretation_attribution", "interpretation_maps",
    "interpretation_maximization", "interpretation_randomization", "interpretation_units", "keras_graph",
    "league", "models", "models_classic", "models_detectors", "models_mask_rcnn", "models_scaled",
    "multiply_adds", "pretrained", "publishing_site", "publishing_slides", "publishing_still",
    "reliability", "segmentation", "summary", "summary_graph", "sweep", "tasks", "training", "work",
}  # fmt: skip


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.stem.removeprefix("test_") in SLOW and item.path.stem.startswith("test_"):
            item.add_marker("slow")


def pytest_collection_finish():
    """What is there before the first test stays: garbage is not looked for in it (a fifth of the time)."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser):
    parser.addoption("--reliability", metavar="PAGE", help="write the page of what was tried")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    marks = [mark.args for mark in item.iter_markers("reliability")]
    report.user_properties += [("reliability", mark) for mark in marks]
    return report


def pytest_terminal_summary(terminalreporter, config):
    """Rows of docs/reliability.md: what was done, what one sees; where every case of a test has passed."""
    if not (page := config.getoption("--reliability")):
        return

    def rows_of(kind):
        reports = terminalreporter.getreports(kind)
        return {mark for report in reports for name, mark in report.user_properties if name == "reliability"}

    rows = sorted(rows_of("passed") - rows_of("failed") - rows_of("error"))
    lines = [f"| {done} | {seen} |" for done, seen in rows]
    Path(page).write_text(RELIABILITY + "\n".join(lines) + "\n", encoding="utf-8")


RELIABILITY = """# What was tried, and what one sees

Written by the tests: each row is one of them, and it has passed. In none of them is anything lost.
`python -m pytest -m reliability --reliability docs/reliability.md` runs them and writes this page.

| what was done | what one sees |
|---|---|
"""


def load_start():
    """start.py, which is no part of the package, as a module of its own."""
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def start():
    return load_start()


@pytest.fixture
def untraced(monkeypatch):
    """Models learn step by step in Python: compiling takes nearly all the time of a few steps."""
    from keras import Model

    whole = Model.compile

    def compile_untraced(self, *given, **options):
        return whole(self, *given, **options | {"run_eagerly": True})

    monkeypatch.setattr(Model, "compile", compile_untraced)


@pytest.fixture(scope="session")
def website(tmp_path_factory):
    """Folder of a website of two small lessons that nothing had to run for: a formula, an explorer."""
    pytest.importorskip("sphinx", reason="needs the extra `site`")
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    from cvcourse import explorers, visualization
    from cvcourse.publishing import site, still

    def shows(**data):
        return [new_output("display_data", data={kind.replace("_", "/", 1): it for kind, it in data.items()})]

    explorer = explorers.Pooling()
    view = {still.VIEW: {"model_id": explorer.model_id, "version_major": 2, "version_minor": 1}}
    picture = visualization.plot_matrix({"image": [[0.0, 1.0], [1.0, 0.5]]})._repr_html_()
    cells = [
        new_markdown_cell("# Pooling, in small\n\nOne question: **what does pooling lose?**"),
        new_markdown_cell("**Before**: nothing.\n\n**Time**: 5 minutes."),
        new_markdown_cell("A **kernel** and $x_i$.\n\n$$y = \\Big\\lfloor \\frac{x}{2} \\Big\\rfloor$$"),
        new_code_cell("explorers.Pooling()", outputs=[new_output("display_data", data=view)]),
        new_markdown_cell("*Predict, then run.* Which number?"),
        new_code_cell("print(4)", outputs=[new_output("stream", text="4\n")]),
        new_code_cell("plot_matrix(image)", outputs=shows(text_html=picture)),
        new_markdown_cell("<details><summary>Hint 1</summary>\n\nHalve it.\n\n</details>"),
        new_code_cell("x = 1", metadata={"jupyter": {"source_hidden": True}, "tags": ["solution"]}),
        new_markdown_cell("On to [lesson 02](02_second.ipynb) and [lesson 09](09_away.ipynb)."),
    ]
    state = {"version_major": 2, "version_minor": 0, "state": {explorer.model_id: still.saved(explorer)}}
    first = new_notebook(cells=cells, metadata={"widgets": {still.STATE: state}})
    second = new_notebook(cells=[new_markdown_cell("# A second lesson\n\n**What else?** Again a kernel.")])
    folder = tmp_path_factory.mktemp("website")
    nbformat.write(first, folder / "01_first.ipynb")
    nbformat.write(second, folder / "02_second.ipynb")
    site.site(folder / "out" / "sub", sorted(folder.glob("*.ipynb")), "owner/course", cache_folder=None)
    return folder / "out" / "sub"
