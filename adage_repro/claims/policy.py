"""Claims on what the leader's policy does up to row I: taxes, attendance and fairness with it and without."""

from dataclasses import replace

import numpy as np

from adage_repro.claims.claim import Search, claim, control, searched
from adage_repro.claims.numbers import Number
from adage_repro.claims.setup import CHOICES, Setup
from adage_repro.market import largest_stable_lr
from adage_repro.measures import effect_size, paired, pooled_effect_size, ratio
from adage_repro.parameters import FOLLOWER_LR, POLICY_LR
from adage_repro.words import NOTHING

AT_POLICY_LR = {"depends": CHOICES, "at": {"follower_lr": POLICY_LR}}
AT_BOTH_LRS = {**AT_POLICY_LR, "also": ({"follower_lr": FOLLOWER_LR},)}  # the paper's default too
# Where a search runs N, which compiles programs of its own. Claims that read no row after I share runs to row I; long runs end at N = 64.
ALONG_N = Search("n_agents", values=(10, 20, 30, 50, 100), instead={"taxed": "taxed_to_i"})
LONG_ALONG_N = Search("n_agents", values=(10, 20, 30, 50))
SEARCHES = ("follower_lr", "leader_lr", "outside_payoff", ALONG_N, "readings")
LONG_SEARCHES = tuple(LONG_ALONG_N if search is ALONG_N else search for search in SEARCHES)
STOPS = ("capacity", "late_entry_share")
POLICY = {**AT_BOTH_LRS, "searches": (*SEARCHES, *STOPS)}
LRS_BY_AGENTS = (0.0001, 0.0003, 0.001, 0.003, 0.01)  # where a search runs N = 1000
NO_TAX, NO_LEADER = {"tax_max": 0.0}, {"leader_lr": 0.0}


def largest_rates(taxed) -> tuple[float, float]:
    """Largest τ in rows 0 … ι and in the 10 rows after, mean over runs."""
    rates, after = taxed.tax_rates, taxed.setup.entry + 1
    return float(rates[..., :after].max(-1).mean()), float(rates[..., after : after + 10].max(-1).mean())


@claim("P1", "Fig. 4a", must_fail=NO_LEADER, **POLICY)
def tax_rises_after_entry(taxed):
    """τ rises after G2 starts, not before"""
    before, after = largest_rates(taxed)
    return Number("largest τ up to row ι", before, at_most=0.001), Number("in the 10 rows after", after, at_least=0.05)


@claim(
    "P2",
    "Fig. 4c",
    note="the list asks for the share alone; that any tax is paid was added; with the entry times of the groups exchanged it falls on G2",
    **POLICY,
)
@control(must_fail={"taxed": "taxed_g1_late"}, reason="where G2 enters early, it is the one that pays")
def taxes_fall_on_g1(taxed):
    """Taxes fall on G1"""
    first, second = map(float, taxed.paid.sum((1, 2)))
    return (
        Number("G2's share of all tax paid", ratio(second, first + second, 0.0), at_most=0.05),
        Number("all tax paid, rows 0 … I", first + second, above=NOTHING),
    )


def taxes_after_entry(taxed) -> np.ndarray:
    """Tax paid by all in each row after ι, up to row I."""
    return taxed.paid.sum((0, 1))[taxed.setup.entry + 1 :]


@claim("P3", "Fig. 4a", because=8, must_fail={"follower_lr": 0.0}, searches=(*SEARCHES, "iterations_per_agent"), **AT_BOTH_LRS)
def taxes_fall(taxed):
    """Taxes paid fall as agents converge"""
    paid = taxes_after_entry(taxed)
    return (
        Number("rows from ι to the peak of taxes paid", float(paid.argmax() + 1), at_most=10),
        Number("last over peak", ratio(float(taxed.at_I.revenue), float(paid.max()), 1.0), at_most=0.25),
    )


@claim("A15", "Fig. 4", must_fail={"follower_lr": 0.0}, reason="a trend falls in three of four steps", **POLICY)
def taxes_keep_falling(taxed):
    """Taxes paid reduce as the agents converge"""
    paid = taxes_after_entry(taxed)
    steps = np.diff(paid[paid.argmax() :])
    falling = float((steps < 0).mean()) if steps.size else 0.0
    return Number("share of the iterations from the peak to row I in which taxes paid fall", falling, at_least=0.75)


def gap_left(taxed, late) -> float:
    """Gap at row I with the leader over that without, in size; 1 where there is none without."""
    return ratio(abs(taxed.at_I.gap), abs(late.at_I.gap), 1.0)


@claim("P4", "Fig. 4b", because=8, must_fail=NO_TAX, searches=(*SEARCHES, "tax_max", "iterations_per_agent"), **AT_BOTH_LRS)
def gap_shrinks(taxed, late):
    """Attendance is more equal than without the leader"""
    return Number("gap at row I with the leader over that without, in size", gap_left(taxed, late), at_most=0.5, over=late.at_I.gap)


