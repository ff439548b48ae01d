"""What the figures are cut from: starts, groups, and measurements of a history."""

from collections.abc import Callable
from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.adage import Game, History, follower_gradients, leader_gradient, utilities
from adage_repro.choices import choose
from adage_repro.fairness import gini
from adage_repro.market import MarketEntrance, largest_stable_lr
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


def in_g2(n_agents: int) -> np.ndarray:
    """Who is in G2 (N,): all but the first ⌊N/2⌋ agents, which are G1."""
    return np.arange(n_agents) >= n_agents // 2


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


def attendance(history: History) -> Array:
    """a (…, I + 1, N): the strategy of an agent that is present, 0 of one that is not."""
    return history.actions * history.present


@jax.jit
def tax_paid(game: MarketEntrance, history: History) -> Array:
    """Tax (…, I + 1, N) that each agent pays in each row: its untaxed payoff less its utility."""

    def row(actions, present, tax_rate):
        return utilities(game, actions, present, 0.0) - utilities(game, actions, present, tax_rate)

    return _over_rows(row, history)(history.actions, history.present, history.leader_action)


@jax.jit
def fairness(game: MarketEntrance, history: History) -> Array:
    """1 - Gini of the returns of those present (…, I + 1)."""

    def row(payoffs, present):
        return 1 - gini(payoffs, present, game.returns_shift)

    return _over_rows(row, history)(history.utilities, history.present)


def _over_rows(row: Callable, history: History) -> Callable:
    """A function of one row made one of all rows, and of all runs."""
    return reduce(lambda function, _: jax.vmap(function), history.leader_action.shape, row)


def group_means(values: Array) -> tuple[Array, Array]:
    """Mean over the agents of G1 and of G2, from (…, N)."""
    late = in_g2(values.shape[-1])
    return values[..., ~late].mean(-1), values[..., late].mean(-1)


def gap(history: History) -> Array:
    """Mean attendance of G1 minus that of G2 in each row (…, I + 1), signed."""
    first, second = group_means(attendance(history))
    return first - second


def distance(history: History, point: float, row: int = -1) -> float:
    """Largest distance of any agent's attendance to `point` in a row."""
    return float(abs(attendance(history)[..., row, :] - point).max())


def share_of_way(history: History, point: float) -> float:
    """How much of the way from its start to `point` the mean attendance has made at the end."""
    mean = attendance(history).mean(-1)
    return float(np.mean(1 - (mean[..., -1] - point) / (mean[..., 0] - point)))


def paired(difference: Array) -> dict[str, float]:
    """Mean of a paired difference over runs (runs,), its 95% interval (normal) and the share of runs in which it is positive."""
    difference = np.asarray(difference)
    half = 1.96 * difference.std(ddof=1) / np.sqrt(difference.size)
    mean = difference.mean()
    return {"mean": float(mean), "low": float(mean - half), "high": float(mean + half), "positive": float((difference > 0).mean())}


def rows_until(values: Array, level: float) -> int:
    """The first row, counted from 1, from which on `values` stay at `level` or above; one past the last if they do not."""
    below = np.flatnonzero(np.asarray(values) < level)
    return int(below[-1]) + 2 if below.size else 1


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
        "taxes paid in the last row over their peak": float(tax[-1] / tax[peak]) if tax[peak] > 0 else 0.0,
        "revenue over all rows": float(tax.sum()),
    }


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
