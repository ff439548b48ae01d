"""The market entrance game: Eqs. 4, 5, 7, 8, its equilibria, its gradients, its closed forms, and what the readings were measured to do."""

import itertools
from dataclasses import MISSING, fields

import jax
import numpy as np
import pytest
import reference
from reference import CROWDS, LATE_GROUPS, ORDERS, TAX_UNITS

from adage_repro import Settings, follower_gradients, gini, leader_gradient, solve, utilities
from adage_repro.market import MarketEntrance, fixed_point, largest_stable_lr, mixed_equilibrium, untaxed_path
from adage_repro.parameters import DEFAULTS

DRAWS = np.random.default_rng(1).uniform(size=(500, 10))
GINIS = jax.jit(jax.vmap(gini))
payoffs_of, follower_gradients_of, leader_gradient_of = (jax.jit(function) for function in (utilities, follower_gradients, leader_gradient))


@pytest.mark.parametrize("crowd", CROWDS)
@pytest.mark.parametrize("capacity, v", [(0.3, 0.0), (0.6, 1.0), (1.0, 8.0)])
def test_eq5_is_eq4_for_those_who_decide(crowd, capacity, v):
    game = MarketEntrance(10, capacity, v, crowd)
    for others, action in itertools.product(9 * DRAWS[:20, 0], (0.0, 1.0)):
        expected = v + action * 2 * (10 * capacity - 1 - others)
        np.testing.assert_allclose(game.entry_payoff(action == 1, others), expected, atol=1e-12)
        np.testing.assert_allclose(game.untaxed_utility(action, (others + action) / 10, 10), expected, atol=1e-12)


@pytest.mark.parametrize("n_agents, capacity", [(2, 0.5), (5, 0.9)])
def test_eq5_and_the_expectation_of_eq4(n_agents, capacity):
    """`excluded` is the expectation over all Bernoulli entries; `included`, as printed, is higher by 2 a (1 - a)."""
    actions, everybody = DRAWS[0, :n_agents], np.ones(n_agents, bool)
    included, excluded = (payoffs_of(MarketEntrance(n_agents, capacity, 1.5, crowd), actions, everybody, 0.0) for crowd in CROWDS)
    for i, action in enumerate(actions):
        enters = reference.expected_entry_payoff(capacity, 1.5, np.delete(actions, i))
        np.testing.assert_allclose(excluded[i], action * enters + (1 - action) * 1.5, atol=1e-12)
        np.testing.assert_allclose(included[i] - excluded[i], 2 * action * (1 - action), atol=1e-12)


@pytest.mark.parametrize("n_agents, capacity", [(2, 0.7), (10, 0.2), (10, 1.0)])
def test_equilibria(n_agents, capacity):
    """Against p* of the others entering pays as much as staying out, and beside it not; Eq. 5's gradient vanishes at its fixed point."""
    game, everybody = MarketEntrance(n_agents, capacity), np.ones(n_agents, bool)
    for shift, exploitable in ((0.0, False), (-0.05, True)):
        enters = reference.expected_entry_payoff(capacity, 1.0, np.full(n_agents - 1, mixed_equilibrium(game) + shift))
        assert (abs(enters - 1) > 1e-12) == exploitable
    for crowd, speed in (("included", n_agents + 1), ("excluded", n_agents - 1)):
        game = MarketEntrance(n_agents, capacity, crowd=crowd)
        rest, beside = (follower_gradients_of(game, np.full(n_agents, fixed_point(game) + shift), everybody, 0.0) for shift in (0, 0.01))
        np.testing.assert_allclose(rest, 0.0, atol=1e-12)
        np.testing.assert_allclose(beside, -0.02 * speed, rtol=1e-9)


@pytest.mark.parametrize("order", ORDERS)
def test_largest_stable_lr_separates_convergence_from_divergence(order):
    game = MarketEntrance(6, 0.6)
    bound, start = largest_stable_lr(game, order), fixed_point(game) + 1e-3 * DRAWS[1, :6]

    def distance_after(follower_lr):
        return np.abs(solve(game, Settings(800, follower_lr, order=order), start).actions[-1] - fixed_point(game)).max()

    assert distance_after(0.97 * bound) < 1e-6 and distance_after(1.03 * bound) > 0.05
    assert largest_stable_lr(MarketEntrance(6, 0.6, crowd="excluded"), order) == 0
    with pytest.raises(ValueError, match=f"^order must be one of {', '.join(ORDERS)}, got 'random'$"):
        largest_stable_lr(game, "random")


