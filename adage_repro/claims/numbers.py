"""The numbers of a claim and the limits that judge them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, isnan
from operator import eq, ge, gt, le, lt

from adage_repro.words import NEAR

LIMITS = {"at_most": ("≤", le), "at_least": ("≥", ge), "below": ("<", lt), "above": (">", gt), "equal_to": ("=", eq)}


@dataclass(frozen=True)
class Number:
    """One measured number (or several of one kind, by the value that they belong to) and the limit that judges it, or none.

    over   where it is a ratio of attendances, what it is over: a ratio to almost nothing decides nothing

    ValueError: a value that is no number, or a limit for several.
    """

    name: str
    value: float | Mapping[object, float]
    at_most: float | None = None
    at_least: float | None = None
    below: float | None = None
    above: float | None = None
    equal_to: float | None = None
    over: float | None = None

    def __post_init__(self):
        if any(isnan(value) for value in self.values):
            raise ValueError(f"{self.name} must be a number, got {self.value}")
        if len(self.limits) > (not isinstance(self.value, Mapping)):
            raise ValueError(f"{self.name} must be one number with one limit, got {self.value} and {', '.join(self.limits)}")

    @property
    def values(self) -> tuple[float, ...]:
        """Its numbers."""
        return tuple(self.value.values()) if isinstance(self.value, Mapping) else (self.value,)

    @property
    def limits(self) -> dict[str, float]:
        """The limit by its name, if there is one."""
        return {name: limit for name in LIMITS if (limit := getattr(self, name)) is not None}

    @property
    def threshold(self) -> str:
        """The limit as the table says it."""
        return "; ".join(f"{LIMITS[name][0]} {f'{limit:g}'.replace('e-0', 'e-')}" for name, limit in self.limits.items())

    @property
    def holds(self) -> bool:
        """Whether it keeps to its limit."""
        return all(LIMITS[name][1](self.value, limit) for name, limit in self.limits.items())

    @property
    def margin(self) -> float:
        """How far it is from its limit, over the limit's size where that is not 0; negative beyond the limit. Infinite without a limit."""
        beyond = {"at_most": 1, "below": 1, "at_least": -1, "above": -1}
        return min(((limit - self.value) * beyond.get(name, 0) / (abs(limit) or 1.0) for name, limit in self.limits.items()), default=inf)

    @property
    def decides(self) -> bool:
        """Whether there is anything to compare: a ratio to almost nothing says neither yes nor no."""
        return self.over is None or abs(self.over) >= NEAR


class Measured(tuple[Number, ...]):
    """The numbers of a claim in one setup, those that are judged first. ValueError: none is, or one stands behind.

    `swings`: whether one was read in a row of a run that swings between two states there, where the row's parity alone decides.
    """

    swings: bool = False

    def __new__(cls, numbers: Number | Iterable[Number]):
        self = super().__new__(cls, (numbers,) if isinstance(numbers, Number) else numbers)
        judged = [bool(number.limits) for number in self]
        if not any(judged) or sorted(judged, reverse=True) != judged:
            raise ValueError(f"the numbers with limits must come first, and there must be one, got {[number.name for number in self]}")
        return self

    @property
    def holds(self) -> bool:
        """Whether all keep to their limits."""
        return all(number.holds for number in self)

    @property
    def margin(self) -> float:
        """Of the number that comes nearest to its limit, or is farthest beyond it."""
        return min(number.margin for number in self)

    @property
    def decides(self) -> bool:
        """Whether all have something to compare."""
        return all(number.decides for number in self)

    @property
    def quantity(self) -> str:
        """What is measured."""
        return "; ".join(number.name for number in self)

    @property
    def threshold(self) -> str:
        """The limits, in the order of the numbers."""
        return "; ".join(number.threshold for number in self if number.limits)

    @property
    def text(self) -> str:
        """Six significant digits each; of rounding noise, whose digits differ between machines, only that it is small."""
        values = (value for number in self for value in number.values)
        return "; ".join("<1e-12" if 0 < abs(value) < 1e-12 else f"{value:.6g}" for value in values)
