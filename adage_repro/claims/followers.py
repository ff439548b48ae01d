"""Claims on what the followers learn without a leader, all of them from the start."""

from collections.abc import Iterable
from dataclasses import replace
from math import floor

import numpy as np

from adage_repro.claims.claim import Search, claim, control, searched
from adage_repro.claims.game import rest_point, rests
from adage_repro.claims.numbers import Number
from adage_repro.claims.runs import rows_of_series
from adage_repro.claims.setup import Setup
from adage_repro.measures import rows_until, share_made
from adage_repro.parameters import POLICY_LR
from adage_repro.words import NEAR

UNTAXED = ("order", "crowd", "follower_lr")
LR_AND_READINGS = ("follower_lr", "readings")
FEW_LRS = (0.0003, 0.0006, 0.0009, 0.002, 0.005)  # where a search runs N = 1000
ALTERNATING = Search("follower_lr", at={"order": "alternating"}, values=(0.01,))


def listed(values: Iterable[float]) -> str:
    """Values of a parameter, in words."""
    return ", ".join(f"{value:g}" for value in values)


@claim("B1", "Fig. 2", because=7, depends=UNTAXED)
@control(must_fail={"follower_lr": 0.0}, holds_at={"follower_lr": POLICY_LR})
@searched("iterations_per_agent", *LR_AND_READINGS)
def ends_near_equilibrium(setup, free):
    """Every agent ends near p*"""
    return Number("largest distance to p* at row I", free.distance(setup.equilibrium), at_most=NEAR)


@claim("B2", "Fig. 2b", because=7, depends=UNTAXED)
@control(must_fail={"follower_lr": 0.0}, holds_at={"follower_lr": 0.02})
@searched(*LR_AND_READINGS)
def ends_alike(setup, free, free_uniform):
    """Agents end alike"""
    return (
        Number("standard deviation over the agents (divisor N) at row I from zeros", free.at_I.deviation, at_most=NEAR),
        Number(f"from {setup.uniform_starts}, mean of the runs' deviations", free_uniform.at_I.deviation.mean(), at_most=NEAR),
    )


@claim("B3", "Figs. 7, 8", because=6, depends=UNTAXED, note=lambda setup: rests(setup, 0.2, 1.0))
@control(must_fail={"follower_lr": 0.0}, holds_at={"follower_lr": POLICY_LR, "crowd": "excluded"})
@searched(
    "follower_lr", Search("capacity", of="B1", at={"follower_lr": POLICY_LR}), "readings", Search("readings", at={"follower_lr": POLICY_LR})
)
def ends_near_equilibrium_for_every_capacity(free_by_capacity):
    """For every c agents end near p*"""
    distance = max(free.distance(free.setup.equilibrium) for free in free_by_capacity.values())
    return Number("largest distance to p* at row I over c = 0.2 … 1", distance, at_most=NEAR)


@claim("B4", "Fig. 9", because=7, depends=UNTAXED)
@control(must_fail={"follower_lr": 0.0}, holds_at={"follower_lr": 0.005, "agent_counts": (10, 100)})
@searched(
    Search("follower_lr", values=FEW_LRS),
    Search("follower_lr", of="B1", at={"n_agents": 100}),
    Search("follower_lr", of="B1", at={"n_agents": 1000}, values=FEW_LRS),
    ALTERNATING,
)
def ends_near_equilibrium_for_every_n(free_by_agents):
    """For N = 10, 100 and 1000 agents end near p* at I = 10 N"""
    distance = max(free.distance(free.setup.equilibrium) for free in free_by_agents.values())
    return Number("largest distance to p* at row I over N", distance, at_most=NEAR)


def rests_from_capacity(setup: Setup) -> str:
    """How far from c agents rest at each N."""
    distances = ", ".join(f"{abs(rest_point(replace(setup, n_agents=n)) - setup.capacity):.6g}" for n in (10, 100, 1000))
    return f"row I is ill-posed where learning does not settle; the rest points lie {distances} from c at N = 10, 100, 1000"


@claim("B5", "App. C.2", because=7, depends=UNTAXED, note=rests_from_capacity)
@control(must_fail={"follower_lr": 0.0}, holds_at={"follower_lr": 0.005, "agent_counts": (10, 100)})
@searched(Search("follower_lr", values=FEW_LRS), ALTERNATING)
def approaches_capacity(setup, free_by_agents):
    """Attendance is closer to c as N grows"""
    distances = {n: abs(free.at_I.mean - setup.capacity) for n, free in free_by_agents.items()}
    text = f"largest change of |mean attendance - c|, row I = {setup.iterations_per_agent} N, from one N of {listed(distances)} to the next"
    change = float(np.diff(list(distances.values())).max())
    return (Number(text, change, below=0), Number("|mean attendance - c| at each N", distances))


