"""Explorers in JupyterLab: the moves of `cases`, the same numbers as Python's; nothing jumps."""

import time

import axe
import pytest
from cases import CASES
from lab import says, size
from moves import act, hand, part

from cvcourse import explorers


def places(explorer, parts):
    """Where the parts stand within the explorer, in whole pixels, and how large it is."""
    boxes = [explorer.bounding_box(), *(explorer.locator(one).first.bounding_box() for one in parts)]
    inside = [tuple(round(box[k] - boxes[0][k]) for k in "xy") for box in boxes]
    return size(explorer), inside, [(round(box["width"]), round(box["height"])) for box in boxes]


def agree(stage, explorer, case):
    """Wait until page and Python have the same numbers."""
    kernel = f"numbers(lambda: {case.python})"
    deadline = time.monotonic() + 20
    while True:
        here, there = explorer.evaluate(case.page), stage.ask("", kernel)
        if here is not None and here == pytest.approx(there, rel=case.near, abs=case.near):
            return
        assert time.monotonic() < deadline, (here, there)


def follow(stage, explorer, case):
    before = places(explorer, case.parts)
    assert before[0][0] <= 1000 and before[0][1] <= 560
    agree(stage, explorer, case)
    for move in case.moves:
        if callable(move):
            move(stage, explorer)
        else:
            where, what, words = move
            act(part(explorer, where), what, words)
            if words and what[0] != "@" and what != "see":
                says(explorer, words)
        agree(stage, explorer, case)
        assert places(explorer, case.parts) == before, move
    stage.page.wait_for_function(
        "said => document.querySelector('.cv-describe').innerText === said",
        arg=stage.ask("", "explorer.describe()"),
    )


NUMBERS = """import re
def numbers(make):
    try:
        return list(map(float, make()))
    except ValueError:  # there is no output
        return []"""


@pytest.mark.parametrize("name", CASES)
def test_moves(stage, record_property, name):
    case = CASES[name]
    stage.page.set_viewport_size({"width": case.width, "height": 1000})
    explorer = stage.show(f"{NUMBERS}\n{case.code}")
    follow(stage, explorer, case)
    hands = {hand(*move[:2]) for move in case.moves if isinstance(move, tuple)} - {None}
    record_property("explorer", (case.kind, "JupyterLab", ", ".join(hands)))
    assert axe.violations(stage.page, ".cv-explorer") == []


def test_no_explorer_breaks_wcag_in_the_dark(stage):
    makes = {case.kind: case.code for case in CASES.values()}
    makes["Teach"] = "explorer = explorers.Teach(network='course')"
    assert makes.keys() == set(explorers._MODULES)
    stage.show(makes.pop("Pooling"))
    for make in makes.values():
        stage.ask(f"{make}\nstage.append_display_data(explorer)")
    stage.page.locator(".cv-explorer[data-drawn]").nth(len(makes)).wait_for(timeout=60_000)
    try:
        stage.theme("Dark")
        assert axe.violations(stage.page, ".cv-explorer") == []
    finally:
        stage.theme("Light")
