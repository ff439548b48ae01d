"""Frozen dataclasses that JAX can trace: games, settings and histories."""

import numbers
from dataclasses import dataclass, fields
from typing import dataclass_transform, get_type_hints

import jax

from adage_repro.choices import Choice


@dataclass_transform(frozen_default=True)
def model(cls: type) -> type:
    """Make `cls` a frozen dataclass that JAX can trace.

    Fields annotated `int`, `str` or `bool` are sizes and choices: another value compiles anew. All others are traced numbers:
    a sweep over them compiles once. Where the annotation is `float`, whole numbers and NumPy's are taken as floats; where it is
    `Choice`, a word is a choice and a `Place` is traced.
    """
    cls = dataclass(frozen=True, eq=False)(cls)
    hints = get_type_hints(cls)
    names = [field.name for field in fields(cls)]

    def is_static(self, name):
        return hints[name] in (int, str, bool) or (hints[name] == Choice and isinstance(getattr(self, name), str))

    def leaf(self, name):
        value = getattr(self, name)
        return float(value) if hints[name] in (float, float | None) and isinstance(value, numbers.Real) else value

    def flatten(self):
        static = {name: getattr(self, name) for name in names if is_static(self, name)}
        traced = tuple(name for name in names if name not in static)
        return [leaf(self, name) for name in traced], (traced, tuple(static.items()))

    def unflatten(structure, values):
        traced, static = structure
        self = object.__new__(cls)  # JAX fills it with tracers: nothing to check
        store(self, **dict(zip(traced, values, strict=True)), **dict(static))
        return self

    jax.tree_util.register_pytree_node(cls, flatten, unflatten)
    return cls


def store(self: object, **values: object) -> None:
    """Set fields of a frozen dataclass while it is being made."""
    for name, value in values.items():
        object.__setattr__(self, name, value)
