"""One colour per concept in all figures (Okabe and Ito's colour-blind-safe palette), sizes, fonts and ticks."""

import re

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, ScalarFormatter

COLOURS = {
    "agents": "#56B4E9",
    "G1": "#0072B2",
    "G2": "#E69F00",
    "tax": "#009E73",
    "with": "#009E73",  # the tax rate, taxes, and everything with the leader
    "without": "#7F7F7F",
    "p*": "#D55E00",
    "rest point": "#CC79A7",
    "closed form": "#000000",
    "entry": "#999999",
    "capacity": "#000000",
    "mean": "#000000",
}
DASHES = {
    "p*": (6, 2.5),
    "rest point": (1, 1.5),
    "closed form": (3, 1.5, 1, 1.5),
    "entry": (2, 2),
    "capacity": (1, 3),
    "mean": (1, 0),
    "without": (4, 1),
}
# Points. Of two that often coincide, the one that is drawn first is the wider, so that both are seen.
WIDTHS = {"G1": 3.0, "G2": 1.7, "with": 2.6, "without": 1.2, "agents": 2.2, "rest point": 2.0, "p*": 1.1, "closed form": 0.9, "entry": 1.0}
WIDTHS |= {"tax": 1.7, "capacity": 1.3, "mean": 1.3}
WIDTH = 7.0  # inches, the width of a page's text
PRINT_DPI, SCREEN_DPI = 300, 128  # on a laptop, a page that is 896 pixels wide
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


def shades(count: int) -> list:
    """`count` ordered colours for the values of one quantity."""
    from seaborn import color_palette  # it takes longer to import than all that it is used for

    return color_palette("mako_r", count)
