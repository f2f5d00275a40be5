"""Formulas as MathML, which browsers draw without a script: `latex2mathml`, and what it leaves open."""

import re

_FENCES = {"&#x0230A;": "prefix", "&#x0230B;": "postfix", "\u230a": "prefix", "\u230b": "postfix"}


def mathml(latex, block=False):
    """The MathML of a formula in LaTeX.

    Args:
        latex: str, without its dollar signs.
        block: whether it stands on a line of its own.

    Returns:
        str, a `<math>` element.

    Example:
        >>> mathml("x")
        '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline"><mrow><mi>x</mi></mrow></math>'
        >>> "lfloor" in mathml(r"\\\\Big\\\\lfloor x \\\\Big\\\\rfloor")
        False
    """
    from latex2mathml.converter import convert  # of the extra `site`; here, since the rest does without

    latex = re.sub(r"\\[bB]ig+[lr]?(?=\\[lr](?:floor|ceil))", "", latex)
    text = convert(latex, display="block" if block else "inline")
    for letter, form in _FENCES.items():  # as letters they do not grow with a fraction
        text = text.replace(f"<mi>{letter}</mi>", f'<mo stretchy="true" form="{form}">{letter}</mo>')
    text = re.sub("<mo>(&#x02016;|\u2016)</mo>", r'<mo stretchy="false" lspace="0" rspace="0">\1</mo>', text)
    return re.sub(
        "<m[io]>(ln|log|arctan|max|min)</m[io]>(?=(<mo)?)",
        lambda found: f'<mo lspace="0.17em" rspace="{"0" if found[2] else "0.17em"}">{found[1]}</mo>',
        text,
    )
