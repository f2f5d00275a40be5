"""Nearly right answers, made from the lessons' own solutions by one small change each: none may pass.

Off by one, wrong axis, `<` for `<=`, a sum for a mean, a term or an argument left out, whole numbers in place
of fractions, arguments changed in place. What passes all the same must be equally right, and stands in EQUAL.
"""

import ast
import contextlib
import copy
import dataclasses
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from cvcourse.exercises.checking import WrongAnswer, exercises_of

LESSONS = sorted((Path(__file__).parents[1] / "notebooks").glob("[01]*.ipynb"))

# By module and check: changes after which an answer is still right, or differs only outside of what is asked.
EQUAL = {
    "tasks.check_set_light": {"0→-1"},  # an image is never below 0
    "tasks.check_nearest": {"sqrt→abs", "sum→mean"},  # the order stays
    "generation.check_nearest": {"sum→mean"},
    "tasks.check_depth": {"drop divide", "Gt→GtE", "0→-1"},  # 1 / 0 is np.inf
    "tasks.check_targets": {"whole numbers"},
    "segmentation.check_one_hot": {"whole numbers"},
    "cnn_layers.check_softmax": {"drop minus"},  # of two axes, the last is axis 1
    "compilation.check_cross_entropy": {"drop minus"},
    "cnn_layers.check_conv_layer": {"empty→zeros"},
    "pooling.check_max_pool": {"empty→zeros"},
    "pooling.check_blur_pool": {"empty→zeros"},
    "vgg16.check_activation_megabytes": {"1000000.0→1000001.0", "1000000.0→999999.0"},  # a millionth
    "vgg16.check_build_vgg": {"drop start", "1→2", "1→0"},  # names of layers
    # "Is there any?" is asked with sum, mean or max alike; there always is a label 1.
    "compilation.check_precision_recall_f1": {"if True", "0.0→1.0", "0.0→-1.0", "sum→mean", "sum→max"},
    "compilation.check_early_stopping": {"0→1", "0→-1"},  # the first loss is always the best so far
    "compilation.check_training": {"drop verbose", "0→1", "0→-1"},
    "transfer_learning.check_features": {"drop training", "0→-1"},  # a batch of one
    "transfer_learning.check_freeze_base": {"1→2"},  # the last but one has no weights
    "transfer_learning.check_freeze_blocks": {"1→0"},  # there is no block 0
    "resnet_efficientnet.check_scaled_filters": {"Lt→LtE", "8→7"},  # never equal; a multiple of 8
    "classification.check_top": {"drop strict"},
    "detection.check_match": {"1→2"},  # struck out with −2 as with −1
}
SWAPS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.FloorDiv, ast.FloorDiv: ast.Div,
    ast.Pow: ast.Mult, ast.And: ast.Or, ast.Or: ast.And, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
WORDS = {
    "max": ["min", "mean"], "min": ["max"], "argmax": ["argmin"], "argmin": ["argmax"],
    "mean": ["sum", "max"], "sum": ["mean", "max"], "std": ["var"], "var": ["std"], "any": ["all"],
    "all": ["any"], "cumsum": ["cumprod"], "maximum": ["minimum"], "minimum": ["maximum"],
    "float32": ["int32"], "sqrt": ["abs"], "empty": ["zeros"], "log10": ["log"], "argsort": ["sort"],
}  # fmt: skip


