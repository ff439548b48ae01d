"""The market entrance game under a subsidy to those who enter late in place of the paper's tax."""

from jax import Array

from adage_repro.market import MarketEntrance
from adage_repro.measures import in_g2
from adage_repro.pytrees import model, store


@model
class LateSubsidy(MarketEntrance):
    """A subsidy σ a_i to the late half G2, n = N/2 agents; the leader maximises G2's returns less what it spends.

    σ* = C / (n (n + 1)) takes G2 to where it would be if it moved first, as one (Brander and Spencer 1985): m = C (2 n + 1) / (2 n + 2).
    """

    late: Array | None = None  # (N,), 1 for agents of G2, else 0; made here
    leader_bounds = (0.0, float("inf"))

    def __post_init__(self):
        super().__post_init__()
        store(self, late=in_g2(self.n_agents).astype(float))

    def utility(self, action: Array, mean: Array, n_present: Array, leader_action: Array) -> Array:
        return self.untaxed_utility(action, mean, n_present) + leader_action * self.late * action

    def report(self, action: Array, leader_action: Array) -> Array:
        return leader_action * self.late * action

    def objective(self, utilities: Array, reports: Array) -> Array:
        return (self.late * utilities).sum() - reports.sum()

    def optimum(self) -> float:
        """σ*."""
        half = self.n_agents // 2
        return self.places / (half * (half + 1))

    def best_attendance(self) -> float:
        """m = C (2 n + 1) / (2 n + 2)."""
        half = self.n_agents // 2
        return self.places * (2 * half + 1) / (2 * half + 2)
