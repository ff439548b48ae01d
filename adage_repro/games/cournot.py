"""Cournot's market (1838) with a tax authority: firms choose quantities, the leader a unit tax that brings in the most."""

from typing import Any

from jax import Array

from adage_repro.pytrees import model


@model
class Cournot:
    """N firms sell q_i at the price a - b Σ q_j, at a cost c_i a unit and a tax τ a unit, which the leader sets to maximise τ Σ q_j.

    demand   a · slope   b > 0 · costs   c_i: (N,), a firm sees its own, or one number for all

    Where all firms sell: q_i = (a - c_i - τ - Σ_j (c_i - c_j)) / (b (N + 1)), which is (a - c - τ) / (b (N + 1)) if costs are alike.
    They add up to N (a - c̄ - τ) / (b (N + 1)), so that revenue is largest at τ* = (a - c̄) / 2, with c̄ the mean cost.
    """

    demand: float
    slope: float
    costs: Array | float

    action_bounds = (0.0, float("inf"))

    def utility(self, action: Array, mean: Array, n_present: Array, leader_action: Array) -> Array:
        return action * (self.demand - self.slope * n_present * mean - self.costs - leader_action)

    def report(self, action: Array, leader_action: Array) -> dict[str, Array]:
        return {"revenue": leader_action * action}

    def objective(self, reports: dict[str, Array]) -> Array:
        return reports["revenue"].sum()

    def quantities(self, tax: Any, n_firms: int) -> Array:
        """q (N,) where firms rest at this tax, or one number if costs are alike; all of them sell."""
        total = n_firms * (self.demand - self.mean_cost - tax) / (self.slope * (n_firms + 1))
        return (self.demand - self.costs - tax) / self.slope - total

    def best_tax(self) -> Any:
        """τ* = (a - c̄) / 2."""
        return (self.demand - self.mean_cost) / 2

    @property
    def mean_cost(self) -> Any:
        """c̄."""
        return self.costs.mean() if hasattr(self.costs, "mean") else self.costs
