"""Profiles of actions: their shape, whom they belong to, and what is refused."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.game import Game
from adage_repro.refusals import Refused, shown


def floats(tree: Any) -> Any:
    """A pytree of numbers as one of float arrays."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, float), tree)


def where_present(present: Array, values: Array, otherwise: Array | float) -> Array:
    """The values (N, …) of those present, and `otherwise` of the rest."""
    return jnp.where(jnp.reshape(present, jnp.shape(present) + (1,) * (jnp.ndim(values) - jnp.ndim(present))), values, otherwise)


def action_shape(game: Game) -> tuple[int, ...]:
    """Shape of one agent's action. Refused: what is no shape."""
    shape = getattr(game, "action_shape", ())
    if not isinstance(shape, tuple) or not all(isinstance(size, int) and size > 0 for size in shape):
        raise Refused(f"{type(game).__name__}.action_shape must be a tuple of whole numbers above 0, such as (2,), got {shown(shape)}")
    return shape


def check_game(game: Game) -> None:
    """Refuses what is no game, or none that JAX can trace."""
    name = type(game).__name__
    if isinstance(game, type):
        raise Refused(f"game must be a value, such as {game.__name__}(…), got the class {game.__name__} itself")
    if not hasattr(game, "utility"):
        raise Refused(f"game must have a function utility, got {shown(game)}: arguments go game, settings, start")
    if hasattr(game, "transition"):
        raise Refused(f"{name} is a game over time, since it has a transition: use solve_over_time")
    if jax.tree_util.all_leaves([game]):
        raise Refused(f"{name} must be made with @model, so that JAX can trace it: write @model above class {name}")


def check_profile(game: Game, actions: Array, present: Array) -> tuple[Array, Array]:
    """The two as arrays; refuses a profile that is not (N, …) with the game's shapes, or a presence that is not (N,) of bool."""
    check_game(game)
    actions, present = _numbers("actions", actions), present if hasattr(present, "dtype") else np.asarray(present)
    shape, stated = action_shape(game), getattr(game, "n_agents", None)
    n_agents = actions.shape[0] if actions.ndim else 0
    if actions.shape != (n_agents, *shape) or n_agents != (n_agents if stated is None else stated):
        raise Refused(f"actions must have shape {axes(stated, shape)}, got {actions.shape}")
    if present.shape != (n_agents,) or present.dtype != bool:
        raise Refused(f"present must say of each of the {n_agents} agents True or False, got {present.dtype} of shape {present.shape}")
    return actions, present


def _numbers(name: str, values: Any) -> Array:
    """An array of floats. Refused: what is none."""
    if not hasattr(values, "dtype"):
        try:
            values = np.asarray(values)
        except ValueError:
            raise Refused(f"{name} must be an array of numbers, got {shown(values)}") from None
    if getattr(values.dtype, "kind", "keys of random numbers") not in tuple("fiu"):
        raise Refused(f"{name} must hold numbers, got {shown(values)}")
    return jnp.asarray(values, float)


def axes(n_agents: int | None, shape: tuple[int, ...], *before: str) -> str:
    """A shape in words, such as (runs, N, 2) with N = 3."""
    names = ", ".join(map(str, (*before, "N", *shape)))
    return f"({names}{',' if not before and not shape else ''})" + ("" if n_agents is None else f" with N = {n_agents}")


def check_start(game: Game, start: Array) -> Array:
    """The start as an array of floats; refuses a shape that does not fit the game or that may mean two things."""
    start, shape, stated = _numbers("start", start), action_shape(game), getattr(game, "n_agents", None)
    name, rank = type(game).__name__, start.ndim - len(action_shape(game))
    if start.ndim == 2 and stated is None and not hasattr(game, "action_shape"):
        first, second = start.shape
        meanings = f"{first} runs of {second} agents (write action_shape = () in {name}) or {first} agents with {second} actions each"
        raise Refused(f"start of shape {start.shape} may mean {meanings} (write action_shape = ({second},))")
    n_agents = start.shape[rank - 1] if rank in (1, 2) else 0
    if rank not in (1, 2) or 0 in start.shape or start.shape[rank:] != shape or n_agents != (n_agents if stated is None else stated):
        raise Refused(f"start must have shape {axes(None, shape)} or {axes(stated, shape, 'runs')}, got {start.shape}")
    return start
