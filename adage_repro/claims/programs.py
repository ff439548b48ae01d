"""Compiled programs that are kept beside JAX's compilation cache, so that a second run need not trace and lower them again."""

import hashlib
import os
import pickle
import platform
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jaxlib
from jax.experimental import serialize_executable

from adage_repro.folders import ROOT


@cache
def compiled(way: Callable, structure: Any, shapes: tuple[tuple, ...]) -> Callable:
    """The program of `way`, a function of what `structure` makes of leaves that have these shapes and types; it takes the leaves.

    `way` gives built-in containers of arrays. A kept program is one of the same sources, versions and machine; one that cannot be read
    is made again.
    """
    folder = jax.config.jax_compilation_cache_dir
    file = Path(folder, "programs", _key(way, structure, shapes)) if folder else None
    try:
        return serialize_executable.deserialize_and_load(*pickle.loads(file.read_bytes())) if file else _made(way, structure, shapes)
    except Exception:  # none is there, or it is of no use: what a file may hold instead is not ours to foresee
        program = _made(way, structure, shapes)
    _keep(file, pickle.dumps(serialize_executable.serialize(program)))
    return program


def _made(way, structure, shapes):
    leaves = [jax.ShapeDtypeStruct(*shape) for shape in shapes]
    return jax.jit(lambda *leaves: way(*jax.tree.unflatten(structure, leaves))).lower(*leaves).compile()


def _key(way, structure, shapes):
    said = (jax.__version__, jaxlib.__version__, os.environ.get("XLA_FLAGS"), platform.platform(), platform.processor(), os.cpu_count())
    return hashlib.sha256(repr((_sources(), said, way, structure, shapes)).encode()).hexdigest()


@cache
def _sources() -> str:
    """A digest of all of the library's code."""
    found = hashlib.sha256()
    for file in sorted((ROOT / "adage_repro").rglob("*.py")):
        found.update(file.read_bytes())
    return found.hexdigest()


def _keep(file: Path, program: bytes) -> None:
    """Whole or not at all; a disk that is full only costs time."""
    aside = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(program)
        aside.replace(file)
    except OSError:
        aside.unlink(missing_ok=True)
