"""The paper's Figure 1, which it prints as a picture only: the two layers, what passes between them, and which gradient each climbs."""

import io

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from adage_repro.style import COLOURS, PRINT_DPI, figure

ALT = (
    "Two layers. The outer layer is the leader, who climbs the gradient of fairness by the tax rate. The inner layer is a differentiable "
    "simulation: followers, each climbing the gradient of its own payoff by its attendance, and the market, which turns attendances and "
    "the tax rate into payoffs. The leader sends the tax rate down to the market and sees the returns that come up."
)


def draw() -> bytes:
    """The diagram as a PNG, equal to the byte wherever the locked versions draw it."""
    drawn, axes = figure([["layers"]], height=3.3)
    ax = axes["layers"]
    ax.set(xlim=(-0.5, 100.5), ylim=(-0.5, 47.5))
    ax.axis("off")
    for low, high, name in ((31, 47, "outer layer"), (0, 23.5, "inner layer: differentiable simulation")):
        _box(ax, 0, low, 100, high - low, "0.75", face="0.965")
        ax.text(2, high - 1.5, name, va="top", fontsize=8.5, color="0.35")
    ax.text(2, 36.5, "The leader moves first, in every second\niteration; the followers see its new rate.", va="center", fontsize=8.5)
    climbs = r"$\tau \leftarrow \tau + \alpha_L \, \partial U_L / \partial \tau$"
    _role(ax, 52, 33, 46, 12, COLOURS["with"], "leader", r"fairness  $U_L = -\frac{1}{2}\sum_{i,j} |R_i - R_j| \, / \, \bar{R}$", climbs)
    climbs = r"$a_i \leftarrow a_i + \alpha_F \, \partial U_i / \partial a_i$"
    _role(ax, 2, 2.5, 37, 14, COLOURS["agents"], "followers  $i = 1, …, N$", "attendance  $0 \\leq a_i \\leq 1$", climbs)
    pays = r"$U_i = v + 2 a_i (C - m) - \mathrm{tax}_i(\tau)$"
    _role(ax, 61, 2.5, 37, 14, COLOURS["capacity"], "market of capacity $C$", r"total attendance  $m = \sum_j a_j$", pays)
    _arrow(ax, (39.8, 12), (60.2, 12), "attendance $a_i$", COLOURS["agents"], (50, 13))
    _arrow(ax, (60.2, 7), (39.8, 7), "payoff $U_i$", COLOURS["capacity"], (50, 8))
    _arrow(ax, (70, 32.2), (70, 17.3), r"tax rate $\tau$", COLOURS["with"], (68.5, 27.2), "right")
    _arrow(ax, (82, 17.3), (82, 32.2), "returns $R_i$", COLOURS["capacity"], (83.5, 27.2), "left")
    picture = io.BytesIO()
    drawn.savefig(picture, format="png", dpi=PRINT_DPI, metadata={"Software": None, "Description": ALT})
    return picture.getvalue()


def _box(ax: Axes, x: float, y: float, width: float, height: float, edge: str, face: str) -> None:
    ax.add_patch(FancyBboxPatch((x, y), width, height, "round,pad=0,rounding_size=1.2", facecolor=face, edgecolor=edge, lw=1.3))


def _role(ax: Axes, x: float, y: float, width: float, height: float, colour: str, name: str, about: str, rule: str) -> None:
    """A box with a name, what it is about, and its rule."""
    _box(ax, x, y, width, height, colour, face="white")
    middle = x + width / 2
    ax.text(middle, y + 0.8 * height, name, ha="center", va="center", fontsize=9.5, weight="bold")
    ax.text(middle, y + 0.5 * height, about, ha="center", va="center", fontsize=8.5)
    ax.text(middle, y + 0.19 * height, rule, ha="center", va="center", fontsize=8.5)


def _arrow(ax: Axes, tail: tuple, head: tuple, text: str, colour: str, place: tuple, side: str = "center") -> None:
    ax.annotate(
        "", head, tail, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.6, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 13}
    )
    ax.text(*place, text, ha=side, va="bottom" if side == "center" else "center", fontsize=8.5)
