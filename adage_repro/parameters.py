"""Every parameter's name, type, range and default, stated once: the notebooks' cells, the tables and all refusals are based on it."""

import numbers
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import jax
import numpy as np

from adage_repro.choices import Place
from adage_repro.devices import extremes
from adage_repro.readings import CROWD, FOLLOWER_START, LATE_GROUP, ORDER, RETURNS_SHIFT, TAX_UNITS, Reading
from adage_repro.refusals import Refused, cut, not_one_of, shown
from adage_repro.sizes import check_sizes

LONGEST_LIST = 12
LIKE = 0.88  # how similar two names must be, by the ratio of difflib, for one to count as the other misspelt


@dataclass(frozen=True)
class Parameter:
    """`kind` is the annotation in a notebook, `allowed` an interval or the choices, `symbol` the paper's notation.

    overrides   by name of the notebook (fig04), where its default is another
    stretch     how many times its iterations a figure with this parameter runs
    """

    kind: str
    allowed: str
    symbol: str
    meaning: str
    default: Any
    overrides: Mapping[str, Any] = field(default_factory=dict)
    stretch: int = 1

    def default_in(self, notebook: str) -> Any:
        """The default in the notebook of this name."""
        return self.overrides.get(notebook, self.default)

    @property
    def help(self) -> str:
        """The comment behind the parameter in a notebook."""
        return f"{self.meaning}{': ' if self.item == 'str' else '; in '}{self.allowed}"

    @property
    def words(self) -> tuple[str, ...]:
        """The choices."""
        return tuple(self.allowed.split(" | ")) if self.item == "str" else ()

    @property
    def item(self) -> str:
        """The kind of one value: `int`, `float` or `str`."""
        return self.kind.removeprefix("list[").removesuffix("]")


def _words(reading: Reading, symbol: str = "–", **overrides: str) -> Parameter:
    """A parameter whose words, and the default among them, are those of its table in `readings`."""
    return Parameter("str", " | ".join(reading.words), symbol, reading.meaning, reading.default, overrides)


FOLLOWER_LR, POLICY_LR = 0.001, 0.01  # App. A; the policy experiments (Fig. 12)
_POLICY = dict.fromkeys(("fig04", "fig05", "fig12", "beyond_stackelberg", "explore"), POLICY_LR)

PARAMETERS = {
    "n_agents": Parameter("int", "[2, 10000]", "N", "number of followers", 10, {"beyond_scale": 4096}),
    "capacity": Parameter("float", "[1/n_agents, 1]", "c = C/N", "share of the agents that fits the market", 0.6),
    "outside_payoff": Parameter("float", "[0, 1000000]", "v", "payoff of staying out", 1.0),
    "tax_max": Parameter("float", "[0, 100]", "upper bound of τ", "largest tax rate the leader may set", 0.1),
    "follower_lr": Parameter("float", "[0, 1]", "α_F", "followers' learning rate", FOLLOWER_LR, _POLICY | {"beyond_own_game": 0.02}),
    "beside_tax_max": Parameter("float", "[0, 100]", "upper bound of τ", "second tax_max, for comparison", 5.0),
    "beside_lr": Parameter("float", "[0, 1]", "α_F", "second follower_lr, for comparison in the headline numbers", FOLLOWER_LR),
    "leader_lr": Parameter("float", "[0, 100]", "α_L", "leader's learning rate", 0.04, {"beyond_own_game": 1.0}),
    "look_ahead": Parameter("int", "[0, 10000]", "K", "follower steps that the leader looks ahead", 100),
    "look_aheads": Parameter("list[int]", "[0, 10000]", "K", "steps to look ahead, to compare", [1, 10, 100, 1000]),
    "iterations_per_agent": Parameter("int", "[1, 10000]", "I/N", "iterations are this times n_agents", 10, {"fig13": 400}),
    "late_entry_share": Parameter("float", "[0, 1)", "ι/I", "when G2 enters, as a share of the iterations", 0.5, {"fig13": 0.0125}),
    "order": _words(ORDER),
    "tax_units": _words(TAX_UNITS),
    "returns_shift": _words(RETURNS_SHIFT),
    "late_group": _words(LATE_GROUP),
    "crowd": _words(CROWD),
    "follower_start": _words(FOLLOWER_START, "π_0", fig05="uniform", fig10="uniform"),
    "capacities": Parameter(
        "list[float]", "[1/n_agents, 1]", "c", "capacities to compare", [0.2, 0.4, 0.6, 0.8, 1.0], {"fig10": [0.2, 0.4, 0.6, 0.8]}
    ),
    "agent_counts": Parameter("list[int]", "[2, 100000]", "N", "numbers of followers to compare", [10, 100, 1000]),
    "follower_lrs": Parameter("list[float]", "[0, 1]", "α_F", "rates to compare", [0.0005, 0.001, 0.005, 0.01, 0.05], stretch=4),
    "leader_lrs": Parameter("list[float]", "[0, 100]", "α_L", "rates to compare", [1e-5, 1e-4, 1e-3, 0.01, 0.04, 0.4]),
    "beside_payoffs": Parameter("list[float]", "[0, 1000000]", "v", "other outside payoffs, for comparison", [0.0, 8.0]),
    "runs": Parameter("int", "[2, 10000]", "–", "runs from uniform starts", 100, {"beyond_scale": 4}),
    "seed": Parameter("int", "[0, 4294967295]", "–", "seed of the uniform starts", 0),
}
DEFAULTS = {name: parameter.default for name, parameter in PARAMETERS.items()}
_KINDS = {"int": "a whole number", "float": "a number", "str": "a word"}
_KIND_LISTS = {"int": "whole numbers", "float": "numbers", "str": "words"}


