"""Games of one step beyond the market: vectors, aggregates, agents that differ, leaders of any structure, rates, and what is refused."""

import warnings
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import Array, lax
from jaxprs import sizes
from reference import ORDERS

from adage_repro import (
    HistoryWarning,
    LookAhead,
    MarketEntrance,
    Settings,
    Shared,
    follower_gradients,
    leader_gradient,
    model,
    reports,
    solve,
    solve_many,
    utilities,
)
from adage_repro.games.fish_war import FishWar

INF = float("inf")
RNG = np.random.default_rng(3)


@model
class Fields:
    """Everything at once; `weights` and `tastes` are each agent's own, `matrix` is everybody's, though it has as many rows as agents."""

    scale: float
    tastes: Array  # (N, 2)
    weights: Array  # (N,)
    matrix: Shared  # (5, 2)

    action_shape = (2,)
    action_bounds = (-2.0, 2.0)

    def aggregate(self, action):
        return self.weights * action, jnp.exp(self.matrix @ action / 5)

    def utility(self, action, mean, n_present, leader_action, iteration):
        first, second = mean
        felt = action @ first + second.sum() * action[1] * n_present / 5
        return -self.scale * ((action - self.tastes) ** 2).sum() - self.weights * felt - leader_action[iteration] * action.sum()

    def report(self, action, leader_action, iteration):
        return {"paid": leader_action[iteration] * action.sum(), "own": self.weights}

    def objective(self, reports, present, leader_action):
        return reports["paid"].sum() - (leader_action**2).sum() + (self.weights * present).sum()


GAME = Fields(1.5, RNG.normal(size=(5, 2)), RNG.uniform(size=5), RNG.normal(size=(5, 2)))
ACTIONS, RATES = RNG.normal(size=(5, 2)), RNG.uniform(size=8)


def payoff(agent, own, actions, present, iteration, rates=RATES):
    """Fields' utility of one agent that acts `own`, written out in NumPy over all agents."""
    actions = np.where(np.arange(5)[:, None] == agent, own, actions)
    here = np.flatnonzero(present)
    first = np.mean([GAME.weights[j] * actions[j] for j in here], axis=0)
    second = np.mean([np.exp(GAME.matrix @ actions[j] / 5) for j in here], axis=0)
    felt = own @ first + second.sum() * own[1] * len(here) / 5
    return -1.5 * ((own - GAME.tastes[agent]) ** 2).sum() - GAME.weights[agent] * felt - rates[iteration] * own.sum()


def slope(agent, actions, present, iteration, rates=RATES, h=1e-5):
    steps = h * np.eye(2)
    ends = [[payoff(agent, actions[agent] + sign * step, actions, present, iteration, rates) for step in steps] for sign in (1, -1)]
    return (np.array(ends[0]) - ends[1]) / (2 * h)


ALL_AT_ONCE = jax.jit(lambda *at: tuple(function(*at) for function in (utilities, follower_gradients, reports, leader_gradient)))


@pytest.mark.parametrize("present", [np.ones(5, bool), np.array([True, False, True, True, False])])
def test_payoffs_and_gradients_against_one_agent_at_a_time(present):
    payoffs, found, told, led = ALL_AT_ONCE(GAME, ACTIONS, present, RATES, 3)
    expected = [payoff(agent, ACTIONS[agent], ACTIONS, present, 3) if present[agent] else 0.0 for agent in range(5)]
    np.testing.assert_allclose(payoffs, expected, rtol=1e-12)
    for agent in np.flatnonzero(present):
        np.testing.assert_allclose(found[agent], slope(agent, ACTIONS, present, 3), atol=1e-8)
    np.testing.assert_allclose(told["own"], np.where(present, GAME.weights, 0.0))
    np.testing.assert_allclose(told["paid"], np.where(present, RATES[3] * ACTIONS.sum(1), 0.0))
    expected = np.where(np.arange(8) == 3, (present * ACTIONS.sum(1)).sum(), 0.0) - 2 * RATES
    np.testing.assert_allclose(led, expected, rtol=1e-12)


