"""What happened in a run, row by row."""

from typing import Any

import numpy as np
from jax import Array

from adage_repro.parameters import as_array, check_value
from adage_repro.pytrees import model
from adage_repro.refusals import Refused, shown


@model
class History:
    """What happened. Row 0 is the start, row r the state after iteration r - 1, with the presence of that iteration.

    actions        (I + 1, N, …) strategies π; one that has not entered keeps its start
    leader_action  (I + 1, …), a pytree like the leader's action
    present        (I + 1, N) bool
    utilities      (I + 1, N) of the row's own actions, leader's action and presence; 0 where absent
    objective      (I + 1,) the leader's, or None without a leader
    reports        (I + 1, N, …) what the game reports of each follower, or None; 0 where absent

    A batch of starts puts one more axis, the run, in front of each.
    """

    actions: Array
    leader_action: Any
    present: Array
    utilities: Array
    objective: Array | None
    reports: Any = None


def check_rows(rows: Array | None, iterations: int) -> np.ndarray | None:
    """Which rows of a history are kept, as an array. Refused: those that do not rise or that a run does not have."""
    if rows is None:
        return None
    rows = as_array(rows)
    whole = isinstance(rows, np.ndarray) and rows.ndim == 1 and rows.dtype.kind in "iu"
    if not whole or not rows.size or (np.diff(rows) < 1).any():
        raise Refused(f"rows must be whole numbers that rise, got {shown(rows.tolist() if isinstance(rows, np.ndarray) else rows)}")
    check_value("rows", rows, "int", f"[0, {iterations}]")
    return rows
