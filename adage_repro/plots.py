"""Tables and arrays in, one panel out: nothing here computes a result or saves a file."""

from collections.abc import Mapping, Sequence
from textwrap import shorten

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from adage_repro.palette import COLOURS, DASHES, WIDTHS, shades
from adage_repro.style import LABELS, attendance_limits, label, note, references, still, zero
from adage_repro.words import ROUNDING

PLACES = {"capacity": "$c$ = {:g}", "group": "${0[0]}_{0[1]}$"}  # how a label is written below a column of dots
PLACE_LABELS = {"leader": "with or without leader"}
STILL = {"tax_rate": r"$\tau$ stays at 0", "tax_paid": "no tax is paid"}  # said where all of it is zero


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


def by_gradient(ax: Axes, table: pd.DataFrame, y: str, text: str, title: str = "") -> None:
    """One quantity over the iterations for each gradient that the leader climbs, by its name: of several LookAhead(K) a shade for each."""
    names = list(table["gradient"].unique())
    ahead = [name for name in names if name.startswith("LookAhead(")]
    colours = COLOURS | dict(zip(ahead, shades(len(ahead)), strict=True))
    for order, name in enumerate(names):
        part, kind = table[table["gradient"] == name], name.split("(")[0]
        drawn = {
            "color": colours[name if name in colours else kind],
            "dashes": DASHES.get(kind, (1, 0)),
            "lw": 1.6,
            "zorder": 2 + order / 99,
        }
        lines = part.pivot(index="iteration", columns="component", values=y) if "component" in part else part.set_index("iteration")[y]
        ax.plot(lines.index, lines.to_numpy(), **drawn)[0].set_label(name)
    label(ax, "iteration", text, title)


def actions(ax: Axes, table: pd.DataFrame, text: str, title: str = "") -> None:
    """Each number of each agent's action over the iterations."""
    lines = table.pivot(index="iteration", columns=["agent", "component"], values="action")
    ax.plot(lines.index, lines.to_numpy(), color=COLOURS["agents"], lw=1.6, alpha=0.75, zorder=2)[0].set_label(LABELS["agents"])
    label(ax, "iteration", text, title)


def costs(ax: Axes, table: pd.DataFrame, x: str, y: str, texts: tuple[str, str], title: str = "") -> None:
    """What a run costs against its size, with and without a leader, on logarithmic axes. `texts` are those of the axes."""
    for leader, name in ((False, "without"), (True, "with")):
        part = table[table["leader"] == leader]
        drawn = {"color": COLOURS[name], "dashes": DASHES.get(name, (1, 0)), "lw": 1.6, "marker": "os"[leader], "label": LABELS[name]}
        ax.plot(part[x], part[y], **drawn)
    ax.set_xscale("log")
    ax.set_yscale("log")
    label(ax, *texts, title)


def known(ax: Axes, values: Sequence[float]) -> None:
    """Horizontal lines at a known answer, under the name of a closed form."""
    for k, value in enumerate(np.unique(np.ravel(values))):
        drawn = {"color": COLOURS["closed form"], "dashes": DASHES["closed form"], "lw": WIDTHS["closed form"], "zorder": 4}
        ax.axhline(value, label=LABELS["closed form"] if k == 0 else None, **drawn)


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
    values = table[y].mask(table[y].abs() <= ROUNDING, 0)
    ax.plot(table["iteration"], values, color=COLOURS[colour], lw=0.75 * WIDTHS[colour], label=LABELS[colour], zorder=2)
    label(ax, "iteration", y, title)


def band(ax: Axes, x: np.ndarray, middle: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str) -> None:
    """A line with a band around it, or of a single row a dot with a bar; of agents, their mean and range."""
    drawn = {"color": COLOURS[colour], "label": "mean and range of agents" if colour == "agents" else LABELS[colour], "zorder": 2}
    if len(x) > 1:
        if np.any(high - low > ROUNDING):  # a band of thousands of rows in which all agents are alike would be drawn in vain
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
    """Fairness with the leader minus without: a dot for each run, the mean with its 95% interval, and a line at 0 for comparison."""
    dots(ax, [f"{len(values)} runs"], [pd.DataFrame({"difference": values})], ["with"], "difference")
    still(ax, pd.Series(values), "none in any run")
    middle, low, high = (interval[name] for name in ("mean", "low", "high"))
    ax.errorbar([0], [middle], [[middle - low], [high - middle]], fmt="_", ms=26, color=COLOURS["mean"], capsize=5, zorder=4)
    zero(ax)
    label(ax, "", "difference in fairness", title)


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


def _middle_cut(text: str) -> str:
    """The text, or of a long one its first and its last words, in which claims of the same beginning differ."""
    return text if len(text) <= 58 else f"{shorten(text, 32, placeholder='')} … {shorten(text[::-1], 24, placeholder='')[::-1]}"


def share_map(ax: Axes, shares: pd.DataFrame, empty: pd.DataFrame, claims: list[str]) -> None:
    """Claims by readings (`shares_by_reading`), the share of settings in which each holds; in the last column also as a number.

    empty    where a dot says that the claim is on a tax and none is paid · claims   the text of each, its middle cut out where it is long
    """
    from seaborn import heatmap  # imported here, since only this panel needs it

    numbers = np.full(shares.shape, "", dtype=object)
    numbers[:, -1] = [f"{100 * share:.0f}%" for share in shares.iloc[:, -1]]
    texts = [f"{id}  {_middle_cut(claim)}" for id, claim in zip(shares.index, claims, strict=True)]
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


REGIMES = {  # colour and marker of each regime of `policy.policy_map`
    "too slow": ("#56B4E9", "v"),
    "works": ("#009E73", "o"),
    "swings about the kink": ("#D55E00", "X"),
    "no gap to close": ("#BBBBBB", "s"),
    "past the stability limit": ("#000000", "x"),
}


def regimes(ax: Axes, table: pd.DataFrame, lines: pd.DataFrame, marked: Sequence[tuple[int, float]] = ()) -> None:
    """Where the policy works at one tax_max: a sign for each N and α_F by its regime, and the boundaries that the law gives.

    lines    `policy.law_lines` of the same tax_max · marked   (N, α_F) with a ring around them
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
        label="the paper's learning rates",
        zorder=4,
    )
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(sorted(table["n_agents"].unique()), sorted(table["n_agents"].unique()))
    ax.minorticks_off()
    ax.set_xlim(table["n_agents"].min() / 1.25, table["n_agents"].max() * 1.25)
    ax.set_ylim(table["follower_lr"].min() / 1.4, table["follower_lr"].max() * 1.4)
    label(ax, "number of agents $N$", r"learning rate $\alpha_F$")
