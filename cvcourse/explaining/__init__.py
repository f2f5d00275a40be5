"""The shape doctor: what does not fit, and the smallest changes that would.

    >>> from cvcourse import explain
    >>> try:
    ...     keras.Sequential([keras.Input((3, 3, 1)), keras.layers.Conv2D(8, 5, name="conv")])
    ... except ValueError as error:
    ...     print(explain(error).cures[0])
    padding="same"  # in "conv"

An exception of Keras carries a text and the frames that it passed through. The diagnosis is made from what
stood in those frames (`evidence`): layers, shapes, settings, data. Each cure is tried before it is offered.
"""

import sys

import keras

from cvcourse.explaining import data, labels
from cvcourse.explaining.evidence import Evidence
from cvcourse.explaining.explanation import Explanation
from cvcourse.explaining.fitting import explain_layer
from cvcourse.explaining.naming import explain_name
from cvcourse.explaining.setups import BINARY, CATEGORICAL, SPARSE, entropy, setup_of, spelled
from cvcourse.keras_graph import shapes_only
from cvcourse.what_if import reason

__all__ = ["Explanation", "explain", "explain_errors"]
# Mistakes that only spoil what is learned: at them neither `fit` nor `predict` stops.
SILENT = {
    "nan", "nan_weights", "range", "frozen", "batch_norm_axis", "binary_for_classes", "labels_minus_one",
    "broadcast", "accuracy_for_regression", "output_range", "softmax_of_one", "softmax_twice",
    "sigmoid_twice", "logits", "sigmoid_for_classes", "wrong_activation",
}


def explain(error_or_model, x=None, y=None):
    """Return what is wrong, in plain words, with the smallest changes that cure it.

    Args:
        error_or_model: the exception that was caught; or a Keras model that runs and seems wrong.
        x, y: arrays (N, …), what the model is trained on; without them only the model is looked at.

    Returns:
        Explanation. Its `kind` is "unknown" for an error that is none of the known mistakes, and None (and
        the explanation False) where nothing is wrong with a model. Of several mistakes it is the first.

    Raises:
        TypeError: `error_or_model` is neither.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(10, activation="softmax")])
        >>> model.compile(loss="categorical_crossentropy")
        >>> explain(model, keras.ops.zeros((2, 4)), keras.ops.array([3, 9])).cures[0]
        'loss="sparse_categorical_crossentropy"'
    """
    if isinstance(error_or_model, BaseException):
        return _explain_error(error_or_model)
    if not isinstance(error_or_model, keras.Model):
        raise TypeError("error_or_model must be an exception that was caught, or a Keras model. "
                        f"Received: {error_or_model!r}")
    return _explain_setup(setup_of(error_or_model, x, y)) or Explanation(None)


def _explain_error(error):
    evidence = Evidence(error)
    for rule in (_explain_run, explain_layer, explain_name):
        found = rule(evidence)
        if found:
            return found
    shapes = {"comes in": " and ".join(map(str, evidence.shapes))}
    return Explanation("unknown", evidence.layer and evidence.layer.name, shapes, reason=reason(error))


def _explain_run(evidence):
    """Return what stopped the `fit`, `evaluate` or `predict` of an `Evidence`; None if that is not known."""
    if evidence.run is None:
        return None
    setup, optimizer = setup_of(*evidence.run), evidence.frames[0].owner
    if isinstance(optimizer, keras.optimizers.Optimizer) and optimizer.built:
        name, copy = type(optimizer).__name__, type(optimizer).from_config(optimizer.get_config())
        with shapes_only():
            copy.build(setup.model.trainable_variables)
        line = f"optimizer=keras.optimizers.{name}({float(optimizer.learning_rate):g})  # in compile"
        return Explanation("optimizer_twice", cures=[line], what=name)
    found = _explain_setup(setup, SILENT)
    if found or setup.loss is not None or setup.y is None:
        return found
    losses = [entropy(name, logits) for logits in (False, True) for name in (SPARSE, CATEGORICAL, BINARY)]
    good = [loss for loss in [*losses, "mse"] if _passes(setup._replace(loss=loss), set())]
    lines = [f'model.compile(loss={spelled(loss)}, optimizer="adam")' for loss in good[:1]]
    return Explanation("not_compiled", cures=lines)


def _findings(setup):
    return [one for check in (*data.CHECKS, *labels.CHECKS) for one in check(setup)]


def _explain_setup(setup, ignored=frozenset()):
    """Return the first thing that is wrong with a setup, its cures tried; None if no check objects."""
    findings = _findings(setup)
    found = next((one for one in findings if one[0].kind not in ignored), None)
    if found is None:
        return None
    explanation, candidates = found
    others = {one.kind for one, _ in findings} - {explanation.kind}
    explanation.cures = [code for code, new in candidates if _passes(new, others)]
    return explanation


def _passes(setup, others):
    """Return whether a changed setup shows no mistakes but those others, and its loss can be computed."""
    try:
        return {one.kind for one, _ in _findings(setup)} <= others and (bool(others) or setup.computes())
    except Exception:  # whatever it is, it is no cure
        return False


def explain_errors(on=True):
    """Show, in a notebook, an explanation under each cell that fails; the error stays above it.

    An error that is not known here adds nothing. Outside a notebook this does nothing.

    Args:
        on: bool; False switches it off again.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    if shell:
        shell.set_custom_exc((Exception,) if on else (), _show if on else None)


def _show(shell, kind, error, trace, tb_offset=None):
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    from IPython.display import display

    try:
        found = _explain_error(error)
    except Exception:  # the student's error counts, not ours
        return
    if found.kind != "unknown":
        display(found)
