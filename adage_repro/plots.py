"""Tables and arrays in, one panel out: nothing here computes a result or saves a file."""

from collections.abc import Mapping, Sequence
from textwrap import shorten

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, MaxNLocator

from adage_repro.style import COLOURS, DASHES, WIDTHS, Iterations, Numbers, shades

LABELS = {
    "iteration": "iteration $t$",
    "attendance": "attendance $a_i$ (prob.)",
    "tax_rate": r"tax rate $\tau$ (payoff/excess)",
    "tax_paid": "tax paid (payoff)",
    "fairness": "fairness $1-$Gini",
    "g1_attendance": "attendance of $G_1$ (probability)",
    "gini": "Gini coefficient of returns",
    "others_attendance": "others' $a$ (prob.)",
    "leader_update": r"$\partial U_L/\partial\tau$ (objective per payoff)",
    "follower_update": r"$\partial U_0/\partial a_0$ (payoff)",
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
PLACES = {"capacity": "$c$ = {:g}", "group": "${0[0]}_{0[1]}$"}  # how a label is written below a column of dots
PLACE_LABELS = {"leader": "with or without leader"}
BEFORE = {"absent": "$G_1$ alone", "frozen": "$G_2$ frozen"}  # what is so until G2 enters, by `late_group`
STILL = {"tax_rate": r"$\tau$ stays at 0", "tax_paid": "no tax is paid"}  # said where all of it is zero
ROUNDING = 1e-13  # what lies closer to zero is zero, as in the tables


def label(ax: Axes, x: str, y: str, title: str = "") -> None:
    """Axis labels by name (LABELS) or as given, and the panel's title."""
    ax.set(xlabel=LABELS.get(x, x), ylabel=LABELS.get(y, y), title=title)
    if ax.get_yscale() == "linear":
        ax.yaxis.set_major_formatter(Numbers())
    if x == "iteration":
        ax.xaxis.set_major_locator(AutoLocator())
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.xaxis.set_major_formatter(Iterations(sep=""))


def note(ax: Axes, text: str, x: float = 0.5) -> None:
    """A word inside the panel, `x` of its width from the left, where else it would be empty or look so."""
    if text:
        ax.text(x, 0.6, text, transform=ax.transAxes, ha="center", fontsize=8, color="0.3", bbox={"color": "white", "pad": 1})


def still(ax: Axes, values: pd.Series, text: str) -> None:
    """Says so where all values are zero, on a scale in which no rounding shows."""
    if np.abs(values).max() < ROUNDING:
        ax.set_ylim(-0.05, 1)
        note(ax, text)


def outer_labels(axes: Mapping[str, Axes], same_x: bool = True) -> None:
    """Axis labels at the outer panels only, and few ticks, where many small panels share their y axis, and with `same_x` their x axis."""
    places = {name: ax.get_subplotspec() for name, ax in axes.items()}
    lowest = {place.colspan.start: max(p.rowspan.start for p in places.values() if p.colspan == place.colspan) for place in places.values()}
    for name, ax in axes.items():
        if ax.get_xscale() == "linear":
            ax.xaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10], integer=True))
        if places[name].rowspan.start < lowest[places[name].colspan.start]:
            ax.set_xlabel("")
            ax.tick_params(labelbottom=not same_x)
        if places[name].colspan.start > 0:
            ax.set_ylabel("")
            ax.tick_params(labelleft=False)


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
        if isinstance(handle, PathCollection):
            handle.set_sizes([22])


def references(ax: Axes, points: Mapping[str, float], span: tuple[float, float] | None = None) -> None:
    """Horizontal lines at p*, the rest point, the capacity …; over `span` of x only, where one is given."""
    for name, value in points.items():
        drawn = {"color": COLOURS[name], "dashes": DASHES[name], "lw": WIDTHS[name], "label": LABELS[name], "zorder": 4 - WIDTHS[name] / 10}
        if span is None:
            ax.axhline(value, **drawn)
        else:
            ax.plot(span, [value, value], **drawn)


def entry(ax: Axes, iteration: int, text: str = r"$G_2$ enters") -> None:
    """A vertical line where something begins."""
    ax.axvline(iteration, color=COLOURS["entry"], dashes=DASHES["entry"], lw=WIDTHS["entry"], label=text, zorder=1)


def entries(axes: Mapping[str, Axes], iteration: int) -> None:
    """`entry` in each panel whose x axis is the iteration."""
    for ax in axes.values():
        if ax.get_xlabel() == LABELS["iteration"]:
            entry(ax, iteration)


