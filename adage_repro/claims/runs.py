"""Runs as (game, settings, start), many of them simulated at once: those that differ by numbers alone share one compiled program."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache

import jax
import numpy as np
from jax import Array, lax

from adage_repro.claims.outcomes import Trace, picked
from adage_repro.claims.programs import compiled
from adage_repro.claims.setup import SERIES_UP_TO, Setup, market
from adage_repro.claims.traces import Answers, Constant, Learning, Nested
from adage_repro.experiments import starts
from adage_repro.history import History
from adage_repro.market import MarketEntrance
from adage_repro.measures import gap, group_sums, in_g2, tax_paid
from adage_repro.parameters import DEFAULTS, place
from adage_repro.pytrees import by_structure
from adage_repro.settings import Settings

LONG, SERIES = 400, 40  # a long run has 400 N iterations (App. D); its first 40 N rows are kept
MANY_AT = DEFAULTS["n_agents"]  # the number of agents with which most runs are simulated
TRACED_UP_TO = 100  # agents; with more, a reading that is selected takes longer to run than its word to compile, and few rows are kept
AT_ONCE, NESTED_AT_ONCE, HELD_AT_ONCE = 240, 1080, 60  # runs that one call of a program simulates, times agents
LAST = 3  # rows that are kept of the end: a swing shows in three


@dataclass(frozen=True, eq=False)
class Run:
    """A game, its settings, a batch of starts (runs, N), what is done with them, and how many of the first rows are kept.
    Equal runs are one object, see `_run`."""

    game: MarketEntrance
    settings: Settings
    start: Array
    how: Learning | Answers | Nested | Constant
    first: int


Known = dict[Run, Trace | History | Array]


def long_run(setup: Setup) -> str:
    """How long a long run with late entry is, in words."""
    return f"{LONG} N iterations, G2 entering at ι = {setup.entry}"


def rows_of_series(setup: Setup) -> int:
    """The last of the first rows of which a long run's history is kept."""
    return setup.n_agents * max(SERIES, setup.iterations_per_agent)


def simulation(
    setup: Setup,
    late: bool = False,
    leader: bool = False,
    length: str = "long",
    start: str = "zeros",
    g1_late: bool = False,
    how: Answers | Nested | Constant | None = None,
) -> Run:
    """The run of a setup, with everything that it does not depend on put to one value, so that equal runs are simulated once.

    late       G2 enters at ι, or G1 with `g1_late`; otherwise all start at 0
    leader     the leader learns; otherwise no tax
    length     `long`: 400 N iterations, of which the first 40 N rows are kept · `I`: to row I
    how        in place of A-GD and its history
    """
    n, iterations = setup.n_agents, setup.iterations
    long = {"long": n <= SERIES_UP_TO, "I": False}[length] and not isinstance(how, Nested)
    entry = setup.entry if late else 0
    taxed, traced = (leader and setup.leader_lr > 0) or isinstance(how, Constant), n <= TRACED_UP_TO
    many = n == MANY_AT and (long or start != "zeros")
    alone = not leader and (many or not traced)  # a program without a leader, which runs faster and has to be compiled
    settings = _settings(
        n,
        iterations=n * max(LONG, setup.iterations_per_agent) if long else iterations,
        follower_lr=setup.follower_lr,
        leader_lr=setup.leader_lr if leader else None if alone else 0.0,
        tax_max=setup.tax_max if taxed else 0.1,
        order=setup.order,
        late_group=setup.late_group if entry else "absent",
        entry=entry,
        g1_late=g1_late,
        traced=traced,
    )
    shift = setup.returns_shift if leader and taxed else "negative"  # it is the leader's alone
    first = rows_of_series(setup) + 1 if long else iterations + 1 if traced and start == "zeros" else 0
    return _run(
        market(n, setup.capacity, setup.outside_payoff, setup.crowd, setup.tax_units if taxed else "headcount", shift, traced),
        settings,
        (start, setup.runs, n, setup.seed) if start != "zeros" else ("zeros", 1, n, 0),
        how or Learning(last=None if traced else LAST),
        first,
    )


_starts = cache(starts)


@cache
def _run(game: MarketEntrance, settings: Settings, start: tuple[str, int, int, int], how: Learning, first: int) -> Run:
    return Run(game, settings, np.asarray(_starts(*start)), how, first)


