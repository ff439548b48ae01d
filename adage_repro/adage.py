"""The two-layer framework (Eqs. 1-3) for any aggregative game: followers and a leader climb their own payoffs in turn."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from adage_repro.choices import Choice
from adage_repro.parameters import check, check_value
from adage_repro.pytrees import by_structure, model, store
from adage_repro.readings import LATE_GROUP, ORDER
from adage_repro.refusals import Refused, shown
from adage_repro.sums import total


class Game(Protocol):
    """An aggregative game: a follower feels the others only through the mean action of those present."""

    def utility(self, action: Array, mean: Array, n_present: Array, leader_action: Array) -> Array:
        """A follower's payoff U_i (scalar) from its own `action`, the `mean` action of all present (own included; the total is
        `n_present * mean`), how many are present and the leader's action. Must be differentiable in the first two and the last."""
        ...

    def objective(self, utilities: Array, present: Array) -> Array:
        """The leader's payoff U_L (scalar) from the followers' utilities (N,) and who is present (N,). Needed with a leader only."""
        ...


@model
class Settings:
    """How the two layers learn (Eq. 3, App. A).

    iterations      I, at least 0
    follower_lr     α_F; every follower present climbs its own utility each iteration
    leader_lr       α_L; None for no leader: its action then stays at `leader_start`
    leader_every    the leader acts in iterations 0, k, 2k, …
    order           `simultaneous`: all followers from the same actions; `alternating`: one after the other
    late_group      `absent`: an agent is in the game from its entry time on; `frozen`: always, but learns only from then on
    entry_time      ι: one iteration for all or one per agent (N,)
    action_bounds, leader_bounds   box that actions are clipped to after each step

    ValueError: a value of the wrong type or out of its range.
    """

    iterations: int
    follower_lr: float
    leader_lr: float | None = None
    leader_every: int = 2
    order: str = ORDER.default
    late_group: Choice = LATE_GROUP.default
    entry_time: Array | int = 0
    action_bounds: tuple[float, float] = (0.0, 1.0)
    leader_bounds: tuple[float, float] = (0.0, 0.1)
    leader_start: float = 0.0

    def __post_init__(self):
        entry_time = np.asarray(self.entry_time) if isinstance(self.entry_time, list | tuple) else self.entry_time
        boxes = {name: _check_box(name, np.zeros(0), getattr(self, name)) for name in ("action_bounds", "leader_bounds")}
        store(
            self,
            iterations=check_value("iterations", self.iterations, "int", "[0, 1000000000]"),
            leader_every=check_value("leader_every", self.leader_every, "int", "[1, inf)"),
            entry_time=check_value("entry_time", entry_time, "int", "[0, 1000000000]"),
            leader_lr=None if self.leader_lr is None else check("leader_lr", self.leader_lr),
            **{name: check(name, getattr(self, name)) for name in ("follower_lr", "order", "late_group")},
            **boxes,
        )
        _check_box("leader_start", self.leader_start, self.leader_bounds)


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
    _check_box("start", start, settings.action_bounds)
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


def _check_box(name: str, value: Array | float, bounds: tuple[float, float]) -> tuple[float, float]:
    """The bounds as numbers; refuses a box that is empty or not finite, and a value outside it."""
    if not isinstance(bounds, list | tuple) or len(bounds) != 2:
        raise Refused(f"{name} needs two finite bounds, the lower first, got {bounds!r}")
    low, high = (check_value(name, bound, "float", "(-inf, inf)") for bound in bounds)
    if not isinstance(low, jax.core.Tracer) and not isinstance(high, jax.core.Tracer):
        if low > high:
            raise Refused(f"{name} needs two finite bounds, the lower first, got ({low}, {high})")
        check_value(name, value, "float", f"[{low}, {high}]")
    return low, high


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
            leader_action = lax.cond(
                t % settings.leader_every == 0,
                lambda: jnp.clip(
                    leader_action + settings.leader_lr * leader_gradient(game, actions, present, leader_action), *settings.leader_bounds
                ),
                lambda: leader_action,
            )
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


