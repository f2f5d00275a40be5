"""How many students does a machine carry? Real servers, real kernels, one table.

    python deploy/load.py --students 8 --lesson 04_pooling

Starts a JupyterHub of its own on loopback, with the configuration of this folder, in a temporary folder. Each
student logs in, opens the lesson and runs it to its end, all at the same time. Then: may a neighbour read a
file? Is anything lost if a kernel is killed, or the Hub? Needs the extra `hub` and configurable-http-proxy.
"""

import argparse
import asyncio
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid
from pathlib import Path

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

CONFIG = Path(__file__).parent / "jupyterhub_config.py"
PICTURES = {"image/png", "application/vnd.jupyter.widget-view+json"}
WAIT = 1800  # seconds, for one cell on a machine that all students share


class Student:
    """A browser that remembers its cookies, as far as a student's work needs one."""

    def __init__(self, name, hub, password):
        self.name, self.hub, self.password, self.cookies = name, hub, password, {}
        self.home = f"{hub}/user/{name}"

    async def ask(self, url, method="GET", body=None, form=None):
        """The answer's code and body; redirections are followed, since cookies change on the way."""
        for _ in range(12):
            headers = {"Cookie": "; ".join(f"{key}={value}" for key, value in self.cookies.items())}
            if "_xsrf" in self.cookies:
                headers["X-XSRFToken"] = self.cookies["_xsrf"]
            data = urllib.parse.urlencode(form) if form else json.dumps(body) if body is not None else None
            if form:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            request = HTTPRequest(
                url, method, headers, data,
                follow_redirects=False, request_timeout=180, allow_nonstandard_methods=True,
            )  # fmt: skip
            answer = await AsyncHTTPClient().fetch(request, raise_error=False)
            for line in answer.headers.get_list("Set-Cookie"):
                key, value = re.match(r"([^=]+)=([^;]*)", line).groups()
                self.cookies[key] = value
            if answer.code not in (301, 302, 303, 307):
                return answer.code, answer.body.decode(errors="replace")
            url, method, body, form = urllib.parse.urljoin(url, answer.headers["Location"]), "GET", None, None
        raise RuntimeError(f"{url} sends {self.name} round in circles")

    async def log_in(self):
        await self.ask(f"{self.hub}/hub/login")
        form = {"username": self.name, "password": self.password, "_xsrf": self.cookies["_xsrf"]}
        await self.ask(f"{self.hub}/hub/login", "POST", form=form)
        for _ in range(600):  # the spawn page sends on to the server when it is there
            code, _ = await self.ask(f"{self.home}/api/status")
            if code == 200:
                return
            await self.ask(f"{self.hub}/hub/spawn/{self.name}")
            await asyncio.sleep(0.5)
        raise RuntimeError(f"the server of {self.name} does not start")

    async def kernel(self):
        _, body = await self.ask(f"{self.home}/api/kernels", "POST", {"name": "python3"})
        return json.loads(body)["id"]

    async def run(self, kernel, cells):
        """Runs cells one after another; the seconds to the first picture or widget, and the errors."""
        headers = {"Cookie": "; ".join(f"{key}={value}" for key, value in self.cookies.items())}
        url = f"{self.home}/api/kernels/{kernel}/channels".replace("http", "ws", 1)
        socket_ = await websocket_connect(HTTPRequest(url, headers=headers), max_message_size=200_000_000)
        start, first, errors = time.perf_counter(), None, []
        for code in cells:
            header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.3",
                      "session": self.name, "username": self.name}  # fmt: skip
            content = {"code": code, "silent": False, "store_history": True, "user_expressions": {},
                       "allow_stdin": False, "stop_on_error": False}  # fmt: skip
            await socket_.write_message(json.dumps({"header": header, "parent_header": {}, "metadata": {},
                                                    "content": content, "channel": "shell"}))  # fmt: skip
            async with asyncio.timeout(WAIT):
                while True:
                    raw = await socket_.read_message()
                    if raw is None:
                        return first, [*errors, "the connection was closed"]
                    if isinstance(raw, bytes):
                        continue  # arrays of a widget
                    message = json.loads(raw)
                    kind, content = message["msg_type"], message["content"]
                    if message["parent_header"].get("msg_id") != header["msg_id"]:
                        continue
                    if first is None and PICTURES & set(content.get("data", ())):
                        first = time.perf_counter() - start
                    if kind == "error":
                        errors.append(f"{content['ename']}: {content['evalue']}"[:200])
                    if kind == "status" and content["execution_state"] == "idle":
                        break
        socket_.close()
        return first, errors


def private(pid):
    """Bytes that a process shares with nobody."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    return 1024 * sum(int(value) for value in re.findall(r"Private_\w+:\s+(\d+)", text))


def processes(folder, word):
    """Numbers of the processes that work in a folder or below, and whose command line holds a word."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            line = (path / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            if word in line and os.readlink(path / "cwd").startswith(str(folder)):
                found.append(int(path.name))
        except OSError:
            continue
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_hub(folder, port, password):
    environment = os.environ | {
        "CVCOURSE_HUB_TEST": password,
        "CVCOURSE_BIND": f"http://127.0.0.1:{port}",
        "CONFIGPROXY_AUTH_TOKEN": password,
        "PYTHONUNBUFFERED": "1",
    }
    with open(Path(folder) / "hub.log", "ab") as log:
        command = [sys.executable, "-m", "jupyterhub", "--config", str(CONFIG)]
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )


