"""What a game's functions give, found out from shapes alone before anything runs; what is wrong is refused in one line."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.followers import felt_of_each, follower_gradients, of_each
from adage_repro.game import MAY_ASK, Game, asked_for
from adage_repro.leaders import leader_gradient
from adage_repro.outlook import objective
from adage_repro.profiles import floats
from adage_repro.refusals import Refused, shown
from adage_repro.settings import Settings

_FITTING: dict[Any, None] = {}  # structures that have been found to fit, the latest last
MOST_KEPT = 1000


def check_functions(game: Game, settings: Settings, actions: Array) -> None:
    """Refuses a game whose functions do not fit one profile `actions` (N, …), once for each structure and shape."""
    leaves, structure = jax.tree.flatten((game, settings))
    key = (structure, tuple((np.shape(leaf), getattr(leaf, "dtype", type(leaf))) for leaf in leaves), actions.shape)
    if key not in _FITTING:
        _check(game, settings, actions)
        _FITTING[key] = None
        if len(_FITTING) > MOST_KEPT:
            _FITTING.pop(next(iter(_FITTING)))


def _check(game, settings, actions):
    name = type(game).__name__
    for function in MAY_ASK:
        if hasattr(game, function):
            asked_for(game, function)
    for layer, rate in (("follower_lr", settings.follower_lr), ("leader_lr", settings.leader_lr)):
        if callable(rate):
            _one_float(f"the schedule {layer}", "in an iteration", _traced(f"the schedule {layer}", rate, jnp.zeros((), int)), ())
    leader_action = jax.eval_shape(lambda: floats(settings.leader_start))
    at = (game, jax.ShapeDtypeStruct(actions.shape, float), jax.ShapeDtypeStruct(actions.shape[:1], bool), leader_action)
    if hasattr(game, "aggregate"):
        means = _traced(f"{name}.aggregate", felt_of_each, *at[:2])
        for leaf in jax.tree.leaves(means):
            _float(f"{name}.aggregate must give arrays of floats", leaf)
    for function in ("utility", "report"):
        if hasattr(game, function):
            found = _traced(f"{name}.{function}", partial(_of_each, function), *at)
            if function == "utility":
                _one_float(f"{name}.utility", "for one agent", found, actions.shape[:1])
    _differentiable(f"{name}.utility", "the agent's own action and the mean", follower_gradients, *at)
    if settings.has_leader:
        _one_float(f"{name}.objective", "for the leader", _traced(f"{name}.objective", objective, *at), ())
        if settings.leader_gradient.differentiates:
            _differentiable(f"{name}.objective", "the leader's action, and so must what it is made of", leader_gradient, *at)


def _of_each(function, game, *at):
    return of_each(game, function, *at)


def _traced(name: str, function: Callable, *arguments: Any) -> Any:
    """Shapes and types of what a function gives. Refused: what JAX cannot trace."""
    try:
        return jax.eval_shape(function, *arguments)
    except (jax.errors.JAXTypeError, jax.errors.JAXIndexError) as error:
        wanted = "jnp.where in place of if, jax.numpy in place of numpy and float()"
        raise Refused(f"{name} must be made of what JAX can trace, {wanted}; got {type(error).__name__}") from None


def _differentiable(name: str, variables: str, function: Callable, *arguments: Any) -> None:
    """Refuses a function whose values could be traced, but not its gradient."""
    try:
        jax.eval_shape(function, *arguments)
    except Exception as error:  # of many kinds, JAX's or the function's own
        raise Refused(f"{name} must be differentiable in {variables}, got: {' '.join(str(error).split())[:200]}") from None


def _one_float(name: str, of: str, found: Any, before: tuple[int, ...]) -> None:
    wanted = f"{name} must give one float {of}"
    if not isinstance(found, jax.ShapeDtypeStruct):
        raise Refused(f"{wanted}, got {shown(jax.tree.map(lambda leaf: leaf.shape[len(before) :], found))}")
    if found.shape != before:
        raise Refused(f"{wanted}, got an array of shape {found.shape[len(before) :]}")
    _float(wanted, found)


def _float(wanted: str, leaf: jax.ShapeDtypeStruct) -> None:
    if not jnp.issubdtype(leaf.dtype, jnp.floating):
        raise Refused(f"{wanted}, got {leaf.dtype}")
