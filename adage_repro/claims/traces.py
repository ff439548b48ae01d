"""What a run leaves behind: measurements of its rows, its end, and what the followers answer to the last tax rate."""

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from adage_repro.adage import History, solve
from adage_repro.fairness import gini
from adage_repro.followers import utilities
from adage_repro.game import Game
from adage_repro.leaders import leader_gradient
from adage_repro.market import MarketEntrance
from adage_repro.measures import Series, gap, series, tax_paid
from adage_repro.readings import LATE_GROUP, RETURNS_SHIFT
from adage_repro.settings import Settings
from adage_repro.steps import follower_update

INNER_UPDATES = 1000  # follower updates per leader update in a nested loop


class Trace(NamedTuple):
    """What is kept of a batch of runs."""

    series: Series  # (runs, rows kept)
    gap: Array  # (runs, I + 1), or in the last three rows
    paid: Array | None  # (2, runs, I + 1): tax paid by all of G1 and by all of G2
    tax_path: Array | None  # (runs, updates) τ after each update of the leader
    swing: Array | None  # (runs,) largest range of an agent's strategy over the last 10 N rows
    turns: Array  # (runs, rows kept) how far an agent went back on its last step, see `turns`
    turns_at_end: Array  # (runs,)
    actions: Array  # (runs, N) at the end
    tax_rate: Array  # (runs,) at the end
    answer: Array | None  # (2, 2): tax rates about the last one, and U_L once the followers have answered them


@dataclass(frozen=True)
class Learning:
    """A-GD, as `solve` does it.

    rows      rows 0 … `rows` are kept; -1: the last alone
    answer    whether the followers learn on at the last tax rate
    paid      whether taxes paid are kept in every row
    path      whether gap and τ are kept in every row; otherwise the last three rows are all that is looked at
    """

    rows: int
    answer: bool
    paid: bool = False
    path: bool = True

    def __call__(self, game: MarketEntrance, settings: Settings, start: Array) -> Trace:
        """From a batch of starts (runs, N)."""
        last_three = np.arange(settings.iterations - 2, settings.iterations + 1)
        history = solve(game, settings, start, rows=None if self.path else last_three, keep=_path)
        kept = jax.tree.map(lambda values: values[:, : self.rows + 1] if self.rows >= 0 else values[:, -1:], history)
        payoffs = jax.vmap(jax.vmap(partial(utilities, game)))(kept.actions, kept.present, kept.leader_action)
        at_end = turns(history.actions[:, -3:])[:, -1:]
        tail = history.actions[:, -10 * game.n_agents :]
        actions, tax_rate = history.actions[:, -1], history.leader_action[:, -1]
        last = settings.iterations if self.rows < 0 else self.rows
        return Trace(
            series=series(game, replace(kept, utilities=payoffs)),
            gap=gap(history),
            paid=_paid(game, history) if self.paid else None,
            tax_path=history.leader_action[:, 1 : last + 1 : settings.leader_every] if self.path else None,
            swing=(tail.max(1) - tail.min(1)).max(-1) if self.path else None,
            turns=turns(history.actions[:, : self.rows + 1]) if self.rows >= 0 else at_end,
            turns_at_end=at_end[:, 0],
            actions=actions,
            tax_rate=tax_rate,
            answer=_answer(game, settings, actions[0], tax_rate[0]) if self.answer else None,
        )


def _path(_: Game, history: History) -> History:
    """A row without its payoffs, which are measured in few rows and cost more than the step to the next."""
    return replace(history, utilities=None, objective=None)


def turns(actions: Array) -> Array:
    """How far a run swings in each row (…, rows), from strategies (…, rows, N): the shorter of an agent's last two steps where the one
    took back the other, largest over agents; 0 in the first two rows. In a two-cycle it is the distance between the two states."""
    steps = jnp.diff(actions, axis=-2)
    before, last = steps[..., :-1, :], steps[..., 1:, :]
    back = jnp.where(before * last < 0, jnp.minimum(jnp.abs(before), jnp.abs(last)), 0.0).max(-1)
    return jnp.concatenate([jnp.zeros_like(actions[..., :2, 0]), back], -1)


def _paid(game: MarketEntrance, history: History) -> Array:
    """Tax paid by all of G1 and by all of G2 (2, runs, rows)."""
    tax, first = tax_paid(game, history), game.n_agents // 2
    return jnp.stack([tax[..., :first].sum(-1), tax[..., first:].sum(-1)])


def _answer(game: Game, settings: Settings, actions: Array, tax_rate: Array) -> Array:
    """Tax rates just below and above `tax_rate`, inside the bounds, and U_L once the followers have learnt on at each for as long again."""
    present = jnp.ones(actions.shape, bool)
    low, high = settings.leader_bounds
    width = 0.01 * (high - low)

    def objective(rate):
        def step(_, now):
            return follower_update(game, settings, now, rate, learning=present, present=present)

        rest = lax.fori_loop(0, settings.iterations, step, actions)
        after = step(None, rest)  # a two-cycle counts with both its points
        return sum(game.objective(utilities(game, now, present, rate), present) for now in (rest, after)) / 2

    rates = jnp.stack([jnp.maximum(tax_rate - width, low), jnp.minimum(tax_rate + width, high)])
    return jnp.stack([rates, jax.vmap(objective)(rates)])


@dataclass(frozen=True)
class Nested:
    """A nested loop: INNER_UPDATES steps of the followers before each update of the leader, or after it."""

    leader_first: bool

    def __call__(self, game: Game, settings: Settings, start: Array) -> Array:
        """τ (updates,) after each update of the leader, from a batch of one start."""

        def follow(actions, rate, present, learning):
            return lax.fori_loop(0, INNER_UPDATES, lambda _, now: follower_update(game, settings, now, rate, learning, present), actions)

        def outer(state, t):
            actions, rate = state
            learning = t >= settings.entry_time
            present = learning | LATE_GROUP.pick(settings.late_group, absent=False, frozen=True)
            if not self.leader_first:
                actions = follow(actions, rate, present, learning)
            rate = jnp.clip(rate + settings.leader_lr * leader_gradient(game, actions, present, rate), *settings.leader_bounds)
            if self.leader_first:
                actions = follow(actions, rate, present, learning)
            return (actions, rate), rate

        begin = (start[0], jnp.asarray(settings.leader_start, float))
        return lax.scan(outer, begin, jnp.arange(0, settings.iterations, settings.leader_every))[1]


class Held(NamedTuple):
    """What constant tax rates leave in the last two rows (rates, 2)."""

    fairness: Array | dict[str, Array]  # under each `returns_shift`, which changes nothing else here, until one is picked
    gap: Array  # in size


@dataclass(frozen=True)
class Constant:
    """In place of learning, the leader holds its rate: `rates` runs, one at each of so many rates, evenly over its bounds."""

    rates: int

    def __call__(self, game: MarketEntrance, settings: Settings, start: Array) -> Held:
        """From a batch of one start."""
        last = np.arange(settings.iterations - 1, settings.iterations + 1)
        rates = jnp.linspace(*settings.leader_bounds, self.rates)

        def held(rate):
            return solve(game, replace(settings, leader_lr=None, leader_start=rate), start[0], rows=last, keep=_held)

        return jax.vmap(held)(rates)


def _held(_: Game, history: History) -> Held:
    """What is kept of a row."""
    fairness = {word: 1 - gini(history.utilities, history.present, word) for word in RETURNS_SHIFT.words}
    return Held(fairness, jnp.abs(gap(history)))
