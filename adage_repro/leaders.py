"""The leader: its gradient and its step of Eq. 3."""

import jax
import jax.numpy as jnp
from jax import Array, lax

from adage_repro.followers import utilities
from adage_repro.game import Game
from adage_repro.settings import Settings


def leader_step(game: Game, settings: Settings, actions: Array, present: Array, leader_action: Array, iteration: Array) -> Array:
    """The leader's action after its step of Eq. 3, or the same action in an iteration that is not its turn."""
    return lax.cond(
        iteration % settings.leader_every == 0,
        lambda: jnp.clip(
            leader_action + settings.leader_lr * leader_gradient(game, actions, present, leader_action), *settings.leader_bounds
        ),
        lambda: leader_action,
    )


def leader_gradient(game: Game, actions: Array, present: Array, leader_action: Array) -> Array:
    """∂U_L/∂a_L (scalar) at the followers' current actions (Eq. 3)."""
    leader_action = jnp.asarray(leader_action, float)

    def objective(own):
        return game.objective(utilities(game, actions, present, own), present)

    return jax.jvp(objective, (leader_action,), (jnp.ones_like(leader_action),))[1]
