"""The website: its pages, its links, and the glossary, which every lesson keeps to."""

import importlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

from cvcourse import cli
from cvcourse.publishing import api, glossary, site

ROOT = Path(__file__).parents[1]
LESSONS = {path.stem: nbformat.read(path, 4) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
# Bold in a lesson, but no term of the glossary: what is stressed, or a name of the time.
STRESSED = set(
    """added; after; all; and; association units; autonomous vehicles; basic; behind; beside; better;
    better performance; billion; both; box; cannot do without; centernet; centre; class; classify;
    count; counted; counted from 1; crop; d; dense; depends; depth; detr; down; efficientnet-b0;
    elsewhere; everywhere; exactly; explodes; f1 is dice; faster; features once; first; five; fourth;
    freezing is cheap; from now on; grass; grid; hardest; hardest pictures; he; height; hematoxylin;
    holds; hugging face; identify; in numpy; in the middle; instance; kaggle models; keras applications;
    kerashub; laptop; largest; learned; learns; least; list of boxes; loses on the moon; mask; mean;
    memory of activations; more stable; moves along; near a boundary; nearest; never seen; new; new
    classifier; next; no cat at all; no error message; not; nothing; on the cat; once; one; one or two
    pixels; one recipe for all; order; other; out; overlap; pairs; phone; photocells; pixel-wise mse;
    present; published; react; recorded; reduced; refine; releasing everything; resolution; response
    units; right; rise; rose; same; second; semantic; server; share; slower; small forms; speaks for;
    stays; steep d; stops; tell animals apart; ten; ten times; tensorflow hub; the claim holds; the
    picture itself; the slide; the wrong way; then; third; torchvision; trained; training; twice; two;
    up; upper blocks; variety; when; where; which pixels are cat; whole; wider layers; width; work; yolo
    version 10; z; zero""".replace("\n", " ").split(";")
)
STRESSED = {" ".join(words.split()) for words in STRESSED}
FRAME = re.compile(r"Claim.*|Formula|You will|Before|Time|Particularity|Data sets|What can go wrong|A bet.*")


def test_every_bold_word_of_a_lesson_is_a_term_or_only_stressed():
    pattern, _ = glossary.matcher(glossary.terms())
    missing = {}
    for stem, notebook in LESSONS.items():
        texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
        end = next((i for i, text in enumerate(texts) if text.startswith("## Recap")), None)
        for words in re.findall(r"\*\*([A-Za-z–][\w –'-]*)\*\*", "\n".join(texts[:end])):
            known = words.lower() in STRESSED or pattern.fullmatch(words) or FRAME.fullmatch(words)
            if len(words.split()) <= 4 and not known:
                missing.setdefault(words, stem)
    assert missing == {}, "put them into publishing/site/glossary.txt, or say here that they are no terms"


def test_every_term_is_used_and_means_something():
    known = glossary.terms()
    used = glossary.uses(LESSONS, known)
    assert [term.name for term in known if term.name not in used] == []
    assert all(term.meaning.endswith(".") and len(term.meaning) < 170 for term in known)
    forms = [form.lower() for term in known for form in term.forms]
    assert len(forms) == len(set(forms))


def test_a_term_is_linked_where_it_is_explained_and_only_once():
    cell = nbformat.v4.new_markdown_cell
    texts = ["# Kernel\n\nA kernel, `kernel` and [a kernel](x.md).", "The **kernel** is a **Kernel**."]
    book = nbformat.v4.new_notebook(cells=[cell(text) for text in texts])
    known = [glossary.Term("kernel", ("kernel",), "A matrix.")]
    assert glossary.link({"01_a": book}, known) == {"kernel": "01_a"}
    assert book.cells[0].source == texts[0]
    place = '<span id="first-kernel"></span>'
    assert book.cells[1].source == f"The **{place}{{term}}`kernel <kernel>`** is a **Kernel**."


def page(website, name):
    return (website / name).read_text(encoding="utf-8")


def test_a_lesson_has_its_formulas_folds_explorer_and_badges(website):
    text = page(website, "01_first.html")
    assert "<math" in text and "lfloor" not in text and "MathJax" not in text
    assert text.count('data-module="') == 1 and "render" in text
    assert all(f">{words}</" in text for words in ("Hint 1", "Solution", "What it shows"))
    assert "colab.research.google.com/github/owner/course/blob/main/notebooks/01_first.ipynb" in text
    assert "git+https://github.com/owner/course" in text
    assert 'href="02_second.html"' in text and "09_away" not in text
    assert "data:image" not in text and re.search(r'loading="lazy" src="pictures/\w+\.webp"', text)


def test_the_first_page_maps_the_lessons(website):
    text = " ".join(re.sub(r"<[^>]*>", " ", page(website, "index.html")).split())
    assert "01 Pooling, in small What does pooling lose? 5 minutes" in text


def test_cards_and_explorers_have_pages(website):
    cards = (ROOT / "cvcourse/weights").glob("*.json")
    names = [json.loads(path.read_text("utf-8"))["name"] for path in cards]
    text = page(website, "networks.html")
    assert names and all(f">{name.replace('_', ' ')}<" in text for name in names)
    assert "PASCAL VOC" in page(website, "data.html") and "Pooling" in page(website, "explorers.html")


def test_programmers_find_every_public_function_of_the_core(website):
    own = page(website, "own_project.html")
    assert "feature_maps" in own and all(f'href="api_{module}.html"' in own for module in api.MODULES)
    modules = ("arithmetic", "boxes", "interpretation", "losses", "summary", "training", "visualization")
    for name in modules:
        text, module = page(website, f"api_{name}.html"), importlib.import_module(f"cvcourse.{name}")
        for public in getattr(module, "__all__", [one for one in vars(module) if not one.startswith("_")]):
            one = getattr(module, public)
            if callable(one) and one.__module__.startswith(module.__name__):
                # A package that lists nothing has its parts under their own names.
                place = module if hasattr(module, "__all__") else importlib.import_module(one.__module__)
                assert f'id="{place.__name__}.{public}"' in text
    text = page(website, "api_arithmetic.html")
    assert "<code" in text and "A guide to convolution arithmetic" in text and "&gt;&gt;&gt;" in text


class Links(HTMLParser):
    """What a page loads (`asks`), what it points at (`links`) and its places (`ids`)."""

    def __init__(self, text):
        super().__init__()
        self.asks, self.links, self.ids = set(), set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids.add(given.get("id"))
        self.asks |= {given["src"]} if "src" in given else set()
        self.asks |= {given["href"]} if tag == "link" and "href" in given else set()
        self.links |= {given["href"]} if tag == "a" and "href" in given else set()


def test_nothing_comes_from_outside_and_every_link_leads_somewhere(website):
    pages = {path.name: Links(path.read_text(encoding="utf-8")) for path in website.glob("*.html")}
    for name, found in pages.items():
        for address in found.asks | found.links:
            scheme, host, path, _, place = urlsplit(address)
            if scheme in ("http", "https"):
                assert address in found.links, f"{name} loads {address}"
                continue
            assert not host and not path.startswith("/"), f"{name}: {address} is not relative"
            assert not path or (website / unquote(path)).exists(), f"{name}: {address}"
            target = pages.get(path or name)
            assert not place or target is None or place in target.ids, f"{name}: {address}"


def test_without_a_repository_there_are_no_badges():
    assert site.badges("01_first", site.REPOSITORY) == ""


@pytest.mark.parametrize(
    ("notebooks", "repository", "said"),
    [([], "", "at least one lesson"), ([Path("x.ipynb")], "https://github.com/a/b", "owner/name")],
)
def test_what_cannot_be_built_is_named(tmp_path, notebooks, repository, said):
    with pytest.raises(ValueError, match=said):
        site.site(tmp_path, notebooks, repository)


@pytest.mark.parametrize("order", ["--executed out away.ipynb", "out --executed away.ipynb",
                                   "out away.ipynb --executed"])  # fmt: skip
def test_the_command_says_what_is_missing_wherever_the_option_stands(tmp_path, monkeypatch, capsys, order):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["site", *order.split()]) == 1
    assert "away.ipynb" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["site out --executd a.ipynb", "slides a.ipynb b.html c.ipynb", "doctor x"])
def test_what_the_command_does_not_know_is_named(capsys, words):
    with pytest.raises(SystemExit):
        cli.main(words.split())
    assert f"unrecognized arguments: {words.split()[-1 - words.count('--')]}" in capsys.readouterr().err
