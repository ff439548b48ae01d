"""Properties of a run over the whole space of parameters, numbers drawn by hypothesis; HYPOTHESIS_PROFILE=long draws many more.

Sizes and orders are few, since each compiles a program; readings are places, and numbers change freely.
"""

import os
from dataclasses import replace

import jax
import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from adage_repro import MarketEntrance, Settings, gini, solve, untaxed_path
from adage_repro.experiments import entry_times, starts
from adage_repro.parameters import PARAMETERS, place

settings.register_profile("suite", max_examples=25, derandomize=True, deadline=None, database=None)
settings.register_profile("long", max_examples=2000, deadline=None, database=None, print_blob=True)
settings.register_profile("mutants", settings.get_profile("suite"), max_examples=10, phases=[Phase.generate])  # any failure will do
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

ITERATIONS, RUNS = 12, 3
CASES = [(2, "simultaneous"), (5, "alternating"), (20, "simultaneous"), (70, "simultaneous")]  # each way in which returns are ordered
SIMULTANEOUS = [n_agents for n_agents, order in CASES if order == "simultaneous"]
gini_of_rows = jax.jit(jax.vmap(gini, in_axes=(0, 0, None)))


def within(name, **context):
    """Numbers in the range of a parameter, its ends among them."""
    low, high = (eval(end, {}, context) for end in PARAMETERS[name].allowed[1:-1].split(", "))
    return st.floats(low, high, exclude_max=PARAMETERS[name].allowed.endswith(")"))


def word(name):
    return st.sampled_from(PARAMETERS[name].words)


@st.composite
def situations(draw, n_agents, order="simultaneous", leader=True):
    """A game, settings, and as starts zeros, numbers of which some are equal, and numbers that all differ."""
    readings = {name: place(name, draw(word(name))) for name in ("crowd", "tax_units", "returns_shift")}
    game = MarketEntrance(n_agents, draw(within("capacity", n_agents=n_agents)), draw(within("outside_payoff")), **readings)
    learning = Settings(
        ITERATIONS,
        draw(within("follower_lr")),
        draw(within("leader_lr")) if leader else None,
        order=order,
        late_group=place("late_group", draw(word("late_group"))),
        entry_time=np.array(draw(st.lists(st.integers(0, ITERATIONS + 1), min_size=n_agents, max_size=n_agents))),
        leader_bounds=(0.0, draw(within("tax_max"))),
    )
    few = draw(st.lists(st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 1.0]), min_size=n_agents, max_size=n_agents))
    return game, learning, np.stack([np.zeros(n_agents), few, np.random.default_rng(draw(st.integers(0, 2**32))).uniform(size=n_agents)])


def run(game, learning, start):
    return jax.tree.map(np.asarray, solve(game, learning, start))


@pytest.mark.parametrize("n_agents, order", CASES)
@given(data=st.data())
def test_a_run_stays_in_its_bounds_and_is_one_of_a_batch(n_agents, order, data):
    """Attendance in [0, 1], the tax in its box, fairness in [0, 1] where it is one, nothing NaN, and each run bit for bit as if alone."""
    game, learning, batch = data.draw(situations(n_agents, order))
    history = run(game, learning, batch)
    assert all(np.isfinite(values).all() for values in jax.tree.leaves(history))
    assert history.actions.min() >= 0 and history.actions.max() <= 1
    assert history.leader_action.min() >= 0 and history.leader_action.max() <= learning.leader_bounds[1]
    for one, start in enumerate(batch):
        alone = run(game, learning, start)
        jax.tree.map(np.testing.assert_array_equal, alone, jax.tree.map(lambda values, one=one: values[one], history))
        unequal = np.asarray(gini_of_rows(alone.utilities, alone.present, game.returns_shift))
        np.testing.assert_allclose(alone.objective, -(alone.present.sum(1) ** 2) * unequal, rtol=1e-9, atol=1e-12)
        if game.returns_shift.words[game.returns_shift.index] != "none":
            assert unequal.min() >= 0 and unequal.max() < 1


