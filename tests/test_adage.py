"""The two layers (Eqs. 1-3): every reading against plain loops, any game, any batch, any N, and what is refused."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import reference
from jaxprs import equations, sizes
from reference import CROWDS, LATE_GROUPS, ORDERS, SHIFTS, TAX_UNITS

from adage_repro import MarketEntrance, Settings, adage, follower_gradients, leader_gradient, model, solve, solve_many, utilities
from adage_repro.choices import Place, choose
from adage_repro.followers import crowd_mean
from adage_repro.parameters import place

UNIFORM = np.random.default_rng(0).uniform(size=(7, 100))
CAP = (0.0, 0.1)
payoffs_of, follower_gradients_of, leader_gradient_of = (jax.jit(function) for function in (utilities, follower_gradients, leader_gradient))


def assert_same(history, expected):
    """All rows of all fields; the objective only where there is a leader."""
    for name in ("actions", "leader_action", "present", "utilities", "objective"):
        if getattr(history, name) is not None:
            np.testing.assert_allclose(getattr(history, name), getattr(expected, name), rtol=1e-10, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("late_group", LATE_GROUPS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("crowd", CROWDS)
@pytest.mark.parametrize("returns_shift", SHIFTS)
@pytest.mark.parametrize("tax_units", TAX_UNITS)
def test_every_reading_against_loops(tax_units, returns_shift, crowd, order, late_group):
    """From zeros and a uniform start, with two groups or an entry time each (nobody present at first), large or small leader steps."""
    capacity, v, follower_lr, iterations, starts = 0.45, 0.05, 0.02, 40, np.stack([np.zeros(5), UNIFORM[0, :5]])
    readings = {"crowd": crowd, "tax_units": tax_units, "returns_shift": returns_shift}
    game = MarketEntrance(5, capacity, v, **{name: place(name, word) for name, word in readings.items()})  # one program for all
    market = reference.Market(5, capacity, v, order, tax_units, returns_shift, late_group, crowd)
    for entry_time, leader_lr in (([0, 0, 20, 20, 20], 0.04), ([3, 8, 3, 25, 15], 0.002)):
        late = place("late_group", late_group)
        choices = {"order": order, "late_group": late, "entry_time": np.array(entry_time), "leader_bounds": CAP}
        settings = Settings(iterations, follower_lr, leader_lr, **choices)
        found = jax.tree.map(np.asarray, solve(game, settings, starts))
        for run, start in enumerate(starts):
            expected = reference.solve(market, start, iterations, follower_lr, leader_lr, entry_time=entry_time)
            assert_same(jax.tree.map(lambda values, run=run: values[run], found), expected)


def test_traced_readings_are_the_words():
    """All 18 readings of the market, one compiled program: payoffs, gradients, and objectives with negative returns and without."""
    actions, present, payoffs = UNIFORM[2, :10], np.arange(10) < 7, jnp.linspace(-0.5, 1.5, 10)

    @jax.jit
    def quantities(game):
        at = (game, actions, present, jnp.asarray(0.07))
        objectives = [game.objective(returns, present) for returns in (payoffs, jnp.abs(payoffs))]
        return utilities(*at), follower_gradients(*at), leader_gradient(*at), objectives

    readings = [
        dict(zip(("crowd", "tax_units", "returns_shift"), words, strict=True)) for words in itertools.product(CROWDS, TAX_UNITS, SHIFTS)
    ]
    traced = [quantities(MarketEntrance(10, 0.6, 0.3, **{name: place(name, word) for name, word in words.items()})) for words in readings]
    assert quantities._cache_size() == 1 and len({str(jax.device_get(found)) for found in traced}) > 6
    for words, found in zip(readings, traced, strict=True):
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-12), found, quantities(MarketEntrance(10, 0.6, 0.3, **words)))


def test_a_choice_that_nobody_knows_raises():
    """A third crowd is not silently one of the two, neither as a word nor as a place."""
    for third in ("third", Place(("included", "excluded", "third"), 2), Place(("included",), 0)):
        with pytest.raises(ValueError, match=r"^a choice must be one of included, excluded, got "):
            choose(third, included=1, excluded=2)
        with pytest.raises(ValueError, match=r"^crowd must be one of included, excluded, got "):
            MarketEntrance(10, 0.6, crowd=third)
    with pytest.raises(ValueError, match=r"^crowd must be one of included, excluded, got 'third'$"):
        place("crowd", "third")


def test_many_runs_are_each_their_own():
    """Games, settings and starts that differ by numbers, choices, sizes or the leader: bit for bit what `solve` gives for each."""
    runs = [
        (MarketEntrance(n, c, v, crowd=crowd), Settings(25, 0.02, lr, entry_time=np.arange(n) % 2 * 7, leader_bounds=CAP), UNIFORM[:2, :n])
        for n, crowd, lr in ((6, "included", 0.04), (6, "excluded", 0.04), (9, "included", None))
        for c, v in ((0.4, 1.0), (0.7, 0.2), (0.7, 3.0))
    ]
    before = adage._solve_in_turn._cache_size()
    found = solve_many(runs[::-1])[::-1]
    assert adage._solve_in_turn._cache_size() == before + 3
    for run, history in zip(runs, found, strict=True):
        jax.tree.map(np.testing.assert_array_equal, history, solve(*run))
    assert solve_many([]) == []
    with pytest.raises(ValueError, match=r"^start must have shape"):
        solve_many([*runs, (runs[0][0], runs[0][1], np.zeros(7))])


def test_many_runs_keep_what_is_asked_for():
    """Some rows, and something of each row; what cannot be kept is refused as `solve` refuses it."""
    runs = [(MarketEntrance(5, c), Settings(9, 0.02, 0.04, leader_bounds=CAP), UNIFORM[0, :5]) for c in (0.4, 0.8)]
    for choices in ({"rows": [0, 2, 9]}, {"keep": _largest}, {"rows": [1, 8], "keep": _largest}):
        for run, kept in zip(runs, solve_many(iter(runs), **choices), strict=True):
            jax.tree.map(np.testing.assert_array_equal, kept, solve(*run, **choices))
    for choices, line in (
        ({"rows": [3, 10]}, "rows must"),
        ({"keep": 3}, "keep must be a function of the game and a row's History, got 3"),
    ):
        with pytest.raises(ValueError, match=rf"^{line}"):
            solve_many(runs, **choices)
    with pytest.raises(ValueError, match=r"^runs must be a list of \(game, settings, start\), got \[3\]$"):
        solve_many(3)


def test_a_processor_works_in_turn(monkeypatch):
    """Through runs and along an order of the agents that is kept; what has many cores simulates all runs at once, and sorts."""
    game, settings = MarketEntrance(70, 0.6), Settings(3, 0.001, 0.04, leader_bounds=CAP)

    def program(in_turn):
        made = jax.make_jaxpr(lambda starts: adage._solve(game, settings, starts, None, None, in_turn, None))(UNIFORM[:5, :70])
        made = list(equations(made))
        runs = [one for one in made if one.primitive.name == "scan" and one.params["length"] == 5]
        return len(runs), sum(one.primitive.name == "sort" for one in made)

    (runs, sorts), (together, sorts_together) = program(True), program(False)
    assert runs == 1 and together == 0 and sorts == 0 < sorts_together
    assert adage._in_turn(UNIFORM) and adage._in_turn(jnp.asarray(UNIFORM))
    assert jax.jit(lambda start: jnp.asarray(adage._in_turn(start)))(UNIFORM)
    monkeypatch.setattr(adage.jax, "devices", lambda: [type("Device", (), {"platform": "gpu"})()])
    assert not adage._in_turn(UNIFORM)


@pytest.mark.parametrize(
    "choices, readings",
    [
        ({"leader_every": 1, "order": "alternating"}, {"tax_units": "rate", "returns_shift": "always", "crowd": "excluded"}),
        ({"leader_every": 2}, {}),
        ({"leader_every": 3, "late_group": "frozen"}, {"returns_shift": "none"}),
        ({"leader_lr": None, "leader_start": 0.07}, {}),
        ({"iterations": 0, "leader_start": 0.02}, {}),
    ],
)
def test_settings_against_loops(choices, readings):
    """How often the leader acts, no leader, and no iterations: one row, the start."""
    settings = {"iterations": 30, "follower_lr": 0.02, "leader_lr": 0.0005, "entry_time": np.array([0, 0, 0, 11, 11, 14])} | choices
    settings["leader_bounds"] = CAP
    found = solve(MarketEntrance(6, 0.5, 0.3, **readings), Settings(**settings), UNIFORM[1, :6])
    readings = readings | {name: settings.pop(name) for name in ("order", "late_group") if name in settings}
    assert_same(found, reference.solve(reference.Market(6, 0.5, 0.3, **readings), UNIFORM[1, :6], **settings))
    assert found.actions.shape == (settings["iterations"] + 1, 6)
    if "leader_every" in choices:
        steps = np.flatnonzero(np.diff(found.leader_action))
        assert steps.size and not np.any(steps % choices["leader_every"])
    else:
        assert np.all(found.leader_action == choices["leader_start"]) and (found.objective is None) == (settings["leader_lr"] is None)


def test_both_layers_stay_in_their_boxes():
    start, entry_time = np.array([0.3, 0.4, 0.2, 0.25, 0.45, 0.35]), np.array([0, 0, 9, 0, 9, 0])
    boxes = {"action_bounds": (0.2, 0.45), "leader_bounds": (0.03, 0.05), "leader_start": 0.04, "entry_time": entry_time}
    for capacity, pressed in ((0.2, {0.2, 0.03, 0.05}), (1.0, {0.45, 0.05})):  # the rest point lies below and above
        found = solve(MarketEntrance(6, capacity), Settings(30, 0.02, 0.4, **boxes), start)
        assert_same(found, reference.solve(reference.Market(6, capacity), start, 30, 0.02, 0.4, **boxes))
        for values, (low, high) in ((found.actions, (0.2, 0.45)), (found.leader_action, (0.03, 0.05))):
            assert low <= values.min() and values.max() <= high
        assert pressed <= {*np.unique(found.actions[-1]), *np.unique(found.leader_action)}


def test_rows_and_presence():
    """Row r is the state after iteration r - 1; the leader at t = ι already sees the late group, who until then keep their start."""
    game, entry_time = MarketEntrance(6, 0.6), np.array([0, 0, 4, 7, 7, 99])
    start, rows = np.array([0.1, 0.3, 0.2, 0.5, 0.4, 0.6]), np.arange(31)[:, None]
    history = jax.tree.map(np.asarray, solve(game, Settings(30, 0.01, 0.0004, entry_time=entry_time), start))
    np.testing.assert_array_equal(history.present, np.maximum(rows - 1, 0) >= entry_time)
    absent = ~history.present
    np.testing.assert_array_equal(history.actions[absent], np.broadcast_to(start, (31, 6))[absent])
    np.testing.assert_array_equal(history.actions[0], start)
    assert np.all(history.utilities[absent] == 0) and np.all(history.utilities[~absent] > 0)
    step = 0.0004 * leader_gradient_of(game, history.actions[4], entry_time <= 4, history.leader_action[4])
    np.testing.assert_allclose(history.leader_action[5], history.leader_action[4] + step, rtol=1e-9)


@pytest.mark.parametrize("n_agents, order, leader_lr", [(10, ORDERS[1], 0.0004), (100, ORDERS[0], None), (100, ORDERS[1], None)])
def test_a_run_does_not_depend_on_its_batch(n_agents, order, leader_lr):
    """Bit for bit, alone, in batches of 1 and 7, and again."""
    game, starts = MarketEntrance(n_agents, 0.6), UNIFORM[:, :n_agents]
    settings = Settings(20, 0.005, leader_lr, order=order, entry_time=np.arange(n_agents) % 3 * 5, leader_start=0.01, leader_bounds=CAP)
    alone = [solve(game, settings, start) for start in starts]
    assert leader_lr is None or len({float(history.leader_action[-1]) for history in alone}) > 3
    for size in (1, 7):
        expected = jax.tree.map(lambda *rows: np.stack(rows), *alone[:size])
        for found in (solve(game, settings, starts[:size]), solve(game, settings, starts[:size])):
            jax.tree.map(np.testing.assert_array_equal, found, expected)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("leader_lr", [None, 0.04])
def test_kept_rows_are_those_of_the_whole_history(order, leader_lr):
    """To the bit, and so is what is kept of a row in place of all of it."""
    entry_time = np.array([0, 0, 0, 20, 20, 20])
    game, settings = MarketEntrance(6, 0.6), Settings(40, 0.01, leader_lr, order=order, entry_time=entry_time, leader_bounds=CAP)
    starts = np.random.default_rng(5).random((4, 6))
    whole = jax.device_get(solve(game, settings, starts))
    for rows in ([0], [40], [0, 1, 7, 21, 40], np.arange(41)):
        kept, single = jax.device_get([solve(game, settings, start, rows=rows) for start in (starts, starts[1])])
        jax.tree.map(lambda some, all, rows=rows: np.testing.assert_array_equal(some, all[:, np.array(rows)]), kept, whole)
        jax.tree.map(lambda one, some: np.testing.assert_array_equal(one, some[1]), single, kept)
    largest = np.minimum(whole.actions.max(-1), game.capacity)
    np.testing.assert_array_equal(solve(game, settings, starts, keep=_largest), largest)
    np.testing.assert_array_equal(solve(game, settings, starts, rows=[3, 40], keep=_largest), largest[:, [3, 40]])
    for rows in ([], [3, 3], [4, 2], [41], [-1], [[1]], [0.5]):
        with pytest.raises(ValueError, match=r"^rows must"):
            solve(game, settings, starts, rows=rows)


def _largest(game, row):
    return jnp.minimum(row.actions.max(), game.capacity)


def test_a_sweep_over_numbers_compiles_once():
    """Whatever the type that a number comes in."""

    def compiled_after(capacity, follower_lr=0.01, leader_lr=0.04, leader_bounds=(0.0, 0.1), entry_time=0, order="simultaneous", v=1.0):
        settings = Settings(3, follower_lr, leader_lr, order=order, entry_time=entry_time, leader_bounds=leader_bounds)
        solve(MarketEntrance(7, capacity, v), settings, np.zeros(7))
        return adage._solve._cache_size()

    first = compiled_after(0.6)
    sweep = [
        *({"capacity": c} for c in (0.2, 1, np.float64(0.2), np.float32(0.25), np.array(0.2), jnp.array(0.2))),
        *({"follower_lr": rate} for rate in (0.05, 0, np.float64(0.05))),
        *({"leader_lr": rate} for rate in (1e-4, 1, np.float64(1))),
        *({"leader_bounds": box} for box in ((0.0, 5.0), (0, 5), [0, np.float64(5)], (np.int64(0), jnp.array(5.0)))),
        *({"entry_time": t} for t in (2, np.int64(2), np.int32(2), jnp.array(2))),
        *({"v": v} for v in (8, np.int64(8))),
    ]
    assert [compiled_after(**{"capacity": 0.6} | changed) for changed in sweep] == [first] * len(sweep)
    for game in (Cournot(0.1, 0.25), Cournot(np.float64(0.1), 1)):
        solve(game, Settings(3, 0.01, action_bounds=(0, 1)), np.zeros(7))
    first += 1
    assert compiled_after(0.6, order="alternating") == first + 1


def test_a_million_agents_take_memory_for_a_few_millions():
    n_agents = 10**6
    game, actions, everybody = MarketEntrance(n_agents, 0.6), np.random.default_rng(4).uniform(size=n_agents), np.ones(n_agents, bool)
    expected = 2 * (0.6 * n_agents - actions.sum()) - 2 * actions
    np.testing.assert_allclose(follower_gradients_of(game, actions, everybody, 0.0), expected, rtol=1e-10)
    for function in (follower_gradients, leader_gradient, utilities):
        assert max(sizes(jax.make_jaxpr(function)(game, actions, everybody, 0.05))) == n_agents
    assert max(sizes(jax.make_jaxpr(jax.jit(lambda values: (values[:, None] - values).sum()))(actions[:30]))) == 900  # it looks inside


@pytest.mark.parametrize("n_agents", [2, 7, 151, 1000, 999_983])
def test_the_mean_of_equal_actions_is_exact(n_agents):
    """All or some present: so agents who do the same sit on the tax's boundary, whatever the rounding."""
    mean_of = jax.jit(crowd_mean)
    for action in (0.1, 1 / 3, 0.7, *UNIFORM[5, :3]):
        for present in (np.ones(n_agents, bool), np.arange(n_agents) % 3 == 1):
            n_present, mean = mean_of(np.where(present, action, 0.9), present)
            assert n_present == present.sum() and mean == action


