"""Orders by merging against sorts and against counting pairs: any values, ties, near ties, absent agents, any order to begin from."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import LATE_GROUPS, SHIFTS

from adage_repro import MarketEntrance, Settings, adage, leader_objective, memory, solve, solve_many, summary
from adage_repro.fairness import TIE
from adage_repro.orders import SORTED_FROM, _nearly_sorted, rising, surplus
from adage_repro.outlook import value_and_gradient
from adage_repro.parameters import place

N = 70  # above the number of agents up to which pairs are counted
CAP = (0.0, 0.1)
QUICK = settings(max_examples=40, deadline=None, derandomize=True)
rises, counts = jax.jit(rising), jax.jit(surplus)


@st.composite
def profiles(draw):
    """Returns with a slope each, who is present, and an order: apart, equal, closer than a tie, in chains of near ties, or one piece."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kinds = {
        "apart": lambda: rng.normal(size=N),
        "equal": lambda: rng.integers(-2, 3, N) / 3,
        "two groups": lambda: np.repeat(rng.normal(size=2), N // 2),
        "near ties": lambda: 1 + TIE * rng.choice([0.0, 0.3, 0.9, 1.1, 5.0], N),
        "chains": lambda: 1 + TIE * np.cumsum(rng.choice([0.0, 0.7, 1.3], N)),
        "rise and fall": lambda: (x := np.sort(rng.random(N))) * (0.7 - x),
    }
    returns = kinds[draw(st.sampled_from(sorted(kinds)))]()
    present = rng.random(N) < draw(st.sampled_from([0.0, 0.03, 0.5, 1.0]))
    order = draw(st.sampled_from([np.arange(N), np.arange(N)[::-1], rng.permutation(N), np.argsort(returns)]))
    return returns, rng.normal(size=N), present, order.astype(np.int32)


@partial(jax.jit, static_argnames="returns_shift")
def payoffs(returns, slopes, present, order, returns_shift):
    """U_L and its slope by one number and by each return, from the order and by sorting."""

    def both(order):
        along = value_and_gradient(lambda x: leader_objective(returns + x * slopes, present, returns_shift, order), jnp.zeros(()))
        return *along, jax.grad(lambda values: leader_objective(values, present, returns_shift, order))(returns)

    return both(order), both(None)


