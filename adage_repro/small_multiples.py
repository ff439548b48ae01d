"""The headline numbers of a sweep, a panel for each: against the first parameter, a line for each setting of the others."""

import re
from collections.abc import Mapping
from textwrap import fill

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from adage_repro.parameters import PARAMETERS
from adage_repro.style import Numbers, legend
from adage_repro.style import figure as page

COLUMNS, MOST_PANELS, MOST_NAMED = 4, 40, 12
REPEATS = "seed"  # its values are repetitions: dots, and a line through their mean


def common_name(number: str, point: Mapping[str, object]) -> str:
    """The name of a headline number at all points: `follower_lr 0.01, gap` or `v = 1, gap` without the value of a swept parameter."""
    for name, value in point.items():
        if isinstance(value, int | float):
            symbol = re.escape(PARAMETERS[name].symbol.split(" ")[0])
            number = re.sub(rf"(?<![\w.])(?:({name}) |({symbol}) = ){re.escape(f'{value:g}')}(?![\w.])", r"\1\2", number)
    return number


def small_multiples(table: pd.DataFrame, swept: list[str]) -> tuple[Figure, str]:
    """A picture of a long table with the columns `swept`, name and value, and what it shows in words."""
    numbers = table[[isinstance(value, int | float) for value in table.value]]
    found = list(dict.fromkeys(numbers.name))
    shown = found[:MOST_PANELS]
    several = [name for name in swept if numbers[name].nunique() > 1] or swept[:1]
    across = next((name for name in several if name != REPEATS), several[0])
    others = [name for name in several if name not in (across, REPEATS)]
    columns = min(COLUMNS, len(shown))
    cells = [f"{place}" for place in range(len(shown))] + ["."] * (-len(shown) % columns)
    layout = [cells[first : first + columns] for first in range(0, len(cells), columns)]
    figure, axes = page(layout, height=1.6 if len(layout) > 1 else 1.9, sharex=True)
    values = list(dict.fromkeys(numbers[across]))
    numeric = all(isinstance(value, int | float) for value in values)
    series = list(dict.fromkeys(numbers[others].itertuples(index=False, name=None))) if others else [()]
    colours = matplotlib.colormaps["viridis"]([0.85 * place / max(len(series) - 1, 1) for place in range(len(series))])
    named = set(range(0, len(series), -(-len(series) // MOST_NAMED)))
    for place, name in enumerate(shown):
        ax = axes[f"{place}"]
        own = numbers[numbers.name == name].assign(value=lambda rows: rows.value.astype(float))
        own = own.assign(x=own[across] if numeric else own[across].map(values.index))
        for k, setting in enumerate(series):
            mine = own[(own[others] == list(setting)).all(axis=1)]
            mean = mine.groupby("x").value.mean()
            if mine.x.duplicated().any():
                ax.plot(mine.x, mine.value, ".", ms=3, color=colours[k], alpha=0.5, mew=0)
            text = ", ".join(f"{other}={value}" for other, value in zip(others, setting, strict=True)) if k in named else ""
            ax.plot(mean.index, mean, "-o", ms=3, color=colours[k], label=text or "_")
        ax.set_title(fill(name, 27), fontsize=7, fontweight="normal")
        ax.tick_params(labelsize=7)
        ax.yaxis.set_major_formatter(Numbers())
        ax.margins(y=0.12)
        if numeric and min(values) > 0 and max(values) / min(values) >= 50:
            ax.set_xscale("log")
        if not numeric:
            every = -(-len(values) // MOST_NAMED)
            names = [value if len(value) < 16 else f"{value[:15]}…" for value in map(str, values)]
            ax.set_xticks(range(0, len(values), every), names[::every], rotation=90)
    for place in range(len(shown)):
        axes[f"{place}"].tick_params(labelbottom=place + columns >= len(shown))
    symbol = re.sub(r"(\w)_(\w)", r"$\1_\2$", PARAMETERS[across].symbol)
    figure.supxlabel(f"{across}{f' ({symbol})' if symbol != '–' else ''}", fontsize=9)
    if others:
        longest = max(len(text) for text in axes["0"].get_legend_handles_labels()[1])
        legend(figure, axes, columns=max(1, min(COLUMNS, 90 // (longest + 8))))
    return figure, _words(numbers, across, others, values, found, shown)


def _words(numbers: pd.DataFrame, across: str, others: list[str], values: list, found: list[str], shown: list[str]) -> str:
    """What the picture shows, and where each number goes from the first to the last value."""
    ends = []
    for name in shown[:4]:
        own = numbers[numbers.name == name]
        means = [own[own[across] == value].value.astype(float).mean() for value in (values[0], values[-1])]
        ends.append(f"{name}: {means[0]:.3g} to {means[1]:.3g}")
    lines = f", a line for each setting of {' and '.join(others)}" if others else ""
    more = f" {len(found) - len(shown)} further numbers are in the table only." if len(found) > len(shown) else ""
    return f"Headline numbers against {across}, from {values[0]} to {values[-1]}{lines}. On average over the rest, {'; '.join(ends)}.{more}"
