"""Measurements of gradients, optima and the tax at given strategies: each takes a setup and gives a few numbers."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.adage import crowd_mean, follower_gradients, leader_gradient, own_gradient, utilities
from adage_repro.experiments import departure_from_line, follower_update_on_grid, in_g2, r_squared
from adage_repro.fairness import gini, leader_objective
from adage_repro.report.any_market import AnyMarket
from adage_repro.report.crossing import Setup
from adage_repro.report.measures_game import profiles


@jax.jit
def _stationary_and_optimal(game: AnyMarket, others: Array, tax_rate: Array, bend: Array) -> tuple[Array, Array]:
    n = game.n_agents

    def one(others):
        kink = others / (n - 1)  # where the own action is the mean

        def payoff(own, mean):
            return game.utility(own, mean, n, tax_rate) + bend * own**2

        def slope(own, mean):
            return own_gradient(game, own, mean, n, tax_rate) + 2 * bend * own

        def mean_at(own):
            return (own + others) / n

        def root(low, high):  # of a slope that is a straight line between the two
            at_low, at_high = slope(low, mean_at(low)), slope(high, mean_at(high))
            flat = at_low == at_high
            return jnp.clip(low - at_low * (high - low) / jnp.where(flat, 1.0, at_high - at_low), 0, 1)

        inside = jnp.minimum(kink, 1.0)
        own = jnp.stack([0.0 * kink, 0.0 * kink + 1, inside, root(inside * 0.25, inside * 0.75), root(inside + (1 - inside) * 0.5, 1.0)])
        mean = mean_at(own).at[2].set(jnp.where(kink < 1, kink, mean_at(inside)))  # exactly on the boundary of the max
        gains = jax.vmap(payoff)(own, mean)
        slopes = jax.vmap(slope)(own, mean)
        moves = jnp.abs(jnp.clip(own + slopes, 0, 1) - own)
        grid = jnp.linspace(0, 1, 101)
        best = jnp.maximum(gains.max(), jax.vmap(payoff)(grid, mean_at(grid)).max())
        stationary = moves <= 1e-9
        return jnp.where(stationary, best - gains, 0.0).max(), jnp.where(gains >= best - 1e-12, moves, jnp.inf).min()

    lost, moved = jax.vmap(one)(others)
    return lost.max(), moved.max()


def stationary_and_optimal(setup: Setup, taxed: bool) -> tuple[float, ...]:
    """Best gain at points of zero projected gradient; with tax also the largest projected gradient at the best points.

    The own payoff is quadratic in the own action on both sides of the tax's kink, so its stationary points are the two ends, the
    kink and a root on each side. Control `convex`: 4 a_i² is added to the payoff.
    """
    others = profiles(setup)[:, 1:].sum(-1)
    lost, moved = _stationary_and_optimal(setup.any_market, others, setup.tax_max * taxed, 4.0 * (setup.control == "convex"))
    return (float(lost), float(moved)) if taxed else (float(lost),)


@jax.jit
def _tax_by_agent(game: AnyMarket, actions: Array, tax_rate: Array, no_max: Array) -> tuple[Array, Array, Array]:
    n_present, mean = crowd_mean(actions, jnp.ones(actions.shape, bool))

    def tax(own, action):
        moved = mean + (own - action) / n_present
        printed = own * tax_rate * game.over_attendance(own, moved, n_present)
        return jnp.where(no_max, printed, game.tax(own, moved, n_present, tax_rate))

    return jax.vmap(tax)(actions, actions), jax.vmap(jax.grad(tax))(actions, actions), actions - mean


def tax_below_mean(setup: Setup) -> tuple[float]:
    """Largest tax and tax gradient, in size, of agents at or below the mean; half of each profile's agents are alike, and all in one."""
    actions = profiles(setup)
    actions = jnp.where(in_g2(setup.n_agents), actions, actions[:, :1]).at[0].set(0.3)
    no_max = setup.control == "no max"
    tax, gradient, above = jax.vmap(lambda row: _tax_by_agent(setup.any_market, row, setup.tax_max, no_max))(actions)
    return (float(jnp.where(above <= 0, jnp.maximum(jnp.abs(tax), jnp.abs(gradient)), 0.0).max()),)


def largest_tax(setup: Setup) -> tuple[float]:
    """Largest tax of any agent over random profiles, at τ = tax_max."""
    return (float(jax.vmap(lambda row: _tax_by_agent(setup.any_market, row, setup.tax_max, False)[0])(profiles(setup)).max()),)


@jax.jit
def _difference_quotients(game: AnyMarket, actions: Array, tax_rate: Array, at_boundary: Array) -> Array:
    n_present, mean = crowd_mean(actions, jnp.ones(actions.shape, bool))
    step = 1e-5

    def error(action):
        action = jnp.where(at_boundary, mean, action)

        def payoff(own):
            return game.utility(own, mean + (own - action) / n_present, n_present, tax_rate)

        forward, backward = (payoff(action + step) - payoff(action)) / step, (payoff(action) - payoff(action - step)) / step
        exact = own_gradient(game, action, mean, n_present, tax_rate)
        return jnp.maximum(jnp.abs(forward - exact), jnp.abs(backward - exact)), action - mean

    errors, above = jax.vmap(error)(actions)
    return jnp.where((above > step) | at_boundary, errors, 0.0).max()


