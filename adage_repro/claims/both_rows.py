"""Runs seen in both states between which they swing: what a search judges, so that the parity of a row decides nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.claims.fixtures import Outcome
from adage_repro.claims.traces import Held
from adage_repro.followers import utilities
from adage_repro.history import History
from adage_repro.market import MarketEntrance
from adage_repro.measures import Series, series
from adage_repro.settings import Settings
from adage_repro.steps import follower_update

ROUNDING = 1e-9  # a run that turns back by no more does not swing


@jax.jit
def _one_step_on(game: MarketEntrance, settings: Settings, actions: Array, rates: Array) -> tuple[Array, Series]:
    """Strategies (runs, N) after one more step of the followers at the last tax rates (runs,), and what is measured there (runs, 1)."""
    present = jnp.ones(actions.shape[1], bool)

    def one(actions, rate):
        after = follower_update(game, settings, actions, rate, learning=present, present=present)
        return after, utilities(game, after, present, rate)

    after, payoffs = jax.vmap(one)(actions, rates)
    history = History(after[:, None], rates[:, None], jnp.ones((len(after), 1, present.size), bool), payoffs[:, None], None)
    return after, series(game, history)


COMBINED = {"gap": lambda one, other: (abs(one) + abs(other)) / 2, "lowest": np.minimum, "highest": np.maximum}


@dataclass(frozen=True)
class Pair:
    """What is measured in two rows (runs,): the mean of both, of the gap that of its sizes, of the lowest and the highest attendance
    those of both; in a run that does not swing, the first alone. Each measurement is made when it is asked for."""

    now: Series
    beside: Callable[[str], np.ndarray]
    swings: np.ndarray

    def __getattr__(self, name: str) -> np.ndarray:
        here = getattr(self.now, name)
        one, other = np.atleast_1d(here), self.beside(name)
        both = np.where(self.swings, COMBINED[name](one, other) if name in COMBINED else (one + other) / 2, one)
        return both if np.ndim(here) else both[0]


@dataclass(frozen=True)
class BothRows(Outcome):
    """A run of which each single row stands for two wherever it swings there: for itself and the row before.

    Of a run whose last row alone is kept, the gap is known in the row before; for all else it goes one step further at its last tax rate.
    """

    @cached_property
    def _further(self) -> tuple[np.ndarray, Series]:
        settings = Settings(iterations=1, follower_lr=self.setup.follower_lr, order=self.setup.order)
        return jax.tree.map(np.asarray, _one_step_on(self.setup.traced_game, settings, self.trace.actions, self.trace.tax_rate))

    def at(self, row: int) -> Series | Pair:
        """All measurements in one row, and in the other one where the run swings."""
        now, alone = super().at(row), self.trace.series.mean.shape[1] == 1
        swings = self.trace.turns[:, -1 if alone else row] > ROUNDING

        def beside(name):
            if not alone:
                return getattr(self.trace.series, name)[:, row - 1]
            return self.trace.gap[:, -2] if name == "gap" else getattr(self._further[1], name)[:, 0]

        return Pair(now, beside, swings) if swings.any() else now

    @property
    def ends(self) -> tuple[np.ndarray, ...]:
        """Strategies (N,) of a single run at its end, and one step further if it swings."""
        return (self.actions, self._further[0][0]) if self.trace.turns_at_end[0] > ROUNDING else (self.actions,)


def over_ends(outcome: Outcome, measured: Callable[[np.ndarray], float]) -> float:
    """A measurement of the strategies at the end of a run, its mean over both states of one that is seen in both."""
    return float(np.mean([measured(actions) for actions in (outcome.ends if isinstance(outcome, BothRows) else [outcome.actions])]))


def in_both_rows(outcomes: dict[str, object]) -> dict[str, object]:
    """What runs left, each seen in both its states; constant rates too, where the run that they are held against swings at its end."""

    def both(one):
        if isinstance(one, dict):
            return {value: both(each) for value, each in one.items()}
        return BothRows(one.setup, one.trace) if isinstance(one, Outcome) else one

    found = {name: both(one) for name, one in outcomes.items()}
    if any(isinstance(one, BothRows) and one.trace.turns_at_end[0] > ROUNDING for one in found.values()):
        for name, one in found.items():
            if isinstance(one, Held):
                found[name] = Held(*(values.mean(-1, keepdims=True) for values in one))
    return found
