"""The two-layer framework (Eqs. 1-3) for any aggregative game: followers and a leader climb their own payoffs in turn."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from adage_repro.followers import follower_update, utilities
from adage_repro.game import Game
from adage_repro.leaders import leader_step
from adage_repro.parameters import check_value
from adage_repro.pytrees import by_structure, model
from adage_repro.readings import LATE_GROUP
from adage_repro.refusals import Refused, shown
from adage_repro.settings import Settings, check_inside


@model
class History:
    """What happened. Row 0 is the start, row r the state after iteration r - 1, with the presence of that iteration.

    actions        (I + 1, N) strategies π; one that has not entered keeps its start
    leader_action  (I + 1,)
    present        (I + 1, N) bool
    utilities      (I + 1, N) of the row's own actions, leader's action and presence; 0 where absent
    objective      (I + 1,) the leader's, or None without a leader

    A batch of starts puts one more axis, the run, in front of each.
    """

    actions: Array
    leader_action: Array
    present: Array
    utilities: Array
    objective: Array | None


def solve(game: Game, settings: Settings, start: Array, rows: Array | None = None, keep: Callable[[Game, History], Any] | None = None):
    """Alternating gradient descent (Eq. 3) from `start` (N,), or from each row of a batch of starts (runs, N): the History.

    In iteration t = 0, 1, … first the leader steps, if it is its turn, then the followers, who see its new action.

    rows   which rows are kept, rising, among 0 … I; all unless given. The History then has these only, in its leading axis
    keep   what is kept of a row in place of all of it: a function of the game and the row's History, whose arrays lack the axis of
           rows, that gives any pytree of arrays. `solve` gives that pytree, with the axis of rows (and of runs) in front

    Compiles once for each size and choice, number of rows kept and `keep`; numbers may change freely.
    ValueError: `start` of the wrong shape or out of the bounds, `rows` that do not rise or that the run does not have.
    """
    return _solve(*_checked(game, settings, start), _checked_rows(rows, settings.iterations), keep)


def solve_many(
    runs: Iterable[tuple[Game, Settings, Array]], rows: Array | None = None, keep: Callable[[Game, History], Any] | None = None
) -> list:
    """`solve` for each (game, settings, start), such as a sweep over capacities and learning rates; the same numbers, bit for bit.

    Runs that differ by traced numbers alone go one after another through one compiled program; another size or another choice makes
    another program, and so does another number of runs. What is kept is NumPy's, in the order of the runs, and must fit into memory
    together. `rows`, `keep` and ValueError: as `solve`.
    """
    histories = {}
    for places, (game, settings, start) in by_structure(_checked(*run) for run in runs):
        batch = jax.device_get(_solve_in_turn(game, settings, start, _checked_rows(rows, settings.iterations), keep))
        histories |= {place: jax.tree.map(lambda values, k=k: values[k], batch) for k, place in enumerate(places)}
    return [histories[place] for place in range(len(histories))]


def _checked(game: Game, settings: Settings, start: Array) -> tuple[Game, Settings, Array]:
    """The three as JAX takes them; refuses what does not fit together."""
    if (start.dtype if hasattr(start, "dtype") else np.asarray(start).dtype).kind not in "fiu":
        raise Refused(f"start must hold numbers, got {start!r}")
    start = jnp.asarray(start, float)
    n_agents = getattr(game, "n_agents", start.shape[-1] if start.ndim else 0)
    if start.ndim not in (1, 2) or 0 in start.shape or start.shape[-1] != n_agents:
        raise Refused(f"start must have shape (N,) or (runs, N) with N = {n_agents}, got {start.shape}")
    if settings.leader_lr is not None and not hasattr(game, "objective"):
        raise Refused(f"leader_lr must be None for a game without an objective, got {settings.leader_lr} for {type(game).__name__}")
    check_inside("start", start, settings.action_bounds)
    if jnp.ndim(settings.entry_time) and jnp.shape(settings.entry_time) != start.shape[-1:]:
        raise Refused(f"entry_time must be one number or one per agent, {start.shape[-1]}, got {jnp.shape(settings.entry_time)}")
    leaves = jax.tree.map(lambda leaf: leaf if isinstance(leaf, jax.Array) else np.asarray(leaf), (game, settings))
    return *leaves, start


def _checked_rows(rows: Array | None, iterations: int) -> Array | None:
    """The rows as an array; refuses those that do not rise or that a run does not have."""
    if rows is None:
        return None
    rows = np.asarray(rows)
    check_value("rows", rows, "int", f"[0, {iterations}]")
    if rows.ndim != 1 or not rows.size or (np.diff(rows) < 1).any():
        raise Refused(f"rows must be whole numbers that rise, got {shown(rows.tolist())}")
    return rows


@partial(jax.jit, static_argnames="keep")
def _solve(game: Game, settings: Settings, start: Array, rows: Array | None, keep: Callable | None):
    run = partial(_trajectory, game, settings, rows, keep)
    return run(start) if start.ndim == 1 else jax.vmap(run)(start)


@partial(jax.jit, static_argnames="keep")
def _solve_in_turn(games: Game, settings: Settings, starts: Array, rows: Array | None, keep: Callable | None):
    return lax.map(lambda run: _solve(*run, rows, keep), (games, settings, starts))


def _trajectory(game: Game, settings: Settings, rows: Array | None, keep: Callable | None, start: Array):
    entry_time = jnp.broadcast_to(settings.entry_time, start.shape)
    update = follower_update(settings.order)

    def presence(t):
        learning = t >= entry_time
        return learning, learning | LATE_GROUP.pick(settings.late_group, absent=False, frozen=True)

    def kept(state, row):
        _, present = presence(jnp.maximum(row - 1, 0))
        payoffs = utilities(game, state[0], present, state[1])
        objective = None if settings.leader_lr is None else game.objective(payoffs, present)
        history = History(*state, present, payoffs, objective)
        return history if keep is None else keep(game, history)

    def iteration(state, t):
        actions, leader_action = state
        learning, present = presence(t)
        if settings.leader_lr is not None:
            leader_action = leader_step(game, settings, actions, present, leader_action, t)
        return update(game, settings, actions, present, learning, leader_action), leader_action

    def to_next_row(state, t):
        return iteration(state, t), kept(state, t)

    def to_kept_row(state, stretch):
        state = lax.fori_loop(*stretch, lambda t, state: iteration(state, t), state)
        return state, kept(state, stretch[1])

    begin = (start, jnp.asarray(settings.leader_start, float))
    if rows is None:  # the step after the last row is not used
        return lax.scan(to_next_row, begin, jnp.arange(settings.iterations + 1))[1]
    return lax.scan(to_kept_row, begin, (jnp.append(0, rows[:-1]), rows))[1]
