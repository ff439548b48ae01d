"""Claims on the shape of the two updates (Fig. 6), and on what all gradients cost."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.claims.claim import claim, control, searched
from adage_repro.claims.numbers import Number
from adage_repro.claims.programs import compiled
from adage_repro.claims.setup import Setup
from adage_repro.followers import follower_gradients, utilities
from adage_repro.gradients import departure_from_line, follower_update_on_grid, leader_update_on_grid, r_squared
from adage_repro.market import MarketEntrance


def leader_update(gini: np.ndarray, update: np.ndarray) -> np.ndarray:
    """The update itself."""
    return update


def minus_gini(gini: np.ndarray, update: np.ndarray) -> np.ndarray:
    """Defect: minus the Gini coefficient in place of the update."""
    return -gini


@claim("P7", "Fig. 6a", depends=("tax_units", "returns_shift", "crowd", "outside_payoff"))
@control(must_fail={"shown": minus_gini})
@searched("outside_payoff", "capacity", "readings")
def leader_update_is_not_linear(setup, shown=leader_update):
    """The leader's update is non-linear in Gini"""
    first, second = (grid.ravel() for grid in np.meshgrid(np.arange(51) * 0.02, np.arange(5) * 0.25, indexing="ij"))
    gini, update = map(np.asarray, compiled(leader_update_on_grid)(setup.traced_game, first, second))
    update = shown(gini, update)
    text = (
        "R² of the least-squares line of ∂U_L/∂τ at τ = 0 on Gini (1 if either is constant), "
        "all of G1 attending with 0, 0.02, … 1 and all of G2 with 0, 0.25, … 1"
    )
    constant = np.ptp(update) == 0 or np.ptp(gini) == 0
    return Number(text, 1.0 if constant else r_squared(gini, update), below=0.9)


def follower_departure(setup: Setup, tax_rate: float) -> float:
    """Largest departure of the follower's update from a line in the others' attendance over its range (Figs. 6b, 6c)."""
    others = np.linspace(0, 1, 51)
    departures = []
    for own in (0.0, 0.25, 0.5, 0.75, 1.0):
        update = compiled(follower_update_on_grid)(setup.traced_game, np.full(others.shape, own), others, tax_rate)
        departures.append(departure_from_line(others, np.asarray(update)))
    return max(departures)


@claim("P8", "Fig. 6b", depends=("crowd",), must_fail={"share_of_tax_max": 1.0}, searches=("capacity",))
def follower_update_is_linear(setup, share_of_tax_max=0.0):
    """The follower's update is linear in the others' mean attendance"""
    departure = follower_departure(setup, share_of_tax_max * setup.tax_max)
    return Number("largest departure from a line over its range, τ = 0", departure, at_most=1e-9)


@claim("P9", "Fig. 6c", depends=("tax_units", "crowd"), must_fail={"tax_max": 0.0}, searches=("tax_max", "capacity", "readings"))
def follower_update_is_not_linear_with_tax(setup):
    """With tax it is not linear"""
    return Number("largest departure from a line over its range, τ = tax_max", follower_departure(setup, setup.tax_max), at_least=0.01)


def gradients(game: MarketEntrance, actions: Array) -> Array:
    """All N gradients (N,) as the library makes them."""
    return follower_gradients(game, actions, jnp.ones(actions.shape, bool), 0.05)


def by_jacobian(game: MarketEntrance, actions: Array) -> Array:
    """Defect: the diagonal of the full Jacobian."""
    return jnp.diagonal(jax.jacrev(lambda profile: utilities(game, profile, jnp.ones(actions.shape, bool), 0.05))(actions))


def by_differences(game: MarketEntrance, actions: Array) -> Array:
    """N central differences of the utilities."""

    def own_utility(agent, own):
        return utilities(game, actions.at[agent].set(own), jnp.ones(actions.shape, bool), 0.05)[agent]

    return jax.vmap(lambda i: own_utility(i, actions[i] + 1e-6) - own_utility(i, actions[i] - 1e-6))(jnp.arange(actions.size)) / 2e-6


@claim("P15", "Abstract", because=12, depends=(), undecided=True)
@control(must_fail={"way": by_jacobian}, reason="with the full Jacobian the operations grow with N², not N")
def cost_grows_with_n(setup, way=gradients):
    """Improved computational efficiency"""

    def operations(way, n_agents):
        game = MarketEntrance(n_agents, setup.capacity)  # with its own default choices: a count of the library's operations
        return jax.jit(partial(way, game)).lower(jnp.linspace(0.1, 0.9, n_agents)).cost_analysis()["flops"]

    n = max(setup.n_agents, 10)
    one = operations(gradients, n)
    growth = operations(way, 20 * n) / operations(way, 10 * n)
    return (
        Number("operations of all N gradients at 20 N over 10 N agents", growth, at_most=2.5),
        Number("of N central differences over them", operations(by_differences, n) / one, at_least=1),
        Number("of the Jacobian over them", operations(by_jacobian, n) / one, at_least=1),
    )
