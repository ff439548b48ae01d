"""The market entrance game under an entry fee in place of the paper's tax."""

from jax import Array

from adage_repro.market import MarketEntrance
from adage_repro.pytrees import model


@model
class EntryFee(MarketEntrance):
    """A fee φ a_i on entering, which is handed back to all alike and thus no cost to all together.

    The planner's benchmark: all returns together, N v + 2 m (C - m) before transfers, are largest at the attendance m = C/2. Agents rest at
    m = (C - φ/2) N / (N + 1), so that the leader, who maximises these returns, sets φ* = C (N - 1) / N.
    """

    leader_bounds = (0.0, float("inf"))

    def utility(self, action: Array, mean: Array, n_present: Array, leader_action: Array) -> Array:
        return self.untaxed_utility(action, mean, n_present) - leader_action * action

    def report(self, action: Array, mean: Array, n_present: Array) -> Array:
        return self.untaxed_utility(action, mean, n_present)

    def objective(self, reports: Array) -> Array:
        return reports.sum()

    def optimum(self) -> float:
        """φ*."""
        return self.places * (self.n_agents - 1) / self.n_agents

    def best_attendance(self) -> float:
        """m = C/2."""
        return self.places / 2
