"""One step of Eq. 3 of each layer: plain ascent at a rate or a schedule of rates, or an optimiser given by value."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from adage_repro.boxes import clipped
from adage_repro.devices import whole
from adage_repro.followers import between, crowd, felt, felt_of_each, follower_gradients, own_gradient
from adage_repro.game import Game, per_agent
from adage_repro.outlook import Outlook
from adage_repro.profiles import where_present
from adage_repro.readings import LATE_GROUP, ORDER
from adage_repro.settings import Settings, action_box, leader_box

State = tuple[Any, Any]  # actions and what the optimiser remembers: of the followers, each with an axis N in front, or of the leader


def begin(settings: Settings, start: Array) -> tuple[State, State]:
    """The first state of the followers and of the leader."""
    followers, leader = settings.follower_optimiser, settings.leader_optimiser
    leader_start = jax.tree.map(lambda value: jnp.asarray(value, float), settings.leader_start)
    return (
        (start, () if followers is None else jax.vmap(followers.init)(start)),
        (leader_start, () if leader is None else leader.init(leader_start)),
    )


def presence(settings: Settings, n_agents: int, iteration: Array) -> tuple[Array, Array]:
    """Who learns in this iteration (N,), and who is present (N,)."""
    learning = iteration >= jnp.broadcast_to(settings.entry_time, n_agents)
    return learning, learning | LATE_GROUP.pick(settings.late_group, absent=False, frozen=True)


def leader_step(settings: Settings, outlook: Outlook, leader: State) -> State:
    """The leader's line of Eq. 3, a_L ← a_L + α_L ∇U_L with the gradient that it has chosen; as it was where it is not its turn."""

    def stepped():
        gradient = settings.leader_gradient(outlook, leader[0])
        return climbed(leader, gradient, settings.leader_lr, settings.leader_optimiser, outlook.leader_box, outlook.iteration)

    return lax.cond(outlook.iteration % settings.leader_every == 0, stepped, lambda: leader)


def outlook_of(game: Game, settings: Settings, followers: State, iteration: Array, who: tuple[Array, Array] | None = None) -> Outlook:
    """What the leader's gradient may look at in this iteration."""
    n_agents = followers[0].shape[0]
    learning, present = presence(settings, n_agents, iteration) if who is None else who
    return Outlook(
        game=game,
        followers=followers,
        iteration=iteration,
        learning=learning,
        present=present,
        presence=partial(presence, settings, n_agents),
        follow=partial(follower_step, game, settings),
        action_box=action_box(game, settings),
        leader_box=leader_box(game, settings),
    )


def follower_step(
    game: Game, settings: Settings, followers: State, leader_action: Any, iteration: Array, who: tuple[Array, Array] | None = None
) -> State:
    """The followers' line of Eq. 3, a_i ← a_i + α_F ∂U_i/∂a_i, in the order of the settings; `who` learns and is present, if known."""
    learning, present = presence(settings, followers[0].shape[0], iteration) if who is None else who
    step = ORDER.pick(settings.order, simultaneous=simultaneous, alternating=alternating)
    return step(game, settings, followers, present, learning, leader_action, iteration)


def follower_update(game: Game, settings: Settings, actions: Array, leader_action: Any, learning: Array, present: Array) -> Array:
    """The followers' actions after one step by plain ascent at a constant rate."""
    return follower_step(game, settings, (actions, ()), leader_action, 0, who=(learning, present))[0]


def climbed(state: State, gradient: Any, rate: Any, optimiser: Any, box: tuple[Any, Any], iteration: Array) -> State:
    """One step up the gradient, clip(a + α_t ∇), or that of an optimiser, which descends and so is given -∇."""
    value, memory = state
    if optimiser is None:
        rate = rate(iteration) if callable(rate) else rate
        moved = jax.tree.map(lambda value, gradient: value + rate * gradient, value, gradient)
    else:
        step, memory = optimiser.update(jax.tree.map(jnp.negative, gradient), memory, value)
        moved = jax.tree.map(jnp.add, value, step)
    return clipped(moved, box), memory


def learnt(game, settings, follower, gradient, learning, iteration):
    """One follower, or all at once, after its step if it is learning."""
    step = partial(climbed, rate=settings.follower_lr, optimiser=settings.follower_optimiser, box=action_box(game, settings))
    each = jax.vmap if settings.follower_optimiser is not None and learning.ndim else lambda function: function
    moved = each(lambda follower, gradient: step(follower, gradient, iteration=iteration))(follower, gradient)
    return jax.tree.map(lambda new, old: where_present(learning, new, old), moved, follower)


def simultaneous(game, settings, followers, present, learning, leader_action, iteration):
    """One follower step of Eq. 3, all from the same actions."""
    gradients = follower_gradients(game, followers[0], present, leader_action, iteration)
    return learnt(game, settings, followers, gradients, learning, iteration)


def alternating(game, settings, state, present, learning, leader_action, iteration):
    """One sweep of Eq. 3 over agents 0 … N - 1, each seeing the latest iterates of the others."""
    (actions, memory), present, learning = whole((state, present, learning))
    n_present, mean = crowd(game, actions, present)
    own, as_agent = per_agent(game, actions.shape[0])
    values = felt_of_each(game, actions)
    low_ahead = jax.tree.map(lambda values: lax.cummin(where_present(present, values, jnp.inf), reverse=True), values)
    high_ahead = jax.tree.map(lambda values: lax.cummax(where_present(present, values, -jnp.inf), reverse=True), values)

    def one(carry, agent):
        mean, low, high = carry
        own, action, memory, present, learning, low_ahead, high_ahead = agent
        me = as_agent(own)
        mean = jax.tree.map(between, mean, jax.tree.map(jnp.minimum, low, low_ahead), jax.tree.map(jnp.maximum, high, high_ahead))
        gradient = own_gradient(me, action, mean, n_present, leader_action, iteration)
        new, memory = learnt(game, settings, (action, memory), gradient, learning, iteration)
        before, after = felt(me, action), felt(me, new)
        low = jax.tree.map(lambda low, after: jnp.where(present, jnp.minimum(low, after), low), low, after)
        high = jax.tree.map(lambda high, after: jnp.where(present, jnp.maximum(high, after), high), high, after)
        mean = jax.tree.map(lambda mean, after, before: mean + (after - before) / n_present, mean, after, before)
        return (mean, low, high), (new, memory)

    begin = (mean, *(jax.tree.map(lambda mean, end=end: jnp.full_like(mean, end), mean) for end in (jnp.inf, -jnp.inf)))
    return lax.scan(one, begin, (own, actions, memory, present, learning, low_ahead, high_ahead))[1]
