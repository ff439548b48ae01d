"""Measurements of runs: each takes a setup and the traces of the runs that its claim asks for, and gives a few numbers."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.adage import follower_gradients, leader_gradient
from adage_repro.experiments import paired
from adage_repro.report.any_market import AnyMarket
from adage_repro.report.batches import Trace
from adage_repro.report.crossing import Setup
from adage_repro.report.measures_game import rest

NEAR = 0.02  # the list's tolerance of an attendance


def at(setup: Setup, series: Array, row: int | None = None) -> float:
    """A series of a run from zeros, at row I unless another is asked for; the last row where only that was kept."""
    return float(series[0, -1] if series.shape[1] == 1 else series[0, setup.iterations if row is None else row])


def far(setup: Setup, trace: Trace, point: float, row: int | None = None) -> float:
    """Largest distance of any agent's attendance to a point."""
    return max(abs(at(setup, trace.low, row) - point), abs(at(setup, trace.high, row) - point))


def far_at_end(trace: Trace, point: float) -> float:
    """The same in the last row of a long run."""
    return float(np.abs(trace.actions[0] - point).max())


def share_of_way(setup: Setup, trace: Trace) -> float:
    """How much of the way from 0 to the rest point the mean attendance has made at row I."""
    return at(setup, trace.mean) / rest(setup)


def gap_at(setup: Setup, trace: Trace) -> float:
    """Mean attendance of G1 minus that of G2 at row I."""
    return float(trace.gap_path[0, setup.iterations])


def gap_stats(traces: tuple[Trace, ...]) -> tuple[float, float]:
    """Smallest mean over runs of the final gap, and smallest share of runs in which it is positive, over traces."""
    gaps = [trace.gap_path[:, -1] for trace in traces]
    return min(float(gap.mean()) for gap in gaps), min(float((gap > 0).mean()) for gap in gaps)


def ratio(over: float, under: float, undefined: float = 1.0) -> float:
    """over / under, or `undefined` where `under` is 0."""
    return over / under if under else undefined


def rows_to_meet(trace: Trace, entry: int, size: float = 0.2) -> int:
    """Rows after ι until the gap is at most `size`; all there are if it never is."""
    path = trace.gap_path[0, entry + 1 :]
    return int(np.argmax(path <= size)) + 1 if (path <= size).any() else path.size


def taxes(setup: Setup, trace: Trace) -> np.ndarray:
    """Tax paid by all, rows 0 … I."""
    return (trace.tax_g1 + trace.tax_g2)[0, : setup.iterations + 1]


def tax_peak(setup: Setup, trace: Trace) -> tuple[float, float]:
    """Rows from ι to the peak of the taxes paid after it, and last over peak (1 if none is paid)."""
    paid = taxes(setup, trace)[setup.entry + 1 :]
    return float(paid.argmax() + 1), ratio(float(paid[-1]), float(paid.max()))


def tax_falls(setup: Setup, trace: Trace) -> float:
    """Share of the steps from the peak to row I in which the taxes paid fall; 0 if none are paid."""
    paid = taxes(setup, trace)[setup.entry + 1 :]
    steps = np.diff(paid[paid.argmax() :])
    return float((steps < 0).mean()) if steps.size else 0.0


@jax.jit
def _end_gradients(game: AnyMarket, actions: Array, rate: Array) -> tuple[Array, Array]:
    present = jnp.ones(actions.shape, bool)
    return follower_gradients(game, actions, present, rate), leader_gradient(game, actions, present, rate)


def projected(value: np.ndarray, gradient: np.ndarray, high: float) -> np.ndarray:
    """A gradient without the parts that point out of [0, high]."""
    return np.where(((value <= 0) & (gradient < 0)) | ((value >= high) & (gradient > 0)), 0.0, gradient)