@pytest.mark.parametrize("late_group", LATE_GROUPS)
@pytest.mark.parametrize("crowd", CROWDS)
def test_untaxed_path_is_the_solution(crowd, late_group):
    game, start = MarketEntrance(6, 0.6, crowd=crowd), 0.3 + 0.2 * DRAWS[2, :6]
    for entry_time in (np.zeros(6, int), np.array([0, 0, 7, 0, 0, 7]), np.array([2, 2, 2, 5, 12, 40])):
        found = solve(game, Settings(30, 0.008, late_group=late_group, entry_time=entry_time), start).actions
        path = untaxed_path(game, 0.008, start, 30, entry_time, late_group)
        np.testing.assert_allclose(path, found, atol=1e-12)
    clipped = solve(game, Settings(30, 0.1, late_group=late_group), start).actions
    assert (crowd == "excluded") == (np.max(clipped) == 1.0) == (untaxed_path(game, 0.1, start, 30, 0, late_group) is None)
    assert untaxed_path(game, 0.008, start, 30, 0, late_group, "alternating") is None
    assert untaxed_path(game, 0.3, start, 30) is None  # past the largest stable rate
    np.testing.assert_array_equal(untaxed_path(game, 0.008, start, 3), untaxed_path(game, 0.008, start, 3, entry_time=0))


def test_the_closed_form_ends_where_a_strategy_leaves_its_bounds():
    """Above 1 or below 0, in the last row that is asked for or not at all; a strategy on a bound has not left it."""
    game = MarketEntrance(5, 0.6)  # the mean's distance to its rest point, ½, takes the factor -1.4 at this rate
    for start in (0.4, 0.6):
        for entry in (0, 3):
            assert untaxed_path(game, 0.2, np.full(5, start), entry + 4, entry).shape == (entry + 5, 5)
            assert untaxed_path(game, 0.2, np.full(5, start), entry + 5, entry) is None
    for start in (np.zeros(5), np.ones(5), np.array([1.0, 1.0, 1.0, 0.0, 0.0])):
        np.testing.assert_allclose(untaxed_path(game, 0.01, start, 9), solve(game, Settings(9, 0.01), start).actions, atol=1e-12)
    assert untaxed_path(game, 0.3, np.full(5, 0.4), 10_000) is None  # past what a float holds


@pytest.mark.parametrize("tax_units, over", [("headcount", 4.0), ("rate", 0.4), ("literal", 0.0)])
def test_tax_in_its_three_units(tax_units, over):
    """Eq. 7 for an agent at 0.8 with two others present at 0 and 0.4, ten agents in all; at or below the mean there is no tax."""
    game, mean = MarketEntrance(10, 0.6, tax_units=tax_units), 0.4
    np.testing.assert_allclose(game.tax(0.8, mean, 3, 0.05), 0.8 * 0.05 * over, rtol=1e-12)
    for action in (0.0, 0.39, 0.4):
        assert game.tax(action, mean, 3, 0.05) == 0
        assert jax.grad(game.tax, argnums=(0, 1, 3))(action, mean, 3.0, 0.05) == (0, 0, 0)


@pytest.mark.parametrize("crowd", CROWDS)
@pytest.mark.parametrize("tax_units", TAX_UNITS)
def test_follower_gradients_are_finite_differences(tax_units, crowd):
    """Each by its own action, the others' held fixed, one absent; at the kink, all alike, the tax adds nothing."""
    game, present = MarketEntrance(8, 0.45, crowd=crowd, tax_units=tax_units), np.arange(8) != 2
    market, members = reference.Market(8, 0.45, crowd=crowd, tax_units=tax_units), np.flatnonzero(present)
    for actions in DRAWS[3:8, :8]:
        for i, found in zip(members, follower_gradients_of(game, actions, present, 0.07)[members], strict=True):
            step = 1e-5 * (np.arange(8) == i)
            above, below = (market.utility(i, actions + h, members, 0.07) for h in (step, -step))
            np.testing.assert_allclose(found, (above - below) / 2e-5, atol=1e-8)
    for action in (0.0, 0.1, 1 / 3, 0.7, 1.0):
        taxed, untaxed = (follower_gradients_of(game, np.full(8, action), present, tax_rate) for tax_rate in (0.07, 0.0))
        np.testing.assert_array_equal(taxed, untaxed)


