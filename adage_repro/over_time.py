"""Learning in games over time (Eqs. 1-3): followers and a leader climb their own returns in turn, by the policies they hold."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from adage_repro.adage import Settings, _checked_rows
from adage_repro.choices import choose
from adage_repro.environment import Environment, Policy, follower_gradients, returns
from adage_repro.environment_checks import check_environment
from adage_repro.pytrees import model
from adage_repro.refusals import Refused


@model
class Partial:
    """∇_{π_L} R_L at the followers' present policies, as in Eq. 3; their actions react to the states that the leader moves."""


@model
class LookAhead:
    """∇_{π_L} R_L(π_L, π_F^K(π_L)), with the followers' policies π_F^K after K = `steps` more steps of Eq. 3 that see the leader's π_L.

    Forward mode where the leader has one parameter, otherwise reverse mode that recomputes each step.
    """

    steps: int


@model
class HistoryOverTime:
    """What happened. Row 0 is the start, row r the state after iteration r - 1, with the presence of that iteration.

    followers   policies, whose parameters have axes (I + 1, N, …)
    leader      policies, whose parameters have axes (I + 1, …)
    present     (I + 1, N) bool
    returns     (I + 1, N) R_i of Eq. 1 at the row's own policies and presence; 0 where absent
    objective   (I + 1,) R_L, or None without a learning leader
    """

    followers: Policy
    leader: Policy
    present: Array
    returns: Array
    objective: Array | None


def solve_over_time(
    environment: Environment,
    settings: Settings,
    followers: Policy,
    leader: Policy,
    gradient: Partial | LookAhead | None = None,
    key: Array | None = None,
    paths: int = 1,
    rows: Array | None = None,
) -> HistoryOverTime:
    """Alternating gradient descent (Eq. 3) on the policies' parameters, from those of `followers` and `leader`.

    Iterations, rates, turns, order and presence are those of `solve`: entry times count iterations, not steps of a path. Every
    parameter of a follower's policy is clipped to `action_bounds` and of the leader's to `leader_bounds`; `leader_start` plays no part.
    Without `leader_lr` the leader keeps its policy. `alternating` costs O(N² T) an iteration, `simultaneous` O(N T).

    followers   one policy whose parameters have a leading axis N, such as `Number(jnp.full(n, 0.1))`
    leader      a policy; `Number(0.0)` for one that always plays 0
    gradient    of the leader: `Partial()`, the paper's, unless given, or `LookAhead(steps)`
    key, paths  returns are means over so many paths, sampled once from the key; all iterations share them (common random numbers)
    rows        which rows are kept, rising, among 0 … I; all unless given

    ValueError: parameters of the wrong shape or out of their bounds; functions of the environment that are missing or return what
    does not fit; returns or parameters that are not finite, in the start or later.
    """
    gradient = Partial() if gradient is None else gradient
    if not isinstance(gradient, Partial | LookAhead):
        raise Refused(f"gradient must be Partial() or LookAhead(steps), got {gradient!r}")
    if not isinstance(paths, int) or paths < 1:
        raise Refused(f"paths must be a whole number, at least 1, got {paths!r}")
    followers, leader = check_environment(environment, settings, followers, leader)
    keys = jax.random.split(jax.random.key(0) if key is None else key, paths)
    history = _solve(environment, settings, gradient, followers, leader, keys, _checked_rows(rows, settings.iterations))
    _check_finite(history, np.arange(settings.iterations + 1) if rows is None else rows)
    return history


