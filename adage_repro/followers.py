"""The followers: what they feel of one another, their gradients in O(N), and their step of Eq. 3 in either order."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax

from adage_repro.game import Game
from adage_repro.readings import ORDER
from adage_repro.sums import total


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
