"""What surrounds the data in every figure: the page and its layout, fonts, ticks, labels, legends, reference lines and notes."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, EngFormatter, MaxNLocator, NullLocator, ScalarFormatter

from adage_repro.palette import COLOURS, DASHES, WIDTHS
from adage_repro.words import ROUNDING

WIDTH = 7.0  # inches, the width of a page's text
PRINT_DPI, SCREEN_DPI = 300, 128  # on a laptop, a page that is 896 pixels wide
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


THEME = {  # seaborn's for paper, with ticks; its font, Arial, would make other pictures where it is installed
    "font.size": 9,
    "font.sans-serif": ["DejaVu Sans"],
    "figure.dpi": SCREEN_DPI,
    "pdf.fonttype": 42,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.8,
    "lines.solid_capstyle": "round",
    "patch.edgecolor": "w",
    "patch.force_edgecolor": True,
    "patch.linewidth": 0.8,
    "text.color": ".15",
    "legend.fontsize": 8,
    "legend.title_fontsize": 9.6,
    "legend.frameon": False,
    "axes.axisbelow": True,
    "axes.linewidth": 1.0,
    "axes.edgecolor": ".15",
    "axes.labelcolor": ".15",
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
}
TICKS = {"labelsize": 8, "color": ".15", "major.size": 4.8, "major.width": 1.0, "minor.size": 3.2, "minor.width": 0.8}
THEME |= {f"{axis}tick.{name}": value for axis in "xy" for name, value in TICKS.items()}


class Numbers(ScalarFormatter):
    """Ticks that hold their whole number, however small or close to one another, with no offset or factor printed next to the axis."""

    def __init__(self):
        super().__init__(useOffset=False)

    def __call__(self, x, pos=None):
        return self.fix_minus(f"{x:.6g}") if super().get_offset() else super().__call__(x, pos)

    def get_offset(self):
        return ""


class Iterations(EngFormatter):
    """Whole numbers; 20k and 1.5M on an axis that goes beyond 10,000."""

    def __call__(self, x, pos=None):
        return super().__call__(x, pos) if self.axis.get_view_interval()[1] > 11_000 else f"{x:.0f}"


def figure(layout: list[list[str]], height: float = 2.6, **grid: object) -> tuple[Figure, dict[str, Axes]]:
    """A figure as wide as a page's text and its panels by name, independent of any display.

    layout   rows of names, a name repeated for a panel that spans cells · height   inches a row · grid   as `Figure.subplot_mosaic`
    """
    rcParams.update(THEME)
    made = Figure(figsize=(WIDTH, height * len(layout)), layout="constrained")
    return made, made.subplot_mosaic(layout, **grid)


def wrap(items: list, columns: int, texts: list[str]) -> list[list]:
    """The items in rows as even as possible, at most `columns` side by side, fewer where the longest of their texts would not fit."""
    signs = max(len(re.sub(r"\$[^$]*\$", "xx", line)) for text in texts for line in text.splitlines())
    count = -(-len(items) // max(min(columns, 76 // signs), 1))
    width = -(-len(items) // count)
    return [items[i : i + width] for i in range(0, len(items), width)]


def rows(names: list[str], columns: int, below: str = "") -> list[list[str]]:
    """A layout of one panel a name, wrapped; with `below`, under each panel a second one whose name ends with it."""
    wrapped = wrap(names, columns, names)
    padded = [row + ["."] * (len(wrapped[0]) - len(row)) for row in wrapped]
    pairs = [(row, [name if name == "." else name + below for name in row]) for row in padded]
    return [row for pair in pairs for row in pair] if below else padded


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


def ticks_at(axis: Axis, values: np.ndarray) -> None:
    """Ticks at these values alone, written as plain numbers, for an axis that is logarithmic over little."""
    axis.set_ticks(values, [f"{value:g}" for value in values])
    axis.set_minor_locator(NullLocator())


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


def attendance_limits(ax: Axes) -> None:
    """The range of a probability, with a margin so that nothing at 0 or 1 is cut."""
    ax.set_ylim(-0.03, 1.03)


def tax_limits(ax: Axes, rates: pd.Series, tax_max: float) -> None:
    """The range of tax rates, the same in all panels of a figure: up to the largest of all `rates`, or to the bound if all are 0."""
    top = rates.max() if rates.max() > ROUNDING else tax_max or 1
    ax.set_ylim(-0.05 * top, 1.1 * top)


def rounded_limits(ax: Axes, values: np.ndarray, base: float = 0.0) -> None:
    """The y axis from `base` as far as the values reach, above it or below, rounded up to one of few numbers, so that it is the same for
    many similar runs; as far as the other of 0 and 1 where they are `base` throughout. Where they lie on both sides it is left as it is."""
    low, high = float(np.min(values)) - base, float(np.max(values)) - base
    down, far = base - 0.5 if max(-low, high) <= ROUNDING else -low - high, max(-low, high)
    if min(-low, high) <= ROUNDING and far < np.inf:
        power = 10.0 ** np.floor(np.log10(far)) if far > ROUNDING else 1.0
        reach = next(step * power for step in (1, 1.5, 2, 3, 4, 5, 7, 10) if step * power >= far * (1 - 1e-9))
        side = -reach if down > 0 else reach
        ax.set_ylim(sorted([base - 0.05 * side, base + 1.05 * side]))


def zero(ax: Axes) -> None:
    """A thin line at 0."""
    ax.axhline(0, color="0.6", lw=0.8, zorder=0)


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
