"""What a leader's gradient costs: how many follower steps it simulates, and how long it takes beside one simulation."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from adage_repro.adage import solve
from adage_repro.game import Game
from adage_repro.leaders import LeaderGradient
from adage_repro.outlook import Outlook
from adage_repro.profiles import floats
from adage_repro.settings import Settings, boxed
from adage_repro.steps import begin, outlook_of


def look(game: Game, settings: Settings, actions: Array, iteration: int = 0) -> Outlook:
    """What the leader's gradient may look at where the followers are at `actions` (N, …) in an iteration."""
    return outlook_of(game, boxed(game, settings), begin(settings, jnp.asarray(actions, float))[0], jnp.asarray(iteration))


@partial(jax.jit, static_argnames="iteration")
def slope(game: Game, settings: Settings, actions: Array, iteration: int = 0) -> Any:
    """The gradient of the settings at their `leader_start`, with the followers at `actions` (N, …) in an iteration."""
    return settings.leader_gradient(look(game, settings, actions, iteration), floats(settings.leader_start))


def simulator_calls(chosen: LeaderGradient, outlook: Outlook, leader_action: Any) -> int:
    """How many follower steps one gradient simulates, those that a reverse pass repeats among them."""
    calls = []

    def counted(followers, leader_action, iteration):
        jax.debug.callback(lambda _: calls.append(1), jax.tree.leaves((leader_action, followers[0])))  # once for each of a batch
        return outlook.follow(followers, leader_action, iteration)

    gradient = jax.jit(partial(chosen, replace(outlook, follow=counted)))
    known = _known_calls(gradient.trace(floats(leader_action)).jaxpr.jaxpr)
    if known is not None:
        return known
    jax.block_until_ready(gradient(floats(leader_action)))
    jax.effects_barrier()
    return len(calls)


def _known_calls(jaxpr: Any) -> int | None:
    """How often a program calls back, if that is known before it runs: where it is not for the loops to decide."""
    calls = 0
    for equation in jaxpr.eqns:
        called = equation.primitive.name == "debug_callback"
        inner = [_known_calls(getattr(part, "jaxpr", part)) for part in jax.tree.leaves(equation.params) if hasattr(part, "eqns")]
        if None in inner or (any(inner) and equation.primitive.name in ("while", "cond")):
            return None
        calls += called + sum(inner) * equation.params.get("length", 1)
    return calls


def seconds(function: Callable[[Any], Any], at: Any, repeats: int = 30) -> float:
    """The shortest of so many runs of a function of the leader's action, once it is compiled."""
    return shortest(partial(jax.jit(function), floats(at)), repeats)


def run_seconds(game: Game, settings: Settings, start: Array, keep: Callable, repeats: int = 10) -> float:
    """The shortest of so many calls of `solve` with this `keep`, once it is compiled."""
    return shortest(partial(solve, game, settings, start, keep=keep), repeats)


def shortest(call: Callable[[], Any], repeats: int) -> float:
    """Seconds of the shortest of so many calls, after a first one that compiles."""
    jax.block_until_ready(call())
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        jax.block_until_ready(call())
        taken.append(time.perf_counter() - begun)
    return min(taken)
