"""Accessibility, measured: axe-core, as the package `axe-playwright-python` carries it.

CVCOURSE_AXE names another axe.min.js, for example that of a newer npm package.
"""

import importlib.util
import os
from pathlib import Path

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]


def script():
    """Path of axe.min.js."""
    package = importlib.util.find_spec("axe_playwright_python").submodule_search_locations[0]
    return Path(os.environ.get("CVCOURSE_AXE") or Path(package) / "axe.min.js")


def violations(page, inside=None):
    """What breaks WCAG 2.2 AA on a page.

    Args:
        page: Playwright's page, drawn.
        inside: CSS selector of the only part to look at, or None.

    Returns:
        list of str, one for each rule that is broken: its name, how often, the first places; [] for none.
    """
    if not page.evaluate("Boolean(window.axe)"):
        page.add_style_tag(content="* { content-visibility: visible !important; }")
        page.evaluate(script().read_text(encoding="utf-8"))
    options = {"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"], "preload": False}
    found = page.evaluate("([where, options]) => axe.run(where ?? document, options)", [inside, options])
    return [
        f"{one['id']} ({one['impact']}), {len(one['nodes'])} times: "
        + "; ".join(f"{node['target'][-1]} {node['failureSummary'][:160]}" for node in one["nodes"][:3])
        for one in found["violations"]
    ]
