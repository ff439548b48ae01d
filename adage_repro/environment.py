"""Markov games (Sect. 2.1): an environment, the path that policies take through it, and the returns along it (Eq. 1)."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax import Array, lax

from adage_repro.adage import Game, crowd_mean
from adage_repro.pytrees import model
from adage_repro.refusals import Refused

State = Observation = Action = Policy = Any  # pytrees of arrays


class Environment(Protocol):
    """A Markov game (S, A, T, r, O, γ) in which a follower feels the others through the state and through means of what they do.

    A value made with `@model`, whose functions are pure and differentiable. Each function is given what it names: it has any of the
    parameters below, in any order. A field whose leading axis is N holds one value per agent: `observe`, `aggregate` and `utility`,
    which speak of one follower, have that follower's own, the other functions have all.

    horizon    T, the number of steps of a path
    discount   γ in [0, 1], one number or one per agent (N,); the leader's is `leader_discount` if there is one
    """

    horizon: int
    discount: float | Array

    def first(self, key: Array) -> State:
        """s_0, a pytree of floats. Its size d should be small: all gradients cost O(N T d)."""
        ...

    def observe(self, state: State, leader_action: Action) -> Observation:
        """O_i: what a follower sees before it acts; the leader has moved already. Optional; the state unless given."""
        ...

    def observe_leader(self, state: State) -> Observation:
        """O_0: what the leader sees before it acts. Optional; the state unless given."""
        ...

    def aggregate(self, action: Action) -> Any:
        """What of a follower's action the others feel, a pytree of floats. Optional; the action itself unless given."""
        ...

    def utility(self, state: State, action: Action, mean: Any, n_present: Array, leader_action: Action) -> Array:
        """U_i (scalar) of a follower in this step; `mean` is that of the aggregates of all present (own included), `n_present` many."""
        ...

    def transition(self, state: State, mean: Any, n_present: Array, leader_action: Action, key: Array) -> State:
        """The next state; `key` is for noise."""
        ...

    def objective(self, state: State, actions: Action, utilities: Array, present: Array, leader_action: Action) -> Array:
        """U_L (scalar) in this step, from all actions (N, …) and utilities (N,) and who is present (N,). Needed with a leader only."""
        ...


def ask(environment: Environment, function: str, **given: Any) -> Any:
    """The environment's function of those of the given that it names. Refused: a name that is not among them and has no default."""
    call, named = getattr(environment, function), {}
    for name, parameter in inspect.signature(call).parameters.items():
        if name in given:
            named[name] = given[name]
        elif parameter.default is parameter.empty:
            raise Refused(f"{type(environment).__name__}.{function} may ask for {', '.join(given)}, got a parameter {name}")
    return call(**named)


def observed(environment: Environment, state: State, leader_action: Action) -> Observation:
    """What a follower sees."""
    return ask(environment, "observe", state=state, leader_action=leader_action) if hasattr(environment, "observe") else state


def observed_by_leader(environment: Environment, state: State) -> Observation:
    """What the leader sees."""
    return ask(environment, "observe_leader", state=state) if hasattr(environment, "observe_leader") else state


def aggregate(environment: Environment, action: Action) -> Any:
    """What the others feel of a follower's action."""
    return ask(environment, "aggregate", action=action) if hasattr(environment, "aggregate") else action


@model
class OneStep:
    """A game of one step as an environment: nothing to observe, no state that moves, no discount."""

    game: Game
    horizon: int = 1
    discount: float = 1.0

    def first(self):
        return jnp.zeros(1)

    def utility(self, action, mean, n_present, leader_action):
        return self.game.utility(action, mean, n_present, leader_action)

    def transition(self, state):
        return state

    def objective(self, utilities, present):
        return self.game.objective(utilities, present)


@model
class Moment:
    """What all do in one state: the leader's action, the followers' (N, …), the means of what others feel of them and how many are present."""

    leader_action: Action
    actions: Action
    mean: Any
    n_present: Array


def each(environment: Environment, n_agents: int, call: Callable) -> Callable:
    """`call(environment, *own)` for all agents at once, each with its own entry of the environment's arrays and of `own`."""
    leaves, structure = jax.tree.flatten(environment)
    axes = [0 if jnp.shape(leaf)[:1] == (n_agents,) else None for leaf in leaves]

    def all_at_once(*own):
        one = jax.vmap(lambda leaves, own: call(structure.unflatten(leaves), *own), in_axes=(axes, 0))
        return one(leaves, own)

    return all_at_once


def act(environment: Environment, followers: Policy, leader: Policy, present: Array, state: State) -> Moment:
    """Everybody's action in this state: first the leader's, which the followers may observe, then theirs."""
    leader_action = leader(observed_by_leader(environment, state))
    actions = each(environment, present.size, lambda own, policy: policy(observed(own, state, leader_action)))(followers)
    felt = each(environment, present.size, aggregate)(actions)
    n_present = jnp.maximum(present.sum(), 1).astype(float)
    return Moment(leader_action, actions, jax.tree.map(partial(_mean, present, n_present), felt), n_present)


def _mean(present: Array, n_present: Array, values: Array) -> Array:
    """The mean over the agents present, to the bit that of a game of one step. Its derivative is a mean's, without the clipping there."""
    columns = values.reshape(present.size, -1).T
    exact = jax.vmap(lambda column: crowd_mean(lax.stop_gradient(column), present)[1])(columns)
    plain = jnp.where(present, columns, 0.0).sum(-1) / n_present
    return (lax.stop_gradient(exact) + (plain - lax.stop_gradient(plain))).reshape(values.shape[1:])


def step(
    environment: Environment, followers: Policy, leader: Policy, present: Array, state: State, key: Array
) -> tuple[State, Array, Moment]:
    """One step in which everybody reacts to the state: the next state, the utilities (N,), 0 where absent, and what all did."""
    moment = act(environment, followers, leader, present, state)
    utilities = each(environment, present.size, lambda own, action: ask(own, "utility", state=state, action=action, **felt(moment)))
    following = ask(environment, "transition", state=state, **felt(moment), key=key)
    return _floats(following), jnp.where(present, utilities(moment.actions), 0.0), moment


def felt(moment: Moment) -> dict[str, Any]:
    """What of a moment everybody feels."""
    return {"mean": moment.mean, "n_present": moment.n_present, "leader_action": moment.leader_action}


def objective(environment: Environment, state: State, utilities: Array, present: Array, moment: Moment) -> Array:
    """U_L in one step."""
    given = {"actions": moment.actions, "utilities": utilities, "present": present, "leader_action": moment.leader_action}
    return ask(environment, "objective", state=state, **given)


def keys_of(environment: Environment, key: Array) -> tuple[Array, Array]:
    """The keys of a path: for its first state, and (T,) for its transitions."""
    first, rest = jax.random.split(key)
    return first, jax.random.split(rest, environment.horizon)


def path(environment: Environment, followers: Policy, leader: Policy, present: Array, key: Array) -> tuple[State, Array, Moment]:
    """States, utilities (T, N) and moments along one path, with an axis of T in front."""
    first, keys = keys_of(environment, key)

    def forward(state, key):
        following, utilities, moment = step(environment, followers, leader, present, state, key)
        return following, (state, utilities, moment)

    return lax.scan(forward, begin(environment, first), keys)[1]


def begin(environment: Environment, key: Array) -> State:
    """The first state, in floats."""
    return _floats(ask(environment, "first", key=key))


def _floats(values: Any) -> Any:
    return jax.tree.map(lambda value: jnp.asarray(value, float), values)
