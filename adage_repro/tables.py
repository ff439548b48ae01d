"""Tidy tables of histories: what the figures draw and what is saved as CSV."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jax import Array

from adage_repro.adage import History, Settings
from adage_repro.measures import attendance, group_means, in_g2

GROUPS = ("G1", "G2")
LONGEST_TABLE = 50_000  # rows; a longer one keeps every k-th iteration


def kept_rows(settings: Settings, numbers_a_row: int) -> np.ndarray:
    """The rows that a table keeps: all, or every k-th, k odd, first and last always, so that it has about LONGEST_TABLE lines."""
    every = -(-(settings.iterations + 1) * numbers_a_row // LONGEST_TABLE)
    every += 1 - every % 2  # an even one would show one phase only of what jumps between two
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
    means = np.stack(group_means(values[rows]), -1)
    table = tidy(f"iteration group {name}", {"iteration": rows, "group": np.array(GROUPS)}, **{name: means})
    return table.assign(**labels)[columns.split()]


def parts(table: pd.DataFrame, columns: list[str]) -> dict[tuple, pd.DataFrame]:
    """The table split by the values of `columns`, sorted by the first, then the next, each in its values' order of appearance."""
    seen = [list(table[column].unique()) for column in columns]
    split = table.groupby(columns, sort=False)
    return dict(sorted(split, key=lambda item: [values.index(value) for values, value in zip(seen, item[0], strict=True)]))


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