@pytest.mark.parametrize("order", ORDERS)
def test_a_run_of_vectors_against_loops(order):
    """A schedule of rates by iteration as the leader's action, followers' rates by iteration, an agent that enters late, a batch."""
    entry_time, starts = np.array([0, 3, 0, 0, 0]), RNG.normal(size=(2, 5, 2)).clip(-2, 2)
    settings = Settings(
        8, lambda t: 0.2 / (1 + t), 0.05, 3, order, entry_time=entry_time, leader_start=RATES, leader_bounds=(0, np.full(8, 0.9))
    )
    found = jax.tree.map(np.asarray, solve(GAME, settings, starts))
    assert found.actions.shape == (2, 9, 5, 2) and found.leader_action.shape == (2, 9, 8) and found.reports["own"].shape == (2, 9, 5)
    for run, start in enumerate(starts):
        actions, rates = start.copy(), np.minimum(RATES, 0.9)
        for t in range(8):
            present = entry_time <= t
            if t % 3 == 0:
                gradient = np.where(np.arange(8) == t, (present * actions.sum(1)).sum(), 0.0) - 2 * rates
                rates = np.clip(rates + 0.05 * gradient, 0, 0.9)
            before = actions.copy()
            for agent in np.flatnonzero(present):
                seen = before if order == "simultaneous" else actions
                actions[agent] = np.clip(seen[agent] + 0.2 / (1 + t) * slope(agent, seen, present, t, rates), -2, 2)
            np.testing.assert_allclose(found.actions[run, t + 1], actions, atol=1e-8)
            np.testing.assert_allclose(found.leader_action[run, t + 1], rates, atol=1e-8)


def test_games_of_arrays_go_through_one_program():
    """Runs that differ in their arrays' numbers alone, as `solve` gives each."""
    runs = [(Fields(scale, GAME.tastes * scale, GAME.weights, GAME.matrix), HELD, ACTIONS.clip(-2, 2)) for scale in (1.0, 2.0)]
    for run, history in zip(runs, solve_many(runs), strict=True):
        jax.tree.map(np.testing.assert_array_equal, history, solve(*run))


HELD = Settings(7, 0.05, leader_start=RATES)


def test_lists_of_numbers_are_arrays():
    """In a field and in a profile."""
    lists = Fields(1.5, GAME.tastes.tolist(), GAME.weights.tolist(), GAME.matrix.tolist())
    for one, other in zip(
        ALL_AT_ONCE(lists, ACTIONS, np.ones(5, bool), RATES, 3), ALL_AT_ONCE(GAME, ACTIONS, np.ones(5, bool), RATES, 3), strict=True
    ):
        jax.tree.map(np.testing.assert_array_equal, one, other)
    assert utilities(ANY, [0.0, 1.0, 2.0], [True, False, True], 0.0).tolist() == [0.0, 0.0, 2.0]


@model
class Alike:
    """Followers each want to be at `wish`, and away from the crowd."""

    wish: float = 1.0

    action_bounds = (-10.0, 10.0)

    def utility(self, action, mean):
        return -((action - self.wish) ** 2) - 0.1 * action * mean


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "optimiser", [optax.adam(0.1), optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(0.2))], ids=["adam", "clipped"]
)
def test_optimisers_by_value(optimiser, order):
    """Each agent has its own: what is clipped is one agent's gradient, and what is remembered waits until it enters."""
    entry_time, start = np.array([0, 0, 3]), np.array([0.0, 5.0, -4.0])
    found = solve(Alike(), Settings(12, follower_optimiser=optimiser, order=order, entry_time=entry_time), start)
    actions, memory = start.copy(), [optimiser.init(jnp.asarray(value)) for value in start]
    for t in range(12):
        before, present = actions.copy(), entry_time <= t
        for agent in np.flatnonzero(present):
            seen = before if order == "simultaneous" else actions
            n, mean, own = present.sum(), seen[present].mean(), seen[agent]
            gradient = -2 * (own - 1) - 0.1 * mean - 0.1 * own / n
            step, memory[agent] = optimiser.update(jnp.asarray(-gradient), memory[agent], jnp.asarray(own))
            actions[agent] = np.clip(own + step, -10, 10)
        np.testing.assert_allclose(found.actions[t + 1], actions, atol=1e-12)


