"""The Gini coefficient and the leader's objective (Eq. 6) against their definition, and the sum whose order is fixed."""

import math
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import reference
from reference import SHIFTS

from adage_repro import MarketEntrance, fairness, gini, leader_gradient, leader_objective, utilities
from adage_repro.sums import total

N = 12  # agents in every case, so that each function compiles once
RNG = np.random.default_rng(0)
EVERYBODY = np.ones(N, bool)
UNTIED = {  # returns and who is present
    "positive": (RNG.uniform(1, 2, N), EVERYBODY),
    "some negative": (RNG.uniform(-1, 2, N), EVERYBODY),
    "all negative": (RNG.uniform(-2, -1, N), EVERYBODY),
    "absent": (RNG.uniform(-1, 2, N), np.arange(N) % 3 > 0),
    "two present": (RNG.uniform(1, 2, N), np.arange(N) > 9),
}
TIED = {
    "ties": (RNG.integers(1, 5, N) / 3, EVERYBODY),
    "ties, negative and zero": (RNG.integers(-2, 3, N) / 3 + 0.2, EVERYBODY),
    "absent are extreme": (np.r_[-9.0, RNG.integers(1, 5, 10) / 7, 9.0], np.r_[False, np.ones(10, bool), False]),
    "absent are tied": (np.repeat([1.0, 2.0, 3.0], 4), np.arange(N) % 4 > 1),
}
NOTHING_TO_SHARE = {  # no inequality
    "all zero": (np.zeros(N), EVERYBODY),
    "all equal": (np.full(N, 0.1), EVERYBODY),
    "all equal, negative": (np.full(N, -1 / 3), EVERYBODY),
    "nobody present": (np.arange(N) - 4.0, ~EVERYBODY),
    "one present": (np.arange(N) - 4.0, np.arange(N) == 1),
    "as good as zero": (np.r_[np.zeros(N - 1), 1e-251], EVERYBODY),
    "those present zero": (np.where(np.arange(N) < 4, 0.0, -1.5), np.arange(N) < 4),
}


def by_definition(returns, present, returns_shift):
    """ΣΣ|R_i - R_j| / (2 n² R̄) of the shifted returns of those present."""
    returns = returns[present]
    if returns_shift == "always" or (returns_shift == "negative" and returns.min() < 0):
        returns = returns - returns.min()
    return np.abs(returns[:, None] - returns).sum() / (2 * returns.size**2 * returns.mean())


@cache
def compiled(way, returns_shift):
    """Values and gradients of both functions, pairs counted in one way whatever the number of agents."""

    def evaluate(returns, present):
        return {f.__name__: jax.value_and_grad(f)(returns, present, returns_shift) for f in (gini, leader_objective)}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fairness, "PAIRWISE_UP_TO", {"pairwise": 10**6, "sorted": 0}[way])
        return jax.jit(evaluate).lower(*UNTIED["positive"]).compile()


@pytest.fixture(params=SHIFTS)
def returns_shift(request):
    return request.param


@pytest.fixture(params=["pairwise", "sorted"])
def evaluate(request, returns_shift):
    return compiled(request.param, returns_shift)


@pytest.mark.parametrize("returns_shift", SHIFTS)
@pytest.mark.parametrize("n_agents", [fairness.IN_TURN_UP_TO, fairness.PAIRWISE_UP_TO, fairness.PAIRWISE_UP_TO + 1])
def test_those_absent_do_not_count(n_agents, returns_shift):
    """By each of the ways to weigh returns, and of whatever size: numbers and gradients are those without them."""
    rng = np.random.default_rng(n_agents)
    returns, present = rng.uniform(-1, 2, n_agents), rng.random(n_agents) < 0.6
    both = jax.jit(lambda *given: [jax.value_and_grad(function)(*given, returns_shift) for function in (gini, leader_objective)])
    for scale in (1.0, 1e-14):
        whole, part = jax.device_get([both(scale * returns, present), both(scale * returns[present], None)])
        for (found, slope), (expected, expected_slope) in zip(whole, part, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)
            np.testing.assert_allclose(slope[present], expected_slope, rtol=1e-9, atol=1e-12)
            assert not slope[~present].any()


@pytest.mark.parametrize("case", [*UNTIED, *TIED])
def test_value_is_the_definition(evaluate, returns_shift, case):
    returns, present = (UNTIED | TIED)[case]
    expected = by_definition(returns, present, returns_shift)
    found = evaluate(returns, present)
    np.testing.assert_allclose(found["gini"][0], expected, rtol=1e-12)
    np.testing.assert_allclose(found["leader_objective"][0], -(present.sum() ** 2) * expected, rtol=1e-12)


