"""Claims on the equilibrium as the paper says it in words: at the end of learning nobody gains by another own action."""

from math import inf

import jax
import jax.numpy as jnp
from jax import Array, lax

from adage_repro.claims.claim import claim, control, searched
from adage_repro.claims.fixtures import CONSTANTS
from adage_repro.claims.numbers import Number
from adage_repro.claims.policy import AT_BOTH_LRS, LONG_ALONG_N, LONG_SEARCHES
from adage_repro.claims.programs import compiled
from adage_repro.claims.setup import CHOICES
from adage_repro.fairness import gini
from adage_repro.followers import crowd_mean, utilities
from adage_repro.market import MarketEntrance
from adage_repro.measures import ratio
from adage_repro.settings import Settings
from adage_repro.steps import follower_update

FINE = 10_001  # own actions tried in [0, 1]
NOTHING = 1e-12  # a gain below is rounding
GAINS = f"largest gain of any agent by any own action in 0 … 1 ({FINE:,} and the tax's kink), the others' actions and τ held"


@compiled
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
    return taxed.over_ends(lambda actions: _gains(setup.traced_game, actions, taxed.end_rate).max())


def _fairness(game: MarketEntrance, actions: Array, rate: Array) -> Array:
    """1 - Gini of the returns of all at these actions (N,)."""
    present = jnp.ones(actions.shape, bool)
    return 1 - gini(utilities(game, actions, present, rate), present, game.returns_shift)


@compiled
def _fairness_at_rates(game: MarketEntrance, actions: Array, rates: Array) -> Array:
    """The same (rates,) at many rates, the actions held."""
    return jax.vmap(lambda rate: _fairness(game, actions, rate))(rates)


@compiled
def _fairness_of_two_rows(game: MarketEntrance, settings: Settings, actions: Array, rate: Array) -> Array:
    """The mean with that after one more step of the followers, so that a two-cycle counts with both its points."""
    present = jnp.ones(actions.shape, bool)
    after = follower_update(game, settings, actions, rate, learning=present, present=present)
    return (_fairness(game, actions, rate) + _fairness(game, after, rate)) / 2


@claim("A29", "Eq. 1", **AT_BOTH_LRS)
@control(must_fail={"follower_lr": 0.0}, reason="a thousandth of v, the payoff that an agent is sure of")
@searched("tax_max", *LONG_SEARCHES)
def no_follower_gains(setup, taxed):
    """In equilibrium no follower gains by deviating"""
    return Number(f"{GAINS}, after 400 N iterations from zeros", largest_gain(setup, taxed), at_most=0.001)


@claim("A30", "Sect. 2.1", depends=tuple(name for name in CHOICES if name != "follower_lr"))
@control(must_fail={"tax_max": 5.0}, reason="in proportion, up to a factor of 2 over two decades of α_F")
@searched("tax_max", "leader_lr", LONG_ALONG_N, "readings")
def gain_falls_with_lr(taxed_by_lr):
    """What a follower gains by deviating falls in proportion to α_F"""
    gains = {lr: largest_gain(taxed.setup, taxed) for lr, taxed in taxed_by_lr.items()}
    over_lr = [gain / lr if gain > NOTHING else 0.0 for lr, gain in gains.items()]  # of rounding noise no ratio is taken
    text = "largest over smallest, over α_F = 0.0001, 0.001, 0.01, of gain / α_F"
    return (
        Number(f"{text}, where gain is the {GAINS}, after 400 N iterations from zeros", ratio(max(over_lr), min(over_lr), inf), at_most=2),
        Number("the gain at each α_F", gains),
    )


@claim("A31", "Sect. 2.1", **AT_BOTH_LRS)
@control(must_fail={"crowd": "excluded", "leader_lr": 0.0}, reason="a thousandth of what full equality scores")
@searched("tax_max", *LONG_SEARCHES)
def leader_gains_nothing_at_once(setup, taxed):
    """In equilibrium the leader gains nothing by deviating, the followers' actions held"""
    rates = jnp.append(jnp.linspace(0, setup.tax_max, CONSTANTS.rates), taxed.end_rate)

    def gain(actions):
        values = _fairness_at_rates(setup.traced_game, actions, rates)
        return values.max() - values[-1]

    tried = f"by another τ ({CONSTANTS.rates} evenly in 0 … tax_max)"
    text = f"largest gain in fairness {tried}, all actions held, after 400 N iterations from zeros"
    return Number(text, taxed.over_ends(gain), at_most=0.001)


@claim("A32", "Sect. 2", must_fail={"tax_max": 5.0}, reason="as A31", searches=("tax_max", *LONG_SEARCHES), **AT_BOTH_LRS)
def leader_gains_nothing_once_answered(setup, taxed, constant_for_long):
    """In equilibrium the leader gains nothing by deviating, the followers' answer included"""
    settings = Settings(iterations=1, follower_lr=setup.follower_lr, order=setup.order)
    own = float(_fairness_of_two_rows(setup.traced_game, settings, taxed.trace.history.actions[-1], taxed.end_rate))
    gains = constant_for_long.fairness.mean(-1) - own
    text = f"fairness after 400 N iterations from zeros, mean of the last two rows, with the best of {CONSTANTS.rates} constant rates"
    return (
        Number(f"{text} evenly in 0 … tax_max, held in all rows, less that with the learnt rate", float(gains.max()), at_most=0.001),
        Number("with no tax less that with the learnt rate", float(gains[0])),
    )
