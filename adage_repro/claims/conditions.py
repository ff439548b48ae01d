"""Where a claim holds along one parameter: what is tried, and how the condition is worded."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import groupby, pairwise
from math import ceil, floor, log10

import numpy as np

from adage_repro.claims.claim import Case, Claim
from adage_repro.claims.numbers import Measured
from adage_repro.claims.setup import READINGS, Setup
from adage_repro.market import largest_stable_lr

SYMBOLS = {
    "follower_lr": "α_F",
    "leader_lr": "α_L",
    "capacity": "c",
    "outside_payoff": "v",
    "n_agents": "N",
    "iterations_per_agent": "I/N",
    "late_entry_share": "ι/I",
}
WHOLE = ("iterations_per_agent", "n_agents")
NEAR_LIMIT = (0.88, 0.95, 0.98, 0.995, 0.998)  # of the largest stable rate, near which learning changes most
EDGES, BETWEEN = 24, 7  # how many edges a round refines, and how many values it tries in each


class State(Enum):
    """What a measurement says of one setup; a narrow swing is judged in both its rows, a wide one (`Measured.swings`) is no state."""

    HOLDS = "holds"
    FAILS = "fails"
    SWINGING_HOLDS = "holds, and the run swings widely between two states"
    SWINGING_FAILS = "fails, and the run swings widely between two states"
    NOTHING = "nothing to compare"
    ILL_POSED = "ill-posed"  # of a stretch in which the run swings widely, and it holds somewhere

    @property
    def swings(self) -> bool:
        """Whether the row's parity may have decided."""
        return self in (State.SWINGING_HOLDS, State.SWINGING_FAILS)


def state(numbers: Measured) -> State:
    """Whether it holds, and whether that can be judged at all."""
    if not numbers.decides:
        return State.NOTHING
    if numbers.swings:
        return State.SWINGING_HOLDS if numbers.holds else State.SWINGING_FAILS
    return State.HOLDS if numbers.holds else State.FAILS


def grid(name: str, setup: Setup) -> list:
    """Where a search begins: along a parameter from end to end, in numbers of three digits, and the setup's own value."""
    if name in READINGS:
        return list(READINGS[name])
    stable = largest_stable_lr(setup.game, setup.order) or 0.5
    values = {
        "follower_lr": lambda: [*np.geomspace(1e-4, stable, 22), *(share * stable for share in NEAR_LIMIT)],
        "leader_lr": lambda: np.geomspace(1e-6, 0.4, 22),
        "capacity": lambda: np.linspace(max(0.1, 1 / setup.n_agents), 1, 19),
        "outside_payoff": lambda: np.append(0, np.geomspace(0.1, 100, 16)),
        "tax_max": lambda: np.geomspace(1e-4, 5, 22),
        "late_entry_share": lambda: np.linspace(0, 0.95, 20),
        "iterations_per_agent": lambda: np.arange(1, 41),
        "n_agents": lambda: np.array([5, 7, 10, 15, 20, 30, 40, 60, 100]),
    }[name]()
    low, high = min(values), max(values)
    # The lower end is cut up and the rest down, so that none leaves the range.
    inside = [int(value) if name in WHOLE else float(cut(value, ceil if value == low else floor)) for value in values]
    own = getattr(setup, name)
    return sorted({*inside, *([own] if low <= own <= high else [])})