@pytest.mark.parametrize("order, n_agents", [("simultaneous", 97), ("alternating", 97), ("alternating", 999_983)])
def test_identical_agents_pay_no_tax(order, n_agents):
    """They rise to a bound, where one may wait, and stay: with τ = 1000 a wrong tie would push them away."""
    for bound in (0.1, 1 / 3, 0.7, 0.6 * UNIFORM[5, 0])[: 4 if n_agents < 100 else 1]:
        settings = Settings(3, 1.0, order=order, action_bounds=(0.0, bound), leader_bounds=(0.0, 1000.0), leader_start=1000.0)
        start = np.r_[np.zeros(n_agents - 1), bound if order == "alternating" else 0.0]
        history = jax.tree.map(np.asarray, solve(MarketEntrance(n_agents, 1.0), settings, start))
        np.testing.assert_array_equal(history.actions[1:], np.full((3, n_agents), bound))
        np.testing.assert_allclose(history.utilities[1:], 1 + 2 * bound * n_agents * (1 - bound), rtol=1e-12)


@model
class Cournot:
    """Firms choose quantities q_i at the price 1 - Σ q_j and a unit cost; a regulator's levy t is to bring each profit to a target."""

    cost: float
    target: float

    def utility(self, action, mean, n_present, leader_action):
        return action * (1 - n_present * mean - self.cost - leader_action)

    def objective(self, utilities, present):
        return -jnp.where(present, (utilities - self.target) ** 2, 0.0).sum() / 2


