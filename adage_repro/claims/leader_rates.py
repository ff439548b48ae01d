"""Claims on the leader's own learning: which rate it finds, and what its learning rate does to it."""

from dataclasses import replace

import numpy as np

from adage_repro.claims.claim import CLAIMS, Case, Search, claim, control, measure_all, searched
from adage_repro.claims.followers import LR_AND_READINGS, listed
from adage_repro.claims.numbers import Number
from adage_repro.claims.policy import ALONG_N, AT_BOTH_LRS, NO_LEADER, SEARCHES, STOPS
from adage_repro.claims.setup import Setup


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
    rate = taxed.tax_rates[0, setup.entry + 1 :]
    inside = np.mean(rate > 0) - np.mean(rate >= setup.tax_max) * (setup.tax_max > 0)
    return Number("share of rows after ι with τ inside (0, tax_max)", inside, at_least=0.5)
