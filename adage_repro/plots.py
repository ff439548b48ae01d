"""Tables and arrays in, one panel out: nothing here computes a result or saves a file."""

from collections.abc import Mapping, Sequence
from textwrap import shorten

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from seaborn import heatmap

from adage_repro.style import COLOURS, DASHES, shades

LABELS = {
    "iteration": "iteration $t$",
    "attendance": "attendance $a_i$ (prob.)",
    "tax_rate": r"tax rate $\tau$ (payoff/excess)",
    "tax_paid": "tax paid (payoff)",
    "fairness": "fairness $1-$Gini",
    "p*": "$p^*$",
    "rest point": "rest point",
    "capacity": "capacity $c$",
    "G1": "$G_1$ (early)",
    "G2": "$G_2$ (late)",
    "agents": "agents",
    "with": "with leader",
    "tax": "tax",
    "without": "without leader",
    "closed form": "closed form",
    "mean": "mean",
}


def label(ax: Axes, x: str, y: str, title: str = "") -> None:
    """Axis labels by name (LABELS) or as given, and the panel's title."""
    ax.set(xlabel=LABELS.get(x, x), ylabel=LABELS.get(y, y), title=title)


def outer_labels(axes: Mapping[str, Axes], same_x: bool = True) -> None:
    """Axis labels at the outer panels only, and few ticks, where many small panels share their y axis, and with `same_x` their x axis."""
    for ax in axes.values():
        if ax.get_xscale() == "linear":
            ax.xaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10], integer=True))
            ax.ticklabel_format(axis="x", useOffset=False, style="plain")
        inner = not ax.get_subplotspec().is_last_row()
        ax.label_outer()
        if inner and not same_x:
            ax.tick_params(labelbottom=True)


def legend(figure: Figure, axes: Mapping[str, Axes], columns: int = 6, title: str = "") -> None:
    """One legend for the figure, above the panels, each entry once."""
    entries = {}
    for ax in axes.values():
        for handle, text in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(text, handle)
    box = figure.legend(
        entries.values(), entries.keys(), loc="outside upper center", ncols=columns, handlelength=2.2, columnspacing=1.4, title=title
    )
    for handle in box.legend_handles:
        handle.set_alpha(1)


def references(ax: Axes, points: Mapping[str, float], span: tuple[float, float] | None = None) -> None:
    """Horizontal lines at p*, the rest point, the capacity …; over `span` of x only, where one is given."""
    for name, value in points.items():
        drawn = {"color": COLOURS[name], "dashes": DASHES[name], "label": LABELS[name], "zorder": 3}
        if span is None:
            ax.axhline(value, **drawn)
        else:
            ax.plot(span, [value, value], **drawn)


def entry(ax: Axes, iteration: int, text: str = r"$G_2$ enters") -> None:
    """A vertical line where something begins."""
    ax.axvline(iteration, color=COLOURS["entry"], dashes=DASHES["entry"], lw=1, label=text, zorder=1)


def paths(ax: Axes, table: pd.DataFrame) -> None:
    """Attendance of every agent over the iterations, coloured by group if the table has one."""
    for name, part in table.groupby("group") if "group" in table else [("agents", table)]:
        lines = part.pivot(index="iteration", columns="agent", values="attendance")
        drawn = ax.plot(lines.index, lines.to_numpy(), color=COLOURS[name], lw=2, alpha=0.75, zorder=2)
        drawn[0].set_label(LABELS[name])
    label(ax, "iteration", "attendance")


def closed_form(ax: Axes, rows: np.ndarray, lines: np.ndarray | None) -> None:
    """The closed form of the agents' paths (rows, lines), where there is one."""
    if lines is not None:
        drawn = ax.plot(rows, lines, color=COLOURS["closed form"], dashes=DASHES["closed form"], lw=1, zorder=4)
        drawn[0].set_label(LABELS["closed form"])


def dots(ax: Axes, places: Sequence[str], tables: Sequence[pd.DataFrame], colours: Sequence[str], y: str = "attendance") -> None:
    """Values as dots side by side, one column per table, spread sideways by a fixed pattern so that none hides another."""
    for x, (table, colour) in enumerate(zip(tables, colours, strict=True)):
        spread = (np.arange(len(table)) * 0.6180339887 % 1 - 0.5) * 0.62
        few = len(table) < 50
        size, alpha = (22, 0.9) if few else (5, 0.45)
        ax.scatter(x + spread, table[y], s=size, color=COLOURS[colour], alpha=alpha, lw=0, label=LABELS[colour], zorder=2)
    ax.set_xticks(range(len(places)), places)
    ax.set_xlim(-0.6, len(places) - 0.4)
    label(ax, "", y)