@pytest.mark.parametrize("order", ORDERS)
def test_cournot_reaches_its_known_equilibria(order):
    """n firms: q = (1 - cost - t) / (n + 1), profit q²; so the regulator's best levy is 1 - cost - (n + 1) √target."""
    game, start = Cournot(0.1, 0.01), np.array([0.5, 0.0, 0.1, 0.3, 0.02])
    entry_time, bounds = np.array([0, 0, 0, 150, 150]), {"action_bounds": (0.0, 2.0), "leader_bounds": (-1.0, 1.0)}
    free = solve(game, Settings(300, 0.1, 0.0, order=order, entry_time=entry_time, **bounds), start)
    np.testing.assert_allclose(free.actions[150], [0.9 / 4] * 3 + [0.3, 0.02], atol=1e-6)
    np.testing.assert_allclose(free.actions[300], 0.9 / 6, atol=1e-6)
    led = solve(game, Settings(300, 0.1, 20.0, order=order, entry_time=entry_time, **bounds), start)
    np.testing.assert_allclose([led.leader_action[150], led.leader_action[300]], [0.9 - 4 * 0.1, 0.9 - 6 * 0.1], atol=1e-5)
    np.testing.assert_allclose(led.actions[300], 0.1, atol=1e-5)


def test_whole_numbers_are_actions_too():
    game, everybody = MarketEntrance(3, 1.0), np.ones(3, bool)
    for function in (utilities, follower_gradients, leader_gradient):
        np.testing.assert_array_equal(
            function(game, np.array([0, 1, 1]), everybody, 0), function(game, np.array([0.0, 1, 1]), everybody, 0.0)
        )


