"""Parallel roads with tolls (Pigou 1920): agents split their traffic over all roads, and a leader sets tolls so that least time is lost."""

import jax.numpy as jnp
from jax import Array

from adage_repro.pytrees import Shared, model


@model
class Roads:
    """N agents with 1/N of the traffic each. Its action is what it sends over roads 1 … R - 1; road 0 takes the rest.

    Road r takes free_r + slope_r F_r at the traffic F_r of all. An agent minimises its time and tolls, the leader, by a toll on each
    road, Σ F_r (free_r + slope_r F_r): tolls are handed back, so that they are no cost to all together.

    free_times, slopes   (R,), slopes above 0

    If all roads are used, the shortest total time is at F_r = (λ - free_r) / (2 slope_r), where λ makes the flows add up to 1. It is
    brought about by what an agent on road r costs the others there, τ*_r = (1 - 1/N) F_r slope_r: the marginal-cost toll, Pigou's as
    N → ∞. Only differences of tolls count, since all traffic must travel; ascent from tolls of 0 keeps their mean 0.
    """

    n_agents: int
    free_times: Shared
    slopes: Shared

    @property
    def action_shape(self) -> tuple[int]:
        return (self.free_times.shape[0] - 1,)

    @property
    def action_bounds(self) -> tuple[float, float]:
        return (0.0, 1 / self.n_agents)

    def split(self, sent: Array, traffic: float) -> Array:
        """Traffic on all roads (R,) from that on all but road 0."""
        return jnp.append(traffic - sent.sum(), sent)

    def utility(self, action: Array, mean: Array, n_present: Array, leader_action: Array) -> Array:
        own, flows = self.split(action, 1 / self.n_agents), self.split(n_present * mean, n_present / self.n_agents)
        return -own @ (self.free_times + self.slopes * flows + leader_action)

    def objective(self, actions: Array, present: Array) -> Array:
        flows = self.split(actions.sum(0), present.sum() / self.n_agents)
        return -flows @ (self.free_times + self.slopes * flows)

    def best_flows(self) -> Array:
        """F (R,) of the shortest total travel time, where it uses all roads."""
        return ((2 + (self.free_times / self.slopes).sum()) / (1 / self.slopes).sum() - self.free_times) / (2 * self.slopes)

    def best_tolls(self) -> Array:
        """τ* (R,), the marginal-cost tolls with their mean taken off."""
        tolls = (1 - 1 / self.n_agents) * self.best_flows() * self.slopes
        return tolls - tolls.mean()
