"""This library, as its README shows it."""

import jax
from jobs import CAPACITY, LEADER_EVERY, LEADER_LR, OUTSIDE_PAYOFF, TAX_MAX

from adage_repro import MarketEntrance, Settings, solve, summary


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
    start, keep = job.start(), {"full": None, "summaries": summary}[job.kept]
    return lambda: jax.block_until_ready(solve(game, settings, start, keep=keep))


def as_arrays(result):
    """What the run gave, by the names of the other arms."""
    named = result._asdict() if isinstance(result, tuple) else vars(result)
    return {name: values for name, values in named.items() if values is not None}
