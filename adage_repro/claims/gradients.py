"""Claims on optima, gradients and the tax at given strategies."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.claims.claim import claim, control, searched
from adage_repro.claims.game import drawn, profiles, sums_of_others
from adage_repro.claims.numbers import Number
from adage_repro.claims.programs import compiled
from adage_repro.followers import crowd_mean, own_gradient, utilities
from adage_repro.leaders import leader_gradient
from adage_repro.market import MarketEntrance
from adage_repro.measures import in_g2


def as_printed(own: Array) -> Array:
    """Nothing is added to the payoff."""
    return 0.0 * own


def convex(own: Array) -> Array:
    """Defect: 4 a_i² is added to the payoff."""
    return 4.0 * own**2


@compiled
def _stationary_and_optimal(game: MarketEntrance, others: Array, tax_rate: Array, *, added: Callable) -> tuple[Array, Array]:
    """Best gain by another own action at points of zero projected gradient, and largest projected gradient at the best points.

    The own payoff is quadratic in the own action on both sides of the tax's kink, so its stationary points are the two ends, the
    kink and a root on each side. `others` (profiles,) are the sums of the others' strategies.
    """
    n = game.n_agents

    def one(others):
        kink = others / (n - 1)  # where the own action is the mean

        def payoff(own, mean):
            return game.utility(own, mean, n, tax_rate) + added(own)

        def slope(own, mean):
            return own_gradient(game, own, mean, n, tax_rate) + jax.grad(added)(own)

        def mean_at(own):
            return (own + others) / n

        def root(low, high):  # of a slope that is a straight line between the two
            at_low, at_high = slope(low, mean_at(low)), slope(high, mean_at(high))
            flat = at_low == at_high
            return jnp.clip(low - at_low * (high - low) / jnp.where(flat, 1.0, at_high - at_low), 0, 1)

        inside = jnp.minimum(kink, 1.0)
        own = jnp.stack([0.0 * kink, 0.0 * kink + 1, inside, root(inside * 0.25, inside * 0.75), root(inside + (1 - inside) * 0.5, 1.0)])
        mean = mean_at(own).at[2].set(jnp.where(kink < 1, kink, mean_at(inside)))  # exactly on the boundary of the max
        payoffs = jax.vmap(payoff)(own, mean)
        moves = jnp.abs(jnp.clip(own + jax.vmap(slope)(own, mean), 0, 1) - own)
        grid = jnp.linspace(0, 1, 101)
        best = jnp.maximum(payoffs.max(), jax.vmap(payoff)(grid, mean_at(grid)).max())
        return jnp.where(moves <= 1e-9, best - payoffs, 0.0).max(), jnp.where(payoffs >= best - 1e-12, moves, jnp.inf).min()

    lost, moved = jax.vmap(one)(others)
    return lost.max(), moved.max()


@claim("M5", "Sect. 2.1", depends=("crowd",), must_fail={"added": convex}, searches=("capacity",))
def stationary_is_optimal(setup, added=as_printed):
    """A stationary point is an agent's global optimum, untaxed"""
    lost, _ = map(float, _stationary_and_optimal(setup.traced_game, sums_of_others(setup), 0.0, added=added))
    return Number("best gain by another own action at points of zero projected gradient, 1,000 random profiles", lost, at_most=1e-9)


@claim("M6", "Sect. 2.1, App. B", because=4, depends=("tax_units", "crowd"))
@control(must_fail={"added": convex}, holds_at={"tax_units": "literal"}, reason="a convex payoff has stationary points that are minima")
@searched("readings")
def stationary_is_optimal_with_tax(setup, added=as_printed):
    """The same with tax, and optimal points are stationary under App. B's gradient"""
    lost, moved = map(float, _stationary_and_optimal(setup.traced_game, sums_of_others(setup), setup.tax_max, added=added))
    text = f"at τ = tax_max, the others as in {drawn(setup)}: most that another own action gains where the step "
    return (
        Number(f"{text}|clip(a_i + gradient, 0, 1) - a_i| ≤ 1e-9", lost, at_most=1e-9),
        Number("largest such step at a best own action", moved, at_most=1e-9),
    )


def without_max(game: MarketEntrance, action: Array, mean: Array, n_present: Array, tax_rate: Array) -> Array:
    """Defect: Eq. 7 without its max."""
    return action * tax_rate * game.over_attendance(action, mean, n_present)


@compiled
def _tax_by_agent(game: MarketEntrance, actions: Array, tax_rate: Array, *, tax: Callable) -> tuple[Array, Array, Array]:
    """Tax and its gradient (…, N), and how far each strategy lies above the mean."""

    def profile(actions):
        n_present, mean = crowd_mean(actions, jnp.ones(actions.shape, bool))

        def paid(own, action):
            return tax(game, own, mean + (own - action) / n_present, n_present, tax_rate)

        return jax.vmap(paid)(actions, actions), jax.vmap(jax.grad(paid))(actions, actions), actions - mean

    return jax.vmap(profile)(actions)


