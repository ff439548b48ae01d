"""Markov games (Sect. 2.1): an environment, the path that policies take through it, and the returns along it (Eq. 1)."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from adage_repro.adage import Game, crowd_mean
from adage_repro.pytrees import model

State = Observation = Action = Policy = Any  # pytrees of arrays


class Environment(Protocol):
    """A Markov game (S, A, T, r, O, γ) in which a follower feels the others through the state and through means of their actions.

    A value made with `@model`. Its arrays with a leading axis N are the agents' own: `observe`, `features` and `utility`, which
    speak of one follower, get that follower's entry. The other functions see all of it. All are pure and differentiable.

    horizon    T, the number of steps of a path
    discount   γ in [0, 1], one number or one per agent (N,); the leader's is `leader_discount` if there is one
    """

    horizon: int
    discount: float | Array

    def first(self, key: Array) -> State:
        """s_0, a pytree of floats. Its size d should be small: gradients cost O(N T d)."""
        ...

    def observe(self, state: State, leader_action: Action) -> Observation:
        """O_i: what a follower sees before it acts; the leader has moved already."""
        ...

    def observe_leader(self, state: State) -> Observation:
        """O_0: what the leader sees before it acts."""
        ...

    def features(self, action: Action) -> Any:
        """What of a follower's action the others feel: `mean` is its mean over those present. Optional; the action itself if not given."""
        ...

    def utility(self, state: State, action: Action, mean: Any, n_present: Array, leader_action: Action) -> Array:
        """U_i (scalar) of a follower in this step; `mean` is over all present (own features included), `n_present` in number."""
        ...

    def transition(self, state: State, mean: Any, n_present: Array, leader_action: Action, key: Array) -> State:
        """The next state; `key` is for noise."""
        ...

    def objective(self, state: State, actions: Action, utilities: Array, present: Array, leader_action: Action) -> Array:
        """U_L (scalar) in this step, from all actions and utilities (N,) and who is present (N,). Needed with a leader only."""
        ...


@model
class OneStep:
    """A game of one step as an environment: nothing to observe, no state that moves, no discount."""

    game: Game
    horizon: int = 1
    discount: float = 1.0

    def first(self, key):
        return jnp.zeros(1)

    def observe(self, state, leader_action):
        return state

    def observe_leader(self, state):
        return state

    def utility(self, state, action, mean, n_present, leader_action):
        return self.game.utility(action, mean, n_present, leader_action)

    def transition(self, state, mean, n_present, leader_action, key):
        return state

    def objective(self, state, actions, utilities, present, leader_action):
        return self.game.objective(utilities, present)


@model
class Moment:
    """What all do in one state: the leader's action, the followers' (N, …), the means of their features and how many are present."""

    leader_action: Action
    actions: Action
    mean: Any
    n_present: Array


def features(environment: Environment, action: Action) -> Any:
    """What the others feel of this follower's action."""
    return environment.features(action) if hasattr(environment, "features") else action


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
    leader_action = leader(environment.observe_leader(state))
    actions = each(environment, present.size, lambda own, policy: policy(own.observe(state, leader_action)))(followers)
    felt = each(environment, present.size, features)(actions)
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
    felt = (moment.mean, moment.n_present, moment.leader_action)
    utilities = each(environment, present.size, lambda own, action: own.utility(state, action, *felt))(moment.actions)
    return environment.transition(state, *felt, key), jnp.where(present, utilities, 0.0), moment


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

    return lax.scan(forward, _floats(environment.first(first)), keys)[1]


