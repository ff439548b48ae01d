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
    """All panels; the last row of each run, and over the iterations means over the runs."""
    first = next(iter(seen.measured))
    late = seen.entry > 0
    for leader in reversed(seen.measured):  # the one without in grey, below the other
        entered = attendance(seen.histories[leader])
        for group, who in seen.groups.items():
            values = entered[..., who]
            middle, half = values.mean((0, 2)), values.std((0, 2)) if leader == first else 0.0
            colour = group if leader == first else leader
            low, high = np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
            plots.band(axes["attendance"], seen.rows, middle, low, high, colour)
    runs = len(entered)
    style.label(axes["attendance"], "iteration", "attendance", "a  attendance" + f", mean ± std, {runs} runs" * (runs > 1))
    style.references(axes["attendance"], seen.points)
    style.attendance_limits(axes["attendance"])
    by = ["leader", "group"] if late else ["leader"]
    end = tables.by_case("leader run agent group attendance", seen.histories)
    plots.final_attendance(axes["end"], end if late else end.drop(columns="group"), by, title="b  at the end", points=seen.points)
    path = seen.measured[first]
    rates = pd.DataFrame({"iteration": seen.rows, "tax_rate": path.tax_rate.mean(0)})
    plots.series(axes["rate"], rates, "tax_rate", colour="with", title="c  tax rate")
    n_agents = seen.game.n_agents
    each = path.tax_g1.mean(0) / (n_agents // 2), path.tax_g2.mean(0) / (n_agents - n_agents // 2)
    paid = tables.group_table("iteration group tax_paid", each, np.arange(len(seen.rows)), "tax_paid")
    paid["iteration"] = np.repeat(seen.rows, 2)
    plots.group_series(axes["paid"], paid, "tax_paid", title="d  tax per agent")
    scale, _ = words.fairness_scale(seen.values["returns_shift"])
    fair = {leader: measured.fairness.mean(0) for leader, measured in seen.measured.items()}
    for leader, values in fair.items():
        plots.band(axes["fairness"], seen.rows, values, values, values, leader)
    style.label(axes["fairness"], "iteration", scale, "e  fairness")
    style.rounded_limits(axes["rate"], rates["tax_rate"])
    style.rounded_limits(axes["paid"], paid["tax_paid"])
    style.rounded_limits(axes["fairness"], np.concatenate([*fair.values()]), base=1)
    if seen.entry:
        style.entries(axes, seen.entry)


class Board:
    """A canvas of one size: what surrounds the data is drawn when it changes, the data each time."""

    def __init__(self):
        self._figure, self._axes = style.figure(LAYOUT, width_ratios=RATIOS)
        self._figure.set_size_inches(BOARD_INCHES)
        self._figure.set_dpi(BOARD_DPI)
        self._canvas = FigureCanvasAgg(self._figure)
        self._drawn = None, None

    def picture(self, seen: Seen) -> bytes:
        """The picture of a setting, as PNG."""
        for ax in self._axes.values():
            for artist in _data(ax):
                artist.remove()
            ax.set_prop_cycle(None)
            ax.relim()
            ax.autoscale(True)
        draw(self._axes, seen)
        for ax in self._axes.values():
            for artist in _data(ax):
                artist.set_animated(True)
        frame, words = [_limits(ax) for ax in self._axes.values()], [_words(ax) for ax in self._axes.values()]
        if (frame, words) != self._drawn:
            self._surroundings(anew=words != self._drawn[1])
            self._drawn = frame, words
        self._canvas.restore_region(self._background)
        for ax in self._axes.values():
            for artist in sorted(_data(ax), key=lambda artist: artist.zorder):
                ax.draw_artist(artist)
        file = io.BytesIO()
        Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB").save(file, format="png", compress_level=1)
        return file.getvalue()

    def _surroundings(self, anew: bool) -> None:
        """Draw all but the data, and find the layout `anew` where the words have changed."""
        if anew:
            for legend in [*self._figure.legends]:
                legend.remove()
            style.legend(self._figure, self._axes, columns=4)
            self._figure.set_layout_engine("constrained")
        self._canvas.draw()
        self._figure.set_layout_engine("none")
        self._background = self._canvas.copy_from_bbox(self._figure.bbox)


def _data(ax: Axes) -> list:
    """What was drawn into a panel, notes among it; not its axes, title and labels."""
    return [*ax.lines, *ax.collections, *ax.texts, *ax.patches]


def _limits(ax: Axes) -> tuple:
    return ax.get_xlim(), ax.get_ylim()


def _words(ax: Axes) -> tuple:
    named = [tick.get_text() for tick in ax.get_xticklabels()] if ax.get_xlabel() != style.LABELS["iteration"] else []
    return ax.get_title(loc="left"), ax.get_ylabel(), named, ax.get_legend_handles_labels()[1]
