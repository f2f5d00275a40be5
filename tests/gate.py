"""Every check of the course: `python3 start.py test` runs this file in the environment that it has made."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from start import GIGABYTE, PYTHON, TENSORFLOW, clean_environment, say  # noqa: E402

# Lax: only cells tagged nbval-check-output are compared.
NBVAL = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=300", "-p", "no:cacheprovider", "-q"]
WORK = ["-p", "tests.work"]  # a lesson fails whose work has doubled


def run_tests(part=None):
    """Every check, two at a time where the machine is large enough; or those of daily work, in minutes."""
    environment = clean_environment(KERAS_BACKEND="tensorflow", **TENSORFLOW)
    environment.pop("MPLBACKEND", None)  # the notebooks' kernel chooses its own
    chromium = find_chromium()
    if chromium:
        environment["CVCOURSE_CHROMIUM"] = chromium
    pytest = ["pytest", "-q"]
    steps = [
        ("ruff", ["ruff", "check", "."]),
        ("format", ["ruff", "format", "--check", "."]),
        ("mypy", ["mypy"]),
    ]
    if part == "quick":
        steps.append(("pytest, quick part", [*pytest, "-m", "not browser and not slow"]))
    else:
        # The longest come first and the shortest lessons last, so that both lanes end at about the same time.
        steps.append(("pytest in a browser", [*pytest, "-m", "browser"]))
        steps.append(("pytest", [*pytest, "-m", "not browser"]))
        for notebook in sorted((ROOT / "notebooks").glob("*.ipynb"), reverse=True):
            steps.append((notebook.stem, ["pytest", *NBVAL, *WORK, str(notebook)]))
    with tempfile.TemporaryDirectory() as folder:
        commands = [(name, [str(PYTHON), "-m", *command]) for name, command in steps]
        for name, command in commands:
            if "pytest" in command:
                command.append(f"--junitxml={Path(folder, name)}.xml")
        results = run_steps(commands, environment, lanes())
        say(slowest(Path(folder)))
    say(summary(results, chromium))
    return 0 if all(result["passed"] for result in results) else 1


def lanes():
    """How many checks run at a time: each wants a core and up to 3 GB."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        memory = 0  # Windows does not say
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 2 if cores > 1 and memory > 7 * GIGABYTE else 1


def run_steps(commands, environment, count):
    """Run (name, command) pairs in so many lanes; returns the results in their order."""
    waiting, results = list(enumerate(commands)), {}

    def lane(place):
        keep_to_own_cores(place, count)
        while waiting:
            number, (name, command) = waiting.pop(0)
            results[number] = run_step(name, command, environment, alone=count == 1)

    threads = [threading.Thread(target=lane, args=[place]) for place in range(count)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        waiting.clear()  # stopped: nothing more is begun
    return [results[number] for number in sorted(results)]


def keep_to_own_cores(place, count):
    """Give this thread, and what it starts, its own cores: libraries that share them lose an eighth."""
    own = sorted(os.sched_getaffinity(0))[place::count] if hasattr(os, "sched_getaffinity") else []
    if count > 1 and own:
        os.sched_setaffinity(0, own)


def run_step(name, command, environment, alone):
    """Run one check; returns name, passed, seconds, peak memory in bytes or None.

    Alone, it runs in front of the reader; beside another, what it prints comes when it is done.
    """
    title = f"\n{f'=== {name} ':=<79}"
    say(title if alone else f"started: {name}")
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        told = None if alone else output
        process = subprocess.Popen(command, cwd=str(ROOT), env=environment, stdout=told, stderr=told)
        memory = None
        if hasattr(os, "wait4"):  # not on Windows
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = status  # for Popen, whose own wait() comes too late now
            memory = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        passed = process.wait() == 0
        output.seek(0)
        if not alone:
            say(f"{title}\n{output.read().decode('utf-8', 'replace')}")
    return {"name": name, "passed": passed, "seconds": time.monotonic() - started, "memory": memory}


def slowest(folder, count=20):
    """The tests and cells that took longest, of all steps: pytest has written the seconds of each as XML."""
    found = []
    for path in folder.glob("*.xml"):
        for case in ElementTree.parse(str(path)).iter("testcase"):
            found.append((float(case.get("time")), path.stem, case.get("name")))
    longest = sorted(found, reverse=True)[:count]
    lines = [f"{seconds:8.1f} s  {step}: {name}" for seconds, step, name in longest]
    return "\n".join(["", f"{'=== The slowest tests and cells ':=<79}", *lines])


def summary(results, chromium):
    """The table at the end: a line for each check."""
    lines = ["", f"{'=== Summary: result, seconds, peak memory of the largest process ':=<79}"]
    for result in results:
        memory = "" if result["memory"] is None else f"{result['memory'] / GIGABYTE:8.2f} GB"
        verdict = "passed" if result["passed"] else "FAILED"
        lines.append(f"{result['name']:32} {verdict} {result['seconds']:8.1f} s {memory}")
    lines.append(
        f"Browser tests: ran in {chromium}"
        if chromium
        else "Browser tests: skipped, no Chromium was found. Install Chromium or Chrome to run them."
    )
    failed = sum(not result["passed"] for result in results)
    return "\n".join([*lines, f"Checks: {len(results) - failed} passed, {failed} failed"])


def find_chromium():
    """Path of a Chromium or Chrome, or None. The variable CVCOURSE_CHROMIUM names one that is elsewhere."""
    if os.environ.get("CVCOURSE_CHROMIUM"):
        return os.environ["CVCOURSE_CHROMIUM"]
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
    places = (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "C:/Program Files/Google/Chrome/Application/chrome.exe",
    )
    found = [shutil.which(name) for name in names] + [place for place in places if Path(place).exists()]
    return next(filter(None, found), None)


if __name__ == "__main__":
    try:
        sys.exit(run_tests(*sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nstopped. Start it again at any time.", file=sys.stderr)
        sys.exit(130)
