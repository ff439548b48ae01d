"""The explorer's picture: drawn whole for a page, and for a panel on a board that draws its axes once and the data each time."""

import io

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from adage_repro import plots, style, tables, words
from adage_repro.explore.runs import Seen
from adage_repro.measures import attendance

LAYOUT = [["attendance", "attendance", "end", "end"], ["rate", "paid", "paid", "fairness"]]
RATIOS = [4, 3, 1, 4]
BOARD_INCHES = (6.4, 4.5)
BOARD_DPI = 120


def page(seen: Seen) -> Figure:
    """The picture as a figure of the house."""
    figure, axes = style.figure(LAYOUT, height=2.3, width_ratios=RATIOS)
    draw(axes, seen)
    style.legend(figure, axes)
    return figure


def draw(axes: dict[str, Axes], seen: Seen) -> None:
    """All panels: over the iterations means over the runs, and every agent at the end."""
    _attendance(axes["attendance"], seen)
    _end(axes["end"], seen)
    first, n_agents, ax = next(iter(seen.measured)), seen.game.n_agents, axes["paid"]
    path = seen.measured[first]
    rates = pd.DataFrame({"iteration": seen.rows, "tax_rate": path.tax_rate.mean(0), "tax_paid": path.revenue.mean(0) / n_agents})
    plots.series(axes["rate"], rates, "tax_rate", colour=first, title="c  tax rate")
    style.rounded_limits(axes["rate"], rates["tax_rate"])
    if seen.entry:
        each = path.tax_g1.mean(0) / (n_agents // 2), path.tax_g2.mean(0) / (n_agents - n_agents // 2)
        paid = tables.group_table("iteration group tax_paid", each, np.arange(len(seen.rows)), "tax_paid")
        plots.group_series(ax, paid.assign(iteration=np.repeat(seen.rows, 2)), "tax_paid", title="d  tax per agent")
        style.rounded_limits(ax, paid["tax_paid"])
    else:
        plots.series(ax, rates, "tax_paid", colour="agents", title="d  tax per agent")
        style.rounded_limits(ax, rates["tax_paid"])
    scale, _ = words.fairness_scale(seen.values["returns_shift"])
    fair = {leader: measured.fairness.mean(0) for leader, measured in seen.measured.items()}
    for leader, values in fair.items():
        plots.band(axes["fairness"], seen.rows, values, values, values, leader)
    style.label(axes["fairness"], "iteration", scale, "e  fairness")
    style.rounded_limits(axes["fairness"], np.concatenate([*fair.values()]), base=1.0)
    if seen.entry:
        style.entries(axes, seen.entry)


def _attendance(ax: Axes, seen: Seen) -> None:
    first, runs = next(iter(seen.measured)), len(next(iter(seen.measured.values())).mean)
    for leader in reversed(seen.measured):  # the one without, if there are two, in grey below the other
        entered = attendance(seen.histories[leader])
        for group, who in seen.groups.items():
            middle, half = entered[..., who].mean((0, 2)), entered[..., who].std((0, 2)) if leader == first else 0.0
            low, high = np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
            plots.band(ax, seen.rows, middle, low, high, group if leader == first else leader)
            if group == "agents" and leader == first:
                ax.lines[-1].set_label(style.LABELS[group])
    style.label(ax, "iteration", "attendance", "a  attendance" + f", mean ± std, {runs} runs" * (runs > 1))
    style.references(ax, seen.points)
    style.attendance_limits(ax)


def _end(ax: Axes, seen: Seen) -> None:
    by = ["leader"] * (len(seen.measured) > 1) + ["group"] * (seen.entry > 0) or ["start"]
    table = tables.by_case("leader run agent group attendance", seen.histories).assign(start=seen.values["follower_start"])
    plots.final_attendance(ax, table if seen.entry else table.drop(columns="group"), by, title="b  at the end", points=seen.points)


class Board:
    """A canvas of one size: what surrounds the data of a panel is drawn when it changes, the data each time."""

    def __init__(self):
        self._figure, self._axes = style.figure(LAYOUT, width_ratios=RATIOS)
        self._figure.set_size_inches(BOARD_INCHES)
        self._figure.set_dpi(BOARD_DPI)
        self._canvas = FigureCanvasAgg(self._figure)
        self._words, self._limits, self._longest = None, {}, 0

    def picture(self, seen: Seen) -> bytes:
        """The picture of a setting, as PNG."""
        panels = self._axes.values()
        for ax in panels:
            for artist in _data(ax):
                artist.remove()
            ax.relim()
            ax.autoscale(True)
        draw(self._axes, seen)
        for ax in panels:
            for artist in _data(ax):
                artist.set_animated(True)
        words, limits = [_words(ax) for ax in panels], {ax: (ax.get_xlim(), ax.get_ylim()) for ax in panels}
        changed = [ax for ax in panels if self._limits.get(ax) != limits[ax]]
        if words != self._words or max(map(_longest, changed), default=0) > self._longest:
            self._lay_out()
        elif changed:
            self._renew(changed)
        self._words, self._limits = words, limits
        self._canvas.restore_region(self._surroundings)
        for ax in panels:
            for artist in sorted(_data(ax), key=lambda artist: artist.zorder):
                ax.draw_artist(artist)
        file = io.BytesIO()
        Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB").save(file, format="png", compress_level=1)
        return file.getvalue()

    def _lay_out(self) -> None:
        """Find the layout anew, and draw all but the data."""
        for legend in [*self._figure.legends]:
            legend.remove()
        style.legend(self._figure, self._axes, columns=4)
        self._figure.set_layout_engine("constrained")
        self._canvas.draw()
        self._figure.set_layout_engine("none")
        self._surroundings = self._canvas.copy_from_bbox(self._figure.bbox)
        self._boxes = {ax: ax.get_tightbbox(self._canvas.renderer) for ax in self._axes.values()}
        self._longest = max(map(_longest, self._axes.values()))

    def _renew(self, changed: list[Axes]) -> None:
        """Draw the surroundings of some panels only, each on the place between its neighbour on the left and its own right end."""
        self._canvas.restore_region(self._surroundings)
        for ax in changed:
            own = self._boxes[ax]
            left = max((box.x1 for box in self._boxes.values() if box.x1 < own.x1 and box.y0 < own.y1 and own.y0 < box.y1), default=0)
            whole, height = np.asarray(self._canvas.buffer_rgba()), int(self._figure.bbox.height)
            whole[max(height - int(own.y1) - 1, 0) : height - int(own.y0) + 1, int(left) + 1 : int(own.x1) + 2] = 255
            ax.draw(self._canvas.renderer)
        self._surroundings = self._canvas.copy_from_bbox(self._figure.bbox)


def _data(ax: Axes) -> list:
    """What was drawn into a panel, notes among it; not its axes, title and labels."""
    return [*ax.lines, *ax.collections, *ax.texts, *ax.patches]


def _words(ax: Axes) -> tuple:
    """Title, labels and legend of a panel."""
    named = [tick.get_text() for tick in ax.get_xticklabels()] if ax.get_xlabel() != style.LABELS["iteration"] else []
    return ax.get_title(loc="left"), ax.get_ylabel(), named, ax.get_legend_handles_labels()[1]


def _longest(ax: Axes) -> int:
    """Signs in the longest number at the y axis, which the layout has made room for or not."""
    return max((len(tick.get_text()) for tick in ax.get_yticklabels()), default=0)
