"""Runs as (game, settings, start), many of them simulated by one call: those that differ by numbers alone share one compiled program."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from adage_repro.claims.outcomes import Trace
from adage_repro.claims.programs import compiled
from adage_repro.claims.setup import SERIES_UP_TO, Setup, market
from adage_repro.claims.traces import Answers, Constant, Learning, Nested
from adage_repro.experiments import starts
from adage_repro.history import History
from adage_repro.market import MarketEntrance
from adage_repro.measures import in_g2
from adage_repro.parameters import DEFAULTS, place
from adage_repro.pytrees import by_structure
from adage_repro.settings import Settings

LONG, SERIES = 400, 40  # a long run has 400 N iterations (App. D); its first 40 N rows are kept
MANY_AT = DEFAULTS["n_agents"]  # the number of agents with which most runs are simulated
TRACED_UP_TO = 100  # agents; with more, a reading that is selected takes longer to run than its word to compile, and few rows are kept
AT_ONCE, NESTED_AT_ONCE, HELD_AT_ONCE = 240, 1080, 60  # runs that one call of a program simulates, times agents


How = Learning | Answers | Nested | Constant


@dataclass(frozen=True, eq=False)
class Run:
    """A game, its settings, a batch of starts (runs, N), and what is done with them. Equal runs are one object, see `_run`."""

    game: MarketEntrance
    settings: Settings
    start: Array
    how: How


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
    length     `long`: 400 N iterations, of which the first 40 N rows are kept · `I`: to row I · `end`: to row I, and its end alone is kept
    how        in place of A-GD and its history
    """
    n, iterations = setup.n_agents, setup.iterations
    long = {"long": n <= SERIES_UP_TO, "I": False, "end": False}[length] and not isinstance(how, Nested)
    entry = setup.entry if late else 0
    taxed, traced = (leader and setup.leader_lr > 0) or isinstance(how, Constant), n <= TRACED_UP_TO and length != "end"
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
        how or Learning(first, measured=traced),
    )


_starts = cache(starts)


@cache
def _run(game: MarketEntrance, settings: Settings, start: tuple[str, int, int, int], how: How) -> Run:
    return Run(game, settings, np.asarray(_starts(*start)), how)


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
        wanted.sort(key=lambda run: -run.settings.follower_lr)  # nested loops that are simulated at once end once all of them are at rest
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
    left = jax.tree.map(np.asarray, _batch_left(len(runs), *whole, how=runs[0].how))
    return {run: _seen(run, _part(left, k)) for k, run in enumerate(runs)}


@compiled
def _batch_left(count: int, games: MarketEntrance, settings: Settings, start: Array, *, how: How) -> dict | tuple[Array, ...] | Array:
    """What each run leaves. Where they are simulated one after another, it is what the first `count` leave, and 0 of the others."""
    if (settings.order == "alternating" and start.shape[1] == 1) or isinstance(how, Constant | Answers):
        return jax.vmap(how)(games, settings, start)  # which takes less time here, and more elsewhere

    def entered(k, left):
        return jax.tree.map(lambda all, own: all.at[k].set(own), left, one(k))

    def one(k):
        return how(*_part((games, settings, start), k))

    empty = jax.tree.map(lambda own: jnp.zeros((len(start), *own.shape), own.dtype), jax.eval_shape(one, 0))
    return lax.fori_loop(0, count, entered, empty)


def _seen(run: Run, left: dict | tuple[np.ndarray, ...] | np.ndarray) -> Trace | History | np.ndarray:
    if isinstance(run.how, Learning):
        return Trace(run.how.rows(run.settings.iterations), **(left | {"history": History(*left["history"], None, None)}))
    return History(*left, None, None) if isinstance(left, tuple) else left


def _batch_size(shape: tuple[int, int, int], how: How) -> int:
    """How many runs one call simulates of `shape` (asked, starts, N): one size, so that there is one program; fewer of
    constant rates, each of which is many runs; of nested loops more where many are asked, which pays where they are simulated at once."""
    asked, several, n_agents = shape
    if several > 1:
        return min(18, max(1, 180 // n_agents))
    few, many, held = (max(1, size // n_agents) for size in (AT_ONCE, NESTED_AT_ONCE, HELD_AT_ONCE))
    return held if isinstance(how, Constant) else many if isinstance(how, Nested) and asked > many / 2 else few
