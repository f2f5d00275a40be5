"""The shape doctor: a table of typical mistakes is the test, and 200 right models keep it silent.

What raises must not raise any more. What is wrong in silence must be found, and after the cure there must be
nothing to find and a loss that is a number.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import Input, layers

from cvcourse import explain, explain_errors
from cvcourse.explaining import SILENT
from cvcourse.explaining.words import SAYS
from cvcourse.models import cnn, lenet, mobilenet

sys.path.insert(0, str(Path(__file__).parent))
import mistakes
from mistakes import BCE, RAISES, YES, Own, X, Y, compiled, conv, net
from silent_mistakes import QUIET, asked

COLUMNS = "kind", "cure", "build", "wrong", "right"


def names(rows):
    return [f"{kind}-{place}" for place, (kind, *_) in enumerate(rows)]


def cured(explanation, cure):
    return (not explanation.cures) if cure is None else any(one.startswith(cure) for one in explanation.cures)


@pytest.mark.parametrize(COLUMNS, RAISES, ids=names(RAISES))
def test_an_error_is_explained_and_its_cure_works(kind, cure, build, wrong, right, monkeypatch):
    with pytest.raises(Exception) as caught:  # each row has its own
        build(wrong)
    explanation = explain(caught.value)
    assert (explanation.kind, cured(explanation, cure)) == (kind, True), explanation
    monkeypatch.setattr(mistakes, "EAGER", True)
    build(right)


@pytest.mark.parametrize(COLUMNS, QUIET, ids=names(QUIET))
def test_a_model_that_runs_and_is_wrong_is_seen_and_its_cure_works(kind, cure, build, wrong, right):
    explanation = explain(*build(wrong))
    assert (explanation.kind, cured(explanation, cure)) == (kind, True), explanation
    model, x, y = build(right)
    assert not explain(model, x, y), explain(model, x, y)
    if y is not None:
        assert np.isfinite(loss_of(model, x, y))


def loss_of(model, x, y):
    return float(model.compute_loss(x, keras.ops.convert_to_tensor(y), model(x)))


def test_the_table_has_every_mistake_that_has_words():
    kinds = {row[0] for row in RAISES + QUIET}
    assert kinds == SAYS.keys() - {None, "unknown"}
    assert len(kinds) >= 40 and kinds > SILENT


# --- Right models -----------------------------------------------------------------------------------------


def body(rng, x):
    """A random body: maps come in, maps go out."""
    for _ in range(rng.integers(1, 3)):
        y = layers.Conv2D(4, 3, padding="same", activation=rng.choice(["relu", "elu"]))(x)
        y = rng.choice([layers.BatchNormalization, lambda: layers.Dropout(0.1), layers.Identity])()(y)
        x = layers.Concatenate()([x, y]) if rng.random() < 0.3 else y
    return x


def right(seed):
    """A random model that is right, and its data: (model, x, y)."""
    rng = np.random.default_rng(seed)
    channels, count = int(rng.choice([1, 3])), int(rng.choice([2, 3, 10]))
    x = rng.random((6, 8, 8, channels)).astype("float32")
    inputs = out = Input((8, 8, channels))
    if seed % 4 == 0:
        x, out = (255 * x).astype(rng.choice(["uint8", "float32"])), layers.Rescaling(1 / 255)(out)
    out = body(rng, out)
    places = (6, 8, 8) if seed % 3 == 0 else (6,)
    if len(places) == 1:
        pools = [layers.Flatten, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D]
        out = pools[seed // 3 % 3]()(out)
    logits = bool(rng.random() < 0.5)
    task = rng.choice(["sparse", "one_hot", "binary", "labels", "number", "numbers"])
    units = {"binary": 1, "number": 1}.get(task, count)
    loss = {
        "sparse": "SparseCategoricalCrossentropy",
        "one_hot": "CategoricalCrossentropy",
        "number": rng.choice(["MeanSquaredError", "Huber"]),
        "numbers": "MeanAbsoluteError",
    }
    loss = getattr(keras.losses, loss.get(task, "BinaryCrossentropy"))
    classes = rng.integers(0, count, places)
    y = {
        "sparse": classes,
        "one_hot": np.eye(count)[classes],
        "binary": rng.integers(0, 2, (*places, 1)),
        "labels": rng.integers(0, 2, (*places, count)),
        "number": rng.normal(5, 3, (*places, 1)),
        "numbers": rng.normal(0, 1, (*places, count)),
    }[task]
    if task in ("sparse", "binary", "number") and rng.random() < 0.5:
        y = y[..., None] if task == "sparse" else y[..., 0]
    measured = task.startswith("number")
    activation = None if measured or logits else "softmax" if task in ("sparse", "one_hot") else "sigmoid"
    out = layers.Dense(units)(out)
    if activation:
        out = layers.Activation(activation)(out)
    model = keras.Model(inputs, out)
    loss = loss() if measured else loss(from_logits=logits)
    if not measured and not logits and rng.random() < 0.5:
        loss = loss.name
    model.compile(loss=loss, optimizer="adam", metrics=["mae"] if measured else ["accuracy"])
    return model, x, y


def test_two_hundred_right_models_raise_no_alarm():
    alarms = {}
    for seed in range(200):
        model, x, y = right(seed)
        found = explain(model, x, y)
        if found:
            alarms[seed] = found.kind
        assert np.isfinite(loss_of(model, x, y))
    assert alarms == {}


@pytest.mark.parametrize(
    "build",
    [
        lenet.lenet5,
        cnn.small_cnn,
        mobilenet.mobilenet,
        lambda: Own(conv()),
        lambda: keras.Sequential([layers.Dense(3)]),
    ],
)
def test_the_courses_own_models_raise_no_alarm(build):
    assert not explain(build())


# --- The object, the words, the notebook ------------------------------------------------------------------


def test_what_it_says_can_be_read_and_is_escaped():
    with pytest.raises(ValueError, match="negative") as caught:
        conv(4, 5, name="<b>wide")(Input((3, 3, 1)))
    found = explain(caught.value)
    assert found.layer == "<b>wide" and found.shapes == {"comes in": "(None, 3, 3, 1)"}
    assert "(3 − 5 + 0) / 1" in found.formula and "a window of 5×5" in repr(found)
    assert "&lt;b&gt;wide" in found._repr_html_() and "<b>wide" not in found._repr_html_()
    assert repr(found).splitlines()[-1].strip() == found.cures[-1]
    assert "e^z / e^z = 1" in repr(explain(*asked(1, "softmax", BCE, YES)))


def test_it_says_so_when_it_does_not_know():
    for error in (ValueError("nothing that Keras says"), ZeroDivisionError("division by zero")):
        assert explain(error).kind == "unknown" and str(error) in repr(explain(error))
    model = net()
    with pytest.raises(ValueError, match="weight") as caught:
        model.set_weights(net(5).get_weights())
    assert explain(caught.value).kind == "unknown" and not explain(caught.value).cures
    with pytest.raises(TypeError, match="Received: 3"):
        explain(3)


def test_an_earlier_error_is_not_taken_for_this_one():
    with pytest.raises(KeyError) as caught:
        try:
            conv(4, 5)(Input((3, 3, 1)))
        except ValueError:
            {}["another mistake"]
    assert explain(caught.value).kind == "unknown"


def test_the_model_that_is_explained_stays_as_it_is():
    model = compiled(net(10, None))
    before = [layer.get_config() for layer in model.layers], model.get_weights()
    assert explain(model, X, Y).kind == "logits"
    assert [layer.get_config() for layer in model.layers] == before[0]
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before[1], strict=True))
    assert layers.Dense(3).name == f"dense_{int(layers.Dense(3).name.split('_')[-1]) - 1}"  # no name used up


def test_in_a_notebook_it_stands_under_a_cell_that_fails(capsys):
    from IPython.core.interactiveshell import InteractiveShell

    explain_errors()  # outside a notebook: nothing
    shell = InteractiveShell.instance()
    try:
        fails = "from keras import Input, layers; layers.Conv2D(4, 5)(Input((3, 3, 1)))"
        for on in (True, False):
            shell.run_cell(f"from cvcourse import explain_errors; explain_errors({on})")
            capsys.readouterr()
            shell.run_cell(fails)
            text = capsys.readouterr().out
            assert "ValueError" in text and ("What helps" in text) == on
            shell.run_cell("1 / 0")
            assert "What helps" not in capsys.readouterr().out
    finally:
        InteractiveShell.clear_instance()