def parts(lesson):
    """The top-level statements of all code cells of a lesson."""
    cells = [cell for cell in json.loads(lesson.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    lines = ["\n".join(x for x in "".join(c["source"]).splitlines() if x[:1] not in "%!") for c in cells]
    return [node for text in lines for node in ast.parse(text).body]


def solutions(lesson):
    """For each `exercises.check_…(…_solution)`: module and name of the check, the solution's syntax tree."""
    nodes = parts(lesson)
    functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
    calls = [node.value for node in nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    for call in calls:
        name = getattr(call.func, "attr", "")
        if name.startswith("check_") and ast.unparse(call.args[0]).endswith("_solution"):
            yield name, functions[call.args[0].id]


def names_of(lesson):
    """What a solution may use: the lesson's imports and functions."""
    scope = {}
    for node in parts(lesson):
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef)):
            with contextlib.suppress(NameError):  # a function whose defaults are made in the lesson
                exec(compile(ast.Module([node], []), lesson.name, "exec"), scope)
    return scope


def changes(node):
    """Small changes of one node: words, and what to set where."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        old, new = type(node.ops[0]), SWAPS[type(node.ops[0])]
        yield f"{old.__name__}→{new.__name__}", lambda n: n.ops.__setitem__(0, new())
    if isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)) and type(node.op) in SWAPS:
        old, new = type(node.op), SWAPS[type(node.op)]
        yield f"{old.__name__}→{new.__name__}", lambda n: setattr(n, "op", new())
    for field in ("value", "attr", "id"):  # a number or a text, .max, max
        value = getattr(node, field, None)
        near = [value + 1, value - 1] if type(value) in (int, float) else []
        for other in near or (WORDS.get(value, []) if isinstance(value, str) else []):
            yield f"{value}→{other}", lambda n, other=other, field=field: setattr(n, field, other)
    if isinstance(node, ast.Call):
        for k, keyword in enumerate(node.keywords):
            yield f"drop {keyword.arg}", lambda n, k=k: n.keywords.pop(k)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "drop minus", lambda n: setattr(n, "op", ast.UAdd())
    if isinstance(node, (ast.If, ast.IfExp)):
        for answer in (True, False):
            yield f"if {answer}", lambda n, answer=answer: setattr(n, "test", ast.Constant(answer))
    for field, child in ast.iter_fields(node):  # one side of a sum or product alone
        if isinstance(child, ast.BinOp):
            for side in ("left", "right"):
                words = f"{side} of {ast.unparse(child)}"
                yield words, lambda n, f=field, s=side: setattr(n, f, getattr(getattr(n, f), s))


def mutants(tree):
    """Changed copies of a function's syntax tree, each with its words."""
    for place, node in enumerate(ast.walk(tree)):
        for words, change in changes(node):
            copied = copy.deepcopy(tree)
            change(list(ast.walk(copied))[place])
            yield words, ast.fix_missing_locations(copied)


def built(tree, scope):
    scope = dict(scope)
    exec(compile(ast.Module([tree], []), tree.name, "exec"), scope)
    return scope[tree.name]


def whole(result):
    """The result with its fractions cut off, as in an array of integers."""
    if isinstance(result, tuple):
        return tuple(map(whole, result))
    return np.trunc(result).astype(int) if isinstance(result, np.ndarray) else result


def destroying(answer):
    """A right answer that changes its arrays and lists."""

    def destroy(*arguments):
        result = copy.deepcopy(answer(*arguments))
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                argument += 1
            elif isinstance(argument, list):
                argument.append(argument[0])
        return result

    return destroy


def passes(check, answer):
    """Whether an answer is right on every case; after the first one that it fails no other is tried."""
    try:
        for case in check.cases:
            dataclasses.replace(check, cases=[case], mistakes={}, seconds=5)(answer)
    except WrongAnswer:
        return False
    return True


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_solutions_pass_and_nearly_right_answers_do_not(lesson):
    module = importlib.import_module(f"cvcourse.exercises.{lesson.stem[3:]}")
    scope = names_of(lesson)
    for name, tree in solutions(lesson):
        check, right = getattr(module, name), built(tree, scope)
        assert passes(check, right), name
        answers = [(words, built(mutant, scope)) for words, mutant in mutants(tree)]
        if any(isinstance(argument, (np.ndarray, list)) for case in check.cases for argument in case):
            answers.append(("arguments changed", destroying(right)))
        result = check.outcome(right, check.cases[0])
        arrays = [r for r in (result if isinstance(result, tuple) else [result]) if getattr(r, "shape", ())]
        if any(array.dtype.kind == "f" for array in arrays):
            answers.append(("whole numbers", lambda *arguments, right=right: whole(right(*arguments))))
        wrong = {words for words, answer in answers if passes(check, answer)}
        assert wrong - EQUAL.get(f"{lesson.stem[3:]}.{name}", set()) == set(), name


def test_the_readme_counts_exercises_mistakes_and_nearly_right_answers():
    trees = [tree for lesson in LESSONS for _, tree in solutions(lesson)]
    tried = sum(len(list(changes(node))) for tree in trees for node in ast.walk(tree))
    modules = [importlib.import_module(f"cvcourse.exercises.{lesson.stem[3:]}") for lesson in LESSONS]
    checks = [check for module in modules for check in exercises_of(module).values()]
    known = sum(len(check.mistakes) for check in checks)
    readme = " ".join((Path(__file__).parents[1] / "README.md").read_text("utf-8").split())
    assert f"the {len(checks)} exercises know {known}, and {tried:,} answers" in readme