def gradient_of_over_attendees(setup: Setup) -> tuple[float]:
    """Largest difference of one-sided difference quotients to the gradient, over agents above the mean (control `boundary`: at it)."""
    control = setup.control == "boundary"
    return (float(jax.vmap(lambda row: _difference_quotients(setup.any_market, row, setup.tax_max, control))(profiles(setup)).max()),)


@jax.jit
def _objective_by_rate(game: AnyMarket, actions: Array, rates: Array) -> tuple[Array, Array]:
    present = jnp.ones(actions.shape, bool)
    values = jax.vmap(lambda rate: game.objective(utilities(game, actions, present, rate), present))(rates)
    slopes = jax.vmap(lambda rate: leader_gradient(game, actions, present, rate))(rates)
    return -values / game.n_agents**2, slopes


def leader_stationary(setup: Setup) -> tuple[float]:
    """Largest Gini that the leader could still save where its projected gradient is zero, on 101 tax rates, 100 random profiles.

    Control `turned`: the points where the gradient of the Gini coefficient itself is zero.
    """
    rates = jnp.linspace(0, setup.tax_max, 101)
    ginis, slopes = (np.asarray(x) for x in jax.vmap(lambda row: _objective_by_rate(setup.any_market, row, rates))(profiles(setup)[:100]))
    slopes = -slopes if setup.control == "turned" else slopes
    crossing = (slopes[:, :-1] >= 0) & (slopes[:, 1:] <= 0)  # a local maximum between two rates: take the better of them
    inner = np.where(crossing, np.minimum(ginis[:, :-1], ginis[:, 1:]), -np.inf).max(1)
    ends = np.maximum(np.where(slopes[:, 0] <= 0, ginis[:, 0], -np.inf), np.where(slopes[:, -1] >= 0, ginis[:, -1], -np.inf))
    return (float(np.maximum(0, np.maximum(inner, ends) - ginis.min(1)).max()),)


def objective_against_gini(setup: Setup) -> tuple[float, float]:
    """Largest difference of Eq. 6 to minus the Gini coefficient over random returns, and the smallest ratio of the two.

    Control `plain`: the negative Gini coefficient in place of Eq. 6.
    """
    returns, shift = profiles(setup), setup.returns_shift
    negative = -jax.vmap(lambda row: gini(row, returns_shift=shift))(returns)
    printed = jax.vmap(lambda row: leader_objective(row, returns_shift=shift))(returns) if setup.control != "plain" else negative
    return float(jnp.abs(printed - negative).max()), float((printed / negative).min())


def leader_line(setup: Setup) -> tuple[float]:
    """R² of a straight line of the leader's update on Gini, on Fig. 6a's grid; 1 where the update is constant."""
    first, second = (grid.reshape(-1, 1) for grid in np.meshgrid(np.arange(51) * 0.02, np.arange(5) * 0.25, indexing="ij"))
    actions = jnp.where(in_g2(setup.n_agents), second, first)
    by_rate = jax.vmap(lambda row: _objective_by_rate(setup.any_market, row, jnp.zeros(1)))(actions)
    inequality, update = (np.asarray(values)[:, 0] for values in by_rate)
    if setup.control == "minus gini":
        update = -inequality
    return (r_squared(inequality, update) if np.ptp(update) > 0 and np.ptp(inequality) > 0 else 1.0,)


def follower_line(setup: Setup, taxed: bool) -> tuple[float]:
    """Largest departure of the follower's update from a line in the others' attendance over its range (Figs. 6b, 6c)."""
    rate = setup.tax_max * (taxed or setup.control == "taxed")
    others, far = jnp.linspace(0, 1, 51), []
    for own in (0.0, 0.25, 0.5, 0.75, 1.0):
        update = follower_update_on_grid(setup.any_market, jnp.full(others.shape, own), others, jnp.asarray(rate))
        far.append(departure_from_line(np.asarray(others), np.asarray(update)))
    return (max(far),)


def cost_growth(setup: Setup) -> tuple[float, float, float]:
    """Operations of all N gradients at 2 N over N agents, as compiled (control `jacobian`: by the full Jacobian's diagonal), and
    at N the operations of N central differences of the utilities and of the Jacobian, over those of the gradients."""

    def operations(how: str, n: int) -> float:
        game, present = replace(setup, n_agents=n).any_market, jnp.ones(n, bool)

        def of_one(agent, own, actions):
            return utilities(game, actions.at[agent].set(own), present, 0.05)[agent]

        ways = {
            "gradients": lambda a: follower_gradients(game, a, present, 0.05),
            "jacobian": lambda a: jnp.diagonal(jax.jacrev(lambda x: utilities(game, x, present, 0.05))(a)),
            "differences": lambda a: jax.vmap(lambda i: of_one(i, a[i] + 1e-6, a) - of_one(i, a[i] - 1e-6, a))(jnp.arange(n)) / 2e-6,
        }
        return jax.jit(ways[how]).lower(jnp.linspace(0.1, 0.9, n)).cost_analysis()["flops"]

    n, how = max(setup.n_agents, 10), "jacobian" if setup.control == "jacobian" else "gradients"
    one = operations("gradients", n)
    return operations(how, 20 * n) / operations(how, 10 * n), operations("differences", n) / one, operations("jacobian", n) / one
