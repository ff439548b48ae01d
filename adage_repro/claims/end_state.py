"""Claims on where learning with the leader ends, and on the nested loop that it is said to approximate."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.claims.claim import CLAIMS, Case, Search, claim, control, measure_all, searched
from adage_repro.claims.numbers import Number
from adage_repro.claims.policy import AT_BOTH_LRS, AT_POLICY_LR, LONG_ALONG_N, LONG_SEARCHES
from adage_repro.claims.programs import compiled
from adage_repro.claims.runs import long_run
from adage_repro.claims.setup import Setup
from adage_repro.followers import follower_gradients
from adage_repro.leaders import leader_gradient
from adage_repro.market import MarketEntrance

NESTED_ALONG_N = Search("n_agents", values=(10, 20, 30))  # 1,000 updates of the followers for each of the leader's: slow


@compiled
def _gradients(game: MarketEntrance, actions: Array, rate: Array) -> tuple[Array, Array]:
    present = jnp.ones(actions.shape, bool)
    return follower_gradients(game, actions, present, rate), leader_gradient(game, actions, present, rate)


def projected(value: np.ndarray, gradient: np.ndarray, high: float) -> np.ndarray:
    """A gradient without the parts that point out of [0, high]."""
    return np.where(((value <= 0) & (gradient < 0)) | ((value >= high) & (gradient > 0)), 0.0, gradient)


def size_of_jump(setup: Setup) -> str:
    """What P12 measures of the followers at other rates, and how far App. B's gradient jumps at the kink."""
    lrs = (setup.follower_lr, setup.follower_lr / 10)
    at_each = measure_all(Case(CLAIMS["P12"], replace(setup, follower_lr=lr)) for lr in lrs)
    values = [numbers[0].value for numbers in at_each]
    left = " and ".join(f"{value:.2g} at α_F = {lr:g}" for lr, value in zip(lrs, values, strict=True))
    said = f"App. B's gradient jumps at the tax's kink, about which taxed followers swing; the largest projected gradient is {left}"
    if min(values) > 0.5 * max(values) > 0:
        said += ": it measures the jump, which does not shrink with α_F, as what an agent gains by deviating does (A29, A30)"
    return said


@claim("P12", "Eq. 2", because=4, note=size_of_jump, **AT_POLICY_LR)
@control(must_fail={"follower_lr": 0.0}, holds_at={"returns_shift": "always"})
@searched("follower_lr", "leader_lr", "tax_max", LONG_ALONG_N, "readings")
def ends_stationary(setup, taxed):
    """The end is a stationary point of all N + 1 equations"""
    rate = taxed.end_rate

    def of_followers(actions):
        own, _ = _gradients(setup.traced_game, actions, rate)
        return np.abs(projected(actions, np.asarray(own), 1.0)).max()

    def of_leader(actions):
        _, leader = _gradients(setup.traced_game, actions, rate)
        return np.abs(projected(rate, np.asarray(leader), setup.tax_max))

    text = f"largest gradient (App. B's at the kink; 0 where it points out of the bounds) after {long_run(setup)}: of the followers"
    return (Number(text, taxed.over_ends(of_followers), at_most=1e-6), Number("of the leader", taxed.over_ends(of_leader), at_most=1e-6))


@claim(
    "P14",
    "Sect. 2",
    because=4,
    note="ill-posed on the tax's kink, where the answer is no smooth function of τ: a difference quotient over ±1% of its range; "
    "it measures how far followers swing about the kink, not what the leader gains by another rate, which A31 and A32 do",
    **AT_POLICY_LR,
)
@control(
    must_fail={"tax_max": 1.0},
    holds_at={"crowd": "excluded"},
    reason="the larger the tax, the wider the followers swing about its kink, which costs equality",
)
@searched("follower_lr", "leader_lr", LONG_ALONG_N, "readings")
def ends_in_stackelberg_equilibrium(setup, taxed, answers):
    """The pair is a Stackelberg equilibrium"""
    # A difference quotient: the followers learn on for as long again at a rate a little lower and a little higher, held fixed.
    rates, objectives = answers
    slope = (objectives[1] - objectives[0]) / (rates[1] - rates[0]) if rates[0] != rates[1] else 0.0
    text = (
        f"difference quotient of U_L, in size (0 where it points out of the bounds), between τ ± 1% of tax_max, inside the bounds, "
        f"after {long_run(setup)}; at each rate, held fixed, followers learn on for as long again, and U_L is the mean of the last two rows"
    )
    return Number(text, abs(float(projected(taxed.end_rate, slope, setup.tax_max))), at_most=1e-6)


