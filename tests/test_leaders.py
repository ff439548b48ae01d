"""The leader's gradients: each against finite differences of whole runs, the implicit one against a dense solve, costs, known answers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array, lax
from jax.flatten_util import ravel_pytree
from jaxprs import sizes

from adage_repro import (
    EvolutionStrategy,
    FiniteDifference,
    Implicit,
    LookAhead,
    MarketEntrance,
    Partial,
    Settings,
    Shared,
    leader_gradient,
    model,
    solve,
)
from adage_repro.games.cournot import Cournot
from adage_repro.outlook import objective
from adage_repro.steps import begin, outlook_of

INF = float("inf")
RNG = np.random.default_rng(7)


COSTS = {"alike": np.full(3, 1.0), "different": np.array([1.0, 1.3, 0.7])}
FINDERS = [LookAhead(200), Implicit(), FiniteDifference(1e-4, steps=200), EvolutionStrategy(4, scale=0.01, steps=200)]


@pytest.mark.parametrize("costs", COSTS.values(), ids=COSTS)
@pytest.mark.parametrize("chosen", FINDERS, ids=lambda chosen: type(chosen).__name__)
def test_a_tax_authority_finds_its_known_optimum(chosen, costs):
    """From identical starts too, where the mean of the crowd sits on a tie of smallest and largest."""
    settings = Settings(400, 0.2, 0.1, leader_bounds=(0.0, 3.0), leader_gradient=chosen)
    history = solve(Cournot(4.0, 0.5, costs), settings, np.zeros(3))
    np.testing.assert_allclose(history.leader_action[-1], 1.5, atol=1e-6)
    expected = (4.0 - costs - 1.5 - (costs[:, None] - costs).sum(1)) / (0.5 * 4)
    np.testing.assert_allclose(history.actions[-1], expected, atol=1e-6)
    np.testing.assert_allclose(history.objective[-1], history.reports["revenue"][-1].sum(), rtol=1e-12)


def test_the_partial_gradient_runs_to_its_bound():
    """It takes what firms produce now for given: any tax seems to pay as long as anything is sold."""
    history = solve(Cournot(4.0, 0.5, COSTS["alike"]), Settings(400, 0.2, 0.1, leader_bounds=(0.0, 2.5)), np.zeros(3))
    assert history.leader_action[-1] == 2.5 and history.objective[-1] < 0.6 * history.objective.max()


@model
class Roads:
    """Curved in everything, with two actions an agent, aggregates of three numbers, agents that differ, and a leader of a dict."""

    wobble: float
    tastes: Array  # (N, 2)
    weights: Array  # (N,)
    matrix: Shared  # (2, 2)

    action_shape = (2,)
    action_bounds = (-INF, INF)

    def aggregate(self, action):
        return {"load": self.weights * action, "spread": jnp.sin(action).sum()}

    def utility(self, action, mean, n_present, leader_action, iteration):
        load = self.matrix @ mean["load"] * n_present
        felt = 0.3 * action @ load + 0.2 * mean["spread"] * jnp.cos(action[0]) + self.wobble * jnp.cos(iteration) * action[1]
        toll = leader_action["tolls"] @ action + leader_action["base"] ** 2 * action[0] * action[1]
        return -((action - self.tastes) ** 2).sum() * (1.5 + self.weights) - felt - toll

    def objective(self, actions, utilities, present, leader_action, iteration):
        paid = (actions @ leader_action["tolls"]).sum()
        return paid + 0.1 * utilities.sum() - leader_action["base"] ** 2 + (present * actions[:, 0] ** 2).sum()


ROADS = Roads(0.01, RNG.normal(size=(5, 2)), RNG.uniform(0.2, 1.0, 5), RNG.normal(size=(2, 2)))
TOLLS = {"base": 0.4, "tolls": np.array([0.3, -0.2])}
START, ENTRY = RNG.normal(size=(5, 2)), np.array([0, 0, 3, 0, 5])


class Momentum:
    """An optimiser that remembers, in the shape of optax's."""

    @staticmethod
    def init(value):
        return jnp.zeros_like(value)

    @staticmethod
    def update(slope, memory, value):
        memory = 0.7 * memory + slope
        return -0.03 * memory, memory


@jax.jit
def taken(chosen, game, settings, start, leader_action):
    return chosen(outlook_of(game, settings, begin(settings, start)[0], jnp.asarray(0)), leader_action)


def gradient_of(chosen, game, settings, start, leader_action):
    """As the leader takes it in iteration 0, compiled."""
    leader_action = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), leader_action)
    return taken(chosen, game, settings, jnp.asarray(start), leader_action)


def flat(tree):
    return np.asarray(ravel_pytree(tree)[0])


def differences(function, at, h=1e-5):
    """Central differences of a function of a pytree."""
    centre, back = ravel_pytree(jax.tree.map(jnp.asarray, at))
    ends = [[centre + sign * h * step for step in np.eye(centre.size)] for sign in (1, -1)]
    above, below = jax.jit(lambda points: lax.map(lambda point: function(back(point)), points))(
        jnp.array(ends).reshape(-1, centre.size)
    ).reshape(2, -1)
    return np.asarray((above - below) / (2 * h))


