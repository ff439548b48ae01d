"""Starts, entry times and measurements; and what the solver must bear from its users."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from adage_repro import MarketEntrance, Settings, gini, leader_gradient, leader_objective, measures, model, solve, untaxed_path, utilities
from adage_repro.experiments import entry_times, starts
from adage_repro.gradients import leader_update_on_grid, sign_changes

GAME = MarketEntrance(10, 0.6)
LATE = Settings(40, 0.01, 0.04, entry_time=entry_times(10, 40, 0.5), leader_bounds=(0.0, 0.1))


def test_starts_depend_on_the_run_alone():
    few, many = starts("uniform", 3, 10, 7), starts("uniform", 100, 10, 7)
    assert np.array_equal(starts("uniform", 100, 10, 7), many) and not np.array_equal(starts("uniform", 100, 10, 8), many)
    assert few.shape == (3, 10) and many.min() >= 0 and many.max() < 1 and len(np.unique(many)) == 1000
    assert np.array_equal(starts("zeros", 2, 10, 0), np.zeros((2, 10)))


def test_groups_and_entry_times():
    assert measures.in_g2(5).tolist() == [False, False, True, True, True]
    assert entry_times(4, 100, 0.29).tolist() == [0, 0, 29, 29]  # 0.29 * 100 is a little less than 29 in floating point
    assert entry_times(4, 100, 0.999999999).tolist() == [0, 0, 99, 99]  # G2 enters before the end


def test_measurements():
    history = jax.device_get(solve(GAME, LATE, starts("uniform", 4, 10, 0)))
    entered = np.where(history.present, history.actions, 0.0)
    assert np.array_equal(measures.attendance(history), entered) and np.all(entered[:, 20, 5:] == 0) and np.all(entered[:, 21, 5:] > 0)
    np.testing.assert_allclose(measures.gap(history), entered[..., :5].mean(-1) - entered[..., 5:].mean(-1), rtol=0, atol=1e-15)
    returns, present, gini_of = np.asarray(history.utilities), np.asarray(history.present), jax.jit(gini)
    fair = [[1 - gini_of(u[p]) for u, p in zip(*rows, strict=True)] for rows in zip(returns, present, strict=True)]
    np.testing.assert_allclose(measures.fairness(GAME, history), fair, rtol=0, atol=1e-12)
    mean = entered.sum(-1, keepdims=True) / present.sum(-1, keepdims=True)
    tax = entered * history.leader_action[..., None] * np.maximum(10 * (entered - mean), 0)
    np.testing.assert_allclose(measures.tax_paid(GAME, history), tax, rtol=0, atol=1e-12)
    numbers = measures.paired(jnp.array([0.1, 0.2, -0.1, 0.4]))
    assert (
        numbers["positive"] == 0.75 and numbers["mean"] == pytest.approx(0.15) and numbers["high"] == pytest.approx(0.15 + 0.98 * 0.2081666)
    )
    assert [measures.rows_until(np.array(values), 2) for values in ([2, 1, 2, 3], [3, 2], [1, 1])] == [3, 1, 3]
    assert sign_changes(np.array([1.0, 0, -1, 1e-15, -2, 3])) == 2


def test_rounding_does_not_order_equal_returns():
    """Where the market is exactly full every return is v: no inequality and no gradient, compiled or not."""
    gradients = leader_gradient, jax.jit(leader_gradient)
    for first, second in ((0.2, 1.0), (0.7, 0.5), (0.9, 0.3), (1.0, 0.2)):
        actions, present = jnp.where(measures.in_g2(10), second, first), jnp.ones(10, bool)
        for gradient in gradients:
            assert gradient(GAME, actions, present, 0.0) == 0
        assert gini(utilities(GAME, actions, present, 0.0)) == 0
        assert leader_update_on_grid(GAME, jnp.array([first]), jnp.array([second]))[1] == 0


def test_solve_inside_jit_vmap_and_grad():
    def end(capacity):
        return solve(MarketEntrance(10, capacity), Settings(20, 0.001), jnp.zeros(10)).actions[-1].mean()

    step = 1e-6
    difference = (end(0.6 + step) - end(0.6 - step)) / (2 * step)
    assert float(jax.jit(end)(0.6)) == pytest.approx(float(end(0.6)), abs=1e-15)
    assert float(jax.grad(end)(0.6)) == pytest.approx(float(difference), rel=1e-6)
    np.testing.assert_allclose(jax.vmap(end)(jnp.array([0.4, 0.6])), [end(0.4), end(0.6)], rtol=0, atol=1e-15)


def test_a_game_without_a_leader_needs_no_objective():
    @model
    class Lonely:
        wish: float

        def utility(self, action, mean, n_present, leader_action):
            return -((action - self.wish) ** 2)

    assert np.allclose(solve(Lonely(0.3), Settings(200, 0.1, action_bounds=(0, 1)), jnp.zeros(3)).actions[-1], 0.3)
    with pytest.raises(ValueError, match=r"^leader_lr must be None for a game without an objective, got 0.1 for Lonely$"):
        solve(Lonely(0.3), Settings(2, 0.1, 0.1, action_bounds=(0, 1), leader_bounds=(0, 1)), jnp.zeros(3))


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: solve(GAME, LATE, jnp.zeros(7)), r"start must have shape \(N,\) or \(runs, N\) with N = 10, got \(7,\)"),
        (lambda: solve(GAME, LATE, np.zeros(10, complex)), "start must hold numbers"),
        (lambda: Settings(10, 0.1, entry_time=np.full(10, 0.5)), "entry_time must be a whole number"),
        (lambda: Settings(10, 0.1, entry_time=10**25), r"entry_time must lie in \[0, 1000000000\]"),
        (lambda: Settings(10, 0.1, action_bounds=3), "action_bounds needs two bounds, the lower first, got 3"),
        (lambda: Settings(10, 0.1, action_bounds=("a", 1)), "action_bounds must be a number, got 'a'"),
        (lambda: gini(jnp.ones((2, 3))), r"returns and present must have one shape \(N,\), got \(2, 3\)"),
        (lambda: gini(jnp.array([1.0, jnp.nan])), r"returns must lie in \[-1e\+300, 1e\+300\], got nan"),
        (lambda: leader_objective(jnp.ones(3), jnp.ones(2)), "returns and present must have one shape"),
        (lambda: untaxed_path(GAME, 0.001, np.zeros(10), 5, order="typo"), "order must be one of"),
        (lambda: untaxed_path(GAME, 0.001, np.zeros(10), 5, entry_time=-3), r"entry_time must lie in \[0, 1000000000\], got -3"),
        (lambda: untaxed_path(GAME, 0.001, np.full(10, 2.0), 5), r"start must lie in \[0, 1\], got 2.0"),
        (lambda: untaxed_path(GAME, 0.001, np.zeros(9), 5), "start and entry_time must have one value per agent, 10"),
        (lambda: starts("ones", 1, 10, 0), "follower_start must be one of zeros, uniform, got 'ones'"),
    ],
)
def test_refused(call, line):
    with pytest.raises(ValueError, match=f"^{line}"):
        call()