@pytest.mark.parametrize("n_agents, order", CASES)
@given(data=st.data())
def test_agents_wait_for_their_entry_and_the_leader_for_its_turn(n_agents, order, data):
    game, learning, (*_, start) = data.draw(situations(n_agents, order))
    history, rows = run(game, learning, start), np.arange(ITERATIONS + 1)
    waits = rows[:, None] <= learning.entry_time
    frozen = learning.late_group.words[learning.late_group.index] == "frozen"
    np.testing.assert_array_equal(history.actions[waits], np.broadcast_to(start, waits.shape)[waits])
    np.testing.assert_array_equal(history.present, (np.maximum(rows - 1, 0)[:, None] >= learning.entry_time) | frozen)
    assert not np.any(history.utilities[~history.present])
    assert history.leader_action[0] == 0 and not np.any(np.diff(history.leader_action)[1::2])


@pytest.mark.parametrize("n_agents", SIMULTANEOUS)
@given(data=st.data())
def test_permuted_agents_give_the_permuted_run(n_agents, data):
    """Agents and their entry times change places. At the kink of the tax rounding decides, so that the runs keep away from it."""
    game, learning, (*_, start) = data.draw(situations(n_agents))
    history = run(game, learning, start)
    means = (history.actions * history.present).sum(1, keepdims=True) / np.maximum(history.present.sum(1, keepdims=True), 1)
    apart = np.abs(history.actions - means)[history.present & (history.actions != means)]
    assume(not apart.size or apart.min() > 1e-7)
    order = np.array(data.draw(st.permutations(range(n_agents))))
    moved = run(game, replace(learning, entry_time=learning.entry_time[order]), start[order])
    for name in ("actions", "present", "utilities"):
        np.testing.assert_allclose(getattr(moved, name), getattr(history, name)[:, order], rtol=1e-7, atol=1e-7, err_msg=name)
    np.testing.assert_allclose(moved.leader_action, history.leader_action, rtol=1e-7, atol=1e-7)


@given(data=st.data())
def test_untaxed_path_is_the_run_or_says_that_it_is_none(data):
    """It is one wherever no strategy reaches a bound, unless a single learner whose crowd excludes it has no rest point."""
    game, learning, (*_, start) = data.draw(situations(5, leader=False))
    crowd, late_group = (choice.words[choice.index] for choice in (game.crowd, learning.late_group))
    rates = learning.follower_lr, start, ITERATIONS, learning.entry_time, late_group
    path, found = untaxed_path(replace(game, crowd=crowd), *rates), run(game, learning, start).actions
    learners = {int((learning.entry_time <= t).sum()) for t in range(ITERATIONS)}
    inside = found.min() > 1e-9 and found.max() < 1 - 1e-9 and not (crowd == "excluded" and 1 in learners)
    assert path is not None or not inside
    if path is not None:
        np.testing.assert_allclose(path, found, rtol=0, atol=1e-9)


@given(st.integers(2, 10**4), st.integers(1, 10**8), within("late_entry_share"))
def test_the_late_group_enters_while_the_run_lasts(n_agents, iterations, share):
    entry = entry_times(n_agents, iterations, share)
    assert not np.any(entry[: n_agents // 2]) and len({*entry[n_agents // 2 :].tolist()}) == 1
    assert 0 <= entry[-1] < iterations and entry[-1] == pytest.approx(share * iterations, abs=1 + 1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_starts_are_of_their_seed(seed, other):
    drawn = np.asarray(starts("uniform", RUNS, 5, seed))
    assert drawn.shape == (RUNS, 5) and drawn.min() >= 0 and drawn.max() < 1 and np.unique(drawn).size == drawn.size
    assert np.array_equal(drawn, starts("uniform", RUNS, 5, other)) == (seed == other)
    assert not starts("zeros", RUNS, 5, seed).any()
