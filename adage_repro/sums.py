"""Sums and extremes with a fixed order of operations, so that the bits of a run do not depend on the batch that contains it."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array, lax

from adage_repro.devices import on_several_devices, whole

BLOCKS, IN_BLOCKS_FROM = 64, 4096
AT_ONCE_UP_TO = 64  # values


def total(values: Array) -> Array:
    """Σ over the last axis."""
    return folded(jnp.add, values)


def count(mask: Array) -> Array:
    """How many are True along the last axis."""
    return mask.sum(-1, dtype=jnp.int32) if _at_once(mask) else folded(jnp.add, mask.astype(jnp.int32))


def least(values: Array) -> Array:
    """The smallest along the last axis, through which no gradient passes: that of equal values would depend on how many there are."""
    values = lax.stop_gradient(values)
    return values.min(-1) if _at_once(values) else folded(jnp.minimum, values)


def most(values: Array) -> Array:
    """The largest along the last axis, as `least`."""
    values = lax.stop_gradient(values)
    return values.max(-1) if _at_once(values) else folded(jnp.maximum, values)


def _at_once(values):
    """Whether XLA's own counts and extremes, exact in any order, are the faster ones: of few values, and of those on several devices,
    between which they move one number."""
    return values.shape[-1] <= AT_ONCE_UP_TO or on_several_devices()


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
    # Without a barrier XLA computes a half anew for each of the two that are made of it, and so reads all values several times. On several
    # devices, measured on four virtual ones, a barrier saves no time and takes memory.
    stored = (lambda values: values) if _at_once(values) else lax.optimization_barrier
    while values.shape[-1] > 1:
        half = values.shape[-1] // 2
        paired = operation(values[..., :half], values[..., half : 2 * half])
        values = stored(paired if values.shape[-1] % 2 == 0 else jnp.concatenate([paired, values[..., 2 * half :]], -1))
    return values[..., 0]
