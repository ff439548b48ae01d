"""Claims on late participation without a leader: what it does to the groups, and for how long."""

import numpy as np

from adage_repro.claims.claim import Search, claim, control, searched
from adage_repro.claims.followers import FEW_LRS, LR_AND_READINGS
from adage_repro.claims.numbers import Number
from adage_repro.claims.runs import long_run
from adage_repro.measures import ratio
from adage_repro.words import NEAR

LATE = ("order", "late_group", "crowd", "follower_lr")
ALL_AT_ONCE = {"late_entry_share": 0.0}
STOPS = ("capacity", "late_entry_share", "iterations_per_agent", *LR_AND_READINGS)
STOPS_UNIFORM = ("capacity", "late_entry_share", *LR_AND_READINGS)  # runs that end at I compile for each I


@claim("B8", "Fig. 3", depends=LATE, must_fail=ALL_AT_ONCE, searches=STOPS)
def g1_attends_far_more(late):
    """G1 attends far more than G2"""
    return Number("gap at row I", late.at_I.gap, at_least=0.2)


@claim("B9", "Fig. 3a", depends=LATE, must_fail={"follower_lr": 0.0}, searches=STOPS)
def total_moves_towards_equilibrium(setup, late):
    """Total attendance moves towards equilibrium meanwhile"""
    after, before = (abs(row.mean - setup.rest) for row in (late.at_I, late.at(setup.entry)))
    return (
        Number("distance of mean attendance to the rest point, row I less row ι", after - before, below=0),
        Number("at row I", after),
        Number("at row ι", before),
    )


@claim("A21", "Fig. 10", depends=LATE)
@control(must_fail=ALL_AT_ONCE, reason="B10's thresholds; Fig. 10's caption names this c alone")
@searched(*STOPS_UNIFORM)
def groups_differ(late_uniform):
    """From uniform starts the groups differ at c = {c:g}"""
    gap = late_uniform.at_I.gap
    return (
        Number("gap at row I over the runs: mean", gap.mean(), at_least=0.05),
        Number("share of runs positive", (gap > 0).mean(), at_least=0.75),
    )


@claim("B10", "Fig. 10", because=9, depends=LATE, must_fail=ALL_AT_ONCE, searches=(Search("capacity", of="A21"), *LR_AND_READINGS))
def groups_differ_for_every_capacity(late_uniform_by_capacity):
    """From uniform starts the groups differ, for every c in 0.2, 0.4, 0.6, 0.8"""
    gaps = [late.at_I.gap for late in late_uniform_by_capacity.values()]
    return (
        Number("gap at row I over the runs, smallest over c: mean", min(gap.mean() for gap in gaps), at_least=0.05),
        Number("share of runs positive", min((gap > 0).mean() for gap in gaps), at_least=0.75),
    )


@claim("B11", "Fig. 13", depends=LATE, must_fail={"crowd": "excluded"}, searches=("capacity", *LR_AND_READINGS))
def groups_meet(setup, late):
    """The groups meet in the long run"""
    return Number(f"gap, in size, after {long_run(setup)}", abs(late.trace.gap[-1]), at_most=0.01)


@claim("B12", "Sect. 4.1.1", depends=("order", "returns_shift", "late_group", "crowd", "follower_lr", "outside_payoff"))
@control(must_fail=ALL_AT_ONCE)
@searched("outside_payoff", *STOPS)
def late_entry_is_unfair(free, late):
    """Late entry leaves an unfair state at I"""
    return Number("fairness at row I without late entry less that with it", free.at_I.fairness - late.at_I.fairness, at_least=0.05)


@claim("A10", "Sect. 4.1.1", depends=LATE, must_fail=ALL_AT_ONCE, reason="much more often is at least twice as often", searches=STOPS)
def g1_attends_twice_as_often(late):
    """G1 attends with much higher frequency than G2"""
    return Number("G2's mean attendance at row I over G1's", ratio(late.at_I.g2, late.at_I.g1, 1.0), at_most=0.5, over=late.at_I.g1)


@claim("A11", "Sect. 4.1.1", because=9, depends=LATE)
@control(must_fail=ALL_AT_ONCE, holds_at={"late_entry_share": 0.9}, reason="blocked out is less than a tenth of an equal share")
@searched("capacity", "late_entry_share", *LR_AND_READINGS)
def g2_is_blocked_out(setup, late):
    """G2 is essentially blocked out of the market"""
    return Number("G2's mean attendance at row I over the rest point", ratio(late.at_I.g2, setup.rest, 1.0), at_most=0.1)


@claim("A19", "App. C.2", because=7, depends=LATE)
@control(must_fail=ALL_AT_ONCE, holds_at={"agent_counts": (10, 100)}, reason="B8's threshold")
@searched(Search("n_agents", of="B8", values=(10, 20, 50, 100, 1000)), Search("follower_lr", values=FEW_LRS))
def independent_of_n(late_by_agents):
    """Conclusions are independent of N"""
    gaps = {n: late.at_I.gap for n, late in late_by_agents.items()}
    return (Number("gap at row I, smallest over N = 10, 100, 1000", min(gaps.values()), at_least=0.2), Number("at each N", gaps))


@claim("A22", "App. C.3", because=9, depends=LATE)
@control(must_fail=ALL_AT_ONCE, holds_at={"capacity": 0.7}, reason="not its result, if at least half of it stays")
@searched("capacity", *LR_AND_READINGS)
def starts_are_not_the_reason(late_uniform, late):
    """Unfairness is not a result of the starts at 0"""
    share = ratio(np.mean(late_uniform.at_I.gap), late.at_I.gap, 0.0)
    return Number("mean gap at row I from uniform starts over that from zeros", share, at_least=0.5, over=late.at_I.gap)


@claim("A25", "App. D", depends=LATE)
@control(must_fail={"follower_lr": 0.0}, reason="the list's tolerance for p*")
@searched("capacity", *LR_AND_READINGS)
def reaches_equilibrium(setup, late):
    """Late or not, attendance reaches p* in the long run"""
    distance = late.over_ends(lambda actions: abs(actions.mean() - setup.equilibrium))
    return Number(f"distance of mean attendance to p* after {long_run(setup)}, no leader", distance, at_most=NEAR)
