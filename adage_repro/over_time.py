"""Learning in games over time (Eqs. 1-3): followers and a leader climb their own returns in turn, by the policies they hold."""

import warnings
from dataclasses import dataclass, fields, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from adage_repro.environment import Environment, Policy
from adage_repro.environment_checks import check_environment
from adage_repro.history import check_rows
from adage_repro.outlook import Outlook
from adage_repro.parameters import check_value
from adage_repro.pytrees import model
from adage_repro.readings import ORDER
from adage_repro.refusals import Refused, shown
from adage_repro.returns import follower_gradients, returns
from adage_repro.settings import Settings, action_box, leader_box
from adage_repro.steps import State, begin, leader_step, learnt, presence
from adage_repro.warned import HistoryWarning, tell_bound


@model
class HistoryOverTime:
    """What happened. Row 0 is the start, row r the state after iteration r - 1, with the presence of that iteration.

    policies        the followers' policies, whose parameters have axes (I + 1, N, …)
    leader_policy   the leader's, whose parameters have axes (I + 1, …)
    present         (I + 1, N) bool
    returns         (I + 1, N) R_i (Eq. 1) of the row's own policies and presence; 0 where absent
    objective       (I + 1,) R_L, or None without a leader
    """

    policies: Policy
    leader_policy: Policy
    present: Array
    returns: Array
    objective: Array | None


@dataclass(frozen=True)
class OutlookOverTime(Outlook):
    """What a leader's gradient may look at over time: policies in place of actions, returns over the paths of `keys` as payoffs."""

    keys: Array

    def payoff(self, policies: Policy, present: Array, leader: Policy, iteration: Array) -> Array:
        """R_L at any policies and presence."""
        return returns(_at(self.game, iteration), policies, leader, present, self.keys)[1]


def solve_over_time(
    environment: Environment, settings: Settings, start: Policy, key: Array | None = None, paths: int = 1, rows: Array | None = None
) -> HistoryOverTime:
    """Alternating gradient descent (Eq. 3) on the parameters of policies, from the followers' in `start`: the HistoryOverTime.

    As `solve`, with policies in place of actions and returns (Eq. 1) in place of utilities. All numbers of the policies are learnt;
    boxes are theirs. Entry times count iterations, not the steps of a path. `settings.leader_start` is the leader's policy, or the
    number that it always plays; its gradient may be any but `Implicit`. An iteration costs O(N T) if `simultaneous`, O(N² T) if
    `alternating`.

    start   one policy whose parameters have a leading axis N, such as `Number(jnp.full(n_agents, 0.1))`
    key     of the noise; returns are means over `paths` sampled paths, which all iterations share (common random numbers)
    rows    which rows are kept, rising, among 0 … I; all unless given

    ValueError: what `solve` refuses; functions of the environment that are missing or that return what does not fit; a return that is
    not finite at the start. HistoryWarning: numbers that are not finite later, or a leader that ends on a bound that the environment
    states and the settings do not.
    """
    check_value("paths", paths, "int", "[1, inf)")
    key = jax.random.key(0) if key is None else key
    if not isinstance(key, jax.Array):
        raise Refused(f"key must be one of JAX, such as jax.random.key(0), got {shown(key)}")
    given = settings
    environment, settings, start = check_environment(environment, settings, start)
    rows, keys = check_rows(rows, settings.iterations), jax.random.split(key, paths)
    history = _solve(environment, settings, start, keys, rows)
    _check_finite(history, np.arange(settings.iterations + 1) if rows is None else rows)
    if settings.has_leader and given.leader_bounds is None and not isinstance(history.present, jax.core.Tracer):
        tell_bound(history.leader_policy, settings.leader_bounds, environment, stacklevel=3)
    return history


def simultaneous(environment, settings, followers, present, learning, leader, keys, iteration):
    """One follower step of Eq. 3, all from the same policies."""
    gradients = follower_gradients(_at(environment, iteration), followers[0], leader, present, keys)
    return learnt(environment, settings, followers, gradients, learning, iteration)


def alternating(environment, settings, followers, present, learning, leader, keys, iteration):
    """One sweep of Eq. 3 over agents 0 … N - 1, each seeing the latest policies of the others."""
    agents = jnp.arange(learning.size)

    def one(followers, agent):
        return simultaneous(environment, settings, followers, present, learning & (agents == agent), leader, keys, iteration), None

    return lax.scan(one, followers, agents)[0]


def outlook_over_time(environment: Environment, settings: Settings, followers: State, keys: Array, iteration: Array) -> OutlookOverTime:
    """What the leader's gradient may look at in this iteration."""
    who = partial(presence, settings, _n_agents(followers[0]))

    def follow(followers, leader, iteration):
        learning, present = who(iteration)
        step = ORDER.pick(settings.order, simultaneous=simultaneous, alternating=alternating)
        return step(environment, settings, followers, present, learning, leader, keys, iteration)

    return OutlookOverTime(
        environment,
        followers,
        iteration,
        *who(iteration),
        presence=who,
        follow=follow,
        action_box=action_box(environment, settings),
        leader_box=leader_box(environment, settings) if settings.has_leader else None,
        keys=keys,
    )


@jax.jit
def _solve(environment: Environment, settings: Settings, start: Policy, keys: Array, rows: Array | None) -> HistoryOverTime:
    def kept(state, row):
        (policies, _), (leader, _) = state
        iteration = jnp.maximum(row - 1, 0)
        _, present = presence(settings, _n_agents(policies), iteration)
        payoffs = returns(_at(environment, iteration), policies, leader, present, keys, settings.has_leader)
        return HistoryOverTime(policies, leader, present, *payoffs)

    def iteration(t, state):
        followers, leader = state
        outlook = outlook_over_time(environment, settings, followers, keys, t)
        if settings.has_leader:
            leader = leader_step(settings, outlook, leader)
        return outlook.follow(followers, leader[0], t), leader

    def to_kept_row(state, stretch):
        state = lax.fori_loop(*stretch, iteration, state)
        return state, kept(state, stretch[1])

    rows = jnp.arange(settings.iterations + 1) if rows is None else jnp.asarray(rows)
    return lax.scan(to_kept_row, begin(settings, start), (jnp.append(0, rows[:-1]), rows))[1]


def _n_agents(policies: Policy) -> int:
    return jax.tree.leaves(policies)[0].shape[0]


def _at(environment: Environment, iteration: Array) -> Environment:
    """The environment in this iteration of learning, if it has a field for it."""
    return replace(environment, iteration=iteration) if "iteration" in {field.name for field in fields(environment)} else environment


def _check_finite(history: HistoryOverTime, rows: Array) -> None:
    """Refuses numbers that are none in the start, and warns of those that come later, by the first row that has one."""
    leaves = jax.tree.leaves(history)
    if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves) or all(np.isfinite(leaf).all() for leaf in leaves):
        return
    for k, row in enumerate(rows):
        for field in fields(history):
            values = [np.asarray(leaf)[k].ravel() for leaf in jax.tree.leaves(getattr(history, field.name))]
            bad = [float(value[~np.isfinite(value)][0]) for value in values if not np.isfinite(value).all()]
            if bad and row == 0:
                raise Refused(f"{field.name} must be finite, got {bad[0]} at the start")
            if bad:
                what = f"{field.name.replace('_', ' ')} from row {row} on: smaller rates or narrower boxes may help"
                warnings.warn(f"the history contains {bad[0]} in {what}", HistoryWarning, stacklevel=3)
                return
