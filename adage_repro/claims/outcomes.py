"""What a run left, as a setup sees it: any row, measured by the functions that the figures use, and whether it swings there."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial, reduce

import jax
import numpy as np
from jax import Array

from adage_repro.claims.programs import compiled
from adage_repro.claims.setup import Setup
from adage_repro.history import History
from adage_repro.market import MarketEntrance
from adage_repro.measures import MEASUREMENTS, Series, farthest, picked
from adage_repro.settings import Settings
from adage_repro.steps import follower_update
from adage_repro.words import NOTHING

# Where a run turns back by more, its last two rows lie more than the list's 0.02 from their mean: it swings between two states.
SWING = 0.04
ROUNDING = 1e-9  # a run that turns back by no more does not swing


@dataclass(frozen=True, eq=False)
class Trace:
    """What is kept of a run, or of a batch of runs, which then is the first axis.

    rows       the numbers of the rows of which the history is kept
    history    actions, presence and the leader's action in these rows
    gap, tax_rate   in rows 0 … I, or where `Learning.measured` says so in those of `rows`
    paid       (2, runs, I + 1) tax paid by all of G1 and by all of G2, of a batch with a leader
    swing      largest range of an agent's strategy over the last 10 N rows, of a single run
    """

    rows: np.ndarray
    history: History
    gap: np.ndarray
    tax_rate: np.ndarray
    paid: np.ndarray | None
    swing: float | None
    seen: dict[tuple, "Rows"] = field(default_factory=dict)
    turns_seen: dict[int, np.ndarray] = field(default_factory=dict)

    def at(self, row: int, game: MarketEntrance) -> "Rows":
        """One row; KeyError where it was not kept."""
        if (row, game) not in self.seen:
            self.seen[row, game] = Rows(game, self.one(row), ROW)
        return self.seen[row, game]

    def place(self, row: int) -> int:
        """Where a row is among those kept."""
        place = int(np.searchsorted(self.rows, row))
        if place == len(self.rows) or self.rows[place] != row:
            raise KeyError(f"row {row} was not kept")
        return place

    def one(self, row: int) -> History:
        """The history of one row."""
        place = self.place(row)
        one = picked(self.history, slice(place, place + 1))
        return replace(one, present=np.broadcast_to(one.present, one.actions.shape))  # what runs have in common, for each

    def turns(self, row: int) -> np.ndarray:
        """How far the run swings in a row, see `turns`."""
        if row not in self.turns_seen:
            place, actions = self.place(row), self.history.actions
            self.turns_seen[row] = turns(actions[..., place - 2 : place + 1, :]) if row > 1 else np.zeros(actions.shape[:-2])
        return self.turns_seen[row]

    @property
    def last(self) -> int:
        """The number of the last row."""
        return int(self.rows[-1])


ROW = (..., 0)  # of measurements of a history with one row


def turns(actions: np.ndarray) -> np.ndarray:
    """How far a run swings, from strategies (…, 3, N) in three rows: the shorter of an agent's two steps where the second took back the
    first, largest over agents. In a two-cycle it is the distance between the two states."""
    first, second = np.moveaxis(np.diff(actions, axis=-2), -2, 0)
    return np.where(first * second < 0, np.minimum(abs(first), abs(second)), 0.0).max(-1)


class Rows:
    """What is measured of one row or several, by the names of `Series`; each is made when it is asked for."""

    returns, revenue = Series.returns, Series.revenue

    def distance(self, point: float) -> np.ndarray:
        """Largest distance of any agent's attendance to a point."""
        return farthest(self.lowest, self.highest, point)

    def __init__(self, game: MarketEntrance, history: History, part: slice | tuple = ()):
        self._of, self._part = (game, history), part

    def __getattr__(self, name: str) -> np.ndarray:
        if name not in MEASUREMENTS:
            raise AttributeError(name)
        measure = MEASUREMENTS[name] if name in OF_ATTENDANCE else partial(_measured, name=name)
        value = np.asarray(measure(*self._of))[self._part]
        setattr(self, name, value)
        return value


OF_ATTENDANCE = ("mean", "lowest", "highest", "deviation", "g1", "g2", "gap", "tax_rate")  # NumPy's: the others need payoffs, and the game


@compiled
def _measured(game: MarketEntrance, history: History, *, name: str) -> Array:
    """One of MEASUREMENTS, in each row."""
    return MEASUREMENTS[name](game, history)


@compiled
def _one_step_on(game: MarketEntrance, settings: Settings, history: History) -> Array:
    """The actions in a row (1, N), or a batch of them, after one more step of the followers at the same tax rate."""

    def one(actions, present, rate):
        return follower_update(game, settings, actions, rate, learning=present, present=present)

    over = reduce(lambda function, _: jax.vmap(function), history.leader_action.shape, one)
    return over(history.actions, history.present, history.leader_action)


COMBINED = {"gap": lambda one, other: (abs(one) + abs(other)) / 2, "lowest": np.minimum, "highest": np.maximum}


