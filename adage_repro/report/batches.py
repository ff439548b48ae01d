"""Many runs at once: those of one shape share one compiled program, and each leaves a trace."""

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from adage_repro.adage import Settings, alternating, leader_gradient, simultaneous, solve, utilities
from adage_repro.experiments import attendance, gap, group_means, in_g2, starts, tax_paid
from adage_repro.report.any_market import CODED, AnyMarket, code

FEW, MANY = 240, 1080  # runs that one call of a program simulates, times agents
INNER_UPDATES = 1000  # follower updates per leader update in the nested loop
NESTED = ("inner first", "leader first")
STEPS = {"simultaneous": simultaneous, "alternating": alternating}


@dataclass(frozen=True)
class Run:
    """One batch of starts to simulate. Those above the line are sizes and choices: each combination is a program of its own."""

    n_agents: int
    iterations: int
    head: int  # rows 0 … head have their series kept; -1: the last row only
    start: str
    runs: int
    seed: int
    order: str
    late_group: str
    loop: str  # `A-GD`; `free`: no leader; `answer`: and the answer to its last tax rate; `inner first`, `leader first`: nested
    # ---
    capacity: float
    outside_payoff: float
    follower_lr: float
    leader_lr: float
    leader_start: float
    tax_max: float
    entry_g1: int
    entry_g2: int
    crowd: str
    tax_units: str
    returns_shift: str

    @property
    def shape(self) -> tuple:
        """What a compiled program depends on."""
        values = tuple(getattr(self, name) for name in SHAPE)
        return values if self.loop not in NESTED else (*values[:-2], "any", self.loop)

    @property
    def numbers(self) -> list[float]:
        """What it takes as input."""
        values = [code(name, getattr(self, name)) if name in CODED else getattr(self, name) for name in NUMBERS]
        return [*values, code("late_group", self.late_group)]


NUMBERS = [field.name for field in fields(Run)][9:]
SHAPE = [field.name for field in fields(Run)][:9]


class Trace(NamedTuple):
    """What a run leaves: series (runs, rows) and its end. `low` and `high` are the extremes over agents, taxes are sums over a group."""

    mean: Array
    g1: Array
    g2: Array
    low: Array
    high: Array
    deviation: Array
    rate: Array
    tax_g1: Array
    tax_g2: Array
    fairness: Array
    returns: Array
    gap_path: Array  # (runs, I + 1), all rows
    swing: Array  # (runs,) largest range of an agent's strategy over the last 10 N rows
    actions: Array  # (runs, N) at the end
    rate_end: Array  # (runs,)
    answer: Array  # (2, 2): tax rates about the last one, and U_L once the followers have answered them
    leader_path: Array  # τ after each update of the leader


@partial(jax.jit, static_argnums=0)
def _simulate(shape: tuple, numbers: Array, start: Array) -> Trace:
    static = dict(zip(SHAPE, shape, strict=True))
    one = partial(_trace if static["loop"] not in NESTED else _nested, static, start)
    return lax.map(one, numbers) if start.shape[0] > 1 else jax.vmap(one)(numbers)


def _game_and_settings(static: dict, numbers: Array) -> tuple[AnyMarket, Settings]:
    values = dict(zip(NUMBERS, numbers[:-1], strict=True))
    game = AnyMarket(static["n_agents"], values["capacity"], values["outside_payoff"], *(values[name] for name in CODED))
    zero, one = 0 * values["tax_max"], 0 * values["tax_max"] + 1
    late = in_g2(static["n_agents"])
    settings = Settings(
        iterations=static["iterations"],
        follower_lr=values["follower_lr"],
        leader_lr=None if static["loop"] == "free" else values["leader_lr"],
        order=static["order"],
        late_group="absent" if static["late_group"] == "any" else static["late_group"],
        entry_time=jnp.where(late, values["entry_g2"], values["entry_g1"]).astype(int),
        action_bounds=(zero, one),
        leader_bounds=(zero, values["tax_max"]),
        leader_start=values["leader_start"],
    )
    return game, settings


