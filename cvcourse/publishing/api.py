"""Pages for programmers: each public function with its signature and docstring, read from the source as text.

Nothing is imported for them, so the website is built without Keras. Docstrings are Markdown but for their
sections (`Args:`, `Returns:` …), whose entries become lists.
"""

import ast
import re
import textwrap
from importlib import metadata
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
MODULES = (
    "arithmetic", "summary", "interpretation", "visualization", "explaining", "training", "losses", "boxes",
    "likeness", "pretrained", "models",
)  # fmt: skip
SECTION = re.compile(r"^(\w+):\n((?:    .*\n?|\n(?=    ))+)", re.MULTILINE)


def write_pages(folder):
    """Write into what Sphinx reads: the section of the README for one's own project, and a page a module."""
    readme = PACKAGE.parent / "README.md"
    text = readme.read_text("utf-8") if readme.exists() else metadata.metadata("cvcourse").get_payload()
    section = re.search(r"^## (In your own project\n.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[1]
    names = "\n".join(f"api_{module}" for module in MODULES)
    listed = f"\n## All functions\n\n```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"
    (folder / "own_project.md").write_text(f"# {section.replace('### ', '## ')}{listed}", encoding="utf-8")
    for module in MODULES:
        (folder / f"api_{module}.md").write_text(page(module), encoding="utf-8")


def page(module):
    """The page of a module: what it is for, then its public functions and classes."""
    path = PACKAGE / module
    if not path.is_dir():
        return f"# cvcourse.{module}\n\n" + told(path.with_suffix(".py"), f"cvcourse.{module}")
    start = path / "__init__.py"
    listed = re.search(r"__all__ = \[(.*?)\]", start.read_text("utf-8"), re.DOTALL)
    names = re.findall(r"\w+", listed[1]) if listed else None
    name = "cvcourse" if module == "explaining" else f"cvcourse.{module}"
    text = f"# {name}.explain\n\n" if module == "explaining" else f"# {name}\n\n"
    text += told(start, name, names)
    for part in sorted(path.glob("[!_]*.py")):
        head = "" if names else f"\n## {module}.{part.stem}\n\n"
        text += head + told(part, name if names else f"{name}.{part.stem}", names, opening=not names)
    return text


def told(path, name, names=None, opening=True):
    """What a source says: its opening, and an entry for each of its public functions and classes."""
    tree = ast.parse(path.read_text("utf-8"))
    text = prose(tree) + "\n\n" if opening else ""
    return text + "".join(entry(node, name) for node in public(tree) if names is None or node.name in names)


def public(tree):
    kinds = ast.FunctionDef, ast.ClassDef
    return [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]


def entry(node, module, fence="`" * 8):
    """The directive of Sphinx for a function, or for a class and its methods."""
    head, kind, inside = node.name, "class", ""
    if isinstance(node, ast.ClassDef):
        inside = "".join(entry(one, "", fence[1:]) for one in public(node) if ast.get_docstring(one))
    elif [ast.unparse(one) for one in node.decorator_list] == ["property"]:
        kind = "property"
    else:
        kind = "function" if module else "method"
        head += f"({re.sub('^self(, )?', '', ast.unparse(node.args))})"
        head += f" -> {ast.unparse(node.returns)}" if node.returns else ""
    where = f":module: {module}\n" if module else ""
    return f"{fence}{{py:{kind}}} {head}\n{where}\n{prose(node)}\n\n{inside}{fence}\n\n"


def prose(node):
    """The docstring as Markdown: `Args:` and the like become lists."""
    return SECTION.sub(section, ast.get_docstring(node) or "")


def section(found):
    title, body = found[1], textwrap.dedent(found[2]).strip()
    if title == "Example":
        body = f"```pycon\n{body}\n```"
    elif title not in ("Returns", "Yields"):
        body = re.sub(r"^(\S[^:\n]*): ", r"- `\1`: ", body, flags=re.MULTILINE)
    return f"**{title}**\n\n{body}\n\n"