def way_made(setup: Setup) -> str:
    """How much of the way the closed form says has been made, cut, not rounded, after one decimal."""
    if (setup.order, setup.crowd) != ("simultaneous", "included"):
        return "the share of the way is the second number"
    made = 1 - abs(1 - 2 * setup.follower_lr * (setup.n_agents + 1)) ** setup.iterations
    return (
        f"at I = {setup.iterations}, N = {setup.n_agents} and α_F = {setup.follower_lr:g} untaxed agents from zeros have made "
        f"{floor(1000 * made + 1e-9) / 10:.1f}% of the way to their rest point"
    )


@claim("B7", "App. A", because=7, depends=UNTAXED, note=way_made)
@control(must_fail={"iterations_per_agent": 1}, holds_at={"follower_lr": POLICY_LR})
@searched("iterations_per_agent", *LR_AND_READINGS)
def iterations_suffice(setup, free):
    """I = 10 N iterations suffice"""
    return (
        Number("distance to the rest point at row I", free.distance(setup.rest), at_most=NEAR),
        Number("share of the way made", share_made(free.at(0).mean, free.at_I.mean, setup.rest)),
    )


@claim("B6", "Fig. 11", because=7, depends=("order", "crowd"), otherwise={"at row 40 N": {"rows_per_agent": (40,)}})
@control(must_fail={"follower_lr": 0.1}, holds_at={"n_agents": 18})
@searched(Search("iterations_per_agent", of="B7", at={"follower_lr": 0.0005}), "readings")
def converges_for_every_lr(setup, free_by_lr, rows_per_agent=(10, 40)):
    """Learning converges for each α_F in 0.0005 … 0.05"""
    text = f"largest distance of any agent to the rest point over α_F = {listed(free_by_lr)}: "
    for place, k in enumerate(rows_per_agent):
        distance = max(free.distance(setup.rest, k * setup.n_agents) for free in free_by_lr.values())
        yield Number(f"{'' if place else text}at row {k} N", distance, at_most=NEAR)


@claim("A2", "Sect. 4.1", because=7, depends=UNTAXED, must_fail={"follower_lr": 0.0}, holds_at={"follower_lr": POLICY_LR})
@control(reason="the list's tolerance of an attendance, in payoff: 1% of what one entrant more takes from an entry")
@searched("iterations_per_agent", *LR_AND_READINGS)
def maximises_own_return(setup, free):
    """Each agent ends maximising its own return"""
    end, n = free.at_I, setup.n_agents
    grid, total = np.linspace(0, 1, 1001), end.mean * n
    gains = [0.0]
    for own in (end.lowest, end.highest):  # all are alike, or nearly
        payoff = setup.game.untaxed_utility(grid, (total - own + grid) / n, n)
        gains.append(float(payoff.max() - setup.game.untaxed_utility(own, total / n, n)))
    return Number("largest gain by another own action at row I under Eq. 5, untaxed", max(gains), at_most=0.02)


@claim("A4", "Sect. 2.1", depends=("order", "crowd"), must_fail={"crowd": "excluded"})
@control(reason="as P12: converged is a gradient's 1e-6; nearer the limit the alternating order needs more iterations")
@searched("capacity")
def converges(setup, free_and_stable):
    """Learning converges under proper learning rates"""
    text = "largest distance to the rest point after 400 N iterations at half the stability limit"
    return Number(text, free_and_stable.over_ends(lambda actions: abs(actions - setup.rest).max()), at_most=1e-6)


@claim("A9", "Sect. 4.1.1", because=7, depends=("order", "returns_shift", "crowd", "follower_lr", "outside_payoff"))
@control(
    must_fail={"follower_lr": 0.0, "outside_payoff": 0.0},
    holds_at={"follower_lr": POLICY_LR},
    reason="within the 0.05 that B12 takes for unfair",
)
@searched("outside_payoff", *LR_AND_READINGS)
def fair_outcomes(free, free_uniform):
    """Learning from iteration 0 on leads to fair outcomes"""
    return (
        Number("fairness at row I from zeros", free.at_I.fairness, at_least=0.95),
        Number("from uniform starts, mean over runs", free_uniform.at_I.fairness.mean(), at_least=0.95),
    )


@claim("A23", "App. C.4.1", depends=("order", "crowd"))
@control(must_fail={"follower_lr": 0.1}, reason="the larger, the fewer rows")
@searched("capacity", "readings")
def lr_alters_speed(setup, free_by_lr):
    """α_F alters the speed of convergence"""
    # One row past the last kept where some agent stays away.
    rows, kept = [], rows_of_series(setup)
    for free in free_by_lr.values():
        rows.append(rows_until(-free.rows(0, kept).distance(setup.rest), -NEAR) - 1)
    text = (
        f"first of rows 0 … {kept} from which on all agents are within {NEAR} of the rest point ({kept + 1} if there is none): "
        f"largest change from one α_F of {listed(free_by_lr)} to the next"
    )
    return Number(text, max(np.diff(rows)), below=0)
