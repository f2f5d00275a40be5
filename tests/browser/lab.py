"""A real JupyterLab in a headless Chromium: for the browser tests and for `benchmarks/explorers.py`."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from jupyter_client import BlockingKernelClient
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
TOKEN = "browser-tests"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def chromium_path():
    """Return the path of a Chromium of this machine, or None."""
    named = os.environ.get("CVCOURSE_CHROMIUM")
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    return named or next(filter(None, map(shutil.which, NAMES)), mac if Path(mac).exists() else None)


class Lab:
    """A JupyterLab in its own process, with its own settings, that serves one folder.

    Args:
        folder: Path of the notebooks; a fresh one for each server.
        theme: "Light" or "Dark".
    """

    def __init__(self, folder, theme="Light"):
        self.folder, self.port = folder, _free_port()
        home = folder / ".lab"
        settings = home / "settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        news = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
        (settings / "notification.jupyterlab-settings").write_text(json.dumps(news))
        (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": f"JupyterLab {theme}"}))
        widgets = home / "settings" / "@jupyter-widgets" / "jupyterlab-manager"
        widgets.mkdir(parents=True)
        (widgets / "plugin.jupyterlab-settings").write_text(json.dumps({"saveState": True}))
        environment = os.environ | {
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        }
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
        command += ["--LabApp.expose_app_in_browser=True"]
        command += [f"--port={self.port}", f"--ServerApp.root_dir={folder}"]
        command += [f"--IdentityProvider.token={TOKEN}"]
        self.log = home / "lab.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + 90
        while self.process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as connection:
                if connection.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.2)
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()[-2000:]}")

    def write(self, name, *cells):
        """Write a notebook of code cells into the folder."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(book, self.folder / name)

    def url(self, name):
        return f"http://127.0.0.1:{self.port}/lab/tree/{name}?token={TOKEN}&reset"

    def api(self, name):
        return f"http://127.0.0.1:{self.port}/api/{name}?token={TOKEN}"

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Notebook:
    """A notebook that is open in JupyterLab, and all that went wrong on its page.

    Args:
        context: Playwright's browser context; notebooks that share one load JupyterLab from its cache.
        lab: the Lab that serves the notebook `name`.
        width, height: size of the window in pixels.

    Attributes:
        page: the Playwright page.
        errors: list of console errors and uncaught exceptions.
        outside: set of addresses asked for that are not this JupyterLab.
    """

    def __init__(self, context, lab, name, width=1280, height=720):
        self.errors, self.outside, self.lab, self.name = [], set(), lab, name
        self.page = context.new_page()
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.on("console", lambda line: line.type == "error" and self.errors.append(line.text[:300]))
        self.page.on("pageerror", lambda error: self.errors.append(f"uncaught {str(error)[:300]}"))
        here = (f"http://127.0.0.1:{lab.port}", f"ws://127.0.0.1:{lab.port}", "data:", "blob:")
        self.page.on("request", lambda asked: asked.url.startswith(here) or self.outside.add(asked.url))
        self.page.goto(lab.url(name))
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        # Run before the kernel is there, and JupyterLab asks which one to take.
        self.page.get_by_text("(ipykernel) | Idle").wait_for(timeout=90_000)

    def run_all(self, seconds=120):
        """Run all cells and wait until each has its number; an error in a cell fails the test."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
        self.page.locator(".lm-Menu-itemLabel", has_text="Run All Cells").first.click()
        state = """() => {
          const cells = [...jupyterapp.shell.currentWidget.content.model.cells];
          const code = cells.filter(cell => cell.type === 'code' && cell.sharedModel.source.trim());
          const outputs = code.flatMap(cell => cell.outputs.toJSON());
          const failed = outputs.find(output => output.output_type === 'error');
          return failed ? failed.traceback.join('\\n') : code.every(cell => cell.executionCount) && 'done';
        }"""
        said = self.page.wait_for_function(state, timeout=1000 * seconds, polling=200).json_value()
        assert said == "done", said

    def turn_to(self, name):
        """Show another notebook on this page, with the same kernel; forget what went wrong before."""
        known = self.page.context.request.get(self.lab.api("sessions")).json()
        kernel = next(one["kernel"]["id"] for one in known if one["path"] == self.name)
        session = {"path": name, "name": "", "type": "notebook", "kernel": {"id": kernel}}
        self.page.context.request.post(self.lab.api("sessions"), data=session)
        self.page.evaluate("() => jupyterapp.shell.currentWidget.dispose()")
        self.page.locator(".jp-Notebook").first.wait_for(state="detached")
        self.errors.clear()
        self.outside.clear()
        self.page.evaluate("path => { jupyterapp.commands.execute('docmanager:open', { path }); }", name)
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        self.page.get_by_text("(ipykernel) | Idle").wait_for(timeout=90_000)
        self.name = name

    def explorer(self, nth=0):
        """Return the locator of the nth explorer on the page, once it is drawn."""
        found = self.page.locator(".cv-explorer[data-drawn]").nth(nth)
        found.wait_for(timeout=60_000)
        found.scroll_into_view_if_needed()
        return found

    def close(self):
        """Close the page and end its kernel."""
        context = self.page.context
        self.page.close()
        for one in context.request.get(self.lab.api("sessions")).json():
            if one["path"] == self.name:
                context.request.delete(self.lab.api(f"sessions/{one['id']}"))


class Stage(Notebook):
    """One notebook in JupyterLab whose only cell shows explorers, one after the other; one kernel for all.

    Args:
        context, lab: as for `Notebook`.
        name: of the notebook.
        kernel: id of a running kernel to share; None for a new one.
    """

    def __init__(self, context, lab, name="stage.ipynb", kernel=None):
        self.output = name.split(".")[0]
        lab.write(name, f"import ipywidgets\n{self.output} = ipywidgets.Output()\n{self.output}")
        if kernel:
            session = {"path": name, "name": "", "type": "notebook", "kernel": {"id": kernel}}
            context.request.post(lab.api("sessions"), data=session)
        super().__init__(context, lab, name, width=1500, height=1000)
        self.run_all()
        self.page.set_default_timeout(15_000)
        sessions = context.request.get(lab.api("sessions")).json()
        self.kernel = next(one["kernel"]["id"] for one in sessions if one["path"] == name)
        runtime = lab.folder / ".lab" / "runtime"
        self.client = BlockingKernelClient(connection_file=str(runtime / f"kernel-{self.kernel}.json"))
        self.client.load_connection_file()
        self.client.start_channels()
        self.ask("import keras, numpy as np\nfrom cvcourse import explorers")

    def ask(self, code, value=None):
        """Run code in the kernel; return what the expression `value` gives there, as JSON."""
        said, told = [], f"import json; print(json.dumps({value}))" if value else ""

        def hear(message):
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                said.append(message["content"]["text"])

        answer = self.client.execute_interactive(
            f"{code}\n{told}", output_hook=hear, store_history=False, allow_stdin=False, timeout=120
        )
        assert answer["content"]["status"] == "ok", "\n".join(answer["content"]["traceback"])
        return json.loads("".join(said)) if value else None

    def show(self, code):
        """Let the kernel make an `explorer`, show it in place of the last one, and return its locator."""
        self.ask(f"{self.output}.outputs = ()\n{code}")
        self.page.wait_for_function("() => !document.querySelector('.cv-explorer')")  # there may be several
        self.ask(f"{self.output}.append_display_data(explorer)")
        return self.explorer()

    @contextlib.contextmanager
    def watched(self):
        """In the end nothing went wrong on the page, and nothing was asked from outside."""
        self.page.bring_to_front()
        self.errors.clear()
        yield
        assert (self.errors, self.outside) == ([], set())

    def theme(self, name):
        """Change JupyterLab's theme, "Light" or "Dark", and wait until it is there."""
        told = {"theme": f"JupyterLab {name}"}
        self.page.evaluate("told => jupyterapp.commands.execute('apputils:change-theme', told)", told)
        self.page.wait_for_selector(f"body[data-jp-theme-name='JupyterLab {name}']", state="attached")

    def close(self):
        self.client.stop_channels()
        super().close()


