"""Tables for the pages from what the code says: figures, parameters, readings, rooms of the library."""

import ast
import csv
from collections import Counter
from pathlib import Path

from adage_repro.folders import ROOT
from adage_repro.notebooks import beyond_names, by_name, defaults, figure_names, figure_numbers, notebook_of, sources
from adage_repro.parameters import PARAMETERS
from adage_repro.readings import READINGS
from adage_repro.refusals import Refused
from adage_repro.terminal import typed

ACROSS = 3  # figures side by side in the README


def table(heading: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; signs that Markdown would take for its own are escaped."""
    lines = [heading, ["---"] * len(heading), *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def lines_of(file: Path) -> list[dict[str, str]]:
    """The lines of a CSV file by the names of its columns."""
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def escaped(text: str) -> str:
    """A text that Markdown shows as it is, but for links, `code` and tags written on purpose."""
    return text.replace("|", "\\|").replace("*", "\\*").replace("<1", "&lt;1")


def figures() -> str:
    """The figures as small pictures, each a link to its notebook, with the title of the notebook. Refused: a notebook without one."""
    cells = []
    for name in figure_names():
        notebook, number = by_name()[name], int(name[3:])
        title = sources(notebook)[0].splitlines()[0].split(" · ")
        if len(title) != 2 or title[0] != f"# Figure {number}":
            raise Refused(f"{notebook.name} must begin with a line `# Figure {number} · what it shows`, got {' · '.join(title)!r}")
        picture = f'<img src="figures/{name}.png" width="280" alt="Figure {number}">'
        cells.append(f"[{picture}](notebooks/{notebook.name})<br>**{number}** {title[1]}")
    rows = [cells[i : i + ACROSS] for i in range(0, len(cells), ACROSS)]
    rows[-1] += [" "] * (ACROSS - len(rows[-1]))
    lines = [[" "] * ACROSS, ["---"] * ACROSS, *rows]
    return "\n".join(f"|{'|'.join(line)}|" for line in lines)


def parameters() -> str:
    """Every parameter: its symbol, meaning, range, defaults and the figures and notebooks that take it."""
    rows = []
    for name, own in PARAMETERS.items():
        places = {}
        for notebook, value in own.overrides.items():
            places.setdefault(typed(value), []).append(str(int(notebook[3:])) if notebook.startswith("fig") else notebook)
        default = "; ".join([typed(own.default), *(f"{value} in {', '.join(places[value])}" for value in places)])
        rows.append([f"`{name}`", own.symbol, own.meaning, _allowed(own), default, _taking(name)])
    return table(["name", "paper", "meaning", "allowed", "default", "figures, and notebooks past the paper"], rows)


def readings() -> str:
    """The points that the paper leaves open, what each word means, the default first, and the figures and notebooks that take it."""
    rows = []
    for name, own in READINGS.items():
        ways = "<br>".join(f"`{word}`: {meaning}" for word, meaning in own.ways.items())
        rows.append([f"`{name}`", own.meaning, ways, _taking(name)])
    return table(["argument", "what is open", "readings, the default first", "figures, and notebooks past the paper"], rows)


def _taking(name: str) -> str:
    """The figures, and the notebooks past the paper, that have this parameter."""
    figures = _listed(number for number in figure_numbers() if name in defaults(notebook_of(f"fig{number:02d}")))
    return ", ".join([*filter(None, [figures]), *(f"`{other}`" for other in beyond_names() if name in defaults(notebook_of(other)))])


def gradients() -> str:
    """Each gradient of the leader in games with known answers, as docs/gradients.csv has it, which benchmarks/gradients.py measures."""
    found = lines_of(ROOT / "docs" / "gradients.csv")
    rows = [[row["case"], f"`{row['gradient']}`", row["error"], row["simulations"], row["time"]] for row in found]
    return table(["game and leader", "gradient", "error", "simulations", "time, of one simulation"], rows)


def robustness() -> str:
    """What happened to runs that were disturbed, as docs/robustness.csv has it, which benchmarks/robustness.py writes."""
    rows = [[row["what"], row["tried"], row["outcome"]] for row in lines_of(ROOT / "docs" / "robustness.csv")]
    return table(["what was done", "times", "what happened"], rows)


def mutants() -> str:
    """How many mutants of each module the tests killed, as benchmarks/mutants.csv has it, which benchmarks/mutants.py writes."""
    found, rows = lines_of(ROOT / "benchmarks" / "mutants.csv"), []
    for module in [*dict.fromkeys(row["module"] for row in found), "all"]:
        own = [row for row in found if module in (row["module"], "all")]
        tried = [row for row in own if row["seconds"]]
        killed = sum(bool(row["killed by"]) for row in tried)
        share = f"{100 * killed / len(tried):.1f}%" if tried else "–"
        rows.append([f"`{module}.py`" if module != "all" else "all", *map(str, (len(own), len(tried), killed)), share])
    return table(["module", "mutants", "tried", "killed", "share of those tried"], rows)


def survivors() -> str:
    """The mutants that were tried and not killed, by the line of code, with the reason that benchmarks/survivors.csv gives.

    ValueError: a line without a reason.
    """
    reasons = {(row["module"], row["line"]): row["reason"] for row in lines_of(ROOT / "benchmarks" / "survivors.csv")}
    lines = Counter(
        (row["module"], row["line"]) for row in lines_of(ROOT / "benchmarks" / "mutants.csv") if row["seconds"] and not row["killed by"]
    )
    if missing := [f"{module}.py, line {line}" for module, line in lines if (module, line) not in reasons]:
        raise ValueError(f"benchmarks/survivors.csv must give a reason for each survivor, but has none for {'; '.join(missing)}")
    return table(["line", "survivors", "reason"], [[f"`{at[0]}.py` {at[1]}", str(count), reasons[at]] for at, count in lines.items()])


def interruptions() -> str:
    """How often real sweeps were stopped, and how, as docs/interruptions.csv has it, which benchmarks/interruptions.py measures."""
    return table(["what happened", "times"], [list(row.values()) for row in lines_of(ROOT / "docs" / "interruptions.csv")])


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
