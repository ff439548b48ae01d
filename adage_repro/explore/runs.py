"""A setting as a run with the leader and one without, and what is measured of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import jax
import numpy as np
import pandas as pd

from adage_repro import captions, experiments, tables, words
from adage_repro.adage import solve
from adage_repro.history import History
from adage_repro.market import MarketEntrance, fixed_point, mixed_equilibrium
from adage_repro.measures import Series, attendance, in_g2, series
from adage_repro.parameters import check_all, place
from adage_repro.settings import Settings
from adage_repro.sizes import LEADER, LIMITS, LONGEST_TABLE, check_sizes, largest, sizes

MOST_ROWS = 250  # that a picture shows
UPDATES = list(LIMITS)[1]
QUICK = 100_000 * LEADER  # updates that take about ten milliseconds
PATIENT = 500 * QUICK
_COMPILED: set[tuple] = set()


@dataclass(frozen=True)
class Seen:
    """What is seen of a setting: the rows kept, and histories and series `with` the leader, if it learns, and `without`."""

    values: Mapping[str, object]
    game: MarketEntrance
    rows: np.ndarray
    entry: int
    histories: Mapping[str, History]
    measured: Mapping[str, Series]

    @property
    def points(self) -> dict[str, float]:
        """p* and the rest point."""
        return {"p*": mixed_equilibrium(self.game), "rest point": fixed_point(self.game)}

    @cached_property
    def groups(self) -> dict[str, np.ndarray]:
        """Who is in each group (N,): all are in one if none enters late."""
        late = in_g2(self.game.n_agents)
        return {"G1": ~late, "G2": late} if self.entry else {"agents": np.ones_like(late)}

    @cached_property
    def headline(self) -> dict[str, float]:
        """The headline numbers, means over the runs, by the names that the figures give them."""
        numbers = {}
        for leader, path in self.measured.items():
            numbers[f"gap {leader} the leader"] = float(path.gap[:, -1].mean())
        for leader, path in self.measured.items():
            numbers[f"fairness {leader} the leader"] = float(path.fairness[:, -1].mean())
        if "with" in self.measured:
            numbers["largest tax rate"] = float(self.measured["with"].tax_rate.max())
        shown = next(iter(self.measured.values()))
        return numbers | {"mean attendance": float(shown.mean[:, -1].mean())} | self.points

    @property
    def alt(self) -> str:
        """What is seen, in words."""
        return captions.explore(self.measured, self.values["follower_start"], self.entry, self.values["tax_max"])

    @property
    def stability(self) -> str:
        """One line that compares the followers' rate with the stability limit."""
        return words.stability_line(self.game, self.values["follower_lr"], self.values["order"])


def quick_runs(values: Mapping[str, object], most: int) -> int:
    """How many runs from uniform starts are simulated at once while a slider moves: at most `most`, at least 2."""
    return max(2, largest(lambda runs: sizes({**values, "runs": runs})[UPDATES] <= QUICK, most))


def compiled(values: Mapping[str, object]) -> bool:
    """Whether a run of this size and order has been simulated before, so that nothing has to be compiled for it."""
    return _size(values) in _COMPILED


def _size(values: Mapping[str, object]) -> tuple:
    names = ("n_agents", "iterations_per_agent", "order", "follower_start")
    return *(values[name] for name in names), values["runs"] if values["follower_start"] != "zeros" else 1


def simulate(values: Mapping[str, object]) -> Seen:
    """Run a setting. Its numbers, and its readings but for the order, may change without compiling again.

    Refused: what `check_all` refuses, and a run that would keep the reader waiting.
    """
    values = check_all(values)
    from_zeros = values["follower_start"] == "zeros"
    runs = 1 if from_zeros else values["runs"]
    check_sizes({**values, "runs": runs}, limits=LIMITS | {UPDATES: PATIENT})
    traced = {name: place(name, values[name]) for name in ("crowd", "tax_units", "returns_shift", "late_group")}
    late_group = traced.pop("late_group")
    game = MarketEntrance(values["n_agents"], values["capacity"], values["outside_payoff"], **traced)
    iterations = values["iterations_per_agent"] * values["n_agents"]
    entry = experiments.entry_times(values["n_agents"], iterations, values["late_entry_share"])
    taxed = Settings(
        iterations,
        values["follower_lr"],
        values["leader_lr"],
        order=values["order"],
        late_group=late_group,
        entry_time=entry,
        leader_bounds=(0.0, values["tax_max"]),
    )
    start = experiments.starts(values["follower_start"], runs, values["n_agents"], values["seed"])
    rows = tables.kept_rows(taxed, numbers_a_row=LONGEST_TABLE // MOST_ROWS)
    learns = values["leader_lr"] > 0 and values["tax_max"] > 0
    policies = {"with": taxed} if learns else {}
    policies["without"] = replace(taxed, leader_lr=0.0)
    kept = {leader: solve(game, policy, start, rows=rows, keep=_kept) for leader, policy in policies.items()}
    histories, measured = ({leader: found[k] for leader, found in jax.device_get(kept).items()} for k in (0, 1))
    _COMPILED.add(_size(values))
    plain = replace(game, **{name: values[name] for name in traced})
    return Seen(values, plain, rows, int(entry.max()), histories, measured)


def _kept(game: MarketEntrance, history: History) -> tuple[History, Series]:
    return history, series(game, history)


def saved_tables(seen: Seen) -> dict[str, pd.DataFrame]:
    """The tables behind the picture, which has means over the runs: attendance by group, the leader's series, and all agents at the end."""
    paths, rates = [], []
    for leader, path in seen.measured.items():
        entered = attendance(seen.histories[leader])
        for group, who in seen.groups.items():
            columns = {"attendance_mean": entered[..., who].mean((0, 2)), "attendance_std": entered[..., who].std((0, 2))}
            paths.append(pd.DataFrame({"leader": leader, "iteration": seen.rows, "group": group, **columns}))
        columns = {"tax_rate": path.tax_rate, "tax_paid_g1": path.tax_g1, "tax_paid_g2": path.tax_g2, "fairness": path.fairness}
        means = {name: values.mean(0) for name, values in columns.items()}
        rates.append(pd.DataFrame({"leader": leader, "iteration": seen.rows, **means}))
    end = tables.by_case("leader run agent group attendance", seen.histories)
    return {"explore_attendance": tables.stack(paths), "explore_leader": tables.stack(rates), "explore_end": end}