def _trace(static: dict, start: Array, numbers: Array) -> Trace:
    game, settings = _game_and_settings(static, numbers)
    history = solve(game, settings, start)
    kept = jax.tree.map(lambda rows: rows[:, : static["head"] + 1] if static["head"] >= 0 else rows[:, -1:], history)
    entered = attendance(kept)
    g1, g2 = group_means(entered)
    taxes = tax_paid(game, kept)
    objective = jax.vmap(jax.vmap(game.objective))(kept.utilities, kept.present)
    late = in_g2(static["n_agents"])
    tail = history.actions[:, -10 * static["n_agents"] :]
    actions, rate = history.actions[:, -1], history.leader_action[:, -1]
    return Trace(
        mean=entered.mean(-1),
        g1=g1,
        g2=g2,
        low=entered.min(-1),
        high=entered.max(-1),
        deviation=entered.std(-1),
        rate=kept.leader_action,
        tax_g1=taxes[..., ~late].sum(-1),
        tax_g2=taxes[..., late].sum(-1),
        fairness=1 + objective / jnp.maximum(kept.present.sum(-1), 1) ** 2,
        returns=kept.utilities.sum(-1),
        gap_path=gap(history),
        swing=(tail.max(1) - tail.min(1)).max(-1),
        actions=actions,
        rate_end=rate,
        answer=_answer(game, settings, actions[0], rate[0]) if static["loop"] == "answer" else jnp.zeros((2, 2)),
        leader_path=history.leader_action[:, 1 : (static["iterations"] if static["head"] < 0 else static["head"]) + 1 : 2],
    )


def _answer(game: AnyMarket, settings: Settings, actions: Array, rate: Array) -> Array:
    """Tax rates just below and above `rate`, inside the bounds, and U_L after the followers have learnt on at each for as long again."""
    present = jnp.ones(actions.shape, bool)
    low, high = settings.leader_bounds
    width = 0.01 * (high - low)
    step = STEPS[settings.order]

    def objective(rate):
        rest = lax.fori_loop(0, settings.iterations, lambda _, now: step(game, settings, now, present, present, rate), actions)
        after = step(game, settings, rest, present, present, rate)  # a two-cycle counts with both its points
        return sum(game.objective(utilities(game, now, present, rate), present) for now in (rest, after)) / 2

    rates = jnp.stack([jnp.maximum(rate - width, low), jnp.minimum(rate + width, high)])
    return jnp.stack([rates, jax.vmap(objective)(rates)])


def _nested(static: dict, start: Array, numbers: Array) -> Array:
    """τ after each leader update of a nested loop, whose followers make INNER_UPDATES steps before (or after) it."""
    game, settings = _game_and_settings(static, numbers)
    step = STEPS[settings.order]

    def follow(actions, rate, present, learning):
        return lax.fori_loop(0, INNER_UPDATES, lambda _, now: step(game, settings, now, present, learning, rate), actions)

    def outer(state, t):
        actions, rate = state
        learning = t >= settings.entry_time
        present = learning | (numbers[-1] == 1)  # frozen
        if static["loop"] == "inner first":
            actions = follow(actions, rate, present, learning)
        rate = jnp.clip(rate + settings.leader_lr * leader_gradient(game, actions, present, rate), *settings.leader_bounds)
        if static["loop"] == "leader first":
            actions = follow(actions, rate, present, learning)
        return (actions, rate), rate

    begin = (start[0], settings.leader_start)
    return lax.scan(outer, begin, jnp.arange(0, static["iterations"], 2))[1]


def simulate(runs: Iterable[Run], known: dict[Run, Trace]) -> None:
    """Add to `known` the traces of the runs that are not in it, in batches of one shape, two programs at a time."""
    shapes = defaultdict(list)
    for wanted in dict.fromkeys(runs):
        if wanted not in known:
            shapes[wanted.shape].append(wanted)

    def call(task):
        shape, part, size = task
        static = dict(zip(SHAPE, shape, strict=True))
        numbers = np.array([one.numbers for one in part] + [part[-1].numbers] * (size - len(part)), float)
        begin = starts(*(static[name] for name in ("start", "runs", "n_agents", "seed")))
        traces = jax.tree.map(np.asarray, _simulate(shape, numbers, begin))
        return {one: jax.tree.map(lambda values, k=k: values[k], traces) for k, one in enumerate(part)}

    first, rest = [], []
    for shape in sorted(shapes, key=str):
        asked, size = shapes[shape], _batch_size(shape, len(shapes[shape]))
        tasks = [(shape, asked[begin : begin + size], size) for begin in range(0, len(asked), size)]
        first.append(tasks[0])  # these compile
        rest += tasks[1:]
    with ThreadPoolExecutor(2) as pool:
        for tasks in (first, rest):
            for done in pool.map(call, tasks):
                known.update(done)


def _batch_size(shape: tuple, asked: int) -> int:
    """How many runs one call simulates: one of two sizes for each shape, so that there are at most two programs of it."""
    static = dict(zip(SHAPE, shape, strict=True))
    if static["start"] == "uniform":  # one after the other inside the program
        return 18
    few, many = (max(1, size // static["n_agents"]) for size in (FEW, 4 * MANY if static["loop"] in NESTED else MANY))
    return many if asked > many / 2 else few
