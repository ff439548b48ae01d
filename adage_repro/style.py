"""One colour per concept in all figures (Okabe and Ito's colour-blind-safe palette), sizes and fonts."""

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
DASHES = {"p*": (5, 2), "rest point": (1.5, 1.5), "closed form": (3, 1.5, 1, 1.5), "entry": (2, 2), "capacity": (1, 3), "mean": (1, 0)}
WIDTH = 7.0  # inches, the width of a page's text
PRINT_DPI, SCREEN_DPI = 300, 110


def figure(layout: list[list[str]], height: float = 2.6, **grid: object) -> tuple[Figure, dict[str, Axes]]:
    """A figure as wide as a page's text and its panels by name, independent of any display.

    layout   rows of names, a name repeated for a panel that spans cells · height   inches a row · grid   as `Figure.subplot_mosaic`
    """
    sns.set_theme(
        context="paper",
        style="ticks",
        palette="colorblind",
        rc={"font.size": 9, "axes.labelsize": 9, "axes.titlesize": 9, "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.fontsize": 8}
        | {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "lines.linewidth": 1.3}
        | {"pdf.fonttype": 42, "axes.titlelocation": "left", "axes.titleweight": "bold", "figure.dpi": SCREEN_DPI},
    )
    made = Figure(figsize=(WIDTH, height * len(layout)), layout="constrained")
    return made, made.subplot_mosaic(layout, **grid)


def rows(names: list[str], columns: int) -> list[list[str]]:
    """A layout of one panel a name, at most `columns` side by side, as even as possible."""
    count = -(-len(names) // columns)
    width = -(-len(names) // count)
    padded = names + ["."] * (count * width - len(names))
    return [padded[i : i + width] for i in range(0, len(padded), width)]


def shades(count: int) -> list:
    """`count` ordered colours for the values of one quantity."""
    return sns.color_palette("mako_r", count)
