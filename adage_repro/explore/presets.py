"""Settings to begin with, those of the paper's figures among them, and the commands that reproduce a setting."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from adage_repro.notebooks import defaults, figure_names, notebook_of, sources
from adage_repro.parameters import PARAMETERS, differing
from adage_repro.terminal import typed
from adage_repro.words import title

NAME = "explore"
LISTS = {"n_agents": "agent_counts", "capacity": "capacities", "follower_lr": "follower_lrs", "leader_lr": "leader_lrs"}
ABSENT = {"leader_lr": 0.0, "late_entry_share": 0.0}  # what it means that a figure has no such parameter: no leader, no late group
LEARNS = "iterations_per_agent"  # a figure without it shows no run
FALLBACK = ("fig04", "fig05")  # between them they take every parameter


@dataclass(frozen=True)
class Preset:
    """The setting of a figure, with `changes`; `says` what is to be seen in it."""

    figure: str
    says: str
    changes: Mapping[str, object]

    def values(self) -> dict[str, object]:
        """The parameters of the explorer at this setting."""
        own = _defaults(self.figure)
        lacking = ABSENT if LEARNS in own else {name: PARAMETERS[name].default_in(FALLBACK[0]) for name in _defaults(NAME)}
        found = {name: own.get(name, lacking.get(name, PARAMETERS[name].default)) for name in _defaults(NAME)}
        return found | dict(self.changes)


MORE = {
    "The true game": Preset(
        "fig04",
        "Each agent counts itself for certain in the crowd that it would meet (crowd = excluded), which makes Eq. 5 the expectation of "
        "Eq. 4. The rest point is then p*, but differences between agents grow.",
        {"crowd": "excluded"},
    ),
    "Where the policy works": Preset(
        "fig04",
        "The followers' rate is the paper's default, at which ten agents are too slow for the tax to close the gap in time. The tax counts "
        "heads, so that its force grows with N: among fifty agents it closes the gap before the run ends, and G1 is not yet so fast that "
        "it swings about the kink of the tax.",
        {"n_agents": 50, "follower_lr": 0.001},
    ),
}


@cache
def presets() -> dict[str, Preset]:
    """All of them by name: the figures of the paper, and two more."""
    return _figure_presets() | MORE


def _figure_presets() -> dict[str, Preset]:
    """One for each figure of the paper; of a figure that compares several values, the setting with one of them."""
    chosen = {
        "fig07": {"capacity": 0.2},
        "fig08": {"follower_start": "uniform"},
        "fig09": {"n_agents": 100},
        "fig10": {"capacity": 0.8},
        "fig11": {"follower_lr": 0.05},
        "fig12": {"leader_lr": 0.001},
    }
    found = {}
    for name in figure_names():
        shows = sources(notebook_of(name))[0].splitlines()[0].split(" · ")[1]
        own, changes = _defaults(name), chosen.get(name, {})
        one_of = [f"{PARAMETERS[each].symbol.split(' ')[0]} = {changes[each]:g}" for each in changes if LISTS.get(each) in own]
        says = f"{shows}; here {one_of[0]}" if one_of else shows
        if LEARNS not in own:
            says += ": it draws gradients of this market, which is here shown learning, as in Figure 4"
        found[title(name)] = Preset(name, f"{says}.", changes)
    return found


def commands(values: Mapping[str, object], figure: str) -> tuple[str, str]:
    """Two commands for a setting: one that reruns a figure of the paper with this run in it, `figure` if it can be; and one that makes
    the picture of the explorer itself."""
    name = next(name for name in (figure, *FALLBACK) if _shows(name, values))
    own, changed = _defaults(name), {}
    for each, value in _mattering(values).items():
        if each in own and own[each] != value:
            changed[each] = value
        elif each not in own and value not in own.get(LISTS.get(each), [value]):
            changed[LISTS[each]] = [value]
    mine = differing(_mattering(values), _defaults(NAME))
    return _line("figure", f"FIG={int(name[3:])}", changed), _line("notebook", f"NAME={NAME}", mine)


def _shows(name: str, values: Mapping[str, object]) -> bool:
    """Whether a rerun of this figure contains this run: what it does not take is as in its own setting."""
    own = _defaults(name)
    standard = Preset(name, "", {"follower_start": values["follower_start"]} if "follower_start" not in own and "runs" in own else {})
    taken = {each for each in values if each in own or LISTS.get(each) in own}
    same = all(values[each] == standard.values()[each] for each in _mattering(values) if each not in taken)
    return LEARNS in own and same and (values["follower_start"] == "zeros" or "runs" in own)


def _mattering(values: Mapping[str, object]) -> dict[str, object]:
    """Without what a start from zeros does not depend on."""
    return {name: value for name, value in values.items() if values["follower_start"] != "zeros" or name not in ("runs", "seed")}


def _line(target: str, which: str, changed: Mapping[str, object]) -> str:
    pairs = " ".join(f"{name}={typed(value).replace(' ', '')}" for name, value in changed.items())
    return f"make {target} {which}" + (f' SET="{pairs}"' if pairs else "")


@cache
def _defaults(name: str) -> dict[str, object]:
    return defaults(notebook_of(name))
