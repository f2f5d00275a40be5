"""The cards of the data sets on the slides."""

import re
from html.parser import HTMLParser

import pytest

from cvcourse.datasets import cards, formats
from cvcourse.datasets.cards import CARDS, Card, card

ON_THE_SLIDES = ("ImageNet", "CIFAR 100", "ISIC", "MURA", "DermNet", "COCO", "PASCAL VOC", "BraTS",
                 "Agriculture-Vision", "SpaceNet")  # fmt: skip


@pytest.mark.parametrize("name", ON_THE_SLIDES)
def test_each_data_set_on_the_slides_has_a_whole_card(name):
    one = card(name) if name != "PASCAL VOC" else card("pascal")
    assert isinstance(one, Card) and all(one) and one.where.startswith("http")
    assert card(one.name) is one and len(CARDS) == len(ON_THE_SLIDES)


@pytest.mark.parametrize("one", CARDS, ids=lambda one: one.name)
def test_the_reader_named_on_a_card_exists(one):
    module, function = re.match(r"(\w+)\.(\w+)\(", one.reader).groups()
    owner = {"formats": formats, "datasets": __import__("cvcourse.datasets", fromlist=["load"])}[module]
    assert callable(getattr(owner, function))


class Counter(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], {}

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen[tag] = self.seen.get(tag, 0) + 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(html):
    counter = Counter()
    counter.feed(html)
    assert counter.open == []
    return counter.seen


def test_shown_as_text_and_as_html():
    assert repr(card("mura")).splitlines()[0].split() == ["name", "MURA"]
    assert len(repr(CARDS).splitlines()) == 1 + len(CARDS) and repr(CARDS).splitlines()[0].startswith("name")
    assert parsed(card("coco")._repr_html_())["tr"] == len(Card._fields)
    assert parsed(CARDS._repr_html_())["td"] == len(CARDS) * len(Card._fields)


def test_html_is_escaped():
    evil = Card(*["<script>"] * len(Card._fields))
    assert "<script>" not in evil._repr_html_() + cards.Cards([evil])._repr_html_()


def test_an_unknown_name_lists_the_names():
    with pytest.raises(ValueError, match=r"ImageNet.*SpaceNet.*Received: name='imagenet21k'"):
        card("imagenet21k")
