"""One colour per concept in all figures (Okabe and Ito's colour-blind-safe palette), with its dashes and the width of its lines."""

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
    "Partial": "#CC6677",  # the gradients that a leader may climb; of LookAhead a shade for each K
    "LookAhead": "#44AA99",
    "Implicit": "#332288",
    "FiniteDifference": "#999933",
    "EvolutionStrategy": "#882255",
}
ARMS = {  # of the benchmark
    "library": "#0072B2",
    "numpy": "#E69F00",
    "numba": "#000000",
    "torch": "#D55E00",
    "mesa": "#CC79A7",
    "agent_torch": "#009E73",
}
DASHES = {
    "p*": (6, 2.5),
    "rest point": (1, 1.5),
    "closed form": (3, 1.5, 1, 1.5),
    "entry": (2, 2),
    "capacity": (1, 3),
    "mean": (1, 0),
    "without": (4, 1),
    "Implicit": (4, 2),
    "FiniteDifference": (2, 2),
    "EvolutionStrategy": (5, 1, 1, 1),
}
# Points. Of two that often coincide, the one that is drawn first is the wider, so that both are seen.
WIDTHS = {"G1": 3.0, "G2": 1.7, "with": 2.6, "without": 1.2, "agents": 2.2, "rest point": 2.0, "p*": 1.1, "closed form": 0.9, "entry": 1.0}
WIDTHS |= {"tax": 1.7, "capacity": 1.3, "mean": 1.3}


def shades(count: int) -> list:
    """`count` ordered colours for the values of one quantity."""
    from seaborn import color_palette  # imported here, since it takes longer than all else that a figure imports

    return color_palette("mako_r", count)
