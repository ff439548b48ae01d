"""Tidy tables of histories: what the figures draw and what is saved as CSV."""

from collections.abc import Mapping, Sequence

import jax
import numpy as np
import pandas as pd
from jax import Array

from adage_repro.adage import History
from adage_repro.measures import Spread, attendance, in_g2
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


def tidy(columns: str, axes: Mapping[str, object], **values: object) -> pd.DataFrame:
    """A long table: one line for each combination of the `axes`, columns in the order asked for.

    `values` are labels, the same in each line, or arrays with one number a line, the last axis running fastest.
    """
    grid = np.meshgrid(*(np.atleast_1d(labels) for labels in axes.values()), indexing="ij")
    table = dict(zip(axes, (labels.ravel() for labels in grid), strict=True))
    table |= {name: np.ravel(value) if np.size(value) == grid[0].size else value for name, value in values.items()}
    return pd.DataFrame(table)[columns.split()]


def attendance_table(columns: str, history: History, rows: np.ndarray, **labels: object) -> pd.DataFrame:
    """Attendance of every agent in runs that kept these `rows`; columns among run, iteration, agent, group, attendance and labels."""
    runs, _, n_agents = history.actions.shape
    axes = {"run": np.arange(runs), "iteration": rows, "agent": np.arange(n_agents)}
    table = tidy("run iteration agent attendance", axes, attendance=attendance(history))
    return table.assign(group=np.take(GROUPS, in_g2(n_agents)[table["agent"]].astype(int)), **labels)[columns.split()]


def end_table(columns: str, history: History, **labels: object) -> pd.DataFrame:
    """Attendance of every agent in the last row kept of a batch of runs; columns among run, agent, group, attendance and labels."""
    return attendance_table(columns, jax.tree.map(lambda values: values[:, -1:], history), [-1], **labels)


def range_table(columns: str, path: Spread, rows: np.ndarray, **labels: object) -> pd.DataFrame:
    """Mean, smallest and largest attendance over the agents of a single run that kept these `rows`."""
    spread = {"attendance_mean": path.mean, "attendance_min": path.lowest, "attendance_max": path.highest}
    return tidy(" ".join(["iteration", *spread]), {"iteration": rows}, **spread).assign(**labels)[columns.split()]


def group_table(columns: str, means: tuple[Array, Array], rows: np.ndarray, name: str, **labels: object) -> pd.DataFrame:
    """What was measured in each row of G1 and of G2, in the given rows, as column `name`."""
    means = np.stack([values[rows] for values in means], -1)
    table = tidy(f"iteration group {name}", {"iteration": rows, "group": np.array(GROUPS)}, **{name: means})
    return table.assign(**labels)[columns.split()]


def parts(table: pd.DataFrame, columns: list[str]) -> dict[tuple, pd.DataFrame]:
    """The table split by the values of `columns`, sorted by the first, then the next, each in its values' order of appearance."""
    seen = [list(table[column].unique()) for column in columns]
    split = table.groupby(columns, sort=False)
    return dict(sorted(split, key=lambda item: [values.index(value) for values, value in zip(seen, item[0], strict=True)]))


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