def test_defaults_are_those_of_the_parameters():
    given = {field.name: field.default for field in fields(MarketEntrance) if field.default is not MISSING}
    assert given == {name: DEFAULTS[name] for name in ("outside_payoff", "crowd", "tax_units", "returns_shift")}
    assert MarketEntrance.action_bounds == (0.0, 1.0) and MarketEntrance.leader_bounds == (0.0, DEFAULTS["tax_max"])


REFUSED = {
    "n_agents must lie in [2, inf)": [1, -3],
    "n_agents must be a whole number": [2.0, True],
    "capacity must lie in [1/n_agents, 1]": [1.4, 0.09, float("nan")],
    "capacity must be a number": [True, None, "0.6"],
    "outside_payoff must lie in [0, 1000000]": [-1, float("inf")],
    "crowd must be one of included, excluded": ["empty"],
    "tax_units must be one of headcount, rate, literal": ["Rate"],
    "returns_shift must be one of negative, always, none": [None],
}


@pytest.mark.parametrize("rule, value", [(rule, value) for rule, values in REFUSED.items() for value in values])
def test_refusals(rule, value):
    with pytest.raises(ValueError) as refusal:
        MarketEntrance(**{"n_agents": 10, "capacity": 0.6} | {rule.split()[0]: value})
    assert str(refusal.value) == f"{rule}, got {value!r}"


SHAPES = "start and entry_time must have one value per agent, 10, got"
NO_PATH = {
    f"{SHAPES} (9,), ()": {"start": np.zeros(9)},
    f"{SHAPES} (2, 10), ()": {"start": np.zeros((2, 10))},
    f"{SHAPES} (10,), (9,)": {"entry_time": np.zeros(9, int)},
    "start must lie in [0, 1], got 1.5": {"start": np.full(10, 1.5)},
    "entry_time must lie in [0, 1000000000], got -1": {"entry_time": -1},
    "iterations must lie in [0, 1000000000], got -1": {"iterations": -1},
    "rows must lie in [0, 5], got 6": {"rows": [0, 6]},
    "follower_lr must lie in [0, 1], got 1.5": {"follower_lr": 1.5},
    "order must be one of simultaneous, alternating, got 'random'": {"order": "random"},
    "late_group must be one of absent, frozen, got 'late'": {"late_group": "late"},
}


@pytest.mark.parametrize("line", NO_PATH)
def test_untaxed_path_refuses(line):
    with pytest.raises(ValueError) as refusal:
        untaxed_path(**{"game": MarketEntrance(10, 0.6), "follower_lr": 0.01, "start": np.zeros(10), "iterations": 5} | NO_PATH[line])
    assert str(refusal.value) == line


def test_untaxed_path_keeps_the_rows_that_are_asked_for():
    """In a market whose second group enters at 3; no row, one and all of them."""
    given = MarketEntrance(4, 0.6), 0.01, [0.1, 0.2, 0.3, 0.4], 6, [0, 0, 3, 3]
    path = untaxed_path(*given)
    for rows in ([0], [3], [6], [0, 2, 3, 4, 6], list(range(7))):
        np.testing.assert_array_equal(untaxed_path(*given, rows=rows), path[rows])
    np.testing.assert_array_equal(untaxed_path(*given[:3], 0), [given[2]])


# What the readings were measured to do, by their numbers there: N = 10, c = 0.6, I = 100, v = 1 unless said.
EARLY, GROUPS = np.repeat([[0, 0], [0, 50]], 5, axis=1)  # when each of the ten enters
ZEROS, UNIFORM = np.zeros(10), np.random.default_rng(0).uniform(size=(2000, 10))
game, everybody = MarketEntrance(10, 0.6), np.ones(10, bool)


def run(follower_lr, leader_lr=0.04, start=ZEROS, capacity=0.6, v=1.0, entry_time=GROUPS, hundreds=1, **choices):
    """Two groups and a leader, who stays at τ = 0 if its learning rate is 0; the last of so many hundred iterations."""
    readings = {name: choices.pop(name) for name in ("crowd", "tax_units", "returns_shift") if name in choices}
    market = MarketEntrance(10, capacity, v, **readings)
    choices = {"leader_bounds": (0.0, 0.1)} | choices
    history = solve(market, Settings(100, follower_lr, leader_lr, entry_time=entry_time, **choices), start)
    for _ in range(hundreds - 1):  # each goes on where the one before ended
        settings = Settings(100, follower_lr, leader_lr, entry_time=EARLY, leader_start=history.leader_action[-1], **choices)
        history = solve(market, settings, history.actions[-1])
    return jax.tree.map(np.asarray, history)


