"""Where output goes: the project's folders, its caches, and the name of the folder in which a rerun lands."""

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from adage_repro.parameters import PARAMETERS, differing

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "figures"
RERUNS = FIGURES / "runs"  # what git ignores
OUT_VARIABLE = "ADAGE_REPRO_OUT"
STAMPS = ROOT / ".cache" / "figures"  # what each figure was made from
JAX_CACHE = "JAX_COMPILATION_CACHE_DIR"


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def paper_record(name: str) -> dict[str, dict[str, object]]:
    """The record in figures/ of the paper's setting, with its `headline` numbers; these are empty if there is no record."""
    file = FIGURES / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"headline": {}}


def rerun_folder(name: str, parameters: Mapping[str, object]) -> Path:
    """The folder in figures/runs/ for a run: `name`, of the notebook, and every parameter that differs from its default there.

    Equal settings share a folder, however they were typed, and different settings never do.
    """
    differ = differing(parameters, {key: PARAMETERS[key].default_in(name) for key in parameters})
    return RERUNS / labelled(name, differ)


def labelled(name: str, values: Mapping[str, object]) -> str:
    """A name followed by these values, for a folder: a long label is shortened and ends in its hash."""
    label = ",".join(f"{key}={'_'.join(map(str, value if isinstance(value, list) else [value]))}" for key, value in sorted(values.items()))
    if len(label) > 120 or re.search(r"[^a-zA-Z0-9_.,=+-]", label):
        label = f"{re.sub(r'[^a-zA-Z0-9_.,=+-]', '', label)[:100]}-{hashlib.sha256(label.encode()).hexdigest()[:12]}"
    return f"{name}-{label}" if label else name


def place(folder: Path) -> str:
    """How a folder is named in a message: from the project's own root where it lies below it."""
    return str(folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder)


def check_cache() -> None:
    """Warn in one line if .cache cannot be written, and let JAX do without it: the cache only saves time in later runs."""
    rooms = [STAMPS, *([Path(os.environ[JAX_CACHE])] if os.environ.get(JAX_CACHE) else [])]
    try:
        for room in rooms:
            room.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=room) as file:
                file.write(bytes(2**16))
    except OSError as error:
        if os.environ.pop(JAX_CACHE, None) and "jax" in sys.modules:
            sys.modules["jax"].config.update("jax_compilation_cache_dir", None)
        print(f"warning: {room} cannot be written ({error.strerror}); later runs will take as long as this one", file=sys.stderr)
