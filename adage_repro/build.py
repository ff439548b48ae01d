"""Runs notebooks through papermill: all figures, those that changed, or one with other parameters."""

import ast
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from adage_repro.folders import FIGURES, OUT_VARIABLE, ROOT, digest, staged

NOTEBOOKS = ROOT / "notebooks"
STAMPS = ROOT / ".cache" / "figures"
NUMBERS = range(2, 14)
QUIET = {"extra_arguments": ["--log-level=CRITICAL"]}


def notebook_of(name: str) -> Path:
    """The notebook whose file name begins with `name` (fig04, claims)."""
    return next(NOTEBOOKS.glob(f"{name}*.ipynb"))


def sources(notebook: Path, tag: str | None = None, kind: str | None = None) -> list[str]:
    """The text of the notebook's cells; with `tag` of those that carry it, with `kind` of code or of markdown cells only."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    chosen = [cell for cell in cells if tag is None or tag in cell["metadata"].get("tags", [])]
    return ["".join(cell["source"]) for cell in chosen if kind in (None, cell["cell_type"])]


def defaults(notebook: Path) -> dict[str, object]:
    """Name and literal of each line in the notebook's parameters cell."""
    (cell,) = sources(notebook, "parameters")
    return {line.target.id: ast.literal_eval(line.value) for line in ast.parse(cell).body}


def execute(notebook: Path, parameters: Mapping[str, object], out: Path, keep_notebook: bool) -> None:
    """Run the notebook with `parameters`; its files, and with `keep_notebook` itself, appear in `out` if all went well."""
    from papermill import execute_notebook

    with staged(out) as folder:
        executed = folder / notebook.name
        os.environ[OUT_VARIABLE] = str(folder)
        execute_notebook(notebook, executed, parameters, kernel_name="python3", progress_bar=False, cwd=ROOT, **QUIET)
        if not keep_notebook:
            executed.unlink()


def figures(names: Iterable[str]) -> bool:
    """Make those of the named figures whose notebook, library or pictures changed since, side by side; whether all went well."""
    stale = [name for name in names if _stamp(name) != _read_stamp(name)]
    if not stale:
        print("figures/ is up to date")
    return side_by_side(_make, stale)


def side_by_side(work: Callable[[str], None], names: Iterable[str]) -> bool:
    """Do `work` for each name on all cores, with a line as each ends; whether all went well."""
    names = list(names)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    failed = False
    pool = ProcessPoolExecutor(cores, mp_context=get_context("spawn"))
    try:
        jobs = {pool.submit(_timed, work, name): name for name in names}
        for job in as_completed(jobs):
            name = jobs[job]
            error = job.exception()
            failed |= error is not None
            print(f"{name}  failed: {one_line(error)}" if error else f"{name}  {job.result():.1f} s", flush=True)
    except KeyboardInterrupt:
        print("interrupted; figures already made are whole, the others as they were", file=sys.stderr)
        failed = True
    finally:
        pool.shutdown(cancel_futures=True)
    return not failed


def _timed(work: Callable[[str], None], name: str) -> float:
    begin = time.perf_counter()
    work(name)
    return time.perf_counter() - begin


def _make(name: str) -> None:
    execute(notebook_of(name), {}, FIGURES, keep_notebook=False)
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(_stamp(name), encoding="utf-8")


def refresh(name: str) -> None:
    """Run the notebook as by hand and store its outputs in it, without times and versions."""
    import nbformat
    from nbclient import NotebookClient

    notebook = notebook_of(name)
    cells = nbformat.read(notebook, as_version=4)
    NotebookClient(cells, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}, **QUIET).execute()
    for cell in cells.cells:
        cell.metadata.pop("execution", None)
    cells.metadata["language_info"] = {"name": "python"}
    with staged(NOTEBOOKS) as folder:
        nbformat.write(cells, folder / notebook.name)


def _stamp(name: str) -> str:
    """One hash of all that a figure is made from, and one of each file made."""
    library = sorted((ROOT / "adage_repro").glob("*.py"))
    made_from = [digest(file) for file in [*library, ROOT / "requirements.lock"]] + sources(notebook_of(name))
    made = {file.name: digest(file) for file in sorted(FIGURES.glob(f"{name}*")) if file.is_file()}
    return json.dumps({"made from": hashlib.sha256(json.dumps(made_from).encode()).hexdigest(), "made": made})


def _read_stamp(name: str) -> str | None:
    file = STAMPS / name
    return file.read_text(encoding="utf-8") if file.exists() else None


def one_line(error: BaseException) -> str:
    """What an error says, the last line of it; of a failed cell its own error."""
    return str(getattr(error, "evalue", "") or error).strip().splitlines()[-1] if str(error) else type(error).__name__
