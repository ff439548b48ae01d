"""TeX as MathML, which browsers draw by themselves: no script, no fonts, no network."""

import re
from xml.etree import ElementTree as Tree

from latex2mathml.converter import convert

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
BREAKS = set("=≤≥<>≠≫∈←→+−×")  # signs after which TeX, too, breaks a formula in running text
LONG = 6  # symbols; a shorter formula stays in one line
OPEN, CLOSED = set("([{⌊"), set(")]}⌋")
PARTS = {
    "mfrac": 2,
    "msub": 2,
    "msup": 2,
    "munder": 2,
    "mover": 2,
    "msubsup": 3,
    "munderover": 3,
}  # a browser draws no other number of them
Tree.register_namespace("", NAMESPACE)


def inline(tex: str) -> str:
    """A formula in running text; a long one in parts between which a line may end. ValueError: TeX that cannot be read."""
    parts = _parts(_row(tex, "inline"))
    return "<wbr>".join(_math(part, "inline", tex if len(parts) == 1 else "") for part in parts)


def display(tex: str) -> str:
    r"""A displayed formula. What \qquad, or a comma and a space, part in it stands side by side if there is room, otherwise below."""
    pieces = [piece.strip() for piece in re.split(r"\\qquad|(?<=,)\\ ", tex)]
    return f'<div class="equation">{"".join(_math(list(_row(piece, "block")), "block", piece) for piece in pieces)}</div>\n'


def _row(tex: str, how: str) -> Tree.Element:
    try:
        written = convert(" ".join(tex.split()), display=how)
    except Exception as error:  # the converter's own, of many kinds
        raise ValueError(f"an equation must be TeX that latex2mathml reads, got {tex!r} ({type(error).__name__})") from None
    row = Tree.fromstring(written)[0]
    whole = all(len(part) == PARTS.get(part.tag.removeprefix(f"{{{NAMESPACE}}}"), len(part)) for part in row.iter())
    if "\\" in written or not whole:
        raise ValueError(f"an equation must be TeX that latex2mathml reads, got {tex!r}: it leaves a command as it is, or lacks a part")
    return row


def _parts(row: Tree.Element) -> list[list[Tree.Element]]:
    """The symbols of a row, parted after signs that stand between formulas and outside brackets."""
    symbols, parts, depth = list(row), [[]], 0
    for symbol in symbols:
        sign = symbol.text or ""
        depth += (sign in OPEN) - (sign in CLOSED)
        binary = sign in BREAKS and len(parts[-1]) > 0
        parts[-1].append(symbol)
        if binary and depth == 0 and len(symbols) > LONG:
            symbol.set("form", "infix")  # keeps its spaces at the end of a part
            parts.append([])
    return [part for part in parts if part]


def _math(symbols: list[Tree.Element], how: str, tex: str) -> str:
    math = Tree.Element(f"{{{NAMESPACE}}}math", {"display": how} | ({"alttext": " ".join(tex.split())} if tex else {}))
    math.extend(symbols)
    return Tree.tostring(math, encoding="unicode").replace(f' xmlns="{NAMESPACE}"', "")
