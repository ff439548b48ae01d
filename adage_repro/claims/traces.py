"""What is done with a game, its settings and its starts: learning, learning on, a nested loop, or constant rates."""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from adage_repro.adage import History, solve
from adage_repro.followers import utilities
from adage_repro.game import Game
from adage_repro.leaders import leader_gradient
from adage_repro.market import MarketEntrance
from adage_repro.measures import gap, group_sums, picked, tax_paid
from adage_repro.readings import LATE_GROUP
from adage_repro.settings import Settings
from adage_repro.steps import follower_update

LAST = 3  # rows that are kept of the end
INNER_UPDATES = 1000  # follower updates per leader update in a nested loop


def _actions(_: Game, history: History) -> History:
    """What a run leaves of each row: all else is measured from it where it is asked for."""
    return replace(history, utilities=None, objective=None)


def _parts(history: History) -> tuple[Array, Array, Array]:
    """The history as a tuple, as a program must give it."""
    return history.actions, history.leader_action, history.present


@dataclass(frozen=True)
class Learning:
    """A-GD, as `solve` does it: the history of the first rows and of the last three, in which a swing shows, and what is measured in all.

    first      how many of the first rows
    measured   whether all rows are measured; otherwise only those that are kept
    """

    first: int
    measured: bool

    def rows(self, iterations: int) -> np.ndarray:
        """The numbers of the rows of which the history is kept."""
        return np.union1d(np.arange(self.first), np.arange(max(0, iterations + 1 - LAST), iterations + 1))

    def __call__(self, game: MarketEntrance, settings: Settings, start: Array) -> dict[str, Array | tuple[Array, ...] | None]:
        """The arguments of a `Trace` but for `rows`, its history as a tuple, from a batch of starts (runs, N)."""
        kept, several = self.rows(settings.iterations), len(start) > 1
        history = solve(game, settings, start if several else start[0], None if self.measured else kept, keep=_actions)
        some = picked(history, kept) if self.measured else history
        return {
            "history": _parts(replace(some, present=some.present[0]) if several else some),
            "gap": gap(history),
            "tax_rate": history.leader_action,
            "paid": jnp.stack(group_sums(tax_paid(game, history))) if several and settings.has_leader else None,
            "swing": None if several else jnp.ptp(history.actions[-10 * game.n_agents :], axis=0).max(),
        }


@dataclass(frozen=True)
class Answers:
    """A-GD, and what the followers answer to tax rates about the last one: the rates just below and above it, inside the bounds, and
    U_L once the followers have learnt on at each for as long again (2, 2)."""

    def __call__(self, game: MarketEntrance, settings: Settings, start: Array) -> Array:
        """From a batch of one start."""
        end = solve(game, settings, start[0], np.array([settings.iterations]), keep=_actions)
        present, (low, high) = jnp.ones(game.n_agents, bool), settings.leader_bounds
        width, tax_rate = 0.01 * (high - low), end.leader_action[0]

        def objective(rate):
            def step(_, now):
                return follower_update(game, settings, now, rate, learning=present, present=present)

            rest = lax.fori_loop(0, settings.iterations, step, end.actions[0])
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
            return repeated(lambda now: follower_update(game, settings, now, rate, learning, present), actions)

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


def repeated(step, begin: Array) -> Array:
    """INNER_UPDATES steps; none is made once each would only bring back the state before the last."""

    def moves(state):
        made, before, _, now = state
        return (made < INNER_UPDATES) & (now != before).any()

    def on(state):
        made, _, last, now = state
        return made + 1, last, now, step(now)

    made, _, last, now = lax.while_loop(moves, on, (0, jnp.full_like(begin, jnp.nan), jnp.full_like(begin, jnp.nan), begin))
    return jnp.where((INNER_UPDATES - made) % 2 == 0, now, last)


@dataclass(frozen=True)
class Constant:
    """In place of learning, the leader holds its rate: `rates` runs, one at each of so many rates, evenly over its bounds."""

    rates: int

    def __call__(self, game: MarketEntrance, settings: Settings, start: Array) -> tuple[Array, Array, Array]:
        """The last two rows of a history, as a tuple, from a batch of one start."""
        last = np.arange(settings.iterations - 1, settings.iterations + 1)
        rates = jnp.linspace(*settings.leader_bounds, self.rates)

        def held(rate):
            return solve(game, replace(settings, leader_lr=None, leader_start=rate), start[0], rows=last, keep=_actions)

        return _parts(jax.vmap(held)(rates))
