"""The questions of the quizzes, whose verdicts can be opened by trying an answer and in no other way.

A verdict is stored encrypted, under a key made of the question's salt and the answer that it belongs to. So
neither a page nor a notebook shows which answer is right. Who tries all answers finds it: that is no exam.
"""

import base64
import hashlib
import itertools
import json
import math
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "quizzes"
LARGEST = 300_000  # a number that a question may ask for, in units of its last digit
KINDS = {"one": "one answer", "several": "all that are true", "number": "a number", "order": "put in order"}


@cache
def load(lesson, part=""):
    """The questions of a lesson, sealed.

    Args:
        lesson: str, its two digits, or int.
        part: "" for the quiz at its end, "first" for the questions on the lesson before.

    Returns:
        list of dict: "kind" (a key of `KINDS`), "ask", "options" (list of str), "unit", "per" (a number is
        compared in units of 1 / per), "see", "salt" and "sealed" {label: text}.

    Raises:
        ValueError: there are no such questions.

    Example:
        >>> len(load("04")) >= 5, load(4)[0].keys() == load("05")[1].keys()
        (True, True)
    """
    known = sorted(path.stem for path in FOLDER.glob("*.json"))
    name = f"{lesson:02}" if isinstance(lesson, int) else str(lesson)
    if name not in known:
        raise ValueError(f"lesson must be one of {', '.join(known)}. Received: lesson={lesson!r}")
    parts = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    if part not in parts:
        words = " or ".join(f'"{one}"' for one in parts)
        raise ValueError(f"part must be {words} in lesson {name}. Received: part={part!r}")
    return parts[part]


def written(kind, answer, per=1):
    """An answer in the one form that is a key: the letters of a set in alphabetical order, a number rounded.

    Args:
        kind: key of `KINDS`.
        answer: letters of the options as str or list, in an order where that is asked; or a number.
        per: int; a number counts in units of 1 / per.

    Returns:
        str; "" for no answer.

    Example:
        >>> written("several", "ca"), written("order", ["c", "a", "b"]), written("number", 0.314, per=100)
        ('ac', 'cab', '31')
    """
    if answer is None:
        return ""
    if kind == "number":
        try:
            value = float("nan" if answer == "" else answer)
        except (TypeError, ValueError):
            raise ValueError(f"the answer must be a number. Received: {answer!r}") from None
        if not math.isfinite(value):
            return ""
        exact = per > 1 or value == math.floor(value)  # half a window is none
        per, of = (per, "") if exact else (100, "/100")
        return f"{math.floor(value * per + 0.5)}{of}"
    letters = "".join(answer) if isinstance(answer, list | tuple | str) else str(answer)
    return "".join(sorted(set(letters))) if kind == "several" else letters


def crypt(salt, key, data):
    """Encrypt bytes, or decrypt them again: a stream of SHA-256 blocks is laid over them.

    Example:
        >>> crypt("s", "b", crypt("s", "b", b"right"))
        b'right'
    """
    blocks = (hashlib.sha256(f"{salt}|{key}|{n}".encode()).digest() for n in itertools.count())
    stream = itertools.chain.from_iterable(blocks)
    return bytes(a ^ b for a, b in zip(data, stream, strict=False))


def label(salt, key):
    """The name under which the text of a key is stored; it does not tell the key."""
    return hashlib.sha256(f"{salt}|{key}|label".encode()).hexdigest()[:10]


def opened(question, key):
    """The text that belongs to a key, or None: "✓" or "✗", and an explanation."""
    text = question["sealed"].get(label(question["salt"], key))
    return text and crypt(question["salt"], key, base64.b64decode(text)).decode().rstrip()


def verdict(question, answer):
    """Whether an answer is right, and what is said about it.

    Args:
        question: a dict of `load`.
        answer: as `written` takes it.

    Returns:
        (bool, str): the words name the mistake, where it is a known one, and the section that treats it.
    """
    kind, see = question["kind"], f"See {question['see']}."
    key = written(kind, answer, question["per"])
    whole = opened(question, key) if key else None
    if whole:
        return whole[0] == "✓", f"{'✓ Right.' if whole[0] == '✓' else '✗ Not right yet.'}{whole[1:]} {see}"
    pairs = {"several": [f"has {one}" for one in key],
             "order": [f"{a}<{b}" for a, b in itertools.combinations(key, 2)]}  # fmt: skip
    found = [opened(question, part) for part in pairs.get(kind, [])]
    wrong = [words[1:] for words in found if words and words[0] == "✗"]
    if kind == "several" and key and not wrong:
        wrong = [" What you ticked is true, but something is missing."]
    return False, f"✗ Not right yet.{''.join(wrong[: 2 if kind == 'several' else 1])} {see}"


def solved(question):
    """The right answer, found by trying all: what a student can do, too.

    Returns:
        str of letters, or a number.
    """

    def right(key):
        return (opened(question, key) or "✗")[0] == "✓"

    kind, letters = question["kind"], "abcdefgh"[: len(question["options"])]
    if kind == "number":
        last = first = next(n for n in range(-1000, LARGEST) if right(str(n)))
        while right(str(last + 1)):  # what is within the tolerance
            last += 1
        return (first + last) // 2 / question["per"]
    sizes = {"one": [1], "several": range(1, len(letters) + 1), "order": [len(letters)]}[kind]
    tried = itertools.permutations if kind == "order" else itertools.combinations
    keys = ("".join(one) for size in sizes for one in tried(letters, size))
    return next(filter(right, keys))
