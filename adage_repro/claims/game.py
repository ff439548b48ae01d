"""Claims on the game: its payoffs, its equilibria, and where learning comes to rest in it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import comb
from operator import attrgetter

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.claims.claim import Search, claim, control, searched
from adage_repro.claims.fixtures import capacities
from adage_repro.claims.numbers import Number
from adage_repro.claims.programs import compiled
from adage_repro.claims.setup import Setup
from adage_repro.fairness import gini, leader_objective
from adage_repro.followers import follower_gradients
from adage_repro.gradients import sign_changes
from adage_repro.market import MarketEntrance

PROFILES = 1000


@compiled
def _profiles(seed: int, *, n_agents: int) -> tuple[Array, Array]:
    actions = jax.random.uniform(jax.random.key(seed), (PROFILES, n_agents))
    return actions, actions[:, 1:].sum(-1)


def profiles(setup: Setup) -> np.ndarray:
    """Random strategies (PROFILES, N), uniform on [0, 1]."""
    return np.array(_profiles(setup.seed, n_agents=setup.n_agents)[0])


def sums_of_others(setup: Setup) -> np.ndarray:
    """The sums of all strategies but the first in each of these (PROFILES,)."""
    return np.asarray(_profiles(setup.seed, n_agents=setup.n_agents)[1])


def drawn(setup: Setup) -> str:
    """Which random profiles a quantity is measured over, in words."""
    return f"{PROFILES:,} profiles uniform on [0, 1] (seed {setup.seed})"


def above_outside(setup: Setup, enters: int, others: np.ndarray) -> np.ndarray:
    """Eq. 4's payoff above that of staying out, where `others` enter."""
    return np.asarray(setup.game.entry_payoff(enters, others)) - setup.outside_payoff


def steeper(setup: Setup, enters: int, others: np.ndarray) -> np.ndarray:
    """Defect: the slope 2 of Eq. 4 is 2.2."""
    return 1.1 * above_outside(setup, enters, others)


def crowd_rewarded(setup: Setup, enters: int, others: np.ndarray) -> np.ndarray:
    """Defect: Eq. 4 pays the more, the more enter."""
    return -above_outside(setup, enters, others)


def room_for_all(setup: Setup, enters: int, others: np.ndarray) -> np.ndarray:
    """Defect: N + 1 agents fit the market."""
    return above_outside(setup, enters, others) + 2 * (setup.n_agents + 1 - setup.game.places) * enters


def entry_chances(chances: np.ndarray) -> np.ndarray:
    """Probabilities (…, K + 1) of 0 … K entries where K agents enter independently with `chances` (…, K)."""
    mass = np.ones((*chances.shape[:-1], 1))
    for chance in np.moveaxis(chances, -1, 0)[..., None]:
        padded = np.pad(mass, [(0, 0)] * (mass.ndim - 1) + [(1, 1)])
        mass = chance * padded[..., :-1] + (1 - chance) * padded[..., 1:]
    return mass


def gain_of_entering(setup: Setup, payoff: Callable, chances: np.ndarray) -> np.ndarray:
    """Expected payoff of Eq. 4 for entering, less that of staying out, where the others enter with `chances` (…, N - 1)."""
    counts = np.arange(setup.n_agents)
    return (entry_chances(chances) * (payoff(setup, 1, counts) - payoff(setup, 0, counts))).sum(-1)


@claim("M1", "Eq. 5", depends=("crowd", "outside_payoff"), must_fail={"payoff": steeper}, searches=("capacity", "outside_payoff"))
def eq5_is_eq4(setup, payoff=above_outside):
    """Eq. 5 equals Eq. 4 for pure decisions"""
    n, v = setup.n_agents, setup.outside_payoff
    others = sums_of_others(setup)
    relaxed = (np.asarray(setup.game.untaxed_utility(enters, (enters + others) / n, n)) for enters in (0.0, 1.0))
    apart = max(float(np.abs(u - (v + payoff(setup, enters, others))).max()) for enters, u in enumerate(relaxed))
    return Number("largest difference at a_i = 0 and 1, 1,000 random profiles of the others", apart, at_most=1e-12)


def beside_equilibrium(setup: Setup) -> float:
    """Defect: p* + 0.05."""
    return min(setup.equilibrium + 0.05, 1.0)


@claim("M2", "Sect. 3", depends=(), must_fail={"profile": beside_equilibrium}, searches=("capacity",))
def mixed_equilibrium_of_eq4(setup, profile=attrgetter("equilibrium")):
    """p* is the symmetric mixed equilibrium of Eq. 4"""
    p = profile(setup)
    gain = gain_of_entering(setup, above_outside, np.full(setup.n_agents - 1, p))
    return Number("exploitability of the profile p*, exact expectation", float(max(gain, 0.0) - p * gain), at_most=1e-12)


@compiled
def _common_gradient(game: MarketEntrance, action: Array) -> Array:
    return follower_gradients(game, jnp.full(game.n_agents, action), jnp.ones(game.n_agents, bool), 0.0)[0]


def rest_point(setup: Setup) -> float:
    """Where the untaxed gradient of Eq. 5 vanishes with all agents alike, measured: it is a straight line in the common action."""
    at_0, at_1 = (float(_common_gradient(setup.traced_game, action)) for action in (0.0, 1.0))
    return float(np.clip(at_0 / (at_0 - at_1), 0, 1))


def rests(setup: Setup, *capacities: float) -> str:
    """Where agents rest and where p* is, at some capacities."""
    setups = [replace(setup, capacity=c) for c in dict.fromkeys(capacities) if c * setup.n_agents >= 1]
    return "; ".join(f"at c = {one.capacity:g} agents rest at {rest_point(one):.4f} and p* is {one.equilibrium:.4f}" for one in setups)


