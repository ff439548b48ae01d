"""Every claim measured in every combination of the paper's open choices, and what the combinations show."""

from collections.abc import Iterable
from itertools import product

import numpy as np
import pandas as pd

from adage_repro.claims.claim import CLAIMS, Case, Claim, measure_all
from adage_repro.claims.runs import Known
from adage_repro.claims.setup import CHOICES, READINGS, Setup
from adage_repro.parameters import FOLLOWER_LR, POLICY_LR
from adage_repro.words import NOTHING

RATES, PAYOFFS = (FOLLOWER_LR, POLICY_LR), (0.0, 1.0, 8.0)
UP_TO_100 = (10, 100)  # the numbers of agents at which claims over N are measured here
NOT_CROSSED = ("taxed_by_agents",)  # runs that in all cells would take as long as those of all other claims together


def all_cells() -> list[dict[str, object]]:
    """Every combination of readings, follower_lr and outside_payoff."""
    return [dict(zip(CHOICES, cell, strict=True)) for cell in product(*READINGS.values(), RATES, PAYOFFS)]


def cross(
    ids: list[str] | None = None, cells: list[dict[str, object]] | None = None, known: Known | None = None, **given: object
) -> pd.DataFrame:
    """Every claim that depends on a choice, or those among `ids` that do, measured in every cell; `given` are other parameters, and
    `known` is what runs left, used and added to.

    Columns: id, the five readings, follower_lr, outside_payoff, measured (numbers separated by `; `), holds. A claim is measured once
    for each combination of the choices that it depends on. Those over N = 10, 100, 1000 are measured up to N = 100;
    the one among them that has the leader, A40, is left out.
    """
    Setup(**given).checked()
    cells = all_cells() if cells is None else cells
    claims = [claim for claim in map(CLAIMS.get, ids or CLAIMS) if claim.depends and not set(claim.asks) & set(NOT_CROSSED)]
    cases = {}
    for claim in claims:
        for cell in cells:
            chosen = {name: cell[name] for name in claim.depends}
            key = (claim.id, *chosen.values())
            if key not in cases:
                cases[key] = Case(claim, Setup(**(given | claim.own | chosen), agent_counts=UP_TO_100))
    found = {key: (numbers.text, numbers.holds) for key, numbers in zip(cases, measure_all(cases.values(), known), strict=True)}
    entries = [
        (claim.id, *cell.values(), *found[(claim.id, *(cell[name] for name in claim.depends))]) for claim in claims for cell in cells
    ]
    return pd.DataFrame(entries, columns=["id", *CHOICES, "measured", "holds"])


def share_explained(holds: np.ndarray, labels: np.ndarray) -> float:
    """Share of the variance of `holds` that lies between the groups of `labels`; 1 if they split it perfectly."""
    overall = holds.mean()
    parts = [holds[labels == label] for label in np.unique(labels)]
    return float(sum(part.size * (part.mean() - overall) ** 2 for part in parts) / (holds.size * overall * (1 - overall)))


def untaxed(table: pd.DataFrame, claims: Iterable[Claim]) -> np.ndarray:
    """Which entries of `cross` are claims on the policy where no tax is paid, from zeros or from uniform starts as the claim: what holds
    there holds of no policy."""
    found, cells = np.zeros(len(table), bool), pd.MultiIndex.from_frame(table[list(CHOICES)])
    payers = {claim.id: claim.payer for claim in claims if claim.on_policy}
    for payer in set(payers.values()):
        asked = (table["id"].map(payers) == payer).to_numpy()
        paid = table[table["id"] == payer].set_index(list(CHOICES))["measured"].str.split("; ").str[1].str.removeprefix("<")
        found[asked] = (paid.astype(float) <= NOTHING).loc[cells[asked]].to_numpy()
    return found


def hinges(table: pd.DataFrame) -> pd.DataFrame:
    """For each claim that holds in some cells of `cross` and not in others, the choice that tells them apart best.

    Columns: id, holds (share of cells), choice, value (where it holds most), holds_there, holds_elsewhere, explained (share of variance).
    """
    entries = []
    for id, part in table.groupby("id", sort=False):
        holds = part["holds"].to_numpy(float)
        if 0 < holds.mean() < 1:
            explained = {name: share_explained(holds, part[name].to_numpy()) for name in CHOICES}
            choice = max(explained, key=explained.get)
            by_value = part.groupby(choice, sort=False)["holds"].mean()
            best = by_value.index[by_value == by_value.max()]
            elsewhere = holds[~part[choice].isin(best).to_numpy()].mean()
            entries.append((id, holds.mean(), choice, " or ".join(map(str, best)), by_value.max(), elsewhere, explained[choice]))
    return pd.DataFrame(entries, columns=["id", "holds", "choice", "value", "holds_there", "holds_elsewhere", "explained"])


def carried(table: pd.DataFrame, claims: Iterable[Claim], outside_payoff: float = 1.0) -> pd.DataFrame:
    """How many claims each reading carries, each claim at its own follower_lr, the most first.

    Columns: the five readings, claims (how many hold), of (how many were measured), default (whether it is the default reading), and
    which ones it carries more and which fewer than the default reading.
    """
    own = {claim.id: claim.setup().follower_lr for claim in claims}
    part = table[(table["outside_payoff"] == outside_payoff) & (table["follower_lr"] == table["id"].map(own))]
    groups = part.groupby(list(READINGS), sort=False)
    counts = groups["holds"].agg(["sum", "size"]).rename(columns={"sum": "claims", "size": "of"})
    held = groups.apply(lambda cells: set(cells["id"][cells["holds"]]))
    own = held[tuple(getattr(Setup(), name) for name in READINGS)]
    order = part["id"].unique()
    counts["more"] = [" ".join(id for id in order if id in here - own) for here in held]
    counts["fewer"] = [" ".join(id for id in order if id in own - here) for here in held]
    counts = counts.reset_index()
    counts["default"] = np.all([counts[name] == getattr(Setup(), name) for name in READINGS], axis=0)
    return counts.sort_values("claims", ascending=False, kind="stable", ignore_index=True)
