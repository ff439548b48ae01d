"""Runs notebooks through papermill: all figures, those that changed, or one with other parameters."""

import ast
import atexit
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_context
from pathlib import Path
from threading import Event

from traitlets.config import Config

from adage_repro.folders import FIGURES, OUT_VARIABLE, ROOT, digest, staged

NOTEBOOKS = ROOT / "notebooks"
STAMPS = ROOT / ".cache" / "figures"
NUMBERS = range(2, 14)
_told_to_stop = Event()


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


def kernel() -> dict[str, object]:
    """A kernel that talks through sockets in a folder of its own: those that start side by side never take one another's port."""
    sockets = Path(tempfile.mkdtemp(prefix="kernel-")) / "socket"
    atexit.register(shutil.rmtree, sockets.parent, ignore_errors=True)
    return {
        "kernel_name": "python3",
        "extra_arguments": ["--log-level=CRITICAL"],
        "config": Config({"KernelManager": {"transport": "ipc", "ip": str(sockets)}}),
    }


def execute(notebook: Path, parameters: Mapping[str, object], out: Path, keep_notebook: bool) -> list[str]:
    """Run the notebook with `parameters`; its files, and with `keep_notebook` itself, appear in `out` if all went well.

    Gives the lines that it printed.
    """
    import nbformat
    from papermill import execute_notebook

    with staged(out) as folder:
        executed = folder / notebook.name
        os.environ[OUT_VARIABLE] = str(folder)
        cells = execute_notebook(notebook, executed, parameters, progress_bar=False, cwd=ROOT, **kernel())
        executed.unlink()
        if keep_notebook:
            del cells.metadata["papermill"]  # it names the folder in which the files were made, which is gone
            nbformat.write(cells, executed)
    printed = (output["text"] for cell in cells.cells for output in cell.get("outputs", []) if output.get("name") == "stdout")
    return "".join(printed).splitlines()


def figures(names: Iterable[str]) -> bool:
    """Make those of the named figures whose notebook, library or pictures changed since, side by side; whether all went well."""
    stale = [name for name in names if json.dumps([_made_from(name), _made(name)]) != _stamp(name)]
    if not stale:
        print("figures/ is up to date")
    return side_by_side(_make, stale)


def side_by_side(work: Callable[[str], None], names: Iterable[str]) -> bool:
    """Do `work` for each name on all cores, with a line as each ends; whether all went well."""
    names = list(names)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    failed = False
    pool = ProcessPoolExecutor(cores, mp_context=get_context("spawn"), initializer=_listen)
    signal.signal(signal.SIGTERM, _stop)
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


def _stop(*_: object) -> None:
    """What Ctrl-C does to all processes of a terminal, for a signal that reaches the first alone."""
    for child in active_children():
        child.terminate()
    raise KeyboardInterrupt


def _listen() -> None:
    """A worker that is told to stop cleans up and begins nothing new; Ctrl-C stays switched off where it was."""
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _end)


def _end(*_: object) -> None:
    _told_to_stop.set()
    raise KeyboardInterrupt


def _timed(work: Callable[[str], None], name: str) -> float:
    if _told_to_stop.is_set():
        raise KeyboardInterrupt
    begin = time.perf_counter()
    work(name)
    return time.perf_counter() - begin


def _make(name: str) -> None:
    made_from = _made_from(name)  # before the run: what changes meanwhile counts as changed
    execute(notebook_of(name), {}, FIGURES, keep_notebook=False)
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(json.dumps([made_from, _made(name)]), encoding="utf-8")


def refresh(name: str) -> None:
    """Run the notebook as by hand and store its outputs in it, without times and versions."""
    import nbformat
    from nbclient import NotebookClient

    notebook = notebook_of(name)
    cells = nbformat.read(notebook, as_version=4)
    NotebookClient(cells, resources={"metadata": {"path": str(ROOT)}}, **kernel()).execute()
    for cell in cells.cells:
        cell.metadata.pop("execution", None)
    cells.metadata["language_info"] = {"name": "python"}
    with staged(NOTEBOOKS) as folder:
        nbformat.write(cells, folder / notebook.name)


def _made_from(name: str) -> str:
    """One hash of the notebook's text, the library and the lock."""
    library = sorted((ROOT / "adage_repro").glob("*.py"))  # no figure is made from claims/
    texts = [digest(file) for file in [*library, ROOT / "requirements.lock"]] + sources(notebook_of(name))
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def _made(name: str) -> dict[str, str]:
    """The hash of each file that the figure left."""
    return {file.name: digest(file) for file in sorted(FIGURES.glob(f"{name}*")) if file.is_file()}


def _stamp(name: str) -> str | None:
    file = STAMPS / name
    return file.read_text(encoding="utf-8") if file.exists() else None


def one_line(error: BaseException) -> str:
    """What an error says, the last line of it; of a failed cell its own error."""
    return str(getattr(error, "evalue", "") or error).strip().splitlines()[-1] if str(error) else type(error).__name__