def zero(ax: Axes) -> None:
    """A thin line at 0."""
    ax.axhline(0, color="0.6", lw=0.8, zorder=0)


def series(ax: Axes, table: pd.DataFrame, y: str, colour: str) -> None:
    """One quantity over the iterations."""
    ax.plot(table["iteration"], table[y], color=COLOURS[colour], label=LABELS.get(colour), zorder=2)
    label(ax, "iteration", y)


def group_series(ax: Axes, table: pd.DataFrame, y: str) -> None:
    """One quantity of both groups over the iterations."""
    for name, part in table.groupby("group"):
        series(ax, part, y, name)


def band(ax: Axes, x: np.ndarray, middle: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str) -> None:
    """A line with a band around it; of agents, their mean and range."""
    text = "mean and range of agents" if colour == "agents" else LABELS[colour]
    ax.fill_between(x, low, high, color=COLOURS[colour], alpha=0.25, lw=0, zorder=1)
    ax.plot(x, middle, color=COLOURS[colour], label=text, zorder=2)
    label(ax, "iteration", "attendance")


def phase(ax: Axes, begin: float, end: float, text: str) -> None:
    """A shaded stretch of x, named at its foot."""
    ax.axvspan(begin, end, color="0.93", lw=0, zorder=0)
    ax.text((begin + end) / 2, 0.04, text, transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=8, color="0.3")


def shaded_dots(ax: Axes, table: pd.DataFrame, x: str, shade: str, y: str) -> None:
    """One row of dots for each value of `shade`, from light to dark; no lines, since y may jump. Zeros lie in one another."""
    values = table[shade].unique()
    for ring, (value, colour) in enumerate(zip(values, shades(len(values)), strict=True)):
        part = table[table[shade] == value]
        null, rest = part[part[y].abs() < 1e-12], part[part[y].abs() >= 1e-12]
        ax.plot(rest[x], rest[y], ".", ms=3.5, color=colour, label=f"{value:g}", zorder=2)
        ax.plot(null[x], null[y], "o", ms=1.2 + 0.8 * ring, color=colour, mew=0, zorder=2 - 0.01 * ring)
    zero(ax)


def share_map(ax: Axes, shares: pd.DataFrame, empty: pd.DataFrame, default: tuple[str, ...], claims: list[str]) -> None:
    """Claims by readings, the share of settings in which each holds; the default reading's column is marked at the top.

    empty    where a dot says that the claim is on a tax and none is paid · claims   the text of each, cut to what fits
    """
    bar = {"label": "share of settings in which it holds", "aspect": 50, "pad": 0.02}
    heatmap(shares.to_numpy(), ax=ax, cmap="mako", vmin=0, vmax=1, xticklabels=False, cbar_kws=bar)
    readings = list(shares.columns)
    blocks = [reading[:2] for reading in readings]
    edges = [place for place in range(1, len(blocks)) if blocks[place] != blocks[place - 1]]
    middles = [(a + b) / 2 for a, b in zip([0, *edges], [*edges, len(blocks)], strict=True)]
    rows, columns = np.nonzero(empty.to_numpy())
    ax.scatter(columns + 0.5, rows + 0.5, s=1.5, color="0.5", lw=0)
    ax.vlines(edges, 0, len(shares), color="white", lw=1.2)
    ax.set_xticks(middles, [f"{crowd}\n{units}" for crowd, units in (blocks[int(middle)] for middle in middles)], rotation=0)
    texts = [f"{id}  {shorten(claim, 56, placeholder=' …')}" for id, claim in zip(shares.index, claims, strict=True)]
    ax.set_yticks([place + 0.5 for place in range(len(shares))], texts, rotation=0, fontsize=6)
    levels = [f"{name} {', '.join(shares.columns.unique(name))}" for name in shares.columns.names]
    inner = f"in each block from left to right: {levels[2]};\nin each of these: {levels[3]};\nand in those: {levels[4]}"
    label(ax, f"reading: {', '.join(shares.columns.names[:2])};\n{inner}\n(dot: the claim is on a tax, and none is paid)", "claim")
    ax.xaxis.label.set_fontsize(7)
    arrow = {"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0}
    ax.annotate("default reading", (readings.index(default) + 0.5, 0), (8, 14), textcoords="offset points", va="center", arrowprops=arrow)


def interval(ax: Axes, x: float, middle: float, low: float, high: float) -> None:
    """A mean with its interval, and the line at 0 to hold it against."""
    ax.errorbar([x], [middle], [[middle - low], [high - middle]], fmt="_", ms=26, color=COLOURS["mean"], capsize=5, zorder=4)
    zero(ax)
