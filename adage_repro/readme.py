"""What the README repeats of the notebooks and of `PARAMETERS`: tables between marks, written by the command that the marks name."""

import re
from collections.abc import Callable

from adage_repro.folders import ROOT
from adage_repro.notebooks import by_name, defaults, figure_names, notebook_of, sources
from adage_repro.parameters import PARAMETERS
from adage_repro.refusals import Refused
from adage_repro.staging import staged

README = ROOT / "README.md"
BEGIN, END = "<!-- {}: written by make cells -->", "<!-- end of {} -->"


def figures_table() -> list[list[str]]:
    """Each figure's notebook, its title and its command."""
    rows = [["figure", "notebook", "what it shows", "command"]]
    for name, notebook in by_name().items():
        if name in figure_names():
            title = sources(notebook)[0].splitlines()[0].removeprefix("# ").split(" · ")
            if len(title) != 2:
                raise Refused(f"{notebook.name} must begin with a line `# Figure {int(name[3:])} · what it shows`, got {title[0]!r}")
            number = str(int(name[3:]))
            rows.append([number, f"[{notebook.stem}](notebooks/{notebook.name})", title[1], f"`make figure FIG={number}`"])
    return rows


def parameters_table() -> list[list[str]]:
    """Each parameter, and the figures that have it."""
    figures = {name: defaults(notebook_of(name)) for name in figure_names()}
    rows = [["name", "paper", "meaning", "allowed", "figures"]]
    for name, own in PARAMETERS.items():
        having = ", ".join(str(int(figure[3:])) for figure, there in figures.items() if name in there)
        rows.append([f"`{name}`", own.symbol, own.meaning, ", ".join(own.words) or own.allowed, having])
    return rows


TABLES: dict[str, Callable[[], list[list[str]]]] = {"figures": figures_table, "parameters": parameters_table}


def markdown(rows: list[list[str]]) -> str:
    """A table in Markdown, the first row its heading."""
    heading, *others = [[value.replace("|", r"\|") for value in row] for row in rows]
    return "\n".join(["", *(f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *others)), ""])


def current() -> str:
    """The README with its tables as they should be. Refused: a mark that is not there."""
    text = README.read_text(encoding="utf-8")
    for name, table in TABLES.items():
        begin, end = BEGIN.format(name), END.format(name)
        if not re.search(f"{re.escape(begin)}.*{re.escape(end)}", text, re.S):
            raise Refused(f"README.md must hold the lines {begin} and {end}: the table of {name} is written between them")
        head, rest = text.split(begin, 1)
        text = head + begin + markdown(table()) + end + rest.split(end, 1)[1]
    return text


def stale() -> list[str]:
    """One line if the tables are not what they should be."""
    return [] if current() == README.read_text(encoding="utf-8") else ["the tables of README.md are not what the code says: run make cells"]


def write() -> bool:
    """Write the tables; whether anything changed."""
    old, text = README.read_text(encoding="utf-8"), current()
    if text != old:
        with staged(ROOT) as folder:
            (folder / README.name).write_text(text, encoding="utf-8")
    return text != old