def test_a_leader_with_an_optimiser_and_a_pytree():
    """Each follower rests at 1 + x + y. The leader wants that to be 3 and x = y, and x is at its bound 0.9. Looking K steps ahead, it sees
    f = 1 - ½ᴷ of the followers' answer, so that its y solves f (1.1 - y) = y - 0.9."""

    @model
    class Led(Alike):
        def utility(self, action, leader_action):
            return -((action - self.wish - leader_action["push"] - leader_action["pull"]) ** 2)

        def objective(self, actions, leader_action):
            return -((actions.mean() - 3) ** 2) - (leader_action["push"] - leader_action["pull"]) ** 2

    settings = Settings(
        800,
        follower_lr=0.25,
        leader_optimiser=optax.adam(0.02),
        leader_start={"push": 0.0, "pull": -0.5},
        leader_bounds=(-INF, {"push": 0.9, "pull": INF}),
        leader_gradient=LookAhead(5),
    )
    history = solve(Led(), settings, np.zeros(4))
    f = 1 - 0.5**5
    pull = (0.9 + 1.1 * f) / (1 + f)
    assert history.leader_action["push"][-1] == 0.9
    np.testing.assert_allclose(history.leader_action["pull"][-1], pull, atol=1e-6)
    np.testing.assert_allclose(history.actions[-1], 1.9 + pull, atol=1e-6)


def test_many_agents_of_vectors_take_memory_in_proportion():
    n_agents = 10**5
    game = Fields(1.0, np.zeros((n_agents, 2)), np.ones(n_agents), np.ones((5, 2)))
    jaxpr = jax.make_jaxpr(follower_gradients)(game, np.zeros((n_agents, 2)), np.ones(n_agents, bool), RATES)
    assert max(sizes(jaxpr)) <= 10 * n_agents


def made(utility, objective=None, **more):
    """A game of these functions, called Own."""
    functions = {"utility": utility} | ({} if objective is None else {"objective": objective}) | more
    return model(type("Own", (), {"action_bounds": (0.0, 1.0), "leader_bounds": (0.0, 1.0)} | functions))()


class Plain:
    def utility(self, action):
        return action


