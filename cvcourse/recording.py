"""Measured runs: replayed in a lesson, and what their makers measure with."""

import contextlib
import importlib.metadata
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from cvcourse import stored

RUNS = Path(__file__).parent / "runs"


class Recording:
    """A stored experiment: what was asked, how it was run, and every run with its curves.

    Attributes:
        name, question, command, date, machine, versions, data: how it was made.
        runs: list of dicts with "label", "seed", "seconds", "cpu_seconds", "history" and "result".
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)

    def __repr__(self):
        labels = list(dict.fromkeys(run["label"] for run in self.runs))
        seeds = sorted({run["seed"] for run in self.runs})
        machine = f"{self.machine['processor']}, {self.machine['cores']} cores"
        if self.machine.get("accelerator"):
            machine = f"{self.machine['accelerator']}, a graphics card"
        return (
            f"{self.name}: {self.question}\n{len(self.runs)} runs, {len(labels)} settings, seeds {seeds}; "
            f"{machine}; {self.date}\n"
            f"made with: {self.command}"
        )

    def curves(self, metric: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return {label: (mean, spread)} of a history metric over the seeds; arrays (epochs,)."""
        return self._over_seeds(lambda run: run["history"][metric])

    def results(self, key: str) -> dict[str, tuple[float, float]]:
        """Return {label: (mean, spread)} of a final result over the seeds; floats."""
        return self._over_seeds(lambda run: run[key] if key in run else run["result"][key])

    def _over_seeds(self, value):
        groups = {}
        for run in self.runs:
            groups.setdefault(run["label"], []).append(np.asarray(value(run), dtype=float))
        return {
            label: (np.mean(v, axis=0), np.std(v, axis=0, ddof=1) if len(v) > 1 else np.zeros_like(v[0]))
            for label, v in groups.items()
        }


def rounded(value: Any) -> Any:
    """Return nested dicts and lists with plain numbers of six significant digits, ready for JSON."""
    # Six digits are more than any run repeats, and they keep the files small.
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [rounded(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return float(f"{value:.6g}") if isinstance(value, float) else value


def replay(name: str, folder: str | Path | None = None) -> Recording:
    """Return the `Recording` of a stored experiment.

    Raises:
        ValueError: no such experiment; the message lists those that there are. Or a damaged file.
    """
    path = Path(folder or RUNS) / f"{name}.json"
    if not path.is_file():
        known = sorted(p.stem for p in path.parent.glob("*.json"))
        raise ValueError(
            f"name must be a recorded experiment: {', '.join(known) or 'none is stored'}. "
            f"Received: name={name!r}"
        )
    return Recording(stored.read(path, _PARTS))


_PARTS = ("name", "question", "command", "date", "machine", "versions", "data", "runs")


def machine() -> dict[str, Any]:
    """Return processor, cores, memory and system of this machine as a dict."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, ValueError, OSError):
        memory = None  # Windows has no sysconf.
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": memory,
        "system": platform.system(),
    }


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a result depends on, as a dict."""
    found = {"python": platform.python_version()}
    for name in ("keras", "tensorflow", "jax", "torch", "numpy"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # one of three backends is enough
            found[name] = importlib.metadata.version(name)
    return found


class Clock:
    """Measure wall and processor seconds of a block: `with Clock() as clock: …; clock.seconds`."""

    def __enter__(self):
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *exception):
        self.seconds = time.perf_counter() - self._wall
        self.cpu_seconds = time.process_time() - self._cpu