def follower_update(order: str) -> Callable[..., Array]:
    """One follower step of Eq. 3 in this order, as a function of game, settings, actions, present, learning and the leader's action."""
    return ORDER.pick(order, simultaneous=simultaneous, alternating=alternating)


def simultaneous(game, settings, actions, present, learning, leader_action):
    """One follower step of Eq. 3, all from the same actions."""
    gradients = follower_gradients(game, actions, present, leader_action)
    return jnp.where(learning, jnp.clip(actions + settings.follower_lr * gradients, *settings.action_bounds), actions)


def alternating(game, settings, actions, present, learning, leader_action):
    """One sweep of Eq. 3 over agents 0 … N - 1, each seeing the latest iterates of the others."""
    n_present, mean = crowd_mean(actions, present)
    low_ahead = lax.cummin(jnp.where(present, actions, jnp.inf), reverse=True)
    high_ahead = lax.cummax(jnp.where(present, actions, -jnp.inf), reverse=True)

    def one(carry, agent):
        mean, low, high = carry
        action, present, learning, low_ahead, high_ahead = agent
        mean = jnp.clip(mean, jnp.minimum(low, low_ahead), jnp.maximum(high, high_ahead))
        gradient = own_gradient(game, action, mean, n_present, leader_action)
        new = jnp.where(learning, jnp.clip(action + settings.follower_lr * gradient, *settings.action_bounds), action)
        low = jnp.where(present, jnp.minimum(low, new), low)
        high = jnp.where(present, jnp.maximum(high, new), high)
        return (mean + (new - action) / n_present, low, high), new

    begin = (mean, jnp.full_like(mean, jnp.inf), jnp.full_like(mean, -jnp.inf))
    return lax.scan(one, begin, (actions, present, learning, low_ahead, high_ahead))[1]


def crowd_mean(actions: Array, present: Array) -> tuple[Array, Array]:
    """How many are present (at least 1, so that nothing divides by zero) and their mean action.

    A mean lies between the smallest and the largest action; rounding may put it an ulp outside. Clipped back, it is exact
    where all actions are equal, so that agents who do the same sit on the kink of a tax, never beside it.
    """
    n_present = jnp.maximum(present.sum(), 1).astype(actions.dtype)
    mean = total(jnp.where(present, actions, 0.0)) / n_present
    low, high = jnp.where(present, actions, jnp.inf).min(), jnp.where(present, actions, -jnp.inf).max()
    return n_present, jnp.where(present.any(), jnp.clip(mean, low, high), 0.0)


def own_gradient(game: Game, action: Array, mean: Array, n_present: Array, leader_action: Array) -> Array:
    """∂U_i/∂a_i of one follower, the others' actions held fixed: its own step moves the mean by 1/n."""
    return jax.grad(lambda own: game.utility(own, mean + (own - action) / n_present, n_present, leader_action))(action)


def follower_gradients(game: Game, actions: Array, present: Array, leader_action: Array) -> Array:
    """∂U_i/∂a_i (N,) of all followers (Eq. 3) in O(N) time and memory."""
    actions, leader_action = jnp.asarray(actions, float), jnp.asarray(leader_action, float)
    n_present, mean = crowd_mean(actions, present)
    return jax.vmap(lambda action: own_gradient(game, action, mean, n_present, leader_action))(actions)


def utilities(game: Game, actions: Array, present: Array, leader_action: Array) -> Array:
    """U_i (N,) of all followers at the profile `actions` (N,); 0 where absent."""
    actions, leader_action = jnp.asarray(actions, float), jnp.asarray(leader_action, float)
    n_present, mean = crowd_mean(actions, present)
    payoffs = jax.vmap(lambda action: game.utility(action, mean, n_present, leader_action))(actions)
    return jnp.where(present, payoffs, 0.0)


def leader_gradient(game: Game, actions: Array, present: Array, leader_action: Array) -> Array:
    """∂U_L/∂a_L (scalar) at the followers' current actions (Eq. 3)."""
    leader_action = jnp.asarray(leader_action, float)

    def objective(own):
        return game.objective(utilities(game, actions, present, own), present)

    return jax.jvp(objective, (leader_action,), (jnp.ones_like(leader_action),))[1]
