"""The notebooks: how they are found by name, read, run with parameters, and refreshed."""

import ast
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from multiprocessing import parent_process
from pathlib import Path
from typing import NamedTuple

from traitlets.config import Config

from adage_repro import words
from adage_repro.folders import OUT_VARIABLE, ROOT, check_cache
from adage_repro.refusals import Refused, shown
from adage_repro.staging import socket, staged

NOTEBOOKS = ROOT / "notebooks"
FIGURE = r"(fig[0-9][0-9])_[a-z0-9_]+"  # the stem of a figure's notebook; the group is its name
WIDGET = "application/vnd.jupyter.widget-view+json"  # needs the kernel that made it, so that no file keeps it
WRITE_CELLS = "make docs writes it"
STEM = rf"{FIGURE}|[a-z][a-z0-9_]*"  # no copies, such as JupyterLab's fig04_policy-Copy1


class Executed(NamedTuple):
    """What a run of a notebook left: the lines that it printed, and the names of its files."""

    printed: list[str]
    files: list[str]


def name_of(stem: str) -> str:
    """The name of a notebook and of all that it saves: fig04 for the stem fig04_policy; the stem itself for one that is not a figure."""
    figure = re.match(r"(fig[0-9][0-9])_", stem)
    return figure[1] if figure else stem


def by_name() -> dict[str, Path]:
    """All notebooks of the project by name, in order. Refused: two notebooks of one name."""
    found = {}
    for file in sorted(NOTEBOOKS.glob("*.ipynb")):
        if re.fullmatch(STEM, file.stem):
            name = name_of(file.stem)
            if name in found:
                raise Refused(f"{name} must be one notebook, found {found[name].name} and {file.name}: rename one of them")
            found[name] = file
    return found


def figure_names() -> list[str]:
    """The names of the paper's figures that have a notebook, in order: fig02, fig03, …"""
    return [name for name, file in by_name().items() if re.fullmatch(FIGURE, file.stem)]


def beyond_names() -> list[str]:
    """The names of the notebooks that go past the paper."""
    return [name for name in by_name() if name.startswith("beyond_")]


def figure_numbers() -> list[int]:
    """Their numbers."""
    return [int(name.removeprefix("fig")) for name in figure_names()]


def notebook_of(name: str) -> Path:
    """The notebook of this name (fig04, claims), or of exactly this file name without its ending. Refused: there is none."""
    names = by_name()
    stems = {file.stem: file for file in NOTEBOOKS.glob("*.ipynb")}
    if name not in names and name not in stems:
        raise Refused(
            f"NAME must be a notebook in notebooks/, got {shown(name)}; the notebooks are {', '.join(file.stem for file in names.values())}"
        )
    return names[name] if name in names else stems[name]


def sources(notebook: Path, tag: str | None = None, kind: str | None = None) -> list[str]:
    """The text of the notebook's cells; with `tag` of those that carry it, with `kind` of code or of markdown cells only."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    chosen = [cell for cell in cells if tag is None or tag in cell["metadata"].get("tags", [])]
    return ["".join(cell["source"]) for cell in chosen if kind in (None, cell["cell_type"])]


def outputs(notebook: Path, tag: str) -> list[str]:
    """What the cells that carry the tag printed when they were run last, as it is stored."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    chosen = [cell["outputs"] for cell in cells if tag in cell["metadata"].get("tags", [])]
    return ["".join("".join(output.get("text", "")) for output in stored) for stored in chosen]


def defaults(notebook: Path) -> dict[str, object]:
    """Name and literal of each line in the notebook's parameters cell. Refused: no such cell, or another kind of line."""
    cell = parameters_cell(notebook)
    try:
        return {line.target.id: ast.literal_eval(line.value) for line in ast.parse(cell).body}
    except (AttributeError, SyntaxError, TypeError, ValueError):
        raise Refused(f"{notebook.name} must have lines `name: type = value` in its parameters cell: {WRITE_CELLS}") from None


def parameters_cell(notebook: Path) -> str:
    """The text of the cell with the tag parameters. Refused: there is none, or more than one."""
    cells = sources(notebook, "parameters")
    if len(cells) != 1:
        raise Refused(f"{notebook.name} must have one cell with the tag parameters, found {len(cells)}")
    return cells[0]