def returns(
    environment: Environment, followers: Policy, leader: Policy, present: Array, keys: Array, led: bool = True
) -> tuple[Array, Array | None]:
    """R_i = E Σ_t γ^t U_i (Eq. 1), (N,), and the leader's R_L (scalar; None if not `led`), as means over the paths of `keys`."""

    def one(key):
        first, keys = keys_of(environment, key)
        own, leader_s = environment.discount, getattr(environment, "leader_discount", environment.discount)

        def forward(carry, key):
            state, weights, totals = carry
            following, utilities, moment = step(environment, followers, leader, present, state, key)
            payoffs = utilities, None
            if led:
                payoffs = utilities, environment.objective(state, moment.actions, utilities, present, moment.leader_action)
            totals = jax.tree.map(lambda total, weight, payoff: total + weight * payoff, totals, weights[: 1 + led], payoffs[: 1 + led])
            return (following, (weights[0] * own, weights[1] * leader_s), totals), None

        weights = jnp.ones_like(own, float), jnp.ones_like(leader_s, float)
        totals = (jnp.zeros(present.size), jnp.zeros(()))[: 1 + led]
        return lax.scan(forward, (_floats(environment.first(first)), weights, totals), keys)[0][2]

    totals = jax.tree.map(lambda values: values.mean(0), jax.vmap(one)(keys))
    return totals if led else (*totals, None)


def follower_gradients(environment: Environment, followers: Policy, leader: Policy, present: Array, keys: Array) -> Policy:
    """∇_{π_i} R_i of all followers (Eq. 3), the others' policies held fixed and their actions reacting to the state, in O(N T).

    A deviation of agent i reaches its return directly and through the states that follow. How a state moves the next one and all
    utilities when everybody reacts is the same whoever moved it: s_{t+1} = F(s_t) and U_j(s_t), linearised once along the path. With
    the costate λ^i_T = 0, λ^i_t = ∂U_i/∂s_t + γ_i (∂F/∂s_t)ᵀ λ^i_{t+1}, the gradient is
    Σ_t γ_i^t ∂/∂π_i [U_i(s_t, a_i, mean) + γ_i λ^i_{t+1} · T(s_t, mean)], where only the own action moves and, by 1/n, the mean.
    """
    gradients = jax.vmap(partial(_gradients, environment, followers, leader, present))(keys)
    return jax.tree.map(lambda values: values.mean(0), gradients)


def _gradients(environment, followers, leader, present, key):
    n_agents = present.size
    discounts = jnp.broadcast_to(environment.discount, present.shape)
    first, keys = keys_of(environment, key)
    begin, state_of = ravel_pytree(_floats(environment.first(first)))

    def react(state, key):
        following, utilities, moment = step(environment, followers, leader, present, state_of(state), key)
        following = ravel_pytree(following)[0]
        return (following, utilities), (following, moment)

    def back(carry, at):
        costates, gradients = carry
        state, key = at
        (by_state, utility_by_state), (_, moment) = jax.jacfwd(react, has_aux=True)(state, key)
        mean, mean_of = ravel_pytree(moment.mean)
        by_mean = jax.jacfwd(
            lambda mean: ravel_pytree(environment.transition(state_of(state), mean_of(mean), moment.n_present, moment.leader_action, key))[
                0
            ]
        )(mean)

        def ahead(policy, own, action, prices):
            deviation = policy(own.observe(state_of(state), moment.leader_action))
            moves = ravel_pytree(features(own, deviation))[0] - ravel_pytree(features(own, action))[0]
            moved = mean + moves / moment.n_present
            felt = (mean_of(moved), moment.n_present, moment.leader_action)
            return own.utility(state_of(state), deviation, *felt) + prices @ moved

        prices = discounts[:, None] * (costates @ by_mean)
        own = each(environment, n_agents, lambda own, policy, *rest: jax.grad(ahead)(policy, own, *rest))(followers, moment.actions, prices)
        costates = utility_by_state + discounts[:, None] * (costates @ by_state)
        return (costates, jax.tree.map(partial(_discounted, discounts), own, gradients)), None

    states = lax.scan(lambda state, key: (react(state, key)[0][0], state), begin, keys)[1]
    end = jnp.zeros((n_agents, begin.size)), jax.tree.map(jnp.zeros_like, followers)
    return lax.scan(back, end, (states, keys), reverse=True)[0][1]


def _discounted(discounts: Array, now: Array, later: Array) -> Array:
    return now + discounts.reshape((-1,) + (1,) * (now.ndim - 1)) * later


def _floats(values: Any) -> Any:
    return jax.tree.map(lambda value: jnp.asarray(value, float), values)