def check(name: str, value: Any, **context: Any) -> Any:
    """Return `value` as the type of its parameter; refused in one line if its type or range is wrong.

    `context` holds the other parameters that the range refers to (`n_agents` for a capacity). Values that JAX is tracing pass unchecked.
    """
    parameter = PARAMETERS[name]
    if parameter.kind == parameter.item:
        return _check_one(name, value, parameter, context)
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= LONGEST_LIST:
        raise Refused(f"{name} must be a list of 1 to {LONGEST_LIST} {_KIND_LISTS[parameter.item]}, got {shown(value)}")
    checked = [_check_one(f"{name}: item {place}", item, parameter, context) for place, item in enumerate(value, 1)]
    if len({f"{item:g}" for item in checked}) < len(checked):
        raise Refused(f"{name} must not contain a value twice (compared to six digits), got {shown(value)}")
    return checked


def _check_one(name: str, value: Any, parameter: Parameter, context: Mapping[str, Any]) -> Any:
    if isinstance(value, np.ndarray | jax.Array) and value.ndim:
        raise Refused(f"{name} must be {_KINDS[parameter.item]}, got an array of shape {value.shape}")
    return check_value(name, value, parameter.item, parameter.allowed, **context)


def check_value(name: str, value: Any, kind: str, allowed: str, **context: Any) -> Any:
    """`check` for a value whose type and range are given: an interval such as `[0, 1)`, or choices joined by ` | `.

    All elements of an array must lie in it.
    """
    if isinstance(value, jax.core.Tracer):
        return value
    if kind == "str":
        choices = allowed.split(" | ")
        if isinstance(value, Place) and list(value.words) == choices:
            return value
        if not isinstance(value, str) or value not in choices:
            raise not_one_of(name, choices, value)
        return value
    if isinstance(value, jax.Array) and jax.numpy.issubdtype(value.dtype, jax.dtypes.extended):  # keys of random numbers
        raise Refused(f"{name} must be {_KINDS[kind]}, got {shown(value)}")
    scalar = not isinstance(value, np.ndarray | jax.Array) or value.ndim == 0
    wanted = numbers.Integral if kind == "int" else numbers.Real
    one = value.item() if isinstance(value, np.generic | np.ndarray | jax.Array) and scalar else value
    right = isinstance(one, wanted) and not isinstance(one, bool) if scalar else value.dtype.kind in ("iu" if kind == "int" else "fiu")
    if not right:
        raise Refused(f"{name} must be {_KINDS[kind]}, got {shown(one)}")
    low, high = (_bound(text, context) for text in allowed[1:-1].split(", "))
    array = extremes(value) if not scalar else np.asarray(np.inf if abs(one) > 1e300 else float(one))  # no float holds a very large int
    above = array >= low if allowed[0] == "[" else array > low
    below = array <= high if allowed[-1] == "]" else array < high
    refused = array[~(np.isfinite(array) & above & below)]
    if refused.size:
        raise Refused(f"{name} must lie in {allowed}, got {shown(one if scalar else refused.flat[0].item())}")
    return {"int": int, "float": float}[kind](value) + 0 if scalar else value  # + 0: no negative zero