def paths(ax: Axes, table: pd.DataFrame, title: str = "") -> None:
    """Attendance of every agent over the iterations, coloured by group if the table has one."""
    for name, part in table.groupby("group") if "group" in table else [("agents", table)]:
        lines = part.pivot(index="iteration", columns="agent", values="attendance")
        drawn = ax.plot(lines.index, lines.to_numpy(), color=COLOURS[name], lw=WIDTHS[name], alpha=0.75, zorder=2)
        drawn[0].set_label(LABELS[name])
    label(ax, "iteration", "attendance", title)


def closed_form(ax: Axes, rows: np.ndarray, lines: np.ndarray | None) -> None:
    """The closed form of the agents' paths (rows, lines), where there is one."""
    if lines is not None:
        drawn = ax.plot(rows, lines, color=COLOURS["closed form"], dashes=DASHES["closed form"], lw=WIDTHS["closed form"], zorder=4.1)
        drawn[0].set_label(LABELS["closed form"])


def dots(
    ax: Axes, places: Sequence[str], tables: Sequence[pd.DataFrame], colours: Sequence[str], y: str = "attendance", room: int = 0
) -> None:
    """Values as dots side by side, one column per table, spread sideways by a fixed pattern so that none hides another.

    room   for how many columns the axis has room, if for more than there are
    """
    for x, (table, colour) in enumerate(zip(tables, colours, strict=True)):
        few = len(table) < 50
        pattern = (np.arange(len(table)) + 0.5) / len(table) if few else np.arange(len(table)) * 0.6180339887 % 1
        size, alpha = (22, 0.9) if few else (5, 0.45)
        drawn = {"s": size, "color": COLOURS[colour], "alpha": alpha, "lw": 0, "clip_on": False}
        ax.scatter(x + (pattern - 0.5) * 0.62, table[y], label=LABELS[colour], zorder=2, **drawn)
    ax.set_xticks(range(len(places)), places)
    ax.set_xlim(-0.6, max(room, len(places)) - 0.4)
    label(ax, "", y)


def final_attendance(
    ax: Axes, table: pd.DataFrame, by: list[str], title: str = "", points: Mapping[str, float] | None = None, room: int = 0
) -> dict[tuple, pd.DataFrame]:
    """Attendance at the end as dots, a column for each combination of the labels `by`, in the colour of its group if it has one.

    Gives the parts of the table that are drawn, from left to right, by their labels. `points` as in `references`, `room` as in `dots`.
    """
    ends = _parts(table, by)
    places = ["\n".join(PLACES.get(name, "{}").format(value) for name, value in zip(by, labels, strict=True)) for labels in ends]
    dots(ax, places, ends.values(), [labels[by.index("group")] if "group" in by else "agents" for labels in ends], room=room)
    label(ax, ", ".join(PLACE_LABELS.get(name, name) for name in by), "attendance", title)
    attendance_limits(ax)
    references(ax, points or {})
    return ends


def _parts(table: pd.DataFrame, columns: list[str]) -> dict[tuple, pd.DataFrame]:
    """The table split by the values of `columns`, sorted by the first, then the next, each in its values' order of appearance."""
    seen = [list(table[column].unique()) for column in columns]
    split = table.groupby(columns, sort=False)
    return dict(sorted(split, key=lambda item: [values.index(value) for values, value in zip(seen, item[0], strict=True)]))


def attendance_limits(ax: Axes) -> None:
    """The range of a probability, with a margin so that nothing at 0 or 1 is cut."""
    ax.set_ylim(-0.03, 1.03)


def tax_limits(ax: Axes, rates: pd.Series, tax_max: float) -> None:
    """The range of tax rates, the same in all panels of a figure: up to the largest of all `rates`, or to the bound if all are 0."""
    top = rates.max() if rates.max() > ROUNDING else tax_max or 1
    ax.set_ylim(-0.05 * top, 1.1 * top)


def zero(ax: Axes) -> None:
    """A thin line at 0."""
    ax.axhline(0, color="0.6", lw=0.8, zorder=0)


def series(ax: Axes, table: pd.DataFrame, y: str, colour: str, title: str = "") -> None:
    """One quantity over the iterations."""
    _line(ax, table, y, colour, title)
    still(ax, table[y], STILL[y])


def group_series(ax: Axes, table: pd.DataFrame, y: str, title: str = "") -> None:
    """One quantity of both groups over the iterations."""
    for name, part in table.groupby("group"):
        _line(ax, part, y, name, title)
    if y == "attendance":
        attendance_limits(ax)
    if y in STILL:
        still(ax, table[y], STILL[y])