@pytest.mark.parametrize("case", UNTIED)
def test_gradient_is_the_finite_difference(evaluate, case):
    returns, present = UNTIED[case]
    found = evaluate(returns, present)
    shifted = [[jax.device_get(evaluate(returns + step, present)) for step in sign * 1e-6 * np.eye(N)] for sign in (1, -1)]
    for name, (value, gradient) in found.items():
        above, below = (np.array([one[name][0] for one in each]) for each in shifted)
        np.testing.assert_allclose(gradient, (above - below) / 2e-6, rtol=1e-6, atol=1e-7 * abs(value))
        assert not np.any(gradient[~present])


@pytest.mark.parametrize("case", [*UNTIED, *TIED, *NOTHING_TO_SHARE])
def test_pairwise_and_sorted_agree(returns_shift, case):
    given = (UNTIED | TIED | NOTHING_TO_SHARE)[case]
    one, other = compiled("pairwise", returns_shift)(*given), compiled("sorted", returns_shift)(*given)
    for name in one:
        np.testing.assert_allclose(one[name][0], other[name][0], atol=1e-10)
        np.testing.assert_allclose(one[name][1], other[name][1], atol=1e-10)


@pytest.mark.parametrize("case", NOTHING_TO_SHARE)
def test_nothing_to_share(evaluate, case):
    for value, gradient in evaluate(*NOTHING_TO_SHARE[case]).values():
        assert value == 0
        np.testing.assert_array_equal(gradient, np.zeros(N))


def test_returns_that_cancel():
    """Without a shift R̄ can be 0 though returns differ: 0, not infinity."""
    for value, gradient in compiled("pairwise", "none")(np.repeat([-1.0, 0.0, 1.0], 4), EVERYBODY).values():
        assert value == 0 and not np.any(gradient)


def test_rounding_makes_nobody_richer(evaluate):
    """Returns that differ by rounding are equal, whatever is taken from them first."""
    for returns in (0.7 + 1e-16 * np.arange(N), 1e5 + 1e-11 * np.arange(N)):
        for value, gradient in evaluate(returns, EVERYBODY).values():
            assert value == 0 and not np.any(gradient)


def test_a_tie_counts_as_equal(evaluate, returns_shift):
    """|x| has gradient 0 at 0: the tied push by #lower - #higher, like one return in the middle."""
    returns = np.r_[np.zeros(3), np.full(6, 2.0), np.full(3, 5.0)]
    weights = np.r_[np.full(3, -9.0), np.zeros(6), np.full(3, 9.0)]
    value, gradient = evaluate(returns, EVERYBODY)["leader_objective"]
    np.testing.assert_allclose(value, -N * 135 / 27, rtol=1e-12)
    if returns_shift != "always":  # the shift's own gradient, shared by the three poorest, comes on top there
        np.testing.assert_allclose(gradient, -N * (weights / 27 - 135 / 27**2), rtol=1e-12)
    assert np.all(gradient[3:9] == gradient[3])


@pytest.mark.parametrize("n, k", [(2, 1), (N, 7), (N, N), (64, 5), (65, 5)])
def test_k_equal_returns_among_zeros(n, k):
    returns = np.random.default_rng(n).permutation(np.r_[np.full(k, 0.3), np.zeros(n - k)])
    np.testing.assert_allclose(jax.jit(gini)(returns), (n - k) / n, atol=1e-14)


def test_ties_do_not_chain():
    """Two returns are equal if they are close, not if others lie between them: with many agents as with few."""
    for steps in ([0.0, 0.6, 1.2], [0.0, 0.6, 1.2, 1.8, 3.5]):
        returns = np.r_[np.full(N - len(steps), 0.5), 1 + np.array(steps) * fairness.TIE]
        exact = np.sign(np.where(abs(d := returns[:, None] - returns) > fairness.TIE, d, 0)).sum(1)
        for way in ("pairwise", "sorted"):
            value, gradient = compiled(way, "none")(returns, EVERYBODY)["leader_objective"]
            np.testing.assert_allclose(gradient + value / returns.sum(), -N * exact / returns.sum(), rtol=0, atol=1e-9)
    crowd = np.linspace(1, 1 + 200 * fairness.TIE, 300)
    assert gini(crowd) == pytest.approx(np.abs(crowd[:, None] - crowd).sum() / (2 * 300**2), rel=1e-2)


def test_invariances(evaluate, returns_shift):
    returns, present = TIED["ties"]

    def of(returns):
        return float(evaluate(returns, present)["gini"][0])

    assert of(returns) > 0.05
    for same in (7.3 * returns, returns[::-1], np.roll(returns, 5)):
        np.testing.assert_allclose(of(same), of(returns), rtol=1e-12)
    np.testing.assert_allclose(of(np.repeat(returns[:6], 2)), by_definition(returns[:6], present[:6], returns_shift), rtol=1e-12)
    if returns_shift == "always":
        for distance in (-5, 0.25, 100):
            np.testing.assert_allclose(of(returns + distance), of(returns), rtol=1e-11)
    else:
        assert of(returns + 1) < of(returns) < of(returns - returns.min())  # equally spread, a richer society is fairer


