"""Settings × seeds: the recording is the same on several workers, and goes on after a stop."""

import json
import os
import signal
import sys

import cloudpickle
import keras
import numpy as np
import pytest

from cvcourse import cli, recording, training
from experiments import sweep

FACTS = {"name": "noise", "sha256": "0"}
cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers do not find this file


def trained(seed, data):
    """Two layers and a dropout: their chances come from Keras's generators."""
    keras.utils.set_random_seed(seed)
    parts = keras.layers.Dense(8), keras.layers.Dropout(0.5), keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((6,)), *parts])
    model.compile("sgd", "mse", run_eagerly=True)
    losses = training.fit(model, *data, epochs=2, batch_size=8, seed=seed, verbose=0).history["loss"]
    return {"label": "trained", "seed": seed, "seconds": 0.0, "history": {"loss": losses},
            "result": model.predict_on_batch(data[0])[:, 0]}  # fmt: skip


def plain(seed, data, calls=None):
    if calls:
        with open(calls, "a") as file:
            print(seed, file=file)
    return {"label": "plain", "seed": seed, "seconds": 0.0, "result": seed * data}


def lost_once(seed, data, marker):
    """The first time, one run takes its worker with it, and another only itself."""
    if seed and seed < 3 and not os.path.exists(f"{marker}{seed}"):
        open(f"{marker}{seed}", "w").close()
        os.kill(os.getppid() if seed == 1 else os.getpid(), signal.SIGKILL)
    return plain(seed, data)


def test_two_workers_record_what_one_process_records(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # workers find `experiments` from anywhere
    monkeypatch.delenv("PYTHONPATH", raising=False)
    data, runs = np.random.default_rng(0).random((2, 24, 6), np.float32), []
    data = data[0], data[1, :, :1]
    for folder, on in (("serial", None), ("workers", 2)):
        (tmp_path / folder).mkdir()
        jobs = [{"seed": 0}, {"seed": 1}]
        path = sweep.measure("small", "?", trained, jobs, data, FACTS, tmp_path / folder, on, "a command")
        assert [path.name for path in (tmp_path / folder).iterdir()] == ["small.json"]  # the journal is gone
        runs.append(json.loads(path.read_text(encoding="utf-8"))["runs"])
    for seed, (one, other) in enumerate(zip(*runs, strict=True)):
        assert (one["label"], one["seed"]) == (other["label"], other["seed"]) == ("trained", seed)
        np.testing.assert_allclose(one["history"]["loss"], other["history"]["loss"], rtol=1e-5)
        np.testing.assert_allclose(one["result"], other["result"], rtol=1e-4, atol=1e-6)
    assert abs(runs[0][0]["result"][0] - runs[0][1]["result"][0]) > 1e-3  # another seed, another network


@pytest.mark.reliability(
    "a worker of a long experiment is killed",
    "its run is done again; the recording is whole",
)
def test_the_runs_of_a_lost_worker_are_done_again(tmp_path, capsys):
    jobs = [{"seed": seed, "marker": str(tmp_path / "died")} for seed in range(4)]
    runs = sweep.sweep(lost_once, jobs, 10, FACTS, tmp_path / "journal", on=2)
    assert (tmp_path / "died1").exists() and (tmp_path / "died2").exists()
    assert [run["result"] for run in runs] == [0, 10, 20, 30]
    assert capsys.readouterr().out.count("min left") == 4  # progress, and when it will end


@pytest.mark.reliability("a long experiment is stopped in the middle of a line", "it goes on where it was")
def test_after_a_stop_only_what_is_missing_is_run(tmp_path, capsys):
    journal, calls = tmp_path / "journal", tmp_path / "calls"
    jobs = [{"seed": seed, "calls": str(calls)} for seed in range(4)]
    before = sweep.sweep(plain, jobs[:3], 10, FACTS, journal)
    journal.write_text(journal.read_text(encoding="utf-8")[:-30], encoding="utf-8")  # stopped in a line
    assert sweep.sweep(plain, jobs, 10, FACTS, journal)[:3] == before
    assert calls.read_text().split() == ["0", "1", "2", "2", "3"]
    assert "2 of 4 runs are there already" in capsys.readouterr().out


def test_runs_of_other_data_or_versions_are_not_joined(tmp_path, monkeypatch):
    journal = tmp_path / "journal"
    sweep.sweep(plain, [{"seed": 1}], 10, FACTS, journal)
    with pytest.raises(ValueError, match=r"cannot be joined.*journal"):
        sweep.sweep(plain, [{"seed": 1}], 10, FACTS | {"sha256": "1"}, journal)
    monkeypatch.setattr(recording, "versions", lambda: {"keras": "0.1"})
    with pytest.raises(ValueError, match=r"cannot be joined.*journal"):
        sweep.sweep(plain, [{"seed": 1}], 10, FACTS, journal)


def test_nobody_at_the_address(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "PATIENCE", 1)
    with pytest.raises(ValueError, match=r"no Dask scheduler answers at 'tcp://127.0.0.1:9'"):
        sweep.sweep(plain, [{"seed": 1}], 10, FACTS, tmp_path / "journal", on="tcp://127.0.0.1:9")


@pytest.mark.parametrize(
    ("words", "problem"),
    [(["league", "--workers", "2"], "one piece"), (["transfer", "--workers", "0"], "must be at least 1")],
)
def test_the_command_says_where_workers_do_not_help(words, problem, capsys):
    assert cli.main(["experiments", *words]) == 1
    assert problem in capsys.readouterr().err


def test_without_the_repository_the_command_says_where_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cli, "__file__", str(tmp_path / "cvcourse" / "cli.py"))
    assert cli.main(["experiments", "league"]) == 1
    assert "from a checkout of the course's repository" in capsys.readouterr().err
