"""Long tables of histories: what the figures draw and what is saved as CSV."""

from collections.abc import Mapping, Sequence

import jax
import numpy as np
import pandas as pd
from jax import Array

from adage_repro.adage import History
from adage_repro.measures import Series, Spread, attendance, in_g2
from adage_repro.settings import Settings
from adage_repro.sizes import FEWEST_ROWS, LONGEST_TABLE

GROUPS = ("G1", "G2")


def kept_rows(settings: Settings, numbers_a_row: int, also: Sequence[int] = ()) -> np.ndarray:
    """The rows that a table keeps: all, or every k-th, k odd, those of `end_rows`, and those asked for `also`.

    About LONGEST_TABLE lines in all, or FEWEST_ROWS rows if these are more.
    """
    every = min(-(-(settings.iterations + 1) * numbers_a_row // LONGEST_TABLE), -(-settings.iterations // (FEWEST_ROWS - 1)))
    every += 1 - every % 2  # an even one would show one phase only of what jumps between two
    return np.unique([*range(0, settings.iterations + 1, max(every, 1)), *end_rows(settings), *also])


def end_rows(settings: Settings) -> np.ndarray:
    """The first row and the last four, which tell whether a run rests or swings."""
    return np.unique([0, *range(max(settings.iterations - 3, 0), settings.iterations + 1)])


def distinct(path: np.ndarray | None) -> np.ndarray | None:
    """The different paths among those of all agents (rows, N); None stays None."""
    return None if path is None else np.unique(path, axis=1)


def attendance_table(columns: str, history: History, rows: np.ndarray, **labels: object) -> pd.DataFrame:
    """Attendance of every agent in runs that kept these `rows`; columns among run, iteration, agent, group, attendance and labels."""
    run, row, agent = (places.ravel() for places in np.indices(history.actions.shape))
    late = in_g2(history.actions.shape[-1]).astype(int)
    table = pd.DataFrame({"run": run, "iteration": np.take(rows, row), "agent": agent, "group": np.take(GROUPS, late[agent])})
    return table.assign(attendance=np.ravel(attendance(history)), **labels)[columns.split()]


def end_table(columns: str, history: History, **labels: object) -> pd.DataFrame:
    """Attendance of every agent in the last row kept of a batch of runs; columns among run, agent, group, attendance and labels."""
    return attendance_table(columns, jax.tree.map(lambda values: values[:, -1:], history), [-1], **labels)


def by_case(columns: str, histories: Mapping[object, History], rows: np.ndarray | None = None) -> pd.DataFrame:
    """`attendance_table` of several histories that kept these `rows`, or without `rows` their `end_table`, one below the other.

    The keys of `histories`, one value or a tuple of values each, fill the first of the columns.
    """
    found = []
    for case, history in histories.items():
        values = case if isinstance(case, tuple) else (case,)
        labels = dict(zip(columns.split()[: len(values)], values, strict=True))
        found.append(end_table(columns, history, **labels) if rows is None else attendance_table(columns, history, rows, **labels))
    return stack(found)


def range_table(columns: str, path: Spread, rows: np.ndarray, **labels: object) -> pd.DataFrame:
    """Mean, smallest and largest attendance over the agents of a single run that kept these `rows`."""
    spread = {"attendance_mean": path.mean, "attendance_min": path.lowest, "attendance_max": path.highest}
    return pd.DataFrame({"iteration": rows, **spread}).assign(**labels)[columns.split()]


def group_table(columns: str, means: tuple[Array, Array], rows: np.ndarray, name: str, **labels: object) -> pd.DataFrame:
    """What was measured in each row of G1 and of G2, in the given rows, as column `name`."""
    means = np.stack([values[rows] for values in means], -1)
    table = pd.DataFrame({"iteration": np.repeat(rows, 2), "group": np.tile(GROUPS, len(rows)), name: means.ravel()})
    return table.assign(**labels)[columns.split()]


def tax_tables(path: Series, rows: np.ndarray, n_agents: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of a single run, in the given rows: the tax rate with the tax paid by all agents; and the tax paid per agent of each group."""
    both = pd.DataFrame({"iteration": rows, "tax_rate": path.tax_rate[rows], "tax_paid": path.revenue[rows]})
    per_agent = path.tax_g1 / (n_agents // 2), path.tax_g2 / (n_agents - n_agents // 2)
    return both, group_table("iteration group tax_paid", per_agent, rows, "tax_paid")


def policy_table(paths: Mapping[float, Series], rows: np.ndarray) -> pd.DataFrame:
    """Mean attendance of both groups and the tax rate in single runs, by the leader's learning rate, in the given rows."""
    columns = "leader_lr iteration group attendance tax_rate"
    found = []
    for lr, path in paths.items():
        rates = np.repeat(path.tax_rate[rows], 2)
        found.append(group_table(columns, (path.g1, path.g2), rows, "attendance", leader_lr=lr, tax_rate=rates))
    return stack(found)


def fairness_table(fairness: Mapping[str, Array], rows: np.ndarray) -> pd.DataFrame:
    """Fairness (runs, I + 1) with and without the leader, in the given rows."""
    found = []
    for leader, values in fairness.items():
        run, row = (places.ravel() for places in np.indices((len(values), len(rows))))
        found.append(pd.DataFrame({"leader": leader, "run": run, "iteration": rows[row], "fairness": values[:, rows].ravel()}))
    return stack(found)


def leader_table(paths: Mapping[str, Array], **labels: object) -> pd.DataFrame:
    """The leader's action (rows, …) in each row, each of its numbers a `component`, by the gradient that it climbs."""
    found = []
    for gradient, values in paths.items():
        values = np.reshape(values, (len(values), -1))
        row, component = (places.ravel() for places in np.indices(values.shape))
        lines = {"gradient": gradient, "iteration": row, "component": component, "leader_action": values.ravel()}
        found.append(pd.DataFrame(lines).assign(**labels))
    return stack(found)


def action_table(actions: Array, **labels: object) -> pd.DataFrame:
    """Actions (rows, N, …) in each row, each of an agent's numbers a `component`."""
    actions = np.reshape(actions, (*np.shape(actions)[:2], -1))
    row, agent, component = (places.ravel() for places in np.indices(actions.shape))
    return pd.DataFrame({"iteration": row, "agent": agent, "component": component, "action": actions.ravel()}).assign(**labels)


def gradient_table(paths: Mapping[float, Mapping[str, Series]]) -> pd.DataFrame:
    """Tax rate, tax paid and fairness in each row of single runs, by the largest tax rate and the gradient that the leader climbs."""
    found = []
    for tax_max, by_gradient in paths.items():
        for name, path in by_gradient.items():
            columns = {"tax_rate": path.tax_rate, "tax_paid": path.revenue, "fairness": path.fairness}
            lines = pd.DataFrame({"iteration": np.arange(len(path.tax_rate)), **columns})
            found.append(lines.assign(tax_max=tax_max, gradient=name))
    return stack(found)


def shares_by_reading(crossed: pd.DataFrame, default: Mapping[str, str]) -> pd.DataFrame:
    """Of a table of claims by readings, the share of settings in which each claim (rows) holds.

    Columns: under the `default` reading, with each of its choices changed alone, and over all readings.
    """
    changed = sum((crossed[name] != word).astype(int) for name, word in default.items())
    there = {"default": changed == 0}
    for name, word in default.items():
        for other in crossed[name].unique():
            if other != word:
                there[f"{name} = {other}"] = (changed == 1) & (crossed[name] == other)
    there[f"all {len(crossed[[*default]].drop_duplicates())} readings"] = changed >= 0
    return pd.DataFrame({name: crossed[lines].groupby("id", sort=False)["holds"].mean() for name, lines in there.items()})


def stack(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables of the same columns, one below the other."""
    return pd.concat(tables, ignore_index=True)


def every(rows: np.ndarray) -> int:
    """k, where `rows` are every k-th."""
    return int(rows[1] - rows[0])