def leader_gradient(
    environment: Environment,
    settings: Settings,
    gradient: Partial | LookAhead,
    followers: Policy,
    leader: Policy,
    present: Array,
    learning: Array,
    keys: Array,
) -> Policy:
    """The leader's gradient of this kind, by all parameters of its policy, at these policies."""
    update = choose(settings.order, simultaneous=simultaneous, alternating=alternating)
    steps = gradient.steps if isinstance(gradient, LookAhead) else 0
    flat, policy_of = ravel_pytree(leader)

    def value(flat):
        @jax.checkpoint
        def ahead(followers, _):
            return update(environment, settings, followers, policy_of(flat), present, learning, keys), None

        following = lax.scan(ahead, followers, length=steps)[0] if steps else followers
        return returns(environment, following, policy_of(flat), present, keys)[1]

    return policy_of((jax.jacfwd if flat.size == 1 else jax.grad)(value)(flat))


def simultaneous(environment, settings, followers, leader, present, learning, keys):
    """One follower step of Eq. 3, all from the same policies."""
    gradients = follower_gradients(environment, followers, leader, present, keys)
    return jax.tree.map(partial(_where, learning), _climbed(followers, gradients, settings.follower_lr, settings.action_bounds), followers)


def alternating(environment, settings, followers, leader, present, learning, keys):
    """One sweep of Eq. 3 over agents 0 … N - 1, each seeing the latest policies of the others."""

    def one(followers, agent):
        turn = learning & (jnp.arange(learning.size) == agent)
        return simultaneous(environment, settings, followers, leader, present, turn, keys), None

    return lax.scan(one, followers, jnp.arange(learning.size))[0]


def _climbed(policy: Policy, gradient: Policy, rate: Any, bounds: tuple[float, float]) -> Policy:
    return jax.tree.map(lambda value, slope: jnp.clip(value + rate * slope, *bounds), policy, gradient)


def _where(agents: Array, new: Array, old: Array) -> Array:
    return jnp.where(agents.reshape((-1,) + (1,) * (old.ndim - 1)), new, old)


@jax.jit
def _solve(environment, settings, gradient, followers, leader, keys, rows):
    n_agents = jax.tree.leaves(followers)[0].shape[0]
    entry_time = jnp.broadcast_to(settings.entry_time, n_agents)
    update = choose(settings.order, simultaneous=simultaneous, alternating=alternating)
    led = settings.leader_lr is not None

    def presence(t):
        learning = t >= entry_time
        return learning, learning | choose(settings.late_group, absent=False, frozen=True)

    def kept(state, row):
        _, present = presence(jnp.maximum(row - 1, 0))
        return HistoryOverTime(*state, present, *returns(environment, *state, present, keys, led))

    def iteration(state, t):
        followers, leader = state
        learning, present = presence(t)

        def lead():
            slope = leader_gradient(environment, settings, gradient, followers, leader, present, learning, keys)
            return _climbed(leader, slope, settings.leader_lr, settings.leader_bounds)

        if led:
            leader = lax.cond(t % settings.leader_every == 0, lead, lambda: leader)
        return update(environment, settings, followers, leader, present, learning, keys), leader

    def to_kept_row(state, stretch):
        state = lax.fori_loop(*stretch, lambda t, state: iteration(state, t), state)
        return state, kept(state, stretch[1])

    rows = jnp.arange(settings.iterations + 1) if rows is None else rows
    return lax.scan(to_kept_row, (followers, leader), (jnp.append(0, rows[:-1]), rows))[1]


def _check_finite(history: HistoryOverTime, rows: Array) -> None:
    """Refuses a history with a number that is none, by its first row."""
    parts = {
        "returns": history.returns,
        "followers' policies": history.followers,
        "leader's policy": history.leader,
        "objective": history.objective,
    }
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(history)):
        return
    for name, part in parts.items():
        for leaf in jax.tree.leaves(part):
            bad = ~np.isfinite(np.asarray(leaf)).reshape(len(rows), -1).all(-1)
            if bad.any():
                row = rows[int(bad.argmax())]
                where = "at the start" if row == 0 else f"after {row} iterations; smaller learning rates or narrower bounds may help"
                raise Refused(f"{name} must be finite, got {np.asarray(leaf)[bad.argmax()].ravel()[:3]} {where}")
