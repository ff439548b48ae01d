"""Time of one update of one agent against N, by arm: python benchmarks/picture.py draws benchmarks/results.png from results.csv."""

from pathlib import Path

import pandas as pd
from matplotlib.ticker import FuncFormatter, LogLocator

from adage_repro.palette import ARMS
from adage_repro.style import PRINT_DPI, figure, label, legend

LABELS = {"library": "this library", "numpy": "NumPy", "numba": "numba", "torch": "PyTorch", "mesa": "Mesa", "agent_torch": "AgentTorch"}
MARKERS = dict(zip(LABELS, "osv^DX", strict=True))


def draw(table: Path, picture: Path) -> None:
    """A panel without a leader and one with: solid with full histories, dashed with summaries only."""
    found = pd.read_csv(table)
    found = found[(found["runs"] == 0) & (found["order"] == "simultaneous") & found["run_s"].notna()]
    found["ns"] = 1e9 * found["run_s"] / (found["n_agents"] * found["iterations"])
    made, axes = figure([["without a leader", "with a leader"]], height=3.1, sharey=True)
    for (title, ax), led in zip(axes.items(), (False, True), strict=True):
        for name in LABELS:
            for kept, dashes in (("full", (1, 0)), ("summaries", (3, 1.5))):
                own = found[(found["arm"] == name) & (found["leader"] == led) & (found["kept"] == kept)].sort_values("n_agents")
                drawn = {"color": ARMS[name], "marker": MARKERS[name], "dashes": dashes, "zorder": 3 if name == "library" else 2}
                if len(own):
                    ax.plot(own["n_agents"], own["ns"], label=LABELS[name] if kept == "full" else None, lw=1.5, **drawn)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.xaxis.set_major_locator(LogLocator(numticks=9))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
        label(ax, "agents $N$", "time per agent step (ns)" if not led else "", title)
    axes["with a leader"].plot([], [], color="0.3", dashes=(3, 1.5), label="summaries only")
    legend(made, axes, columns=7)
    made.savefig(picture, dpi=PRINT_DPI, metadata={"Software": None})


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    draw(here / "results.csv", here / "results.png")
