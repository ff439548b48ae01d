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
from adage_repro.devices import automatic, devices_known, divided_as, is_sharded, mesh_of, on_mesh, spec_of
from adage_repro.followers import reports, utilities
from adage_repro.game import MAY_ASK, Game, asked_for, asks_for
from adage_repro.history import History, check_rows
from adage_repro.leaders import Partial
from adage_repro.memory import check_memory
from adage_repro.orders import rising
from adage_repro.outlook import objective, payoff_and_slope
from adage_repro.profiles import action_shape, check_game, check_start, where_present
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
           rows, that gives any pytree of arrays, such as `summary`. `solve` gives that pytree, with the axis of rows (and of runs) in
           front

    Compiles once for each size and choice, number of rows kept and `keep`; numbers may change freely.
    ValueError: `start` of the wrong shape or out of the bounds, `rows` that do not rise or that the run does not have, a game whose
    functions do not give what `Game` says, a leader's gradient that is undefined, more to keep than fits into memory. HistoryWarning:
    see `warned.review`.
    """
    checked, rows = _checked(game, settings, start, keep), check_rows(rows, settings.iterations)
    with devices_known(mesh_of(checked)):
        result = _within_memory(_solve, *checked, rows, keep, _in_turn(checked[2]), spec_of(checked[2]))
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
        mesh, wanted = mesh_of((game, settings, start)), check_rows(rows, settings.iterations)
        with devices_known(mesh):
            spec = spec_of(checked[places[0]][2])
            batch = _within_memory(_solve_in_turn, game, settings, start, wanted, keep, _in_turn(start), spec)
        batch = batch if mesh else jax.device_get(batch)
        histories |= {place: jax.tree.map(lambda values, k=k: values[k], batch) for k, place in enumerate(places)}
    return [on_mesh(mesh_of(run), review(histories[place], run[1], *checked[place][:2], rows)) for place, run in enumerate(runs)]


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
    check_functions(game, settings, profile, ordered=_in_turn(start))
    return *arrays((game, settings)), start


def _within_memory(solver: Callable, game: Game, settings: Settings, start: Array, rows: Array | None, *choices: Any) -> Any:
    """What the solver gives. Refused: what would not fit into memory, unless it is divided over devices."""
    if not isinstance(start, jax.core.Tracer) and not is_sharded(start):
        check_memory(solver.eval_shape(game, settings, start, rows, *choices), settings.iterations + 1 if rows is None else len(rows))
    return solver(game, settings, start, rows, *choices)


@partial(jax.jit, static_argnames=("keep", "in_turn", "spec"))
def _solve(
    game: Game, settings: Settings, start: Array, rows: Array | None, keep: Callable | None, in_turn: bool, spec: PartitionSpec | None
):
    run, batch = partial(_trajectory, game, settings, rows, keep, in_turn), start.ndim == 2 + len(getattr(game, "action_shape", ()))
    result = run(start) if not batch else lax.map(run, start) if in_turn else jax.vmap(run)(start)
    return divided_as(spec, result, batch) if keep is None else result


@partial(jax.jit, static_argnames=("keep", "in_turn", "spec"))
def _solve_in_turn(
    games: Game, settings: Settings, starts: Array, rows: Array | None, keep: Callable | None, in_turn: bool, spec: PartitionSpec | None
):
    return lax.map(lambda run: _solve(*run, rows, keep, in_turn, spec), (games, settings, starts))


def _in_turn(start: Array) -> bool:
    """Whether loops over runs and over agents, in turn, are the fast ones: on one processor, which compiles them as loops."""
    traced = isinstance(start, jax.core.Tracer)
    devices = start.devices() if isinstance(start, jax.Array) and not traced else {jax.config.jax_default_device or jax.devices()[0]}
    return len(devices) == 1 and all(getattr(device, "platform", device) == "cpu" for device in devices)


def _trajectory(game: Game, settings: Settings, rows: Array | None, keep: Callable | None, in_turn: bool, start: Array):
    has_order = in_turn and settings.has_leader and start.ndim == 1 and "order" in asked_for(game, "objective", MAY_ASK["objective"])
    reuses_slope = settings.has_leader and isinstance(settings.leader_gradient, Partial) and not asks_for(game, "iteration")

    def by_action(actions, present, order):
        """The agents in rising order of their actions, those present first."""
        return rising(where_present(present, actions, jnp.inf), order)

    def kept(state, row):
        """What is kept of a row, and the slope of the leader's payoff there."""
        (actions, _), (leader_action, _), order = state
        iteration, payoff, slope = jnp.maximum(row - 1, 0), None, None
        _, present = presence(settings, len(start), iteration)
        at = (game, actions, present, leader_action, iteration)
        if reuses_slope:
            payoff, slope = payoff_and_slope(*at, order)
        elif settings.has_leader:
            payoff = objective(*at, order)
        history = History(actions, leader_action, present, utilities(*at), payoff, reports(*at))
        return history if keep is None else keep(game, history), (present, slope) if reuses_slope else None

    def iteration(state, t, slope=None):
        followers, leader, order = state
        who = presence(settings, len(start), t)
        if settings.has_leader:
            leader = leader_step(settings, outlook_of(game, settings, followers, t, who, order=order, slope=slope), leader)
        followers = follower_step(game, settings, followers, leader[0], t, who)
        return followers, leader, None if order is None else by_action(followers[0], who[1], order)

    def to_next_row(state, t):
        row, slope = kept(state, t)
        return iteration(state, t, slope), row

    def to_kept_row(state, stretch):
        state = lax.fori_loop(*stretch, lambda t, state: iteration(state, t), state)
        return state, kept(state, stretch[1])[0]

    places = jnp.arange(len(start), dtype=jnp.int32)
    first = *begin(settings, start), by_action(start, presence(settings, len(start), 0)[1], places) if has_order else None
    if rows is None:  # the step after the last row is not used
        return lax.scan(to_next_row, first, jnp.arange(settings.iterations + 1))[1]
    return lax.scan(to_kept_row, first, (jnp.append(0, rows[:-1]), rows))[1]
