"""The package keeps to its order: a module imports only from modules that come before it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cvcourse"
NUMPY = {"numpy"}
KERAS = {"keras", "numpy"}
ANY = None  # any declared dependency; tests/test_dependencies.py sees to that

IMAGES = NUMPY | {"skimage", "sklearn"}
PLOTS = NUMPY | {"matplotlib"}
# In import order: the module, what it may import when it is loaded, what inside functions.
ROWS = [
    ("stored", NUMPY, NUMPY | {"nbformat"}),  # files that may be damaged
    ("sealed", set(), set()),  # the questions of the quizzes
    ("arguments", NUMPY, NUMPY),  # what a function was given, checked
    ("arithmetic", set(), set()),
    ("boxes", NUMPY, NUMPY),
    ("likeness", NUMPY, NUMPY),  # measures of pictures, as `boxes` has those of boxes
    ("datasets", IMAGES, IMAGES | {"keras", "PIL"}),
    ("losses", KERAS, KERAS),
    ("backend", KERAS, KERAS | {"tensorflow", "jax", "torch"}),  # before the models: a GAN trains its own way
    ("keras_graph", KERAS, KERAS),  # all that is private to Keras
    ("models", KERAS, KERAS | {"skimage"}),  # selective search starts from its segmentation
    ("pretrained", KERAS, KERAS | {"PIL", "h5py"}),  # photographs come in any size; Keras's own files
    ("multiply_adds", KERAS, KERAS),
    ("summary", KERAS, KERAS),
    ("what_if", KERAS, KERAS),  # a network after changes, as shapes alone
    ("explaining", KERAS, KERAS | {"IPython"}),  # the shape doctor
    ("training", KERAS, KERAS),
    ("recording", NUMPY, NUMPY),
    ("interpretation", KERAS, KERAS),
    ("league", KERAS, KERAS | {"skimage", "sklearn"}),
    ("gan_training", KERAS, KERAS),
    ("visualization", PLOTS, PLOTS | {"PIL", "IPython"}),
    ("explorers", ANY, ANY),
    ("exercises", KERAS, ANY),
    ("publishing", ANY, ANY),
    ("classroom", {"nbformat"}, ANY),
    ("speed", set(), {"keras", "numpy"}),
    ("front_end", set(), ANY),  # a JupyterLab and a kernel, for the doctor
    ("doctor", set(), ANY),
    ("cli", set(), ANY),
]
ORDER = [name for name, _, _ in ROWS]
BARRED = {("exercises", "explorers")}


def row_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(source, package=("cvcourse",)):
    """The modules that a source imports: (dotted name, whether inside a function)."""
    found = []

    def visit(node, inside):
        if isinstance(node, ast.Import):
            found.extend((alias.name, inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            whole = ".".join(filter(None, [base, node.module]))
            names = [f"{whole}.{alias.name}" for alias in node.names] if whole == "cvcourse" else [whole]
            found.extend((name, inside) for name in names)
        inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(ast.parse(source), False)
    return found


def violations(row, source, package=("cvcourse",)):
    """What the source of a module in that row imports and may not."""
    _, on_load, in_functions = ROWS[ORDER.index(row)]
    bad = []
    for name, inside in imports(source, package):
        top, *rest = name.split(".")
        if top == "cvcourse":
            other = rest[0] if rest else row
            later = other in ORDER and ORDER.index(other) > ORDER.index(row)
            if later or (row, other) in BARRED:
                bad.append(name)
        elif top not in sys.stdlib_module_names:
            allowed = in_functions if inside else on_load
            if allowed is not ANY and top not in allowed:
                bad.append(name)
    return bad


MODULES = sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "__init__.py"})


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_row_may(path):
    row = row_of(path)
    assert row in ORDER, f"{row} has no row in the table of this test and of the design: add one"
    package = ("cvcourse", *path.relative_to(PACKAGE).parts[:-1])
    assert violations(row, path.read_text(encoding="utf-8"), package) == []


@pytest.mark.parametrize(
    ("row", "source", "bad"),
    [
        ("arithmetic", "import math", []),
        ("arithmetic", "import numpy", ["numpy"]),
        ("summary", "from cvcourse import arithmetic", []),
        ("arithmetic", "from cvcourse import summary", ["cvcourse.summary"]),
        ("summary", "from . import explorers", ["cvcourse.explorers"]),
        ("summary", "from .explorers.base import Explorer", ["cvcourse.explorers.base"]),
        ("exercises", "from cvcourse.explorers import base", ["cvcourse.explorers"]),
        ("datasets", "def f():\n    import keras", []),
        ("datasets", "import keras", ["keras"]),
        ("visualization", "def f():\n    import keras", ["keras"]),
    ],
)
def test_the_rule_sees_what_it_should(row, source, bad):
    assert violations(row, source) == bad


def test_tensorflow_is_named_in_one_file_at_most():
    named = [
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if any(name.split(".")[0] == "tensorflow" for name, _ in imports(path.read_text(encoding="utf-8")))
    ]
    assert len(named) <= 1, named


def run_python(code):
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return answer.stdout.split()


def test_importing_the_package_is_quick_and_light():
    code = (
        "import sys, time; start = time.perf_counter(); import cvcourse; print(time.perf_counter() - start);"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    runs = [run_python(code) for _ in range(5)]
    assert min(float(seconds) for seconds, *_ in runs) < 0.05
    assert not {"keras", "tensorflow", "matplotlib", "numpy"} & set(runs[0][1:])


def test_the_first_rows_import_without_keras():
    present = [row for row in ORDER[:4] if row in map(row_of, MODULES)]
    code = (
        f"import sys; from cvcourse import {', '.join(present)};"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    assert not {"keras", "tensorflow"} & set(run_python(code))


def test_every_row_that_exists_can_be_reached_from_the_package():
    code = "import cvcourse; print(*dir(cvcourse))"
    reachable = set(run_python(code))
    inner = {"arguments", "backend", "keras_graph", "multiply_adds", "sealed", "speed", "stored", "what_if"}
    inner |= {"classroom", "cli", "front_end", "publishing"}
    assert {row_of(path) for path in MODULES} - inner <= reachable
