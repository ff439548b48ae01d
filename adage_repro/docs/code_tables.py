"""Tables for the pages from what the code says: figures, parameters, readings, rooms of the library."""

import ast
from pathlib import Path

from adage_repro.build import NUMBERS, defaults, notebook_of, sources
from adage_repro.folders import ROOT
from adage_repro.parameters import PARAMETERS
from adage_repro.terminal import typed

ACROSS = 3  # figures side by side in the README
READINGS = ("order", "tax_units", "returns_shift", "late_group", "crowd")


def table(heading: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; signs that Markdown would take for its own are escaped."""
    lines = [heading, ["---"] * len(heading), *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped(text: str) -> str:
    """A text that Markdown shows as it is, but for links, `code` and tags written on purpose."""
    return text.replace("|", "\\|").replace("*", "\\*").replace("<1", "&lt;1")


def figures() -> str:
    """The figures as small pictures, each a link to its notebook, with the title of the notebook."""
    cells = []
    for number in NUMBERS:
        notebook = notebook_of(f"fig{number:02d}")
        title = sources(notebook)[0].splitlines()[0].split(" · ")[1]
        picture = f'<img src="figures/fig{number:02d}.png" width="280" alt="Figure {number}">'
        cells.append(f"[{picture}](notebooks/{notebook.name})<br>**{number}** {title}")
    rows = [cells[i : i + ACROSS] for i in range(0, len(cells), ACROSS)]
    lines = [[" "] * ACROSS, ["---"] * ACROSS, *rows]
    return "\n".join(f"|{'|'.join(line)}|" for line in lines)


def parameters() -> str:
    """Every parameter: its symbol, meaning, range, defaults and the figures that take it."""
    taken = {number: defaults(notebook_of(f"fig{number:02d}")) for number in NUMBERS}
    rows = []
    for name, parameter in PARAMETERS.items():
        values = {number: typed(own[name]) for number, own in taken.items() if name in own}
        counted = sorted(set(values.values()), key=list(values.values()).count, reverse=True)
        parts = [counted[0], *(f"{value} in {_listed(number for number in values if values[number] == value)}" for value in counted[1:])]
        rows.append([f"`{name}`", parameter.symbol, parameter.meaning, _allowed(parameter), "; ".join(parts), _listed(values)])
    return table(["name", "paper", "meaning", "allowed", "default", "figures"], rows)


def readings() -> str:
    """The points that the paper leaves open: the argument, its words with the default first, and the figures that take it."""
    rows = []
    for name in READINGS:
        numbers = [number for number in NUMBERS if name in defaults(notebook_of(f"fig{number:02d}"))]
        words = PARAMETERS[name].words
        rows.append([f"`{name}`", PARAMETERS[name].meaning, ", ".join(f"`{word}`" for word in words), _listed(numbers)])
    return table(["argument", "what is open", "readings, the default first", "figures"], rows)


def rooms() -> str:
    """Each file of the library, and each folder in it, with the beginning of its docstring. ValueError: one without."""
    library = ROOT / "adage_repro"
    homes = [(file.name, file) for file in library.glob("*.py") if not file.name.startswith("__init__")]
    homes += [(f"{file.parent.name}/", file) for file in library.glob("*/__init__.py")]
    return table(["file", "what is in it"], [[f"`{name}`", _said(file)] for name, file in sorted(homes)])


def _said(file: Path) -> str:
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    if not text:
        raise ValueError(f"{file.relative_to(ROOT)} must begin with a docstring that says what is in it: docs/library.md lists it")
    return text.split("\n\n")[0].replace("\n", " ")


def _allowed(parameter) -> str:
    return ", ".join(f"`{word}`" for word in parameter.words) or parameter.allowed


def _listed(numbers) -> str:
    """Numbers with each run of three or more as its ends: 2, 4–8."""
    runs = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
