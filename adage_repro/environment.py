"""Markov games (Sect. 2.1): an environment, and the path that policies take through it."""

from collections.abc import Callable
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax import Array, lax

from adage_repro import outlook
from adage_repro.followers import crowd_mean
from adage_repro.followers import felt as felt_in_game
from adage_repro.game import Game, ask, ask_float, per_agent
from adage_repro.profiles import floats, where_present
from adage_repro.pytrees import model

State = Observation = Action = Policy = Any  # pytrees of arrays


class Environment(Protocol):
    """A Markov game (S, A, T, r, O, γ) in which a follower feels the others through the state and through means of what they do.

    A value made with `@model`, whose functions are pure and differentiable. As in a `Game`, each function is given what it names, in
    any order; a field whose leading axis is N holds one value per agent, which `observe`, `aggregate` and `utility` have as the agent's
    own and the other functions whole; an array that all agents see whole is annotated `Shared`.

    horizon    T, the number of steps of a path
    discount   γ in [0, 1], one number or one per agent (N,); the leader's is `leader_discount` if there is one

    It may also state `n_agents`, `action_bounds` and `leader_bounds`, as a game may, and have a field `iteration`, which then holds the
    present iteration of learning.
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
        """U_L (scalar) in this step, from all actions (N, …) and utilities (N,), each 0 where absent, who is present (N,) and the
        leader's own action. Needed with a leader only."""
        ...


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
    """A game of one step as an environment: no state that moves, no discount. A return is then a utility."""

    game: Game
    iteration: Array | int = 0
    horizon: int = 1
    discount: float = 1.0

    def first(self):
        return jnp.zeros(1)

    def aggregate(self, action):
        return felt_in_game(self.game, action)

    def utility(self, action, mean, n_present, leader_action):
        given = {"mean": mean, "n_present": n_present, "leader_action": leader_action}
        return ask_float(self.game, "utility", action=action, iteration=self.iteration, **given)

    def transition(self, state):
        return state

    def objective(self, actions, present, leader_action):
        return outlook.objective(self.game, actions, present, leader_action, self.iteration)


@model
class Moment:
    """What all do in one state: the leader's action, the followers' (N, …), the means of their aggregates, and how many are present."""

    leader_action: Action
    actions: Action
    mean: Any
    n_present: Array


def each(environment: Environment, n_agents: int, call: Callable, *columns: Any) -> Any:
    """`call(environment, *entries)` for all agents at once: the environment as the agent has it, and its entries of the columns."""
    own, as_agent = per_agent(environment, n_agents)
    return jax.vmap(lambda own, *entries: call(as_agent(own), *entries))(own, *columns)


def act(environment: Environment, followers: Policy, leader: Policy, present: Array, state: State) -> Moment:
    """Everybody's action in this state: first the leader's, which the followers may observe, then theirs."""
    leader_action = leader(observed_by_leader(environment, state))
    actions = each(environment, present.size, lambda own, policy: policy(observed(own, state, leader_action)), followers)
    n_present, mean = crowd_mean(each(environment, present.size, aggregate, actions), present)
    return Moment(leader_action, actions, mean, n_present)


def step(
    environment: Environment, followers: Policy, leader: Policy, present: Array, state: State, key: Array
) -> tuple[State, Array, Moment]:
    """One step in which everybody reacts to the state: the next state, the utilities (N,), 0 where absent, and what all did."""
    moment = act(environment, followers, leader, present, state)

    def payoff(own, action):
        return ask_float(own, "utility", state=state, action=action, **felt(moment))

    utilities = where_present(present, each(environment, present.size, payoff, moment.actions), 0.0)
    following = ask(environment, "transition", state=state, **felt(moment), key=key)
    return floats(following), utilities, moment


def felt(moment: Moment) -> dict[str, Any]:
    """What of a moment everybody feels."""
    return {"mean": moment.mean, "n_present": moment.n_present, "leader_action": moment.leader_action}


def leader_payoff(environment: Environment, state: State, utilities: Array, present: Array, moment: Moment) -> Array:
    """U_L in one step."""
    actions = jax.tree.map(lambda values: where_present(present, values, 0.0), moment.actions)
    given = {"actions": actions, "utilities": utilities, "present": present, "leader_action": moment.leader_action}
    return ask_float(environment, "objective", state=state, **given)


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
    return floats(ask(environment, "first", key=key))
