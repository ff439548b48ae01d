"""What a leader's gradient may look at: the followers as they are, their steps to come, and its own payoff."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import partial
from math import isqrt
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from adage_repro.choices import choose
from adage_repro.followers import reports, utilities
from adage_repro.game import MAY_ASK, Game, ask_float, asked_for
from adage_repro.profiles import where_present

OVER = ("end", "path")


def objective(
    game: Game, actions: Array, present: Array, leader_action: Any, iteration: Array | int = 0, order: Array | None = None
) -> Array:
    """The leader's payoff U_L (scalar) at one profile; what it does not ask for is not computed."""
    given = {"present": present, "leader_action": leader_action, "iteration": iteration, "order": order}
    asked, at = asked_for(game, "objective", MAY_ASK["objective"]), (game, actions, present, leader_action, iteration)
    if "actions" in asked:
        given["actions"] = where_present(present, actions, 0.0)
    if "utilities" in asked:
        given["utilities"] = utilities(*at)
    if "reports" in asked:
        given["reports"] = reports(*at)
    return ask_float(game, "objective", **given)


@jax.jit  # where a program needs it twice, it is traced once
def payoff_and_slope(
    game: Game, actions: Array, present: Array, leader_action: Any, iteration: Array | int, order: Array | None = None
) -> tuple[Array, Any]:
    """U_L at one profile and ∂U_L/∂a_L there, a pytree like the leader's action."""
    return value_and_gradient(lambda own: objective(game, actions, present, own, iteration, order), leader_action)


@dataclass(frozen=True)
class Outlook:
    """The situation in which a leader takes its gradient.

    game, iteration       the game, and the present iteration t
    learning, present     who learns in it and who is present (N,)
    followers             the followers' actions (N, …) and what their optimisers remember
    presence              the same of any iteration
    follow                the followers after their step of an iteration, given the leader's action
    action_box, leader_box   the boxes
    order                 the order of the followers, see `Game.objective`, if it is kept
    slope                 what is known of the gradient of U_L at the followers' present actions: who was present there, and the gradient
    """

    game: Game
    followers: tuple[Array, Any]
    iteration: Array
    learning: Array
    present: Array
    presence: Callable[[Array], tuple[Array, Array]]
    follow: Callable[[tuple[Array, Any], Any, Array], tuple[Array, Any]]
    action_box: tuple[Any, Any]
    leader_box: tuple[Any, Any]
    _: KW_ONLY
    order: Array | None = None
    slope: tuple[Array, Any] | None = None

    def objective(self, actions: Array, leader_action: Any) -> Array:
        """U_L at any actions with those who are present now."""
        return self.payoff(actions, self.present, leader_action, self.iteration)

    def payoff(self, actions: Array, present: Array, leader_action: Any, iteration: Array) -> Array:
        """U_L at any actions and presence."""
        return objective(self.game, actions, present, leader_action, iteration, self.order)

    def ahead(self, leader_action: Any, steps: int, over: str) -> Array:
        """U_L once the followers have made so many more steps, of iterations t, t + 1, …, which see this action of the leader and those
        who enter on the way. `over` the `end`: after the last step. Over the `path`: the mean of U_L after each."""
        path = choose(over, end=False, path=True)
        if not steps:
            return self.objective(self.followers[0], leader_action)

        def payoff(followers, iteration):
            return self.payoff(followers[0], self.presence(iteration)[1], leader_action, iteration)

        def step(state, _):
            followers, iteration, summed = state
            followers = self.follow(followers, leader_action, iteration)
            summed = summed + payoff(followers, iteration) if path else summed
            return (followers, iteration + 1, summed), None

        @partial(jax.checkpoint, prevent_cse=False)
        def stretch(state, _):
            return lax.scan(step, state, length=chunk)

        chunk = isqrt(steps)  # kept for a reverse pass: the ends of the stretches, and one stretch at a time
        state, _ = lax.scan(stretch, (self.followers, self.iteration, jnp.zeros(())), length=steps // chunk)
        (followers, iteration, summed), _ = lax.scan(step, state, length=steps % chunk)
        return summed / steps if path else payoff(followers, iteration - 1)


def gradient(function: Callable[[Any], Array], at: Any) -> Any:
    """∇ of a function of a pytree."""
    return value_and_gradient(function, at)[1]


def value_and_gradient(function: Callable[[Any], Array], at: Any) -> tuple[Array, Any]:
    """A function of a pytree and its ∇: in forward mode where it is one number, which keeps nothing, else in reverse mode."""
    if sum(map(jnp.size, jax.tree.leaves(at))) > 1:
        return jax.value_and_grad(function)(at)
    value, slope = jax.jvp(function, (at,), (jax.tree.map(jnp.ones_like, at),))
    return value, jax.tree.map(lambda value: jnp.reshape(slope, jnp.shape(value)), at)
