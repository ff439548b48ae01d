"""What is measured of a history: the figures and the claims use the same functions."""

from collections.abc import Callable, Mapping
from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.adage import History
from adage_repro.fairness import gini
from adage_repro.followers import utilities
from adage_repro.leaders import leader_gradient
from adage_repro.market import MarketEntrance
from adage_repro.profiles import where_present
from adage_repro.sums import folded, total
from adage_repro.words import NOTHING, any_tax


def in_g2(n_agents: int) -> np.ndarray:
    """Who is in G2 (N,): all but the first ⌊N/2⌋ agents, which are G1."""
    return np.arange(n_agents) >= n_agents // 2


def picked(history: History, rows: slice | np.ndarray) -> History:
    """Some rows of a history, without payoffs."""
    return History(history.actions[..., rows, :], history.leader_action[..., rows], history.present[..., rows, :], None, None)


def attendance(history: History) -> Array:
    """a (…, I + 1, N): the strategy of an agent that is present, 0 of one that is not."""
    return history.actions * history.present


def payoffs(game: MarketEntrance, history: History) -> Array:
    """Utilities (…, I + 1, N): the history's, or made again where it was kept without them."""
    return history.utilities if history.utilities is not None else _payoffs(game, history)


@jax.jit
def _payoffs(game: MarketEntrance, history: History) -> Array:
    return _over_rows(partial(utilities, game), history)(history.actions, history.present, history.leader_action)


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

    return _over_rows(row, history)(payoffs(game, history), history.present)


def _over_rows(row: Callable, history: History) -> Callable:
    """A function of one row, mapped over all rows and all runs."""
    return reduce(lambda function, _: jax.vmap(function), history.leader_action.shape, row)


def by_group(values: Array) -> tuple[Array, Array]:
    """The values of G1 and of G2, from (…, N)."""
    first = values.shape[-1] // 2
    return values[..., :first], values[..., first:]


def group_means(values: Array) -> tuple[Array, Array]:
    """Mean over the agents of G1 and of G2, from (…, N)."""
    first, second = by_group(values)
    return first.mean(-1), second.mean(-1)


@jax.jit
def group_sums(values: Array) -> tuple[Array, Array]:
    """Sum over the agents of G1 and of G2, from (…, N)."""
    first, second = by_group(values)
    return first.sum(-1), second.sum(-1)


def gap(history: History) -> Array:
    """Mean attendance of G1 minus that of G2 in each row (…, I + 1), signed."""
    first, second = group_means(attendance(history))
    return first - second


class Series(NamedTuple):
    """What is measured of a market's history in each row (…, rows): attendance over all agents and by group, taxes, returns, fairness."""

    mean: Array
    lowest: Array
    highest: Array
    deviation: Array
    g1: Array
    g2: Array
    gap: Array
    tax_rate: Array
    tax_g1: Array  # paid by all of G1
    tax_g2: Array
    returns_g1: Array  # of all of G1, after tax
    returns_g2: Array
    fairness: Array

    @property
    def returns(self) -> Array:
        """Σ of all returns, after tax."""
        return self.returns_g1 + self.returns_g2

    @property
    def revenue(self) -> Array:
        """Σ of all taxes."""
        return self.tax_g1 + self.tax_g2


@jax.jit
def deviation(history: History) -> Array:
    """Standard deviation (divisor N) of attendance over the agents in each row."""
    return attendance(history).std(-1)


MEASUREMENTS: dict[str, Callable[[MarketEntrance, History], Array]] = {  # of a market's history, each in every row; `Series` says of what
    "mean": lambda game, history: attendance(history).mean(-1),
    "lowest": lambda game, history: attendance(history).min(-1),
    "highest": lambda game, history: attendance(history).max(-1),
    "deviation": lambda game, history: deviation(history),
    "g1": lambda game, history: group_means(attendance(history))[0],
    "g2": lambda game, history: group_means(attendance(history))[1],
    "gap": lambda game, history: gap(history),
    "tax_rate": lambda game, history: history.leader_action,
    "tax_g1": lambda game, history: group_sums(tax_paid(game, history))[0],
    "tax_g2": lambda game, history: group_sums(tax_paid(game, history))[1],
    "returns_g1": lambda game, history: group_sums(payoffs(game, history))[0],
    "returns_g2": lambda game, history: group_sums(payoffs(game, history))[1],
    "fairness": fairness,
}


def series(game: MarketEntrance, history: History) -> Series:
    """All measurements of a history's rows at once; `solve(…, keep=series)` keeps these instead of the agents."""
    return Series(**{name: measure(game, history) for name, measure in MEASUREMENTS.items()})


class Summary(NamedTuple):
    """What a run of very many agents comes to in each row: attendance by group and at its extremes, and the leader's side."""

    g1: Array
    g2: Array
    lowest: Array
    highest: Array
    leader_action: Array
    objective: Array | None

    @property
    def gap(self) -> Array:
        """Mean attendance of G1 minus that of G2, signed."""
        return self.g1 - self.g2


def summary(game: MarketEntrance, history: History) -> Summary:
    """Group means, extremes, the leader's action and its objective, for `solve(…, keep=summary)`: O(N), and nothing sorted."""
    entered = where_present(history.present, history.actions, 0.0)
    first, second = by_group(entered)
    return Summary(
        g1=total(first) / first.shape[-1],
        g2=total(second) / second.shape[-1],
        lowest=folded(jnp.minimum, entered),
        highest=folded(jnp.maximum, entered),
        leader_action=history.leader_action,
        objective=history.objective,
    )


class Spread(NamedTuple):
    """Attendance over the agents in each row."""

    mean: Array
    lowest: Array
    highest: Array

    def distance(self, point: float) -> Array:
        """Largest distance of any agent's attendance to `point`."""
        return farthest(self.lowest, self.highest, point)