@cache
def _settings(n_agents: int, tax_max: float, late_group: str, entry: int, g1_late: bool, traced: bool, **more: object) -> Settings:
    return Settings(
        late_group=place("late_group", late_group) if traced else late_group,
        entry_time=np.where(in_g2(n_agents) != g1_late, entry, 0),
        leader_bounds=(0.0, tax_max),
        **more,
    )


def simulate(runs: Iterable[Run], known: Known) -> None:
    """Add to `known` what the runs that are not in it leave, in batches of one structure, two programs at a time."""
    ways = {}
    for run in dict.fromkeys(runs):
        if run not in known:
            ways.setdefault(run.how, []).append(run)
    first, rest = [], []
    for how, wanted in ways.items():
        wanted.sort(key=lambda run: -run.settings.follower_lr)  # a nested loop ends once all of its batch are at rest
        for places, stacked in by_structure((run.game, run.settings, run.start) for run in wanted):
            size = _batch_size(stacked[2].shape, how)
            parts = [slice(begin, begin + size) for begin in range(0, len(places), size)]
            tasks = [([wanted[place] for place in places[part]], _part(stacked, part), size) for part in parts]
            first.append(tasks[0])  # these compile
            rest += tasks[1:]
    with ThreadPoolExecutor(2) as pool:
        for tasks in (first, rest):
            for done in pool.map(_batch, tasks):
                known.update(done)


def _part(stacked: tuple, part: slice | int) -> tuple:
    return jax.tree.map(lambda values: values[part], stacked)


def _batch(task: tuple[list[Run], tuple, int]) -> Known:
    runs, stacked, size = task
    whole = jax.tree.map(lambda values: np.concatenate([values, np.repeat(values[-1:], size - len(runs), 0)]), stacked)
    left = jax.tree.map(np.asarray, compiled(Batch(runs[0].how))(*whole))
    return {run: _seen(run, _part(left, k)) for k, run in enumerate(runs)}


@dataclass(frozen=True)
class Batch:
    """What is done with many runs at once."""

    how: Learning | Answers | Nested | Constant

    def __call__(self, games: MarketEntrance, settings: Settings, start: Array) -> tuple[Array, ...] | Array:
        """What each leaves; of a History the actions, the leader's action and the presence."""
        if start.shape[1] > 1:  # a batch of starts is a batch already
            left = lax.map(lambda run: self.how(*run), (games, settings, start))
        else:
            left = jax.vmap(self.how)(games, settings, start)
        return (left.actions, left.leader_action, left.present) if isinstance(left, History) else left


def _seen(run: Run, left: tuple[np.ndarray, ...] | np.ndarray) -> Trace | History | np.ndarray:
    if not isinstance(left, tuple):
        return left
    history = History(*left, None, None)
    return _trace(run, history) if isinstance(run.how, Learning) else history


@compiled
def _taxes(game: MarketEntrance, history: History) -> tuple[Array, Array]:
    """Tax paid by all of G1 and by all of G2 in each row."""
    return group_sums(tax_paid(game, history))


def _trace(run: Run, history: History) -> Trace:
    """What is kept of a run's history (starts, rows, …)."""
    several, last = len(run.start) > 1, run.settings.iterations
    if not several:
        history = jax.tree.map(lambda values: values[0], history)
    numbers = np.arange(last + 1 - history.leader_action.shape[-1], last + 1)  # of the rows that there are
    kept = np.union1d(numbers[: run.first], numbers[-LAST:])
    tail = history.actions[..., -10 * run.game.n_agents :, :]
    paid = None
    if several and run.settings.has_leader:
        paid = np.stack(_taxes(run.game, history))
    history = replace(history, present=history.present[0] if several else history.present)
    return Trace(
        rows=kept,
        history=picked(history, kept - numbers[0]),
        gap=np.asarray(gap(history)),
        tax_rate=history.leader_action.copy(),
        paid=paid,
        swing=None if several else float(np.ptp(tail, axis=-2).max()),
    )


def _batch_size(shape: tuple[int, int, int], how: Learning | Answers | Nested | Constant) -> int:
    """How many runs one call simulates of `shape` (asked, starts, N): one size, so that there is one program; fewer of
    constant rates, each of which is many runs; of nested loops, whose steps are many and small, more where many are asked."""
    asked, several, n_agents = shape
    if several > 1:
        return min(18, max(1, 180 // n_agents))
    few, many, held = (max(1, size // n_agents) for size in (AT_ONCE, NESTED_AT_ONCE, HELD_AT_ONCE))
    return held if isinstance(how, Constant) else many if isinstance(how, Nested) and asked > many / 2 else few
