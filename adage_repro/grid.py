"""What is typed as SET and GRID: names with their values, and the points of a grid."""

import re
from collections.abc import Mapping
from itertools import product
from math import prod

from adage_repro.parameters import check_all
from adage_repro.refusals import Refused, cut, shown

NUMBER = r"[+-]?(?:0|[1-9][0-9]*)(\.[0-9]*)?(e[+-]?[0-9]+)?|[+-]?(\.[0-9]+)(e[+-]?[0-9]+)?"  # as in 10, 0.5, .5, 1e-3
LIST = r"\[[^][]*\]"
ITEM = rf"(?:{LIST}|[^][\s,]+)"


def read_set(text: str) -> dict[str, object]:
    """`name=value` pairs: numbers and lists of them as such, anything else as a word."""
    form = "SET must be name=value pairs separated by spaces, lists as [1,2]"
    return {name: read_value(value) for name, value in _pairs(text, rf"{LIST}|[^\s[]+", form).items()}


def read_value(text: str) -> object:
    """A decimal number, a list in brackets, or a word, which may stand in quotation marks."""
    if text.startswith("["):
        return [read_value(item.strip()) for item in text[1:-1].split(",")] if text[1:-1].strip() else []
    number = re.fullmatch(NUMBER, text, re.IGNORECASE)
    if number:
        return float(text) if any(number.groups()) else int(text[:4000])  # Python reads no more digits; no range reaches that far
    quoted = re.fullmatch(r"""(["'])(.*)\1""", text)
    return quoted[2] if quoted else text


def read_grid(text: str, most: int) -> dict[str, list]:
    """`name=values` pairs, where values are separated by commas or given as start:stop:count, both ends included.

    Refused: another form, no pair at all, or more than `most` points.
    """
    form = "GRID must be name=value,value,… or name=start:stop:count, separated by spaces, lists as [1,2]"
    grid = {}
    for name, values in _pairs(text, rf"{ITEM}(?:,{ITEM})*", form).items():
        grid[name] = [value for item in re.findall(ITEM, values) for value in _values(item, most)]
        if len(set(map(repr, grid[name]))) < len(grid[name]):
            raise Refused(f"{cut(name)} must not be given a value twice in GRID, got {_printable(values)}")
    if not grid:
        raise Refused(f"{form}, got {shown(text)}")
    asked = prod(map(len, grid.values()))
    if asked > most:
        raise Refused(f"GRID asks for {asked:,} points, but at most {most:,} are made unless POINTS allows more")
    return grid


def grid_points(grid: Mapping[str, list], standard: Mapping[str, object]) -> dict[str, dict[str, object]]:
    """All parameters at each point of the grid, by what one types for it; the last name changes fastest.

    Refused: whatever a single run refuses, with the first point at which it does, or two points that are the same.
    """
    found = {}
    for values in product(*grid.values()):
        point = dict(zip(grid, values, strict=True))
        try:
            checked = check_all({**standard, **point}, names=standard)
        except Refused as refused:
            raise Refused(f"at {_printable(label(point))}: {refused}") from None
        name = label({name: checked[name] for name in grid})
        if name in found:
            raise Refused(f"GRID must not contain a point twice, got {cut(name)}")
        found[name] = checked
    return found


def swept(grid: Mapping[str, list], found: Mapping[str, Mapping[str, object]]) -> dict[str, list]:
    """The values of the grid by parameter, each as its own type, from the points that were found."""
    return {name: list({str(point[name]): point[name] for point in found.values()}.values()) for name in grid}


def label(point: Mapping[str, object]) -> str:
    """A point as one types it in SET."""
    return " ".join(f"{name}={typed(value)}" for name, value in point.items())


def typed(value: object) -> str:
    """A value as one types it, in full."""
    return f"[{','.join(map(typed, value))}]" if isinstance(value, list) else str(value)


def _printable(text: str) -> str:
    return cut(text) if text.isprintable() else shown(text)


def _pairs(text: str, value: str, form: str) -> dict[str, str]:
    pairs = {}
    rest = text.strip()
    while rest:
        found = re.match(rf"(\w+)=({value})(?=\s|$)", rest)
        if not found:
            raise Refused(f"{form}, got {shown(rest)}")
        name, given = found.groups()
        if name in pairs:
            raise Refused(f"{cut(name)} must be given once, got {shown(read_value(pairs[name]))} and {shown(read_value(given))}")
        pairs[name] = given
        rest = rest[found.end() :].strip()
    return pairs


def _values(item: str, most: int) -> list:
    """One value, or those of start:stop:count: whole numbers where the ends are whole and the step lands on one, else to 12 digits."""
    if ":" not in item or item.startswith("["):
        return [read_value(item)]
    parts = [read_value(part) for part in item.split(":")]
    numbers = len(parts) == 3 and all(isinstance(part, int | float) and abs(part) < 1e300 for part in parts)
    if not numbers or not isinstance(parts[2], int) or parts[2] < 2:
        raise Refused(f"a range in GRID must be start:stop:count, two numbers and a whole number from 2, got {shown(item)}")
    start, stop, count = parts
    if count > most:
        raise Refused(f"GRID asks for {count:,} points, but at most {most:,} are made unless POINTS allows more")
    whole = isinstance(start, int) and isinstance(stop, int)
    steps = [((stop - start) * k, count - 1) for k in range(count)]
    return [start + up // down if whole and up % down == 0 else float(f"{start + up / down:.12g}") for up, down in steps]
