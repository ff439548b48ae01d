"""What an environment and the policies of a run must be, refused in one line before anything is computed."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from adage_repro.adage import Settings
from adage_repro.environment import Environment, Policy, act, each, features, step
from adage_repro.parameters import check_value
from adage_repro.refusals import Refused

NEEDED = ("first", "observe", "observe_leader", "utility", "transition")


def check_environment(environment: Environment, settings: Settings, followers: Policy, leader: Policy) -> tuple[Policy, Policy]:
    """The policies as JAX takes them; refuses what does not fit together."""
    name = type(environment).__name__
    if jax.tree.structure(environment) == jax.tree.structure(0):
        raise Refused(f"the environment must be a value of a class made with @model, got {name}")
    missing = [needed for needed in (*NEEDED, "horizon", "discount") if not hasattr(environment, needed)]
    if settings.leader_lr is not None and not hasattr(environment, "objective"):
        missing.append("objective")
    if missing:
        raise Refused(f"{name} must have {', '.join(missing)}")
    check_value("horizon", environment.horizon, "int", "[1, inf)")
    followers, leader = _policy("followers", followers, settings.action_bounds), _policy("leader", leader, settings.leader_bounds)
    n_agents = _agents(environment, followers)
    _discounts(environment, n_agents, settings.leader_lr is not None)
    if jnp.ndim(settings.entry_time) and jnp.shape(settings.entry_time) != (n_agents,):
        raise Refused(f"entry_time must be one number or one per agent, {n_agents}, got {jnp.shape(settings.entry_time)}")
    _functions(environment, n_agents, followers, leader, settings.leader_lr is not None)
    return followers, leader


def _policy(name: str, policy: Policy, bounds: tuple[float, float]) -> Policy:
    if not callable(policy) or jax.tree.structure(policy) == jax.tree.structure(0) or not jax.tree.leaves(policy):
        raise Refused(f"{name} must be a policy such as Number, Line or Network, got {type(policy).__name__}")
    for leaf in jax.tree.leaves(policy):
        check_value(
            f"{name}' parameters" if name == "followers" else f"{name}'s parameters", np.asarray(leaf), "float", "[{}, {}]".format(*bounds)
        )
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, float), policy)


def _agents(environment: Environment, followers: Policy) -> int:
    shapes = [jnp.shape(leaf) for leaf in jax.tree.leaves(followers)]
    n_agents = getattr(environment, "n_agents", shapes[0][0] if shapes[0] else 0)
    if n_agents < 1 or any(shape[:1] != (n_agents,) for shape in shapes):
        raise Refused(
            f"followers' parameters must have a leading axis N = {n_agents or 'number of agents'}, got {', '.join(map(str, shapes))}"
        )
    return n_agents


def _discounts(environment: Environment, n_agents: int, led: bool) -> None:
    check_value("discount", np.asarray(environment.discount), "float", "[0, 1]")
    if jnp.shape(environment.discount) not in ((), (n_agents,)):
        raise Refused(f"discount must be one number or one per agent, {n_agents}, got {jnp.shape(environment.discount)}")
    if led:
        if jnp.ndim(environment.discount) and not hasattr(environment, "leader_discount"):
            raise Refused("leader_discount must be given where each agent has its own discount")
        check_value("leader_discount", np.asarray(getattr(environment, "leader_discount", environment.discount)), "float", "[0, 1]")


def _functions(environment: Environment, n_agents: int, followers: Policy, leader: Policy, led: bool) -> None:
    """Follows one step by shapes alone, one function after the other, so that the first that does not fit is the one that is named."""
    name, present = type(environment).__name__, jnp.ones(n_agents, bool)

    def shape(function: str, call: Callable, *given: Any) -> Any:
        try:
            return jax.eval_shape(call, *given)
        except Exception as error:
            reason = str(error).strip().partition("\n")[0]
            raise Refused(f"{function} cannot be evaluated: {type(error).__name__}: {reason}") from error

    def demand(function: str, found: Any, wanted: Any, what: str) -> None:
        if jax.tree.structure(found) != jax.tree.structure(wanted) or _shapes(found) != _shapes(wanted):
            raise Refused(f"{name}.{function} must return {what}, got {_said(found)}")

    key = jax.random.key(0)
    state = shape(f"{name}.first", environment.first, key)
    if not jax.tree.leaves(state):
        raise Refused(f"{name}.first must return a pytree of floats, got {state!r}")
    state = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, float), state)
    leader_action = shape("the leader's policy", lambda state: leader(environment.observe_leader(state)), state)
    seen = shape(f"{name}.observe", each(environment, n_agents, lambda own, _: own.observe(*_zeros((state, leader_action)))), present)
    actions = shape("the followers' policy", jax.vmap(lambda policy, seen: policy(seen)), followers, seen)
    shape(f"{name}.features", each(environment, n_agents, features), actions)
    moment = shape("the followers' mean", lambda state: act(environment, followers, leader, present, state), state)
    felt = (moment.mean, moment.n_present, leader_action)
    payoffs = each(environment, n_agents, lambda own, action: own.utility(*_zeros((state,)), action, *_zeros(felt)))
    demand("utility", shape(f"{name}.utility", payoffs, actions), jnp.zeros(n_agents), "one number")
    following = shape(f"{name}.transition", environment.transition, state, *felt, key)
    demand("transition", following, state, f"a state like first's, {_said(state)}")
    if led:
        objective = shape(f"{name}.objective", environment.objective, state, actions, jnp.zeros(n_agents), present, leader_action)
        demand("objective", objective, 0.0, "one number")
    shape("a step", lambda state: step(environment, followers, leader, present, state, key), state)


def _zeros(shapes: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)


def _shapes(values: Any) -> list[tuple[int, ...]]:
    return [jnp.shape(leaf) for leaf in jax.tree.leaves(values)]


def _said(values: Any) -> str:
    leaves = jax.tree.leaves(values)
    shapes = ", ".join(str(jnp.shape(leaf)) for leaf in leaves)
    return f"shape {shapes}" if len(leaves) == 1 else f"{len(leaves)} arrays of shapes {shapes}"
