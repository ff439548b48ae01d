"""Returns along a path (Eq. 1) and their gradients for all followers at once, in O(N T)."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from adage_repro.environment import Environment, Policy, aggregate, begin, each, felt, keys_of, leader_payoff, observed, step
from adage_repro.game import ask, ask_float


def returns(
    environment: Environment, followers: Policy, leader: Policy, present: Array, keys: Array, led: bool = True
) -> tuple[Array, Array | None]:
    """R_i = E Σ_t γ_i^t U_i (Eq. 1), (N,), and the leader's R_L (scalar; None if not `led`), as means over the paths of `keys`."""
    discounts = [jnp.asarray(environment.discount, float)]
    if led:
        discounts.append(jnp.asarray(getattr(environment, "leader_discount", environment.discount), float))

    def one(key):
        first, keys = keys_of(environment, key)

        def forward(carry, key):
            state, weights, totals = carry
            following, utilities, moment = step(environment, followers, leader, present, state, key)
            payoffs = [utilities] + ([leader_payoff(environment, state, utilities, present, moment)] if led else [])
            totals = [total + weight * payoff for total, weight, payoff in zip(totals, weights, payoffs, strict=True)]
            return (following, [weight * discount for weight, discount in zip(weights, discounts, strict=True)], totals), None

        totals = [jnp.zeros(present.size), jnp.zeros(())][: len(discounts)]
        return lax.scan(forward, (begin(environment, first), [jnp.ones_like(discount) for discount in discounts], totals), keys)[0][2]

    means = [values.mean(0) for values in jax.vmap(one)(keys)]
    return means[0], means[1] if led else None


def follower_gradients(environment: Environment, followers: Policy, leader: Policy, present: Array, keys: Array) -> Policy:
    """∇_{π_i} R_i of all followers (Eq. 3), the others' policies held fixed and their actions reacting to the state, in O(N T).

    A deviation of agent i reaches its return directly and through the states that follow. How a state moves the next one and all
    utilities when everybody reacts is the same whoever moved it: s_{t+1} = F(s_t) and U_j(s_t), linearised once along the path. With
    the costates λ^i_T = 0 and λ^i_t = ∂U_i/∂s_t + γ_i (∂F/∂s_t)ᵀ λ^i_{t+1} the gradient is Σ_t γ_i^t h^i_t, where
    h^i_t = ∂/∂π_i [U_i(s_t, a_i, mean) + γ_i (λ^i_{t+1})ᵀ ∂T/∂mean · mean] and only the own action moves, and by 1/n the mean.
    A state of d numbers and a mean of m cost d + m forward derivatives of a step; memory O(N d + T d). Means over the paths of `keys`.
    """
    gradients = jax.vmap(partial(_gradients, environment, followers, leader, present))(keys)
    return jax.tree.map(lambda values: values.mean(0), gradients)


def _gradients(environment: Environment, followers: Policy, leader: Policy, present: Array, key: Array) -> Policy:
    n_agents, discounts = present.size, jnp.broadcast_to(environment.discount, present.shape)[:, None]
    first, keys = keys_of(environment, key)
    start, state_of = ravel_pytree(begin(environment, first))

    def react(flat, key):
        following, utilities, moment = step(environment, followers, leader, present, state_of(flat), key)
        return (ravel_pytree(following)[0], utilities), moment

    def back(carry, at):
        costates, gradients = carry
        flat, key = at
        (by_state, utilities_by_state), moment = jax.jacfwd(react, has_aux=True)(flat, key)
        state, (mean, mean_of) = state_of(flat), ravel_pytree(moment.mean)

        def following(mean):
            return ravel_pytree(ask(environment, "transition", state=state, key=key, **felt(moment) | {"mean": mean_of(mean)}))[0]

        def payoff(own, policy, action, prices):
            deviation = policy(observed(own, state, moment.leader_action))
            moved = mean + (ravel_pytree(aggregate(own, deviation))[0] - ravel_pytree(aggregate(own, action))[0]) / moment.n_present
            utility = ask_float(own, "utility", state=state, action=deviation, **felt(moment) | {"mean": mean_of(moved)})
            return utility + prices @ moved

        prices = discounts * (costates @ jax.jacfwd(following)(mean))
        now = each(environment, n_agents, jax.grad(payoff, argnums=1), followers, moment.actions, prices)
        costates = utilities_by_state + discounts * (costates @ by_state)
        return (costates, jax.tree.map(partial(_discounted, discounts), now, gradients)), None

    flats = lax.scan(lambda flat, key: (react(flat, key)[0][0], flat), start, keys)[1]
    end = jnp.zeros((n_agents, start.size)), jax.tree.map(jnp.zeros_like, followers)
    return lax.scan(back, end, (flats, keys), reverse=True)[0][1]


def _discounted(discounts: Array, now: Any, later: Any) -> Any:
    return now + discounts.reshape((-1,) + (1,) * (now.ndim - 1)) * later
