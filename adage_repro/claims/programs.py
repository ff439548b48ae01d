"""Programs that are kept as JAX lowered them, beside its compilation cache, so that a second run need not trace and lower them again."""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jax
from jax import export

from adage_repro.folders import ROOT


@cache
def compiled(way: Callable, structure: Any, shapes: tuple[tuple, ...]) -> Callable:
    """The program of `way`, a function of what `structure` makes of leaves that have these shapes and types; it takes the leaves.

    `way` gives built-in containers of arrays. A kept program is one of the same sources and version; one that cannot be read is made
    again.
    """
    leaves = [jax.ShapeDtypeStruct(*shape) for shape in shapes]
    folder = jax.config.jax_compilation_cache_dir
    file = Path(folder, "lowered", _key(way, structure, shapes)) if folder else None
    try:
        program = export.deserialize(bytearray(file.read_bytes()))
    except Exception:  # none is there, or it is of no use: what a file may hold instead cannot be foreseen
        program = export.export(jax.jit(lambda *leaves: way(*jax.tree.unflatten(structure, leaves))))(*leaves)
        if file:
            _keep(file, program)
    return jax.jit(program.call).lower(*leaves).compile()


def _key(way, structure, shapes):
    return hashlib.sha256(repr((_sources(), jax.__version__, way, structure, shapes)).encode()).hexdigest()


@cache
def _sources() -> str:
    """A digest of all of the library's code."""
    found = hashlib.sha256()
    for file in sorted((ROOT / "adage_repro").rglob("*.py")):
        found.update(file.read_bytes())
    return found.hexdigest()


def _keep(file: Path, program: export.Exported) -> None:
    """Whole or not at all; a disk that is full, or flatbuffers that are not installed, only cost time."""
    aside = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(program.serialize())
        aside.replace(file)
    except (OSError, ImportError):
        aside.unlink(missing_ok=True)
