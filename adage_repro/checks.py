"""What a game's functions give, found out from shapes alone before anything runs; what is wrong is refused in one line."""

from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from adage_repro.followers import felt_of_each, follower_gradients, reports, utilities
from adage_repro.game import MAY_ASK, Game, agent_leaves, asked_for, check_float
from adage_repro.outlook import objective, payoff_and_slope
from adage_repro.profiles import floats
from adage_repro.pytrees import arrays
from adage_repro.refusals import Refused
from adage_repro.settings import Settings

_FITTING: dict[Any, None] = {}  # structures that have been found to fit, the latest last
MOST_KEPT = 1000
_LIBRARIES = {"site-packages", "dist-packages"}


def check_functions(game: Game, settings: Settings, profile: tuple[int, ...], ordered: bool) -> None:
    """Refuses a game whose functions do not fit actions of the shape `profile`, (N, …), once for each structure and shape; `ordered`
    says whether `solve` keeps an order of the agents for an objective that asks for it."""
    leaves, structure = jax.tree.flatten((game, settings))
    key = (structure, tuple((np.shape(leaf), getattr(leaf, "dtype", type(leaf))) for leaf in leaves), profile, ordered)
    if key not in _FITTING:
        _check(game, settings, profile, ordered)
        _FITTING[key] = None
        if len(_FITTING) > MOST_KEPT:
            _FITTING.pop(next(iter(_FITTING)))


def _check(game, settings, profile, ordered):
    name = type(game).__name__
    for function in MAY_ASK:
        if hasattr(game, function):
            asked_for(game, function, MAY_ASK[function])
    agent_leaves(game, profile[0])
    check_schedules(settings)
    leader_action = jax.eval_shape(lambda: floats(settings.leader_start))
    actions, present = jax.ShapeDtypeStruct(profile, float), jax.ShapeDtypeStruct(profile[:1], bool)
    at = (arrays(game), actions, present, leader_action, jax.ShapeDtypeStruct((), int))
    if hasattr(game, "aggregate"):
        for leaf in jax.tree.leaves(traced(f"{name}.aggregate", felt_of_each, *at[:2])):
            if not jnp.issubdtype(leaf.dtype, jnp.floating):
                raise Refused(f"{name}.aggregate must give arrays of floats, got {leaf.dtype}")
    _differentiable(f"{name}.utility", "the agent's own action and the mean", utilities, follower_gradients, *at)
    traced(f"{name}.report", reports, *at)
    if settings.has_leader:
        asked = asked_for(game, "objective", MAY_ASK["objective"])
        if "reports" in asked and not hasattr(game, "report"):
            raise Refused(f"{name}.objective asks for reports, so {name} must have a function report")
        order = jax.ShapeDtypeStruct(profile, np.int32) if ordered and "order" in asked and len(profile) == 1 else None
        if settings.leader_gradient.differentiates:
            variables = "the leader's action, and so must what it is made of"
            _differentiable(f"{name}.objective", variables, objective, payoff_and_slope, *at, order)  # as `Partial` asks: traced once
        else:
            traced(f"{name}.objective", objective, *at, order)


def check_schedules(settings: Settings) -> None:
    """Refuses a schedule of rates that does not give one float in an iteration."""
    for layer, rate in (("follower_lr", settings.follower_lr), ("leader_lr", settings.leader_lr)):
        if callable(rate):
            wanted = f"the schedule {layer} must give one float in an iteration"
            traced(f"the schedule {layer}", lambda t, rate=rate, wanted=wanted: check_float(wanted, rate(t)), jnp.zeros((), int))


def traced(name: str, function: Callable, *arguments: Any) -> Any:
    """Shapes and types of what a function gives. Refused: what JAX cannot trace, or what fails."""
    try:
        return jax.eval_shape(function, *arguments)
    except Refused:
        raise
    except (jax.errors.JAXTypeError, jax.errors.JAXIndexError) as error:
        wanted = "jnp.where in place of if, jax.numpy in place of numpy and float()"
        raise Refused(f"{name} must be made of what JAX can trace, {wanted}; got {type(error).__name__}{_place(error)}") from None
    except Exception as error:  # of many kinds, JAX's or the function's own
        raise Refused(f"{name} must work for arrays of numbers, got {type(error).__name__}{_place(error)}: {_line(error)}") from None


def _differentiable(name: str, variables: str, function: Callable, gradient: Callable, *arguments: Any) -> None:
    """Refuses a function that JAX cannot trace, or whose gradient it cannot."""
    try:
        jax.eval_shape(gradient, *arguments)
    except Exception as error:  # of many kinds, JAX's or the function's own
        traced(name, function, *arguments)
        raise Refused(f"{name} must be differentiable in {variables}, got: {_line(error)}") from None


def _place(error: Exception) -> str:
    """Where it happened: the innermost line that belongs neither to an installed library nor to this folder."""
    own = [frame for frame in extract_tb(error.__traceback__) if not _LIBRARIES & set(Path(frame.filename).parts)]
    own = [frame for frame in own if Path(frame.filename).parent != Path(__file__).parent]
    return f" in line {own[-1].lineno} of {Path(own[-1].filename).name}" if own else ""


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