@claim("M7", "App. B", depends=("tax_units",), must_fail={"tax": without_max}, searches=("capacity", "tax_max"))
def no_tax_below_the_mean(setup, tax=MarketEntrance.tax):
    """Agents at or below the mean pay nothing and get no tax gradient"""
    actions = profiles(setup)  # half of each profile's agents are alike, and all in one
    actions[:, ~in_g2(setup.n_agents)], actions[0] = actions[:, :1], 0.3
    paid, gradient, above = map(np.asarray, _tax_by_agent(setup.traced_game, actions, setup.tax_max, tax=tax))
    largest = np.where(above <= 0, np.maximum(np.abs(paid), np.abs(gradient)), 0.0).max()
    return Number("largest tax or tax gradient of theirs, random profiles with ties", float(largest), equal_to=0)


@claim("A27", "Eq. 7", because=1, depends=("tax_units",), also=({"tax_units": "literal"},))
@control(must_fail={"tax_units": "literal"}, reason="a penalty is more than nothing; as printed, a_i - m is never positive")
@searched("tax_units")
def over_attendance_is_taxed(setup):
    """Over-attendance is taxed"""
    paid, *_ = _tax_by_agent(setup.traced_game, profiles(setup), setup.tax_max, tax=MarketEntrance.tax)
    return Number(f"largest tax of any agent over {drawn(setup)} at τ = tax_max", float(np.max(paid)), above=0)


def above_the_mean(action: Array, mean: Array, step: float) -> tuple[Array, Array]:
    """Where the derivative is asked for, and whether it is: at agents above the mean."""
    return action, action - mean > step


def on_the_boundary(action: Array, mean: Array, step: float) -> tuple[Array, Array]:
    """Defect: at the mean itself."""
    return mean, mean == mean


@compiled
def _difference_quotients(game: MarketEntrance, actions: Array, tax_rate: Array, *, where: Callable) -> Array:
    step = 1e-5

    def profile(actions):
        n_present, mean = crowd_mean(actions, jnp.ones(actions.shape, bool))

        def error(action):
            action, asked = where(action, mean, step)

            def payoff(own):
                return game.utility(own, mean + (own - action) / n_present, n_present, tax_rate)

            forward, backward = (payoff(action + step) - payoff(action)) / step, (payoff(action) - payoff(action - step)) / step
            exact = own_gradient(game, action, mean, n_present, tax_rate)
            return jnp.where(asked, jnp.maximum(jnp.abs(forward - exact), jnp.abs(backward - exact)), 0.0)

        return jax.vmap(error)(actions).max()

    return jax.vmap(profile)(actions).max()


@claim("A16", "App. B", depends=("tax_units", "crowd"))
@control(must_fail={"where": on_the_boundary}, reason="a quotient over 1e-5 of a payoff whose curvature is below 10 errs by less than 1e-4")
@searched("capacity", "tax_max")
def derivative_of_over_attendees(setup, where=above_the_mean):
    """The derivative is defined where agents over-attend"""
    error = float(_difference_quotients(setup.traced_game, profiles(setup), setup.tax_max, where=where))
    return Number("largest difference of one-sided difference quotients to the gradient, agents above the mean", error, at_most=0.001)


@compiled
def _objective_by_rate(game: MarketEntrance, actions: Array, rates: Array) -> tuple[Array, Array]:
    """Gini and the leader's gradient (profiles, rates)."""
    present = jnp.ones(actions.shape[-1], bool)

    def point(actions, rate):
        objective = game.objective(utilities(game, actions, present, rate), present)
        return -objective / game.n_agents**2, leader_gradient(game, actions, present, rate)

    return jax.vmap(jax.vmap(point, (None, 0)), (0, None))(actions, rates)


@claim("A3", "Sect. 2.1", because=11, depends=("tax_units", "returns_shift", "crowd", "outside_payoff"), holds_at={"outside_payoff": 8.0})
@control(must_fail={"slope": np.negative}, reason="as M5; a leader that climbs the Gini coefficient instead is at its worst point")
@searched("tax_max", "outside_payoff", "readings")
def leader_stationary_is_optimal(setup, slope=np.positive):
    """A stationary point is the leader's global optimum too"""
    ginis, gradients = map(np.asarray, _objective_by_rate(setup.traced_game, profiles(setup)[:100], jnp.linspace(0, setup.tax_max, 101)))
    slopes = slope(gradients)
    crossing = (slopes[:, :-1] >= 0) & (slopes[:, 1:] <= 0)  # a local maximum between two rates: take the better of them
    inner = np.where(crossing, np.minimum(ginis[:, :-1], ginis[:, 1:]), -np.inf).max(1)
    ends = np.maximum(np.where(slopes[:, 0] <= 0, ginis[:, 0], -np.inf), np.where(slopes[:, -1] >= 0, ginis[:, -1], -np.inf))
    saved = float(np.maximum(0, np.maximum(inner, ends) - ginis.min(1)).max())
    text = (
        f"Gini at the worst stationary one of 101 rates in 0 … tax_max less the smallest, largest over the first 100 of {drawn(setup)}; "
        "stationary: ∂U_L/∂τ turns from ≥ 0 to ≤ 0 (the better rate of the two counts), or does not point inwards at an end"
    )
    return Number(text, saved, at_most=1e-9)
