"""Where output goes, and how it gets there whole: written aside, then renamed."""

import hashlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "figures"
RERUNS = FIGURES / "runs"  # what git ignores
OUT_VARIABLE = "ADAGE_REPRO_OUT"


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A folder in or beside `out` whose files replace those in `out` when the block ends well.

    After an error or an interrupt nothing has changed.
    """
    beside = next(folder for folder in (out, *out.parents) if folder.is_dir())
    folder = Path(tempfile.mkdtemp(prefix=".staging-", dir=beside))
    try:
        yield folder
        held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            out.mkdir(parents=True, exist_ok=True)
            for file in sorted(folder.iterdir()):
                os.replace(file, out / file.name)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
    finally:
        shutil.rmtree(folder)
