"""Games over time: gradients against full derivatives, the case of one step, the great fish war, noise, and what is refused."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from jaxprs import sizes

from adage_repro import (
    FiniteDifference,
    HistoryWarning,
    Implicit,
    Line,
    LookAhead,
    MarketEntrance,
    Network,
    Number,
    OneStep,
    Settings,
    model,
    solve,
    solve_over_time,
)
from adage_repro.environment import path
from adage_repro.games.fish_war import FishWar
from adage_repro.over_time import outlook_over_time
from adage_repro.policies import networks
from adage_repro.returns import follower_gradients, returns

KEY = jax.random.key(3)
FISH = {"action_bounds": (0.01, 0.33), "leader_bounds": (0.0, 20.0)}
EVERYBODY, NO_FEE = np.ones(3, bool), Number(jnp.zeros(()))


@model
class Lake:
    """Two stocks; agents differ in how they see, what they like and how patient they are, choose two numbers and are felt in three."""

    taste: jax.Array
    discount: jax.Array
    leader_discount: float = 0.9
    horizon: int = 12

    def first(self, key):
        return {"fish": 0.3 * jax.random.normal(key, (2,)), "algae": jnp.array(0.2)}

    def observe(self, state, leader_action):
        return state["fish"] * self.taste, leader_action

    def observe_leader(self, state):
        return state["algae"]

    def aggregate(self, action):
        return {"sum": action.sum(), "squares": action**2}

    def utility(self, state, action, mean, n_present, leader_action):
        effort = jnp.sin(action[0]) * state["fish"][0] + self.taste * action[1] * state["algae"]
        return effort - mean["sum"] * action[1] - leader_action * action[0] ** 2 - mean["squares"] @ state["fish"]

    def transition(self, state, mean, n_present, leader_action, key):
        fish = jnp.tanh(state["fish"] + 0.4 * mean["squares"] - 0.3 * state["algae"]) + 0.1 * jax.random.normal(key, (2,))
        return {
            "fish": fish,
            "algae": 0.8 * state["algae"] + jnp.cos(mean["sum"]) * state["fish"][1] * 0.5 + 0.1 * n_present * leader_action,
        }

    def objective(self, state, actions, utilities, present, leader_action):
        return jnp.tanh(utilities).sum() + state["fish"].sum() - leader_action**2 - (present[:, None] * actions**2).sum()


@model
class Glance:
    """A policy for `Lake`: two numbers from what is seen of the fish and from the leader's action."""

    level: jax.Array
    slope: jax.Array

    def __call__(self, observation):
        fish, leader_action = observation
        return jnp.tanh(self.level + self.slope @ fish + 0.5 * leader_action)


def lake(n_agents):
    draw = np.random.default_rng(1).normal
    followers = Glance(jnp.asarray(draw(size=(n_agents, 2))), jnp.asarray(draw(size=(n_agents, 2, 2))))
    game = Lake(1 + 0.3 * draw(size=n_agents), np.linspace(0.7, 0.95, n_agents))
    return game, followers, Line(jnp.array(0.3), jnp.array([0.5]))


def test_gradients_are_full_derivatives():
    """Of each agent's return by its own policy, through every reaction of everybody, one agent absent."""
    game, followers, leader = lake(4)
    present, keys = np.arange(4) != 2, jax.random.split(KEY, 3)
    found = jax.jit(follower_gradients)(game, followers, leader, present, keys)
    full = jax.jit(jax.jacfwd(lambda followers: returns(game, followers, leader, present, keys)[0]))(followers)
    agents = np.flatnonzero(present)
    for one, all_by_all in zip(jax.tree.leaves(found), jax.tree.leaves(full), strict=True):
        assert abs(one[agents]).max() > 0.1
        np.testing.assert_allclose(one[agents], all_by_all[agents, agents], rtol=1e-10, atol=1e-10)


