"""The market entrance game with its readings as numbers, so that all of them share one compiled program."""

import jax.numpy as jnp
from jax import Array

from adage_repro.fairness import leader_objective
from adage_repro.market import MarketEntrance
from adage_repro.parameters import PARAMETERS
from adage_repro.pytrees import model

READINGS = {name: tuple(PARAMETERS[name].allowed.split(" | ")) for name in ("order", "tax_units", "returns_shift", "late_group", "crowd")}
CODED = ("crowd", "tax_units", "returns_shift")


def code(name: str, reading: str) -> float:
    """A reading's place in the list of its choices."""
    return float(READINGS[name].index(reading))


@model
class AnyMarket(MarketEntrance):
    """`MarketEntrance` with `crowd`, `tax_units` and `returns_shift` as traced numbers, by their place in READINGS."""

    crowd: float
    tax_units: float
    returns_shift: float

    def __post_init__(self):
        """Nothing to check: made from a setup that was."""

    def attendance_felt(self, action: Array, mean: Array, n_present: Array) -> Array:
        """The m of Eq. 5."""
        attendance = n_present * mean
        return jnp.where(self.crowd == 0, attendance, attendance - action + 1)

    def over_attendance(self, action: Array, mean: Array, n_present: Array) -> Array:
        """What Eq. 7 taxes."""
        mean = jnp.where(self.tax_units == 2, n_present, 1.0) * mean  # literal: the total
        return jnp.where(self.tax_units == 0, self.n_agents, 1.0) * (action - mean)

    def objective(self, payoffs: Array, present: Array) -> Array:
        """Eq. 6: returns are shifted here, by the reading, and then taken as they are."""
        lowest = jnp.where(present, payoffs, jnp.inf).min()
        lowest = jnp.where(present.any(), lowest, 0.0)
        shift = jnp.where(self.returns_shift == 0, jnp.where(lowest < 0, lowest, 0.0), jnp.where(self.returns_shift == 1, lowest, 0.0))
        return leader_objective(payoffs - shift, present, "none")
