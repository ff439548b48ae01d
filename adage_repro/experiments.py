"""How a run begins, with first strategies and entry times, and how much fairness the leader adds over many starts."""

from dataclasses import replace
from functools import partial

import jax
import numpy as np
from jax import Array

from adage_repro.adage import solve
from adage_repro.market import MarketEntrance
from adage_repro.measures import in_g2, series
from adage_repro.parameters import check, check_value
from adage_repro.readings import FOLLOWER_START
from adage_repro.settings import Settings


def starts(kind: str, runs: int, n_agents: int, seed: int) -> Array:
    """First strategies (runs, N): `uniform` on [0, 1], one PRNG key for each run, or `zeros`, the same in each run."""
    runs, n_agents = (check_value(name, value, "int", "[1, inf)") for name, value in {"runs": runs, "n_agents": n_agents}.items())
    seed = check("seed", seed)
    return FOLLOWER_START.pick(kind, zeros=lambda: np.zeros((runs, n_agents)), uniform=lambda: _uniform(seed, runs, n_agents))()


@partial(jax.jit, static_argnums=(1, 2))
def _uniform(seed: int, runs: int, n_agents: int) -> Array:
    keys = jax.random.split(jax.random.key(seed), runs)
    return jax.vmap(lambda key: jax.random.uniform(key, (n_agents,)))(keys)


def entry_times(n_agents: int, iterations: int, late_entry_share: float) -> np.ndarray:
    """ι (N,): 0 for G1, ⌊share · I⌋ for G2 (App. A.2)."""
    n_agents, iterations = (check_value(*given, "int", "[1, inf)") for given in {"n_agents": n_agents, "iterations": iterations}.items())
    late = int(np.floor(round(check("late_entry_share", late_entry_share) * iterations, 6)))
    return np.where(in_g2(n_agents), max(min(late, iterations - 1), 0), 0)  # the share is below 1, whatever rounding says


def fairness_gain(game: MarketEntrance, settings: Settings, start: Array) -> Array:
    """Fairness with the leader of `settings` minus without, in the last row of each run (runs,)."""
    policies = settings, replace(settings, leader_lr=None)
    taxed, untaxed = (solve(game, policy, start, rows=[settings.iterations], keep=series).fairness[:, 0] for policy in policies)
    return taxed - untaxed
