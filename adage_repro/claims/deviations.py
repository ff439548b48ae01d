"""Claims on the equilibrium as the paper says it in words: at the end of learning nobody gains by another own action."""

import jax
import jax.numpy as jnp
from jax import Array, lax

from adage_repro.adage import crowd_mean, utilities
from adage_repro.claims.claim import Number, claim
from adage_repro.claims.policy import AT_BOTH_LRS, SEARCHES
from adage_repro.fairness import gini
from adage_repro.market import MarketEntrance

FINE = 10_001  # own actions tried in [0, 1]
GAINS = f"largest gain of any agent by any own action in 0 … 1 ({FINE:,} and the tax's kink), the others' actions and τ held"


@jax.jit
def _gains(game: MarketEntrance, actions: Array, rate: Array) -> Array:
    """How much each agent (N,) can gain by another own action, in payoff after tax."""
    n_present, mean = crowd_mean(actions, jnp.ones(actions.shape, bool))

    def gain(own):
        others = (n_present * mean - own) / (n_present - 1)  # their mean: own actions above it are taxed
        tried = jnp.append(jnp.linspace(0, 1, FINE), others)
        payoffs = jax.vmap(lambda other: game.utility(other, mean + (other - own) / n_present, n_present, rate))(tried)
        return jnp.maximum(payoffs.max() - game.utility(own, mean, n_present, rate), 0.0)

    return lax.map(gain, actions)


def largest_gain(setup, taxed) -> float:
    """Of any agent at the end of a run."""
    return float(_gains(setup.traced_game, taxed.actions, taxed.trace.tax_rate[0]).max())


@jax.jit
def _fairness(game: MarketEntrance, actions: Array, rates: Array) -> Array:
    """1 - Gini (rates,) of the returns of all at these actions (N,)."""
    present = jnp.ones(actions.shape, bool)
    return jax.vmap(lambda rate: 1 - gini(utilities(game, actions, present, rate), present, game.returns_shift))(rates)


@claim(
    "A29",
    "Eq. 1",
    must_fail={"follower_lr": 0.0},
    reason="a thousandth of v, the payoff that an agent is sure of",
    searches=("tax_max", *SEARCHES),
    **AT_BOTH_LRS,
)
def no_follower_gains(setup, taxed):
    """In equilibrium no follower gains by deviating"""
    return Number(f"{GAINS}, after 400 N iterations from zeros", largest_gain(setup, taxed), at_most=0.001)
