"""Frozen dataclasses that JAX can trace: games, settings and histories."""

import numbers
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Annotated, Any, dataclass_transform, get_args, get_type_hints

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.choices import Choice
from adage_repro.devices import is_sharded

Shared = Annotated[Array, "shared"]
"""Annotation of an array field that each agent sees whole, even where its leading axis is as long as there are agents."""

Static = Annotated[Any, "static"]
"""Annotation of a field of any hashable kind that is fixed when a program is compiled, such as an optimiser."""


@dataclass_transform(frozen_default=True)
def model(cls: type) -> type:
    """Make `cls` a frozen dataclass that JAX can trace.

    Fields annotated `int`, `str` or `bool` are sizes and choices: another value compiles anew. All others are traced numbers:
    a sweep over them compiles once. Where the annotation is `float`, whole numbers and NumPy's are taken as floats; where it is
    `Array` or `Shared`, a list of numbers is an array; where it is `Choice`, a word is a choice and a `Place` is traced. Functions,
    and whatever is annotated `Static`, are compiled anew for each.
    """
    cls = dataclass(frozen=True, eq=False)(cls)
    hints = get_type_hints(cls, include_extras=True)
    names = [field.name for field in fields(cls)]
    cls._shared_fields = frozenset(name for name in names if hints[name] == Shared)

    always_static = frozenset(name for name in names if hints[name] in (int, str, bool, Static))
    kinds = {name: get_args(hints[name]) or (hints[name],) for name in names}

    def is_static(value, name):
        return name in always_static or (hints[name] == Choice and isinstance(value, str)) or _is_function(value)

    def leaf(value, name):
        if Array in kinds[name]:
            return np.asarray(value, float) if isinstance(value, list | tuple) and np.asarray(value).dtype.kind in "fiu" else value
        return float(value) if float in kinds[name] and isinstance(value, numbers.Real) else value

    def flatten(self):
        values = {name: getattr(self, name) for name in names}
        static = {name: value for name, value in values.items() if is_static(value, name)}
        traced = tuple(name for name in names if name not in static)
        return [leaf(values[name], name) for name in traced], (traced, tuple(static.items()))

    def unflatten(structure, values):
        traced, static = structure
        self = object.__new__(cls)  # JAX fills it with tracers: nothing to check
        store(self, **dict(zip(traced, values, strict=True)), **dict(static))
        return self

    jax.tree_util.register_pytree_node(cls, flatten, unflatten)
    return cls


def _is_function(value: Any) -> bool:
    return callable(value) and jax.tree_util.all_leaves([value])


def store(self: object, **values: object) -> None:
    """Set fields of a frozen dataclass while it is being made."""
    for name, value in values.items():
        object.__setattr__(self, name, value)


def shared_leaves(value: Any) -> list[tuple[str, bool]]:
    """For each leaf of a pytree the name of its field and whether a model annotates that field `Shared`."""
    if not hasattr(type(value), "_shared_fields"):
        return [("a leaf", False)] * len(jax.tree.leaves(value))
    children, (names, _) = jax.tree_util.default_registry.flatten_one_level(value)
    found = []
    for name, child in zip(names, children, strict=True):
        found += [(name, name in value._shared_fields or shared) for _, shared in shared_leaves(child)]
    return found


def arrays(tree: Any) -> Any:
    """A pytree of numbers and arrays as one of arrays, JAX's as they are."""
    return jax.tree.map(lambda leaf: leaf if isinstance(leaf, jax.Array) else np.asarray(leaf), tree)


def by_structure(values: Iterable[Any]) -> list[tuple[list[int], Any]]:
    """Values that differ by numbers alone, stacked: for each tree structure and shape the places of its values among all, and one
    value whose leaves have one more axis in front, along those places."""
    groups = defaultdict(list)
    for place, value in enumerate(values):
        leaves, structure = jax.tree.flatten(value)
        kinds = tuple((np.shape(leaf), leaf.sharding if is_sharded(leaf) else None) for leaf in leaves)
        groups[structure, kinds].append((place, leaves))
    stacked = []
    for (structure, _), members in groups.items():
        places, leaves = zip(*members, strict=True)
        columns = [(jnp if is_sharded(column[0]) else np).stack(column) for column in zip(*leaves, strict=True)]
        stacked.append((list(places), structure.unflatten(columns)))
    return stacked
