"""A sum with a fixed order of additions, so that the bits of a run do not depend on the batch that contains it, nor on the devices."""

import jax.numpy as jnp
from jax import Array

from adage_repro.devices import whole

BLOCKS, IN_BLOCKS_FROM = 64, 4096


def total(values: Array) -> Array:
    """Σ over the last axis by halving: XLA orders the additions of `jnp.sum` by the shape of the whole batch, these by N alone.

    Many values are first summed in blocks, each of which lies on one device where agents are sharded, so that few numbers move.
    """
    n = values.shape[-1]
    if n >= IN_BLOCKS_FROM and n % BLOCKS == 0:
        return _halved(whole(_halved(values.reshape(*values.shape[:-1], BLOCKS, n // BLOCKS))))
    return _halved(values)


def _halved(values):
    while values.shape[-1] > 1:
        half = values.shape[-1] // 2
        paired = values[..., :half] + values[..., half : 2 * half]
        values = paired if values.shape[-1] % 2 == 0 else jnp.concatenate([paired, values[..., 2 * half :]], -1)
    return values[..., 0]
