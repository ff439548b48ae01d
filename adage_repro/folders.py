"""Where output goes: the project's folders, and the name of the folder in which a rerun lands."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from adage_repro.parameters import differing

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "figures"
RERUNS = FIGURES / "runs"  # what git ignores
OUT_VARIABLE = "ADAGE_REPRO_OUT"


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def paper_record(name: str) -> dict[str, dict[str, object]]:
    """What figures/ records of the paper's setting: `parameters`, `headline` and the rest; both empty for a figure that is not there."""
    file = FIGURES / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"parameters": {}, "headline": {}}


def rerun_folder(name: str, parameters: Mapping[str, object]) -> Path:
    """The folder in figures/runs/ for a run: `name` and every parameter that differs from the paper's setting.

    Equal settings share a folder, however they were typed, and different ones never do: a long label is cut and ends in its hash.
    """
    differ = differing(parameters, paper_record(name)["parameters"])
    label = ",".join(f"{key}={'_'.join(map(str, value if isinstance(value, list) else [value]))}" for key, value in sorted(differ.items()))
    if len(label) > 120 or re.search(r"[^a-zA-Z0-9_.,=+-]", label):
        label = f"{re.sub(r'[^a-zA-Z0-9_.,=+-]', '', label)[:100]}-{hashlib.sha256(label.encode()).hexdigest()[:12]}"
    return RERUNS / (f"{name}-{label}" if label else name)


def place(folder: Path) -> str:
    """How a folder is named in a message: from the project's own root where it lies below it."""
    return str(folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder)
