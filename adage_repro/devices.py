"""Arrays that lie on several devices or processes: JAX moves what has to move, and here is what the checks and the solver must know."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from adage_repro.refusals import Refused, shown


def mesh_of(tree: Any) -> Mesh | None:
    """The mesh on which an array of the tree is sharded; None if all lie on one device, or if JAX is tracing."""
    leaves = jax.tree.leaves(tree)
    sharded = [leaf.sharding for leaf in leaves if is_sharded(leaf)]
    if not sharded or any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        return None
    if not all(isinstance(sharding, NamedSharding) for sharding in sharded):
        raise Refused(f"arrays on several devices must have a NamedSharding, got {shown(sharded[0])}")
    return sharded[0].mesh


def is_sharded(value: Any) -> bool:
    """Whether this is an array on several devices."""
    return isinstance(value, jax.Array) and not isinstance(value, jax.core.Tracer) and len(value.sharding.device_set) > 1


def on_mesh(mesh: Mesh | None, tree: Any) -> Any:
    """The sharded arrays of the tree as arrays of this mesh, which differs from theirs in how JAX treats its axes; no data moves."""

    def leaf(value):
        if not is_sharded(value) or value.sharding.mesh == mesh:
            return value
        shards = [shard.data for shard in value.addressable_shards]
        return jax.make_array_from_single_device_arrays(value.shape, NamedSharding(mesh, value.sharding.spec), shards)

    return tree if mesh is None else jax.tree.map(leaf, tree)


def automatic(tree: Any) -> Any:
    """The tree on the same mesh, on which XLA finds by itself how to divide what is computed from it; off a mesh of one device."""

    def single(value):
        one = isinstance(value, jax.Array) and not isinstance(value, jax.core.Tracer) and len(value.sharding.device_set) == 1
        return value.addressable_shards[0].data if one and isinstance(value.sharding, NamedSharding) else value

    tree, mesh = jax.tree.map(single, tree), mesh_of(tree)
    return tree if mesh is None else on_mesh(Mesh(mesh.devices, mesh.axis_names), tree)


def devices_known(mesh: Mesh | None) -> AbstractContextManager:
    """Within it, what is being traced knows its devices, see `on_several_devices`."""
    return nullcontext() if mesh is None else jax.set_mesh(mesh)


def on_several_devices() -> bool:
    """Whether what is being traced runs on several devices."""
    return not jax.sharding.get_abstract_mesh().empty


def spec_of(start: Array) -> PartitionSpec | None:
    """How a start is divided over the axes of its mesh, if it is."""
    return start.sharding.spec if is_sharded(start) else None


def divided_as(spec: PartitionSpec | None, history: Any, batch: bool) -> Any:
    """A History whose runs and agents are divided over the devices as those of its start, which has this spec."""
    if spec is None:
        return history
    axes = (*spec, None, None)
    runs, agents = (axes[:1], axes[1]) if batch else ((), axes[0])

    def divided(name):
        spec = PartitionSpec(*runs, None, *(() if name in ("leader_action", "objective") else (agents,)))
        return jax.tree.map(lambda values: jax.lax.with_sharding_constraint(values, spec), getattr(history, name))

    return replace(history, **{field.name: divided(field.name) for field in fields(history)})


def whole(tree: Any) -> Any:
    """The arrays on each of the devices in full, for work that is done in turn."""
    return jax.lax.with_sharding_constraint(tree, PartitionSpec()) if on_several_devices() else tree


def extremes(values: np.ndarray | Array) -> np.ndarray:
    """The smallest and the largest value, NaN if there is one, found on the devices where the values lie; none where there are none."""
    values = values if is_sharded(values) else np.asarray(values)
    if not values.size:
        return values
    return np.asarray(_extremes(values)) if is_sharded(values) else np.asarray([values.min(), values.max()])


@jax.jit
def _extremes(values):
    """Between devices XLA's smallest of NaN and a number may be the number, so that NaN is looked for by itself."""
    values = jnp.stack([is_nan(values).any(), values.min(), values.max()])
    return jnp.where(values[0] > 0, jnp.nan, values[1:])


def has_nan(values: np.ndarray | Array) -> bool:
    """Whether a value is NaN."""
    return bool(np.isnan(extremes(values)[0] if is_sharded(values) else values.min()))


def is_nan(values: np.ndarray | Array) -> np.ndarray | Array:
    """Which values are NaN, of NumPy's arrays, and of JAX's on the devices where they lie."""
    return values != values
