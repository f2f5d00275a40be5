"""The questions of the quizzes as their author writes them, with answers; `python -m questions` seals them.

One file for each lesson: FIRST, on the lesson before, and QUIZ. Numbers are computed by the package.
"""

import base64
import hashlib
import json
import random
from importlib import import_module
from pathlib import Path

import numpy as np

from cvcourse import sealed


def one(see, ask, right, *wrong):
    """One of several. Each option is (text, what is said to it), the right one first."""
    texts = {"✓": [right], "✗": wrong}
    return _question("one", see, ask, lambda letter: {
        letter(text): f"{mark} {words}" for mark, group in texts.items() for text, words in group
    }, [text for text, _ in (right, *wrong)])  # fmt: skip


def several(see, ask, words, right, wrong):
    """Several of several: texts that are true, and (text, what is said to it) that are not."""

    def said(letter):
        keys = {f"has {letter(text)}": "✓" for text in right}
        keys |= {f"has {letter(text)}": f"✗ {why}" for text, why in wrong}
        return keys | {"".join(sorted(map(letter, right))): f"✓ {words}"}

    return _question("several", see, ask, said, [*right, *(text for text, _ in wrong)])


def number(see, ask, value, words, *wrong, per=1, within=0, unit=""):
    """A number in units of 1 / per, `within` so many units; then known wrong ones: (value, what is said)."""

    def said(letter):
        whole = int(sealed.written("number", value, per))
        keys = {sealed.written("number", other, per): f"✗ {why}" for other, why in wrong}
        right = {str(whole + off): f"✓ {words}" for off in range(-within, within + 1)}
        if len(keys) < len(wrong) or keys.keys() & right.keys() or not -1000 <= whole < sealed.LARGEST:
            raise ValueError(f"numbers must differ, below {sealed.LARGEST} units. Received: {ask}, {keys}")
        return keys | right

    return _question("number", see, ask, said, [], per=per, unit=unit) | {"value": value}


def computed(see, ask, check, args, words, *wrong, per=1, within=0, times=1):
    """A number that the solution of an exercise gives; its known mistakes give the wrong ones."""

    def scalar(function):
        return times * float(np.squeeze(np.asarray(function(*args), "float64")))

    value, found = scalar(check.solution), {sealed.written("number", other, per): why for other, why in wrong}
    seen = {sealed.written("number", value + off / per, per) for off in range(-within, within + 1)}
    named = list(wrong)
    for name in check.mistakes:
        try:
            other = scalar(check.variant(name))
        except (TypeError, ValueError, ArithmeticError):
            continue
        key = sealed.written("number", other, per)
        if key and key not in seen | found.keys():
            found[key] = name
            named.append((other, f"This is exactly what you get if you {name}."))
    return number(see, ask, value, words, *named, per=per, within=within)


def order(see, ask, words, items, *notes):
    """Items in their order; notes[n] is said where item n + 1 stands before item n."""

    def said(letter):
        later = zip(items[1:], items[:-1], notes, strict=True)
        keys = {f"{letter(b)}<{letter(a)}": f"✗ {why}" for b, a, why in later}
        return keys | {"".join(map(letter, items)): f"✓ {words}"}

    return _question("order", see, ask, said, items)


def _question(kind, see, ask, said, options, per=1, unit=""):
    """What is shown, as `sealed.load` gives it, and under "plain" what is sealed: {key: text}."""
    salt = hashlib.sha256(ask.encode()).hexdigest()[:16]
    shown = list(options)
    while kind != "number" and shown == list(options):  # the author's first is the right one
        random.Random(salt).shuffle(shown)
        salt = hashlib.sha256(salt.encode()).hexdigest()[:16]
    plain = said(lambda text: "abcdefgh"[shown.index(text)])
    question = {"kind": kind, "ask": ask, "options": shown, "unit": unit, "per": per, "see": see}
    return question | {"salt": salt, "plain": plain}


def seal(question):
    """A question as the package ships it: nothing of "plain" can be read."""
    salt, texts = question["salt"], {}
    for key, text in question["plain"].items():
        data = text.encode()
        data += b" " * (-len(data) % 80)  # the length shall tell nothing
        texts[sealed.label(salt, key)] = base64.b64encode(sealed.crypt(salt, key, data)).decode()
    shown = {name: value for name, value in question.items() if name not in ("plain", "value")}
    return shown | {"sealed": dict(sorted(texts.items()))}


def lessons():
    """{"04": {"first": [question …], "": [question …]}} of all lessons."""
    modules = {path.stem[-2:]: import_module(f"questions.{path.stem}")
               for path in sorted(Path(__file__).parent.glob("lesson_*.py"))}  # fmt: skip
    return {name: ({"first": module.FIRST} if module.FIRST else {}) | {"": module.QUIZ}
            for name, module in modules.items()}  # fmt: skip


def text(parts):
    """The file of a lesson."""
    whole = {part: [seal(question) for question in found] for part, found in parts.items()}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