def test_a_leader_looks_ahead_through_policies():
    """Against finite differences, for a fee that is a line in the stock, with a player that does not learn yet."""
    game, followers, leader = FishWar(3, noise=0.3, horizon=20), Number(jnp.array([0.1, 0.2, 0.3])), Line(jnp.array(1.0), jnp.array(0.5))
    settings = Settings(0, 0.002, 0.1, entry_time=np.array([0, 0, 9]), late_group="frozen", **FISH)
    outlook = outlook_over_time(game, settings, (followers, ()), jax.random.split(KEY, 2), jnp.array(0))
    found, expected = (jax.jit(partial(of, outlook))(leader) for of in (LookAhead(3), FiniteDifference(1e-4, steps=3)))
    np.testing.assert_allclose(ravel_pytree(found)[0], ravel_pytree(expected)[0], rtol=1e-6)
    assert abs(found.level) > 0.01 and abs(found.slope) > 0.01


@pytest.mark.parametrize(
    "order, late_group, start", [("simultaneous", "absent", np.zeros(6)), ("alternating", "frozen", np.linspace(0.9, 0.2, 6) ** 2)]
)
def test_the_market_is_the_case_of_one_step(order, late_group, start):
    """The same run both ways, late group, leader and all."""
    game = MarketEntrance(6, 0.6)
    boxes = {"action_bounds": (0.0, 1.0), "leader_bounds": (0.0, 0.1)}
    settings = Settings(40, 0.01, 0.004, **boxes, order=order, late_group=late_group, entry_time=np.array([0, 0, 0, 20, 20, 20]))
    expected, found = solve(game, settings, start), solve_over_time(OneStep(game), settings, Number(start))
    pairs = {
        "actions": found.policies.value,
        "leader_action": found.leader_policy.value,
        "present": found.present,
        "utilities": found.returns,
        "objective": found.objective,
    }
    assert expected.leader_action.max() > 0.01
    for name, values in pairs.items():
        np.testing.assert_allclose(values, getattr(expected, name), rtol=1e-12, atol=1e-12, err_msg=name)


@model
class Exchange:
    """Agents with costs of their own choose two numbers; reports, two aggregates, and a schedule of two rates by iteration."""

    costs: jax.Array
    action_shape = (2,)

    def aggregate(self, action):
        return {"first": action[0], "product": action[0] * action[1]}

    def utility(self, action, mean, n_present, leader_action, iteration):
        return (
            action.sum()
            - self.costs * action @ action
            - mean["product"] * n_present
            - leader_action[iteration % 2] * action[0] * mean["first"]
        )

    def report(self, action, leader_action, iteration):
        return leader_action[iteration % 2] * action[0]

    def objective(self, actions, reports, utilities):
        return reports.sum() + jnp.log(1 + utilities**2).sum() - (actions**2).sum()


def test_any_game_of_one_step_is_a_game_over_time():
    """With vector actions, costs of their own, reports, two aggregates, and rates and leader's actions that follow a schedule."""
    game, start = Exchange(np.array([0.5, 1.0, 2.0])), np.array([[0.1, 0.2], [0.3, 0.1], [0.0, 0.4]])
    boxes = {"action_bounds": (-2.0, 2.0), "leader_bounds": (0.0, 1.0), "leader_start": np.array([0.2, 0.4])}
    settings = Settings(9, lambda t: 0.1 / (1 + t), 0.05, leader_every=3, entry_time=np.array([0, 2, 4]), **boxes)
    expected, found = solve(game, settings, start), solve_over_time(OneStep(game), settings, Number(start))
    for name, values in (
        ("actions", found.policies.value),
        ("leader_action", found.leader_policy.value),
        ("utilities", found.returns),
        ("objective", found.objective),
    ):
        np.testing.assert_allclose(values, getattr(expected, name), rtol=1e-12, atol=1e-12, err_msg=name)
    assert (np.ptp(expected.leader_action, axis=0) > 1e-3).all()