ANY, THREE = made(lambda self, action: action), np.zeros(3)
SHORT, LED = Settings(5, 0.1), Settings(50, 0.1, 0.1, leader_bounds=(0, 1))
ONE_FLOAT = "Own.utility must give one float for one agent, got"
TRACED = "Own.utility must be made of what JAX can trace, jnp.where in place of if, jax.numpy in place of numpy and float(); got"
ORDERED = made(lambda self, action: action, lambda self, actions, order: actions.sum() if order is None else actions[order].middle)
REFUSED = {
    "order": (lambda: solve(ORDERED, LED, THREE), "Own.objective must work for arrays of numbers, got AttributeError in line "),
    "shape": (lambda: solve(made(lambda self, action: jnp.ones(3)), SHORT, THREE), f"{ONE_FLOAT} an array of shape (3,)"),
    "none": (lambda: solve(made(lambda self, action: None), SHORT, THREE), f"{ONE_FLOAT} None"),
    "whole": (lambda: solve(made(lambda self, action: jnp.round(action).astype(int)), SHORT, THREE), f"{ONE_FLOAT} int64"),
    "if": (lambda: solve(made(lambda self, action: action if action > 0.5 else 0.0), SHORT, THREE), f"{TRACED} TracerBoolConversionError"),
    "numpy": (lambda: solve(made(lambda self, action: np.sin(action)), SHORT, THREE), f"{TRACED} TracerArrayConversionError"),
    "loop": (
        lambda: solve(made(lambda self, action: lax.while_loop(lambda x: x < 3, lambda x: 2 * x + 1, action)), SHORT, THREE),
        "Own.utility must be differentiable in the agent's own action and the mean, got: Reverse-mode differentiation does not work",
    ),
    "name": (
        lambda: solve(made(lambda self, action, price: action), SHORT, THREE),
        "Own.utility may ask for action, mean, n_present, leader_action, iteration, got a parameter price",
    ),
    "bug": (
        lambda: solve(made(lambda self, action: self.price * action), SHORT, THREE),
        "Own.utility must work for arrays of numbers, got AttributeError in line ",
    ),
    "nan": (lambda: solve(made(lambda self, action: jnp.log(action - 2)), SHORT, THREE), "Own.utility gives NaN at the start"),
    "objective": (
        lambda: solve(made(Plain.utility, lambda self, utilities: utilities), LED, THREE),
        "Own.objective must give one float for the leader, got an array of shape (3,)",
    ),
    "reports": (
        lambda: solve(made(Plain.utility, lambda self, reports: reports.sum()), LED, THREE),
        "Own.objective asks for reports, so Own must have a function report",
    ),
    "no objective": (lambda: leader_gradient(ANY, THREE, THREE == 0, 0.0), "Own.objective must be a function, got None"),
    "one profile": (
        lambda: utilities(made(lambda self, action: jnp.ones(3)), THREE, THREE == 0, 0.0),
        f"{ONE_FLOAT} an array of shape (3,)",
    ),
    "aggregate": (
        lambda: solve(made(Plain.utility, aggregate=lambda self, action: action > 0.5), SHORT, THREE),
        "Own.aggregate must give arrays of floats, got bool",
    ),
    "schedule": (
        lambda: solve(ANY, Settings(5, lambda t: jnp.ones(2)), THREE),
        "the schedule follower_lr must give one float in an iteration, got an array of shape (2,)",
    ),
    "box": (
        lambda: solve(made(Plain.utility, action_bounds=None), SHORT, THREE),
        "action_bounds must be given: write Settings(…, action_bounds=(low, high)), or action_bounds = (low, high) in Own",
    ),
    "leader's box": (
        lambda: solve(made(Plain.utility, lambda self: 0.0, leader_bounds=None), Settings(5, 0.1, 0.1), THREE),
        "leader_bounds must be given: write Settings(…, leader_bounds=(low, high)), or leader_bounds = (low, high) in Own",
    ),
    "boxes": (lambda: Settings(5, 0.1, leader_bounds=({"a": 0}, {"b": 1})), "leader_bounds needs two bounds of one structure and shape"),
    "start": (
        lambda: Settings(5, 0.1, leader_start={"a": 0}, leader_bounds=({"b": 0}, 1)),
        "leader_start must have the structure and shapes of its bounds",
    ),
    "plain": (lambda: solve(Plain(), SHORT, THREE), "Plain must be made with @model, so that JAX can trace it: write @model above"),
    "dataclass": (lambda: solve(dataclass(Plain)(), SHORT, THREE), "Plain must be made with @model"),
    "class": (lambda: solve(Plain, SHORT, THREE), "game must be a value, such as Plain(…), got the class Plain itself"),
    "swapped": (lambda: solve(SHORT, ANY, THREE), "game must have a function utility, got Settings("),
    "turned": (lambda: solve(ANY, THREE, SHORT), "settings must be Settings(…), got array([0., 0., 0.]): arguments go game"),
    "two meanings": (
        lambda: solve(ANY, SHORT, np.zeros((5, 2))),
        "start of shape (5, 2) may mean 5 runs of 2 agents (write action_shape = () in Own) or 5 agents with 2 actions each",
    ),
    "vector": (
        lambda: solve(made(lambda self, action: action.sum(), action_shape=(3,)), SHORT, np.zeros((5, 2))),
        "start must have shape (N, 3) or (runs, N, 3), got (5, 2)",
    ),
    "field": (
        lambda: solve(Fields(1.0, np.zeros((4, 2)), np.ones(5), GAME.matrix), SHORT, ACTIONS),
        "Fields.tastes must be one number, hold one value per agent, 5 in its leading axis, or be annotated Shared; got shape (4, 2)",
    ),
    "word": (lambda: solve(Alike("one"), SHORT, THREE), "Alike.wish must hold numbers, or be annotated Static, got 'one'"),
    "over time": (lambda: solve(FishWar(3), SHORT, THREE), "FishWar is a game over time, since it has a transition: use solve_over_time"),
    "agents' boxes": (
        lambda: solve(ANY, Settings(5, 0.1, action_bounds=(THREE, 1.0)), THREE),
        "action_bounds must be numbers, or broadcast to one agent's action of shape (), got array([0., 0., 0.])",
    ),
    "leader's shape": (
        lambda: Settings(5, 0.1, 0.1, leader_bounds=(np.zeros(2), 1.0)),
        "leader_start must have the structure and shapes of its bounds, got 0.0",
    ),
    "runs": (lambda: solve_many((ANY, SHORT, THREE)), "runs must be a list of (game, settings, start), got [Own()"),
    "optax": (lambda: Settings(5, optax.adam(0.1)), "follower_lr must be a number or a schedule, got an optimiser: give it as"),
    "keep": (lambda: solve(ANY, SHORT, THREE, keep="mean"), "keep must be a function of the game and a row's History, got 'mean'"),
    "rate": (lambda: Settings(5), "follower_lr must be a number, got None"),
    "both": (lambda: Settings(5, 0.1, follower_optimiser=optax.sgd(0.1)), "follower_lr must be left out where follower_optimiser is given"),
    "optimiser": (lambda: Settings(5, follower_optimiser=0.1), "follower_optimiser must have init and update"),
    "gradient": (lambda: Settings(5, 0.1, leader_gradient=LookAhead), "leader_gradient must be a gradient, such as Partial()"),
    "steps": (lambda: LookAhead(-1), "steps must lie in [0, 1000000000], got -1"),
}