def _line(ax: Axes, table: pd.DataFrame, y: str, colour: str, title: str) -> None:
    values = table[y].where(table[y].abs() > ROUNDING, 0)
    ax.plot(table["iteration"], values, color=COLOURS[colour], lw=0.75 * WIDTHS[colour], label=LABELS[colour], zorder=2)
    label(ax, "iteration", y, title)


def band(ax: Axes, x: np.ndarray, middle: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str) -> None:
    """A line with a band around it, or of a single row a dot with a bar; of agents, their mean and range."""
    drawn = {"color": COLOURS[colour], "label": "mean and range of agents" if colour == "agents" else LABELS[colour], "zorder": 2}
    if len(x) > 1:
        if np.any(high - low > ROUNDING):  # of agents that are all alike, thousands of rows would be drawn in vain
            ax.fill_between(x, low, high, color=COLOURS[colour], alpha=0.25, lw=0, zorder=1)
        ax.plot(x, middle, lw=WIDTHS[colour], dashes=DASHES.get(colour, (1, 0)), **drawn)
    else:
        width = WIDTHS[colour]
        ax.errorbar(x, middle, [middle - low, high - middle], fmt="o", ms=3 * width, elinewidth=width, capsize=3 * width, **drawn)
        ax.set_xlim(x[0] - 1, x[0] + 1)
    label(ax, "iteration", "attendance")


def range_band(ax: Axes, table: pd.DataFrame) -> None:
    """The mean and the range of the agents' attendance, from a `tables.range_table`."""
    band(ax, table["iteration"], table["attendance_mean"], table["attendance_min"], table["attendance_max"], "agents")


def mean_and_spread(
    ax: Axes, bands: Mapping[str, Mapping[str, np.ndarray]], y: str, title: str, first: int = 0, top: float = np.inf
) -> None:
    """The mean over runs, with and without the leader, from iteration `first` on, and one standard deviation around it, cut at `top`."""
    for leader, drawn in bands.items():
        mean, std = drawn["mean"][first:], drawn["std"][first:]
        band(ax, np.arange(first, first + len(mean)), mean, mean - std, np.minimum(mean + std, top), leader)
        note(ax, "one row\nis left" if len(mean) == 1 and leader == "with" else "", x=0.2)
    label(ax, "iteration", y, title)


def fairness_difference(ax: Axes, values: np.ndarray, interval: Mapping[str, float], title: str) -> None:
    """Fairness with the leader minus without: a dot for each run, the mean with its 95% interval, and the line at 0 to hold it against."""
    dots(ax, [f"{len(values)} runs"], [pd.DataFrame({"difference": values})], ["with"], "difference")
    still(ax, pd.Series(values), "none in any run")
    middle, low, high = (interval[name] for name in ("mean", "low", "high"))
    ax.errorbar([0], [middle], [[middle - low], [high - middle]], fmt="_", ms=26, color=COLOURS["mean"], capsize=5, zorder=4)
    zero(ax)
    label(ax, "", "difference in fairness", title)


def phase(ax: Axes, begin: float, end: float, text: str) -> None:
    """A shaded stretch of x, where it has any length, named at its foot, for which the y axis makes room."""
    if begin < end:
        low, high = ax.get_ylim()
        ax.set_ylim(low - 0.1 * (high - low), high)
        ax.axvspan(begin, end, color="0.93", lw=0, zorder=0)
        ax.text(begin, 0.03, f" {text}", transform=ax.get_xaxis_transform(), va="bottom", fontsize=8, color="0.3")


