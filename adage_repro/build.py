"""Makes the figures whose notebook, library or pictures have changed since they were last made."""

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress

from adage_repro import notebooks
from adage_repro.folders import FIGURES, ROOT, STAMPS, digest, place
from adage_repro.refusals import Refused
from adage_repro.staging import check_writable
from adage_repro.terminal import say
from adage_repro.workers import side_by_side


def figures(names: Iterable[str]) -> bool:
    """Make, in parallel, those of the named figures that have changed since they were last made; whether all went well."""
    stale = [name for name in names if json.dumps([made_from(name), _made(name)]) != _stamp(name)]
    if not stale:
        say("figures/ is up to date")
        return True
    check_figures()
    return side_by_side(_make, stale)


def check_figures() -> None:
    """Refused if figures/ cannot be written: before anything is computed that would be lost."""
    try:
        check_writable(FIGURES)
    except OSError as error:
        raise Refused(f"{place(FIGURES)} must be a folder that can be written, but it is not ({error.strerror})") from None


def _make(name: str) -> None:
    source = made_from(name)  # before the run: what changes meanwhile counts as changed
    notebooks.execute(notebooks.notebook_of(name), {}, FIGURES, keep_notebook=False, warm=True)
    with suppress(OSError):  # `check_cache` has said so
        STAMPS.mkdir(parents=True, exist_ok=True)
        (STAMPS / name).write_text(json.dumps([source, _made(name)]), encoding="utf-8")


def made_from(name: str) -> str:
    """One hash of the notebook's text, the measurements that it shows, the library and the lock."""
    library = sorted([*(ROOT / "adage_repro").glob("*.py"), *(ROOT / "adage_repro" / "games").glob("*.py")])  # none is made from claims/
    cells = notebooks.sources(notebooks.notebook_of(name))
    measured = [file for file in sorted((ROOT / "benchmarks").glob("*.csv")) if any(file.name in cell for cell in cells)]
    texts = [digest(file) for file in [*library, *measured, ROOT / "requirements.lock"]] + cells
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def _made(name: str) -> dict[str, str]:
    """The hash of each file of the figure."""
    return {file.name: digest(file) for file in sorted(FIGURES.glob(f"{name}*")) if file.is_file()}


def _stamp(name: str) -> str | None:
    file = STAMPS / name
    return file.read_text(encoding="utf-8") if file.exists() else None