@pytest.mark.parametrize("call, line", REFUSED.values(), ids=REFUSED)
def test_refused(call, line):
    with pytest.raises(ValueError) as refusal:
        call()
    assert str(refusal.value).startswith(line) and "\n" not in str(refusal.value)


@pytest.mark.parametrize("function", [utilities, follower_gradients, leader_gradient])
def test_profiles_of_the_wrong_length_are_refused(function):
    game, everybody = MarketEntrance(3, 0.6), np.ones(3, bool)
    for actions, present, line in (
        (np.zeros(4), np.ones(4, bool), "actions must have shape (N,) with N = 3, got (4,)"),
        (np.zeros((3, 2)), everybody, "actions must have shape (N,) with N = 3, got (3, 2)"),
        (THREE, np.ones(4, bool), "present must say of each of the 3 agents True or False, got bool of shape (4,)"),
        (everybody, THREE, "actions must hold numbers, got array([ True, True, True])"),
        (THREE, THREE, "present must say of each of the 3 agents True or False, got float64 of shape (3,)"),
    ):
        with pytest.raises(ValueError) as refusal:
            function(game, actions, present, 0.0)
        assert str(refusal.value) == line


def test_a_history_says_what_went_wrong():
    """NaN on the way, steps that diverge, a bound that nobody chose; nothing where all is well, nor where the bound was chosen."""
    rooted = made(lambda self, action: jnp.sqrt(0.3 - action) + 20 * action)
    with pytest.warns(HistoryWarning, match=r"^the history contains NaN .* from row 1 on: Own\.utility gives NaN$"):
        solve(rooted, SHORT, THREE)
    for call in (solve, lambda *run, rows: solve_many([run], rows=rows)):  # of the rows that are kept
        with pytest.warns(HistoryWarning, match=r"^the history contains NaN .* from row 4 on: "):
            call(rooted, SHORT, THREE, rows=[0, 4])
    with pytest.warns(HistoryWarning, match=r"from row 3 on: the schedule follower_lr gives no finite rate in iteration 2$"):
        solve(Alike(), Settings(5, lambda t: 0.1 / (t - 2) * 0), THREE)
    with pytest.warns(HistoryWarning, match=r"from row \d+ on: the gradient of Alike\.utility is NaN, or its steps diverge$"):
        solve(Alike(), Settings(3000, 2.0, action_bounds=(-INF, INF)), np.array([0.0, 1.0, 2.0]))
    climber = made(lambda self, action: -(action**2), lambda self, leader_action: leader_action)
    with pytest.warns(HistoryWarning, match=r"^the leader's action ends on the bound 1, which Own states and the settings do not"):
        solve(climber, Settings(50, 0.1, 0.1), THREE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve(climber, LED, THREE)


@model
class Rounded:
    """What others feel of an agent has half as many digits as its action."""

    def aggregate(self, action):
        return action.astype(jnp.float32)

    def utility(self, action, mean, n_present, leader_action):
        return -((action - 0.5 * mean - 0.1) ** 2)


@pytest.mark.parametrize("order", ["simultaneous", "alternating"])
def test_an_aggregate_may_have_a_precision_of_its_own(order):
    """Best answers a = m / 2 + 0.1 meet at 0.2."""
    end = solve(Rounded(), Settings(200, 0.2, order=order, action_bounds=(0, 1)), np.linspace(0.0, 1.0, 5)).actions[-1]
    np.testing.assert_allclose(end, 0.2, atol=1e-6)
