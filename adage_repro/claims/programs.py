"""Functions of pytrees, compiled once and kept beside JAX's compilation cache: a later process neither traces nor compiles them again."""

import fcntl
import hashlib
import os
import pickle
import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import jax
import jaxlib
import numpy as np
from jax.experimental.serialize_executable import deserialize_and_load, serialize

from adage_repro.folders import ROOT

# Compiled in two thirds of the time, to the same bits and as fast a program.
QUICKLY = {"xla_backend_optimization_level": 1, "xla_cpu_use_fusion_emitters": False}


def compiled(function: Callable) -> Callable:
    """`function`, of a module, compiled for each structure and shape of its arguments, pytrees of numbers and arrays, as by jax.jit.

    What it is given by name is fixed as it is compiled: a function of a module, or a value that can be hashed and whose repr says all of
    it. It must give built-in containers of arrays, and not be called while JAX traces another. A kept program is one of the same
    sources, versions and machine; one that cannot be read is made again. Of processes that want the same program one makes it, and the
    others wait for it.
    """
    return partial(_called, function)


def _called(function, *arguments, **fixed):
    leaves, structure = jax.tree.flatten(arguments)
    shapes = tuple((np.shape(leaf), (leaf.dtype if hasattr(leaf, "dtype") else np.result_type(leaf)).str) for leaf in leaves)
    return _program(function, tuple(fixed.items()), structure, shapes)(*leaves)


@cache
def _program(function: Callable, fixed: tuple[tuple[str, Any], ...], structure: Any, shapes: tuple[tuple, ...]) -> Callable:
    """What takes the leaves."""
    folder = jax.config.jax_compilation_cache_dir
    file = Path(folder, "programs", _key(function, fixed, structure, shapes)) if folder else None
    with _in_turn(file):
        try:
            return deserialize_and_load(*pickle.loads(file.read_bytes()))
        except Exception:  # none is there, or it is of no use: what a file may hold instead cannot be foreseen
            leaves = [jax.ShapeDtypeStruct(*shape) for shape in shapes]

            def whole(*leaves):
                return function(*jax.tree.unflatten(structure, leaves), **dict(fixed))

            whole.__name__ = f"of_{uuid4().hex}"  # which is not in JAX's own cache: what is loaded from there cannot be kept again
            program = jax.jit(whole).lower(*leaves).compile(compiler_options=QUICKLY)
            if file:
                _keep(file, program)
            return program


def _key(function, fixed, structure, shapes):
    made_by = (_sources(), jax.__version__, jaxlib.__version__, os.environ.get("XLA_FLAGS"), platform.machine(), platform.node())
    names = [_name(function), *((name, _name(value)) for name, value in fixed)]
    return hashlib.sha256(repr((made_by, names, structure, shapes)).encode()).hexdigest()


def _name(value):
    return f"{value.__module__}.{value.__qualname__}" if hasattr(value, "__qualname__") else repr(value)


@cache
def _sources() -> str:
    """A digest of all of the library's code."""
    found = hashlib.sha256()
    for file in sorted((ROOT / "adage_repro").rglob("*.py")):
        found.update(file.read_bytes())
    return found.hexdigest()


@contextmanager
def _in_turn(file: Path | None) -> Iterator[None]:
    """One process after another; all at once, which only costs time, where nothing is kept or nothing can be locked."""
    with ExitStack() as held:
        if file:
            with suppress(OSError):
                file.parent.mkdir(parents=True, exist_ok=True)
                fcntl.flock(held.enter_context(file.with_suffix(".lock").open("a")), fcntl.LOCK_EX)
        yield


def _keep(file: Path, program: jax.stages.Compiled) -> None:
    """Whole or not at all; what cannot be kept, as on a full disk, only costs time."""
    aside = file.with_suffix(f".{os.getpid()}")
    try:
        aside.write_bytes(pickle.dumps(serialize(program)))
        aside.replace(file)
    except (OSError, ValueError, NotImplementedError):
        aside.unlink(missing_ok=True)
