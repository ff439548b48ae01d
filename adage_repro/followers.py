"""The followers at one profile: what they feel of one another, their payoffs, and all their gradients in O(N)."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from adage_repro.game import Game, ask, ask_float, each_agent
from adage_repro.profiles import check_profile, floats, where_present
from adage_repro.sums import count, folded


def utilities(game: Game, actions: Array, present: Array, leader_action: Any, iteration: Array | int = 0) -> Array:
    """U_i (N,) of all followers at the profile `actions` (N, …); 0 where absent. ValueError: a profile of the wrong shape, or a
    utility that is not one float."""
    return _masked(present, of_each(game, "utility", actions, present, leader_action, iteration))


def reports(game: Game, actions: Array, present: Array, leader_action: Any, iteration: Array | int = 0) -> Any:
    """What the game reports of each follower, with an axis N in front; 0 where absent, and None where it reports nothing."""
    if not hasattr(game, "report"):
        return None
    return _masked(present, of_each(game, "report", actions, present, leader_action, iteration))


def follower_gradients(game: Game, actions: Array, present: Array, leader_action: Any, iteration: Array | int = 0) -> Array:
    """∂U_i/∂a_i (N, …) of all followers (Eq. 3) in O(N) time and memory. ValueError: a profile of the wrong shape."""
    actions, present, leader_action = *check_profile(game, actions, present), floats(leader_action)
    n_present, mean = crowd(game, actions, present)
    return each_agent(lambda game, action: own_gradient(game, action, mean, n_present, leader_action, iteration), game, actions)


def own_gradient(game: Game, action: Array, mean: Any, n_present: Array, leader_action: Any, iteration: Array | int = 0) -> Array:
    """∂U_i/∂a_i of one follower, the others' actions held fixed: its own step moves the mean by 1/n of the step of its aggregate."""
    before = felt(game, action)

    def payoff(own):
        moved = jax.tree.map(lambda mean, after, before: mean + (after - before) / n_present, mean, felt(game, own), before)
        return ask_float(game, "utility", action=own, mean=moved, n_present=n_present, leader_action=leader_action, iteration=iteration)

    return jax.grad(payoff)(action)


def felt(game: Game, action: Array) -> Any:
    """What the others feel of one agent's action: the game's aggregate, or the action itself."""
    return ask(game, "aggregate", action=action) if hasattr(game, "aggregate") else action


def felt_of_each(game: Game, actions: Array) -> Any:
    """What the others feel of each agent, with an axis N in front."""
    return each_agent(felt, game, actions) if hasattr(game, "aggregate") else actions


def crowd(game: Game, actions: Array, present: Array) -> tuple[Array, Any]:
    """How many are present, and the means over them of what the others feel of each."""
    return crowd_mean(felt_of_each(game, actions), present)


def crowd_mean(values: Any, present: Array) -> tuple[Array, Any]:
    """How many are present (at least 1, so that nothing divides by zero) and the means over them, for any pytree of arrays (N, …)."""
    n = count(jnp.asarray(present))
    n_present = jnp.maximum(n, 1).astype(float)
    return n_present, jax.tree.map(partial(_mean, present, n > 0, n_present), values)


@jax.jit  # traced once for each N
def _mean(present, anybody, n_present, values):
    def over_agents(operation, otherwise):
        return folded(operation, jnp.moveaxis(where_present(present, values, otherwise), 0, -1))

    mean = over_agents(jnp.add, 0.0) / n_present
    low, high = over_agents(jnp.minimum, jnp.inf), over_agents(jnp.maximum, -jnp.inf)
    return jnp.where(anybody, between(mean, low, high), 0.0)


@jax.custom_jvp
def between(mean: Array, low: Array, high: Array) -> Array:
    """A mean lies between the smallest and the largest value; rounding may put it an ulp outside. Clipped back, it is exact where all
    values are equal, so that agents who do the same sit on the kink of a tax, never beside it. Its derivative is the mean's own."""
    return jnp.clip(mean, low, high)


@between.defjvp
def _between_jvp(values, tangents):
    return between(*values), tangents[0]


def of_each(game: Game, function: str, actions: Array, present: Array, leader_action: Any, iteration: Array | int = 0) -> Any:
    """What a function of one agent gives for each, with an axis N in front, present or not. ValueError: as `utilities`."""
    actions, present, leader_action = *check_profile(game, actions, present), floats(leader_action)
    n_present, mean = crowd(game, actions, present)
    call = ask_float if function == "utility" else ask

    def one(game, action):
        return call(game, function, action=action, mean=mean, n_present=n_present, leader_action=leader_action, iteration=iteration)

    return each_agent(one, game, actions)


def _masked(present, values):
    present = jnp.asarray(present)
    return jax.tree.map(lambda values: where_present(present, values, 0.0), values)
