"""How the two layers learn: rates, optimisers, order, entry and boxes, checked when they are set."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from jax import Array

from adage_repro.boxes import check_box, check_inside, number_tree
from adage_repro.choices import Choice
from adage_repro.game import Game
from adage_repro.leaders import LeaderGradient, Partial
from adage_repro.parameters import as_array, check, check_value
from adage_repro.pytrees import Static, model, store
from adage_repro.readings import LATE_GROUP, ORDER
from adage_repro.refusals import Refused, shown

Rate = float | Callable[[Array], Array]


@model
class Settings:
    """How the two layers learn (Eq. 3, App. A).

    iterations      I, at least 0
    follower_lr     α_F; every follower present climbs its own utility each iteration. A number, at least 0, or a schedule: a function
                    of the iteration t, such as optax has
    leader_lr       α_L, a number or a schedule. A leader learns if it has a rate or an optimiser; else its action stays `leader_start`
    leader_every    the leader acts in iterations 0, k, 2k, …
    order           `simultaneous`: all followers from the same actions; `alternating`: one after the other
    late_group      `absent`: an agent is in the game from its entry time on; `frozen`: always, but learns only from then on
    entry_time      ι: one iteration for all or one per agent (N,)
    action_bounds   box that actions are clipped to after each step: two numbers, or two arrays that broadcast to one agent's action.
                    (-inf, inf) is no box. None: the game's own `action_bounds`
    leader_bounds   the same for the leader: two numbers, or two pytrees like its action. None: the game's own `leader_bounds`
    leader_start    the leader's first action, a number, an array or any pytree of them; a list of numbers is an array
    leader_gradient which gradient the leader climbs, see `leaders`: `Partial()` unless given
    follower_optimiser, leader_optimiser   an optimiser with `init` and `update`, such as optax.adam(0.01), in place of ascent at a rate

    Numbers may change freely; another function, another optimiser or another structure compiles anew.
    ValueError: a value of the wrong type or out of its range.
    """

    iterations: int
    follower_lr: Rate | None = None
    leader_lr: Rate | None = None
    leader_every: int = 2
    order: str = ORDER.default
    late_group: Choice = LATE_GROUP.default
    entry_time: Array | int = 0
    action_bounds: tuple[Any, Any] | None = None
    leader_bounds: tuple[Any, Any] | None = None
    leader_start: Any = 0.0
    leader_gradient: LeaderGradient = Partial()
    follower_optimiser: Static = None
    leader_optimiser: Static = None

    def __post_init__(self):
        entry_time = as_array(self.entry_time) if isinstance(self.entry_time, list | tuple) else self.entry_time
        store(
            self,
            iterations=check_value("iterations", self.iterations, "int", "[0, 1000000000]"),
            leader_every=check_value("leader_every", self.leader_every, "int", "[1, inf)"),
            entry_time=check_value("entry_time", entry_time, "int", "[0, 1000000000]"),
            follower_lr=_check_rate("follower", self.follower_lr, self.follower_optimiser),
            leader_lr=None if not self.has_leader else _check_rate("leader", self.leader_lr, self.leader_optimiser),
            order=check("order", self.order),
            late_group=check("late_group", self.late_group),
            leader_start=number_tree("leader_start", self.leader_start),
            **{name: check_box(name, getattr(self, name)) for name in ("action_bounds", "leader_bounds")},
        )
        if not isinstance(self.leader_gradient, LeaderGradient):
            raise Refused(
                f"leader_gradient must be a gradient, such as Partial() or LookAhead(steps=10), got {shown(self.leader_gradient)}"
            )
        if self.leader_bounds is not None:
            check_inside("leader_start", self.leader_start, self.leader_bounds)

    @property
    def has_leader(self) -> bool:
        """Whether the leader learns."""
        return self.leader_lr is not None or self.leader_optimiser is not None


def check_entry_time(settings: Settings, n_agents: int) -> None:
    """Refuses entry times that are neither one number nor one per agent."""
    if np.ndim(settings.entry_time) and np.shape(settings.entry_time) != (n_agents,):
        raise Refused(f"entry_time must be one number or one per agent, {n_agents}, got {np.shape(settings.entry_time)}")


def boxed(game: Game, settings: Settings) -> Settings:
    """The settings with the game's boxes where they have none. Refused: no box on either side, or a leader that starts outside its own."""
    boxes = {"action_bounds": action_box(game, settings)}
    if settings.has_leader:
        boxes["leader_bounds"] = leader_box(game, settings)
    given = all(getattr(settings, name) is not None for name in boxes)
    return settings if given else replace(settings, **boxes)


def action_box(game: Game, settings: Settings) -> tuple[Any, Any]:
    """The box of an agent's action: the settings' or the game's."""
    return _box("action_bounds", game, settings)


def leader_box(game: Game, settings: Settings) -> tuple[Any, Any]:
    """The box of the leader's action: the settings' or the game's."""
    return _box("leader_bounds", game, settings)


def _box(name, game, settings):
    if getattr(settings, name) is not None:
        return getattr(settings, name)
    if getattr(game, name, None) is not None:
        return check_box(name, getattr(game, name))
    kind = type(game).__name__
    raise Refused(f"{name} must be given: write Settings(…, {name}=(low, high)), or {name} = (low, high) in {kind}; (-inf, inf) is no box")


def _check_rate(layer, rate, optimiser):
    """A rate, a schedule, or None where there is an optimiser."""
    name = f"{layer}_lr"
    if optimiser is not None:
        if not (hasattr(optimiser, "init") and hasattr(optimiser, "update")):
            raise Refused(f"{layer}_optimiser must have init and update, as those of optax have, got {shown(optimiser)}")
        if rate is not None:
            raise Refused(f"{name} must be left out where {layer}_optimiser is given, which has a rate of its own, got {shown(rate)}")
        return None
    if callable(rate):
        return rate
    if isinstance(rate, np.ndarray | jax.Array) and rate.ndim:
        raise Refused(f"{name} must be a number, got an array of shape {rate.shape}")
    if hasattr(rate, "init") and hasattr(rate, "update"):
        raise Refused(f"{name} must be a number or a schedule, got an optimiser: give it as {layer}_optimiser")
    return check_value(name, rate, "float", "[0, inf)")
