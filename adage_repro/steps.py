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


def outlook_of(
    game: Game, settings: Settings, followers: State, iteration: Array, who: tuple[Array, Array] | None = None, **known: Any
) -> Outlook:
    """What the leader's gradient may look at in this iteration; `who` learns and is present, the `order` and the `slope`, if known."""
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
        **known,
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
    nobody = jax.tree.map(lambda mean: jnp.full_like(mean, jnp.inf), mean), jax.tree.map(lambda mean: jnp.full_like(mean, -jnp.inf), mean)
    at_rest = jax.tree.map(jnp.zeros_like, mean)
    feels = felt_of_each(game, actions)

    def ahead(extremes, agent):
        return (_widened(extremes, *agent),) * 2

    def one(carry, agent):
        # What follows from the step of an agent is computed with the next agent: else XLA computes the gradient anew for each part of it.
        so_far, (step, previous) = carry
        moved, behind = _counted(*so_far, *step)
        own, action, memory, present, learning, ahead = agent
        me = as_agent(own)
        now = jax.tree.map(lambda mean, moved, lost: mean + (moved + lost) / n_present, mean, *moved)
        extremes = jax.tree.map(jnp.minimum, behind[0], ahead[0]), jax.tree.map(jnp.maximum, behind[1], ahead[1])
        gradient = own_gradient(me, action, jax.tree.map(between, now, *extremes), n_present, leader_action, iteration)
        new = learnt(game, settings, (action, memory), gradient, learning, iteration)
        return ((moved, behind), ((felt(me, action), felt(me, new[0]), present), new)), previous

    still_ahead = lax.scan(ahead, nobody, (feels, present), reverse=True)[1]
    unmoved = jax.tree.map(lambda values: jnp.zeros_like(values[0]), feels)
    none_yet = (unmoved, unmoved, jnp.array(False)), jax.tree.map(lambda values: values[0], (actions, memory))
    agents = own, actions, memory, present, learning, still_ahead
    (_, (_, last)), shifted = lax.scan(one, (((at_rest, at_rest), nobody), none_yet), agents)  # each agent's state one agent late
    return jax.tree.map(lambda shifted, last: jnp.concatenate([shifted[1:], last[None]]), shifted, last)


def _counted(moved: tuple[Any, Any], behind: tuple[Any, Any], before: Any, after: Any, present: Array) -> tuple[Any, Any]:
    """How far all have moved, with what rounding has lost of it, and the extremes of those behind, once one more agent has moved."""
    step = jax.tree.map(jnp.subtract, after, before)
    return (jax.tree.map(jnp.add, moved[0], step), jax.tree.map(_lost, *moved, step)), _widened(behind, after, present)


def _widened(extremes: tuple[Any, Any], values: Any, present: Array) -> tuple[Any, Any]:
    """The lowest and the highest of what is felt of some, once one more agent is among them, if it is present."""
    return tuple(
        jax.tree.map(lambda end, value, further=further: jnp.where(present, further(end, value), end), ends, values)
        for further, ends in zip((jnp.minimum, jnp.maximum), extremes, strict=True)
    )


def _lost(summed, lost, term):
    """What rounding has lost of a sum once this term is added (Knuth's two-sum): with it the sum is exact but for a last rounding."""
    after = summed + term
    added = after - summed
    return lost + ((summed - (after - added)) + (term - added))
