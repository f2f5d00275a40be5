"""What strangers find first: the files of the house agree with the course."""

import re
import tomllib
from pathlib import Path

import keras
import numpy as np
import pytest
import yaml

from cvcourse import cli

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "deploy/README.md"]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_one_version():
    assert yaml.safe_load(read("CITATION.cff"))["version"] == PROJECT["version"]
    assert f"## {PROJECT['version']}" in read("CHANGELOG.md")


def test_types_are_shipped_and_every_typed_module_has_all_of_them():
    data, tool = SETTINGS["tool"]["setuptools"]["package-data"], SETTINGS["tool"]
    assert "py.typed" in data["cvcourse"] and (ROOT / "cvcourse" / "py.typed").exists()
    (typed,) = [name for name in tool["ruff"]["lint"]["per-file-ignores"] if name.startswith("!")]
    for name in tool["mypy"]["files"]:
        assert (ROOT / name).exists() and re.search(rf"[{{,/]{Path(name).stem}[,}}/]", typed)


@pytest.mark.parametrize("page", PAGES)
def test_links_and_files_that_a_page_names_are_there(page):
    text, folder = read(page), (ROOT / page).parent
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (folder / target).exists(), target
    folders = r"tests|locks|deploy|notebooks|cvcourse|experiments|benchmarks|questions|\.ci|\.github"
    for name in re.findall(rf"`((?:{folders})/[\w./-]*)`", text):
        assert (ROOT / name).exists() or "NN" in name, name


@pytest.mark.parametrize("page", PAGES)
def test_verbs_that_a_page_names_exist(page):
    known = set(re.findall(r"[{,](\w+)", cli.parser().format_usage().replace("\n", "")))
    told = set(re.findall(r"(?:`|/|^)cvcourse ([a-z]+)", read(page), re.MULTILINE))
    assert told <= known, told - known


def test_issue_templates_and_hooks_can_be_read():
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("[0-9]*.yml"):
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert {"name", "description", "body"} <= form.keys()
        assert all(field["attributes"]["label"] for field in form["body"])
    for hook in yaml.safe_load(read(".pre-commit-config.yaml"))["repos"][0]["hooks"]:
        for name in re.findall(r"tests/\S+", hook["entry"]):
            assert (ROOT / name).exists()


def test_five_lines_work_in_somebody_elses_project(capsys):
    """The block of the README, on a model that the course does not know."""
    section = read("README.md").split("## In your own project")[1]
    (block,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[:1]
    inputs = keras.Input((20, 24, 2))
    x = keras.layers.SeparableConv2D(5, 3, activation="gelu")(inputs)
    x = keras.layers.Conv2D(4, 1, strides=2)(keras.layers.LayerNormalization()(x))
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
    given = {"model": model, "image": np.random.default_rng(0).random((20, 24, 2), np.float32)}
    exec(block, given)
    assert f"{model.count_params():,}" in capsys.readouterr().out
    assert next(iter(given["maps"].values())).shape == (18, 22, 5)
