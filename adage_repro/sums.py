"""A sum with a fixed order of additions, so that the bits of a run do not depend on the batch that contains it."""

import jax.numpy as jnp
from jax import Array


def total(values: Array) -> Array:
    """Σ over the last axis by halving: XLA orders the additions of `jnp.sum` by the shape of the whole batch, these by N alone."""
    while values.shape[-1] > 1:
        half = values.shape[-1] // 2
        paired = values[..., :half] + values[..., half : 2 * half]
        values = paired if values.shape[-1] % 2 == 0 else jnp.concatenate([paired, values[..., 2 * half :]], -1)
    return values[..., 0]