@dataclass
class Scan:
    """A claim's measurement along one parameter: what it says at each value tried, and how far from its limit it is there."""

    claim: Claim
    setup: Setup
    name: str
    values: tuple = ()
    instead: dict = field(default_factory=dict)
    tried: dict[object, State] = field(default_factory=dict)
    margins: dict[object, float] = field(default_factory=dict)

    @property
    def symbol(self) -> str:
        """The parameter as the paper writes it."""
        return SYMBOLS.get(self.name, self.name)

    def case(self, value: object) -> Case:
        """The claim with the parameter at a value."""
        return Case(self.claim, replace(self.setup, **{self.name: value}), self.instead)

    def enter(self, value: object, numbers: Measured) -> None:
        """Note what was measured at a value."""
        self.tried[value], self.margins[value] = state(numbers), numbers.margin

    def wanted(self) -> list:
        """The grid first; then values between neighbours of which not the same is said or that an island may lie between, until none is
        left worth trying."""
        if not self.tried:
            begin = list(self.values) or grid(self.name, self.setup)
            return sorted({*map(self.snap, begin)}) if self.name == "late_entry_share" else begin
        if self.apart:
            return []
        judged = self.judged()
        edges = [(a, b) for a, b in pairwise(sorted(self.tried)) if judged[a] != judged[b]]
        return [value for a, b in [*edges, *self.near_misses()][:EDGES] for value in between(a, b, self.snap)]

    def near_misses(self) -> list[tuple]:
        """Neighbours between which the measured number may cross its limit and come back: on both sides of a value at which it is nearer
        to the limit than at the values beside, by more than what is left."""
        judged, found = self.judged(), []
        for three in zip(*(sorted(self.margins)[k:] for k in range(3)), strict=False):
            before, here, after = (abs(self.margins[value]) for value in three)
            if len({judged[value] for value in three}) == 1 and here <= min(before, after) and here < max(before, after) - here:
                found += pairwise(three)
        return found

    def snap(self, value: float) -> float:
        """The nearest value that is worth trying: of three digits, or whole, or of another ι; with a leader, which acts in every other
        iteration, of another even ι."""
        if self.name == "late_entry_share":
            every = 2 if self.claim.on_policy else 1
            return round(value * self.setup.iterations / every) * every / self.setup.iterations
        return round(value) if self.name in WHOLE else float(f"{value:.3g}")

    @property
    def apart(self) -> bool:
        """Whether its values have no neighbours: words, or a few values picked by hand."""
        return bool(self.values) or self.name in READINGS

    def stretches(self) -> list[tuple[State, list]]:
        """Neighbouring values of which the same is said, from the lowest. Where the run swings, one that holds makes all ill-posed."""

        def kind(value):
            return value if self.apart else self.tried[value].swings or self.tried[value]

        found = []
        for _, part in groupby(self.tried if self.apart else sorted(self.tried), kind):
            values = list(part)
            said = self.tried[values[0]]
            if said.swings:
                said = State.ILL_POSED if State.SWINGING_HOLDS in map(self.tried.get, values) else State.FAILS
            found.append((said, values))
        return found

    def judged(self) -> dict[object, State]:
        """What is concluded at each value tried: a stretch in which the run swings is ill-posed or fails throughout."""
        return {value: said for said, values in self.stretches() for value in values}

    def good(self) -> list:
        """The values at which it holds."""
        return [value for value, said in self.judged().items() if said is State.HOLDS]

    def text(self, of: str = "") -> str:
        """The stretches on which it holds, their edges to three digits, or the values picked by hand; at least one value does.

        `of` is the id of the claim whose measurement was searched, where it was another's.
        """
        good = " or ".join(f"{x:g}" for x in sorted(self.good())) if self.values else self.ranges(State.HOLDS)
        good = f"in {good}" if " … " in good else f"= {good}"
        part = f" for the part that {of} measures" if of else ""
        return f"{self.symbol} {good}" + f" (of {self.searched()}{self.unsaid()})" * (len(self.tried) > 1) + part

    def all_tried(self) -> str:
        """What was tried, as it is said where it holds at all of it or at none."""
        number, ill = f"{len(self.tried)} values of {self.symbol}", self.unsaid()
        return f"{number} ({self.searched()}{ill})" if self.values else f"{number} in {self.span()}" + f" ({ill[2:]})" * bool(ill)

    def ranges(self, said: State) -> str:
        """All stretches of one kind."""
        parts = []
        for values in (values for now, values in self.stretches() if now is said):
            low, high = cut(values[0], ceil), cut(values[-1], floor)
            parts.append(f"{low} … {high}" if float(low) < float(high) else f"{values[0]:.3g}")
        return " or ".join(parts)

    def unsaid(self) -> str:
        """The ranges in which it cannot be judged whether the claim holds."""
        ill, nothing = self.ranges(State.ILL_POSED), self.ranges(State.NOTHING)
        return f", ill-posed in {ill}: the run swings between two states" * bool(ill) + f", nothing to compare in {nothing}" * bool(nothing)

    def searched(self) -> str:
        """Which values were tried, or how many from where to where."""
        return ", ".join(f"{x:g}" for x in sorted(self.tried)) if self.values else f"{len(self.tried)} values in {self.span()}"

    def span(self) -> str:
        """The lowest and the highest value tried."""
        even = " with even ι" if self.name == "late_entry_share" and self.claim.on_policy else ""
        return f"{cut(min(self.tried), ceil)} … {cut(max(self.tried), floor)}{even}"


def between(low: float, high: float, snap: Callable[[float], float]) -> list:
    """Up to BETWEEN values worth trying strictly between two, evenly spaced; all where there are no more, none once there is none."""
    found = {snap(x) for x in np.linspace(low, high, BETWEEN + 2)[1:-1].tolist()}
    return sorted(x for x in found if low < x < high)


def cut(value: float, towards: Callable[[float], int]) -> str:
    """Three significant digits, up or down."""
    if value == 0:
        return "0"
    scale = 10.0 ** (2 - floor(log10(abs(value))))
    return f"{towards(value * scale * (1 + (1e-9 if towards is floor else -1e-9))) / scale:.3g}"