def gap(history):
    """Mean attendance of G1 less that of G2 at the last row, signed; averaged over runs."""
    return history.actions[..., -1, :5].mean() - history.actions[..., -1, 5:].mean()


@pytest.mark.parametrize("capacity, rest, mixed", [(0.6, 0.5455, 0.5556), (0.2, 0.1818, 0.1111), (1.0, 0.9091, 1.0), (0.55, 0.5, 0.5)])
def test_item_1_where_eq5_rests(capacity, rest, mixed):
    game = MarketEntrance(10, capacity)
    assert (round(fixed_point(game), 4), round(mixed_equilibrium(game), 4)) == (rest, mixed)
    np.testing.assert_allclose(run(0.01, 0.0, capacity=capacity, entry_time=EARLY).actions[-1], rest, atol=6e-5)


def test_item_2_the_own_share_makes_the_groups_meet():
    for crowd, factor in (("included", 0.998), ("excluded", 1.002)):
        differences = np.diff(run(0.001, 0.0, 0.3 + 0.3 * UNIFORM[0], crowd=crowd, entry_time=EARLY).actions, axis=1)
        np.testing.assert_allclose(differences[1:], factor * differences[:-1], atol=1e-12)
    for follower_lr, hundreds, g1, g2, accuracy in ((0.001, 1, 0.643, 0.186, 5e-4), (0.001, 10, 1.0, 0.0, 0.002), (0.01, 1, 1.0, 0.0, 0.0)):
        last = run(follower_lr, 0.0, crowd="excluded", hundreds=hundreds).actions[-1]
        np.testing.assert_allclose(last, np.repeat([g1, g2], 5), atol=accuracy)


def test_item_3_ten_agents_have_not_arrived():
    last = run(0.001, 0.0, entry_time=EARLY).actions[-1]
    np.testing.assert_allclose(last, 6 / 11 * (1 - (1 - 0.022) ** 100), atol=1e-12)
    np.testing.assert_allclose([last[0], last[0] * 11 / 6], [0.4865, 0.892], atol=5e-4)
    last = run(0.001, 0.0, UNIFORM, entry_time=EARLY).actions[:, -1]
    np.testing.assert_allclose(np.std(last, axis=1, ddof=1).mean(), 0.23, atol=0.01)


def test_item_4_a_thousand_agents():
    game, start = MarketEntrance(1000, 0.6), np.zeros(1000)
    last = np.sort(solve(game, Settings(10_000, 0.001), start).actions[-2:], axis=0)
    np.testing.assert_allclose(last, np.broadcast_to([[0.198], [1.0]], (2, 1000)), atol=5e-4)
    last = solve(game, Settings(10_000, 0.001, order="alternating"), start).actions[-1]
    np.testing.assert_allclose(last, 0.5994, atol=5e-5)
    assert largest_stable_lr(game) < 0.001 and largest_stable_lr(MarketEntrance(100, 0.6)) < 0.01


@pytest.mark.parametrize("follower_lr, gaps, peak", [(0.01, [0.364, 0.331, 0.099], 51), (0.001, [0.410, 0.407, 0.376], 86)])
def test_item_5_the_tax_in_its_units(follower_lr, gaps, peak):
    literal, policy = run(follower_lr, tax_units="literal"), run(follower_lr)
    found = [gap(history) for history in (run(follower_lr, 0.0), run(follower_lr, tax_units="rate"), policy)]
    np.testing.assert_allclose([*found, gap(literal)], [*gaps, gaps[0]], atol=5e-4)
    assert not np.any(literal.leader_action) and not np.any(policy.leader_action[:51]) and np.all(policy.leader_action[51:] == 0.1)
    mean = (policy.actions * policy.present).sum(1) / policy.present.sum(1)
    over = np.maximum(10 * (policy.actions - mean[:, None]), 0)
    assert np.all(over[51:, :5] > 0) and not np.any(over[51:, 5:])  # G1 alone pays
    paid = policy.leader_action * (policy.actions * over).sum(1)
    assert paid.argmax() == peak and np.all(np.diff(paid[peak:]) < 0)
    if follower_lr == 0.01:
        np.testing.assert_allclose(paid[[peak, -1]], [2.37, 0.14], atol=5e-3)


