"""The knobs: which stand together, at which values each stops, and what each is called and says of itself."""

from collections.abc import Iterable

import numpy as np
from ipywidgets import Dropdown, Layout, SelectionSlider

from adage_repro.parameters import PARAMETERS
from adage_repro.readings import FOLLOWER_START, READINGS

GROUPS = {
    "The market": ("n_agents", "capacity", "outside_payoff", "crowd"),
    "The followers": ("follower_lr", "order", "iterations_per_agent", "follower_start", "runs", "seed"),
    "The late group": ("late_entry_share", "late_group"),
    "The leader": ("leader_lr", "tax_max", "tax_units", "returns_shift"),
}
COMPILES = ("n_agents", "iterations_per_agent", "runs")  # another value is another size of arrays: it follows when the knob is released
WORDS = {**READINGS, FOLLOWER_START.name: FOLLOWER_START}
SHORT = 3  # signs in a symbol for which a label has room
ROW = {"width": "304px", "height": "25px", "margin": "1px 0"}


def _decades(first: int, last: int) -> list[float]:
    """0, and some values in each decade from 10^first to 10^last."""
    return [0.0, *(float(f"{value}e{power}") for power in range(first, last) for value in (1, 1.5, 2, 3, 4, 5, 7)), 10.0**last]


def _grid(first: float, last: float, step: float) -> list[float]:
    return [float(f"{value:.10g}") for value in np.arange(first, last + step / 2, step)]


STOPS = {
    "n_agents": [2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 70, 100, 150, 200, 300, 500, 1000],
    "capacity": _grid(0.02, 1, 0.02),
    "outside_payoff": _grid(0, 10, 0.25),
    "follower_lr": _decades(-5, 0),
    "leader_lr": _decades(-5, 1),
    "tax_max": _decades(-3, 1),
    "iterations_per_agent": [1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200, 300, 400],
    "late_entry_share": _grid(0, 0.975, 0.0125),
    "runs": [2, 3, 5, 10, 20, 50, 100],
    "seed": list(range(100)),
}


def knob(name: str, value: object) -> SelectionSlider | Dropdown:
    """The knob of a parameter, at this value: a menu for a word, a slider that stops at STOPS for a number."""
    own = PARAMETERS[name]
    symbol = own.symbol.split(" = ")[0]
    label = f"{name} {symbol}" if symbol != "–" and len(symbol) <= SHORT else name
    look = {"description": label, "tooltip": told(name), "layout": Layout(**ROW), "style": {"description_width": "136px"}}
    if own.words:
        return Dropdown(options=list(own.words), value=value, **look)
    stops = _labelled({*STOPS[name], value})
    return SelectionSlider(options=stops, value=value, continuous_update=name not in COMPILES, **look)


def turn(knob: SelectionSlider | Dropdown, value: object) -> None:
    """Put a knob to a value, which becomes a stop if it is none."""
    if isinstance(knob, SelectionSlider) and value not in [stop for _, stop in knob.options]:
        knob.options = _labelled({value, *(stop for _, stop in knob.options)})
    knob.value = value


def told(name: str) -> str:
    """What a knob says of itself: the parameter, its range, and what its words mean."""
    own = PARAMETERS[name]
    ways = [f"{word}: {meaning}" for word, meaning in WORDS[name].ways.items()] if name in WORDS else []
    return "\n".join([own.meaning, *ways] if ways else [own.help])


def _labelled(stops: Iterable[float]) -> list[tuple[str, float]]:
    return [(f"{stop:g}" if isinstance(stop, float) else str(stop), stop) for stop in sorted(stops)]