@pytest.mark.parametrize(
    "learning, order, over",
    [({"follower_optimiser": Momentum}, "simultaneous", "path"), ({"follower_lr": lambda t: 0.05 / (1 + t)}, "alternating", "end")],
    ids=["memory", "in turn"],
)
def test_looking_ahead_is_the_derivative_of_the_run(learning, order, over):
    """Of what `solve` does in the next 7 iterations under a tried action held, whoever enters in them; one number or many."""
    choices = {"order": order, "entry_time": ENTRY, **learning}

    def payoff(tried):
        run = solve(ROADS, Settings(7, leader_start=tried, **choices), START)
        each = jax.vmap(lambda actions, present, t: objective(ROADS, actions, present, tried, t))
        payoffs = each(run.actions[1:], run.present[1:], jnp.arange(7))
        return payoffs.mean() if over == "path" else payoffs[-1]

    expected = differences(payoff, TOLLS)
    for chosen, accuracy in ((LookAhead(7, over), 1e-7), (FiniteDifference(1e-5, 7, over), 1e-12)):
        found = gradient_of(chosen, ROADS, Settings(7, leader_bounds=(-INF, INF), **choices), START, TOLLS)
        np.testing.assert_allclose(flat(found), expected, rtol=0, atol=max(accuracy, 1e-8))


@model
class OnlyBase(Roads):
    """The same with a leader of one number."""

    def utility(self, action, mean, n_present, leader_action, iteration):
        return Roads.utility(self, action, mean, n_present, {"base": leader_action, "tolls": TOLLS["tolls"]}, iteration)

    def objective(self, actions, utilities, present, leader_action, iteration):
        return Roads.objective(self, actions, utilities, present, {"base": leader_action, "tolls": TOLLS["tolls"]}, iteration)


def test_forward_and_backward_agree():
    """One number goes forward, many go backward through stretches of 3 and a rest of 2; K = 0 is the partial gradient."""
    settings, present = Settings(9, 0.05, leader_bounds=(-INF, INF), entry_time=ENTRY), ENTRY <= 0
    many = gradient_of(LookAhead(11), ROADS, settings, START, TOLLS)["base"]
    one = gradient_of(LookAhead(11), OnlyBase(*vars(ROADS).values()), settings, START, TOLLS["base"])
    np.testing.assert_allclose(one, many, rtol=1e-9)
    expected = flat(leader_gradient(ROADS, START, present, TOLLS))
    for chosen in (Partial(), LookAhead(0)):
        np.testing.assert_allclose(flat(gradient_of(chosen, ROADS, settings, START, TOLLS)), expected, rtol=1e-12)
    shifted = differences(lambda tried: objective(ROADS, jnp.asarray(START), jnp.asarray(present), tried), TOLLS)
    np.testing.assert_allclose(expected, shifted, rtol=1e-8, atol=1e-8)


STILL = Roads(0.0, *list(vars(ROADS).values())[1:])


@pytest.mark.parametrize("box", [(-INF, INF), (-0.5, 0.5)], ids=["free", "stopped"])
def test_implicit_is_the_derivative_where_the_followers_rest(box):
    """With agents that are absent, that have not learnt, or that their box stops; found from afar as well as at rest."""
    choices = {"action_bounds": box, "entry_time": np.array([0, 0, 9999, 0, 0])}

    def payoff(tried):
        run = solve(STILL, Settings(600, 0.1, leader_start=tried, **choices), 0.1 * START, rows=[600])
        return objective(STILL, run.actions[0], run.present[0], tried)

    settings = Settings(1, 0.1, leader_bounds=(-INF, INF), **choices)
    found = gradient_of(Implicit(), STILL, settings, 0.1 * START, TOLLS)
    np.testing.assert_allclose(flat(found), differences(payoff, TOLLS), atol=1e-7)
    rest = solve(STILL, Settings(600, 0.1, leader_start=TOLLS, **choices), 0.1 * START, rows=[600]).actions[0]
    assert (np.abs(rest) == 0.5).any() == (box[1] == 0.5) and (np.abs(rest) < 0.5).any()
    np.testing.assert_allclose(flat(gradient_of(Implicit(steps=0), STILL, settings, rest, TOLLS)), flat(found), atol=1e-7)


def test_implicit_sees_no_use_of_the_tax_where_the_market_rests():
    """All returns are equal there at any rate."""
    game, settings = MarketEntrance(10, 0.6), Settings(1, 0.01)
    for tax_rate in (0.0, 0.05):
        assert gradient_of(Implicit(), game, settings, np.zeros(10), tax_rate) == 0


