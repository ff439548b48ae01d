"""What the figures are cut from: starts, groups, and measurements and tidy tables of a history."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array

from adage_repro.adage import Game, History, Settings, follower_gradients, leader_gradient, utilities
from adage_repro.fairness import gini
from adage_repro.market import MarketEntrance, largest_stable_lr
from adage_repro.parameters import check, check_value

GROUPS = ("G1", "G2")
LONGEST_TABLE = 50_000  # rows; a longer one keeps every k-th iteration


def starts(kind: str, runs: int, n_agents: int, seed: int) -> Array:
    """First strategies (runs, N): `uniform` on [0, 1], one PRNG key a run, or `zeros`, the same in each run."""
    check("follower_start", kind)
    runs = check_value("runs", runs, "int", "[1, inf)")
    if kind == "zeros":
        return jnp.zeros((runs, n_agents))
    keys = jax.random.split(jax.random.key(check("seed", seed)), runs)
    return jax.vmap(lambda key: jax.random.uniform(key, (n_agents,)))(keys)


def in_g2(n_agents: int) -> np.ndarray:
    """Who is in G2 (N,): all but the first ⌊N/2⌋ agents, which are G1."""
    return np.arange(n_agents) >= n_agents // 2


def entry_times(n_agents: int, iterations: int, late_entry_share: float) -> np.ndarray:
    """ι (N,): 0 for G1, ⌊share · I⌋ for G2 (App. A.2)."""
    late = int(np.floor(round(check("late_entry_share", late_entry_share) * iterations, 6)))
    return np.where(in_g2(n_agents), min(late, iterations - 1), 0)  # the share is below 1, whatever rounding says


def stability_line(game: MarketEntrance, follower_lr: float, order: str) -> str:
    """One line that holds the learning rate against the stability limit."""
    limit = largest_stable_lr(game, order)
    side = "below" if follower_lr < limit else "not below"
    return f"N = {game.n_agents}: follower_lr = {follower_lr:g} is {side} the stability limit {limit:.4g} ({order}, own share {game.crowd})"


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
    return jnp.where(history.present, history.actions, 0.0)


@jax.jit
def tax_paid(game: MarketEntrance, history: History) -> Array:
    """Tax (…, I + 1, N) that each agent pays in each row: its untaxed payoff less its utility."""

    def row(actions, present, tax_rate):
        return utilities(game, actions, present, 0.0) - utilities(game, actions, present, tax_rate)

    for _ in history.leader_action.shape:
        row = jax.vmap(row)
    return row(history.actions, history.present, history.leader_action)


@jax.jit
def fairness(game: MarketEntrance, history: History) -> Array:
    """1 - Gini of the returns of those present (…, I + 1)."""

    def row(payoffs, present):
        return 1 - gini(payoffs, present, game.returns_shift)

    for _ in history.leader_action.shape:
        row = jax.vmap(row)
    return row(history.utilities, history.present)


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
    return float(jnp.abs(attendance(history)[..., row, :] - point).max())


def share_of_way(history: History, point: float) -> float:
    """How much of the way from its start to `point` the mean attendance has made at the end."""
    mean = attendance(history).mean(-1)
    return float(jnp.mean(1 - (mean[..., -1] - point) / (mean[..., 0] - point)))


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
    tax, rate = tax_paid(game, taxed)[0].sum(-1), taxed.leader_action[0]
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


def kept_rows(settings: Settings, numbers_a_row: int) -> np.ndarray:
    """The rows that a table keeps: all, or every k-th, first and last always, so that it has about LONGEST_TABLE lines."""
    every = -(-(settings.iterations + 1) * numbers_a_row // LONGEST_TABLE)
    return np.unique(np.append(np.arange(0, settings.iterations + 1, every), settings.iterations))


def distinct(path: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    """The different paths among those of all agents (I + 1, N) in the given rows; None stays None."""
    return None if path is None else np.unique(path[rows], axis=1)


def tidy(columns: str, axes: Mapping[str, object], **values: object) -> pd.DataFrame:
    """A long table: one line for each combination of the `axes`, columns in the order asked for.

    `values` are labels, the same in each line, or arrays with one number a line, the last axis running fastest.
    """
    grid = np.meshgrid(*(np.atleast_1d(labels) for labels in axes.values()), indexing="ij")
    table = dict(zip(axes, (labels.ravel() for labels in grid), strict=True))
    table |= {name: np.ravel(value) if np.size(value) == grid[0].size else value for name, value in values.items()}
    return pd.DataFrame(table)[columns.split()]


def attendance_table(columns: str, history: History, rows: np.ndarray | int, **labels: object) -> pd.DataFrame:
    """Attendance of every agent in the given rows of a batch of runs; columns among run, iteration, agent, group, attendance, labels."""
    iterations, n_agents = history.actions.shape[-2] - 1, history.actions.shape[-1]
    rows = np.atleast_1d(rows) % (iterations + 1)
    axes = {"run": np.arange(history.actions.shape[0]), "iteration": rows, "agent": np.arange(n_agents)}
    table = tidy("run iteration agent attendance", axes, attendance=attendance(history)[:, rows])
    return table.assign(group=np.take(GROUPS, in_g2(n_agents)[table["agent"]].astype(int)), **labels)[columns.split()]


def range_table(columns: str, history: History, rows: np.ndarray, **labels: object) -> pd.DataFrame:
    """Mean, smallest and largest attendance over the agents of a single run in the given rows."""
    values = attendance(history)[0, rows]
    spread = {"attendance_mean": values.mean(-1), "attendance_min": values.min(-1), "attendance_max": values.max(-1)}
    return tidy(" ".join(["iteration", *spread]), {"iteration": rows}, **spread).assign(**labels)[columns.split()]


def group_table(columns: str, values: Array, rows: np.ndarray, name: str, **labels: object) -> pd.DataFrame:
    """The mean over each group of per-agent values (I + 1, N) in the given rows, as column `name`."""
    means = jnp.stack(group_means(values[rows]), -1)
    table = tidy(f"iteration group {name}", {"iteration": rows, "group": np.array(GROUPS)}, **{name: means})
    return table.assign(**labels)[columns.split()]


def parts(table: pd.DataFrame, columns: list[str], order: list[str] | None = None) -> dict[tuple, pd.DataFrame]:
    """The table split by the values of `columns`, in their order of appearance, or sorted by other columns first."""
    split = dict(iter(table.groupby(columns, sort=False)))
    if order is None:
        return split
    seen = {column: {value: place for place, value in enumerate(table[column].unique())} for column in columns}
    return dict(sorted(split.items(), key=lambda item: [seen[column][item[0][columns.index(column)]] for column in order]))


def shares_by_reading(crossed: pd.DataFrame) -> pd.DataFrame:
    """Of a table of claims by readings, the share of the other settings in which each claim (rows) holds under each reading (columns)."""
    readings = ["crowd", "tax_units", "late_group", "order", "returns_shift"]
    shares = crossed.assign(holds=crossed["holds"].astype(float)).pivot_table("holds", "id", readings, sort=False)
    places = {one: place for name in readings for place, one in enumerate(crossed[name].unique())}
    return shares[sorted(shares.columns, key=lambda reading: [places[one] for one in reading])]


def stack(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables of the same columns, one below the other."""
    return pd.concat(tables, ignore_index=True)


def every(rows: np.ndarray) -> int:
    """k, where `rows` are every k-th."""
    return int(rows[1] - rows[0])
