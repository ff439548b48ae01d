"""The runs that claims ask for, by name: a claim with a parameter `late` gets what `late` asks for in its setup."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from adage_repro.claims.outcomes import Held, Outcome, Trace
from adage_repro.claims.runs import Known, Run, simulation
from adage_repro.claims.setup import Setup
from adage_repro.claims.traces import Answers, Constant, Nested
from adage_repro.history import History
from adage_repro.market import largest_stable_lr

CAPACITIES = (0.2, 0.4, 0.6, 0.8, 1.0)
FOLLOWER_LRS = (0.0005, 0.001, 0.005, 0.01, 0.05)
LEADER_LRS = (1e-5, 1e-4, 1e-3, 0.004, 0.01, 0.04, 0.4)
CONSTANTS = Constant(rates=101)  # in 0 … tax_max, the constant rates that the learnt one is held against
HIGH_TAX = 5.0  # fifty times the paper's bound; the list's own must-fail bound
ANSWERING_LRS = (0.0001, 0.001, 0.01)  # α_F at which an ε-equilibrium's ε is measured


class Asked(NamedTuple):
    """A run, and the setup that asks for it: runs of several setups may be the same."""

    setup: Setup
    run: Run


Fixture = Callable[[Setup], Asked | dict[object, Asked]]


def capacities(setup: Setup) -> tuple[float, ...]:
    """c = 0.2 … 1, those with room for one agent at least."""
    return tuple(c for c in CAPACITIES if c * setup.n_agents >= 1)


def _one(late: bool = False, leader: bool = False, **more: object) -> Fixture:
    """One run of a setup, see `simulation`."""
    return lambda setup: Asked(setup, simulation(setup, late, leader, **more))


def _with(fixture: Fixture, **values: Callable[[Setup], object]) -> Fixture:
    """What a fixture asks for where the setup has other values."""
    return lambda setup: fixture(replace(setup, **{name: value(setup) for name, value in values.items()}))


def _by(name: str, values: Callable[[Setup], Iterable[object]], fixture: Fixture) -> Fixture:
    """What a fixture asks for at several values of a parameter, keyed by the value."""
    return lambda setup: {value: fixture(replace(setup, **{name: value})) for value in values(setup)}


_to_i, _uniform = ({"length": "I"}, {"length": "I", "start": "uniform"})  # such runs leave row I, and gap, τ and taxes of all rows
FIXTURES: dict[str, Fixture] = {
    # from zeros, for 400 N iterations
    "free": _one(),  # no leader, all from the start
    "late": _one(late=True),  # no leader, G2 late
    "taxed": _one(late=True, leader=True),  # the leader learns, G2 late
    "answers": _one(late=True, leader=True, how=Answers()),  # what followers answer to rates about the last one of `taxed`
    "taxed_g1_late": _one(late=True, leader=True, g1_late=True),  # the entry times of the groups exchanged
    "free_and_stable": _with(_one(), follower_lr=lambda setup: 0.5 * largest_stable_lr(setup.game, setup.order)),
    "free_by_agents": _by("n_agents", lambda setup: setup.agent_counts, _one()),
    "late_by_agents": _by("n_agents", lambda setup: setup.agent_counts, _one(late=True)),
    "taxed_by_lr": _by("follower_lr", lambda _: ANSWERING_LRS, _one(late=True, leader=True)),
    "taxed_by_agents": _by("n_agents", lambda setup: setup.agent_counts, _one(late=True, leader=True)),
    "free_by_lr": _by("follower_lr", lambda setup: sorted({*FOLLOWER_LRS, setup.follower_lr}), _one()),
    # from zeros, to row I
    "free_by_capacity": _by("capacity", capacities, _one(**_to_i)),
    "late_by_capacity": _by("capacity", lambda setup: capacities(setup)[:-1], _one(late=True, **_to_i)),
    "taxed_by_capacity": _by("capacity", lambda setup: capacities(setup)[:-1], _one(late=True, leader=True, **_to_i)),
    "taxed_to_i": _one(late=True, leader=True, **_to_i),
    "taxed_slowly": _with(_one(late=True, leader=True, **_to_i), leader_lr=lambda setup: setup.follower_lr / 10),
    "taxed_by_leader_lr": _by("leader_lr", lambda _: LEADER_LRS, _one(late=True, leader=True, **_to_i)),
    "taxed_about_leader_lr": _by(
        "leader_lr", lambda setup: [share * setup.leader_lr for share in (0.5, 1.0, 2.0)], _one(late=True, leader=True, **_to_i)
    ),
    # at constant rates, all from zeros
    "constant": _one(late=True, how=CONSTANTS, **_to_i),
    "constant_for_long": _one(late=True, how=CONSTANTS),
    "constant_to_high": _with(_one(late=True, how=CONSTANTS, **_to_i), tax_max=lambda _: HIGH_TAX),
    # from uniform starts, to row I
    "free_uniform": _one(**_uniform),
    "late_uniform": _one(late=True, **_uniform),
    "taxed_uniform": _one(late=True, leader=True, **_uniform),
    "taxed_g1_late_uniform": _one(late=True, leader=True, g1_late=True, **_uniform),
    "late_uniform_by_capacity": _by("capacity", lambda setup: capacities(setup)[:-1], _one(late=True, **_uniform)),
    # τ after each update of the leader in a nested loop, whose followers move first
    "nested": _one(late=True, leader=True, how=Nested(leader_first=False)),
    "nested_leader_first": _one(late=True, leader=True, how=Nested(leader_first=True)),
    "nested_slowly": _with(_one(late=True, leader=True, how=Nested(leader_first=False)), leader_lr=lambda setup: setup.follower_lr / 10),
}


def runs_of(asked: Asked | Mapping[object, Asked]) -> list[Run]:
    """The runs in what a fixture asks for."""
    return [asked.run] if isinstance(asked, Asked) else [one.run for one in asked.values()]


def seen(asked: Asked | Mapping[object, Asked], known: Known, both: bool = False) -> Outcome | Held | np.ndarray | dict[object, Outcome]:
    """What those runs left, with both of the rows where a run swings if asked for; τ after each update of a nested loop."""
    if not isinstance(asked, Asked):
        return {value: seen(one, known, both) for value, one in asked.items()}
    left = known[asked.run]
    if isinstance(left, Trace):
        return Outcome(asked.setup, left, both)
    return Held(asked.setup, left, both) if isinstance(left, History) else left