def shares(patience, fee, growth=0.6):
    """The fish war's equilibrium by bisection on the sum of the shares: 1/θ_i = τ + k_i / (1 - Σ θ_j), k_i = αβ_i / (1 - αβ_i)."""
    k = growth * np.asarray(patience) / (1 - growth * np.asarray(patience))
    low, high = 0.0, 1.0
    for _ in range(100):
        middle = (low + high) / 2
        total = (1 / (fee + k / (1 - middle))).sum()
        low, high = (middle, high) if total > middle else (low, middle)
    return 1 / (fee + k / (1 - low))


def test_the_fish_war_without_a_fee():
    """Learnt shares are the closed-loop equilibrium's, with one patience and with three; a horizon of 400 cuts off less than 3e-8."""
    np.testing.assert_allclose(shares([0.9] * 3, 0.0), 0.46 / (3 - 2 * 0.54), rtol=1e-12)
    for patience in (np.full(3, 0.9), np.array([0.8, 0.9, 0.95])):
        game, start = FishWar(3, discount=patience, horizon=400), Number(np.array([0.1, 0.05, 0.2]))
        found = solve_over_time(game, Settings(400, 0.001, **FISH), start, rows=[400])
        np.testing.assert_allclose(found.policies.value[0], shares(patience, 0.0), atol=1e-6)


def test_a_leader_that_looks_ahead_saves_the_stock():
    """It learns the fee that brings the optimum about; the paper's leader, whose partial gradient is zero, learns nothing."""
    game, start, given = FishWar(3), Number(np.full(3, 0.2)), {"leader_start": 1.0, "leader_every": 10} | FISH
    led = solve_over_time(game, Settings(300, 0.002, 1.0, leader_gradient=LookAhead(1), **given), start, rows=[300])
    np.testing.assert_allclose(led.leader_policy.value, 2 / 0.46, atol=1e-6)
    np.testing.assert_allclose(led.policies.value[0], 0.46 / 3, atol=1e-6)
    unled = solve_over_time(game, Settings(300, 0.002, 1.0, **given), start, rows=[0, 300])
    assert (unled.leader_policy.value == 1).all() and led.objective[0] > unled.objective[1] + 1


def test_networks_learn_the_shares_and_the_fee():
    """Noise and scattered starts show each network the stock at many levels; the equilibrium's policy is the same number at all."""
    game, drawn = FishWar(3, noise=1.0, spread=2.0, horizon=150), networks(jax.random.key(1), 3, hidden=4, scale=0.2)
    start = Network(drawn.inner, drawn.shift, drawn.outer, drawn.bias - 1.5)
    boxes = {"action_bounds": (-10.0, 10.0), "leader_bounds": (0.0, 20.0)}
    settings = Settings(3000, 0.06, 1.0, leader_every=20, leader_gradient=LookAhead(1), **boxes)
    found = solve_over_time(game, settings, start, key=KEY, paths=4, rows=[0, 3000])
    paths = jax.vmap(path, (None, None, None, None, 0))

    def away(row):  # of the shares along the paths, root mean square, and of the fee
        policies, leader = jax.tree.map(lambda values: values[row], (found.policies, found.leader_policy))
        _, _, moments = paths(game, policies, leader, EVERYBODY, jax.random.split(KEY, 4))
        return jnp.sqrt(((moments.actions - 0.46 / 3) ** 2).mean()), abs(leader.value - 2 / 0.46)

    assert min(away(0)) > 0.02 and max(away(1)) < 1e-4


def test_one_fee_for_players_of_different_patience():
    """The best single fee, found here by a grid of equilibria that narrows, since no fee brings the optimum about."""
    patience, k = np.array([0.8, 0.9, 0.95]), 0.54 / 0.46

    def welfare(fee):  # (1 - 0.9) R_L without what does not depend on the fee, at the leader's patience of 0.9
        theta = shares(patience, fee)
        return np.log(theta).sum() + 3 * k * np.log(1 - theta.sum())

    fees = np.linspace(0.0, 20.0, 21)
    for _ in range(12):
        best = fees[np.argmax([welfare(fee) for fee in fees])]
        fees = best + (fees - fees.mean()) * 0.2
    game, ahead = FishWar(3, discount=patience, horizon=400), {"leader_gradient": LookAhead(60), "leader_start": 1.0}
    led = solve_over_time(game, Settings(400, 0.001, 0.5, leader_every=5, **ahead, **FISH), Number(np.full(3, 0.2)), rows=[400])
    np.testing.assert_allclose(led.leader_policy.value, best, atol=1e-4)
    np.testing.assert_allclose(led.policies.value[0], shares(patience, best), atol=1e-5)


