"""The two-layer framework (Eqs. 1-3) for any aggregative game: followers and a leader climb their own payoffs in turn."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.sharding import PartitionSpec

from adage_repro.boxes import check_inside, fits
from adage_repro.checks import check_functions
from adage_repro.devices import automatic, devices_known, divided_as, mesh_of, on_mesh, spec_of
from adage_repro.followers import reports, utilities
from adage_repro.game import Game
from adage_repro.history import History, check_rows
from adage_repro.outlook import objective
from adage_repro.profiles import action_shape, check_game, check_start
from adage_repro.pytrees import arrays, by_structure
from adage_repro.refusals import Refused, shown
from adage_repro.settings import Settings, boxed, check_entry_time
from adage_repro.steps import begin, follower_step, leader_step, outlook_of, presence
from adage_repro.warned import review


def solve(game: Game, settings: Settings, start: Array, rows: Array | None = None, keep: Callable[[Game, History], Any] | None = None):
    """Alternating gradient descent (Eq. 3) from `start` (N, …), or from each of a batch of starts (runs, N, …): the History.

    In iteration t = 0, 1, … first the leader steps, if it is its turn, then the followers, who see its new action.

    rows   which rows are kept, rising, among 0 … I; all unless given. The History then has these only, in its leading axis
    keep   what is kept of a row in place of all of it: a function of the game and the row's History, whose arrays lack the axis of
           rows, that gives any pytree of arrays. `solve` gives that pytree, with the axis of rows (and of runs) in front

    Compiles once for each size and choice, number of rows kept and `keep`; numbers may change freely.
    ValueError: `start` of the wrong shape or out of the bounds, `rows` that do not rise or that the run does not have, a game whose
    functions do not give what `Game` says, a leader's gradient that is undefined. HistoryWarning: see `warned.review`.
    """
    checked, rows = _checked(game, settings, start, keep), check_rows(rows, settings.iterations)
    with devices_known(mesh_of(checked)):
        result = _solve(*checked, rows, keep, spec_of(checked[2]))
    return on_mesh(mesh_of((game, settings, start)), review(result, settings, *checked[:2], rows))


def solve_many(
    runs: Iterable[tuple[Game, Settings, Array]], rows: Array | None = None, keep: Callable[[Game, History], Any] | None = None
) -> list:
    """`solve` for each (game, settings, start), such as a sweep over capacities and learning rates; the same numbers, bit for bit.

    Runs that differ by traced numbers alone go one after another through one compiled program; another size or another choice makes
    another program, and so does another number of runs. What is kept is NumPy's, in the order of the runs, and must fit into memory
    together. `rows`, `keep` and ValueError: as `solve`.
    """
    runs = list(runs) if isinstance(runs, Iterable) else [runs]
    if not all(isinstance(run, tuple | list) and len(run) == 3 for run in runs):
        raise Refused(f"runs must be a list of (game, settings, start), got {shown(runs)}")
    histories = {}
    checked = [_checked(*run, keep) for run in runs]
    for places, (game, settings, start) in by_structure(checked):
        mesh = mesh_of((game, settings, start))
        with devices_known(mesh):
            batch = _solve_in_turn(game, settings, start, check_rows(rows, settings.iterations), keep, spec_of(checked[places[0]][2]))
        batch = batch if mesh else jax.device_get(batch)
        histories |= {place: jax.tree.map(lambda values, k=k: values[k], batch) for k, place in enumerate(places)}
    for place, run in enumerate(runs):
        histories[place] = on_mesh(mesh_of(run), review(histories[place], run[1], *checked[place][:2], rows))
    return [histories[place] for place in range(len(runs))]


def _checked(game: Game, settings: Settings, start: Array, keep: Callable | None) -> tuple[Game, Settings, Array]:
    """The three as JAX takes them; refuses what does not fit together."""
    check_game(game)
    if not isinstance(settings, Settings):
        raise Refused(f"settings must be Settings(…), got {shown(settings)}: arguments go game, settings, start")
    if keep is not None and not callable(keep):
        raise Refused(f"keep must be a function of the game and a row's History, got {shown(keep)}")
    game, settings, start = automatic((game, boxed(game, settings), check_start(game, start)))
    name = type(game).__name__
    if settings.has_leader and not hasattr(game, "objective"):
        given = settings.leader_lr if settings.leader_optimiser is None else settings.leader_optimiser
        raise Refused(f"leader_lr must be None for a game without an objective, got {shown(given)} for {name}")
    shape = action_shape(game)
    for bound in settings.action_bounds:
        if not fits(bound, shape):
            raise Refused(f"action_bounds must be numbers, or broadcast to one agent's action of shape {shape}, got {shown(bound)}")
    check_inside("start", start, settings.action_bounds)
    leader_bounds = getattr(game, "leader_bounds", None) if settings.leader_bounds is None else settings.leader_bounds
    if leader_bounds is not None:
        check_inside("leader_start", settings.leader_start, leader_bounds)
    profile = start.shape[start.ndim - 1 - len(shape) :]
    check_entry_time(settings, n_agents=profile[0])
    check_functions(game, settings, profile)
    return *arrays((game, settings)), start


@partial(jax.jit, static_argnames=("keep", "spec"))
def _solve(game: Game, settings: Settings, start: Array, rows: Array | None, keep: Callable | None, spec: PartitionSpec | None):
    run, batch = partial(_trajectory, game, settings, rows, keep), start.ndim == 2 + len(getattr(game, "action_shape", ()))
    result = jax.vmap(run)(start) if batch else run(start)
    return divided_as(spec, result, batch) if keep is None else result


@partial(jax.jit, static_argnames=("keep", "spec"))
def _solve_in_turn(games: Game, settings: Settings, starts: Array, rows: Array | None, keep: Callable | None, spec: PartitionSpec | None):
    return lax.map(lambda run: _solve(*run, rows, keep, spec), (games, settings, starts))


def _trajectory(game: Game, settings: Settings, rows: Array | None, keep: Callable | None, start: Array):
    def kept(state, row):
        (actions, _), (leader_action, _) = state
        iteration = jnp.maximum(row - 1, 0)
        _, present = presence(settings, len(start), iteration)
        at = (game, actions, present, leader_action, iteration)
        payoff = objective(*at) if settings.has_leader else None
        history = History(actions, leader_action, present, utilities(*at), payoff, reports(*at))
        return history if keep is None else keep(game, history)

    def iteration(state, t):
        followers, leader = state
        who = presence(settings, len(start), t)
        if settings.has_leader:
            leader = leader_step(settings, outlook_of(game, settings, followers, t, who), leader)
        return follower_step(game, settings, followers, leader[0], t, who), leader

    def to_next_row(state, t):
        return iteration(state, t), kept(state, t)

    def to_kept_row(state, stretch):
        state = lax.fori_loop(*stretch, lambda t, state: iteration(state, t), state)
        return state, kept(state, stretch[1])

    if rows is None:  # the step after the last row is not used
        return lax.scan(to_next_row, begin(settings, start), jnp.arange(settings.iterations + 1))[1]
    return lax.scan(to_kept_row, begin(settings, start), (jnp.append(0, rows[:-1]), rows))[1]
