"""Claims on taxes that are measured from zeros in the paper's list, from uniform starts, the run being the unit."""

import numpy as np

from adage_repro.claims.claim import claim, control, searched
from adage_repro.claims.numbers import Number
from adage_repro.claims.policy import AT_BOTH_LRS, NO_LEADER, NO_TAX, POLICY, SEARCHES, largest_rates, rows_to_meet
from adage_repro.measures import ratio
from adage_repro.words import NOTHING


@claim("A35", "Fig. 4a", because=10, **AT_BOTH_LRS)
@control(must_fail=NO_LEADER, holds_at={"taxed_uniform": "taxed_to_i"}, reason="P1's thresholds")
@searched(*SEARCHES, "capacity")  # not along ι: where G2 enters at once there is no time before
def tax_rises_after_entry_from_uniform_starts(taxed_uniform):
    """From uniform starts, τ rises after G2 starts, not before"""
    before, after = largest_rates(taxed_uniform)
    return (
        Number("largest τ in rows 0 … ι from uniform starts, mean over runs", before, at_most=0.001),
        Number("in the 10 rows after ι", after, at_least=0.05),
    )


def share_of_g2(paid: np.ndarray) -> float:
    """Mean over runs of G2's share of all tax that is paid in the run (2, runs, rows); 0 in a run without tax."""
    first, second = paid.sum(-1)
    return float(np.mean([ratio(late, early + late, 0.0) for early, late in zip(first, second, strict=True)]))


@claim("A36", "Fig. 4c", because=10, **AT_BOTH_LRS)
@control(must_fail={"taxed_uniform": "taxed_g1_late_uniform"}, holds_at={"taxed_uniform": "taxed_to_i"}, reason="P2's thresholds")
@searched(*SEARCHES, "tax_max", "capacity")
def taxes_fall_on_g1_from_uniform_starts(setup, taxed_uniform):
    """From uniform starts, taxes fall on G1"""
    paid = taxed_uniform.paid
    total, before = float(paid.sum()), float(paid[..., : setup.entry + 1].sum())
    text = "G2's share of all tax paid in rows 0 … I of all runs from uniform starts"
    return (
        Number(text, ratio(float(paid[1].sum()), total, 0.0), at_most=0.05),
        Number("all tax paid, mean over runs", total / paid.shape[1], above=NOTHING),
        Number("share of all tax that is paid in rows 0 … ι", ratio(before, total, 0.0)),
        Number("G2's share by run, mean over runs", share_of_g2(paid)),
    )


@claim("A37", "Fig. 4a", because=8, must_fail={"follower_lr": 0.0}, reason="P3's thresholds", **POLICY)
def taxes_fall_from_uniform_starts(setup, taxed_uniform):
    """From uniform starts, taxes paid fall as agents converge"""
    paid = taxed_uniform.paid.sum(0).mean(0)
    after, most = paid[setup.entry + 1 :], float(paid.max())
    text = "rows from ι to the peak, after ι, of the taxes that all pay in a row, mean over runs from uniform starts"
    return (
        Number(text, float(after.argmax() + 1), at_most=10),
        Number("row I over that peak", ratio(float(after[-1]), float(after.max()), 1.0), at_most=0.25),
        Number("row I over the peak of all rows", ratio(float(after[-1]), most, 1.0)),
    )


@claim("A38", "Sect. 4.2", because=8, must_fail=NO_TAX, reason="P6's threshold", holds_at={"follower_lr": 0.01}, **POLICY)
def converges_faster_from_uniform_starts(taxed_uniform, late_uniform):
    """From uniform starts, convergence to fairness is faster"""
    with_leader, without = rows_to_meet(taxed_uniform), rows_to_meet(late_uniform)
    text = (
        "rows after ι until the gap is at most 0.2 for the first time, I - ι in a run where it never is, mean over runs from uniform starts"
    )
    return (
        Number(f"{text}, with the leader over without", ratio(with_leader, without, 1.0), at_most=0.75),
        Number("with", with_leader),
        Number("without", without),
    )