def test_leader_gradient_is_the_finite_difference(returns_shift):
    """By τ through the market's returns, the shift's minimum differentiated too; finite at the kinks."""
    game, present = MarketEntrance(8, 0.45, 0.4, returns_shift=returns_shift), np.arange(8) != 2
    market, members, lowest = reference.Market(8, 0.45, 0.4, returns_shift=returns_shift), np.flatnonzero(present), []
    gradient_of, draws = jax.jit(leader_gradient), np.random.default_rng(3).uniform(size=(8, 8))
    for actions in [*(0.4 * draws[:4]), *(0.3 + 0.7 * draws[4:])]:
        above, below = (market.leader(actions, members, tax_rate)[0] for tax_rate in (0.05 + 1e-6, 0.05 - 1e-6))
        np.testing.assert_allclose(gradient_of(game, actions, present, 0.05), (above - below) / 2e-6, rtol=1e-6)
        assert abs(above - below) > 1e-8
        lowest.append(min(market.utility(i, actions, members, 0.05) for i in members))
    assert min(lowest) < 0 < max(lowest)
    for action in (0.0, 0.3, 1.0):
        assert gradient_of(game, np.full(8, action), present, 0.05) == 0


def test_refuses_an_unknown_shift():
    for function in (gini, leader_objective):
        with pytest.raises(ValueError, match=r"^returns_shift must be one of negative, always, none, got 'sometimes'$"):
            function(np.ones(N), returns_shift="sometimes")


SHAPES = "returns and present must have one shape (N,), got"
NO_RETURNS = [
    (np.ones((2, 2)), None, f"{SHAPES} (2, 2) and (2, 2)"),
    (np.zeros(0), None, f"{SHAPES} (0,) and (0,)"),
    (1.0, None, f"{SHAPES} () and ()"),
    (np.ones(3), np.ones(2, bool), f"{SHAPES} (3,) and (2,)"),
    (np.array([1.0, np.nan]), None, "returns must lie in [-1e+300, 1e+300], got nan"),
    (np.array([1.0, -2e300]), None, "returns must lie in [-1e+300, 1e+300], got -2e+300"),
]


@pytest.mark.parametrize("returns, present, line", NO_RETURNS)
def test_refuses_what_are_no_returns(returns, present, line):
    for function in (gini, leader_objective):
        with pytest.raises(ValueError) as refused:
            function(returns, present)
        assert str(refused.value) == line


def test_total_adds_each_value_once():
    rng = np.random.default_rng(1)
    whole = [rng.integers(-(2**40), 2**40, size).astype(float) for size in range(1, 41)]  # exact in any order
    wide = [rng.normal(size=size) * 10.0 ** rng.integers(-3, 4, size) for size in range(1, 41)]
    totals = jax.jit(lambda lists: [total(values) for values in lists])
    assert [float(found) for found in totals(whole)] == [math.fsum(values) for values in whole]
    for found, values in zip(totals(wide), wide, strict=True):
        assert abs(float(found) - math.fsum(values)) <= 1e-15 * np.abs(values).sum()


EVERY_SUM = {
    "total": total,
    "objective": jax.value_and_grad(leader_objective),
    "leader, whose poorest are many": lambda actions: leader_gradient(
        MarketEntrance(1000, 0.2, 0.0), jnp.round(actions), actions > 0.3, 0.05
    ),
    "utilities": lambda actions: utilities(MarketEntrance(actions.size, 0.6), actions, actions > 0, 0.05),
}


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_what_is_a_tie_grows_with_the_returns(scale):
    """The largest return times 1e-12: within it two returns weigh the same, beyond it they do not."""
    slope = jax.grad(leader_objective)
    within, beyond = (slope(scale * jnp.array([1.0, 1.0 + apart, 2.0])) for apart in (1e-13, 1e-9))
    assert within[0] == within[1] and beyond[0] > beyond[1] + 0.1 / scale


def test_the_poorest_share_the_slope_of_the_shift():
    """Two agents with one negative return: what the shift moves is as if it followed each of them by half."""
    slope = jax.grad(gini)(jnp.array([-1.0, -1.0, 2.0, 5.0]))
    at = [gini(jnp.array([-1.0 + step, -1.0 + step, 2.0, 5.0])) for step in (-1e-6, 1e-6)]
    np.testing.assert_allclose(slope[0] + slope[1], (at[1] - at[0]) / 2e-6, rtol=1e-6)
    assert slope[0] == slope[1]


@pytest.mark.parametrize("function", EVERY_SUM.values(), ids=EVERY_SUM)
def test_batches_do_not_change_a_bit(function):
    """At N = 1000, where `jnp.sum` adds in another order in a batch of 7."""
    values = np.random.default_rng(2).uniform(size=(7, 1000))
    compiled = jax.jit(function)
    alone = [compiled(row) for row in values]
    for runs in (1, 7):
        found = jax.jit(jax.vmap(function))(values[:runs])
        jax.tree.map(np.testing.assert_array_equal, found, jax.tree.map(lambda *rows: np.stack(rows), *alone[:runs]))