def over_agents(game: MarketEntrance, history: History) -> Spread:
    """What is drawn where there are very many agents, for `solve(…, keep=over_agents)`."""
    entered = attendance(history)
    return Spread(total(entered) / entered.shape[-1], entered.min(-1), entered.max(-1))


def farthest(lowest: Array, highest: Array, point: float) -> Array:
    """Largest distance to `point` of any agent's attendance, which lie between `lowest` and `highest`."""
    return np.maximum(abs(lowest - point), abs(highest - point))


def distance(history: History, point: float, row: int = -1) -> float:
    """Largest distance of any agent's attendance to `point` in a row."""
    entered = attendance(history)[..., row, :]
    return float(farthest(entered.min(), entered.max(), point))


def share_made(begin: Array, end: Array, point: float) -> float:
    """How much of the way from `begin` to `point` has been made at `end`, mean over runs."""
    return float(np.mean(1 - (end - point) / (begin - point)))


def share_of_way(history: History, point: float) -> float:
    """How much of the way from its start to `point` the mean attendance has made at the end."""
    mean = attendance(history).mean(-1)
    return share_made(mean[..., 0], mean[..., -1], point)


def ratio(over: float, under: float, undefined: float) -> float:
    """over / under, or `undefined` where `under` is 0."""
    return over / under if under else undefined


def paired(difference: Array) -> dict[str, float]:
    """Mean of a paired difference over runs (runs,), its 95% interval (normal) and the share of runs in which it
    is positive by more than rounding."""
    difference = np.asarray(difference)
    half = 1.96 * difference.std(ddof=1) / np.sqrt(difference.size)
    mean = difference.mean()
    return {"mean": float(mean), "low": float(mean - half), "high": float(mean + half), "positive": float((difference > NOTHING).mean())}


def effect_size(difference: Array) -> float:
    """Mean of a paired difference over runs (runs,) over its standard deviation; 0 if there is none."""
    difference = np.asarray(difference)
    return ratio(float(difference.mean()), float(difference.std(ddof=1)), 0.0)


def pooled_effect_size(first: Array, second: Array) -> float:
    """Difference of the means of two samples of one size (runs,) over their pooled standard deviation; 0 if there is none."""
    first, second = np.asarray(first), np.asarray(second)
    pooled = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    return ratio(float(first.mean() - second.mean()), float(pooled), 0.0)


def rows_until(values: Array, level: float) -> int:
    """The first row, counted from 1, from which on `values` stay at `level` or above; one past the last if they do not."""
    below = np.flatnonzero(np.asarray(values) < level)
    return int(below[-1]) + 2 if below.size else 1


def fairness_numbers(fairness: dict[str, Array], tax_rate: Array, entry: int, level: float = 0.95) -> dict[str, float]:
    """How soon after ι mean fairness stays at `level`, from fairness (runs, I + 1) with and without the leader, if it does; and the share
    of runs in which the tax rate (runs, I + 1) is above 0 in the row before G2 enters, if any is."""
    numbers = {}
    for leader, values in fairness.items():
        after = values.mean(0)[entry + 1 :]
        row = rows_until(after, level)
        if row < len(after):
            numbers[f"rows after ι until mean fairness stays at {level:g} or more, {leader} leader"] = row
    if entry:
        numbers["share of runs taxed in the row before G2 enters"] = float((tax_rate[:, entry] >= NOTHING).mean())
    return numbers


def saturation(paths: dict[float, dict[float, Series]], tax_max: float, entry: int) -> dict[str, float]:
    """By follower and leader learning rate: the gap at the end, and the share of rows after ι in which the tax rate is at its bound."""
    numbers = {}
    for follower_lr, by_leader in paths.items():
        for leader_lr, path in by_leader.items():
            at_bound = np.asarray(path.tax_rate)[entry + 1 :] == tax_max
            case = f"follower_lr {follower_lr:g}, leader_lr {leader_lr:g}"
            numbers[f"{case}, gap at I"] = float(path.gap[-1])
            numbers[f"{case}, share of rows after ι at the bound"] = float(at_bound.mean())
    return numbers


def gradient_numbers(paths: Mapping[float, Mapping[str, Series]], entry: int) -> dict[str, float]:
    """By the largest tax rate and the gradient that the leader climbs: tax rates, mean fairness after ι, and all tax paid."""
    numbers = {}
    for tax_max, by_gradient in paths.items():
        for name, path in by_gradient.items():
            case = f"tax_max {tax_max:g}, {name}"
            numbers[f"{case}, tax rate in row ι"] = float(path.tax_rate[entry])
            numbers[f"{case}, tax rate in the last row"] = float(path.tax_rate[-1])
            numbers[f"{case}, mean fairness after ι"] = float(np.mean(path.fairness[entry + 1 :]))
            numbers[f"{case}, revenue"] = float(np.sum(path.revenue))
    return numbers


def entry_slope(game: MarketEntrance, actions: Array) -> float:
    """The leader's gradient at τ = 0 with all present at `actions` (N,), as when G2 enters."""
    return float(jax.jit(leader_gradient)(game, actions, jnp.ones(game.n_agents, bool), 0.0))


def policy_numbers(paths: Mapping[float, Mapping[str, Series]], entry: int) -> dict[str, float]:
    """The policy's headline numbers, by follower learning rate, of one run with the leader and one without."""
    numbers = {lr: _policy_numbers(path["with"], path["without"], entry) for lr, path in paths.items()}
    return {f"follower_lr {lr:g}, {name}": value for lr, found in numbers.items() for name, value in found.items()}


def _policy_numbers(taxed: Series, untaxed: Series, entry: int) -> dict[str, float]:
    """Of one run with the leader and one without, by row and group; no peak where no tax is paid."""
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
