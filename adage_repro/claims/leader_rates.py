"""Claims on the leader's own learning: what its learning rate does, which tax rate it finds, and how that compares with constant ones."""

from dataclasses import replace

import numpy as np

from adage_repro.claims.claim import CLAIMS, Case, Search, claim, control, measure_all, searched
from adage_repro.claims.fixtures import HIGH_TAX
from adage_repro.claims.followers import LR_AND_READINGS, listed
from adage_repro.claims.numbers import Number
from adage_repro.claims.policy import ALONG_N, AT_BOTH_LRS, NO_LEADER, POLICY, SEARCHES, STOPS
from adage_repro.claims.setup import CHOICES, Setup
from adage_repro.parameters import FOLLOWER_LR, POLICY_LR


@claim("A24", "App. C.4.2", **AT_BOTH_LRS)
@control(must_fail={"leader_lr": 1e-4}, reason="P10's threshold")
@searched("leader_lr", "follower_lr", ALONG_N, *STOPS)
def stable_about_leader_lr(taxed_about_leader_lr):
    """Results are stable around the exact α_L"""
    gaps = [taxed.at_I.gap for taxed in taxed_about_leader_lr.values()]
    return Number("range of the gaps at row I over half, once and twice α_L", np.ptp(gaps), at_most=0.02)


@claim("P10", "Fig. 12", because=2, **AT_BOTH_LRS)
@control(must_fail={"tax_max": 5.0}, holds_at={"follower_lr": 0.0005})
@searched(Search("leader_lr", of="A24"), ALONG_N, *LR_AND_READINGS)
def leader_lr_has_little_effect(taxed_by_leader_lr):
    """α_L has little effect"""
    gaps = {lr: taxed.at_I.gap for lr, taxed in taxed_by_leader_lr.items()}
    upper = [gap for lr, gap in gaps.items() if lr >= 0.004]
    return (
        Number(f"largest less smallest gap at row I over α_L = {listed(lr for lr in gaps if lr >= 0.004)}", np.ptp(upper), at_most=0.02),
        Number(f"over α_L = {listed(gaps)}", np.ptp(list(gaps.values())), at_most=0.02),
    )


SLOW_LEADER = 2e-4  # an α_L at which τ stays inside its bounds


def which_rate_it_rewards(setup: Setup) -> str:
    """Whether the slow leader that keeps inside loses to a constant."""
    cases = [Case(CLAIMS[id], replace(setup, leader_lr=lr)) for id in ("P11", "A1") for lr in (SLOW_LEADER, setup.leader_lr)]
    inside, inside_own, loses, loses_own = measure_all(cases)
    words = {True: "holds", False: "does not hold"}
    rates = f"at α_L = {SLOW_LEADER:g} it {words[inside.holds]} ({inside.text}), A1 {words[loses.holds]} ({loses[0].value:.6g})"
    own = f"at α_L = {setup.leader_lr:g} it {words[inside_own.holds]}, A1 {words[loses_own.holds]} ({loses_own[0].value:.6g})"
    rewarded = inside.holds and not inside_own.holds and loses[0].value < loses_own[0].value
    return f"{rates}; {own}" + ": it rewards the policy that is less fair" * rewarded


@claim("P11", "Sect. 4.2", because=2, note=which_rate_it_rewards, **AT_BOTH_LRS)
@control(must_fail=NO_LEADER, holds_at={"leader_lr": 1e-4})
@searched(*SEARCHES, "tax_max")
def learns_a_rate_inside(setup, taxed):
    """The leader learns an appropriate rate"""
    rate = taxed.tax_rates[setup.entry + 1 :]
    inside = np.mean(rate > 0) - np.mean(rate >= setup.tax_max) * (setup.tax_max > 0)
    return Number("share of rows after ι with τ inside (0, tax_max)", inside, at_least=0.5)


def fairness_over_constants(taxed_to_i, constant) -> float:
    """Fairness at row I with the learnt rate less that with the best constant."""
    return float(taxed_to_i.at_I.fairness - constant.fairness[:, -1].max())


def gap_over_constants(taxed_to_i, constant) -> float:
    """Gap at row I, in size, with the learnt rate less the smallest with a constant."""
    return float(abs(taxed_to_i.at_I.gap) - constant.gap[:, -1].min())


BEST = "fairness at row I from zeros with the learnt rate less that with the best of 101 constant rates"
SMALLEST = "gap at row I from zeros, in size, with the learnt rate less the smallest with one of 101 constant rates"
TO_MAX, TO_HIGH = "evenly in 0 … tax_max, held in all rows", f"less that with the rates in 0 … {HIGH_TAX:g}, out of the leader's reach"
RAISED = f"evenly in 0 … {HIGH_TAX:g}, the learnt rate's bounds too"
AT_HIGH_TAX = {"depends": CHOICES, "at": {"follower_lr": POLICY_LR, "tax_max": HIGH_TAX}, "also": ({"follower_lr": FOLLOWER_LR},)}


@claim("A1", "Abstract", **POLICY)
@control(must_fail=NO_LEADER, reason="what maximises must not lose to a constant; 0.005 is a sixth of the policy's effect in Fig. 5")
def maximises_fairness(taxed_to_i, constant, constant_to_high):
    """Taxation policies can be learnt to maximise fairness"""
    return (
        Number(f"{BEST}, {TO_MAX}", fairness_over_constants(taxed_to_i, constant), at_least=-0.005),
        Number(TO_HIGH, fairness_over_constants(taxed_to_i, constant_to_high)),
    )


@claim("A33", "Abstract", because=4, must_fail=NO_LEADER, reason="as A1", searches=("leader_lr", ALONG_N, "readings"), **AT_HIGH_TAX)
def maximises_fairness_under_a_high_bound(taxed_to_i, constant):
    """Taxation policies can be learnt to maximise fairness where τ may rise to 5"""
    return Number(f"{BEST}, {RAISED}", fairness_over_constants(taxed_to_i, constant), at_least=-0.005)


@claim("A13", "Sect. 4.2", must_fail=NO_LEADER, reason="as A1", **POLICY)
def minimises_gap(taxed_to_i, constant, constant_to_high):
    """The policy minimises the attendance difference of the groups"""
    return (
        Number(f"{SMALLEST}, {TO_MAX}", gap_over_constants(taxed_to_i, constant), at_most=0.005),
        Number(TO_HIGH, gap_over_constants(taxed_to_i, constant_to_high)),
    )


@claim("A34", "Sect. 4.2", because=2, **AT_HIGH_TAX)
@control(must_fail=NO_LEADER, holds_at={"follower_lr": 0.001}, reason="as A1")
@searched("leader_lr", ALONG_N, "readings")
def minimises_gap_under_a_high_bound(taxed_to_i, constant):
    """The policy minimises the attendance difference of the groups where τ may rise to 5"""
    return Number(f"{SMALLEST}, {RAISED}", gap_over_constants(taxed_to_i, constant), at_most=0.005)
