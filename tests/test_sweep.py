"""Settings × seeds: the recording is the same on several workers, and goes on after a stop."""

import json
import os
import signal
import sys

import cloudpickle
import numpy as np
import pytest

from cvcourse import cli, recording
from cvcourse.experiments import batch_norm, sweep

JOBS = [{"norm": "batch", "seed": seed, "batch_size": 8, "epochs": 2} for seed in (0, 1)]
FACTS = {"name": "noise", "sha256": "0"}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    images, labels = rng.random((24, 16, 16, 3), np.float32), np.arange(24) % 10
    return images, labels, images[:9], labels[:9]


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


def numbers(path):
    runs = json.loads(path.read_text(encoding="utf-8"))["runs"]
    return [(run["label"], run["seed"], run["history"]["accuracy"], run["result"]) for run in runs]


def test_two_workers_record_what_one_process_records(data, tmp_path):
    paths = []
    for folder, on in (("serial", None), ("workers", 2)):
        (tmp_path / folder).mkdir()
        paths.append(
            sweep.measure("small", "?", batch_norm.run, JOBS, data, FACTS, tmp_path / folder, on, "a command")
        )
        assert [path.name for path in (tmp_path / folder).iterdir()] == ["small.json"]  # the journal is gone
    serial, workers = map(numbers, paths)
    assert [row[:2] for row in serial] == [row[:2] for row in workers] and len(serial) == 2
    for one, other in zip(serial, workers, strict=True):
        np.testing.assert_allclose(one[2], other[2], rtol=1e-5)
        assert one[3] == other[3]


@pytest.mark.reliability(
    "a worker of a long experiment is killed",
    "its run is done again; the recording is whole",
)
def test_the_runs_of_a_lost_worker_are_done_again(tmp_path, capsys):
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
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