def kernel() -> dict[str, object]:
    """A kernel that imports this library and communicates through sockets, so that kernels started in parallel never share a port."""
    os.environ["PYTHONPATH"] = str(ROOT)
    return {
        "kernel_name": "python3",
        "extra_arguments": ["--log-level=CRITICAL"],
        "config": Config({"KernelManager": {"transport": "ipc", "ip": socket()}}),
    }


def execute(
    notebook: Path, parameters: Mapping[str, object], out: Path, keep_notebook: bool, progress: bool = False, warm: bool = False
) -> Executed:
    """Run the notebook with `parameters`; its files, and with `keep_notebook` itself, appear in `out` if all went well.

    With `progress` a terminal shows how many cells have run. With `warm` the notebook runs in this process and not in a kernel of its
    own, and what it shows is drawn only if the notebook is kept.
    """
    bar = {"desc": "running", "unit": " cells", "leave": False} if progress and sys.stderr.isatty() else False
    sys.modules.setdefault("rfc3987_syntax", None)  # what reads a grammar for a second, to check addresses that no notebook has
    import nbformat
    from papermill import execute_notebook

    if warm:
        from adage_repro.sessions import EVERYTHING, WARM

        engine = {"engine_name": WARM, "shown": EVERYTHING if keep_notebook else ("text/plain",)}
    else:
        engine = kernel()
    changed = words.changes(parameters, defaults(notebook), setting=words.setting(notebook.stem))
    if parent_process() is None:
        check_cache()
    with staged(out) as folder:
        executed = folder / notebook.name
        os.environ[OUT_VARIABLE] = str(folder)
        asked = {"progress_bar": bar, "cwd": ROOT, "request_save_on_cell_execute": False}  # what is half run is of no use to anyone
        cells = execute_notebook(notebook, executed, parameters, **asked, **engine)
        executed.unlink()
        if keep_notebook:
            del cells.metadata["papermill"]  # it names the folder in which the files were made, which is gone
            still(cells)
            cells.cells.insert(0, nbformat.v4.new_markdown_cell(changed, id="changes"))
            nbformat.write(cells, executed)
        files = sorted(file.name for file in folder.iterdir())
        _check_names(notebook, files)
    printed = (output["text"] for cell in cells.cells for output in cell.get("outputs", []) if output.get("name") == "stdout")
    return Executed("".join(printed).splitlines(), files)


def _check_names(notebook: Path, files: Iterable[str]) -> None:
    """Refused: a figure's notebook, perhaps a copy, that would replace the files of another figure."""
    name = name_of(notebook.stem)
    others = [file for file in files if re.match(r"fig[0-9][0-9]", file) and not file.startswith(name)]
    if others:
        raise Refused(f"{notebook.name} must save its files under the name {name}, got {others[0]}: correct what it gives records.save")


def refresh(name: str) -> None:
    """Run the notebook as by hand and store its outputs in it, without times and versions."""
    import nbformat
    from nbclient import NotebookClient

    notebook = notebook_of(name)
    cells = nbformat.read(notebook, as_version=4)
    NotebookClient(cells, resources={"metadata": {"path": str(ROOT)}}, coalesce_streams=True, **kernel()).execute()
    normalise(cells)
    with staged(NOTEBOOKS) as folder:
        nbformat.write(cells, folder / notebook.name)


def normalise(notebook: dict) -> None:
    """Remove from a notebook what a run leaves besides its outputs: versions, times, widgets, and execution counts of earlier runs.

    Cells that were run in order are numbered from 1; those run in any other order keep their numbers.
    """
    still(notebook)
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for cell in cells:
        cell["metadata"].pop("execution", None)
    counts = [cell["execution_count"] for cell in cells]
    if counts and None not in counts and counts == list(range(counts[0], counts[0] + len(counts))):
        for count, cell in enumerate(cells, 1):
            cell["execution_count"] = count
    notebook["metadata"]["language_info"] = {"name": "python"}


def still(notebook: dict) -> None:
    """Leave of each widget in a notebook what is shown in its place where no kernel runs: its picture and its text."""
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(WIDGET, None)


def before_save(model: dict, **_: object) -> None:
    """Applied by `make lab` to each notebook that JupyterLab saves: to run and save one leaves the committed file unchanged."""
    if model["type"] == "notebook":
        normalise(model["content"])
