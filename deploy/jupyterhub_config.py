"""One machine, one class: each student gets a JupyterLab of their own, with the course and a limit of memory.

    /opt/cvcourse/.venv/bin/jupyterhub --config /opt/cvcourse/deploy/jupyterhub_config.py

deploy/README.md says how to set the machine up. What a class may want otherwise is a variable:

    CVCOURSE_LESSONS   the folder of lessons that are handed out, without solutions   (notebooks)
    CVCOURSE_BIND      where the proxy listens                                        (http://127.0.0.1:8000)
    CVCOURSE_DATA      data sets and weights, fetched once, read by all               (none)
    CVCOURSE_MEMORY    the most memory one student may use                            (2.5G)
    CVCOURSE_IDLE      seconds without a touch after which a server is stopped        (3600)
    CVCOURSE_ADMINS    instructors, their names separated by commas                   (none)
    CVCOURSE_HUB_TEST  a password: everybody may log in with it, and all run as the same user. Loopback only.
"""

import os
import sys
from pathlib import Path

COURSE = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent  # the course, JupyterLab and the Hub share one environment
TEST = os.environ.get("CVCOURSE_HUB_TEST", "")

c = get_config()  # noqa: F821 (JupyterHub defines it)

# Only this machine itself reaches the proxy; a web server with a certificate stands before it.
c.JupyterHub.bind_url = os.environ.get("CVCOURSE_BIND", "http://127.0.0.1:8000")
c.JupyterHub.cleanup_servers = False  # a Hub that starts again finds its students where they were
c.JupyterHub.db_url = "sqlite:///jupyterhub.sqlite"

# --- A student's server ------------------------------------------------------------------------------------
# The lessons are brought up to date at each start; what a student has written is merged, never overwritten.
c.Spawner.cmd = [str(COURSE / "deploy" / "student.sh"), str(BIN / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab/tree/lessons"
c.Spawner.mem_limit = os.environ.get("CVCOURSE_MEMORY", "2.5G")
c.Spawner.cpu_limit = 2.0
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 60
c.Spawner.environment = {
    "CVCOURSE_LESSONS": os.environ.get("CVCOURSE_LESSONS", str(COURSE / "notebooks")),
    "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",
}
if "CVCOURSE_DATA" in os.environ:
    c.Spawner.environment["CVCOURSE_DATA"] = os.environ["CVCOURSE_DATA"]

if TEST:
    if not c.JupyterHub.bind_url.startswith("http://127.0.0.1:"):
        raise ValueError(
            f"CVCOURSE_HUB_TEST is for this machine alone, so the Hub must listen on http://127.0.0.1:PORT. "
            f"Received: CVCOURSE_BIND={c.JupyterHub.bind_url}. Unset CVCOURSE_HUB_TEST for a class."
        )
    port = int(c.JupyterHub.bind_url.rsplit(":", 1)[1])  # beside it, so that a Hub for a class may run, too
    c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{port + 1}"
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port + 2}"
    c.JupyterHub.spawner_class = "simple"  # one Unix user for all; knows no limit of memory
    c.Spawner.args = ["--allow-root"] if os.geteuid() == 0 else []
    c.SimpleLocalProcessSpawner.home_dir_template = f"{Path.cwd()}/homes/{{username}}"
    c.JupyterHub.authenticator_class = "shared-password"
    c.SharedPasswordAuthenticator.user_password = TEST
    c.Authenticator.allow_all = True
else:
    # systemd enforces the limits, hides the homes of others and gives each student a /tmp of their own.
    if not Path("/run/systemd/system").is_dir():
        raise ValueError(
            "a limit of memory needs systemd, and this machine does not run it. Use another machine, or the "
            "containers of deploy/README.md. To try the Hub out on loopback: CVCOURSE_HUB_TEST=a-password."
        )
    c.JupyterHub.spawner_class = "systemd"
    c.SystemdSpawner.isolate_tmp = True
    c.SystemdSpawner.isolate_devices = True
    c.SystemdSpawner.disable_user_sudo = True
    c.SystemdSpawner.readonly_paths = [str(COURSE)]
    # The users of the machine, with their own passwords. For the university's login: OAuthenticator (README).
    c.JupyterHub.authenticator_class = "pam"
    c.Authenticator.allow_all = True
c.Authenticator.admin_users = {name for name in os.environ.get("CVCOURSE_ADMINS", "").split(",") if name}

# --- Servers that nobody uses are stopped; files stay -------------------------------------------------------
IDLE = os.environ.get("CVCOURSE_IDLE", "3600")
c.JupyterHub.services = [
    {"name": "idle", "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE}"]}
]
c.JupyterHub.load_roles = [
    {
        "name": "idle",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["idle"],
    }
]
