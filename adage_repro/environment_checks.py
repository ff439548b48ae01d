"""What an environment and the policies of a run must be, refused in one line before anything is computed."""

from dataclasses import is_dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from adage_repro.boxes import check_inside
from adage_repro.checks import check_schedules, traced
from adage_repro.environment import Environment, Policy, act, aggregate, each, felt, leader_payoff, observed, observed_by_leader, step
from adage_repro.game import ask, ask_float
from adage_repro.implicit import Implicit
from adage_repro.parameters import check_value
from adage_repro.policies import Number
from adage_repro.profiles import floats
from adage_repro.pytrees import arrays, store
from adage_repro.refusals import Refused, shown
from adage_repro.settings import Settings, boxed, check_entry_time

NEEDED = ("first", "utility", "transition", "horizon", "discount")


def check_environment(environment: Environment, settings: Settings, start: Policy) -> tuple[Environment, Settings, Policy]:
    """The three as JAX takes them; refuses what does not fit together."""
    name = type(environment).__name__
    if isinstance(environment, type) or not is_dataclass(environment) or jax.tree_util.all_leaves([environment]):
        raise Refused(f"environment must be a value of a class made with @model, got {shown(environment)}")
    if not isinstance(settings, Settings):
        raise Refused(f"settings must be Settings(…), got {shown(settings)}: arguments go environment, settings, start")
    needed = (*NEEDED, "objective") if settings.has_leader else NEEDED
    if missing := [part for part in needed if not hasattr(environment, part)]:
        hint = ": a game of one step is taken as OneStep(game)" if "first" in missing and hasattr(environment, "utility") else ""
        raise Refused(f"{name} must have {', '.join(missing)}{hint}")
    if isinstance(settings.leader_gradient, Implicit):
        raise Refused("leader_gradient over time may be any but Implicit(), which is for games of one step")
    check_value("horizon", environment.horizon, "int", "[1, inf)")
    settings, start = boxed(environment, settings), _policy("start", start)
    leader = settings.leader_start if callable(settings.leader_start) else Number(settings.leader_start)
    settings = _with(settings, leader_start=_policy("leader_start", leader))
    check_inside("start", start, settings.action_bounds)
    if settings.has_leader:
        check_inside("leader_start", settings.leader_start, settings.leader_bounds)
    n_agents = _agents(environment, start)
    _check_discounts(environment, n_agents, settings.has_leader)
    check_schedules(settings)
    check_entry_time(settings, n_agents)
    _check_functions(environment, n_agents, start, settings.leader_start, settings.has_leader)
    return *arrays((environment, settings)), start


def _with(settings: Settings, **changed: Any) -> Settings:
    """The settings with fields that are checked already."""
    copied = object.__new__(Settings)
    store(copied, **vars(settings) | changed)
    return copied


def _policy(name: str, policy: Policy) -> Policy:
    if not callable(policy) or jax.tree_util.all_leaves([policy]) or not jax.tree.leaves(policy):
        raise Refused(f"{name} must be a policy, such as Number, Line or Network, got {shown(policy)}")
    for leaf in jax.tree.leaves(policy):
        if not isinstance(leaf, jax.core.Tracer):
            check_value(name, np.asarray(leaf), "float", "(-inf, inf)")
    return floats(policy)


def _agents(environment: Environment, start: Policy) -> int:
    shapes = [leaf.shape for leaf in jax.tree.leaves(start)]
    n_agents = getattr(environment, "n_agents", shapes[0][0] if shapes[0] else 0)
    if n_agents < 1 or any(shape[:1] != (n_agents,) for shape in shapes):
        wanted = f"N = {n_agents}" if n_agents else "N"
        raise Refused(f"start must have parameters with a leading axis {wanted}, got shapes {', '.join(map(str, shapes))}")
    return n_agents


def _check_discounts(environment: Environment, n_agents: int, led: bool) -> None:
    own, leader_s = environment.discount, getattr(environment, "leader_discount", environment.discount)
    for name, value in (("discount", own), ("leader_discount", leader_s)):
        check_value(name, value if isinstance(value, jax.Array) else np.asarray(value), "float", "[0, 1]")
    if np.shape(own) not in ((), (n_agents,)):
        raise Refused(f"discount must be one number or one per agent, {n_agents}, got shape {np.shape(own)}")
    if led and np.ndim(leader_s):
        raise Refused(f"leader_discount must be one number where each agent has its own discount, got shape {np.shape(leader_s)}")


def _check_functions(environment: Environment, n_agents: int, start: Policy, leader: Policy, led: bool) -> None:
    """Goes through one step by shapes alone, function by function, so that the first that does not fit is the one that is named."""
    name, present, key = type(environment).__name__, jnp.ones(n_agents, bool), jax.random.key(0)

    state = traced(f"{name}.first", lambda: ask(environment, "first", key=key))
    if not jax.tree.leaves(state):
        raise Refused(f"{name}.first must give a pytree of floats, got {shown(state)}")
    state = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, float), state)
    seen = traced(f"{name}.observe_leader", lambda state: observed_by_leader(environment, state), state)
    leader_action = traced("the leader's policy", leader, seen)
    at = (state, leader_action)
    seen = traced(f"{name}.observe", lambda *at: each(environment, n_agents, lambda own, _: observed(own, *at), present), *at)
    actions = traced("the followers' policy", jax.vmap(lambda policy, seen: policy(seen)), start, seen)
    traced(f"{name}.aggregate", lambda actions: each(environment, n_agents, aggregate, actions), actions)
    moment = traced("the mean", lambda state: act(environment, start, leader, present, state), state)

    def payoffs(state, moment):
        return each(
            environment, n_agents, lambda own, action: ask_float(own, "utility", state=state, action=action, **felt(moment)), moment.actions
        )

    traced(f"{name}.utility", payoffs, state, moment)
    following = traced(
        f"{name}.transition", lambda s, moment: ask(environment, "transition", state=s, key=key, **felt(moment)), state, moment
    )
    if jax.tree.structure(following) != jax.tree.structure(state) or _shapes(following) != _shapes(state):
        raise Refused(f"{name}.transition must give a state as first does, {_said(state)}, got {_said(following)}")
    if led:
        traced(f"{name}.objective", lambda *at: leader_payoff(environment, *at), state, jnp.zeros(n_agents), present, moment)
    traced("a step", lambda state: step(environment, start, leader, present, state, key), state)


def _shapes(values: Any) -> list[tuple[int, ...]]:
    return [jnp.shape(leaf) for leaf in jax.tree.leaves(values)]


def _said(values: Any) -> str:
    shapes = _shapes(values)
    return f"shape {shapes[0]}" if len(shapes) == 1 else f"arrays of shapes {', '.join(map(str, shapes))}"
