"""Where a claim holds along one parameter: what is tried, and how the condition is said."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from math import ceil, floor, log10

import numpy as np

from adage_repro.claims.claim import Case, Claim
from adage_repro.claims.setup import READINGS, Setup
from adage_repro.market import largest_stable_lr

SYMBOLS = {
    "follower_lr": "α_F",
    "leader_lr": "α_L",
    "capacity": "c",
    "outside_payoff": "v",
    "n_agents": "N",
    "iterations_per_agent": "I/N",
    "late_entry_share": "ι/I",
}


def grid(name: str, setup: Setup) -> list:
    """Where a search begins: along a parameter from end to end, the setup's own value among them."""
    if name in READINGS:
        return list(READINGS[name])
    values = {
        "follower_lr": lambda: np.geomspace(1e-4, largest_stable_lr(setup.game, setup.order) or 0.5, 22),
        "leader_lr": lambda: np.geomspace(1e-6, 0.4, 22),
        "capacity": lambda: np.linspace(max(0.1, 1 / setup.n_agents), 1, 19),
        "outside_payoff": lambda: np.append(0, np.geomspace(0.1, 100, 16)),
        "tax_max": lambda: np.geomspace(1e-4, 5, 22),
        "late_entry_share": lambda: np.linspace(0, 0.95, 20),
        "iterations_per_agent": lambda: np.arange(1, 41),
        "n_agents": lambda: np.array([5, 7, 10, 15, 20, 30, 40, 60, 100]),
    }[name]()
    own = getattr(setup, name)
    kind = int if name in ("iterations_per_agent", "n_agents") else float
    inside = [own] if values[0] <= own <= values[-1] else []
    return sorted({*(kind(value) for value in values), *inside})


@dataclass
class Line:
    """A claim's measurement along one parameter: whether it holds at each value tried."""

    claim: Claim
    setup: Setup
    name: str
    values: tuple = ()
    tried: dict = field(default_factory=dict)

    def case(self, value: object) -> Case:
        """The claim with the parameter at a value."""
        return Case(self.claim, replace(self.setup, **{self.name: value}))

    def wanted(self) -> list:
        """The grid first; then ten values in each gap between one that holds and one that does not."""
        if not self.tried:
            return list(self.values) or grid(self.name, self.setup)
        if self.values or self.name in READINGS or self.name == "iterations_per_agent":
            return []
        values = sorted(self.tried)
        edges = [(a, b) for a, b in pairwise(values) if self.tried[a] != self.tried[b]]
        between = [x for a, b in edges[:8] for x in np.linspace(a, b, 12)[1:-1]]
        return [float(x) for x in between] if self.name != "n_agents" else sorted({int(x) for x in between} - set(values))

    def text(self, of: str) -> str:
        """The values at which it holds, edges cut towards the inside to three digits; at least one does.

        A stretch is narrow if fewer than two values of the first grid lie in it; of such only where they are is said.
        `of` is the id of the claim whose measurement was searched, where it was another's.
        """
        symbol = SYMBOLS.get(self.name, self.name)
        if self.values:
            good = " or ".join(f"{x:g}" for x in sorted(self.tried) if self.tried[x])
            return f"{symbol} = {good}" + f" (of {self.searched()})" * (len(self.tried) > 1) + self.part(of)
        first = grid(self.name, self.setup)
        stretches = [list(part) for ok, part in groupby(sorted(self.tried), self.tried.get) if ok]
        wide = [s for s in stretches if len(set(s) & set(first)) > 1 or len(first) < 10]
        named = wide or stretches[:1]
        ends = [(cut(s[0], ceil), cut(s[-1], floor)) if len(s) > 1 else (f"{s[0]:.3g}",) * 2 for s in named]
        parts = [low if float(low) >= float(high) else f"{low} … {high}" for low, high in ends]
        narrow = [f"{s[len(s) // 2]:.3g}" for s in stretches if s not in named]
        more = f" and narrowly about {', '.join(narrow)}" if narrow else ""
        return f"{symbol} in {' or '.join(parts)}{more} (of {self.searched()})" + self.part(of)

    def part(self, of: str) -> str:
        """Said where another claim's measurement was searched, which is a part of this one."""
        return f" for the part that {of} measures" if of else ""

    def searched(self) -> str:
        """From where to where, or where."""
        values = sorted(self.tried)
        if self.values:
            return ", ".join(f"{x:g}" for x in values)
        return f"{cut(values[0], ceil)} … {cut(values[-1], floor)}" if len(values) > 1 else f"{values[0]:.3g}"


def cut(value: float, towards: Callable[[float], int]) -> str:
    """Three significant digits, up or down."""
    if value == 0:
        return "0"
    scale = 10.0 ** (2 - floor(log10(abs(value))))
    return f"{towards(value * scale * (1 + (1e-9 if towards is floor else -1e-9))) / scale:.3g}"
