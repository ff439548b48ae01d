"""What the figures are cut from: starts, groups and labels; and, for the notebooks, the measurements of `measures`."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.choices import choose
from adage_repro.leaders import leader_gradient
from adage_repro.market import MarketEntrance, largest_stable_lr
from adage_repro.measures import (  # noqa: F401
    Series,
    attendance,
    departure_from_line,
    distance,
    fairness,
    follower_update_on_grid,
    gap,
    group_means,
    in_g2,
    leader_update_on_grid,
    over_agents,
    paired,
    r_squared,
    rows_until,
    series,
    share_of_way,
    sign_changes,
    tax_paid,
)
from adage_repro.parameters import check, check_value
from adage_repro.words import any_tax, crossing


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


def crossing_line(game: MarketEntrance, actions: Array, tax_max: float) -> str:
    """One line on the leader's gradient at τ = 0 with all present at `actions` (N,), and the rate that crosses the range in one step."""
    return crossing(float(jax.jit(leader_gradient)(game, actions, jnp.ones(game.n_agents, bool), 0.0)), tax_max)


def fairness_label(returns_shift: str) -> str:
    """What to call 1 - Gini on an axis under this reading."""
    return "raw 1 - Gini (no shift)" if returns_shift == "none" else "fairness"


def fairness_note(returns_shift: str) -> str:
    """One line that says what the fairness of this reading is."""
    if returns_shift == "none":
        return "returns are not shifted: with negative returns the number is no Gini coefficient and is reported raw"
    return f"fairness is 1 - Gini of the returns, shift: {returns_shift}"


def policy_numbers(taxed: Series, untaxed: Series, entry: int) -> dict[str, float]:
    """The policy's headline numbers, of one run with the leader and one without, by row and group; no peak where no tax is paid."""
    tax, rate = taxed.revenue, taxed.tax_rate
    peak = {}
    if any_tax(tax):
        peak["row in which taxes paid peak"] = int(tax.argmax())
        peak["taxes paid in the last row over their peak"] = float(tax[-1] / tax.max())
    return {
        "gap without the leader": float(untaxed.gap[-1]),
        "gap with the leader": float(taxed.gap[-1]),
        "largest tax rate up to row ι": float(rate[: entry + 1].max()),
        "largest tax rate after row ι": float(rate[entry + 1 :].max()),
        **peak,
        "revenue over all rows": float(tax.sum()),
    }
