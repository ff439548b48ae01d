"""Orders in time linear in the agents, where the last order is nearly the next: natural merges and pointers; many in no order are sorted.

Agents who climb by one rule at once keep the order of their actions, and along it their returns rise and fall a few times only. These
loops over agents suit a processor, which compiles them as loops; elsewhere, and in batches, `fairness` sorts.
"""

from functools import partial

import jax.numpy as jnp
from jax import Array, lax
from jax.custom_batching import sequential_vmap

from adage_repro.sums import count, least, most

SORTED_FROM, TURNS = 30_000, 16  # from so many values on, those that turn more often than this along an order are sorted
_at = partial(lax.dynamic_index_in_dim, keepdims=False, allow_negative_indices=False)
_put = partial(lax.dynamic_update_index_in_dim, axis=0, allow_negative_indices=False)


def along(values: Array, order: Array) -> Array:
    """The values (N,) in this order of their places."""
    return values.at[order].get(mode="promise_in_bounds")


def rising(values: Array, order: Array) -> Array:
    """The places (N,) of the values in rising order, found from an `order` of all places: the closer the better, and right from any.

    A natural two-way merge (Knuth, The Art of Computer Programming 3, Algorithm 5.2.4N): no pass if the values rise along the order, one
    if they rise and then fall, log2 N at most. Many values that rise and fall often are sorted first, and what such a sort cannot tell
    apart is merged. NaN counts as infinite.
    """
    return _rising(lax.stop_gradient(jnp.where(jnp.isnan(values), jnp.inf, values)), order)


@sequential_vmap
def _rising(values, order):
    falls = _falls(values, order)
    broken = falls.any()
    if order.size >= SORTED_FROM:
        often = count(falls[1:] != falls[:-1]) > TURNS
        order, broken = lax.cond(often, lambda: _nearly_sorted(values), lambda: (order, broken))
    return lax.while_loop(lambda state: state[1] > 1, lambda state: _merged(along(values, state[0]), state[0]), (order, 1 + broken))[0]


def _falls(values: Array, order: Array) -> Array:
    """Which values (N - 1,) are followed by a smaller one along the order."""
    ordered = along(values, order)
    return ordered[1:] < ordered[:-1]


def _nearly_sorted(values: Array) -> tuple[Array, Array]:
    """The places of the values in rising order, but for those closer than about N / 2⁶¹ of the range of all finite ones, which are in the
    order of their places; and whether any of them falls. Where the range is no float, or no normal one, all are in no order.

    The upper bits of a whole number hold a value, in steps of that size, and its lower bits the place. To sort such numbers takes XLA
    a fifth of the time of sorting values together with their places.
    """
    bits, finite = (values.size - 1).bit_length(), jnp.isfinite(values)
    steps, places = 2 ** (61 - bits), jnp.arange(values.size)
    lowest, highest = least(values), most(jnp.where(finite, values, -jnp.inf))
    heights = (values - lowest) * (steps / jnp.where(highest > lowest, highest - lowest, 1.0))
    keys = jnp.where(finite, heights, steps + 1).astype(int)
    order = (lax.sort(keys << bits | places, is_stable=False) & 2**bits - 1).astype(jnp.int32)
    return order, _falls(values, order).any()


def _merged(values: Array, order: Array) -> tuple[Array, Array]:
    """The order after one pass, and how many runs are left: rising runs from the left end and rising runs from the right end, read
    leftwards, are merged, and written from the left and from the right in turn."""

    def write(step, state):
        merged, left, written, rightwards, last, runs = state
        right, room = order.size - 1 - (step - left), order.size - 1 - (step - written)  # the places at the right end
        low, high = _at(values, left), _at(values, right)
        ended = (low < last) & (high < last)
        rightwards, last = rightwards ^ ended, jnp.where(ended, -jnp.inf, last)
        take = (low >= last) & ((low <= high) | (high < last))
        place, agent = jnp.where(rightwards, written, room), jnp.where(take, left, right)
        merged = _put(merged, _at(order, agent), place)
        return merged, left + take, written + rightwards, rightwards, jnp.where(take, low, high), runs + ended

    zero = jnp.zeros((), order.dtype)
    state = lax.fori_loop(zero, zero + order.size, write, (order, zero, zero, jnp.array(True), -jnp.inf, jnp.ones((), int)))
    return state[0], state[-1]


@sequential_vmap
def surplus(values: Array, n_present: Array, tie: Array) -> Array:
    """How many of the first `n_present` of the rising `values` lie below each by more than `tie`, less how many lie above it (N,)."""

    def passed(state):
        found, lowest, above = state
        return _put(found, _at(found, lowest) - above, lowest), lowest + 1, above

    def step(place, state):
        value, above = _at(values, place), (n_present - place).astype(float)  # it and all that follow lie above those it passes
        found, lowest, _ = lax.while_loop(lambda state: _at(values, state[1]) < value - tie, passed, (*state, above))
        return _put(found, lowest.astype(float), place), lowest

    zero = jnp.zeros((), jnp.int32)
    return lax.fori_loop(zero, n_present.astype(jnp.int32), step, (jnp.zeros(values.size), zero))[0]
