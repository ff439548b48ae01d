"""The parameters cells of the notebooks, written from `PARAMETERS`: a notebook names them, and the table supplies everything else."""

import json
import re
from pathlib import Path

from adage_repro.notebooks import NOTEBOOKS, by_name, parameters_cell
from adage_repro.parameters import PARAMETERS
from adage_repro.refusals import Refused
from adage_repro.staging import staged

COMMAND = "make docs"


def line(parameter: str, notebook: str) -> str:
    """The line of a parameter in the cell of the notebook of this name; papermill reads `name: type = value  # help`."""
    own = PARAMETERS[parameter]
    default = own.default_in(notebook)
    literal = json.dumps(default) if own.item == "str" else repr(default)
    return f"{parameter}: {own.kind} = {literal}  # {own.help}"


def cell(names: list[str], notebook: str) -> str:
    """The whole cell. Refused: a name that is not in the table."""
    unknown = [name for name in names if name not in PARAMETERS]
    if unknown:
        raise Refused(f"{notebook} asks for {unknown[0]} in its parameters cell: add it to PARAMETERS in adage_repro/parameters.py")
    return "\n".join(line(name, notebook) for name in names)


def names_in(notebook: Path) -> list[str]:
    """The parameters that a notebook asks for, in its own order: what each line of its parameters cell begins with."""
    return re.findall(r"^(\w+)", parameters_cell(notebook), re.M)


def stale() -> list[str]:
    """One line for each notebook whose parameters cell differs from the table, and for each parameter or override that none uses."""
    found = by_name()
    asked = {name: names_in(notebook) for name, notebook in found.items()}
    lines = [
        f"the parameters cell of {found[name].name} is not what adage_repro/parameters.py says: run {COMMAND}"
        for name, names in asked.items()
        if parameters_cell(found[name]) != cell(names, name)
    ]
    lines += [
        f"no notebook asks for {parameter}: write its name into a parameters cell, or remove it from adage_repro/parameters.py"
        for parameter in PARAMETERS
        if not any(parameter in names for names in asked.values())
    ]
    return lines + [
        f"{parameter} has a default of its own for {name}, which does not ask for it: remove it from adage_repro/parameters.py"
        for parameter, own in PARAMETERS.items()
        for name in own.overrides
        if parameter not in asked.get(name, ())
    ]


def write() -> list[Path]:
    """Write the cells that differ from the table, leaving everything else unchanged; gives the notebooks that were changed."""
    changed = {}
    for name, notebook in by_name().items():
        text = cell(names_in(notebook), name)
        if text != parameters_cell(notebook):
            content = json.loads(notebook.read_text(encoding="utf-8"))
            (own,) = (one for one in content["cells"] if "parameters" in one["metadata"].get("tags", []))
            own["source"] = text.splitlines(keepends=True)
            changed[notebook] = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    with staged(NOTEBOOKS) as folder:
        for notebook, content in changed.items():
            (folder / notebook.name).write_text(content, encoding="utf-8")
    return list(changed)
