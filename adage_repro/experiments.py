"""What the figures are cut from: starts, groups and labels; and, for the notebooks, the measurements of `measures`."""

from functools import partial

import jax
import numpy as np
from jax import Array

from adage_repro.adage import History
from adage_repro.choices import choose
from adage_repro.market import MarketEntrance, largest_stable_lr
from adage_repro.measures import (  # noqa: F401
    attendance,
    departure_from_line,
    distance,
    fairness,
    follower_update_on_grid,
    gap,
    group_means,
    in_g2,
    leader_update_on_grid,
    paired,
    r_squared,
    ratio,
    rows_until,
    share_of_way,
    sign_changes,
    tax_paid,
)
from adage_repro.parameters import check, check_value


def starts(kind: str, runs: int, n_agents: int, seed: int) -> Array:
    """First strategies (runs, N): `uniform` on [0, 1], one PRNG key a run, or `zeros`, the same in each run."""
    check("follower_start", kind)
    runs = check_value("runs", runs, "int", "[1, inf)")
    seed = check("seed", seed)
    return choose(kind, zeros=lambda: np.zeros((runs, n_agents)), uniform=lambda: _uniform(seed, runs, n_agents))()


@partial(jax.jit, static_argnums=(1, 2))
def _uniform(seed: int, runs: int, n_agents: int) -> Array:
    keys = jax.random.split(jax.random.key(seed), runs)
    return jax.vmap(lambda key: jax.random.uniform(key, (n_agents,)))(keys)


def entry_times(n_agents: int, iterations: int, late_entry_share: float) -> np.ndarray:
    """ι (N,): 0 for G1, ⌊share · I⌋ for G2 (App. A.2)."""
    late = int(np.floor(round(check("late_entry_share", late_entry_share) * iterations, 6)))
    return np.where(in_g2(n_agents), max(min(late, iterations - 1), 0), 0)  # the share is below 1, whatever rounding says


def stability_line(game: MarketEntrance, follower_lr: float, order: str) -> str:
    """One line that holds the learning rate against the stability limit."""
    limit = largest_stable_lr(game, order)
    side = "below" if follower_lr < limit else "not below"
    rate = f"N = {game.n_agents}: follower_lr = {follower_lr:g}"
    return f"{rate} is {side} the untaxed stability limit {limit:.4g} ({order}, own share {game.crowd})"


def fairness_label(returns_shift: str) -> str:
    """What to call 1 - Gini on an axis under this reading."""
    return "raw 1 - Gini (no shift)" if returns_shift == "none" else "fairness"


def fairness_note(returns_shift: str) -> str:
    """One line that says what the fairness of this reading is."""
    if returns_shift == "none":
        return "returns are not shifted: with negative returns the number is no Gini coefficient and is reported raw"
    return f"fairness is 1 - Gini of the returns, shift: {returns_shift}"


def policy_numbers(game: MarketEntrance, taxed: History, untaxed: History, entry: int) -> dict[str, float]:
    """The policy's headline numbers, of two histories of one run each that differ by the leader."""
    tax, rate = np.asarray(tax_paid(game, taxed))[0].sum(-1), taxed.leader_action[0]
    peak = int(tax[entry + 1 :].argmax()) + entry + 1
    return {
        "gap without the leader": float(gap(untaxed)[0, -1]),
        "gap with the leader": float(gap(taxed)[0, -1]),
        "largest tax rate up to row ι": float(rate[: entry + 1].max()),
        "largest tax rate after row ι": float(rate[entry + 1 :].max()),
        "row in which taxes paid peak": peak,
        "taxes paid in the last row over their peak": ratio(float(tax[-1]), float(tax[peak]), 0.0),
        "revenue over all rows": float(tax.sum()),
    }
