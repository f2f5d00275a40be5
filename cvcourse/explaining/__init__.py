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

from cvcourse.explaining import data, labels, naming
from cvcourse.explaining.evidence import Evidence
from cvcourse.explaining.explanation import Explanation
from cvcourse.explaining.fitting import at_a_layer
from cvcourse.explaining.setups import BINARY, CATEGORICAL, SPARSE, entropy, setup_of
from cvcourse.keras_graph import shapes_only
from cvcourse.what_if import reason

__all__ = ["Explanation", "explain", "explain_errors"]
# Mistakes that only spoil what is learned: at them neither `fit` nor `predict` stops.
SILENT = {
    "nan", "nan_weights", "range", "frozen", "batch_norm_axis", "binary_for_classes", "labels_minus_one",
    "broadcast", "accuracy_for_regression", "output_range", "softmax_of_one", "softmax_twice",
    "sigmoid_twice", "logits", "sigmoid_for_classes", "wrong_activation",
}  # fmt: skip


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
        raise TypeError(
            "error_or_model must be an exception that was caught, or a Keras model. "
            f"Received: {error_or_model!r}"
        )
    return next(_explain_setup(setup_of(error_or_model, x, y)), Explanation(None))


def _explain_error(error):
    evidence = Evidence(error)
    found = (one for rule in (_in_a_run, at_a_layer, *naming.RULES) for one in rule(evidence))
    shapes = {"comes in": " and ".join(map(str, evidence.shapes))}
    name = evidence.layer and evidence.layer.name
    return next(found, None) or Explanation("unknown", name, shapes, reason=reason(error))


def _in_a_run(evidence):
    """Yield what stopped the `fit`, `evaluate` or `predict` of an `Evidence`."""
    if evidence.run is None:
        return
    setup, optimizer = setup_of(*evidence.run), evidence.frames[0].owner
    if isinstance(optimizer, keras.optimizers.Optimizer) and optimizer.built:
        name, copy = type(optimizer).__name__, type(optimizer).from_config(optimizer.get_config())
        with shapes_only():
            copy.build(setup.model.trainable_variables)
        line = f"optimizer=keras.optimizers.{name}({float(optimizer.learning_rate):g})  # in compile"
        yield Explanation("optimizer_twice", cures=[line], what=name)
    yield from _explain_setup(setup, SILENT)
    if setup.loss is None and setup.y is not None:
        losses = [entropy(name, logits) for logits in (False, True) for name in (SPARSE, CATEGORICAL, BINARY)]
        good = next((loss for loss in [*losses, 'loss="mse"'] if _passes(setup.after(loss), set())), None)
        cures = [f'model.compile({good}, optimizer="adam")'] if good else []
        yield Explanation("not_compiled", cures=cures)


def _findings(setup):
    return [one for check in (*data.CHECKS, labels.labels) for one in check(setup)]


def _explain_setup(setup, ignored=frozenset()):
    """Yield what is wrong with a setup, the first mistake first; of each mistake the cures that work."""
    findings = _findings(setup)
    for explanation, candidates in findings:
        if explanation.kind not in ignored:
            others = {one.kind for one, _ in findings} - {explanation.kind}
            pairs = [(one, setup.after(one)) if isinstance(one, str) else one for one in candidates]
            explanation.cures = [code for code, new in pairs if _passes(new, others)]
            yield explanation


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