async def ready(hub):
    start = time.perf_counter()
    while time.perf_counter() - start < 120:
        try:
            if (await AsyncHTTPClient().fetch(f"{hub}/hub/api", raise_error=False)).code == 200:
                return time.perf_counter() - start
        except OSError:
            pass
        await asyncio.sleep(0.3)
    raise RuntimeError("the Hub does not answer within two minutes: see hub.log")


def show(name, value):
    print(f"| {name} | {value} |", flush=True)


async def main(students, lesson, folder):
    port, password = free_port(), secrets.token_hex(8)
    hub, process = f"http://127.0.0.1:{port}", start_hub(folder, port, password)
    try:
        print("| what | measured |\n|---|---|")
        show("Hub ready", f"{await ready(hub):.0f} s")
        group = [Student(f"student-{i + 1}", hub, password) for i in range(students)]
        start = time.perf_counter()
        await asyncio.gather(*(student.log_in() for student in group))
        show(f"{students} servers started", f"{time.perf_counter() - start:.0f} s")
        kernels = await asyncio.gather(*(student.kernel() for student in group))
        await asyncio.gather(*(s.run(k, ["print(1 + 1)"]) for s, k in zip(group, kernels, strict=True)))
        pids = {kernel: processes(folder, kernel) for kernel in kernels}
        idle = [private(pid) for found in pids.values() for pid in found]
        show("kernel, idle, private", f"{min(idle) / 1e6:.0f} to {max(idle) / 1e6:.0f} MB")
        url = f"{group[0].home}/api/contents/lessons/{lesson}.ipynb"
        cells = [cell["source"] for cell in json.loads((await group[0].ask(url))[1])["content"]["cells"]
                 if cell["cell_type"] == "code"]  # fmt: skip
        start = time.perf_counter()
        results = await asyncio.gather(*(s.run(k, cells) for s, k in zip(group, kernels, strict=True)))
        seconds = time.perf_counter() - start
        firsts = sorted(first for first, _ in results)
        show("first picture", f"{firsts[0]:.0f} to {firsts[-1]:.0f} s")
        show(f"lesson {lesson} by all", f"{seconds:.0f} s ({seconds / students:.0f} s a student)")
        show("errors", sum(len(errors) for _, errors in results))
        for _, errors in results:
            print(*errors, sep="\n", end="", file=sys.stderr)
        busy = [private(pid) for found in pids.values() for pid in found]
        servers = [private(pid) for pid in processes(folder, "jupyterhub-singleuser")]
        show("kernel after the lesson, private", f"{min(busy) / 1e6:.0f} to {max(busy) / 1e6:.0f} MB")
        show("server, private", f"{min(servers) / 1e6:.0f} to {max(servers) / 1e6:.0f} MB")
        show("Hub, private", f"{private(process.pid) / 1e6:.0f} MB")
        code, _ = await group[1].ask(f"{group[0].home}/api/contents/lessons/{lesson}.ipynb")
        show("a neighbour asks for a file", f"answer {code}")
        await lost(group, kernels, pids, process, folder, port, password, hub)
    finally:
        for pid in processes(folder, ""):  # the Hub leaves its students' servers alone when it ends
            os.kill(pid, signal.SIGKILL)


async def lost(group, kernels, pids, process, folder, port, password, hub):
    """A kernel is killed, then the Hub: what has been saved is there, and the work goes on."""
    student = group[0]
    note = {"type": "file", "format": "text", "content": "my answer"}
    code, _ = await student.ask(f"{student.home}/api/contents/lessons/mine.txt", "PUT", note)
    assert code in (200, 201), code
    os.kill(pids[kernels[0]][0], signal.SIGKILL)
    await asyncio.sleep(5)
    _, errors = await student.run(kernels[0], ["print(1 + 1)"])
    _, saved = await student.ask(f"{student.home}/api/contents/lessons/mine.txt?content=1")
    show("a killed kernel", f"starts again: {not errors}; file there: {'my answer' in saved}")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    for pid in processes(folder, "configurable-http-proxy"):
        os.kill(pid, signal.SIGTERM)
    await asyncio.sleep(1)
    start_hub(folder, port, password)
    await ready(hub)
    await student.log_in()
    _, saved = await student.ask(f"{student.home}/api/contents/lessons/mine.txt?content=1")
    _, errors = await student.run(kernels[0], ["print(1 + 1)"])
    same = processes(folder, kernels[1]) == pids[kernels[1]]
    on = same and not errors
    show("a killed Hub, started again", f"file there: {'my answer' in saved}; kernels go on: {on}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--students", type=int, default=8, choices=range(2, 101), metavar="2…100")
    parser.add_argument("--lesson", default="04_pooling")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        asyncio.run(main(chosen.students, chosen.lesson, place))
