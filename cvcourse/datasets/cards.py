"""A card for each data set on the slides: what it is for, how large, under which terms, how to read it.

Sizes are of the files to download, about. Terms change: read them at the address before you use a set.
"""

from html import escape
from typing import NamedTuple


class Card(NamedTuple):
    """What to know about a data set before using it."""

    name: str
    task: str
    images: str
    classes: str
    size: str
    licence: str
    where: str
    reader: str

    def __repr__(self):
        wide = max(map(len, self._fields))
        return "\n".join(f"{field:<{wide}}  {value}" for field, value in zip(self._fields, self, strict=True))

    def _repr_html_(self):
        rows = "".join(f"<tr><th scope='row' style='text-align:left'>{field}</th>"
                       f"<td style='text-align:left'>{_cell(value)}</td></tr>"
                       for field, value in zip(self._fields, self, strict=True))
        return f"<table><caption>{escape(self.name)}</caption>{rows}</table>"


class Cards(tuple):
    """Several cards; shows itself as a table."""

    def __repr__(self):
        columns = ("name", "task", "classes", "size", "reader")
        rows = [columns, *([getattr(one, column) for column in columns] for one in self)]
        wide = [max(len(row[k]) for row in rows) for k in range(len(columns))]
        return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip()
                         for row in rows)

    def _repr_html_(self):
        head = "".join(f"<th scope='col' style='text-align:left'>{field}</th>" for field in Card._fields)
        rows = ""
        for one in self:
            cells = "".join(f"<td style='text-align:left'>{_cell(value)}</td>" for value in one)
            rows += f"<tr>{cells}</tr>"
        return f"<table><caption>Data sets</caption><thead><tr>{head}</tr></thead>{rows}</table>"


def card(name):
    """The card of a data set.

    Args:
        name: str, such as "COCO"; capitals, blanks and hyphens do not matter.

    Returns:
        A `Card`, which shows itself as a table.

    Raises:
        ValueError: if there is no card of that name; lists the names.

    Example:
        >>> card("cifar-100").reader
        "datasets.load('cifar100')"
        >>> print(card("coco").licence)
        annotations CC BY 4.0; each picture keeps its own terms from Flickr
    """
    key = _key(str(name))
    for one in CARDS:
        if key in (_key(one.name), _key(one.name.split(" ")[0])):
            return one
    names = ", ".join(one.name for one in CARDS)
    raise ValueError(f"name must be one of {names}. Received: name={name!r}")


def _key(name):
    return "".join(character for character in name.lower() if character.isalnum())


def _cell(value):
    text = escape(value)
    return f'<a href="{text}">{text}</a>' if value.startswith("http") else text


CARDS = Cards((
    Card("ImageNet (ILSVRC 2012)", "classification",
         "1,281,167 training, 50,000 validation, 100,000 test", "1,000", "155 GB",
         "research and teaching, not commercial; on request", "https://image-net.org/download.php",
         "formats.folders(folder)"),
    Card("CIFAR-100", "classification", "50,000 training, 10,000 test, 32×32", "100, in 20 groups", "0.16 GB",
         "none stated; cite Krizhevsky 2009", "https://www.cs.toronto.edu/~kriz/cifar.html",
         "datasets.load('cifar100')"),
    Card("ISIC (2018)", "classification and segmentation of skin lesions",
         "2,594 with masks (task 1), 10,015 with a diagnosis (task 3)", "lesion; 7 diagnoses", "16 GB",
         "CC BY-NC 4.0; other years CC0 or CC BY-NC", "https://challenge.isic-archive.com/data/",
         "formats.masks(images, masks, 'binary', 'lesion', suffix='_segmentation')"),
    Card("MURA", "classification of X-rays of the arm", "40,561 of 14,863 studies",
         "normal, abnormal; 7 parts of the arm", "3 GB", "Stanford's research agreement, not commercial",
         "https://stanfordmlgroup.github.io/competitions/mura/",
         "formats.folders(folder); a folder is a part, its studies end in positive or negative"),
    Card("DermNet", "classification of skin diseases", "about 19,500 in the copy that is used most", "23",
         "2 GB", "the pictures belong to the site; no open licence known, so ask", "https://dermnet.com/",
         "formats.folders(folder)"),
    Card("COCO (2017)", "detection and segmentation", "118,287 training, 5,000 validation, 40,670 test",
         "80", "19 GB without test", "annotations CC BY 4.0; each picture keeps its own terms from Flickr",
         "https://cocodataset.org/#download", "formats.coco('instances.json', images)"),
    Card("PASCAL VOC (2012)", "classification, detection and segmentation",
         "11,530 with boxes, 2,913 of them with masks", "20", "2 GB",
         "each picture keeps its own terms from Flickr", "http://host.robots.ox.ac.uk/pascal/VOC/voc2012/",
         "formats.voc(folder)"),
    Card("BraTS (2021)", "segmentation of brain tumours in MRI",
         "1,251 training and 219 validation scans of 240×240×155 voxels in 4 channels",
         "necrotic core, oedema, enhancing tumour", "13 GB",
         "on registration, for research; cite the organisers", "https://www.synapse.org/brats",
         "formats.masks(slices, masks, 'classes', classes, values=(1, 2, 4)); first save slices as PNG"),
    Card("Agriculture-Vision (2020)", "segmentation of fields from the air",
         "94,986 of 512×512 in RGB and near infrared; 21,061 of them in the challenge",
         "9; 6 in the challenge", "4 GB (challenge)", "not commercial; on request",
         "https://www.agriculture-vision.com/", "formats.masks(images, {name: folder, …}, 'binary')"),
    Card("SpaceNet (2)", "segmentation of buildings from space", "10,593 training tiles of 650×650",
         "building", "56 GB of training tiles", "CC BY-SA 4.0", "https://spacenet.ai/datasets/",
         "formats.masks(images, masks, 'binary', 'building'); first draw the footprints as masks"),
))
