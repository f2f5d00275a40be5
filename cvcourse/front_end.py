"""Whether widgets reach a browser: JupyterLab is started and asked as a browser asks, a kernel opens one."""

import contextlib
import importlib.metadata
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "anywidget")


def look():
    """Return whether there is a problem, and what was found: (bool, str)."""
    with _server() as ask:
        prefix, asked = _widget_of_a_kernel()  # while the server starts
        versions = _extensions(ask)
    if Path(prefix).resolve() != Path(sys.prefix).resolve():
        return True, f"the kernel python3 is another Python, in {prefix}; see: jupyter kernelspec list"
    if bad := [f"{name} is {version}" for name, version in versions.items() if not version[0].isdigit()]:
        return True, f"JupyterLab can show no explorer: {'; '.join(bad)}"
    shown = versions["anywidget"]
    if asked.strip("~^").split(".")[:2] != shown.split(".")[:2]:
        return True, f"widgets ask for anywidget {asked}, JupyterLab has {shown}"
    told = [f"JupyterLab {importlib.metadata.version('jupyterlab')}"]
    told += [f"{name.split('/')[-1]} {version}" for name, version in versions.items()]
    return False, f"{', '.join(told)}: a server serves them, and a kernel opened a widget"


def _extensions(ask):
    """{extension: its version, or what is wrong}: what a browser would load to show a widget."""
    page = re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', ask("/lab").decode(), re.DOTALL)
    page, found = json.loads(page[1]), {}
    files = {one["name"]: one["load"] for one in page["federated_extensions"]}
    for name in EXTENSIONS:
        folder = f"{page['fullLabextensionsUrl']}/{name}"
        try:
            ask(f"{folder}/{files[name]}")
            found[name] = json.loads(ask(f"{folder}/package.json"))["version"]
        except KeyError:
            found[name] = "not among its extensions"
        except OSError as error:
            found[name] = f"not served ({error})"
        if any(name == off.split(":")[0] for off in page.get("disabledExtensions", ())):
            found[name] = f"disabled; jupyter labextension enable {name}"
    return found


@contextlib.contextmanager
def _server(seconds=40):
    """A JupyterLab for nobody else, with an empty folder; gives a function from a path to what it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.base_url=/"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--ServerApp.root_dir=."]
    token, end = secrets.token_hex(), time.monotonic() + seconds
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    browser.addheaders = [("Authorization", f"token {token}")]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        own = os.environ | {"JUPYTER_TOKEN": token, "JUPYTER_RUNTIME_DIR": folder}
        process = subprocess.Popen(command, cwd=folder, env=own, stdout=log, stderr=log)

        def ask(path):
            while True:
                try:
                    return browser.open(f"http://127.0.0.1:{port}{path}", timeout=seconds).read()
                except urllib.error.HTTPError:
                    raise
                except OSError:  # not there yet
                    if process.poll() is not None or time.monotonic() > end:
                        log.seek(0)
                        last = (log.read().decode(errors="replace").strip() or "no word").splitlines()[-1]
                        raise RuntimeError(f"JupyterLab does not start: {last}") from None
                    time.sleep(0.1)

        try:
            yield ask
        finally:
            process.kill()
            process.wait()


def _widget_of_a_kernel():
    """(its Python's folder, the anywidget that its widget asks for), as a fresh kernel tells JupyterLab."""
    import nbformat
    from nbclient import NotebookClient

    code = "import sys, anywidget; print(sys.prefix); anywidget.AnyWidget()"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    quiet = ["--log-level=ERROR"]
    NotebookClient(book, kernel_name="python3", timeout=60, extra_arguments=quiet).execute()
    states = book.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    asked = next(one["model_module_version"] for one in states if one["model_module"] == "anywidget")
    return book.cells[0].outputs[0].text.strip(), asked