def test_cournot_gradients_are_finite_differences():
    game, quantities, present, h = Cournot(0.1, 0.01), UNIFORM[3, :6], np.arange(6) != 4, 1e-6
    shifted = np.array([[payoffs_of(game, quantities + sign * step, present, 0.2) for step in h * np.eye(6)] for sign in (1, -1)])
    found, expected = follower_gradients_of(game, quantities, present, 0.2), np.diagonal(shifted[0] - shifted[1]) / (2 * h)
    np.testing.assert_allclose(found[present], expected[present], atol=1e-8)
    above, below = (game.objective(payoffs_of(game, quantities, present, levy), present) for levy in (0.2 + h, 0.2 - h))
    np.testing.assert_allclose(leader_gradient_of(game, quantities, present, 0.2), (above - below) / (2 * h), rtol=1e-7)


NAN, INF = float("nan"), float("inf")
REFUSED = {
    "iterations must lie in [0, 1000000000]": [-1],
    "iterations must be a whole number": [1.5, True, None, NAN],
    "follower_lr must lie in [0, inf)": [-0.1, NAN],
    "follower_lr must be a number": [None, True, "0.1"],
    "leader_lr must lie in [0, inf)": [-1, INF],
    "leader_every must lie in [1, inf)": [0],
    f"order must be one of {', '.join(ORDERS)}": ["random", None],
    "late_group must be one of absent, frozen": ["late"],
    "entry_time must be a whole number": [0.5, True],
    "action_bounds needs two bounds, the lower first": [(1.0, 0.0), (1.0,), 3],
    "leader_start must lie in [0.0, 0.1]": [0.2],
}
REFUSED_ARRAYS = [
    ((0.0, NAN), "action_bounds must lie in (-inf, inf), got nan"),
    ([0.1, NAN, 0.2], "start must lie in [0.0, 1.0], got nan"),
    (np.array([[0.1, 0.3, 0.2], [0.1, -0.5, 0.2]]), "start must lie in [0.0, 1.0], got -0.5"),
    (np.zeros((1, 1, 3)), "start must have shape (N,) or (runs, N) with N = 3, got (1, 1, 3)"),
    (np.zeros(0), "start must have shape (N,) or (runs, N) with N = 3, got (0,)"),
    (np.full(3, 0.1), "follower_lr must be a number, got an array of shape (3,)"),
    (np.zeros(4), "start must have shape (N,) or (runs, N) with N = 3, got (4,)"),
    (np.zeros(4, int), "entry_time must be one number or one per agent, 3, got (4,)"),
    (np.array([0, -3, 0]), "entry_time must lie in [0, 1000000000], got -3"),
]
REFUSED_VALUES = [(value, f"{rule}, got {value!r}") for rule, values in REFUSED.items() for value in values]


@pytest.mark.parametrize("value, message", [*REFUSED_VALUES, *REFUSED_ARRAYS])
def test_refusals(value, message):
    given = {"iterations": 3, "follower_lr": 0.01, "start": np.zeros(3)} | {message.split()[0]: value}
    start = given.pop("start")
    with pytest.raises(ValueError) as refusal:
        solve(MarketEntrance(3, 0.6), Settings(**given), start)
    assert str(refusal.value) == message
