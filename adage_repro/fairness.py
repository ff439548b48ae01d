"""Gini coefficient of returns and the leader's objective (Eq. 6)."""

import jax.numpy as jnp
from jax import Array, lax

from adage_repro.choices import Choice
from adage_repro.orders import along, rising, surplus
from adage_repro.parameters import check, check_value
from adage_repro.readings import RETURNS_SHIFT
from adage_repro.refusals import Refused
from adage_repro.sums import count, least, most, total

PAIRWISE_UP_TO, IN_TURN_UP_TO = 64, 16  # agents; above, sorting is faster, and up to, one other return after another
NOTHING = 1e-150  # a sum of returns up to here counts as 0: no float holds its square, which a derivative of the quotient asks for
TIE = 1e-12  # of the return largest in size, before any shift: returns closer than this are equal, so that rounding does not order them


def gini(returns: Array, present: Array | None = None, returns_shift: Choice = RETURNS_SHIFT.default) -> Array:
    """Gini coefficient of the returns (N,) of those present: ΣΣ|R_i - R_j| / (2 n² R̄), in [0, 1).

    returns_shift   `negative`: R - min(min R, 0) · `always`: R - min R · `none`: R as it is; with negative returns the number is
                    then no Gini coefficient and can lie anywhere
    0, with gradient 0, where returns are equal up to 1e-12 of the largest in size or once shifted sum to at most 1e-150. Nobody present: 0.
    ValueError: an unknown `returns_shift`.
    """
    returns, present, n_present, summed, tie = _shifted(returns, present, returns_shift)
    return _ratio(_spread(returns, present, tie), n_present * summed)


def leader_objective(
    returns: Array, present: Array | None = None, returns_shift: Choice = RETURNS_SHIFT.default, order: Array | None = None
) -> Array:
    """U_L = -½ ΣΣ |R_i - R_j| / R̄ over those present (Eq. 6), which is -n² `gini`; arguments as there.

    order   an order of the agents (N,) along which returns rise and fall a few times only, if one is known: the result is the same, in
            O(N) in place of O(N log N) where many are present
    """
    returns, present, n_present, summed, tie = _shifted(returns, present, returns_shift)
    return -_ratio(n_present * _spread(returns, present, tie, order), summed)


def _shifted(returns, present, returns_shift):
    check("returns_shift", returns_shift)
    returns = jnp.asarray(returns, float)
    present = jnp.ones(returns.shape, bool) if present is None else jnp.asarray(present, bool)
    if returns.ndim != 1 or not returns.size or present.shape != returns.shape:
        raise Refused(f"returns and present must have one shape (N,), got {returns.shape} and {present.shape}")
    check_value("returns", returns, "float", "[-1e+300, 1e+300]")
    lowest, tie = _lowest(returns, present), TIE * most(jnp.where(present, jnp.abs(returns), 0.0))
    negative, always = jnp.where(lowest < 0, lowest, 0.0), jnp.where(jnp.isfinite(lowest), lowest, 0.0)
    shift = RETURNS_SHIFT.pick(returns_shift, negative=negative, always=always, none=jnp.zeros(()))
    returns = jnp.where(present, returns - shift, 0.0)
    summed = total(returns)
    return returns, present, count(present), jnp.where(jnp.abs(summed) <= NOTHING, 0.0, summed), tie


def _lowest(returns, present):
    """The smallest return of those present, infinite if nobody is. Its gradient is the mean of those of all who have it, added up in a
    fixed order; that of `min` is added up in the order of the batch."""
    lowest = least(jnp.where(present, returns, jnp.inf))
    poorest = present & (returns == lowest)
    return lowest + total(jnp.where(poorest, returns - lowest, 0.0)) / jnp.maximum(count(poorest), 1)


def _ratio(numerator, denominator):
    """Their quotient; 0 with gradient 0 where the denominator is 0."""
    zero = denominator == 0
    return jnp.where(zero, 0.0, numerator / jnp.where(zero, 1.0, denominator))


def _spread(returns, present, tie, order=None):
    """½ ΣΣ |R_i - R_j| = Σ w_i R_i with w_i = #{R_j < R_i} - #{R_j > R_i}: piecewise linear, so w is also its gradient (0 at ties)."""
    few = returns.shape[-1] <= PAIRWISE_UP_TO
    lowest = least(jnp.where(present, returns, jnp.inf))  # the weights sum to 0: this changes rounding only
    if not few:
        returns, n_present = jnp.where(present, returns, jnp.inf), count(present)
        returns = lax.sort(returns) if order is None else along(returns, rising(lax.stop_gradient(returns), order))
        present = jnp.arange(returns.size) < n_present
    weigh = _weights_pairwise if few else _weights_sorted if order is None else _weights_walked
    return total(weigh(*lax.stop_gradient((returns, present, tie))) * jnp.where(present, returns - lowest, 0.0))


def _weights_pairwise(returns, present, tie):
    def signs(differences):
        return jnp.where(differences > tie, 1.0, jnp.where(differences < -tie, -1.0, 0.0))

    if returns.size <= IN_TURN_UP_TO:
        return jnp.where(present, sum(jnp.where(present[j], signs(returns - returns[j]), 0.0) for j in range(returns.size)), 0.0)
    return jnp.where(present[:, None] & present[None, :], signs(returns[:, None] - returns[None, :]), 0.0).sum(1)


def _weights_sorted(ordered, present, tie):
    below = jnp.searchsorted(ordered, ordered - tie)  # how many returns lie below each; it rises along the order
    above = present.sum() - jnp.searchsorted(below, jnp.arange(ordered.size), side="right")  # how many count this one as below
    return jnp.where(present, below - above, 0)


def _weights_walked(ordered, present, tie):
    return surplus(ordered, count(present), tie)
