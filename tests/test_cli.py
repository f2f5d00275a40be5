import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cvcourse import cli


@pytest.fixture
def path(tmp_path):
    """A notebook with everything that must go: outputs, counts, stray metadata."""
    cells = [
        new_markdown_cell("# A lesson", metadata={"collapsed": True, "slideshow": {"slide_type": "slide"}}),
        new_code_cell("x = 2\nx", execution_count=7, metadata={"scrolled": True, "tags": []}),
        new_code_cell("print(x + 1)", metadata={"tags": [cli.CHECKED], "execution": {"busy": "now"}}),
        new_code_cell("x", metadata={"tags": ["solution"], "jupyter": {"source_hidden": True, "other": 1}}),
    ]
    notebook = new_notebook(cells=cells, metadata={"language_info": {"name": "python", "version": "3.1"}})
    path = tmp_path / "lesson.ipynb"
    nbformat.write(notebook, path)
    return path


def read(path):
    return nbformat.read(path, as_version=4)


def test_clean_runs_and_keeps_only_the_checked_output(path):
    assert cli.main(["clean", str(path)]) == 0
    text, plain, checked, solution = read(path).cells
    assert plain.outputs == [] and plain.execution_count is None
    assert [output.text for output in checked.outputs] == ["3\n"] and checked.execution_count == 2
    assert text.metadata == {"slideshow": {"slide_type": "slide"}}
    assert plain.metadata == {} and checked.metadata == {"tags": [cli.CHECKED]}
    assert solution.metadata == {"tags": ["solution"], "jupyter": {"source_hidden": True}}
    assert read(path).metadata == {"kernelspec": cli.KERNEL, "language_info": {"name": "python"}}


def test_clean_twice_changes_nothing(path):
    cli.main(["clean", str(path)])
    first = path.read_bytes()
    cli.main(["clean", str(path)])
    assert path.read_bytes() == first


def test_strip_does_not_run(path):
    assert cli.main(["clean", "--strip", str(path)]) == 0
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in read(path).cells)


def test_a_failing_cell_is_reported_and_nothing_is_written(path, capsys):
    notebook = read(path)
    notebook.cells[1].source = "1 / 0"
    nbformat.write(notebook, path)
    before = path.read_bytes()
    assert cli.main(["clean", str(path)]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("output", "received"),
    [
        ({"output_type": "stream", "name": "stderr", "text": "a warning"}, "stderr"),
        ({"output_type": "display_data", "metadata": {}, "data": {"text/html": ""}}, "text/html"),
    ],
)
def test_output_that_nbval_cannot_compare_is_refused(output, received):
    cell = new_code_cell("show()", metadata={"tags": [cli.CHECKED]}, outputs=[nbformat.from_dict(output)])
    with pytest.raises(ValueError, match=f"Received: .*{received}.*show"):
        cli.tidy(new_notebook(cells=[cell]))


@pytest.mark.parametrize("content", [None, "not a notebook"])
def test_a_file_that_is_no_notebook(tmp_path, capsys, content):
    path = tmp_path / "lesson.ipynb"
    if content is not None:
        path.write_text(content)
    assert cli.main(["clean", str(path)]) == 1
    assert str(path) in capsys.readouterr().err
