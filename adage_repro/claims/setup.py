"""A setting of all parameters in the paper's words, at which a claim is measured."""

from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from typing import Self

import numpy as np

from adage_repro.experiments import entry_times
from adage_repro.market import MarketEntrance, fixed_point, mixed_equilibrium
from adage_repro.parameters import PARAMETERS, check_all, place
from adage_repro.refusals import Refused

READINGS = {name: PARAMETERS[name].words for name in ("order", "tax_units", "returns_shift", "late_group", "crowd")}
CHOICES = (*READINGS, "follower_lr", "outside_payoff")  # what the paper leaves open or gives several values
SERIES_UP_TO = 64  # agents; with more, runs end at I and leave their last row only


@dataclass(frozen=True)
class Setup:
    """One setting of all parameters; `agent_counts` are those that claims over N are measured at."""

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
    agent_counts: tuple[int, ...] = (10, 100, 1000)

    def checked(self) -> Self:
        """The same; ValueError if a value is of the wrong type or out of its range, or if too many agents have no series kept."""
        if isinstance(self.n_agents, int) and self.n_agents > SERIES_UP_TO:
            raise Refused(f"n_agents must lie in [2, {SERIES_UP_TO}] where claims are measured, got {self.n_agents}")
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "agent_counts"}
        return replace(self, **check_all(values))

    @property
    def iterations(self) -> int:
        """I."""
        return self.n_agents * self.iterations_per_agent

    @property
    def entry(self) -> int:
        """ι of G2."""
        return _entry(self.n_agents, self.iterations, self.late_entry_share)

    @cached_property
    def game(self) -> MarketEntrance:
        """The game of this setup."""
        return market(self.n_agents, self.capacity, self.outside_payoff, self.crowd, self.tax_units, self.returns_shift)

    @cached_property
    def traced_game(self) -> MarketEntrance:
        """The same with its readings traced, so that all of them share one compiled program."""
        return market(self.n_agents, self.capacity, self.outside_payoff, self.crowd, self.tax_units, self.returns_shift, traced=True)

    @property
    def uniform_starts(self) -> str:
        """Which uniform starts a quantity is measured from, in words."""
        return f"{self.runs} uniform starts (seed {self.seed})"

    @cached_property
    def rest(self) -> float:
        """The rest point, C / (N + 1) or p*."""
        return float(np.clip(fixed_point(self.game), 0, 1))

    @cached_property
    def equilibrium(self) -> float:
        """p*."""
        return float(mixed_equilibrium(self.game))


@cache
def _entry(n_agents: int, iterations: int, late_entry_share: float) -> int:
    return int(entry_times(n_agents, iterations, late_entry_share)[-1])


def market(
    n_agents: int, capacity: float, outside_payoff: float, crowd: str, tax_units: str, returns_shift: str, traced: bool = False
) -> MarketEntrance:
    """The game, its readings as words or traced."""
    readings = {"crowd": crowd, "tax_units": tax_units, "returns_shift": returns_shift}
    if traced:
        readings = {name: place(name, word) for name, word in readings.items()}
    return MarketEntrance(n_agents, capacity, outside_payoff, **readings)
