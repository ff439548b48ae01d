"""What a command prints: what differs from the default setting, the headline numbers of both, and where the files are."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping

from adage_repro.parameters import differing
from adage_repro.refusals import shown
from adage_repro.words import setting, title

THIS = "this run"


def open_streams() -> None:
    """Open the standard streams that were closed (`>&-`), so that no other file takes their place, and let them print any text."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free, which is this one
    silence = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, it stays open
    sys.stdout, sys.stderr = sys.stdout or silence, sys.stderr or silence
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")


def say(*lines: str) -> None:
    """Print the lines; if they can no longer be printed (`| head`, a full disk), the work continues in silence."""
    try:
        print(*lines, sep="\n", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def changes(name: str, values: Mapping[str, object], standard: Mapping[str, object]) -> list[str]:
    """Which parameters of notebook `name` differ from its default setting, the paper's if it is of the paper, or that none does."""
    differ = differing(values, standard)
    if not differ:
        return [f"{title(name)}, with every parameter as in the {setting(name)}"]
    rows = [(parameter, typed(value), typed(standard.get(parameter))) for parameter, value in differ.items()]
    return aligned([(f"{title(name)}, parameters that differ", THIS, setting(name)), *rows])


def comparison(name: str, own: Mapping[str, object], paper: Mapping[str, object]) -> list[str]:
    """The headline numbers of a run of notebook `name` and of its default setting, side by side, matched by their names.

    Verdicts that are the same in both are counted, not listed.
    """
    names = list(own | paper)
    same = [name for name in names if isinstance(own.get(name), str) and own[name] == paper.get(name)]
    rows = [(name, word(own.get(name)), word(paper.get(name))) for name in names if name not in same]
    notes = [f"{len(same)} further verdict{'s are' if len(same) > 1 else ' is'} the same in both"] if same else []
    if own.keys() ^ paper.keys():
        notes.append("– marks a number that does not exist in this setting")
    return [*aligned([("headline numbers", THIS, setting(name)), *rows], str.rjust), *notes]


def word(value: object) -> str:
    """A number as the notebooks print it, with an exponent where four decimals would not show it; – for a missing one."""
    if isinstance(value, float):
        return f"{value:.4f}" if value == 0 or 5e-4 <= abs(value) < 1e6 else f"{value:.3e}"
    return typed(value)


def typed(value: object) -> str:
    """A value as one types it in SET; – for a missing one."""
    return "–" if value is None else value if isinstance(value, str) else shown(value)


def aligned(rows: Iterable[tuple[str, str, str]], justify: Callable[[str, int], str] = str.ljust) -> list[str]:
    """The rows as lines with columns of equal width, below the first, which is their heading; all but the first column to one side."""
    heading, *others = rows
    rows = [heading, *((f"  {first}", *more) for first, *more in others)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = (str.ljust, justify, justify)
    return ["   ".join(side(cell, width) for side, cell, width in zip(sides, row, widths, strict=True)).rstrip() for row in rows]