def end_gradients(setup: Setup, trace: Trace) -> tuple[float, float]:
    """Largest projected gradient, in size, of the followers and of the leader at the end of a long run."""
    actions, rate = trace.actions[0], trace.rate_end[0]
    own, leader = (np.asarray(x) for x in _end_gradients(setup.any_market, actions, rate))
    return float(np.abs(projected(actions, own, 1.0)).max()), float(np.abs(projected(rate, leader, setup.tax_max)))


def total_derivative(setup: Setup, trace: Trace) -> tuple[float]:
    """Projected derivative of U_L by τ through the followers' answer, at the end of a long run.

    A difference quotient over ±1% of the tax's range: the followers learn on from the end for as long again at either rate, held
    fixed, and U_L is the mean over two iterations, since they may swing about the tax's kink.
    """
    rates, values = trace.answer
    if rates[0] == rates[1]:
        return (0.0,)
    slope = (values[1] - values[0]) / (rates[1] - rates[0])
    return (abs(float(projected(trace.rate_end[0], slope, setup.tax_max))),)


def path_distance(trace: Trace, nested: Array) -> float:
    """Largest distance of τ after each leader update to that of the nested loop."""
    return float(np.abs(trace.leader_path[0, : nested.size] - nested).max())


def path_to_nested(_: Setup, trace: Trace, nested: Array) -> tuple[float]:
    """The same, of one pair of runs."""
    return (path_distance(trace, nested),)


def best_gain(setup: Setup, trace: Trace) -> tuple[float]:
    """Largest gain of any agent by another own action at row I of an untaxed run from zeros, where all are alike or nearly."""
    gains = []
    grid, n = np.linspace(0, 1, 1001), setup.n_agents
    total = at(setup, trace.mean) * n
    for own in (at(setup, trace.low), at(setup, trace.high)):
        payoff = np.asarray(setup.any_market.untaxed_utility(grid, (total - own + grid) / n, n))
        now = float(setup.any_market.untaxed_utility(own, total / n, n))
        gains.append(float(payoff.max() - now))
    return (max(0.0, *gains),)


def paired_fairness(taxed: Trace, untaxed: Trace) -> tuple[float, float, float, float]:
    """Paired difference of fairness at row I: mean, share of runs positive, 95% interval."""
    numbers = paired(taxed.fairness[:, -1] - untaxed.fairness[:, -1])
    return tuple(numbers[name] for name in ("mean", "positive", "low", "high"))


def effect_size(taxed: Trace, untaxed: Trace) -> tuple[float]:
    """Mean of the paired difference of fairness at row I over its standard deviation; 0 if there is none."""
    difference = taxed.fairness[:, -1] - untaxed.fairness[:, -1]
    return (ratio(float(difference.mean()), float(difference.std(ddof=1)), 0.0),)


def rows_to_rest(setup: Setup, trace: Trace) -> int:
    """First row from which on all agents are within 0.02 of the rest point; one past the last kept row if there is none."""
    point = rest(setup)
    off = np.maximum(np.abs(trace.low[0] - point), np.abs(trace.high[0] - point)) > NEAR
    return int(np.flatnonzero(off)[-1]) + 1 if off.any() else 0


def farthest(setup: Setup, traces: tuple[Trace, ...], rows_per_agent: int) -> float:
    """Largest distance of any agent's attendance to the rest point over traces, in row `rows_per_agent` N."""
    return max(far(setup, trace, rest(setup), rows_per_agent * setup.n_agents) for trace in traces)


def tax_shares(setup: Setup, trace: Trace) -> tuple[float, float]:
    """G2's share of all tax paid in rows 0 … I, and all tax paid."""
    first, second = (float(tax[0, : setup.iterations + 1].sum()) for tax in (trace.tax_g1, trace.tax_g2))
    return ratio(second, first + second, 0.0), first + second


def smallest(values: list[float]) -> tuple[float, ...]:
    """The smallest, and all."""
    return min(values), *values


def changes(distances: list[float]) -> tuple[float, ...]:
    """The largest change from one to the next, and all."""
    return float(np.diff(distances).max()), *distances


def moved(after: float, before: float) -> tuple[float, ...]:
    """The change, and both."""
    return after - before, after, before