def path_distance(taxed_to_i, nested: np.ndarray) -> float:
    """Largest distance of τ after each update of the leader to that of the nested loop."""
    return float(np.abs(taxed_to_i.tax_rates[1::2] - nested).max())


@claim(
    "P13",
    "Sect. 2.1",
    because=3,
    otherwise={
        "the leader acts before the followers in each round, on the very state in which G2 enters": {"nested": "nested_leader_first"}
    },
    note="ill-posed: a nested loop leaves open who moves first when G2 enters; measured with a leader that sees the followers' answer; "
    "at small α_F 1,000 updates leave the followers on their way, and the two agree for want of convergence",
    **AT_BOTH_LRS,
)
@control(
    must_fail={"leader_lr": 0.4},
    holds_at={"leader_lr": 1e-5},
    reason="the larger α_L, the surer A-GD's first step crosses the tax's range, while followers at rest give the leader no gradient",
)
@searched("leader_lr", "follower_lr", NESTED_ALONG_N)
def approximates_nested_loop(taxed_to_i, nested):
    """α_L ≫ α_F approximates a nested loop"""
    text = "largest distance of τ, rows 0 … I, to that of a loop with 1,000 follower updates before each leader update"
    return Number(text, path_distance(taxed_to_i, nested), at_most=0.01)


@claim("A5", "Sect. 2.1", because=3, must_fail={"leader_lr": 0.001, "follower_lr": 0.01}, holds_at={"follower_lr": 0.002}, **AT_BOTH_LRS)
@control(reason="closer by less than P13's tolerance is not closer; a leader as slow as the slow one is not closer at all")
@searched("follower_lr", NESTED_ALONG_N)
def large_leader_lr_brings_close(taxed_to_i, nested, taxed_slowly, nested_slowly):
    """α_L ≫ α_F is what brings A-GD close to a nested loop"""
    fast, slow = path_distance(taxed_to_i, nested), path_distance(taxed_slowly, nested_slowly)
    return (
        Number("largest distance of τ to the nested loop's, at α_L less that at α_L = α_F / 10", fast - slow, at_most=-0.01),
        Number("at α_L", fast),
        Number("at α_F / 10", slow),
    )


@claim("A12", "Sect. 4.1.1", because=4, **AT_BOTH_LRS)
@control(must_fail={"follower_lr": 0.0}, holds_at={"tax_max": 0.05}, reason="the list's tolerance for p*")
@searched("tax_max", "capacity", *LONG_SEARCHES)
def reaches_fair_equilibrium(setup, taxed):
    """With the leader agents reach the fair equilibrium a_i = p*"""
    distance = taxed.over_ends(lambda actions: np.abs(actions - setup.equilibrium).max())
    return Number(f"largest distance of any agent to p* after {long_run(setup)}", distance, at_most=0.02)


@claim("A17", "App. B", **AT_BOTH_LRS)
@control(must_fail={"tax_max": 5.0}, reason="the 0.01 at which B11 says that groups have met")
@searched("tax_max", *LONG_SEARCHES)
def kink_works(setup, taxed):
    """The kink of the tax works well in practice"""
    text = f"largest strategy less smallest of any one agent in the last 10 N rows of {long_run(setup)}"
    return Number(text, taxed.trace.swing, at_most=0.01)