def as_array(value: Any) -> Any:
    """An array of what can be one; anything else as it is, for `check_value` to refuse."""
    try:
        return np.asarray(value)
    except (TypeError, ValueError):
        return value


def _bound(text: str, context: Mapping[str, Any]) -> float:
    return 1 / context["n_agents"] if text == "1/n_agents" else float(text)


def place(name: str, word: str) -> Place:
    """A choice as a number that JAX traces: the word's place in the parameter's list of choices; ValueError as in `check`."""
    words = PARAMETERS[name].words
    return Place(words, np.int32(words.index(check(name, word))))


def check_all(values: Mapping[str, Any], names: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Check a set of parameters together and return them in the order of the table, each as its own type.

    A notebook calls `check_all(globals())`: its parameters are the names that it annotates, other variables are left out, and a
    name that seems to be a misspelt parameter is refused. With `names` (those a figure has) a name that is not among them is refused.
    """
    check_device()
    if names is None:
        _refuse_misspelt(values)
    for name in values if names is not None else ():
        if name not in names:
            raise _no_parameter(name, names)
    given = {name: values[name] for name in PARAMETERS if name in values}
    counts = given.get("agent_counts", given.get("n_agents", 2))
    counts = check("agent_counts" if "agent_counts" in given else "n_agents", counts)
    fewest = min(counts) if isinstance(counts, list) else counts
    checked = {name: check(name, value, n_agents=fewest) for name, value in given.items()}
    check_sizes(checked, stretch=max((PARAMETERS[name].stretch for name in checked), default=1))
    return checked


def check_device() -> None:
    """Refused with one line if JAX_PLATFORMS names a device that JAX does not find here."""
    asked = os.environ.get("JAX_PLATFORMS")
    if asked:
        try:
            jax.devices()
        except Exception:  # another kind for each kind of device
            raise Refused(f"JAX_PLATFORMS must name devices that JAX finds here, such as cpu, got {asked!r}") from None


def _no_parameter(name: str, names: Iterable[str], meant: Iterable[str] | None = None) -> Refused:
    close = get_close_matches(name.lower(), meant or names, 1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return Refused(f"{cut(name)} is not a parameter here{hint}; the parameters are {', '.join(names)}")


def _refuse_misspelt(values: Mapping[str, Any]) -> None:
    """Refuse, of a notebook's variables, annotated names and parameters that are not its own, and plain values with a name LIKE one.

    What is refused is also deleted, so that the corrected cell runs in the same session. If nothing is annotated, everything passes.
    """
    annotate = values.get("__annotate__")  # Python 3.14
    annotated = annotate(1) if annotate else values.get("__annotations__", {})
    own = [name for name in annotated if name in PARAMETERS]
    for name in list(values) if own else ():
        plain = isinstance(values[name], int | float | str | list) and not name.startswith("_")
        derived = any(name.startswith(mine) and not name[len(mine) :][:1].isalpha() for mine in own)  # capacity2, capacity_here
        like = plain and not derived and get_close_matches(name.lower(), own, 1, cutoff=LIKE)
        if name not in own and (name in annotated or name in PARAMETERS or like):
            values.pop(name)
            annotated.pop(name, None)
            raise _no_parameter(name, own, PARAMETERS if name not in PARAMETERS else own)


def differing(values: Mapping[str, Any], standard: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters whose value is not the `standard` one."""
    return {name: value for name, value in values.items() if value != standard.get(name)}