@dataclass(frozen=True)
class Pair:
    """What is measured in two rows: the mean of both, of the gap that of its sizes, of the lowest and the highest attendance those of
    both; in a run that does not swing, the first alone."""

    now: Rows
    before: Rows
    before_gap: Rows
    swings: np.ndarray
    revenue, distance = Series.revenue, Rows.distance

    def __getattr__(self, name: str) -> np.ndarray:
        one, other = getattr(self.now, name), getattr(self.before_gap if name == "gap" else self.before, name)
        return np.where(self.swings, COMBINED.get(name, lambda one, other: (one + other) / 2)(one, other), one)


@dataclass(frozen=True)
class Outcome:
    """What a run left, as its setup sees it: I and ι are the setup's. Numbers of a single run are plain, those of a batch (runs,).

    both     whether each row in which the run swings stands for itself and the row before
    turned   grows as a measurement reads single rows: how far the run swings in each of them, mean over a batch
    """

    setup: Setup
    trace: Trace
    both: bool = False
    turned: list[float] = field(default_factory=list)

    @property
    def swings(self) -> bool:
        """Whether a measurement read a single row in which the run swings between two states, so that the next row says another."""
        return any(turn > SWING for turn in self.turned)

    def at(self, row: int) -> Rows | Pair:
        """All measurements in one row, and in the row before where the run swings and both count."""
        turns, game = self.trace.turns(row), self.setup.traced_game
        self.turned.append(float(turns.mean()))
        now, swings = self.trace.at(row, game), turns > ROUNDING
        return Pair(now, self._beside(row), self.trace.at(row - 1, game), swings) if self.both and swings.any() else now

    def _beside(self, row: int) -> Rows:
        """The row before; where a run ends, but for its gap, the state after one more step at its last tax rate."""
        game = self.setup.traced_game
        if row < self.trace.last:
            return self.trace.at(row - 1, game)
        settings = Settings(iterations=1, follower_lr=self.setup.follower_lr, order=self.setup.order)
        history = self.trace.one(row)
        return Rows(game, replace(history, actions=np.asarray(_one_step_on(game, settings, history))), ROW)

    @cached_property
    def at_I(self) -> Rows | Pair:
        """All measurements in row I."""
        return self.at(self.setup.iterations)

    def rows(self, begin: int, end: int) -> Rows:
        """All measurements in the rows from `begin` to `end`, the latter included, of a single run; one program measures all kept."""
        return Rows(self.setup.traced_game, self.trace.history, slice(begin, self.trace.place(end) + 1))

    @property
    def tax_rates(self) -> np.ndarray:
        """τ in rows 0 … I, 0 where it is rounding."""
        return _beyond_rounding(self.trace.tax_rate[..., : self.setup.iterations + 1])

    @property
    def paid(self) -> np.ndarray:
        """Tax paid by all of G1 and by all of G2 (2, runs, I + 1) in rows 0 … I, 0 where it is rounding."""
        paid = self.trace.paid
        if paid is None:
            rows = self.rows(0, self.setup.iterations)
            paid = np.stack([rows.tax_g1, rows.tax_g2])[:, None]
        return _beyond_rounding(paid)

    @property
    def turns_at_end(self) -> float:
        """How far the run swings in its last row, mean over a batch."""
        return float(self.trace.turns(self.trace.last).mean())

    @property
    def end_rate(self) -> float:
        """τ of a single run at its end, 0 where it is rounding."""
        self.turned.append(self.turns_at_end)
        return float(_beyond_rounding(self.trace.history.leader_action[-1]))

    def over_ends(self, measured: Callable[[np.ndarray], float]) -> float:
        """A measurement of the strategies (N,) at the end of a single run, its mean over the last two rows where both count."""
        self.turned.append(self.turns_at_end)
        rows = (-1, -2) if self.both and self.turns_at_end > ROUNDING else (-1,)
        return float(np.mean([measured(self.trace.history.actions[row]) for row in rows]))

    def distance(self, point: float, row: int | None = None) -> float:
        """Largest distance of any agent's attendance to a point, in row I unless another is asked for."""
        return float((self.at_I if row is None else self.at(row)).distance(point))


def _beyond_rounding(values: np.ndarray) -> np.ndarray:
    return np.where(abs(values) < NOTHING, 0.0, values)


@dataclass(frozen=True)
class Held:
    """What constant tax rates left in the last two rows (rates, 2), of both their mean where `both` count."""

    setup: Setup
    history: History
    both: bool = False

    @cached_property
    def fairness(self) -> np.ndarray:
        """1 - Gini of the returns of all."""
        return self._counted(_measured(self.setup.traced_game, self.history, name="fairness"))

    @cached_property
    def gap(self) -> np.ndarray:
        """In size."""
        return self._counted(abs(MEASUREMENTS["gap"](self.setup.traced_game, self.history)))

    def _counted(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(values).mean(-1, keepdims=True) if self.both else np.asarray(values)
