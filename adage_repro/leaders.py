"""The leader's gradient as an explicit choice: partial, looking ahead, and two that need no derivative; `implicit` has one more."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from adage_repro.boxes import clipped
from adage_repro.game import Game
from adage_repro.outlook import OVER, Outlook, gradient, objective, payoff_and_slope
from adage_repro.parameters import check_value
from adage_repro.profiles import check_profile, floats
from adage_repro.pytrees import model, store


class LeaderGradient:
    """A function of an `Outlook` and the leader's action that gives the gradient the leader climbs, a pytree like that action."""

    differentiates = True  # whether it takes derivatives of the leader's payoff

    def __call__(self, outlook: Outlook, leader_action: Any) -> Any:
        raise NotImplementedError

    def failure(self, outlook: Outlook, leader_action: Any) -> str | None:
        """Why the gradient is undefined here, in words, or None if nothing is known against it."""
        return None


@model
class Partial(LeaderGradient):
    """The paper's: ∂U_L(a_L, a_F) / ∂a_L at the followers' present actions a_F (Eq. 3)."""

    def __call__(self, outlook: Outlook, leader_action: Any) -> Any:
        if outlook.slope is None:
            return gradient(lambda own: outlook.objective(outlook.followers[0], own), leader_action)
        present, known = outlook.slope
        at = (outlook.game, outlook.followers[0], outlook.present, leader_action, outlook.iteration)
        return lax.cond((present == outlook.present).all(), lambda: known, lambda: payoff_and_slope(*at, outlook.order)[1])


@model
class LookAhead(LeaderGradient):
    """d/da_L U_L(a_L, a_F^K(a_L)), where a_F^K are the followers after K = `steps` more of their steps, all under a_L.

    The steps are those of the coming iterations, with whoever enters in them and with the followers' optimisers. `over` the `end`:
    U_L after the last step; over the `path`: the mean of U_L after each of the K steps. K = 0 is `Partial`. Near the end of a run the
    steps go beyond it: where the leader's action is a schedule by iteration, its last entry holds from then on.
    Where the leader's action is one number derivatives go forward and keep nothing; else backward, with memory for about 2 √K steps.
    """

    steps: int
    over: str = "end"

    def __post_init__(self):
        _check_ahead(self)

    def __call__(self, outlook: Outlook, leader_action: Any) -> Any:
        return gradient(lambda own: outlook.ahead(own, self.steps, self.over), leader_action)


@model
class FiniteDifference(LeaderGradient):
    """(V(a_L + h e_k) - V(a_L - h e_k)) / 2h for each number k of the leader's action, where V is U_L after `steps` follower steps.

    V as in `LookAhead`, with its `over`; one step unless given. At a bound of the leader's box the point beyond it is moved onto it, and
    the difference is taken over what is left. Needs no derivative of the leader's payoff; 2 simulations for each number.
    """

    differentiates = False
    h: float
    steps: int = 1
    over: str = "end"

    def __post_init__(self):
        _check_ahead(self)
        store(self, h=check_value("h", self.h, "float", "(0, inf)"))

    def __call__(self, outlook: Outlook, leader_action: Any) -> Any:
        centre, as_action = ravel_pytree(leader_action)

        def slope(direction):
            ends = _inside(outlook, as_action, centre + self.h * jnp.stack([direction, -direction]))
            payoffs = _payoffs(self, outlook, as_action, ends)
            width = (ends[0] - ends[1]) @ direction
            return jnp.where(width > 0, (payoffs[0] - payoffs[1]) / jnp.where(width > 0, width, 1.0), 0.0)

        return as_action(lax.map(slope, jnp.eye(centre.size)))


@model
class EvolutionStrategy(LeaderGradient):
    """1/(2 P σ) Σ_p (V(a_L + σ ε_p) - V(a_L - σ ε_p)) ε_p over P = `pairs` of antithetic normal draws ε_p: the gradient of V smoothed
    over σ = `scale`, with V as in `FiniteDifference`.

    Draws come from `seed` and the iteration, so that a run can be repeated; the runs of a batch share them. Points beyond the leader's
    box are moved onto it. Needs no derivative of the leader's payoff; 2 P simulations, however many numbers the leader has.
    """

    differentiates = False
    pairs: int
    scale: float = 0.01
    steps: int = 1
    over: str = "end"
    seed: Array | int = 0

    def __post_init__(self):
        _check_ahead(self)
        seed = check_value("seed", self.seed, "int", "[0, 4294967295]")
        store(self, scale=check_value("scale", self.scale, "float", "(0, inf)"), seed=seed)
        store(self, pairs=check_value("pairs", self.pairs, "int", "[1, inf)"))

    def __call__(self, outlook: Outlook, leader_action: Any) -> Any:
        centre, as_action = ravel_pytree(leader_action)

        def slope(key):
            draw = jax.random.normal(key, centre.shape)
            ends = _inside(outlook, as_action, centre + self.scale * jnp.stack([draw, -draw]))
            payoffs = _payoffs(self, outlook, as_action, ends)
            return (payoffs[0] - payoffs[1]) / (2 * self.scale) * draw

        key = jax.random.fold_in(jax.random.key(self.seed), outlook.iteration)
        return as_action(lax.map(slope, jax.random.split(key, self.pairs)).mean(0))


def leader_gradient(game: Game, actions: Array, present: Array, leader_action: Any, iteration: Array | int = 0) -> Any:
    """∂U_L/∂a_L at the followers' current actions (Eq. 3), a pytree like the leader's action. ValueError: a profile of the wrong shape."""
    actions, present = check_profile(game, actions, present)
    return gradient(lambda own: objective(game, actions, present, own, iteration), floats(leader_action))


def _check_ahead(chosen):
    store(chosen, steps=check_value("steps", chosen.steps, "int", "[0, 1000000000]"))
    store(chosen, over=check_value("over", chosen.over, "str", " | ".join(OVER)))


def _inside(outlook, as_action, points):
    """The points (2, numbers) moved into the leader's box."""
    return jax.vmap(lambda point: ravel_pytree(clipped(as_action(point), outlook.leader_box))[0])(points)


def _payoffs(chosen, outlook, as_action, points):
    """V at each point."""
    return jax.vmap(lambda point: outlook.ahead(as_action(point), chosen.steps, chosen.over))(points)
