"""Recordings keep what was measured."""

import json

import numpy as np
import pytest

from cvcourse import recording, stored
from experiments.shipping import data_hash, record


def test_record_and_replay(tmp_path):
    runs = [
        {
            "label": label,
            "seed": seed,
            "seconds": 1.0,
            "cpu_seconds": np.float32(2),
            "history": {"accuracy": np.array([0.1 * seed, 0.2])},
            "result": {"test_accuracy": 0.5 + 0.1 * seed},
        }
        for label in ("a", "b")
        for seed in (0, 1, 2)
    ]
    path = record(
        "trial", "which?", "cvcourse experiments trial", {"name": "none", "sha256": ""}, runs, tmp_path
    )
    recorded = recording.replay("trial", tmp_path)
    mean, spread = recorded.results("test_accuracy")["a"]
    assert (mean, spread) == (pytest.approx(0.6), pytest.approx(0.1))
    np.testing.assert_allclose(recorded.curves("accuracy")["b"][0], [0.1, 0.2])
    assert recorded.results("seconds")["a"][0] == 1
    assert "which?" in repr(recorded) and "seeds [0, 1, 2]" in repr(recorded)
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ValueError, match=r"trial.*Received: name='trail'"):
        recording.replay("trail", tmp_path)


@pytest.mark.parametrize("path", sorted(recording.RUNS.glob("*.json")), ids=lambda path: path.stem)
def test_stored_runs_keep_the_schema(path):
    assert "checksum" in json.loads(path.read_text(encoding="utf8")), "write it with stored.write"
    fields = stored.read(path)
    assert set(fields) == {"name", "question", "command", "date", "machine", "versions", "data", "runs"}
    assert fields["name"] == path.stem
    assert fields["command"].startswith(("cvcourse experiments", "python benchmarks/"))
    assert len(fields["data"]["sha256"]) == 64
    seeds = {}
    for run in fields["runs"]:
        assert {"label", "seed", "seconds", "cpu_seconds", "history", "result"} <= set(run)
        assert all(np.isfinite(values).all() for values in run["history"].values())
        seeds.setdefault(run["label"], set()).add(run["seed"])
    assert all(len(found) >= 3 for found in seeds.values())


def test_a_damaged_recording_is_named(tmp_path):
    path = record("trial", "which?", "cvcourse", {"sha256": ""}, [{"seconds": 1.5}], tmp_path)
    path.write_text(path.read_text().replace("1.5", "1.6"))
    with pytest.raises(ValueError, match=r"trial\.json is damaged: .*checksum"):
        recording.replay("trial", tmp_path)
    path.write_text(path.read_text()[:50])
    with pytest.raises(ValueError, match=r"trial\.json is not whole JSON"):
        recording.replay("trial", tmp_path)


def test_data_hash_tells_arrays_apart():
    a = np.arange(6, dtype=np.uint8)
    hashes = {
        data_hash(a),
        data_hash(a.reshape(2, 3)),
        data_hash(a.astype(int)),
        data_hash(a[::-1]),
    }
    assert len(hashes) == 4