def test_evolution_strategy_smooths_the_same_payoff():
    """Antithetic pairs are exact along each draw where the payoff is quadratic; the mean over draws is the gradient."""
    game, settings = Cournot(4.0, 0.5, COSTS["different"]), Settings(1, 0.2, leader_bounds=(0.0, 3.0))
    start = np.full(3, 0.5)
    exact, few, other, many = (
        float(gradient_of(chosen, game, settings, start, 1.0))
        for chosen in (LookAhead(3), EvolutionStrategy(2, 0.1, 3), EvolutionStrategy(2, 0.1, 3, seed=1), EvolutionStrategy(20_000, 0.1, 3))
    )
    assert few != other and few == float(gradient_of(EvolutionStrategy(2, 0.1, 3), game, settings, start, 1.0))
    np.testing.assert_allclose(many, exact, rtol=0.05)


def test_black_boxes_stay_inside_the_box_of_the_leader():
    """At a bound the difference is one-sided; a payoff that does not exist beyond it is never asked for."""

    @model
    class Root(Cournot):
        def objective(self, leader_action):
            return jnp.where(leader_action < 0, jnp.nan, 3 * leader_action)

    game, settings = Root(4.0, 0.5, COSTS["alike"]), Settings(1, 0.2, leader_bounds=(0.0, 3.0))
    np.testing.assert_allclose(gradient_of(FiniteDifference(1e-3), game, settings, np.ones(3), 0.0), 3.0)
    assert gradient_of(EvolutionStrategy(5), game, settings, np.ones(3), 0.0) > 0


def test_black_boxes_need_no_derivative_of_the_leaders_payoff():
    @model
    class Simulator(Cournot):
        def objective(self, reports):
            revenue = reports["revenue"].sum()
            return jax.pure_callback(lambda value: np.asarray(value), jax.ShapeDtypeStruct((), float), revenue, vmap_method="sequential")

    game = Simulator(4.0, 0.5, COSTS["alike"])
    choices = {"follower_lr": 0.2, "leader_lr": 0.1, "leader_bounds": (0.0, 3.0)}
    history = solve(game, Settings(60, **choices, leader_gradient=FiniteDifference(1e-3, steps=20)), np.zeros(3))
    np.testing.assert_allclose(history.leader_action[-1], 1.5, atol=0.05)
    with pytest.raises(ValueError, match=r"^Simulator\.objective must be differentiable in the leader's action"):
        solve(game, Settings(60, **choices), np.zeros(3))


@model
class Pull:
    """Each is drawn to the leader and pushed by the crowd: J = -I + push 11ᵀ / N, singular at push = 1."""

    push: float

    def utility(self, action, mean, n_present, leader_action):
        return -((action - leader_action) ** 2) / 2 + self.push * action * mean * n_present / (n_present + 1)

    def objective(self, actions, leader_action):
        return -((actions - 1) ** 2).sum()


def test_implicit_says_why_it_has_no_answer():
    choices = {"leader_lr": 0.01, "action_bounds": (-INF, INF), "leader_bounds": (-INF, INF), "leader_every": 1}

    def run(push):
        return solve(Pull(push), Settings(3, 0.5, leader_gradient=Implicit(steps=3), **choices), np.zeros(4))

    with pytest.raises(ValueError, match=r"^the leader's gradient is undefined in iteration 0: the Jacobian .* is singular"):
        run(1.0)
    with pytest.raises(ValueError, match=r"^the leader's gradient is undefined in iteration 1: the followers must be at rest .* 3 steps"):
        run(0.5)


def test_a_hundred_thousand_agents_cost_in_proportion():
    n_agents = 10**5
    game, settings = Cournot(4.0, 1e-5, np.ones(n_agents)), Settings(1, 0.2, leader_bounds=(0.0, 3.0))
    followers = begin(settings, jnp.zeros(n_agents))[0]
    for chosen in (Implicit(), LookAhead(4), FiniteDifference(0.1, 4), EvolutionStrategy(1, 0.1, 4)):
        jaxpr = jax.make_jaxpr(lambda own, chosen=chosen: chosen(outlook_of(game, settings, followers, jnp.asarray(0)), own))(1.0)
        assert n_agents <= max(sizes(jaxpr)) <= 4 * n_agents, chosen


def test_memory_for_many_numbers_grows_as_the_root_of_the_steps():
    settings, n_agents = Settings(1, 0.05, action_bounds=(-INF, INF), leader_bounds=(-INF, INF)), 1000
    followers = begin(settings, jnp.zeros(n_agents))[0]

    @model
    class TwoPulls(Pull):
        def utility(self, action, mean, n_present, leader_action):
            return Pull.utility(self, jnp.sin(action), mean, n_present, leader_action.sum())

        def objective(self, actions):
            return -(actions**2).sum()

    def bytes_of(steps):
        chosen = jax.jit(lambda own: LookAhead(steps)(outlook_of(TwoPulls(0.5), settings, followers, jnp.asarray(0)), own))
        return chosen.lower(jnp.zeros(2)).compile().memory_analysis().temp_size_in_bytes

    assert bytes_of(1600) < 5 * bytes_of(100)  # 16 times as many steps
