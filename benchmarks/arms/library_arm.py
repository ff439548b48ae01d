"""This library, as its README shows it."""

import jax
from jobs import CAPACITY, LEADER_EVERY, LEADER_LR, OUTSIDE_PAYOFF, TAX_MAX

from adage_repro import MarketEntrance, Settings, solve


def summaries(game, row):
    """What `summaries` keeps of a row."""
    half = game.n_agents // 2
    kept = {"g1": row.actions[:half].mean(), "g2": row.actions[half:].mean(), "lowest": row.actions.min(), "highest": row.actions.max()}
    return kept | {"leader_action": row.leader_action} | ({} if row.objective is None else {"objective": row.objective})


def prepare(job):
    """The job as a function without arguments."""
    game = MarketEntrance(job.n_agents, CAPACITY, OUTSIDE_PAYOFF)
    settings = Settings(
        job.iterations,
        job.follower_lr,
        LEADER_LR if job.leader else None,
        LEADER_EVERY,
        order=job.order,
        entry_time=job.entry_time(),
        leader_bounds=(0.0, TAX_MAX),
    )
    start, keep = job.start(), {"full": None, "summaries": summaries}[job.kept]
    return lambda: jax.block_until_ready(solve(game, settings, start, keep=keep))


def as_arrays(result):
    """What the run gave, by the names of the other arms."""
    named = result if isinstance(result, dict) else vars(result)
    return {name: values for name, values in named.items() if values is not None}
