"""Measurements of the game's payoffs and equilibria: each takes a setup and gives a few numbers."""

from dataclasses import replace
from math import comb

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.adage import follower_gradients
from adage_repro.experiments import sign_changes
from adage_repro.market import fixed_point, mixed_equilibrium
from adage_repro.report.any_market import AnyMarket
from adage_repro.report.crossing import Setup

AGENT_COUNTS = (10, 100, 1000)
PROFILES = 1000


def rest(setup: Setup) -> float:
    """The rest point, C / (N + 1) or p*."""
    return float(np.clip(fixed_point(setup.market), 0, 1))


def equilibrium(setup: Setup) -> float:
    """p*."""
    return float(mixed_equilibrium(setup.market))


def profiles(setup: Setup) -> Array:
    """Random strategies (PROFILES, N), uniform on [0, 1]."""
    return jax.random.uniform(jax.random.key(setup.seed), (PROFILES, setup.n_agents))


def entry_payoffs(setup: Setup, enters: int, others: np.ndarray) -> np.ndarray:
    """Eq. 4; its controls: `slope` makes the 2 of the payoff 2.2, `crowd rewarded` turns its sign, `room for all` makes C = N + 1."""
    market, v = setup.market, setup.outside_payoff
    above = np.asarray(market.entry_payoff(enters, others)) - v
    if setup.control == "room for all":
        above = above + 2 * (setup.n_agents + 1 - market.places) * enters
    return v + above * {"slope": 1.1, "crowd rewarded": -1.0}.get(setup.control, 1.0)


def recovery(setup: Setup) -> tuple[float]:
    """Largest difference of Eq. 5 to Eq. 4 at a_i = 0 and 1, over random attendances of the others."""
    n = setup.n_agents
    others = np.asarray(profiles(setup)[:, 1:].sum(-1))
    relaxed = (np.asarray(setup.any_market.untaxed_utility(enters, (enters + others) / n, n)) for enters in (0.0, 1.0))
    return (max(float(np.abs(u - entry_payoffs(setup, k, others)).max()) for k, u in enumerate(relaxed)),)


def entry_chances(chances: np.ndarray) -> np.ndarray:
    """Probabilities (…, K + 1) of 0 … K entries where K agents enter independently with `chances` (…, K)."""
    mass = np.ones((*chances.shape[:-1], 1))
    for chance in np.moveaxis(chances, -1, 0)[..., None]:
        padded = np.pad(mass, [(0, 0)] * (mass.ndim - 1) + [(1, 1)])
        mass = chance * padded[..., :-1] + (1 - chance) * padded[..., 1:]
    return mass


def payoff_of_entering(setup: Setup, chances: np.ndarray) -> np.ndarray:
    """Expected payoff of Eq. 4 for entering, less that of staying out, where the others enter with `chances` (…, N - 1)."""
    counts = np.arange(setup.n_agents)
    return (entry_chances(chances) * (entry_payoffs(setup, 1, counts) - entry_payoffs(setup, 0, counts))).sum(-1)


def exploitability_of_p(setup: Setup) -> tuple[float]:
    """Best gain by another own entry probability where all enter with p* (control `beside`: p* + 0.05), in Eq. 4."""
    p = min(mixed_equilibrium(setup.market) + 0.05 * (setup.control == "beside"), 1.0)
    extra = payoff_of_entering(setup, np.full(setup.n_agents - 1, p))
    return (float(max(extra, 0.0) - p * extra),)


def symmetric_equilibria(setup: Setup) -> tuple[float]:
    """How many symmetric equilibria Eq. 4 has: changes of sign of the gain of entering over p, and the ends where they are equilibria."""
    p = np.linspace(0, 1, 2000)  # p* of a round capacity is not on this grid
    extra = payoff_of_entering(setup, np.broadcast_to(p[:, None], (p.size, setup.n_agents - 1)))
    return (float(sign_changes(extra) + (extra[0] <= 1e-12) + (extra[-1] >= -1e-12)),)


def pure_equilibria(setup: Setup) -> tuple[float]:
    """How many pure equilibria Eq. 4 has: k agents enter, none of them would rather stay out and no other would rather enter."""
    n = setup.n_agents
    extra = entry_payoffs(setup, 1, np.arange(n)) - entry_payoffs(setup, 0, np.arange(n))  # by the number of other entrants
    stable = [k for k in range(n + 1) if (k == 0 or extra[k - 1] >= -1e-12) and (k == n or extra[k] <= 1e-12)]
    return (float(sum(comb(n, k) for k in stable)),)


def expectation(setup: Setup) -> tuple[float]:
    """Largest difference of Eq. 5 to the exact expectation of Eq. 4 over entries, one agent in each of the random profiles."""
    actions = np.asarray(profiles(setup))
    own, others = actions[:, 0], actions[:, 1:]
    relaxed = np.asarray(setup.any_market.untaxed_utility(own, actions.mean(-1), setup.n_agents))
    return (float(np.abs(relaxed - setup.outside_payoff - own * payoff_of_entering(setup, others)).max()),)


@jax.jit
def _common_gradient(game: AnyMarket, action: Array) -> Array:
    return follower_gradients(game, jnp.full(game.n_agents, action), jnp.ones(game.n_agents, bool), 0.0)[0]


def rest_point(setup: Setup) -> float:
    """Where the untaxed gradient of Eq. 5 vanishes with all agents alike, measured: it is a straight line in the common action."""
    at_0, at_1 = (float(_common_gradient(setup.any_market, action)) for action in (0.0, 1.0))
    return float(np.clip(at_0 / (at_0 - at_1), 0, 1))


def rest_to_equilibrium(setup: Setup, capacities: tuple[float, ...] = ()) -> tuple[float]:
    """Largest distance of the rest point to p*, at the setup's capacity or over `capacities`."""
    setups = [replace(setup, capacity=c) for c in capacities] or [setup]
    return (max(abs(rest_point(one) - mixed_equilibrium(one.market)) for one in setups),)


def equilibrium_to_capacity(setup: Setup) -> tuple[float, float]:
    """Largest change of |p* - c| from one N to the next, and |p* - c| at the largest N."""
    far = [abs(mixed_equilibrium(replace(setup, n_agents=n).market) - setup.capacity) for n in AGENT_COUNTS]
    return float(np.diff(far).max()), far[-1]
