"""The gradients of both layers over a grid of attendances (Fig. 6), and how far from a straight line they are."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.fairness import gini
from adage_repro.followers import follower_gradients, utilities
from adage_repro.game import Game
from adage_repro.leaders import leader_gradient
from adage_repro.market import MarketEntrance
from adage_repro.measures import in_g2


@jax.jit
def leader_update_on_grid(game: MarketEntrance, first: Array, second: Array) -> tuple[Array, Array]:
    """Gini and the leader's gradient at τ = 0 where all of G1 attend with `first` and all of G2 with `second` (Fig. 6a)."""
    late, present = in_g2(game.n_agents), jnp.ones(game.n_agents, bool)

    def point(first, second):
        actions = jnp.where(late, second, first)
        returns = utilities(game, actions, present, 0.0)
        return gini(returns, present, game.returns_shift), leader_gradient(game, actions, present, jnp.zeros(()))

    return jax.vmap(point)(first, second)


@jax.jit
def follower_update_on_grid(game: Game, own: Array, others: Array, tax_rate: Array) -> Array:
    """A follower's gradient where it attends with `own` and all others with `others` (Figs. 6b, 6c)."""
    present = jnp.ones(game.n_agents, bool)

    def point(own, others):
        actions = jnp.full(game.n_agents, others).at[0].set(own)
        return follower_gradients(game, actions, present, tax_rate)[0]

    return jax.vmap(point)(own, others)


def departure_from_line(x: np.ndarray, y: np.ndarray) -> float:
    """Largest distance of y to its least-squares line in x, over the range of y."""
    line = np.polynomial.Polynomial.fit(x, y, 1)
    return float(np.abs(y - line(x)).max() / np.ptp(y)) if np.ptp(y) > 0 else 0.0


def r_squared(x: np.ndarray, y: np.ndarray) -> float:
    """Share of the variance of y that its least-squares line in x explains; 0 if x or y is constant."""
    return float(np.corrcoef(x, y)[0, 1] ** 2) if np.ptp(x) > 0 and np.ptp(y) > 0 else 0.0


def sign_changes(y: np.ndarray) -> int:
    """How often consecutive values of y, zeros left out, differ in sign."""
    signs = np.sign(np.where(np.abs(y) > 1e-12, y, 0.0))
    return int((np.diff(signs[signs != 0]) != 0).sum())
