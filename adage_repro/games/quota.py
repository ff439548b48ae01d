"""The market entrance game under a quota in place of the paper's tax."""

from jax import Array

from adage_repro.market import MarketEntrance
from adage_repro.pytrees import model


@model
class Quota(MarketEntrance):
    """Agents may attend with probability κ at most. An action is the share of κ that is used; it stops at 1 where the quota binds.

    It binds below C / (N + 1). The leader maximises all returns together, which are largest at m = C/2, with κ* = C / (2 N). Where the
    quota does not bind, agents undo any change of κ, so that the leader's derivative is 0 there once their answer is counted.
    """

    leader_bounds = (0.0, 1.0)

    def utility(self, action: Array, mean: Array, n_present: Array, leader_action: Array) -> Array:
        return self.untaxed_utility(leader_action * action, leader_action * mean, n_present)

    def objective(self, utilities: Array) -> Array:
        return utilities.sum()

    def optimum(self) -> float:
        """κ*."""
        return self.places / (2 * self.n_agents)

    def best_attendance(self) -> float:
        """m = C/2."""
        return self.places / 2