@model
class Drift:
    """Two agents hold a noisy state near zero by a_i = -k_i s, each with its own cost of control: s' = s + Σ a_j + σ ε."""

    cost: jax.Array
    noise: float = 0.5
    discount: float = 0.8
    horizon: int = 25

    def first(self):
        return jnp.ones(())

    def utility(self, state, action):
        return -(state**2 + self.cost * action**2) / 2

    def transition(self, mean, n_present, key, state):
        return state + n_present * mean + self.noise * jax.random.normal(key)


def test_sampled_paths_estimate_the_expected_gradient():
    """E s_t² follows v' = (1 - k_1 - k_2)² v + σ², so the expected return and its gradient are known; 4 standard errors, under 2%."""
    game, gains = Drift(np.array([0.2, 4.0])), jnp.array([0.2, 0.3])

    def expected(gains):
        v, found = 1.0, jnp.zeros(2)
        for t in range(game.horizon):
            found -= game.discount**t * (1 + jnp.asarray(game.cost) * gains**2) * v / 2
            v = (1 - gains.sum()) ** 2 * v + game.noise**2
        return found

    followers = Line(jnp.zeros(2), -gains)
    one_path = jax.jit(jax.vmap(lambda key: follower_gradients(game, followers, NO_FEE, np.ones(2, bool), key[None]).slope))
    samples = np.asarray(one_path(jax.random.split(KEY, 4000)))
    known, error = -np.diag(jax.jacrev(expected)(gains)), samples.std(0) / np.sqrt(len(samples))
    assert (error < 0.02 * abs(known)).all() and (abs(samples.mean(0) - known) < 4 * error).all()
    settings = Settings(3, 0.01, action_bounds=(-1.0, 1.0))
    runs = [solve_over_time(game, settings, followers, key=key, paths=4) for key in (KEY, KEY, jax.random.key(4))]
    jax.tree.map(np.testing.assert_array_equal, runs[0], runs[1])
    assert (runs[0].returns != runs[2].returns).all()


def test_ten_thousand_agents_take_memory_for_a_few_numbers_each():
    """Neither N x N nor N x T."""
    game, followers = FishWar(10_000), Number(jnp.full(10_000, 5e-5))
    given = (game, followers, NO_FEE, np.ones(10_000, bool), KEY[None])
    for function in (follower_gradients, returns):
        assert max(sizes(jax.make_jaxpr(function)(*given))) == 10_000


class Plain:
    """No environment: not made with @model."""


SHARES = Number(np.full(3, 0.1))


def changed(**functions):
    """The fish war with other functions."""
    return model(type("Changed", (FishWar,), functions))(3)


