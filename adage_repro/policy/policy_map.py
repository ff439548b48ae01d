"""Where the policy works: a map over the number of agents, the followers' learning rate and the largest tax rate, and its law."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from adage_repro.claims.runs import simulate, simulation
from adage_repro.claims.setup import Setup
from adage_repro.market import largest_stable_lr
from adage_repro.words import NEAR

AGENT_COUNTS = (10, 20, 30, 50, 100, 200)
FOLLOWER_LRS = tuple(float(f"{rate:.4g}") for rate in np.geomspace(1e-4, 0.1, 13))
TAX_MAXES = (0.1, 0.5, 5.0)
CLOSED = 0.5  # P4's threshold for the gap with the leader over that without
REGIMES = ("too slow", "works", "swings about the kink", "no gap to close", "past the stability limit")


def law_lines(tax_max: float, agent_counts: Iterable[int] = AGENT_COUNTS, **given: object) -> pd.DataFrame:
    """`gap_ratio_law` on a grid fine enough to draw its boundaries: columns n_agents, follower_lr, law, and limit, that of stability."""
    counts = np.unique(np.geomspace(min(agent_counts), max(agent_counts), 41).astype(int))
    setups = [
        Setup(**(given | {"n_agents": int(n), "follower_lr": float(rate), "tax_max": tax_max}))
        for n in counts
        for rate in np.geomspace(min(FOLLOWER_LRS), max(FOLLOWER_LRS), 121)
    ]
    rows = [(one.n_agents, one.follower_lr, gap_ratio_law(one), largest_stable_lr(one.game, one.order)) for one in setups]
    return pd.DataFrame(rows, columns=["n_agents", "follower_lr", "law", "limit"])


def policy_map(
    agent_counts: Iterable[int] = AGENT_COUNTS,
    follower_lrs: Iterable[float] = FOLLOWER_LRS,
    tax_maxes: Iterable[float] = TAX_MAXES,
    **given: object,
) -> pd.DataFrame:
    """The late-group run from zeros to row I, with the leader and without, for every N, α_F and tax_max; one program for each N.

    Columns: n_agents, follower_lr, tax_max, gap_with and gap_without (their sizes, mean of the last two rows, so that the parity of I
    plays no part), ratio, swing (from one row to the next and back, at row I), law (the ratio by `gap_ratio_law`), regime.
    `given` are other parameters of `Setup`.
    """
    rates, taxes = list(follower_lrs), list(tax_maxes)
    base = Setup(**given)
    setups = [replace(base, n_agents=n, follower_lr=rate, tax_max=tax) for n in agent_counts for rate in rates for tax in (0.0, *taxes)]
    runs, known = {setup: simulation(setup, late=True, leader=True, length="end") for setup in setups}, {}
    simulate(runs.values(), known)
    found = []
    for setup, run in runs.items():
        if setup.tax_max > 0:
            last, untaxed = known[run].gap, known[runs[replace(setup, tax_max=0.0)]].gap
            with_tax, without = (float(abs(values[-2:]).mean()) for values in (last, untaxed))
            swing = float(abs(np.diff(last, 2)).max(initial=0.0)) / 2
            found.append((setup.n_agents, setup.follower_lr, setup.tax_max, with_tax, without, with_tax / max(without, 1e-300), swing))
            found[-1] += (float(gap_ratio_law(setup)), regime(setup, with_tax, without, swing))
    return pd.DataFrame(found, columns=["n_agents", "follower_lr", "tax_max", "gap_with", "gap_without", "ratio", "swing", "law", "regime"])


def regime(setup: Setup, gap_with: float, gap_without: float, swing: float) -> str:
    """One of REGIMES.

    A ratio of two gaps decides nothing where both are within the tolerance of an attendance, 0.02: there is `no gap to close`.
    Otherwise the policy `works` where it leaves at most half of the gap. If it does not, either followers have met and `swing` about
    the tax's kink (the gap is no larger than the swing), or they are on their way still: `too slow`.
    """
    if setup.follower_lr >= largest_stable_lr(setup.game, setup.order):
        return "past the stability limit"
    if max(gap_with, gap_without) <= NEAR:
        return "no gap to close"
    if gap_with <= CLOSED * gap_without:
        return "works"
    return "swings about the kink" if gap_with <= swing else "too slow"


def gap_ratio_law(setup: Setup) -> float:
    """The ratio of the gaps in closed form for a tax at tax_max from ι on (`headcount`, `included`, `simultaneous`); NaN elsewhere.

    With G1 alone taxed, Eq. 8 gives for the gap d between groups of equal agents with mean attendance a, while d > 0,

        d ← d - α_F [2 d + tax_max N (d + a)],

    so that in T = I - ι iterations d = (d_ι + w) (1 - α_F (2 + tax_max N))^T - w, with w = tax_max N a / (2 + tax_max N); without the tax
    d = d_ι (1 - 2 α_F)^T. Where d would pass 0 it swings about it instead, by α_F tax_max N a from one row to the next, half of which is
    left on average. For T = 5 N the former is at half of the untaxed gap where α_F tax_max N² is about a constant, and the latter
    where α_F N is about a constant that depends on tax_max alone.
    """
    if (setup.tax_units, setup.crowd, setup.order) != ("headcount", "included", "simultaneous"):
        return np.nan
    n, rate, entry = setup.n_agents, setup.follower_lr, setup.entry
    left, first, places = setup.iterations - entry, n // 2, setup.capacity * n
    if rate * (n + 1) >= 1 or rate * (2 + setup.tax_max * n) >= 2:
        return np.nan
    begin = min(1.0, places / (first + 1) * (1 - (1 - 2 * rate * (first + 1)) ** entry))  # G1's attendance at ι, and the gap
    kept = 1 - 2 * rate * (n + 1)  # of the mean's distance to its rest point, in one iteration
    mean = setup.rest + (begin * first / n - setup.rest) * (1 - kept**left) / (max(left, 1) * 2 * rate * (n + 1))
    width = setup.tax_max * n * mean / (2 + setup.tax_max * n)
    reached = (begin + width) * (1 - rate * (2 + setup.tax_max * n)) ** left - width
    return max(reached, rate * setup.tax_max * n * mean / 2) / (begin * (1 - 2 * rate) ** left)
