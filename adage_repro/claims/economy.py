"""What the policy brings and costs in money: the economist's table."""

import pandas as pd

from adage_repro.claims.fixtures import FIXTURES, seen
from adage_repro.claims.runs import simulate
from adage_repro.claims.setup import Setup


def economists_table(
    payoffs: tuple[float, ...] = (0.0, 1.0, 8.0), rates: tuple[float, ...] = (0.01, 0.001), **given: object
) -> pd.DataFrame:
    """Row I of the late-group run from zeros, with and without the leader, by v and α_F.

    Columns: follower_lr, outside_payoff, leader, returns (total, after tax), revenue (tax paid in the row), surplus (their sum), fairness.
    """
    setups = [Setup(**(given | {"follower_lr": rate, "outside_payoff": v})) for rate in rates for v in payoffs]
    asked = [(leader, FIXTURES[name](setup)) for setup in setups for leader, name in (("without", "late"), ("with", "taxed"))]
    known, rows = {}, []
    simulate((one.run for _, one in asked), known)
    for leader, one in asked:
        end = seen(one, known).at_I
        revenue = end.tax_g1 + end.tax_g2
        row = (one.setup.follower_lr, one.setup.outside_payoff, leader, end.returns, revenue, end.returns + revenue, end.fairness)
        rows.append(row)
    return pd.DataFrame(rows, columns=["follower_lr", "outside_payoff", "leader", "returns", "revenue", "surplus", "fairness"])