@claim("A18", "App. C.1", because=8, **AT_BOTH_LRS)
@control(must_fail=NO_TAX, reason="P4's threshold")
@searched(Search("capacity", of="P4"), *SEARCHES)
def gap_shrinks_for_every_capacity(taxed_by_capacity, late_by_capacity):
    """The policy's effect is independent of c"""
    largest = max(gap_left(taxed, late_by_capacity[c]) for c, taxed in taxed_by_capacity.items())
    least = min(abs(late.at_I.gap) for late in late_by_capacity.values())
    return Number("gap with the leader over that without, in size, largest over c = 0.2 … 0.8", largest, at_most=0.5, over=least)


def stability_by_agents(setup: Setup) -> str:
    """At which N untaxed learning is past its stability limit: there the ratio says nothing of the policy."""
    limits = {n: largest_stable_lr(replace(setup, n_agents=n).game, setup.order) for n in setup.agent_counts}
    said = ", ".join(f"{limit:.3g} at N = {n}" for n, limit in limits.items())
    return (
        f"ill-posed where untaxed learning is past its stability limit (α_F = {said}): there all agents jump between the bounds together, "
        "the gap is 0 without the leader too, and such an N counts as one where nothing is gained"
    )


@claim("A40", "App. C.2", because=8, depends=CHOICES, also=({"follower_lr": POLICY_LR},), note=stability_by_agents)
@control(must_fail=NO_TAX, holds_at={"agent_counts": (30, 100)}, reason="P4's threshold")
@searched(Search("follower_lr", of="P4"), *(Search("follower_lr", of="P4", at={"n_agents": n}, values=LRS_BY_AGENTS) for n in (100, 1000)))
def gap_shrinks_for_every_n(taxed_by_agents, late_by_agents):
    """Attendance is more equal than without the leader for N = 10, 100 and 1000"""
    left = {n: gap_left(taxed, late_by_agents[n]) for n, taxed in taxed_by_agents.items()}
    text = "gap at row I with the leader over that without, in size, 1 where there is none; largest over N"
    return (
        Number(text, max(left.values()), at_most=0.5),
        Number("at N = 10, 100, 1000", left),
        Number("gap without at each N", {n: late.at_I.gap for n, late in late_by_agents.items()}),
    )


def fairness_gained(taxed_uniform, late_uniform) -> np.ndarray:
    """Fairness at row I with the leader less that without, by run."""
    return taxed_uniform.at_I.fairness - late_uniform.at_I.fairness


@claim("P5", "Fig. 5", because=8, must_fail=NO_TAX, **AT_BOTH_LRS, searches=(*SEARCHES, *STOPS))
def fairness_is_higher(taxed_uniform, late_uniform):
    """Fairness is higher, from uniform starts"""
    difference = paired(fairness_gained(taxed_uniform, late_uniform))
    return (
        Number("paired difference of fairness at row I over the runs: mean", difference["mean"], at_least=0.02),
        Number("share of runs positive", difference["positive"], at_least=0.9),
        Number("95% interval of the mean from", difference["low"]),
        Number("to", difference["high"]),
    )


@claim("A14", "Sect. 4.2", because=8, holds_at={"follower_lr": POLICY_LR}, **POLICY)
@control(must_fail=NO_TAX, reason="0.8 is Cohen's bound for a large effect between two samples, and the smaller number must reach it too")
def significantly_fairer(setup, taxed_uniform, late_uniform):
    """Outcomes are significantly fairer"""
    text = f"fairness at row I with the leader less without, run by run from {setup.uniform_starts}: mean over standard deviation"
    unpaired = pooled_effect_size(taxed_uniform.at_I.fairness, late_uniform.at_I.fairness)
    return (
        Number(f"{text} (divisor runs - 1)", effect_size(fairness_gained(taxed_uniform, late_uniform)), at_least=0.8),
        Number("its mean over the pooled standard deviation of the two samples", unpaired, at_least=0.8),
    )


def rows_to_meet(late) -> float:
    """Mean over runs of the rows after ι until the gap is at most 0.2; all that a run has if it never is."""
    met = late.trace.gap[..., late.setup.entry + 1 :] <= 0.2
    return float(np.where(met.any(-1), met.argmax(-1) + 1, met.shape[-1]).mean())


@claim("P6", "Sect. 4.2", must_fail=NO_TAX, searches=(*LONG_SEARCHES, *STOPS), **AT_BOTH_LRS)
def converges_faster(taxed, late):
    """Convergence to fairness is faster"""
    share = ratio(rows_to_meet(taxed), rows_to_meet(late), 1.0)
    text = "rows after ι until the gap is first at most 0.2 (all of 400 N iterations if it never is), with the leader over without"
    return Number(text, share, at_most=0.75)


@claim("A28", "Sect. 4.2", **AT_BOTH_LRS)
@control(must_fail=NO_TAX, reason="the list's tolerance of an attendance")
@searched(*SEARCHES, *STOPS, "tax_max")
def agents_adapt(taxed, late):
    """Agents adapt to the tax"""
    less = late.at_I.g1 - taxed.at_I.g1
    return Number("G1's mean attendance at row I without the leader less that with it", less, at_least=0.02)
