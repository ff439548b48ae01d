"""What the policy brings and costs in money, to whom, and against what a planner could reach: the economist's table."""

import numpy as np
import pandas as pd

from adage_repro.claims.fixtures import FIXTURES, seen
from adage_repro.claims.runs import simulate
from adage_repro.claims.setup import Setup
from adage_repro.market import MarketEntrance
from adage_repro.parameters import FOLLOWER_LR, POLICY_LR
from adage_repro.readings import CROWD


def planners_optimum(game: MarketEntrance) -> float:
    """The largest total of untaxed returns over all strategies: N v plus the largest Σ_i 2 a_i (C - m).

    `included`: that is 2 m (C - m), largest at m = C/2, where it is C²/2, however attendance is shared. `excluded`: it is convex in each
    strategy, so that k agents enter for certain and the others never, with 2 k (C - k) for the best whole k.
    """
    whole = np.arange(game.n_agents + 1)
    gain = CROWD.pick(game.crowd, included=game.places**2 / 2, excluded=float((2 * whole * (game.places - whole)).max()))
    return game.n_agents * game.outside_payoff + gain


def economists_table(
    payoffs: tuple[float, ...] = (0.0, 1.0, 8.0), rates: tuple[float, ...] = (POLICY_LR, FOLLOWER_LR), **given: object
) -> pd.DataFrame:
    """The late-group run from zeros, with and without the leader, by v and α_F.

    Columns: follower_lr, outside_payoff, leader; in row I g1_each and g2_each (an agent's mean return after tax, by group), returns (their
    total), revenue (tax paid), surplus (returns and revenue) and fairness; summed over rows ι + 1 … I returns_after_entry and
    revenue_after_entry; optimum, the planner's for one row, and optimum_after_entry for as many; largest_attendance, the
    largest total attendance m in those rows, and places, the C that it is held against.
    """
    setups = [Setup(**(given | {"follower_lr": rate, "outside_payoff": v})) for rate in rates for v in payoffs]
    asked = [(leader, FIXTURES[name](setup)) for setup in setups for leader, name in (("without", "late"), ("with", "taxed"))]
    known, rows = {}, []
    simulate((one.run for _, one in asked), known)
    for leader, one in asked:
        setup, outcome = one.setup, seen(one, known)
        end, after, first = outcome.at_I, outcome.rows(setup.entry + 1, setup.iterations), setup.n_agents // 2
        optimum = planners_optimum(setup.game)
        rows.append(
            {
                "follower_lr": setup.follower_lr,
                "outside_payoff": setup.outside_payoff,
                "leader": leader,
                "g1_each": end.returns_g1 / first,
                "g2_each": end.returns_g2 / (setup.n_agents - first),
                "returns": end.returns,
                "revenue": end.revenue,
                "surplus": end.returns + end.revenue,
                "fairness": end.fairness,
                "returns_after_entry": after.returns.sum(),
                "revenue_after_entry": after.revenue.sum(),
                "optimum": optimum,
                "optimum_after_entry": optimum * len(after.mean),
                "largest_attendance": setup.n_agents * after.mean.max(),
                "places": setup.game.places,
            }
        )
    return pd.DataFrame(rows)


def economists_words(table: pd.DataFrame) -> list[str]:
    """What the table says, one sentence for each α_F and the v at which it is the same: who gains, and whether all do."""
    said = {}
    for (rate, v), part in table.groupby(["follower_lr", "outside_payoff"], sort=False):
        without, taxed = (part[part["leader"] == leader].iloc[0] for leader in ("without", "with"))
        change = {name: taxed[name] - without[name] for name in part.columns if name != "leader"}
        surplus = change["returns_after_entry"] + change["revenue_after_entry"]
        short = [f"{one['optimum_after_entry'] - one['returns_after_entry']:.4g}" for one in (without, taxed)]
        after = "over all rows after ι the sum of returns after tax"
        most, places = max(without["largest_attendance"], taxed["largest_attendance"]), taxed["places"]
        text = (
            f"in row I each agent of G1 {_moved(change['g1_each'], 'gains', 'loses')} and each of G2 "
            f"{_moved(change['g2_each'], 'gains', 'loses')}; {after} "
            f"{_moved(change['returns_after_entry'], 'rises by', 'falls by')}, and with the revenue added it "
            f"{_moved(surplus, 'rises by', 'falls by')}. The returns fall short of the planner's optimum by {short[0]} without the leader "
            f"and by {short[1]} with it. After ι total attendance {'exceeds' if most > places else 'never exceeds'} C = {places:g}: "
            f"it is {without['largest_attendance']:.3g} at most without the leader and {taxed['largest_attendance']:.3g} with it."
        )
        said.setdefault((rate, text), []).append(f"{v:g}")
    return [f"At α_F = {rate:g} and v = {', '.join(payoffs)}, {text}" for (rate, text), payoffs in said.items()]


def _moved(change: float, up: str, down: str) -> str:
    return f"{up if change >= 0 else down} {abs(change):.3g}"
