"""A setting of all parameters, the runs that it asks for, and every claim measured in every combination of the paper's open choices."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import product
from typing import Protocol

import numpy as np
import pandas as pd

from adage_repro.experiments import entry_times
from adage_repro.market import MarketEntrance
from adage_repro.parameters import check_all
from adage_repro.refusals import Refused
from adage_repro.report.any_market import CODED, READINGS, AnyMarket, code
from adage_repro.report.batches import Run, Trace, simulate

LONG, HEAD = 400, 40  # a long run has 400 N iterations (App. D); its series are kept for 40 N rows
LONG_UP_TO = 64  # agents; with more, runs end at I and keep their last row only
RATES, PAYOFFS = (0.001, 0.01), (0.0, 1.0, 8.0)
CHOICES = (*READINGS, "follower_lr", "outside_payoff")
UP_TO_100 = "N up to 100"  # a control: claims over N = 10, 100, 1000 leave the last out


@dataclass(frozen=True)
class Setup:
    """One setting of all parameters, and `control`: a deliberate defect that a claim's measurement must notice."""

    n_agents: int = 10
    capacity: float = 0.6
    outside_payoff: float = 1.0
    tax_max: float = 0.1
    follower_lr: float = 0.001
    leader_lr: float = 0.04
    iterations_per_agent: int = 10
    late_entry_share: float = 0.5
    runs: int = 100
    seed: int = 0
    order: str = "simultaneous"
    tax_units: str = "headcount"
    returns_shift: str = "negative"
    late_group: str = "absent"
    crowd: str = "included"
    control: str = ""

    def checked(self) -> "Setup":
        """The same; ValueError if a value is of the wrong type or out of its range, or if too many agents have no series kept."""
        if isinstance(self.n_agents, int) and self.n_agents > LONG_UP_TO:
            raise Refused(f"n_agents must lie in [2, {LONG_UP_TO}] where claims are measured, got {self.n_agents}")
        return replace(self, **check_all({field.name: getattr(self, field.name) for field in fields(self) if field.name != "control"}))

    @property
    def iterations(self) -> int:
        """I."""
        return self.n_agents * self.iterations_per_agent

    @property
    def entry(self) -> int:
        """ι of G2."""
        return _entry(self.n_agents, self.iterations, self.late_entry_share)

    @property
    def market(self) -> MarketEntrance:
        """The game of this setup."""
        names = ("n_agents", "capacity", "outside_payoff", "crowd", "tax_units", "returns_shift")
        return MarketEntrance(**{name: getattr(self, name) for name in names})

    @property
    def any_market(self) -> AnyMarket:
        """The same game with its readings as numbers, so that all 18 share one compiled program."""
        return AnyMarket(self.n_agents, self.capacity, self.outside_payoff, *(code(name, getattr(self, name)) for name in CODED))


@cache
def _entry(n_agents: int, iterations: int, late_entry_share: float) -> int:
    return int(entry_times(n_agents, iterations, late_entry_share)[-1])


def run(setup: Setup, late: bool = False, leader: bool = False, *, start: str = "", loop: str = "", tax_rate: float = 0.0) -> Run:
    """The run of a setup, with everything that it does not depend on put to one value, so that equal runs are simulated once.

    late        G2 enters at ι; otherwise all start at 0
    leader      the leader learns; otherwise the tax rate stays at `tax_rate`
    start       none: from zeros, far past row I · `uniform`, `zeros`: to row I, of which the last row alone is kept
    loop        see `Run`
    """
    n, iterations = setup.n_agents, setup.iterations
    short = start or loop or n > LONG_UP_TO
    entry = setup.entry if late else 0
    taxed = (leader and setup.leader_lr > 0) or tax_rate > 0
    swapped = setup.control == "groups swapped"
    uniform = start == "uniform"
    return Run(
        n_agents=n,
        iterations=iterations if short else n * max(LONG, setup.iterations_per_agent),
        head=-1 if short else n * max(HEAD, setup.iterations_per_agent),
        start=start or "zeros",
        runs=setup.runs if uniform else 1,
        seed=setup.seed if uniform else 0,
        order=setup.order,
        late_group=setup.late_group if entry else "absent",
        loop=loop or ("answer" if not short else "A-GD" if taxed or n <= LONG_UP_TO else "free"),
        capacity=setup.capacity,
        outside_payoff=setup.outside_payoff,
        follower_lr=setup.follower_lr,
        leader_lr=setup.leader_lr if leader else 0.0,
        leader_start=tax_rate,
        tax_max=setup.tax_max if taxed else 0.1,
        entry_g1=entry if swapped else 0,
        entry_g2=0 if swapped else entry,
        crowd=setup.crowd,
        tax_units=setup.tax_units if taxed else "headcount",
        returns_shift=setup.returns_shift,
    )


class Claim(Protocol):
    """What is measured: the runs that it asks for in a setup, and a few numbers made of their traces."""

    id: str
    choices: tuple[str, ...]  # the readings and numbers of the cross product that it depends on
    large: bool  # whether it runs N = 10, 100, 1000
    on_policy: bool  # whether it is on the leader's policy

    def setup(self, **given: object) -> Setup: ...
    def runs(self, setup: Setup) -> tuple[Run, ...]: ...
    def measure(self, setup: Setup, *traces: Trace) -> tuple[float, ...]: ...
    def holds(self, values: tuple[float, ...]) -> bool: ...


