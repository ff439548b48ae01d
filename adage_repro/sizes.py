"""How large a run may be: what a figure's tables hold and how long its simulations take, from its parameters alone."""

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from typing import Any

from adage_repro.refusals import Refused

LONGEST_TABLE = 50_000  # lines up to which a table keeps every row; a longer one keeps every k-th row …
FEWEST_ROWS = 51  # … but at least about so many
LEADER = 20  # how often an update counts where a leader learns, who sorts the returns
# Half a minute of drawing; about a quarter of an hour of computing.
LIMITS = {"lines in its tables": 2 * 10**6, f"updates of single agents (each counted {LEADER} times where a leader learns)": 10**11}


def sizes(values: Mapping[str, Any], stretch: int = 1) -> dict[str, float]:
    """Upper bounds of what is asked for, by the names of LIMITS, from a figure's checked parameters.

    stretch   how many times its iterations the figure runs
    Of the runs from uniform starts the tables hold the last row, of the others every k-th; with `agent_counts` extremes over agents only.
    """
    if "iterations_per_agent" not in values:
        return dict.fromkeys(LIMITS, 0)
    counts = values.get("agent_counts", [values.get("n_agents", 1)])
    iterations = values["iterations_per_agent"] * max(counts) * stretch
    cases = prod(len(value) for name, value in values.items() if isinstance(value, list) and name != "agent_counts")
    columns = len(counts) if "agent_counts" in values else counts[0]
    runs = values.get("runs", 1)
    path = min(columns * (iterations + 1), max(LONGEST_TABLE, columns * FEWEST_ROWS))
    updates = cases * runs * sum(counts) * iterations * (LEADER if {"leader_lr", "leader_lrs"} & values.keys() else 1)
    return dict(zip(LIMITS, (cases * (columns * runs + path), updates), strict=True))


def check_sizes(values: Mapping[str, Any], stretch: int = 1, limits: Mapping[str, float] = LIMITS) -> None:
    """Refused if a run of these parameters is too large; the message names those that can be lowered, and the largest value that fits."""
    for what, asked in sizes(values, stretch).items():
        if asked > limits[what]:
            lowest = {"n_agents": 2, "agent_counts": 2, "runs": 2, "iterations_per_agent": 1}
            most = {name: largest(partial(_fits, values, stretch, limits, name), _most(values[name])) for name in lowest if name in values}
            ways = [f"{name} may go up to {value}" for name, value in most.items() if value >= lowest[name]]
            lower = f"with the other parameters as given, {' or '.join(ways)}" if ways else f"lower more than one of {', '.join(most)}"
            raise Refused(f"this run asks for {asked:,.0f} {what}, but at most {limits[what]:,} are allowed; {lower}")


def _most(value: Any) -> int:
    return max(value) if isinstance(value, list) else value


def _fits(values: Mapping[str, Any], stretch: int, limits: Mapping[str, float], name: str, value: int) -> bool:
    """Whether all limits are kept once the parameter is `value`, or in a list at most `value`."""
    old = values[name]
    new = [min(one, value) for one in old] if isinstance(old, list) else value
    return all(size <= limits[what] for what, size in sizes({**values, name: new}, stretch).items())


def largest(fits: Callable[[int], bool], most: int) -> int:
    """The largest whole number in 1 … `most` that fits, if all below it do; 0 if none does."""
    low, high = 0, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
