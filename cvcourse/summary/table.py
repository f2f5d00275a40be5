"""The table of a model, as text and as HTML."""

import html
from typing import Any

CAPTION = "a row per layer, for one image; MB = 10⁶ bytes of its output"
OPEN = ".\nSizes marked ? are open: pass input_shape=(224, 224, 3), for example, to count work and memory"
TEXT_WIDTH = 100


def text_table(summary: Any) -> str:
    """Return the table as text; long words are cut so that it stays about 100 columns wide."""
    cells = _cells(summary)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    while sum(widths) + 2 * (len(widths) - 1) > TEXT_WIDTH and max(widths[:3]) > 10:
        widths[widths.index(max(widths[:3]))] -= 1

    def line(words):
        left = [_clip(word, width).ljust(width) for word, width in zip(words[:3], widths[:3], strict=True)]
        right = [word.rjust(width) for word, width in zip(words[3:], widths[3:], strict=True)]
        return "  ".join(left + right)

    rule = "─" * len(line(cells[0]))
    body = [line(words) for words in cells]
    caption = f"{summary.name}: {_caption(summary)}"
    return "\n".join([caption, rule, body[0], rule, *body[1:-1], rule, body[-1]])


def html_table(summary: Any) -> str:
    """Return the table as HTML that is readable on Jupyter's light and dark themes."""
    border = "1px solid var(--jp-border-color2, #9e9e9e)"
    number = "text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap"
    styles = [f"padding: 0.15em 0.7em; {align}" for align in ["text-align: left"] * 3 + [number] * 5]

    def line(words, scope, weight="normal", edge=""):
        cells = "".join(
            f'<th scope="{scope}" style="{style}; font-weight: {weight}">{html.escape(word)}</th>'
            if scope == "col" or column == 0
            else f'<td style="{style}">{html.escape(word)}</td>'
            for column, (word, style) in enumerate(zip(words, styles, strict=False))
        )
        return f'<tr style="font-weight: {weight}; {edge}">{cells}</tr>'

    heading, *rows, total = _cells(summary)
    return (
        '<div style="overflow-x: auto"><table style="border-collapse: collapse; '
        'color: var(--jp-content-font-color1, inherit)">'
        '<caption style="padding: 0.5em 0.7em; text-align: left; color: inherit">'
        f"<b>{html.escape(summary.name)}</b>: {html.escape(_caption(summary))}</caption>"
        f"<thead>{line(heading, 'col', 'bold', f'border-bottom: {border}')}</thead>"
        f"<tbody>{''.join(line(words, 'row') for words in rows)}</tbody>"
        f"<tfoot>{line(total, 'row', 'bold', f'border-top: {border}')}</tfoot></table></div>"
    )


def _cells(summary):
    """Return all cells as text: the headings, a line for each row, the total. The first three are words."""
    mixed = summary.trainable_params != summary.total_params

    def line(name, kind, formula, shape, params, trainable, *known):
        counts = [f"{params:,}", f"{trainable:,}"] if mixed else [f"{params:,}"]
        return [name, kind, formula, "×".join(_word(size, str) for size in shape), *counts, *known]

    def words(row):
        return line(*[*row.values()][:6], _word(row["macs"]), _word(row["activation_bytes"], _megabytes))

    headings = ["layer", "type", "formula", "output", "params", "trainable", "multiply-adds", "MB"]
    total = [_total(summary, "macs", _word), _total(summary, "activation_bytes", _megabytes)]
    return [
        headings if mixed else [heading for heading in headings if heading != "trainable"],
        *map(words, summary.rows),
        line("total", "", "", (), summary.total_params, summary.trainable_params, *total),
    ]


def _word(number, text="{:,}".format):
    return "?" if number is None else text(number)


def _megabytes(number):
    return f"{number / 1e6:,.3f}"


def _total(summary, key, text):
    """Return the total of a column in words: "at least 1,000" where not all of it is known, or "?"."""
    known = [row[key] for row in summary.rows]
    if None not in known:
        return text(sum(known))
    return f"at least {text(sum(filter(None, known)))}" if any(known) else "?"


def _caption(summary):
    hint = "" if all(None not in row["output_shape"] for row in summary.rows) else OPEN
    return f"{CAPTION}{hint}"


def _clip(word, width):
    return word if len(word) <= width else word[: width - 1] + "…"