REFUSED_HERE = [
    ({"environment": Plain()}, "environment must be a value of a class made with @model, got "),
    ({"environment": FishWar}, "environment must be a value of a class made with @model, got "),
    (
        {"environment": MarketEntrance(3, 0.6)},
        "MarketEntrance must have first, transition, horizon, discount: a game of one step is taken as",
    ),
    ({"environment": FishWar(3, horizon=0)}, "horizon must lie in [1, inf), got 0"),
    ({"environment": FishWar(3, discount=1.5)}, "discount must lie in [0, 1], got 1.5"),
    ({"environment": FishWar(3, discount=np.full(2, 0.9))}, "discount must be one number or one per agent, 3, got shape (2,)"),
    ({"start": np.full(3, 0.1)}, "start must be a policy, such as Number, Line or Network, got array([0.1, 0.1, 0.1])"),
    ({"start": Number(np.full(4, 0.1))}, "start must have parameters with a leading axis N = 3, got shapes (4,)"),
    ({"start": Line(np.full(3, 0.1), np.array(0.2))}, "start must have parameters with a leading axis N = 3, got shapes (3,), ()"),
    ({"start": Number(np.array([0.1, np.nan, 0.1]))}, "start must lie in (-inf, inf), got nan"),
    ({"start": Number(np.array([0.1, 0.1, 0.4]))}, "start must lie in [0.01, 0.33], got 0.4"),
    ({"action_bounds": None}, "action_bounds must be given: "),
    ({"leader_start": 30.0}, "leader_start must lie in [0.0, 20.0], got 30.0"),
    ({"leader_gradient": Implicit()}, "leader_gradient over time may be any but Implicit(), which is for games of one step"),
    ({"entry_time": np.zeros(4, int)}, "entry_time must be one number or one per agent, 3, got (4,)"),
    ({"key": 3}, "key must be one of JAX, such as jax.random.key(0), got 3"),
    ({"follower_lr": lambda t: jnp.ones(2)}, "the schedule follower_lr must give one float in an iteration, got an array of shape (2,)"),
    ({"paths": 0}, "paths must lie in [1, inf), got 0"),
    ({"rows": [5]}, "rows must lie in [0, 2], got 5"),
]
REFUSED_FUNCTIONS = [
    ("first", lambda self: (), "must give a pytree of floats, got ()"),
    ("utility", lambda self, action, wealth: action, "may ask for state, action, mean, n_present, leader_action, got a parameter wealth"),
    ("utility", lambda self, action: jnp.ones(2), "must give one float for one agent, got an array of shape (2,)"),
    ("utility", lambda self, action: action if action > 0 else 0.0, "must be made of what JAX can trace, jnp.where in place of if"),
    ("transition", lambda self, state: (state, state), "must give a state as first does, shape (), got arrays of shapes (), ()"),
    ("objective", lambda self, actions: actions, "must give one float for the leader, got an array of shape (3,)"),
    ("observe", lambda self, state, weather: state, "may ask for state, leader_action, got a parameter weather"),
]
REFUSED_FUNCTIONS = [({"environment": changed(**{name: made})}, f"Changed.{name} {words}") for name, made, words in REFUSED_FUNCTIONS]
NAN = [({"environment": changed(utility=lambda self, action: jnp.log(-action))}, "returns must be finite, got nan at the start")]


@pytest.mark.parametrize("given, message", REFUSED_HERE + REFUSED_FUNCTIONS + NAN)
def test_refusals(given, message):
    given = {"environment": FishWar(3), "start": SHARES, "follower_lr": 0.001, "leader_lr": 0.1} | FISH | given
    solver = {name: given.pop(name) for name in ("environment", "start", "key", "paths", "rows") if name in given}
    with pytest.raises(ValueError) as refusal:
        solve_over_time(settings=Settings(2, **given), **solver)
    assert str(refusal.value).startswith(message) and "\n" not in str(refusal.value)


def test_a_leader_on_a_bound_that_nobody_chose_says_so():
    bounded = changed(leader_bounds=(0.0, 0.5), objective=lambda self, leader_action: leader_action)
    settings = Settings(9, 0.001, 1.0, action_bounds=(0.01, 0.33))
    with pytest.warns(HistoryWarning, match=r"^the leader's action ends on the bound 0\.5, which Changed states and the settings do not"):
        solve_over_time(bounded, settings, SHARES)


def test_a_run_that_leaves_the_numbers_says_so():
    """The players take more than there is."""
    settings = Settings(3, 1.0, action_bounds=(0.0, 1.0))
    with pytest.warns(
        HistoryWarning, match=r"^the history contains nan in returns from row 1 on: smaller rates or narrower boxes may help$"
    ):
        solve_over_time(FishWar(3), settings, SHARES)
