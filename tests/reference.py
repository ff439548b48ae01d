"""The two-layer market model (Eqs. 3, 5, 6, 7, 8) once more, in loops over agents with gradients worked out by hand.

Slow and plain: what the library computes by automatic differentiation and scans is compared with it.
"""

import itertools
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from adage_repro import readings

ORDERS, LATE_GROUPS = readings.ORDER.words, readings.LATE_GROUP.words
TAX_UNITS, CROWDS, SHIFTS = readings.TAX_UNITS.words, readings.CROWD.words, readings.RETURNS_SHIFT.words


def way(name, word, **ways):
    """What these loops do under a reading."""
    assert word in ways, f"tests/reference.py has no loops for {name} = {word}: add them, by hand and not as the library does it"
    return ways[word]


@dataclass
class Market:
    """The market game in one of its readings, the solver's two (`order`, `late_group`) included."""

    n_agents: int
    capacity: float
    outside_payoff: float = 1.0
    order: str = ORDERS[0]
    tax_units: str = TAX_UNITS[0]
    returns_shift: str = SHIFTS[0]
    late_group: str = LATE_GROUPS[0]
    crowd: str = CROWDS[0]

    def over_attendance(self, i, actions, members):
        """Eq. 7's a_i - m in its units: the mean of the differences to the others, so that it is exactly 0 where all are alike."""
        differences = sum(actions[i] - actions[j] for j in members) / len(members)
        others = sum(actions[j] for j in members if j != i)
        return way("tax_units", self.tax_units, headcount=self.n_agents * differences, rate=differences, literal=-others)

    def over_attendance_slope(self, members):
        """How fast the over-attendance of an agent grows with its own action."""
        slope = 1 - 1 / len(members)  # the own action is a part 1/n of the mean
        return way("tax_units", self.tax_units, headcount=self.n_agents * slope, rate=slope, literal=0.0)

    def tax_base(self, i, actions, members):
        """What τ is multiplied with: a_i times the over-attendance, if that is positive."""
        return actions[i] * max(self.over_attendance(i, actions, members), 0.0)

    def utility(self, i, actions, members, tax_rate):
        """Eq. 8."""
        m = sum(actions[j] for j in members)
        m = way("crowd", self.crowd, included=m, excluded=1 + (m - actions[i]))  # who enters is there with certainty
        entering, v = actions[i], self.outside_payoff
        payoff = entering * (v + 2 * (self.capacity * self.n_agents - m)) + (1 - entering) * v
        return payoff - tax_rate * self.tax_base(i, actions, members)

    def follower_gradient(self, i, actions, members, tax_rate):
        """Eq. 8 by a_i, the others' actions held fixed; no tax gradient at or below the boundary (App. B)."""
        places = self.capacity * self.n_agents
        others = sum(actions[j] for j in members if j != i)
        gradient = way("crowd", self.crowd, included=2 * (places - others) - 4 * actions[i], excluded=2 * (places - 1 - others))
        over = self.over_attendance(i, actions, members)
        if over > 0:
            gradient -= tax_rate * (over + actions[i] * self.over_attendance_slope(members))
        return gradient

    def leader(self, actions, members, tax_rate):
        """Eq. 6 and its derivative by τ at these actions: a return falls by its tax base, the shift by that of the poorest."""
        n = len(members)
        returns = {i: self.utility(i, actions, members, tax_rate) for i in members}
        slopes = {i: -self.tax_base(i, actions, members) for i in members}
        poorest = min(members, key=returns.get, default=None)
        shifted = n > 0 and way("returns_shift", self.returns_shift, negative=returns[poorest] < 0, always=True, none=False)
        shift, shift_slope = (returns[poorest], slopes[poorest]) if shifted else (0.0, 0.0)
        summed = sum(returns[i] - shift for i in members)
        summed_slope = sum(slopes[i] - shift_slope for i in members)
        if summed == 0:
            return 0.0, 0.0
        spread = spread_slope = 0.0
        for i in members:
            for j in members:
                spread += abs(returns[i] - returns[j]) / 2
                spread_slope += np.sign(returns[i] - returns[j]) * (slopes[i] - slopes[j]) / 2
        return -n * spread / summed, -n * (spread_slope * summed - spread * summed_slope) / summed**2


def expected_entry_payoff(capacity, outside_payoff, others):
    """Eq. 4's mean for who enters among `others` who enter with these probabilities, one outcome after the other."""
    places, mean = capacity * (len(others) + 1), 0.0
    for outcome in itertools.product([True, False], repeat=len(others)):
        chance = np.prod([p if enters else 1 - p for p, enters in zip(others, outcome, strict=True)])
        mean += chance * (outside_payoff + 2 * (places - 1 - sum(outcome)))
    return mean


def solve(
    market,
    start,
    iterations,
    follower_lr,
    leader_lr=None,
    leader_every=2,
    entry_time=0,
    action_bounds=(0.0, 1.0),
    leader_bounds=(0.0, 0.1),
    leader_start=0.0,
):
    """Eq. 3 row by row: `actions`, `leader_action`, `present`, `utilities`, `objective` as the library's History has them."""
    agents = range(len(start))
    entry = np.broadcast_to(entry_time, len(start)).tolist()
    actions, tax_rate = [float(a) for a in start], float(leader_start)
    rows = []

    def clip(value, bounds):
        return min(max(value, bounds[0]), bounds[1])

    def members_at(t):
        return [i for i in agents if way("late_group", market.late_group, absent=t >= entry[i], frozen=True)]

    def record(members):
        payoffs = [market.utility(i, actions, members, tax_rate) if i in members else 0.0 for i in agents]
        objective = market.leader(actions, members, tax_rate)[0]
        rows.append((list(actions), tax_rate, [i in members for i in agents], payoffs, objective))

    record(members_at(0))
    for t in range(iterations):
        members = members_at(t)
        if leader_lr is not None and t % leader_every == 0:
            tax_rate = clip(tax_rate + leader_lr * market.leader(actions, members, tax_rate)[1], leader_bounds)
        seen = way("order", market.order, simultaneous=list(actions), alternating=actions)  # the second: the latest iterates
        for i in agents:
            if t >= entry[i]:
                actions[i] = clip(actions[i] + follower_lr * market.follower_gradient(i, seen, members, tax_rate), action_bounds)
        record(members)
    names = ("actions", "leader_action", "present", "utilities", "objective")
    return SimpleNamespace(**{name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)})
