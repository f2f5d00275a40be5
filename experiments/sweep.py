"""Settings × seeds: one after another, in several processes, or on a Dask cluster; the recording is the same.

Each finished run is written down at once. So a stop costs the runs under way, and the same command goes on.
"""

import contextlib
import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

from cvcourse import recording
from experiments.shipping import record

PATIENCE = 20  # seconds to wait for a scheduler


def measure(
    name, question, run, jobs, data, facts, folder=None, on=None, command=None, join=list, made_on=None
):
    """Run all jobs, record them as `runs/{name}.json`, and return the path.

    Args:
        name, question, command, folder, made_on: as for `shipping.record`; the command is the one named so.
        run, jobs, data, on: as for `sweep`.
        facts: dict with "name" and "sha256" of the data.
        join: function, the runs to those that are recorded, where some were recorded before.
    """
    journal = Path(folder or recording.RUNS) / f"{name}.unfinished"
    runs = sweep(run, jobs, data, facts, journal, on)
    command = command or f"cvcourse experiments {name}"
    path = record(name, question, command, facts, join(runs), folder, made_on)
    journal.unlink()
    return path


def sweep(run, jobs, data, facts, journal, on=None):
    """Do all jobs and return their runs, in the order of the jobs.

    Args:
        run: function of a module, called as `run(data=data, **job)`; what it returns, `shipping.record`
            stores. It must be pure: the same job and seed give the same numbers wherever it runs.
        jobs: list of dicts with plain values, each another.
        data: arrays that all runs share; sent to each worker once.
        facts: dict, the data's name and sha256.
        journal: path, the file of finished runs; those that it holds are not done again.
        on: None for one after another; int > 0, processes on this machine; str, the address of a Dask
            scheduler, such as "tcp://10.0.0.5:8786". Python objects travel unprotected to and from it: only
            in a network that you trust.

    Raises:
        ValueError: the journal holds runs of other data or versions, or nobody answers at the address.
    """
    made_with = json.loads(json.dumps({"data": facts, "versions": recording.versions()}))
    keys = [json.dumps(job, sort_keys=True) for job in jobs]
    done = _read(journal, made_with)
    missing = {key: job for key, job in zip(keys, jobs, strict=True) if key not in done}
    start, before = time.perf_counter(), len(jobs) - len(missing)
    if before:
        print(f"{before} of {len(jobs)} runs are there already: {journal}", flush=True)
    with open(journal, "a", encoding="utf-8") as file:
        if not file.tell():
            print(json.dumps(made_with), file=file, flush=True)
        for count, (key, found) in enumerate(_results(run, missing, data, on), start=1):
            done[key] = recording.rounded(found)
            print(json.dumps({"job": key, "run": done[key]}), file=file, flush=True)
            left = (time.perf_counter() - start) / count * (len(missing) - count)
            print(f"{before + count} of {len(jobs)}: {found['label']}, seed {found['seed']}, "
                  f"{found['seconds']:.0f} s; about {left / 60:.0f} min left", flush=True)  # fmt: skip
    return [done[key] for key in keys]


def _read(journal, made_with):
    """The finished runs of a journal, {job: run}; a last line that was cut off is no run."""
    if not journal.exists():
        return {}
    lines = []
    with contextlib.suppress(ValueError):
        for line in journal.read_text(encoding="utf-8").splitlines():
            lines.append(json.loads(line))
    if lines[:1] != [made_with]:
        raise ValueError(
            f"runs of other data or versions cannot be joined. Move {journal} away to begin anew."
        )
    journal.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return {line["job"]: line["run"] for line in lines[1:]}


def _results(run, jobs, data, on):
    """Yield (key, run) of {key: job}, each as soon as it is finished."""
    if on is None:
        yield from ((key, _one(run, job, data)) for key, job in jobs.items())
        return
    with _client(on) as client:
        from cloudpickle import dumps  # comes with Dask
        from distributed import as_completed

        # As bytes, so that a worker, which only hands them on, need not import what they are made of.
        (shared,) = client.scatter([dumps((run, data))], broadcast=True, hash=False)
        futures = {}
        for key, job in jobs.items():  # the runs of a lost worker are given to another one, by Dask
            futures[client.submit(_apart, job, shared, key=f"run {key}", retries=2)] = key
        for future in as_completed(futures):
            yield futures[future], future.result()


def _client(on):
    """A client of the scheduler at an address, or of that many processes here."""
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError(f"{error}. Several workers need: pip install -e '.[cluster]'") from None
    if isinstance(on, int):
        return Client(n_workers=on, threads_per_worker=1, memory_limit=0, dashboard_address=None)
    try:
        return Client(on, timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        raise ValueError(f"no Dask scheduler answers at {on!r} within {PATIENCE} seconds: {error}") from None


def _apart(job, shared):
    """One run in a process of its own, on a worker; `shared` is the pickled pair of function and data.

    Keras draws its seeds from the generator that all threads of a process share, and a worker's threads draw
    from it, too: in the worker itself, the same seed would not give the same numbers.
    """
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", _CHILD],
        input=pickle.dumps((job, shared)),
        stdout=subprocess.PIPE,
        check=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    return pickle.loads(done.stdout)


_CHILD = """
import pickle, sys
given, back = sys.stdin.buffer, sys.stdout.buffer
sys.stdout = sys.stderr
from experiments.sweep import _one
job, shared = pickle.load(given)
run, data = pickle.loads(shared)
back.write(pickle.dumps(_one(run, job, data)))
"""


def _one(run, job, data):
    """One run, wherever it is; what it leaves in Keras is cleared away."""
    found = run(data=data, **job)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session()
    return found | {"processor": recording.machine()["processor"]}