@pytest.mark.parametrize("v, difference, accuracy", [(0.0, 0.082, 0.004), (1.0, 0.029, 0.0015), (8.0, 0.005, 0.0005)])
def test_item_5_fairness_depends_on_the_outside_payoff(v, difference, accuracy):
    """Mean paired difference with and without the leader at the last row, from uniform starts at the larger rate."""
    policy, without = (np.mean(GINIS(run(0.01, leader_lr, UNIFORM, v=v).utilities[:, -1])) for leader_lr in (0.04, 0.0))
    np.testing.assert_allclose(without - policy, difference, atol=accuracy)


@pytest.mark.parametrize("follower_lr, highest", [(0.001, 0.004), (0.01, 0.075)])
def test_items_6_to_8_the_leader_before_and_after_the_late_group(follower_lr, highest):
    """It learns nothing under `always`, is at its bound long before under `frozen`, and has begun under `alternating`."""
    assert run(follower_lr, returns_shift="always").leader_action.max() < 1e-12
    assert np.all(run(follower_lr, start=0 * UNIFORM, late_group="frozen").leader_action[:, 16:51] == 0.1)
    tax_rate = run(follower_lr, order="alternating").leader_action
    np.testing.assert_allclose([tax_rate[:51].max(), tax_rate[51]], [highest, 0.1], atol=5e-4)


@pytest.mark.parametrize("capacity, found", [(0.1, -0.114), (0.2, -0.065), (0.3, -0.003), (0.4, 0.065), (0.6, 0.193), (0.8, 0.292)])
def test_items_7_and_9_the_gap_from_uniform_starts(capacity, found):
    np.testing.assert_allclose(gap(run(0.001, 0.0, UNIFORM, capacity)), found, atol=0.01)
    if capacity == 0.6:
        np.testing.assert_allclose(gap(run(0.001, 0.0, UNIFORM, late_group="frozen")), 0.04, atol=0.01)


def test_item_10_saturation():
    policy = run(0.01)
    np.testing.assert_allclose(leader_gradient_of(game, policy.actions[50], everybody, 0.0), 31, atol=0.5)
    for leader_lr in (0.004, 0.4, 100.0):
        np.testing.assert_array_equal(run(0.01, leader_lr).actions, policy.actions)
    np.testing.assert_allclose([gap(run(0.01, leader_lr)) for leader_lr in (1e-3, 1e-4, 1e-5)], [0.106, 0.228, 0.348], atol=5e-4)
    assert set(np.unique(policy.leader_action)) == {0.0, 0.1}


def test_item_11_where_the_policy_ends():
    history = run(0.01, hundreds=40)
    actions = history.actions[-3:]
    np.testing.assert_allclose(actions.mean(1), 0.5345, atol=5e-5)
    np.testing.assert_allclose(actions[0], actions[2], atol=1e-9)
    np.testing.assert_allclose(np.abs(actions[0] - actions[1]), 0.0024, atol=5e-5)
    assert np.all(history.leader_action == 0.1)
    lowest = 12 / (2 * 11 + 0.1 * 9)  # taxed symmetric rest points: no step up or down pays from there to C/(N + 1)
    for action, up, down in ((lowest - 0.001, True, False), (lowest + 0.001, False, False), (0.545, False, False), (0.546, False, True)):
        own = [payoffs_of(game, np.r_[action + step, np.full(9, action)], everybody, 0.1)[0] for step in (-1e-6, 0.0, 1e-6)]
        assert (own[2] > own[1], own[0] > own[1]) == (up, down)


def test_items_11_and_12_when_the_leader_wants_more_tax_and_less():
    """Untaxed, less only where m > C, and neither where the followers rest: a true nested loop never taxes."""
    profiles = 0.1 + 0.9 * DRAWS * np.linspace(0.5, 1, 500)[:, None]
    gradients = np.array([leader_gradient_of(game, actions, everybody, 0.0) for actions in profiles])
    assert np.any(gradients > 0) and np.any(gradients < 0) and profiles.sum(1)[gradients < 0].min() > 6
    assert leader_gradient_of(game, np.full(10, fixed_point(game)), everybody, 0.0) == 0
    assert abs(leader_gradient_of(game, run(0.01, 0.0, hundreds=40).actions[-1], everybody, 0.0)) < 1e-9