def bend(ax: Axes, values: pd.Series, linear: float) -> str:
    """A y axis that is linear within ± `linear` and logarithmic beyond, where the values need it; the words that say so."""
    largest = float(np.abs(values).max())
    if largest <= 10 * linear:
        return ""
    ax.set_yscale("symlog", linthresh=linear)
    ax.margins(y=0.1)
    decades = np.arange(1, np.floor(np.log10(largest)) + 1)
    steps = 10.0 ** decades[:: -(-len(decades) // 4)]
    ax.set_yticks([*-steps[steps <= -values.min()], 0, *steps[steps <= values.max()]])
    ax.minorticks_off()
    return rf" (axis linear within $\pm${linear:g})"


def shaded_dots(ax: Axes, table: pd.DataFrame, x: str, shade: str, y: str) -> None:
    """One row of dots for each value of `shade`, from light to dark; no lines, since y may jump. Dots that coincide lie in one another."""
    values = table[shade].unique()
    shared = table.groupby([table[x], table[y].round(9)])[y].transform("size") > 1
    for ring, (value, colour) in enumerate(zip(values, shades(len(values)), strict=True)):
        own, others = (table[(table[shade] == value) & (shared == coincide)] for coincide in (False, True))
        ax.plot(own[x], own[y], ".", ms=3.5, color=colour, label=f"{value:g}", zorder=2)
        ax.plot(others[x], others[y], "o", ms=1.2 + 0.8 * ring, color=colour, mew=0, zorder=2 - 0.01 * ring)
    zero(ax)
    still(ax, table[y], "0 throughout")


def share_map(ax: Axes, shares: pd.DataFrame, empty: pd.DataFrame, claims: list[str]) -> None:
    """Claims by readings (`shares_by_reading`), the share of settings in which each holds; in the last column also as a number.

    empty    where a dot says that the claim is on a tax and none is paid · claims   the text of each, cut to what fits
    """
    from seaborn import heatmap  # here, since no figure of the paper needs it

    numbers = np.full(shares.shape, "", dtype=object)
    numbers[:, -1] = [f"{100 * share:.0f}%" for share in shares.iloc[:, -1]]
    texts = [f"{id}  {shorten(claim, 56, placeholder=' …')}" for id, claim in zip(shares.index, claims, strict=True)]
    bar = {"label": "share of settings in which it holds", "aspect": 50, "pad": 0.02}
    drawn = {"cmap": "mako", "vmin": 0, "vmax": 1, "cbar_kws": bar, "annot": numbers, "fmt": "", "annot_kws": {"fontsize": 5.5}}
    heatmap(shares.to_numpy(), ax=ax, xticklabels=list(shares.columns), yticklabels=texts, **drawn)
    ax.tick_params(axis="y", labelsize=6)
    for tick in ax.get_xticklabels():
        tick.set(rotation=40, ha="right", rotation_mode="anchor", fontsize=7)
    rows, columns = np.nonzero(empty.to_numpy())
    ax.scatter(columns + 0.5, rows + 0.5, s=3, color="0.5", lw=0)
    ax.vlines([1, shares.shape[1] - 1], 0, len(shares), color="white", lw=3)
    ax.set_xlabel("reading: the default, one choice changed, all (dot: the claim is on a tax, and none is paid)", fontsize=7)
    ax.set_ylabel("claim")


REGIMES = {  # colour and marker of each regime of `claims.policy_map`
    "too slow": ("#56B4E9", "v"),
    "works": ("#009E73", "o"),
    "swings about the kink": ("#D55E00", "X"),
    "no gap to close": ("#BBBBBB", "s"),
    "past the stability limit": ("#000000", "x"),
}


def regimes(ax: Axes, table: pd.DataFrame, lines: pd.DataFrame, marked: Sequence[tuple[int, float]] = ()) -> None:
    """Where the policy works at one tax_max: a sign for each N and α_F by its regime, and the boundaries that the law gives.

    lines    `claims.policy_map.law_lines` of the same tax_max · marked   (N, α_F) with a ring around them
    """
    for regime, (colour, marker) in REGIMES.items():
        part = table[table["regime"] == regime]
        ax.scatter(
            part["n_agents"], part["follower_lr"], s=26, color=colour, marker=marker, lw=0 if marker != "x" else 1, label=regime, zorder=3
        )
    grid = lines.pivot(index="follower_lr", columns="n_agents", values="law")
    if (grid.min(axis=None) < 0.5) and (grid.max(axis=None) > 0.5):
        ax.contour(grid.columns, grid.index, grid.to_numpy(), levels=[0.5], colors="black", linewidths=1.2, zorder=2)
        ax.plot([], [], color="black", lw=1.2, label="law: half the gap is left")
    limit = lines.groupby("n_agents")["limit"].first()
    if (limit > 0).all():
        ax.plot(limit.index, limit, color="0.5", dashes=DASHES["entry"], lw=1, label="stability limit without tax", zorder=1)
    ax.scatter(
        *zip(*marked, strict=True) if marked else ([], []),
        s=110,
        facecolor="none",
        edgecolor="black",
        lw=1,
        label="the paper's settings",
        zorder=4,
    )
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(sorted(table["n_agents"].unique()), sorted(table["n_agents"].unique()))
    ax.minorticks_off()
    ax.set_xlim(table["n_agents"].min() / 1.25, table["n_agents"].max() * 1.25)
    ax.set_ylim(table["follower_lr"].min() / 1.4, table["follower_lr"].max() * 1.4)
    label(ax, "number of agents $N$", r"learning rate $\alpha_F$")
