"""A Hub, containers, Binder: one source of pins, and a configuration that refuses what would be unsafe."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from cvcourse import cli

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


class Config(SimpleNamespace):
    """JupyterHub's `c`: sections come into being when they are named."""

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        setattr(self, name, Config())
        return self.__dict__[name]


@pytest.fixture
def hub(monkeypatch):
    """Runs the Hub's configuration with variables, with or without systemd; what it sets."""

    def run(systemd=True, **variables):
        for name in [name for name in os.environ if name.startswith("CVCOURSE_")]:
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(f"CVCOURSE_{name}", value)
        is_dir = Path.is_dir
        monkeypatch.setattr(
            Path, "is_dir", lambda path: systemd if str(path) == "/run/systemd/system" else is_dir(path)
        )
        path, config = ROOT / "deploy" / "jupyterhub_config.py", Config()
        exec(compile(read(path), path, "exec"), {"get_config": lambda: config, "__file__": str(path)})
        return config

    return run


def test_a_class_gets_limits_and_the_users_of_the_machine(hub):
    config = hub(MEMORY="3G", ADMINS="anna,ben", DATA="/data", IDLE="60")
    assert config.JupyterHub.spawner_class == "systemd" and config.Spawner.mem_limit == "3G"
    assert config.JupyterHub.authenticator_class == "pam"
    assert config.Authenticator.admin_users == {"anna", "ben"}
    assert config.JupyterHub.bind_url.startswith("http://127.0.0.1:")  # a web server stands before it
    assert config.SystemdSpawner.readonly_paths == [str(ROOT)] and config.SystemdSpawner.isolate_tmp
    assert config.Spawner.environment["CVCOURSE_DATA"] == "/data"
    (culler,) = config.JupyterHub.services
    assert "--timeout=60" in culler["command"]
    assert config.JupyterHub.load_roles[0]["services"] == [culler["name"]]


def test_without_systemd_nobody_is_served_without_a_limit(hub):
    with pytest.raises(ValueError, match="a limit of memory needs systemd"):
        hub(systemd=False)


def test_a_password_for_all_stays_on_loopback(hub):
    config = hub(systemd=False, HUB_TEST="a password", BIND="http://127.0.0.1:9000")
    assert config.JupyterHub.authenticator_class == "shared-password"
    with pytest.raises(ValueError, match=r"for this machine alone.*Received: CVCOURSE_BIND"):
        hub(HUB_TEST="a password", BIND="http://0.0.0.0:9000")


def test_a_server_hands_the_lessons_out_and_starts(hub, tmp_path):
    """The real script, with a `cvcourse` that writes down how it is called, and fails."""
    config, call = hub(), tmp_path / "call"
    script, server = config.Spawner.cmd
    assert server.endswith("/jupyterhub-singleuser") and os.access(script, os.X_OK)
    (tmp_path / "cvcourse").write_text(f'#!/bin/sh\necho "$@" > {call}; exit 1\n', encoding="utf-8")
    (tmp_path / "cvcourse").chmod(0o755)
    environment = config.Spawner.environment | {"HOME": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(
        ["sh", script, "echo", "lab"], env=environment, capture_output=True, text=True, timeout=30
    )
    assert done.stdout == "lab\n" and "could not be handed out" in done.stderr  # and still it starts
    arguments = cli.parser().parse_args(call.read_text(encoding="utf-8").split())
    assert len(arguments.notebooks) == 12 and arguments.update


def test_one_source_of_pins():
    python = re.search(r"- python=(\S+)", read("environment.yml"))[1]
    dockerfile = read("Dockerfile")
    assert f"ARG PYTHON={python}\n" in dockerfile
    assert read(".binder/runtime.txt").strip() == f"python-{python}"
    lines = [line for line in read(".binder/requirements.txt").splitlines() if not line.startswith("#")]
    assert lines == ["-r ../requirements.txt"] and "--requirement requirements.txt" in dockerfile
    others = ("Dockerfile", ".binder/postBuild", ".binder/start", "deploy/student.sh", "deploy/values.yaml")
    for name in others:
        assert not re.search(r"\w==\d", read(name)), f"{name} pins a package of its own"
    assert "--require-hashes --requirement hub.txt" in dockerfile
    assert "--requirement locks/hub.txt" in read("deploy/README.md")
    assert json.loads(read(".devcontainer/devcontainer.json"))["build"]["dockerfile"] == "../Dockerfile"


def test_the_container_is_built_from_what_is_let_in_and_is_nobody_special():
    dockerfile = read("Dockerfile")
    allowed = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    copied = {word for line in lines for word in line.split()}
    assert copied == allowed and all((ROOT / name).exists() for name in copied)
    last = dockerfile.split("FROM ")[-1]
    assert "USER student" in last and "pip" not in last and "token=" not in last


def test_kubernetes_gets_our_image_a_limit_and_no_secret():
    values = yaml.safe_load(read("deploy/values.yaml"))
    user = values["singleuser"]
    assert user["image"]["tag"] == PROJECT["version"]
    assert f"cvcourse:{PROJECT['version']}" in read("deploy/README.md")
    assert user["memory"]["limit"] == "2.5G" and user["cmd"] == ["student", "jupyterhub-singleuser"]
    assert values["cull"]["enabled"] and user["cloudMetadata"]["blockWithIptables"]
    assert not re.search(r"password|secretToken|client_secret", read("deploy/values.yaml"))
    for name, value in user["extraEnv"].items():
        assert f'{name}: "{value}"' in read("environment.yml")
