"""The great fish war (Levhari and Mirman 1980): players who share a stock, and a leader whose fee saves it."""

import jax
import jax.numpy as jnp
from jax import Array

from adage_repro.pytrees import model


@model
class FishWar:
    """N players harvest shares θ_i of a stock x that grows back: x' = (x (1 - Σ θ_j))^α exp(σ ε), with ε standard normal.

    A player's utility is log(θ_i x) - τ θ_i at the leader's fee τ, in each period, discounted by β, which may be (N,). The leader
    maximises the sum of log(θ_i x), discounted by `leader_discount`. All observe log x, which is the state.
    The first log x is `spread` times a standard normal.

    With one β: the equilibrium without a fee is θ = (1 - αβ) / (N - (N - 1) αβ), the optimum is θ = (1 - αβ) / N for each player, and
    the fee that brings it about is τ* = (N - 1) / (1 - αβ). In general 1/θ_i - τ = k_i / (1 - Σ θ_j) with k_i = αβ_i / (1 - αβ_i).
    Horizon T cuts off β^T / (1 - β) of the weights: at 200 and β = 0.9 that is 7e-9.
    """

    n_agents: int
    growth: float = 0.6
    discount: float | Array = 0.9
    leader_discount: float = 0.9
    noise: float = 0.0
    spread: float = 0.0
    horizon: int = 200

    def first(self, key: Array) -> Array:
        return self.spread * jax.random.normal(key)

    def utility(self, state: Array, action: Array, leader_action: Array) -> Array:
        return jnp.log(action) + state - leader_action * action

    def transition(self, state: Array, mean: Array, n_present: Array, key: Array) -> Array:
        return self.growth * (state + jnp.log(1 - n_present * mean)) + self.noise * jax.random.normal(key)

    def objective(self, state: Array, actions: Array, present: Array) -> Array:
        return (jnp.log(jnp.where(present, actions, 1.0)) + present * state).sum()
