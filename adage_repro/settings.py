"""How the two layers learn: rates, order, entry and boxes, checked when they are set."""

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np
from jax import Array

from adage_repro.choices import Choice
from adage_repro.parameters import check, check_value
from adage_repro.pytrees import model, store
from adage_repro.readings import LATE_GROUP, ORDER
from adage_repro.refusals import Refused


@model
class Settings:
    """How the two layers learn (Eq. 3, App. A).

    iterations      I, at least 0
    follower_lr     α_F; every follower present climbs its own utility each iteration
    leader_lr       α_L; None for no leader: its action then stays at `leader_start`
    leader_every    the leader acts in iterations 0, k, 2k, …
    order           `simultaneous`: all followers from the same actions; `alternating`: one after the other
    late_group      `absent`: an agent is in the game from its entry time on; `frozen`: always, but learns only from then on
    entry_time      ι: one iteration for all or one per agent (N,)
    action_bounds, leader_bounds   box that actions are clipped to after each step

    ValueError: a value of the wrong type or out of its range.
    """

    iterations: int
    follower_lr: float
    leader_lr: float | None = None
    leader_every: int = 2
    order: str = ORDER.default
    late_group: Choice = LATE_GROUP.default
    entry_time: Array | int = 0
    action_bounds: tuple[float, float] = (0.0, 1.0)
    leader_bounds: tuple[float, float] = (0.0, 0.1)
    leader_start: float = 0.0

    def __post_init__(self):
        entry_time = np.asarray(self.entry_time) if isinstance(self.entry_time, list | tuple) else self.entry_time
        boxes = {name: check_box(name, getattr(self, name)) for name in ("action_bounds", "leader_bounds")}
        store(
            self,
            iterations=check_value("iterations", self.iterations, "int", "[0, 1000000000]"),
            leader_every=check_value("leader_every", self.leader_every, "int", "[1, inf)"),
            entry_time=check_value("entry_time", entry_time, "int", "[0, 1000000000]"),
            leader_lr=None if self.leader_lr is None else check("leader_lr", self.leader_lr),
            **{name: check(name, getattr(self, name)) for name in ("follower_lr", "order", "late_group")},
            **boxes,
        )
        check_inside("leader_start", self.leader_start, self.leader_bounds)


def check_box(name: str, bounds: tuple[float, float]) -> tuple[float, float]:
    """The bounds as numbers; refuses a box that is empty or not finite. What JAX is tracing passes unchecked."""
    if not isinstance(bounds, list | tuple) or len(bounds) != 2:
        raise Refused(f"{name} needs two finite bounds, the lower first, got {bounds!r}")
    low, high = (check_value(name, bound, "float", "(-inf, inf)") for bound in bounds)
    if not _traced((low, high)) and low > high:
        raise Refused(f"{name} needs two finite bounds, the lower first, got ({low}, {high})")
    return low, high


def check_inside(name: str, value: Array | float, bounds: tuple[float, float]) -> None:
    """Refuses a value outside the box, and one that is no number. What JAX is tracing passes unchecked."""
    if not _traced(bounds):
        check_value(name, value, "float", "[{}, {}]".format(*bounds))


def _traced(values: Iterable[Any]) -> bool:
    return any(isinstance(value, jax.core.Tracer) for value in values)
