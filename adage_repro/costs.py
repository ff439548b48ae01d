"""What a leader's gradient costs: how many follower steps it simulates, and how long it takes beside one simulation."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from adage_repro.game import Game
from adage_repro.leaders import LeaderGradient
from adage_repro.outlook import Outlook
from adage_repro.profiles import floats
from adage_repro.settings import Settings, boxed
from adage_repro.steps import begin, outlook_of


def look(game: Game, settings: Settings, actions: Array, iteration: int = 0) -> Outlook:
    """What the leader's gradient may look at where the followers are at `actions` (N, …) in an iteration."""
    return outlook_of(game, boxed(game, settings), begin(settings, jnp.asarray(actions, float))[0], jnp.asarray(iteration))


def simulator_calls(chosen: LeaderGradient, outlook: Outlook, leader_action: Any) -> int:
    """How many follower steps one gradient simulates, those that a reverse pass repeats among them."""
    calls = []

    def counted(followers, leader_action, iteration):
        jax.debug.callback(lambda _: calls.append(1), jax.tree.leaves((leader_action, followers[0])))  # once for each of a batch
        return outlook.follow(followers, leader_action, iteration)

    jax.block_until_ready(chosen(replace(outlook, follow=counted), floats(leader_action)))
    jax.effects_barrier()
    return len(calls)


def seconds(function: Callable[[Any], Any], at: Any, repeats: int = 5) -> float:
    """The shortest of so many runs of a function of the leader's action, once it is compiled."""
    compiled, at = jax.jit(function), floats(at)
    jax.block_until_ready(compiled(at))
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(compiled(at))
        taken.append(time.perf_counter() - start)
    return min(taken)