def _free_port():
    with socket.socket() as connection:
        connection.bind(("127.0.0.1", 0))
        return connection.getsockname()[1]


@contextlib.contextmanager
def open_browser():
    """Give a browser context in a headless Chromium of this machine: without a camera."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser.new_context()
        browser.close()


@contextlib.contextmanager
def pages_from_disk(chromium):
    """Open pages from disk, the network off; in the end nothing went wrong and nothing came from outside."""
    contexts, wrong = [], []

    def open_page(address, width=1280, height=800, **look):
        view = {"width": width, "height": height}
        contexts.append(chromium.browser.new_context(viewport=view, offline=True, **look))
        page = contexts[-1].new_page()
        page.on("console", lambda line: line.type == "error" and wrong.append(line.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        here = ("file:", "data:", "blob:")
        page.on("request", lambda asked: asked.url.startswith(here) or wrong.append(asked.url))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def says(explorer, words):
    """Wait until Python's words hold `words`, a text or a pattern."""
    explorer.locator(".cv-describe", has_text=words).wait_for(timeout=20_000)


def size(explorer):
    """Return width and height in whole pixels."""
    box = explorer.bounding_box()
    return round(box["width"]), round(box["height"])


def press(locator, key, times=1):
    """Focus what takes the keys, and press one several times."""
    locator.focus()
    for _ in range(times):
        locator.press(key)
