"""The leader's gradient at the followers' equilibrium, by the implicit function theorem, in O(N)."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from adage_repro.boxes import clipped
from adage_repro.followers import crowd, felt, follower_gradients, own_gradient
from adage_repro.game import each_agent
from adage_repro.leaders import LeaderGradient
from adage_repro.outlook import Outlook, gradient
from adage_repro.parameters import check_value
from adage_repro.profiles import where_present
from adage_repro.pytrees import model, store

WELL_POSED = 1e12  # the followers' reaction may be this many times as large as what it answers to


@model
class Implicit(LeaderGradient):
    """∂U_L/∂a_L - (∂U_L/∂a_F) J⁻¹ ∂g/∂a_L where the followers rest: where all g_i = ∂U_i/∂a_i vanish, J = ∂g/∂a_F.

    The followers are first brought to rest, as the leader foresees it: by their own steps under its present action, with those who are
    present now, until no step of length 1 along g_i would move any of them by more than `tolerance`, or `steps` have been made. An
    agent that does not learn, or whose box stops it, has no reaction. The others are felt through k means only, so J = D + U Vᵀ, with D
    one block for each agent and k columns in U and V: by Woodbury's formula the cost is O(N).

    Refused, once the run is over: followers that are not at rest after `steps`, or a J that is singular.
    """

    steps: int = 10_000
    tolerance: float = 1e-9

    def __post_init__(self):
        store(self, steps=check_value("steps", self.steps, "int", "[0, 1000000000]"))
        store(self, tolerance=check_value("tolerance", self.tolerance, "float", "(0, inf)"))

    def __call__(self, outlook: Outlook, leader_action: Any) -> Any:
        slope, moves, posed = self._solved(outlook, leader_action)
        return jax.tree.map(lambda slope: jnp.where(posed & (moves <= self.tolerance), slope, jnp.nan), slope)

    def failure(self, outlook: Outlook, leader_action: Any) -> str | None:
        _, moves, posed = jax.jit(partial(self._solved, outlook))(leader_action)
        if not moves <= self.tolerance:
            steps = f"after {self.steps} steps a step along the gradient would still move one by {float(moves):.3g}"
            return f"the followers must be at rest for Implicit(), but {steps}: more steps or another follower_lr may help"
        return None if posed else "the Jacobian of the followers' gradients is singular where they rest, so that Implicit() has no answer"

    def _solved(self, outlook, leader_action):
        actions, moves = _rest(outlook, leader_action, self.steps, self.tolerance)
        slope, posed = _slope(outlook, actions, leader_action)
        return slope, moves, posed


def _rest(outlook: Outlook, leader_action: Any, steps: int, tolerance: float) -> tuple[Array, Array]:
    """The followers' actions where they rest, and how far the one of them would go that goes farthest along its gradient."""

    def moves(actions):
        ahead = clipped(actions + _gradients(outlook, actions, leader_action), outlook.action_box)
        return jnp.abs(ahead - actions).max()

    def restless(state):
        followers, made = state
        return (moves(followers[0]) > tolerance) & (made < steps)

    def step(state):
        followers, made = state
        return outlook.follow(followers, leader_action, outlook.iteration), made + 1

    actions = lax.while_loop(restless, step, (outlook.followers, jnp.zeros((), int)))[0][0]
    return actions, moves(actions)


def _gradients(outlook, actions, leader_action):
    """∂U_i/∂a_i of those who learn, 0 of the rest."""
    gradients = follower_gradients(outlook.game, actions, outlook.present, leader_action, outlook.iteration)
    return where_present(outlook.learning, gradients, 0.0)


def _slope(outlook: Outlook, actions: Array, leader_action: Any) -> tuple[Any, Array]:
    """∂U_L/∂a_L - wᵀ ∂g/∂a_L with Jᵀ w = ∂U_L/∂a_F, and whether w is well determined."""
    gradients = _gradients(outlook, actions, leader_action)
    low, high = outlook.action_box
    stopped = ((actions <= low) & (gradients < 0)) | ((actions >= high) & (gradients > 0))
    free = where_present(outlook.learning, ~stopped, False).reshape(len(actions), -1)
    payoff = jax.grad(lambda actions: outlook.objective(actions, leader_action))(actions).reshape(free.shape)
    weights, posed = _adjoint(*_jacobian(outlook, actions, leader_action, free), jnp.where(free, payoff, 0.0))

    def lagrangian(own):
        answer = follower_gradients(outlook.game, actions, outlook.present, own, outlook.iteration).reshape(free.shape)
        return outlook.objective(actions, own) - jnp.where(free, weights * answer, 0.0).sum()

    return gradient(lagrangian, leader_action), posed


def _jacobian(outlook, actions, leader_action, free):
    """J_ij = D_i δ_ij + U_i V_j of those numbers of the actions that are free: D (N, d, d), U (N, d, k), V (N, k, d)."""
    game, d = outlook.game, free.shape[1]
    n_present, mean = crowd(game, actions, outlook.present)
    means, as_mean = ravel_pytree(mean)

    def one(game, action, free, present):
        def own(action, means):
            return own_gradient(game, action, as_mean(means), n_present, leader_action, outlook.iteration)

        blocks, columns = jax.jacfwd(own, (0, 1))(action, means)
        rows = jax.jacfwd(lambda action: ravel_pytree(felt(game, action))[0])(action).reshape(means.size, d)
        blocks = jnp.where(free[:, None] & free, blocks.reshape(d, d), jnp.diag(jnp.where(free, 0.0, 1.0)))
        columns = jnp.where(free[:, None], columns.reshape(d, means.size), 0.0)
        return blocks, columns, jnp.where(free & present, rows / n_present, 0.0)

    return each_agent(one, game, actions, free, outlook.present)


def _adjoint(blocks: Array, columns: Array, rows: Array, payoff: Array) -> tuple[Array, Array]:
    """w (N, d) with (D + U Vᵀ)ᵀ w = payoff, by Woodbury's formula, and whether it is one: finite, and not by far too large."""
    blocks, rows = jnp.swapaxes(blocks, 1, 2), jnp.swapaxes(rows, 1, 2)
    single = blocks.shape[-1] == 1
    over = (lambda right: right / blocks) if single else (lambda right: jnp.linalg.solve(blocks, right))
    own, crowd = over(payoff[..., None])[..., 0], over(rows)
    inner = jnp.eye(rows.shape[-1]) + jnp.einsum("idk,idl->kl", columns, crowd)
    weights = own - crowd @ jnp.linalg.solve(inner, jnp.einsum("idk,id->k", columns, own))
    found = jnp.einsum("ide,ie->id", blocks, weights) + rows @ jnp.einsum("idk,id->k", columns, weights)
    scale = jnp.abs(payoff).max()
    near = jnp.abs(found - payoff).max() <= 1e-6 * scale
    return weights, near & (jnp.abs(weights).max() * jnp.abs(blocks).max() <= WELL_POSED * scale)
