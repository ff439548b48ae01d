"""What a finished run says of itself: NaN, and a leader that ran into a bound which the settings do not name."""

import warnings
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.boxes import side
from adage_repro.devices import extremes, has_nan, is_nan, is_sharded
from adage_repro.followers import follower_gradients
from adage_repro.game import Game
from adage_repro.history import History
from adage_repro.refusals import Refused
from adage_repro.settings import Settings
from adage_repro.steps import begin, outlook_of, presence


class HistoryWarning(UserWarning):
    """A run that went through, but whose history is not what was asked for."""


def review(result: Any, given: Settings, game: Game, settings: Settings, rows: Array | None) -> Any:
    """The result of `solve`, as it is. `given` are the settings before the game's boxes.

    Refused: NaN in the first row, whose function is named, or a leader's gradient that is undefined. HistoryWarning: NaN or infinite
    actions later, or a leader that ends on a bound that the game states and the settings do not, and did not start there. What `keep`
    gave is not looked at.
    """
    if not isinstance(result, History) or any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(result)):
        return result
    history = result if is_sharded(result.actions) else jax.tree.map(np.asarray, result)
    batch = history.present.ndim == 3
    if not np.isfinite(extremes(history.actions[:, -1] if batch else history.actions[-1])).all():  # infinite is as bad as NaN; either stays
        numbers = jnp if is_sharded(result.actions) else np
        history = replace(history, actions=numbers.where(abs(history.actions) < np.inf, history.actions, np.nan))
    if any(map(has_nan, _floats(history))):
        _tell_nan(_worst(history) if batch else history, game, settings, rows)
    elif settings.has_leader and given.leader_bounds is None:
        tell_bound(history.leader_action, settings.leader_bounds, game, batch=batch)
    return result


def _floats(history):
    return [values for values in jax.tree.leaves(history) if values.dtype.kind == "f"]


def _worst(history):
    """Of a batch, the run that has NaN first."""
    firsts = [_first_nan(jax.tree.map(lambda values, run=run: values[run], history)) for run in range(len(history.present))]
    run = int(np.argmin([np.inf if first is None else first for first in firsts]))
    return jax.tree.map(lambda values: values[run], history)


def _first_nan(tree):
    """The first row in which an array of a history has NaN, or None."""
    rows = [np.asarray(is_nan(values).reshape(len(values), -1).any(1)) for values in _floats(tree)]
    found = np.flatnonzero(np.any(rows, axis=0)) if rows else ()
    return int(found[0]) if len(found) else None


def _tell_nan(history, game, settings, rows):
    name, row = type(game).__name__, _first_nan(history)
    numbers = np.arange(len(history.present)) if rows is None else np.asarray(rows)
    start = numbers[row] == 0
    if _first_nan((history.actions, history.leader_action)) != row:
        parts = [("utility", history.utilities), ("report", history.reports), ("objective", history.objective)]
        culprit = next(part for part, values in parts if _first_nan(values) == row)
        why = f"{name}.{culprit} gives NaN"
    elif row == 0:
        why = f"a gradient of {name} is NaN, or its steps diverge; keep earlier rows to see where"
    else:
        why = _undefined(jax.tree.map(lambda values: values[row - 1], history), game, settings, int(numbers[row - 1]))
    if start or why.startswith("the leader"):
        raise Refused(f"{why} at the start, where it must be a number" if start else why)
    warnings.warn(f"the history contains NaN or infinite actions from row {numbers[row]} on: {why}", HistoryWarning, stacklevel=4)


def _undefined(row, game, settings, iteration):
    """What makes the next step NaN, as far as it can be seen from a row."""
    name, at = type(game).__name__, (jnp.asarray(row.actions), jax.tree.map(jnp.asarray, row.leader_action))
    if settings.has_leader:
        outlook = outlook_of(game, settings, begin(settings, at[0])[0], jnp.asarray(iteration))
        failure = settings.leader_gradient.failure(outlook, at[1])
        if failure:
            return f"the leader's gradient is undefined in iteration {iteration}: {failure}"
        slope = jax.jit(partial(settings.leader_gradient, outlook))(at[1])
        if any(np.isnan(values).any() for values in jax.tree.leaves(slope)):
            return f"the gradient of {name}.objective is NaN"
    for name_of_rate, rate in (("follower_lr", settings.follower_lr), ("leader_lr", settings.leader_lr)):
        if callable(rate) and not np.isfinite(rate(jnp.asarray(iteration))):
            return f"the schedule {name_of_rate} gives no finite rate in iteration {iteration}"
    slopes = follower_gradients(game, at[0], presence(settings, len(at[0]), iteration)[1], at[1], iteration)
    grown = "" if is_nan(slopes).any() else ", or its steps diverge"
    return f"the gradient of {name}.utility is NaN{grown}"


def tell_bound(leader: Any, bounds: tuple[Any, Any], game: Any, batch: bool = False, stacklevel: int = 4) -> None:
    """Warns of a leader that ended on a side of the game's box where it did not start, in any run of a batch. `leader` holds the rows of
    its action or of its policy."""
    for bound in bounds:
        for end, path in zip(jax.tree.leaves(side(bound, leader)), jax.tree.leaves(leader), strict=True):
            path = path if is_sharded(path) else np.asarray(path)
            first, last = (path[:, row] if batch else path[row] for row in (0, -1))
            ran = (last == end) & (first != end)
            if ran.any():
                reached = float(last.max(where=ran, initial=-np.inf))
                at = f"ends on the bound {reached:g}, which {type(game).__name__} states and the settings do not"
                warnings.warn(
                    f"the leader's action {at}: give leader_bounds in Settings to choose it", HistoryWarning, stacklevel=stacklevel
                )
                return