@QUICK
@given(profiles(), st.sampled_from(SHIFTS))
def test_merged_is_sorted(profile, returns_shift):
    """The plain way is the judge, in value and gradient."""
    for found, expected in zip(*payoffs(*profile, returns_shift), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@QUICK
@given(profiles())
def test_rising_and_surplus_by_counting(profile):
    returns, _, present, order = profile
    keys = np.where(present, returns, np.inf)
    places = np.asarray(rises(keys, order))
    assert sorted(places) == list(range(N))
    np.testing.assert_array_equal(keys[places], np.sort(keys))
    ordered, n, tie = np.sort(keys)[:N], int(present.sum()), TIE * np.abs(returns).max()
    below = ordered[:n, None] > ordered[None, :n]
    far = (ordered[:n, None] - tie > ordered[None, :n]) & below
    np.testing.assert_array_equal(np.asarray(counts(ordered, n, tie))[:n], far.sum(1) - far.sum(0))


def test_not_a_number_ends_the_merging():
    values = np.where(np.arange(N) % 7 == 3, np.nan, np.random.default_rng(0).random(N))
    places = np.asarray(rises(values, np.arange(N, dtype=np.int32)))
    np.testing.assert_array_equal(values[places], np.sort(values))


def test_many_values_are_sorted_whatever_a_sort_of_whole_numbers_cannot_tell_apart():
    """From an order that says nothing: spread out, absent and equal, alike, which are sorted at once; and what merging must mend, closer
    than the steps, of a range that no float holds, a far one, -∞ and NaN."""
    rng = np.random.default_rng(4)
    apart, alike = rng.normal(size=SORTED_FROM), np.ones(SORTED_FROM)
    absent = np.where(apart < -0.5, np.inf, rng.integers(0, 3, SORTED_FROM) / 2)
    at_once = (apart, absent, alike, np.inf * alike)
    wild = np.where(apart < -2, -np.inf, np.where(apart > 2, np.nan, apart))
    for values in (*at_once, alike + 1e-15 * apart, np.exp(60 * apart), 3e307 * apart, np.append(apart[1:], 1e300), wild):
        places = np.asarray(rises(values, rng.permutation(values.size).astype(np.int32)))
        np.testing.assert_array_equal(values[places], np.sort(values))
        np.testing.assert_array_equal(np.sort(places), np.arange(values.size))
    nearly = jax.jit(_nearly_sorted)
    assert not any(nearly(values)[1] for values in at_once) and nearly(3e307 * apart)[1]


def test_many_returns_are_weighed_as_by_sorting():
    """Value and gradient, where G2 is absent and where all are present, from an order that turns often."""
    rng = np.random.default_rng(5)
    returns, slopes, order = *rng.normal(size=(2, SORTED_FROM)), rng.permutation(SORTED_FROM).astype(np.int32)
    for present in (np.arange(SORTED_FROM) % 2 == 0, np.ones(SORTED_FROM, bool)):
        for found, expected in zip(*payoffs(returns, slopes, present, order, SHIFTS[0]), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def test_a_batch_is_each_of_its_own():
    keys = np.random.default_rng(1).random((3, N)) < 0.5
    orders = np.stack([np.random.default_rng(k).permutation(N) for k in range(3)]).astype(np.int32)
    for found, own, order in zip(jax.vmap(rising)(keys * 1.0, orders), keys, orders, strict=True):
        np.testing.assert_array_equal(found, rises(own * 1.0, order))


def test_runs_in_turn_are_runs_at_once():
    """With the order kept and without, one run after another and as one batch; G2 enters, others keep out; the last row by rows too."""
    starts = np.stack([np.zeros(N), np.random.default_rng(2).random(N), np.random.default_rng(3).integers(0, 3, N) / 2])
    for shift, late_group in itertools.product(SHIFTS, LATE_GROUPS):
        game = MarketEntrance(N, 0.4, 0.1, returns_shift=place("returns_shift", shift))  # one program for all
        choices = {"late_group": place("late_group", late_group), "entry_time": np.where(np.arange(N) % 3, 0, 13), "leader_bounds": CAP}
        given = Settings(30, 0.004, 2e-4, leader_every=3, **choices)
        checked = adage._checked(game, given, starts, None)
        merged, plain = (adage._solve(*checked, None, None, in_turn, None) for in_turn in (True, False))
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-10), merged, plain)
        assert np.ptp(merged.leader_action) > 0
        last = solve(game, given, starts, rows=[30])
        jax.tree.map(lambda last, all: np.testing.assert_array_equal(last[:, 0], all[:, -1]), last, merged)


def test_what_summary_keeps():
    game, entry_time = MarketEntrance(7, 0.6), np.array([0, 0, 0, 5, 5, 5, 5])
    given, start = Settings(20, 0.01, 0.04, entry_time=entry_time, leader_bounds=CAP), np.linspace(0.2, 0.8, 7)
    whole, kept = solve(game, given, start), solve(game, given, start, keep=summary)
    entered = np.asarray(whole.actions * whole.present)
    expected = {"g1": entered[:, :3].mean(1), "g2": entered[:, 3:].mean(1), "lowest": entered.min(1), "highest": entered.max(1)}
    expected |= {"leader_action": whole.leader_action, "objective": whole.objective}
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(kept, name), values, rtol=1e-13, atol=1e-15, err_msg=name)
    np.testing.assert_allclose(kept.gap, expected["g1"] - expected["g2"], atol=1e-15)


def test_what_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 100_000)
    game, start, run = MarketEntrance(50, 0.6), np.zeros(50), Settings(200, 0.01)
    for refused in (lambda: solve(game, run, start), lambda: solve_many([(game, run, start)] * 2)):
        with pytest.raises(ValueError, match=r"^this run would keep 0\.0 GB, but 0\.0 GB .* every \d+th row with rows=range\(0, 201, \d\)"):
            refused()
    assert len(solve(game, run, start, rows=range(0, 201, 4)).actions) == 51
    assert solve(game, run, start, keep=summary).g1.shape == (201,)
    monkeypatch.setattr(memory, "available", lambda: None)
    assert solve(game, run, start).actions.shape == (201, 50)
