"""A setting of all parameters in the paper's words, at which a claim is measured."""

from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from typing import Self

import numpy as np

from adage_repro.experiments import entry_times
from adage_repro.market import MarketEntrance, fixed_point, mixed_equilibrium
from adage_repro.parameters import DEFAULTS, check_all, place
from adage_repro.readings import READINGS as TABLES
from adage_repro.refusals import Refused

READINGS = {name: reading.words for name, reading in TABLES.items()}
CHOICES = (*READINGS, "follower_lr", "outside_payoff")  # what the paper leaves open or gives several values
SERIES_UP_TO = 64  # agents; with more, runs end at I and leave their last row only


@dataclass(frozen=True)
class Setup:
    """One setting of all parameters; `agent_counts` are those that claims over N are measured at."""

    n_agents: int = DEFAULTS["n_agents"]
    capacity: float = DEFAULTS["capacity"]
    outside_payoff: float = DEFAULTS["outside_payoff"]
    tax_max: float = DEFAULTS["tax_max"]
    follower_lr: float = DEFAULTS["follower_lr"]
    leader_lr: float = DEFAULTS["leader_lr"]
    iterations_per_agent: int = DEFAULTS["iterations_per_agent"]
    late_entry_share: float = DEFAULTS["late_entry_share"]
    runs: int = DEFAULTS["runs"]
    seed: int = DEFAULTS["seed"]
    order: str = DEFAULTS["order"]
    tax_units: str = DEFAULTS["tax_units"]
    returns_shift: str = DEFAULTS["returns_shift"]
    late_group: str = DEFAULTS["late_group"]
    crowd: str = DEFAULTS["crowd"]
    agent_counts: tuple[int, ...] = tuple(DEFAULTS["agent_counts"])

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


@cache
def market(
    n_agents: int, capacity: float, outside_payoff: float, crowd: str, tax_units: str, returns_shift: str, traced: bool = False
) -> MarketEntrance:
    """The game, its readings as words or traced."""
    readings = {"crowd": crowd, "tax_units": tax_units, "returns_shift": returns_shift}
    if traced:
        readings = {name: place(name, word) for name, word in readings.items()}
    return MarketEntrance(n_agents, capacity, outside_payoff, **readings)