def measure_all(pairs: Iterable[tuple[Claim, Setup]], known: dict[Run, Trace] | None = None) -> list[tuple[float, ...]]:
    """What each claim measures in each setup; `known` traces are used and added to."""
    planned = [(claim, setup, claim.runs(setup)) for claim, setup in pairs]
    known = {} if known is None else known
    simulate((one for _, _, wanted in planned for one in wanted), known)
    return [claim.measure(setup, *(known[one] for one in wanted)) for claim, setup, wanted in planned]


def all_cells() -> list[dict[str, object]]:
    """Every combination of readings, follower_lr and outside_payoff."""
    return [dict(zip(CHOICES, cell, strict=True)) for cell in product(*READINGS.values(), RATES, PAYOFFS)]


def cross(claims: Iterable[Claim], cells: list[dict[str, object]] | None = None, **given: object) -> pd.DataFrame:
    """Every claim that depends on a choice, measured in every cell; `given` are other parameters.

    Columns: id, the five readings, follower_lr, outside_payoff, measured (numbers apart by `; `), holds. A claim is measured once for
    each combination of the choices that it depends on. Those over N = 10, 100, 1000 are measured up to N = 100.
    """
    Setup(**given).checked()
    cells = all_cells() if cells is None else cells
    claims = [claim for claim in claims if claim.choices]
    keys = {}
    for claim in claims:
        for cell in cells:
            keys.setdefault((claim.id, *(cell[name] for name in claim.choices)), (claim, cell))
    setups = [
        Setup(**(given | {name: cell[name] for name in claim.choices}), control=UP_TO_100 if claim.large else "")
        for claim, cell in keys.values()
    ]
    values = measure_all(zip((claim for claim, _ in keys.values()), setups, strict=True))
    said = {key: (values_text(numbers), claim.holds(numbers)) for (key, (claim, _)), numbers in zip(keys.items(), values, strict=True)}
    rows = [(claim.id, *cell.values(), *said[(claim.id, *(cell[name] for name in claim.choices))]) for claim in claims for cell in cells]
    return pd.DataFrame(rows, columns=["id", *CHOICES, "measured", "holds"])


def values_text(values: tuple[float, ...]) -> str:
    """The numbers measured, six significant digits each; of rounding noise, whose digits differ between machines, only that it is small."""
    return "; ".join("<1e-12" if 0 < abs(value) < 1e-12 else f"{value:.6g}" for value in values)


def share_explained(holds: np.ndarray, labels: np.ndarray) -> float:
    """Share of the variance of `holds` that lies between the groups of `labels`; 1 if they split it perfectly."""
    overall = holds.mean()
    parts = [holds[labels == label] for label in np.unique(labels)]
    return float(sum(part.size * (part.mean() - overall) ** 2 for part in parts) / (holds.size * overall * (1 - overall)))


def untaxed(table: pd.DataFrame, claims: Iterable[Claim]) -> np.ndarray:
    """Which rows of `cross` are on the policy in a cell where no tax is paid, by P2's measurement: what holds there holds of no policy."""
    on_policy = {claim.id for claim in claims if claim.on_policy}
    none = table[table["id"] == "P2"].set_index(list(CHOICES))["measured"].str.split("; ").str[1].isin(["0", "<1e-12"])
    return table["id"].isin(on_policy).to_numpy() & none.loc[pd.MultiIndex.from_frame(table[list(CHOICES)])].to_numpy()


def hinges(table: pd.DataFrame) -> pd.DataFrame:
    """For each claim that holds in some cells of `cross` and not in others, the choice that tells them apart best.

    Columns: id, holds (share of cells), choice, value (where it holds most), holds_there, holds_elsewhere, explained (share of variance).
    """
    rows = []
    for id, part in table.groupby("id", sort=False):
        holds = part["holds"].to_numpy(float)
        if 0 < holds.mean() < 1:
            explained = {name: share_explained(holds, part[name].to_numpy()) for name in CHOICES}
            choice = max(explained, key=explained.get)
            by_value = part.groupby(choice, sort=False)["holds"].mean()
            best = by_value.index[by_value == by_value.max()]
            elsewhere = holds[~part[choice].isin(best).to_numpy()].mean()
            rows.append((id, holds.mean(), choice, " or ".join(map(str, best)), by_value.max(), elsewhere, explained[choice]))
    return pd.DataFrame(rows, columns=["id", "holds", "choice", "value", "holds_there", "holds_elsewhere", "explained"])


def carried(table: pd.DataFrame, claims: Iterable[Claim], outside_payoff: float = 1.0) -> pd.DataFrame:
    """How many claims each reading carries, each claim at its own follower_lr, the most first.

    Columns: the five readings, claims (how many hold), of (how many were measured), default (whether it is the default reading), and
    which ones it carries more and which fewer than the default reading.
    """
    own = {claim.id: claim.setup().follower_lr for claim in claims}
    part = table[(table["outside_payoff"] == outside_payoff) & (table["follower_lr"] == table["id"].map(own))]
    groups = part.groupby(list(READINGS), sort=False)
    counts = groups["holds"].agg(["sum", "size"]).rename(columns={"sum": "claims", "size": "of"})
    held = groups.apply(lambda rows: set(rows["id"][rows["holds"]]))
    own = held[tuple(getattr(Setup(), name) for name in READINGS)]
    order = part["id"].unique()
    counts["more"] = [" ".join(id for id in order if id in here - own) for here in held]
    counts["fewer"] = [" ".join(id for id in order if id in own - here) for here in held]
    counts = counts.reset_index()
    counts["default"] = np.all([counts[name] == getattr(Setup(), name) for name in READINGS], axis=0)
    return counts.sort_values("claims", ascending=False, kind="stable", ignore_index=True)
