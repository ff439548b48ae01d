"""Sums and extremes with a fixed order of operations, so that the bits of a run do not depend on the batch that contains it."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

from adage_repro.devices import on_several_devices, whole

BLOCKS, IN_BLOCKS_FROM = 64, 4096


def total(values: Array) -> Array:
    """Σ over the last axis."""
    return folded(jnp.add, values)


def folded(operation: Callable[[Array, Array], Array], values: Array) -> Array:
    """The last axis reduced by halving: XLA orders the additions of `jnp.sum` by the shape of the whole batch, these by N alone. Each
    half is one loop over neighbours in memory, which a processor runs several at a time, as it cannot a chain of minima.

    On several devices many values are first reduced in blocks, each of which lies on one device, so that few numbers move.
    """
    n = values.shape[-1]
    if on_several_devices() and n >= IN_BLOCKS_FROM and n % BLOCKS == 0:
        values = whole(_halved(operation, values.reshape(*values.shape[:-1], BLOCKS, n // BLOCKS)))
    return _halved(operation, values)


def _halved(operation, values):
    while values.shape[-1] > 1:
        half = values.shape[-1] // 2
        paired = operation(values[..., :half], values[..., half : 2 * half])
        values = paired if values.shape[-1] % 2 == 0 else jnp.concatenate([paired, values[..., 2 * half :]], -1)
    return values[..., 0]
