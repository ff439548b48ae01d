"""Runs notebooks through papermill: all figures, those that changed, or one with other parameters."""

import ast
import hashlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from threading import Event, Lock, Thread

from traitlets.config import Config

from adage_repro import words
from adage_repro.folders import FIGURES, OUT_VARIABLE, ROOT, digest
from adage_repro.parameters import check_device
from adage_repro.staging import socket, staged
from adage_repro.terminal import say

NOTEBOOKS = ROOT / "notebooks"
STAMPS = ROOT / ".cache" / "figures"
JAX_CACHE = "JAX_COMPILATION_CACHE_DIR"
NUMBERS = range(2, 14)
_told_to_stop, _at_work = Event(), Lock()


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
    """A kernel that imports this library, and talks through sockets: those that start side by side never take one another's port."""
    os.environ["PYTHONPATH"] = str(ROOT)
    return {
        "kernel_name": "python3",
        "extra_arguments": ["--log-level=CRITICAL"],
        "config": Config({"KernelManager": {"transport": "ipc", "ip": socket()}}),
    }


def execute(notebook: Path, parameters: Mapping[str, object], out: Path, keep_notebook: bool, progress: bool = False) -> list[str]:
    """Run the notebook with `parameters`; its files, and with `keep_notebook` itself, appear in `out` if all went well.

    Gives the lines that it printed. With `progress` a terminal shows how many cells have run.
    """
    bar = {"desc": "running", "unit": " cells", "leave": False} if progress and sys.stderr.isatty() else False
    import nbformat
    from papermill import execute_notebook

    changed = words.changes(parameters, defaults(notebook))
    if parent_process() is None:
        check_cache()
    with staged(out) as folder:
        executed = folder / notebook.name
        os.environ[OUT_VARIABLE] = str(folder)
        cells = execute_notebook(notebook, executed, parameters, progress_bar=bar, cwd=ROOT, **kernel())
        executed.unlink()
        if keep_notebook:
            del cells.metadata["papermill"]  # it names the folder in which the files were made, which is gone
            cells.cells.insert(0, nbformat.v4.new_markdown_cell(changed, id="changes"))
            nbformat.write(cells, executed)
    printed = (output["text"] for cell in cells.cells for output in cell.get("outputs", []) if output.get("name") == "stdout")
    return "".join(printed).splitlines()


def figures(names: Iterable[str]) -> bool:
    """Make those of the named figures whose notebook, library or pictures changed since, side by side; whether all went well."""
    stale = [name for name in names if json.dumps([_made_from(name), _made(name)]) != _stamp(name)]
    if not stale:
        say("figures/ is up to date")
        return True
    return side_by_side(_make, stale)


def side_by_side(work: Callable[[str], None], names: Iterable[str]) -> bool:
    """Do `work` for each name on all cores, with a line as each ends; whether all went well."""
    names = list(names)
    try:
        check_device()
    except ValueError as refused:
        print(refused, file=sys.stderr)
        return False
    check_cache()
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
            say(f"{name}  failed: {one_line(error)}" if error else f"{name}  {job.result():.1f} s")
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
    """A worker that is told to stop cleans up and begins nothing new; Ctrl-C stays switched off where it was.

    A worker whose parent was killed stops as well, and does not wait for work for ever.
    """
    Thread(target=_end_with_parent, daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _end)


def _end(*_: object) -> None:
    _told_to_stop.set()
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    parent_process().join()
    if not _at_work.acquire(blocking=False):
        os.kill(os.getpid(), signal.SIGTERM)
        _at_work.acquire()
    os._exit(1)


def _timed(work: Callable[[str], None], name: str) -> float:
    if _told_to_stop.is_set():
        raise KeyboardInterrupt
    begin = time.perf_counter()
    with _at_work:
        work(name)
    return time.perf_counter() - begin


def _make(name: str) -> None:
    made_from = _made_from(name)  # before the run: what changes meanwhile counts as changed
    execute(notebook_of(name), {}, FIGURES, keep_notebook=False)
    with suppress(OSError):  # check_cache has said so
        STAMPS.mkdir(parents=True, exist_ok=True)
        (STAMPS / name).write_text(json.dumps([made_from, _made(name)]), encoding="utf-8")


def check_cache() -> None:
    """Say so in one line where .cache cannot be written, and have JAX do without: it only saves time in later runs."""
    rooms = [STAMPS, *([Path(os.environ[JAX_CACHE])] if os.environ.get(JAX_CACHE) else [])]
    try:
        for room in rooms:
            room.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=room) as file:
                file.write(bytes(2**16))
    except OSError as error:
        os.environ.pop(JAX_CACHE, None)
        print(f"warning: {room} cannot be written ({error.strerror}); nothing is kept that would make the next run faster", file=sys.stderr)


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
    """Take out of a notebook what a run leaves besides its outputs: versions, times, and how often the session had run before.

    Cells that were run one after the other are numbered from 1; run in any other order they keep their numbers.
    """
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for cell in cells:
        cell["metadata"].pop("execution", None)
    counts = [cell["execution_count"] for cell in cells]
    if counts and None not in counts and counts == list(range(counts[0], counts[0] + len(counts))):
        for count, cell in enumerate(cells, 1):
            cell["execution_count"] = count
    notebook["metadata"]["language_info"] = {"name": "python"}


def before_save(model: dict, **_: object) -> None:
    """What JupyterLab, started by `make lab`, does with a notebook that it saves: a run and a save leave the committed file as it was."""
    if model["type"] == "notebook":
        normalise(model["content"])


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