@claim("M3", "Sect. 4.1", depends=("crowd",), note=lambda setup: rests(setup, setup.capacity, 0.2))
@control(must_fail={"capacity": 0.2})
@searched("capacity")
def rests_at_equilibrium(setup):
    """Learning under Eq. 5 rests at p* at c = {c:g}"""
    return Number("distance of the rest point to p*", abs(rest_point(setup) - setup.equilibrium), at_most=0.02)


@claim("M4", "Figs. 7, 8", because=6, depends=("crowd",), note=lambda setup: rests(setup, 0.2, 1.0))
@control(must_fail={"n_agents": 5}, holds_at={"n_agents": 100}, reason="the distance is of order 1/N, so fewer agents rest farther off")
@searched(Search("capacity", of="M3"), "n_agents", "readings")
def rests_at_equilibrium_for_every_capacity(setup):
    """Learning rests at p* for every c in 0.2, 0.4, 0.6, 0.8, 1"""
    setups = [replace(setup, capacity=c) for c in capacities(setup)]
    farthest = max(abs(rest_point(one) - one.equilibrium) for one in setups)
    return Number("largest distance of the rest point to p* over c", farthest, at_most=0.02)


@claim("A6", "Sect. 3", depends=(), must_fail={"payoff": crowd_rewarded}, reason="unique is one", searches=("capacity",))
def unique_equilibrium(setup, payoff=above_outside):
    """The symmetric mixed equilibrium is unique"""
    p = np.linspace(0, 1, 2000)  # p* of a round capacity is not on this grid
    gain = gain_of_entering(setup, payoff, np.broadcast_to(p[:, None], (p.size, setup.n_agents - 1)))
    found = float(sign_changes(gain) + (gain[0] <= 1e-12) + (gain[-1] >= -1e-12))  # inside, and the ends where they are equilibria
    return Number("number of symmetric equilibria of Eq. 4, exact expectation on 2,000 points", found, equal_to=1)


@claim("A7", "Sect. 3", depends=(), must_fail={"payoff": room_for_all}, reason="many is more than one", searches=("capacity",))
def many_equilibria(setup, payoff=above_outside):
    """The game has many equilibria"""
    n = setup.n_agents
    gain = payoff(setup, 1, np.arange(n)) - payoff(setup, 0, np.arange(n))  # of entering, by the number of other entrants
    stable = [k for k in range(n + 1) if (k == 0 or gain[k - 1] >= -1e-12) and (k == n or gain[k] <= 1e-12)]  # nobody would change
    return Number("number of pure equilibria of Eq. 4", float(sum(comb(n, k) for k in stable)), at_least=2)


@claim("A8", "Sect. 3.1", because=6, depends=("crowd", "outside_payoff"))
@control(must_fail={"payoff": steeper}, holds_at={"crowd": "excluded"}, reason="as M1: an identity up to rounding")
@searched("readings")
def eq5_is_expectation_of_eq4(setup, payoff=above_outside):
    """Eq. 5 is the expected payoff of Eq. 4"""
    actions = profiles(setup)
    own, others = actions[:, 0], actions[:, 1:]  # one agent in each profile
    relaxed = np.asarray(setup.game.untaxed_utility(own, actions.mean(-1), setup.n_agents))
    apart = np.abs(relaxed - setup.outside_payoff - own * gain_of_entering(setup, payoff, others)).max()
    return Number("largest difference to the exact expectation, 1,000 random profiles", float(apart), at_most=1e-12)


@claim("A20", "App. C.2", depends=())
@control(must_fail={"capacity": 1.0}, reason="|p* - c| = (1 - c)/(N - 1); at c = 1 there is nothing to fall")
@searched("capacity")
def equilibrium_approaches_capacity(setup):
    """p* approximates c as N grows"""
    distances = [abs(replace(setup, n_agents=n).equilibrium - setup.capacity) for n in (10, 100, 1000)]
    return (
        Number("largest change of |p* - c| from one N to the next, N = 10, 100, 1000", float(np.diff(distances).max()), below=0),
        Number("|p* - c| at N = 1000", distances[-1], at_most=0.001),
    )


def negative_gini(returns: Array, returns_shift: str) -> Array:
    """In place of Eq. 6: minus the Gini coefficient."""
    return -gini(returns, returns_shift=returns_shift)


@compiled
def _objective_over_gini(returns: Array, *, objective: Callable, returns_shift: str) -> tuple[Array, Array]:
    printed, negative = (jax.vmap(partial(how, returns_shift=returns_shift))(returns) for how in (objective, negative_gini))
    return jnp.abs(printed - negative).max(), (printed / negative).min()


def objective_over_gini(setup: Setup, objective: Callable = leader_objective) -> tuple[float, float]:
    """Largest difference of Eq. 6 to minus the Gini coefficient over random returns, and the smallest ratio of the two."""
    apart, over = _objective_over_gini(profiles(setup), objective=objective, returns_shift=setup.returns_shift)
    return float(apart), float(over)


@claim(
    "A26",
    "Eq. 6",
    because=2,
    depends=("returns_shift",),
    note=lambda setup: f"U_L is {objective_over_gini(setup)[1]:.6g} times the negative Gini coefficient (N² = {setup.n_agents**2})",
)
@control(
    must_fail={"n_agents": 2, "objective": leader_objective},
    holds_at={"objective": negative_gini},
    reason="as M1; the two differ by the factor N², at N = 2 by 4",
)
def objective_is_negative_gini(setup, objective=leader_objective):
    """U_L is the negative Gini coefficient"""
    apart, over = objective_over_gini(setup, objective)
    return (
        Number(f"largest difference of U_L to minus Gini over {drawn(setup)} taken for returns", apart, at_most=1e-12),
        Number("smallest ratio of the two", over),
    )
