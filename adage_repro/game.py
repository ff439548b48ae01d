"""What a game is: one follower's payoff and the leader's, and how its functions are called."""

import inspect
import numbers
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from adage_repro.pytrees import shared_leaves
from adage_repro.refusals import Refused, shown

ONE_AGENT = ("action", "mean", "n_present", "leader_action", "iteration")
MAY_ASK = {
    "utility": ONE_AGENT,
    "report": ONE_AGENT,
    "aggregate": ("action",),
    "objective": ("actions", "utilities", "present", "leader_action", "reports", "iteration", "order"),
}


class Game(Protocol):
    """An aggregative game: a follower feels the others only through means over those present.

    Each function is given what it names: it has any of the parameters below, in any order. A field of the game whose leading axis
    is N holds one value per agent: in `utility`, `report` and `aggregate` that field is the agent's own value, in `objective` all of
    them. A field that all agents see whole is a number or is annotated `Shared`.

    A game may also state
    action_shape    shape of one agent's action, () unless stated; a start is then (N, *action_shape), or (runs, N, *action_shape)
    n_agents        N, if it is fixed
    action_bounds, leader_bounds   the box that actions are clipped to, where `Settings` does not give it
    """

    def utility(self, action: Array, mean: Any, n_present: Array, leader_action: Any, iteration: Array) -> Array:
        """A follower's payoff U_i, one float, from its own `action`, the `mean` of the aggregates of all present (own included; the
        total is `n_present * mean`), how many are present, the leader's action and the iteration t. Differentiable in the first two
        and, unless the leader's gradient is a black-box one, in the leader's action."""
        ...

    def aggregate(self, action: Array) -> Any:
        """Optional: what of an agent's action the others feel, any pytree of float arrays; the action itself unless stated."""
        ...

    def report(self, action: Array, mean: Any, n_present: Array, leader_action: Any, iteration: Array) -> Any:
        """Optional: what else happens at an agent (what it pays, say), any pytree of arrays. `objective` and the History have it."""
        ...

    def objective(
        self, actions: Array, utilities: Array, present: Array, leader_action: Any, reports: Any, iteration: Array, order: Array | None
    ) -> Array:
        """The leader's payoff U_L, one float, from all followers' actions (N, …), utilities (N,) and reports, each 0 where absent, who
        is present (N,), the leader's own action and the iteration. Needed with a leader only.

        `order` saves sorting and changes no result: an order of the agents (N,) in which actions rise, or did a few steps ago, with who
        is absent at the end; or None, where it is not known."""
        ...


def ask(owner: Any, function: str, **given: Any) -> Any:
    """A function of a game, or of an environment, of those of the given that it names. Refused: see `asked_for`."""
    return getattr(owner, function)(**{name: given[name] for name in asked_for(owner, function, given)})


def asks_for(game: Game, name: str) -> bool:
    """Whether any function of the game names this among what it may ask for."""
    return any(name in asked_for(game, function, may_ask) for function, may_ask in MAY_ASK.items() if hasattr(game, function))


def asked_for(owner: Any, function: str, may_ask: Iterable[str]) -> list[str]:
    """What a function names among what it may ask for. Refused: no such function, or another parameter that has no default."""
    names, name_of = [], f"{type(owner).__name__}.{function}"
    if not callable(getattr(owner, function, None)):
        raise Refused(f"{name_of} must be a function, got {shown(getattr(owner, function, None))}")
    for name, parameter in inspect.signature(getattr(owner, function)).parameters.items():
        if name in may_ask:
            names.append(name)
        elif parameter.default is parameter.empty and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            raise Refused(f"{name_of} may ask for {', '.join(may_ask)}, got a parameter {name}")
    return names


def ask_float(owner: Any, function: str, **given: Any) -> Array:
    """As `ask`, for a utility or an objective. Refused: anything but one float."""
    value = ask(owner, function, **given)
    wanted = f"{type(owner).__name__}.{function} must give one float for {'one agent' if function == 'utility' else 'the leader'}"
    return check_float(wanted, value)


def check_float(wanted: str, value: Any) -> Any:
    """One float as it is. Refused: anything else, in a line that begins with what is wanted."""
    if not isinstance(value, numbers.Number | np.generic | np.ndarray | jax.Array):
        found = shown(value) if value is None or jax.tree_util.all_leaves([value]) else f"a {type(value).__name__}"
        raise Refused(f"{wanted}, got {found}")
    if np.shape(value):
        raise Refused(f"{wanted}, got an array of shape {np.shape(value)}")
    if not jnp.issubdtype(jnp.result_type(value), jnp.floating):
        raise Refused(f"{wanted}, got {jnp.result_type(value)}")
    return value


def each_agent(function: Callable, game: Game, actions: Array, *columns: Any) -> Any:
    """`function` of the game as an agent has it, its action and its entries of the columns, for all agents at once."""
    own, as_agent = per_agent(game, actions.shape[0])
    return jax.vmap(lambda own, *entries: function(as_agent(own), *entries))(own, actions, *columns)


def per_agent(game: Game, n_agents: int) -> tuple[list[Array], Callable[[list[Array]], Game]]:
    """The leaves of the game that hold one value per agent, and a function of one agent's values that gives the game as it has it."""
    leaves, structure = jax.tree.flatten(game)
    own = agent_leaves(game, n_agents)

    def as_agent(values):
        values = iter(values)
        return structure.unflatten([next(values) if mine else leaf for mine, leaf in zip(own, leaves, strict=True)])

    return [leaf for mine, leaf in zip(own, leaves, strict=True) if mine], as_agent


def agent_leaves(game: Game, n_agents: int) -> list[bool]:
    """For each leaf of the game whether it holds one value per agent. Refused: what is no number, or an array that neither does nor is
    `Shared`."""
    own = []
    for (name, shared), leaf in zip(shared_leaves(game), jax.tree.leaves(game), strict=True):
        if not isinstance(leaf, numbers.Number) and not hasattr(leaf, "dtype"):
            raise Refused(f"{type(game).__name__}.{name} must hold numbers, or be annotated Static, got {shown(leaf)}")
        shape = np.shape(leaf)
        if shape and not shared and shape[0] != n_agents:
            wanted = f"one value per agent, {n_agents} in its leading axis, or be annotated Shared"
            raise Refused(f"{type(game).__name__}.{name} must be one number, hold {wanted}; got shape {shape}")
        own.append(bool(shape) and not shared)
    return own
